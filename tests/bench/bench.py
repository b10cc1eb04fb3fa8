#!/usr/bin/env python3
"""bench.py - pome's speed beside QEMU's, on this machine, in one run.

  bench.py [--quick] [--json FILE] BUILD

Prints ratios (above 1: pome is faster) with the spread over repetitions. Peers: qemu-system-aarch64 (TCG), and a
TCI build where QEMU_TCI names one. Needs the bench guests, the Debian kernel and the initrd (make bench makes them).
"""
import argparse, base64, json, os, platform, re, resource, statistics, subprocess, sys, tempfile, time

ap = argparse.ArgumentParser()
ap.add_argument("build")
ap.add_argument("--quick", action="store_true", help="one repetition of everything")
ap.add_argument("--json", help="write the figures here")
a = ap.parse_args()
here = os.path.dirname(os.path.abspath(__file__))
cache = os.environ.get("POME_CACHE", os.path.join(here, "../../build/debian"))
pome = os.path.join(a.build, "pome")
kernel, initrd = os.path.join(cache, "vmlinuz"), os.path.join(cache, "initrd.img")
reps = 1 if a.quick else 3


def run(cmd, timeout=600, marker=None):
    """Runs cmd; returns output, wall seconds, CPU seconds, peak RSS in KiB, seconds until `marker` was printed."""
    t0, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out, at, peak = b"", None, 0
    os.set_blocking(p.stdout.fileno(), False)
    while True:
        chunk = p.stdout.read()
        if chunk:
            out += chunk
            if marker and at is None and marker in out:
                at = time.monotonic() - t0
        elif p.poll() is not None:
            break
        else:
            try:
                peak = max(peak, rss(p.pid))
            except OSError:
                pass
            if time.monotonic() - t0 > timeout:
                p.kill()
                sys.exit("bench.py: %s did not end in %d s" % (cmd[0], timeout))
            time.sleep(0.01)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if p.returncode:
        sys.exit("bench.py: %s: status %d\n%s" % (" ".join(cmd), p.returncode, out[-600:].decode(errors="replace")))
    return out.decode(errors="replace"), time.monotonic() - t0, cpu, peak, at


def rss(pid):
    """Memory of the process beyond what maps guest RAM (memfd, shared), in KiB."""
    total = 0
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            if line.startswith(("Private_Dirty:", "Private_Clean:")):
                total += int(line.split()[1])
    return total


def qemu(binary):
    return [binary, "-M", "virt,gic-version=3", "-accel", "tcg", "-cpu", "max,pauth-impdef=on", "-m", "1024",
            "-nographic", "-net", "none", "-no-reboot"]


peers = {"tcg": "qemu-system-aarch64"}
if os.environ.get("QEMU_TCI"):
    peers["tci"] = os.environ["QEMU_TCI"]
result = {"machine": platform.processor() or platform.machine(), "cpu": "", "programs": {}, "linux": {}}
with open("/proc/cpuinfo") as f:
    m = re.search(r"model name\s*: (.*)", f.read())
    result["cpu"] = m.group(1) if m else ""
result["qemu"] = subprocess.run([peers["tcg"], "--version"], capture_output=True, text=True).stdout.split("\n")[0]
print("%s; %s" % (result["cpu"], result["qemu"]))


def programs(cmd):
    out = run(cmd)[0]
    insns = {n: int(v) for n, v in re.findall(r"^INSNS (\S+) (\d+)", out, re.M)}
    return {n: int(v) / 1e9 for n, v in re.findall(r"^BENCH (\S+) (\d+)", out, re.M)}, insns


runs = {"pome": []} | {p: [] for p in peers}
for _ in range(reps):
    t, insns = programs([pome, "run", "-q", "-k", os.path.join(a.build, "guest/b_cpu.elf"), "-m", "256M",
                         "--accel", "interp"])
    runs["pome"].append(t)
    for p, binary in peers.items():
        runs[p].append(programs(qemu(binary) + ["-kernel", os.path.join(a.build, "guest/virt_cpu.elf")])[0])
print("\n%-10s %9s" % ("program", "pome s") + "".join("%9s s  ratio (spread)" % p for p in peers))
for name in runs["pome"][0]:
    mine = [r[name] for r in runs["pome"]]
    line = "%-10s %9.3f" % (name, statistics.median(mine))
    entry = {"pome": mine}
    for p in peers:
        theirs = [r[name] for r in runs[p]]
        ratios = [t / m for t, m in zip(theirs, mine)]
        entry[p] = theirs
        line += "%11.3f  %5.2f (%.2f-%.2f)" % (statistics.median(theirs), statistics.median(ratios), min(ratios),
                                               max(ratios))
    if name in insns:
        mips = insns[name] / statistics.median(mine) / 1e6
        entry["pome_mips"] = mips
        line += "   pome: %.0f million instructions a second" % mips
    result["programs"][name] = entry
    print(line)
compute = ["int", "call", "branch", "sort", "memcpy", "chase", "fp"]
for p in peers:
    r = [statistics.median(t[n] for t in runs[p]) / statistics.median(t[n] for t in runs["pome"]) for n in compute]
    print("geometric mean of %s against %s: %.2f" % (", ".join(compute), p, statistics.geometric_mean(r)))

if os.path.exists(kernel):
    script = base64.b64encode(b"echo USER-SPACE; cat /proc/uptime").decode()
    append = "console=%s quiet pome.cmd=" + script
    kinds = {"pome": [pome, "run", "-q", "-k", kernel, "-i", initrd, "-m", "1G", "--accel", "interp",
                      "-a", append % "ttyAMA0"]}
    for p, binary in peers.items():
        kinds[p] = qemu(binary) + ["-kernel", kernel, "-initrd", initrd, "-append", append % "ttyAMA0"]
    print("\nLinux (Debian's kernel, 1 CPU) to user space")
    for who, cmd in kinds.items():
        got = [run(cmd, marker=b"USER-SPACE") for _ in range(reps)]
        wall, cpu, peak = ([g[i] for g in got] for i in (4, 2, 3))
        result["linux"][who] = {"to_user_space": wall, "cpu": cpu, "private_kib": peak}
        print("%-6s %6.2f s (%.2f-%.2f), CPU %.2f s in all, private memory %d MiB" %
              (who, statistics.median(wall), min(wall), max(wall), statistics.median(cpu), max(peak) // 1024))

# start to first guest instruction: a guest that only powers off
first = [run([pome, "run", "-q", "-k", os.path.join(a.build, "guest/b_off.elf"), "-m", "1G", "--accel", "interp"])[1]
         for _ in range(reps * 3)]
result["start_to_off"] = first
print("\nstart, one HVC, end: %.1f ms (%.1f-%.1f)" % tuple(1000 * f(first) for f in (statistics.median, min, max)))
if a.json:
    with open(a.json, "w") as f:
        json.dump(result, f, indent=1)
