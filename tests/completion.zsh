#!/usr/bin/env zsh
# completion.zsh - zsh's completion of pome, typed into a real, interactive zsh.
#
#   zsh -f completion.zsh POME SOURCE-TREE
#
# Exits 1 if a line does not come out as it should.
zmodload zsh/zpty || exit 77
pome=${1:A} src=${2:A} failed=0
work=$(mktemp -d)
trap 'zpty -d z 2>/dev/null; rm -rf $work' EXIT
mkdir $work/bin && ln -s $pome $work/bin/pome
touch "$work/a kernel" $work/disk.img

# Ctrl-X prints what the line is; a mark tells when it is done
cat >$work/rc <<RC
PS1= RPS1= PATH=$work/bin:\$PATH fpath=($src/completion \$fpath)
cd $work
autoload -Uz compinit && compinit -u -D
LISTMAX=0
bindkey '^I' complete-word
show() { print -r -- "[[\$BUFFER]]"; BUFFER= }
zle -N show
bindkey '^X' show
unset zle_bracketed_paste
print rea''dy
RC
zpty -b z "TERM=dumb COLUMNS=200 zsh -f -i"
zpty -w z ". $work/rc"

wait_for() { # PATTERN: what was printed until then is in REPLY
	local part
	integer n
	REPLY=
	for ((n = 0; n < 1200; n++)); do
		while zpty -r -t z part 2>/dev/null; do REPLY+=$part; done
		[[ $REPLY == ${~1} ]] && return
		sleep 0.05
	done
	print -r -- "FAIL nothing like $1 in: $REPLY"
	exit 1
}

line() { # TYPED WANTED: the line after Tab
	zpty -w -n z "$1"$'\t'
	sleep 0.3
	zpty -w -n z $'\C-x'
	wait_for '*\[\[*\]\]*'
	local got=${${REPLY##*\[\[}%%\]\]*}
	[[ $got == "$2" ]] && return
	print -r -- "FAIL '$1' became '$got', not '$2'"
	failed=1
}

list() { # TYPED WORD...: what Tab offers
	zpty -w -n z "$1"$'\t\t'
	sleep 0.3
	zpty -w -n z $'\C-x'
	wait_for '*\[\[*\]\]*'
	local all=$REPLY w
	for w in ${@:2}; do
		[[ $all == *$w* ]] && continue
		print -r -- "FAIL '$1' offers no $w: $all"
		failed=1
	done
}

wait_for '*ready*'
line 'pome ins' 'pome inspect '
line 'pome run --mach' 'pome run --machine '
line 'pome run --machine vma' 'pome run --machine vmapple '
line 'pome run --accel in' 'pome run --accel interp '
line 'pome run disk' 'pome run disk.img '
line 'pome run a' 'pome run a\ kernel '
line 'pome create --deb' 'pome create --debian '
line 'pome create --debian bookw' 'pome create --debian bookworm '
line 'pome help ins' 'pome help inspect '
list 'pome ' run inspect create check help version
for c in run create inspect check; do
	list "pome $c --" $($pome $c --help | grep -o -- ' --[a-z0-9-]*')
done
((failed)) || print "completion.zsh: passed"
exit $failed
