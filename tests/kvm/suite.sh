#!/bin/sh
# suite.sh - tests of pome on a machine with /dev/kvm: the emulated host, or real hardware. busybox's shell will do.
#
#   suite.sh POME DIR PARTS [WORDS]
#     DIR holds guest/*.elf, unit/*, vmlinuz, initrd.img and guests.sh; WORDS are told to the bare-metal guests
#     PARTS: guests  bare-metal guests                 traps   guests that must end with status 7
#            units   unit tests                        reboot  a guest that restarts itself
#            confined  the sandbox of each thread
#            linuxN  boot with N CPUs and a disk       bootsN  the same 20 times, without the disk
#            stage1  the boot ROM, and a stage 1 that uses the whole vmapple board
#            gdb     the debugger's stub
#            refuse  --accel kvm must be refused       cost    exits in instructions (host.sh -d)
#            apple   Apple's hypercalls, where the kernel passes them on
#            noapple where it does not: a warning
set -u
pome=$1 dir=$2 parts=$3 words=${4:-}
# PATIENCE: how many times longer than usual it may take, on a host that has more to do
seconds=$((240 * ${PATIENCE:-1}))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

tally() { # name status [file to show]
	if [ "$2" = 0 ]; then
		echo "ok   $1"
		passed=$((passed + 1))
	else
		echo "FAIL $1"
		[ $# -lt 3 ] || tail -n 15 "$3" | sed 's/^/     /'
		failed=$((failed + 1))
	fi
}

guests() {
	GUEST_SECONDS=$((seconds + 60)) ONLY=${only:-} sh "$dir/guests.sh" "$pome" "$dir/guest" --accel kvm -a "kvm $words" >"$work/guests"
	status=$?
	sed '$d' "$work/guests"
	passed=$((passed + $(grep -c '^ok ' "$work/guests")))
	failed=$((failed + $(grep -c '^FAIL ' "$work/guests")))
	[ $status = 0 ] || [ $failed != 0 ] || failed=1
}

trap_ends() { # guest text
	timeout 200 "$pome" run --accel kvm -k "$dir/guest/$1.elf" -m 256M --timeout 180 >"$work/out" 2>&1 </dev/null
	[ $? = 7 ] && grep -q "$2" "$work/out"
	tally "$1: status 7 and '$2'" $? "$work/out"
}

units() {
	for t in "$dir"/unit/*; do
		(cd "$dir" && timeout $((seconds + 160)) "$t") >"$work/out" 2>&1 </dev/null
		tally "unit $(basename "$t")" $? "$work/out"
	done
}

# linux NAME SCRIPT POME-OPTIONS...: boots Debian's kernel, runs the script in it, output in $work/text
linux() {
	linux_name=$1 linux_script=$2
	shift 2
	timeout $((seconds + 10)) "$pome" run -q --accel kvm -k "$dir/vmlinuz" -i "$dir/initrd.img" -m 256M --timeout $seconds \
		-a "console=ttyAMA0 quiet loglevel=3 cryptomgr.notests pome.cmd=$(echo "$linux_script" | base64 | tr -d '\n')" \
		--stats "$work/stats" "$@" </dev/null >"$work/out" 2>"$work/err"
	linux_status=$?
	tr -d '\r' <"$work/out" | cat - "$work/err" >"$work/text"
	[ $linux_status = 0 ] && grep -q '^POME-EXIT 0$' "$work/text" && return
	echo "status $linux_status" >>"$work/text"
	return 1
}

sum() { sha256sum <"$1" | cut -d' ' -f1; }

disk() { # what the guest reads is what the host has; what it wrote is there afterwards
	dd if=/dev/urandom of="$work/disk.img" bs=64k count=128 2>/dev/null
	before=$(sum "$work/disk.img")
	linux disk "set -e
test \$(nproc) = $1
test -c /dev/hwrng
echo READ-\$(sha256sum </dev/vda)
dd if=/dev/urandom of=/dev/vda bs=64k count=32 seek=16 conv=notrunc 2>/dev/null
dd if=/dev/zero of=/dev/vda bs=512 count=77 seek=1001 conv=notrunc 2>/dev/null
sync
echo 3 >/proc/sys/vm/drop_caches
echo WROTE-\$(sha256sum </dev/vda)" -p "$1" --no-reboot -d "$work/disk.img" &&
		grep -q "^READ-$before" "$work/text" &&
		grep -q "^WROTE-$(sum "$work/disk.img")" "$work/text" &&
		[ "$before" != "$(sum "$work/disk.img")" ]
	tally "linux: $1 CPUs, disk by checksum" $? "$work/text"
}

reboot() {
	dd if=/dev/zero of="$work/disk.img" bs=64k count=16 2>/dev/null
	linux reboot 'n=$(dd if=/dev/vda bs=1 count=1 2>/dev/null | tr "\0" 0)
echo boot number $n
[ $n = 2 ] && exit 0
echo $((n + 1)) | dd of=/dev/vda conv=notrunc,fsync 2>/dev/null
command reboot -f
sleep 60' -p 4 -d "$work/disk.img" &&
		[ "$(grep -c '^boot number' "$work/text")" = 3 ] && grep -q '"resets": 2' "$work/stats"
	tally "linux: 4 CPUs restart themselves twice" $? "$work/text"
}

boots() { # CPUs
	good=0
	while [ $good -lt 20 ] && linux boots "test \$(nproc) = $1" -p "$1" --no-reboot; do
		good=$((good + 1))
		echo "     boot $good, $(cut -d' ' -f1 /proc/uptime) s"
	done
	[ $good = 20 ]
	tally "linux: $1 CPUs, $good of 20 boots" $? "$work/text"
}

# The board as tests/firmware/stage1.c reports it, line by line. What this host lacks is skipped with its reason.
stage1() { # CPUs
	dd if=/dev/zero of="$work/aux.img" bs=1024 count=0 seek=32768 2>/dev/null
	dd if="$dir/stage1.img4" of="$work/aux.img" bs=1024 seek=1024 conv=notrunc 2>/dev/null
	dd if=/dev/zero of="$work/root.img" bs=1024 count=0 seek=3072 2>/dev/null
	timeout $((seconds + 10)) "$pome" run -q --accel kvm -p "$1" -m 256M --timeout $seconds --ecid 0x1122334455667788 \
		-d "$work/root.img,role=root" -d "$work/aux.img,role=aux" </dev/null 2>&1 | tr -d '\r' >"$work/out"
	sed -n 's/^stage1: /     /p' "$work/out"
	grep -q '^PASS' "$work/out" && grep -q "^stage1: $1 of $1 CPUs" "$work/out"
	tally "boot ROM and stage 1, $1 CPUs" $? "$work/out"
}

apple() {
	words="$words apple-hvc" only=t_vmapple guests
}

noapple() {
	"$pome" run --accel kvm --cpu vmapple -k "$dir/guest/t_basic.elf" -a "kvm $words" -m 256M --timeout 180 \
		>"$work/out" 2>&1 </dev/null
	[ $? = 0 ] && grep -q "warning: KVM: this host's kernel does not pass Apple's hypercalls on" "$work/out"
	tally "without Apple's hypercalls: $(grep hypercalls "$work/out")" $? "$work/out"
}

refuse() {
	"$pome" run --accel kvm -k "$dir/guest/t_basic.elf" -m 256M >"$work/out" 2>&1 </dev/null
	[ $? = 3 ] && grep -q 'error: --accel kvm: .*interp)' "$work/out"
	tally "refused: $(head -n 1 "$work/out")" $? "$work/out"
	# --accel auto goes on without
	"$pome" run -k "$dir/guest/t_basic.elf" -m 256M --timeout 60 >"$work/out" 2>&1 </dev/null
	[ $? = 0 ] && grep -q '^PASS' "$work/out"
	tally "--accel auto takes the interpreter then" $? "$work/out"
}

cost() {
	"$pome" run -q --accel kvm -k "$dir/guest/x_cost.elf" -m 256M --timeout 100 </dev/null >"$work/out" 2>&1
	status=$?
	tr -d '\r' <"$work/out"
	grep -q '^PASS' "$work/out" && [ $status = 0 ]
	tally "cost of exits" $? "$work/out"
}

le() { # an address as a register's bytes
	printf '%016x' "0x$1" | sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/'
}

sym() { sed -n "s/ [A-Za-z] $1\$//p" "$dir/guest/g_debug.sym"; }

# A breakpoint, a step, watchpoints, memory, the end: what gdb would say (tests/gdb/run.py), by rsp.
gdb() {
	inner=$(sym inner) watched=$(sym watched) finish=$(sym finish) at=$(le "$(sym inner)")
	next=$(printf '%x' $((0x$inner + 4)))
	"$pome" run -q --accel kvm -k "$dir/guest/g_debug.elf" -m 256M -p 2 --timeout 100 --gdb "unix:$work/gdb,wait" \
		</dev/null >"$work/out" 2>&1 &
	"$dir/rsp" "$work/gdb" '?' 'T05*' 'qXfer:features:read:target.xml:0,40' 'm<?xml*' \
		"Z1,$inner,4" OK 'vCont;c' "T05thread:1;reason:breakpoint;*20:$at;" p20 "$at" \
		p1d '????????????????' 'P10=efcdab8967452301' OK p10 efcdab8967452301 g '????*' \
		'vCont;s:1' "T05thread:1;reason:trace;*20:$(le "$next");" "z1,$inner,4" OK \
		"Z2,$watched,8" OK 'vCont;c' "T05thread:1;watch:${watched#"${watched%%[!0]*}"};*" "z2,$watched,8" OK \
		"Z0,$inner,4" OK 'vCont;c' "T05thread:1;reason:breakpoint;*20:$at;" "z0,$inner,4" OK \
		"m$inner,4" '????????' "M$finish,8:0100000000000000" OK 'vCont;c' W00 >"$work/rsp" 2>&1
	status=$?
	wait $!
	[ $? = 0 ] && [ $status = 0 ] && grep -q '^PASS' "$work/out"
	status=$?
	cat "$work/out" >>"$work/rsp"
	tally "gdb: breakpoints, steps, watchpoints" $status "$work/rsp"
}

for part in $parts; do
	case $part in
	guests) guests ;;
	traps)
		trap_ends x_vector 'no usable exception vector: pc 0xa00 and VBAR_EL1 0x800'
		trap_ends x_nisv 'the instruction 0x885f7d.. at pc .* accesses 0x20010024 (uart0+0x24)'
		;;
	gdb) gdb ;;
	units) units ;;
	confined)
		sh "$dir/confined.sh" "$pome" --accel kvm >"$work/out" 2>&1
		tally "every thread is confined" $? "$work/out" ;;
	linux*) disk "${part#linux}" ;;
	reboot) reboot ;;
	boots*) boots "${part#boots}" ;;
	stage1) stage1 1; stage1 8 ;;
	refuse) refuse ;;
	cost) cost ;;
	apple) apple ;;
	noapple) noapple ;;
	*) echo "suite.sh: no part $part" >&2; exit 2 ;;
	esac
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
