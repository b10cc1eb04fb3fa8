/* debug_host.c: the debugger's breakpoints and watchpoints; debug.h.
 *
 * They change only while every CPU is parked. Addresses are compared without
 * the byte that may be a tag. */
#include "debug.h"
#include "except.h"

#define VA_MASK ((1ull << 56) - 1)

/* Do va..va+len-1 and the point's bytes meet, and where first? */
static bool meets(const struct vm_point *p, uint64_t va, uint64_t len,
		  uint64_t *at)
{
	uint64_t a = va & VA_MASK, b = p->addr & VA_MASK;

	if (a < b ? b - a >= len : a - b >= p->len)
		return false;
	*at = va + (a < b ? b - a : 0);
	return true;
}

uint32_t debug_host_ctx(const struct cpu *c, uint64_t page)
{
	const struct vm *vm = c->in->vm;
	uint64_t at;

	if (LIKELY(!c->in->breaks))
		return 0;
	for (unsigned i = 0; i < vm->npoints; i++)
		if (vm->point[i].kind == POINT_BREAK &&
		    meets(&vm->point[i], page, REC_PAGE, &at))
			return CTX_STEP;
	return 0;
}

bool debug_host_break(struct cpu *c, uint64_t pc)
{
	const struct vm *vm = c->in->vm;

	for (unsigned i = 0; i < vm->npoints; i++) {
		if (vm->point[i].kind != POINT_BREAK ||
		    (vm->point[i].addr ^ pc) & VA_MASK)
			continue;
		c->vcpu->stop = (struct vcpu_stop){ STOP_BREAK, POINT_BREAK,
						    pc };
		return true;
	}
	return false;
}

bool debug_host_watched(const struct cpu *c, uint64_t va, uint64_t len)
{
	const struct vm *vm = c->in->vm;
	uint64_t at;

	for (unsigned i = 0; i < vm->npoints; i++)
		if (vm->point[i].kind != POINT_BREAK &&
		    meets(&vm->point[i], va, len, &at))
			return true;
	return false;
}

bool debug_host_watch(struct cpu *c, uint64_t va, unsigned size,
		      enum mmu_access acc, unsigned flags)
{
	const struct vm *vm = c->in->vm;
	unsigned kinds = acc == ACC_WRITE ? POINT_WRITE : POINT_READ;
	uint64_t at;

	if (flags & MEM_ATOMIC)
		kinds = POINT_ACCESS;
	for (unsigned i = 0; i < vm->npoints; i++) {
		const struct vm_point *p = &vm->point[i];

		if (!(p->kind & kinds) || !meets(p, va, size, &at))
			continue;
		c->vcpu->stop = (struct vcpu_stop){ STOP_WATCH, p->kind, at };
		return exc_raise(c, EXC_DEBUGGER);
	}
	return true;
}

int debug_host_points(struct vm *vm, struct err *e)
{
	struct interp *in = vm->priv;

	in->breaks = in->watches = false;
	for (unsigned i = 0; i < vm->npoints; i++) {
		if (vm->point[i].kind == POINT_BREAK)
			in->breaks = true;
		else
			in->watches = true;
	}
	for (unsigned i = 0; i < in->ncpus; i++)
		if (in->cpu[i])
			mmu_flush_inline(in->cpu[i]);
	return 0;
}
