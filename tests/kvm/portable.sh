#!/bin/bash
# portable.sh - a cross-built pome under qemu-user: bare-metal guests, then Debian's kernel.
#
#   portable.sh ROOT QEMU GUESTS     ROOT as tests/kvm/tree.sh makes it; QEMU runs its programs
#
# The interpreter's threads, atomics and floating point are then the other architecture's, as its compiler sees them; its
# weak memory is not (the host underneath is x86-64). qemu-user does not do seccomp, so pome runs with --sandbox off.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$1") qemu=$2 guests=$3
cache=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v "$qemu" >/dev/null; then
	echo "portable.sh: skipped: no $qemu (Debian: qemu-user)"
	exit 0
fi
# one word for scripts that want a program
printf '#!/bin/sh\nexec %s -L %s %s/usr/bin/pome "$@"\n' "$qemu" "$root" "$root" >"$work/pome"
chmod 755 "$work/pome"
echo "== $qemu: $("$work/pome" version | head -n 1)"
status=0
GUEST_SECONDS=600 "$here/../guest/run.sh" "$work/pome" "$guests" --accel interp --sandbox off || status=1
timeout 900 "$work/pome" run -q --accel interp --sandbox off -k "$cache/vmlinuz" -i "$cache/initrd.img" -p 2 -m 512M \
	--timeout 850 --no-reboot -a "console=ttyAMA0 quiet loglevel=3 cryptomgr.notests pome.cmd=$(base64 -w0 <<<'test $(nproc) = 2')" \
	</dev/null >"$work/out" 2>&1
if [ $? = 0 ] && tr -d '\r' <"$work/out" | grep -q '^POME-EXIT 0$'; then
	echo "ok   linux: 2 CPUs"
else
	echo "FAIL linux: 2 CPUs"
	tail -n 15 "$work/out" | sed 's/^/     /'
	status=1
fi
exit $status
