#!/usr/bin/env python3
"""The host end of the USB device port, and the display file, as a user would have them.

usb.py POME u_usb.elf
"""
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

pome, elf = sys.argv[1:3]
W, H = 96, 80


def packet(endpoint, kind, payload=b""):
    return struct.pack("<IBB", len(payload), endpoint, kind) + payload


def receive(s):
    head = b""
    while len(head) < 6:
        got = s.recv(6 - len(head))
        assert got, "the port hung up"
        head += got
    size, endpoint, kind = struct.unpack("<IBB", head)
    data = b""
    while len(data) < size:
        got = s.recv(size - len(data))
        assert got, "the port hung up"
        data += got
    return endpoint, kind, data


def attach(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    return s


with tempfile.TemporaryDirectory() as tmp:
    path, picture = tmp + "/usb", tmp + "/screen.ppm"
    vm = subprocess.Popen(
        [pome, "run", "-k", elf, "-m", "64M", "--accel", "interp", "--usb-device", "unix:" + path,
         "--display", f"file:{picture},size={W}x{H}", "--timeout", "60"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        while not os.path.exists(path):
            time.sleep(0.05)
            assert vm.poll() is None, "pome ended"
        s = attach(path)
        s.sendall(packet(0, 2))
        assert receive(s) == (0, 4, b""), "bus reset"
        # SETUP with 2048 bytes, the largest that the guest has room for, twice in one go
        block = bytes(i * 7 & 255 for i in range(2056))
        s.sendall(packet(0, 1, block) * 2)
        assert receive(s) == (0, 1, block)
        assert receive(s) == (0, 1, block)
        for piece in packet(4, 1, b"bulk"):
            s.sendall(bytes([piece]))
        assert receive(s) == (4, 1, b"bulk")
        # too long for the guest: dropped; the next one comes
        s.sendall(packet(0, 1, bytes(4000)) + packet(0, 1, b"next"))
        assert receive(s) == (0, 1, b"next")
        # away in the middle of a packet, then another program
        s.sendall(packet(0, 1, b"half a packet")[:9])
        s.close()
        s = attach(path)
        s.sendall(packet(0, 1, b"whole"))
        assert receive(s) == (0, 1, b"whole")
        # nonsense: not listened to any more, until it comes back
        s.sendall(b"\xff" * 100)
        s.close()
        s = attach(path)
        s.sendall(packet(0, 9))
        out, err = (text.decode() for text in vm.communicate(timeout=30))
    finally:
        vm.kill()
    assert vm.returncode == 0, f"status {vm.returncode}: {err}"
    assert out.replace("\r", "").splitlines()[-1].startswith("PASS"), out
    assert not os.path.exists(path), "the socket's name is left"
    image = open(picture, "rb").read()
    head = b"P6\n%d %d\n255\n" % (W, H)
    assert image.startswith(head) and len(image) == len(head) + 3 * W * H
    for x, y in (0, 0), (5, 9), (W - 1, H - 1):
        at = len(head) + 3 * (y * W + x)
        assert tuple(image[at:at + 3]) == (x, y, 0x42), f"pixel {x},{y}"
print("ok   USB port and display file")
