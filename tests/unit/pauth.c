/* Pointer authentication: QARMA5 and the rules of FEAT_PAuth against what
 * qemu-system-aarch64 7.2 (-cpu max) computed for the same keys; the rules of
 * the later levels by hand; the instructions' operands. */
#include "cputest.h"
#include "../../src/interp/pauth.h"

#define KEY_LO 0xec2802d4e0a488e9u
#define KEY_HI 0x84be85ce9804e94bu

/* pacga x0 = ptr, mod; a = pacia ptr, mod; b = pacdb ptr, mod;
 * autia a; autib a; autdb b; autda b; xpacd b; xpaci b. Left out: pointers whose
 * bits 63 and 55 differ while only one half has TBI, where QEMU looks at the
 * wrong one of the two (Arm ARM, AddPAC: bit 55 if either half has TBI). */
static const struct golden {
	uint64_t tcr, ptr, mod, pacga, pacia, pacdb, autia, autib, autdb,
		 autda, xpacd, xpaci;
} golden[] = {
	{ 0x0, 0xfb623599da6c8127, 0x477d469dec0b8762,
	  0x5a133bda00000000, 0x49be3599da6c8127, 0xd9803599da6c8127,
	  0xbfff3599da6c8127, 0xdfff3599da6c8127, 0xdfff3599da6c8127,
	  0xbfff3599da6c8127, 0xffff3599da6c8127, 0xffff3599da6c8127 },
	{ 0x0, 0x2452e6b438, 0x6513270e269e0d37,
	  0x47d2f84800000000, 0x4752002452e6b438, 0x1b0e002452e6b438,
	  0x0000002452e6b438, 0x4000002452e6b438, 0x0000002452e6b438,
	  0x2000002452e6b438, 0x0000002452e6b438, 0x0000002452e6b438 },
	{ 0x0, 0xffffffd0a6a3a450, 0xd23f0824128b2f33,
	  0x2e78b41600000000, 0x2ef8ffd0a6a3a450, 0xdea9ffd0a6a3a450,
	  0xffffffd0a6a3a450, 0xdfffffd0a6a3a450, 0xffffffd0a6a3a450,
	  0xbfffffd0a6a3a450, 0xffffffd0a6a3a450, 0xffffffd0a6a3a450 },
	{ 0x0, 0xaa000011892f902b, 0x9531985d5d9dc9f8,
	  0x7cf0a87400000000, 0x818c0011892f902b, 0xbdc60011892f902b,
	  0xbfff0011892f902b, 0xdfff0011892f902b, 0xdfff0011892f902b,
	  0xbfff0011892f902b, 0xffff0011892f902b, 0xffff0011892f902b },
	{ 0x0, 0x55fffff40ed90475, 0x36f675cc81e74ef5,
	  0xf50b543400000000, 0x7c16fff40ed90475, 0x2f1ffff40ed90475,
	  0x2000fff40ed90475, 0x4000fff40ed90475, 0x4000fff40ed90475,
	  0x2000fff40ed90475, 0x0000fff40ed90475, 0x0000fff40ed90475 },
	{ 0x0, 0x1600a35a099950d8, 0x6b0d549b6f03675a,
	  0xbafe2fcc00000000, 0x4228a35a099950d8, 0x8d19a35a099950d8,
	  0x2000a35a099950d8, 0x4000a35a099950d8, 0x4000a35a099950d8,
	  0x2000a35a099950d8, 0x0000a35a099950d8, 0x0000a35a099950d8 },
	{ 0x100010, 0x2411e20b8f, 0x8d116ece1738f7d9,
	  0xf7a1cc0300000000, 0xf721002411e20b8f, 0x1b3a002411e20b8f,
	  0x0000002411e20b8f, 0x4000002411e20b8f, 0x0000002411e20b8f,
	  0x2000002411e20b8f, 0x0000002411e20b8f, 0x0000002411e20b8f },
	{ 0x100010, 0xfffffff66cad4a26, 0x90c192cfd3ac94af,
	  0x5e7e45b000000000, 0x5efefff66cad4a26, 0x8981fff66cad4a26,
	  0xfffffff66cad4a26, 0xdffffff66cad4a26, 0xfffffff66cad4a26,
	  0xbffffff66cad4a26, 0xfffffff66cad4a26, 0xfffffff66cad4a26 },
	{ 0x100010, 0xaa00001d1fb17c23, 0xa170b33839263059,
	  0x752b3bfb00000000, 0x4685001d1fb17c23, 0xc8a4001d1fb17c23,
	  0xbfff001d1fb17c23, 0xdfff001d1fb17c23, 0xdfff001d1fb17c23,
	  0xbfff001d1fb17c23, 0xffff001d1fb17c23, 0xffff001d1fb17c23 },
	{ 0x100010, 0x55fffff1a09f76b5, 0xfd630f1f29d0da9,
	  0x0c5c7ae100000000, 0x9a4dfff1a09f76b5, 0xea77fff1a09f76b5,
	  0x2000fff1a09f76b5, 0x4000fff1a09f76b5, 0x4000fff1a09f76b5,
	  0x2000fff1a09f76b5, 0x0000fff1a09f76b5, 0x0000fff1a09f76b5 },
	{ 0x100010, 0x95e60af593bd04cf, 0xcb1e29c658cda14,
	  0xfd1beee100000000, 0xf0c30af593bd04cf, 0xb6df0af593bd04cf,
	  0xbfff0af593bd04cf, 0xdfff0af593bd04cf, 0xdfff0af593bd04cf,
	  0xbfff0af593bd04cf, 0xffff0af593bd04cf, 0xffff0af593bd04cf },
	{ 0x8002000110011, 0x10f9ebdacc, 0x8e81973e0becd7b0,
	  0x3584800e00000000, 0x35048010f9ebdacc, 0x00338010f9ebdacc,
	  0x00000010f9ebdacc, 0x40000010f9ebdacc, 0x00000010f9ebdacc,
	  0x00200010f9ebdacc, 0x00000010f9ebdacc, 0x00000010f9ebdacc },
	{ 0x8002000110011, 0xffffffeddbc496cb, 0x6b4cb2424a23d596,
	  0xe6e1a73e00000000, 0xe6e1ffeddbc496cb, 0x5ae5ffeddbc496cb,
	  0xffffffeddbc496cb, 0xdfffffeddbc496cb, 0xffffffeddbc496cb,
	  0xbfffffeddbc496cb, 0xffffffeddbc496cb, 0xffffffeddbc496cb },
	{ 0x8002000110011, 0x1a61dbe22e44158b, 0x923a736994e3bf91,
	  0xc53bc32600000000, 0x2c555be22e44158b, 0x1a64dbe22e44158b,
	  0x20005be22e44158b, 0x40005be22e44158b, 0x1a405be22e44158b,
	  0x1a205be22e44158b, 0x1a005be22e44158b, 0x00005be22e44158b },
	{ 0x6000100019, 0x5a38fd547, 0x18f135d25f557203,
	  0xeb556fcf00000000, 0x00556f85a38fd547, 0x006a6305a38fd547,
	  0x00000005a38fd547, 0x00400005a38fd547, 0x00000005a38fd547,
	  0x00200005a38fd547, 0x00000005a38fd547, 0x00000005a38fd547 },
	{ 0x6000100019, 0xffffffe28c38fb29, 0x907a70c31012f037,
	  0x3b637a9500000000, 0xffe3ffe28c38fb29, 0xffc4ffe28c38fb29,
	  0xffffffe28c38fb29, 0xffdfffe28c38fb29, 0xffffffe28c38fb29,
	  0xffbfffe28c38fb29, 0xffffffe28c38fb29, 0xffffffe28c38fb29 },
	{ 0x6000100019, 0xaa0000310f4205b4, 0x7f15052434b9b5df,
	  0x3442d54600000000, 0xaa42d5310f4205b4, 0xaa0fa2b10f4205b4,
	  0xaa0000310f4205b4, 0xaa4000310f4205b4, 0xaa0000310f4205b4,
	  0xaa2000310f4205b4, 0xaa0000310f4205b4, 0xaa0000310f4205b4 },
	{ 0x6000100019, 0x55fffff2ae2eb154, 0xc6f877186d76b07e,
	  0xa5a7ca1e00000000, 0x55a7fff2ae2eb154, 0x55f7fff2ae2eb154,
	  0x55fffff2ae2eb154, 0x55dffff2ae2eb154, 0x55fffff2ae2eb154,
	  0x55bffff2ae2eb154, 0x55fffff2ae2eb154, 0x55fffff2ae2eb154 },
	{ 0x6000100019, 0x7731af10506bf2ef, 0xec66a78795e761d1,
	  0x19a24f0f00000000, 0x77573b10506bf2ef, 0x77138190506bf2ef,
	  0x77200010506bf2ef, 0x77400010506bf2ef, 0x77400010506bf2ef,
	  0x77200010506bf2ef, 0x77000010506bf2ef, 0x77000010506bf2ef },
	{ 0x4000190010, 0x187403e430, 0x3f98e2774cbd87ad,
	  0xa535c49d00000000, 0xa53500187403e430, 0x263800187403e430,
	  0x000000187403e430, 0x400000187403e430, 0x000000187403e430,
	  0x200000187403e430, 0x000000187403e430, 0x000000187403e430 },
	{ 0x4000190010, 0xffffffdacb5c7427, 0xc7a2ea20b2f14c94,
	  0xa4f501d500000000, 0xfff501dacb5c7427, 0xff972b5acb5c7427,
	  0xffffffdacb5c7427, 0xffdfffdacb5c7427, 0xffffffdacb5c7427,
	  0xffbfffdacb5c7427, 0xffffffdacb5c7427, 0xffffffdacb5c7427 },
	{ 0x18006000100010, 0xefaecbd38, 0x830e07bc1e398f10,
	  0x510e4e6300000000, 0x510e000efaecbd38, 0x003b000efaecbd38,
	  0x0000000efaecbd38, 0x4000000efaecbd38, 0x0000000efaecbd38,
	  0x0020000efaecbd38, 0x0000000efaecbd38, 0x0000000efaecbd38 },
	{ 0x18006000100010, 0xffffffd46b0a18e8, 0x5790f82ec1d3fcff,
	  0x0dd3bdce00000000, 0x0dd3ffd46b0a18e8, 0xfffbffd46b0a18e8,
	  0xffffffd46b0a18e8, 0xdfffffd46b0a18e8, 0xffffffd46b0a18e8,
	  0xffbfffd46b0a18e8, 0xffffffd46b0a18e8, 0xffffffd46b0a18e8 },
	{ 0x18006000100010, 0xaa00002226e87555, 0x6bf46c697d2caf82,
	  0x8ac40fde00000000, 0xb2c8002226e87555, 0xaa38002226e87555,
	  0xbfff002226e87555, 0xdfff002226e87555, 0xaa00002226e87555,
	  0xaa20002226e87555, 0xaa00002226e87555, 0x0000002226e87555 },
	{ 0x18006000100010, 0x55fffff40a097c97, 0x13deef86ab1031d0,
	  0xfa9aff3a00000000, 0x3a4bfff40a097c97, 0x55c4fff40a097c97,
	  0x2000fff40a097c97, 0x4000fff40a097c97, 0x55fffff40a097c97,
	  0x55bffff40a097c97, 0x55fffff40a097c97, 0xfffffff40a097c97 },
	{ 0x18006000100010, 0x8ede0d7ac3baea9e, 0xca02135e92b1d3f2,
	  0x57b9f20c00000000, 0x5f820d7ac3baea9e, 0x8edf0d7ac3baea9e,
	  0xbfff0d7ac3baea9e, 0xdfff0d7ac3baea9e, 0x8edf0d7ac3baea9e,
	  0x8ebf0d7ac3baea9e, 0x8eff0d7ac3baea9e, 0xffff0d7ac3baea9e },
	{ 0x2000100010, 0xae01f5057, 0x571242425051c1cc,
	  0xd1a34e7000000000, 0x0023000ae01f5057, 0x0068000ae01f5057,
	  0x0000000ae01f5057, 0x0040000ae01f5057, 0x0000000ae01f5057,
	  0x0020000ae01f5057, 0x0000000ae01f5057, 0x0000000ae01f5057 },
	{ 0x2000100010, 0xfffffffbb1fee08f, 0x7f26144b98289fcd,
	  0x8ec7a1ae00000000, 0x8ec7fffbb1fee08f, 0x74c8fffbb1fee08f,
	  0xfffffffbb1fee08f, 0xdffffffbb1fee08f, 0xfffffffbb1fee08f,
	  0xbffffffbb1fee08f, 0xfffffffbb1fee08f, 0xfffffffbb1fee08f },
};

static int setup(void **state)
{
	ct_open(1, "qemu72");
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	return 0;
}

static void keys(void)
{
	uint64_t (*k)[2] = ct.c->sr.apkey;

	for (int i = 0; i < 5; i++) {
		k[i][0] = i == PAUTH_IB || i == PAUTH_DA ? ~KEY_LO : KEY_LO;
		k[i][1] = i == PAUTH_DA || i == PAUTH_DB ? ~KEY_HI : KEY_HI;
	}
	ct.c->sr.sctlr |= 0xc8002000;   /* EnIA EnIB EnDA EnDB */
}

static void with(const char *model)
{
	ct_close();
	ct_open(1, model);
	keys();
	ct.c->sr.tcr = 16 | 16 << 16;
}

static uint64_t aut(enum pauth_key k, uint64_t p, uint64_t m)
{
	uint64_t v = 0;

	assert_true(pauth_auth(ct.c, k, p, m, false, &v));
	return v;
}

static void test_golden(void **state)
{
	struct cpu *c = ct.c;

	keys();
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		const struct golden *g = &golden[i];

		c->sr.tcr = g->tcr;
		assert_int_equal(pauth_generic(c, g->ptr, g->mod), g->pacga);
		assert_int_equal(pauth_add(c, PAUTH_IA, g->ptr, g->mod),
				 g->pacia);
		assert_int_equal(pauth_add(c, PAUTH_DB, g->ptr, g->mod),
				 g->pacdb);
		assert_int_equal(aut(PAUTH_IA, g->pacia, g->mod), g->autia);
		assert_int_equal(aut(PAUTH_IB, g->pacia, g->mod), g->autib);
		assert_int_equal(aut(PAUTH_DB, g->pacdb, g->mod), g->autdb);
		assert_int_equal(aut(PAUTH_DA, g->pacdb, g->mod), g->autda);
		assert_int_equal(pauth_strip(c, g->pacdb, true), g->xpacd);
		assert_int_equal(pauth_strip(c, g->pacdb, false), g->xpaci);
	}
}

/* Sign and authenticate come back for canonical pointers on every level. */
static void test_round_trip(void **state)
{
	static const char *const models[] = {
		"qemu72", "generic", "vmapple",
		"generic,PAuth2=off,FPAC=off,FPACCOMBINE=off",
		"generic,PAuth2=off,EPAC=on",
	};
	static const uint64_t tcrs[] = {
		16 | 16 << 16, 25 | 17 << 16, 17 | 17 << 16 | 1ull << 37,
		16 | 16 << 16 | 3ull << 37 | 3ull << 51,
	};

	for (size_t m = 0; m < 5; m++) {
		with(models[m]);
		for (size_t t = 0; t < 4; t++)
			for (unsigned k = PAUTH_IA; k <= PAUTH_DB; k++)
				for (int high = 0; high < 2; high++) {
					uint64_t p = 0x12345678 ^
						     -(uint64_t)high, s;

					ct.c->sr.tcr = tcrs[t];
					s = pauth_add(ct.c, k, p, 77);
					assert_true(s != p);
					assert_int_equal(aut(k, s, 77), p);
					assert_int_equal(pauth_strip(ct.c, s,
						k >= PAUTH_DA), p);
				}
	}
}

/* What becomes of a failure. */
static void test_failure(void **state)
{
	uint64_t v = 1, p = 0x400000, s;

	with("generic,FPAC=off,FPACCOMBINE=off,PAuth2=off");
	for (unsigned k = PAUTH_IA; k <= PAUTH_DB; k++) {
		s = pauth_add(ct.c, k, p, 1);
		/* bits 62:61 say which kind of key */
		assert_int_equal(aut(k, s ^ 1ull << 50, 1),
				 p | (k & 1 ? 2ull : 1ull) << 61);
	}
	with("generic,FPAC=off,FPACCOMBINE=off,PAuth2=on");
	s = pauth_add(ct.c, PAUTH_IA, p, 1);
	assert_int_equal(aut(PAUTH_IA, s ^ 1ull << 50, 1), p ^ 1ull << 50);
	with("generic,FPACCOMBINE=off");
	s = pauth_add(ct.c, PAUTH_DB, p, 1);
	assert_false(pauth_auth(ct.c, PAUTH_DB, s ^ 1ull << 50, 1, false, &v));
	assert_int_equal(v, 1);
	assert_int_equal(ct.c->exc.esr, ESR(0x1c, 3));
	assert_true(pauth_auth(ct.c, PAUTH_DB, s ^ 1ull << 50, 1, true, &v));
	assert_int_equal(v, p ^ 1ull << 50);
	with("generic");
	s = pauth_add(ct.c, PAUTH_IB, p, 1);
	assert_false(pauth_auth(ct.c, PAUTH_IB, s ^ 1ull << 50, 1, true, &v));
	assert_int_equal(ct.c->exc.esr, ESR(0x1c, 1));
}

/* Signing what is not canonical. */
static void test_bad_pointer(void **state)
{
	uint64_t p = 0x400000, bad = p | 1ull << 50, s;

	with("generic,PAuth2=off");             /* PAuth: bit 62 inverted */
	assert_int_equal(pauth_add(ct.c, PAUTH_IA, bad, 1),
			 pauth_add(ct.c, PAUTH_IA, p, 1) ^ 1ull << 62);
	ct.c->sr.tcr |= 1ull << 37;             /* TBI0: 54 */
	assert_int_equal(pauth_add(ct.c, PAUTH_DA, bad, 1),
			 pauth_add(ct.c, PAUTH_DA, p, 1) ^ 1ull << 54);
	with("generic,PAuth2=off,EPAC=on");     /* no code at all */
	assert_int_equal(pauth_add(ct.c, PAUTH_IA, bad, 1), p);
	with("generic");                        /* XOR */
	s = pauth_add(ct.c, PAUTH_IA, bad, 1);
	assert_int_equal(s ^ pauth_add(ct.c, PAUTH_IA, p, 1), 1ull << 50);
}

/* The mix: each input changes about half of the bits. */
static void test_mix(void **state)
{
	uint64_t key[2] = { KEY_LO, KEY_HI }, a = 0x1234, m = 0x5678;
	uint64_t base = pauth_mix(a, m, key);
	unsigned total = 0;

	for (unsigned i = 0; i < 64; i++) {
		uint64_t k0[2] = { KEY_LO ^ 1ull << i, KEY_HI };
		uint64_t k1[2] = { KEY_LO, KEY_HI ^ 1ull << i };
		uint64_t d[4] = {
			pauth_mix(a ^ 1ull << i, m, key) ^ base,
			pauth_mix(a, m ^ 1ull << i, key) ^ base,
			pauth_mix(a, m, k0) ^ base, pauth_mix(a, m, k1) ^ base,
		};

		for (int j = 0; j < 4; j++) {
			unsigned n = (unsigned)__builtin_popcountll(d[j]);

			assert_in_range(n, 10, 54);
			total += n;
		}
	}
	assert_in_range(total, 256 * 30, 256 * 34);
}

static void test_instructions(void **state)
{
	/* {PAC,AUT}{IA,IB,DA,DB} x1, x2; Z forms x1 */
	struct cpu *c;
	uint64_t p = 0x400000, m = 0x99, s;

	with("qemu72");
	c = ct.c;
	for (unsigned k = 0; k < 4; k++)
		for (unsigned z = 0; z < 2; z++) {
			uint32_t w = 0xdac10001 | k << 10 |
				     (z ? 0x2000 | 31 << 5 : 2 << 5);

			c->x[1] = p;
			c->x[2] = m;
			assert_true(ct_insn(w));
			s = pauth_add(c, k, p, z ? 0 : m);
			assert_int_equal(c->x[1], s);
			assert_true(ct_insn(w | 0x1000));
			assert_int_equal(c->x[1], p);
		}
	/* modifier SP; XPACI, XPACD; PACGA with Xm = SP */
	c->x[1] = p;
	c->x[REG_SP] = 0x1230;
	assert_true(ct_insn(0xdac103e1));
	assert_int_equal(c->x[1], pauth_add(c, 0, p, 0x1230));
	assert_true(ct_insn(0xdac143e1));
	assert_int_equal(c->x[1], p);
	c->x[1] = pauth_add(c, 2, p, 5);
	assert_true(ct_insn(0xdac147e1));
	assert_int_equal(c->x[1], p);
	assert_true(ct_insn(0x9adf3023));
	assert_int_equal(c->x[3], pauth_generic(c, p, 0x1230));
	/* hints */
	static const struct { uint32_t n; uint8_t reg, mod, key; } h[] = {
		{ 8, 17, 16, 0 }, { 10, 17, 16, 1 }, { 24, 30, REG_ZERO, 0 },
		{ 25, 30, REG_SP, 0 }, { 26, 30, REG_ZERO, 1 },
		{ 27, 30, REG_SP, 1 },
	};
	for (size_t i = 0; i < sizeof(h) / sizeof(h[0]); i++) {
		c->x[16] = 0xabc;
		c->x[h[i].reg] = p;
		assert_true(ct_insn(0xd503201f | h[i].n << 5));
		assert_int_equal(c->x[h[i].reg],
				 pauth_add(c, h[i].key, p, c->x[h[i].mod]));
		assert_true(ct_insn(0xd503201f | (h[i].n + 4) << 5));
		assert_int_equal(c->x[h[i].reg], p);
	}
	c->x[30] = pauth_add(c, 0, p, 5);
	assert_true(ct_insn(0xd50320ff));               /* XPACLRI */
	assert_int_equal(c->x[30], p);
	/* a key that is off leaves the register alone */
	c->sr.sctlr &= ~(1ull << 31);
	c->x[1] = p;
	assert_true(ct_insn(0xdac10041));
	assert_int_equal(c->x[1], p);
	assert_true(ct_insn(0xdac10441));               /* PACIB still works */
	assert_true(c->x[1] != p);
	/* FPAC: AUTIA raises, x1 stays */
	with("generic");
	c = ct.c;
	c->x[1] = p | 3ull << 50;
	assert_false(ct_insn(0xdac11041));
	assert_int_equal(c->sr.esr, ESR(0x1c, 0));
	assert_int_equal(c->sr.elr, FAKE_RAM);
	assert_int_equal(c->x[1], p | 3ull << 50);
	/* ERETAA */
	c->x[REG_SP] = 0x40;
	c->sr.elr = pauth_add(c, 0, FAKE_RAM + 8, 0x40);
	c->sr.spsr = 5;
	CT_RUN(0xd69f0bff, CT_NOP, CT_SVC);
	assert_int_equal(c->sr.elr, FAKE_RAM + 12);
	/* without PAuth: hints are NOPs, the rest is UNDEF */
	with("generic,PAuth=off");
	ct.c->x[30] = p;
	assert_true(ct_insn(0xd503233f));
	assert_int_equal(ct.c->x[30], p);
	assert_false(ct_insn(0xdac10041));
	assert_int_equal(ct_ec(), 0);
}

/* Branches that authenticate: {BRA,BLRA,BRAZ,BLRAZ,RETA}{A,B}. */
static void test_branches(void **state)
{
	static const struct { uint32_t w; bool link, zero; } t[] = {
		{ 0xd71f0822, false, false },   /* braa x1, x2 */
		{ 0xd73f0822, true, false },    /* blraa x1, x2 */
		{ 0xd61f083f, false, true },    /* braaz x1 */
		{ 0xd63f083f, true, true },     /* blraaz x1 */
	};
	const uint64_t to = FAKE_RAM + 0x200, m = 0x99, bad = 1ull << 50;
	struct cpu *c;

	with("generic");
	c = ct.c;
	for (unsigned i = 0; i < 8; i++) {
		unsigned key = i % 2, k = i / 2;
		uint32_t w = t[k].w | key << 10;

		c->x[1] = pauth_add(c, key, to, t[k].zero ? 0 : m);
		c->x[2] = m;
		c->x[30] = 7;
		assert_false(ct_insn(w));
		assert_int_equal(c->pc, to);
		assert_int_equal(c->x[30], t[k].link ? FAKE_RAM + 4 : 7);
		/* FPACCOMBINE: a wrong code is an exception here, nothing done */
		c->x[1] ^= bad;
		c->x[30] = 7;
		assert_false(ct_insn(w));
		assert_int_equal(c->sr.esr, ESR(0x1c, key));
		assert_int_equal(c->sr.elr, FAKE_RAM);
		assert_int_equal(c->x[30], 7);
	}
	for (unsigned key = 0; key < 2; key++) {        /* retaa, retab */
		c->x[REG_SP] = 0x1230;
		c->x[30] = pauth_add(c, key, to, 0x1230);
		assert_false(ct_insn(0xd65f0bff | key << 10));
		assert_int_equal(c->pc, to);
		c->x[30] ^= bad;
		assert_false(ct_insn(0xd65f0bff | key << 10));
		assert_int_equal(c->sr.esr, ESR(0x1c, key));
	}
	/* BLRAA with the link register as modifier: it is read first */
	c->x[1] = pauth_add(c, 0, to, 0x55);
	c->x[30] = 0x55;
	assert_false(ct_insn(0xd73f083e));
	assert_int_equal(c->pc, to);
	assert_int_equal(c->x[30], FAKE_RAM + 4);
}

/* LDRAA and LDRAB: offset, sign, writeback, the two keys. */
static void test_loads(void **state)
{
	const uint64_t at = FAKE_RAM + 0x400, data = 0x1122334455667788;
	struct cpu *c;

	with("generic");
	c = ct.c;
	for (int off = -2; off <= 2; off++)
		for (unsigned k = 0; k < 4; k++) {
			unsigned b = k & 1, wb = k >> 1;
			uint32_t imm = (uint32_t)off & 0x3ff, w = 0xf8200423 |
				b << 23 | imm >> 9 << 22 | (imm & 511) << 12 |
				wb << 11;       /* ldra{a,b} x3, [x1, #off] */
			uint64_t signed_at = pauth_add(c, PAUTH_DA + b, at, 0);

			memcpy(ct.f->ram + (at + off * 8 - FAKE_RAM), &data, 8);
			c->x[1] = signed_at;
			c->x[3] = 0;
			assert_true(ct_insn(w));
			assert_int_equal(c->x[3], data);
			assert_int_equal(c->x[1], wb ? at + off * 8 : signed_at);
			/* of the other key, or spoilt: nothing is loaded */
			c->x[1] = signed_at ^ 1ull << 50;
			c->x[3] = 0;
			assert_false(ct_insn(w));
			assert_int_equal(c->sr.esr, ESR(0x1c, 2 + b));
			assert_int_equal(c->x[3], 0);
			assert_int_equal(c->x[1], signed_at ^ 1ull << 50);
		}
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(golden), T(round_trip), T(failure), T(bad_pointer), T(mix),
		T(instructions), T(branches), T(loads),
	};

	return cmocka_run_group_tests_name("pauth", tests, NULL, NULL);
}
