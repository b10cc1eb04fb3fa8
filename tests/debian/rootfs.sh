#!/bin/bash
# rootfs.sh - a Debian arm64 root file system on a disk image, for the tests: $CACHE/rootfs.img
#
#   rootfs.sh POME [IMAGE]
#
# debootstrap unpacks the base packages here, which needs no arm64 program to run; mke2fs makes the image of them; the
# second stage, which runs the packages' own scripts, runs inside POME (a few minutes). Nothing is registered with or
# mounted on this machine. A user who is not root needs fakeroot. A second call finds the image in place.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")
suite=${POME_SUITE:-bookworm}
mirror=${POME_MIRROR:-http://deb.debian.org/debian}
include=systemd-sysv,udev,dbus,kmod,iproute2,login,openssl,python3,perl,xz-utils,zstd,bzip2,procps,stress-ng,e2fsprogs

die() { echo "rootfs.sh: $*" >&2; exit 1; }

[ $# -ge 1 ] || { sed -n '2,9p' "$0"; exit 2; }
pome=$(realpath "$1")
image=$(realpath -m "${2:-$cache/rootfs.img}")
[ -e "$image" ] && [ "$image" -nt "$0" ] && exit 0

for c in debootstrap mke2fs dpkg-deb; do
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
S
chmod 755 "$root/stage2"

rm -f "$image.new"
mke2fs -q -t ext4 -L root -d "$root" "$image.new" 3G

echo "rootfs.sh: the second stage, inside pome; see $cache/rootfs.log" >&2
script='set -e
mount -t ext4 /dev/vda /mnt
mount --bind /dev /mnt/dev
mount -t proc proc /mnt/proc
mount -t sysfs sys /mnt/sys
chroot /mnt /stage2 || { umount -a -r; exit 1; }
rm /mnt/stage2
umount /mnt/sys /mnt/proc /mnt/dev
umount /mnt'
status=0
"$pome" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" -d "$image.new,format=raw" -p 2 --timeout 3000 --no-reboot \
	-a "console=ttyAMA0 quiet pome.cmd=$(echo "$script" | base64 -w0)" \
	</dev/null >>"$cache/rootfs.log" 2>&1 || status=$?
[ $status = 0 ] && tr -d '\r' <"$cache/rootfs.log" | grep -q '^POME-EXIT 0$' ||
	{ tail -n 15 "$cache/rootfs.log" >&2; die "the second stage failed (pome: status $status)"; }
e2fsck -fn "$image.new" >>"$cache/rootfs.log" 2>&1 || die "e2fsck finds errors; see $cache/rootfs.log"
mv "$image.new" "$image"
