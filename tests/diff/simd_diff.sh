#!/bin/sh
# simd_diff.sh: SIMD instructions of the interpreter against qemu-aarch64.
#	simd_diff.sh [words|walk] [SEED] [N] [NAME]
# words: N random words of each row (whose name contains NAME); walk: N random
# words of the SIMD classes. Needs simd_host and simd_guest in $BUILD.
set -e
b=${BUILD:-build}/tests/diff
mode=${1:-words} seed=${2:-1} n=${3:-100} name=${4:-}
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
"$b/simd_host" "$mode" "$seed" "$n" $name >"$t/words"
qemu-aarch64 -cpu max "$b/simd_guest" "$t/words" "$seed" >"$t/outcomes"
"$b/simd_host" check "$seed" "$t/words" "$t/outcomes"
