/* kernel.S: entry of the test kernel: x0 = boot_args. bss is not cleared here:
 * whoever loads it must have. */
	.section .text.start, "ax"
	.global _start
	.balign	4096
_start:
	msr	daifset, #15
	adrp	x1, stack_top
	add	x1, x1, :lo12:stack_top
	mov	sp, x1
	adr	x1, _start
	bl	kernel_main
	b	.

	.global hvc
hvc:	hvc	#0
	ret

	.bss
	.balign	16
	.skip	16384
stack_top:
	.data
	.balign 8
	.global marker
marker:	.quad	0x6b636568636b6e75
