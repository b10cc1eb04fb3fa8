"""Images for the boot ROM: the good ones, and one for each thing that can be wrong with an image."""
import hashlib
import os
import struct
from dataclasses import dataclass, field

import image as im
import lz
import testkey
from der import boolean, context, group, ia5, integer, null, octets, private, prop, seq, set_, tlv

ECID = 0x1122334455667788
SMALL = 4 << 20
AT = 0x68800

# A stage 1 that powers off: mov x0, #0x84000008 (PSCI SYSTEM_OFF); hvc #0; b .
OFF = struct.pack("<6I", 0x14000004, 0, 0x70200000, 0, 0xd2b08000, 0xf2800100) + struct.pack("<2I", 0xd4000002, 0x14000000)
OFF += bytes(range(256)) * 4


@dataclass
class Case:
    name: str
    aux: object                     # bytes, or what makes them: some take a while
    want: list
    never: list = field(default_factory=lambda: ["Starting"])
    status: int = 0
    typed: str = "off\n"
    args: list = field(default_factory=list)
    files: dict = field(default_factory=dict)   # written beside; "{name}" in args
    errors: list = field(default_factory=list)  # on standard error
    budget: int = 0                 # guest instructions at most


def store(*objects, size=SMALL):
    return im.aux({AT + 0x20000 * i: o for i, o in enumerate(objects)}, size)


PAYLOAD = im.im4p("illb", OFF)


def good(**kw):
    return im.img4(PAYLOAD, manifest(**kw), im.im4r())


def manifest(payload=PAYLOAD, machine=None, images=None, **kw):
    return im.im4m([machine or im.manp(ECID)] + (images if images is not None else [im.image_group("illb", payload)]), **kw)


def bad(name, obj, *want, **kw):
    """One object that must not be started; `want` is what the ROM says."""
    return Case(name, store(obj), list(want) + ["nothing on it could be started"], **kw)


def patched(b, at, new):
    return b[:at] + new + b[at + len(new):]


def swap(b, old, new, count=1):
    assert old in b
    return b.replace(old, new, count)


# What stage1.c says line by line; nothing of it may be left out here.
PARTS = ["hand-over", "image", "CONFIG", "BDIF", "AES, both contexts", "AES, chained CBC", "virtio-blk with barrier",
         "timer as FIQ in Group 0", "redistributor with write-back", "16K pages", "PAuth round trips", "hypercalls",
         "keys per exception level", "PSCI start of all CPUs"]
ALL_OK = ["stage1: %s: ok\n" % p for p in PARTS] + ["PASS"]
NONE_BAD = ["FAIL", "skipped"]


def good_cases(build):
    stage1 = open(os.path.join(build, "stage1.bin"), "rb").read()
    for packing in ("lzfse", "v1", "lzvn", "lzss", "raw", "plain"):
        yield Case("stage 1, %s" % packing, lambda p=packing: im.aux({0x100000: im.signed("illb", stage1, ECID, p)}),
                   ["Starting illb at 0x71000000"] + ALL_OK, NONE_BAD, typed="")
    yield Case("stage 1, eight CPUs and a root disk", lambda: im.aux({0x100000: im.signed("illb", stage1, ECID)}),
               ALL_OK + ["8 of 8 CPUs"], NONE_BAD, typed="",
               args=["-p", "8", "--disk", "{root},role=root,format=raw"], files={"root": bytes(3 << 20)})
    yield Case("stage 1, twenty CPUs", lambda: im.aux({0x100000: im.signed("illb", stage1, ECID)}),
               ALL_OK + ["20 of 20 CPUs"], NONE_BAD, typed="", args=["-p", "20"])
    big = im.im4p("illb", OFF + open(os.path.join(build, "ballast.bin"), "rb").read(), "lzfse")
    signed = im.img4(big, manifest(big))
    yield Case("300 KiB in 200 million instructions, verified", lambda: im.aux({0x100000: signed}), ["digest       ok", "Starting"],
               [], typed="", budget=200_000_000)
    yield Case("300 KiB in 30 million instructions, unsigned", lambda: im.aux({0x100000: im.img4(big)}),
               ["manifest     FAILED", "Starting"], [], typed="", args=["--firmware-policy", "permissive"], budget=30_000_000)
    for option in "FPAC=off", "FPAC=off,PAuth2=off":
        yield Case("stage 1, " + option, lambda: im.aux({0x100000: im.signed("illb", stage1, ECID)}), ALL_OK, NONE_BAD,
                   typed="", args=["--cpu", "vmapple," + option])
    yield Case("stage 1, LenientPAC=on", lambda: im.aux({0x100000: im.signed("illb", stage1, ECID)}),
               ["not so: refused(", "stage1: PAuth round trips: FAILED"] + [p for p in ALL_OK[:-1] if "PAuth" not in p], [],
               typed="", args=["--cpu", "vmapple,LenientPAC=on"])
    yield Case("stage 1, wrapped store", im.aux({0x100000 - 0x4000: good()}, wrapped=True),
               ["aux+0xfc000: IMG4 illb"], ["FAILED"], typed="")
    for at in (0, 1, 511, 513, 0xffffd, 0xfffff, 0x100001, SMALL - len(good())):
        yield Case("stage 1 at 0x%x" % at, im.aux({at: good()}, SMALL), ["Starting illb at 0x70200000"], [], typed="")
    yield Case("second after a bad one", store(good(signature=bytes(512)), good()),
               ["signature    FAILED", "Starting illb"], [], typed="")
    yield Case("second after a malformed one", store(good()[:200], good()), ["malformed", "Starting illb"], [], typed="")
    yield Case("no manifest, permissive", store(im.img4(PAYLOAD)), ["manifest     FAILED", "permissive", "Starting illb"],
               [], typed="", args=["--firmware-policy", "permissive"])
    yield Case("wrong ECID, permissive", store(good(machine=im.manp(ECID + 1))), ["ECID         FAILED", "Starting"], [],
               typed="", args=["--firmware-policy", "permissive"])
    yield Case("bad signature, permissive from the monitor", store(good(signature=bytes(512))),
               ["policy    permissive", "Starting"], [], typed="policy permissive\nboot aux\n")
    p = im.im4p("illb", OFF, props=[prop("ladr", integer(0x70400000))])
    yield Case("load address by property", store(im.img4(p, manifest(p))), ["load         0x70400000 (property)",
               "Starting"], [], typed="")
    yield Case("ibss", store(im.signed("ibss", OFF, ECID)), ["Starting ibss"], [], typed="")
    yield Case("no restore info", store(im.signed("illb", OFF, ECID, restore=False)), ["Starting illb"], [], typed="")
    cert = im.certificate()
    yield Case("leaf without rules", store(good(certs=[cert])), ["leaf rules   not checked", "Starting"], [], typed="")


def manifest_cases():
    sig = bytearray(im.sign(b"x"))
    yield bad("no manifest", im.img4(PAYLOAD), "manifest     FAILED")
    yield bad("signature of zeros", good(signature=bytes(512)), "signature    FAILED")
    yield bad("signature of something else", good(signature=bytes(sig)), "signature    FAILED")
    yield bad("signature above the modulus", good(signature=b"\xff" * 512), "larger than the modulus")
    yield bad("signature of 511 bytes", good(signature=bytes(511)), "not the 512 bytes")
    yield bad("signature empty", good(signature=b""), "not the 512 bytes")
    yield bad("wrong ECID", good(machine=im.manp(ECID + 1)), "ECID         FAILED", "0x1122334455667789")
    yield bad("no ECID", good(machine=im.manp(ECID, drop=["ECID"])), "ECID         FAILED", "does not say it")
    yield bad("ECID a string", good(machine=im.manp(0, ECID=octets(b"12345678"))), "ECID         FAILED")
    yield bad("ECID negative", good(machine=im.manp(0, ECID=tlv(b"\2", b"\x80"))), "negative INTEGER")
    yield bad("ECID above 64 bits", good(machine=im.manp(1 << 64)), "above 64 bits")
    yield bad("wrong chip", good(machine=im.manp(ECID, chip=0xfe01)), "chip         FAILED")
    yield bad("wrong board", good(machine=im.manp(ECID, board=0x90)), "board        FAILED")
    yield bad("no MANP", good(machine=im.image_group("ibot", PAYLOAD)), "no MANP group")
    yield bad("no group for the image", good(images=[im.image_group("ibot", PAYLOAD)]), "no group for this type of image")
    yield bad("no digest", good(images=[im.image_group("illb", PAYLOAD, drop=["DGST"])]), "no SHA-384 digest")
    yield bad("digest of 32 bytes", good(images=[im.image_group("illb", PAYLOAD, digest=bytes(32))]), "no SHA-384 digest")
    yield bad("digest of another image", good(images=[im.image_group("illb", PAYLOAD + b"x")]), "digest       FAILED")
    data_only = hashlib.sha384(OFF).digest()
    yield bad("digest of the bare payload", good(images=[im.image_group("illb", PAYLOAD, digest=data_only)]), "digest       FAILED")
    yield bad("payload changed after signing", swap(good(), b"pome-test-1", b"pome-test-2"), "digest       FAILED")
    yield bad("manifest changed after signing", swap(good(), b"13.0", b"14.0"), "signature    FAILED")
    yield bad("group twice", good(images=[im.image_group("illb", PAYLOAD)] * 2), "a group comes twice")
    twice = group("MANP", prop("ECID", integer(ECID)), prop("ECID", integer(1)))
    yield bad("property twice", good(machine=twice), "a property comes twice")
    lying = private("MANP", seq(ia5("MANB"), set_()))
    yield bad("tag and name differ", good(machine=lying), "name and tag differ")
    long_name = private("MANP", seq(ia5("MANPX"), set_()))
    yield bad("name of five characters", good(machine=long_name), "not four characters")
    yield bad("two values", good(machine=private("MANP", seq(ia5("MANP"), set_(), set_()))), "two values")
    yield bad("group no set", good(machine=prop("MANP", integer(1))), "a group is no SET")
    many = group("MANP", *[prop("p%03d" % i, integer(i)) for i in range(100)])
    yield bad("a hundred properties", good(machine=many), "too many properties")
    many = [im.manp(ECID)] + [group("g%03d" % i) for i in range(300)]
    yield bad("three hundred groups", im.img4(PAYLOAD, im.im4m(many)), "too many groups")
    yield bad("boolean 01", good(machine=im.manp(ECID, CSEC=tlv(b"\1", b"\1"))), "neither 00 nor FF")
    yield bad("integer empty", good(machine=im.manp(ECID, CEPO=tlv(b"\2", b""))), "without content")
    yield bad("integer with leading zeros", good(machine=im.manp(ECID, CEPO=tlv(b"\2", b"\0\1"))), "shortest form")
    yield bad("manifest version 1", good(version=1), "unknown version")
    yield bad("something behind the certificates", good(extra=integer(1)), "unknown elements at its end")
    no_manb = set_(group("MANX", im.manp(ECID)))
    yield bad("no MANB", im.img4(PAYLOAD, im.im4m([], covered=no_manb)), "no MANB")
    beside = set_(group("MANB", im.manp(ECID)), group("MANC"))
    yield bad("something beside MANB", im.img4(PAYLOAD, im.im4m([], covered=beside)), "beside MANB")
    yield bad("IM4M misspelt", swap(good(), b"\x16\4IM4M", b"\x16\4IM4X"), "no IM4M container")


def certificate_cases():
    rules = im.leaf_rules()
    yield bad("no certificate", im.img4(PAYLOAD, seq(ia5("IM4M"), integer(0), set_(group("MANB", im.manp(ECID))),
              octets(bytes(512)), seq())), "certificate  FAILED")
    yield bad("two certificates", good(certs=[im.certificate()] * 2), "more than one certificate")
    yield bad("certificate cut short", good(certs=[im.certificate()[:300]]), "certificate  FAILED")
    yield bad("key of 2048 bits", good(certs=[im.certificate(n=1 << 2047 | 1)]), "not RSA-4096")
    yield bad("key of 4095 bits", good(certs=[im.certificate(n=testkey.N >> 1 | 1)]), "certificate  FAILED")
    yield bad("key even", good(certs=[im.certificate(n=testkey.N - 1)]), "no RSA key")
    yield bad("exponent 1", good(certs=[im.certificate(e=1)]), "no RSA key")
    yield bad("exponent 0", good(certs=[im.certificate(e=0)]), "no RSA key")
    yield bad("exponent of 9 bytes", good(certs=[im.certificate(e=1 << 70 | 1)]), "above 64 bits")
    yield bad("an elliptic key", good(certs=[im.certificate(algorithm="1.2.840.10045.2.1")]), "no RSA key")
    yield bad("another key", good(certs=[im.certificate(n=testkey.N - 2)]), "signature    FAILED")
    yield bad("rules for another chip", good(certs=[im.certificate(rules=im.leaf_rules(chip=0x8103))]), "leaf rules   FAILED")
    for name, rule, why in (("forbidden property there", prop("love", context(1, null())), "forbids"),
                            ("wanted property missing", prop("zzzz", context(0, null())), "asks for"),
                            ("rule of an unknown kind", prop("love", context(2, null())), "unknown kind")):
        cert = im.certificate(rules=set_(private("MANP", seq(ia5("MANP"), set_(rule)))))
        yield bad(name, good(certs=[cert]), "leaf rules   FAILED", why)
    yield bad("rules malformed", good(certs=[im.certificate(rules=set_(integer(1)))]), "certificate  FAILED")
    yield bad("rules no set", good(certs=[im.certificate(rules=rules[:-1] + b"\0\0")]), "FAILED")


def container_cases():
    g = good()
    yield bad("cut short", g[:-20], "malformed")
    yield bad("outer length too long", patched(g, 2, struct.pack(">H", len(g) + 100)), "malformed")
    yield bad("behind the disk's end", patched(g, 1, b"\x84\x7f\xff\xff"))
    yield Case("container goes on behind the disk's end", im.aux({SMALL - 100: g[:100]}, SMALL), ["behind the disk's end"])
    yield bad("indefinite length", b"\x30\x80" + g[4:] + b"\0\0")
    yield bad("length not shortest", seq()[:1] + b"\x83\0" + g[2:], "malformed")
    yield bad("something behind", im.img4(PAYLOAD, manifest(), extra=integer(1)), "unknown elements at its end")
    yield bad("manifest in [2]", seq(ia5("IMG4"), PAYLOAD, context(2, manifest())), "unknown elements at its end")
    yield bad("restore info before the manifest", seq(ia5("IMG4"), PAYLOAD, context(1, im.im4r()), context(0, manifest())),
              "malformed")
    yield bad("nonce of 7 bytes", im.img4(PAYLOAD, manifest(), im.im4r(bytes(7))), "not 8 bytes")
    yield bad("manifest twice", im.img4(PAYLOAD, manifest() + manifest()), "goes on after its end")
    yield bad("IMG4 alone", seq(ia5("IMG4")), "malformed")
    yield bad("IM4P bare", PAYLOAD, "IM4P illb")
    yield bad("type of three characters", signed_raw(seq(ia5("IM4P"), ia5("ill"), ia5("v"), octets(OFF))), "not four characters")
    yield bad("type not printable", signed_raw(seq(ia5("IM4P"), ia5(b"il\0b"), ia5("v"), octets(OFF))), "not four characters")
    yield bad("payload empty", signed_raw(seq(ia5("IM4P"), ia5("illb"), ia5("v"), octets(b""))), "payload is empty")
    yield bad("payload no octet string", signed_raw(seq(ia5("IM4P"), ia5("illb"), ia5("v"), integer(1))), "expected an OCTET")
    yield bad("payload properties twice", signed_raw(im.im4p("illb", OFF, props=[prop("aaaa", integer(1))] * 2)), "comes twice")
    yield bad("payload extra", signed_raw(im.im4p("illb", OFF, extra=integer(1))), "IM4P: unknown elements")
    yield bad("algorithm 2", signed_raw(im.im4p("illb", OFF, algorithm=2)), "unknown compression")
    yield bad("said to be LZFSE", signed_raw(seq(ia5("IM4P"), ia5("illb"), ia5("v"), octets(OFF),
              seq(integer(1), integer(len(OFF))))), "is not")
    yield bad("encrypted", signed_raw(im.im4p("illb", OFF, kbag=b"x" * 20)), "encrypted")
    yield bad("another type", im.signed("logo", OFF, ECID), "IMG4 logo")
    yield Case("a thousand magics", im.aux({0x1000: b"0\x0a\x16\4IMG4" * 1000}, SMALL), ["malformed"])
    heads = b"0\x84" + struct.pack(">I", (40 << 20) - 518) + b"\x16\4IM4P"
    yield Case("a disk made of heads that move the window", None, ["1000 malformed containers; looking no further"], ["a fault"],
               files={"root": lambda: heads * ((64 << 20) // len(heads))}, budget=8_000_000_000,
               args=["-m", "1G", "--disk", "{root},role=root,format=raw"], typed="off\n")
    yield Case("nested heads", im.aux({0x1000: (b"0\x82\x7f\xff\x16\4IMG4" * 3000)}, SMALL), ["malformed"])
    yield Case("store of zeros", im.aux({}, SMALL), ["nothing on it"])
    yield Case("store of ones", b"\xff" * SMALL, ["nothing on it"])
    yield Case("store of 0x16", b"\x16" * SMALL, ["nothing on it"])
    yield Case("store of one sector", bytes(512), ["nothing on it"])
    yield Case("store of odd sectors", bytes(512 * 33), ["nothing on it"])


def signed_raw(p):
    return im.img4(p, manifest(p, images=[im.image_group("illb", p)]))


def with_payload(data, size=None):
    p = seq(ia5("IM4P"), ia5("illb"), ia5("v"), octets(data), *([seq(integer(1), integer(size))] if size is not None else []))
    return signed_raw(p)


def payload_cases():
    z, v, n, s = lz.lzfse(OFF), lz.lzfse(OFF, v1=True), lz.lzvn(OFF), lz.lzss(OFF)
    yield bad("LZFSE: no end mark", with_payload(z[:-4]), "malformed")
    yield bad("LZFSE: cut in a block", with_payload(z[:len(z) // 2]), "malformed")
    yield bad("LZFSE: head only", with_payload(z[:4]), "malformed")
    yield bad("LZFSE: plain size 0", with_payload(patched(z, 4, bytes(4))), "malformed")
    yield bad("LZFSE: plain size 4 GiB", with_payload(patched(z, 4, b"\xff" * 4)), "malformed")
    yield bad("LZFSE: plain size one more", with_payload(patched(z, 4, struct.pack("<I", len(OFF) + 1))), "yields less")
    yield bad("LZFSE: plain size one less", with_payload(patched(z, 4, struct.pack("<I", len(OFF) - 1))), "yields more")
    yield bad("LZFSE: container's size differs", with_payload(z, len(OFF) + 4), "another size")
    yield bad("LZFSE: literals out of range", with_payload(patched(z, 8, b"\xff\xff\xff")), "malformed")
    yield bad("LZFSE: header size 31", with_payload(patched(z, 24, struct.pack("<I", 31))), "malformed")
    yield bad("LZFSE: header size 2 GiB", with_payload(patched(z, 24, struct.pack("<I", 1 << 31))), "malformed")
    yield bad("LZFSE: tables flipped", with_payload(patched(z, 40, b"\xff" * 24)), "malformed")
    yield bad("LZFSE: bvx1 frequencies 0xffff", with_payload(patched(v, 0x102, b"\xff\xff" * 4)), "sum to more")
    yield bad("LZFSE: bvx1 state 1024", with_payload(patched(v, 0x20, struct.pack("<H", 1024))), "first state")
    yield bad("LZFSE: bvx1 padding", with_payload(patched(v, 0x1c, struct.pack("<i", -8))), "padding")
    yield bad("LZFSE: bvx1 sizes contradict", with_payload(patched(v, 8, struct.pack("<I", 1))), "malformed")
    yield bad("LZFSE: no symbols", with_payload(patched(v, 0x32, bytes(720))), "no symbol")
    yield bad("LZFSE: unknown block", with_payload(z[:-4] + b"bvx9" + z[-4:]), "malformed")
    yield bad("LZFSE: raw block too long", with_payload(b"bvx-" + struct.pack("<I", 1000) + bytes(10)), "malformed")
    yield bad("LZFSE: end at once", with_payload(b"bvx-" + bytes(4) + b"bvx$"), "out of range")
    yield bad("LZVN: no end", with_payload(swap(n, b"\6" + bytes(7) + b"bvx$", b"\x0e" * 8 + b"bvx$")), "LZVN")
    yield bad("LZVN: undefined opcode", with_payload(patched(n, 12, b"\x70")), "undefined")
    yield bad("LZVN: distance before the output", with_payload(patched(n, 12, b"\x07\xff\xff")), "LZVN")
    yield bad("LZVN: previous distance first", with_payload(patched(n, 12, b"\xf1")), "LZVN")
    yield bad("LZVN: payload longer than the rest", with_payload(patched(n, 8, b"\xff" * 4)), "malformed")
    yield bad("LZSS: checksum", with_payload(patched(s, 8, b"abcd")), "checksum is wrong")
    yield bad("LZSS: size one more", with_payload(patched(s, 12, struct.pack(">I", len(OFF) + 1))), "another size")
    yield bad("LZSS: size 4 GiB", with_payload(patched(s, 12, b"\xff" * 4)), "malformed")
    yield bad("LZSS: packed size too long", with_payload(patched(s, 16, b"\xff" * 4)), "cut short")
    far = [prop("ladr", integer(0x10000000))]
    yield bad("load address below RAM", signed_raw(im.im4p("illb", OFF, props=far)), "not in RAM")
    end = [prop("ladr", integer(0x70000000 + (512 << 20) - 0x1000))]
    yield bad("load address over RAM's end", signed_raw(im.im4p("illb", OFF + bytes(8192), props=end)), "not in RAM")
    wrap = [prop("ladr", integer((1 << 64) - 0x1000))]
    yield bad("load address that wraps", signed_raw(im.im4p("illb", OFF, props=wrap)), "not in RAM")
    odd = [prop("ladr", integer(0x70200004))]
    yield bad("load address off a page", signed_raw(im.im4p("illb", OFF, props=odd)), "not on a page")


def cases(build):
    yield from good_cases(build)
    yield from manifest_cases()
    yield from certificate_cases()
    yield from container_cases()
    yield from payload_cases()
