/* cover.c: see cover.h. The file is mapped before the sandbox closes. */
#include "cover.h"

#ifdef ROW_COVER

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS = 4096 };
static unsigned char *table;

__attribute__((constructor)) static void cover_open(void)
{
	const char *name = getenv("POME_ROWS");
	int fd = name ? open(name, O_RDWR | O_CREAT | O_TRUNC, 0666) : -1;
	void *p;

	if (fd < 0 || ftruncate(fd, ROWS))
		return;
	p = mmap(NULL, ROWS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		table = p;
}

void cover_row(unsigned row)
{
	if (table && row < ROWS)
		table[row] = 1;
}

#endif
