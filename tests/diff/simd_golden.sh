#!/bin/sh
# simd_golden.sh: makes tests/unit/simd_golden.h, the outcomes of SIMD words by
# qemu-aarch64, after rows were added. Needs simd_host and simd_guest in $BUILD.
set -e
b=${BUILD:-build}/tests/diff
seed=1 n=100
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
"$b/simd_host" words $seed $n >"$t/words"
qemu-aarch64 -cpu max "$b/simd_guest" "$t/words" $seed >"$t/outcomes"
"$b/simd_host" golden $seed $n "$t/words" "$t/outcomes" \
	>"$(dirname "$0")/../unit/simd_golden.h"
