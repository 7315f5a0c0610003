/* piece.h: something laid out in rows: a paragraph, a line of code, a row of a table.
 *
 * A piece is one or more parts side by side (the cells of a table, else one) and
 * the marks that stand before them: bullets, numbers, the bars of quotes. Marks
 * count their columns from the side that the text begins at. */
#ifndef PIECE_H
#define PIECE_H

#include "screen.h"
#include "../i18n/i18n.h"

enum piece_kind { PIECE_TEXT, PIECE_CODE, PIECE_FENCE, PIECE_RULE, PIECE_SPACE };

struct span { /* bytes start..end-1 of a part's text have a style and may be a link */
	uint32_t start, end;
	unsigned style; /* enum style, with STYLE_ADD_ bits */
	uint32_t link;  /* 1 + offset of the link's address in the piece's links, 0: none */
};

struct part {
	int column, width; /* within the piece, from the left */
	char align;        /* 'l' 'c' 'r': moves each row within the width; 0: as the text runs */
	char *text;        /* what is shown; any bytes */
	size_t len;
	struct span *spans; /* in order, without gaps they do not need */
	int span_count;
	struct layout layout;
};

struct mark {
	int column;
	unsigned style;
	bool every; /* on every row, not the first alone */
	char text[16];
};

struct piece {
	enum piece_kind kind;
	bool rtl; /* the marks stand on the right */
	int rows, indent;
	struct part *parts;
	int part_count;
	struct mark *marks;
	int mark_count;
	char *links; /* addresses, each NUL-terminated */
};

struct pieces { /* a growing list of them */
	struct piece *list;
	int count, size;
};

/* Text that is being put together, and what is said about its parts. */
struct rich {
	struct buffer text, links;
	struct span *spans;
	int span_count, span_size;
};

void rich_add(struct rich *, const char *text, size_t len, unsigned style, uint32_t link);
uint32_t rich_link(struct rich *, const char *url); /* for rich_add */
void rich_free(struct rich *);

struct piece *pieces_add(struct pieces *, enum piece_kind);
void pieces_free(struct pieces *);
/* Lays rich out as a part of the piece and empties it; its links become the piece's. */
void piece_part(struct piece *, const struct i18n *, struct rich *, int column, const struct layout_options *);
void piece_mark(struct piece *, int column, unsigned style, bool every, const char *text);
/* The style of the cell that stands for byte `at` of the part's text; link gets its address or NULL. */
unsigned piece_style(const struct piece *, const struct part *, uint32_t at, const char **link);
/* How far a row is moved to the right by the part's alignment. */
int piece_shift(const struct part *, const struct layout_row *);
int piece_row_width(const struct layout_row *); /* cells from its first to its last */

#endif
