#!/bin/bash
# deps.sh - installs what building and testing pome needs (Debian, Ubuntu), or names it elsewhere.
# Does nothing where everything is there.
set -euo pipefail

packages="gcc make pkg-config python3 libfdt-dev libseccomp-dev libcap-ng-dev libcmocka-dev libjansson-dev libplist-dev
libexpat1-dev libminizip-dev
nettle-dev zlib1g-dev libzstd-dev libslirp-dev libglib2.0-dev cpio zstd xz-utils qemu-system-arm qemu-efi-aarch64 qemu-user qemu-utils e2fsprogs
gcc-aarch64-linux-gnu libc6-dev-arm64-cross device-tree-compiler
gdb-multiarch"
[ "$(uname -m)" = aarch64 ] && packages=$(echo "$packages" | sed 's/gcc-aarch64-linux-gnu libc6-dev-arm64-cross//')

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
	missing=
	for c in cc make pkg-config clang ld.lld cpio zstd qemu-system-aarch64 qemu-aarch64 python3 dtc; do
		command -v $c >/dev/null || missing="$missing $c"
	done
	for l in libseccomp jansson nettle zlib libzstd slirp libplist-2.0 expat minizip; do
		pkg-config --exists $l 2>/dev/null || missing="$missing $l"
	done
	[ -z "$missing" ] && exit 0
	echo "deps.sh: this system has no apt-get; please install with its own tool:$missing" >&2
	echo "deps.sh: also libfdt, libcap-ng and cmocka with their headers, and clang 19 or later with lld" >&2
	exit 1
fi

# clang with preserve_none and lld for guest code: the newest that the release has, 19 or later if it can be had
for v in 21 20 19; do
	if command -v clang-$v >/dev/null && command -v ld.lld-$v >/dev/null; then
		clang="clang-$v lld-$v llvm-$v"
		break
	fi
done

need=
for p in $packages ${clang:-}; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || need="$need $p"
done
[ -z "$need" ] && [ -n "${clang:-}" ] && exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -q
if [ -z "${clang:-}" ]; then
	for v in 21 20 19; do
		if apt-cache show clang-$v >/dev/null 2>&1; then
			clang="clang-$v lld-$v llvm-$v"
			break
		fi
	done
	clang=${clang:-clang lld llvm}
	# libclang-rt carries the sanitizers
	v=${clang%% *}
	rt=libclang-rt-${v#clang-}-dev
	apt-cache show "$rt" >/dev/null 2>&1 && clang="$clang $rt"
	need="$need $clang"
fi
echo "deps.sh: installing$need"
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends $need
