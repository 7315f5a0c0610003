/* Any bytes as a text of unknown encoding: refused, or whole UTF-8 without NUL. */
#include "i18n/i18n.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer text = {0}, repaired = {0}, again = {0};
	char *exact = xmalloc(size ? size : 1);
	memcpy(exact, data, size);
	if (i18n_decode(exact, size, &text)) {
		const char *bytes = text.data ? text.data : "";
		i18n_repair(bytes, text.len, &repaired);
		if (repaired.len != text.len || (text.len && memcmp(repaired.data, bytes, text.len) != 0) ||
		    memchr(bytes, 0, text.len))
			abort();
		if (!i18n_decode(bytes, text.len, &again) && text.len)
			abort();
	}
	free(exact);
	buffer_free(&text);
	buffer_free(&repaired);
	buffer_free(&again);
	return 0;
}
