#!/bin/bash
# bench.sh - qcow2 against raw: the back ends by themselves, and through virtio-blk.
#
#   bench.sh Q2 [POME G_BENCH.ELF]      TMPDIR says on which disk
#
# Both by turns, in slices, so that whatever else the host does hits both; the fastest slice counts. With
# POME: fails where qcow2 has less than 80 % of raw in the guest.
set -u
q2=$(realpath "$1") pome=${2:+$(realpath "$2")} elf=${3:+$(realpath "$3")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
command -v qemu-img >/dev/null || { echo "qcow2-bench: skipped: qemu-img is not installed (qemu-utils)"; exit 0; }

images() {
	rm -f a.raw a.qcow2
	truncate -s "$1" a.raw && qemu-img create -q -f qcow2 a.qcow2 "$1"
}
images 1G && "$q2" bench a.raw a.qcow2 512 || exit 1
[ -n "$pome" ] || exit 0
echo
echo "through virtio-blk:"
images 1G
"$pome" run -q -k "$elf" -m 128M --timeout 600 -d a.raw -d a.qcow2 </dev/null | tr -d '\r' | tee out
qemu-img check -q a.qcow2 || exit 1
awk '/^X/ { bad = 1 } / percent$/ { n++; if ($(NF - 1) < 80) slow = 1 }
	END { if (bad || n != 6) exit 1; if (slow) { print "slower than 80 %"; exit 1 } }' out
