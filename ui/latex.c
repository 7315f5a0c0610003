#include "latex.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MOST = 16, COMMAND_MOST = 24 };

enum command_kind { SIGN, SPACED, NAME, MARK, ARGUMENT, NOTHING };

struct command {
	const char *name, *text;
	enum command_kind kind;
};

static const struct command commands[] = {
#define SYMBOL(command, text)   {command, text, SIGN},
#define OPERATOR(command, text) {command, text, SPACED},
#define FUNCTION(name)          {name, name, NAME},
#define ACCENT(command, mark)   {command, mark, MARK},
#define PLAIN(command)          {command, "", ARGUMENT},
#define IGNORED(command)        {command, "", NOTHING},
#include "latex.def"
};

struct script {
	const char *sign, *moved;
};

static const struct script superscripts[] = {
#define SUPERSCRIPT(sign, raised) {sign, raised},
#include "latex.def"
	{NULL, NULL}};

static const struct script subscripts[] = {
#define SUBSCRIPT(sign, lowered) {sign, lowered},
#include "latex.def"
	{NULL, NULL}};

struct reader {
	const char *at, *end;
	bool open;
	bool space;                            /* wanted before what comes next */
	const struct environment *environment; /* that has rows and columns; NULL: none */
	bool ended;                            /* its \end was read */
	int depth;
	struct buffer out;
};

static bool read_sequence(struct reader *r, char closing);

/* --- What is written ------------------------------------------------------------------ */

static char last_char(const struct reader *r)
{
	return r->out.len ? r->out.data[r->out.len - 1] : '\n';
}

static void put(struct reader *r, const char *text, size_t len)
{
	bool closes = len && strchr(" )]},;", text[0]) != NULL;
	if (r->space && len && !closes && !strchr(" \n([{", last_char(r)))
		buffer_puts(&r->out, " ");
	r->space = r->space && !len;
	buffer_append(&r->out, text, len);
}

static void put_text(struct reader *r, const char *text)
{
	put(r, text, strlen(text));
}

static size_t char_len(const char *text, size_t len)
{
	size_t n = 1;
	while (n < len && ((unsigned char)text[n] & 0xC0) == 0x80)
		n++;
	return n;
}

static const char *moved(const struct script *scripts, const char *sign, size_t len)
{
	for (; scripts->sign; scripts++)
		if (strlen(scripts->sign) == len && memcmp(scripts->sign, sign, len) == 0)
			return scripts->moved;
	return NULL;
}

/* Raised or lowered where every sign has such a form, else after ^ or _. */
static void put_script(struct reader *r, const struct buffer *text, char mark)
{
	const struct script *scripts = mark == '^' ? superscripts : subscripts;
	struct buffer small = {0};
	size_t len;
	bool all = true;
	for (size_t at = 0; all && at < text->len; at += len) {
		len = char_len(text->data + at, text->len - at);
		const char *form = moved(scripts, text->data + at, len);
		all = form || text->data[at] == ' ';
		buffer_puts(&small, form ? form : "");
	}
	bool single = text->len && char_len(text->data, text->len) == text->len;
	r->space = false;
	if (all)
		buffer_append(&r->out, small.data, small.len);
	else
		buffer_printf(&r->out, single ? "%c%s" : "%c(%s)", mark, text->data);
	buffer_free(&small);
}

/* --- Arguments ---------------------------------------------------------------------------- */

/* Runs read into a text of its own: a group or the one token that stands for it. */
static bool read_into(struct reader *r, struct buffer *text, bool (*read)(struct reader *))
{
	struct buffer outer = r->out;
	bool space = r->space;
	r->out = (struct buffer){0};
	r->space = false;
	bool ok = read(r);
	*text = r->out;
	r->out = outer;
	r->space = space;
	return ok;
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && isspace((unsigned char)*r->at))
		r->at++;
}

static bool read_token(struct reader *r);

static bool read_argument(struct reader *r)
{
	skip_blanks(r);
	if (r->at == r->end)
		return r->open;
	if (*r->at != '{')
		return read_token(r);
	r->at++;
	return read_sequence(r, '}');
}

static bool read_bracketed(struct reader *r)
{
	return read_sequence(r, ']');
}

/* --- Fractions and roots ---------------------------------------------------------------------- */

static bool is_digits(const struct buffer *text)
{
	return text->len && strspn(text->data, "0123456789.") == text->len;
}

static bool hangs(const struct script *scripts, const char *sign, size_t len)
{
	while (scripts->sign && (strlen(scripts->moved) != len || memcmp(scripts->moved, sign, len) != 0))
		scripts++;
	return scripts->sign != NULL;
}

/* One letter with what hangs on it, a number, dx: needs no brackets beside a stroke. */
static bool is_atom(const struct buffer *text)
{
	if (!text->len || is_digits(text))
		return true;
	size_t at = 0, len;
	if (text->data[0] == 'd' && text->len > 1)
		at = 1;
	else if (text->len > strlen("∂") && strncmp(text->data, "∂", strlen("∂")) == 0)
		at = strlen("∂");
	for (at += char_len(text->data + at, text->len - at); at < text->len; at += len) {
		len = char_len(text->data + at, text->len - at);
		if (!hangs(superscripts, text->data + at, len) && !hangs(subscripts, text->data + at, len))
			return false;
	}
	return true;
}

static bool is_product(const struct buffer *text)
{
	return text->len && strcspn(text->data, " +-=/<>,|") == text->len;
}

static void put_operand(struct reader *r, const struct buffer *text, bool bare)
{
	put_text(r, bare ? "" : "(");
	put(r, text->data ? text->data : "", text->len);
	put_text(r, bare ? "" : ")");
}

static bool read_fraction(struct reader *r)
{
	struct buffer over = {0}, under = {0};
	bool ok = read_into(r, &over, read_argument) && read_into(r, &under, read_argument);
	if (ok) {
		put_operand(r, &over, is_atom(&over) || is_product(&over));
		if (under.len) /* not yet there while it is written */
			put_text(r, "/");
		put_operand(r, &under, is_atom(&under));
	}
	buffer_free(&over);
	buffer_free(&under);
	return ok;
}

static bool read_binomial(struct reader *r)
{
	struct buffer all = {0}, some = {0};
	bool ok = read_into(r, &all, read_argument) && read_into(r, &some, read_argument);
	put_text(r, "C(");
	put(r, all.data ? all.data : "", all.len);
	put_text(r, ", ");
	put(r, some.data ? some.data : "", some.len);
	put_text(r, ")");
	buffer_free(&all);
	buffer_free(&some);
	return ok;
}

static bool read_root(struct reader *r)
{
	struct buffer degree = {0}, under = {0};
	bool ok = true;
	skip_blanks(r);
	if (r->at < r->end && *r->at == '[') {
		r->at++;
		ok = read_into(r, &degree, read_bracketed);
	}
	ok = ok && read_into(r, &under, read_argument);
	put_text(r, "");
	if (ok && degree.len)
		put_script(r, &degree, '^');
	if (ok) {
		put_text(r, "√");
		put_operand(r, &under, is_atom(&under));
	}
	buffer_free(&degree);
	buffer_free(&under);
	return ok;
}

/* --- Commands ------------------------------------------------------------------------------------ */

static size_t command_name(struct reader *r, char name[COMMAND_MOST])
{
	size_t len = 0;
	while (r->at + len < r->end && isalpha((unsigned char)r->at[len]))
		len++;
	if (!len && r->at < r->end)
		len = 1;
	snprintf(name, COMMAND_MOST, "%.*s", (int)len, r->at);
	r->at += len;
	return len;
}

static bool read_accent(struct reader *r, const char *mark)
{
	struct buffer letter = {0};
	bool ok = read_into(r, &letter, read_argument);
	bool one = letter.len && char_len(letter.data, letter.len) == letter.len;
	if (ok)
		put(r, letter.data ? letter.data : "", letter.len);
	if (one)
		buffer_puts(&r->out, mark);
	buffer_free(&letter);
	return ok && (one || r->open);
}

/* Words between the signs: as they are, with their blanks. */
static bool read_plain(struct reader *r)
{
	skip_blanks(r);
	if (r->at == r->end || *r->at != '{')
		return read_argument(r);
	const char *close = memchr(r->at, '}', (size_t)(r->end - r->at));
	const char *inner = r->at + 1;
	size_t len = (size_t)((close ? close : r->end) - inner);
	if (memchr(inner, '\\', len) || memchr(inner, '{', len) || memchr(inner, '$', len))
		return read_argument(r);
	if (!close && !r->open)
		return false;
	put(r, inner, len);
	r->at = close ? close + 1 : r->end;
	return true;
}

static bool read_doublestruck(struct reader *r)
{
	static const char letters[] = "CHNPQRZ";
	static const char *const forms[] = {"ℂ", "ℍ", "ℕ", "ℙ", "ℚ", "ℝ", "ℤ"};
	struct buffer letter = {0};
	bool ok = read_into(r, &letter, read_argument);
	const char *found = letter.len == 1 ? strchr(letters, letter.data[0]) : NULL;
	put_text(r, found ? forms[found - letters] : letter.len ? letter.data : "");
	buffer_free(&letter);
	return ok;
}

static bool read_modulo(struct reader *r)
{
	r->space = true;
	put_text(r, "(mod ");
	bool ok = read_argument(r);
	put_text(r, ")");
	return ok;
}

/* Lines of their own, or a matrix in one row: (1 2; 3 4). */
static const struct environment {
	const char *name, *open, *close, *column, *row;
} environments[] = {
	{"aligned", "", "", "", "\n"},    {"align", "", "", "", "\n"},      {"align*", "", "", "", "\n"},
	{"gathered", "", "", "", "\n"},   {"gather", "", "", "", "\n"},     {"gather*", "", "", "", "\n"},
	{"equation", "", "", "", "\n"},   {"equation*", "", "", "", "\n"},  {"split", "", "", "", "\n"},
	{"matrix", "(", ")", " ", "; "},  {"pmatrix", "(", ")", " ", "; "}, {"bmatrix", "[", "]", " ", "; "},
	{"vmatrix", "|", "|", " ", "; "}, {"Vmatrix", "‖", "‖", " ", "; "}, {"cases", "{ ", "", " ", "; "},
};

/* The name in braces behind \begin and \end; it ends the text while it is not all there. */
static const struct environment *environment_name(struct reader *r)
{
	const char *name = r->at + 1, *close = memchr(r->at, '}', (size_t)(r->end - r->at));
	if (r->at == r->end || *r->at != '{' || !close)
		return NULL;
	r->at = close + 1;
	for (size_t i = 0; i < sizeof(environments) / sizeof(*environments); i++)
		if (strlen(environments[i].name) == (size_t)(close - name) &&
		    memcmp(environments[i].name, name, (size_t)(close - name)) == 0)
			return &environments[i];
	return NULL;
}

static bool is_unfinished(const struct reader *r)
{
	return r->open && !memchr(r->at, '}', (size_t)(r->end - r->at));
}

static void put_separator(struct reader *r, const char *text)
{
	while (r->out.len && last_char(r) == ' ')
		r->out.data[--r->out.len] = '\0';
	if (!r->out.len || last_char(r) != '\n')
		buffer_puts(&r->out, text);
	r->space = false;
}

static bool read_environment(struct reader *r)
{
	const struct environment *outer = r->environment;
	if (is_unfinished(r))
		return (r->at = r->end);
	r->environment = environment_name(r);
	if (!r->environment || r->depth == DEPTH_MOST)
		return false;
	put_text(r, r->environment->open);
	skip_blanks(r);
	r->depth++;
	while (r->at < r->end && !r->ended)
		if (!read_token(r))
			return false;
	r->depth--;
	bool ended = r->ended;
	r->space = r->ended = false;
	put_text(r, r->environment->close);
	r->environment = outer;
	return ended || r->open;
}

static bool end_environment(struct reader *r)
{
	if (is_unfinished(r))
		return (r->at = r->end);
	r->ended = r->environment && environment_name(r) == r->environment;
	return r->ended;
}

/* blank: the source has one behind it, which LaTeX does not show, but text does before a relation. */
static void put_sign(struct reader *r, const struct command *c, bool blank)
{
	bool name = c->kind == NAME, space = strcmp(c->text, " ") == 0;
	char next = r->at < r->end ? *r->at : '\0';
	bool stuck = name && (isalnum((unsigned char)last_char(r)) || last_char(r) == ')');
	r->space = r->space || space || c->kind == SPACED || stuck;
	if (!space)
		put_text(r, c->text);
	if (name)
		r->space = isalnum((unsigned char)next) || next == '\\';
	else
		r->space = r->space || c->kind == SPACED || (blank && next && strchr("=<>+-|/", next));
}

static bool read_known(struct reader *r, const struct command *c, bool blank)
{
	if (c->kind == MARK)
		return read_accent(r, c->text);
	if (c->kind == ARGUMENT)
		return read_plain(r);
	if (c->kind != NOTHING)
		put_sign(r, c, blank);
	else if (r->at < r->end && *r->at == '.') /* \left. has no bracket to show */
		r->at++;
	return true;
}

static bool read_command(struct reader *r)
{
	char name[COMMAND_MOST];
	const char *start = r->at;
	size_t len = command_name(r, name);
	if (r->open && r->at == r->end && (!len || isalpha((unsigned char)*start)))
		return true; /* its name may go on */
	const char *behind = r->at;
	if (isalpha((unsigned char)name[0]))
		skip_blanks(r);
	if (strcmp(name, "\\") == 0 && r->environment)
		put_separator(r, r->environment->row);
	else if (strcmp(name, "\\") == 0)
		r->space = true;
	else if (strcmp(name, "frac") == 0 || strcmp(name, "dfrac") == 0 || strcmp(name, "tfrac") == 0)
		return read_fraction(r);
	else if (strcmp(name, "sqrt") == 0)
		return read_root(r);
	else if (strcmp(name, "mathbb") == 0)
		return read_doublestruck(r);
	else if (strcmp(name, "pmod") == 0)
		return read_modulo(r);
	else if (strcmp(name, "binom") == 0)
		return read_binomial(r);
	else if (strcmp(name, "begin") == 0)
		return read_environment(r);
	else if (strcmp(name, "end") == 0)
		return end_environment(r);
	else {
		for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
			if (strcmp(commands[i].name, name) == 0)
				return read_known(r, &commands[i], r->at > behind);
		return false;
	}
	return true;
}

/* --- Tokens ------------------------------------------------------------------------------------------ */

static bool read_script(struct reader *r, char mark)
{
	struct buffer text = {0};
	bool ok = read_into(r, &text, read_argument);
	if (ok && text.len)
		put_script(r, &text, mark);
	buffer_free(&text);
	return ok;
}

static bool read_token(struct reader *r)
{
	char c = *r->at;
	if (c == '\\' || c == '^' || c == '_' || c == '{') {
		r->at++;
		return c == '\\' ? read_command(r) : c == '{' ? read_sequence(r, '}') : read_script(r, c);
	}
	if (isspace((unsigned char)c) || c == '~' || (c == '&' && r->environment)) {
		r->space = r->space || c != '&' || r->environment->column[0];
		r->at++;
		return true;
	}
	if (c == '}' || c == '&' || c == '$' || c == '%' || c == '#')
		return false;
	size_t len = char_len(r->at, (size_t)(r->end - r->at));
	if (c == '\'')
		buffer_puts(&r->out, "′");
	else
		put(r, r->at, len);
	r->at += len;
	return true;
}

/* Up to the sign that closes it, which is read too; '\0': to the end. */
static bool read_sequence(struct reader *r, char closing)
{
	if (r->depth == DEPTH_MOST)
		return false;
	r->depth++;
	while (r->at < r->end && *r->at != closing)
		if (!read_token(r))
			return false;
	r->depth--;
	if (!closing)
		return true;
	if (r->at == r->end)
		return r->open;
	r->at++;
	return true;
}

bool latex_to_text(const char *latex, size_t len, bool open, struct buffer *out)
{
	struct reader r = {.at = latex, .end = latex + len, .open = open};
	skip_blanks(&r);
	bool ok = !memchr(latex, '\0', len) && read_sequence(&r, '\0');
	while (r.out.len && strchr(" \n", last_char(&r)))
		r.out.len--;
	if (ok && r.out.len)
		buffer_append(out, r.out.data, r.out.len);
	buffer_free(&r.out);
	return ok;
}
