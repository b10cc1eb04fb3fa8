#!/usr/bin/env python3
"""IMG4 images signed with a test key, aux stores, Mach-O kernels, Apple device trees.

    image.py aux  OUT --stage1 FILE [--ecid N] [--packing lzfse|lzvn|lzss|raw|plain] [--at OFFSET] [--wrapped]
    image.py img4 OUT --type illb --payload FILE [...]
    image.py macho OUT ELF           an ELF kernel's segments as a Mach-O kernel
Facts: spec/vmapple.md sections 8.2 to 8.5. As a module, it is what the hostile variants are made with.
"""
import argparse
import hashlib
import struct
import sys

import lz
import testkey
from der import (bit_string, boolean, context, group, ia5, integer, null, octets, oid, private, prop, seq, set_, tlv,
                 utf8)

AUX_SIZE = 32 << 20
DEFAULT_AT = 0x100000
MANIFEST_RULES = "1.2.840.113635.100.6.1.15"


def pack(data, packing):
    return {"lzfse": lz.lzfse, "lzvn": lz.lzvn, "lzss": lz.lzss, "raw": lz.raw, "plain": lambda d: d,
            "v1": lambda d: lz.lzfse(d, v1=True)}[packing](data)


def im4p(kind, data, packing="lzfse", version="pome-test-1", kbag=None, size=None, props=None, algorithm=1, extra=b""):
    body = pack(data, packing) if packing else data
    parts = [ia5("IM4P"), ia5(kind), ia5(version), octets(body)]
    if kbag:
        parts.append(octets(kbag))
    if packing in ("lzfse", "lzvn", "raw", "v1"):
        parts.append(seq(integer(algorithm), integer(len(data) if size is None else size)))
    if props:
        parts.append(context(0, seq(ia5("PAYP"), set_(*props))))
    return seq(*parts, extra)


def certificate(n=testkey.N, e=testkey.E, subject="pome test leaf", issuer="pome test root", rules=None, extra=b"",
                algorithm="1.2.840.113549.1.1.1"):
    def name(cn):
        return seq(set_(seq(oid("2.5.4.3"), utf8(cn))))
    alg = seq(oid("1.2.840.113549.1.1.12"), null())
    spki = seq(seq(oid(algorithm), null()), bit_string(seq(integer(n), integer(e))))
    dates = seq(tlv(b"\x17", b"240101000000Z"), tlv(b"\x17", b"340101000000Z"))
    ext = b""
    if rules is not None:
        ext = context(3, seq(seq(oid(MANIFEST_RULES), boolean(True), octets(rules))))
    tbs = seq(context(0, integer(2)), integer(1), alg, name(issuer), dates, name(subject), spki, ext, extra)
    return seq(tbs, alg, bit_string(bytes(512)))


def leaf_rules(chip=0xfe00):
    """As a real ticket's leaf has them, shortened: plain value, [0] must be there, [1] must not."""
    there, absent = context(0, null()), context(1, null())
    return set_(private("MANP", seq(ia5("MANP"), set_(prop("CHIP", integer(chip)), prop("CEPO", integer(1)),
                                                      prop("ECID", there), prop("BORD", there),
                                                      prop("augs", absent)))),
                private("OBJP", seq(ia5("OBJP"), set_(prop("DGST", there), prop("EPRO", there)))))


def sign(data, n=testkey.N, d=testkey.D):
    info = bytes.fromhex("3041300d060960864801650304020205000430") + hashlib.sha384(data).digest()
    em = b"\0\1" + b"\xff" * (512 - 3 - len(info)) + b"\0" + info
    return pow(int.from_bytes(em, "big"), d, n).to_bytes(512, "big")


def manp(ecid, chip=0xfe00, board=0x20, drop=(), **more):
    p = {"BNCH": octets(bytes(32)), "BORD": integer(board), "CEPO": integer(1), "CHIP": integer(chip),
         "CPRO": boolean(True), "CSEC": boolean(True), "ECID": integer(ecid), "SDOM": integer(1), "love": octets(b"13.0")}
    p.update(more)
    return group("MANP", *[prop(k, v) for k, v in p.items() if k not in drop and v is not None])


def image_group(kind, payload, digest=None, drop=()):
    p = {"DGST": octets(digest or hashlib.sha384(payload).digest()), "EKEY": boolean(True), "EPRO": boolean(True),
         "ESEC": boolean(True)}
    return group(kind, *[prop(k, v) for k, v in p.items() if k not in drop])


def im4m(groups, signature=None, certs=None, version=0, extra=b"", covered=None):
    covered = covered or set_(group("MANB", *groups))
    return seq(ia5("IM4M"), integer(version), covered, octets(sign(covered) if signature is None else signature),
               seq(*(certs or [certificate(rules=leaf_rules())])), extra)


def im4r(nonce=bytes(8)):
    return seq(ia5("IM4R"), set_(prop("BNCN", octets(nonce))))


def img4(payload, manifest=None, restore=None, extra=b""):
    parts = [ia5("IMG4"), payload]
    if manifest:
        parts.append(context(0, manifest))
    if restore:
        parts.append(context(1, restore))
    return seq(*parts, extra)


def signed(kind, data, ecid, packing="lzfse", restore=True, **kw):
    p = im4p(kind, data, packing, **kw)
    return img4(p, im4m([manp(ecid), image_group(kind, p)]), im4r() if restore else None)


def aux(objects, size=AUX_SIZE, wrapped=False):
    """A store with objects {offset: bytes}; wrapped: with the 16 KiB that Virtualization.framework puts before it."""
    b = bytearray(size)
    for at, data in objects.items():
        b[at:at + len(data)] = data
    return bytes(0x4000 if wrapped else 0) + bytes(b)


# ---- Mach-O ------------------------------------------------------------------

LINK = 0xfffffe0007004000


def elf_segments(elf):
    """[(name, vaddr, data, memory size)], entry."""
    assert elf[:4] == b"\x7fELF"
    entry, phoff = struct.unpack_from("<QQ", elf, 24)
    size, n = struct.unpack_from("<HH", elf, 54)
    segs = []
    for i in range(n):
        kind, flags, off, va, _, fsz, msz, _ = struct.unpack_from("<IIQQQQQQ", elf, phoff + i * size)
        if kind == 1 and msz:
            segs.append(("__TEXT" if flags & 1 else "__DATA" if flags & 2 else "__CONST", va, elf[off:off + fsz], msz))
    return segs, entry


def macho(segs, entry, version=(11417, 101, 15), fileset=False, filetype=None, thread=True, align=0x4000):
    cmds, body = [], b""
    count = len(segs) + (1 if thread else 0) + (1 if version else 0) + (1 if fileset else 0)
    head = 32 + 72 * len(segs) + (16 + 272 if thread else 0) + (16 if version else 0) + (72 if fileset else 0)
    at = (head + align - 1) & ~(align - 1)
    for name, va, data, msz in segs:
        cmds.append(struct.pack("<II16sQQQQiiII", 0x19, 72, name.encode(), va, msz, at + len(body), len(data), 7, 5, 0, 0))
        body += data + bytes(-len(data) % align)
    if thread:
        regs = [0] * 34
        regs[32] = entry
        cmds.append(struct.pack("<IIII", 5, 16 + 272, 6, 68) + struct.pack("<34Q", *regs))
    if version:
        a, b, c = version
        cmds.append(struct.pack("<IIQ", 0x2a, 16, a << 40 | b << 30 | c << 20))
    if fileset:
        cmds.append(struct.pack("<IIQQII40s", 0x80000035, 72, segs[0][1], at, 32, 0, b"com.apple.kernel"))
    lc = b"".join(cmds)
    magic = struct.pack("<8I", 0xfeedfacf, 0x0100000c, 0xc0000002, filetype or (12 if fileset else 2), count, len(lc), 1, 0)
    return (magic + lc).ljust(at, b"\0") + body


# ---- Apple device trees ----------------------------------------------------------

def adt(props, *children):
    out = struct.pack("<II", len(props), len(children))
    for name, value in props.items():
        if isinstance(value, str):
            value = value.encode() + b"\0"
        elif isinstance(value, int):
            value = struct.pack("<I", value)
        out += name.encode().ljust(32, b"\0") + struct.pack("<I", len(value)) + value + bytes(-len(value) % 4)
    return out + b"".join(children)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("what", choices=["aux", "img4", "macho"])
    ap.add_argument("out")
    ap.add_argument("elf", nargs="?")
    ap.add_argument("--stage1")
    ap.add_argument("--payload")
    ap.add_argument("--type", default="illb")
    ap.add_argument("--ecid", type=lambda s: int(s, 0), default=0)
    ap.add_argument("--packing", default="lzfse")
    ap.add_argument("--at", type=lambda s: int(s, 0), default=DEFAULT_AT)
    ap.add_argument("--wrapped", action="store_true")
    ap.add_argument("--fileset", action="store_true")
    a = ap.parse_args()
    if a.what == "macho":
        segs, entry = elf_segments(open(a.elf, "rb").read())
        out = macho(segs, entry, fileset=a.fileset)
    else:
        data = open(a.stage1 or a.payload, "rb").read()
        out = signed(a.type, data, a.ecid, a.packing)
        if a.what == "aux":
            out = aux({a.at: out}, wrapped=a.wrapped)
    with open(a.out, "wb") as f:
        f.write(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
