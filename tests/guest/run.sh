#!/bin/sh
# run.sh - runs the bare-metal guests under pome and says which pass. Any POSIX shell will do, busybox's too.
#
#   run.sh POME DIR [POME-OPTIONS...]     every DIR/t_*.elf
#
# A guest passes when it powers off (status 0) and its last line begins with PASS. GUEST_SECONDS: what it may take (100);
# ONLY: the name of one.
set -u
pome=$1 dir=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seconds=${GUEST_SECONDS:-100}
passed=0 failed=0
for elf in "$dir"/${ONLY:-t_*}.elf; do
	name=$(basename "$elf" .elf)
	cpus=1
	reboot=--no-reboot
	more=
	case $name in
	t_smp) cpus=6 ;;
	t_litmus) cpus=4 ;;
	t_reset) cpus=4 reboot= ;;
	t_vmapple) # the second disk: VZ's 16 KiB, then 32 MiB
		cpus=2
		dd if=/dev/zero of="$work/root.img" bs=1024 count=0 seek=3072 2>/dev/null
		dd if=/dev/zero of="$work/aux.img" bs=1024 count=0 seek=32784 2>/dev/null
		more="--cpu vmapple --ecid 0x1122334455667788 -d $work/root.img,role=root -d $work/aux.img,role=aux"
		;;
	esac
	# shellcheck disable=SC2086 # options, or nothing
	out=$(timeout $((seconds + 20)) "$pome" run -q -k "$elf" -p "$cpus" -m 256M --timeout "$seconds" $reboot $more "$@" </dev/null 2>&1)
	status=$?
	last=$(echo "$out" | tr -d '\r' | sed '/^$/d' | tail -n 1)
	case $status$last in
	0PASS*)
		echo "ok   $name ($cpus CPU): $last"
		passed=$((passed + 1))
		;;
	*)
		echo "FAIL $name ($cpus CPU): status $status"
		echo "$out" | tail -n 12 | sed 's/^/     /'
		failed=$((failed + 1))
		;;
	esac
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
