#include "split_name.h"
#include "xmalloc.h"

#include <stdio.h>
#include <string.h>

bool split_name(const char *path, int *number, int *of)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t len = strlen(base);
	int used = 0;
	const char *tail = len > SPLIT_TAIL ? base + len - SPLIT_TAIL : "";
	return strspn(tail + (*tail == '-'), "0123456789") == 5 &&
	       sscanf(tail, "-%5d-of-%5d.gguf%n", number, of, &used) == 2 && used == SPLIT_TAIL && *number >= 1 &&
	       *number <= *of;
}

char *split_name_of(const char *path, int number)
{
	size_t len = strlen(path), head = len - SPLIT_TAIL + strlen("-");
	return xasprintf("%.*s%05d%s", (int)head, path, number, path + head + strlen("00001"));
}
