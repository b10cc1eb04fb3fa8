/* cover.h: which rows of a64.def are used: for `make coverage-list`. Only in
 * builds with -DROW_COVER, and where the environment's POME_ROWS names a file,
 * which then holds a byte a row; a row counts when a word of it is decoded,
 * which is done when it is about to be executed. */
#ifndef INTERP_COVER_H
#define INTERP_COVER_H

#ifdef ROW_COVER
void cover_row(unsigned row);
#define COVER_ROW(row) cover_row(row)
#else
#define COVER_ROW(row) ((void)0)
#endif

#endif
