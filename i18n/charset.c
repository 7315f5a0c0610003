/* Text files in whatever encoding they were written, as UTF-8. */
#include "i18n.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/ucsdet.h>
#include <unicode/utf8.h>

enum { LOOKED_AT = 65536, CONFIDENCE_LEAST = 10, CONFIDENCE_WIDE = 60 };

static bool is_utf8(const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text;
	for (size_t i = 0; i < len;) {
		UChar32 c;
		U8_NEXT(s, i, len, c);
		if (c < 0)
			return false;
	}
	return true;
}

/* Control characters that texts have no use for: in numbers, they tell of programs and pictures. */
static bool is_text(const char *text, size_t len)
{
	size_t strange = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == 0)
			return false;
		strange += (c < 32 && !strchr("\t\n\r\f\v\b\033", c)) || c == 127;
	}
	return strange * 100 <= len;
}

static bool convert(const char *from, const char *bytes, size_t len, struct buffer *out)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t needed = ucnv_convert("UTF-8", from, NULL, 0, bytes, (int32_t)len, &status);
	if (status != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(status))
		return false;
	char *text = xmalloc((size_t)needed + 1);
	status = U_ZERO_ERROR;
	needed = ucnv_convert("UTF-8", from, text, needed + 1, bytes, (int32_t)len, &status);
	size_t skip = needed >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	bool good = U_SUCCESS(status) && is_text(text + skip, (size_t)needed - skip);
	if (good)
		buffer_append(out, text + skip, (size_t)needed - skip);
	free(text);
	return good;
}

/* Whole characters of two or four bytes cannot be told from a picture's bytes but by much confidence. */
static bool guess(const char *bytes, size_t len, struct buffer *out)
{
	UErrorCode status = U_ZERO_ERROR;
	UCharsetDetector *detector = ucsdet_open(&status);
	int32_t count = 0;
	bool done = false, zeros = memchr(bytes, 0, len) != NULL;
	ucsdet_setText(detector, bytes, (int32_t)(len < LOOKED_AT ? len : LOOKED_AT), &status);
	const UCharsetMatch **matches = ucsdet_detectAll(detector, &count, &status);
	for (int32_t i = 0; U_SUCCESS(status) && i < count && !done; i++) {
		const char *name = ucsdet_getName(matches[i], &status);
		int32_t confidence = ucsdet_getConfidence(matches[i], &status);
		bool wide = strncmp(name, "UTF-16", 6) == 0 || strncmp(name, "UTF-32", 6) == 0;
		if (wide == zeros && confidence >= (wide ? CONFIDENCE_WIDE : CONFIDENCE_LEAST))
			done = convert(name, bytes, len, out);
	}
	ucsdet_close(detector);
	return done;
}

/* UTF-16 without its mark has a zero in every second byte where its letters are Latin: all of one parity. */
static const char *unmarked_wide(const char *bytes, size_t len)
{
	size_t zeros[2] = {0};
	size_t looked = len < LOOKED_AT ? len : LOOKED_AT;
	for (size_t i = 0; i < looked; i++)
		zeros[i & 1] += bytes[i] == 0;
	if (len % 2 == 0 && zeros[1] * 4 > looked && zeros[0] == 0)
		return "UTF-16LE";
	return len % 2 == 0 && zeros[0] * 4 > looked && zeros[1] == 0 ? "UTF-16BE" : NULL;
}

bool i18n_decode(const char *bytes, size_t len, struct buffer *out)
{
	static const struct {
		const char *mark, *name;
		size_t len;
	} marks[] = {
		{"\xFF\xFE\0\0", "UTF-32LE", 4}, {"\0\0\xFE\xFF", "UTF-32BE", 4}, {"\xEF\xBB\xBF", "UTF-8", 3},
		{"\xFF\xFE", "UTF-16LE", 2},     {"\xFE\xFF", "UTF-16BE", 2},
	};
	if (len > INT32_MAX / 4)
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (len >= marks[i].len && memcmp(bytes, marks[i].mark, marks[i].len) == 0)
			return convert(marks[i].name, bytes, len, out);
	if (is_utf8(bytes, len)) {
		if (is_text(bytes, len))
			buffer_append(out, bytes, len);
		return is_text(bytes, len);
	}
	const char *wide = unmarked_wide(bytes, len);
	return wide ? convert(wide, bytes, len, out) : guess(bytes, len, out);
}
