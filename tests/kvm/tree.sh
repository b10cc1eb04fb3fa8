#!/bin/bash
# tree.sh - a tree to copy over the root of an arm64 Linux: a program and every library that it needs.
#
#   tree.sh PROGRAM SYSROOT ROOT      PROGRAM goes to ROOT/usr/bin, libraries where Debian has them
set -euo pipefail
program=$1 sysroot=$2 root=$3

rm -rf "$root.new"
install -D -m 755 "$program" "$root.new/usr/bin/$(basename "$program")"

needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

todo=$(needed "$program")
while [ -n "$todo" ]; do
	more=
	for lib in $todo; do
		for dir in lib/aarch64-linux-gnu usr/lib/aarch64-linux-gnu; do
			[ -e "$sysroot/$dir/$lib" ] && break
		done
		[ -e "$sysroot/$dir/$lib" ] || { echo "tree.sh: $sysroot has no $lib" >&2; exit 1; }
		[ -e "$root.new/$dir/$lib" ] && continue
		install -D -m 644 "$sysroot/$dir/$lib" "$root.new/$dir/$lib"
		more="$more $(needed "$sysroot/$dir/$lib")"
	done
	todo=${more# }
done
# the loader, by the name that programs have in them
install -D -m 755 "$sysroot/lib/ld-linux-aarch64.so.1" "$root.new/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"
ln -s aarch64-linux-gnu/ld-linux-aarch64.so.1 "$root.new/lib/ld-linux-aarch64.so.1"
rm -rf "$root"
mv "$root.new" "$root"
