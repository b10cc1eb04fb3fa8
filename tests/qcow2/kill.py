#!/usr/bin/env python3
"""kill.py - kill -9 while a guest writes and flushes: no flushed byte is lost, and the image is never corrupt.

    kill.py POME G_KILL.ELF [SHAPE...] [--rounds N] [--seed N]

Each round starts the guest on the image that the last one left, kills pome at a random time and looks at the image with
qemu-img: each sector has what the last flushed operation on it left there, or what a later one wrote. At its start the
guest reads all of the disk, so that pome's view is compared, too. And two machines that want one disk. Needs
qemu-utils."""
import argparse, os, random, shutil, signal, subprocess, sys, tempfile, time

SIZE = 4 << 20
SECTOR = 512
MAX, DEPTH = 64, 6              # as in g_kill.c
OUT, DISCARD, ZEROES = 1, 11, 13
M64 = (1 << 64) - 1

SHAPES = {
    "default": ["-o", "cluster_size=64k"], "4k": ["-o", "cluster_size=4k"], "512": ["-o", "cluster_size=512"],
    "snapshot": ["-o", "cluster_size=16k"], "version2": ["-o", "compat=0.10"], "2M": ["-o", "cluster_size=2M"],
    "counts64": ["-o", "refcount_bits=64,cluster_size=1k"], "backing": ["-b", "low.img", "-F", "raw"],
    "lazy": ["-o", "lazy_refcounts=on"], "raw": None,
}


class Rng:
    def __init__(self, seed):
        self.s = seed

    def __call__(self, n):
        s = self.s
        s ^= s << 13 & M64
        s ^= s >> 7
        s ^= s << 17 & M64
        self.s = s
        return (s >> 11) % n


def operations(seed, base):
    """Batches of (id, type, sector, n), for ever; see guest_main."""
    rnd = Rng(seed)
    while True:
        n, batch = 1 + rnd(DEPTH), []
        while len(batch) < n:
            k = rnd(100)
            length = 1 + rnd(MAX)
            sector = rnd(SIZE // SECTOR - length)
            if all(sector >= s + m or s >= sector + length for _, _, s, m in batch):
                batch.append((base + 1 + len(batch), OUT if k < 80 else ZEROES if k < 90 else DISCARD, sector, length))
        base += n
        yield batch
        rnd(4)


class Lost(Exception):
    pass


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)


def make(shape):
    for f in ("disk", "low.img"):
        if os.path.exists(f):
            os.unlink(f)
    with open("low.img", "wb") as f:
        f.truncate(SIZE)
    if SHAPES[shape] is None:
        shutil.copy("low.img", "disk")
        return
    subprocess.check_call(["qemu-img", "create", "-q", "-f", "qcow2"] + SHAPES[shape] + ["disk", str(SIZE)])


def contents(shape):
    """What each sector has: the number of an operation, or 0."""
    if shape == "raw":
        data = open("disk", "rb").read()
    else:
        r = run("qemu-img", "check", "disk")
        if r.returncode not in (0, 3):
            raise Lost("qemu-img check: " + r.stdout[-400:])
        subprocess.check_call(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", "disk", "content"])
        data = open("content", "rb").read()
    out, zero = [], bytes(SECTOR)
    for s in range(SIZE // SECTOR):
        sector = data[s * SECTOR:(s + 1) * SECTOR]
        if sector == zero:
            out.append(0)
        elif sector == sector[:16] * (SECTOR // 16) and int.from_bytes(sector[8:16], "little") == s:
            out.append(int.from_bytes(sector[:8], "little"))
        else:
            raise Lost("sector %d is torn or another's" % s)
    return out


def checksum(content):
    s = 0
    for v in content:
        s = (s ^ v) * 0x9e3779b97f4a7c15 & M64
        s ^= s >> 29
    return s


def allowed(before, seed, base, flushed):
    """The values that each sector may have after the kill, and the last number in use."""
    may, extra = [{v} for v in before], 0
    for batch in operations(seed, base):
        for ident, kind, sector, n in batch:
            for s in range(sector, sector + n):
                value = ident if kind == OUT else 0
                if ident <= flushed and kind != DISCARD:
                    may[s] = {value}
                else:
                    may[s] = may[s] | {value}
        if batch[0][0] > flushed:
            extra += 1
        if extra > 200:         # more than 200 batches without a flush do not happen
            return may, batch[-1][0]


def start(pome, elf, shape, seed, base, *options):
    return subprocess.Popen([pome, "run", "-q", "-k", elf, "-m", "64M", "--timeout", "60", "-d",
                             "disk,format=" + ("raw" if shape == "raw" else "qcow2"), "-a",
                             "seed=%d base=%d" % (seed, base)] + list(options),
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def locks(pome, elf, shape):
    """Who writes a disk has it alone; those that only read it share it."""
    for mine, other, refused in (("", "", True), ("", "--ephemeral", True), ("--ephemeral", "", True),
                                 ("--ephemeral", "--ephemeral", False)):
        p = start(pome, elf, shape, 1, 0, *filter(None, [mine]))
        p.stdout.readline()
        q = start(pome, elf, shape, 3, 0, "--timeout", "3", *filter(None, [other]))
        err = q.communicate()[1].decode()
        p.kill()
        p.communicate()
        if refused and (q.returncode != 3 or "in use by process %d (pome" % p.pid not in err):
            raise Lost("%s, then %s: status %d: %s" % (mine, other, q.returncode, err))
        if not refused and q.returncode != 6:
            raise Lost("%s, then %s: status %d: %s" % (mine, other, q.returncode, err))


def one(pome, elf, shape, before, seed, base, rng):
    p = start(pome, elf, shape, seed, base, *(["--allow-backing"] if shape == "backing" else []))
    text = b""
    if rng.random() < 0.05:
        time.sleep(rng.random() * 0.2)          # while it opens the image
    else:
        while b"\n" not in text:
            part = os.read(p.stdout.fileno(), 4096)
            if not part:
                break
            text += part
        time.sleep(rng.random() ** 2 * 1.5)
    p.send_signal(signal.SIGKILL)
    rest, err = p.communicate()
    lines = (text + rest).decode().replace("\r", "").split("\n")[:-1]
    flushed = base
    for line in lines:
        w = line.split()
        if w[0] == "C" and int(w[1], 16) != checksum(before):
            raise Lost("the guest read other contents than qemu-img: " + line)
        elif w[0] == "F":
            flushed = int(w[1])
        elif w[0] == "X":
            raise Lost("the guest: " + line)
    if p.returncode != -signal.SIGKILL:
        raise Lost("pome ended by itself: %d: %s" % (p.returncode, err.decode()[-400:]))
    may, last = allowed(before, seed, base, flushed)
    after = contents(shape)
    for s, v in enumerate(after):
        if v not in may[s]:
            raise Lost("sector %d has operation %d, may have %s (flushed up to %d)" % (s, v, sorted(may[s]), flushed))
    return after, last, flushed - base


def main():
    a = argparse.ArgumentParser()
    a.add_argument("pome")
    a.add_argument("elf")
    a.add_argument("--rounds", type=int, default=30)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("shapes", nargs="*", default=[])
    a = a.parse_args()
    pome, elf = os.path.realpath(a.pome), os.path.realpath(a.elf)
    if not shutil.which("qemu-img"):
        print("kill: skipped: qemu-img is not installed (qemu-utils)")
        return 0
    shapes = a.shapes or list(SHAPES)
    rng = random.Random(a.seed)
    done = total = 0
    work = tempfile.mkdtemp()
    try:
        os.chdir(work)
        for i, shape in enumerate(shapes):
            n = a.rounds * (i + 1) // len(shapes) - a.rounds * i // len(shapes)
            if shape in ("default", "raw"):
                make(shape)
                try:
                    locks(pome, elf, shape)
                except Lost as e:
                    print("FAIL locks: %s: %s" % (shape, e))
                    return 1
                print("ok   locks: %s" % shape, flush=True)
            make(shape)
            before, base, flushed = contents(shape), 0, 0
            for k in range(n):
                if shape == "snapshot" and k % 7 == 3:
                    subprocess.check_call(["qemu-img", "snapshot", "-c", "s%d" % k, "disk"])
                seed = rng.getrandbits(60) | 1
                try:
                    before, base, f = one(pome, elf, shape, before, seed, base, rng)
                except Lost as e:
                    print("FAIL kill: %s, round %d of --seed %d: %s" % (shape, k, a.seed, e))
                    if os.environ.get("KEEP"):
                        shutil.copy("disk", os.environ["KEEP"])
                    return 1
                flushed += f
            done, total = done + n, total + flushed
            print("ok   kill: %s: %d times, %d operations flushed" % (shape, n, flushed), flush=True)
    finally:
        shutil.rmtree(work)
    print("%d kills, %d operations flushed, none lost" % (done, total))
    return 0 if total or not done else 1


sys.exit(main())
