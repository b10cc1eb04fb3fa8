#!/usr/bin/env python3
"""pome inspect on each kind of Apple's containers, good and damaged, and a new machine as pome-vmapple(7) tells to make it.

    tools.py POME DIR       DIR: what make built (stage1.bin)
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image as im  # noqa: E402
import variants as v  # noqa: E402
import xnu_cases as x  # noqa: E402


def inspect(exe, path):
    p = subprocess.run([exe, "inspect", "--json", path], capture_output=True, timeout=60)
    plain = subprocess.run([exe, "inspect", path], capture_output=True, timeout=60)
    assert p.returncode == plain.returncode and p.returncode in (0, 3), (p.returncode, p.stderr, plain.stderr)
    return p.returncode, json.loads(p.stdout) if p.stdout else {}, (p.stderr + plain.stderr).decode()


def at(found, path):
    for k in path:
        found = found[k]
    return found


# name, contents, status, what is where in the JSON
def images():
    checks = [(("checks", "signature"), "ok"), (("manifest", "MANP", "ECID"), hex(v.ECID)),
              (("manifest", "MANP", "BORD"), "0x20")]
    payload = [(("type",), "illb"), (("packing",), "lzfse"), (("unpacked",), len(v.OFF)), (("unpacks",), "ok")]
    bank = [(("format",), "nvram-chrp"), (("generation",), 5), (("variables", "boot-args"), "serial=3")]
    store = {0x100000: v.good(), 0x300000: x.nvram("serial=3", 5)}
    inside = [(("format",), "apple-aux"), (("payload",), 32 << 20)]
    inside += [(("objects", 0) + p, w) for p, w in bank] + [(("objects", 1) + p, w) for p, w in payload + checks]
    yield "IMG4", v.good(), 0, [(("format",), "img4"), (("checks", "digest"), "ok")] + payload + checks
    yield "IM4P", v.PAYLOAD, 0, [(("format",), "im4p")] + payload
    yield "IM4M", v.manifest(), 0, [(("format",), "im4m")] + checks
    yield "device tree", x.template(), 0, [(("format",), "apple-devicetree"), (("tree", "name"), "device-tree"),
                                           (("tree", "children", 1, "children", 31, "name"), "cpu31")]
    yield "NVRAM", x.nvram("serial=3", 5), 0, bank
    yield "NVRAM, version 3", x.nvram3("-v", 6), 0, [(("format",), "nvram-v3"), (("variables", "boot-args"), "-v")]
    yield "store, trimmed", im.aux(store), 0, [(("wrapped",), False)] + inside
    yield "store, wrapped", im.aux(store, wrapped=True), 0, [(("wrapped",), True)] + inside
    yield "store, blank", im.aux({}), 0, [(("format",), "apple-aux"), (("objects",), [])]
    yield "signature wrong", v.good(signature=bytes(512)), 3, [(("verdict",), "malformed")]
    yield "digest wrong", v.good(images=[im.image_group("illb", v.PAYLOAD + b"x")]), 3, [(("verdict",), "malformed")]


def damaged():
    yield "IMG4 cut", v.good()[:-1]
    yield "IM4P cut", v.PAYLOAD[:-1]
    yield "IM4M cut", v.manifest()[:-1]
    yield "LZFSE damaged", im.im4p("illb", v.OFF)[:60] + b"\xff" * 40 + im.im4p("illb", v.OFF)[100:]
    yield "NVRAM damaged", x.nvram("a", 1)[:-1] + b"x"
    yield "NVRAM, version 3, too large", x.nvram3("a", 1, 1 << 30)
    yield "device tree cut", x.template()[:-8]


def new_machine(exe, build, tmp):
    """The manual's words: create --vmapple --stage1 IMG4 DIR; run DIR."""
    img4, bundle = os.path.join(tmp, "stage1.img4"), os.path.join(tmp, "mac")
    with open(img4, "wb") as f:
        f.write(im.signed("illb", open(os.path.join(build, "stage1.bin"), "rb").read(), v.ECID))
    subprocess.run([exe, "create", "--vmapple", "--ecid", hex(v.ECID), "--stage1", img4, bundle], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    p = subprocess.run([exe, "run", "--accel", "interp", "--timeout", "100", bundle], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=120)
    out = p.stdout.decode().replace("\r", "")
    assert p.returncode == 0 and all(line in out for line in v.ALL_OK if "CONFIG" not in line), (out, p.stderr)


def main():
    exe, build = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "image")

        def put(data):
            with open(path, "wb") as f:
                f.write(data)

        for name, data, want, facts in images():
            put(data)
            status, found, err = inspect(exe, path)
            assert status == want, (name, status, found, err)
            for where, fact in facts:
                assert at(found, where) == fact, (name, where, at(found, where), fact)
            print("ok   inspect: " + name)
        for name, data in damaged():
            put(data)
            status, found, err = inspect(exe, path)
            assert status == 3 and ("malformed" in err or found.get("verdict") == "malformed"), (name, status, found, err)
            print("ok   inspect: " + name)
        new_machine(exe, build, tmp)
        print("ok   a new machine, and its stage 1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
