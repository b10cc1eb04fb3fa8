#!/bin/bash
# diagnose.sh - guests that fail in the ways that people meet, and whether pome says why.
#
#   diagnose.sh POME [NAME...]
#
# Boots Debian's cloud kernel with something wrong each time; the status and the sentences on standard error are checked.
# Needs tests/debian/fetch.sh cloud to have run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cache=${POME_CACHE:-$here/../../build/debian}
pome=$(realpath "$1")
shift
names=("$@")
kernel=$cache/vmlinuz-cloud
initrd=$cache/initrd-cloud.img
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0

# Ends a guest that would stay for ever, once pome has said what it should do next.
end_when_said() { # pid
	while kill -0 "$1" 2>/dev/null; do
		sleep 0.5
		! grep -qs '^pome: next:' err || kill "$1" 2>/dev/null
	done
}

# try NAME STATUS TEXT... -- OPTIONS...: every TEXT must be on standard error
try() {
	local name=$1 want=$2 texts=() bad=0
	shift 2
	while [ "$1" != -- ]; do
		texts+=("$1")
		shift
	done
	shift
	[ ${#names[@]} = 0 ] || [[ " ${names[*]} " == *" $name "* ]] || return
	local got
	if [ "$want" = 143 ]; then
		: >err
		timeout 300 "$pome" run "$@" </dev/null >out 2>err &
		end_when_said $!
		wait $!
		got=$?
	else
		timeout 300 "$pome" run --timeout 60 "$@" </dev/null >out 2>err
		got=$?
	fi
	[ $got = "$want" ] || { echo "FAIL $name: status $got, not $want"; bad=1; }
	for t in "${texts[@]}"; do
		grep -qF -- "$t" err || { echo "FAIL $name: no '$t'"; bad=1; }
	done
	if [ $bad = 0 ]; then
		echo "ok   $name: $(sed -n 's/^pome: why: //p; s/^pome: error: //p' err | tail -n 1)"
		passed=$((passed + 1))
	else
		sed 's/^/     /' err | tail -n 12
		failed=$((failed + 1))
	fi
}

# A kernel with a hole in it, half of one with and without the header that says how long it is, one whose first page is zero
size=$(stat -c %s "$kernel")
head -c $((size / 2)) "$kernel" >half
cp half headless
printf '\0\0\0\0' | dd of=headless bs=1 seek=60 conv=notrunc 2>/dev/null
cp "$kernel" zeros
dd if=/dev/zero of=zeros bs=4096 count=1 conv=notrunc 2>/dev/null
# RAM disks: noise, one cut short, one without /init, one whose /init is for another CPU
head -c 400000 /dev/urandom >noise
head -c 500000 "$initrd" >cut
mkdir tree
echo hello >tree/file
(cd tree && find . | cpio -o -H newc --quiet) >noinit
printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0' >tree/init
chmod 755 tree/init
(cd tree && find . | cpio -o -H newc --quiet) >stranger

say="console=ttyAMA0 panic=-1"
off=$(echo true | base64)
# the seed case: over after a second, and not a word
try seed-hvc0 0 'console=hvc0 is a device that this machine does not have' 'powered off' 'next: add --console stdio' -- \
	-k "$kernel" -i "$initrd" -a "console=hvc0 pome.cmd=$off"
try seed-no-console 0 'why: console=tty0 is a device' 'console=ttyAMA0' -- \
	-k "$kernel" -i "$initrd" -a "console=tty0 pome.cmd=$off"
try seed-reset 5 'console=ttyS0 is a device that' 'reset itself' -- \
	-k "$kernel" -i noise -a "console=ttyS0 panic=-1" --no-reboot
try half 3 'cut short' -- -k half -i "$initrd"
try headless 7 'why: the guest met an exception' 'copy it again' -- -k headless -i "$initrd"
try zeros 3 'all zero' -- -k zeros -i "$initrd"
try initrd-noise 5 'could not unpack the initial RAM disk' 'next: check that --initrd' -- \
	-k "$kernel" -i noise -a "$say" --no-reboot
try initrd-cut 5 'could not unpack the initial RAM disk' -- -k "$kernel" -i cut -a "$say" --no-reboot
try init-missing 5 'does not hold /init' -- -k "$kernel" -i noinit -a "$say" --no-reboot
try init-foreign 5 '/init is no program for arm64' -- -k "$kernel" -i stranger -a "$say" --no-reboot
try no-root 5 'no root= in the command line' 'give --initrd' -- -k "$kernel" -a "$say" --no-reboot
truncate -s 1M disk.img
try stuck 143 'has panicked and stays as it is' 'with panic=1' 'no root= in the command line' -- \
	-k "$kernel" -a "console=ttyAMA0"
try wrong-root 5 'root=/dev/sda1 was not found' "one disk is /dev/vda" -- \
	-k "$kernel" -d disk.img -a "$say root=/dev/sda1" --no-reboot
try little-ram 5 'ran out of its 48 MiB' 'next: give it more: --memory 96M' -- \
	-k "$kernel" -i "$initrd" -m 48M -a "$say" --no-reboot
try less-ram 3 'of 16 MiB (try --memory)' -- -k "$kernel" -i "$initrd" -m 16M
try init-ends 5 'ended with status 1' -- -k "$kernel" -i "$initrd" --no-reboot \
	-a "$say rdinit=/bin/busybox -- false"
try loop 6 'has reset itself 5 times' 'why: ' -- -k "$kernel" -i noise -a "$say quiet" -q --timeout 100 -v
try prompt 6 "waits at a shell's prompt" -- -k "$kernel" -i "$initrd" -m 512M --timeout 30

echo "diagnose: $passed passed, $failed failed"
[ $failed = 0 ]
