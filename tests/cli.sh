#!/bin/sh
# The command line: statuses, messages, and that nothing is left behind.
# Usage: tests/cli.sh PATH/TO/pome. Runs no guest; needs no root, KVM, network.
set -u

pome=$(realpath "${1:?usage: cli.sh POME}")
src=$(realpath "$(dirname "$0")/..")
dir=$(mktemp -d)
trap 'chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
fails=0
count=0

fail() {
	echo "cli.sh: $*" >&2
	fails=$((fails + 1))
}

# expect STATUS TEXT ARG... : runs pome, wants that status and TEXT on
# standard error, in one line that begins "pome: error: ".
expect() {
	want=$1 text=$2
	shift 2
	count=$((count + 1))
	timeout 20 "$pome" "$@" >out 2>err </dev/null
	got=$?
	[ "$got" = "$want" ] || fail "$*: status $got, not $want: $(cat err)"
	grep -qF -- "$text" err || fail "$*: no '$text' in: $(cat err)"
	if [ "$want" != 0 ]; then
		[ "$(grep -c '^pome: error: ' err)" = 1 ] ||
			fail "$*: not one error line: $(cat err)"
		[ -s out ] && fail "$*: wrote to standard output"
	fi
	rm -f out err
}

# prints STATUS TEXT ARG... : the same for standard output.
prints() {
	want=$1 text=$2
	shift 2
	count=$((count + 1))
	timeout 20 "$pome" "$@" >out 2>err </dev/null
	got=$?
	[ "$got" = "$want" ] || fail "$*: status $got, not $want: $(cat err)"
	grep -qF -- "$text" out || fail "$*: no '$text' in: $(head -5 out)"
	rm -f out err
}

bytes() { # FILE SIZE PRINTF-STRING [OFFSET]: a sparse file with a head
	truncate -s "$2" "$1"
	printf "$3" | dd of="$1" bs=1 seek="${4:-0}" conv=notrunc 2>/dev/null
}

# ---- files --------------------------------------------------------------

bytes Image 1048576 'ARMd' 56           # image size 0: an old kernel
bytes bigimage 4096 'ARMd' 56
bytes bigimage 4096 '\000\000\000\200' 16      # 2 GiB with its bss
bytes be 4096 'ARMd' 56
bytes be 4096 '\001' 24
bytes cut 64 'MZ'                       # its PE header would be at 64
bytes cut 64 'ARMd\100\000\000\000' 56
bytes bz 4096 'HdrS' 514
bytes zimg 4096 '\030\050\157\001' 36
bytes elf86 4096 '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000\076\000'
bytes elf32 4096 '\177ELF\001\001\001\000\000\000\000\000\000\000\000\000\002\000\267\000'
bytes zeros 8192 ''
bytes xz 4096 '\375\067\172\130\132\000'
bytes dtb 4096 '\320\015\376\355'
bytes qcow.img 65536 'QFI\373'
bytes disk.img 65536 ''
bytes zeros.qcow2 65536 ''
bytes zip.img 65536 'PK\003\004'
be32() { # N...: as printf takes it
	for n; do
		printf '\\%03o' $((n >> 24)) $((n >> 16 & 255)) $((n >> 8 & 255)) $((n & 255))
	done
}
# version 3, clusters of 64 KiB, 1 MiB; builds on /etc/passwd
bytes backed.qcow2 262144 "QFI\373$(be32 3 0 112 11 16 0 0x100000 0 1 0 0x30000 0 0x10000 1 0 0 0 0 0 0 0 0 0 4 104 0 0)/etc/passwd"
cp backed.qcow2 backed.img
bytes disk.bin 65536 ''
bytes tiny.img 100 ''
bytes hugerom 1048577 ''
echo 'text' >text
: >empty
mkdir adir
mkfifo fifo
head -c 600000 /dev/urandom >noise
gzip -c Image >Image.gz
head -c 300 Image.gz >half.gz
printf 'secret' >noread
chmod 000 noread

# ---- usage: status 2, the message names the option -------------------------

expect 2 'a command is missing'
expect 2 'did you mean pome run' rum
expect 2 'create: say what' create x
expect 2 "directory's name is missing" create -k Image
expect 2 '--ecid does not go with a Linux bundle' create -k Image --ecid 1 x
expect 2 '--disk does not go with --vmapple' create --vmapple -d disk.img x
expect 2 'did you mean --debian?' create --debain x
expect 2 '--cpus 33' create -k Image -p33 x
expect 2 'ctl: this version does not have' ctl x
prints 6 'pome boot ROM' run --timeout 2
expect 2 '--kernel: a value is missing' run -k
expect 2 'did you mean --memory?' run --memroy 1G
expect 2 '--memory 1X' run -k Image -m 1X
expect 2 '--cpus 0' run -k Image -p 0
expect 2 '--cpus 33' run -k Image -p 33
expect 2 'limit' run -k Image -m 2T
expect 2 '--disk disk.bin' run -k Image -d disk.bin
expect 2 'unknown key' run -k Image -d disk.img,colour=red
expect 2 '--net usr' run -k Image -n usr
expect 2 'hostfwd=tcp:1' run -k Image -n user,hostfwd=tcp:1
expect 2 '--serial foo' run -k Image --serial foo
expect 2 '--console foo' run -k Image --console foo
expect 2 'cannot both be stdio' run -k Image --console stdio --serial stdio
expect 2 '--display vnc::0' run -k Image --display vnc::0
expect 2 '--control' run -k Image --control unix:x
expect 2 '--accel tcg' run -k Image --accel tcg
expect 2 '--cpu foo' run -k Image --cpu foo
expect 2 '--code-cache x' run -k Image --code-cache x
expect 2 '--sandbox x' run -k Image --sandbox x
expect 2 "expected PORT or ADDR:PORT" run -k Image --gdb tcp:
expect 2 "expected PORT or ADDR:PORT" run -k Image --gdb tcp:70000
expect 2 "expected tcp:PORT" run -k Image --gdb 1234
expect 2 "expected tcp:PORT" run -k Image --gdb unix:
expect 2 "the one key is wait" run -k Image --gdb tcp:1234,now
expect 2 "--gdb tcp:1234,wait" run -S
prints 0 'mmio[=DEVICE]' run --trace help
expect 2 "did you mean irqs?" run -k Image --trace irq
expect 2 "says not what" run -k Image --trace file:x
expect 2 "expected FIRST-LAST" run -k Image --trace insns=5
expect 2 "expected FIRST-LAST" run -k Image --trace insns=5-4
expect 2 "no filter is known" run -k Image --trace irqs=3
expect 2 "not a size" run -k Image --trace irqs,limit=0
expect 2 "--accel interp" run -k Image --accel kvm --trace all
expect 2 'expected host or insn' run -k Image --clock fast
expect 2 'mips=N' run -k Image --clock insn,mips=0
expect 2 'one CPU only' run -k Image --clock insn -p 2
expect 2 'not a number of 64 bits' run -k Image --seed 18446744073709551616
expect 2 'needs --clock insn' run -k Image --trace-hash x
expect 2 '--timeout x' run -k Image --timeout x
expect 2 '--timeout 0x10' run -k Image --timeout 0x10
expect 2 '--timeout nan' run -k Image --timeout nan
expect 2 'did you mean LSE?' run -k Image --cpu generic,lze=off
expect 2 '--cpu: unknown CPU feature "nothing"; expected' run -k Image \
	--cpu generic,nothing=on
# a message that is too long loses its middle, not its end
long=$(head -c 3000 /dev/zero | tr '\0' 9)
expect 2 'expected a number with K, M or G' run -k Image -m "$long"
expect 3 'cannot open a kernel image: File name too long' run -k "$long"
expect 2 '--no-reboot: takes no value' run -k Image --no-reboot=1
expect 2 '--initrd: needs --kernel' run -f hugerom -i text
expect 2 '--append' run -k Image -a "$(head -c 3000 /dev/zero | tr '\0' x)"
expect 2 'unknown option' inspect --foo
expect 2 'the path is missing' inspect
expect 2 'unknown option' check --foo
expect 2 'no such command' help foo

# ---- files of every kind: status 3 ------------------------------------------

for opt in --kernel --initrd --dtb --firmware --disk; do
	base="-k Image"
	suffix=
	[ $opt = --kernel ] && base=
	[ $opt = --firmware ] && base=
	[ $opt = --disk ] && suffix=,format=raw
	expect 3 'nowhere: cannot open' run $base $opt nowhere$suffix
	expect 3 'adir: a directory' run $base $opt adir$suffix
	expect 3 'fifo: a FIFO' run $base $opt fifo$suffix
	expect 3 '/dev/null: a character device' run $base $opt \
		/dev/null$suffix
	[ "$(id -u)" = 0 ] ||
		expect 3 'Permission denied' run $base $opt noread$suffix
	[ $opt = --disk ] || expect 3 'empty: the file is empty' \
		run $base $opt empty
done
expect 3 'big-endian' run -k be
expect 3 'cut short: 64 bytes' run -k cut
expect 3 'x86 bzImage' run -k bz
expect 3 '32-bit Arm zImage' run -k zimg
expect 3 'x86-64' run -k elf86
expect 3 'class 1' run -k elf32
expect 3 'all zero' run -k zeros
expect 3 'unxz' run -k xz
expect 3 'device tree' run -k dtb
expect 3 'text, not a kernel' run -k text
expect 3 'no kernel that is known' run -k noise
expect 3 'ends early' run -k half.gz
expect 3 '2097152 KiB' run -k bigimage
expect 3 'too little' run -k Image -i noise -m 2
expect 3 'larger than' run -k Image -i Image -m 1 --initrd "$pome"
expect 3 'not a flat device tree' run -k Image --dtb text
expect 3 'not a flat device tree' run -k Image --dtb dtb
expect 3 'at most 1048576' run -f hugerom
prints 6 'Monitor' run -f builtin --timeout 2
expect 3 'but a qcow2 image' run -k Image -d qcow.img
expect 3 'qcow version 0' run -k Image -d qcow.img,format=qcow2
expect 3 'try format=qcow2' run -k Image -d backed.img
expect 3 'not a qcow2 image' run -k Image -d disk.img,format=qcow2
expect 3 'try format=raw' run -k Image -d zeros.qcow2
expect 3 'try --allow-backing' run -k Image -d backed.qcow2
expect 3 'is in a format that' run -k Image -d backed.qcow2 --allow-backing
expect 3 'two machines on one disk' run -k Image -d disk.img -d disk.img
expect 3 'unpack it: unzip' run -k Image -d zip.img --ephemeral
expect 3 'at least one' run -k Image -d tiny.img
expect 3 'in use' run -k Image -d disk.img -d disk.img
expect 2 'a second disk with role=aux' run -k Image -d disk.img,role=aux -d disk.img,role=aux
expect 3 '--serial file:no/dir' run -k Image --serial file:no/dir
expect 3 '--serial unix:no/dir' run -k Image --serial unix:no/dir
expect 3 'is no socket' run -k Image --serial unix:text
expect 3 '--stats no/dir' run -k Image --stats no/dir
# a machine that does not start leaves the files of its output options alone
echo old >kept
for bad in '--dtb text' '--gdb unix:text' '-d qcow.img,format=qcow2' '-i empty'; do
	expect 3 '' run -k Image $bad --stats new --serial file:kept --trace irqs,file:kept --display file:new
	[ "$(cat kept)" = old ] || fail "$bad: an output file is not as it was"
	[ ! -e new ] || fail "$bad: left an output file"
done
rm -f kept new
expect 3 'a kernel, not a bundle' run Image
mkdir Debian.utm
expect 3 'did you mean Debian.utm?' run Debain.utm/
expect 3 'did you mean Debian.utm?' run "$PWD/Debian"
expect 3 'did you mean Debian.utm?' run debian.UTM
expect 3 'check the spelling' run nothing/like/it
expect 3 'download it first' run https://example.com/Debian.utm
rmdir Debian.utm
expect 3 'both are kernels' run Image Image.gz
expect 3 'no kernel among them' run disk.img disk.img
expect 3 'text: no kernel, initial RAM disk, disk or bundle' run Image text
expect 3 'adir: a directory without a bundle' run Image adir
expect 3 'in use' run disk.img Image disk.img
expect 3 'a disk image' run disk.img
expect 3 'without a bundle' run adir
expect 3 'No such file' run nowhere
# A kernel that is none: no output is made, none is emptied.
echo precious >log
expect 3 'x86 bzImage' run -k bz --stats s.json --serial file:log \
	--console file:con --display file:pic --trace irqs,file:tr
[ "$(cat log)" = precious ] || fail 'a refused run emptied a file'
rm log
[ "$(cat /proc/sys/vm/overcommit_memory)" = 1 ] ||
	expect 3 '(ask for less' run -k Image -m 900G
[ "$(uname -m)" = aarch64 ] ||
	expect 3 'needs an aarch64 host' run -k Image --accel kvm

# ---- bundles -------------------------------------------------------------

mkdir b
cp Image b/
printf '{"os":"linux","cpus":1,"ram":268435456,"bootInfo":{"kernel":"Image"}}' \
	>b/vm.json
prints 0 '"verdict": "ok"' inspect --json b
prints 0 'pome run --kernel b/Image' inspect --command b
prints 0 'format     macosvm, guest linux' inspect b/
prints 0 'format     kernel' inspect Image
prints 3 'kernel-arch' inspect bz
prints 3 '--disk' inspect disk.img
prints 3 'raw, 64 KiB' inspect disk.img
prints 3 'builds on  /etc/passwd' inspect backed.qcow2
prints 3 'clusters of 64 KiB, counts of 16 bits' inspect backed.qcow2
prints 3 '"code": "disk-backing"' inspect --json backed.qcow2
prints 3 '--dtb' inspect dtb
printf '{"cpus":1,"ram":268435456,"storage":[]}' >b/vm.json
prints 3 'malformed' inspect b
printf '{"cpus":1,}' >b/vm.json
expect 3 'line 1, column 11' run b
printf '{"os":"linux","cpus":1,"ram":9,"bootInfo":{"kernel":"Image"}}' >b/vm.json
expect 3 '64 MiB' run b
printf 'x' >b/config.plist
prints 3 '"verdict": "malformed"' inspect --json b
rm -r b

# ---- what prints ----------------------------------------------------------

prints 0 'Usage: pome run' --help
prints 0 'pome run [OPTIONS]' run --help
prints 0 'pome run [OPTIONS]' help run
prints 0 'pome inspect' inspect --help
prints 0 'pome check' check --help
prints 0 'pome 0.' version
prints 0 'pome 0.' --version
prints 0 'interp' check
prints 0 '"checks"' check --json
prints 0 'vmapple' run --dump-dtb - -p 2
prints 0 'qemu,fw-cfg-mmio' run --machine virt --dump-dtb -
expect 2 'expected vmapple or virt' run --machine q35 -k Image
expect 2 'wants UEFI firmware' run --machine virt --firmware builtin
expect 2 '--efi-vars: needs UEFI firmware' run -k Image --efi-vars v.fd
head -c 67108865 /dev/zero >toolarge
expect 3 '(64 MiB)' run --machine virt --firmware toolarge
rm toolarge
expect 3 'an arm64 kernel (it goes to --kernel); expected UEFI firmware' \
	run --machine virt --firmware bigimage
# a store is only looked at where the rest is refused
bytes fw 4096 'code'
truncate -s 12345 odd.fd
expect 3 'whole blocks of 256 KiB' run --machine virt -f fw --efi-vars odd.fd
expect 3 'fw' run --machine virt -f fw.missing --efi-vars new.fd
[ -e new.fd ] && fail 'a refused run made a variable store'
rm fw odd.fd
timeout 20 "$pome" run --dump-dtb tree.dtb || fail "--dump-dtb failed"
[ "$(head -c 4 tree.dtb | od -An -tx1 | tr -d ' ')" = d00dfeed ] ||
	fail "--dump-dtb wrote no tree"
rm -f tree.dtb

# Every option in --help is in the man page, and the other way round.
for h in run create inspect check; do
	"$pome" $h --help
done | grep -o -- ' --[a-z0-9-]*' | sort -u | tr -d ' ' >in-help
sed 's/\\-/-/g' "$src/man/pome.1" | grep -o -- '^\.B[R]* .*--[a-z0-9-]*' |
	grep -o -- '--[a-z0-9-]*' | sort -u >in-man
for o in $(cat in-help); do
	grep -qxF -- "$o" in-man || fail "man page lacks $o"
done
for o in $(cat in-man); do
	grep -qxF -- "$o" in-help || fail "--help lacks $o"
done
rm -f in-help in-man

# The shell offers what --help lists, and files otherwise.
complete() { # WORD...: what bash completion makes of these words
	bash -c '. "$1/completion/pome.bash"; compopt() { :; }; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _pome
		printf "%s\n" "${COMPREPLY[@]}"' - "$src" "$pome" "$@" | sort -u
}
for h in run create inspect check; do
	"$pome" $h --help | grep -o -- ' --[a-z0-9-]*' | tr -d ' ' |
		sort -u >in-help
	complete $h -- >in-shell
	cmp -s in-help in-shell ||
		fail "completion of $h: $(diff in-help in-shell)"
	[ "$(wc -l <in-shell)" -gt 1 ] || fail "completion of $h: nothing"
	count=$((count + 1))
done
[ "$(complete run --machine v)" = "$(printf 'virt\nvmapple')" ] ||
	fail "completion of --machine"
[ "$(complete run --kernel big)" = bigimage ] || fail "completion of a file"
[ "$(complete cre)" = create ] || fail "completion of a command"
rm -f in-help in-shell
if command -v zsh >/dev/null; then
	zsh -f "$src/tests/completion.zsh" "$pome" "$src" >in-shell || fail "zsh completion: $(cat in-shell)"
	rm -f in-shell
fi

# ---- nothing is left behind -------------------------------------------------

# ---- Apple's images and new machines ---------------------------------------

data=$src/tests/data/firmware
prints 0 'signature: ok' inspect "$data/good.img4"
prints 0 '"ECID": "0x1122334455667788"' inspect --json "$data/good.img4"
prints 0 'boot-args: serial=3 -v' inspect "$data/nvram.bin"
head -c 900 "$data/good.img4" >cut.img4
prints 3 'malformed: DER' inspect cut.img4
prints 0 'start it: pome run mac' create --vmapple --stage1 "$data/good.img4" \
	--ecid 0x1122334455667788 --disk-size 1G --memory 128M mac
prints 0 'format: apple-aux' inspect mac/aux.img
prints 0 '1122334455667788' inspect --json mac
prints 0 'Starting illb' run --accel interp --timeout 15 mac
expect 3 'File exists' create --vmapple mac
expect 3 'no IMG4 image' create --vmapple --stage1 Image mac2
expect 2 '--disk-size 5' create --vmapple --disk-size 5x mac2
expect 2 'unknown option' create --vmapple --xyz mac2
expect 2 "directory's name is missing" create --vmapple
# What people take for a boot ROM: told apart before it runs.
for head in '\177ELF:an ELF file' '\317\372\355\376:a Mach-O file' 'PK\003\004:a zip archive' '\037\213:packed with gzip' \
	'bplist00:a property list' 'bvx2:packed with LZFSE' '\320\015\376\355:a device tree' \
	'\0\0:begins with 512 zero bytes' '\060\012\026\004IMG4:an IMG4 or IM4P container'; do
	bytes rom 164432 "${head%%:*}"
	expect 3 "rom: ${head#*:}" run --firmware rom
	rm -f rom
done
bytes rom 164432 ARMd 56
expect 3 'rom: an arm64 kernel' run --firmware rom
rm -f rom
seq 300 >rom
expect 3 'rom: a text file' run --firmware rom
rm -f rom
# One of AVPBooter's size, of code: to the address it is made for (b ., at the end of a branch), and not beyond.
bytes rom 164432 '\004\000\000\024'
printf '\000\000\000\024' | dd of=rom bs=1 seek=16 conv=notrunc 2>/dev/null
count=$((count + 1))
timeout 20 "$pome" run --accel interp --firmware rom --timeout 1 >out 2>err </dev/null
[ $? = 6 ] || fail "run --firmware rom: no time-out: $(cat err)"
grep -q 'pc 0*100010 ' err || fail "run --firmware rom: is elsewhere: $(cat err)"
grep -q 'next: is it a boot ROM' err || fail "run --firmware rom: $(cat err)"
# macOS wants 2 GiB: said of any ROM but the own one, and only below that
timeout 20 "$pome" run --accel interp --firmware rom -m 2047M --timeout 1 >out 2>err </dev/null
grep -q 'RAM of 2047 MiB: .*less than 2 GiB' err || fail "run --firmware rom -m 2047M: $(cat err)"
timeout 20 "$pome" run --accel interp --firmware rom -m 2G --timeout 1 >out 2>err </dev/null
grep -q 'less than 2 GiB' err && fail "run --firmware rom -m 2G: $(cat err)"
timeout 20 "$pome" run --accel interp --timeout 1 >out 2>err </dev/null
grep -q '2 GiB' err && fail "the own ROM needs no 2 GiB: $(cat err)"
# a ROM that crashes is not asked about as a kernel
bytes rom 4096 '\000\000\040\324'   # BRK
timeout 20 "$pome" run --accel interp --firmware rom >out 2>err </dev/null
[ $? = 7 ] || fail "a ROM's crash: $(cat err)"
grep -q 'next: is it a boot ROM' err || fail "a ROM's crash: $(cat err)"
rm -f out err
rm -f rom
rm -rf mac cut.img4

# A Linux bundle, of copies; nothing is left of what could not be made.
printf 070701 >ram
expect 3 'nowhere: cannot open' create -k Image -i ram -d disk.img -d nowhere lin
[ ! -e lin ] || fail "create kept a bundle with a disk that is not there"
prints 0 'start it: pome run lin' create -k Image -i ram -d disk.img \
	-a 'console=hvc0 "quoted"' -m 300M -p 3 lin
cmp -s Image lin/vmlinuz && cmp -s ram lin/initrd.img &&
	cmp -s disk.img lin/disk.img || fail "create made no copies"
prints 0 '"cmdline": "console=hvc0 \"quoted\""' inspect --json lin
prints 0 '"ram_bytes": 314572800' inspect --json lin
expect 3 'nothing that exists is overwritten' create -k Image lin
rm -r lin
expect 3 'x86 bzImage' create -k bz lin
expect 3 'expected an initial RAM disk' create -k Image -i text lin
expect 3 'no vmlinuz' create --debian adir lin
expect 3 'neither a directory nor the name of a suite' create --debian ./x lin
(ulimit -f 100; "$pome" create -k Image lin >out 2>err)
[ $? = 3 ] && grep -q 'File too large' err ||
	fail "create on a full disk: $(cat err)"
rm -f out err
[ ! -e lin ] || fail "create left something on a full disk"
# of a root directory, by a user whose PATH has no sbin
mkdir -p root/boot path
cp Image root/boot/vmlinuz-1.0
cp Image.gz root/boot/vmlinuz-1.1
cp ram root/boot/initrd.img-1.1
echo hello >root/greeting
count=$((count + 1))
PATH=$PWD/path "$pome" create --debian root --disk-size 64M lin >out 2>err || fail "create --debian root: $(cat err)"
cmp -s Image.gz lin/vmlinuz && cmp -s ram lin/initrd.img || fail "create --debian: not the newest kernel"
[ "$(PATH=$PATH:/sbin:/usr/sbin debugfs -R 'cat /greeting' lin/disk.img 2>/dev/null)" = hello ] ||
	fail "create --debian: not what was in the root directory"
rm -rf lin root out err
# an mmdebstrap that only runs its hooks, in its order: what they find and make
cat >path/mmdebstrap <<'S'
#!/bin/bash
set -e
root=$(mktemp -d "$PWD/root.XXXXXX")
run() { # KIND OPTION...
	for o in "${@:2}"; do
		case $o in --$1-hook=*) sh -ec "${o#*=}" exec "$root" ;; esac
	done
}
run setup "$@"
grep -q '^MODULES=list$' "$root"/etc/initramfs-tools/conf.d/*
grep -q '^virtio_blk$' "$root"/usr/share/initramfs-tools/modules.d/*
mkdir -p "$root"/boot "$root"/etc/systemd/network
cp Image "$root"/boot/vmlinuz-1
cp ram "$root"/boot/initrd.img-1
echo 'root:*:1::::::' >"$root"/etc/shadow
run customize "$@"
grep -q '^root::1' "$root"/etc/shadow
rm -r "$root"
S
chmod 755 path/mmdebstrap
PATH=$PWD/path:$PATH prints 0 'start it: pome run lin' create --debian bookworm --disk-size 64M lin
cmp -s Image lin/vmlinuz && cmp -s ram lin/initrd.img && [ "$(stat -c %s lin/disk.img)" = 67108864 ] ||
	fail "create --debian made no copies"
PATH=$PATH:/usr/sbin:/sbin e2fsck -fn lin/disk.img >/dev/null 2>&1 || fail "create --debian: the disk's file system"
PATH=$PATH:/usr/sbin:/sbin debugfs -R 'cat /etc/hostname' lin/disk.img 2>/dev/null | grep -q debian || fail "create --debian: no host name"
[ -z "$(find lin -perm /022)" ] || fail "create --debian: others may write: $(ls -l lin)"
prints 0 'root=/dev/vda rw' inspect --command lin
rm -rf lin root.*
printf '#!/bin/sh\necho busy; exec sleep 60\n' >path/mmdebstrap
chmod 755 path/mmdebstrap
PATH=$PWD/path:$PATH timeout -s INT 1 "$pome" create --debian bookworm lin \
	>out 2>err
[ $? = 124 ] && grep -q 'interrupted' err && [ ! -e lin ] ||
	fail "create --debian, interrupted: $(cat err; ls lin)"
printf "#!/bin/bash\ntrap '' TERM INT; touch up; while :; do sleep 1; done\n" >path/mmdebstrap
PATH=$PWD/path:$PATH "$pome" create --debian bookworm lin >out 2>err &
for n in $(seq 600); do
	[ ! -e up ] || break
	sleep 0.1
done
kill -INT $!
sleep 1
kill -INT $!
wait $!
[ $? = 130 ] && grep -q 'interrupted' err && [ ! -e lin ] ||
	fail "create --debian, interrupted twice: $(cat err; ls lin)"
rm -f up
count=$((count + 1))
fails() { # WHAT-MMDEBSTRAP-SAYS MESSAGE
	printf '#!/bin/sh\nprintf "%s"; exit 1\n' "$1" >path/mmdebstrap
	count=$((count + 1))
	PATH=$PWD/path:$PATH "$pome" create --debian nosuch lin >out 2>err
	[ $? = 3 ] && grep -q "$2" err && [ ! -e lin ] ||
		fail "create --debian, failing: $(cat err)"
}
fails 'I: E: a\\nE: no such suite\\nE: apt failed\\nE: mmdebstrap failed to run\\n' 'failed: no such suite$'
fails 'I: busy\\nsegmentation fault\\n\\n' 'failed: segmentation fault$'
fails 'E: arm64 can neither be executed natively nor via qemu user emulation with binfmt_misc\\n' \
	'apt install qemu-user-static'
fails '' 'mmdebstrap failed: *$'
rm -rf path out err ram

for f in *; do
	case $f in
	Image|bigimage|cut|be|bz|zimg|elf86|elf32|zeros|xz|dtb|qcow.img|disk.img|zeros.qcow2|\
	backed.qcow2|backed.img|zip.img|\
	disk.bin|tiny.img|hugerom|text|empty|adir|fifo|noise|Image.gz|half.gz|\
	noread) ;;
	*) fail "left behind: $f" ;;
	esac
done

if [ "$fails" != 0 ]; then
	echo "cli.sh: $fails of $count failed" >&2
	exit 1
fi
echo "cli.sh: $count passed"
