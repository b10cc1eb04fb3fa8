/* kvm_debug.c: breakpoints, watchpoints and steps of the debugger's under KVM.
 *
 * KVM_SET_GUEST_DEBUG gives the host's debug registers to the debugger while it
 * has any point; the guest's own wait meanwhile. Values: Arm ARM D2.9, D2.10.
 * A CPU's setting is made by its own thread, the only one that may. */
#include <errno.h>
#include <string.h>

#include "accel.h"
#include "as.h"
#include "kvm.h"

/* E; PMC or PAC: EL1 and EL0; breakpoints: all four bytes of an instruction */
#define BCR_ON (1u | 3u << 1 | 15u << 5)
#define WCR_ON (1u | 3u << 1)
#define MOST 16                         /* of a kind: room in KVM's struct */
#define EC(hsr) ((hsr) >> 26 & 63)
enum { EC_BREAK = 0x30, EC_STEP = 0x32, EC_WATCH = 0x34 };

struct regs {
	uint64_t bvr[MOST], wvr[MOST], wcr[MOST];
	unsigned nb, nw;
};

/* One register holds bytes of one doubleword, or an aligned power of two. */
static uint64_t watch_piece(uint64_t addr, uint64_t len, uint64_t *wcr)
{
	uint64_t n = 8 - (addr & 7);
	unsigned shift = 4;

	if (len < 16 || addr & 15) {
		if (n > len)
			n = len;
		*wcr = (((1u << n) - 1) << (addr & 7)) << 5;
		return n;
	}
	while (shift < 31 && 2ull << shift <= len &&
	       !(addr & ((2ull << shift) - 1)))
		shift++;
	*wcr = 0xffu << 5 | (uint64_t)shift << 24;
	return 1ull << shift;
}

/* The registers that the points need; false: more than there can be. */
static bool fill(const struct vm *vm, struct regs *r)
{
	r->nb = r->nw = 0;
	for (unsigned i = 0; i < vm->npoints; i++) {
		const struct vm_point *p = &vm->point[i];
		uint64_t at = p->addr, left = p->len;

		if (p->kind == POINT_BREAK) {
			if (r->nb == MOST)
				return false;
			r->bvr[r->nb++] = at & ~3ull;
			continue;
		}
		while (left) {
			uint64_t wcr, n = watch_piece(at, left, &wcr);

			if (r->nw == MOST)
				return false;
			/* LSC: 1 loads, 2 stores */
			wcr |= (p->kind & POINT_WRITE ? 2u << 3 : 0) |
			       (p->kind & POINT_READ ? 1u << 3 : 0);
			r->wvr[r->nw] = at & ~7ull;
			r->wcr[r->nw++] = wcr | WCR_ON;
			at += n;
			left -= n;
		}
	}
	return true;
}

int kvm_debug(struct vm *vm, struct err *e)
{
	struct kvm *k = vm->priv;
	struct regs r;

	if (!k->has_debug)
		return err_set(e, 0, "this host's KVM has no debugging");
	if (!fill(vm, &r) || r.nb > k->hw_breaks || r.nw > k->hw_watches)
		return err_set(e, 0, "this host has %u breakpoints and %u "
			       "watchpoints (of 8 bytes, or of an aligned power "
			       "of two)", k->hw_breaks, k->hw_watches);
	k->debug_gen++;
	return 0;
}

int kvm_debug_apply(struct kvm_cpu *c, bool step)
{
	struct kvm *k = c->k;
	struct kvm_guest_debug d = { .control = 0 };
	struct regs r;

	if (c->debug_gen == k->debug_gen && c->stepping == step)
		return 0;
	if (!k->has_debug)
		return step ? (errno = ENOTSUP, -1) : 0;
	if (!fill(k->vm, &r))
		return -1;
	/* one would stop the step that leaves it */
	if (step)
		r.nb = 0;
	for (unsigned i = 0; i < r.nb; i++) {
		d.arch.dbg_bvr[i] = r.bvr[i];
		d.arch.dbg_bcr[i] = BCR_ON;
	}
	memcpy(d.arch.dbg_wvr, r.wvr, r.nw * sizeof(r.wvr[0]));
	memcpy(d.arch.dbg_wcr, r.wcr, r.nw * sizeof(r.wcr[0]));
	if (step)
		d.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	if (r.nb || r.nw)
		d.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
	if (kvm_ioctl(c->fd, KVM_SET_GUEST_DEBUG, &d))
		return -1;
	c->debug_gen = k->debug_gen;
	c->stepping = step;
	return 0;
}

/* FAR is somewhere in the access, near the watched bytes. */
static void watched(const struct vm *vm, uint64_t far, struct vcpu_stop *stop)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < vm->npoints; i++) {
		const struct vm_point *p = &vm->point[i];
		uint64_t off = far - p->addr;
		uint64_t away = off < p->len ? 0 : -off < off ? -off : off;

		if (p->kind == POINT_BREAK || away >= best)
			continue;
		best = away;
		stop->point = p->kind;
		stop->addr = away ? p->addr : far;
	}
}

void kvm_debug_exit(struct kvm_cpu *c)
{
	const struct kvm_debug_exit_arch *x = &c->run->debug.arch;
	struct vcpu_stop *stop = &c->v->stop;

	*stop = (struct vcpu_stop){ STOP_STEP, 0, 0 };
	switch (EC(x->hsr)) {
	case EC_BREAK:
		stop->kind = STOP_BREAK;
		kvm_get_pc(c, &stop->addr);
		break;
	case EC_WATCH:
		stop->kind = STOP_WATCH;
		watched(c->k->vm, x->far, stop);
		break;
	}
}

int kvm_cpu_reg(struct vcpu *v, uint64_t id, bool set, void *val)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)val };
	struct kvm_cpu *c = v->priv;

	return kvm_ioctl(c->fd, set ? KVM_SET_ONE_REG : KVM_GET_ONE_REG, &r);
}

int kvm_translate(struct vcpu *v, uint64_t va, uint64_t *gpa)
{
	struct kvm_tables t;

	return !kvm_tables(v->priv, &t) && kvm_walk(&t, va, gpa) == WALK_OK ?
	       0 : -1;
}

/* What was written as data has to be seen as instructions. */
void kvm_code_changed(struct vm *vm, uint64_t gpa, uint64_t len)
{
	const struct ram *r = as_find_ram(vm->as, gpa, len);

	if (r)
		__builtin___clear_cache((char *)r->host + (gpa - r->gpa),
					(char *)r->host + (gpa - r->gpa) +
					len);
}
