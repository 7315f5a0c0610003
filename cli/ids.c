#include "ids.h"
#include "../xmalloc.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ',';
}

/* One number at text[*at]; -1 when it is none or too large. */
static int64_t parse_number(const char *text, size_t len, size_t *at)
{
	int64_t number = 0;
	size_t start = *at;
	for (; *at < len && text[*at] >= '0' && text[*at] <= '9'; ++*at) {
		number = number * 10 + (text[*at] - '0');
		if (number > INT32_MAX)
			return -1;
	}
	return *at > start && (*at == len || is_space(text[*at])) ? number : -1;
}

int ids_parse(const char *text, size_t len, int32_t **ids, size_t *count, char *err, size_t errlen)
{
	size_t size = 16;
	*count = 0;
	*ids = xcalloc(size, sizeof(**ids));
	for (size_t at = 0;;) {
		while (at < len && is_space(text[at]))
			at++;
		if (at == len)
			return 0;
		size_t start = at;
		int64_t number = parse_number(text, len, &at);
		if (number < 0) {
			snprintf(err, errlen, "standard input: not a token id at byte %zu; give decimal numbers",
				 start);
			free(*ids);
			*ids = NULL;
			return -1;
		}
		if (*count == size)
			*ids = xreallocarray(*ids, size *= 2, sizeof(**ids));
		(*ids)[(*count)++] = (int32_t)number;
	}
}
