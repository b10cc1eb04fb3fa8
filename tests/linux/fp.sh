#!/bin/bash
# fp.sh - a program of floating-point operations gives the same in a guest as under qemu-aarch64, in all rounding modes.
#
#   fp.sh POME PROGRAM       PROGRAM: tests/linux/fp.c, static, for aarch64
#
# Needs tests/debian/fetch.sh initrd to have run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${POME_CACHE:-$here/../../build/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$2" "$work/disk.img"
truncate -s %512 "$work/disk.img"
qemu-aarch64 "$2" >"$work/want" || { echo "FAIL fp: no reference"; exit 1; }
cmd=$(echo 'cat /dev/vda >/tmp/fp; chmod +x /tmp/fp; /tmp/fp | sed s/^/FP:/' | base64 -w0)
timeout 600 "$1" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" -d "$work/disk.img,readonly" --timeout 580 --no-reboot \
	-a "console=ttyAMA0 quiet pome.cmd=$cmd" </dev/null >"$work/out" 2>"$work/err"
status=$?
tr -d '\r' <"$work/out" | sed -n 's/^FP://p' >"$work/got"
if [ $status = 0 ] && diff "$work/want" "$work/got" >"$work/diff"; then
	echo "ok   floating point: $(grep -vc '^--' "$work/got") functions as under qemu-aarch64"
else
	echo "FAIL floating point: status $status"
	head -n 40 "$work/diff"
	tail -n 3 "$work/out" "$work/err"
	exit 1
fi
