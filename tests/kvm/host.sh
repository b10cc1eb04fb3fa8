#!/bin/bash
# host.sh - runs a command on an emulated aarch64 Linux that has /dev/kvm, as root; its status is the command's.
#
#   host.sh fetch                           makes what is cached: Debian's cloud kernel and busybox
#   host.sh run [OPTIONS] -- COMMAND ARG...
#     -f FILE:PATH    puts a file there        -r TREE      copies a tree over its root
#     -o TAR          brings /out back         -c CPU       QEMU's; default neoverse-n1
#     -m MIB          memory, default 1024     -s CPUS      default 1
#     -M OPTIONS      more for -machine        -a WORDS     more for the kernel's command line
#     -t SECONDS      default 120              -k KERNEL    instead of the cached one
#     -d              deterministic: one instruction is one nanosecond, and every run the same
#
# QEMU's TCG emulates EL2 well enough for KVM. Without a status line from the host (a panic, a hang, no time left) the
# status is 124. Nothing is installed on this machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
debian=$(realpath -m "${POME_CACHE:-$here/../../build/debian}")
cache=$(realpath -m "${POME_KVMHOST:-$here/../../build/kvmhost}")
modules="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk"

pack() { # directory; a cpio archive on standard output
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio -0oH newc -R 0:0 --reproducible --quiet)
}

fetch() {
	local root=$cache/root m lock
	# hosts may start at the same time; the caches are shared
	mkdir -p "$cache"
	exec {lock}>"$cache/lock"
	flock "$lock"
	"$here/../debian/fetch.sh" cloud
	if [ "$cache/base.cpio" -nt "$here/init" ] && [ "$cache/base.cpio" -nt "$here/host.sh" ] &&
		[ "$cache/base.cpio" -nt "$debian/vmlinuz-cloud" ]; then
		exec {lock}>&-
		return
	fi
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,modules}
	echo root:x:0:0:root:/tmp:/bin/sh >"$root/etc/passwd"
	echo root:x:0: >"$root/etc/group"
	cp "$debian/busybox/bin/busybox" "$root/bin/"
	for m in $modules; do
		[ -e "$debian/modules-cloud/$m.ko" ] && cp "$debian/modules-cloud/$m.ko" "$root/modules/"
	done
	install -m 755 "$here/init" "$root/init"
	pack "$root" >"$cache/base.cpio.new"
	mv "$cache/base.cpio.new" "$cache/base.cpio"
	rm -rf "$root"
	exec {lock}>&-
}

run() {
	local cpu=neoverse-n1 mem=1024 smp=1 time=120 machine= words= kernel=$debian/vmlinuz-cloud tar= opt f status
	local files=() trees=() more=()
	while getopts f:r:o:c:m:s:M:a:t:k:d opt; do
		case $opt in
		f) files+=("$OPTARG") ;;
		r) trees+=("$OPTARG") ;;
		o) tar=$OPTARG ;;
		c) cpu=$OPTARG ;;
		m) mem=$OPTARG ;;
		s) smp=$OPTARG ;;
		M) machine=,$OPTARG ;;
		a) words=$OPTARG ;;
		t) time=$OPTARG ;;
		k) kernel=$OPTARG ;;
		d) more+=(-icount "shift=0,sleep=off" -seed 1 -rtc "base=2026-01-01,clock=vm") ;;
		*) exit 2 ;;
		esac
	done
	shift $((OPTIND - 1))
	fetch
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	mkdir "$work/root"
	for f in "${trees[@]}"; do cp -a "$f/." "$work/root/"; done
	for f in "${files[@]}"; do
		mkdir -p "$(dirname "$work/root/${f#*:}")"
		cp -L "${f%%:*}" "$work/root/${f#*:}"
	done
	printf '%q ' "$@" >"$work/root/job"
	echo >>"$work/root/job"
	if [ -n "$tar" ]; then
		: >"$work/root/want-out"
		truncate -s 64M "$work/out"
		more+=(-drive "file=$work/out,format=raw,if=none,id=out" -device "virtio-blk-pci,drive=out")
	fi
	# the kernel unpacks one archive after the other
	{ cat "$cache/base.cpio"; pack "$work/root"; } >"$work/initrd"
	# pauth-impdef: QARMA5 in software costs max five seconds of its boot
	[ "$cpu" = max ] && cpu=max,pauth-impdef=on
	timeout -k 5 "$time" qemu-system-aarch64 -machine "virt,virtualization=on,gic-version=3$machine" \
		-accel "tcg,thread=$([ "$smp" -gt 1 ] && echo multi || echo single)" -cpu "$cpu" -smp "$smp" -m "$mem" \
		-nodefaults -nographic -serial stdio -no-reboot "${more[@]}" -kernel "$kernel" -initrd "$work/initrd" \
		-append "console=ttyAMA0 quiet loglevel=3 panic=-1 nokaslr cryptomgr.notests $words" </dev/null |
		tr -d '\r' | tee "$work/log" | sed -u '/^HOST-EXIT /d; /reboot: Power down$/d' || true
	[ -z "$tar" ] || cp "$work/out" "$tar"
	status=$(sed -n 's/^HOST-EXIT //p' "$work/log")
	if [ -z "$status" ]; then
		echo "host.sh: the emulated host said no status: a panic, a hang, or more than $time s" >&2
		exit 124
	fi
	exit "$status"
}

case ${1:-} in
fetch) fetch ;;
run) shift; run "$@" ;;
*) sed -n '2,14p' "$0"; exit 2 ;;
esac
