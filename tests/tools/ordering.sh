#!/bin/bash
# ordering.sh - do the handlers of ordered accesses in an aarch64 build have the host's own instructions for them?
#
#   ordering.sh POME [OBJDUMP]
#
# The litmus guest cannot tell under qemu-user: the host there is x86-64, which reorders nothing that these are for. What the
# compiler made of them is plain to see. A dispatch reads its record by one LDAR, so a load of the guest's is the second.
set -u
pome=$1 objdump=${2:-aarch64-linux-gnu-objdump}
failed=0
want() { # HANDLER COUNT REGEX
	local n
	n=$("$objdump" -d --no-show-raw-insn "--disassemble=op_$1" "$pome" 2>/dev/null | grep -cE "[[:space:]]($3)")
	if [ "$n" -ge "$2" ]; then
		echo "ok   op_$1: $n of $3"
	else
		echo "FAIL op_$1: $n of $3, not $2"
		failed=1
	fi
}
for s in b h w x; do
	want ldar_$s 2 'ldar|ldapr'
	want ldapr_$s 2 'ldar|ldapr'
	want stlr_$s 1 'stlr'
	want ldadd_${s}_o 1 'ldaddal|bl[[:space:]].*__aarch64_ldadd._acq_rel|ldaxr'
	want swp_${s}_o 1 'swpal|bl[[:space:]].*__aarch64_swp._acq_rel|ldaxr'
	want cas_${s}_o 1 'casal|bl[[:space:]].*__aarch64_cas._acq_rel|ldaxr'
	want stxr_${s}_o 1 'casal|bl[[:space:]].*__aarch64_cas._acq_rel|ldaxr'
	want ldxr_${s}_o 2 'ldar|ldapr'
done
want dmb_full 1 'dmb[[:space:]]+(ish|sy)$'
want dmb_ld 1 'dmb[[:space:]]+(ishld|ld|ish|sy)$'
want dmb_st 1 'dmb[[:space:]]+(ishst|st|ish|sy)$'
want dsb 1 'dmb[[:space:]]+(ish|sy)$|dsb'
exit $failed
