/* match.h: the words of a search, and where they stand in a text.
 *
 * Compared as i18n_fold() leaves them: no case, no accents, no harakat. */
#ifndef MATCH_H
#define MATCH_H

#include "piece.h"
#include "../i18n/i18n.h"

struct match { /* zero is no words */
	char **words;
	int count;
};

void match_set(struct match *, const struct i18n *, const char *query); /* NULL: no words */
bool match_any(const struct match *, const struct i18n *, const char *text, size_t len);
bool match_all(const struct match *, const struct i18n *, const char *text, size_t len);

enum { MATCH_BEGINS = 1, MATCH_GOES_ON };
/* Which bytes of a row of the text belong to words: a byte of the above, or 0, for each
 * from row->start to row->end. Caller frees. */
char *match_map(const struct match *, const struct i18n *, const char *text, size_t len, const struct layout_row *);
/* A word begins in this row of the piece. */
bool match_begins(const struct match *, const struct i18n *, const struct piece *, int row);

#endif
