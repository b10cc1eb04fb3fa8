#!/usr/bin/env python3
"""debian.py - a Debian root file system on a virtio disk: systemd, a login, programs, a clean power-off.

    debian.py POME [--cpus "1 4"] [--keep DIR] [POME-OPTIONS...]

Needs tests/debian/rootfs.sh to have run. The image is copied first; the file system is checked after the power-off.
What programs print is compared with what the same computation gives here."""
import base64, hashlib, os, re, shutil, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)
from guest import Guest, Lost, take_options

cache = os.environ.get("POME_CACHE", os.path.join(here, "../../build/debian"))

# lines of a kernel log that must not be there
BAD_LOG = re.compile(r"\bBUG\b|WARNING:|Oops|Unable to handle|Call trace|rcu.*stall|soft lockup|hung_task|blocked for more|"
                     r"I/O error|EXT4-fs error|EXT4-fs warning|spurious|nobody cared|unstable|timed out|segfault|"
                     r"undefined instruction|unhandled", re.I)

# Only operations that IEEE 754 or integers define to the bit; libm may differ between two hosts.
PYTHON = r"""
import hashlib, json, math, random, struct, zlib
r = random.Random(72)
f = [r.uniform(-50, 50) for i in range(2000)]
out = [repr(math.fsum(math.sqrt(abs(x)) for x in f)), repr(sum(x * x / (1 + abs(x)) for x in f)), "%.17g %e" % (1 / 3, 2e300 / 7)]
out += [hashlib.new(h, b"pome" * 100003).hexdigest() for h in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b")]
out += [str(zlib.crc32(zlib.compress(bytes(range(256)) * 999))), str(pow(3, 10 ** 5, 10 ** 400 + 69))]
out += [str(math.factorial(400) // math.factorial(390)), json.dumps(sorted(set(round(x, 3) for x in f))[:9])]
out += [struct.pack("<efd", 1.1, 2.2, 3.3).hex(), str(round(2.675, 2)), str(float("1e-310") / 3), str(-7.5 % 2)]
print("\n".join(out))
"""


def host_python():
    return subprocess.run([sys.executable, "-c", PYTHON], capture_output=True, text=True, check=True).stdout.strip()


class Checks:
    def __init__(self, what):
        self.what, self.passed, self.failed = what, 0, 0

    def check(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAIL %s: %s: %s" % (self.what, name, str(detail)[-1500:]), flush=True)
        return good


def put(guest, path, text):
    """Writes a file in the guest through its console."""
    data = base64.encodebytes(text.encode()).decode()
    guest.run("base64 -d >%s <<'E'\n%sE\n" % (path, data))


def boot(pome, cpus, options, work, log, net="user"):
    """A fresh copy of the image, and pome running on it."""
    image = os.path.join(work, "root.img")
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", os.path.join(cache, "rootfs.img"), image], check=True)
    return Guest([pome, "run", "-q", "-k", cache + "/vmlinuz", "-i", cache + "/initrd.img", "-d", image + ",format=raw", "-n",
                  net, "-p", str(cpus), "-m", "1G", "--no-reboot", "--timeout", "3000", "-a",
                  "console=ttyAMA0 pome.root=/dev/vda"] + options, log), image


def login(g):
    g.expect("^pome login: ", 600)
    g.type("root\n")
    g.expect(r"root@pome:~# ", 120)
    g.shell()
    g.run("dmesg -n 1")         # the console is ours


def finish(g, c, image):
    """The kernel has nothing to complain about, the machine powers off, the file system is sound."""
    status, out = g.run("dmesg", 60)
    bad = [l for l in out.split("\n") if BAD_LOG.search(l)]
    c.check("a kernel log without complaints", not bad, "\n".join(bad))
    g.type("poweroff\n")
    status = g.wait(300)
    c.check("powers off with status 0", status == 0, "status %d: %s" % (status, g.errors))
    fsck = subprocess.run(["e2fsck", "-fn", image], capture_output=True, text=True)
    c.check("e2fsck", fsck.returncode == 0, fsck.stdout)


def session(pome, cpus, options, work, log):
    c = Checks("%d CPU%s" % (cpus, "" if cpus == 1 else "s"))
    start = time.monotonic()
    g, image = boot(pome, cpus, options, work, log)
    try:
        login(g)
        print("     %s: logged in after %.0f s" % (c.what, time.monotonic() - start), flush=True)

        status, out = g.run("nproc")
        c.check("nproc", out == str(cpus), out)
        status, out = g.run("systemctl is-system-running --wait; systemctl --failed --no-legend; systemctl list-jobs", 300)
        c.check("systemd is up", out.startswith("running"), out)
        status, out = g.run("apt-get --version", 60)
        c.check("apt-get --version", status == 0 and out.startswith("apt 2."), out)
        put(g, "/root/t.py", PYTHON)
        status, out = g.run("python3 /root/t.py", 120)
        c.check("python3 computes what it does here", status == 0 and out == host_python(), out)
        status, out = g.run("python3 -c 'print(6 * 7)'", 60)
        c.check("python3 -c", (status, out) == (0, "42"), out)
        status, out = g.run("openssl speed -seconds 1 -evp aes-128-gcm sha256 2>/dev/null", 120)
        c.check("openssl speed", status == 0 and re.search("AES-128-GCM +[0-9]", out), out)
        h = hashlib.sha512()
        for i in range(64):
            h.update(b"%d" % i * 100000)
        status, out = g.run("perl -e 'print \"$_\" x 100000 for 0..63' >/tmp/a; openssl dgst -sha512 -r /tmp/a", 120)
        c.check("openssl sha512 of perl's output", out.split(" ")[0] == h.hexdigest(), out)
        status, out = g.run("set -e; cd /tmp; for p in gzip xz zstd bzip2; do $p <a >a.$p; $p -d <a.$p | cmp - a; done; "
                            "openssl enc -aes-256-ctr -pass pass:x -pbkdf2 <a >a.e; "
                            "openssl enc -d -aes-256-ctr -pass pass:x -pbkdf2 <a.e | cmp - a; set +e; rm a*", 300)
        c.check("gzip, xz, zstd, bzip2 and AES there and back", (status, out) == (0, ""), out)
        status, out = g.run("dpkg -l | grep -c ^ii", 60)
        c.check("dpkg -l", status == 0 and int(out) > 100, out)
        status, out = g.run("dpkg --audit; dpkg --verify", 600)
        c.check("dpkg --verify: every file as packed", (status, out) == (0, ""), out)
        finish(g, c, image)
    except Lost as e:
        c.check("session", False, e)
    finally:
        g.kill()
    print("%s Debian with %s: %d passed, %d failed, %.0f s" % ("FAIL" if c.failed else "ok  ", c.what, c.passed, c.failed,
                                                               time.monotonic() - start), flush=True)
    return c


def main():
    args = sys.argv[1:]
    if not args:
        sys.exit(__doc__)
    pome = os.path.abspath(args.pop(0))
    o = take_options(args, cpus="1 4", keep=None)
    if o["keep"]:
        os.makedirs(o["keep"], exist_ok=True)
    failed = passed = 0
    for n in o["cpus"].split():
        work = tempfile.mkdtemp(dir=cache)
        try:
            c = session(pome, int(n), args, work, os.path.join(o["keep"] or work, "console-%s.log" % n))
        finally:
            shutil.rmtree(work)
        passed, failed = passed + c.passed, failed + c.failed
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
