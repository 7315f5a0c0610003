/* extract.h: the code blocks of an answer, cut out while it streams.
 *
 * A block is what stands between fences of three or more ` or ~, as in Markdown;
 * one that never ends goes to the end of the answer. What is found comes out line by
 * line. Without any block the whole answer comes out, at its end. */
#ifndef EXTRACT_H
#define EXTRACT_H

#include "../xmalloc.h"

#include <stdbool.h>

struct extract; /* one answer */

struct extract *extract_create(int block); /* the number of the block, from 1; 0: all of them, an empty line between */
void extract_free(struct extract *);
/* Both append to out what is certain by now. */
void extract_add(struct extract *, const char *text, size_t len, struct buffer *out);
void extract_end(struct extract *, struct buffer *out);
int extract_count(const struct extract *);  /* blocks seen */
bool extract_found(const struct extract *); /* after the end: what was asked for is there */

#endif
