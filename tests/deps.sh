#!/bin/bash
# deps.sh - installs what building and testing pome needs (Debian, Ubuntu), or names it elsewhere.
# Does nothing where everything is there.
set -euo pipefail

packages="gcc make pkg-config python3 libfdt-dev libseccomp-dev libcap-ng-dev libcmocka-dev libjansson-dev libplist-dev
libexpat1-dev libminizip-dev
nettle-dev zlib1g-dev libzstd-dev libslirp-dev libglib2.0-dev cpio zstd xz-utils qemu-system-arm qemu-efi-aarch64 qemu-user qemu-utils e2fsprogs
gcc-aarch64-linux-gnu libc6-dev-arm64-cross device-tree-compiler
gdb-multiarch debian-archive-keyring"
[ "$(uname -m)" = aarch64 ] && packages=$(echo "$packages" | sed 's/gcc-aarch64-linux-gnu libc6-dev-arm64-cross//')

# clang with preserve_none, and lld, for the interpreter and for guest code: 19 or later
newest_clang() { # a command that knows versions
	local v
	for v in 21 20 19; do
		"$1" $v && echo $v && return
	done
	return 0
}
installed() { command -v "clang-$1" >/dev/null && command -v "ld.lld-$1" >/dev/null; }
available() { apt-cache policy "clang-$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }

if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
	missing=
	for c in cc make pkg-config cpio zstd xz qemu-system-aarch64 qemu-aarch64 qemu-img mkfs.ext4 python3 dtc readelf; do
		command -v $c >/dev/null || missing="$missing $c"
	done
	if [ -z "$(newest_clang installed)" ]; then
		for c in clang ld.lld llvm-objcopy; do
			command -v $c >/dev/null || missing="$missing $c"
		done
	fi
	for l in libseccomp jansson nettle zlib libzstd slirp libplist-2.0 expat minizip; do
		pkg-config --exists $l 2>/dev/null || missing="$missing $l"
	done
	for h in libfdt cap-ng cmocka; do
		printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <%s.h>\n' $h |
			cc -E - >/dev/null 2>&1 || missing="$missing $h.h"
	done
	[ -z "$missing" ] && exit 0
	echo "deps.sh: this system has no apt-get. Please install with its own tool:$missing" >&2
	echo "deps.sh: (libraries with their headers; clang and lld of version 19 or later for the fast interpreter)" >&2
	exit 1
fi

has() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

clang=$(newest_clang installed)
need=
# libclang-rt has the sanitizers
for p in $packages ${clang:+"clang-$clang" "lld-$clang" "llvm-$clang" "libclang-rt-$clang-dev"}; do
	has "$p" || need="$need $p"
done
[ -z "$need" ] && [ -n "$clang" ] && exit 0

root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps.sh: not root, and there is no sudo. As root: apt-get install --no-install-recommends$need" \
			"${clang:-clang-19 lld-19 llvm-19 libclang-rt-19-dev}" >&2
		exit 1
	fi
	root=sudo
fi
$root apt-get update -q
if [ -z "$clang" ]; then
	clang=$(newest_clang available)
	# releases that have none of them get what they have, and a slower interpreter
	need="$need ${clang:+clang-$clang lld-$clang llvm-$clang libclang-rt-$clang-dev}"
	[ -n "$clang" ] || need="$need clang lld llvm"
fi
echo "deps.sh: installing$need"
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $need
