/* body.h: the rows of one message.
 *
 * The text is cut into chunks (markdown.h), and each chunk is laid out once for a
 * width. When text is added, only the last chunks are looked at again. */
#ifndef BODY_H
#define BODY_H

#include "highlight.h"
#include "markdown.h"
#include "piece.h"
#include "table.h"

enum body_mode {
	BODY_PLAIN,    /* lines, as they stand */
	BODY_DIFF,     /* lines of a unified diff */
	BODY_TYPED,    /* lines, and fenced code in its frame */
	BODY_MARKDOWN, /* as Markdown means it */
};

struct body_options {
	const struct i18n *tr;
	enum i18n_bidi bidi;
	int width;
	bool hyperlinks;
	bool fold;      /* long code is cut short */
	int block_base; /* code blocks in the messages before */
};
enum { BODY_NO_NUMBERS = -1 }; /* as block_base: it is not known yet */

/* Of one block, beside body_options.fold. */
enum body_fold { BODY_FOLD_LIKE_ALL, BODY_FOLDED, BODY_UNFOLDED };

struct body_chunk {
	struct markdown_chunk at;
	struct markdown_state before;
	struct pieces pieces;
	struct table_shape shape;        /* of a MARKDOWN_TABLE */
	const struct language *language; /* of a line of code and of its fence, NULL: not known */
	struct highlight_state after;    /* a line of code */
	bool unnamed;                    /* a fence that names no language: it is guessed */
	enum body_fold fold;             /* of a fence */
	int line;                        /* of code, from 1 */
	bool hidden;                     /* a line of code that is folded away */
	int first_row, rows;             /* within the body, the empty row before included */
	bool laid;
};

struct body { /* zero is empty; set mode before the first body_update */
	enum body_mode mode;
	bool open; /* the text may still grow: what is half-written is shown as it will end */
	struct body_chunk *chunks;
	int count, size;
	int laid; /* chunks below this have their rows, for the options of the last call */
	int rows;
	int blocks; /* fenced code blocks */
};

void body_free(struct body *);
void body_update(struct body *, const char *text, size_t len); /* text was set or has grown */
void body_close(struct body *);                                /* nothing more will come */
void body_unlay(struct body *);                                /* the options have changed */
void body_lay(struct body *, const char *text, size_t len, const struct body_options *);
/* The piece that row belongs to, and which of its rows it is; NULL: an empty row. */
const struct piece *body_row(const struct body *, int row, int *row_in_piece, const struct body_chunk **);
void body_recount(struct body *); /* body_options.fold has changed, and holds for every block again */
/* Folds code block number (from 1) or unfolds it, once it is laid out; false: it is too short. */
bool body_fold(struct body *, int number);
/* Lines that are folded away under the fence that the chunk is. */
int body_hidden(const struct body *, const struct body_chunk *fence);
/* The source of code block number (from 1) appended to code; language: what its fence names, caller frees. */
bool body_block(const struct body *, const char *text, size_t len, int number, struct buffer *code, char **language);

#endif
