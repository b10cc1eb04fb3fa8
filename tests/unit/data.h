/* data.h: a file of the repository inside the test program, so that it runs
 * anywhere. DATA(name, "path from the top of the tree") at file scope. */
#ifndef TEST_DATA_H
#define TEST_DATA_H

#define DATA(name, path) \
	__asm__(".pushsection .rodata\n" \
		".balign 16\n" \
		#name ":\n.incbin \"" path "\"\n" \
		#name "_end:\n.byte 0\n.popsection\n"); \
	extern const uint8_t name[], name##_end[]

#define DATA_SIZE(name) ((size_t)(name##_end - name))

/* Deterministic: the same cases every time. */
static inline uint32_t data_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

#endif
