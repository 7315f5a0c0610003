#include "tidy.h"
#include "extract.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *text;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trimmed(struct span s)
{
	while (s.len && is_blank(s.text[0]))
		s.text++, s.len--;
	while (s.len && is_blank(s.text[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts the first line off, without its end. */
static struct span next_line(struct span *s)
{
	const char *end = memchr(s->text, '\n', s->len);
	struct span line = {s->text, end ? (size_t)(end - s->text) : s->len};
	size_t used = line.len + (end != NULL);
	*s = (struct span){s->text + used, s->len - used};
	return line;
}

static bool begins(struct span s, const char *with)
{
	return s.len >= strlen(with) && strncasecmp(s.text, with, strlen(with)) == 0;
}

static bool ends(struct span s, const char *with)
{
	size_t len = strlen(with);
	return s.len >= len && memcmp(s.text + s.len - len, with, len) == 0;
}

static struct span without(struct span s, size_t first, size_t last)
{
	return trimmed((struct span){s.text + first, s.len - first - last});
}

static bool holds(struct span s, const char *what)
{
	return memmem(s.text, s.len, what, strlen(what)) != NULL;
}

/* "…", `…`, **…**: only where both ends belong together. */
static bool unwrap(struct span *s)
{
	static const char *const pairs[][2] = {{"**", "**"}, {"\"", "\""}, {"'", "'"}, {"`", "`"},   {"“", "”"},
					       {"„", "“"},   {"«", "»"},   {"‘", "’"}, {"「", "」"}, {"*", "*"}};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		size_t first = strlen(pairs[i][0]), last = strlen(pairs[i][1]);
		if (s->len <= first + last || !begins(*s, pairs[i][0]) || !ends(*s, pairs[i][1]))
			continue;
		struct span inner = without(*s, first, last);
		if (holds(inner, pairs[i][0]) || holds(inner, pairs[i][1]))
			continue;
		*s = inner;
		return true;
	}
	return false;
}

/* "Subject: …", "**Title:** …": what a model names before it gives it. */
static bool unlabel(struct span *s)
{
	static const char *const labels[] = {"commit message:", "commit:",    "subject:",  "subject line:",
					     "title:",          "body:",      "command:",  "**commit message:**",
					     "**subject:**",    "**title:**", "**body:**", "**command:**"};
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		if (!begins(*s, labels[i]))
			continue;
		*s = without(*s, strlen(labels[i]), 0);
		return true;
	}
	return false;
}

static struct span bare(struct span s)
{
	s = trimmed(s);
	while (unwrap(&s) || unlabel(&s))
		;
	return s;
}

/* --- One line ----------------------------------------------------------------------------- */

/* A command may go on behind a backslash. */
static char *one_line(struct span s)
{
	struct buffer out = {0};
	struct span line = trimmed(next_line(&s));
	while (ends(line, "\\")) {
		line = without(line, 0, 1);
		buffer_append(&out, line.text, line.len);
		buffer_puts(&out, s.len ? " " : "");
		line = trimmed(next_line(&s));
	}
	buffer_append(&out, line.text, line.len);
	struct span whole = bare((struct span){out.data, out.len});
	if (begins(whole, "$ ") || begins(whole, "# "))
		whole = without(whole, 2, 0);
	char *text = xstrndup(whole.text, whole.len);
	buffer_free(&out);
	return text;
}

/* --- A commit message ------------------------------------------------------------------------ */

/* "Here is a commit message:" is about the message. */
static bool is_introduction(struct span line, struct span rest)
{
	return ends(line, ":") && trimmed(rest).len;
}

/* Where to cut text that is too wide: behind a clause if a good part of it is left, else behind a word. */
static size_t place_to_cut(const struct i18n *tr, struct span s)
{
	enum { GOOD_PART = 30 };
	int used;
	size_t fits = i18n_fit(tr, s.text, s.len, TIDY_SUBJECT_CELLS, &used), word = 0, clause = 0;
	for (size_t i = 1; i <= fits && i < s.len; i++) {
		if (s.text[i] != ' ')
			continue;
		word = i;
		if (strchr(".;,:", s.text[i - 1]) && i18n_width(tr, s.text, i) >= GOOD_PART)
			clause = i;
	}
	return clause ? clause : word ? word : fits;
}

static struct span subject_of(struct span s)
{
	while (s.len && strchr(".,;: ", s.text[s.len - 1]))
		s.len--;
	return s;
}

/* Greedy lines of words. */
static void add_wrapped(const struct i18n *tr, struct span s, struct buffer *out)
{
	int column = 0;
	while (s.len) {
		const char *space = memchr(s.text, ' ', s.len);
		size_t len = space ? (size_t)(space - s.text) : s.len;
		int width = i18n_width(tr, s.text, len);
		bool fits = column + 1 + width <= TIDY_SUBJECT_CELLS;
		if (column)
			buffer_puts(out, fits ? " " : "\n");
		buffer_append(out, s.text, len);
		column = column && fits ? column + 1 + width : width;
		len += space != NULL;
		s = (struct span){s.text + len, s.len - len};
	}
}

/* Lines as they are, but never two empty ones in a row. */
static void add_body(struct span s, struct buffer *out)
{
	bool empty = false;
	for (s = trimmed(s); s.len;) {
		struct span line = next_line(&s), shown = trimmed(line);
		if (shown.len == 0 && empty)
			continue;
		empty = shown.len == 0;
		while (line.len && is_blank(line.text[line.len - 1]))
			line.len--;
		buffer_append(out, line.text, line.len);
		if (s.len)
			buffer_puts(out, "\n");
	}
}

static char *commit_message(const struct i18n *tr, struct span s)
{
	struct buffer out = {0};
	struct span line = trimmed(next_line(&s));
	while (is_introduction(line, s) || (line.len == 0 && s.len))
		line = trimmed(next_line(&s));
	if (begins(line, "# ") || begins(line, "- ") || begins(line, "* "))
		line = without(line, 2, 0);
	struct span subject = subject_of(bare(line)), body = bare(s);
	if (i18n_width(tr, subject.text, subject.len) > TIDY_SUBJECT_CELLS) {
		struct span cut = subject_of((struct span){subject.text, place_to_cut(tr, subject)});
		buffer_append(&out, cut.text, cut.len);
		buffer_puts(&out, "\n\n");
		add_wrapped(tr, subject, &out);
	} else {
		buffer_append(&out, subject.text, subject.len);
	}
	if (body.len)
		buffer_puts(&out, "\n\n");
	add_body(body, &out);
	return buffer_take(&out);
}

char *tidy_answer(const struct i18n *tr, enum role_output output, const char *text, size_t len)
{
	struct buffer inner = {0};
	struct extract *x = extract_create(1);
	extract_add(x, text, len, &inner);
	extract_end(x, &inner);
	extract_free(x);
	struct span s = bare((struct span){inner.data ? inner.data : "", inner.len});
	char *tidy = output == ROLE_LINE     ? one_line(s)
		     : output == ROLE_COMMIT ? commit_message(tr, s)
					     : xstrndup(s.text, s.len);
	buffer_free(&inner);
	return tidy;
}
