/* transcript_private.h: what transcript.c and transcript_select.c share. */
#ifndef TRANSCRIPT_PRIVATE_H
#define TRANSCRIPT_PRIVATE_H

#include "body.h"
#include "match.h"
#include "transcript.h"

struct entry {
	enum entry_kind kind;
	struct buffer text;
	char *mark, *tag;
	bool chosen;
	struct body body;
	bool scanned;   /* the body's chunks are those of the text */
	int rows;       /* of the body, the mark and the space after; -1: not laid out */
	int width;      /* that the body is laid out for */
	int block_base; /* code blocks before it */
};

/* A row of the conversation: a row of an entry. */
struct anchor {
	int entry, row;
};

/* A place in the text that is shown: before byte `off` of a part, in the order of the text. */
struct caret {
	int entry, chunk, piece, part;
	size_t off;
};

struct transcript {
	const struct i18n *tr;
	enum i18n_bidi bidi;
	struct entry *entries;
	int count, size;
	int based;  /* entries below this have their block_base */
	int unread; /* entries below this have no text yet */
	transcript_read_fn *read;
	void *read_arg;
	bool follow; /* the view stays at the end */
	bool raw;    /* answers are shown as they were written */
	bool fold;   /* long code is cut short */
	bool selecting, marking;
	struct caret caret, from;    /* what is chosen, from one to the other; from: while marking */
	int goal;                    /* the column that Up and Down want to be in, -1: where the caret is */
	int caret_row, caret_column; /* where it was drawn, from the view's first row on; -1: it was not */
	bool hyperlinks;
	struct anchor top; /* else it begins here */
	int width, height; /* of the last drawing */
	int memory_before; /* -1: no line */
	char *memory_text;
	struct match words;  /* that are marked */
	struct anchor match; /* the row of the match one is at; entry -1: none */
};

static inline bool anchor_before(struct anchor a, struct anchor b)
{
	return a.entry < b.entry || (a.entry == b.entry && a.row < b.row);
}

static inline const char *entry_text(const struct entry *entry)
{
	return entry->text.data ? entry->text.data : "";
}

struct entry *transcript_laid(struct transcript *, int index); /* with all its rows, for the width at hand */
struct anchor transcript_top(struct transcript *);             /* of the view */
void transcript_reveal_row(struct transcript *, struct anchor);
/* The column at which a row of a part begins. */
int transcript_column(const struct transcript *, const struct entry *, const struct piece *, const struct part *,
		      int row);

/* Whether byte `off` of the part is chosen. */
bool transcript_is_chosen(const struct transcript *, const struct caret *);
/* Sets caret_row and caret_column when the caret stands in a row that has just been drawn as the view's row y. */
void transcript_place_caret(struct transcript *, struct anchor, int y);

#endif
