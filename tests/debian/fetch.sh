#!/bin/bash
# fetch.sh - real arm64 software from Debian's archive, for `make run` and the tests.
#
#   fetch.sh kernel            the stock kernel:    $CACHE/vmlinuz, $CACHE/modules/*.ko
#   fetch.sh cloud             the cloud flavour:   $CACHE/vmlinuz-cloud, $CACHE/modules-cloud/*.ko
#   fetch.sh initrd            busybox and modules: $CACHE/initrd.img   (makes kernel first)
#   fetch.sh bundle DIR        a macosvm-style bundle of the two, for `pome run DIR`
#   fetch.sh grub              Debian's boot loader for UEFI: $CACHE/grubaa64.efi
#   fetch.sh installer         packages that put a system on a disk with UEFI: $CACHE/installer.tar
#   fetch.sh sysroot           headers and libraries for a cross build: $CACHE/sysroot
#   fetch.sh sysroot-riscv64   the same for riscv64:   $CACHE/sysroot-riscv64
#   fetch.sh newer             a later cloud kernel, whose KVM can do more: $CACHE/vmlinuz-newer
#
# Packages are only downloaded and unpacked, never installed: apt runs on private states below $CACHE, one for each
# architecture and release, and the machine's own package state does not change. A second call finds everything in
# place. POME_CACHE moves the cache.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")

die() { echo "fetch.sh: $*" >&2; exit 1; }

# ARCH SUITE SUFFIX: whose packages the functions below mean; the suffix tells their directories apart
use() {
	arch=$1 suite=$2 state=$cache/apt$3 debs=$cache/debs$3
	# what apt may read: Debian's own archive, or a list of the caller's
	sources=$state/debian.list
	[ -n "$3" ] || sources=${POME_SOURCES:-$sources}
}
use arm64 "${POME_SUITE:-bookworm}" ""

apt_() { # apt-get or apt-cache, then its arguments
	local tool=$1
	shift
	"$tool" -q -o Dir::Etc::sourcelist="$sources" -o Dir::Etc::sourceparts=- \
		-o Dir::State="$state" -o Dir::Cache="$state" -o Dir::State::status="$state/status" \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root \
		-o Acquire::Retries=3 "$@"
}

update() {
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg option=
	mkdir -p "$debs"
	if [ -e "$state/updated" ]; then
		sources=$(cat "$state/updated")
		return
	fi
	command -v apt-get >/dev/null || die "this needs apt-get (Debian, Ubuntu); elsewhere give pome a kernel with -k"
	mkdir -p "$state"/lists/partial "$state"/archives/partial
	: >"$state/status"
	if [ "$sources" = "$state/debian.list" ]; then
		[ -e "$keys" ] && option="[signed-by=$keys]"
		{
			echo "deb $option http://deb.debian.org/debian $suite main"
			# what is only built against needs no updates, and fewer lists fail less often
			if [ "$arch" = arm64 ]; then
				echo "deb $option http://deb.debian.org/debian $suite-updates main"
				echo "deb $option http://deb.debian.org/debian-security $suite-security main"
			fi
		} >"$sources"
	fi
	echo "fetch.sh: reading the package lists of Debian $suite, $arch" >&2
	apt_ apt-get update >"$cache/apt.log" 2>&1 || { cat "$cache/apt.log" >&2; die "apt-get update failed"; }
	echo "$sources" >"$state/updated"
}

download() { # package; sets $deb
	update
	deb=$(find "$debs" -name "$1_*.deb" | head -n 1)
	if [ -z "$deb" ]; then
		echo "fetch.sh: downloading $1" >&2
		(cd "$debs" && apt_ apt-get download "$1") >>"$cache/apt.log" 2>&1 ||
			{ tail -n 5 "$cache/apt.log" >&2; die "cannot download $1"; }
		deb=$(find "$debs" -name "$1_*.deb" | head -n 1)
	fi
}

unpack() { # package directory
	local deb
	download "$1"
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
	name=$(apt_ apt-cache depends "$meta" | awk '/Depends: linux-image/ { print $2; exit }')
	[ -n "$name" ] || die "$meta names no kernel"
	unpack "$name" "$x"
	mkdir -p "$cache/modules$suffix"
	for m in $wanted; do
		find "$x" \( -name "$m.ko" -o -name "$m.ko.xz" \) -exec cp {} "$cache/modules$suffix/" \;
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

# riscv64 became an architecture of Debian after bookworm.
sysroot_packages_riscv64="libc6 libc6-dev linux-libc-dev libgcc-14-dev libgcc-s1 libatomic1 libfdt1 libfdt-dev
libseccomp2 libseccomp-dev libcap-ng0 libcap-ng-dev libcmocka0 libcmocka-dev libjansson4 libjansson-dev libplist-2.0-4
libplist-dev libexpat1 libexpat1-dev libminizip1t64 libminizip-dev libnettle8t64 nettle-dev libhogweed6t64 libgmp10
zlib1g zlib1g-dev libzstd1 libzstd-dev libslirp0 libslirp-dev libglib2.0-0t64 libglib2.0-dev libgio-2.0-dev
libpcre2-8-0 libffi8"

sysroot() { # DIRECTORY PACKAGES
	local root=$1 packages=$2 p link to
	[ "$(cat "$root/ok" 2>/dev/null)" = "$packages" ] && return
	rm -rf "$root"
	# one /lib, as installed systems have it; bookworm's packages still name both
	mkdir -p "$root/usr/lib"
	[ "$suite" = bookworm ] || ln -s usr/lib "$root/lib"
	for p in $packages; do
		unpack "$p" "$root"
	done
	# links to /lib/... mean this machine's: make them relative, so that a linker and a copy find the sysroot's
	find "$root" -type l -lname '/*' | while read -r link; do
		to=$(readlink "$link")
		ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$root$to")" "$link"
	done
	echo "$packages" >"$root/ok"
}

grub() {
	[ -e "$cache/grubaa64.efi" ] && return
	unpack grub-efi-arm64-bin "$cache/grub"
	cp "$cache/grub/usr/lib/grub/arm64-efi/monolithic/grubaa64.efi" "$cache/grubaa64.efi"
	rm -rf "$cache/grub"
}

# What rootfs.sh leaves out: partitions, FAT, GRUB and the firmware's boot entries, with the libraries.
installer() {
	local p deb all=
	[ "$cache/installer.tar" -nt "$here/fetch.sh" ] && return
	for p in grub-efi-arm64-bin grub2-common grub-common efibootmgr libefiboot1 libefivar1 libfreetype6 libpng16-16 \
		libbrotli1 libfuse2 libpopt0 libdevmapper1.02.1 dmsetup gettext-base dosfstools fdisk libfdisk1 libncursesw6 \
		libreadline8 readline-common; do
		download $p
		all="$all ${deb##*/}"
	done
	# shellcheck disable=SC2086
	tar -C "$debs" -cf "$cache/installer.tar.new" $all
	mv "$cache/installer.tar.new" "$cache/installer.tar"
}

case ${1:-} in
grub) grub ;;
installer) installer ;;
kernel) flavour linux-image-arm64 "" ;;
cloud) initrd -cloud ;;
initrd) initrd "" ;;
bundle) [ $# = 2 ] || die "bundle needs a directory"; bundle "$2" ;;
sysroot) sysroot "$cache/sysroot" "$sysroot_packages" ;;
sysroot-riscv64)
	use riscv64 trixie -riscv64
	sysroot "$cache/sysroot-riscv64" "$sysroot_packages_riscv64"
	;;
newer)
	use arm64 trixie -newer
	flavour linux-image-cloud-arm64 -newer
	;;
*) sed -n '2,14p' "$0"; exit 2 ;;
esac
