#include "extract.h"

#include <stdlib.h>
#include <string.h>

struct extract {
	int wanted, count;
	char fence; /* of the block that is open: ` or ~, 0: none is */
	size_t fence_len, indent;
	struct buffer line, all; /* the line that is not whole yet; everything, until there is a block */
};

struct extract *extract_create(int block)
{
	struct extract *x = xcalloc(1, sizeof(*x));
	x->wanted = block;
	return x;
}

void extract_free(struct extract *x)
{
	if (!x)
		return;
	buffer_free(&x->line);
	buffer_free(&x->all);
	free(x);
}

/* The fence that a line begins with, 0: none. *rest: what follows it. */
static char fence_of(const char *line, size_t len, size_t *indent, size_t *run, size_t *rest)
{
	size_t at = 0;
	while (at < len && at < 4 && line[at] == ' ')
		at++;
	*indent = at;
	char mark = at < len && at < 4 ? line[at] : 0;
	if (mark != '`' && mark != '~')
		return 0;
	while (at < len && line[at] == mark)
		at++;
	*run = at - *indent;
	*rest = at;
	return *run >= 3 ? mark : 0;
}

static bool opens(struct extract *x, const char *line, size_t len)
{
	size_t indent, run, rest;
	char mark = fence_of(line, len, &indent, &run, &rest);
	if (!mark || (mark == '`' && memchr(line + rest, '`', len - rest)))
		return false;
	x->fence = mark;
	x->fence_len = run;
	x->indent = indent;
	return true;
}

static bool closes(const struct extract *x, const char *line, size_t len)
{
	size_t indent, run, rest;
	char mark = fence_of(line, len, &indent, &run, &rest);
	if (mark != x->fence || run < x->fence_len)
		return false;
	while (rest < len && strchr(" \t\r", line[rest]))
		rest++;
	return rest == len;
}

static bool is_wanted(const struct extract *x)
{
	return x->wanted == 0 || x->wanted == x->count;
}

/* A line without its end. */
static void take_line(struct extract *x, const char *line, size_t len, struct buffer *out)
{
	if (!x->fence) {
		if (opens(x, line, len) && ++x->count > 1 && x->wanted == 0)
			buffer_puts(out, "\n");
	} else if (closes(x, line, len)) {
		x->fence = 0;
	} else if (is_wanted(x)) {
		size_t strip = 0;
		while (strip < x->indent && strip < len && line[strip] == ' ')
			strip++;
		buffer_append(out, line + strip, len - strip);
		buffer_puts(out, "\n");
	}
}

void extract_add(struct extract *x, const char *text, size_t len, struct buffer *out)
{
	if (x->count == 0)
		buffer_append(&x->all, text, len);
	for (const char *end; (end = memchr(text, '\n', len)); len -= (size_t)(end + 1 - text), text = end + 1) {
		buffer_append(&x->line, text, (size_t)(end - text));
		take_line(x, x->line.data, x->line.len, out);
		buffer_clear(&x->line);
	}
	buffer_append(&x->line, text, len);
}

void extract_end(struct extract *x, struct buffer *out)
{
	if (x->line.len)
		take_line(x, x->line.data, x->line.len, out);
	if (x->count == 0 && x->wanted <= 1)
		buffer_append(out, x->all.data ? x->all.data : "", x->all.len);
}

int extract_count(const struct extract *x)
{
	return x->count;
}

bool extract_found(const struct extract *x)
{
	return x->wanted <= x->count || (x->count == 0 && x->wanted <= 1);
}
