#!/bin/bash
# run.sh - replays each target's corpus, then fuzzes it for a while.
#
#   run.sh DIR SECONDS TARGET...        SECONDS 0: replay only
#
# New inputs go to tests/fuzz/corpus/TARGET only when SECONDS is not 0; a crash leaves its input in DIR.
set -u
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 seconds=$2
shift 2
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A board an input: freed memory is held back by 8 MiB of it, not 256, which cost more than the input did.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=8
for t in "$@"; do
	corpus=$here/corpus/$t
	mkdir -p "$corpus"
	ok=1
	"$dir/$t" -runs=0 -timeout=20 -rss_limit_mb=4096 -artifact_prefix="$dir/$t-" "$corpus" >"$log" 2>&1 || ok=0
	if [ $ok = 1 ] && [ "$seconds" != 0 ]; then
		"$dir/$t" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -artifact_prefix="$dir/$t-" "$corpus" \
			>"$log" 2>&1 || ok=0
	fi
	if [ $ok = 1 ]; then
		passed=$((passed + 1))
		echo "ok   fuzz $t ($(ls "$corpus" | wc -l) inputs)"
	else
		failed=$((failed + 1))
		echo "FAIL fuzz $t"
		tail -n 30 "$log" | sed 's/^/     /'
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
