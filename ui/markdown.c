#include "markdown.h"

#include <string.h>

enum { FENCE_MIN = 3, INDENT_MAX = 3 };

static int run_length(const char *text, size_t len, char c)
{
	size_t n = 0;
	while (n < len && text[n] == c)
		n++;
	return (int)n;
}

static bool only_spaces(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

static bool closes(const struct markdown_state *state, const char *text, size_t len)
{
	int run = run_length(text, len, state->fence);
	return run >= state->length && only_spaces(text + run, len - (size_t)run);
}

/* Models indent fences inside lists further than CommonMark's three columns. */
static bool opens(struct markdown_state *state, const char *text, size_t len, int indent)
{
	char c = len ? text[0] : 0;
	int run = c == '`' || c == '~' ? run_length(text, len, c) : 0;
	if (run < FENCE_MIN || (c == '`' && memchr(text + run, '`', len - (size_t)run)))
		return false;
	*state = (struct markdown_state){.fence = c, .length = run, .indent = indent};
	return true;
}

enum markdown_kind markdown_line(struct markdown_state *state, const char *line, size_t len)
{
	int indent = run_length(line, len, ' ');
	const char *text = line + indent;
	size_t rest = len - (size_t)indent;
	if (state->fence) {
		if (indent > state->indent + INDENT_MAX || !closes(state, text, rest))
			return MARKDOWN_CODE;
		*state = (struct markdown_state){0};
		return MARKDOWN_FENCE_CLOSE;
	}
	if (opens(state, text, rest, indent))
		return MARKDOWN_FENCE_OPEN;
	int hashes = run_length(text, rest, '#');
	bool heading =
		indent <= INDENT_MAX && hashes >= 1 && hashes <= 6 && (size_t)hashes < rest && text[hashes] == ' ';
	return heading ? MARKDOWN_HEADING : MARKDOWN_TEXT;
}

const char *markdown_language(const char *line, size_t line_len, size_t *len)
{
	size_t at = 0;
	while (at < line_len && line[at] == ' ')
		at++;
	char fence = at < line_len ? line[at] : 0;
	while (at < line_len && (line[at] == fence || line[at] == ' '))
		at++;
	size_t end = at;
	while (end < line_len && line[end] != ' ' && line[end] != '\t' && line[end] != '\r' && line[end] != '{')
		end++;
	*len = end - at;
	return line + at;
}
