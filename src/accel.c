/* Which accelerators this build has, best first, and which of them a machine
 * gets. */
#include <string.h>

#include "accel.h"
#include "config.h"
#include "log.h"
#include "accel_pick.h"

const struct accel_ops *const accel_list[] = {
#ifdef __aarch64__
	&accel_kvm,
#endif
	&accel_interp,
	NULL,
};

static const struct accel_ops *find(const char *name)
{
	for (int i = 0; accel_list[i]; i++)
		if (!strcmp(accel_list[i]->name, name))
			return accel_list[i];
	return NULL;
}

const struct accel_ops *accel_pick(const struct config *c, struct err *e)
{
	const struct accel_ops *a;
	struct err why;

	if (c->accel == CFG_ACCEL_AUTO) {
		for (int i = 0; accel_list[i]; i++) {
			/* only the interpreter counts instructions */
			if (c->clock_insn && accel_list[i] != &accel_interp)
				continue;
			if (!accel_list[i]->probe(&why))
				return accel_list[i];
			log_msg(LOG_INFO, "accelerator %s is not used: %s",
				accel_list[i]->name, why.msg);
		}
		err_set(e, 0, "no accelerator works here (%s)", why.msg);
		return NULL;
	}
	a = find(c->accel == CFG_ACCEL_KVM ? "kvm" : "interp");
	if (!a) {
		err_set(e, 0, "--accel kvm: needs an aarch64 host (try --accel "
			"interp)");
		return NULL;
	}
	if (a->probe(e)) {
		err_at(e, "--accel %s: ", a->name);
		return NULL;
	}
	return a;
}
