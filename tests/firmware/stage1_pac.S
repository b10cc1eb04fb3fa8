/* stage1_pac.S: pointer authentication, an instruction a function; the C
 * compiler is told of a CPU without it. See stage1.h. */
	.arch	armv8.3-a
	.text

	.macro	key name
	.global	pac_\name
pac_\name:
	pac\name x0, x1
	ret
	.global	aut_\name
aut_\name:
	aut\name x0, x1
	ret
	.endm

	key	ia
	key	ib
	key	da
	key	db

	.global	pac_strip
pac_strip:
	xpaci	x0
	ret

	.global	pac_generic
pac_generic:
	pacga	x0, x0, x1
	ret

	.global	pac_call
pac_call:
	paciasp
	stp	x29, x30, [sp, #-16]!
	pacia	x0, x1
	blraa	x0, x1
	ldp	x29, x30, [sp], #16
	retaa

	.global	pac_load
pac_load:
	pacdza	x0
	ldraa	x0, [x0]
	ret
