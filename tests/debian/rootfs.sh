#!/bin/bash
# rootfs.sh - a Debian arm64 root file system on a disk image, for the tests: $CACHE/rootfs.img
#
#   rootfs.sh POME [IMAGE]
#
# debootstrap unpacks the base packages; its second stage, which runs the packages' own scripts, needs arm64 programs to
# run: here under qemu-user where root can have a binfmt_misc of its own, else inside POME (a quarter of an hour;
# POME_ROOTFS_INSIDE=1 asks for it). Nothing is registered with, installed or mounted on this machine. A user who is not
# root needs fakeroot. A second call finds the image in place.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")
suite=${POME_SUITE:-bookworm}
mirror=${POME_MIRROR:-http://deb.debian.org/debian}
include=systemd-sysv,udev,dbus,kmod,iproute2,login,procps,e2fsprogs
# what the tests and tests/bench/guest.py run
include+=,openssl,python3,libpython3.11-testsuite,perl,xz-utils,zstd,bzip2,stress-ng,gcc,libc6-dev,sqlite3

die() { echo "rootfs.sh: $*" >&2; exit 1; }

[ $# -ge 1 ] || { sed -n '2,9p' "$0"; exit 2; }
pome=$(realpath "$1")
image=$(realpath -m "${2:-$cache/rootfs.img}")
mkdir -p "$cache"
# one at a time: who comes second finds what the first one made
exec 8>"$cache/rootfs.lock"
flock 8
key=$(sha256sum "$0" | cut -c1-64)-$suite
[ -e "$image" ] && [ "$(cat "$image.key" 2>/dev/null)" = "$key" ] && exit 0

for c in debootstrap mke2fs dpkg-deb flock; do
	command -v $c >/dev/null || die "this needs $c (debootstrap, e2fsprogs, dpkg)"
done
if [ "$(id -u)" != 0 ] && [ -z "${FAKEROOTKEY:-}" ]; then
	command -v fakeroot >/dev/null || die "without root this needs fakeroot"
	exec fakeroot "$0" "$@"
fi

"$here/fetch.sh" initrd
version=$(cat "$cache/kernel.version")
root=$(mktemp -d "$cache/rootfs.XXXXXX")
trap 'rm -rf "$root" "$image.new"' EXIT
chmod 755 "$root"

echo "rootfs.sh: unpacking Debian $suite" >&2
mkdir -p "$cache/rootfs-debs"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
debootstrap --foreign --arch=arm64 --variant=minbase --include="$include" --cache-dir="$cache/rootfs-debs" \
	"$([ -e $keys ] && echo --keyring=$keys || echo --no-check-gpg)" "$suite" "$root" "$mirror" \
	>"$cache/rootfs.log" 2>&1 || { tail -n 5 "$cache/rootfs.log" >&2; die "debootstrap failed"; }

# The second stage goes through the list of all packages many times: leave in it those that are here.
names=" $(cat "$root/debootstrap/required" "$root/debootstrap/base" | tr '\n' ' ') "
for f in "$root"/var/lib/apt/lists/*_Packages; do
	awk -v RS= -v FS='\n' -v ORS='\n\n' -v names="$names" \
		'index(names, substr($1, 9) " ")' "$f" >"$root/packages"
	mv "$root/packages" "$f"
done

# the stock kernel's modules, so that udev finds them
mkdir "$root/kernel"
dpkg-deb -x "$(find "$cache/debs" -name "${version}_*.deb")" "$root/kernel"
mkdir -p "$root/usr/lib/modules"
mv "$root"/kernel/lib/modules/* "$root/usr/lib/modules/"
rm -rf "$root/kernel"

# What the second stage leaves to do: a host name, a root user without password, a network, no work at each boot.
cat >"$root/stage2" <<'S'
#!/bin/sh
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive
echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe-io
/debootstrap/debootstrap --second-stage || { tail -n 40 /debootstrap/debootstrap.log; exit 1; }
rm /etc/dpkg/dpkg.cfg.d/unsafe-io
depmod "$(ls /usr/lib/modules)"
apt-get clean
passwd -d root
echo pome >/etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 pome\n' >/etc/hosts
echo '/dev/vda / ext4 defaults 0 1' >/etc/fstab
printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' >/etc/systemd/network/80-pome.network
echo nameserver 10.0.2.3 >/etc/resolv.conf
systemctl enable systemd-networkd.service
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	systemd-networkd-wait-online.service
touch /etc/.updated /var/.updated
find /var/lib/apt/lists -type f -delete
rm /stage2
S
chmod 755 "$root/stage2"

# An arm64 program that starts here runs in qemu-user: known to a private binfmt_misc of a user namespace (Linux 6.7),
# so this machine's own registrations do not change.
second_stage_here() {
	[ "${POME_ROOTFS_INSIDE:-}" != 1 ] && [ "$(id -u)" = 0 ] && [ -z "${FAKEROOTKEY:-}" ] || return 1
	if ! [ -x "$cache/qemu/usr/bin/qemu-aarch64-static" ]; then
		(cd "$cache/debs" && apt-get download -q qemu-user-static) || return 1
		dpkg-deb -x "$(find "$cache/debs" -name 'qemu-user-static_*.deb' | head -n 1)" "$cache/qemu"
	fi
	mkdir -p "$cache/binfmt"
	rm -f "$cache/binfmt.go"
	mkfifo "$cache/binfmt.go"
	# The map of users comes from here, newuidmap need not be installed; until it is there, the namespace waits. Root's
	# capabilities there come with the second exec. debootstrap must know that it can't make device nodes there.
	container=lxc unshare --user --mount --net --pid --ipc --fork --kill-child sh -c 'read go <"$1.go"; exec sh -ec "$0" sh "$@"' '
		mount -t binfmt_misc binfmt_misc "$1"
		magic=$(printf "\\\\x%s" 7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 02 00 b7 00)
		mask=$(printf "\\\\x%s" ff ff ff ff ff ff ff 00 ff ff ff ff ff ff ff ff fe ff ff ff)
		echo ":arm64:M::$magic:$mask:$2:F" >"$1/register"
		mount --bind "$3" "$3"
		mount -t proc proc "$3/proc"
		for d in null zero full random urandom tty; do
			mount --bind /dev/$d "$3/dev/$d"
		done
		chroot "$3" /stage2' "$cache/binfmt" "$cache/qemu/usr/bin/qemu-aarch64-static" "$root" &
	sleep 1
	echo "0 0 65536" >/proc/$!/uid_map && echo "0 0 65536" >/proc/$!/gid_map && echo go >"$cache/binfmt.go" ||
		kill $!
	rm "$cache/binfmt.go"
	wait $!
}

# Or pome runs it, as a guest.
second_stage_inside() {
	local script='set -e
mount -t ext4 /dev/vda /mnt
mount --bind /dev /mnt/dev
mount -t proc proc /mnt/proc
mount -t sysfs sys /mnt/sys
status=0
chroot /mnt /stage2 || status=$?
cd /
umount /mnt/sys /mnt/proc /mnt/dev || true
umount /mnt || mount -o remount,ro /mnt
[ $status = 0 ]' status=0
	"$pome" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" -d "$image.new,format=raw" -p 2 --timeout 3000 \
		--no-reboot -a "console=ttyAMA0 quiet pome.cmd=$(echo "$script" | base64 -w0)" </dev/null || status=$?
	[ $status = 0 ] && tr -d '\r' <"$cache/rootfs.log" | grep -q '^POME-EXIT 0$' ||
		{ echo "pome: status $status"; return 1; }
}

rm -f "$image.new"
if second_stage_here >>"$cache/rootfs.log" 2>&1; then
	mke2fs -q -t ext4 -L root -d "$root" "$image.new" 3G >>"$cache/rootfs.log"
else
	tail -n 3 "$cache/rootfs.log"
	echo "rootfs.sh: the second stage, inside pome; see $cache/rootfs.log" >&2
	mke2fs -q -t ext4 -L root -d "$root" "$image.new" 3G >>"$cache/rootfs.log"
	second_stage_inside >>"$cache/rootfs.log" 2>&1 ||
		{ tail -n 15 "$cache/rootfs.log" >&2; die "the second stage failed"; }
fi
e2fsck -fn "$image.new" >>"$cache/rootfs.log" 2>&1 || die "e2fsck finds errors; see $cache/rootfs.log"
mv "$image.new" "$image"
echo "$key" >"$image.key"
