#include "extract.h"

#include "../ui/ui.h"

#include <stdlib.h>
#include <string.h>

struct extract {
	int wanted, count;
	struct markdown_state state; /* blocks are what they are in the chat: quotes and lists do not hide them */
	struct buffer line, all;     /* the line that is not whole yet; everything, until there is a block */
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

static bool is_wanted(const struct extract *x)
{
	return x->wanted == 0 || x->wanted == x->count;
}

/* A line with its end, or the last one. */
static void take_line(struct extract *x, const char *line, size_t len, struct buffer *out)
{
	struct markdown_chunk chunk;
	for (size_t pos = 0; markdown_next(&x->state, line, len, MARKDOWN_FENCES, &pos, &chunk);) {
		x->count = x->state.blocks;
		if (chunk.kind == MARKDOWN_FENCE_OPEN && x->count > 1 && x->wanted == 0)
			buffer_puts(out, "\n");
		if (chunk.kind != MARKDOWN_CODE || !is_wanted(x))
			continue;
		size_t from = chunk.start;
		if (from == 0)
			from = markdown_margin(line, chunk.end, &chunk);
		buffer_append(out, line + from, chunk.end - from);
		if (chunk.end == len || line[chunk.end] == '\n')
			buffer_puts(out, "\n");
	}
}

void extract_add(struct extract *x, const char *text, size_t len, struct buffer *out)
{
	if (x->count == 0)
		buffer_append(&x->all, text, len);
	for (const char *end; (end = memchr(text, '\n', len)); len -= (size_t)(end + 1 - text), text = end + 1) {
		buffer_append(&x->line, text, (size_t)(end + 1 - text));
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
