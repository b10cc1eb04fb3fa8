/* fp.c: a static program of many floating-point operations; prints a hash a
 * function. The same binary runs under qemu-aarch64 and in a guest: fp.sh. */
#include <complex.h>
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash, state = 88172645463325252u;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void add(const void *p, size_t n)
{
	const unsigned char *b = p;

	while (n--)
		hash = (hash ^ *b++) * 1099511628211u;
}

/* any bit pattern, or an ordinary number */
static double any(void)
{
	uint64_t r = rnd();
	double d;

	if (r & 3)
		return ((double)(int64_t)rnd()) / (double)(1ull << (r >> 8 & 63));
	memcpy(&d, &state, 8);
	return d;
}

static void put(double d)
{
	add(&d, sizeof(d));
}

static void putf(float f)
{
	add(&f, sizeof(f));
}

#define N 20000
#define EACH(name, ...) do { \
	hash = 14695981039346656037u; \
	feclearexcept(FE_ALL_EXCEPT); \
	for (int i = 0; i < N; i++) { \
		double a = any(), b = any(), c = any(); \
		float f = (float)a, g = (float)b, h = (float)c; \
		(void)a; (void)b; (void)c; (void)f; (void)g; (void)h; \
		__VA_ARGS__; \
	} \
	printf("%-10s %016llx %02x\n", name, (unsigned long long)hash, \
	       fetestexcept(FE_ALL_EXCEPT)); \
} while (0)

static void all(const char *mode)
{
	char text[64];

	printf("-- %s\n", mode);
	EACH("add", put(a + b); putf(f + g));
	EACH("mul", put(a * b); putf(f * g));
	EACH("div", put(a / b); putf(f / g));
	EACH("fma", put(fma(a, b, c)); putf(fmaf(f, g, h)));
	EACH("sqrt", put(sqrt(a)); putf(sqrtf(f)));
	EACH("round", put(rint(a)); put(floor(a)); put(ceil(a));
	     put(trunc(a)); put(round(a)); put(nearbyint(a)));
	EACH("minmax", put(fmin(a, b)); put(fmax(a, b));
	     putf(fminf(f, g)); putf(fmaxf(f, g)));
	EACH("toint", int64_t s[4] = { (int64_t)a, (int32_t)b, (int64_t)f,
	     (int64_t)(uint64_t)c }; add(s, sizeof(s)));
	EACH("fromint", put((double)(int64_t)rnd()); put((double)rnd());
	     putf((float)(int64_t)rnd()); putf((float)rnd()));
	EACH("half", __fp16 x = (__fp16)f; add(&x, 2); putf((float)x);
	     x = (__fp16)a; add(&x, 2));
	EACH("sin", put(sin(a)); putf(sinf(f)));
	EACH("cos", put(cos(a)); putf(cosf(f)));
	EACH("tan", put(tan(a)); put(atan2(a, b)));
	EACH("exp", put(exp(a)); putf(expf(f)); put(exp2(b)); put(expm1(c)));
	EACH("log", put(log(a)); putf(logf(f)); put(log2(b)); put(log1p(c)));
	EACH("pow", put(pow(a, b)); putf(powf(f, g)));
	EACH("hyper", put(sinh(a)); put(cosh(b)); put(tanh(c)); put(asinh(a)));
	EACH("gamma", put(lgamma(a)); put(erf(b)); put(cbrt(c)));
	EACH("fmod", put(fmod(a, b)); put(remainder(a, b)); put(hypot(a, b)));
	EACH("parts", int e; put(frexp(a, &e)); add(&e, 4); put(ldexp(b, e));
	     put(logb(c)); put(nextafter(a, b)));
	EACH("complex", double complex z = (a + b * I) * (b + c * I);
	     put(creal(z)); put(cimag(z)));
	EACH("long", long double l = (long double)a * b + c;
	     double lo = (double)l; add(&l, sizeof(l)); put(lo));
	EACH("text", int n = snprintf(text, sizeof(text), "%.17g %a %.3f", a,
	     b, (double)f); add(text, (size_t)n < sizeof(text) ? (size_t)n :
	     sizeof(text) - 1); put(strtod(text, NULL)));
	EACH("vector", float v[32], w[32]; for (int j = 0; j < 32; j++) {
	     v[j] = (float)any(); w[j] = (float)any(); }
	     for (int j = 0; j < 32; j++) v[j] = v[j] * w[31 - j] + f;
	     add(v, sizeof(v)));
}

int main(void)
{
	static const struct { int how; const char *name; } modes[] = {
		{ FE_TONEAREST, "nearest" }, { FE_UPWARD, "up" },
		{ FE_DOWNWARD, "down" }, { FE_TOWARDZERO, "zero" },
	};

	for (int i = 0; i < 4; i++) {
		fesetround(modes[i].how);
		all(modes[i].name);
	}
	return 0;
}
