/* Any lines as a .gitignore and any path below it: matched soon, and the same again. */
#include "ui/ignore.h"
#include "xmalloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line with the path, one with the folder, and then the patterns. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *folder = strchr(text, '\n'), *lines = folder;
	if (lines) {
		*folder++ = '\0';
		lines = strchr(folder, '\n');
	}
	if (lines) {
		*lines++ = '\0';
		struct ignore *ignore = ignore_create();
		ignore_add(ignore, "", lines, strlen(lines));
		ignore_add(ignore, folder, lines, strlen(lines));
		for (int is_folder = 0; is_folder < 2; is_folder++)
			if (ignore_matches(ignore, text, is_folder) != ignore_matches(ignore, text, is_folder))
				abort();
		ignore_free(ignore);
	}
	free(text);
	return 0;
}
