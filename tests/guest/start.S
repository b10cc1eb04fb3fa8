/* start.S: entry, vectors and secondary entry of the test guests. */
	.section .text.start, "ax"
	.global _start
_start:
	msr	daifset, #15
	mov	x19, x0
	ldr	x1, =__bss_start
	ldr	x2, =__bss_end
1:	cmp	x1, x2
	b.hs	2f
	str	xzr, [x1], #8
	b	1b
2:	ldr	x1, =stacks + 16384
	mov	sp, x1
	mov	x0, #3 << 20
	msr	cpacr_el1, x0
	ldr	x0, =vectors
	msr	vbar_el1, x0
	isb
	mov	x0, x19
	bl	guest_main
	bl	guest_end
	b	.

/* x0 = index, from PSCI CPU_ON */
	.global secondary_start
secondary_start:
	mov	x19, x0
	mov	x0, #3 << 20
	msr	cpacr_el1, x0
	ldr	x0, =vectors
	msr	vbar_el1, x0
	isb
	ldr	x1, =stacks + 16384
	mov	x2, #16384
	madd	x1, x19, x2, x1
	mov	sp, x1
	mov	x0, x19
	bl	secondary_main
3:	wfi
	b	3b

/* Every vector: save everything in a struct trap on the stack, call
 * trap(struct trap *, kind), restore. From EL0 the same, on SP_EL1. */
	.macro	vector kind
	.balign 128
	sub	sp, sp, #288
	stp	x0, x1, [sp]
	mov	x1, #\kind
	b	trap_entry
	.endm

	.balign 2048
	.global vectors
vectors:
	.set	i, 0
	.rept	16
	vector	i
	.set	i, i + 1
	.endr

	.balign 128
trap_entry:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el1
	stp	x30, x2, [sp, #240]
	mrs	x2, spsr_el1
	mrs	x3, esr_el1
	stp	x2, x3, [sp, #256]
	mrs	x2, far_el1
	str	x2, [sp, #272]
	mov	x0, sp
	bl	trap
	ldp	x2, x3, [sp, #256]
	msr	spsr_el1, x2
	ldp	x30, x2, [sp, #240]
	msr	elr_el1, x2
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldp	x0, x1, [sp]
	add	sp, sp, #288
	eret

/* run_el0(pc, sp, x0): enters EL0 with interrupts as SPSR 0 has them; comes
 * back by leave_el0 from a trap. Returns what leave_el0 was given.
 * run_spsr(pc, sp, x0, spsr): the same with any SPSR; sp is SP_EL0. */
	.global run_el0, run_spsr
run_el0:
	mov	x3, #0
run_spsr:
	stp	x29, x30, [sp, #-112]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	ldr	x5, =el0_frame
	mov	x4, sp
	str	x4, [x5]
	msr	elr_el1, x0
	msr	sp_el0, x1
	msr	spsr_el1, x3
	mov	x0, x2
	eret
	.global leave_el0
leave_el0:
	ldr	x3, =el0_frame
	ldr	x4, [x3]
	mov	sp, x4
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #112
	ret

	.bss
	.balign 16
el0_frame: .skip 16
	.global stacks
stacks:	.skip 16384 * 33
