/* Mach-O: the layout is that of mach-o/loader.h, whose names are used. Kernels
 * for arm64 are executables or filesets, with one LC_UNIXTHREAD that names the
 * entry; segments are mapped as they stand (spec/vmapple.md section 8.8). */
#include "macho.h"

enum {
	MH_MAGIC_64 = 0xfeedfacf,
	CPU_TYPE_ARM64 = 0x0100000c,
	MH_EXECUTE = 2, MH_FILESET = 12,
	LC_UNIXTHREAD = 0x05, LC_SEGMENT_64 = 0x19, LC_SOURCE_VERSION = 0x2a,
	LC_BUILD_VERSION = 0x32, LC_FILESET_ENTRY = 0x35,
	LC_REQ_DYLD_MASK = 0x7fffffff,
	ARM_THREAD_STATE64 = 6,
	HEADER = 32, SEGMENT = 72, FILESET_ENTRY = 32,
	THREAD = 16, STATE_WORDS = 68, STATE_PC = 32 * 8,
	MAX_COMMANDS = 8192,
};

#define SPAN_MAX (1ull << 32)           /* a kernel's, with all its kexts */

bool macho_is(const uint8_t *p, size_t n)
{
	return n >= 4 && ld32(p) == MH_MAGIC_64;
}

static const char *segment(const uint8_t *file, size_t n, const uint8_t *p,
			   uint32_t size, struct macho *m)
{
	struct macho_segment *s = &m->seg[m->nsegs];
	uint64_t off, end;

	if (size < SEGMENT)
		return "Mach-O: a segment command is too short";
	if (!ld64(p + 32))
		return NULL;
	if (m->nsegs == MACHO_SEGMENTS)
		return "Mach-O: too many segments";
	memcpy(s->name, p + 8, 16);
	s->name[16] = 0;
	s->vmaddr = ld64(p + 24);
	s->vmsize = ld64(p + 32);
	off = ld64(p + 40);
	s->filesize = ld64(p + 48);
	s->prot = ld32(p + 60);
	if (__builtin_add_overflow(s->vmaddr, s->vmsize, &end))
		return "Mach-O: a segment wraps around";
	if (s->filesize > s->vmsize)
		return "Mach-O: a segment is larger in the file than in memory";
	if (off > n || s->filesize > n - off)
		return "Mach-O: a segment ends behind the file (is it cut "
		       "short?)";
	s->data = file + off;
	if (!m->nsegs || s->vmaddr < m->low)
		m->low = s->vmaddr;
	if (!m->nsegs || end > m->high)
		m->high = end;
	m->nsegs++;
	return NULL;
}

static const char *thread(const uint8_t *p, uint32_t size, uint64_t *entry)
{
	if (size < THREAD + STATE_WORDS * 4 ||
	    ld32(p + 8) != ARM_THREAD_STATE64 || ld32(p + 12) != STATE_WORDS)
		return "Mach-O: LC_UNIXTHREAD is not arm64's";
	if (*entry)
		return "Mach-O: two LC_UNIXTHREAD";
	*entry = ld64(p + THREAD + STATE_PC);
	return *entry ? NULL : "Mach-O: the entry is 0";
}

static const char *command(const uint8_t *file, size_t n, const uint8_t *p,
			   uint32_t size, struct macho *m)
{
	uint64_t v;

	switch (ld32(p) & LC_REQ_DYLD_MASK) {
	case LC_SEGMENT_64: return segment(file, n, p, size, m);
	case LC_UNIXTHREAD: return thread(p, size, &m->entry);
	case LC_FILESET_ENTRY:
		if (size < FILESET_ENTRY)
			return "Mach-O: a fileset entry is too short";
		m->entries++;
		return NULL;
	case LC_SOURCE_VERSION:
		if (size < 16)
			return "Mach-O: LC_SOURCE_VERSION is too short";
		v = ld64(p + 8);        /* a24.b10.c10.d10.e10 */
		m->version[0] = (uint32_t)(v >> 40);
		m->version[1] = v >> 30 & 1023;
		m->version[2] = v >> 20 & 1023;
		return NULL;
	case LC_BUILD_VERSION:
		if (size < 24)
			return "Mach-O: LC_BUILD_VERSION is too short";
		m->macos = ld32(p + 12) >> 16;
		return NULL;
	default: return NULL;
	}
}

static const char *check(const struct macho *m)
{
	if (!m->nsegs)
		return "Mach-O: nothing to load";
	if (m->high - m->low > SPAN_MAX)
		return "Mach-O: its segments are too far apart";
	if (!m->entry)
		return "Mach-O: no LC_UNIXTHREAD, so no entry: not a kernel";
	for (unsigned i = 0; i < m->nsegs; i++)
		if (m->entry >= m->seg[i].vmaddr &&
		    m->entry - m->seg[i].vmaddr < m->seg[i].filesize)
			return m->entry % 4 ? "Mach-O: the entry is not "
					      "aligned" : NULL;
	return "Mach-O: the entry is in no segment";
}

const char *macho_parse(const uint8_t *p, size_t n, struct macho *m)
{
	uint32_t ncmds, left;
	const uint8_t *at;
	const char *bad;

	memset(m, 0, sizeof(*m));
	if (n < HEADER || !macho_is(p, n))
		return "Mach-O: no 64-bit little-endian header";
	if (ld32(p + 4) != CPU_TYPE_ARM64)
		return "Mach-O: for another CPU than arm64";
	if (ld32(p + 12) != MH_EXECUTE && ld32(p + 12) != MH_FILESET)
		return "Mach-O: neither an executable nor a fileset";
	m->fileset = ld32(p + 12) == MH_FILESET;
	ncmds = ld32(p + 16);
	left = ld32(p + 20);
	if (ncmds > MAX_COMMANDS || left > n - HEADER)
		return "Mach-O: its load commands are cut short";
	for (at = p + HEADER; ncmds; ncmds--) {
		uint32_t size = left < 8 ? 0 : ld32(at + 4);

		if (size < 8 || size > left || size % 4)
			return "Mach-O: a load command's size is wrong";
		bad = command(p, n, at, size, m);
		if (bad)
			return bad;
		at += size;
		left -= size;
	}
	return check(m);
}
