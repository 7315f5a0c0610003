/* unfinished.h: Markdown that is still being written, made to look as it will end.
 *
 * What is open at the end is closed, and signs that may yet mean one thing or
 * another are held back until the next character tells. Only the end is touched. */
#ifndef UNFINISHED_H
#define UNFINISHED_H

#include "../xmalloc.h"

#include <stdbool.h>

/* text: the last chunk of a message. line_open: its last line may still grow. */
void unfinished_text(struct buffer *text, bool line_open);
/* The same for a table that begins with its head: the row of dashes is added when it has not come. */
void unfinished_table(struct buffer *text, bool line_open);
/* Whether a line of code may be the beginning of the fence that closes the block. */
bool unfinished_fence(const char *line, size_t len, char fence, int length);

#endif
