#!/bin/bash
# coverage.sh - for each row of a64.def the tests that execute it; fails where a row has none.
#
#   coverage.sh DIR [OUT]         DIR is a build with -DROW_COVER; the list goes to OUT (DIR/coverage.txt)
#
# Bare-metal guests, unit tests, the differential tests at EL0 (each with fewer cases than `make diff-tests` takes), and
# random code (insn exec). That one is listed but does not count, as it checks no result; nor do the unit tests that decode
# words of every row and do not run them all.
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 out=${2:-$1/coverage.txt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/rows"
"$dir/tests/tools/insn" rows >"$work/names" || exit 1

run() { # NAME COMMAND...
	local name=$1
	shift
	POME_ROWS="$work/rows/$name" timeout 600 "$@" >"$work/log" 2>&1 </dev/null ||
		echo "coverage.sh: $name failed: $(tail -n 1 "$work/log")" >&2
}
for elf in "$dir"/guest/t_*.elf; do
	name=$(basename "$elf" .elf)
	ONLY=$name GUEST_SECONDS=300 run "guest:$name" "$here/../guest/run.sh" "$dir/pome" "$dir/guest" --sandbox off
done
for t in "$here"/../unit/*.c; do
	name=$(basename "$t" .c)
	[ -x "$dir/tests/unit/$name" ] && run "unit:$name" "$dir/tests/unit/$name"
done
if command -v qemu-aarch64 >/dev/null; then
	run diff:el0 "$here/../diff/el0.sh" "$dir/tests/diff" 40000 11
	export BUILD=$dir
	run diff:simd "$here/../diff/simd_diff.sh" words 11 12
	run diff:mem "$here/../diff/mem_diff.sh" words 11 12
fi
run random "$dir/tests/tools/insn" exec 11 60000

python3 - "$work" "$out" <<'PY'
import os, sys
work, out = sys.argv[1:]
names = open(work + "/names").read().split()
files = sorted(os.listdir(work + "/rows"))
used = {f: open(work + "/rows/" + f, "rb").read() for f in files}
none = []
with open(out, "w") as o:
    for i, n in enumerate(names):
        tests = [f for f in files if i < len(used[f]) and used[f][i]]
        o.write("%-24s %s\n" % (n, " ".join(tests) or "NONE"))
        if not [t for t in tests if t not in ("random", "unit:fuse", "unit:features")]:
            none.append(n)
print("%d rows of a64.def, %d without a test%s; the list: %s"
      % (len(names), len(none), ": " + " ".join(none) if none else "", out))
sys.exit(bool(none))
PY
