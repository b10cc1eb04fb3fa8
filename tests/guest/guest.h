/* guest.h: what the bare-metal test guests share: serial output, checks,
 * traps, a page table, CPUs, the GIC. Freestanding; runs at EL1. */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Prints %s %c %d %u %x (32-bit) %lx %ld (64-bit). */
void print(const char *fmt, ...);
/* Counts a check; prints only failures, with the line. */
#define CHECK(cond) check((cond), #cond, __FILE__, __LINE__)
#define CHECK_EQ(a, b) check_eq((uint64_t)(a), (uint64_t)(b), #a, __FILE__, \
				__LINE__)
void check(bool ok, const char *text, const char *file, int line);
void check_eq(uint64_t got, uint64_t want, const char *text, const char *file,
	      int line);
unsigned check_failures(void);          /* so far */
/* Prints the tally ("PASS n" or "FAIL n of m") and powers off. */
void guest_end(void) __attribute__((noreturn));
void guest_main(uint64_t dtb);          /* the test's own */
/* Is the word anywhere in the device tree? A run says so by --append:
 * kvm		the CPU is KVM's: what the architecture leaves open may differ
 * tcg-host	and its host is QEMU's TCG, which lacks this and that
 * mttcg	with a thread for each of several CPUs
 * slow-host	pome's accesses are watched (make tsan): fewer of them will do */
bool guest_told(uint64_t dtb, const char *word);
/* The serial port is where QEMU's virt board has it: for an image that runs
 * there too, at the same addresses. */
void guest_on_virt(void);

/* ---- system registers --------------------------------------------------- */
#define READ(reg) READ1(reg)
#define READ1(reg) ({ uint64_t v_; \
	__asm__ volatile("mrs %0, " #reg : "=r"(v_)); v_; })
#define WRITE(reg, val) WRITE1(reg, val)
#define WRITE1(reg, val) \
	__asm__ volatile("msr " #reg ", %0" : : "r"((uint64_t)(val)) : "memory")
#define ISB() __asm__ volatile("isb" : : : "memory")
#define DSB() __asm__ volatile("dsb sy" : : : "memory")

/* ---- traps --------------------------------------------------------------- */
struct trap {
	uint64_t x[31], elr, spsr, esr, far, pad;
};
/* What the next trap does; kind is the vector's number (0..15). The handler
 * may change the frame (elr above all). The default prints and ends. */
typedef void trap_fn(struct trap *, int kind);
extern trap_fn *trap_handler;
/* Runs fn(arg) expecting one synchronous trap in it; the trapping instruction
 * is skipped. Returns its ESR (0: none came); the rest is in last_trap. */
uint64_t catch_trap(void (*fn)(void *), void *arg);
extern struct trap last_trap;
extern int last_kind;
uint64_t run_el0(uint64_t pc, uint64_t sp, uint64_t x0);
uint64_t run_spsr(uint64_t pc, uint64_t sp, uint64_t x0, uint64_t spsr);
void leave_el0(uint64_t result) __attribute__((noreturn));

/* ---- memory --------------------------------------------------------------- */
/* Identity map with 4 KiB granule, 39 bits: RAM Normal and executable, devices
 * below it. Turns the MMU and caches on. Call on each CPU. */
void mmu_on(void);
void mmu_off(void);
/* The level-3 descriptor of a page of the window, which is mapped at `window`
 * (512 pages of RAM, not used for anything else). */
extern uint8_t *const window;
uint64_t *window_pte(unsigned page);
#define PTE_NORMAL 0x707u               /* page, AF, inner shareable, attr 1 */
#define PTE_USER 0x40u
#define PTE_RO 0x80u
#define PTE_NG 0x800u
#define PTE_PXN (1ull << 53)
#define PTE_UXN (1ull << 54)
void tlbi_all(void);
void *page_alloc(size_t bytes);         /* 64 KiB aligned, zeroed */

/* ---- CPUs ------------------------------------------------------------------ */
int64_t psci(uint64_t fn, uint64_t a, uint64_t b, uint64_t c);
/* Starts CPU `index` (1..) in fn(index); it waits in WFI afterwards. */
bool cpu_start(unsigned index, void (*fn)(unsigned));
unsigned cpu_count(void);               /* that answer PSCI */
uint64_t cpu_mpidr(unsigned index);

/* ---- interrupts -------------------------------------------------------------- */
#define GICD 0x10000000ul
#define GICR 0x10010000ul
static inline uint32_t rd32(uint64_t a) { return *(volatile uint32_t *)a; }
static inline void wr32(uint64_t a, uint32_t v) { *(volatile uint32_t *)a = v; }
static inline uint64_t rd64(uint64_t a) { return *(volatile uint64_t *)a; }
static inline void wr64(uint64_t a, uint64_t v) { *(volatile uint64_t *)a = v; }
/* Distributor (once) and this CPU's redistributor and interface; all in group
 * 1, all masked by DAIF still. */
void gic_init(unsigned cpu);
void gic_enable(unsigned cpu, unsigned intid, unsigned prio, bool group1);
static inline void irq_on(void) { __asm__ volatile("msr daifclr, #3"); }
static inline void irq_off(void) { __asm__ volatile("msr daifset, #3"); }

/* ---- time -------------------------------------------------------------------- */
static inline uint64_t now(void) { ISB(); return READ(cntvct_el0); }

#endif
