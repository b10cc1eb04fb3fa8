/* el0_vixl.cc: runs the cases of standard input in the simulator of Arm's VIXL
 * and writes their outcomes: an opinion of which no line comes from QEMU.
 *
 * It knows no FPCR but 0, no FPSR, no faults, and stops the program at what it
 * thinks unallocated. Where any of that is met, or an exclusive store, which it
 * lets fail at random, or after a thousand instructions, the outcome is
 * OUT_OTHER: no opinion. */
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "aarch64/simulator-aarch64.h"

#include "el0_case.h"

using namespace vixl::aarch64;

static sigjmp_buf stopped;

static void on_signal(int sig)
{
	siglongjmp(stopped, sig);
}

static uint8_t *map(uint64_t va, uint64_t len)
{
	void *want = reinterpret_cast<void *>(va);
	void *p = mmap(want, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		       0);

	if (p != want) {
		perror("el0_vixl: mmap");
		exit(1);
	}
	return static_cast<uint8_t *>(p);
}

static bool no_opinion(const struct test_case *t)
{
	if (t->in.fpcr || t->shape == SHAPE_SMC)
		return true;
	for (unsigned i = 0; i < t->n; i++)
		if ((t->w[i] & 0x3fc00000) == 0x08000000)       /* STXR, STXP */
			return true;
	return false;
}

static void put(Simulator *sim, const struct test_case *t)
{
	for (unsigned i = 0; i < 31; i++)
		sim->WriteXRegister(i, static_cast<int64_t>(t->in.x[i]),
				    Simulator::NoRegLog);
	sim->WriteSp(t->in.sp);
	for (unsigned i = 0; i < 32; i++) {
		Simulator::qreg_t q;

		memcpy(&q, t->in.v[i], sizeof(q));
		sim->WriteVRegister(i, q, Simulator::NoRegLog);
	}
	sim->ReadNzcv().SetRawValue(t->in.nzcv);
}

static void get(Simulator *sim, const struct test_case *t, struct outcome *o)
{
	for (unsigned i = 0; i < 31; i++)
		o->out.x[i] =
			static_cast<uint64_t>(sim->ReadXRegister(i));
	o->out.sp = static_cast<uint64_t>(
		sim->ReadXRegister(31, Reg31IsStackPointer));
	for (unsigned i = 0; i < 32; i++) {
		Simulator::qreg_t q = sim->ReadQRegister(i);

		memcpy(o->out.v[i], &q, sizeof(q));
	}
	o->out.nzcv = static_cast<uint32_t>(sim->ReadN()) << 31 |
		      static_cast<uint32_t>(sim->ReadZ()) << 30 |
		      static_cast<uint32_t>(sim->ReadC()) << 29 |
		      static_cast<uint32_t>(sim->ReadV()) << 28;
	o->out.fpsr = t->in.fpsr;
}

/* Until behind the last word; false: it never got there. */
static bool run(Simulator *sim, const struct test_case *t)
{
	uint64_t code = CODE_VA + t->at, pc = code;

	sim->WritePc(reinterpret_cast<const Instruction *>(code),
		     Simulator::NoBranchLog);
	for (int n = 0; n < 1000 && pc - code < 4 * t->n; n++) {
		sim->ExecuteInstruction();
		pc = reinterpret_cast<uint64_t>(sim->ReadPc());
	}
	return pc == code + 4 * t->n;
}

int main()
{
	static struct test_case t;
	static struct outcome o;
	const struct itimerval limit = { { 0, 0 }, { 0, 50000 } }, none = {};
	uint8_t *rw = map(DATA_RW, 2 * DATA_PAGE), *ro = map(DATA_RO, DATA_PAGE),
		*code = map(CODE_VA, CODE_BYTES);
	FILE *null = fopen("/dev/null", "w"), *out = fdopen(dup(1), "w");
	Decoder decoder;
	Simulator sim(&decoder, null);

	fill_memory(ro, DATA_PAGE, 99);
	mprotect(ro, DATA_PAGE, PROT_READ);
	/* what it says of an instruction before it gives up */
	if (!null || !out || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return 1;
	for (int sig : { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE,
			 SIGVTALRM })
		signal(sig, on_signal);
	while (fread(&t, sizeof(t), 1, stdin) == 1) {
		uint32_t *p = reinterpret_cast<uint32_t *>(code + t.at);
		volatile bool ended = false;

		memcpy(p, t.w, 4 * t.n);
		for (unsigned i = t.n; i < CODE_STEP / 4; i++)
			p[i] = SENTINEL;
		fill_memory(rw, 2 * DATA_PAGE, t.mem_seed);
		memset(&o, 0, sizeof(o));
		o.kind = OUT_OTHER;
		/* of some unallocated words it never makes an end */
		setitimer(ITIMER_VIRTUAL, &limit, NULL);
		if (!no_opinion(&t) && sigsetjmp(stopped, 1) == 0) {
			put(&sim, &t);
			ended = run(&sim, &t);
		}
		setitimer(ITIMER_VIRTUAL, &none, NULL);
		if (ended) {
			o.kind = OUT_END;
			o.pc = 4 * t.n;
			get(&sim, &t, &o);
			o.mem_hash = hash_memory(rw, 2 * DATA_PAGE);
		}
		fwrite(&o, sizeof(o), 1, out);
	}
	_exit(fclose(out) != 0);        /* a simulator stopped is not to be freed */
}
