/* mutate.c - mutated bundles: no crash, no hang, little memory, and no file
 * touched outside of the bundle.
 *
 *   mutate DIR COUNT [SEED]     DIR as `cases.py --make DIR` made it
 *
 * To be built with ASan and UBSan, and linked with --wrap for the calls that
 * take a path (Makefile). Prints the seed of a round that fails; SEED with
 * COUNT 1 repeats it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bundle.h"

#define FILES_MAX 64
#define MUTABLE_MAX (1u << 20)
#define MEMORY_MAX (64u << 20)
#define SECONDS_MAX 1.0

/* ---- what is touched --------------------------------------------------------- */

static const char *allowed;             /* a directory; NULL: anything */
static char touched[PATH_MAX];

static void look(const char *path)
{
	size_t n = allowed ? strlen(allowed) : 0;
	bool below = !allowed || (!strncmp(path, allowed, n) &&
				  (path[n] == '/' || !path[n]));

	/* A relative name counts from an empty directory. */
	if (allowed && path[0] != '/')
		below = true;
	if (allowed && (strstr(path, "/../") || !strncmp(path, "../", 3)))
		below = false;
	if (!below)
		snprintf(touched, sizeof(touched), "%s", path);
}

/* The names that the linker sees: files are 64 bits wide throughout. */
int __real_open(const char *, int, ...) __asm__("__real_open64");
int __real_stat(const char *, struct stat *) __asm__("__real_stat64");
int __real_lstat(const char *, struct stat *) __asm__("__real_lstat64");
int __real_access(const char *, int);
DIR *__real_opendir(const char *);
char *__real_realpath(const char *, char *);
int __wrap_open(const char *, int, ...) __asm__("__wrap_open64");
int __wrap_stat(const char *, struct stat *) __asm__("__wrap_stat64");
int __wrap_lstat(const char *, struct stat *) __asm__("__wrap_lstat64");
int __wrap_access(const char *, int);
DIR *__wrap_opendir(const char *);
char *__wrap_realpath(const char *, char *);

int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	look(path);
	if (allowed && flags & (O_CREAT | O_WRONLY | O_RDWR | O_TRUNC))
		snprintf(touched, sizeof(touched), "%s, to write", path);
	return __real_open(path, flags, mode);
}

int __wrap_stat(const char *path, struct stat *st)
{
	look(path);
	return __real_stat(path, st);
}

int __wrap_lstat(const char *path, struct stat *st)
{
	look(path);
	return __real_lstat(path, st);
}

int __wrap_access(const char *path, int mode)
{
	look(path);
	return __real_access(path, mode);
}

DIR *__wrap_opendir(const char *path)
{
	look(path);
	return __real_opendir(path);
}

char *__wrap_realpath(const char *path, char *out)
{
	look(path);
	return __real_realpath(path, out);
}

/* ---- memory --------------------------------------------------------------------- */

int __sanitizer_install_malloc_and_free_hooks(
	void (*)(const volatile void *, size_t),
	void (*)(const volatile void *)) __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *)
	__attribute__((weak));

static size_t live, peak;

static void on_malloc(const volatile void *p, size_t n)
{
	live += n;
	peak = live > peak ? live : peak;
}

static void on_free(const volatile void *p)
{
	if (p)
		live -= __sanitizer_get_allocated_size(p);
}

/* ---- mutation --------------------------------------------------------------------- */

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (uint32_t)(state >> 16) % below : 0;
}

static const char *const words[] = {
	"-1", "0", "1", "64", "65535", "65536", "4294967295", "4294967296",
	"9223372036854775807", "9223372036854775808", "18446744073709551615",
	"1e308", "1e-9", "NaN", "null", "true", "[]", "{}", "\"\"", "../",
	"/etc/passwd", "/dev/zero", "../../../../etc/shadow", "\\u0000",
	"\x1b[2J", "\xff\xfe", "\xef\xbb\xbf", "<![CDATA[", "<!DOCTYPE x [",
	"<!ENTITY a 'b'>", "&a;", "&#0;", "&#x110000;", "<dict>", "</dict>",
	"<array>", "</array>", "<integer>", "</integer>", "<string/>",
	"<data>", "=", ",", ":", "\"", "Data/", ".", "%00", "%n%n", "aarch64",
	"vmapple", "virt", "Linux", "macOS", "Bridged", "bplist00",
};

struct buf {
	uint8_t *p;
	size_t n;
};

/* Replaces [at, at + gone) by `with`. */
static void put_in(struct buf *b, size_t at, size_t gone, const void *with,
		   size_t n)
{
	if (b->n - gone + n > MUTABLE_MAX)
		return;
	memmove(b->p + at + n, b->p + at + gone, b->n - at - gone);
	memcpy(b->p + at, with, n);
	b->n += n - gone;
}

static void mutate_once(struct buf *b)
{
	size_t at = rnd((uint32_t)b->n + 1), len, from;
	const char *w = words[rnd(sizeof(words) / sizeof(words[0]))];
	static uint8_t copy[65536];

	if (at == b->n && b->n)
		at--;
	len = rnd(64) + 1;
	if (len > b->n - at)
		len = b->n - at;
	switch (rnd(10)) {
	case 0:
		if (b->n)
			b->p[at] ^= (uint8_t)(1u << rnd(8));
		break;
	case 1:
		if (b->n)
			b->p[at] = (uint8_t)rnd(256);
		break;
	case 2:
		put_in(b, at, len, "", 0);
		break;
	case 3:
		put_in(b, at, 0, w, strlen(w));
		break;
	case 4:                         /* a number or word instead */
		while (at && at < b->n && b->p[at] != '>' && b->p[at] != ' ')
			at--;
		for (len = 0; at + 1 + len < b->n && len < 200 &&
		     !strchr("<,}\n", b->p[at + 1 + len]); len++)
			;
		if (at + 1 + len <= b->n)
			put_in(b, at + 1, len, w, strlen(w));
		break;
	case 5:                         /* a piece again, elsewhere */
		from = rnd((uint32_t)b->n + 1);
		len = rnd(2000);
		if (len > b->n - from)
			len = b->n - from;
		memcpy(copy, b->p + from, len);
		put_in(b, at, 0, copy, len);
		break;
	case 6:                         /* many times */
		len = len < 32 ? len : 32;
		memcpy(copy, b->p + at, len);
		for (uint32_t i = rnd(1000); i; i--)
			put_in(b, at, 0, copy, len);
		break;
	case 7:
		b->n = rnd(20) ? b->n : at;
		break;
	case 8:
		memset(b->p + at, (int)rnd(256), len);
		break;
	case 9:                         /* a big-endian number */
		for (size_t i = 0; i < len && i < 8; i++)
			b->p[at + i] = rnd(2) ? 0xff : 0;
		break;
	}
}

/* ---- cases ------------------------------------------------------------------------ */

static char files[FILES_MAX][PATH_MAX];
static int nfiles;

/* Small files of a bundle, heads of the others. */
static int add_file(const char *path, const struct stat *st, int kind,
		    struct FTW *at)
{
	if (kind == FTW_F && nfiles < FILES_MAX && st->st_size)
		snprintf(files[nfiles++], PATH_MAX, "%s", path);
	return 0;
}

static size_t slurp(const char *path, uint8_t *to, size_t max)
{
	int fd = __real_open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, to, max);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

static void put(const char *path, const uint8_t *p, size_t n, off_t size)
{
	int fd = __real_open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n ||
	    ftruncate(fd, size) || close(fd)) {
		fprintf(stderr, "mutate: %s: %s\n", path, strerror(errno));
		exit(2);
	}
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void ignore_setting(void *arg, const char *key, const char *value,
			   const char *verdict, const char *why)
{
	for (const char *p = key; *p; p++)
		if ((unsigned char)*p < 0x20)
			abort();
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < 0x20)
			abort();
}

static enum verdict read_it(const char *path, const char *dir)
{
	static struct bundle b;
	struct config c;
	enum verdict v = VERDICT_MALFORMED;
	struct err e;

	bundle_init(&b);
	config_init(&c);
	allowed = dir;
	if (!bundle_read(&b, path, &c, &e)) {
		v = bundle_verdict(&b);
		bundle_settings(&b, ignore_setting, NULL);
		for (int i = 0; i < b.nnotes; i++)
			for (const char *p = b.note[i].text; *p; p++)
				if ((unsigned char)*p < 0x20)
					abort();
		if (v <= VERDICT_WARN) {
			config_defaults(&c);
			config_check(&c, &e);
		}
	}
	allowed = NULL;
	bundle_fini(&b);
	config_fini(&c);
	return v;
}

static int one(const char *path, uint64_t seed, int tally[4])
{
	static uint8_t was[MUTABLE_MAX], now[MUTABLE_MAX + 65536];
	char dir[PATH_MAX];
	struct stat st;
	struct buf b = { .p = now };
	const char *file;
	double start, took;
	int bad = 0;

	snprintf(dir, sizeof(dir), "%s", path);
	if (!__real_stat(path, &st) && !S_ISDIR(st.st_mode))
		*strrchr(dir, '/') = 0;
	nfiles = 0;
	nftw(dir, add_file, 16, FTW_PHYS);
	if (!nfiles)
		return 0;
	file = files[rnd((uint32_t)nfiles)];
	__real_stat(file, &st);
	b.n = slurp(file, was, st.st_size > MUTABLE_MAX ? 4096 : MUTABLE_MAX);
	memcpy(now, was, b.n);
	for (uint32_t i = rnd(8) + 1; i; i--)
		mutate_once(&b);
	put(file, b.p, b.n, st.st_size > MUTABLE_MAX ? st.st_size :
	    (off_t)b.n);
	touched[0] = 0;
	peak = live;
	size_t before = live;
	start = cpu_seconds();
	tally[read_it(path, dir)]++;
	took = cpu_seconds() - start;
	if (took > SECONDS_MAX)
		bad = fprintf(stderr, "mutate: %.1f seconds\n", took);
	if (peak - before > MEMORY_MAX)
		bad = fprintf(stderr, "mutate: %zu MiB\n",
			      (peak - before) >> 20);
	if (*touched)
		bad = fprintf(stderr, "mutate: touched %s\n", touched);
	if (bad)
		fprintf(stderr, "mutate: %s of %s, seed %llu\n", file, path,
			(unsigned long long)seed);
	else
		put(file, was, st.st_size > MUTABLE_MAX ? 4096 :
		    (size_t)st.st_size, st.st_size);
	return bad != 0;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	long count = argc > 2 ? atol(argv[2]) : 0;
	char list[PATH_MAX], line[PATH_MAX];
	static char cases[512][PATH_MAX];
	int ncases = 0, tally[4] = { 0 };
	FILE *f;

	snprintf(list, sizeof(list), "%s/index", argc > 1 ? argv[1] : "");
	f = fopen(list, "r");
	if (!f || count < 1) {
		fprintf(stderr, "usage: mutate DIR COUNT [SEED]\n");
		return 2;
	}
	while (ncases < 512 && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		strcpy(cases[ncases++], line);
	}
	fclose(f);
	snprintf(line, sizeof(line), "%s/empty", argv[1]);
	if ((mkdir(line, 0700) && errno != EEXIST) || chdir(line) || !ncases) {
		perror(line);
		return 2;
	}
	if (__sanitizer_install_malloc_and_free_hooks)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	/* Does the watch see? */
	allowed = "/nowhere";
	config_open_file(list, O_RDONLY, false, "a list", &(uint64_t){ 0 },
			 &(struct err){ 0 });
	allowed = NULL;
	if (strcmp(touched, list)) {
		fprintf(stderr, "mutate: not linked with --wrap\n");
		return 2;
	}
	for (long i = 0; i < count; i++, seed++) {
		state = seed * 0x9e3779b97f4a7c15 + 1;
		for (int k = 0; k < 4; k++)
			rnd(0);
		if (one(cases[rnd((uint32_t)ncases)], seed, tally))
			return 1;
	}
	printf("mutate: %ld mutated bundles: %d ok, %d warn, %d unsupported, "
	       "%d malformed\n", count, tally[VERDICT_OK], tally[VERDICT_WARN],
	       tally[VERDICT_UNSUPPORTED], tally[VERDICT_MALFORMED]);
	return 0;
}
