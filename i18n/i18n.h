/* i18n.h: text as people read it, thin over ICU. The folder's public face.
 *
 * File          | What it does
 * --------------|------------------------------------------------------------
 * i18n.c        | the handle: language, break iterators, options
 * grapheme.c    | clusters, words, and the cells a cluster takes
 * width.c       | cells of a code point or cluster, by class
 * sanitize.c    | the one filter for text that the program did not write
 * layout.c      | paragraphs to rows of cells: wrap, order by UAX #9, shape
 * shape.c       | Arabic joining
 * charset.c     | text files in other encodings
 * fold.c        | folding and terms for search
 * translate.c   | the interface's messages, numbers, dates
 * errors.c      | errors, worded in English, in the language
 * language_name.c | languages by code and name
 *
 * Offsets are byte offsets into UTF-8. One handle belongs to one thread.
 * Returned strings marked "caller frees" are malloc'd. */
#ifndef I18N_H
#define I18N_H

#include "../xmalloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct i18n;

enum i18n_bidi {
	I18N_BIDI_APP,        /* rows in visual order, Arabic joined by us */
	I18N_BIDI_TERMINAL,   /* logical order, fields fenced; the terminal reorders */
	I18N_BIDI_OFF,        /* logical order, as it stands */
	I18N_BIDI_WORDS,      /* as APP, where the terminal turns the letters of each word about (kitty) */
	I18N_BIDI_UNMIRRORED, /* as TERMINAL, where it mirrors no brackets and parts lam from alef (Konsole) */
};
bool i18n_terminal_orders(enum i18n_bidi); /* rows are sent in logical order, for the terminal to reorder */

/* lang: a BCP 47 or POSIX code, NULL: from LC_ALL, LC_MESSAGES, LANG. An
 * unsupported language falls back to English. Never fails: texts are built in. */
struct i18n *i18n_open(const char *lang);
void i18n_close(struct i18n *);
const char *i18n_language(const struct i18n *); /* the catalogue in use: "fr" */
bool i18n_is_rtl(const struct i18n *);          /* the interface runs right to left */
const char *const *i18n_languages(void);        /* complete catalogues, NULL at the end */
bool i18n_speaks(const char *lang);             /* there is a catalogue for this code */
/* Any language's English name, by its code or its name in a language of the interface or its own; NULL: there is
 * none. "pt-BR" and "portugais" will do. Caller frees. */
char *i18n_language_named(const char *text);

/* Who puts the rows of the interface in order: the program, until told otherwise. */
void i18n_set_order(struct i18n *, enum i18n_bidi);
enum i18n_bidi i18n_order(const struct i18n *);

/* --- Messages. Keys are those of locale/en.txt; a check fails the build on a
 * missing or unused key. ---------------------------------------------------- */

struct i18n_arg {
	/* TEXT is in the language already; a STRING of the other direction is set apart */
	enum { I18N_STRING, I18N_TEXT, I18N_ERROR, I18N_INTEGER, I18N_REAL, I18N_TIME } type;
	const char *string;
	int64_t integer;
	double real; /* also a time: seconds since 1970 */
};
#define I18N_S(s) ((struct i18n_arg){.type = I18N_STRING, .string = (s)})
#define I18N_E(s) ((struct i18n_arg){.type = I18N_ERROR, .string = (s)}) /* i18n_error() of it */
#define I18N_I(i) ((struct i18n_arg){.type = I18N_INTEGER, .integer = (i)})
#define I18N_R(r) ((struct i18n_arg){.type = I18N_REAL, .real = (r)})
#define I18N_T(t) ((struct i18n_arg){.type = I18N_TIME, .real = (t)})

const char *i18n_text(const struct i18n *, const char *key); /* lives as long as the handle */
/* MessageFormat pattern of key with {0}, {1}…: plurals, numbers and dates in the
 * language. i18n_format(tr, "status.saved", I18N_T(now)). Caller frees. */
char *i18n_format_args(const struct i18n *, const char *key, const struct i18n_arg *args, int count);
#define i18n_format(tr, key, ...)                                   \
	i18n_format_args(tr, key, (struct i18n_arg[]){__VA_ARGS__}, \
			 (int)(sizeof((struct i18n_arg[]){__VA_ARGS__}) / sizeof(struct i18n_arg)))

/* What the program's parts say went wrong, in English, one line, in the language: the
 * messages error.* and errno.* tell how. Unknown ones stay as they are. Caller frees. */
char *i18n_error(const struct i18n *, const char *english);

/* What stands for an argument in a form, in the language: "N FILE" is "N FICHIER".
 * Words of four capitals and more are the messages value.WORD. Caller frees. */
char *i18n_values(const struct i18n *, const char *form);

/* --- Clusters and words ---------------------------------------------------- */

size_t i18n_cluster_next(const struct i18n *, const char *text, size_t len, size_t pos); /* end of the cluster at pos */
size_t i18n_cluster_prev(const struct i18n *, const char *text, size_t len, size_t pos); /* start of the one before */
size_t i18n_word_next(const struct i18n *, const char *text, size_t len, size_t pos);    /* end of the next word */
size_t i18n_word_prev(const struct i18n *, const char *text, size_t len, size_t pos);    /* start of the word before */
/* The cluster is of a script that writes its words without spaces between: Han, kana, Thai and its neighbours. */
bool i18n_cluster_is_spaceless(const char *cluster, size_t len);
int i18n_cluster_width(const struct i18n *, const char *cluster, size_t len); /* cells */
int i18n_width(const struct i18n *, const char *text, size_t len);            /* cells of a run of clusters */
/* The longest prefix of whole clusters that fits in width cells, in bytes; *used gets its cells. */
size_t i18n_fit(const struct i18n *, const char *text, size_t len, int width, int *used);
/* text cut to width cells, … at the end when cut. Caller frees. */
char *i18n_truncate(const struct i18n *, const char *text, int width);
/* A notice shortened to width cells: whole parts behind " · " and whole clauses are left out from the end, as long as
 * most of the width stays in use; else it is cut as i18n_truncate() does. Caller frees. */
char *i18n_shorten(const struct i18n *, const char *text, int width);

/* What no standard settles and terminals do in their own ways. A class has a sample;
 * the cells that a terminal takes for it tell how it draws everything of the class. */
enum i18n_width_class {
	I18N_WIDTH_AMBIGUOUS,  /* ±: 1, or 2 as in East Asian fonts */
	I18N_WIDTH_ZWJ,        /* a family: its pictures joined, or side by side */
	I18N_WIDTH_SKIN_TONE,  /* a hand and its colour: joined, or side by side */
	I18N_WIDTH_VS16,       /* a narrow symbol asked to be a picture: 1 or 2 */
	I18N_WIDTH_KEYCAP,     /* 1 or 2 */
	I18N_WIDTH_FLAG,       /* two regional indicators */
	I18N_WIDTH_HALF_FLAG,  /* one of them */
	I18N_WIDTH_TAGS,       /* the flag of England: a flag with tags behind it */
	I18N_WIDTH_VOWEL_SIGN, /* कि: spacing marks have a cell, or share their letter's */
	I18N_WIDTH_CONJUNCT,   /* क्ष: a letter behind a virama likewise */
	I18N_WIDTH_AM,         /* กำ: Thai and Lao AM likewise */
	I18N_WIDTH_JAMO,       /* conjoining jamo: one syllable, or side by side */
	I18N_WIDTH_LAM_ALEF,   /* لا: one cell where the terminal joins it itself */
	I18N_WIDTH_ISOLATE,    /* U+2068: none, or a cell of its own */
	I18N_WIDTH_EMOJI_13,   /* pictures of Unicode 13 to 16: whether the terminal knows them */
	I18N_WIDTH_EMOJI_14,
	I18N_WIDTH_EMOJI_15,
	I18N_WIDTH_EMOJI_16,
	I18N_WIDTH_CLASSES,
};
const char *i18n_width_sample(enum i18n_width_class);
/* The cells of the class's sample; -1: not known, the tables are asked. What was
 * laid out before stays as it is. */
void i18n_set_width(struct i18n *, enum i18n_width_class, int cells);

/* --- Untrusted text --------------------------------------------------------- */

/* Makes text safe and honest to show: UTF-8 repaired (U+FFFD per maximal bad
 * part), C0, DEL and C1 as pictures (␛) except \n and \t, bidi overrides as
 * <U+202E>, isolates balanced, invisible characters shown, marks capped.
 * Appends to out. Linear. */
void i18n_sanitize(const char *text, size_t len, struct buffer *out);
/* Only repairs the UTF-8: for JSON, which has its own escapes. Appends to out. */
void i18n_repair(const char *text, size_t len, struct buffer *out);
/* For one line of output (a title, a file name, an error): newlines become ␊ too. */
char *i18n_sanitize_line(const char *text, size_t len); /* caller frees */
/* Bytes at the end of text that may be the start of a character still to come (0..3). */
size_t i18n_incomplete_tail(const char *text, size_t len);

/* The text of a file in any encoding, as UTF-8 without a byte order mark: UTF-8, UTF-16, UTF-32,
 * or what it most likely is. Appends to out. False: no text at all (a picture, a program). */
bool i18n_decode(const char *bytes, size_t len, struct buffer *out);

/* --- Layout ------------------------------------------------------------------ */

struct layout_cell {                 /* one cluster as drawn */
	uint32_t source, source_len; /* bytes in the text given */
	const char *text;            /* what to draw: shaped, mirrored, sanitised; not NUL-terminated */
	uint16_t text_len;
	uint16_t column; /* from the row's left edge */
	uint8_t width;
	bool rtl; /* what follows it in the text stands to its left (never where the terminal reorders) */
};
struct layout_row {
	const struct layout_cell *cells; /* in columns' order, left to right */
	int count;
	int width;           /* cells used, indents included */
	bool rtl;            /* of a right-to-left paragraph (already moved to the right edge) */
	uint32_t start, end; /* source bytes of the row */
};
struct layout { /* owned by whoever called i18n_layout; layout_free */
	struct layout_row *rows;
	int count;
	void *memory;
};
enum layout_direction { LAYOUT_AUTO, LAYOUT_LTR, LAYOUT_RTL };
struct layout_options {
	int width; /* cells, >= 1 */
	enum i18n_bidi bidi;
	enum layout_direction direction; /* AUTO: first strong letter of each paragraph */
	enum layout_direction otherwise; /* of a paragraph without one; AUTO: the interface's */
	bool code; /* verbatim: left to right, broken anywhere; right-to-left words are in order by themselves */
	int indent_first, indent_rest; /* empty cells before a paragraph's first and other rows */
};
/* Lays out text (any bytes: it is sanitised on the way) in rows no wider than
 * options->width. Paragraphs end at \n; an empty text is one empty row. */
void i18n_layout(const struct i18n *, const char *text, size_t len, const struct layout_options *, struct layout *);
void layout_free(struct layout *);

/* --- Search ------------------------------------------------------------------ */

/* Folds for comparison: case, accents, width, Arabic harakat and letter forms,
 * Hangul and kana variants. Appends to out. */
void i18n_fold(const struct i18n *, const char *text, size_t len, struct buffer *out);
/* Folded terms for an index: words, and pairs of letters for scripts without
 * spaces. fn gets each with its source range. */
typedef void i18n_term_fn(void *arg, const char *term, size_t len, size_t start, size_t end);
void i18n_terms(const struct i18n *, const char *text, size_t len, i18n_term_fn *, void *arg);

#endif
