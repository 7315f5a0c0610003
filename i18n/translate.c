/* Messages in the language of the interface. Patterns are ICU MessageFormat's:
 *   {0}  {0, number}  {0, number, #,##0.0}  {0, time, short}  {0, date, medium}
 *   {0, plural, one {# file} other {# files}}
 * ICU's C interface to MessageFormat takes a va_list whose types the pattern
 * decides; this reads the patterns itself and leaves numbers, dates and plural
 * rules to ICU. Everything formats in the language of the text that is used. */
#include "handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/udat.h>
#include <unicode/uloc.h>
#include <unicode/unum.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

enum { FORMATTED_MAX = 256 };

static int by_key(const void *key, const void *message)
{
	return strcmp(key, ((const struct catalogue_message *)message)->key);
}

/* The text and the locale that formats it: the language it is written in. Arabic
 * takes Latin digits: they stand beside code, sizes and figures that have them. */
static const char *find(const struct i18n *tr, const char *key, const char **language)
{
	const struct catalogue *catalogues[] = {tr->language, tr->english};
	for (int i = 0; i < 2; i++) {
		const struct catalogue_message *found = bsearch(key, catalogues[i]->messages, catalogues[i]->count,
								sizeof(*catalogues[i]->messages), by_key);
		*language = strcmp(catalogues[i]->language, "ar") == 0 ? "ar@numbers=latn" : catalogues[i]->language;
		if (found)
			return found->text;
	}
	return key;
}

const char *i18n_text(const struct i18n *tr, const char *key)
{
	const char *language;
	return find(tr, key, &language);
}

const char *const *i18n_languages(void)
{
	return catalogue_languages;
}

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

char *i18n_values(const struct i18n *tr, const char *form)
{
	enum { LEAST = 4, MOST = 16 };
	struct buffer out = {0};
	buffer_puts(&out, "");
	while (*form) {
		size_t len = 0;
		char key[sizeof("value.") + MOST] = "value.";
		while (is_capital(form[len]))
			len++;
		bool word = len >= LEAST && len <= MOST;
		for (size_t i = 0; word && i < len; i++)
			key[sizeof("value.") - 1 + i] = (char)(form[i] - 'A' + 'a');
		const char *text = word ? i18n_text(tr, key) : key;
		len = len ? len : 1;
		if (text != key)
			buffer_puts(&out, text);
		else
			buffer_append(&out, form, len);
		form += len;
	}
	return buffer_take(&out);
}

/* --- Arguments to text ------------------------------------------------------------ */

static void append_utf16(struct buffer *out, const UChar *text, int32_t len)
{
	char utf8[FORMATTED_MAX * 3];
	int32_t bytes = 0;
	UErrorCode status = U_ZERO_ERROR;
	u_strToUTF8(utf8, sizeof(utf8), &bytes, text, len, &status);
	if (U_SUCCESS(status))
		buffer_append(out, utf8, (size_t)bytes);
}

static double number_of(const struct i18n_arg *arg)
{
	if (arg->type == I18N_STRING) /* of an error that was taken apart */
		return arg->string ? strtod(arg->string, NULL) : 0;
	return arg->type == I18N_INTEGER ? (double)arg->integer : arg->real;
}

static bool word_is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && strncmp(text, word, len) == 0;
}

static void append_number(struct buffer *out, const char *language, const struct i18n_arg *arg, const char *style,
			  size_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar pattern[64], text[FORMATTED_MAX];
	int32_t pattern_len = 0;
	UNumberFormatStyle kind = !len                             ? UNUM_DECIMAL
				  : word_is(style, len, "percent") ? UNUM_PERCENT
								   : UNUM_PATTERN_DECIMAL;
	if (kind == UNUM_PATTERN_DECIMAL)
		u_strFromUTF8(pattern, 64, &pattern_len, style, (int32_t)len, &status);
	UNumberFormat *format = unum_open(kind, pattern_len ? pattern : NULL, pattern_len, language, NULL, &status);
	int32_t written = arg->type == I18N_INTEGER
				  ? unum_formatInt64(format, arg->integer, text, FORMATTED_MAX, NULL, &status)
				  : unum_formatDouble(format, arg->real, text, FORMATTED_MAX, NULL, &status);
	if (U_SUCCESS(status))
		append_utf16(out, text, written);
	unum_close(format);
}

static UDateFormatStyle date_style(const char *style, size_t len)
{
	static const struct {
		const char *name;
		UDateFormatStyle style;
	} styles[] = {{"short", UDAT_SHORT}, {"medium", UDAT_MEDIUM}, {"long", UDAT_LONG}, {"full", UDAT_FULL}};
	for (size_t i = 0; i < sizeof(styles) / sizeof(*styles); i++)
		if (word_is(style, len, styles[i].name))
			return styles[i].style;
	return UDAT_MEDIUM;
}

static void append_time(struct buffer *out, const char *language, const struct i18n_arg *arg, bool date,
			const char *style, size_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar text[FORMATTED_MAX];
	UDateFormatStyle wanted = date_style(style, len);
	UDateFormat *format =
		udat_open(date ? UDAT_NONE : wanted, date ? wanted : UDAT_NONE, language, NULL, -1, NULL, 0, &status);
	int32_t written = udat_format(format, arg->real * 1000, text, FORMATTED_MAX, NULL, &status);
	if (U_SUCCESS(status))
		append_utf16(out, text, written);
	udat_close(format);
}

/* --- Patterns ------------------------------------------------------------------------ */

struct formatting {
	struct buffer *out;
	const struct i18n *tr;
	const char *language;
	const struct i18n_arg *args;
	int count;
};

static void format_pattern(struct formatting *, const char *pattern, size_t len, const struct i18n_arg *hash);

/* The } that closes the { before text. */
static size_t matching_brace(const char *text, size_t len)
{
	int depth = 1;
	for (size_t i = 0; i < len; i++) {
		depth += (text[i] == '{') - (text[i] == '}');
		if (depth == 0)
			return i;
	}
	return len;
}

static void plural_category(const char *language, const struct i18n_arg *arg, char *out, int32_t size)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar keyword[32];
	UPluralRules *rules = uplrules_open(language, &status);
	int32_t len = uplrules_select(rules, number_of(arg), keyword, 32, &status);
	u_strToUTF8(out, size, NULL, keyword, U_SUCCESS(status) ? len : 0, &status);
	uplrules_close(rules);
}

/* "one {# file} other {# files}": exact numbers (=0) first, then the category, then other. */
static void format_plural(struct formatting *f, const char *cases, size_t len, const struct i18n_arg *arg)
{
	char category[32], exact[32];
	plural_category(f->language, arg, category, sizeof(category));
	snprintf(exact, sizeof(exact), "=%lld", (long long)number_of(arg));
	const char *chosen = NULL;
	size_t chosen_len = 0;
	int rank = 0;
	for (size_t at = 0; at < len;) {
		at += strspn(cases + at, " \n\t");
		size_t name = strcspn(cases + at, " {"), open = at + name + strcspn(cases + at + name, "{") + 1;
		if (open >= len)
			break;
		size_t close = matching_brace(cases + open, len - open);
		int found = word_is(cases + at, name, exact)      ? 3
			    : word_is(cases + at, name, category) ? 2
								  : word_is(cases + at, name, "other");
		if (found > rank) {
			rank = found;
			chosen = cases + open;
			chosen_len = close;
		}
		at = open + close + 1;
	}
	if (chosen)
		format_pattern(f, chosen, chosen_len, arg);
}

/* A letter whose direction is not the language's. */
static bool turns(const char *text, const char *language)
{
	bool rtl = uloc_isRightToLeft(language);
	int32_t len = (int32_t)strlen(text);
	for (int32_t at = 0; at < len;) {
		UChar32 c;
		U8_NEXT_OR_FFFD(text, at, len, c);
		UCharDirection d = u_charDirection(c);
		if (rtl ? d == U_LEFT_TO_RIGHT : d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC)
			return true;
	}
	return false;
}

/* A name of the other direction stays in one piece and moves nothing around it. */
static void append_string(struct buffer *out, const char *text, const char *language)
{
	bool apart = turns(text, language);
	buffer_puts(out, apart ? "\u2068" : "");
	buffer_puts(out, text);
	buffer_puts(out, apart ? "\u2069" : "");
}

static void append_error(struct formatting *f, const struct i18n_arg *arg)
{
	char *text = i18n_error(f->tr, arg->string ? arg->string : "");
	append_string(f->out, text, f->language);
	free(text);
}

/* What stands between braces: "0", "0, number", "0, plural, …". */
static void format_argument(struct formatting *f, const char *text, size_t len)
{
	char *end;
	long index = strtol(text, &end, 10);
	if (index < 0 || index >= f->count)
		return;
	const struct i18n_arg *arg = &f->args[index];
	const char *stop = text + len;
	const char *kind = end + strspn(end, ", ");
	size_t kind_len = kind < stop ? strcspn(kind, ",} ") : 0;
	const char *style = kind + kind_len;
	style += style < stop ? strspn(style, ", ") : 0;
	size_t style_len = style < stop ? (size_t)(stop - style) : 0;
	if (kind_len && word_is(kind, kind_len, "plural"))
		format_plural(f, style, style_len, arg);
	else if (arg->type == I18N_STRING)
		append_string(f->out, arg->string ? arg->string : "", f->language);
	else if (arg->type == I18N_TEXT)
		buffer_puts(f->out, arg->string);
	else if (arg->type == I18N_ERROR)
		append_error(f, arg);
	else if (arg->type == I18N_TIME)
		append_time(f->out, f->language, arg, word_is(kind, kind_len, "date"), style, style_len);
	else
		append_number(f->out, f->language, arg, style, style_len);
}

static void format_pattern(struct formatting *f, const char *pattern, size_t len, const struct i18n_arg *hash)
{
	for (size_t i = 0; i < len; i++) {
		if (pattern[i] == '{') {
			size_t close = matching_brace(pattern + i + 1, len - i - 1);
			format_argument(f, pattern + i + 1, close);
			i += close + 1;
		} else if (pattern[i] == '#' && hash) {
			append_number(f->out, f->language, hash, "", 0);
		} else {
			buffer_append(f->out, pattern + i, 1);
		}
	}
}

char *i18n_format_args(const struct i18n *tr, const char *key, const struct i18n_arg *args, int count)
{
	struct buffer out = {0};
	struct formatting f = {.out = &out, .tr = tr, .args = args, .count = count};
	const char *pattern = find(tr, key, &f.language);
	format_pattern(&f, pattern, strlen(pattern), NULL);
	return buffer_take(&out);
}
