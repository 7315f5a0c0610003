#include "highlight.h"
#include "../xmalloc.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum {                         /* forms of strings */
       DQ = 1 << 0,            /* "…" with backslashes, on one line */
       DQ_LINES = 1 << 1,      /* over several lines */
       DQ_PLAIN = 1 << 2,      /* without backslashes */
       DQ_DOUBLED = DQ_PLAIN,  /* "" stands for a quote: two strings side by side look the same */
       DQ_BACKTICK = DQ_PLAIN, /* a backtick escapes */
       SQ = 1 << 3,            /* the same for '…' */
       SQ_LINES = 1 << 4,
       SQ_PLAIN = 1 << 5,
       SQ_DOUBLED = SQ_PLAIN,
       SQ_RAW = 1 << 6,    /* '…' over several lines without backslashes */
       SQ_MATLAB = 1 << 7, /* '…', but a transposed matrix behind a name */
       CHAR = 1 << 8,      /* 'x' or '\n' and nothing longer: the sign has other uses */
       BACKTICK = 1 << 9,
       BACKTICK_RAW = 1 << 10,
       TRIPLE_DQ = 1 << 11,
       TRIPLE_SQ = 1 << 12,
       RAW_CPP = 1 << 13,      /* R"x(…)x" */
       RAW_RUST = 1 << 14,     /* r#"…"# */
       LONG_BRACKET = 1 << 15, /* [==[…]==] */
       HEREDOC = 1 << 16,      /* <<END */
       VERBATIM = 1 << 17,     /* @"…" */
       REGEX = 1 << 18,        /* a slash where a value may stand */
       PARENTHESES = 1 << 19,  /* (…) */
       DOUBLE_SQ = 1 << 20,    /* two single quotes to two single quotes */
       /* what is filled into them */
       FILL_BRACES = 1 << 21, /* ${…} */
       FILL_NAMES = 1 << 22,  /* $name */
       FILL_HASH = 1 << 23,   /* #{…} */
       FILL_PAREN = 1 << 24,  /* \(…) */
       FILL_MARKED = 1 << 25, /* {…} in f"…" and $"…" */
       FILL_TICK = 1 << 26,   /* in `…` alone */
       FILL_SQ = 1 << 27,     /* in '…' too */
       FILLS = FILL_BRACES | FILL_NAMES | FILL_HASH | FILL_PAREN | FILL_MARKED,
};
enum {                          /* other habits */
       PREPROCESSOR = 1 << 0,   /* # at the start of a line */
       AT = 1 << 1,             /* @name */
       NESTED = 1 << 2,         /* block comments in block comments */
       HASH_NAME = 1 << 3,      /* #name */
       MACRO_BANG = 1 << 4,     /* name! */
       HASH_ATTRIBUTE = 1 << 5, /* #[…] */
       DOLLAR = 1 << 6,         /* $name */
       DOLLAR_WORD = 1 << 7,    /* $ is a letter */
       SIGILS = 1 << 8,         /* @name %name */
       DASHES = 1 << 9,         /* - is a letter inside a name */
       IGNORE_CASE = 1 << 10,
       WORD_SIGNS = 1 << 11,     /* a name may end in ? or ! */
       SYMBOL = 1 << 12,         /* :name */
       COMMENT_ALONE = 1 << 13,  /* a comment begins a word */
       COMMENT_FIRST = 1 << 14,  /* a comment begins a line */
       KEY_COLON = 1 << 15,      /* name: at the start of a line */
       KEY_EQUAL = 1 << 16,      /* name = */
       KEY_STRING = 1 << 17,     /* "name": */
       SECTIONS = 1 << 18,       /* [name] */
       LISP = 1 << 19,           /* almost any sign is a letter */
       PRIMES = 1 << 20,         /* ' is a letter inside a name */
       DOTS = 1 << 21,           /* . is a letter */
       BACKTICK_NAME = 1 << 22,  /* `name */
       PERCENT_NAME = 1 << 23,   /* %name */
       HASH_NUMBER = 1 << 24,    /* #fff */
       SPACED_COMMENT = 1 << 25, /* a space stands behind the comment's sign */
       TAGS = 1 << 26,
       TEX = 1 << 27,
       MARKDOWN_SIGNS = 1 << 28,
       DIFF = 1 << 29,
       CAPITALS = 1 << 30, /* types begin with a capital letter */
};

struct language {
	const char *name, *aliases, *line, *block;
	unsigned strings, habits;
	const char *keywords, *types, *constants;
};

#define LANGUAGE(...) {__VA_ARGS__},
static const struct language languages[] = {
#include "languages.def"
};
#undef LANGUAGE

enum { LANGUAGES = sizeof(languages) / sizeof(*languages), WORD_MOST = 48 };

struct lexer {
	const struct language *l;
	struct highlight_state *state;
	const char *s;
	size_t len, at;
	highlight_fn *fn;
	void *arg;
};

/* --- Words ------------------------------------------------------------------------------ */

static bool in_list(const char *list, const char *word, size_t len)
{
	size_t all = strlen(list);
	for (const char *at = list; (at = memmem(at, all - (size_t)(at - list), word, len)); at++)
		if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

static void lower(const char *word, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)word[i]);
}

const struct language *highlight_language(const char *name, size_t len)
{
	char word[WORD_MOST];
	if (len == 0 || len >= sizeof(word) || memchr(name, ' ', len))
		return NULL;
	lower(name, len, word);
	for (int i = 0; i < LANGUAGES; i++)
		if (strlen(languages[i].name) == len && memcmp(languages[i].name, word, len) == 0)
			return &languages[i];
	for (int i = 0; i < LANGUAGES; i++)
		if (in_list(languages[i].aliases, word, len))
			return &languages[i];
	return NULL;
}

const char *highlight_name(const struct language *l)
{
	return l->name;
}

int highlight_count(void)
{
	return LANGUAGES;
}

const struct language *highlight_at(int index)
{
	return &languages[index];
}

static bool begins_word(const struct language *l, char c)
{
	if (isalpha((unsigned char)c) || c == '_' || (c & 0x80))
		return true;
	if (l->habits & LISP)
		return c && strchr("!$%&*/:<=>?^~+-#", c);
	return (c == '$' && l->habits & DOLLAR_WORD) || (c == '.' && l->habits & DOTS);
}

static bool in_word(const struct language *l, char c)
{
	return begins_word(l, c) || isdigit((unsigned char)c) || (c == '-' && l->habits & DASHES) ||
	       (c == '\'' && l->habits & PRIMES) || (c == '.' && l->habits & LISP);
}

static bool starts(const struct lexer *x, size_t at, const char *text, size_t len)
{
	return len && at + len <= x->len && memcmp(x->s + at, text, len) == 0;
}

static void emit(struct lexer *x, size_t start, size_t end, enum style style)
{
	if (end > start)
		x->fn(x->arg, start, end, style);
	x->at = end;
}

static size_t first_column(const struct lexer *x)
{
	size_t at = 0;
	while (at < x->len && (x->s[at] == ' ' || x->s[at] == '\t'))
		at++;
	return at;
}

/* --- What goes on over lines -------------------------------------------------------------- */

static void open_until(struct lexer *x, const char *until, size_t len, enum style style, bool escapes)
{
	struct highlight_state *s = x->state;
	*s = (struct highlight_state){
		.style = (uint8_t)style, .escapes = escapes, .depth = 1, .in_tag = s->in_tag, .embeds = s->embeds};
	len = len < sizeof(s->until) ? len : sizeof(s->until) - 1;
	memcpy(s->until, until, len);
}

static void close_open(struct highlight_state *s)
{
	*s = (struct highlight_state){.in_tag = s->in_tag, .embeds = s->embeds};
}

/* Bytes of what is filled in here: ${name}, #{a + b}, \(n); 0: nothing is, or its end is not on this line. */
static size_t fill_length(const struct lexer *x, size_t at)
{
	unsigned forms = x->l->strings;
	char c = x->s[at], next = at + 1 < x->len ? x->s[at + 1] : ' ';
	bool braces = next == '{' && ((c == '$' && forms & FILL_BRACES) || (c == '#' && forms & FILL_HASH));
	bool marked = c == '{' && forms & FILL_MARKED && next != '{' && !(at && x->s[at - 1] == '{');
	bool paren = c == '\\' && next == '(' && forms & FILL_PAREN;
	size_t end = at + 1;
	if (c == '$' && forms & FILL_NAMES && (isalpha((unsigned char)next) || next == '_')) {
		while (end < x->len && (isalnum((unsigned char)x->s[end]) || x->s[end] == '_'))
			end++;
		return end - at;
	}
	if (!braces && !marked && !paren)
		return 0;
	char open = paren ? '(' : '{', close = paren ? ')' : '}';
	int depth = marked ? 1 : 0;
	for (; end < x->len; end++) {
		depth += x->s[end] == open;
		if (x->s[end] == close && --depth == 0)
			return end + 1 - at;
	}
	return 0;
}

/* Whether anything is filled into the string that begins at x->at with this quote. */
static bool takes_fills(const struct lexer *x, char quote)
{
	unsigned forms = x->l->strings;
	char before = x->at ? x->s[x->at - 1] : ' ', first = x->at > 1 ? x->s[x->at - 2] : ' ';
	if (forms & FILL_MARKED)
		return strchr("fF$", before) || (strchr("rR@", before) && strchr("fF$", first));
	return forms & FILLS && (forms & FILL_TICK ? quote == '`' : quote != '\'' || forms & FILL_SQ);
}

/* A string, or the part of it on this line, with what is filled into it. */
static void emit_string(struct lexer *x, size_t from, size_t end, bool fills, bool escapes)
{
	size_t start = from;
	for (size_t at = from; fills && at < end;) {
		size_t fill = fill_length(x, at);
		if (fill && at + fill <= end) {
			emit(x, start, at, STYLE_STRING);
			emit(x, at, at + fill, STYLE_NAME);
			start = at += fill;
		} else {
			at += escapes && x->s[at] == '\\' ? 2 : 1;
		}
	}
	emit(x, start, end, STYLE_STRING);
}

static void emit_open(struct lexer *x, size_t from, size_t end)
{
	if (x->state->style == STYLE_STRING)
		emit_string(x, from, end, x->state->fills, x->state->escapes);
	else
		emit(x, from, end, (enum style)x->state->style);
}

/* Goes on with what is open from x->at; `from` is where its colour begins. */
static void go_on(struct lexer *x, size_t from)
{
	struct highlight_state *s = x->state;
	size_t until = strlen(s->until), opens = strlen(s->opens), at = x->at;
	if (s->whole_line) {
		size_t first = first_column(x);
		bool over = starts(x, first, s->until, until) &&
			    (first + until == x->len || !in_word(x->l, x->s[first + until]));
		emit_open(x, from, x->len);
		if (over)
			close_open(s);
		return;
	}
	while (at < x->len) {
		size_t fill = s->fills ? fill_length(x, at) : 0;
		if (fill) {
			at += fill;
		} else if (s->escapes && x->s[at] == '\\' && at + 1 < x->len) {
			at += 2;
		} else if (opens && starts(x, at, s->opens, opens)) {
			s->depth++;
			at += opens;
		} else if (starts(x, at, s->until, until)) {
			at += until;
			if (--s->depth == 0) {
				emit_open(x, from, at);
				close_open(s);
				return;
			}
		} else {
			at++;
		}
	}
	emit_open(x, from, x->len);
}

/* --- Comments --------------------------------------------------------------------------------- */

static bool block_comment(struct lexer *x)
{
	const char *pair = x->l->block;
	while (*pair) {
		size_t open = strcspn(pair, " ");
		const char *close = pair + open + 1;
		size_t close_len = strcspn(close, " ");
		bool whole = pair[0] == '=' && isalpha((unsigned char)pair[1]); /* =begin: lines of their own */
		bool spaced = !(x->l->habits & SPACED_COMMENT) || (x->at + open < x->len && x->s[x->at + open] == ' ');
		if (starts(x, x->at, pair, open) && (!whole || x->at == 0) && spaced) {
			size_t from = x->at;
			open_until(x, close, close_len, STYLE_COMMENT, false);
			x->state->whole_line = whole;
			if (x->l->habits & NESTED && open < sizeof(x->state->opens))
				memcpy(x->state->opens, pair, open);
			x->at += open;
			if (whole)
				emit(x, from, x->len, STYLE_COMMENT);
			else
				go_on(x, from);
			return true;
		}
		pair = close + close_len + (close[close_len] == ' ');
	}
	return false;
}

static bool line_comment(struct lexer *x)
{
	const struct language *l = x->l;
	size_t first = first_column(x);
	bool alone = x->at == 0 || strchr(" \t;", x->s[x->at - 1]);
	if ((l->habits & COMMENT_ALONE && !alone) || (l->habits & COMMENT_FIRST && x->at != first))
		return false;
	for (const char *sign = l->line; *sign;) {
		size_t len = strcspn(sign, " ");
		size_t end = x->at + len;
		bool word = isalpha((unsigned char)sign[0]);
		bool here = end <= x->len && strncasecmp(x->s + x->at, sign, len) == 0;
		if (word && (!alone || (end < x->len && x->s[end] != ' ')))
			here = false;
		if (sign[0] == '*' && len == 1 && x->at != first)
			here = false;
		if (l->habits & SPACED_COMMENT && end < x->len && x->s[end] != ' ' && sign[0] != ';' && sign[0] != '/')
			here = false;
		if (here) {
			emit(x, x->at, x->len, STYLE_COMMENT);
			return true;
		}
		sign += len + (sign[len] == ' ');
	}
	return false;
}

/* --- Strings ------------------------------------------------------------------------------------ */

/* A string that ends on its line, with what is escaped in it. */
static void short_string(struct lexer *x, char quote, bool escapes)
{
	bool fills = takes_fills(x, quote);
	size_t at = x->at + 1, fill;
	while (at < x->len && x->s[at] != quote) {
		if (fills && (fill = fill_length(x, at)))
			at += fill;
		else
			at += escapes && x->s[at] == '\\' && at + 1 < x->len ? 2 : 1;
	}
	emit_string(x, x->at, at < x->len ? at + 1 : x->len, fills, escapes);
}

static void long_string(struct lexer *x, size_t opening, const char *until, size_t until_len, bool escapes)
{
	size_t from = x->at;
	bool fills = takes_fills(x, x->s[x->at]);
	open_until(x, until, until_len, STYLE_STRING, escapes);
	x->state->fills = fills;
	x->at += opening;
	go_on(x, from);
}

static char previous_sign(const struct lexer *x)
{
	size_t at = x->at;
	while (at > 0 && x->s[at - 1] == ' ')
		at--;
	return at ? x->s[at - 1] : '\0';
}

/* /[a/]+\/b/gi, where a value may stand and the end is on the line. */
static bool regex(struct lexer *x)
{
	size_t at = x->at + 1;
	char before = previous_sign(x);
	bool value = before == '\0' || strchr("(,=~!{}[;:?&|", before);
	if (!value || at >= x->len || strchr(" */=", x->s[at]))
		return false;
	for (bool inside = false; at < x->len && (inside || x->s[at] != '/'); at++) {
		if (x->s[at] == '\\')
			at++;
		else if (x->s[at] == '[' || x->s[at] == ']')
			inside = x->s[at] == '[';
	}
	if (at >= x->len)
		return false;
	for (at++; at < x->len && isalpha((unsigned char)x->s[at]);)
		at++;
	emit(x, x->at, at, STYLE_STRING);
	return true;
}

/* 'x', '\n', 'é': one character, else the sign means something else here. */
static bool character(struct lexer *x)
{
	size_t at = x->at + 1;
	if (at >= x->len)
		return false;
	if (x->s[at] == '\\') {
		at += 2;
		while (at < x->len && x->s[at] != '\'' && at - x->at < 12)
			at++;
	} else {
		at++;
		while (at < x->len && ((unsigned char)x->s[at] & 0xC0) == 0x80)
			at++;
	}
	if (at >= x->len || x->s[at] != '\'')
		return false;
	emit(x, x->at, at + 1, STYLE_STRING);
	return true;
}

/* R"x( … )x" and r##" … "## */
static bool raw_string(struct lexer *x)
{
	const char *s = x->s + x->at;
	size_t left = x->len - x->at, n = 1;
	char until[HIGHLIGHT_UNTIL];
	if (x->l->strings & RAW_CPP && left > 2 && s[0] == 'R' && s[1] == '"') {
		for (n = 2; n < left && s[n] != '(' && n < 18; n++)
			until[n - 1] = s[n];
		until[0] = ')';
		until[n - 1] = '"';
		long_string(x, n < left ? n + 1 : left, until, n, false);
		return true;
	}
	if (x->l->strings & RAW_RUST && left > 1 && s[0] == 'r') {
		while (n < left && s[n] == '#' && n < 16)
			n++;
		if (n >= left || s[n] != '"')
			return false;
		memset(until, '#', sizeof(until));
		until[0] = '"';
		long_string(x, n + 1, until, n, false);
		return true;
	}
	return false;
}

static bool bracket_string(struct lexer *x)
{
	size_t n = 1;
	char until[HIGHLIGHT_UNTIL];
	while (x->at + n < x->len && x->s[x->at + n] == '=' && n < 16)
		n++;
	if (x->at + n >= x->len || x->s[x->at + n] != '[')
		return false;
	memset(until, '=', sizeof(until));
	until[0] = until[n] = ']';
	long_string(x, n + 1, until, n + 1, false);
	return true;
}

/* <<END, <<-'END', <<~END, <<<END: what follows is text up to that word. */
static bool heredoc(struct lexer *x)
{
	size_t at = x->at + 2, from;
	if (!starts(x, x->at, "<<", 2))
		return false;
	while (at < x->len && strchr("<-~", x->s[at]))
		at++;
	bool quoted = at < x->len && (x->s[at] == '"' || x->s[at] == '\'');
	from = at += quoted;
	while (at < x->len && (isalnum((unsigned char)x->s[at]) || x->s[at] == '_'))
		at++;
	if (at == from || at - from >= HIGHLIGHT_UNTIL || !(quoted || isupper((unsigned char)x->s[from])))
		return false;
	open_until(x, x->s + from, at - from, STYLE_STRING, false);
	x->state->fills = !quoted && x->l->strings & FILLS;
	x->state->whole_line = true;
	x->state->document = 1;
	emit(x, x->at, at + quoted <= x->len ? at + quoted : x->len, STYLE_STRING);
	return true;
}

static bool double_quote(struct lexer *x)
{
	unsigned forms = x->l->strings;
	if (forms & TRIPLE_DQ && starts(x, x->at, "\"\"\"", 3))
		long_string(x, 3, "\"\"\"", 3, true);
	else if (forms & DQ_LINES)
		long_string(x, 1, "\"", 1, true);
	else if (forms & (DQ | DQ_PLAIN))
		short_string(x, '"', forms & DQ);
	else
		return false;
	return true;
}

static bool single_quote(struct lexer *x)
{
	unsigned forms = x->l->strings;
	char before = x->at ? x->s[x->at - 1] : ' ';
	if (forms & TRIPLE_SQ && starts(x, x->at, "'''", 3))
		long_string(x, 3, "'''", 3, true);
	else if (forms & DOUBLE_SQ && starts(x, x->at, "''", 2))
		long_string(x, 2, "''", 2, false);
	else if (forms & SQ_LINES)
		long_string(x, 1, "'", 1, true);
	else if (forms & SQ_RAW)
		long_string(x, 1, "'", 1, false);
	else if (forms & SQ_MATLAB && (isalnum((unsigned char)before) || strchr(")]}'.", before)))
		return false;
	else if (forms & (SQ | SQ_PLAIN | SQ_MATLAB))
		short_string(x, '\'', forms & SQ);
	else
		return forms & CHAR && character(x);
	return true;
}

static bool string(struct lexer *x)
{
	unsigned forms = x->l->strings;
	char c = x->s[x->at], before = x->at ? x->s[x->at - 1] : ' ';
	if ((c == 'R' || c == 'r') && !in_word(x->l, before))
		return raw_string(x);
	if (c == '"')
		return double_quote(x);
	if (c == '\'')
		return single_quote(x);
	if (c == '`' && forms & (BACKTICK | BACKTICK_RAW)) {
		long_string(x, 1, "`", 1, forms & BACKTICK);
		return true;
	}
	if (c == '@' && forms & VERBATIM && starts(x, x->at, "@\"", 2)) {
		long_string(x, 2, "\"", 1, false);
		return true;
	}
	if (c == '[' && forms & LONG_BRACKET)
		return bracket_string(x);
	if (c == '(' && forms & PARENTHESES) {
		long_string(x, 1, ")", 1, true);
		return true;
	}
	if (c == '/' && forms & REGEX)
		return regex(x);
	if (c == '$' && forms & FILL_MARKED && x->at + 1 < x->len && strchr("\"@", x->s[x->at + 1])) {
		emit(x, x->at, x->at + 1, STYLE_STRING);
		return true;
	}
	return c == '<' && forms & HEREDOC && heredoc(x);
}

/* --- Numbers, names --------------------------------------------------------------------------------- */

/* Signs between the digits of a number: 1'000, 1_000, 4'b10, 16#FF#. */
static bool joins_digits(const struct lexer *x, size_t at)
{
	char c = x->s[at], next = at + 1 < x->len ? x->s[at + 1] : ' ';
	if (c == '_')
		return isalnum((unsigned char)next);
	if (c == '\'')
		return isxdigit((unsigned char)next) ||
		       (x->l->habits & BACKTICK_NAME && next && strchr("bdhosBDHOS", next));
	return c == '#' && x->l->habits & IGNORE_CASE && x->l->line[0] == '-' && isxdigit((unsigned char)x->s[at - 1]);
}

static bool number(struct lexer *x)
{
	size_t at = x->at;
	const char *s = x->s;
	if (!isdigit((unsigned char)s[at]) && !(s[at] == '.' && at + 1 < x->len && isdigit((unsigned char)s[at + 1]) &&
						(at == 0 || !in_word(x->l, s[at - 1]))))
		return false;
	bool hex = s[at] == '0' && at + 1 < x->len && strchr("xX", s[at + 1]);
	for (at++; at < x->len; at++) {
		char c = s[at], last = s[at - 1];
		bool sign = (c == '+' || c == '-') && strchr("eE", last) && !hex;
		bool dot = c == '.' && last != '.' && at + 1 < x->len && s[at + 1] != '.' &&
			   !isalpha((unsigned char)s[at + 1]);
		if (!isalnum((unsigned char)c) && !sign && !dot && !joins_digits(x, at) &&
		    !(c == '%' && x->l->habits & HASH_NUMBER))
			break;
	}
	emit(x, x->at, at, STYLE_NUMBER);
	return true;
}

static size_t word_end(const struct lexer *x, size_t at)
{
	while (at < x->len && in_word(x->l, x->s[at]))
		at++;
	if (at < x->len && x->l->habits & WORD_SIGNS && strchr("?!", x->s[at]) &&
	    !(at + 1 < x->len && x->s[at + 1] == '='))
		at++;
	return at;
}

/* Letters that belong to the string behind them: b"…", rf"…", u8"…". */
static bool is_prefix(const struct lexer *x, size_t start, size_t end)
{
	if (end - start > 2 || end >= x->len || !strchr("\"'", x->s[end]) || x->l->habits & DASHES)
		return false;
	for (size_t at = start; at < end; at++)
		if (!strchr("bBfFrRuULs8", x->s[at]))
			return false;
	return x->l->strings & (x->s[end] == '"' ? DQ | DQ_LINES : SQ | SQ_LINES | CHAR);
}

/* Point, T; but not LIMIT. */
static bool is_type_name(const char *word, size_t len)
{
	size_t small = 0;
	while (small < len && !islower((unsigned char)word[small]))
		small++;
	return isupper((unsigned char)word[0]) && (len == 1 || small < len);
}

static enum style word_style(const struct lexer *x, size_t start, size_t end)
{
	const struct language *l = x->l;
	char word[WORD_MOST];
	size_t len = end - start;
	if (len < sizeof(word)) {
		if (l->habits & IGNORE_CASE)
			lower(x->s + start, len, word);
		else
			memcpy(word, x->s + start, len);
		if (in_list(l->keywords, word, len))
			return STYLE_KEYWORD;
		if (in_list(l->constants, word, len))
			return STYLE_NUMBER;
		if (in_list(l->types, word, len))
			return STYLE_TYPE_NAME;
	}
	if (l->habits & MACRO_BANG && end < x->len && x->s[end] == '!' && !(end + 1 < x->len && x->s[end + 1] == '='))
		return STYLE_MACRO;
	if (l->habits & LISP)
		return start > 0 && x->s[start - 1] == '(' ? STYLE_FUNCTION : STYLE_CODE;
	if (end < x->len && x->s[end] == '(')
		return STYLE_FUNCTION;
	bool member = start > 0 && x->s[start - 1] == '.';
	return l->habits & CAPITALS && !member && is_type_name(x->s + start, len) ? STYLE_TYPE_NAME : STYLE_CODE;
}

/* Names that a sign in front makes something of: @decorator, $variable, :symbol. */
static bool signed_name(struct lexer *x)
{
	unsigned habits = x->l->habits;
	char c = x->s[x->at], next = x->at + 1 < x->len ? x->s[x->at + 1] : ' ';
	char before = x->at ? x->s[x->at - 1] : ' ';
	enum style style = STYLE_MACRO;
	if (c == '$' && habits & DOLLAR)
		style = STYLE_NAME;
	else if (c == '@' && habits & SIGILS)
		style = STYLE_NAME;
	else if (c == '%' && habits & (SIGILS | PERCENT_NAME) && !isalnum((unsigned char)before) && before != ' ' + 1)
		style = STYLE_NAME;
	else if (c == ':' && habits & SYMBOL && before != ':')
		style = STYLE_NUMBER;
	else if (!((c == '@' && habits & AT) || (c == '`' && habits & BACKTICK_NAME) ||
		   (c == '#' && habits & (HASH_NAME | HASH_ATTRIBUTE | HASH_NUMBER))))
		return false;
	if (c == '#' && habits & HASH_NUMBER && isxdigit((unsigned char)next)) {
		size_t at = x->at + 1;
		while (at < x->len && isxdigit((unsigned char)x->s[at]))
			at++;
		emit(x, x->at, at, at < x->len && in_word(x->l, x->s[at]) ? STYLE_CODE : STYLE_NUMBER);
		return true;
	}
	if (c == '#' && habits & HASH_ATTRIBUTE && (next == '[' || next == '!')) {
		const char *close = memchr(x->s + x->at, ']', x->len - x->at);
		emit(x, x->at, close ? (size_t)(close - x->s) + 1 : x->len, STYLE_MACRO);
		return true;
	}
	size_t end = x->at + 1;
	if (c == '$' && next == '(') { /* of make; in a shell it is a command without arguments */
		for (end++; end < x->len && (isalnum((unsigned char)x->s[end]) || x->s[end] == '_');)
			end++;
		bool name = end < x->len && x->s[end] == ')' && end > x->at + 2;
		emit(x, x->at, name ? end + 1 : x->at, style);
		return name;
	}
	if (!isalpha((unsigned char)next) && next != '_' && next != '{' &&
	    !(c == '$' && (isdigit((unsigned char)next) || strchr("@#?*!$^<", next))))
		return false;
	if (next == '{') {
		while (end < x->len && x->s[end] != '}')
			end++;
		end += end < x->len;
	} else if (strchr("@#?*!$^<", next)) {
		end++;
	} else {
		while (end < x->len && (isalnum((unsigned char)x->s[end]) || x->s[end] == '_' ||
					(c == '@' && strchr(".-", x->s[end]) && end + 1 < x->len &&
					 isalpha((unsigned char)x->s[end + 1]))))
			end++;
	}
	if (c == '$' && in_list(x->l->constants, x->s + x->at, end - x->at))
		style = STYLE_NUMBER;
	emit(x, x->at, end, style);
	return true;
}

/* --- Starts of lines ------------------------------------------------------------------------------------ */

/* name: or name = where a line sets something. */
static void key(struct lexer *x)
{
	size_t at = first_column(x);
	unsigned habits = x->l->habits;
	while (habits & KEY_COLON && at + 1 < x->len && x->s[at] == '-' && x->s[at + 1] == ' ')
		at += 2;
	size_t from = at;
	if (at < x->len && strchr("\"'", x->s[at])) {
		const char *close = memchr(x->s + at + 1, x->s[at], x->len - at - 1);
		at = close ? (size_t)(close - x->s) + 1 : x->len;
	} else {
		while (at < x->len && (in_word(x->l, x->s[at]) || strchr("./*%$()", x->s[at])))
			at++;
	}
	size_t end = at;
	while (at < x->len && x->s[at] == ' ')
		at++;
	if (at >= x->len || end == from)
		return;
	bool colon = habits & KEY_COLON && x->s[at] == ':' && (at + 1 >= x->len || x->s[at + 1] != ':');
	bool equal = habits & KEY_EQUAL &&
		     (x->s[at] == '=' || (at + 1 < x->len && x->s[at + 1] == '=' && strchr("+?:", x->s[at])));
	if (colon || equal)
		emit(x, from, end, STYLE_NAME);
}

static void start_of_line(struct lexer *x)
{
	unsigned habits = x->l->habits;
	size_t at = first_column(x);
	if (at >= x->len)
		return;
	if (habits & SECTIONS && x->s[at] == '[') {
		const char *close = memrchr(x->s + at, ']', x->len - at);
		emit(x, at, close ? (size_t)(close - x->s) + 1 : x->len, STYLE_TYPE_NAME);
	} else if (habits & PREPROCESSOR && x->s[at] == '#') {
		size_t from = at++;
		while (at < x->len && x->s[at] == ' ')
			at++;
		size_t word = at;
		while (at < x->len && isalpha((unsigned char)x->s[at]))
			at++;
		bool include = at - word == 7 && memcmp(x->s + word, "include", 7) == 0;
		emit(x, from, at, STYLE_MACRO);
		while (at < x->len && x->s[at] == ' ')
			at++;
		if (include && at < x->len && x->s[at] == '<')
			emit(x, at, x->len, STYLE_STRING);
	} else if (habits & (KEY_COLON | KEY_EQUAL)) {
		key(x);
	}
}

/* "name": in JSON */
static bool key_string(struct lexer *x)
{
	size_t at = x->at + 1;
	if (!(x->l->habits & KEY_STRING) || x->s[x->at] != '"')
		return false;
	while (at < x->len && x->s[at] != '"')
		at += x->s[at] == '\\' && at + 1 < x->len ? 2 : 1;
	size_t end = at < x->len ? at + 1 : x->len;
	for (at = end; at < x->len && x->s[at] == ' ';)
		at++;
	if (at >= x->len || x->s[at] != ':')
		return false;
	emit(x, x->at, end, STYLE_NAME);
	return true;
}

static void code(struct lexer *x)
{
	if (x->at == 0)
		start_of_line(x);
	while (x->at < x->len) {
		if (block_comment(x) || line_comment(x) || key_string(x) || string(x) || number(x) || signed_name(x))
			continue;
		if (!begins_word(x->l, x->s[x->at]) &&
		    !(x->s[x->at] == '-' && x->l->habits & (DASHES | IGNORE_CASE) && x->at + 1 < x->len &&
		      isalpha((unsigned char)x->s[x->at + 1]))) {
			x->at++;
			continue;
		}
		size_t end = word_end(x, x->at + 1);
		enum style style = is_prefix(x, x->at, end) ? STYLE_STRING : word_style(x, x->at, end);
		if (style == STYLE_CODE)
			x->at = end;
		else
			emit(x, x->at, end, style);
	}
}

/* --- Languages of other kinds ----------------------------------------------------------------------------- */

static const struct {
	const char *tag, *end, *language;
} embeddings[] = {{"", "", ""}, {"script", "</script", "javascript"}, {"style", "</style", "css"}};
enum { EMBEDS_NOTHING, EMBEDDINGS = sizeof(embeddings) / sizeof(*embeddings) };

static uint8_t embedded_by(const char *tag, size_t len)
{
	for (uint8_t i = 1; i < EMBEDDINGS; i++)
		if (strlen(embeddings[i].tag) == len && strncasecmp(embeddings[i].tag, tag, len) == 0)
			return i;
	return EMBEDS_NOTHING;
}

static const struct language *embedded_language(int embeds)
{
	return highlight_language(embeddings[embeds].language, strlen(embeddings[embeds].language));
}

/* What stands in <script> and <style>, up to its end tag. */
static void embedded(struct lexer *x)
{
	const char *tag = embeddings[x->state->embeds].end;
	const char *end = memmem(x->s + x->at, x->len - x->at, tag, strlen(tag));
	struct lexer inner = *x;
	inner.l = embedded_language(x->state->embeds);
	inner.len = end ? (size_t)(end - x->s) : x->len;
	code(&inner);
	x->at = inner.len;
	if (end) {
		x->state->embeds = EMBEDS_NOTHING;
		close_open(x->state);
	}
}

static void tag_text(struct lexer *x)
{
	size_t at = x->at;
	if (starts(x, at, "<!--", 4) || starts(x, at, "<![CDATA[", 9)) {
		bool comment = x->s[at + 2] == '-';
		open_until(x, comment ? "-->" : "]]>", 3, comment ? STYLE_COMMENT : STYLE_STRING, false);
		x->at += 4;
		go_on(x, at);
	} else if (x->s[at] == '<') {
		size_t end = at + 1;
		while (end < x->len && strchr("/?!", x->s[end]))
			end++;
		while (end < x->len && (isalnum((unsigned char)x->s[end]) || strchr("-_:.", x->s[end])))
			end++;
		x->state->in_tag = end > at + 1;
		x->state->embeds = embedded_by(x->s + at + 1, end - at - 1);
		emit(x, at, end, x->s[at + (at + 1 < x->len)] == '!' ? STYLE_MACRO : STYLE_KEYWORD);
	} else if (x->s[at] == '&') {
		size_t end = at + 1;
		while (end < x->len && (isalnum((unsigned char)x->s[end]) || x->s[end] == '#'))
			end++;
		emit(x, at, end < x->len && x->s[end] == ';' ? end + 1 : at, STYLE_NUMBER);
		x->at += x->at == at;
	} else {
		x->at++;
	}
}

static void tags(struct lexer *x)
{
	while (x->at < x->len) {
		char c = x->s[x->at];
		if (!x->state->in_tag && x->state->embeds) {
			embedded(x);
		} else if (!x->state->in_tag) {
			tag_text(x);
		} else if (c == '>' || starts(x, x->at, "/>", 2) || starts(x, x->at, "?>", 2)) {
			size_t end = x->at + (c == '>' ? 1 : 2);
			x->state->in_tag = false;
			x->state->embeds = c == '>' ? x->state->embeds : EMBEDS_NOTHING;
			emit(x, x->at, end, STYLE_KEYWORD);
		} else if (c == '"' || c == '\'') {
			long_string(x, 1, &c, 1, false);
		} else if (isalpha((unsigned char)c) || strchr("@:_", c)) {
			size_t end = x->at + 1;
			while (end < x->len && (isalnum((unsigned char)x->s[end]) || strchr("-_:.@", x->s[end])))
				end++;
			emit(x, x->at, end, STYLE_NAME);
		} else if (!number(x)) {
			x->at++;
		}
	}
}

static void tex(struct lexer *x)
{
	while (x->at < x->len) {
		size_t at = x->at, end = at + 1;
		char c = x->s[at];
		if (c == '%') {
			emit(x, at, x->len, STYLE_COMMENT);
		} else if (c == '\\' || c == '@') {
			while (end < x->len && isalpha((unsigned char)x->s[end]))
				end++;
			emit(x, at, end == at + 1 && end < x->len ? end + 1 : end, STYLE_KEYWORD);
		} else if (c == '$') {
			bool two = end < x->len && x->s[end] == '$';
			long_string(x, two ? 2 : 1, two ? "$$" : "$", two ? 2 : 1, true);
		} else if (!number(x)) {
			x->at++;
		}
	}
}

static void diff(struct lexer *x)
{
	char c = x->len ? x->s[0] : ' ';
	enum style style = STYLE_CODE;
	if (starts(x, 0, "+++", 3) || starts(x, 0, "---", 3) || starts(x, 0, "diff ", 5) || starts(x, 0, "index ", 6))
		style = STYLE_KEYWORD;
	else if (starts(x, 0, "@@", 2))
		style = STYLE_NUMBER;
	else if (c == '+' || c == '>')
		style = STYLE_INSERTED;
	else if (c == '-' || c == '<')
		style = STYLE_DELETED;
	else if (c == '\\' || c == '#')
		style = STYLE_COMMENT;
	if (style != STYLE_CODE)
		emit(x, 0, x->len, style);
}

static void markdown(struct lexer *x)
{
	size_t first = x->at ? x->len : first_column(x);
	if (first < x->len && x->s[first] == '#') {
		emit(x, 0, x->len, STYLE_KEYWORD);
		return;
	}
	if (first + 1 < x->len && strchr("-*+>", x->s[first]) && x->s[first + 1] == ' ')
		emit(x, first, first + 1, STYLE_KEYWORD);
	while (x->at < x->len) {
		if (block_comment(x) || string(x) || number(x))
			continue;
		size_t at = x->at;
		const char *close = x->s[at] == '[' ? memchr(x->s + at, ')', x->len - at) : NULL;
		if (close && memmem(x->s + at, (size_t)(close - x->s) - at, "](", 2))
			emit(x, at, (size_t)(close - x->s) + 1, STYLE_NAME);
		else
			x->at++;
	}
}

void highlight_line(const struct language *l, struct highlight_state *state, const char *line, size_t len,
		    highlight_fn *fn, void *arg)
{
	struct lexer x = {.l = l, .state = state, .s = line, .len = len, .fn = fn, .arg = arg};
	if (state->until[0]) {
		state->document = 0;
		if (state->embeds && !state->in_tag)
			x.l = embedded_language(state->embeds);
		go_on(&x, 0);
		x.l = l;
	}
	if (l->habits & TAGS)
		tags(&x);
	else if (l->habits & TEX)
		tex(&x);
	else if (l->habits & DIFF)
		diff(&x);
	else if (l->habits & MARKDOWN_SIGNS)
		markdown(&x);
	else
		code(&x);
}
