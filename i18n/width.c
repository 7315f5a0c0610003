/* Cells of a cluster. The tables are Unicode's through ICU: East Asian Width W
 * and F take two cells, marks and controls none, everything else one. A terminal
 * that clusters draws a ZWJ family or a skin tone in two cells; others add the
 * parts up; what the terminal was measured to do decides. */
#include "handle.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum { ZWJ = 0x200D, VS15 = 0xFE0E, VS16 = 0xFE0F, KEYCAP = 0x20E3, THAI_AM = 0x0E33, LAO_AM = 0x0EB3 };

static bool is_mark(UChar32 c)
{
	return (U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) != 0 && c != 0x00AD;
}

static bool is_hangul_part(UChar32 c)
{
	return (c >= 0x1160 && c <= 0x11FF) || (c >= 0xD7B0 && c <= 0xD7FF);
}

static int code_point_width(const struct i18n *tr, UChar32 c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || is_mark(c) || is_hangul_part(c))
		return 0;
	if (c < 0x300)
		return tr->width[I18N_WIDTH_AMBIGUOUS] == 2 &&
				       u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH) == U_EA_AMBIGUOUS
			       ? 2
			       : 1;
	switch (u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH)) {
	case U_EA_WIDE:
	case U_EA_FULLWIDTH: return 2;
	case U_EA_AMBIGUOUS: return tr->width[I18N_WIDTH_AMBIGUOUS] == 2 ? 2 : 1;
	default: return 1;
	}
}

/* What the parts add up to, and which class the cluster is of. */
struct parts {
	int sum, first, count;
	bool zwj, tone, vs16, flag, keycap, conjunct, am;
};

static void look(const struct i18n *tr, const char *cluster, size_t len, struct parts *p)
{
	bool virama = false;
	for (int32_t i = 0; i < (int32_t)len;) {
		UChar32 c;
		U8_NEXT(cluster, i, (int32_t)len, c);
		if (c < 0)
			c = 0xFFFD;
		int width = code_point_width(tr, c);
		if (p->count++ == 0)
			p->first = width;
		p->sum += width;
		p->zwj |= c == ZWJ;
		p->tone |= c >= 0x1F3FB && c <= 0x1F3FF && p->count > 1;
		p->vs16 |= c == VS16;
		p->keycap |= c == KEYCAP;
		p->flag |= u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR);
		p->am |= (c == THAI_AM || c == LAO_AM) && p->count > 1;
		p->conjunct |= virama && width > 0;
		virama = u_getIntPropertyValue(c, UCHAR_CANONICAL_COMBINING_CLASS) == 9;
	}
}

static int measured(const struct i18n *tr, enum i18n_width_class class, int cells, int sum)
{
	return tr->width[class] < 0 ? cells : tr->width[class] ? tr->width[class] : sum;
}

int width_cluster(const struct i18n *tr, const char *cluster, size_t len)
{
	if (len == 1)
		return (unsigned char)cluster[0] >= 0x20 && cluster[0] != 0x7f;
	struct parts p = {0};
	look(tr, cluster, len, &p);
	if (p.count <= 1)
		return p.sum;
	if (p.zwj && p.first == 2)
		return measured(tr, I18N_WIDTH_ZWJ, 2, p.sum);
	if (p.tone && p.first == 2)
		return measured(tr, I18N_WIDTH_SKIN_TONE, 2, p.sum);
	if (p.flag)
		return measured(tr, I18N_WIDTH_FLAG, p.count > 1 ? 2 : 1, p.sum);
	if (p.keycap)
		return measured(tr, I18N_WIDTH_KEYCAP, 1, p.sum);
	if (p.vs16)
		return measured(tr, I18N_WIDTH_VS16, 1, p.sum);
	if (p.conjunct)
		return measured(tr, I18N_WIDTH_CONJUNCT, p.sum, p.sum);
	if (p.am)
		return measured(tr, I18N_WIDTH_THAI_AM, p.sum, p.sum);
	return p.sum;
}
