#!/bin/bash
# run.sh - runs the bare-metal guests under pome and says which pass.
#
#   run.sh POME DIR [POME-OPTIONS...]     every DIR/*.elf
#
# A guest passes when it powers off (status 0) and its last line begins with PASS.
set -u
pome=$1 dir=$2
shift 2
passed=0 failed=0
for elf in "$dir"/t_*.elf; do
	name=$(basename "$elf" .elf)
	cpus=1
	case $name in t_smp) cpus=6 ;; esac
	out=$(timeout 120 "$pome" run -q -k "$elf" -p "$cpus" -m 256M --timeout 100 --no-reboot "$@" </dev/null 2>&1)
	status=$?
	last=$(echo "$out" | tr -d '\r' | grep -a . | tail -n 1)
	if [ $status = 0 ] && [[ $last == PASS* ]]; then
		echo "ok   $name ($cpus CPU): $last"
		passed=$((passed + 1))
	else
		echo "FAIL $name ($cpus CPU): status $status"
		echo "$out" | tail -n 12 | sed 's/^/     /'
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
