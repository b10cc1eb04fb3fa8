"""A guest's console, driven by a script: start pome on a terminal, wait for text, type, run commands.

    g = Guest([pome, "run", ...], log="out")
    g.expect("login: ", 300); g.type("root\n")
    status, text = g.run("uname -r")
"""
import ctypes, os, pty, re, select, signal, subprocess, sys, time

libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class Lost(Exception):
    """What was waited for did not come."""


def patience(seconds):
    """What a wait may take on a host that has more to do: time-outs are for guests that hang."""
    return seconds * max(1, os.getloadavg()[0] / (os.cpu_count() or 1))


def start_plain():
    """What a shell ignores for its background jobs, pome would ignore too. And a guest ends with its script, whatever ended
    that: one that waits for a key would keep a CPU for ever."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for s in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(s, signal.SIG_DFL)


def take_options(args, **known):
    """The values of --NAME VALUE at the front of args, which loses them; where one is missing, what `known` has."""
    while args and args[0].startswith("--") and args[0][2:] in known:
        name = args.pop(0)
        if not args:
            sys.exit("%s: a value is missing" % name)
        known[name[2:]] = args.pop(0)
    return known


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Guest:
    def __init__(self, command, log=None):
        self.master, slave = pty.openpty()
        self.seen = ""          # what came and was not yet waited for
        self.all = ""
        self.log = open(log, "wb") if log else None
        self.count = 0
        self.proc = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE,
                                     start_new_session=True, preexec_fn=start_plain)
        os.close(slave)

    def _read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], max(0, seconds))
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:         # the other side is closed
            return False
        if self.log:
            self.log.write(data)
            self.log.flush()
        text = data.decode("utf-8", "replace").replace("\r", "")
        self.seen = ESCAPES.sub("", self.seen + text)
        self.all += text
        return bool(data)

    def expect(self, pattern, timeout):
        """Waits for a regular expression; what stands before it is dropped. Returns the match."""
        timeout = patience(timeout)
        end = time.monotonic() + timeout
        while True:
            m = re.search(pattern, self.seen, re.M)
            if m:
                self.seen = self.seen[m.end():]
                return m
            if time.monotonic() > end:
                raise Lost("no %r within %g s; last lines: %s" % (pattern, timeout, self.all[-600:]))
            if not self._read(end - time.monotonic()):
                raise Lost("pome ended while %r was waited for; last lines: %s" % (pattern, self.all[-600:]))

    def type(self, text):
        data = text.encode()
        while data:
            # the guest's UART takes 16 bytes at a time: keep reading, so that neither side stalls
            _, ready, _ = select.select([], [self.master], [], 10)
            if not ready:
                raise Lost("the console takes no input")
            data = data[os.write(self.master, data[:256]):]

    def shell(self, timeout=30):
        """Makes the shell that runs there plain: no echo, no prompt."""
        self.type(" bind 'set enable-bracketed-paste off' 2>/dev/null; stty -echo; PS1=; PS2=; PROMPT_COMMAND=; echo READ''Y\n")
        self.expect("^READY$", timeout)

    def run(self, command, timeout=60):
        """A shell command line: its exit status and what it printed."""
        self.count += 1
        tag = "END%d" % self.count
        self.type("{ %s\n} 2>&1; s=$?; echo; echo %s''-$s\n" % (command, tag))
        timeout = patience(timeout)
        end = time.monotonic() + timeout
        pattern = re.compile("^%s-([0-9]+)$" % tag, re.M)
        while True:
            m = pattern.search(self.seen)
            if m:
                break
            if time.monotonic() > end:
                raise Lost("%r still runs after %g s: %s" % (command, timeout, self.seen[-2000:]))
            if not self._read(min(1, end - time.monotonic())):
                raise Lost("pome ended during %r: %s" % (command, self.seen[-2000:]))
        text = self.seen[:m.start()]
        self.seen = self.seen[m.end():].lstrip("\n")
        return int(m.group(1)), text.strip("\n")

    def wait(self, timeout):
        """Waits for pome to end; its status as a shell tells it (128 + signal)."""
        timeout = patience(timeout)
        end = time.monotonic() + timeout
        while self._read(min(0.2, end - time.monotonic())) and self.proc.poll() is None:
            if time.monotonic() > end:
                raise Lost("pome does not end: %s" % self.all[-600:])
        try:
            status = self.proc.wait(max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Lost("pome does not end: %s" % self.all[-600:])
        self.errors = self.proc.stderr.read().decode("utf-8", "replace")
        return status if status >= 0 else 128 - status

    def kill(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        self.proc.stderr.close()
        os.close(self.master)
        if self.log:
            self.log.close()
