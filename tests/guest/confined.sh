#!/bin/sh
# confined.sh - every thread of a running machine is confined, and only program files are executable. Any POSIX shell.
#
#   confined.sh POME [POME-OPTIONS...]
#
# Looked at from outside, in /proc, while the boot ROM waits for a command.
set -u
pome=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
bad() { echo "FAIL confined: $*"; failed=1; }

dd if=/dev/zero of="$work/disk.img" bs=1024 count=0 seek=1024 2>/dev/null
"$pome" run -q -p 4 -m 256M -d "$work/disk.img" -n user --stats "$work/stats" --timeout 300 "$@" \
	</dev/null >"$work/out" 2>&1 &
pid=$!
i=0
until grep -q 'Monitor' "$work/out" || [ $i = 200 ] || ! kill -0 $pid; do
	sleep 1
	i=$((i + 1))
done

# thread KEY WANT: of the status in $work/s
thread() { grep -q "^$1:[[:space:]]*$2\$" "$work/s" || bad "$name: $(grep "^$1:" "$work/s"), expected $2"; }
threads=0 names=
for t in /proc/$pid/task/*; do
	cat "$t/status" >"$work/s" || continue
	name=$(sed -n 's/^Name:[[:space:]]*//p' "$work/s")
	threads=$((threads + 1)) names="$names $name"
	thread NoNewPrivs 1
	thread Seccomp 2
	for set in CapInh CapPrm CapEff CapAmb; do
		thread $set '0*'
	done
	# the one for all, and its own
	thread Seccomp_filters '\([2-9]\|[1-9][0-9]\)'
done
for name in cpu0 cpu3 disk; do
	case " $names " in *" $name "*) ;; *) bad "no thread $name among$names" ;; esac
done
# address, rights, offset, device, inode, file
sed -n 's/^[^ ]* [^ ]*x[^ ]* [^ ]* [^ ]* [^ ]* *//p' /proc/$pid/maps | sort -u >"$work/x"
grep -v -e '^/' -e '^\[vdso\]' -e '^\[vsyscall\]' "$work/x" >"$work/anonymous"
[ -s "$work/x" ] || bad "no memory map"
[ ! -s "$work/anonymous" ] || bad "executable memory that is no program: $(cat "$work/anonymous")"

kill $pid
wait $pid
status=$?
[ $status = 143 ] || { bad "status $status, expected 143"; tail -n 5 "$work/out"; }
[ -s "$work/stats" ] || bad "no statistics"
[ $failed != 0 ] || echo "ok   confined: $threads threads"
exit $failed
