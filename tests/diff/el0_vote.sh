#!/bin/bash
# el0_vote.sh - cases of el0 in every emulator that is here, and who stands alone: a second opinion where pome and QEMU
# differ. VIXL's simulator is independent of QEMU; unicorn is an older QEMU.
#
#   el0_vote.sh DIR COUNT SEED          DIR has el0_host, el0_guest and, where their packages are, el0_vixl and el0_unicorn
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 count=$2 seed=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
more=()
"$dir/el0_host" gen "$seed" "$count" >"$work/cases"
"$dir/el0_host" rows >"$work/rows"
qemu-aarch64 -cpu max,sve=off,sme=off "$dir/el0_guest" <"$work/cases" >"$work/qemu"
"$dir/el0_host" run "$work/cases" "$work/qemu" >"$work/pome" 2>"$work/known"
for name in vixl unicorn; do
	if [ ! -x "$dir/el0_$name" ]; then
		echo "el0_vote.sh: no opinion of $name: it is not installed (Debian: lib$name-dev)"
		continue
	fi
	"$dir/el0_$name" <"$work/cases" >"$work/$name"
	more+=("$name=$work/$name")
done
if [ ${#more[@]} = 0 ]; then
	echo "el0_vote.sh: skipped: nobody to ask"
	exit 0
fi
"$here/el0_vote.py" "$work/rows" "$work/cases" "$work/known" "$work/pome" "$work/qemu" "${more[@]}"
