/*
 * fp_host.h: the host's FPU as the guest's: its sticky exception flags, and a
 * fused multiply-add where it has one. Both kinds of host below raise, for the
 * operations that the fast handlers leave to them, a subset of the flags that
 * softfp raises for the same operands (spec/cpu.md 6.3), so a handler may try
 * the host first and go to softfp afterwards.
 */
#ifndef INTERP_FP_HOST_H
#define INTERP_FP_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "softfp.h"

#if defined(__x86_64__)

/* Round to nearest, all exceptions masked, no flags; DAZ and FTZ off. */
#define FP_HOST_MXCSR 0x1f80u

static inline uint32_t fp_host_flags(void)
{
	uint32_t m;

	__asm__ volatile("stmxcsr %0" : "=m"(m));
	return (m & 1 ? FPSR_IOC : 0) | (m & 4 ? FPSR_DZC : 0) |
	       (m & 8 ? FPSR_OFC : 0) | (m & 16 ? FPSR_UFC : 0) |
	       (m & 32 ? FPSR_IXC : 0);
}

static inline void fp_host_clear(void)
{
	uint32_t m = FP_HOST_MXCSR;

	__asm__ volatile("ldmxcsr %0" : : "m"(m));
}

static inline bool fp_host_has_fma(void)
{
	return __builtin_cpu_supports("fma");
}

/* z + a * b. In assembly, because the file is compiled for any x86-64. */
static inline double fp_host_fma_d(double a, double b, double z)
{
	__asm__("vfmadd231sd %2, %1, %0" : "+x"(z) : "x"(a), "x"(b));
	return z;
}

static inline float fp_host_fma_s(float a, float b, float z)
{
	__asm__("vfmadd231ss %2, %1, %0" : "+x"(z) : "x"(a), "x"(b));
	return z;
}

#elif defined(__aarch64__)

static inline uint32_t fp_host_flags(void)
{
	uint64_t v;

	__asm__ volatile("mrs %0, fpsr" : "=r"(v));
	return (uint32_t)v & (FPSR_IOC | FPSR_DZC | FPSR_OFC | FPSR_UFC |
			      FPSR_IXC);
}

static inline void fp_host_clear(void)
{
	__asm__ volatile("msr fpcr, xzr\n\tmsr fpsr, xzr");
}

static inline bool fp_host_has_fma(void)
{
	return true;
}

static inline double fp_host_fma_d(double a, double b, double z)
{
	return __builtin_fma(a, b, z);
}

static inline float fp_host_fma_s(float a, float b, float z)
{
	return __builtin_fmaf(a, b, z);
}

#else

/* Any other host, by the C library; no promise of a fused instruction. */
#include <fenv.h>

static inline uint32_t fp_host_flags(void)
{
	int e = fetestexcept(FE_ALL_EXCEPT);

	return (e & FE_INVALID ? FPSR_IOC : 0) |
	       (e & FE_DIVBYZERO ? FPSR_DZC : 0) |
	       (e & FE_OVERFLOW ? FPSR_OFC : 0) |
	       (e & FE_UNDERFLOW ? FPSR_UFC : 0) |
	       (e & FE_INEXACT ? FPSR_IXC : 0);
}

static inline void fp_host_clear(void)
{
	fesetenv(FE_DFL_ENV);
}

static inline bool fp_host_has_fma(void)
{
	return false;
}

static inline double fp_host_fma_d(double a, double b, double z)
{
	return __builtin_fma(a, b, z);
}

static inline float fp_host_fma_s(float a, float b, float z)
{
	return __builtin_fmaf(a, b, z);
}

#endif

#endif
