"""Linux: how long until user space, what an idle guest costs, how two CPUs scale, what programs cost in a Debian."""
import base64, io, json, math, os, re, socket, subprocess, tarfile, time

from machines import Lost, Running, Span, cpu_of, private_kib

SLEEP = 5


def pome_cmd(script):
    return "pome.cmd=" + base64.b64encode(script.encode()).decode()


def boot(machine, work):
    """One boot of the test initrd: seconds to user space (wall, CPU), CPU seconds to power-off, private memory, and for
    pome guest instructions in all."""
    command, stats = machine.linux(pome_cmd("echo USER-''SPACE; read x")), os.path.join(work, "stats.json")
    if machine.pome:
        command += ["--stats", stats]
    t0 = time.monotonic()
    with Running(command) as g:
        g.expect("^USER-SPACE", 300)
        out = {"wall": time.monotonic() - t0, "cpu": cpu_of(g.proc.pid), "private_kib": private_kib(g.proc.pid)}
        g.type("\n")
        # what the clock says at the end is lost with the process: close to it is enough
        g.expect("POME-EXIT", 60)
        out["cpu_end"] = cpu_of(g.proc.pid)
        g.finish()
    if machine.pome:
        with open(stats) as f:
            s = json.load(f)
        out["instructions"], out["own"] = s["instructions"], s["memory"]["own"]
    return out


COUNT = "i=0; while [ $i -lt %d ]; do i=$((i + 1)); done"


def cpus(machine):
    """An idle guest's share of a host CPU, and the CPU time of one busy loop and of two at once, on two vCPUs. Wall time
    by the guest's own clock; it sleeps between the two, because its messages may come late."""
    script = ("loop() { %s; }; up() { read t x </proc/uptime; echo $1-$t; }; loop; for t in 1 2; do echo IDLE-$t; sleep %d; done; "
              "up ONE; loop; up MID; sleep 1; up TWO; loop & loop & wait; up EN''D; read x" % (COUNT % 80000, SLEEP))
    with Running(machine.linux(pome_cmd(script), cpus=2)) as g:
        g.expect("^IDLE-2", 300)
        s, spans, at = Span(g), [], []
        for mark in "ONE", "MID", "TWO", "END":
            at.append(float(g.expect("^%s-([0-9.]+)" % mark, 120).group(1)))
            spans.append(s.stop())
            s = Span(g)
        g.type("\n")
        g.finish()
    return {"idle": spans[0][0] / spans[0][1], "one": (spans[1][0], at[1] - at[0]), "two": (spans[3][0], at[3] - at[2])}


# ---- inside a Debian ----------------------------------------------------------------

# The test file for gcc: plain C of the kinds that programs are made of, twenty times over.
C_UNIT = r"""
struct n@ { struct n@ *l, *r; unsigned k; char name[12]; };
static struct n@ pool@[512]; static unsigned used@;
static struct n@ *add@(struct n@ *t, unsigned k)
{
	if (!t) { t = &pool@[used@++ % 512]; t->l = t->r = 0; t->k = k; for (int i = 0; i < 11; i++) t->name[i] = "0123456789abcdef"[k >> i & 15]; return t; }
	if (k < t->k) t->l = add@(t->l, k); else t->r = add@(t->r, k);
	return t;
}
double dot@(const double *a, const double *b, int n) { double s = 0; for (int i = 0; i < n; i++) s += a[i] * b[i] - a[n - 1 - i] / (1 + b[i] * b[i]); return s; }
unsigned parse@(const char *s) { unsigned v = 0, f = 0; for (; *s; s++) switch (*s) { case ' ': case '\t': continue; case '-': f ^= 1; break; case '0' ... '9': v = v * 10 + *s - '0'; break; case 'x': v <<= 4; break; default: return f ? -v : v; } return f ? -v : v; }
void sort@(unsigned *a, int n) { for (int g = n / 2; g; g /= 2) for (int i = g; i < n; i++) { unsigned v = a[i]; int j = i; for (; j >= g && a[j - g] > v; j -= g) a[j] = a[j - g]; a[j] = v; } }
unsigned use@(unsigned *a, int n, const char *s) { struct n@ *t = 0; sort@(a, n); for (int i = 0; i < n; i++) t = add@(t, a[i] ^ parse@(s)); return t ? t->k + t->name[3] : 0; }
"""

PYTHON_TIMED = r"""
import json, re, sys, math, random
def fannkuch(n):
    perm1, count, best, r = list(range(n)), [0] * n, 0, n
    while True:
        while r != 1:
            count[r - 1] = r; r -= 1
        perm, flips = perm1[:], 0
        while perm[0]:
            k = perm[0]
            perm[:k + 1] = perm[k::-1]; flips += 1
        best = max(best, flips)
        while True:
            if r == n: return best
            perm1[:r + 1] = perm1[1:r + 1] + perm1[:1]
            count[r] -= 1
            if count[r] > 0: break
            r += 1
def nbody(n):
    b = [[random.random() for _ in range(6)] for _ in range(5)]
    for _ in range(n):
        for i in range(5):
            for j in range(i):
                x, y = b[i], b[j]
                dx, dy, dz = x[0] - y[0], x[1] - y[1], x[2] - y[2]
                m = .001 / (dx * dx + dy * dy + dz * dz + .01) ** 1.5
                x[3] -= dx * m; x[4] -= dy * m; x[5] -= dz * m
                y[3] += dx * m; y[4] += dy * m; y[5] += dz * m
        for x in b:
            x[0] += x[3] * .01; x[1] += x[4] * .01; x[2] += x[5] * .01
class Tree:
    def __init__(self, d): self.l, self.r = (Tree(d - 1), Tree(d - 1)) if d else (None, None)
    def count(self): return 1 + (self.l.count() + self.r.count() if self.l else 0)
def text(n):
    words = ["w%d" % (i * 7919 % 1000) for i in range(20000)]
    for _ in range(n):
        c = {}
        for w in words: c[w] = c.get(w, 0) + 1
        s = json.dumps(sorted(c.items())); json.loads(s)
        re.sub(r"w(\d)(\d*)", r"\2\1", s); " ".join(reversed(s.split()))
random.seed(1)
{"fannkuch": lambda: fannkuch(7), "nbody": lambda: nbody(1500), "tree": lambda: Tree(14).count(),
 "text": lambda: text(4), "bigint": lambda: pow(3, 30011, 10 ** 700 + 9) * math.factorial(2500)}[sys.argv[1]]()
"""

SQL = """.timer off
create table t(id integer primary key, name text, v real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into t select i, printf('name%d', i * 7919 % 20011), i * 0.37 from n;
create index t_name on t(name);
select count(*), sum(v), max(name) from t where name like 'name1%';
select a.id from t a join t b on a.name = b.name where b.v > 7000 order by a.name desc limit 5;
update t set v = v + 1 where id % 3 = 0;
delete from t where id % 7 = 0;
select count(distinct substr(name, 1, 6)), avg(v) from t;
"""

# One end of a TCP connection in the guest: `net.py serve` answers one connection on port 7000 with the bytes that it is
# asked for; `net.py loop` does both ends at once.
NET = r"""
import socket, sys, threading
def serve(s):
    c, _ = s.accept()
    n = int(c.recv(20).decode())
    block = bytes(65536)
    while n > 0:
        c.sendall(block[:n]); n -= len(block)
    c.close()
s = socket.create_server(("0.0.0.0", 7000))
if sys.argv[1] == "serve":
    print("LISTENS", flush=True); serve(s)
else:
    threading.Thread(target=serve, args=(s,)).start()
    c = socket.create_connection(("127.0.0.1", 7000)); c.sendall(sys.argv[2].encode().ljust(20))
    got = 0
    while True:
        d = c.recv(65536)
        if not d: break
        got += len(d)
    print("GOT", got)
"""

# name: what runs in the guest's shell, in /tmp/b; how often in a full run. Those of openssl run for a fixed time and
# tell how much they did, others do a fixed work.
SHELL = {
    "sha256": "openssl speed -seconds 1 -bytes 8192 -evp sha256",
    "aes-256-gcm": "openssl speed -seconds 1 -bytes 8192 -evp aes-256-gcm",
    "ed25519": "openssl speed -seconds 1 ed25519",
    "python-start": "for i in 1 2 3; do python3 -c 'import json, re'; done",
    "py-fannkuch": "python3 work.py fannkuch",
    "py-nbody": "python3 work.py nbody",
    "py-tree": "python3 work.py tree",
    "py-text": "python3 work.py text",
    "py-bigint": "python3 work.py bigint",
    "gcc-O2": "gcc -O2 -w -c work.c",
    "zstd": "zstd -q -f -6 data",
    "zstd-d": "zstd -q -f -d data.zst -o data2",
    "sqlite3": "rm -f db; sqlite3 db <work.sql >/dev/null",
    "fork": "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i + 1)); done",
    "dd-read": "dd if=/dev/vdb of=/dev/null bs=1M count=128 iflag=direct",
    "dd-write": "dd if=/dev/zero of=/dev/vdb bs=1M count=128 oflag=direct conv=fsync",
    "dd-4k": "dd if=/dev/vdb of=/dev/null bs=4k count=4000 iflag=direct",
    "net-loop": "python3 net.py loop 100000000",
}
HOSTFWD_BYTES = 30000000


def work_disk(path):
    """What the programs need, as a tar on a disk of its own."""
    files = {"work.c": "".join(C_UNIT.replace("@", str(i)) for i in range(12)), "work.py": PYTHON_TIMED, "work.sql": SQL,
             "net.py": NET}
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as t:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))


def must(g, command, timeout=60):
    status, out = g.run(command, timeout)
    if status:
        raise Lost("%s: status %d: %s" % (command, status, out[-500:]))
    return out


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetch(port, n):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as c:
        c.sendall(b"%-20d" % n)
        got = 0
        while True:
            d = c.recv(65536)
            if not d:
                break
            got += len(d)
    if got != n:
        raise Lost("hostfwd: %d bytes of %d" % (got, n))


def work_of(out):
    """What openssl speed did, in units; 1 for programs of fixed work."""
    done = [int(n) for n in re.findall(r"^Doing .*: (\d+) ", out, re.M)]
    return math.exp(sum(math.log(n) for n in done) / len(done)) if done else 1


def debian(machine, work, only, reps, say):
    """{name: [(cpu, wall) a unit of work...]} of the programs inside a booted Debian."""
    root, scratch = os.path.join(work, machine.name + ".img"), os.path.join(work, machine.name + "-scratch.img")
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", machine.cache + "/rootfs.img", root], check=True)
    with open(scratch, "wb") as f:
        for _ in range(128):
            f.write(os.urandom(4096) * 256)
    tar = os.path.join(work, "work.tar")
    work_disk(tar)
    port = free_port()
    times = {}
    with Running(machine.linux("pome.root=/dev/vda", disks=(root, scratch, tar), forward=port)) as g:
        s = Span(g)
        g.expect("^pome login: ", 600)
        times["systemd"] = [s.stop()]
        g.type("root\n")
        g.expect(r"root@pome:~# ", 120)
        g.shell()
        must(g, "dmesg -n 1; mkdir /tmp/b; mount -t tmpfs b /tmp/b; cd /tmp/b")
        must(g, "tar xf /dev/vdc")
        must(g, "cat /usr/lib/python3.11/[a-m]*.py | head -c 3000000 >data; zstd -q -f -6 data", 120)
        for name, command in SHELL.items():
            if only and name not in only:
                continue
            times[name] = []
            for _ in range(reps):
                s = Span(g)
                out = must(g, command, 600)
                cpu, wall = s.stop()
                n = work_of(out)
                times[name].append((cpu / n, wall / n))
            say(name)
        if not only or "net-hostfwd" in only:
            times["net-hostfwd"] = []
            g.run("for i in $(seq 50); do ip -4 a | grep -q 10.0.2 && break; sleep 0.2; done")
            for _ in range(reps):
                g.type("python3 net.py serve\n")
                g.expect("^LISTENS", 60)
                s = Span(g)
                fetch(port, HOSTFWD_BYTES)
                times["net-hostfwd"].append(s.stop())
            say("net-hostfwd")
        g.type("systemctl poweroff -f -f\n")
        g.finish(120)
    return times
