/* huge_pages.h: weights in pages of 2 MiB.
 *
 * Files are mapped in pages of 4 KiB, and looking up so many of them costs a third to a half of the
 * memory's speed on machines that are virtual ones: the more so, the faster the memory is. A copy in
 * huge pages takes the place of the mapping, piece by piece; the file's own pages stay in the
 * system's cache, which gives them up when memory is needed. */
#ifndef HUGE_PAGES_H
#define HUGE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HUGE_PAGE = 2 << 20 };

/* Whether the system has such pages, and room for `bytes` more with some to spare. */
bool huge_pages_worth(uint64_t bytes);
/* Puts a read-only copy in the place of bytes at..at + bytes - 1, both multiples of HUGE_PAGE, which must be
 * mapped. Nobody may be reading them. False: nothing has changed. */
bool huge_pages_replace(uint8_t *at, size_t bytes);

#endif
