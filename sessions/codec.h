/* codec.h: any bytes in and out of text formats. */
#ifndef CODEC_H
#define CODEC_H

#include "../xmalloc.h"

#include <stdbool.h>
#include <stddef.h>

bool codec_is_text(const char *bytes, size_t len); /* well-formed UTF-8 without NUL */
/* Each byte that is not part of well-formed UTF-8, and NUL, becomes U+FFFD. Caller frees. */
char *codec_repair(const char *bytes, size_t len);
char *codec_base64(const char *bytes, size_t len); /* RFC 4648 with padding; caller frees */
/* -1: not base64. */
int codec_unbase64(const char *text, size_t len, struct buffer *out);

#endif
