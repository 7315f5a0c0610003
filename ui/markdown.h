/* markdown.h: cuts a message into chunks that can be parsed and laid out one by one.
 *
 * A chunk is a paragraph, a heading, an item of a list, a quote, up to TABLE_ROWS
 * rows of a table, or one line of a fenced code block: whatever CommonMark 0.30
 * with GitHub's tables understands without the rest. Cutting goes forward only,
 * and what follows a chunk's first line after it cannot change it, so that a
 * streaming message costs what its end costs. No chunk is longer than
 * MARKDOWN_MOST bytes, whatever the model writes. */
#ifndef MARKDOWN_H
#define MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

enum { MARKDOWN_MOST = 8192, MARKDOWN_TABLE_ROWS = 48 };

enum markdown_kind {
	MARKDOWN_TEXT,       /* anything that CommonMark knows but fenced code */
	MARKDOWN_TABLE,      /* begins with the head */
	MARKDOWN_TABLE_MORE, /* more rows of the table before */
	MARKDOWN_LINE,       /* one line as typed, for messages that are not Markdown */
	MARKDOWN_FENCE_OPEN,
	MARKDOWN_CODE, /* one line */
	MARKDOWN_FENCE_CLOSE,
};

enum markdown_known {
	MARKDOWN_ALL,
	MARKDOWN_FENCES, /* every line outside of fenced code is a MARKDOWN_LINE */
	MARKDOWN_LINES,  /* every line is */
};

struct markdown_state { /* between two chunks; zero at the start of a message */
	char fence;     /* '`' or '~' inside a code block, 0 outside */
	int length;     /* of the fence */
	int indent;     /* columns before the fence; before the text of a list's continuation */
	int quote;      /* marks of quotes before the fence */
	int inner;      /* columns between them and the fence */
	bool list;      /* an item of a list may go on */
	bool table;     /* rows of a table may follow */
	bool cut;       /* the chunk before was cut for its length: a code line, or text */
	char delimiter; /* of the ordered list that may go on: '.' or ')' */
	int ordinal;    /* of its last item */
	int blocks;     /* fenced code blocks so far */
};

struct markdown_chunk {
	enum markdown_kind kind;
	size_t start, end; /* bytes of the message, without the last \n */
	int indent;        /* columns to take off every line; the chunk is drawn as far in */
	int quote, inner;  /* of fenced code: marks of quotes to take off then, and columns behind them */
	int ordinal;       /* of an ordered item whose list began in a chunk before; 0: as written */
	int block;         /* number of the code block that it belongs to, from 1; 0: none */
	size_t lead;       /* of a line that opens code on an item's first line: bytes up to the fence, else 0 */
	bool blank_before; /* an empty line stands before it */
};

/* Takes the chunk at *pos and moves past it; false at the end of the text. */
bool markdown_next(struct markdown_state *, const char *text, size_t len, enum markdown_known, size_t *pos,
		   struct markdown_chunk *);
/* The language named by an opening fence: the first word behind it; *len 0: none. */
const char *markdown_language(const char *line, size_t line_len, size_t *len);
/* Bytes at the start of one of the chunk's lines that only say where it stands. */
size_t markdown_margin(const char *line, size_t len, const struct markdown_chunk *);
/* Columns of spaces and tabs at the start of a line; *bytes gets how many bytes they are. */
int markdown_indent(const char *line, size_t len, size_t *bytes);

#endif
