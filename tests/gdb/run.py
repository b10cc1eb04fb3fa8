#!/usr/bin/env python3
"""run.py POME GUEST.elf [PART...]: a guest under pome as gdb-multiarch and lldb see it.

Parts: bare (gdb, a bare-metal guest with two CPUs), life (attach, detach, a lost connection, a second debugger, kill),
raw (hostile packets on a unix socket), trace (--trace), lldb, linux (gdb on Debian's kernel; needs tests/debian/fetch.sh initrd).
"""
import os, re, shutil, socket, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "linux"))
from guest import Guest

pome, elf = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
accel = os.environ.get("ACCEL", "interp")
flags = os.environ.get("POMEFLAGS", "").split()         # more options of pome's
cache = os.environ.get("POME_CACHE", os.path.join(here, "..", "..", "build", "debian"))
work = tempfile.mkdtemp()
passed = failed = 0


def check(name, ok, text=""):
    global passed, failed
    if ok:
        passed += 1
        print("ok   " + name)
    else:
        failed += 1
        print("FAIL " + name)
        print("     " + text[-3000:].replace("\n", "\n     "))
    sys.stdout.flush()


class Pome:
    """pome with a debugger's port that it chose itself."""
    def __init__(self, *options, wait=True, cpus=2):
        self.err = open(os.path.join(work, "err"), "w+b")
        self.proc = subprocess.Popen(
            [pome, "run", "--accel", accel, "-k", elf, "-p", str(cpus), "-m", "256M", "--timeout", "120",
             "--gdb", "tcp:0" + (",wait" if wait else "")] + flags + list(options),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.err)
        self.port = None
        for _ in range(200):
            m = re.search(r"listening on tcp:127.0.0.1:(\d+)", self.text())
            if m:
                self.port = int(m.group(1))
                break
            time.sleep(0.05)

    def text(self):
        with open(os.path.join(work, "err")) as f:
            return f.read()

    def end(self, timeout=60):
        try:
            out, _ = self.proc.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            out, _ = self.proc.communicate()
        self.err.close()
        return self.proc.returncode, out.decode()


def run(command, timeout):
    """Output of a command, also of one that has to be ended."""
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        out, _ = p.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        p.kill()
        out, _ = p.communicate()
        out += b"\n(timed out)"
    return out.decode("utf-8", "replace")


def gdb(port, commands, symbols=elf, timeout=100):
    script = os.path.join(work, "script.gdb")
    with open(script, "w") as f:
        f.write("set pagination off\nset confirm off\nset width 0\nset remotetimeout 30\n"
                "target remote 127.0.0.1:%d\n" % port + commands)
    return run(["gdb-multiarch", "-nx", "-q", "-batch", "-x", script] + ([symbols] if symbols else []), timeout)


def order(text, *patterns):
    """Each pattern is found, after the one before it."""
    for p in patterns:
        m = re.search(p, text, re.M)
        if not m:
            return False
        text = text[m.end():]
    return True


def bare():
    p = Pome()
    out = gdb(p.port, """
info threads
tbreak second
continue
info threads
break inner
continue
backtrace
print/x $SCTLR_EL1
print $cpsr
info registers pc
stepi
info registers pc
finish
delete
print watched = 77
print watched
watch watched
continue
rwatch other[1]
continue
delete
hbreak middle if n > 20
continue
print n > 20
delete
thread apply all backtrace 1
print $x0 = 0x123456789abcdef0
print/x $w0
print $v7.q.u[0] = 5
print $v7.s.u
print $fpcr = 0x3000000
print $fpcr
print $fpcr = 0
""")
    check("gdb: two threads, the second is off", order(out, r"^\* 1 .*cpu0 \[running\]", r"^  2 .*cpu1 \[off\]"), out)
    check("gdb: breakpoint and backtrace", order(out, "hit Breakpoint 2, inner", "#0  inner", "#1 .* middle", "#2 .* outer",
                                                 "#3 .* guest_main"), out)
    check("gdb: system registers", order(out, r"^\$1 = 0x30d0"), out)
    m = re.findall(r"^pc +(0x[0-9a-f]+)", out, re.M)
    check("gdb: stepi", len(m) == 2 and int(m[1], 16) == int(m[0], 16) + 4, out)
    check("gdb: finish", order(out, r"^middle \("), out)
    check("gdb: memory is written", order(out, r"= 77$", r"= 77$"), out)
    check("gdb: watchpoint", order(out, "hit Hardware watchpoint", "Old value = 77", "New value ="), out)
    check("gdb: read watchpoint", order(out, "hit Hardware read watchpoint|Hardware read watchpoint 3: other", "Value ="), out)
    check("gdb: conditional hardware breakpoint", order(out, "hit Breakpoint 5, middle", r"= 1$"), out)
    check("gdb: the other CPU stops", order(out, r"Thread 2 hit Temporary breakpoint", r"^\* 2 "), out)
    check("gdb: registers are written", order(out, r"= 1311768467463790320", r"0x9abcdef0", r"= 5$", r"\{5, 0, 0, 0\}"), out)
    check("gdb: FPCR", order(out, r"= 50331648", r"= 50331648", r"= 0$"), out)
    # gone without detaching: the guest runs on, and can be met again
    out = gdb(p.port, """
print counter
disconnect
""")
    a = re.search(r"^\$1 = (\d+)", out, re.M)
    time.sleep(0.3)
    out = gdb(p.port, """
print counter
info breakpoints
set var finish = 1
monitor info cpus
monitor nonsense
continue
""")
    b = re.search(r"^\$1 = (\d+)", out, re.M)
    check("gdb: the guest ran on when gdb had gone", a and b and int(b.group(1)) > int(a.group(1)), out)
    check("gdb: monitor", order(out, r"cpu0: pc 0x7008", r"cpu1: pc", "nonsense: not a command"), out)
    check("gdb: power-off is an exit", "exited normally" in out, out)
    status, console = p.end()
    check("gdb: the guest passed", status == 0 and "PASS" in console, "%d %s" % (status, console))


def life():
    p = Pome(wait=False)
    out = gdb(p.port, "print rounds > 0\nstepi\nstepi\ndetach\n")
    check("gdb: attach to what runs, and detach", order(out, r"= [01]$", "Inferior 1 .* detached"), out)
    first = socket.create_connection(("127.0.0.1", p.port))
    first.sendall(b"$?#3f")
    time.sleep(0.3)
    second = socket.create_connection(("127.0.0.1", p.port))
    second.settimeout(5)
    try:
        closed = second.recv(100) == b""
    except OSError:
        closed = False
    check("a second debugger is turned away", closed)
    first.close()
    second.close()
    time.sleep(0.3)
    out = gdb(p.port, """
monitor phys on
x/2wx 0x70080000
monitor phys off
x/2wx 0x70080000
monitor gva2gpa 0x70080000
monitor xp 0x70080000
monitor info mtree
x/wx 0x20010000
""")
    check("gdb: physical memory", order(out, r"0x70080000.*:\s+(0x\w+)\s", r"0x70080000.*:\s+(0x\w+)\s",
                                        "gpa: 0x70080000", "^0000000070080000: ", "uart0",
                                        "Cannot access memory at address 0x20010000"), out)
    gdb(p.port, "kill\n")
    status, _ = p.end()
    check("gdb: kill ends the machine", status == 130, str(status))
    p = Pome()
    out = gdb(p.port, """
tbreak outer
continue
set var rounds = 1000
break inner
monitor reset
maint flush register-cache
print $pc == _start
continue
print rounds
""", timeout=60)
    check("gdb: reset, and breakpoints stay", order(out, "Temporary breakpoint 1, outer", r"^\$1 = 1", "Breakpoint 2, inner",
                                                    r"^\$2 = 0$"), out)
    p.proc.terminate()
    status, _ = p.end()
    check("ended by a signal", status == 143, "%d %s" % (status, out))


def packet(body):
    return b"$" + body + b"#%02x" % (sum(body) & 255)


def raw():
    path = os.path.join(work, "sock")
    err = open(os.path.join(work, "err2"), "w+b")
    proc = subprocess.Popen([pome, "run", "-q", "--accel", accel, "-k", elf, "-m", "256M", "--timeout", "60", "--gdb",
                             "unix:%s,wait" % path] + flags, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err)
    for _ in range(100):
        if os.path.exists(path):
            break
        time.sleep(0.05)
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.settimeout(10)
    junk = [b"", b"g", b"G00", b"p", b"pffffffffffffffffff", b"P1", b"P1=", b"m", b"m0", b"m0,ffffffffffffffff",
            b"mffffffffffffffff,100", b"M0,4:zz", b"X70080000,4:}", b"H", b"Hg99", b"Hgp1.99", b"T99", b"Z0", b"Z0,0",
            b"Z9,0,4", b"Z2,0,0", b"Z2,ffffffffffffffff,8", b"z2,ffffffffffffffff,8", b"vCont", b"vCont;", b"vCont;x",
            b"vCont;s:99", b"qXfer:features:read:target.xml:ffff,ffff", b"qXfer:features:read:x:0,1", b"qRcmd,",
            b"qRcmd,zz", b"qRcmd," + b"20" * 4000, b"Qqemu.sstep=ff", b"qThreadExtraInfo,0", b"\x00\xff", b"$$", b"A" * 20000]
    for j in junk:
        s.sendall(packet(j) if j != b"$$" else b"$$#00#$#")
    s.sendall(b"$g#00" + b"\x03" * 100 + b"-" * 10 + packet(b"qC"))
    got = b""
    while b"QC1" not in got:
        data = s.recv(65536)
        if not data:
            break
        got += data
    check("raw: it answers after all that", b"QC1" in got, repr(got[-200:]))
    for i in range(70):
        s.sendall(packet(b"Z1,%x,4" % (0x70000000 + 4 * i)))
    s.sendall(packet(b"qAttached"))
    got = b""
    while b"$1#31" not in got:
        got += s.recv(65536)
    check("raw: 64 breakpoints and no more", got.count(b"$OK#") == 64 and got.count(b"$E28#") == 6 or accel == "kvm",
          repr(got[-200:]))
    # never reads: what it asks for waits in its own socket
    flood = packet(b"g") * 200
    s.setblocking(False)
    try:
        for _ in range(2000):
            s.send(flood)
    except BlockingIOError:
        pass
    s.close()
    time.sleep(0.5)
    check("raw: pome lives", proc.poll() is None)
    proc.terminate()
    proc.wait(20)
    check("raw: the socket's name is gone", not os.path.exists(path))
    err.close()


def trace():
    """--trace: what a guest of a few exceptions and a line of output does."""
    log = os.path.join(work, "trace")
    basic = os.path.join(os.path.dirname(elf), "t_basic.elf")
    r = subprocess.run([pome, "run", "-q", "--accel", "interp", "-k", basic, "-m", "256M", "--timeout", "60", "--no-reboot",
                        "--trace", "all,file:" + log], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    with open(log) as f:
        text = f.read()
    check("trace: exceptions and hypercalls", r.returncode == 0 and
          order(text, r"^\d+\.\d{6} cpu0 svc esr 0x56000123 elr 0x7\w+ el1$", r"^\S+ cpu0 brk esr 0xf2\w+ ",
                r"^\S+ cpu0 data-abort esr 0x96\w+ far 0x\w+ ", r"^\S+ cpu0 hvc 0x84000008 "), text)
    check("trace: devices by register", re.search(r"^\S+ cpu0 uart0 UARTDR <-(8|32) 0x50$", text, re.M) is not None, text)
    r = subprocess.run([pome, "run", "-q", "--accel", "interp", "-k", basic, "-m", "256M", "--timeout", "60", "--no-reboot",
                        "--trace", "insns=0x70080000-0x70080fff,mmio=rtc,limit=20K"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = r.stderr.decode()
    check("trace: instructions, up to the limit", r.returncode == 0 and 19000 < len(text) < 21000 and
          order(text, r"cpu0 0x70080000 d5034fdf \w+$", r"^trace: the limit is reached\n\Z") and "uart0" not in text, text)


def lldb():
    exe = shutil.which("lldb-19") or shutil.which("lldb")
    if not exe:
        print("skip lldb: not installed (apt-get install lldb-19)")
        return
    p = Pome()
    args = [exe, "--no-lldbinit", "--batch", elf]
    for c in ("settings set plugin.process.gdb-remote.packet-timeout 30", "gdb-remote 127.0.0.1:%d" % p.port,
              "breakpoint set -n inner", "continue", "bt", "register read pc sp x0 SCTLR_EL1", "thread step-inst",
              "thread list", "breakpoint delete -f", "watchpoint set variable other[1]", "continue",
              "watchpoint delete -f", "expression finish = 1", "process plugin packet monitor info cpus", "continue"):
        args += ["-o", c]
    out = run(args, 100)
    check("lldb: breakpoint and backtrace", order(out, "stop reason = breakpoint 1.1", "frame #0: .*inner",
                                                  "frame #1: .*middle"), out)
    check("lldb: registers", order(out, r"pc = 0x0*7008", r"SCTLR_EL1 = 0x0*30d0"), out)
    check("lldb: watchpoint", order(out, "stop reason = watchpoint 1"), out)
    status, console = p.end()
    check("lldb: the guest ends", status == 0 and "PASS" in console, "%d %s\n%s" % (status, console, out))


def linux():
    kernel, initrd = (os.path.join(cache, n) for n in ("vmlinuz", "initrd.img"))
    if not os.path.exists(kernel):
        print("skip linux: no kernel in %s (tests/debian/fetch.sh initrd)" % cache)
        return
    g = Guest([pome, "run", "--accel", accel, "-k", kernel, "-i", initrd, "-p", "2", "-m", "512M", "--timeout", "400",
               "--no-reboot", "--gdb", "tcp:0", "-a", "console=ttyAMA0 quiet nokaslr"] + flags)
    try:
        line = g.proc.stderr.readline().decode()
        port = int(re.search(r"127.0.0.1:(\d+)", line).group(1))
        g.expect(r"# *$", 200)
        g.shell()
        status, text = g.run("echo 0 >/proc/sys/kernel/kptr_restrict; "
                             "grep ' __arm64_sys_sethostname$' /proc/kallsyms")
        sym = {n: int(a, 16) for a, _, n in (x.split() for x in text.splitlines() if len(x.split()) == 3)}
        check("linux: kernel symbols", "__arm64_sys_sethostname" in sym, text)
        # again and again: gdb may take its time to come
        g.type("(while sleep 1; do hostname watched-name; done) &\n")
        out = gdb(port, """
break *%#x
continue
info threads
backtrace 6
print/x $pc
print/x $ESR_EL1
print $cpsr
stepi
stepi
print/x $pc
delete
eval "watch *(char(*)[64])%%#lx", $sp - 64
continue
delete
eval "rwatch *(long *)%%#lx", *(long *)$x0
continue
x/s $x1
delete
detach
""" % sym["__arm64_sys_sethostname"], symbols=None, timeout=200)
        check("linux: break in a system call", order(out, r"hit Breakpoint 1", r"^\* \d", r"^#0 +%#018x|^#0" %
                                                     sym["__arm64_sys_sethostname"], r"^#2 ",
                                                     r"= %#x$" % sym["__arm64_sys_sethostname"]), out)
        check("linux: steps", order(out, r"= %#x$" % sym["__arm64_sys_sethostname"], r"= %#x$" %
                                    (sym["__arm64_sys_sethostname"] + 8)), out)
        check("linux: watchpoint on the stack", order(out, "hit Hardware watchpoint", "Old value", "New value"), out)
        check("linux: the kernel reads the caller's memory", order(out, "hit Hardware read watchpoint", "Value ="), out)
        status, text = g.run("sleep 3; kill $!; hostname; nproc")
        check("linux: it goes on after detach", status == 0 and re.search(r"watched-name\n2$", text), text)
        g.type("while :; do :; done & while :; do :; done &\n")
        out = gdb(port, """
python
import threading, time
def kick():
    time.sleep(1)
    gdb.post_event(lambda: gdb.execute("interrupt"))
threading.Thread(target=kick).start()
end
continue
info threads
stepi
x/i $pc
detach
""", symbols=None)
        check("linux: Ctrl-C", order(out, "SIGINT", r"^  1 |^\* 1 ", "Thread 2", "=> 0x"), out)
        status, text = g.run("kill %1 %2; kill $(jobs -p) 2>/dev/null; cat /proc/uptime")
        check("linux: reconnected and went on", status == 0, text)
        g.type("poweroff -f\n")
        status = g.wait(60)
        check("linux: powers off", status == 0, str(status))
    finally:
        g.kill()


if not shutil.which("gdb-multiarch"):
    sys.exit("run.py: gdb-multiarch is not installed (tests/deps.sh)")
parts = {"bare": bare, "life": life, "raw": raw, "trace": trace, "lldb": lldb, "linux": linux}
try:
    for name in sys.argv[3:] or parts:
        parts[name]()
finally:
    shutil.rmtree(work, ignore_errors=True)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed != 0)
