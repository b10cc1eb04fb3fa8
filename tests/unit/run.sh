#!/bin/bash
# run.sh - runs unit test programs; shows the output of those that fail, and a tally.
#
#   run.sh DIR NAME...
#
# UNIT_SECONDS: what one may take (300).
set -u
dir=$1
shift
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for t in "$@"; do
	if timeout "${UNIT_SECONDS:-300}" "$dir/$t" >"$log" 2>&1; then
		n=$(grep -c '^\[       OK' "$log")
		passed=$((passed + n))
		echo "ok   $t ($n)"
	else
		failed=$((failed + 1))
		echo "FAIL $t"
		grep -v -E '^\[ (RUN|      OK)' "$log" | head -n 60 | sed 's/^/     /'
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
