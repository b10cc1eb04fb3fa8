#!/usr/bin/env python3
"""The same boot ROM, unchanged, on QEMU's vmapple machine: the cases of run.py that use nothing of pome's own.

    qemu.py QEMU DIR [--only=REGEX]     DIR: make's build; QEMU: see README.md, no distribution has it on Linux
"""
import itertools
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import monitor_cases  # noqa: E402
import variants  # noqa: E402
import xnu_cases  # noqa: E402

# What QEMU's devices do otherwise (spec/vmapple.md section 4.4), by the case that shows it.
DIFFERS = {
    "monitor, disks": "0x420 is a constant", "monitor, sector behind the end": "0x420 is a constant",
    "monitor, devices": "no GICv2m, AVP-RTC, USB port", "monitor, aes": "CBC does not go on",
    "monitor, cpu": "MIDR is QEMU's", "monitor, memory, where nothing is": "a hole aborts",
    "stage 1, wrapped store": "the user trims the store",
    "monitor, a long line": "its UART loses what does not fit the FIFO",
}


def options(case):
    """QEMU's for the case's, or None: it needs something of pome's."""
    words, more = iter(case.args), []
    for w in words:
        if w == "-p":
            more += ["-smp", next(words)]
        elif w == "-m":
            next(words)
        elif w != "--disk" or "role=root" not in next(words):
            return None
    return more


def run(exe, build, tmp, case):
    names = {"aux": bytes(1 << 20), "root": bytes(1 << 20)}
    names.update((k, v() if callable(v) else v) for k, v in dict(case.files, aux=case.aux or names["aux"]).items())
    args = [exe, "-M", "vmapple,uuid=%d" % variants.ECID, "-accel", "tcg", "-cpu", "max,cntfrq=24000000", "-m", "1G",
            "-bios", os.path.join(build, "rom/rom.bin"), "-display", "none", "-monitor", "none", "-serial", "stdio",
            "-nic", "none"] + options(case)
    for i, name in enumerate(("aux", "root")):
        path = os.path.join(tmp, name)
        with open(path, "wb") as f:
            f.write(names[name])
        args += ["-drive", "file=%s,if=pflash,format=raw,index=%d" % (path, i),
                 "-drive", "file=%s,if=none,id=%s,format=raw,file.locking=off" % (path, name),
                 "-device", "vmapple-virtio-blk-pci,variant=%s,drive=%s" % (name, name)]
    p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        # a key first that is lost when the ROM turns the FIFO on
        out = p.communicate(("\n" + case.typed).encode(), timeout=60)[0]
    except subprocess.TimeoutExpired:
        p.kill()
        out = p.communicate()[0]
    out = out.decode("latin1").replace("\r", "")
    good = p.returncode == 0 and all(out.count(w) >= case.want.count(w) for w in case.want)
    return good and not any(w in out for w in case.never) and "a fault of its own" not in out, out


def suitable(case):
    return case.status == 0 and not case.errors and case.aux is not None and options(case) is not None and \
        not any("stage1: " in w for w in case.want)         # stage 1 looks for what pome's devices do better


def main():
    only = next((a[7:] for a in sys.argv if a.startswith("--only=")), "")
    exe, build = [a for a in sys.argv[1:] if not a.startswith("--")]
    tests = os.path.join(build, "firmware-tests")
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as tmp:
        for case in itertools.chain(variants.cases(tests), xnu_cases.cases(tests), monitor_cases.cases()):
            if not suitable(case) or not re.search(only, case.name):
                continue
            if case.name in DIFFERS:
                print("skip %s: %s" % (case.name, DIFFERS[case.name]))
                continue
            good, out = run(exe, build, tmp, case)
            passed, failed = passed + good, failed + (not good)
            print(("ok   " if good else "FAIL ") + case.name)
            if not good:
                print("\n".join("     " + s for s in out[-1200:].splitlines()))
            sys.stdout.flush()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
