#include "formula.h"

#include <ctype.h>
#include <string.h>

struct reader {
	const char *text;
	size_t len, at;
	char fence; /* of the block of code that the line stands in; 0: none */
	size_t fence_len;
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

/* The bytes of the mark that opens a formula here; *closing gets the one that closes it. */
static size_t opening(const struct reader *r, const char **closing)
{
	const char *at = r->text + r->at;
	if (r->at + 1 >= r->len)
		return 0;
	*closing = at[0] == '\\' && at[1] == '(' ? "\\)" : at[0] == '\\' && at[1] == '[' ? "\\]" : "$$";
	return (at[0] == '\\' && (at[1] == '(' || at[1] == '[')) || (at[0] == '$' && at[1] == '$') ? 2 : 0;
}

/* Where the formula that begins here ends; 0: nothing closes it. */
static size_t formula_end(const struct reader *r, const char *closing, bool open)
{
	for (size_t at = r->at + 2; at < r->len; at++) {
		if (strncmp(r->text + at, closing, 2) == 0)
			return at + 2;
		if (strncmp(r->text + at, "\n\n", 2) == 0)
			return 0;
		at += r->text[at] == '\\' && strncmp(r->text + at, "\\\\", 2) == 0; /* a new row, no mark */
	}
	return open ? r->len : 0;
}

static void take_formula(struct reader *r, size_t end)
{
	for (; r->at < end; r->at++) {
		if (ispunct((unsigned char)r->text[r->at]))
			buffer_puts(&r->out, "\\");
		buffer_append(&r->out, r->text + r->at, 1);
	}
}

void formula_escape(struct buffer *text, bool open)
{
	struct reader r = {.text = text->data, .len = text->len};
	if (!text->len || (!memchr(text->data, '\\', text->len) && !memmem(text->data, text->len, "$$", 2)))
		return;
	while (r.at < r.len) {
		const char *closing;
		size_t end = 0;
		bool begins = r.at == 0 || r.text[r.at - 1] == '\n';
		if (begins && take_code_line(&r))
			continue;
		if (opening(&r, &closing))
			end = formula_end(&r, closing, open);
		if (end)
			take_formula(&r, end);
		else if (r.text[r.at] == '`')
			take_span(&r);
		else
			copy(&r, r.at + (r.text[r.at] == '\\' && r.at + 1 < r.len ? 2 : 1));
	}
	buffer_free(text);
	*text = r.out;
}
