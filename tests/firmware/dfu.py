#!/usr/bin/env python3
"""DFU through the USB device port, as a restore tool does it: stage 1 is sent, checked and started; then, what a bad
tool may do.

    dfu.py POME DIR [-- POME-OPTIONS...]        DIR: what make built (stage1.bin)
"""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image as im  # noqa: E402
import variants  # noqa: E402

ECID = variants.ECID
SETUP, RESET = 1, 2
IDLE, DNLOAD_IDLE, MANIFEST_SYNC, MANIFEST, WAIT_RESET, ERROR = 2, 5, 6, 7, 8, 10


class Port:
    """The far end of the port: packets, and the requests of USB and DFU over them."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(60)
        self.s.connect(path)

    def send(self, kind, payload=b"", endpoint=0):
        self.s.sendall(struct.pack("<IBB", len(payload), endpoint, kind) + payload)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            got = self.s.recv(n - len(data))
            assert got, "the port hung up"
            data += got
        return data

    def receive(self):
        size, endpoint, kind = struct.unpack("<IBB", self.exactly(6))
        return endpoint, kind, self.exactly(size)

    def reset(self):
        self.send(RESET)
        assert self.receive() == (0, 4, b"")

    def get(self, kind, request, value, length):
        self.send(SETUP, struct.pack("<BBHHH", kind, request, value, 0, length))
        endpoint, kind, data = self.receive()
        assert (endpoint, kind) == (0, 1) and len(data) <= length
        return data

    def put(self, request, data=b"", value=0, length=None):
        self.send(SETUP, struct.pack("<BBHHH", 0x21, request, value, 0, len(data) if length is None else length) + data)
        assert self.receive() == (0, 1, b"")

    def string(self, index):
        d = self.get(0x80, 6, 0x300 | index, 255)
        return d[2:].decode("utf-16-le")

    def status(self):
        d = self.get(0xa1, 3, 0, 6)
        return d[0], d[4]

    def download(self, image):
        for n, at in enumerate(range(0, len(image), 2048)):
            self.put(1, image[at:at + 2048], n)
            assert self.status() == (0, DNLOAD_IDLE)
        self.put(1)
        assert [self.status() for _ in range(4)] == [(0, s) for s in (MANIFEST_SYNC, MANIFEST, WAIT_RESET, WAIT_RESET)]
        self.reset()


def suffix(image):
    image += struct.pack("<HHHH3sB", 0xffff, 0xffff, 0x5ac, 0x100, b"UFD", 16)
    return image + struct.pack("<I", ~zlib.crc32(image) & 0xffffffff)


class Run:
    """A machine whose store has a stage 1 that would start, were it asked."""

    def __init__(self, exe, build, tmp, extra):
        self.path, store = os.path.join(tmp, "usb"), os.path.join(tmp, "aux")
        self.stage1 = im.signed("ibss", open(os.path.join(build, "stage1.bin"), "rb").read(), ECID)
        with open(store, "wb") as f:
            f.write(im.aux({0x100000: self.stage1}))
        self.vm = subprocess.Popen([exe, "run", "-q", "--dfu", "--ecid", hex(ECID), "-m", "192M", "--timeout", "120",
                                    "--usb-device", "unix:" + self.path, "--disk", store + ",role=aux,format=raw"] + extra,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not os.path.exists(self.path):
            time.sleep(0.05)
            assert self.vm.poll() is None, self.vm.communicate()
        self.port = Port(self.path)

    def end(self, typed=b""):
        out, err = self.vm.communicate(typed, timeout=120)
        out = out.decode("latin1").replace("\r", "")
        assert self.vm.returncode == 0, (self.vm.returncode, out, err)
        assert "a fault of its own" not in out, out
        return out


def good(run):
    p = run.port
    p.reset()
    d = p.get(0x80, 6, 0x100, 18)
    assert len(d) == 18 and struct.unpack("<HH", d[8:12]) == (0x05ac, 0x1227)
    assert len(p.get(0x80, 6, 0x100, 8)) == 8           # as hosts ask first
    assert len(p.get(0x80, 6, 0x200, 255)) == 27
    assert p.string(3).startswith("SDOM:01 CPID:FE00 CPRV:00 CPFM:03 SCEP:01 BDID:20 ECID:1122334455667788 IBFL:3C")
    assert p.status() == (0, IDLE)
    p.download(suffix(run.stage1))
    out = run.end()
    for line in variants.ALL_OK + ["Starting ibss", "digest       ok"]:
        assert line in out, (line, out)
    assert not any(word in out for word in variants.NONE_BAD), out


def bad(run):
    """All in one machine: each leaves it able to take the next."""
    p = run.port
    fine = im.signed("ibss", variants.OFF, ECID)
    wrong = im.img4(variants.PAYLOAD, variants.manifest(signature=bytes(512)))
    p.reset()
    for image in (wrong, fine[:500], b"\x30\x84\xff\xff\xff\xff", b"x", bytes(5000), im.signed("krnl", variants.OFF, ECID)):
        p.download(image)
        assert p.status() == (2, ERROR), image[:16]
        p.put(4)                                        # CLRSTATUS
        assert p.status() == (0, IDLE)
    p.put(1)                                            # the end of nothing
    assert p.status() == (15, ERROR)
    p.put(1, b"more")                                   # in the wrong state
    assert p.status() == (15, ERROR)
    p.put(6)                                            # ABORT
    p.put(1, b"short", length=2048)                     # says more than it has
    assert p.status() == (15, ERROR)
    p.reset()                                           # in the middle of things
    assert p.status() == (0, IDLE)
    p.send(0, b"")                                      # no such type
    p.send(9, bytes(2056))
    p.send(SETUP, b"\x80\6\0")                          # no whole SETUP
    p.send(SETUP, bytes(100), endpoint=4)               # nobody is there
    p.send(SETUP, bytes(9000))                          # no room for that
    assert p.get(0x80, 6, 0x3ff, 255) == b""            # no such string
    assert p.get(0xc0, 0x42, 0, 255) == b""             # no such request
    assert p.get(0xa1, 3, 0, 0) == b""                  # wants nothing
    assert p.get(0xa1, 5, 0, 1) == bytes([IDLE])
    block = bytes(2048)
    while p.status() != (8, ERROR):                     # more than there is room for
        for _ in range(1024):
            p.put(1, block)
    p.put(4)
    p.download(fine)
    out = run.end()
    assert "signature    FAILED" in out and out.count("malformed") == 5 and "Starting ibss" in out, out


def key(run):
    run.port.reset()
    out = run.end(b"xoff\n")
    assert "a key ends this" in out and "Monitor" in out, out


def nobody(run):
    run.port.s.close()
    assert "waiting for an image" in run.end(b"xoff\n")


def main():
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    exe, build = os.path.abspath(sys.argv[1]), sys.argv[2]
    extra = sys.argv[cut + 1:] or ["--accel", "interp"]
    for case in good, bad, key, nobody:
        with tempfile.TemporaryDirectory() as tmp:
            run = Run(exe, build, tmp, extra)
            try:
                case(run)
            finally:
                run.vm.kill()
        print("ok   DFU: " + case.__name__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
