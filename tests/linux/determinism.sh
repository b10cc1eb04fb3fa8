#!/bin/bash
# determinism.sh - with --clock insn and --seed two runs of a guest are the same run, to the instruction.
#
#   determinism.sh POME [POME-OPTIONS...]
#
# Boots Linux twice with a disk, with other work beside the second, and compares hashes of the state every million
# instructions, what the guest printed, and what it wrote. A third run has another seed and must differ.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${POME_CACHE:-$here/../../build/debian}
pome=$1
shift
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
fail() {
	echo "FAIL determinism: $*"
	exit 1
}

script='set -e
cat /proc/sys/kernel/random/boot_id
date
dd if=/dev/hwrng bs=64 count=1 2>/dev/null | sha256sum
mount -t ext4 /dev/vda /mnt 2>/dev/null || dd if=/dev/urandom of=/dev/vda bs=64k count=100 2>/dev/null
for i in 1 2 3 4 5 6; do (sleep 0.$i; sha256sum /bin/busybox >>/tmp/sums) & done
wait
dd if=/dev/vda bs=4k count=500 skip=300 2>/dev/null | sha256sum
dd if=/dev/urandom of=/dev/vda bs=4k count=777 seek=1500 conv=fsync 2>/dev/null
cat /tmp/sums /proc/uptime /proc/interrupts'

boot() { # NAME SEED OPTIONS...
	local name=$1 seed=$2
	shift 2
	truncate -s 0 "$work/$name.img"
	truncate -s 16M "$work/$name.img"
	timeout 300 "$pome" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" --timeout 280 --no-reboot -m 256M \
		--clock insn --seed "$seed" --trace-hash "$work/$name.hash" -d "$work/$name.img" \
		-a "console=ttyAMA0 pome.cmd=$(echo "$script" | base64 -w0)" "$@" \
		</dev/null >"$work/$name.out" 2>"$work/$name.err" || fail "$name: $(tail -n 3 "$work/$name.err")"
	grep -q '^POME-EXIT 0' "$work/$name.out" || fail "$name: $(tail -n 5 "$work/$name.out")"
}

boot one 7 "$@"
# the host is busy with other things this time
for i in 1 2; do (while :; do :; done) & done
boot two 7 "$@"
kill $(jobs -p) 2>/dev/null
wait 2>/dev/null
boot other 8 "$@"
if ! cmp -s "$work/one.hash" "$work/two.hash"; then
	fail "differ after $(cmp "$work/one.hash" "$work/two.hash"):
$(diff "$work/one.hash" "$work/two.hash" | head -n 4)"
fi
cmp -s "$work/one.out" "$work/two.out" || fail "the output differs: $(diff "$work/one.out" "$work/two.out" | head -n 5)"
cmp -s "$work/one.img" "$work/two.img" || fail "the disk differs"
cmp -s "$work/one.hash" "$work/other.hash" && fail "another seed makes no difference"
lines=$(wc -l <"$work/one.hash")
[ "$lines" -gt 500 ] || fail "only $lines hashes"
echo "ok   determinism: $lines million instructions twice, $(grep -c ' ram ' "$work/one.hash") hashes of all RAM"
