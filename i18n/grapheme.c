#include "handle.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

void grapheme_set(UBreakIterator *iterator, const char *text, size_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	UText utext = UTEXT_INITIALIZER;
	utext_openUTF8(&utext, text, (int64_t)len, &status);
	ubrk_setUText(iterator, &utext, &status); /* keeps a shallow clone */
	utext_close(&utext);
}

static bool is_plain(const char *text, size_t len, size_t pos)
{
	return pos + 1 < len && (unsigned char)text[pos] < 0x80 && (unsigned char)text[pos] >= 0x20 &&
	       (unsigned char)text[pos + 1] < 0x80;
}

void cluster_walk_start(struct cluster_walk *walk, const struct i18n *tr, const char *text, size_t start, size_t end)
{
	*walk = (struct cluster_walk){.iterator = tr->clusters, .text = text, .start = start, .end = end};
	grapheme_set(walk->iterator, text + start, end - start);
}

size_t cluster_walk_next(struct cluster_walk *walk, size_t pos)
{
	if (is_plain(walk->text, walk->end, pos))
		return pos + 1;
	int32_t next = ubrk_following(walk->iterator, (int32_t)(pos - walk->start));
	return next == UBRK_DONE ? walk->end : walk->start + (size_t)next;
}

/* Clusters are short: looking at a window keeps a step's cost independent of the text. */
enum { WINDOW = 512 };

static size_t next_boundary(UBreakIterator *iterator, const char *text, size_t len, size_t pos)
{
	if (pos >= len)
		return len;
	if (is_plain(text, len, pos))
		return pos + 1;
	size_t end = len - pos > WINDOW ? pos + WINDOW : len;
	while (end < len && end > pos && ((unsigned char)text[end] & 0xC0) == 0x80)
		end--;
	grapheme_set(iterator, text + pos, end - pos);
	int32_t next = ubrk_following(iterator, 0);
	return next == UBRK_DONE || next <= 0 ? end : pos + (size_t)next;
}

size_t i18n_cluster_next(const struct i18n *tr, const char *text, size_t len, size_t pos)
{
	return next_boundary(tr->clusters, text, len, pos);
}

size_t i18n_cluster_prev(const struct i18n *tr, const char *text, size_t len, size_t pos)
{
	if (pos == 0)
		return 0;
	size_t start = pos > WINDOW ? pos - WINDOW : 0;
	while (start > 0 && ((unsigned char)text[start] & 0xC0) == 0x80)
		start--;
	grapheme_set(tr->clusters, text + start, pos - start);
	int32_t before = ubrk_preceding(tr->clusters, (int32_t)(pos - start));
	(void)len;
	return before == UBRK_DONE ? start : start + (size_t)before;
}

/* Numbers, letters, kana and ideographs make words; the rest stands between them. */
static bool ends_word(UBreakIterator *iterator)
{
	return ubrk_getRuleStatus(iterator) >= UBRK_WORD_NUMBER;
}

size_t i18n_word_next(const struct i18n *tr, const char *text, size_t len, size_t pos)
{
	grapheme_set(tr->words, text, len);
	for (int32_t at = ubrk_following(tr->words, (int32_t)pos); at != UBRK_DONE; at = ubrk_next(tr->words))
		if (ends_word(tr->words))
			return (size_t)at;
	return len;
}

size_t i18n_word_prev(const struct i18n *tr, const char *text, size_t len, size_t pos)
{
	grapheme_set(tr->words, text, len);
	int32_t start = ubrk_preceding(tr->words, (int32_t)pos);
	for (; start != UBRK_DONE && start > 0; start = ubrk_preceding(tr->words, start)) {
		int32_t end = ubrk_following(tr->words, start);
		if (end != UBRK_DONE && ends_word(tr->words))
			return (size_t)start;
	}
	return 0;
}

bool i18n_cluster_is_spaceless(const char *cluster, size_t len)
{
	UChar32 c = 0;
	size_t at = 0;
	if (len)
		U8_NEXT_OR_FFFD(cluster, at, len, c);
	int class = u_getIntPropertyValue(c, UCHAR_LINE_BREAK);
	return class == U_LB_COMPLEX_CONTEXT || (u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC)) ||
	       class == U_LB_CONDITIONAL_JAPANESE_STARTER ||
	       (class == U_LB_IDEOGRAPHIC && u_isalpha(c) && u_getIntPropertyValue(c, UCHAR_SCRIPT) != USCRIPT_HANGUL);
}

int i18n_cluster_width(const struct i18n *tr, const char *cluster, size_t len)
{
	return width_cluster(tr, cluster, len);
}

int i18n_width(const struct i18n *tr, const char *text, size_t len)
{
	int width;
	i18n_fit(tr, text, len, INT32_MAX, &width);
	return width;
}

size_t i18n_fit(const struct i18n *tr, const char *text, size_t len, int width, int *used)
{
	size_t pos = 0;
	struct cluster_walk walk;
	*used = 0;
	cluster_walk_start(&walk, tr, text, 0, len);
	while (pos < len) {
		size_t next = cluster_walk_next(&walk, pos);
		int cells = width_cluster(tr, text + pos, next - pos);
		if (cells > width - *used)
			break;
		*used += cells;
		pos = next;
	}
	return pos;
}

char *i18n_truncate(const struct i18n *tr, const char *text, int width)
{
	int used;
	size_t len = strlen(text), fits = i18n_fit(tr, text, len, width, &used);
	if (fits == len || width < 1)
		return xstrndup(text, fits);
	fits = i18n_fit(tr, text, len, width - 1, &used);
	return xasprintf("%.*s…", (int)fits, text);
}

/* What stands between two parts of a notice, or at the end of a clause: its bytes; 0: neither. */
static size_t ends_part(const char *at, bool *clause)
{
	static const char *const ends[] = {";", "؛", ".", "؟", "।", "?", "!"}, *const wide[] = {"；", "。", "？", "！"};
	const char *part = " · ";
	*clause = false;
	if (strncmp(at, part, strlen(part)) == 0)
		return strlen(part);
	*clause = true;
	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		if (strncmp(at, wide[i], strlen(wide[i])) == 0)
			return strlen(wide[i]);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (strncmp(at, ends[i], strlen(ends[i])) == 0 && at[strlen(ends[i])] == ' ')
			return strlen(ends[i]);
	return 0;
}

char *i18n_shorten(const struct i18n *tr, const char *text, int width)
{
	static const char more[] = " …";
	size_t len = strlen(text), best = 0;
	bool best_clause = false;
	int used;
	if (i18n_fit(tr, text, len, width, &used) == len)
		return xstrdup(text);
	for (size_t at = 1, end; at < len; at++) {
		bool clause;
		end = ends_part(text + at, &clause);
		if (!end || i18n_width(tr, text, at) + (clause ? 2 : 0) > width)
			continue;
		best = at;
		best_clause = clause;
		at += end - 1;
	}
	/* French sets a no-break space before its marks. */
	while (best && text[best - 1] == ' ')
		best--;
	if (best > 1 && memcmp(text + best - 2, "\xC2\xA0", 2) == 0)
		best -= 2;
	if (i18n_width(tr, text, best) * 2 < width)
		return i18n_truncate(tr, text, width);
	return xasprintf("%.*s%s", (int)best, text, best_clause ? more : "");
}
