#!/bin/bash
# run.sh - the same bare-metal image on pome and on qemu-system-aarch64: what each prints, compared.
#
#   run.sh POME DIR [NAME...]          DIR has the images e_NAME.elf; all of them, where none is named
#
# Lines that only one of the two prints count, but for those that known.txt explains: "NAME REGEX  # why".
set -u
here=$(cd "$(dirname "$0")" && pwd)
pome=$1 dir=$2
shift 2
[ $# -gt 0 ] || set -- $(cd "$dir" && ls e_*.elf | sed 's/^e_//; s/\.elf$//')
work=${EL1_KEEP:-$(mktemp -d)}
mkdir -p "$work"
[ -n "${EL1_KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
passed=0 failed=0
for name; do
	elf=$dir/e_$name.elf
	rm -f "$work/$name".*
	timeout 300 "$pome" run -q --accel interp --cpu qemu72,MTE=off,PAN3=off -k "$elf" -m 512M --no-reboot --timeout 280 \
		</dev/null 2>"$work/$name.err" | tr -d '\r' >"$work/$name.pome"
	timeout 300 qemu-system-aarch64 -M virt,gic-version=3 -accel tcg -cpu max,sve=off,sme=off -m 2048 -nographic \
		-net none -no-reboot -kernel "$elf" </dev/null 2>>"$work/$name.err" | tr -d '\r' >"$work/$name.qemu"
	ours=$(wc -l <"$work/$name.pome")
	if ! tail -n 1 "$work/$name.pome" | grep -q '^PASS' || ! tail -n 1 "$work/$name.qemu" | grep -q '^PASS'; then
		echo "FAIL $name: no whole run"
		tail -n 3 "$work/$name.pome" "$work/$name.qemu" "$work/$name.err"
		failed=$((failed + 1))
		continue
	fi
	sed -n "s/^$name \(.*[^ ]\)  *#.*/\1/p" "$here/known.txt" >"$work/$name.known"
	diff "$work/$name.pome" "$work/$name.qemu" | sed -n 's/^< /pome /p; s/^> /qemu /p' >"$work/$name.diff"
	grep -v -E -f "$work/$name.known" "$work/$name.diff" >"$work/$name.new"
	if [ -s "$work/$name.new" ]; then
		echo "FAIL $name: $(wc -l <"$work/$name.new") of $ours lines differ without a reason in known.txt"
		head -n 40 "$work/$name.new" | sed 's/^/     /'
		failed=$((failed + 1))
	else
		echo "ok   $name: $ours lines, $(wc -l <"$work/$name.diff") explained"
		passed=$((passed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
