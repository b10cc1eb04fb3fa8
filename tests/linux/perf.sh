#!/bin/bash
# perf.sh - the performance monitors as a guest's Linux uses them.
#
#   perf.sh POME PROGRAM [POME-OPTIONS...]    PROGRAM: tests/linux/perf.c, static, for aarch64
#
# Needs tests/debian/fetch.sh initrd to have run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${POME_CACHE:-$here/../../build/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$2" "$work/disk.img"
truncate -s %512 "$work/disk.img"
pome=$1
shift 2
cmd=$(echo 'dmesg | grep -i "PMU driver"; cat /dev/vda >/tmp/perf; chmod +x /tmp/perf; /tmp/perf' | base64 -w0)
timeout 300 "$pome" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" -d "$work/disk.img,readonly" --timeout 280 -p 2 \
	--no-reboot -a "console=ttyAMA0 quiet pome.cmd=$cmd" "$@" </dev/null >"$work/out" 2>"$work/err"
status=$?
tr -d '\r' <"$work/out" >"$work/text"
if [ $status = 0 ] && grep -q '^POME-EXIT 0$' "$work/text" && grep -q '7 counters available' "$work/text"; then
	echo "ok   performance monitors: $(grep -c '^ok ' "$work/text") counts by perf_event_open"
else
	echo "FAIL performance monitors: status $status"
	tail -n 30 "$work/text" "$work/err"
	exit 1
fi
