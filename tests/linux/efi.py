#!/usr/bin/env python3
"""efi.py - Debian's stock UEFI firmware on --machine virt, from its shell to a Debian that GRUB starts.

    efi.py POME [--formats "raw qcow2 bundle"] [--keep DIR] [POME-OPTIONS...]

Needs tests/debian/rootfs.sh and `fetch.sh grub` to have run, and Debian's qemu-efi-aarch64. For each format: the disk of
efi_disk.py boots through firmware, GRUB and the kernel's EFI stub to a login; a variable and a boot order that Linux sets
survive a reset, a new pome, and pome's being killed. "bundle": two of other programs' bundles around that disk."""
import os, re, shutil, signal, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)
from guest import Guest, Lost, take_options
import debian
from debian import Checks, login

cache = debian.cache
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
OURS = "504f4d45-0000-4000-8000-000000000001"
VARS = "/sys/firmware/efi/efivars"
STORE = 64 << 20
ROOT_AT = 65 << 20


def start(pome, options, work, disk=None, store="vars.fd"):
    command = [pome, "run", "-q", "--machine", "virt", "-m", "1G", "-p", "2", "--timeout", "3000"]
    if disk:
        command += ["-d", disk]
    if store:
        command += ["--efi-vars", os.path.join(work, store)]
    return Guest(command + options, os.path.join(work, "console.log"))


def firmware_shell(pome, options, work):
    """No disk: the firmware's own shell, in seconds, and a power-off by it."""
    c = Checks("shell")
    stats = os.path.join(work, "stats.json")
    path = os.path.join(work, "shell.fd")
    for store, more in (("shell.fd", []), ("shell.fd", ["--ephemeral"]), ("shell.fd", ["--readonly"]), (None, []),
                        ("none.fd", ["--ephemeral"])):
        name = " ".join(["reset -s"] + more)
        before = open(path, "rb").read() if more else None
        g = start(pome, options + more + ["--stats", stats], work, store=store)
        try:
            g.expect("UEFI Interactive Shell", 120)
            g.expect("any other key", 30)
            g.type("\x1b")
            g.expect("Shell> ", 60)
            g.type("set pome %s\r" % (more or ["kept"])[0])
            g.expect("Shell> ", 60)
            g.type("reset -s\r")
            c.check(name + ": status 0", g.wait(60) == 0, g.errors)
        except Lost as e:
            c.check(name, False, e)
        finally:
            g.kill()
        c.check(name + ": no byte changed", before is None or open(path, "rb").read() == before)
    c.check("--ephemeral makes no store", not os.path.exists(os.path.join(work, "none.fd")))
    with open(path, "rb") as f:
        data = f.read()
    c.check("a variable set in the shell is there", "kept".encode("utf-16-le") in data)
    c.check("the store is as large as QEMU's", len(data) == STORE, len(data))
    c.check("firmware formatted it", data[40:44] == b"_FVH", data[:64].hex())
    c.check("nothing is left beside it", not [n for n in os.listdir(work) if n.startswith("shell.fd.")], os.listdir(work))
    return c


def refusals(pome, options, work):
    """What can't be a store, or is used already."""
    c = Checks("stores")

    def fails(path, text):
        r = subprocess.run([pome, "run", "--machine", "virt", "--efi-vars", path, "--timeout", "5", "--serial", "null"] + options,
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
        c.check(text, r.returncode == 3 and text in r.stderr, "status %d: %s" % (r.returncode, r.stderr))

    odd = os.path.join(work, "odd.fd")
    with open(odd, "wb") as f:
        f.write(bytes(1000))
    fails(odd, "whole blocks of 256 KiB")
    fails(work, "a directory; expected a UEFI variable store")
    fails(os.path.join(work, "none/vars.fd"), "No such file")
    g = start(pome, options, work, store="shared.fd")
    try:
        g.expect("UEFI firmware", 60)
        fails(os.path.join(work, "shared.fd"), "in use by process %d" % g.proc.pid)
    except Lost as e:
        c.check("a second run", False, e)
    finally:
        g.kill()
    return c


def order(g):
    status, out = g.run("od -An -v -tx2 %s/BootOrder-%s" % (VARS, GLOBAL))
    return out.split()[2:]      # behind the attributes


def set_order(g, words):
    text = "".join("\\x%s\\x%s" % (w[2:], w[:2]) for w in words)
    return g.run("chattr -i %s/BootOrder-%s 2>/dev/null; printf '\\x07\\0\\0\\0%s' >%s/BootOrder-%s" %
                 (VARS, GLOBAL, text, VARS, GLOBAL))


def through_grub(g, seconds=600):
    g.expect("GRUB", seconds)
    g.expect("EFI stub: Booting Linux", 600)
    login(g)


def session(pome, options, work, kind, disk):
    c = Checks(kind)
    begin = time.monotonic()
    g = start(pome, options, work, disk)
    try:
        through_grub(g)
        print("     %s: logged in after %.0f s" % (kind, time.monotonic() - begin), flush=True)
        status, out = g.run("ls %s | wc -l; cat /sys/firmware/efi/fw_platform_size" % VARS)
        c.check("Linux has UEFI's variables", status == 0 and out.endswith("64") and int(out.split()[0]) > 5, out)
        status, out = g.run("systemctl is-system-running --wait", 300)
        c.check("systemd is up", out == "running", out)
        status, out = g.run("dmesg | grep -E 'efi.*([Ff]ail|[Ee]rror)|\\bBUG\\b|Call trace'")
        c.check("the kernel does not complain", out == "", out)
        status, out = g.run("grep -h MSI /proc/interrupts | grep -c virtio")
        c.check("PCI functions use MSI", status == 0, out)
        status, out = g.run("printf '\\x07\\0\\0\\0first' >%s/PomeTest-%s" % (VARS, OURS))
        c.check("a new variable", (status, out) == (0, ""), out)
        first = order(g)
        swapped = first[1:] + first[:1] if len(first) > 2 else first
        status, out = set_order(g, swapped) if swapped != first else (0, "")
        c.check("a new boot order", (status, order(g)) == (0, swapped), "%s -> %s" % (swapped, order(g)))

        g.type("reboot\n")                      # the same pome
        through_grub(g)
        status, out = g.run("cat %s/PomeTest-%s | tail -c +5" % (VARS, OURS))
        c.check("the variable survives a reset", (status, out) == (0, "first"), out)
        c.check("the boot order survives a reset", order(g)[:len(swapped)] == swapped, "%s -> %s" % (swapped, order(g)))
        status, out = g.run("cd %s && chattr -i PomeTest-%s && printf '\\x07\\0\\0\\0second' >PomeTest-%s" % (VARS, OURS, OURS))
        c.check("the variable's second value", (status, out) == (0, ""), out)
        g.proc.send_signal(signal.SIGKILL)      # nobody shuts anything down
        g.wait(30)
        g.kill()

        g = start(pome, options, work, disk)
        through_grub(g)
        status, out = g.run("cat %s/PomeTest-%s | tail -c +5" % (VARS, OURS))
        c.check("the variable survives kill -9", (status, out) == (0, "second"), out)
        c.check("the boot order survives kill -9", order(g)[:len(swapped)] == swapped, "%s -> %s" % (swapped, order(g)))
        g.type("poweroff\n")
        c.check("powers off with status 0", g.wait(300) == 0, g.errors)
    except Lost as e:
        c.check("session", False, e)
    finally:
        g.kill()
    image = disk.split(",")[0]
    if kind == "qcow2":
        r = subprocess.run(["qemu-img", "check", "-q", image], capture_output=True, text=True)
        c.check("qemu-img check", r.returncode == 0, r.stdout + r.stderr)
    else:
        r = subprocess.run(["e2fsck", "-fn", "%s?offset=%d" % (image, ROOT_AT)], capture_output=True, text=True)
        c.check("e2fsck", r.returncode == 0, r.stdout)
    print("%s Debian through UEFI, %s: %d passed, %d failed, %.0f s" % ("FAIL" if c.failed else "ok  ", kind, c.passed, c.failed,
                                                                        time.monotonic() - begin), flush=True)
    return c


def bundles(pome, options, work, image):
    """pome run BUNDLE, for one with QEMU's kind of store and one with Apple's."""
    c = Checks("bundles")
    samples = os.path.join(here, "../bundles")
    tart = os.path.join(work, "tart")
    shutil.copytree(os.path.join(samples, "tart/linux"), tart)
    subprocess.run(["cp", "--sparse=always", image, os.path.join(tart, "disk.img")], check=True)
    with open(os.path.join(tart, "nvram.bin"), "wb") as f:
        f.write(b"\x55" * 131072)
    utm = os.path.join(work, "linux.utm")
    shutil.copytree(os.path.join(samples, "utm-qemu/linux-virt-uefi.utm"), utm)
    os.makedirs(os.path.join(utm, "Data"), exist_ok=True)
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", image,
                    os.path.join(utm, "Data/E1B5A8C0-41D7-4E9A-A6F3-2C8D7B9E0F10.qcow2")], check=True)
    with open(os.path.join(utm, "Data/efi_vars.fd"), "wb") as f:
        f.truncate(STORE)
    for path, store in ((tart, "pome-efi-vars.fd"), (utm, "Data/efi_vars.fd")):
        name = os.path.basename(path)
        g = Guest([pome, "run", "-q", "--timeout", "3000", path] + options, os.path.join(work, "console-%s.log" % name))
        try:
            through_grub(g)
            g.type("poweroff\n")
            c.check(name + ": powers off with status 0", g.wait(300) == 0, g.errors)
        except Lost as e:
            c.check(name, False, e)
        finally:
            g.kill()
        with open(os.path.join(path, store), "rb") as f:
            c.check(name + ": the store is in the bundle", f.read(44)[40:] == b"_FVH")
    with open(os.path.join(tart, "nvram.bin"), "rb") as f:
        c.check("Apple's store is as it was", f.read() == b"\x55" * 131072)
    return c


def main():
    args = sys.argv[1:]
    if not args:
        sys.exit(__doc__)
    pome = os.path.abspath(args.pop(0))
    o = take_options(args, formats="raw qcow2 bundle", keep=None)
    work = o["keep"] or tempfile.mkdtemp(dir=cache)
    os.makedirs(work, exist_ok=True)
    failed = passed = 0
    try:
        done = [firmware_shell(pome, args, work), refusals(pome, args, work)]
        image = os.path.join(work, "disk.img")
        for kind in o["formats"].split():
            if not os.path.exists(image):
                subprocess.run([os.path.join(here, "efi_disk.py"), image], check=True)
            disk = image
            if kind == "bundle":
                done.append(bundles(pome, args, work, image))
                continue
            if kind == "qcow2":
                disk = os.path.join(work, "disk.qcow2")
                subprocess.run(["qemu-img", "convert", "-O", "qcow2", image, disk], check=True)
            if os.path.exists(os.path.join(work, "vars.fd")):
                os.unlink(os.path.join(work, "vars.fd"))
            done.append(session(pome, args, work, kind, disk))
    finally:
        if not o["keep"]:
            shutil.rmtree(work)
    for c in done:
        passed, failed = passed + c.passed, failed + c.failed
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
