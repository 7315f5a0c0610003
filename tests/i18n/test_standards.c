/* Unicode's own test files, whole, against the iterators and the order of rows that
 * the layout uses. What differs must stand in unicode-differences.txt with its reason,
 * and what stands there must differ: a list that is out of date fails. */
#include "i18n/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubidi.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include <cmocka.h>

#define UCD         "/usr/share/unicode/"
#define DIFFERENCES "tests/i18n/unicode-differences.txt"

enum { LINE = 16384, LONGEST = 256 };

/* --- What may differ ------------------------------------------------------------------ */

struct differences {
	const char *file; /* "WordBreakTest" */
	char **lines;     /* that may differ */
	bool *seen;
	int count, failures;
};

static void read_differences(struct differences *d, const char *file)
{
	static char line[LINE];
	*d = (struct differences){.file = file};
	FILE *list = fopen(DIFFERENCES, "re");
	assert_non_null(list);
	while (fgets(line, sizeof(line), list)) {
		size_t len = strlen(file);
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, file, len) != 0 || line[len] != ' ')
			continue;
		d->lines = xreallocarray(d->lines, (size_t)d->count + 1, sizeof(*d->lines));
		d->lines[d->count++] = xstrdup(line + len + 1);
	}
	fclose(list);
	d->seen = xcalloc((size_t)d->count + 1, sizeof(*d->seen));
}

/* A line of the standard's file that we see otherwise. */
static void differs(struct differences *d, const char *line)
{
	for (int i = 0; i < d->count; i++)
		if (strcmp(d->lines[i], line) == 0) {
			d->seen[i] = true;
			return;
		}
	if (d->failures++ < 20)
		print_error("%s %s\n", d->file, line);
}

static void close_differences(struct differences *d)
{
	for (int i = 0; i < d->count; i++) {
		if (!d->seen[i]) {
			d->failures++;
			print_error("no longer differs: %s %s\n", d->file, d->lines[i]);
		}
		free(d->lines[i]);
	}
	free(d->lines);
	free(d->seen);
	if (d->failures)
		fail_msg("%d differences in %s", d->failures, d->file);
}

/* The file, if it is there and of the Unicode version that this ICU knows: an
 * older or newer standard has other answers. */
static FILE *open_standard(const char *path)
{
	char first[256] = "", wanted[32];
	UVersionInfo version;
	FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	u_getUnicodeVersion(version);
	snprintf(wanted, sizeof(wanted), "-%d.%d.%d", version[0], version[1], version[2]);
	if (fgets(first, sizeof(first), file) && strstr(first, wanted))
		return file;
	fclose(file);
	return NULL;
}

/* --- Boundaries --------------------------------------------------------------------------- */

static void append_char(struct buffer *out, UChar32 c)
{
	char bytes[4];
	int32_t len = 0;
	U8_APPEND_UNSAFE(bytes, len, c);
	buffer_append(out, bytes, (size_t)len);
}

/* "÷ 0020 × 0308 ÷": the text, and where its boundaries are. False: surrogates, which UTF-8 has not. */
static bool parse_boundaries(const char *line, struct buffer *text, bool boundary[LONGEST])
{
	memset(boundary, 0, LONGEST * sizeof(*boundary));
	buffer_clear(text);
	for (const char *at = line; *at;) {
		char *end;
		if (strncmp(at, "÷", 2) == 0) {
			boundary[text->len] = true;
			at += 2;
		} else if (strncmp(at, "×", 2) == 0 || *at == ' ') {
			at += *at == ' ' ? 1 : 2;
		} else {
			UChar32 c = (UChar32)strtoul(at, &end, 16);
			if (end == at || U_IS_SURROGATE(c))
				return false;
			append_char(text, c);
			assert_true(text->len < LONGEST);
			at = end;
		}
	}
	return true;
}

static bool same_boundaries(UBreakIterator *iterator, const struct buffer *text, const bool boundary[LONGEST])
{
	bool ours[LONGEST] = {false};
	grapheme_set(iterator, text->data, text->len);
	for (int32_t at = ubrk_first(iterator); at != UBRK_DONE; at = ubrk_next(iterator))
		ours[at] = true;
	/* Whether a text may break at its beginning is a matter of taste: LB2 says no, the others yes. */
	ours[0] = boundary[0];
	return memcmp(ours, boundary, sizeof(ours)) == 0;
}

static void check_boundaries(const char *name, int least, UBreakIterator *iterator)
{
	static char line[LINE];
	char path[256];
	bool boundary[LONGEST];
	struct differences d;
	struct buffer text = {0};
	int lines = 0;
	snprintf(path, sizeof(path), UCD "auxiliary/%s.txt", name);
	FILE *file = open_standard(path);
	if (!file)
		skip();
	read_differences(&d, name);
	while (fgets(line, sizeof(line), file)) {
		char *end = strchr(line, '#');
		end = end ? end : line + strlen(line);
		while (end > line && strchr(" \t\n", end[-1]))
			end--;
		*end = '\0';
		if (!line[0] || !parse_boundaries(line, &text, boundary))
			continue;
		lines++;
		if (!same_boundaries(iterator, &text, boundary))
			differs(&d, line);
	}
	fclose(file);
	buffer_free(&text);
	assert_true(lines >= least);
	close_differences(&d);
}

static void test_clusters(void **state)
{
	struct i18n *tr = i18n_open("en");
	check_boundaries("GraphemeBreakTest", 580, tr->clusters);
	i18n_close(tr);
}

static void test_words(void **state)
{
	struct i18n *tr = i18n_open("en");
	check_boundaries("WordBreakTest", 1700, tr->words);
	i18n_close(tr);
}

static void test_lines(void **state)
{
	struct i18n *tr = i18n_open("en");
	check_boundaries("LineBreakTest", 7500, tr->lines);
	i18n_close(tr);
}

/* --- Direction -------------------------------------------------------------------------------- */

/* Whether characters stand in this order, and run in the direction, of the levels
 * given ("x": removed by rule X9). Levels themselves say no more, and ICU makes short
 * work of text that runs in one direction: it has the paragraph's level throughout. */
static bool same_order(UBiDi *bidi, const UChar *text, int32_t len, UBiDiLevel paragraph, const char *levels,
		       const char *order)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t visual[LONGEST], count = 0, number_of[LONGEST] = {0};
	bool removed[LONGEST] = {false};
	ubidi_setPara(bidi, text, len, paragraph, NULL, &status);
	const UBiDiLevel *ours = ubidi_getLevels(bidi, &status);
	for (int32_t i = 0; i < len; i += U16_LENGTH(text[i])) {
		char *end;
		levels += strspn(levels, " \t");
		removed[i] = *levels == 'x';
		if (!removed[i] && (ours[i] & 1) != (strtol(levels, &end, 10) & 1))
			return false;
		levels = removed[i] ? levels + 1 : end;
		number_of[i] = count++;
	}
	ubidi_getVisualMap(bidi, visual, &status);
	assert_true(U_SUCCESS(status));
	for (int32_t i = 0; i < len; i++) {
		char *end;
		if (removed[visual[i]] || U16_IS_TRAIL(text[visual[i]]))
			continue;
		if (strtol(order, &end, 10) != number_of[visual[i]] || end == order)
			return false;
		order = end;
	}
	return order[strspn(order, " \t")] == '\0';
}

static int32_t parse_characters(const char *from, UChar *text)
{
	int32_t len = 0;
	for (char *end; *from != ';'; from = end) {
		UChar32 c = (UChar32)strtoul(from, &end, 16);
		assert_true(end != from && len < LONGEST - 2);
		U16_APPEND_UNSAFE(text, len, c);
		end += strspn(end, " ");
	}
	return len;
}

static void test_direction_of_characters(void **state)
{
	static char line[LINE];
	FILE *file = open_standard(UCD "BidiCharacterTest.txt");
	struct differences d;
	UBiDi *bidi = ubidi_open();
	int lines = 0;
	if (!file)
		skip();
	read_differences(&d, "BidiCharacterTest");
	while (fgets(line, sizeof(line), file)) {
		UChar text[LONGEST];
		line[strcspn(line, "\r\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		lines++;
		int32_t len = parse_characters(line, text);
		const char *at = strchr(line, ';') + 1;
		UBiDiLevel paragraph = *at == '2' ? UBIDI_DEFAULT_LTR : (UBiDiLevel)(*at - '0');
		const char *resolved = strchr(at, ';') + 1, *levels = strchr(resolved, ';') + 1;
		const char *order = strchr(levels, ';') + 1;
		if (!same_order(bidi, text, len, paragraph, levels, order) ||
		    ubidi_getParaLevel(bidi) != *resolved - '0')
			differs(&d, line);
	}
	fclose(file);
	ubidi_close(bidi);
	assert_true(lines > 90000);
	close_differences(&d);
}

/* The same through the sanitiser and the layout, for every text that comes out of the
 * first as it went in: the cells of the row stand in the order of their first characters. */
static bool same_row(const struct i18n *tr, const UChar *text, int32_t len, char paragraph, const char *order,
		     bool *checked)
{
	char bytes[LONGEST * 3];
	int32_t count = 0, start_of[LONGEST], number = 0;
	UErrorCode status = U_ZERO_ERROR;
	struct buffer clean = {0};
	struct layout layout;
	u_strToUTF8(bytes, sizeof(bytes), &count, text, len, &status);
	i18n_sanitize(bytes, (size_t)count, &clean);
	*checked = U_SUCCESS(status) && clean.len == (size_t)count && memcmp(clean.data, bytes, clean.len) == 0 &&
		   !memchr(bytes, '\n', clean.len) && !memchr(bytes, '\t', clean.len);
	buffer_free(&clean);
	if (!*checked)
		return true;
	for (int32_t at = 0; at < count; number++) {
		start_of[number] = at;
		U8_FWD_1(bytes, at, count);
	}
	struct layout_options options = {.width = 1000, .bidi = I18N_BIDI_APP};
	options.direction = paragraph == '0' ? LAYOUT_LTR : paragraph == '1' ? LAYOUT_RTL : LAYOUT_AUTO;
	i18n_layout(tr, bytes, (size_t)count, &options, &layout);
	int cell = 0;
	for (char *end; *order && cell < layout.rows[0].count; order = end) {
		long at = strtol(order, &end, 10);
		if (end == order)
			break;
		if (layout.rows[0].cells[cell].source == (uint32_t)start_of[at])
			cell++;
	}
	bool same = cell == layout.rows[0].count;
	layout_free(&layout);
	return same;
}

static void test_order_of_rows(void **state)
{
	static char line[LINE];
	FILE *file = open_standard(UCD "BidiCharacterTest.txt");
	struct i18n *tr = i18n_open("en");
	struct differences d;
	int lines = 0;
	if (!file)
		skip();
	read_differences(&d, "RowOrder");
	while (fgets(line, sizeof(line), file)) {
		UChar text[LONGEST];
		bool checked;
		line[strcspn(line, "\r\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		int32_t len = parse_characters(line, text);
		if (!same_row(tr, text, len, strchr(line, ';')[1], strrchr(line, ';') + 1, &checked))
			differs(&d, line);
		lines += checked;
	}
	fclose(file);
	i18n_close(tr);
	assert_true(lines > 20000);
	close_differences(&d);
}

/* A character of each class that BidiTest.txt names. */
static UChar class_character(const char *name, size_t len)
{
	static const struct {
		const char *name;
		UChar c;
	} classes[] = {{"L", 'a'},      {"R", 0x5D0},    {"EN", '1'},     {"ES", '-'},   {"ET", '%'},
		       {"AN", 0x661},   {"CS", ','},     {"B", 0x2029},   {"S", '\t'},   {"WS", ' '},
		       {"ON", '='},     {"LRE", 0x202A}, {"LRO", 0x202D}, {"AL", 0x627}, {"RLE", 0x202B},
		       {"RLO", 0x202E}, {"PDF", 0x202C}, {"NSM", 0x300},  {"BN", 0xAD},  {"FSI", 0x2068},
		       {"LRI", 0x2066}, {"RLI", 0x2067}, {"PDI", 0x2069}};
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0)
			return classes[i].c;
	fail_msg("unknown class %.*s", (int)len, name);
	return 0;
}

static void test_direction_of_classes(void **state)
{
	static char line[LINE], levels[LINE], order[LINE];
	FILE *file = open_standard(UCD "BidiTest.txt");
	struct differences d;
	UBiDi *bidi = ubidi_open();
	int lines = 0;
	if (!file)
		skip();
	read_differences(&d, "BidiTest");
	while (fgets(line, sizeof(line), file)) {
		UChar text[LONGEST];
		int32_t len = 0;
		line[strcspn(line, "\r\n")] = '\0';
		if (strncmp(line, "@Levels:", 8) == 0)
			memcpy(levels, line + 8, strlen(line + 8) + 1);
		if (strncmp(line, "@Reorder:", 9) == 0)
			memcpy(order, line + 9, strlen(line + 9) + 1);
		if (!line[0] || line[0] == '#' || line[0] == '@')
			continue;
		lines++;
		for (const char *at = line; *at != ';'; at += strspn(at, " ")) {
			size_t n = strcspn(at, " ;");
			text[len++] = class_character(at, n);
			at += n;
		}
		long paragraphs = strtol(strchr(line, ';') + 1, NULL, 16);
		static const UBiDiLevel level_of[] = {UBIDI_DEFAULT_LTR, 0, 1};
		bool same = true;
		for (int i = 0; i < 3; i++)
			same = same &&
			       (!(paragraphs & 1 << i) || same_order(bidi, text, len, level_of[i], levels, order));
		if (!same)
			differs(&d, line);
	}
	fclose(file);
	ubidi_close(bidi);
	assert_true(lines > 490000);
	close_differences(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_direction_of_characters),
		cmocka_unit_test(test_direction_of_classes),
		cmocka_unit_test(test_order_of_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
