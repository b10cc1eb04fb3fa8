"""Kernels for XNU's way of starting: from the command line, and from an aux store through the boot ROM."""
import os
import struct
import zlib

import image as im
import lz
from der import ia5, octets, seq
from variants import AT, ECID, SMALL, Case

LINE = "serial=3 pome-test"
TRUST = b"trscache" + bytes(60000)
RAMDISK = b"ram disk" + os.urandom(1000) + bytes(50000)


def template():
    cpus = [im.adt({"name": "cpu%d" % i, "reg": i, "state": "waiting"}) for i in range(32)]
    io = im.adt({"name": "arm-io", "ranges": struct.pack("<QQQ", 0, 0x10000000, 0x60000000)},
                im.adt({"name": "gic", "reg": struct.pack("<QQQQ", 0, 0x10000, 0x10000, 0x400000)}),
                im.adt({"name": "uart0", "compatible": "arm,pl011", "AAPL,phandle": 7}))
    return im.adt({"name": "device-tree", "pome-template": "yes", "serial-number": "placeholder that is long"},
                  im.adt({"name": "chosen", "random-seed": bytes(64)}, im.adt({"name": "memory-map"})),
                  im.adt({"name": "cpus"}, *cpus), io, im.adt({"name": "defaults", "serial-device": 7}))


def nvram(line, generation=1, size=0x2000, parts=1):
    """A CHRP bank; line None: without boot-args. `parts` of them have the variables."""
    def header(sig, name, blocks):
        h = bytearray(16)
        h[0], h[2:4], h[4:4 + len(name)] = sig, struct.pack("<H", blocks), name
        s = h[0]
        for c in h[2:]:
            s += c
            s = (s & 255) + (s >> 8)
        h[1] = s
        return bytes(h)
    body = b"" if line is None else b"boot-args=" + line.encode() + b"\0"
    body = b"auto-boot=true\0" + body + b"\0" if parts == 1 else b"x=\0"
    room = -(-len(body) // 16)
    common = (header(0x70, b"common", room + 1) + body.ljust(16 * room, b"\0")) * parts
    rest = header(0x7f, b"free", (size - 0x20 - len(common)) // 16).ljust(size - 0x20 - len(common), b"\0")
    tail = struct.pack("<I", generation) + bytes(8) + common + rest
    return header(0x5a, b"nvram", 2) + struct.pack("<I", zlib.adler32(tail)) + tail


def nvram3(line, generation, size=0x2000, data=None):
    value = line.encode()
    var = struct.pack("<HBBIII16sI", 0x55aa, 0x7f, 0, 0, 10, len(value) if data is None else data, bytes(16),
                      zlib.crc32(value))
    head = struct.pack("<4sIIBBBBII", b"NVV3", size, generation, 0, 0, 1, 0, 0x1000, 0x1000)
    return (head + var + b"boot-args\0" + value).ljust(0x2000, b"\0")


def cases(build):
    segs, entry = im.elf_segments(open(os.path.join(build, "kernel.elf"), "rb").read())
    plain = im.macho(segs, entry)
    fileset = im.macho(segs, entry, fileset=True)

    def direct(name, kernel, *more, want=("kernel: PASS",), cpus=2, **files):
        files["kernel"] = kernel
        args = ["--kernel", "{kernel}", "--append", LINE, "-p", str(cpus)]
        for f in ("devicetree", "trustcache", "ramdisk"):
            if f in files:
                args += ["--" + f, "{%s}" % f]
        return Case("XNU, " + name, None, list(want), ["FAIL"], typed="", args=args + list(more), files=files)

    yield direct("Mach-O", plain)
    yield direct("fileset", fileset)
    yield direct("one CPU", plain, cpus=1)
    yield direct("32 CPUs", plain, cpus=32)
    yield direct("IM4P, LZFSE", im.im4p("krnl", fileset, "lzfse"))
    yield direct("IM4P, LZSS", im.im4p("krnl", plain, "lzss"))
    yield direct("IMG4", im.signed("krnl", plain, ECID, "lzvn"))
    yield direct("bare LZFSE", lz.lzfse(plain))
    forms = {"raw": lambda kind, data: data, "LZFSE": lambda kind, data: lz.lzfse(data), "LZSS": lambda kind, data: lz.lzss(data)}
    for packing in "plain", "lzfse", "lzss":
        forms["IM4P, " + packing] = lambda kind, data, p=packing: im.im4p(kind, data, p)
        forms["IMG4, " + packing] = lambda kind, data, p=packing: im.signed(kind, data, ECID, p)
    every = ("a template's tree", "kernel: trust cache", "kernel: RAM disk", "kernel: PASS")
    for name, form in forms.items():
        yield direct("all four as " + name, form("krnl", fileset), devicetree=form("dtre", template()),
                     trustcache=form("trst", TRUST), ramdisk=form("rdsk", RAMDISK), want=every)
    for skip in "devicetree", "trustcache", "ramdisk":
        some = {"devicetree": template(), "trustcache": TRUST, "ramdisk": RAMDISK}
        del some[skip]
        yield direct("without " + skip, plain, **some)
    yield direct("608 characters", im.macho(segs, entry, version=(8792, 1, 2)))
    yield direct("macOS 26", im.macho(segs, entry, version=(12377, 1, 9)))
    yield direct("all files", fileset, devicetree=im.im4p("dtre", template()), trustcache=im.im4p("trst", TRUST),
                 ramdisk=RAMDISK, want=("a template's tree", "kernel: trust cache", "kernel: RAM disk", "kernel: PASS"))
    yield direct("plain files", plain, devicetree=template(), trustcache=TRUST, want=("a template's tree", "trust cache", "PASS"))

    def refused(name, text, kernel=plain, *more, **files):
        c = direct(name, kernel, *more, want=(), **files)
        c.status, c.errors = 3, [text]
        return c

    def patch(at, fmt, *v):
        return plain[:at] + struct.pack(fmt, *v) + plain[at + struct.calcsize(fmt):]

    yield refused("Mach-O for x86", "another CPU", patch(4, "<I", 0x01000007))
    yield refused("Mach-O library", "expected a kernel", patch(12, "<I", 6))
    yield refused("commands cut short", "cut short", patch(20, "<I", 1 << 30))
    yield refused("too many commands", "cut short", patch(16, "<I", 1 << 31))
    yield refused("command of size 0", "size is wrong", patch(36, "<I", 0))
    yield refused("command of size 3", "size is wrong", patch(36, "<I", 71))
    yield refused("segment behind the file", "behind the file", patch(32 + 40, "<Q", 1 << 40))
    yield refused("segment wraps", "wraps", patch(32 + 24, "<Q", (1 << 64) - 0x1000))
    yield refused("segment larger in the file", "larger in the file", patch(32 + 32, "<Q", 0x10))
    yield refused("segments far apart", "too far apart", patch(32 + 24, "<Q", 0x1000000))
    yield refused("no entry", "no entry", im.macho(segs, entry, thread=False))
    yield refused("entry nowhere", "in no segment", im.macho(segs, entry + (1 << 30)))
    yield refused("entry odd", "not aligned", im.macho(segs, entry + 2))
    yield refused("file cut short", "behind the file", plain[:0x5000])
    yield refused("header cut short", "Mach-O", plain[:20])
    low = [(n, 0x10000 + va - segs[0][1], d, m) for n, va, d, m in segs]
    yield refused("linked too low", "too low", im.macho(low, 0x10000))
    big = [(n, va, d, m + (900 << 20 if i == len(segs) - 1 else 0)) for i, (n, va, d, m) in enumerate(segs)]
    yield refused("larger than RAM", "do not fit", im.macho(big, entry))
    yield refused("line of 608 for an old kernel", "607", im.macho(segs, entry, version=(8792, 1, 2)), "--append", "x" * 608)
    yield refused("line of 1024", "1023", plain, "--append", "x" * 1024)
    yield refused("IM4P damaged", "damaged", im.im4p("krnl", plain)[:200])
    yield refused("IM4P encrypted", "encrypted", im.im4p("krnl", plain, kbag=b"k" * 60))
    yield refused("LZFSE damaged", "damaged", seq(ia5("IM4P"), ia5("krnl"), ia5("v"), octets(lz.lzfse(plain)[:-100])))
    t = template()
    yield refused("tree cut short", "device tree: ends", devicetree=t[:len(t) // 2])
    yield refused("tree with 4 G properties", "device tree", devicetree=b"\xff" * 4 + t[4:])
    yield refused("tree with 4 G children", "device tree", devicetree=t[:4] + b"\xff" * 4 + t[8:])
    deep = im.adt({"name": "x"})
    for _ in range(40):
        deep = im.adt({"name": "x"}, deep)
    yield refused("tree too deep", "too deep", devicetree=deep)
    yield refused("tree with a value of 16 MiB", "device tree", devicetree=t[:40] + b"\xff\xff\xff\0" + t[44:])
    yield refused("tree with a name without end", "name", devicetree=t[:8] + b"n" * 32 + t[40:])
    yield refused("tree of 2 MiB", "larger than 1 MiB", devicetree=im.adt({"name": "device-tree", "x": bytes(2 << 20)}))
    yield refused("Linux's tree", "Linux", plain, "--dtb", "{kernel}")

    def stored(name, objects, *want, **kw):
        at = {AT + 0x40000 * i: o for i, o in enumerate(objects)}
        at[0x80000 * 6] = nvram("old", 1)
        at[0x80000 * 7] = nvram(LINE, 2)
        return Case("ROM, " + name, im.aux(at, SMALL), list(want), kw.pop("never", []), typed="off\n", **kw)

    def s(kind, data):
        return im.signed(kind, data, ECID, "lzvn")

    yield stored("kernel alone", [s("krnl", plain)], "building one", "kernel: PASS")
    yield stored("kernel, tree, trust cache, RAM disk", [s("krnl", fileset), s("dtre", template()), s("trst", TRUST),
                 s("rdsk", RAMDISK)], "a template's tree", "kernel: trust cache", "kernel: RAM disk", "kernel: PASS",
                 args=["-p", "4"])
    p = im.im4p("krnl", plain, "lzvn")
    yield stored("kernel and manifest apart", [p, im.im4m([im.manp(ECID), im.image_group("krnl", p)])], "kernel: PASS")
    yield stored("kernel without manifest", [p], "manifest     FAILED", never=["kernel: started"])
    yield stored("kernel with another's tree", [s("krnl", plain), im.signed("dtre", template(), ECID + 1)], "ECID         FAILED",
                 never=["kernel: started"])
    yield stored("damaged kernel", [s("krnl", patch(36, "<I", 0))], "size is wrong", never=["kernel: started"])
    for name, banks, want in (
            ("newest bank without boot-args", [nvram("old", 1), nvram(None, 2)], [": serial=3\n"]),
            ("newest bank damaged", [nvram(LINE, 1), nvram("new", 2)[:-1] + b"x"],
             ["aux+0x380000: NVRAM: the bank's Adler-32 fits no size", ": " + LINE]),
            ("newest bank's header damaged", [nvram(LINE, 1), nvram("new", 2)[:12] + b"x" + nvram("new", 2)[13:]],
             ["header's checksum is wrong", ": " + LINE]),
            ("newest bank first", [nvram(LINE, 9), nvram("old", 2)], [": " + LINE]),
            ("boot-args of 1023 characters", [nvram("", 1), nvram("y" * 1023, 2)], [": " + "y" * 1023]),
            ("boot-args of 1024 characters", [nvram(LINE, 1), nvram("y" * 1024, 2)], ["of 1024 characters", ": serial=3\n"]),
            ("boot-args of 400 KiB", [nvram(LINE, 1), nvram("y" * 400000, 2, 0x80000)], ["of 400000 characters"]),
            ("version 3", [nvram("old", 1), nvram3(LINE, 2)], [": " + LINE]),
            ("version 3, too large", [nvram(LINE, 1), nvram3("new", 2, 0x100000)], ["size is out of range", ": " + LINE]),
            ("version 3, a variable too large", [nvram(LINE, 1), nvram3("new", 2, data=1 << 31)], [": serial=3\n"]),
            ("sixteen thousand partitions", [nvram("old", 1), nvram("x", 2, 0x80000, 16000)], [": serial=3\n"])):
        yield Case("NVRAM, " + name, im.aux({AT: s("krnl", plain), 0x80000 * 6: banks[0], 0x80000 * 7: banks[1]}, SMALL),
                   ["Starting the kernel at ", "kernel: started"] + want, typed="off\n", never=["a fault"], budget=100_000_000)
    yield stored("damaged tree", [s("krnl", plain), s("dtre", t[:100])], "device tree: ends", never=["kernel: started"])
