#!/usr/bin/env python3
"""life.py - what a machine does over its life: resets, idles, is ended by keys and signals.

    life.py POME [POME-OPTIONS...]

Needs tests/debian/fetch.sh initrd to have run."""
import os, re, signal, sys, tempfile, termios, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)
from guest import Guest, Lost

cache = os.environ.get("POME_CACHE", os.path.join(here, "../../build/debian"))
passed = failed = 0


def check(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok   %s" if good else "FAIL %s: %s") % ((name,) if good else (name, str(detail)[-1200:])), flush=True)


def start(*options):
    return Guest([pome, "run", "-k", cache + "/vmlinuz", "-i", cache + "/initrd.img", "--timeout", "600", "-q"]
                 + list(options) + more)


def shell(g):
    g.expect(r"Ctrl-a x ends the machine", 200)
    g.expect(r"/ # ", 60)
    g.shell()


def status_of(pid):
    """Its memory in KiB (with what the guest has touched of its RAM), and the number of open files."""
    text = open("/proc/%d/status" % pid).read()
    return int(re.search(r"RssAnon:\s+(\d+)", text).group(1)), len(os.listdir("/proc/%d/fd" % pid))


def cpu_seconds(pid):
    f = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")


def reboots(n, cpus):
    """The guest resets itself n times; a disk goes on counting. Our memory and files stay the same."""
    with tempfile.NamedTemporaryFile(dir=cache) as disk:
        disk.truncate(1 << 20)
        g = start("-p", str(cpus), "-m", "512", "-d", disk.name + ",format=raw", "-n", "user")
        seen = []
        try:
            for i in range(n + 1):
                shell(g)
                status, out = g.run("n=%d; [ $n = 0 ] || [ $(head -c 4 /dev/vda) = $(printf %%04d $n) ] && printf %%04d $((n + 1)) | "
                                    "dd of=/dev/vda conv=notrunc,fsync 2>/dev/null; head -c 4 /dev/vda" % i)
                seen.append(status_of(g.proc.pid))
                if out != "%04d" % (i + 1):
                    raise Lost("the disk counts %r at boot %d" % (out, i + 1))
                g.type("reboot -f\n" if i < n else "poweroff -f\n")
            status = g.wait(30)
            check("%d reboots with %d CPUs, then status 0" % (n, cpus), status == 0, "status %d %s" % (status, g.errors))
            grown = seen[-1][0] - seen[1][0]
            check("memory stays the same (%d KiB, then %+d)" % (seen[1][0], grown), grown < 4096, seen)
            check("open files stay the same", seen[-1][1] == seen[0][1], seen)
        except Lost as e:
            check("%d reboots with %d CPUs" % (n, cpus), False, e)
        finally:
            g.kill()


def idle(cpus, seconds, limit):
    g = start("-p", str(cpus), "-n", "user")
    try:
        shell(g)
        time.sleep(8)           # the guest's own start-up work ends
        before = cpu_seconds(g.proc.pid)
        time.sleep(seconds)
        percent = (cpu_seconds(g.proc.pid) - before) / seconds * 100
        check("idle with %d CPUs: %.1f %% of a host CPU" % (cpus, percent), percent < limit, "more than %g" % limit)
        status, out = g.run("echo still $((6 * 7))", 20)
        check("and answers at once", out.endswith("still 42"), out)     # after the kernel's lines
    except Lost as e:
        check("idle with %d CPUs" % cpus, False, e)
    finally:
        g.kill()


def ended(name, how, want):
    g = start("-p", "2")
    try:
        before = termios.tcgetattr(g.master)
        shell(g)
        raw = termios.tcgetattr(g.master)
        how(g)
        status = g.wait(20)
        check("%s: status %d" % (name, want), status == want, "status %d %s" % (status, g.errors))
        check("%s: terminal raw, then as before" % name, raw != before and termios.tcgetattr(g.master) == before)
    except (Lost, termios.error) as e:
        check(name, False, e)
    finally:
        g.kill()


def stopped():
    """A shell's job: stopped, and the shell has its terminal; continued, and the guest has it raw."""
    # opening the terminal makes it the session's
    sh = Guest(["sh", "-c", "exec bash --norc --noediting -i <>$(tty) >&0 2>&1"])
    try:
        sh.type("PS1='sh%'; stty -echo\n")
        sh.expect("sh%$", 10)
        sh.type(" ".join([pome, "run", "-q", "--accel", "interp", "--timeout", "100"] + more) + "\n")
        sh.expect("pome boot ROM", 60)
        sh.expect(r"\n.*> ?$", 20)
        pid = int(open("/proc/%d/task/%d/children" % (sh.proc.pid, sh.proc.pid)).read())
        raw = termios.tcgetattr(sh.master)
        for sig in (signal.SIGTSTP, signal.SIGSTOP):
            os.kill(pid, sig)
            sh.expect("Stopped", 20)
            sh.expect("sh%$", 20)
            between = termios.tcgetattr(sh.master)
            sh.type("fg\n")
            sh.expect("pome", 20)
            time.sleep(1)
            check("%s: the shell's terminal, then raw again" % sig.name,
                  between[3] & termios.ICANON and termios.tcgetattr(sh.master) == raw, (between, raw))
        sh.type("\x01x")
        sh.expect("sh%$", 20)
        sh.type("echo status $?\n")
        check("and Ctrl-a x", sh.expect(r"^status (\d+)", 20).group(1) == "130")
    except (Lost, termios.error, ValueError) as e:
        check("a stopped job", False, e)
    finally:
        sh.type("exit\n")
        sh.kill()


if len(sys.argv) < 2:
    sys.exit(__doc__)
pome, more = os.path.abspath(sys.argv[1]), sys.argv[2:]
stopped()
reboots(10, 2)
idle(1, 20, 2)
idle(4, 20, 3)
ended("Ctrl-a x", lambda g: g.type("\x01x"), 128 + signal.SIGINT)
ended("SIGTERM", lambda g: g.proc.send_signal(signal.SIGTERM), 128 + signal.SIGTERM)
ended("SIGINT", lambda g: g.proc.send_signal(signal.SIGINT), 128 + signal.SIGINT)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed != 0)
