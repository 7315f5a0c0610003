/* highlight.h: what the words of a line of code are, for more than a hundred languages.
 *
 * A lexer of our own, driven by the table languages.def. GNU source-highlight and
 * its like parse files: they start a regular expression engine, read definitions
 * from disk and go through the text from its beginning. A streaming answer needs
 * the opposite: nothing to load, one line at a time, and a state of a few bytes
 * between two lines, so that the last line can be done again for every token. */
#ifndef HIGHLIGHT_H
#define HIGHLIGHT_H

#include "screen.h"

#include <stdint.h>

struct language;

enum { HIGHLIGHT_UNTIL = 20 };

struct highlight_state {             /* between two lines; zero at the start of a block */
	char until[HIGHLIGHT_UNTIL]; /* what ends the comment or string that is open; "": none is */
	char opens[4];               /* what opens another inside it, where comments nest */
	uint8_t depth;
	uint8_t style;    /* of what is open */
	bool escapes;     /* a backslash keeps the next character from ending it */
	bool whole_line;  /* the end stands on a line of its own */
	bool fills;       /* something may be filled into the string that is open */
	bool in_tag;      /* inside < and > */
	uint8_t embeds;   /* what the tag that begins, or began, has in it: 0 is text */
	uint8_t document; /* heredoc: it begins with the next line */
};

/* By a fence's name or alias, in any case; NULL: not known. */
const struct language *highlight_language(const char *name, size_t len);
/* From the code itself; NULL when nothing speaks clearly for one language. */
const struct language *highlight_guess(const char *code, size_t len);
const char *highlight_name(const struct language *);
int highlight_count(void);
const struct language *highlight_at(int index); /* 0 to highlight_count() - 1 */

/* Says which bytes of the line (without its \n) have a style of their own, in
 * order, and moves the state past it. */
typedef void highlight_fn(void *arg, size_t start, size_t end, enum style);
void highlight_line(const struct language *, struct highlight_state *, const char *line, size_t len, highlight_fn *,
		    void *arg);

#endif
