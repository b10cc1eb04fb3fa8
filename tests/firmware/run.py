#!/usr/bin/env python3
"""The boot ROM end to end: signed images, good and bad, from an aux store to running code.

    run.py POME DIR [--only=REGEX] [--list] [-- POME-OPTIONS...]    DIR: what make built (stage1.bin, kernel.elf)
"""
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image as im  # noqa: E402
import monitor_cases  # noqa: E402
import variants  # noqa: E402
import xnu_cases  # noqa: E402

ECID = variants.ECID


def pome(exe, args, typed="", timeout=90):
    p = subprocess.run([exe, "run", "-q", "--timeout", str(timeout - 5)] + args, input=typed.encode(),
                       capture_output=True, timeout=timeout)
    return p.returncode, p.stdout.decode("latin1").replace("\r", ""), p.stderr.decode("latin1")


class Runner:
    def __init__(self, exe, scratch, extra):
        self.exe, self.scratch, self.extra, self.passed, self.failed = exe, scratch, extra, 0, []

    def case(self, case):
        stats = os.path.join(self.scratch, "stats")
        names, args = {}, ["--ecid", hex(ECID), "-m", "512M", "--stats", stats] + self.extra
        for name, data in dict(case.files, aux=case.aux).items():
            names[name] = os.path.join(self.scratch, name)
            if data is not None:
                with open(names[name], "wb") as f:
                    f.write(data() if callable(data) else data)
        if case.aux is not None:
            args += ["--disk", names["aux"] + ",role=aux,format=raw"]
        status, out, err = pome(self.exe, args + [a.format(**names) for a in case.args], case.typed)
        ok = status == case.status and all(out.count(w) >= case.want.count(w) for w in case.want) and not any(w in out for w in case.never)
        ok = ok and all(w in err for w in case.errors)
        ok = ok and "a fault of its own" not in out and "fault of pome" not in err
        count = ""
        if ok and case.budget:
            n = json.load(open(stats))["instructions"]
            ok, count = 0 < n <= case.budget, ": %.1f million" % (n / 1e6)
        if ok:
            self.passed += 1
            print("ok   " + case.name + count)
        else:
            self.failed.append(case.name)
            print("FAIL %s%s: status %d (want %d), wanted %r" % (case.name, count, status, case.status, case.want))
            print("\n".join("     " + s for s in (out[-1500:] + err[-500:]).splitlines()))
        sys.stdout.flush()


def main():
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    args = [a for a in sys.argv[1:cut] if not a.startswith("--")] + sys.argv[cut + 1:]
    only = next((a[7:] for a in sys.argv if a.startswith("--only=")), "")
    exe, build = args[0], args[1]
    with tempfile.TemporaryDirectory() as scratch:
        r = Runner(os.path.abspath(exe), scratch, args[2:] or ["--accel", "interp"])
        for case in itertools.chain(variants.cases(build), xnu_cases.cases(build), monitor_cases.cases()):
            if "--list" in sys.argv:
                print(case.name)
            elif re.search(only, case.name):
                r.case(case)
    if "--list" not in sys.argv:
        print("%d passed, %d failed" % (r.passed, len(r.failed)))
    return 1 if r.failed else 0


if __name__ == "__main__":
    sys.exit(main())
