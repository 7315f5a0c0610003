#include "handle.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uloc.h>

static const struct catalogue *find_language(const char *code)
{
	size_t len = strcspn(code, "_-.@");
	for (const struct catalogue *c = catalogue_table; c->language; c++)
		if (strlen(c->language) == len && strncmp(c->language, code, len) == 0)
			return c;
	return NULL;
}

static const char *environment_language(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return value;
	}
	return "en";
}

static UBreakIterator *open_iterator(UBreakIteratorType type, const char *locale)
{
	UErrorCode status = U_ZERO_ERROR;
	UBreakIterator *iterator = ubrk_open(type, locale, NULL, 0, &status);
	return U_SUCCESS(status) ? iterator : NULL;
}

bool i18n_speaks(const char *lang)
{
	return find_language(lang) != NULL;
}

struct i18n *i18n_open(const char *lang)
{
	struct i18n *tr = xcalloc(1, sizeof(*tr));
	tr->english = find_language("en");
	tr->language = find_language(lang && *lang ? lang : environment_language());
	if (!tr->language)
		tr->language = tr->english;
	tr->clusters = open_iterator(UBRK_CHARACTER, "en");
	tr->words = open_iterator(UBRK_WORD, "en");
	/* Strict Japanese rules in every language; Chinese and Thai dictionaries come with any locale. */
	tr->lines = open_iterator(UBRK_LINE, "ja@lb=strict");
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		tr->width[i] = -1;
	return tr;
}

void i18n_close(struct i18n *tr)
{
	if (!tr)
		return;
	ubrk_close(tr->clusters);
	ubrk_close(tr->words);
	ubrk_close(tr->lines);
	free(tr);
}

const char *i18n_language(const struct i18n *tr)
{
	return tr->language->language;
}

bool i18n_is_rtl(const struct i18n *tr)
{
	return uloc_isRightToLeft(tr->language->language);
}

void i18n_set_order(struct i18n *tr, enum i18n_bidi order)
{
	tr->order = order;
}

bool i18n_terminal_orders(enum i18n_bidi bidi)
{
	return bidi == I18N_BIDI_TERMINAL || bidi == I18N_BIDI_UNMIRRORED;
}

enum i18n_bidi i18n_order(const struct i18n *tr)
{
	return tr->order;
}

void i18n_set_width(struct i18n *tr, enum i18n_width_class class, int cells)
{
	tr->width[class] = cells;
}
