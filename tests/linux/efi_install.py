#!/usr/bin/env python3
"""efi_install.py - a Debian that a guest puts on a qcow2 with its own tools, and the qcow2 alone through UEFI and GRUB.

    efi_install.py POME [--keep DIR] [POME-OPTIONS...]

Needs tests/debian/rootfs.sh, `fetch.sh grub` and `fetch.sh installer` to have run, and Debian's qemu-efi-aarch64. What an
installer does: in a Debian that UEFI firmware has started, sfdisk, mkfs, tar, grub-install and update-grub on an empty
qcow2. Then that is the only disk: with the variables that grub-install set, and with none."""
import os, shutil, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)
from guest import Lost, take_options
from debian import Checks
from efi import VARS, GLOBAL, cache, start, through_grub

SIZE = 4 << 30
# The first disk's root, and no more than that, below /mnt of the second one.
STEPS = (
    ("the packages", 900, "mkdir /tmp/debs && tar xf /dev/vdc -C /tmp/debs && "
     "dpkg --force-unsafe-io -i /tmp/debs/*.deb >/tmp/dpkg.log || { tail -5 /tmp/dpkg.log; false; }"),
    ("sfdisk", 60, "printf 'label: gpt\\nsize=64M, type=U\\ntype=L\\n' | sfdisk -q --wipe always /dev/vdb && udevadm settle"),
    ("mkfs", 300, "mkfs.vfat /dev/vdb1 >/dev/null && mkfs.ext4 -q /dev/vdb2"),
    ("mount", 60, "mount /dev/vdb2 /mnt && mkdir -p /mnt/boot/efi && mount /dev/vdb1 /mnt/boot/efi"),
    ("tar", 1800, "tar -C / --one-file-system --exclude ./mnt/* --exclude ./tmp/* -cf - . | tar -C /mnt -xf - && sync"),
    ("the kernel's names", 120, "cd /mnt/boot && v=$(uname -r) && mv vmlinuz vmlinuz-$v && mv initrd.img initrd.img-$v && "
     "rm -r grub && cd"),
    ("fstab", 60, "printf 'UUID=%s / ext4 defaults 0 1\\nUUID=%s /boot/efi vfat umask=0077 0 2\\n' "
     "$(blkid -s UUID -o value /dev/vdb2) $(blkid -s UUID -o value /dev/vdb1) >/mnt/etc/fstab && cat /mnt/etc/fstab"),
    ("the host name", 60, "sed -i s/pome/installed/ /mnt/etc/hosts && echo installed >/mnt/etc/hostname"),
    ("chroot", 60, "for d in dev proc sys; do mount --rbind /$d /mnt/$d; done"),
    ("GRUB's settings", 60, "printf 'GRUB_TIMEOUT=1\\nGRUB_DISTRIBUTOR=Debian\\nGRUB_CMDLINE_LINUX=\"console=ttyAMA0 "
     "pome.root=/dev/vda2\"\\n' >/mnt/etc/default/grub"),
    ("grub-install", 600, "chroot /mnt grub-install --target=arm64-efi --force-extra-removable 2>&1"),
    ("update-grub", 600, "chroot /mnt update-grub 2>&1 && sync"),
)


def install(pome, options, work, disk):
    c = Checks("install")
    image = os.path.join(work, "first.img")
    subprocess.run([os.path.join(here, "efi_disk.py"), image], check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, str(SIZE)], check=True)
    g = start(pome, options + ["-d", disk, "-d", cache + "/installer.tar,format=raw,readonly"], work, image)
    try:
        through_grub(g)
        for name, seconds, command in STEPS:
            begin = time.monotonic()
            status, out = g.run(command, seconds)
            print("     %s: %.0f s" % (name, time.monotonic() - begin), flush=True)
            if not c.check(name, status == 0, out):
                break
        status, out = g.run("efibootmgr")
        c.check("the firmware has a boot entry", status == 0 and "debian" in out, out)
        g.type("poweroff\n")
        c.check("powers off with status 0", g.wait(600) == 0, g.errors)
    except Lost as e:
        c.check("installation", False, e)
    finally:
        g.kill()
    os.unlink(image)
    return c


def alone(pome, options, work, disk, store):
    c = Checks("the installed disk, %s" % (store or "no store"))
    begin = time.monotonic()
    g = start(pome, options, work, disk, store)
    try:
        g.expect("GRUB", 600)
        g.expect("EFI stub: Booting Linux", 600)
        g.expect("^installed login: ", 600)
        print("     %s: login after %.0f s" % (c.what, time.monotonic() - begin), flush=True)
        g.type("root\n")
        g.expect(r"root@installed:~# ", 120)
        g.shell()
        status, out = g.run("findmnt -no SOURCE /; findmnt -no SOURCE /boot/efi")
        c.check("its own root and ESP", out.split() == ["/dev/vda2", "/dev/vda1"], out)
        status, out = g.run("cd %s && od -An -tx2 BootCurrent-%s && od -An -tx2 BootOrder-%s" % (VARS, GLOBAL, GLOBAL))
        c.check("firmware says what it started", status == 0, out)
        g.type("poweroff\n")
        c.check("powers off with status 0", g.wait(300) == 0, g.errors)
    except Lost as e:
        c.check("session", False, e)
    finally:
        g.kill()
    r = subprocess.run(["qemu-img", "check", "-q", disk], capture_output=True, text=True)
    c.check("qemu-img check", r.returncode == 0, r.stdout + r.stderr)
    return c


def main():
    args = sys.argv[1:]
    if not args:
        sys.exit(__doc__)
    pome = os.path.abspath(args.pop(0))
    keep = take_options(args, keep=None)["keep"]
    work = keep or tempfile.mkdtemp(dir=cache)
    os.makedirs(work, exist_ok=True)
    disk = os.path.join(work, "installed.qcow2")
    try:
        done = [install(pome, args, work, disk)]
        if not done[0].failed:
            done += [alone(pome, args, work, disk, store) for store in ("vars.fd", None)]
    finally:
        if not keep:
            shutil.rmtree(work)
    failed = sum(c.failed for c in done)
    print("%s Debian installed by a guest: %d passed, %d failed" % ("FAIL" if failed else "ok  ", sum(c.passed for c in done),
                                                                   failed))
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
