#!/bin/bash
# run.sh - every KVM test: on this machine where it is an aarch64 one with KVM, else on emulated hosts of several kinds.
#
#   run.sh BUILD [-d] [-c CPU] [-s CPUS] [-k KERNEL] [-t SECONDS] PARTS
#                             one run of those parts of suite.sh, on such a host (host.sh)
#   run.sh BUILD quick        what `make test` has time for: one kind of host
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "$1")
shift
debian=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# by the load of this machine, 1 to 8
patience=$(awk -v n="$(nproc)" '{ p = int($1 / n + 0.5); print (p < 1 ? 1 : p > 8 ? 8 : p) }' /proc/loadavg)
all="guests confined gdb stage1 traps units linux1 linux2 linux4 reboot"

stage() { # a directory for suite.sh
	mkdir -p "$1"/{guest,unit}
	cp "$build"/guest/[tx]_*.elf "$build"/guest/g_debug.{elf,sym} "$1/guest/"
	cp "$build/guest/rsp" "$1/"
	cp "$here/../guest/run.sh" "$1/guests.sh"
	cp "$here/../guest/confined.sh" "$1/"
	cp "$here/suite.sh" "$build/firmware-tests/stage1.img4" "$1/"
	cp "$debian/vmlinuz-cloud" "$1/vmlinuz"
	cp "$debian/initrd-cloud.img" "$1/initrd.img"
	# what unit tests read, by the names that they have in the source
	mkdir -p "$1/tests"
	cp -r "$here/../bundles" "$1/tests/"
}

if [ "$(uname -m)" = aarch64 ] && "$build/pome" check 2>/dev/null | grep -q '^kvm *yes'; then
	stage "$work/kvm"
	find "$build/tests/unit" -maxdepth 1 -type f -perm -u+x -exec cp {} "$work/kvm/unit/" \;
	[ "$*" = quick ] && set --
	"$here/suite.sh" "$build/pome" "$work/kvm" "${*:-$all}"
	exit
fi

"$here/host.sh" fetch || exit
stage "$work/tree/kvm"
cp -a "$build/aarch64/root/." "$work/tree/"
cp -a "$build/aarch64/tests-root/." "$work/tree/"

host() { # NAME PARTS HOST-OPTIONS...
	local name=$1 parts=$2 t=$SECONDS status words=tcg-host
	shift 2
	case " $* " in *" -s "*) words="tcg-host mttcg" ;; esac
	"$here/host.sh" run -t $((900 * patience)) -r "$work/tree" "$@" -- env PATIENCE=$patience sh /kvm/suite.sh /usr/bin/pome /kvm "$parts" "$words" \
		>"$work/$name.log" 2>&1
	status=$?
	{
		echo "== $name, $((SECONDS - t)) s"
		cat "$work/$name.log"
	} >"$work/$name.out"
	[ $status = 0 ] && echo "$name" >>"$work/good"
	cat "$work/$name.out"
}

all_of() { # HOSTS
	local n
	n=$(wc -l <"$work/good")
	echo "kvm: $n of $1 hosts passed"
	[ "$n" = "$1" ]
}

: >"$work/good"
if [ "$*" = quick ]; then
	(host neoverse-n1 "guests confined gdb stage1 traps linux1 linux4") &
	host units "units"
	wait
	all_of 2
	exit
fi
options=()
while [ $# -gt 0 ] && [ "${1#-}" != "$1" ]; do
	options+=("$1")
	shift
	case ${options[-1]} in -d) ;; *) options+=("$1"); shift ;; esac
done
if [ $# -gt 0 ]; then
	host chosen "$*" "${options[@]}"
	all_of 1
	exit
fi

"$here/../debian/fetch.sh" newer || exit
# Two busy threads at a time. The kinds: VHE; pauth and SVE; nVHE and 44 bits of address; two CPUs that run at the same
# time; no KVM; no GICv3.
(host neoverse-n1 "guests confined gdb stage1 traps linux1 linux2 linux4 reboot") &
(
	host units "units"
	host max "guests stage1 linux1" -c max
	host cortex-a72 "guests linux1" -c cortex-a72
	host no-kvm "refuse" -a kvm-arm.mode=none
	host gicv2 "refuse" -M gic-version=2
) &
wait
host two-cpus "guests linux4" -s 2
# a kernel that passes Apple's hypercalls on (Linux 6.4)
host newer "guests stage1 apple linux1" -c max -k "$debian/vmlinuz-newer"
all_of 8
