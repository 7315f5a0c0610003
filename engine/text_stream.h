/* text_stream.h: bytes of tokens in, whole UTF-8 characters out.
 *
 * A token may end in the middle of a character. What may still become whole is
 * held back; bytes that cannot are passed on as they are. */
#ifndef TEXT_STREAM_H
#define TEXT_STREAM_H

#include "../xmalloc.h"

#include <stdbool.h>

/* Zero-initialise. Release with buffer_free(&stream.bytes). */
struct text_stream {
	struct buffer bytes; /* held back, and on top what was added */
	bool skip_space;     /* drop one space at the very beginning */
};

/* Adds bytes; returns how many bytes of stream->bytes.data are whole characters. */
size_t text_stream_add(struct text_stream *, const char *bytes, size_t len);
void text_stream_drop(struct text_stream *, size_t len); /* those bytes have been passed on */

#endif
