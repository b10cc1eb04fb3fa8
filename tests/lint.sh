#!/bin/bash
# lint.sh - what the compilers do not look at: clang-tidy's bug checks, and the rules of this tree that grep can check.
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
if command -v clang-tidy >/dev/null; then
	files=$(ls src/*.c devices/*.c)
	[ "$(uname -m)" = aarch64 ] || files=$(echo "$files" | grep -v /kvm)
	# valist: the analyzer of clang 14 does not know va_start of later headers
	clang-tidy --quiet --checks='-*,clang-analyzer-*,-clang-analyzer-optin.performance.Padding,bugprone-sizeof*,bugprone-suspicious-mem*,'\
'-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.*' $files -- -std=gnu11 -D_GNU_SOURCE -iquote include \
		$(pkg-config --cflags libseccomp jansson nettle zlib libzstd slirp) 2>/dev/null |
		grep -E 'warning:' && complain "clang-tidy"
fi
[ $bad = 0 ] && echo "lint: clean"
exit $bad
