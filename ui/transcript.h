/* transcript.h: the conversation as rows, and the window of them one sees.
 *
 * Rows are cached per message and width; a frame costs what the screen holds,
 * not what the conversation holds. The view stays where it is when text
 * arrives below it, and follows the end when it is at the end. */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "screen.h"
#include "../i18n/i18n.h"

struct transcript;

enum entry_kind {
	ENTRY_USER,
	ENTRY_ASSISTANT,
	ENTRY_SYSTEM,
	ENTRY_TOOL,
	ENTRY_NOTE,
	ENTRY_ERROR,
	ENTRY_MEMORY_LINE,
	ENTRY_DIFF
};

struct transcript *transcript_create(const struct i18n *, enum i18n_bidi);
void transcript_free(struct transcript *);
void transcript_clear(struct transcript *);
int transcript_count(const struct transcript *);
int transcript_add(struct transcript *, enum entry_kind, const char *text, size_t len); /* its index */
/* For conversations of which at first only the end is read. The first `count` entries of an empty transcript have no
 * text yet; read() is called when one of them is looked at, and has to transcript_fill() them, from the last on, up to
 * the one asked for at least. Until all are there, code blocks have no numbers. */
typedef void transcript_read_fn(void *arg, int index);
void transcript_expect(struct transcript *, int count, transcript_read_fn *, void *arg);
void transcript_fill(struct transcript *, enum entry_kind, const char *text, size_t len);
int transcript_unread(const struct transcript *);                                     /* entries without a text yet */
void transcript_append(struct transcript *, int index, const char *text, size_t len); /* streaming */
void transcript_finish(struct transcript *, int index); /* nothing more comes: what is half-written stays so */
void transcript_set(struct transcript *, int index, const char *text, size_t len);
void transcript_mark(struct transcript *, int index,
		     const char *key); /* a dim message after it: "chat.interrupted"; NULL: none */
/* A short note in the space below an entry: "‹2/3›"; NULL: none. The chosen entry's stands out. */
void transcript_tag(struct transcript *, int index, const char *text, bool chosen);
void transcript_truncate(struct transcript *, int count);                             /* drops entries from count on */
const char *transcript_text(struct transcript *, int index, size_t *len);             /* source */
void transcript_memory_line(struct transcript *, int before_index, const char *text); /* -1: none */
void transcript_hyperlinks(struct transcript *, bool shown);                      /* by the terminal; before a reflow */
void transcript_reflow(struct transcript *, const struct i18n *, enum i18n_bidi); /* language or terminal changed */

/* Code blocks, numbered from 1 over the whole conversation. */
int transcript_block_count(struct transcript *);
/* The source of a block, without the columns that its fence is indented by, appended
 * to code, and the language that its fence names ("" for none; caller frees). */
bool transcript_block(struct transcript *, int number, struct buffer *code, char **language);

bool transcript_has_code(struct transcript *, int index); /* the entry has a code block */

/* Answers as they were written instead of as Markdown means them. */
void transcript_raw(struct transcript *, bool);
bool transcript_is_raw(const struct transcript *);

/* Code blocks of more than a dozen lines are cut short on the screen. */
void transcript_fold(struct transcript *, bool);
bool transcript_is_folded(const struct transcript *);
/* Folds block number alone, or unfolds it, until the next transcript_fold; false: it is too short. */
bool transcript_fold_block(struct transcript *, int number);

/* Choosing text to copy, cluster by cluster. The caret begins at the start of the last row in view that has text; false:
 * there is none. Left and right are what is seen there, whichever way the text runs. */
enum select_move {
	SELECT_LEFT,
	SELECT_RIGHT,
	SELECT_WORD_LEFT,
	SELECT_WORD_RIGHT,
	SELECT_UP,
	SELECT_DOWN,
	SELECT_PAGE_UP,
	SELECT_PAGE_DOWN,
	SELECT_ROW_START, /* where its text begins: on the right of a right-to-left row */
	SELECT_ROW_END,
	SELECT_FIRST, /* of the whole conversation */
	SELECT_LAST,
};
bool transcript_select(struct transcript *, bool);
void transcript_select_move(struct transcript *, enum select_move); /* the view goes along */
void transcript_select_mark(struct transcript *, bool);             /* from the caret on what is moved over is chosen */
bool transcript_select_marked(const struct transcript *);
/* Appends what is chosen, in the order of the text, rows that were broken for the width joined; without a mark the
 * source of the paragraph, item or line of code that the caret is in. */
void transcript_selected(struct transcript *, struct buffer *out);
/* Where the caret was drawn last, from the view's first row on; false: nowhere. */
bool transcript_caret(const struct transcript *, int *row, int *column);

void transcript_scroll(struct transcript *, int rows); /* negative: up */
void transcript_scroll_end(struct transcript *);
void transcript_scroll_home(struct transcript *);
bool transcript_at_end(const struct transcript *);
void transcript_show_entry(struct transcript *, int index);        /* to the top of the view */
void transcript_reveal(struct transcript *, int index);            /* into view, if it is not */
void transcript_highlight(struct transcript *, const char *query); /* mark the query's words; NULL: none */
int transcript_matches(struct transcript *, int index); /* rows of an entry in which something marked begins */
/* Brings the nth of those rows into view, in a style of its own; without such a row, the entry. */
void transcript_show_match(struct transcript *, int index, int nth);
/* Draws the view into rows first..first+height-1 of the screen. */
void transcript_draw(struct transcript *, struct screen *, int first, int height);
/* Draws the rows of one entry from number `from` on over the whole screen; the rows that it has. */
int transcript_draw_entry(struct transcript *, struct screen *, int index, int from);

#endif
