#!/bin/bash
# profile.sh - what a Linux boot and a few commands execute most: handlers, pairs, triples.
#
#   profile.sh POME [ROWS]     POME: of a `make profile` build, which counts every instruction and so is slow
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${POME_CACHE:-$here/../../build/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
script='ls -lR /sys | md5sum; head -c 200000 /dev/urandom | gzip | gunzip | sha256sum; sort /proc/kallsyms | head -n 3'
POME_PROFILE=$work/counts "$1" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" -m 1G --accel interp --no-reboot \
	-a "console=ttyAMA0 quiet pome.cmd=$(echo "$script" | base64 -w0)" </dev/null >"$work/out"
grep -q '^POME-EXIT 0' "$work/out" || { tail -n 5 "$work/out"; exit 1; }
"$here/profile.py" -n "${2:-40}" "$1" "$work/counts"
