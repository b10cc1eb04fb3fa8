#!/bin/bash
# run.sh - qcow2 images of pome against Debian's qemu-img and qemu-io.
#
#   run.sh Q2 [--rounds N] [--seed N] [PART...]
#
# Parts: shapes (random requests on images of every shape), turns (pome and qemu-io write by turns, with snapshots and
# compressed clusters), backing, ephemeral, dirty (repair), crash (cut after every write), power (some sectors since the
# last barrier are lost), locks, refuse. Needs qemu-utils.
set -u
q2=$(realpath "$1")
shift
rounds=1 seed=1 parts=
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2; shift 2 ;;
	--seed) seed=$2; shift 2 ;;
	*) parts="$parts $1"; shift ;;
	esac
done
parts=${parts:-shapes turns backing ephemeral dirty crash power locks refuse}
command -v qemu-io >/dev/null || { echo "qcow2-tests: skipped: qemu-io is not installed (qemu-utils)"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0

ok() { # name, command...
	local name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok   $name"
	else
		failed=$((failed + 1))
		echo "FAIL $name"
		tail -n 8 "$work/out" | sed 's/^/     /'
	fi
}

fails() { # text, command...
	local text=$1 status
	shift
	"$@"
	status=$?
	[ $status = 1 ] || return 1
	grep -q -- "$text" "$work/out"
}

img() { qemu-img "$@"; }
check() { # leaks are no error here, qemu-img says 3
	img check "$1"
	[ $? = 0 ] || [ $? = 3 ]
}
exact() { img check "$1"; }             # no leaks either
fresh() { # name size options
	rm -f "$1.qcow2" "$1.raw"
	img create -q -f qcow2 ${3:+-o "$3"} "$1.qcow2" "$2" && truncate -s "$2" "$1.raw"
}
both() { img compare -f qcow2 -F raw "$1.qcow2" "$1.raw"; }

# ---- shapes --------------------------------------------------------------------------------------------------------
shape() { # size options n
	fresh a "$1" "$2" && "$q2" ops a.qcow2 a.raw "$seed" "$3" && exact a.qcow2 && both a &&
		"$q2" ops a.qcow2 a.raw $((seed + 1)) "$3" && exact a.qcow2 && both a
}
shapes() {
	local c r
	for c in 512 4k 64k 2M; do
		for r in 1 2 4 8 16 32 64; do
			ok "shape: clusters of $c, counts of $r bits" shape 24M "cluster_size=$c,refcount_bits=$r" 600
		done
	done
	ok "shape: version 2" shape 32M compat=0.10 800
	ok "shape: version 2, clusters of 512" shape 8M compat=0.10,cluster_size=512 800
	ok "shape: odd size" shape 20971008 cluster_size=2M 500
	ok "shape: metadata preallocated" shape 32M preallocation=metadata 500
	ok "shape: lazy counts" shape 32M lazy_refcounts=on 500
}

# ---- by turns --------------------------------------------------------------------------------------------------------
# The same random writes by qemu-io to the image and to the shadow.
theirs() { # name size-in-sectors n cluster
	local i off len p k
	: >q.cmd
	: >r.cmd
	: >d.cmd
	: >c.cmd
	for ((i = 0; i < $3; i++)); do
		off=$(((RANDOM * 32768 + RANDOM) % ($2 - 1024) * 512))
		len=$(((RANDOM % 1024 + 1) * 512))
		p=$((RANDOM % 255 + 1))
		k=$((RANDOM % 10))
		if [ $k -lt 5 ]; then
			echo "write -q -P $p $off $len" | tee -a q.cmd >>r.cmd
		elif [ $k -lt 6 ]; then
			echo "write -q -z $off $len" | tee -a q.cmd >>r.cmd
		elif [ $k -lt 7 ]; then
			echo "write -q -z -u $off $len" | tee -a q.cmd >>r.cmd
		else
			off=$((off / $4 * $4))
			echo "discard -q $off $4" >>q.cmd
			echo "write -q -z $off $4" >>r.cmd
		fi
	done
	# Each compressed cluster once, and freed in an earlier session: it cannot compress over what is there, and QEMU 7.2
	# corrupts an image where a compressed cluster is freed and another one is written in one session.
	for ((i = 0; i < 4; i++)); do
		off=$((($i * $2 * 512 / 4 + RANDOM % 64 * $4) / $4 * $4))
		[ $((off + $4)) -le $(($2 * 512)) ] || continue
		grep -q " $off " c.cmd && continue
		echo "discard -q $off $4" >>d.cmd
		echo "write -q -c -P 7 $off $4 " >>c.cmd
		echo "write -q -P 7 $off $4" >>r.cmd
	done
	qemu-io -f qcow2 -d unmap "$1.qcow2" <q.cmd && qemu-io -f qcow2 -d unmap "$1.qcow2" <d.cmd &&
		qemu-io -f qcow2 "$1.qcow2" <c.cmd && qemu-io -f raw "$1.raw" <r.cmd
} >/dev/null
turn() { # options cluster
	local i
	RANDOM=$seed
	fresh t 16M "$1" || return 1
	for i in 1 2 3 4; do
		theirs t 32768 60 "$2" && "$q2" same t.qcow2 t.raw &&
			"$q2" ops t.qcow2 t.raw $((seed + i)) 200 && exact t.qcow2 && both t || return 1
		img snapshot -c "s$i" t.qcow2 && cp t.raw "s$i.raw" || return 1
	done
	for i in 1 2 3 4; do
		img convert -f qcow2 -l "s$i" -O raw t.qcow2 s.out && cmp s.out "s$i.raw" || return 1
	done
	img snapshot -a s2 t.qcow2 && "$q2" same t.qcow2 s2.raw && cp s2.raw t.raw &&
		"$q2" ops t.qcow2 t.raw "$seed" 300 && exact t.qcow2 && both t &&
		img convert -f qcow2 -l s2 -O raw t.qcow2 s.out && cmp s.out s2.raw
}
packed() { # options: the whole image compressed, then written over
	fresh p 24M && "$q2" ops p.qcow2 p.raw "$seed" 300 &&
		img convert -c -O qcow2 ${1:+-o "$1"} p.qcow2 c.qcow2 && mv c.qcow2 p.qcow2 && "$q2" same p.qcow2 p.raw &&
		"$q2" ops p.qcow2 p.raw "$seed" 300 && exact p.qcow2 && both p
}
turns() {
	ok "turns: default shape" turn "" 65536
	ok "turns: clusters of 512" turn cluster_size=512 512
	ok "turns: clusters of 2 MiB, zstd" turn cluster_size=2M,compression_type=zstd 2097152
	ok "turns: zstd, counts of 64 bits" turn compression_type=zstd,refcount_bits=64 65536
	ok "turns: counts of 4 bits, clusters of 4 KiB" turn refcount_bits=4,cluster_size=4k 4096
	ok "turns: lazy counts" turn lazy_refcounts=on 65536
	ok "compressed: deflate" packed ""
	ok "compressed: zstd" packed compression_type=zstd
	ok "compressed: deflate, clusters of 4 KiB" packed cluster_size=4k
	ok "compressed: zstd, clusters of 2 MiB" packed compression_type=zstd,cluster_size=2M
	ok "compressed: version 2" packed compat=0.10
}

# ---- backing files -----------------------------------------------------------------------------------------------------
below() { # options of the upper image, format of the lower, size
	rm -rf b && mkdir -p b/sub && fresh low 10M && "$q2" ops low.qcow2 low.raw "$seed" 150 || return 1
	cp low.raw up.raw && truncate -s 16M up.raw
	if [ "$2" = raw ]; then cp low.raw b/low.img; else cp low.qcow2 b/low.img; fi
	(cd b/sub && img create -q -f qcow2 ${1:+-o "$1"} -b ../low.img -F "$2" up.qcow2 16M) || return 1
	before=$(sha256sum <b/low.img)
	"$q2" same b/sub/up.qcow2 up.raw backing folder=b && "$q2" ops b/sub/up.qcow2 up.raw "$seed" 300 backing folder=b &&
		(cd b/sub && exact up.qcow2) && img compare -f qcow2 -F raw b/sub/up.qcow2 up.raw &&
		[ "$before" = "$(sha256sum <b/low.img)" ]
}
backing() {
	ok "backing: raw" below "" raw
	ok "backing: qcow2" below "" qcow2
	ok "backing: qcow2, clusters of 512" below cluster_size=512 qcow2
	ok "backing: raw below version 2" below compat=0.10 raw
	ok "backing: not without --allow-backing" fails "allow-backing" "$q2" same b/sub/up.qcow2 up.raw
	ok "backing: not beyond the folder" fails "leads out" "$q2" same b/sub/up.qcow2 up.raw backing
	(cd b && img create -q -f qcow2 -b "$PWD/low.img" -F raw abs.qcow2 16M && cp low.img low2.img)
	ok "backing: an absolute name beneath the folder" "$q2" hold b/abs.qcow2 backing folder=b </dev/null
	ok "backing: an absolute name elsewhere" fails "is not beneath" "$q2" hold b/abs.qcow2 backing folder=b/sub </dev/null
	img create -q -f qcow2 -u -b /etc/passwd -F raw b/evil.qcow2 16M
	ok "backing: /etc/passwd" fails "is not beneath" "$q2" hold b/evil.qcow2 backing </dev/null
	ln -s /etc/passwd b/link.img
	img create -q -f qcow2 -u -b link.img -F raw b/evil.qcow2 16M
	ok "backing: a link that leads out" fails "leads out" "$q2" hold b/evil.qcow2 backing </dev/null
	img create -q -f qcow2 -u -b evil.qcow2 -F qcow2 b/evil.qcow2 16M
	ok "backing: itself" fails "a loop" "$q2" hold b/evil.qcow2 backing </dev/null
	ok "backing: itself, read-only" fails "a loop" "$q2" hold b/evil.qcow2 backing readonly </dev/null
	img create -q -f qcow2 -u -b nbd://localhost/x -F raw b/evil.qcow2 16M
	ok "backing: a network address" fails "no plain file" "$q2" hold b/evil.qcow2 backing </dev/null
	mkfifo b/fifo.img
	img create -q -f qcow2 -u -b fifo.img -F raw b/evil.qcow2 16M
	ok "backing: a FIFO" fails "regular file" timeout 5 "$q2" hold b/evil.qcow2 backing </dev/null
}

# ---- ephemeral ------------------------------------------------------------------------------------------------------------
unchanged() { # image options...
	local before shadow=e.raw
	before=$(sha256sum <"$1"; stat -c '%s %Y %b' "$1")
	cp "$2" e.raw
	"$q2" ops "$1" e.raw "$seed" 400 "$3" ephemeral && [ "$before" = "$(sha256sum <"$1"; stat -c '%s %Y %b' "$1")" ]
}
ephemeral() {
	fresh e0 16M && "$q2" ops e0.qcow2 e0.raw "$seed" 200 >/dev/null
	ok "ephemeral: qcow2 unchanged" unchanged e0.qcow2 e0.raw qcow2
	cp e0.raw e1.raw
	ok "ephemeral: raw unchanged" unchanged e1.raw e0.raw raw
	chmod 444 e0.qcow2
	ok "ephemeral: a file nobody may write" unchanged e0.qcow2 e0.raw qcow2
}

# ---- repair ----------------------------------------------------------------------------------------------------------------
dirtied() { # options
	fresh d 32M "lazy_refcounts=on,$1" && "$q2" ops d.qcow2 d.raw "$seed" 200 && img snapshot -c one d.qcow2 &&
		cp d.raw one.raw || return 1
	: >d.cmd
	for i in 1 2 3 4 5 6 7 8 9; do
		off=$((RANDOM % 60000 * 512))
		echo "write -q -P $i $off 40960" >>d.cmd
		qemu-io -f raw -c "write -q -P $i $off 40960" d.raw || return 1
	done
	(cat d.cmd; echo flush; echo abort) | qemu-io -f qcow2 d.qcow2 >/dev/null 2>&1
	img info d.qcow2 | grep -q 'dirty\|lazy' || return 1
	[ "$(od -An -tx1 -j79 -N1 d.qcow2)" = " 01" ] || { echo "qemu-io left no dirty image"; return 1; }
	"$q2" same d.qcow2 d.raw readonly && [ "$(od -An -tx1 -j79 -N1 d.qcow2)" = " 01" ] || return 1
	"$q2" hold d.qcow2 </dev/null && [ "$(od -An -tx1 -j79 -N1 d.qcow2)" = " 00" ] && exact d.qcow2 && both d &&
		"$q2" ops d.qcow2 d.raw "$seed" 200 && exact d.qcow2 && both d &&
		img convert -f qcow2 -l one -O raw d.qcow2 s.out && cmp s.out one.raw
}
# All counts are gone: the worst that a dirty image can be.
uncounted() { # options
	fresh u 32M "$1" && "$q2" ops u.qcow2 u.raw "$seed" 300 || return 1
	python3 - u.qcow2 <<'P' || return 1
import struct, sys
f = open(sys.argv[1], "r+b")
h = f.read(104)
cluster, (off, n) = 1 << struct.unpack(">I", h[20:24])[0], struct.unpack(">QI", h[48:60])
f.seek(off)
for b in struct.unpack(">%dQ" % (n * cluster // 8), f.read(n * cluster)):
    if b:
        f.seek(b)
        f.write(bytes(cluster))
f.seek(72)
f.write(struct.pack(">Q", struct.unpack(">Q", h[72:80])[0] | 1))
P
	"$q2" hold u.qcow2 </dev/null && exact u.qcow2 && both u && "$q2" ops u.qcow2 u.raw "$seed" 200 && exact u.qcow2 && both u
}
dirty() {
	RANDOM=$seed
	ok "dirty: left by qemu-io" dirtied cluster_size=64k
	ok "dirty: clusters of 512, counts of 8 bits" dirtied cluster_size=512,refcount_bits=8
	ok "dirty: clusters of 2 MiB" dirtied cluster_size=2M
	for c in 512 4k 64k 2M; do
		for r in 1 16 64; do
			ok "dirty: no counts at all, clusters of $c, counts of $r bits" uncounted "cluster_size=$c,refcount_bits=$r"
		done
	done
}

# ---- crashes ---------------------------------------------------------------------------------------------------------------
crashed() { # every mode options n
	fresh k 4M "$3" && cp k.qcow2 base.qcow2 || return 1
	"$q2" record k.qcow2 "$seed" "$4" k.log && exact k.qcow2 || return 1
	cp base.qcow2 cut.qcow2
	"$q2" cut cut.qcow2 k.log 'qemu-img check -q "$IMAGE" >check.out 2>&1; s=$?; [ $s = 0 ] || [ $s = 3 ] || { cat check.out >&2; false; }' \
		"$1" $2
}
snapped() { # the same on top of a snapshot and compressed clusters
	fresh k 4M "$2" && "$q2" ops k.qcow2 k.raw "$seed" 40 && img convert -c -O qcow2 ${2:+-o "$2"} k.qcow2 c.qcow2 && mv c.qcow2 k.qcow2 &&
		img snapshot -c one k.qcow2 && qemu-io -f qcow2 -c 'write -q -z 0 4M' k.qcow2 && img snapshot -c two k.qcow2 &&
		cp k.qcow2 base.qcow2 || return 1
	"$q2" record k.qcow2 "$seed" 60 k.log && exact k.qcow2 || return 1
	cp base.qcow2 cut.qcow2
	"$q2" cut cut.qcow2 k.log 'qemu-img check -q "$IMAGE" >check.out 2>&1; s=$?; [ $s = 0 ] || [ $s = 3 ] || { cat check.out >&2; false; }' \
		1 $1 && img convert -f qcow2 -l one -O raw cut.qcow2 s.out && cmp s.out k.raw
}
crash() {
	ok "crash: after every write" crashed 1 "" "" 120
	ok "crash: clusters of 512 (the refcount table grows)" crashed 3 "" cluster_size=512 60
	ok "crash: clusters of 512, counts of 64 bits" crashed 3 "" cluster_size=512,refcount_bits=64 60
	ok "crash: version 2" crashed 1 "" compat=0.10 80
	ok "crash: with snapshots" snapped "" ""
	ok "crash: with snapshots, clusters of 4 KiB" snapped "" cluster_size=4k
}
power() {
	ok "power: some sectors lost" crashed 1 "power $seed" "" 120
	ok "power: clusters of 512" crashed 3 "power $seed" cluster_size=512 60
	ok "power: clusters of 512, counts of 64 bits" crashed 3 "power $seed" cluster_size=512,refcount_bits=64 60
	ok "power: clusters of 4 KiB" crashed 1 "power $seed" cluster_size=4k 80
	ok "power: with snapshots" snapped "power $seed" ""
}

# ---- locks -----------------------------------------------------------------------------------------------------------------
held() { # options of the holder, options of the other, text or ""
	local pid status
	mkfifo hold.in 2>/dev/null
	"$q2" hold l.qcow2 $1 <hold.in >hold.out 2>&1 &
	pid=$!
	exec 9>hold.in
	while ! grep -q open hold.out; do sleep 0.05; done
	"$q2" hold l.qcow2 $2 </dev/null >"$work/out" 2>&1
	status=$?
	exec 9>&-
	wait $pid
	if [ -z "$3" ]; then [ $status = 0 ]; else [ $status = 1 ] && grep -q "process $pid (q2)" "$work/out"; fi
}
by_qemu() {
	qemu-nbd -f qcow2 -k "$work/nbd" l.qcow2 &
	pid=$!
	while ! [ -S "$work/nbd" ]; do sleep 0.05; done
	"$q2" hold l.qcow2 </dev/null >"$work/out" 2>&1
	status=$?
	kill $pid
	wait $pid
	[ $status = 1 ] && grep -q "process $pid (qemu-nbd)" "$work/out"
}
to_qemu() {
	mkfifo hold.in 2>/dev/null
	"$q2" hold l.qcow2 <hold.in >hold.out 2>&1 &
	pid=$!
	exec 9>hold.in
	while ! grep -q open hold.out; do sleep 0.05; done
	qemu-io -f qcow2 -c 'write 0 512' l.qcow2 >"$work/out" 2>&1
	status=$?
	exec 9>&-
	wait $pid
	[ $status = 1 ] && grep -q lock "$work/out"
}
locks() {
	fresh l 16M
	ok "locks: two writers" held "" "" no
	ok "locks: a writer, then a reader" held "" readonly no
	ok "locks: a reader, then a writer" held readonly "" no
	ok "locks: a writer, then ephemeral" held "" ephemeral no
	ok "locks: two readers" held readonly readonly ""
	ok "locks: two ephemeral" held ephemeral ephemeral ""
	ok "locks: QEMU has it" by_qemu
	ok "locks: QEMU wants it" to_qemu
}

# ---- refusals -----------------------------------------------------------------------------------------------------------------
refused() { # text command-that-makes-x.qcow2...
	local text=$1
	shift
	rm -f x.qcow2
	"$@" >/dev/null || return 1
	fails "$text" "$q2" hold x.qcow2 readonly </dev/null
}
mark() { # offset byte
	img create -q -f qcow2 x.qcow2 8M
	printf "\\x$2" | dd of=x.qcow2 bs=1 seek="$1" conv=notrunc 2>/dev/null
}
refuse() {
	ok "refuse: external data file" refused "external data" img create -q -f qcow2 -o data_file=x.data x.qcow2 8M
	ok "refuse: extended L2" refused "subclusters" img create -q -f qcow2 -o extended_l2=on,cluster_size=128k x.qcow2 8M
	ok "refuse: LUKS" refused "encrypted (LUKS)" mark 35 02
	ok "refuse: marked as corrupt" refused "marked as corrupt" mark 79 02
	ok "refuse: an unknown feature" refused "one without a name (bit 40)" mark 74 01
	ok "refuse: a raw file" refused "not a qcow2 image" truncate -s 8M x.qcow2
	cut_off() { img create -q -f qcow2 x.qcow2 8M && truncate -s 100k x.qcow2; }
	ok "refuse: a file cut off" refused "broken copy" cut_off
}

for ((i = 0; i < rounds; i++)); do
	for p in $parts; do
		$p
	done
	seed=$((seed + 100))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
