/* prose.h: a chunk of Markdown as pieces: parsed by cmark-gfm, laid out by i18n. */
#ifndef PROSE_H
#define PROSE_H

#include "piece.h"

struct prose_options {
	const struct i18n *tr;
	enum i18n_bidi bidi;
	int width;
	bool hyperlinks;              /* the terminal shows links: their addresses need not be written out */
	int indent;                   /* columns taken off every line of the source, and empty before every row */
	enum layout_direction before; /* of the text before: what has no letters goes on in it */
	int ordinal;                  /* of the list item that the source begins with; 0: as written */
};

/* Appends to out. Text that CommonMark would not show (definitions of links) is shown as it stands. */
void prose_render(const struct prose_options *, const char *source, size_t len, struct pieces *out);

#endif
