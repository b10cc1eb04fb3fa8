#!/bin/bash
# disks.sh - a Linux guest on qcow2 and raw disks: what it wrote is there and nothing else is.
#
#   disks.sh POME [POME-OPTIONS...]
#
# Needs tests/debian/fetch.sh initrd to have run, qemu-img and e2fsprogs; the part about full disks also root, for a small
# tmpfs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${POME_CACHE:-$here/../../build/debian}
pome=$(realpath "$1")
shift
options=("$@")
command -v qemu-img >/dev/null || { echo "disks: skipped: qemu-img is not installed (qemu-utils)"; exit 0; }
work=$(mktemp -d)
trap 'umount "$work/full" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0

check() { # name, command...
	local name=$1
	shift
	if "$@" >check.out 2>&1; then
		echo "ok   $name"
		passed=$((passed + 1))
	else
		echo "FAIL $name"
		tail -n 8 check.out | sed 's/^/     /'
		failed=$((failed + 1))
	fi
}

# guest SCRIPT OPTIONS...: what it prints is in text
guest() {
	local script=$1 status
	shift
	timeout 400 "$pome" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" --timeout 380 --no-reboot \
		-a "console=ttyAMA0 quiet pome.cmd=$(echo "$script" | base64 -w0)" "${options[@]}" "$@" \
		</dev/null >out 2>err
	status=$?
	tr -d '\r' <out >text
	[ $status = 0 ] && grep -q '^POME-EXIT 0$' text && return 0
	echo "status $status"
	tail -n 15 text err
	return 1
}
said() { grep -q -- "$1" "${2:-text}" || { tail -n 15 text err; false; }; }
sum() { sha256sum | cut -d' ' -f1; }
content() { qemu-img convert -f qcow2 -O raw ${2:+-l "$2"} "$1" "$1.content" && sum <"$1.content"; }
same() { [ -n "$1" ] && [ "$1" = "$2" ] || { echo "$1 is not $2"; false; }; }

mkfs.ext4 -q -F fs.raw 64M >/dev/null 2>&1
qemu-img convert -O qcow2 fs.raw fs.qcow2
qemu-img snapshot -c before fs.qcow2
truncate -s 24M plain.img
dd if=/dev/urandom of=plain.img bs=1M count=10 seek=5 conv=notrunc 2>/dev/null
mkdir b
cp plain.img b/low.img
(cd b && qemu-img create -q -f qcow2 -b low.img -F raw up.qcow2 24M)
low=$(sum <b/low.img)
disks=(--allow-backing -d fs.qcow2 -d plain.img -d b/up.qcow2)

# The same to a raw disk, a qcow2 one and one with a backing file; an ext4 comes and goes.
writes='set -e
test "$(cat /sys/block/vdc/ro)" = 0
sha256sum /dev/vdc | sed s/^/READ-/
mount -t ext4 /dev/vda /mnt
for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/mnt/f$i bs=100k count=20 2>/dev/null; done
rm /mnt/f3 /mnt/f5
dd if=/dev/urandom of=/tmp/r bs=1M count=4 2>/dev/null
for d in vdb vdc; do
	dd if=/tmp/r of=/dev/$d bs=64k seek=3 2>/dev/null
	dd if=/tmp/r of=/dev/$d bs=512 seek=30001 count=777 2>/dev/null
	dd if=/dev/zero of=/dev/$d bs=4k count=300 seek=1300 2>/dev/null
done
sync
umount /mnt
echo 3 >/proc/sys/vm/drop_caches
for d in vda vdb vdc; do sha256sum /dev/$d | sed s/^/$d-/; done'

all() { sha256sum fs.qcow2 plain.img b/*; stat -c '%n %s %Y %b' fs.qcow2 plain.img b/*; }
before=$(all)
check "ephemeral: the guest writes to three disks" guest "$writes" "${disks[@]}" --ephemeral
check "ephemeral: it reads the backing file" said "^READ-$low"
check "ephemeral: and what it wrote" same "$(sed -n 's/^vdb-\([0-9a-f]*\).*/\1/p' text)" "$(sed -n 's/^vdc-\([0-9a-f]*\).*/\1/p' text)"
check "ephemeral: no byte of any disk has changed" same "$(all)" "$before"

check "qcow2: the guest writes to three disks" guest "$writes" "${disks[@]}" --stats stats
for d in vda:fs.qcow2 vdc:b/up.qcow2; do
	check "qcow2: ${d#*:} is what the guest saw" said "^${d%:*}-$(content "${d#*:}") "
	check "qcow2: qemu-img check ${d#*:}" qemu-img check "${d#*:}"
done
check "qcow2: raw and qcow2 agree" same "$(sum <plain.img)" "$(content b/up.qcow2)"
check "qcow2: e2fsck" e2fsck -fn fs.qcow2.content
check "qcow2: the snapshot is as it was" same "$(content fs.qcow2 before)" "$(sum <fs.raw)"
check "qcow2: the backing file is as it was" same "$(sum <b/low.img)" "$low"
check "qcow2: --stats counts" python3 -c '
import json
disks = json.load(open("stats"))["disks"]
assert disks[0]["flushes"] and disks[0]["reads"], disks
for d in disks:
	assert d["writes"] and d["written_bytes"] > 4 << 20 and not d["errors"], d'

# The same of a bundle, whose image builds on a file in one of the bundle's folders.
mkdir -p B/base
cp "$cache/vmlinuz" "$cache/initrd.img" B/
cp fs.raw B/base/low.img
(cd B && qemu-img create -q -f qcow2 -b base/low.img -F raw disk.qcow2 64M)
cat >B/macosvm.json <<J
{ "version": 1, "os": "linux", "cpus": 1, "ram": 536870912,
  "bootInfo": { "kernel": "vmlinuz", "parameters": "console=ttyAMA0 quiet pome.cmd=$(base64 -w0 <<'S'
mount -t ext4 /dev/vda /mnt && dd if=/dev/urandom of=/mnt/x bs=1M count=5 && umount /mnt &&
mount -t ext4 /dev/vda /mnt && test $(wc -c </mnt/x) = 5242880 && umount /mnt
S
)" },
  "storage": [{ "type": "initrd", "file": "initrd.img" }, { "type": "disk", "file": "disk.qcow2" }] }
J
bundle() { find B -type f -exec sha256sum {} + -exec stat -c '%n %s %Y %b' {} +; }
run_bundle() {
	timeout 400 "$pome" run -q --timeout 380 --no-reboot "${options[@]}" "$@" B </dev/null >text 2>err
	[ $? = 0 ] && grep -q '^POME-EXIT 0' text || { tail -n 15 text err; false; }
}
before=$(bundle)
refused() { run_bundle; said "try --allow-backing" err; }
check "bundle: a backing file has to be allowed" refused
check "bundle: --ephemeral: the guest writes" run_bundle --allow-backing --ephemeral
check "bundle: --ephemeral: no byte of it has changed" same "$(bundle)" "$before"
check "bundle: the guest writes" run_bundle --allow-backing
check "bundle: only the image has changed" test "$( (bundle; echo "$before") | grep -v '^B' | sort | uniq -u | sed 's/.* //' | sort -u)" = B/disk.qcow2

before=$(all)
check "--readonly" guest 'for d in vda vdb vdc; do
test "$(cat /sys/block/$d/ro)" = 1 || exit 1
dd if=/dev/zero of=/dev/$d bs=512 count=1 conv=fsync 2>/dev/null && exit 2
done; true' "${disks[@]}" --readonly
check "--readonly: nothing has changed" same "$(all)" "$before"

# Discard and write-zeroes, as fstrim and mkfs use them: the files shrink.
qemu-img create -q -f qcow2 trim.qcow2 64M
truncate -s 64M trim.img
check "discard: the guest fills and trims two disks" guest 'set -e
for d in vda vdb; do
dd if=/dev/urandom of=/dev/$d bs=1M count=24 conv=fsync 2>/dev/null
blkdiscard -o 4194304 -l 16777216 /dev/$d
dd if=/dev/$d bs=1M skip=4 count=16 2>/dev/null | cmp -n 16777216 - /dev/zero
done' -d trim.qcow2 -d trim.img
check "discard: the qcow2 file has less than 14 MiB" test "$(stat -c %b trim.qcow2)" -lt $((14 * 2048))
check "discard: the raw file has less than 14 MiB" test "$(stat -c %b trim.img)" -lt $((14 * 2048))
check "discard: qemu-img check" qemu-img check trim.qcow2

# No room: the guest's write fails, its next one to a place that has room does not, and pome goes on.
mkdir full
if mount -t tmpfs -o size=8M tmpfs full 2>/dev/null; then
	qemu-img create -q -f qcow2 full/a.qcow2 64M
	truncate -s 64M full/b.img
	full='set -e
dd if=/dev/urandom of=/tmp/r bs=64k count=1 2>/dev/null
for d in vda vdb; do
	dd if=/tmp/r of=/dev/$d bs=64k conv=fsync 2>/dev/null
done
for d in vda vdb; do
	if dd if=/dev/urandom of=/dev/$d bs=64k count=320 seek=1 conv=fsync; then exit 9; fi
done
for d in vda vdb; do
	dd if=/tmp/r of=/dev/$d bs=64k conv=fsync
	echo 3 >/proc/sys/vm/drop_caches
	dd if=/dev/$d bs=64k count=1 2>/dev/null | cmp -n 65536 - /tmp/r
done'
	check "full: qcow2 and raw: an I/O error, and the guest goes on" guest "$full" -d full/a.qcow2 -d full/b.img
	check "full: the message" said "a.qcow2: write: No space left on device; the guest gets" err
	# leaks are what is allowed
	check "full: qemu-img check" bash -c 'qemu-img check full/a.qcow2; [ $? = 0 ] || [ $? = 3 ]'
	rm full/*
	TMPDIR=$work/full check "full: the room for --ephemeral" guest "$full" -d trim.qcow2 -d trim.img --ephemeral
	check "full: its message names TMPDIR" said "write: No space left on device: .*TMPDIR" err
else
	echo "skip full: no tmpfs can be mounted"
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
