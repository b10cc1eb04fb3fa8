#!/bin/sh
# mem_diff.sh: loads and stores of the interpreter against qemu-aarch64.
#	mem_diff.sh [words|walk] [SEED] [N] [NAME]
# words: N random words of each row (whose name contains NAME); walk: N random
# words of the class. Needs mem_host and mem_guest in $BUILD.
set -e
b=${BUILD:-build}/tests/diff
mode=${1:-words} seed=${2:-1} n=${3:-100} name=${4:-}
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
"$b/mem_host" "$mode" "$seed" "$n" $name >"$t/tests"
qemu-aarch64 -cpu max "$b/mem_guest" "$t/tests" "$seed" >"$t/outcomes"
"$b/mem_host" check "$seed" "$t/tests" "$t/outcomes"
