	.section .rodata.ballast, "a"
	.balign	16
	.global ballast, ballast_end
ballast:
	.incbin BALLAST, 0, 300 * 1024
ballast_end:
	.incbin BALLAST, 300 * 1024
