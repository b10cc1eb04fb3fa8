/* start.S: the boot ROM's entry, its vectors, and its way out. EL1, MMU off;
 * nothing is passed in (spec/vmapple.md section 1.3). */
	.section .text.start, "ax"
	.global _start
_start:
	b	start
	.balign 64
	.asciz	"pome boot ROM"
	.balign 64

start:
	msr	daifset, #15
	adrp	x1, bss_start
	add	x1, x1, :lo12:bss_start
	adrp	x2, bss_end
	add	x2, x2, :lo12:bss_end
1:	cmp	x1, x2
	b.hs	2f
	stp	xzr, xzr, [x1], #16
	b	1b
2:	adrp	x1, stack_top
	mov	sp, x1
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	mov	x0, #3 << 20
	msr	cpacr_el1, x0
	isb
	mov	x29, xzr
	mov	x30, xzr
	bl	rom_main
	b	.

/* void restart(void (*fn)(void)): fn on a fresh stack. */
	.text
	.global restart
restart:
	adrp	x1, stack_top
	mov	sp, x1
	mov	x29, xzr
	mov	x30, xzr
	blr	x0
	b	.

/* Exceptions: registers to the stack, fault(frame, vector); it returns where a
 * probe waits for the fault, with frame->pc moved. */
	.macro	vector kind
	.balign 128
	sub	sp, sp, #288
	stp	x0, x1, [sp]
	mov	x1, #\kind
	b	take
	.endm

	.balign 2048
vectors:
	.set	i, 0
	.rept	16
	vector	i
	.set	i, i + 1
	.endr

take:
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
	add	x2, sp, #288
	stp	x30, x2, [sp, #240]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #256]
	mov	x0, sp
	bl	fault
	ldp	x2, x3, [sp, #256]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldr	x18, [sp, #144]
	ldr	x30, [sp, #240]
	ldp	x0, x1, [sp]
	add	sp, sp, #288
	eret

/* int probe_load(address, size, uint64_t *val): 0, or -1 where nothing answers
 * (a hole of QEMU's machine takes an abort). The fault goes to probe_failed. */
	.global probe_load
probe_load:
	mov	x3, x0
	mov	x0, xzr
	.global probe_begin
probe_begin:
	cmp	x1, #8
	b.eq	8f
	cmp	x1, #4
	b.eq	4f
	cmp	x1, #2
	b.eq	2f
	ldrb	w4, [x3]
	b	1f
2:	ldrh	w4, [x3]
	b	1f
4:	ldr	w4, [x3]
	b	1f
8:	ldr	x4, [x3]
1:	dsb	sy
	.global probe_end
probe_end:
	str	x4, [x2]
	ret
	.global probe_failed
probe_failed:
	mov	x0, #-1
	ret

/* int probe_store(address, size, val) */
	.global probe_store
probe_store:
	mov	x3, x0
	mov	x0, xzr
	.global probe_store_begin
probe_store_begin:
	cmp	x1, #8
	b.eq	8f
	cmp	x1, #4
	b.eq	4f
	cmp	x1, #2
	b.eq	2f
	strb	w2, [x3]
	b	1f
2:	strh	w2, [x3]
	b	1f
4:	str	w2, [x3]
	b	1f
8:	str	x2, [x3]
1:	dsb	sy
	.global probe_store_end
probe_store_end:
	ret

/* void leave(entry, x0, x1, x2, x3): MMU and caches off, interrupts masked, all
 * registers 0 but those given. The caller has cleaned what the next stage reads.
 * Does not return, uses no memory. */
	.global leave
leave:
	msr	daifset, #15
	mov	x30, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	dsb	sy
	mrs	x5, sctlr_el1
	mov	x6, #0x1005             /* M, C, I */
	bic	x5, x5, x6
	msr	sctlr_el1, x5
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	sy
	isb
	msr	ttbr0_el1, xzr
	msr	vbar_el1, xzr
	msr	cntkctl_el1, xzr
	mov	x4, xzr
	mov	sp, x4
	.irp	n, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	mov	x\n, xzr
	.endr
	isb
	br	x30
