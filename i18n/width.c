/* Cells of a cluster. The tables are Unicode's through ICU: East Asian Width W
 * and F take two cells, marks and controls none, everything else one. Where
 * terminals differ, samples that the terminal was measured with tell how it goes
 * on; else a cluster is as wide as its first picture, which is all that is drawn
 * of it then. */
#include "handle.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum {
	ZWJ = 0x200D,
	VS16 = 0xFE0F,
	KEYCAP = 0x20E3,
	THAI_AM = 0x0E33,
	LAO_AM = 0x0EB3,
	TONE_FIRST = 0x1F3FB,
	TONE_LAST = 0x1F3FF,
	TAG_FIRST = 0xE0020,
	TAG_LAST = 0xE007F,
};

/* Each sample, and the cells of its code points one by one. */
static const struct {
	const char *text;
	int sum;
} samples[I18N_WIDTH_CLASSES] = {
	[I18N_WIDTH_AMBIGUOUS] = {"\u00B1", 1},
	[I18N_WIDTH_ZWJ] = {"\U0001F468\u200D\U0001F469\u200D\U0001F467", 6},
	[I18N_WIDTH_SKIN_TONE] = {"\U0001F44D\U0001F3FD", 4},
	[I18N_WIDTH_VS16] = {"\u2764\uFE0F", 1},
	[I18N_WIDTH_KEYCAP] = {"1\uFE0F\u20E3", 1},
	[I18N_WIDTH_FLAG] = {"\U0001F1EF\U0001F1F5", 2},
	[I18N_WIDTH_HALF_FLAG] = {"\U0001F1EF", 1},
	[I18N_WIDTH_TAGS] = {"\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", 2},
	[I18N_WIDTH_VOWEL_SIGN] = {"\u0915\u093F", 2},
	[I18N_WIDTH_CONJUNCT] = {"\u0915\u094D\u0937", 2},
	[I18N_WIDTH_AM] = {"\u0E01\u0E33", 2},
	[I18N_WIDTH_JAMO] = {"\u1112\u1161\u11AB", 2},
	[I18N_WIDTH_LAM_ALEF] = {"\u0644\u0627", 2},
	[I18N_WIDTH_ISOLATE] = {"\u2068", 0},
	[I18N_WIDTH_EMOJI_13] = {"\U0001F978", 2},
	[I18N_WIDTH_EMOJI_14] = {"\U0001FAE0", 2},
	[I18N_WIDTH_EMOJI_15] = {"\U0001FAE8", 2},
	[I18N_WIDTH_EMOJI_16] = {"\U0001FAE9", 2},
};

const char *i18n_width_sample(enum i18n_width_class class)
{
	return samples[class].text;
}

static bool is_mark(UChar32 c)
{
	return (U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) != 0 && c != 0x00AD;
}

static bool is_hangul_part(UChar32 c)
{
	return (c >= 0x1160 && c <= 0x11FF) || (c >= 0xD7B0 && c <= 0xD7FF);
}

/* Whether the sample took fewer cells than its code points have: they are joined. */
static bool joins(const struct i18n *tr, enum i18n_width_class class, bool unknown)
{
	return tr->width[class] < 0 ? unknown : tr->width[class] < samples[class].sum;
}

static int code_point_width(const struct i18n *tr, UChar32 c)
{
	if (c >= 0x20 && c < 0x7f)
		return 1;
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || is_mark(c))
		return 0;
	if (is_hangul_part(c))
		return tr->width[I18N_WIDTH_JAMO] > 2;
	switch (u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH)) {
	case U_EA_WIDE:
	case U_EA_FULLWIDTH: return 2;
	case U_EA_AMBIGUOUS: return tr->width[I18N_WIDTH_AMBIGUOUS] == 2 ? 2 : 1;
	default: return 1;
	}
}

bool width_unknown(const struct i18n *tr, UChar32 c)
{
	static const int versions[] = {13, 14, 15, 16};
	UVersionInfo age;
	if (c < 0x1F000 || tr->width[I18N_WIDTH_EMOJI_13] < 0 || !u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC))
		return false;
	u_charAge(c, age);
	for (int i = 0; i < 4; i++)
		if (age[0] == versions[i])
			return tr->width[I18N_WIDTH_EMOJI_13 + i] != 2;
	/* Not assigned, as far as this ICU knows: as the newest. */
	return age[0] == 0 && tr->width[I18N_WIDTH_EMOJI_16] != 2;
}

/* What stands before the code point at hand. */
struct before {
	UChar32 c;
	int base; /* cells of the last code point that has any */
	bool virama, indicator;
};

/* The cells that c adds to the cluster. */
static int added(const struct i18n *tr, UChar32 c, const struct before *b)
{
	int width = code_point_width(tr, c);
	if (c == VS16)
		return b->base == 1 && u_hasBinaryProperty(b->c, UCHAR_EMOJI) && tr->width[I18N_WIDTH_VS16] == 2;
	if (c >= TAG_FIRST && c <= TAG_LAST)
		return tr->width[I18N_WIDTH_TAGS] > 2;
	if (u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR)) {
		int half = tr->width[I18N_WIDTH_HALF_FLAG] < 0 ? 1 : tr->width[I18N_WIDTH_HALF_FLAG];
		int pair = tr->width[I18N_WIDTH_FLAG] < 0 ? 2 : tr->width[I18N_WIDTH_FLAG];
		return b->indicator ? pair - half : half;
	}
	if (b->c == ZWJ && width)
		return joins(tr, I18N_WIDTH_ZWJ, true) ? 0 : width;
	if (c >= TONE_FIRST && c <= TONE_LAST && b->c)
		return joins(tr, I18N_WIDTH_SKIN_TONE, true) ? 0 : width;
	if ((c == THAI_AM || c == LAO_AM) && b->c)
		return !joins(tr, I18N_WIDTH_AM, false);
	if (b->virama && width)
		return joins(tr, I18N_WIDTH_CONJUNCT, false) ? 0 : width;
	if (b->c && u_charType(c) == U_COMBINING_SPACING_MARK)
		return !joins(tr, I18N_WIDTH_VOWEL_SIGN, false);
	return width;
}

int width_cluster(const struct i18n *tr, const char *cluster, size_t len)
{
	if (len == 1)
		return (unsigned char)cluster[0] >= 0x20 && cluster[0] != 0x7f;
	struct before b = {0};
	int sum = 0;
	bool digit = cluster[0] >= '#' && cluster[0] <= '9';
	for (int32_t i = 0; i < (int32_t)len;) {
		UChar32 c;
		U8_NEXT(cluster, i, (int32_t)len, c);
		if (c < 0)
			c = 0xFFFD;
		if (c == KEYCAP && digit)
			return tr->width[I18N_WIDTH_KEYCAP] < 0 ? 1 : tr->width[I18N_WIDTH_KEYCAP];
		if (!b.c && width_unknown(tr, c))
			return 1; /* a replacement for all of it */
		int cells = added(tr, c, &b);
		sum += cells;
		if (cells || !b.c)
			b.base = cells;
		b.indicator = u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR) && !b.indicator;
		b.virama = u_getIntPropertyValue(c, UCHAR_CANONICAL_COMBINING_CLASS) == 9;
		b.c = c;
	}
	return sum;
}
