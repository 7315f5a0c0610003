/* Any bytes as the XML of an office document: text that is no longer than its tabs make it, whole UTF-8 if they are. */
#include "i18n/i18n.h"
#include "ui/office.h"

#include <stdlib.h>
#include <string.h>

enum { TABS_MOST = 256 }; /* that a cell may be behind the one before */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_utf8(const char *bytes, size_t len)
{
	struct buffer repaired = {0};
	i18n_repair(bytes, len, &repaired);
	bool same = repaired.len == len && (!len || memcmp(repaired.data, bytes, len) == 0);
	buffer_free(&repaired);
	return same;
}

/* The first byte is the kind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct buffer text = {0};
	size_t len = size - 1;
	char *xml = xmalloc(len ? len : 1);
	memcpy(xml, data + 1, len);
	office_text((enum office_kind)(OFFICE_WORDS + data[0] % OFFICE_PAGES), xml, len, &text);
	if (text.len > len * TABS_MOST || (is_utf8(xml, len) && !is_utf8(text.data ? text.data : "", text.len)))
		abort();
	free(xml);
	buffer_free(&text);
	return 0;
}
