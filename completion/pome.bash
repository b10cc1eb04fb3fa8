# bash completion for pome(1). The options are those that the installed pome's --help lists, so there is no second list.
_pome()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]} options words

	if [ "$COMP_CWORD" = 1 ]; then
		COMPREPLY=($(compgen -W "run inspect create ctl check help version --help --version" -- "$cur"))
		return
	fi
	case $command in
	run|create|inspect|check)
		options=$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null | grep -o -- ' --[a-z0-9-]*') ;;
	help) COMPREPLY=($(compgen -W "run inspect create check help version" -- "$cur")); return ;;
	*) return ;;
	esac
	case $prev in
	--accel) words="auto kvm interp" ;;
	--clock) words="host insn" ;;
	--console|--serial) words="stdio null pty file: unix: tcp:" ;;
	--cpu) words="generic vmapple qemu72" ;;
	--display) words="none file:" ;;
	--firmware-policy) words="verify permissive" ;;
	--machine) words="vmapple virt" ;;
	--net|-n) words="user tap,ifname= unix,path= none" ;;
	--sandbox) words="on off" ;;
	--usb-device) words="none unix:" ;;
	--debian) words="bookworm trixie sid" ;;
	-p|--cpus|-m|--memory|-a|--append|--timeout|--seed|--ecid|--identity|--disk-size|--code-cache|--gdb|--control)
		return ;;
	esac
	if [ -n "${words-}" ]; then
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
		[[ ${COMPREPLY[0]-} != *[:=] ]] || compopt -o nospace
		[ "$prev" != --debian ] || COMPREPLY+=($(compgen -d -- "$cur"))
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$options" -- "$cur"))
	else
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -F _pome pome
