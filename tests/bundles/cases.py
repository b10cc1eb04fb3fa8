#!/usr/bin/env python3
"""cases.py - every sample bundle against the manifest.

    cases.py POME [NAME...]         pome inspect --json of each case, and what run says
    cases.py --make DIR             only makes the cases, for mutate; property lists in both forms

Each case is copied to a scratch directory, its placeholder files are made there, and format, verdict, machine and
messages are compared with manifest.json. Exits 1 if any differs."""
import base64, json, os, plistlib, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def load(name):
    with open(os.path.join(HERE, name)) as f:
        return json.load(f)


def head(table, name):
    return bytes.fromhex(next(c for c in load(table) if c["name"] == name)["hex"])


HEADS = {
    "kernel": lambda: head("kernel-headers/cases.json", "image-efi-stub"),
    "qcow2": lambda: head("disk-headers/cases.json", "qcow2-v3"),
    "asif": lambda: head("disk-headers/cases.json", "asif"),
}


def qcow2(path, size):
    """A real image where there is a tool for it; a header alone is refused for what it lacks."""
    r = subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, str(size)])
    if r.returncode:
        sys.exit("cases.py: qemu-img is needed (package qemu-utils)")


def make(base, spec):
    path = os.path.join(base, spec["path"])
    if spec["kind"] == "dir":
        os.makedirs(path, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if spec["kind"] == "qcow2":
        qcow2(path, spec["size"])
        return
    with open(path, "wb") as f:
        if spec["kind"] in HEADS:
            h = bytearray(HEADS[spec["kind"]]())
            if spec["kind"] == "kernel":        # a bss no larger than the guest's RAM
                h[16:24] = spec["size"].to_bytes(8, "little")
            f.write(h)
        elif spec["kind"] == "initrd":
            f.write(b"070701")
        elif spec["kind"] == "iso":
            f.seek(0x8001)
            f.write(b"CD001")
        f.truncate(spec["size"])
        for p in spec.get("poke", []):
            f.seek(p["offset"])
            f.write(bytes.fromhex(p["hex"]))


def scratch(case, where):
    """Makes the case below `where`; the path to give to pome."""
    src = os.path.join(HERE, case["path"])
    # A macosvm or vfkit case is its one file; the directory around is the bundle.
    if os.path.isdir(src):
        dst = os.path.join(where, os.path.basename(src))
        shutil.copytree(src, dst)
        base = dst
    else:
        base = os.path.join(where, os.path.basename(os.path.dirname(src)))
        os.makedirs(base)
        dst = os.path.join(base, os.path.basename(src))
        shutil.copy(src, dst)
    subprocess.run(["chmod", "-R", "u+w", base])
    for d in case.get("decode", []):
        with open(os.path.join(base, d["from"])) as f:
            data = base64.b64decode(f.read())
        with open(os.path.join(base, d["to"]), "wb") as f:
            f.write(data)
    for c in case.get("create", []):
        make(base, c)
    return dst


def differs(want, got, at):
    """What of `want` is not so in `got`, as text."""
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return [f"{at}: {got!r}, not an object"]
        return [d for k in want for d in differs(want[k], got.get(k), f"{at}.{k}")]
    if isinstance(want, list):
        if not isinstance(got, list) or len(want) != len(got):
            return [f"{at}: {got!r}, not {want!r}"]
        return [d for i, w in enumerate(want) for d in differs(w, got[i], f"{at}.{i}")]
    return [] if want == got and type(want) is type(got) else [f"{at}: {got!r}, not {want!r}"]


def tree(path):
    """Every file below, its size and times: what a reader must not change."""
    out = {}
    for d, _, files in os.walk(path):
        for f in files:
            s = os.lstat(os.path.join(d, f))
            out[os.path.join(d, f)] = (s.st_size, s.st_mtime_ns, s.st_blocks)
    return out


# What board_virt.c looks for; without one of them a bundle that starts through UEFI is refused.
FIRMWARE = ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", "/usr/share/edk2/aarch64/QEMU_EFI.fd",
            "/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/qemu/edk2-aarch64-code.fd")


def on_this_host(case):
    uefi = case.get("vm", {}).get("boot", {}).get("kind") == "uefi"
    if not uefi or case["expect"] not in ("ok", "warn") or any(os.path.exists(p) for p in FIRMWARE):
        return case
    return dict(case, expect="unsupported", messages=case["messages"] + ["error:cannot-start"])


def check(pome, case):
    case = on_this_host(case)
    bad = []
    with tempfile.TemporaryDirectory(prefix="pome-case-") as where:
        path = scratch(case, where)
        before = tree(where)
        r = subprocess.run([pome, "inspect", "--json", path], capture_output=True, text=True, timeout=60)
        if tree(where) != before:
            bad.append("inspect changed a file")
        try:
            o = json.loads(r.stdout)
        except ValueError:
            return [f"status {r.returncode}, no JSON: {r.stdout[:200]}{r.stderr[:400]}"]
        for m in o["messages"]:
            # Texts name what they are about, and are whole.
            if len(m["text"]) < 12 or (m["level"] == "error" and not m.get("file") and not m.get("key")
                                       and "/" not in m["text"]):
                bad.append(f"a message without a place: {m}")
        if not case["format"] == o["format"] and not (
                case["format"] in ("json", "utm") and o["format"].startswith(("json", "utm", "macosvm"))):
            bad.append(f"format {o['format']}, not {case['format']}")
        if o["verdict"] != case["expect"]:
            bad.append(f"verdict {o['verdict']}, not {case['expect']}")
        if (r.returncode == 0) != (case["expect"] in ("ok", "warn")) or r.returncode not in (0, 3):
            bad.append(f"status {r.returncode}")
        bad += differs(case.get("vm", {}), o.get("vm", {}), "vm")
        got = {f"{m['level']}:{m['code']}" for m in o["messages"]}
        want = set(case.get("messages", []))
        bad += [f"no {m}" for m in sorted(want - got)]
        bad += [f"unexpected {m}" for m in sorted(got - want) if not m.startswith("note:")]
        if bad:
            bad += [f"    {m['level']}:{m['code']} {m['text']}" for m in o["messages"]]
            return bad
        # The person's form and the command, with the same status.
        for form in ([], ["--command"]):
            q = subprocess.run([pome, "inspect"] + form + [path], capture_output=True, text=True, timeout=60)
            if q.returncode != r.returncode:
                bad.append(f"inspect {form}: status {q.returncode}")
        if case["expect"] in ("unsupported", "malformed"):
            q = subprocess.run([pome, "run", path], capture_output=True, text=True, timeout=60,
                               stdin=subprocess.DEVNULL)
            errors = [l for l in q.stderr.splitlines() if l.startswith("pome: error: ")]
            if q.returncode != 3 or len(errors) != 1:
                bad.append(f"run: status {q.returncode}, {q.stderr}")
        if tree(where) != before:
            bad.append("run changed a file")
    return bad


def quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"


def check_commands(pome, name):
    """The command lines of vfkit/ or vftool/cmdlines.json, each in a file that ends with its end of line."""
    bad = []
    for case in load(name + "/cmdlines.json"):
        want = case.get("vm")
        if not want or want.get("guest") == "macos":    # whose identity is in further files
            continue
        with tempfile.TemporaryDirectory(prefix="pome-case-") as where:
            boot = want.get("boot", {})
            files = [(boot.get("kernel"), "kernel"), (boot.get("initrd"), "initrd")]
            for f, kind in files + [(d["file"], "raw") for d in want.get("disks", [])]:
                if f:
                    make(where, {"path": f, "kind": kind, "size": 1 << 20})
            path = os.path.join(where, "start.sh")
            with open(path, "w") as f:
                f.write("#!/bin/sh\n" + " ".join(quoted(w) for w in case["argv"]) + "\n")
            r = subprocess.run([pome, "inspect", "--json", path], capture_output=True, text=True, timeout=60)
            try:
                got = json.loads(r.stdout).get("vm", {})
            except ValueError:
                got = {}
            bad += [f"{case['name']}: {d}" for d in differs(want, got, "vm")]
    return bad


def make_all(where):
    """Every case below `where`, an index of them, and those with an XML list again with a binary one."""
    index = []
    for n, case in enumerate(load("manifest.json")["cases"]):
        for binary in (False, True):
            d = os.path.join(where, f"{n:03}{'b' if binary else ''}")
            os.makedirs(d)
            path = scratch(case, d)
            if binary and not make_binary(d):
                shutil.rmtree(d)
                continue
            index.append(path)
    with open(os.path.join(where, "index"), "w") as f:
        f.writelines(p + "\n" for p in index)


def make_binary(d):
    any_ = False
    for base, _, files in os.walk(d):
        for f in files:
            path = os.path.join(base, f)
            if not f.endswith(".plist"):
                continue
            try:
                with open(path, "rb") as fp:
                    v = plistlib.load(fp, fmt=plistlib.FMT_XML)
                with open(path, "wb") as fp:
                    plistlib.dump(v, fp, fmt=plistlib.FMT_BINARY)
                any_ = True
            except Exception:           # a case that is broken on purpose
                pass
    return any_


def main():
    if sys.argv[1] == "--make":
        return make_all(os.path.abspath(sys.argv[2]))
    pome, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    failed = count = 0
    for case in load("manifest.json")["cases"]:
        if names and not any(n in case["path"] for n in names):
            continue
        count += 1
        bad = check(pome, case)
        if bad:
            failed += 1
            print(f"FAIL {case['path']}: " + "\n     ".join(bad))
    for name in () if names else ("vfkit", "vftool"):
        count += 1
        bad = check_commands(pome, name)
        if bad:
            failed += 1
            print(f"FAIL {name}/cmdlines.json: " + "\n     ".join(bad))
    print(f"bundles: {count - failed} of {count} samples as the manifest says")
    sys.exit(1 if failed or not count else 0)


if __name__ == "__main__":
    main()
