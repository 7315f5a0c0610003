#include "unicode_classes.h"

#include <string.h>

enum {
	HANGUL_FIRST = 0xAC00,
	HANGUL_LAST = 0xD7A3,
	JAMO_L = 0x1100, /* Unicode 3.12: Conjoining Jamo Behavior */
	JAMO_V = 0x1161,
	JAMO_T = 0x11A7,
	JAMO_V_COUNT = 21,
	JAMO_T_COUNT = 28,
};

static enum unicode_class find_class(uint32_t cp)
{
	int low = 0, high = unicode_class_run_count;
	while (high - low > 1) {
		int mid = low + (high - low) / 2;
		if (unicode_class_runs[mid] >> 8 <= cp)
			low = mid;
		else
			high = mid;
	}
	return (enum unicode_class)(unicode_class_runs[low] & 0xff);
}

enum unicode_class unicode_class(uint32_t cp)
{
	if (cp < 0x80 && ((cp | 0x20) - 'a' < 26))
		return cp & 0x20 ? UNICODE_LL : UNICODE_LU;
	return find_class(cp);
}

bool unicode_is_space(uint32_t cp)
{
	if (cp < 0x80)
		return cp == ' ' || (cp >= '\t' && cp <= '\r');
	return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 ||
	       cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

size_t unicode_decode(const char *text, size_t len, uint32_t *cp)
{
	const uint8_t *p = (const uint8_t *)text;
	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	*cp = 0xFFFD;
	size_t need = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
	if (p[0] < 0xC2 || p[0] > 0xF4 || len < need)
		return 1;
	uint32_t value = p[0] & (0x7Fu >> need);
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 1;
		value = value << 6 | (p[i] & 0x3Fu);
	}
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (value < least[need] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
		return 1;
	*cp = value;
	return need;
}

size_t unicode_encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	size_t len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3F));
	static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	out[0] = (char)(lead[len] | cp);
	return len;
}

static int fold_hangul(uint32_t cp, uint32_t out[3])
{
	uint32_t index = cp - HANGUL_FIRST;
	out[0] = JAMO_L + index / (JAMO_V_COUNT * JAMO_T_COUNT);
	out[1] = JAMO_V + index / JAMO_T_COUNT % JAMO_V_COUNT;
	out[2] = JAMO_T + index % JAMO_T_COUNT;
	return out[2] == JAMO_T ? 2 : 3;
}

static const struct unicode_folding *find_folding(uint32_t cp)
{
	int low = 0, high = unicode_folding_count;
	while (low < high) {
		int mid = low + (high - low) / 2;
		if (unicode_foldings[mid].from == cp)
			return &unicode_foldings[mid];
		if (unicode_foldings[mid].from < cp)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

int unicode_fold(uint32_t cp, uint32_t out[3])
{
	out[0] = cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
	if (cp < 0x80)
		return 1;
	if (cp >= HANGUL_FIRST && cp <= HANGUL_LAST)
		return fold_hangul(cp, out);
	if (unicode_class(cp) == UNICODE_MN)
		return 0;
	const struct unicode_folding *folding = find_folding(cp);
	if (!folding)
		return 1;
	int count = 0;
	for (; count < 3 && folding->to[count]; count++)
		out[count] = folding->to[count];
	return count;
}
