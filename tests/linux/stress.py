#!/usr/bin/env python3
"""stress.py - Debian under load for a while: stress-ng's verifying stressors, and 50 MB through the network both ways.

    stress.py POME [--cpus "1 4"] [--seconds N] [--only "cpu vm"] [--keep DIR] [POME-OPTIONS...]

Needs tests/debian/rootfs.sh to have run. N seconds a stressor (10); --only "cpu+vm" are two at the same time. Not part of
`make test`: it takes half an hour."""
import hashlib, http.server, os, random, re, shutil, socket, sys, tempfile, threading, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)
from guest import Lost, take_options
from debian import Checks, boot, cache, finish, login, put

# computation; memory and the MMU; several CPUs against each other; the kernel
STRESSORS = """cpu vecmath vecfp vecwide vecshuf matrix crypt hash zlib qsort str wcs fma float128 bigheap nop funccall branch
vm mmap mremap madvise memcpy memthrash brk stack tlb-shootdown icache prefetch fault
atomic mutex futex membarrier lockbus sem cacheline cache spinmem
fork vfork clone switch context signal sigfd timer clock pipe poll hdd aio getrandom""".split()

SERVER = r"""
import hashlib, socket, threading
def serve(port, work):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", port))
    s.listen(4)
    while True:
        c, _ = s.accept()
        try:
            work(c)
        except OSError as e:
            print(e)
        c.close()
def take(c):
    h = hashlib.sha256()
    n = int.from_bytes(c.recv(4, socket.MSG_WAITALL), "big")
    while n:
        b = c.recv(min(n, 65536))
        if not b:
            break
        h.update(b)
        n -= len(b)
    c.sendall(h.hexdigest().encode())
def give(c):
    b = hashlib.shake_128(b"pome").digest(50000000)
    c.sendall(b)
threading.Thread(target=serve, args=(5001, take), daemon=True).start()
serve(5002, give)
"""

FETCH = r"""
import hashlib, sys, urllib.request
print(hashlib.sha256(urllib.request.urlopen("http://10.0.2.2:%s/" % sys.argv[1]).read()).hexdigest())
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Blob(http.server.BaseHTTPRequestHandler):
    data = random.Random(5).randbytes(50000000)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        self.wfile.write(self.data)

    def log_message(self, *args):
        pass


def network(g, c, to_take, to_give):
    status, out = g.run("ip -br addr show | grep -v ^lo; ip route", 30)
    c.check("the guest has an address by DHCP", "10.0.2.15" in out, out)
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blob)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    put(g, "/root/fetch.py", FETCH)
    status, out = g.run("python3 /root/fetch.py %d" % web.server_address[1], 300)
    c.check("guest fetches 50 MB", out == hashlib.sha256(Blob.data).hexdigest(), out)
    web.shutdown()
    put(g, "/root/server.py", SERVER)
    g.run("python3 /root/server.py >/root/server.log 2>&1 & sleep 3", 60)
    with socket.create_connection(("127.0.0.1", to_take)) as s:
        s.settimeout(300)
        s.sendall(len(Blob.data).to_bytes(4, "big") + Blob.data)
        got = s.recv(64, socket.MSG_WAITALL).decode()
    c.check("hostfwd: 50 MB to the guest", got == hashlib.sha256(Blob.data).hexdigest(), got)
    with socket.create_connection(("127.0.0.1", to_give)) as s:
        s.settimeout(300)
        h, n = hashlib.sha256(), 0
        while b := s.recv(1 << 16):
            h.update(b)
            n += len(b)
    want = hashlib.sha256(hashlib.shake_128(b"pome").digest(50000000)).hexdigest()
    c.check("hostfwd: 50 MB from the guest", h.hexdigest() == want, "%d bytes" % n)
    status, out = g.run("apt-get -q update; apt-get -qq download hello && dpkg-deb -I hello_*.deb | grep Package", 600)
    online = "Could not resolve" not in out and "Unable to connect" not in out and "Could not connect" not in out
    if online:
        c.check("apt-get update and download", status == 0 and "Package: hello" in out, out)
    else:
        print("     no way to Debian's archive: apt-get update not tried", flush=True)


def load(pome, cpus, seconds, only, options, work, log):
    c = Checks("stress with %d CPUs" % cpus)
    to_take, to_give = free_port(), free_port()
    start = time.monotonic()
    g, image = boot(pome, cpus, options, work, log, "user,hostfwd=tcp:127.0.0.1:%d-:5001,hostfwd=tcp:127.0.0.1:%d-:5002" %
                    (to_take, to_give))
    try:
        login(g)
        network(g, c, to_take, to_give)
        for s in only or STRESSORS:
            status, out = g.run("stress-ng --verify --oomable --temp-path /tmp -t %d %s" %
                                (seconds, " ".join("--%s %d" % (one, cpus) for one in s.split("+"))),
                                seconds * 10 + 300)
            # 3: the stressor says that this system lacks something
            good = status in (0, 3) and not re.search("stress-ng: (fail|error)|corrupt", out)
            c.check("stress-ng --%s" % s, good, "status %d: %s" % (status, out))
        finish(g, c, image)
    except (Lost, OSError) as e:
        c.check("session", False, e)
    finally:
        g.kill()
    print("%s %s: %d passed, %d failed, %.0f s" % ("FAIL" if c.failed else "ok  ", c.what, c.passed, c.failed,
                                                   time.monotonic() - start), flush=True)
    return c.failed


def main():
    args = sys.argv[1:]
    if not args:
        sys.exit(__doc__)
    pome = os.path.abspath(args.pop(0))
    o = take_options(args, cpus="1 4", seconds="10", only="", keep=None)
    if o["keep"]:
        os.makedirs(o["keep"], exist_ok=True)
    failed = 0
    for n in o["cpus"].split():
        work = tempfile.mkdtemp(dir=cache)
        try:
            failed += load(pome, int(n), int(o["seconds"]), o["only"].split(), args, work,
                           os.path.join(o["keep"] or work, "stress-%s.log" % n))
        finally:
            shutil.rmtree(work)
    sys.exit(failed != 0)


main()
