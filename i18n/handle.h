/* handle.h: what is inside struct i18n; for this folder alone. */
#ifndef HANDLE_H
#define HANDLE_H

#include "catalogue.h"
#include "i18n.h"

#include <unicode/ubrk.h>
#include <unicode/unorm2.h>

struct i18n {
	const struct catalogue *language, *english;
	/* Opened once, reset on each text. A handle belongs to one thread, so a
	 * const handle may move them: they are tools, not state. */
	UBreakIterator *clusters, *words, *lines;
	enum i18n_bidi order;          /* of the interface's own rows */
	int width[I18N_WIDTH_CLASSES]; /* of the samples, as measured; -1: from the tables */
};

/* width.c: cells of one cluster. */
int width_cluster(const struct i18n *, const char *cluster, size_t len);
/* A picture newer than the terminal: it would draw nothing, or something of another width. */
bool width_unknown(const struct i18n *, UChar32);
/* grapheme.c: points an iterator at UTF-8 bytes; the text must stay until the next call. */
void grapheme_set(UBreakIterator *, const char *text, size_t len);
/* grapheme.c: the clusters of text start..end-1, one after another. The handle's
 * iterator is in use meanwhile. */
struct cluster_walk {
	UBreakIterator *iterator;
	const char *text;
	size_t start, end;
};
void cluster_walk_start(struct cluster_walk *, const struct i18n *, const char *text, size_t start, size_t end);
size_t cluster_walk_next(struct cluster_walk *, size_t pos); /* end of the cluster at pos, a boundary */

#endif
