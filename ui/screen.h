/* screen.h: a grid of cells to draw on: a terminal through curses, or memory.
 *
 * Rows and columns count from 0. Text given here has been sanitised and laid
 * out; one call draws one cluster. Nothing reaches the terminal before
 * screen_show(). */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum style { /* what a cell means; theme.c gives colours */
	     STYLE_TEXT,
	     STYLE_USER,
	     STYLE_DIM,
	     STYLE_TITLE,
	     STYLE_STATUS,
	     STYLE_ACCENT,
	     STYLE_ERROR,
	     STYLE_WARNING,
	     STYLE_CODE,
	     STYLE_CODE_FRAME,
	     STYLE_HEADING,
	     STYLE_STRONG,
	     STYLE_EMPHASIS,
	     STYLE_LINK,
	     STYLE_QUOTE,
	     STYLE_SELECTED,
	     STYLE_MATCH,
	     STYLE_PROMPT,
	     STYLE_TOP_HEADING,
	     STYLE_INLINE_CODE,
	     STYLE_BULLET,
	     STYLE_KEYWORD, /* of code, from here on */
	     STYLE_TYPE_NAME,
	     STYLE_STRING,
	     STYLE_COMMENT,
	     STYLE_NUMBER, /* constants too */
	     STYLE_FUNCTION,
	     STYLE_NAME, /* variables, keys, attributes */
	     STYLE_MACRO,
	     STYLE_INSERTED,
	     STYLE_DELETED,
	     STYLE_COUNT,
};
enum { /* what may be added to a style */
       STYLE_ADD_STRONG = 0x100,
       STYLE_ADD_EMPHASIS = 0x200,
       STYLE_ADD_STRIKE = 0x400,
       STYLE_ADDITIONS = 0x700,
};

struct screen;
struct theme;

struct screen_traits {     /* what the terminal was found to do; all zero: nothing is known */
	bool measured;     /* a cluster takes the cells that it is given here, however it is made up */
	bool synchronized; /* it shows frames at once */
	bool hyperlinks;   /* it shows links (OSC 8), as far as it is known to do them no harm */
	const char *order_begin,
		*order_end; /* what tells it how to put rows in order, and undoes that; NULL: nothing does */
	int colors;         /* so many are used: SCREEN_RGB, 256, 16 or 8; 0: as many as TERM's description has */
};
enum { SCREEN_RGB = 1 << 24 };

struct screen_ops {
	void (*size)(struct screen *, int *rows, int *columns);
	void (*clear_row)(struct screen *, int row); /* to spaces of STYLE_TEXT */
	void (*put)(struct screen *, int row, int column, const char *cluster, size_t len, int width, enum style);
	void (*link)(struct screen *,
		     const char *url); /* of what is put from now on; NULL: none. A safe one (inline.h) */
	void (*cursor)(struct screen *, int row, int column, bool visible);
	void (*show)(struct screen *);    /* changed cells only */
	void (*redraw)(struct screen *);  /* everything, at the next show */
	void (*resize)(struct screen *);  /* ask the terminal for its size again */
	void (*suspend)(struct screen *); /* give the terminal back */
	void (*resume)(struct screen *);
	void (*bell)(struct screen *);
	void (*title)(struct screen *, const char *text);              /* window title, sanitised */
	void (*raw)(struct screen *, const char *bytes, size_t len);   /* OSC 52 and the like, made by us alone */
	void (*theme)(struct screen *, const struct theme *);          /* new colours at the next show */
	void (*traits)(struct screen *, const struct screen_traits *); /* from the next show on */
	void (*close)(struct screen *);
};
struct screen {
	const struct screen_ops *ops;
};

struct screen *screen_open_curses(const struct theme *, char *err, size_t errlen);
/* Of the terminal that TERM names: SCREEN_RGB, 256, 16, 8 or 0. Not while one is open. */
int screen_described_colors(void);
struct screen *screen_open_headless(int rows, int columns);
void screen_headless_resize(struct screen *, int rows, int columns);
/* The screen as text, a line a row, trailing spaces cut; styles as letters when styled. Caller frees. */
char *screen_headless_dump(struct screen *, bool styled);
void screen_headless_cursor(struct screen *, int *row, int *column);

/* Drawing shared by all parts: text (sanitised here) into columns from..to-1 of a
 * row, cut with … where it does not fit. Returns the column after it. Columns
 * count from where lines of the interface begin: from the right edge when it runs
 * right to left. */
struct i18n;
int screen_text(struct screen *, const struct i18n *, int row, int from, int to, const char *text, enum style);
/* The same for a line of the program's own words: what does not fit is left out by whole parts (i18n_shorten). */
int screen_notice(struct screen *, const struct i18n *, int row, int from, int to, const char *text, enum style);
/* The screen's column of something width cells wide at a column counted that way. */
int screen_column(struct screen *, const struct i18n *, int column, int width);
void screen_fill(struct screen *, int row, int from, int to, enum style); /* with spaces */

#endif
