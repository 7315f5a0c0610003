#include "text_stream.h"

#include <string.h>

/* Length of the character a byte begins, 1 for bytes that begin none. */
static size_t character_length(unsigned char byte)
{
	return byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 1;
}

/* Bytes at the end that begin a character and do not finish it. */
static size_t incomplete(const char *text, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char byte = (unsigned char)text[len - back];
		if ((byte & 0xc0) == 0x80)
			continue;
		return character_length(byte) > back ? back : 0;
	}
	return 0;
}

size_t text_stream_add(struct text_stream *stream, const char *bytes, size_t len)
{
	if (stream->skip_space && len) {
		size_t skipped = bytes[0] == ' ';
		bytes += skipped;
		len -= skipped;
		stream->skip_space = false;
	}
	buffer_append(&stream->bytes, bytes, len);
	return stream->bytes.len - incomplete(stream->bytes.data, stream->bytes.len);
}

void text_stream_drop(struct text_stream *stream, size_t len)
{
	size_t rest = stream->bytes.len - len;
	if (len == 0)
		return;
	memmove(stream->bytes.data, stream->bytes.data + len, rest);
	stream->bytes.len = rest;
	stream->bytes.data[rest] = '\0';
}
