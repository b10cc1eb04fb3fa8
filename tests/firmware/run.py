#!/usr/bin/env python3
"""The boot ROM end to end: signed images, good and bad, from an aux store to running code.

    run.py POME DIR [--only WORD] [--list]      DIR: scratch and what make built (stage1.elf, kernel.elf)
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image as im  # noqa: E402
import variants  # noqa: E402

ECID = variants.ECID


def pome(exe, args, typed="", timeout=90):
    p = subprocess.run([exe, "run", "-q", "--timeout", str(timeout - 5)] + args, input=typed.encode(),
                       capture_output=True, timeout=timeout)
    return p.returncode, p.stdout.decode("latin1").replace("\r", ""), p.stderr.decode("latin1")


class Runner:
    def __init__(self, exe, scratch):
        self.exe, self.scratch, self.passed, self.failed = exe, scratch, 0, []

    def case(self, case):
        path = os.path.join(self.scratch, "aux.img")
        with open(path, "wb") as f:
            f.write(case.aux() if callable(case.aux) else case.aux)
        args = ["--disk", path + ",role=aux,format=raw", "--ecid", hex(ECID), "-m", "512M", "--accel", "interp"] + case.args
        status, out, err = pome(self.exe, args, case.typed)
        ok = status == case.status and all(w in out for w in case.want) and not any(w in out for w in case.never)
        ok = ok and "a fault of its own" not in out and "fault of pome" not in err
        if ok:
            self.passed += 1
            print("ok   " + case.name)
        else:
            self.failed.append(case.name)
            print("FAIL %s: status %d (want %d), wanted %r" % (case.name, status, case.status, case.want))
            print("\n".join("     " + s for s in (out[-1500:] + err[-500:]).splitlines()))
        sys.stdout.flush()


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    only = next((a[7:] for a in sys.argv if a.startswith("--only=")), "")
    exe, build = args[0], args[1]
    with tempfile.TemporaryDirectory() as scratch:
        r = Runner(os.path.abspath(exe), scratch)
        for case in variants.cases(build):
            if "--list" in sys.argv:
                print(case.name)
            elif re.search(only, case.name):
                r.case(case)
    if "--list" not in sys.argv:
        print("%d passed, %d failed" % (r.passed, len(r.failed)))
    return 1 if r.failed else 0


if __name__ == "__main__":
    sys.exit(main())
