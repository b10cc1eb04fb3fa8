#!/bin/bash
# el0.sh - random A64 instructions at EL0: the interpreter against qemu-aarch64 (or this machine, where it is aarch64).
#
#   el0.sh DIR COUNT SEED [ROW-PREFIX]      DIR has el0_guest and el0_host
set -euo pipefail
dir=$1 count=$2 seed=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
emu=(qemu-aarch64 -cpu max,sve=off,sme=off)
# in blocks, so that the files stay small
block=60000
for ((done = 0; done < count; done += block, seed++)); do
	n=$((count - done < block ? count - done : block))
	"$dir/el0_host" gen "$seed" "$n" ${4:+"$4"} >"$work/cases"
	"${emu[@]}" "$dir/el0_guest" <"$work/cases" >"$work/outcomes"
	"$dir/el0_host" check "$work/cases" "$work/outcomes"
done
