#!/bin/bash
# suites.sh - a disk image with the test suites of the guest's own perl and OpenSSL: $CACHE/suites.img
#
#   suites.sh
#
# Debian packages neither, so they come from the sources of the versions that rootfs.img has: perl's t directory as it
# is, OpenSSL's test programs cross-built (some minutes). A second call finds the image in place.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")
mirror=${POME_MIRROR:-http://deb.debian.org/debian}
image=$cache/suites.img

die() { echo "suites.sh: $*" >&2; exit 1; }

[ -e "$cache/rootfs.img" ] || die "no $cache/rootfs.img: tests/debian/rootfs.sh makes it"
for c in debugfs mke2fs aarch64-linux-gnu-gcc perl curl; do
	command -v $c >/dev/null || die "this needs $c"
done
mkdir -p "$cache/suites"
exec 8>"$cache/suites/lock"
flock 8
debugfs -R "cat /var/lib/dpkg/status" "$cache/rootfs.img" 2>/dev/null >"$cache/suites/status"
version() { # of a package there, upstream's part
	awk -v p="$1" '/^Package: / { q = $2 } /^Version: / && q == p { sub(/-[^-]*$/, "", $2); print $2 }' "$cache/suites/status"
}
perl=$(version perl)
openssl=$(version openssl)
key="$(sha256sum "$0" | cut -c1-64) $perl $openssl"
[ -e "$image" ] && [ "$(cat "$image.key" 2>/dev/null)" = "$key" ] && exit 0

fetch() { # NAME.orig.tar.EXT of the pool
	[ -e "$cache/suites/$1" ] || { curl -fsSL -o "$cache/suites/$1.new" "$mirror/pool/main/${1:0:1}/${1%%_*}/$1" &&
		mv "$cache/suites/$1.new" "$cache/suites/$1"; } || die "no $1 at $mirror"
}
fetch "perl_$perl.orig.tar.xz"
fetch "openssl_$openssl.orig.tar.gz"
work=$(mktemp -d "$cache/suites/work.XXXXXX")
trap 'rm -rf "$work" "$image.new"' EXIT
mkdir "$work/root"
tar -C "$work/root" --strip-components=1 --one-top-level=perl --wildcards -xf "$cache/suites/perl_$perl.orig.tar.xz" '*/t/*' '*/lib/*'

echo "suites.sh: building OpenSSL $openssl's tests" >&2
tar -C "$work/root" --strip-components=1 --one-top-level=openssl -xf "$cache/suites/openssl_$openssl.orig.tar.gz"
(cd "$work/root/openssl" && ./Configure linux-aarch64 --cross-compile-prefix=aarch64-linux-gnu- no-shared &&
	make -j"$(nproc)" build_programs && make -j"$(nproc)" build_modules) >"$cache/suites/log" 2>&1 || die "see $cache/suites/log"
# where suites.py mounts it
(cd "$work/root/openssl" && grep -rlI --exclude='*.d' "$PWD" . | xargs sed -i "s|$PWD|/mnt/openssl|g")
find "$work/root/openssl" -name '*.[oad]' -delete
# scripts among them are not its business
find "$work/root/openssl" -type f -perm -100 -exec aarch64-linux-gnu-strip {} + 2>/dev/null || true
truncate -s 1536M "$image.new"
mke2fs -q -t ext4 -d "$work/root" "$image.new"
mv "$image.new" "$image"
echo "$key" >"$image.key"
