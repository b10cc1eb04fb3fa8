/* psci.c: PSCI 1.1 and SMCCC 1.1 over HVC; psci.h.
 *
 * Arm DEN0022D.b, DEN0028C; spec/cpu.md 5.6, spec/vmapple.md 1.3. The version
 * stays at 1.1: Apple's driver refuses later ones. Results are sign-extended to
 * 64 bits whatever the convention, as guests know it from other machines. Not
 * there: MIGRATE, MEM_PROTECT, statistics, TRNG, paravirtual time. */
#include <string.h>

#include "hvc_apple.h"
#include "interp.h"
#include "psci.h"
#include "timer.h"
#include "trace.h"

enum {
	RET_OK = 0, RET_NOT_SUPPORTED = -1, RET_INVALID = -2, RET_DENIED = -3,
	RET_ALREADY_ON = -4, RET_ON_PENDING = -5, RET_BAD_ADDRESS = -9,
};

#define AFFINITY 0xff00ffffffull        /* Aff3, Aff2..Aff0 of MPIDR_EL1 */
#define SMC64 (1u << 30)
#define SUSPEND_POWERDOWN (1u << 16)    /* StateType of power_state */
#define MIGRATE_NOT_NEEDED 2            /* the trusted OS can be anywhere */
#define WORKAROUND_NOT_NEEDED 1

/* A call with its arguments x1..x3; 32-bit calls have 32-bit ones. It sets x0
 * itself (result()) where it returns PSCI_NEXT. */
struct call {
	uint32_t id;
	enum psci_next (*fn)(struct cpu *, const uint64_t a[4]);
};

static enum psci_next result(struct cpu *c, int64_t v)
{
	c->x[0] = (uint64_t)v;
	return PSCI_NEXT;
}

/* ---- versions ------------------------------------------------------------ */

static enum psci_next psci_version(struct cpu *c, const uint64_t a[4])
{
	return result(c, 0x10001);
}

static enum psci_next smccc_version(struct cpu *c, const uint64_t a[4])
{
	return result(c, 0x10001);
}

static enum psci_next migrate_info_type(struct cpu *c, const uint64_t a[4])
{
	return result(c, MIGRATE_NOT_NEEDED);
}

/* ARCH_WORKAROUND_n: nothing here speculates. */
static enum psci_next workaround(struct cpu *c, const uint64_t a[4])
{
	return result(c, RET_OK);
}

/* ---- CPUs ---------------------------------------------------------------- */

static struct cpu *by_mpidr(const struct cpu *c, uint64_t mpidr)
{
	for (unsigned i = 0; i < c->in->ncpus; i++) {
		struct cpu *o = c->in->cpu[i];

		if (o && (o->vcpu->mpidr & AFFINITY) == mpidr)
			return o;
	}
	return NULL;
}

/* Something that can be fetched, for what it's worth before the MMU is on. */
static bool good_entry(const struct cpu *c, uint64_t pc)
{
	return !(pc & 3) && (!c->in->as || as_find_ram(c->in->as, pc, 4));
}

static enum psci_next cpu_on(struct cpu *c, const uint64_t a[4])
{
	struct cpu *to = by_mpidr(c, a[1]);
	uint32_t state = CPU_POWER_OFF;

	if (!to)
		return result(c, RET_INVALID);
	if (!good_entry(c, a[2]))
		return result(c, RET_BAD_ADDRESS);
	if (!atomic_compare_exchange_strong(&to->power, &state,
					    CPU_POWER_CLAIMED))
		return result(c, state == CPU_POWER_ON ? RET_ALREADY_ON :
							 RET_ON_PENDING);
	to->on_entry = a[2];
	to->on_context = a[3];
	atomic_store(&to->power, CPU_POWER_PENDING);
	cpu_request(to, REQ_POWER);
	return result(c, RET_OK);
}

void psci_serve_power(struct cpu *c)
{
	if (atomic_load(&c->power) != CPU_POWER_PENDING)
		return;
	interp_reset_cpu(c, c->on_entry, c->on_context);
	atomic_store(&c->power, CPU_POWER_ON);
}

/* Never returns to the guest: the run loop sees the state and waits. */
static enum psci_next cpu_off(struct cpu *c, const uint64_t a[4])
{
	timer_reset(c);
	atomic_store(&c->power, CPU_POWER_OFF);
	cpu_request(c, REQ_POWER | REQ_KICK);
	return result(c, RET_OK);
}

static enum psci_next affinity_info(struct cpu *c, const uint64_t a[4])
{
	const struct cpu *to = by_mpidr(c, a[1]);

	if (!to || a[2] != 0)
		return result(c, RET_INVALID);
	switch (atomic_load(&to->power)) {
	case CPU_POWER_ON: return result(c, 0);
	case CPU_POWER_OFF: return result(c, 1);
	default: return result(c, 2);
	}
}

/* Waits as WFI does, then starts afresh at `entry`. Disturbed without an
 * interrupt (the machine parks its CPUs), the HVC is done again. */
static enum psci_next power_down(struct cpu *c, uint64_t entry,
				 uint64_t context)
{
	if (!good_entry(c, entry))
		return result(c, RET_BAD_ADDRESS);
	timer_wfi(c, UINT64_MAX);
	if (!atomic_load(&c->irq_lines))
		return PSCI_AGAIN;
	interp_reset_cpu(c, entry, context);
	return PSCI_ENTER;
}

static enum psci_next cpu_suspend(struct cpu *c, const uint64_t a[4])
{
	if (a[1] & SUSPEND_POWERDOWN)
		return power_down(c, a[2], a[3]);
	timer_wfi(c, UINT64_MAX);
	return result(c, RET_OK);
}

/* ---- the machine --------------------------------------------------------- */

static enum psci_next system_off(struct cpu *c, const uint64_t a[4])
{
	vm_request(c->in->vm, VM_OFF, "PSCI SYSTEM_OFF");
	return result(c, RET_OK);
}

static enum psci_next system_reset(struct cpu *c, const uint64_t a[4])
{
	vm_request(c->in->vm, VM_RESET, "PSCI SYSTEM_RESET");
	return result(c, RET_OK);
}

/* a[1]: 0 is SYSTEM_WARM_RESET; vendors' kinds have bit 31. */
static enum psci_next system_reset2(struct cpu *c, const uint64_t a[4])
{
	if ((uint32_t)a[1])
		return result(c, RET_INVALID);
	return system_reset(c, a);
}

/* All others must be off. */
static enum psci_next system_suspend(struct cpu *c, const uint64_t a[4])
{
	for (unsigned i = 0; i < c->in->ncpus; i++) {
		const struct cpu *o = c->in->cpu[i];

		if (o && o != c && atomic_load(&o->power) != CPU_POWER_OFF)
			return result(c, RET_DENIED);
	}
	return power_down(c, a[1], a[2]);
}

/* ---- dispatch ------------------------------------------------------------ */

static enum psci_next psci_features(struct cpu *, const uint64_t a[4]);
static enum psci_next arch_features(struct cpu *, const uint64_t a[4]);

#define BOTH(id, fn) { id, fn }, { (id) | SMC64, fn }
static const struct call calls[] = {
	/* Arm architecture */
	{ 0x80000000, smccc_version },
	{ 0x80000001, arch_features },
	{ 0x80003fff, workaround },             /* 3 */
	{ 0x80007fff, workaround },             /* 2 */
	{ 0x80008000, workaround },             /* 1 */
	/* PSCI */
	{ 0x84000000, psci_version },
	BOTH(0x84000001, cpu_suspend),
	{ 0x84000002, cpu_off },
	BOTH(0x84000003, cpu_on),
	BOTH(0x84000004, affinity_info),
	{ 0x84000006, migrate_info_type },
	{ 0x84000008, system_off },
	{ 0x84000009, system_reset },
	{ 0x8400000a, psci_features },
	BOTH(0x8400000e, system_suspend),
	BOTH(0x84000012, system_reset2),
};

static const struct call *find(uint32_t id)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].id == id)
			return &calls[i];
	return NULL;
}

/* 0: there, without flags (CPU_SUSPEND: the original form of power_state).
 * SMCCC_VERSION is the one call asked for that is not PSCI's own. */
static enum psci_next psci_features(struct cpu *c, const uint64_t a[4])
{
	uint32_t id = (uint32_t)a[1];
	bool psci = (id & ~SMC64) >> 16 == 0x8400 || id == 0x80000000;

	return result(c, psci && find(id) ? RET_OK : RET_NOT_SUPPORTED);
}

static enum psci_next arch_features(struct cpu *c, const uint64_t a[4])
{
	const struct call *call = find((uint32_t)a[1]);

	if (!call || call->id >> 16 != 0x8000)
		return result(c, RET_NOT_SUPPORTED);
	return result(c, call->fn == workaround ? WORKAROUND_NOT_NEEDED :
						  RET_OK);
}

static enum psci_next dispatch(struct cpu *c)
{
	/* a function's number is x0's low half */
	const struct call *call = find((uint32_t)c->x[0]);
	uint64_t a[4];

	if (!call) {
		enum psci_next next;

		if (hvc_apple_has(c) && hvc_apple(c, &next))
			return next;
		return result(c, RET_NOT_SUPPORTED);
	}
	for (int i = 0; i < 4; i++)
		a[i] = call->id & SMC64 ? c->x[i] : (uint32_t)c->x[i];
	return call->fn(c, a);
}

enum psci_next psci_hvc(struct cpu *c)
{
	uint64_t arg[4];
	enum psci_next next;

	if (LIKELY(!(c->in->trace & TRACE_HVC)))
		return dispatch(c);
	memcpy(arg, c->x, sizeof(arg));
	next = dispatch(c);
	trace_hvc(c->in->vm->trace, c->index, arg, c->x[0]);
	return next;
}
