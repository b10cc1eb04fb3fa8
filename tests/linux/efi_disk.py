#!/usr/bin/env python3
"""efi_disk.py - a Debian as an installer leaves it, on a disk of its own that UEFI firmware can start.

    efi_disk.py OUT.img

GPT with an EFI system partition (FAT16: GRUB as the removable default, and its configuration) and an ext4 root with
kernel, initial RAM disk and systemd. Nothing is mounted and root is not needed: the partition table and the FAT are
written here, files go into the ext4 by debugfs. Needs tests/debian/rootfs.sh and `fetch.sh grub` to have run."""
import os, struct, subprocess, sys, tempfile, uuid, zlib

here = os.path.dirname(os.path.abspath(__file__))
cache = os.environ.get("POME_CACHE", os.path.join(here, "../../build/debian"))
MIB = 1 << 20
ESP_AT, ESP_SIZE = 1 * MIB, 64 * MIB
ROOT_AT = ESP_AT + ESP_SIZE
ESP_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
LINUX_TYPE = "0fc63daf-8483-4772-8e79-3d69d8477de4"

# GRUB of the ESP: what Debian's grub-install writes there hands over to the one below /boot
ESP_CFG = "search.file /boot/grub/grub.cfg root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n"
ROOT_CFG = """set timeout=1
menuentry 'Debian GNU/Linux' {
	linux /boot/vmlinuz console=ttyAMA0 pome.root=/dev/vda2 %s
	initrd /boot/initrd.img
}
"""


def name83(name):
    base, _, ext = name.partition(".")
    return base.ljust(8).encode() + ext.ljust(3).encode()


class Fat16:
    """A FAT16 file system that is written once: "DIR/FILE" -> bytes, in upper case."""
    CLUSTER, SECTORS = 2048, ESP_SIZE // 512

    def __init__(self, files):
        self.fat, self.data = [0xfff8, 0xffff], []
        tree = {}
        for path, content in files.items():
            at = tree
            *dirs, leaf = path.split("/")
            for d in dirs:
                at = at.setdefault(d, {})
            at[leaf] = content
        self.root = self.entries(tree, 0, 0)

    def put(self, content):
        first = len(self.fat)
        n = max(1, -(-len(content) // self.CLUSTER))
        self.fat += [first + i + 1 for i in range(n - 1)] + [0xffff]
        self.data.append(content.ljust(n * self.CLUSTER, b"\0"))
        return first

    def entry(self, name, attr, first, size):
        return struct.pack("<11sB14xHI", name, attr, first, size)

    def entries(self, tree, me, parent):
        out = b""
        if me:
            out = self.entry(b".".ljust(11), 0x10, me, 0) + self.entry(b"..".ljust(11), 0x10, parent, 0)
        for name, content in tree.items():
            if isinstance(content, dict):
                at, first = len(self.data), self.put(b"")       # one cluster: 64 names
                self.data[at] = self.entries(content, first, me).ljust(self.CLUSTER, b"\0")
                out += self.entry(name83(name), 0x10, first, 0)
            else:
                out += self.entry(name83(name), 0x20, self.put(content), len(content))
        return out

    def image(self):
        fat_sectors = 64
        boot = struct.pack("<3s8sHBHBHHBHHHIIBBBI11s8s", b"\xeb\x3c\x90", b"POMETEST", 512, self.CLUSTER // 512, 1, 2, 512, 0,
                           0xf8, fat_sectors, 32, 64, ESP_AT // 512, self.SECTORS, 0x80, 0, 0x29, 0x504f4d45, b"EFI        ",
                           b"FAT16   ").ljust(510, b"\0") + b"\x55\xaa"
        fat = struct.pack("<%dH" % len(self.fat), *self.fat).ljust(fat_sectors * 512, b"\0")
        return boot + fat * 2 + self.root.ljust(512 * 32, b"\0") + b"".join(self.data)


def gpt(size, parts):
    """Both copies of the table, as (offset, bytes)."""
    last = size // 512 - 1
    disk = uuid.uuid5(uuid.NAMESPACE_DNS, "pome").bytes_le
    table = b""
    for i, (kind, at, length, name) in enumerate(parts):
        table += struct.pack("<16s16sQQQ72s", uuid.UUID(kind).bytes_le, uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes_le,
                             at // 512, (at + length) // 512 - 1, 0, name.encode("utf-16-le"))
    table = table.ljust(128 * 128, b"\0")

    def header(me, other, entries):
        h = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, me, other, 34, last - 33, disk, entries, 128, 128,
                        zlib.crc32(table))
        return h[:16] + struct.pack("<I", zlib.crc32(h)) + h[20:]

    mbr = struct.pack("<446xB3sB3sII48xH", 0, b"\0\2\0", 0xee, b"\xff\xff\xff", 1, min(last, 0xffffffff), 0xaa55)
    return [(0, mbr), (512, header(1, last, 2)), (1024, table),
            ((last - 32) * 512, table), (last * 512, header(last, 1, last - 32))]


def copy_sparse(src, dst, at):
    end, off = os.fstat(src).st_size, 0
    while off < end:
        try:
            off = os.lseek(src, off, os.SEEK_DATA)
        except OSError:
            break
        hole = os.lseek(src, off, os.SEEK_HOLE)
        while off < hole:
            off += os.pwrite(dst, os.pread(src, min(MIB, hole - off), off), at + off)
    return end


def make_root(path, append):
    """A copy of the Debian root with a kernel and what starts it below /boot."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", cache + "/rootfs.img", path], check=True)
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/fstab", "w") as f:
            f.write("/dev/vda2 / ext4 defaults 0 1\n")
        with open(d + "/grub.cfg", "w") as f:
            f.write(ROOT_CFG % append)
        commands = ["rm /etc/fstab", "write %s/fstab /etc/fstab" % d, "mkdir /boot/grub",
                    "write %s/grub.cfg /boot/grub/grub.cfg" % d, "write %s/vmlinuz /boot/vmlinuz" % cache,
                    "write %s/initrd.img /boot/initrd.img" % cache]
        with open(d + "/commands", "w") as f:
            f.write("\n".join(commands) + "\n")
        subprocess.run(["debugfs", "-w", "-f", d + "/commands", path], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)


def main():
    out = sys.argv[1]
    append = " ".join(sys.argv[2:])
    with open(cache + "/grubaa64.efi", "rb") as f:
        grub = f.read()
    esp = Fat16({"EFI/BOOT/BOOTAA64.EFI": grub, "EFI/DEBIAN/GRUB.CFG": ESP_CFG.encode()}).image()
    make_root(out + ".root", append)
    src = os.open(out + ".root", os.O_RDONLY)
    dst = os.open(out, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    root = os.fstat(src).st_size
    size = ROOT_AT + root + MIB
    os.ftruncate(dst, size)
    os.pwrite(dst, esp, ESP_AT)
    copy_sparse(src, dst, ROOT_AT)
    for at, data in gpt(size, [(ESP_TYPE, ESP_AT, ESP_SIZE, "ESP"), (LINUX_TYPE, ROOT_AT, root, "root")]):
        os.pwrite(dst, data, at)
    os.close(src)
    os.close(dst)
    os.unlink(out + ".root")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
