#!/bin/bash
# tree.sh - a tree to copy over the root of an arm64 (or riscv64) Linux: programs and every library that they need.
#
#   tree.sh SYSROOT ROOT DIR PROGRAM...      programs go to ROOT/DIR, libraries where Debian has them
# OBJCOPY names a tool that takes the programs' debugging information away.
set -euo pipefail
sysroot=$1 root=$2 bin=$3
shift 3

triple=$(basename "$(ls -d "$sysroot"/usr/lib/*-linux-gnu)")
# the loader, by the name that programs have in them: /lib/ld-linux-...
loader=$(readelf -l "$1" | sed -n 's,.*interpreter: /lib/\(.*\)\],\1,p')

needed() { readelf -d "$@" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u; }

rm -rf "$root.new"
mkdir -p "$root.new/$bin"
for program; do
	${OBJCOPY:-objcopy} --strip-debug "$program" "$root.new/$bin/$(basename "$program")"
done
todo=$(needed "$@")
while [ -n "$todo" ]; do
	more=
	for lib in $todo; do
		[ "$lib" != "$loader" ] || continue
		for dir in "lib/$triple" "usr/lib/$triple"; do
			[ -e "$sysroot/$dir/$lib" ] && break
		done
		[ -e "$sysroot/$dir/$lib" ] || { echo "tree.sh: $sysroot has no $lib" >&2; exit 1; }
		[ -e "$root.new/$dir/$lib" ] && continue
		install -D -m 644 "$sysroot/$dir/$lib" "$root.new/$dir/$lib"
		more="$more $(needed "$sysroot/$dir/$lib")"
	done
	todo=${more# }
done
install -D -m 755 "$sysroot/lib/$loader" "$root.new/lib/$triple/$loader"
ln -s "$triple/$loader" "$root.new/lib/$loader"
rm -rf "$root"
mv "$root.new" "$root"
