/* head.S: the start of a stage 1: a branch, and a literal by which a boot ROM
 * learns where the image wants to be. */
	.section .text.start, "ax"
stage1_head:
	b	_start
	.balign	8
	.quad	stage1_head
