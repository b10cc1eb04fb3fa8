#!/bin/bash
# fetch.sh - real arm64 software from Debian's archive, for `make run` and the tests.
#
#   fetch.sh kernel            the stock kernel:    $CACHE/vmlinuz, $CACHE/modules/*.ko
#   fetch.sh cloud             the cloud flavour:   $CACHE/vmlinuz-cloud, $CACHE/modules-cloud/*.ko
#   fetch.sh initrd            busybox and modules: $CACHE/initrd.img   (makes kernel first)
#   fetch.sh bundle DIR        a macosvm-style bundle of the two, for `pome run DIR`
#   fetch.sh grub              Debian's boot loader for UEFI: $CACHE/grubaa64.efi
#   fetch.sh sysroot           headers and libraries for a cross build: $CACHE/sysroot
#
# Packages are only downloaded and unpacked, never installed: apt runs on a private arm64 state below $CACHE, and the
# machine's own package state does not change. A second call finds everything in place. POME_CACHE moves the cache.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")
# what apt may read: Debian's own sources, or the ones of the release that this machine runs
sources=${POME_SOURCES:-}
suite=${POME_SUITE:-bookworm}

die() { echo "fetch.sh: $*" >&2; exit 1; }

apt_() { # apt-get or apt-cache, then its arguments
	local tool=$1
	shift
	"$tool" -q -o Dir::Etc::sourcelist="$sources" -o Dir::Etc::sourceparts=- \
		-o Dir::State="$cache/apt" -o Dir::Cache="$cache/apt" -o Dir::State::status="$cache/apt/status" \
		-o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
		-o Acquire::Retries=3 "$@"
}

update() {
	[ -e "$cache/apt/updated" ] && return
	command -v apt-get >/dev/null || die "this needs apt-get (Debian, Ubuntu); elsewhere give pome a kernel with -k"
	mkdir -p "$cache"/apt/lists/partial "$cache"/apt/archives/partial "$cache"/debs
	: >"$cache/apt/status"
	if [ -z "$sources" ]; then
		sources=$cache/apt/debian.list
		local keys=/usr/share/keyrings/debian-archive-keyring.gpg option=
		[ -e "$keys" ] && option="[signed-by=$keys]"
		{
			echo "deb $option http://deb.debian.org/debian $suite main"
			echo "deb $option http://deb.debian.org/debian $suite-updates main"
			echo "deb $option http://deb.debian.org/debian-security $suite-security main"
		} >"$sources"
	fi
	echo "fetch.sh: reading Debian's package lists" >&2
	apt_ apt-get update >"$cache/apt.log" 2>&1 || { cat "$cache/apt.log" >&2; die "apt-get update failed"; }
	echo "$sources" >"$cache/apt/updated"
}

unpack() { # package directory
	local deb
	update
	sources=$(cat "$cache/apt/updated")
	deb=$(find "$cache/debs" -name "$1_*.deb" | head -n 1)
	if [ -z "$deb" ]; then
		echo "fetch.sh: downloading $1" >&2
		(cd "$cache/debs" && apt_ apt-get download "$1") >>"$cache/apt.log" 2>&1 ||
			{ tail -n 5 "$cache/apt.log" >&2; die "cannot download $1"; }
		deb=$(find "$cache/debs" -name "$1_*.deb" | head -n 1)
	fi
	mkdir -p "$2"
	dpkg-deb -x "$deb" "$2"
}

# The modules that a machine made of virtio devices and an ext4 disk wants, in loading order; one that is built in
# (or absent from a flavour) is passed over.
wanted="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk failover net_failover
virtio_net rng-core virtio-rng virtio_console crc16 mbcache jbd2 crc32c_generic libcrc32c ext4 qemu_fw_cfg"

flavour() { # meta-package suffix
	local meta=$1 suffix=$2 name x=$cache/x$2
	[ -e "$cache/vmlinuz$suffix" ] && return
	update
	sources=$(cat "$cache/apt/updated")
	name=$(apt_ apt-cache depends "$meta" | awk '/Depends: linux-image/ { print $2; exit }')
	[ -n "$name" ] || die "$meta names no kernel"
	unpack "$name" "$x"
	mkdir -p "$cache/modules$suffix"
	for m in $wanted; do
		find "$x/lib/modules" \( -name "$m.ko" -o -name "$m.ko.xz" \) -exec cp {} "$cache/modules$suffix/" \;
	done
	find "$cache/modules$suffix" -name '*.xz' -exec unxz {} +
	echo "$name" >"$cache/kernel$suffix.version"
	mv "$x"/boot/vmlinuz-* "$cache/vmlinuz$suffix"
	rm -rf "$x"
	echo "fetch.sh: $name" >&2
}

initrd() { # suffix
	local suffix=$1 root=$cache/root$1
	flavour "linux-image${suffix:+-cloud}-arm64" "$suffix"
	[ "$cache/initrd$suffix.img" -nt "$here/init" ] && return
	unpack busybox-static "$cache/busybox"
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,mnt,root,etc,lib/modules}
	cp "$cache/busybox/bin/busybox" "$root/bin/"
	cp "$cache/modules$suffix"/*.ko "$root/lib/modules/"
	local m
	for m in $wanted; do
		[ -e "$root/lib/modules/$m.ko" ] && echo "$m"
	done >"$root/lib/modules/order"
	install -m 755 "$here/init" "$root/init"
	(cd "$root" && find . -print0 | LC_ALL=C sort -z | cpio -0oH newc -R 0:0 --reproducible --quiet) |
		gzip -n >"$cache/initrd$suffix.img.new"
	mv "$cache/initrd$suffix.img.new" "$cache/initrd$suffix.img"
	rm -rf "$root"
}

bundle() { # DIR
	initrd ""
	mkdir -p "$1"
	cp "$cache/vmlinuz" "$cache/initrd.img" "$1/"
	cat >"$1/macosvm.json" <<'J'
{
  "version": 1,
  "os": "linux",
  "cpus": 2,
  "ram": 1073741824,
  "bootInfo": { "kernel": "vmlinuz", "parameters": "console=ttyAMA0" },
  "storage": [{ "type": "initrd", "file": "initrd.img" }],
  "networks": [{ "type": "nat" }]
}
J
}

# The C library, the compiler's, then libraries with their headers; libslirp brings glib.
sysroot_packages="libc6 libc6-dev linux-libc-dev libgcc-12-dev libgcc-s1 libfdt1 libfdt-dev libseccomp2 libseccomp-dev
libcap-ng0 libcap-ng-dev libcmocka0 libcmocka-dev libjansson4 libjansson-dev libplist3 libplist-dev libexpat1
libexpat1-dev libminizip1 libminizip-dev libnettle8 nettle-dev libhogweed6 libgmp10 zlib1g zlib1g-dev libzstd1 libzstd-dev libslirp0 libslirp-dev
libglib2.0-0 libglib2.0-dev libpcre2-8-0 libffi8"

sysroot() {
	local root=$cache/sysroot p link to
	[ "$(cat "$root/ok" 2>/dev/null)" = "$sysroot_packages" ] && return
	rm -rf "$root"
	for p in $sysroot_packages; do
		unpack "$p" "$root"
	done
	# links to /lib/... mean this machine's: make them relative, so that a linker and a copy find the sysroot's
	find "$root" -type l -lname '/*' | while read -r link; do
		to=$(readlink "$link")
		ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$root$to")" "$link"
	done
	echo "$sysroot_packages" >"$root/ok"
}

grub() {
	[ -e "$cache/grubaa64.efi" ] && return
	unpack grub-efi-arm64-bin "$cache/grub"
	cp "$cache/grub/usr/lib/grub/arm64-efi/monolithic/grubaa64.efi" "$cache/grubaa64.efi"
	rm -rf "$cache/grub"
}

case ${1:-} in
grub) grub ;;
kernel) flavour linux-image-arm64 "" ;;
cloud) initrd -cloud ;;
initrd) initrd "" ;;
bundle) [ $# = 2 ] || die "bundle needs a directory"; bundle "$2" ;;
sysroot) sysroot ;;
*) sed -n '2,11p' "$0"; exit 2 ;;
esac
