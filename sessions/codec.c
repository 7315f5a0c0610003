#include "codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the well-formed sequence at the start, 0: there is none (Unicode, table 3-7). */
static size_t sequence(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t need;
	if (p[0] < 0x80)
		return p[0] != 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		need = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		need = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (left < need || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

bool codec_is_text(const char *bytes, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = sequence((const unsigned char *)bytes + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

char *codec_repair(const char *bytes, size_t len)
{
	struct buffer out = {0};
	size_t start = 0, i = 0;
	while (i < len) {
		size_t n = sequence((const unsigned char *)bytes + i, len - i);
		if (n == 0) {
			buffer_append(&out, bytes + start, i - start);
			buffer_puts(&out, "\xef\xbf\xbd");
			start = i + 1;
		}
		i += n ? n : 1;
	}
	buffer_append(&out, bytes + start, len - start);
	return buffer_take(&out);
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *codec_base64(const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes;
	char *text = xmalloc((len + 2) / 3 * 4 + 1), *to = text;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) |
			     (i + 2 < len ? p[i + 2] : 0);
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*to++ = i + 2 < len ? digits[v & 63] : '=';
	}
	*to = '\0';
	return text;
}

int codec_unbase64(const char *text, size_t len, struct buffer *out)
{
	if (len % 4)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		int pad = i + 4 == len ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
		uint32_t v = 0;
		for (int k = 0; k < 4; k++) {
			const char *digit = k >= 4 - pad          ? digits
					    : text[i + (size_t)k] ? strchr(digits, text[i + (size_t)k])
								  : NULL;
			if (!digit)
				return -1;
			v = v << 6 | (uint32_t)(digit - digits);
		}
		char three[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
		buffer_append(out, three, (size_t)(3 - pad));
	}
	return 0;
}
