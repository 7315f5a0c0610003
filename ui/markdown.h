/* markdown.h: what each line of a message is: text, or part of a fenced code block.
 *
 * Line by line and forward only, so that a streaming message is never looked at
 * again from its beginning. Fences as in CommonMark 0.30, section 4.5. */
#ifndef MARKDOWN_H
#define MARKDOWN_H

#include <stdbool.h>
#include <stddef.h>

enum markdown_kind { MARKDOWN_TEXT, MARKDOWN_HEADING, MARKDOWN_FENCE_OPEN, MARKDOWN_CODE, MARKDOWN_FENCE_CLOSE };

struct markdown_state { /* before a line; zero at the start of a message */
	char fence;     /* '`' or '~' inside a block, 0 outside */
	int length, indent;
};

/* Says what the line (without its \n) is and moves the state past it. */
enum markdown_kind markdown_line(struct markdown_state *, const char *line, size_t len);
/* The language named by an opening fence: the first word behind it; *len 0: none. */
const char *markdown_language(const char *line, size_t line_len, size_t *len);

#endif
