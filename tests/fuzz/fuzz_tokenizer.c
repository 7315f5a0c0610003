/* Any bytes as a vocabulary: the first two bytes say how many of the rest are a GGUF file, what follows is text. The
 * file is refused with one line, or the text becomes ids that are all in the vocabulary and forge no control token. */
#include "engine/chat_format.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void encode(const struct tokenizer *t, const char *text, size_t len, bool special)
{
	struct tokens ids = {0};
	size_t piece_len;
	tokenizer_encode(t, text, len, special, true, &ids);
	for (size_t i = 0; i < ids.count; i++) {
		if (ids.ids[i] < 0 || ids.ids[i] >= tokenizer_vocab_size(t))
			abort();
		tokenizer_piece(t, ids.ids[i], true, &piece_len);
	}
	tokens_free(&ids);
}

static void converse(const struct tokenizer *t, const char *text, size_t len)
{
	const struct engine_message messages[] = {
		{.role = ENGINE_SYSTEM, .content = text, .len = len / 2},
		{.role = ENGINE_USER, .content = text + len / 2, .len = len - len / 2}};
	char err[256];
	bool known;
	struct tokens ids = {0};
	chat_format_encode(chat_format_detect(text, len, t, &known), t, messages, 2, false, &ids, NULL, err,
			   sizeof(err));
	tokens_free(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], err[512] = "", warning[256];
	struct gguf *gguf = NULL;
	struct tokenizer *t;
	if (size < 2)
		return 0;
	size_t file_len = (size_t)data[0] | (size_t)data[1] << 8;
	if (file_len > size - 2)
		file_len = size - 2;
	const char *text = (const char *)data + 2 + file_len;
	size_t len = size - 2 - file_len;
	int fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, data + 2, file_len) != (ssize_t)file_len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (gguf_open(&gguf, path, err, sizeof(err)) == 0 &&
	    tokenizer_open(&t, gguf, warning, sizeof(warning), err, sizeof(err)) == 0) {
		encode(t, text, len, false);
		encode(t, text, len, true);
		converse(t, text, len);
		tokenizer_close(t);
	} else if (!*err || strchr(err, '\n')) {
		abort();
	}
	gguf_close(gguf);
	close(fd);
	return 0;
}
