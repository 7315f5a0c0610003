/* patch.h: unified diffs: made to be shown, and taken from models that count badly. */
#ifndef PATCH_H
#define PATCH_H

#include "../xmalloc.h"

#include <stdbool.h>

/* Whether the text is a unified diff and not a file. */
bool patch_is_diff(const char *text, size_t len);
/* The file that the diff says it changes, without a/ and b/; NULL: none. Caller frees. */
char *patch_file(const char *diff, size_t len);
/* Appends old with the diff's hunks done to out. Line numbers are taken for hints: a
 * hunk goes where its lines stand, white space at their ends apart. 0, or -1 with err. */
int patch_apply(const char *old, size_t old_len, const char *diff, size_t len, struct buffer *out, char *err,
		size_t errlen);
/* Appends the unified diff from old to new, with three lines around every change; nothing when they are the same. */
void patch_make(const char *old, size_t old_len, const char *new, size_t new_len, const char *name, struct buffer *out);

#endif
