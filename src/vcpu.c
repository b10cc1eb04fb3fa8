/* The body of a vCPU's thread: confine it, then run guest code whenever the
 * machine is not parked. */
#include <pthread.h>
#include <stdio.h>

#include "accel.h"
#include "machine.h"

/* Waits until all threads exist, takes its own filter, reports. The name
 * before: the filter has no prctl, and others would have to open a file. */
static bool confine(struct machine *m, unsigned cpu)
{
	char name[16];
	struct err e;
	int r;

	snprintf(name, sizeof(name), "cpu%u", cpu);
	pthread_setname_np(pthread_self(), name);
	pthread_mutex_lock(&m->park_lock);
	while (!m->go && !m->quit)
		pthread_cond_wait(&m->unpark, &m->park_lock);
	pthread_mutex_unlock(&m->park_lock);
	r = sandbox_thread(&m->sandbox, SANDBOX_VCPU, &e);
	pthread_mutex_lock(&m->park_lock);
	if (r && !m->thread_failed) {
		m->thread_failed = true;
		m->thread_err = e;
	}
	m->nconfined++;
	pthread_cond_signal(&m->parked);
	pthread_mutex_unlock(&m->park_lock);
	return !r;
}

/* Until the machine is not parked, and the debugger does not hold this CPU;
 * false when the thread shall end. */
static bool wait_unparked(struct machine *m, const struct vcpu *v)
{
	bool run;

	pthread_mutex_lock(&m->park_lock);
	while (!m->quit && (atomic_load(&m->vm.park) || v->hold)) {
		m->nparked++;
		pthread_cond_signal(&m->parked);
		pthread_cond_wait(&m->unpark, &m->park_lock);
		m->nparked--;
	}
	run = !m->quit;
	pthread_mutex_unlock(&m->park_lock);
	return run;
}

void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	struct machine *m = (struct machine *)v->vm;

	if (!confine(m, v->index))
		return NULL;
	while (wait_unparked(m, v)) {
		switch (m->vm.accel->cpu_run(v, v->step)) {
		case VX_KICK:
			break;
		case VX_STEP:
			if (v->stop.kind == STOP_NONE)
				v->stop.kind = STOP_STEP;
			vm_stopped(v);
			break;
		case VX_FAIL:
			/* has said why; it must not run on */
			vm_request(&m->vm, VM_FAIL, "a virtual CPU stopped");
			break;
		}
	}
	return NULL;
}
