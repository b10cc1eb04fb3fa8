#!/usr/bin/env python3
"""keys.py - every key of every format, and what pome does with it.

    keys.py POME [FORMAT...]    compares with keys/FORMAT.txt
    keys.py --write POME        writes these anew; read the difference

For each format one machine that has every key which the format knows, with a value that is not the default where that
makes a difference. What `pome inspect` says of each (honoured, ignored with its reason, note, warn, error) must be what
keys/ has; "unknown" fails: a key that nobody decided on. The samples of manifest.json show what else a value can do."""
import json, os, plistlib, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import cases

UUID = ["0F0E0D0C-0B0A-4908-8706-05040302010%d" % i for i in range(8)]
MAC = "a6:5c:11:42:9d:0%d"


def identity():
    with open(os.path.join(HERE, "utm-apple/macos13.utm/config.plist"), "rb") as f:
        p = plistlib.load(f)["System"]["MacPlatform"]
    return p["HardwareModel"], p["MachineIdentifier"]


MODEL, MACHINE = identity()


def b64(data):
    import base64
    return base64.b64encode(data).decode()


class Made:
    """A bundle that is being made below `where`."""

    def __init__(self, where, name):
        self.dir = os.path.join(where, name)
        os.makedirs(self.dir)

    def file(self, path, kind="raw", size=1 << 20):
        cases.make(self.dir, {"path": path, "kind": kind, "size": size})

    def aux(self, path):
        self.file(path, "aux", (16 << 10) + (32 << 20))

    def blob(self, path, data):
        full = os.path.join(self.dir, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data)

    def plist(self, path, value):
        self.blob(path, plistlib.dumps(value))

    def json(self, path, value):
        self.blob(path, json.dumps(value).encode())


# ---- UTM ------------------------------------------------------------------------

INFORMATION = {"Name": "All keys", "UUID": UUID[0], "IconCustom": True, "Icon": "mine.png", "Notes": "two\nlines"}
TERMINAL = {"Theme": "Dark", "ForegroundColor": "#ffffff", "BackgroundColor": "#000000", "Font": "Menlo", "FontSize": 12,
            "ResizeCommand": "stty cols $COLS", "CursorBlink": True}


def utm_apple(m, system, virtualization, drives, **more):
    m.plist("config.plist", dict({
        "Backend": "Apple", "ConfigurationVersion": 4, "Information": INFORMATION, "System": system,
        "Virtualization": dict({"Audio": True, "Balloon": True, "Entropy": True, "Keyboard": "Mac", "Pointer": "Trackpad",
                                "ClipboardSharing": True}, **virtualization),
        "Display": [{"WidthPixels": 1920, "HeightPixels": 1200, "PixelsPerInch": 80, "DynamicResolution": True},
                    {"WidthPixels": 1024, "HeightPixels": 768, "PixelsPerInch": 80, "DynamicResolution": False}],
        "Drive": drives,
        "Network": [{"Mode": "Shared", "MacAddress": MAC % 1},
                    {"Mode": "Bridged", "MacAddress": MAC % 2, "BridgeInterface": "en0"}],
        "Serial": [{"Mode": "Terminal", "Terminal": TERMINAL}, {"Mode": "Ptty"}]}, **more))


def utm_apple_macos(where):
    m = Made(where, "mac.utm")
    m.file("Data/disk.img")
    m.aux("Data/AuxiliaryStorage")
    utm_apple(m, {"Architecture": "aarch64", "CPUCount": 4, "MemorySize": 4096, "Boot": {"OperatingSystem": "macOS"},
                  "MacPlatform": {"HardwareModel": MODEL, "MachineIdentifier": MACHINE,
                                  "AuxiliaryStoragePath": "AuxiliaryStorage"}}, {},
              [{"Identifier": UUID[1], "ImageName": "disk.img", "ReadOnly": False, "Nvme": True},
               {"Identifier": UUID[2], "ReadOnly": True, "Bookmark": b"bookmark"}],
              SharedDirectory=[{"ReadOnly": True, "Bookmark": b"bookmark"}])
    return m.dir


def utm_apple_linux(where):
    m = Made(where, "linux.utm")
    m.file("Data/disk.img")
    m.file("Data/vmlinuz", "kernel")
    m.file("Data/initrd", "initrd", 4096)
    m.file("Data/efi_vars.fd", "efi-store", 131072)
    utm_apple(m, {"Architecture": "aarch64", "CPUCount": 0, "MemorySize": 1024, "GenericPlatform": {"machineIdentifier": b"id"},
                  "Boot": {"OperatingSystem": "Linux", "UEFIBoot": False, "LinuxKernelPath": "vmlinuz",
                           "LinuxInitialRamdiskPath": "initrd", "LinuxCommandLine": "console=hvc0 root=/dev/vda",
                           "EfiVariableStoragePath": "efi_vars.fd"}}, {"Rosetta": True},
              [{"Identifier": UUID[1], "ImageName": "disk.img", "ReadOnly": True, "Nvme": True}])
    return m.dir


VLAN = {"VlanGuestAddress": "192.168.77.0/24", "VlanGuestAddressIPv6": "fd77::/64", "VlanHostAddress": "192.168.77.2",
        "VlanHostAddressIPv6": "fd77::2", "VlanDhcpStartAddress": "192.168.77.15", "VlanDhcpEndAddress": "192.168.77.20",
        "VlanDhcpDomain": "example.org", "VlanDnsServerAddress": "192.168.77.3", "VlanDnsServerAddressIPv6": "fd77::3",
        "VlanDnsSearchDomain": "example.org"}


def utm_qemu(where):
    m = Made(where, "qemu.utm")
    for n in ("disk.img", "cd.iso", "ide.img"):
        m.file("Data/" + n)
    m.file("Data/efi_vars.fd", "efi-vars", 64 << 20)
    m.file("Data/vmlinuz", "kernel")
    m.file("Data/initrd", "initrd", 4096)
    drive = {"ImageType": "Disk", "Interface": "VirtIO", "InterfaceVersion": 1, "ReadOnly": False}

    def boot(i, kind, name):
        return dict(drive, Identifier=UUID[i], ImageType=kind, Interface="None", ImageName=name, ReadOnly=True)

    net = {"Hardware": "virtio-net-pci", "IsolateFromHost": False, "PortForward": []}
    serial = {"Target": "Auto", "Hardware": "pl011", "TcpHostAddress": "127.0.0.1", "TcpPort": 4555, "WaitForConnection": False,
              "RemoteConnectionAllowed": False, "Terminal": TERMINAL}
    m.plist("config.plist", {
        "Backend": "QEMU", "ConfigurationVersion": 4, "Information": INFORMATION,
        "System": {"Architecture": "aarch64", "Target": "virt", "CPU": "cortex-a72", "CPUFlagsAdd": ["sve"],
                   "CPUFlagsRemove": ["pmu"], "CPUCount": 2, "ForceMulticore": True, "MemorySize": 1024, "JITCacheSize": 64},
        "QEMU": {"UEFIBoot": True, "RNGDevice": True, "BalloonDevice": True, "TPMDevice": True, "Hypervisor": True, "TSO": True,
                 "RTCLocalTime": True, "PS2Controller": True, "DebugLog": True, "MachinePropertyOverride": "highmem=off",
                 "AdditionalArguments": ["-append", '"console=ttyAMA0"', "-m 2048", "-smp 3", "-device foo"]},
        "Input": {"UsbBusSupport": "3.0", "UsbSharing": True, "MaximumUsbShare": 3},
        "Sharing": {"DirectoryShareMode": "VirtFS", "DirectoryShareReadOnly": True, "ClipboardSharing": True},
        "Display": [{"Hardware": "virtio-gpu-gl-pci", "VgaRamMib": 16, "DynamicResolution": True, "UpscalingFilter": "Linear",
                     "DownscalingFilter": "Nearest", "NativeResolution": True}],
        "Drive": [dict(drive, Identifier=UUID[1], ImageName="disk.img"),
                  dict(drive, Identifier=UUID[2], ImageType="CD", Interface="USB", ImageName="cd.iso", ReadOnly=True),
                  dict(drive, Identifier=UUID[3], Interface="IDE", ImageName="ide.img"),
                  dict(drive, Identifier=UUID[4], ImageType="CD", Interface="USB"),
                  boot(5, "LinuxKernel", "vmlinuz"), boot(6, "LinuxInitrd", "initrd")],
        "Network": [dict(net, **VLAN, Mode="Emulated", MacAddress=MAC % 1, Hardware="rtl8139", IsolateFromHost=True, PortForward=[
                        {"Protocol": "TCP", "HostAddress": "127.0.0.1", "HostPort": 2222, "GuestAddress": "192.168.77.15",
                         "GuestPort": 22}, {"Protocol": "UDP", "HostPort": 5353, "GuestPort": 53}]),
                    dict(net, Mode="Host", MacAddress=MAC % 2, HostNetUuid=UUID[7]),
                    dict(net, Mode="Bridged", MacAddress=MAC % 3, BridgeInterface="en0")],
        "Serial": [dict(serial, Mode="Terminal"), dict(serial, Mode="TcpServer"), dict(serial, Mode="Ptty", Target="GDB"),
                   dict(serial, Mode="Ptty", Target="Monitor")],
        "Sound": [{"Hardware": "intel-hda"}]})
    return m.dir


def with_networks(where, *networks):
    path = utm_qemu(where)
    with open(path + "/config.plist", "rb") as f:
        p = plistlib.load(f)
    p["Network"] = [dict({"Mode": "Emulated", "MacAddress": MAC % i, "Hardware": "virtio-net-pci", "IsolateFromHost": False,
                          "PortForward": []}, **n) for i, n in enumerate(networks)]
    with open(path + "/config.plist", "wb") as f:
        plistlib.dump(p, f)
    return path


def utm_qemu_network(where):
    """Addresses that do not fit together, and those of a network that is not emulated."""
    return with_networks(where, {"VlanGuestAddress": "10.9.0.0/24", "VlanHostAddress": "10.8.0.1"}, dict(VLAN, Mode="Shared"))


def utm_qemu_no_network(where):
    """And that are none."""
    return with_networks(where, {"VlanGuestAddress": "10.9.0.0/99", "VlanHostAddress": "10.9.0", "VlanDhcpDomain": "a b",
                                 "VlanDnsServerAddress": ""})


def utm_apple_legacy(where):
    m = Made(where, "legacy.utm")
    m.file("Data/disk.img")
    m.aux("Data/AuxiliaryStorage")
    flags = ("Audio", "Balloon", "Entropy", "Serial", "Keyboard", "Pointing")
    m.plist("config.plist", dict({
        "version": 3, "isAppleVirtualization": True, "name": "Old", "architecture": "aarch64", "icon": "mac", "iconCustom": False,
        "notes": "a note", "cpuCount": 2, "memorySize": 4 << 30,
        "bootLoader": {"operatingSystem": "macOS"},
        "macPlatform": {"hardwareModel": MODEL, "machineIdentifier": MACHINE, "auxiliaryStoragePath": "AuxiliaryStorage"},
        "networkDevices": [{"networkMode": "Bridged", "bridgeInterfaceIdentifier": "en0", "macAddress": MAC % 1}],
        "displays": [{"widthInPixels": 1920, "heightInPixels": 1200, "pixelsPerInch": 80}],
        "diskImages": [{"sizeMib": 1, "isReadOnly": False, "isExternal": False, "imagePath": "disk.img"},
                       {"sizeMib": 0, "isReadOnly": True, "isExternal": True, "imageBookmark": b"bookmark"}],
        "isConsoleDisplay": True, "consoleFont": "Menlo", "consoleFontSize": 12, "consoleTheme": "Dark",
        "consoleTextColor": "#ffffff", "consoleBackgroundColor": "#000000", "consoleResizeCommand": "x", "consoleCursorBlink": True},
        **{"is%sEnabled" % f: True for f in flags}))
    return m.dir


def utm_apple_legacy_linux(where):
    m = Made(where, "legacy-linux.utm")
    m.file("Data/vmlinuz", "kernel")
    m.file("Data/initrd", "initrd", 4096)
    m.plist("config.plist", {
        "version": 1, "isAppleVirtualization": True, "name": "Old", "architecture": "aarch64", "cpuCount": 2, "memorySize": 1 << 30,
        "bootLoader": {"operatingSystem": "Linux", "linuxKernelPath": "vmlinuz", "linuxInitialRamdiskPath": "initrd",
                       "linuxCommandLine": "console=hvc0"},
        "networkDevices": [], "displays": [], "diskImages": []})
    return m.dir


def utm_qemu_legacy(where):
    m = Made(where, "old-qemu.utm")
    m.file("Images/disk.img")
    net = {"NetworkMode": "emulated", "NetworkCard": "rtl8139", "NetworkCardMAC": MAC % 1, "NetworkBridgeInterface": "en0",
           "NetworkEnabled": True, "IsolateGuest": True, "IPSubnet": "192.168.77.0/24", "IPv6Subnet": "fd77::/64",
           "IPHost": "192.168.77.2", "IPv6Host": "fd77::2", "DHCPStart": "192.168.77.15", "DHCPHost": "guest",
           "DHCPDomain": "example.org", "IPDNS": "192.168.77.3", "IPv6DNS": "fd77::3", "DNSSearch": "example.org",
           "PortForward": [{"Protocol": "tcp", "HostAddress": "127.0.0.1", "HostPort": 2222, "GuestAddress": "192.168.77.15",
                            "GuestPort": 22}]}
    m.plist("config.plist", {
        "ConfigurationVersion": 2,
        "System": {"Architecture": "aarch64", "Target": "virt", "CPU": "cortex-a72", "CPUFlags": ["+sve", "-pmu"], "CPUCount": 2,
                   "Memory": 1024, "BootDevice": "", "BootUefi": True, "RngEnabled": True, "UseHypervisor": True,
                   "RTCUseLocalTime": True, "ForcePS2Controller": True, "MachineProperties": "highmem=off", "JITCacheSize": 64,
                   "ForceMulticore": True, "SystemUUID": UUID[0], "AddArgs": ["-device foo"]},
        "Drives": [{"DriveName": "drive0", "ImagePath": "disk.img", "ImageType": "disk", "InterfaceType": "virtio",
                    "Removable": False, "Cdrom": False},
                   {"DriveName": "cd", "ImageType": "cd", "InterfaceType": "usb", "Removable": True}],
        "Networking": net,
        "Display": {"ConsoleOnly": False, "DisplayCard": "virtio-ramfb", "DisplayUpscaler": "linear", "DisplayDownscaler": "linear",
                    "DisplayFitScreen": True, "DisplayRetina": True, "ConsoleTheme": "Default", "ConsoleFont": "Menlo",
                    "ConsoleFontSize": 12, "ConsoleBlink": True, "ConsoleResizeCommand": "x"},
        "Sound": {"SoundEnabled": True, "SoundCard": "hda"}, "Input": {"InputLegacy": True},
        "Sharing": {"ClipboardSharing": True, "DirectorySharing": True, "DirectoryReadOnly": True, "DirectoryName": "share",
                    "DirectoryBookmark": b"bookmark", "Usb3Support": True, "UsbRedirectMax": 3},
        "Printing": {}, "Debug": {"DebugLog": True}, "Info": {"Icon": "debian", "IconCustom": False, "Notes": "a note"}})
    return m.dir


# ---- the others -----------------------------------------------------------------

def macosvm(where):
    m = Made(where, "macosvm")
    m.file("disk.img")
    m.file("stick.img")
    m.aux("aux.img")
    net = {"mac": MAC % 1, "mtu": 1500, "interface": "en0"}
    m.json("vm.json", {
        "version": 1, "os": "macos", "cpus": 2, "ram": 4 << 30, "hardwareModel": b64(MODEL), "machineId": b64(MACHINE),
        "storage": [{"type": "disk", "file": "disk.img", "readOnly": False, "keep": True, "sync": "full", "cache": "cached"},
                    {"type": "usb", "url": "file:stick.img", "readOnly": 1, "sync": "none", "cache": "uncached"},
                    {"type": "aux", "file": "aux.img"}],
        "networks": [dict(net, type="nat"), {"type": "br", "interface": "en0", "mac": MAC % 2},
                     {"type": "unix", "path": "net.sock", "mac": MAC % 3, "mtu": "9000"}],
        "displays": [{"width": 2560, "height": 1600, "dpi": 200}],
        "shares": [{"path": "/tmp/a", "volume": "a", "readOnly": True, "automount": True}, {"paths": ["/tmp/b", "/tmp/c"]},
                   {"url": "file:///tmp/d"}],
        "audio": True, "serial": True})
    return m.dir


def macosvm_linux(where):
    m = Made(where, "macosvm-linux")
    m.file("vmlinuz", "kernel")
    m.file("initrd", "initrd", 4096)
    m.json("vm.json", {"version": 1, "os": "linux", "cpus": 2, "ram": 1 << 30,
                       "bootInfo": {"kernel": "vmlinuz", "parameters": "console=hvc0"},
                       "storage": [{"type": "initrd", "file": "initrd"}], "serial": 0, "audio": 0})
    return m.dir


def virtualbuddy(where):
    m = Made(where, "mac.vbvm")
    m.file("Disk.img")
    m.file("Data.img")
    m.aux("AuxiliaryStorage")
    m.blob("HardwareModel", MODEL)
    m.blob("MachineIdentifier", MACHINE)
    m.plist(".vbdata/Metadata.plist", {"uuid": UUID[0], "version": 1, "installFinished": True, "backgroundHash": {"value": "x"}})

    def managed(i, name):
        return {"managedImage": {"_0": {"id": UUID[i], "filename": name, "size": 1 << 20, "format": 0}}}

    disk = {"isEnabled": True, "isSavedStateClone": False, "isReadOnly": False, "isUSBMassStorageDevice": False}
    m.plist(".vbdata/Config.plist", {
        "version": 0, "systemType": "mac", "guestAdditionsEnabled": True, "rosettaSharingEnabled": True, "captureSystemKeys": True,
        "sharedFolders": [{"id": UUID[1], "url": {"relative": "file:///Users/x"}, "isEnabled": True, "isReadOnly": True,
                           "customMountPointName": "x"}],
        "hardware": {
            "cpuCount": 4, "memorySize": 4 << 30,
            "displayDevices": [{"id": UUID[2], "name": "Screen", "width": 1920, "height": 1080, "pixelsPerInch": 144,
                                "automaticallyReconfiguresDisplay": True}],
            "networkDevices": [{"id": "Automatic Bridge", "name": "Net", "kind": 1, "macAddress": (MAC % 1).upper()},
                               {"id": "Default", "name": "Net", "kind": 0, "macAddress": (MAC % 2).upper()}],
            "soundDevices": [{"id": "Default", "name": "Sound", "enableOutput": True, "enableInput": True}],
            "pointingDevice": {"kind": 1}, "keyboardDevice": {"kind": 1},
            "NVRAM": [{"name": "boot-args", "value": "-v"}],
            "_storageDevices": [
                dict(disk, id=UUID[3], isBootVolume=True, backing=managed(4, "Disk")),
                dict(disk, id=UUID[5], isBootVolume=False, isUSBMassStorageDevice=True, isReadOnly=True, backing=managed(6, "Data")),
                dict(disk, id=UUID[7], isBootVolume=False, isEnabled=False,
                     backing={"customImage": {"_0": {"relative": "file:///Users/x/other.img"}}})]}})
    return m.dir


def tart(where):
    m = Made(where, "tart")
    m.file("disk.img")
    m.aux("nvram.bin")
    m.json("config.json", {
        "version": 1, "os": "darwin", "arch": "arm64", "cpuCount": 4, "cpuCountMin": 4, "memorySize": 4 << 30,
        "memorySizeMin": 4 << 30, "macAddress": MAC % 1, "display": {"width": 1024, "height": 768, "unit": "pt"},
        "displayRefit": True, "diskFormat": "raw", "ecid": b64(MACHINE), "hardwareModel": b64(MODEL)})
    return m.dir


def lume(where):
    m = Made(where, "lume")
    m.file("disk.img")
    m.aux("nvram.bin")
    m.json("config.json", {
        "os": "macOS", "cpuCount": 4, "memorySize": 4 << 30, "diskSize": 1 << 20, "macAddress": MAC % 1, "display": "1024x768",
        "hardwareModel": b64(MODEL), "machineIdentifier": b64(MACHINE), "networkMode": "bridged:en0"})
    return m.dir


def vfkit(where):
    m = Made(where, "vfkit")
    for n in ("disk.img", "nvme.img", "stick.img"):
        m.file(n)
    m.file("vmlinuz", "kernel")
    m.file("initrd", "initrd", 4096)
    m.json("vm.json", {
        "vcpus": 2, "memoryBytes": 1 << 30,
        "bootloader": {"kind": "linuxBootloader", "vmlinuzPath": "vmlinuz", "initrdPath": "initrd",
                       "kernelCmdLine": '"console=hvc0"'},
        "devices": [
            {"kind": "virtioblk", "devName": "virtio-blk", "imagePath": "disk.img", "readOnly": False, "type": "image",
             "deviceIdentifier": "first"},
            {"kind": "nvme", "devName": "nvme", "imagePath": "nvme.img", "readOnly": False},
            {"kind": "usbmassstorage", "devName": "usb-mass-storage", "imagePath": "stick.img", "readOnly": True},
            {"kind": "virtionet", "nat": True, "macAddress": MAC % 1},
            {"kind": "virtionet", "nat": False, "macAddress": MAC % 2, "unixSocketPath": "net.sock"},
            {"kind": "virtioserial", "usesStdio": True}, {"kind": "virtioserial", "usesPty": True},
            {"kind": "virtiofs", "sharedDir": "/tmp/a", "mountTag": "a"},
            {"kind": "virtiosock", "port": 1024, "socketURL": "unix:///tmp/v", "listen": True},
            {"kind": "virtiogpu", "width": 800, "height": 600, "usesGUI": True},
            {"kind": "virtioinput", "inputType": "keyboard"}, {"kind": "virtiorng"}, {"kind": "virtioballoon"},
            {"kind": "rosetta", "mountTag": "rosetta", "installRosetta": True, "ignoreIfMissing": True}],
        "timesync": {"vsockPort": 1025}, "ignition": {"kind": "ignition", "configPath": "/tmp/i", "socketPath": "/tmp/s"},
        "nested": True})
    return os.path.join(m.dir, "vm.json")


def vfkit_log(where):
    """logFile names any file of the host: refused."""
    m = Made(where, "vfkit-log")
    m.file("vmlinuz", "kernel")
    m.json("vm.json", {"vcpus": 1, "memoryBytes": 1 << 30, "bootloader": {"kind": "linuxBootloader", "vmlinuzPath": "vmlinuz"},
                       "devices": [{"kind": "virtioserial", "logFile": "/tmp/log"}]})
    return os.path.join(m.dir, "vm.json")


def vfkit_efi(where):
    m = Made(where, "vfkit-efi")
    m.file("disk.img")
    m.json("vm.json", {"vcpus": 1, "memoryBytes": 1 << 30,
                       "bootloader": {"kind": "efiBootloader", "efiVariableStorePath": "store", "createVariableStore": True},
                       "devices": [{"kind": "virtioblk", "imagePath": "disk.img"}]})
    return os.path.join(m.dir, "vm.json")


def vfkit_macos(where):
    m = Made(where, "vfkit-macos")
    m.file("disk.img")
    m.aux("aux.img")
    m.blob("machine", MACHINE)
    m.blob("model", MODEL)
    m.json("vm.json", {"vcpus": 1, "memoryBytes": 4 << 30,
                       "bootloader": {"kind": "macOSBootloader", "machineIdentifierPath": "machine", "hardwareModelPath": "model",
                                      "auxImagePath": "aux.img"},
                       "devices": [{"kind": "virtioblk", "imagePath": "disk.img"}]})
    return os.path.join(m.dir, "vm.json")


def vfkit_command(where):
    """Its command line in a script: a line before it, quotes, lines that go on, and an end of line right behind the last word."""
    m = Made(where, "vfkit-command")
    for n in ("disk.img", "nvme.img", "stick.img"):
        m.file(n)
    m.file("vmlinuz", "kernel")
    m.file("initrd", "initrd", 4096)
    m.blob("start.sh", b"""#!/bin/sh
cd "$(dirname "$0")"
exec vfkit --cpus 2 --memory 1024 \\
	--bootloader linux,kernel=vmlinuz,initrd=initrd,cmdline="console=hvc0 quiet" \\
	--device virtio-blk,path=disk.img,deviceId=first --device nvme,path=nvme.img \\
	--device usb-mass-storage,path=stick.img,readonly --device virtio-net,nat,mac=%s \\
	--device virtio-serial,stdio --device virtio-rng --device virtio-balloon \\
	--device virtio-vsock,port=1024,socketURL=/tmp/v,listen --device virtio-fs,sharedDir=/tmp/a,mountTag=a \\
	--device virtio-gpu,width=800,height=600 --device virtio-input,keyboard --gui --nested --timesync vsockPort=1025 \\
	--restful-uri none:// --log-level debug --pidfile /tmp/p --cloud-init /tmp/u,/tmp/m --device rosetta,mountTag=rosetta
""" % (MAC % 1).encode())
    return os.path.join(m.dir, "start.sh")


def vftool(where):
    m = Made(where, "vftool")
    m.file("disk.img")
    m.file("cd.img")
    m.file("vmlinuz", "kernel")
    m.file("initrd", "initrd", 4096)
    m.blob("start", b"vftool -k vmlinuz -i initrd -d disk.img -c cd.img -a 'console=hvc0 root=/dev/vda' -p 2 -m 1024 -t 0 -b en0\n")
    return os.path.join(m.dir, "start")


def parallels(where):
    m = Made(where, "mac.macvm")
    m.file("disk0.img")
    m.aux("aux.bin")
    m.blob("machw.bin", MODEL)
    m.blob("macid.bin", MACHINE)
    m.blob("config.pvs", b"""<?xml version="1.0" encoding="UTF-8"?>
<ParallelsVirtualMachine>
 <Identification><VmUuid>{%s}</VmUuid><VmName>All keys</VmName></Identification>
 <Hardware>
  <Cpu><Number>4</Number></Cpu><Memory><RAM>4096</RAM></Memory>
  <Hdd><Enabled>1</Enabled><SystemName>disk0.img</SystemName></Hdd>
  <Hdd><Enabled>0</Enabled><SystemName>other.img</SystemName></Hdd>
  <NetworkAdapter><MAC>A65C11429D01</MAC></NetworkAdapter>
 </Hardware>
</ParallelsVirtualMachine>
""" % UUID[0].encode())
    return m.dir


FORMATS = {f.__name__.replace("_", "-"): f for f in (
    utm_apple_macos, utm_apple_linux, utm_apple_legacy, utm_apple_legacy_linux, utm_qemu, utm_qemu_network, utm_qemu_no_network, utm_qemu_legacy, macosvm, macosvm_linux,
    virtualbuddy, tart, lume, vfkit, vfkit_log, vfkit_efi, vfkit_macos, vfkit_command, vftool,
    parallels)}


UEFI = ("utm-qemu-legacy", "vfkit-efi")


def settings(pome, make):
    with tempfile.TemporaryDirectory(prefix="pome-keys-") as where:
        path = make(where)
        r = subprocess.run([pome, "inspect", path], capture_output=True, text=True, timeout=60)
        text = r.stdout.replace(where + "/", "")
    out, inside = [], False
    for line in text.splitlines():
        inside = (inside or line == "settings") and line != ""
        if inside and line != "settings" or line.startswith(("verdict ", "error ", "warn ", "note ")):
            out.append(line.strip() if inside else line)
    return "\n".join(out) + "\n", r.stderr


def main(argv):
    write = argv[:1] == ["--write"]
    pome, *names = argv[write:]
    failed = 0
    for name in names or FORMATS:
        if name in UEFI and not any(os.path.exists(p) for p in cases.FIRMWARE):
            print("skip %s: no UEFI firmware on this host (package qemu-efi-aarch64)" % name)
            continue
        got, errors = settings(pome, FORMATS[name])
        path = os.path.join(HERE, "keys", name + ".txt")
        if write:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as f:
                f.write(got)
        with open(path) as f:
            want = f.read()
        lost = [l for l in want.splitlines() if l not in got.splitlines()]
        new = [l for l in got.splitlines() if l not in want.splitlines()]
        unknown = [l for l in got.splitlines() if l.startswith("unknown")]
        if lost or new or unknown or len(got) < 100:
            failed += 1
            print("FAIL %s %s" % (name, errors))
            print("".join("     -%s\n" % l for l in lost) + "".join("     +%s\n" % l for l in new) +
                  "".join("     %s\n" % l for l in unknown), end="")
        else:
            print("ok   %s: %d keys" % (name, sum(" = " in l for l in got.splitlines())))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
