/* Languages by code and by name, in whatever language of the interface the name is
 * written, or in its own: "fr", "French", "français", "法语" are one. */
#include "handle.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucol.h>
#include <unicode/uldnames.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

enum { NAME_MAX = 128 };

/* Kinds of a language that people ask for by name. */
static const char *const kinds[] = {"zh_Hans", "zh_Hant", "pt_BR",   "pt_PT",   "en_GB", "en_US",
				    "fr_CA",   "fr_CH",   "de_AT",   "de_CH",   "es_ES", "es_MX",
				    "es_419",  "nl_BE",   "sr_Latn", "sr_Cyrl", "ar_001"};

struct wanted {
	UChar name[NAME_MAX];
	int32_t len;
	UCollator *collator; /* capitals and accents make no difference */
};

static bool is_name(const struct wanted *wanted, const char *locale, const char *language)
{
	UChar name[NAME_MAX];
	UErrorCode status = U_ZERO_ERROR;
	ULocaleDisplayNames *names = uldn_open(language, ULDN_DIALECT_NAMES, &status);
	int32_t len = uldn_localeDisplayName(names, locale, name, NAME_MAX, &status);
	bool same = U_SUCCESS(status) && ucol_equal(wanted->collator, name, len, wanted->name, wanted->len);
	uldn_close(names);
	return same;
}

static char *in_english(const char *locale)
{
	UChar name[NAME_MAX];
	char text[3 * NAME_MAX];
	int32_t len;
	UErrorCode status = U_ZERO_ERROR;
	ULocaleDisplayNames *names = uldn_open("en", ULDN_DIALECT_NAMES, &status);
	uldn_localeDisplayName(names, locale, name, NAME_MAX, &status);
	uldn_close(names);
	u_strToUTF8(text, sizeof(text), &len, name, -1, &status);
	return U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING ? xstrdup(text) : NULL;
}

/* A code, such as fr, pt-BR or zh_Hant, of a language that there is. */
static bool is_code(const char *text, char *locale, int32_t size)
{
	UErrorCode status = U_ZERO_ERROR;
	size_t first = strcspn(text, "-_");
	if (first < 2 || first > 3 || strlen(text) >= 20)
		return false;
	uloc_canonicalize(text, locale, size, &status);
	return U_SUCCESS(status) && *uloc_getISO3Language(locale);
}

/* Names of one language: one handle of ICU's for all of them. */
static const char *named_in(const struct wanted *wanted, const char *language)
{
	UErrorCode status = U_ZERO_ERROR;
	ULocaleDisplayNames *names = uldn_open(language, ULDN_DIALECT_NAMES, &status);
	const char *found = NULL;
	for (const char *const *code = uloc_getISOLanguages(); U_SUCCESS(status) && *code && !found; code++) {
		UChar name[NAME_MAX];
		UErrorCode error = U_ZERO_ERROR;
		int32_t len = uldn_languageDisplayName(names, *code, name, NAME_MAX, &error);
		if (U_SUCCESS(error) && ucol_equal(wanted->collator, name, len, wanted->name, wanted->len))
			found = *code;
	}
	uldn_close(names);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !found; i++)
		if (is_name(wanted, kinds[i], language))
			found = kinds[i];
	return found;
}

static const char *named_anywhere(const struct wanted *wanted)
{
	const char *found = NULL;
	for (const char *const *language = i18n_languages(); *language && !found; language++)
		found = named_in(wanted, *language);
	for (const char *const *code = uloc_getISOLanguages(); *code && !found; code++)
		found = is_name(wanted, *code, *code) ? *code : NULL; /* as its own speakers call it */
	return found;
}

char *i18n_language_named(const char *text)
{
	struct wanted wanted;
	char locale[ULOC_FULLNAME_CAPACITY];
	UErrorCode status = U_ZERO_ERROR;
	if (is_code(text, locale, sizeof(locale)))
		return in_english(locale);
	u_strFromUTF8(wanted.name, NAME_MAX, &wanted.len, text, -1, &status);
	wanted.collator = ucol_open("", &status);
	if (U_FAILURE(status) || wanted.len == 0 || wanted.len == NAME_MAX) {
		ucol_close(wanted.collator);
		return NULL;
	}
	ucol_setStrength(wanted.collator, UCOL_PRIMARY);
	const char *found = named_anywhere(&wanted);
	ucol_close(wanted.collator);
	return found ? in_english(found) : NULL;
}
