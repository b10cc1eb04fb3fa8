/* The gdb stub: framing, registers, memory, threads, stops, queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gdbtest.h"

static int setup(void **state)
{
	gt_open();
	return 0;
}

/* Sends a packet; what came back, without the frame, after its "+". */
static const char *ask(const char *body)
{
	static char text[sizeof(gt.out)];
	bool noack = gt.s.noack;
	uint8_t sum = 0;
	char tail[4];
	size_t n;

	for (const char *p = body; *p; p++)
		sum = (uint8_t)(sum + (uint8_t)*p);
	gt.nout = 0;
	gt.out[0] = 0;
	gt_feed("$", 1);
	gt_feed(body, strlen(body));
	snprintf(tail, sizeof(tail), "#%02x", sum);
	gt_feed(tail, 3);
	memcpy(text, gt.out, gt.nout + 1);
	n = gt.nout;
	if (noack ? n < 4 : n < 5)
		return text;            /* no reply */
	text[n - 3] = 0;
	return text + (noack ? 1 : 2);
}
#define ASK(body, want) assert_string_equal(ask(body), want)

static void test_frame(void **state)
{
	gt_feed("$?#3f", 5);
	assert_memory_equal(gt.out, "+$T05thread:1;#", 15);
	/* a wrong checksum; what went out last, again */
	gt.nout = 0;
	gt_feed("$?#3e-", 6);
	assert_memory_equal(gt.out, "-$T05thread:1;#", 15);
	/* a packet that is broken off, noise around */
	gt.nout = 0;
	gt_feed("++xx$m0,$?#3f", 13);
	assert_memory_equal(gt.out, "+$T05", 5);
	/* without acknowledgements, whatever the sum */
	ASK("QStartNoAckMode", "OK");
	gt.nout = 0;
	gt_feed("$?#00", 5);
	assert_memory_equal(gt.out, "$T05", 4);
	/* what is not known has an empty reply */
	ASK("vMustReplyEmpty", "");
	ASK("jThreadsInfo", "");
	ASK("", "");
	/* longer than the longest */
	gt.nout = 0;
	gt_feed("$", 1);
	for (unsigned i = 0; i < 3 * GDB_PACKET; i++)
		gt_feed("0", 1);
	gt_feed("#00", 3);
	assert_memory_equal(gt.out, "$E22#", 5);
	ASK("qC", "QC1");
}

static void test_registers(void **state)
{
	char g[4096];
	const char *p;

	gt.x[0][3] = 0x1122334455667788;
	gt.x[0][32] = 0x70080000;       /* PC */
	gt.x[0][33] = 0x600003c5;       /* EL1h */
	gt.x[0][31] = 1;                /* SP_EL0, */
	gt.x[0][34] = 2;                /* SP_EL1 */
	gt.v[0][5][0] = 0xab;
	ASK("p3", "8877665544332211");
	ASK("p1f", "0200000000000000");
	ASK("p20", "0000087000000000");
	ASK("p21", "c5030060");
	ASK("p27", "ab000000000000000000000000000000");
	ASK("pffff", "E22");
	ASK("p", "E22");
	ASK("P3=0100000000000000", "OK");
	assert_int_equal(gt.x[0][3], 1);
	ASK("P3=01", "E22");
	ASK("P21=c0030060", "OK");      /* EL0t: sp is SP_EL0 */
	ASK("p1f", "0100000000000000");
	/* FPSR and FPCR are none of this machine's */
	p = ask("g");
	assert_int_equal(strlen(p), 2 * (33 * 8 + 4 + 32 * 16 + 8));
	assert_memory_equal(p + strlen(p) - 16, "xxxxxxxxxxxxxxxx", 16);
	snprintf(g, sizeof(g), "G%s", p);
	g[1 + 2 * 8 * 4] = 'f';         /* x4 */
	g[1 + 2 * 780] = 0;             /* as far as v31 */
	ASK(g, "OK");
	assert_int_equal(gt.x[0][4], 0xf0);
	ASK("G0011", "E22");
	/* the other CPU's */
	ASK("Hg2", "OK");
	ASK("p3", "0000000000000000");
	ASK("Hgp1.1", "OK");
	ASK("Hg3", "E22");
	ASK("Hx1", "E22");
}

static void test_masks(void **state)
{
	/* T0SZ 25, T1SZ 16, TBI0 */
	gt.tcr = 25 | 16ull << 16 | 1ull << 37;
	ASK("p44", "0000000080ff7f00");      /* data, code */
	ASK("p45", "0000000080ff7f00");
	ASK("p46", "0000000000007fff");      /* of the upper half */
	ASK("p47", "0000000000007fff");
	gt.tcr |= 1ull << 51;           /* TBID0: code has no tag */
	ASK("p45", "0000000080ff7fff");
}

static void test_xml(void **state)
{
	static char xml[GDB_XML_SIZE];
	size_t n = 0, depth = 0;
	const char *p;
	char q[80];

	do {
		snprintf(q, sizeof(q), "qXfer:features:read:target.xml:%zx,3e8",
			 n);
		p = ask(q);
		assert_true(*p == 'm' || *p == 'l');
		memcpy(xml + n, p + 1, strlen(p + 1) + 1);
		n += strlen(p + 1);
	} while (*p == 'm');
	assert_int_equal(n, gt.s.nxml);
	assert_non_null(strstr(xml, "\"org.gnu.gdb.aarch64.core\""));
	assert_non_null(strstr(xml, "\"org.gnu.gdb.aarch64.fpu\""));
	assert_non_null(strstr(xml, "<reg name=\"TCR_EL1\""));
	assert_null(strstr(xml, "SCTLR_EL1"));  /* not of this machine */
	for (p = xml; (p = strstr(p, "<feature")); p++)
		depth++;
	assert_int_equal(depth, 4);
	assert_non_null(strstr(xml, "</target>"));
	ASK("qXfer:features:read:target.xml:ffffffff,10", "l");
	ASK("qXfer:features:read:other.xml:0,10", "E00");
	/* the numbers that it gives are those of p */
	p = strstr(xml, "\"TCR_EL1\" bitsize=\"64\" regnum=\"");
	assert_non_null(p);
	gt.tcr = 0x42;
	snprintf(q, sizeof(q), "p%lx",
		 strtoul(strstr(p, "regnum=\"") + 8, NULL, 10));
	ASK(q, "4200000000000000");
}

static void test_memory(void **state)
{
	gt.mem[0] = 0x11;
	gt.mem[1] = 0x22;
	gt.mem[GT_MEM - 1] = 0x33;
	ASK("m10000,2", "1122");
	ASK("m1ffff,8", "33");          /* as much as there is */
	ASK("m0,1", "E14");
	ASK("m10000,0", "");
	ASK("mzz,1", "E22");
	ASK("M10000,2:abcd", "OK");
	assert_int_equal(gt.mem[1], 0xcd);
	ASK("M10000,2:ab", "E22");
	ASK("M10000,2:abcz", "E22");
	ASK("M0,1:00", "E14");
	ASK("M1ffff,2:0000", "E14");
	ASK("X10000,0:", "OK");
	ASK("X10000,3:}\x03" "a}]", "OK");
	assert_memory_equal(gt.mem, "#a}", 3);
	ASK("X10000,2:a", "E22");
	/* physical */
	ASK("Qqemu.PhyMemMode:1", "OK");
	ASK("qqemu.PhyMemMode", "1");
	ASK("m0,1", "23");
	ASK("m10000,1", "E14");
	ASK("Qqemu.PhyMemMode:0", "OK");
	ASK("m10000,1", "23");
}

static void test_threads(void **state)
{
	ASK("qfThreadInfo", "m1,2");
	ASK("qsThreadInfo", "l");
	ASK("T1", "OK");
	ASK("Tp1.2", "OK");
	ASK("T3", "E03");
	ASK("T-1", "E03");
	ASK("qThreadExtraInfo,2", "63707531205b6f66665d");      /* cpu1 [off] */
	ASK("qThreadExtraInfo,9", "E22");
	ASK("qAttached", "1");
	ASK("qSupported:swbreak+;hwbreak-;x", "PacketSize=4000;qXfer:features:"
	    "read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+");
	assert_true(gt.s.swbreak && !gt.s.hwbreak);
	ASK("qqemu.sstepbits", "ENABLE=1,NOIRQ=2");
	assert_true(gt.noirq);
	ASK("Qqemu.sstep=1", "OK");
	assert_false(gt.noirq);
	ASK("qqemu.sstep", "0x1");
	ASK("Qqemu.sstep=0x3", "OK");
	assert_true(gt.noirq);
	ASK("Qqemu.sstep=9", "E22");
}

static void runs(const char *packet, enum gdb_run a, enum gdb_run b)
{
	const struct vcpu_stop stop = { STOP_STEP, 0, 0 };

	gt.going = false;
	ASK(packet, "+");
	assert_true(gt.going && gt.s.running);
	assert_int_equal(gt.run[0], a);
	assert_int_equal(gt.run[1], b);
	gdb_stopped(&gt.s, 0, &stop);
}

static void test_run(void **state)
{
	runs("c", GDB_GO, GDB_GO);
	runs("C05", GDB_GO, GDB_GO);
	runs("s", GDB_STEP, GDB_HOLD);
	ASK("Hc2", "OK");
	runs("c", GDB_HOLD, GDB_GO);
	runs("s", GDB_HOLD, GDB_STEP);
	ASK("Hc-1", "OK");
	runs("vCont;c", GDB_GO, GDB_GO);
	runs("vCont;s:1;c", GDB_STEP, GDB_GO);
	runs("vCont;s:p1.2", GDB_HOLD, GDB_STEP);
	runs("vCont;c:2;s:-1", GDB_STEP, GDB_GO);
	runs("vCont;S05:1;C05:p1.-1", GDB_STEP, GDB_GO);
	runs("c1234", GDB_GO, GDB_GO);
	assert_int_equal(gt.x[0][32], 0x1234);
	ASK("vCont?", "vCont;c;C;s;S");
	ASK("vCont", "E22");
	ASK("vCont;", "E22");
	ASK("vCont;x", "E22");
	ASK("vCont;s:3", "E22");
	ASK("vCont;c;", "E22");
	/* nothing but an interrupt counts while it runs */
	ASK("c", "+");
	ASK("m10000,1", "+");
	ASK("k", "+");
	assert_int_equal(gt.quits, 0);
	gt.nout = 0;
	gt_feed("\003", 1);
	assert_int_equal(gt.halts, 1);
	assert_memory_equal(gt.out, "$T02thread:1;", 13);
	gt.nout = 0;
	gt_feed("\003", 1);             /* not twice */
	assert_int_equal(gt.nout, 0);
}

static void stops(const struct vcpu_stop *stop, const char *want)
{
	ASK("c", "+");
	gt.nout = 0;
	gdb_stopped(&gt.s, 1, stop);
	gt.out[gt.nout] = 0;
	if (!strstr(gt.out, want))
		fail_msg("%s: no %s", gt.out, want);
	assert_memory_equal(gt.out, "$T05thread:2;", 13);
	assert_non_null(strstr(ask("?"), want));
	ASK("qC", "QC2");
}

static void test_stops(void **state)
{
	gt.x[1][31] = 0x1000;
	gt.x[1][32] = 0x2000;
	ASK("qSupported:swbreak+;hwbreak+", "PacketSize=4000;qXfer:features:"
	    "read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+");
	ASK("Z0,2000,4", "OK");
	stops(&(struct vcpu_stop){ STOP_BREAK, 0, 0x2000 }, ";swbreak:;");
	stops(&(struct vcpu_stop){ STOP_BREAK, 0, 0x3000 }, ";hwbreak:;");
	stops(&(struct vcpu_stop){ STOP_WATCH, POINT_WRITE, 0x123 },
	      ";watch:123;");
	stops(&(struct vcpu_stop){ STOP_WATCH, POINT_READ, ~0ull },
	      ";rwatch:ffffffffffffffff;");
	stops(&(struct vcpu_stop){ STOP_WATCH, POINT_ACCESS, 1 }, ";awatch:1;");
	stops(&(struct vcpu_stop){ STOP_STEP, 0, 0 },
	      "1f:0010000000000000;20:0020000000000000;");
}

static void test_points(void **state)
{
	char q[40];

	ASK("Z0,1000,4", "OK");
	ASK("Z0,1000,4", "OK");         /* once only */
	ASK("Z1,1000,4", "OK");
	ASK("Z2,2000,8", "OK");
	ASK("Z3,2000,1", "OK");
	ASK("Z4,ffffffffffffff00,100", "OK");
	assert_int_equal(gt.npoints, 5);
	assert_int_equal(gt.point[2].kind, POINT_WRITE);
	assert_int_equal(gt.point[3].kind, POINT_READ);
	assert_int_equal(gt.point[4].kind, POINT_ACCESS);
	assert_int_equal(gt.point[4].len, 0x100);
	ASK("z2,2000,4", "OK");         /* another one, which is not set */
	ASK("z2,2000,8", "OK");
	assert_int_equal(gt.npoints, 4);
	ASK("Z2,2000,0", "E22");
	ASK("Z2,2000", "E22");
	ASK("Z2,2000,fffffffff", "E22");
	ASK("Z5,2000,4", "");
	ASK("Z", "");
	/* no more than the machine has: then all is as before */
	gt.most_points = 4;
	ASK("Z1,3000,4", "E28");
	assert_int_equal(gt.s.npoints, 4);
	ASK("z1,1000,4", "OK");
	ASK("Z1,3000,4", "OK");
	gt.most_points = VM_MAX_POINTS;
	for (unsigned i = 4; i < VM_MAX_POINTS; i++) {
		snprintf(q, sizeof(q), "Z1,%x,4", 0x4000 + 4 * i);
		ASK(q, "OK");
	}
	ASK("Z1,5000,4", "E28");
	/* detaching forgets them */
	ASK("D", "OK");
	assert_int_equal(gt.npoints, 0);
	assert_true(gt.going && gt.s.closed);
	assert_int_equal(gdb_input(&gt.s, "$?#3f", 5), 0);
}

static const char *monitor(const char *text)
{
	char q[300] = "qRcmd,";

	for (const char *p = text; *p; p++)
		sprintf(q + strlen(q), "%02x", (unsigned)*p);
	return ask(q);
}

static void test_monitor(void **state)
{
	/* "0-ffff RAM\n" in an O packet of its own, then OK */
	assert_non_null(strstr(monitor("info mtree"),
			       "O302d666666662052414d0a#"));
	assert_string_equal(gt.out + gt.nout - 6, "$OK#9a");
	monitor("reset");
	assert_int_equal(gt.resets, 1);
	monitor("phys on ");
	assert_true(gt.s.phys);
	monitor("phys off");
	assert_false(gt.s.phys);
	/* "gpa: 0x10\n" */
	assert_non_null(strstr(monitor("gva2gpa 0x10010"),
			       "6770613a20307831300a"));
	monitor("gva2gpa 0");
	monitor("gva2gpa");
	monitor("xp 0");
	monitor("xp 0x10000");
	monitor("registers");
	monitor("info cpus");
	monitor("help");
	monitor("phys maybe");
	monitor("");
	monitor("nothing of this kind");
	ASK("qRcmd,zz", "E22");
	monitor("quit");
	assert_int_equal(gt.quits, 1);
}

static void test_end(void **state)
{
	ASK("c", "+");
	gt.nout = 0;
	gdb_exited(&gt.s, false, 0);
	assert_memory_equal(gt.out, "$W00#b7", 7);
	assert_true(gt.s.closed);
	gt_open();
	ASK("c", "+");
	gt.nout = 0;
	gdb_exited(&gt.s, true, 6);
	assert_memory_equal(gt.out, "$X06#be", 7);
	gt_open();                      /* not while it does not wait */
	gdb_exited(&gt.s, true, 6);
	assert_int_equal(gt.nout, 0);
	gt_open();
	ask("k");
	assert_int_equal(gt.quits, 1);
	assert_true(gt.s.closed);
	gt_open();
	ASK("vKill;1", "OK");
	assert_int_equal(gt.quits, 1);
}

int main(void)
{
#define T(n) cmocka_unit_test_setup(test_##n, setup)
	const struct CMUnitTest tests[] = {
		T(frame), T(registers), T(masks), T(xml), T(memory),
		T(threads), T(run), T(stops), T(points), T(monitor), T(end),
	};

	return cmocka_run_group_tests_name("gdb", tests, NULL, NULL);
}
