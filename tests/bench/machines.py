"""The machines that are compared, and what is measured of their processes.

Time is CPU time of the whole process, all threads: other load on this machine changes it little. Wall time is taken
beside it. A machine that sleeps (network, disk) is not charged for it."""
import json, os, re, subprocess, sys, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(here, "../linux"))
from guest import Guest, Lost


class Machine:
    """pome or a QEMU: command lines for each kind of guest."""

    def __init__(self, name, binary, build, cache):
        self.name, self.binary, self.build, self.cache = name, binary, build, cache
        self.pome = name == "pome"

    def elf(self, guest):
        if self.pome:
            return [self.binary, "run", "-q", "-k", "%s/guest/b_%s.elf" % (self.build, guest), "-m", "1G", "--accel", "interp"]
        return self.qemu() + ["-net", "none", "-kernel", "%s/guest/virt_%s.elf" % (self.build, guest)]

    def qemu(self, cpus=1):
        # the features that pome's generic CPU has, too; pointer authentication without the slow standard cipher
        return [self.binary, "-M", "virt,gic-version=3", "-accel", "tcg", "-cpu", "max,sve=off,sme=off,pauth-impdef=on",
                "-m", "1024", "-smp", str(cpus), "-nographic", "-no-reboot"]

    def linux(self, append, cpus=1, disks=(), forward=None):
        """Debian's kernel and the test initrd; forward: a host port that leads to the guest's 7000."""
        append = "console=ttyAMA0 quiet " + append
        kernel, initrd = self.cache + "/vmlinuz", self.cache + "/initrd.img"
        if self.pome:
            c = [self.binary, "run", "-q", "-k", kernel, "-i", initrd, "-m", "1G", "--accel", "interp", "--no-reboot",
                 "-p", str(cpus), "-a", append]
            for d in disks:
                c += ["-d", d + ",format=raw"]
            return c + (["-n", "user,hostfwd=tcp:127.0.0.1:%d-:7000" % forward] if forward else [])
        c = self.qemu(cpus) + ["-kernel", kernel, "-initrd", initrd, "-append", append]
        for i, d in enumerate(disks):
            c += ["-drive", "if=none,id=d%d,format=raw,file=%s" % (i, d), "-device", "virtio-blk-pci,drive=d%d" % i]
        if not forward:
            return c + ["-net", "none"]
        return c + ["-netdev", "user,id=n,hostfwd=tcp:127.0.0.1:%d-:7000" % forward, "-device", "virtio-net-pci,netdev=n,romfile="]


def cpu_of(pid):
    """CPU seconds of a process so far: its CPU-time clock (clock_getcpuclockid)."""
    return time.clock_gettime(~pid << 3 | 2)


class Span:
    """CPU and wall time of a guest's process between start and stop."""

    def __init__(self, guest):
        self.pid = guest.proc.pid
        self.c0, self.w0 = cpu_of(self.pid), time.monotonic()

    def stop(self):
        return cpu_of(self.pid) - self.c0, time.monotonic() - self.w0


def private_kib(pid):
    """Private memory of the process, guest RAM too, in KiB."""
    total = 0
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            if line.startswith(("Private_Dirty:", "Private_Clean:")):
                total += int(line.split()[1])
    return total


class Running(Guest):
    """A started machine; killed when its `with` ends."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def expect(self, pattern, timeout):
        try:
            return super().expect(pattern, timeout)
        except Lost as e:
            self.proc.kill()
            self.errors = self.proc.stderr.read().decode("utf-8", "replace")
            raise Lost("%s: %s %s" % (self.proc.args[0], e, self.errors[-300:]))

    def finish(self, timeout=60):
        status = self.wait(timeout)
        if status:
            raise Lost("%s: status %d: %s %s" % (self.proc.args[0], status, self.all[-300:], self.errors[-300:]))


def programs(machine, guest, only, reps):
    """Runs the programs of a bare-metal guest: {name: [(cpu, wall)...]}, {name: instructions, where known}."""
    with Running(machine.elf(guest)) as g:
        g.expect(r"^\? *$", 60)
        menu = menu_of(g)
        times = {}
        for name, (letter, _) in menu.items():
            if only and name not in only:
                continue
            times[name] = []
            for _ in range(reps):
                s = Span(g)
                g.type(letter)
                g.expect(r"^DONE (\d+)", 300)
                times[name].append(s.stop())
                g.expect(r"^\? *$", 60)
        g.type("q")
        g.finish()
        return times, {n: i for n, (_, i) in menu.items() if i}


def menu_of(g):
    return {n: (letter, int(i)) for letter, n, i in re.findall(r"^PROGRAM (\S) (\S+) (\d+)", g.all, re.M)}


def counted(machine, letters, work):
    """Host and guest instructions of a run of b_cpu.elf that was asked for `letters`; valgrind counts the host's."""
    stats, stripped = os.path.join(work, "stats.json"), os.path.join(work, "pome")
    # older valgrinds give up over newer debug information
    subprocess.run(["strip", "-o", stripped, machine.binary], check=True)
    machine = Machine("pome", stripped, machine.build, machine.cache)
    # a fair lock: the guest polls for its input, and what that takes must not count
    cmd = ["valgrind", "--fair-sched=try", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    cmd += machine.elf("cpu")
    with Running(cmd + ["--sandbox", "off", "--stats", stats]) as g:
        g.expect(r"^\? *$", 300)
        g.type(letters + "q")
        g.finish(600)
        host = int(re.search(r"I +refs: +([\d,]+)", g.errors).group(1).replace(",", ""))
    with open(stats) as f:
        return host, json.load(f)["instructions"]
