#!/usr/bin/env python3
"""bench.py - pome's speed beside QEMU's, on this machine, in one run.

  bench.py [--quick] [--parts cpu,more,sys,host,boot,smp,debian,qcow2,start] [--only NAME,...] [--json FILE] [--compare OLD.json] BUILD

Parts: cpu, more, sys  bare-metal programs  boot    Debian's kernel to user space
       host      host instructions per guest instruction (valgrind)
       smp       idle, two CPUs           debian  programs inside a booted Debian (tests/debian/rootfs.sh)
       start     start to the first guest instruction
       qcow2     qcow2 against raw (tests/qcow2/bench.sh)
Figures are CPU seconds of the whole process; ratios are the peer's time by pome's, above 1: pome is faster, with the
least and the most of the repetitions in brackets. Peers: qemu-system-aarch64 (TCG, the JIT; POME_QEMU), and a TCI build
where QEMU_TCI names one (README.md; not in smp, debian: too slow). --compare says what changed since an older run; how much the
peer's own time changed between the two runs shows how far to trust that.
"""
import argparse, json, os, platform, re, statistics, subprocess, sys, tempfile, time

import linux_part
from machines import Lost, Machine, Running, counted, cpu_of, programs

here = os.path.dirname(os.path.abspath(__file__))
PARTS = ["start", "cpu", "more", "sys", "host", "boot", "smp", "debian", "qcow2"]
BARE = {"cpu": "programs that compute", "more": "integer programs as people write them", "sys": "what systems do"}
# issue 3's groups
GROUPS = {
    "compute": ["int", "call", "branch", "sort", "memcpy", "chase", "fp"],
    "integer": ["int", "hash", "call", "branch", "switch", "sort", "text"],
    "all compute": ["int", "hash", "call", "branch", "switch", "sort", "memcpy", "text", "chase", "fp", "nbody", "vector"],
}
HOST = {"int": 0, "hash": 1, "call": 2, "branch": 3, "switch": 4, "sort": 5, "memcpy": 6, "chase": 8, "fp": 9, "nbody": 10}


def ratio_of(mine, theirs):
    """Of the best of each, because what disturbs only adds; and the range."""
    return min(theirs) / min(mine), min(theirs) / max(mine), max(theirs) / min(mine)


class Bench:
    def __init__(self, a):
        self.a = a
        cache = os.environ.get("POME_CACHE", os.path.join(here, "../../build/debian"))
        self.cache = os.path.realpath(cache)
        self.reps = 1 if a.quick else 3
        self.machines = [Machine("pome", os.path.join(a.build, "pome"), a.build, cache),
                         Machine("tcg", os.environ.get("POME_QEMU", "qemu-system-aarch64"), a.build, cache)]
        if os.environ.get("QEMU_TCI"):
            self.machines.append(Machine("tci", os.environ["QEMU_TCI"], a.build, cache))
        self.result = {"version": 2, "machine": cpu_name(), "kernel": platform.release(), "commit": commit(), "reps": self.reps,
                       "qemu": first_line([self.machines[1].binary, "--version"]), "load": os.getloadavg()[0]}

    def wanted(self, part):
        return part in self.a.parts

    def ratio_table(self, part, times):
        """times: {machine: {name: [(cpu, wall)...]}}; prints and keeps them."""
        peers = [m for m in times if m != "pome"]
        print("%-13s %10s" % ("", "pome") + "".join("%11s   ratio" % p for p in peers))
        kept = self.result.setdefault(part, {})
        for name, mine in times["pome"].items():
            kept[name] = {m: times[m][name] for m in times if name in times[m]}
            line = "%-13s %10s" % (name, seconds(min(c for c, _ in mine)))
            for p in peers:
                if name not in times[p]:
                    continue
                r = ratio_of([c for c, _ in mine], [c for c, _ in times[p][name]])
                line += "%11s %7.2f (%.2f-%.2f)" % (seconds(min(c for c, _ in times[p][name])), *r)
            print(line + self.note.get(name, ""), flush=True)
        return peers

    def mean(self, part, label, names, peers):
        for p in peers:
            rows = [self.result[part][n] for n in names if n in self.result[part] and p in self.result[part][n]]
            if len(rows) > 1:
                r = [ratio_of([c for c, _ in row["pome"]], [c for c, _ in row[p]])[0] for row in rows]
                m = statistics.geometric_mean(r)
                self.result.setdefault("means", {})["%s/%s/%s" % (part, label, p)] = m
                print("%s (%d): geometric mean %.2f x %s, least %.2f" % (label, len(r), m, p, min(r)))

    def bare(self, part):
        times, self.note = {}, {}
        for m in self.machines:
            times[m.name], insns = programs(m, part, self.a.only, self.reps)
        for name, n in insns.items():
            if times["pome"].get(name):
                mips = n / min(c for c, _ in times["pome"][name]) / 1e6
                self.note[name] = "   %.0f million guest instructions a second" % mips
                self.result["mips_" + name] = mips
        print("\n%s: CPU seconds" % BARE[part])
        peers = self.ratio_table(part, times)
        groups = {"cpu": GROUPS, "more": {"integer programs": list(times["pome"])}, "sys": {}}
        for label, names in groups[part].items():
            self.mean(part, label, names, peers)

    def host(self, work):
        try:
            subprocess.run(["valgrind", "--version"], capture_output=True, check=True)
        except OSError:
            print("\nhost instructions per guest instruction: no valgrind here")
            return
        names = [n for n in HOST if not self.a.only or n in self.a.only]
        if self.a.quick:
            names = [n for n in names if n in ("int", "call", "memcpy", "fp")]
        pome = self.machines[0]
        base = counted(pome, "", work)
        kept = self.result["host"] = {}
        print("\nhost instructions per guest instruction (valgrind)")
        for n in names:
            h, g = counted(pome, chr(ord("A") + HOST[n]), work)
            kept[n] = (h - base[0]) / (g - base[1])
            print("%-13s %6.2f" % (n, kept[n]), flush=True)
        if len(kept) > 1:
            print("geometric mean %.2f" % statistics.geometric_mean(kept.values()))

    def boot(self, work):
        kept = self.result["boot"] = {}
        print("\nLinux (Debian's %s, 1 CPU) to user space" % first_line(["cat", self.cache + "/kernel.version"]))
        for m in self.machines:
            runs = kept[m.name] = [linux_part.boot(m, work) for _ in range(self.reps)]
            best = min(runs, key=lambda r: r["cpu"])
            line = "%-6s CPU %.2f s (%.2f-%.2f), wall %.2f s; CPU to power-off %.2f s; memory with guest RAM %d MiB" % (
                m.name, best["cpu"], best["cpu"], max(r["cpu"] for r in runs), min(r["wall"] for r in runs),
                min(r["cpu_end"] for r in runs), max(r["private_kib"] for r in runs) // 1024)
            if m.pome:
                line += "; beyond guest RAM %d MiB; %.0f million guest instructions a second" % (
                    max(r["own"] for r in runs) >> 20, best["instructions"] / best["cpu_end"] / 1e6)
            print(line, flush=True)
        mine = min(r["cpu"] for r in kept["pome"])
        for m in self.machines[1:]:
            print("pome's CPU time is %.2f x %s's" % (mine / min(r["cpu"] for r in kept[m.name]), m.name))

    def smp(self):
        kept = self.result["smp"] = {}
        print("\nLinux with 2 CPUs")
        for m in self.machines[:2]:
            r = kept[m.name] = linux_part.cpus(m)
            print("%-6s idle: %.2f %% of a host CPU; a loop %.2f s of CPU, two at once %.2f s: %.2f x the work a CPU second; "
                  "wall %.2f s, %.2f s: %.2f x" % (m.name, 100 * r["idle"], r["one"][0], r["two"][0],
                                                 4 * r["one"][0] / r["two"][0], r["one"][1], r["two"][1],
                                                 2 * r["one"][1] / r["two"][1]), flush=True)

    def debian(self, work):
        if not os.path.exists(self.cache + "/rootfs.img"):
            print("\nprograms in a Debian: no %s/rootfs.img (tests/debian/rootfs.sh makes it)" % self.cache)
            return
        times, self.note = {}, {}
        say = lambda name: print(".", end="", flush=True)
        print("\nprograms inside a booted Debian: CPU seconds of the whole machine", end=" ", flush=True)
        for m in self.machines[:2]:
            times[m.name] = linux_part.debian(m, work, self.a.only, self.reps, say)
        print()
        peers = self.ratio_table("debian", times)
        self.mean("debian", "programs", [n for n in times["pome"] if n != "systemd"], peers)

    def qcow2(self):
        print("\nqcow2 against raw", flush=True)
        b = self.a.build
        p = subprocess.run(["timeout", "300", here + "/../qcow2/bench.sh", b + "/tests/qcow2/q2", b + "/pome", b + "/guest/g_bench.elf"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        print(p.stdout + ("not done within 300 s: this machine does too much else\n" if p.returncode == 124 else ""), end="")
        self.result["qcow2"] = {"status": p.returncode, "lines": p.stdout.splitlines()}

    def start(self):
        """A guest that only powers off."""
        walls, cpus = [], []
        for _ in range(self.reps * 5):
            t0 = time.monotonic()
            with Running(self.machines[0].elf("off")) as g:
                g.finish()
            walls.append(time.monotonic() - t0)
        self.result["start"] = walls
        print("\nstart, the first guest instructions, end: %.1f ms (%.1f-%.1f)" %
              tuple(1000 * f(walls) for f in (statistics.median, min, max)))

    def run(self):
        print("%s, Linux %s; %s; commit %s; load %.1f" % tuple(self.result[k] for k in ("machine", "kernel", "qemu", "commit", "load")))
        t0 = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="pome-bench.") as work:
            for part in PARTS:
                if not self.wanted(part):
                    continue
                if part in BARE:
                    self.bare(part)
                elif part in ("host", "boot", "debian"):
                    getattr(self, part)(work)
                else:
                    getattr(self, part)()
        print("\n%.0f s in all" % (time.monotonic() - t0))

    def compare(self, path):
        with open(path) as f:
            old = json.load(f)
        print("\nsince %s (%s): pome's speed, the peer's own" % (old.get("commit"), path))
        for part in (*BARE, "debian"):
            for name, row in self.result.get(part, {}).items():
                was = old.get(part, {}).get(name)
                if not was:
                    continue
                change = {m: min(c for c, _ in was[m]) / min(c for c, _ in row[m]) for m in row if m in was}
                print("%-13s %+6.1f %%" % (name, 100 * (change["pome"] - 1)) +
                      "".join("   %s %+.1f %%" % (m, 100 * (c - 1)) for m, c in change.items() if m != "pome"))
        for name, n in self.result.get("host", {}).items():
            if name in old.get("host", {}):
                print("%-13s %6.2f host instructions, were %.2f" % (name, n, old["host"][name]))


def seconds(s):
    return "%.3f" % s if s >= 0.01 else "%.3f u" % (s * 1e6) if s < 1e-3 else "%.3f m" % (s * 1e3)


def first_line(cmd):
    return subprocess.run(cmd, capture_output=True, text=True).stdout.split("\n")[0]


def commit():
    return first_line(["git", "-C", here, "describe", "--always", "--dirty"]) or "?"


def cpu_name():
    with open("/proc/cpuinfo") as f:
        m = re.search(r"model name\s*: (.*)", f.read())
    return "%s, %d CPUs" % (m.group(1) if m else platform.machine(), os.cpu_count())


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("build")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--parts", default=PARTS, type=lambda s: s.split(","))
    ap.add_argument("--only", type=lambda s: s.split(","))
    ap.add_argument("--json")
    ap.add_argument("--compare")
    a = ap.parse_args()
    unknown = set(a.parts) - set(PARTS)
    if unknown:
        sys.exit("bench.py: no part %s; there are %s" % (", ".join(unknown), ", ".join(PARTS)))
    b = Bench(a)
    try:
        b.run()
    except Lost as e:
        sys.exit("bench.py: %s" % str(e)[-700:])
    if a.json:
        with open(a.json, "w") as f:
            json.dump(b.result, f, indent=1)
    if a.compare:
        b.compare(a.compare)


if __name__ == "__main__":
    main()
