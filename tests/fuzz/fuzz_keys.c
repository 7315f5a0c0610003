/* Any bytes from the terminal, in any pieces: keys come out, or nothing, and it ends. */
#include "ui/command.h"
#include "ui/keys.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t take_all(struct keys *keys, int64_t now)
{
	static struct i18n *tr;
	if (!tr)
		tr = i18n_open("de");
	struct key key;
	struct command command;
	size_t count = 0;
	while (keys_next(keys, now, &key) != KEYS_NONE) {
		if (key.len && !key.bytes)
			abort();
		keys_action(&key);
		command_parse(tr, key.bytes, key.len, &command);
		count++;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys *keys = keys_create();
	size_t count = 0, piece = size ? 1 + data[0] % 16 : 1;
	for (size_t i = 0; i < size; i += piece) {
		keys_feed(keys, (const char *)data + i, size - i < piece ? size - i : piece, 0);
		count += take_all(keys, 0);
	}
	count += take_all(keys, 1 << 20); /* long after: nothing may be left over */
	if (count > size || keys_timeout(keys, 1 << 20) != -1)
		abort();
	keys_free(keys);
	return 0;
}
