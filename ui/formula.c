#include "formula.h"
#include "inline.h"
#include "latex.h"

#include <ctype.h>
#include <string.h>

enum { FORMULA_MOST = 4096 }; /* bytes: what is longer is none */

struct reader {
	const char *text;
	size_t len, at;
	char fence; /* of the block of code that the line stands in; 0: none */
	size_t fence_len;
	bool isolate;
	struct buffer out;
};

static size_t run_length(const struct reader *r, size_t at)
{
	size_t end = at;
	while (end < r->len && r->text[end] == r->text[at])
		end++;
	return end - at;
}

static size_t line_end(const struct reader *r, size_t at)
{
	const char *newline = memchr(r->text + at, '\n', r->len - at);
	return newline ? (size_t)(newline - r->text) + 1 : r->len;
}

static void copy(struct reader *r, size_t end)
{
	buffer_append(&r->out, r->text + r->at, end - r->at);
	r->at = end;
}

/* What stands before the text of a line: quotes' bars, blanks, an item's mark. */
static size_t line_start(const struct reader *r, size_t at)
{
	while (at < r->len && strchr(" \t>-+*", r->text[at]))
		at++;
	return at;
}

/* At the start of a line: copies it whole when it is a fence or code. */
static bool take_code_line(struct reader *r)
{
	size_t end = line_end(r, r->at), first = line_start(r, r->at);
	char c = first < end ? r->text[first] : '\n';
	size_t run = c == '`' || c == '~' ? run_length(r, first) : 0;
	bool blank_above = r->at == 0 || (r->at >= 2 && r->text[r->at - 2] == '\n');
	if (r->fence) {
		if (c == r->fence && run >= r->fence_len)
			r->fence = 0;
	} else if (run >= 3) {
		r->fence = c;
		r->fence_len = run;
	} else if (!(blank_above && strncmp(r->text + r->at, "    ", 4) == 0)) {
		return false;
	}
	copy(r, end);
	return true;
}

/* Copies a span of code with its backquotes, or the backquotes alone when nothing closes them. */
static void take_span(struct reader *r)
{
	size_t run = run_length(r, r->at), end = r->at + run;
	for (size_t at = end; at < r->len; at++)
		if (r->text[at] == '`') {
			size_t closing = run_length(r, at);
			if (closing == run) {
				end = at + run;
				break;
			}
			at += closing - 1;
		}
	copy(r, end);
}

/* How a formula is marked, and where it ends. */
struct formula {
	const char *closing; /* its mark; NULL: no formula begins here */
	size_t mark;         /* bytes of the opening and of the closing mark each */
	size_t start, end;   /* of what stands between the marks */
	bool closed;
};

static const char *closing_mark(const struct reader *r, size_t *mark)
{
	const char *at = r->text + r->at;
	bool two = r->at + 1 < r->len;
	*mark = 2;
	if (two && at[0] == '\\' && (at[1] == '(' || at[1] == '['))
		return at[1] == '(' ? "\\)" : "\\]";
	if (two && at[0] == '$' && at[1] == '$')
		return "$$";
	*mark = 1;
	return at[0] == '$' ? "$" : NULL;
}

/* Prices and shell variables have the same sign: a single dollar marks a formula only where it stands close to
 * it on both sides and what is between reads like one: commands, or no word longer than two letters. */
static bool is_dollar_formula(const struct reader *r, const struct formula *f)
{
	const char *at = r->text + f->start;
	size_t len = f->end - f->start, letters = 0;
	bool any = false;
	bool before = f->start > 1 && isalnum((unsigned char)r->text[f->start - 2]);
	bool after = f->closed && f->end + 1 < r->len && isalnum((unsigned char)r->text[f->end + 1]);
	if (!len || before || after || isspace((unsigned char)at[0]) || isspace((unsigned char)at[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (at[i] == '\\' && i + 1 < len && isalpha((unsigned char)at[i + 1]))
			return true;
		letters = isalpha((unsigned char)at[i]) ? letters + 1 : 0;
		any = any || letters;
		if (letters > 2 || at[i] == '\n')
			return false;
	}
	return f->closed && (any || !memchr(at, ' ', len));
}

static bool find_formula(const struct reader *r, bool open, struct formula *f)
{
	*f = (struct formula){.closing = closing_mark(r, &f->mark)};
	f->mark = f->closing ? strlen(f->closing) : 0;
	f->start = f->end = r->at + f->mark;
	if (!f->closing)
		return false;
	size_t limit = r->len - f->start > FORMULA_MOST ? f->start + FORMULA_MOST : r->len;
	while (f->end < limit && strncmp(r->text + f->end, "\n\n", 2) != 0) {
		f->closed = strncmp(r->text + f->end, f->closing, f->mark) == 0;
		if (f->closed)
			break;
		bool escape = strncmp(r->text + f->end, "\\\\", 2) == 0 || strncmp(r->text + f->end, "\\$", 2) == 0;
		f->end += escape ? 2 : 1;
	}
	return (f->closed || (open && f->end >= r->len)) && (f->mark > 1 || is_dollar_formula(r, f));
}

static bool in_table(const struct reader *r)
{
	size_t at = r->at;
	while (at && r->text[at - 1] != '\n')
		at--;
	return r->text[line_start(r, at)] == '|';
}

/* Text in which Markdown finds no marks of its own. Rows are kept apart, but for a table's cell, which is one. */
static void put_escaped(struct reader *r, const char *text, size_t len, const char *row_end)
{
	for (size_t i = 0; i < len; i++) {
		if (ispunct((unsigned char)text[i]))
			buffer_puts(&r->out, "\\");
		if (text[i] == '\n')
			buffer_puts(&r->out, row_end);
		else
			buffer_append(&r->out, text + i, 1);
	}
}

static void take_formula(struct reader *r, const struct formula *f)
{
	struct buffer text = {0};
	size_t end = f->end + (f->closed ? f->mark : 0);
	bool plain = latex_to_text(r->text + f->start, f->end - f->start, !f->closed, &text);
	buffer_puts(&r->out, r->isolate ? LEFT_TO_RIGHT_ISOLATE : "");
	if (plain)
		put_escaped(r, text.data ? text.data : "", text.len, in_table(r) ? " " : "\\\n");
	else
		put_escaped(r, r->text + r->at, end - r->at, "\n");
	buffer_puts(&r->out, r->isolate ? POP_ISOLATE : "");
	buffer_free(&text);
	r->at = end;
}

void formula_escape(struct buffer *text, bool open, bool bidi)
{
	struct reader r = {.text = text->data, .len = text->len};
	if (!text->len || (!memchr(text->data, '\\', text->len) && !memchr(text->data, '$', text->len)))
		return;
	r.isolate = bidi && inline_has_rtl(text->data, text->len);
	while (r.at < r.len) {
		struct formula formula;
		bool begins = r.at == 0 || r.text[r.at - 1] == '\n';
		if (begins && take_code_line(&r))
			continue;
		if (find_formula(&r, open, &formula))
			take_formula(&r, &formula);
		else if (r.text[r.at] == '`')
			take_span(&r);
		else
			copy(&r, r.at + (r.text[r.at] == '\\' && r.at + 1 < r.len ? 2 : 1));
	}
	buffer_free(text);
	*text = r.out;
}
