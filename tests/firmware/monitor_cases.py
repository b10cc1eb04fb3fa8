"""The ROM's monitor over the serial line: each command, right and wrong, and that nothing typed there ends the machine."""
import image as im
from variants import SMALL, Case

ROOT = b"root disk " + bytes(range(256)) * 8
ROOT += bytes(-len(ROOT) % 512)


def typed(name, keys, *want, **kw):
    return Case("monitor, " + name, im.aux({0x200: b"sector one of aux"}, SMALL), ["Monitor"] + list(want), ["fault"],
                typed=keys + "off\n", args=["--disk", "{root},role=root,format=raw"] + kw.pop("args", []),
                files={"root": ROOT}, **kw)


def cases():
    yield Case("monitor, no disks", None, ["BDIF      no disks", "root: not there", "aux      not there", "cannot be read"],
               typed="disks\nboot aux\nsector root 0\noff\n")
    for c in "help", "?":
        yield typed(c, c + "\n", *["\n%s " % w for w in ("m ADDRESS", "w ADDRESS", "config", "cpu", "devices", "disks",
                                                          "sector", "aes", "policy", "boot", "reset, off")])
    yield typed("config", "config\n", "version 2, 3 CPUs, 512 MiB of RAM, ECID 1122334455667788, board 0x20",
                args=["-p", "3"])
    yield typed("cpu", "cpu\n", "MIDR 61", "counter 24000000 Hz, PSCI 1.1")
    yield typed("devices", "devices\n", *["%s: there" % d for d in (
        "GIC distributor", "GIC redistributor", "GICv2m (MSI)", "PL011 (UART)", "PL031 (clock)", "PL061 (GPIO)", "pvpanic",
        "BDIF root", "BDIF aux", "BDIF USB port", "AES engine", "AVP-RTC", "PCIe host bridge")] + ["106b:1a00, class 010000"])
    yield typed("disks", "disks\n", "root: 5 sectors (0 MiB), CFG 0x2", "aux: 8192 sectors (4 MiB), CFG 0x2")
    yield typed("sector", "sector root 0\nsector aux 1\n", "0000000000  72 6f 6f 74 20 64 69 73 6b", "root disk .",
                "0000000200  73 65 63 74", "sector one of au")
    yield typed("sector behind the end", "sector root 5\nsector aux 8192\nsector aux 0xffffffffffffffff\n",
                "root sector 5 cannot", "aux sector 8192 cannot", "aux sector 18446744073709551615 cannot")
    yield typed("sector, wrong", "sector\nsector usb 0\nsector root\nsector root x\n", *["sector root|aux NUMBER\n"] * 4)
    yield typed("aes", "aes\naes\n", "CBC encrypt: ok", "CBC decrypt: ok", "CBC in two pieces: ok")
    yield typed("memory", "w 70000000 12345678\nw 70000004 ab 1\nw 70000006 cdef 2\nw 70000008 1122334455667788 8\nm 70000000 16\n",
                "0070000000  78 56 34 12 ab 00 ef cd 88 77 66 55 44 33 22 11")
    yield typed("memory, registers", "m 20010fe0 16\nm 0x400000 8\nm 100000 32\n", "0020010fe0  11 00 00 00 10 00 00 00",
                "0000400000  02 00 00 00", "0000100000  ")
    yield typed("memory, where nothing is", "m 8000000\nm ffffffffffffff00 64\nm 10000000000\nw 8000000 1\nw fffffffffffffff8 1 8\n",
                "0008000000  00 00", "ffffffffffffff00  nothing answers", "10000000000  nothing answers",
                "fffffffffffffff8  nothing answers")
    yield typed("memory, wrong", "m\nm x\nm 1 x\nm 12345678123456789\nw\nw 1\nw x 1\nw 70000000 1 3\nw 70000001 1 4\n",
                *["m ADDRESS [BYTES]\n"] * 4 + ["w ADDRESS VALUE [1|2|4|8]\n"] * 5)
    yield typed("policy", "policy\npolicy permissive\npolicy x\npolicy verify\n", "policy    verify", "policy    permissive",
                "policy verify|permissive")
    yield typed("boot", "boot root\nboot aux\nboot\nboot usb\n", "root      nothing on it could be started",
                "aux      nothing on it could be started", *["boot root|aux\n"] * 2)
    yield typed("reset", "reset\n" + "\n" * 100,       # it forgets what its FIFO held
                *["pome boot ROM"] * 2 + ["Monitor"])
    yield Case("monitor, reset with --no-reboot", None, ["Monitor"], [], 5, "reset\n", ["--no-reboot"])
    yield typed("unknown", "xyzzy\n\n   \nOFF\n", "xyzzy: no such command", "OFF: no such command")
    yield typed("a long line", "m " + "7" * 5000 + "\n", "m ADDRESS [BYTES]")
    yield typed("many words", "m 70000000 " + "4 " * 50 + "\n", "0070000000")
    yield typed("line editing", "confix\x7fg\nzzz\x15disks\nz\x08\x08\x08cpu\n", "version 2", "root: 5 sectors", "PSCI 1.1")
    yield typed("keys without meaning", "\x00\x01\x1b[A\xff\xfe\x1b\x1b[3~\n\x15config\n", "version 2")
