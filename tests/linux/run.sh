#!/bin/bash
# run.sh - boots Debian's stock arm64 kernel under pome and checks what it can do there.
#
#   run.sh POME [--boots N] [--cpus "1 4"] [POME-OPTIONS...]
#
# Each boot runs a script in the guest (tests/debian/init) and powers off; pome's status, the script's status and the
# output are checked. Needs tests/debian/fetch.sh initrd to have run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${POME_CACHE:-$here/../../build/debian}
pome=$1
shift
boots=1 cpus="1 4"
while [ $# -gt 0 ]; do
	case $1 in
	--boots) boots=$2; shift 2 ;;
	--cpus) cpus=$2; shift 2 ;;
	*) break ;;
	esac
done
options=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# guest NAME SCRIPT OPTIONS...: the output is in $work/out
guest() {
	local name=$1 script=$2 status
	shift 2
	timeout 300 "$pome" run -q -k "$cache/vmlinuz" -i "$cache/initrd.img" --timeout 280 --no-reboot \
		-a "console=ttyAMA0 quiet pome.cmd=$(echo "$script" | base64 -w0)" "${options[@]}" "$@" \
		</dev/null >"$work/out" 2>"$work/err"
	status=$?
	tr -d '\r' <"$work/out" >"$work/text"
	if [ $status = 0 ] && grep -q '^POME-EXIT 0$' "$work/text"; then
		return 0
	fi
	echo "FAIL $name: status $status"
	tail -n 15 "$work/text" "$work/err" | sed 's/^/     /'
	return 1
}

tally() { # name, 0 or 1
	if [ "$2" = 0 ]; then
		echo "ok   $1"
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
}

for n in $cpus; do
	bad=0
	for ((i = 0; i < boots; i++)); do
		guest "boot with $n CPUs" "test \$(nproc) = $n && test -c /dev/hwrng && grep -q . /proc/interrupts" \
			-p "$n" || { bad=1; break; }
	done
	tally "boot with $n CPUs, $boots of $boots" $bad
done

bad=1
guest "boot on virt" 'test -e /proc/device-tree/flash@0/bank-width && grep -q MSI /proc/interrupts && test "$(nproc)" = 2' \
	--machine virt -p 2 && bad=0
tally "boot with --machine virt" $bad

# What the guest reads is what the host has; what it wrote and synced is there after the power-off.
dd if=/dev/urandom of="$work/disk.img" bs=1M count=24 2>/dev/null
before=$(sha256sum <"$work/disk.img" | cut -d' ' -f1)
bad=1
guest "disk" 'set -e
sha256sum /dev/vda | sed s/^/READ-/
dd if=/dev/urandom of=/dev/vda bs=64k count=320 seek=16 2>/dev/null
dd if=/dev/zero of=/dev/vda bs=512 count=77 seek=1001 conv=notrunc 2>/dev/null
sync
echo 3 >/proc/sys/vm/drop_caches
sha256sum /dev/vda | sed s/^/WROTE-/' -d "$work/disk.img" &&
	grep -q "^READ-$before" "$work/text" &&
	grep -q "^WROTE-$(sha256sum <"$work/disk.img" | cut -d' ' -f1)" "$work/text" && bad=0
[ $bad = 0 ] || echo "FAIL disk: checksums differ"
tally "disk: read and written data agree by checksum" $bad

bad=1
guest "read-only disk" '! dd if=/dev/zero of=/dev/vda bs=512 count=1 conv=fsync 2>/dev/null && test "$(cat /sys/block/vda/ro)" = 1' \
	-d "$work/disk.img,readonly" && bad=0
tally "read-only disk" $bad

# ext4 made and checked in the guest's own kernel
truncate -s 64M "$work/fs.img"
mkfs.ext4 -q -F "$work/fs.img" 2>/dev/null && {
	bad=1
	guest "ext4" 'set -e
mount -t ext4 /dev/vda /mnt
for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/mnt/f$i bs=100k count=20 2>/dev/null; done
rm /mnt/f3 /mnt/f5
umount /mnt' -d "$work/fs.img" && e2fsck -fn "$work/fs.img" >/dev/null 2>&1 && bad=0
	[ $bad = 0 ] || echo "FAIL ext4: $(e2fsck -fn "$work/fs.img" 2>&1 | tail -n 3)"
	tally "ext4 on virtio-blk, e2fsck afterwards" $bad
}

# a client on the host reaches a server in the guest
port=$((20000 + RANDOM % 20000))
bad=1
(
	for i in $(seq 100); do
		sleep 1
		body=$(timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port && printf 'GET /proof HTTP/1.0\r\n\r\n' >&3 && cat <&3" 2>/dev/null)
		case $body in *guest-says-hello*) echo yes >"$work/net"; break ;; esac
	done
) &
client=$!
guest "network" 'set -e
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
mkdir /www
echo guest-says-hello >/www/proof
httpd -h /www -p 80
for i in $(seq 60); do sleep 1; [ -e /tmp/stop ] && break; test $i -gt 25 && break; done; true' \
	-n "user,hostfwd=tcp:127.0.0.1:$port-:80"
kill $client 2>/dev/null
wait $client 2>/dev/null
[ -e "$work/net" ] && bad=0 || echo "FAIL network: no answer through hostfwd"
tally "network: hostfwd to a server in the guest" $bad

echo "$passed passed, $failed failed"
[ $failed = 0 ]
