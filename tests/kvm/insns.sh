#!/bin/bash
# insns.sh - host instructions for each guest instruction on an aarch64 build, program by program (tests/bench/b_cpu.c).
#
#   insns.sh BUILD
#
# The guest's own count comes from its clock by instructions, here; the host's from a deterministic emulated host, where
# an instruction takes a nanosecond (host.sh -d). So the figures repeat exactly, whatever else this machine does. Each
# program runs twice, a 50th of its work; the second time counts, when all of it is decoded.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
letters=ABCDEFGHIJKLMN
keys=$(sed 's/./&&/g' <<<$letters)q
second() { # name and nanoseconds of every second run
	tr -d '\r' | awk '/^PROGRAM / { name[n++] = $3 } /^DONE / && k++ % 2 { print name[int((k - 1) / 2)], $2 }'
}
echo -n "$keys" | timeout 600 "$build/pome" run -q --accel interp --clock insn -k "$build/guest/b_cpu.elf" -m 256M |
	second >"$work/guest"
"$here/host.sh" run -d -t 3000 -r "$build/aarch64/root" -f "$build/guest/b_cpu.elf:b_cpu.elf" -- \
	sh -c "echo -n $keys | pome run -q --accel interp -k /b_cpu.elf -m 256M" | second >"$work/host"
paste -d' ' "$work/guest" "$work/host" | awk -v want=${#letters} '
	{ printf "%-8s %12d guest  %13d host  %6.2f\n", $1, $2, $4, $4 / $2 }
	$1 ~ /^(int|call|branch|sort|memcpy|chase|fp)$/ { log_sum += log($4 / $2); n++ }
	END { if (NR != want || n != 7) exit 1; printf "compute programs, geometric mean: %.2f host instructions a guest instruction\n",
		exp(log_sum / n) }'
