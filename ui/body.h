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

/* Of one block, beside body_options.fold: an attached file is folded to one row until it is unfolded, code when all is. */
enum body_fold { BODY_FOLD_LIKE_ALL, BODY_FOLDED, BODY_UNFOLDED };
struct body_block {
	enum body_fold fold;
	bool peeked; /* unfolded for a while */
};

struct body_chunk {
	struct markdown_chunk at;
	struct markdown_state before;
	struct pieces pieces;
	enum layout_direction direction; /* of its last text, or of the text before it; AUTO: there is none */
	struct table_shape shape;        /* of a MARKDOWN_TABLE */
	const struct language *language; /* of a line of code and of its fence, NULL: not known */
	struct highlight_state after;    /* a line of code */
	bool unnamed;                    /* a fence that names no language: it is guessed */
	bool attached, named;            /* the fence of an attached file; its name stands in the line before */
	bool shut;                       /* its name, its fences and its lines, while it is one row: the fence's */
	int line;                        /* of code, from 1 */
	bool hidden;                     /* a line of code that is folded away */
	int first_row, rows;             /* within the body, the empty row before included */
	bool laid;
};

struct body { /* zero is empty; set mode and attachments before the first body_update */
	enum body_mode mode;
	bool attachments; /* files may stand in the text as ui/source.h puts them there */
	bool open;        /* the text may still grow: what is half-written is shown as it will end */
	struct body_chunk *chunks;
	int count, size;
	int laid; /* chunks below this have their rows, for the options of the last call */
	int rows;
	int blocks; /* fenced code blocks */
	struct body_block *folds;
	int fold_count, peeks; /* blocks that something is known of; those peeked into */
};

void body_free(struct body *);
void body_rescan(struct body *); /* before the mode changes: all is forgotten but what is folded */
void body_update(struct body *, const char *text, size_t len); /* text was set or has grown */
void body_close(struct body *);                                /* nothing more will come */
void body_unlay(struct body *);                                /* the options have changed */
void body_lay(struct body *, const char *text, size_t len, const struct body_options *);
/* The piece that row belongs to, and which of its rows it is; NULL: an empty row. */
const struct piece *body_row(const struct body *, int row, int *row_in_piece, const struct body_chunk **);
/* body_options.fold has changed, and holds for every block again; false unfolds attached files, too. */
void body_fold_all(struct body *, bool fold);
/* Folds code block number (from 1) or unfolds it, once it is laid out; false: it is too short. */
bool body_fold(struct body *, int number);
/* Unfolds, until body_peek_end(), the blocks that hide a text which fn says yes to, once they are laid out. Both: true
 * when rows have changed. */
typedef bool body_wanted_fn(void *arg, const char *text, size_t len);
bool body_peek(struct body *, const char *text, body_wanted_fn *, void *arg);
bool body_peek_end(struct body *);
/* Lines that are folded away under the fence that the chunk is. */
int body_hidden(const struct body *, const struct body_chunk *fence);
/* The source of code block number (from 1) appended to code; language: what its fence names, caller frees. */
bool body_block(const struct body *, const char *text, size_t len, int number, struct buffer *code, char **language);

#endif
