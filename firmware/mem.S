/* mem.S: what compilers call. Unaligned accesses are made freely: nothing copies
 * bytes before the MMU is on. */
	.text
	.global memcpy, memmove, memset, memcmp, strlen
memmove:
	sub	x3, x0, x1
	cmp	x3, x2
	b.lo	backward                /* dst inside [src, src + n) */
memcpy:
	mov	x3, x0
	subs	x2, x2, #64
	b.lo	2f
1:	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	ldp	x8, x9, [x1, #32]
	ldp	x10, x11, [x1, #48]
	add	x1, x1, #64
	stp	x4, x5, [x3]
	stp	x6, x7, [x3, #16]
	stp	x8, x9, [x3, #32]
	stp	x10, x11, [x3, #48]
	add	x3, x3, #64
	subs	x2, x2, #64
	b.hs	1b
2:	add	x2, x2, #64
3:	subs	x2, x2, #8
	b.lo	4f
	ldr	x4, [x1], #8
	str	x4, [x3], #8
	b	3b
4:	adds	x2, x2, #8
	b.eq	6f
5:	ldrb	w4, [x1], #1
	strb	w4, [x3], #1
	subs	x2, x2, #1
	b.ne	5b
6:	ret
backward:
	add	x3, x0, x2
	add	x1, x1, x2
1:	subs	x2, x2, #8
	b.lo	2f
	ldr	x4, [x1, #-8]!
	str	x4, [x3, #-8]!
	b	1b
2:	adds	x2, x2, #8
	b.eq	4f
3:	ldrb	w4, [x1, #-1]!
	strb	w4, [x3, #-1]!
	subs	x2, x2, #1
	b.ne	3b
4:	ret

memset:
	and	x1, x1, #255
	mov	x4, #0x0101010101010101
	mul	x1, x1, x4
	mov	x3, x0
1:	subs	x2, x2, #16
	b.lo	2f
	stp	x1, x1, [x3], #16
	b	1b
2:	adds	x2, x2, #16
	b.eq	4f
3:	strb	w1, [x3], #1
	subs	x2, x2, #1
	b.ne	3b
4:	ret

memcmp:
	mov	x3, x0
	mov	w0, #0
1:	subs	x2, x2, #1
	b.lo	2f
	ldrb	w4, [x3], #1
	ldrb	w5, [x1], #1
	subs	w0, w4, w5
	b.eq	1b
2:	ret

strlen:
	mov	x1, x0
1:	ldrb	w2, [x1], #1
	cbnz	w2, 1b
	sub	x0, x1, x0
	sub	x0, x0, #1
	ret
