#!/bin/bash
# lint.sh - what the compilers do not look at: clang-tidy's bug checks, and the rules of this tree that grep can check.
#
#   lint.sh [FILE...]           clang-tidy looks at these (src and devices, without the interpreter)
set -u
cd "$(dirname "$0")/.."
bad=0
complain() { echo "lint: $*"; bad=1; }

grep -rn -E '\b(TODO|FIXME|XXX)\b' src devices include firmware 2>/dev/null && complain "unfinished work is named in the tree"
# devices compile against include/ alone
grep -n -E '#include "\.\./|#include "interp/' devices/*.c && complain "a device reaches out of include/"
# errors are printed, and exit called, in main.c only
grep -ln '\bexit(' src/*.c devices/*.c | grep -v -E 'src/(main|sandbox)\.c' && complain "exit() outside main.c"
awk 'length > 120 { print FILENAME ":" FNR ": over 120 columns"; n++ } END { exit n > 0 }' src/*.c src/interp/*.[ch] \
	devices/*.c include/*.h || bad=1

# The newest clang-tidy there is, a file at a time: in one run of all files, one CPU had all the work, and nobody saw which
# file it was about. The analyzer follows the paths of a function until it has seen 225000 states; that takes 2 s of CPU
# time for a usual file, 10 s for src/bundle.c, and has no bound of its own that one could rely on.
seconds=120
tidy=$(for c in clang-tidy-21 clang-tidy-20 clang-tidy-19 clang-tidy; do command -v $c; done | head -n 1)
checks='-*,clang-analyzer-*,-clang-analyzer-optin.performance.Padding,-clang-analyzer-security.insecureAPI.*'
checks+=',bugprone-sizeof*,bugprone-suspicious-mem*'
# the analyzer of clang 14 does not know va_start of later headers
checks+=',-clang-analyzer-valist.*'
flags="-std=gnu11 -D_GNU_SOURCE -iquote include $(pkg-config --cflags libseccomp jansson nettle zlib libzstd slirp)"
tidy_one() { # FILE: what there is to say of it, a line each
	(ulimit -t $seconds; exec "$tidy" --quiet --checks="$checks" "$1" -- $flags) 2>/dev/null | grep -E '(warning|error):'
	[ "${PIPESTATUS[0]}" -lt 128 ] || echo "$1: no end within $seconds s of CPU time"
}
if [ -n "$tidy" ]; then
	files=$(ls ${*:-src/*.c devices/*.c})
	[ "$(uname -m)" = aarch64 ] || files=$(grep -v /kvm <<<"$files")
	export -f tidy_one
	export tidy checks flags seconds
	said=$(xargs -P "${JOBS:-$(nproc)}" -I{} bash -c 'tidy_one {}' <<<"$files")
	[ -z "$said" ] || { echo "$said"; complain "$(basename "$tidy")"; }
fi
[ $bad = 0 ] && echo "lint: clean"
exit $bad
