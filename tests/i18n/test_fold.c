#include "i18n/i18n.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *folded(const struct i18n *tr, const char *text)
{
	struct buffer out = {0};
	i18n_fold(tr, text, strlen(text), &out);
	return buffer_take(&out);
}

/* What a person takes for the same word. */
static void test_the_same_word(void **state)
{
	static const char *const pairs[][2] = {
		{"Café", "cafe"},     {"Ｃａｆｅ", "cafe"}, {"Straße", "STRASSE"},    {"ÜBER", "uber"},
		{"МОСКВА", "москва"}, {"مُحَمَّد", "محمد"},     {"أحمد", "احمد"},         {"إلى", "الي"},
		{"مدرسة", "مدرسه"},   {"كـــتاب", "كتاب"},  {"カタカナ", "かたかな"}, {"ｶﾞ", "が"},
		{"ñandú", "nandu"},   {"Łódź", "łodz"},
	};
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		char *a = folded(tr, pairs[i][0]), *b = folded(tr, pairs[i][1]);
		if (strcmp(a, b) != 0)
			fail_msg("'%s' folds to '%s', '%s' to '%s'", pairs[i][0], a, pairs[i][1], b);
		free(a);
		free(b);
	}
	i18n_close(tr);
}

static void test_other_words(void **state)
{
	static const char *const pairs[][2] = {{"が", "か"}, {"कि", "की"}, {"cat", "cut"}, {"한국", "한글"}};
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		char *a = folded(tr, pairs[i][0]), *b = folded(tr, pairs[i][1]);
		assert_string_not_equal(a, b);
		free(a);
		free(b);
	}
	i18n_close(tr);
}

static void collect(void *arg, const char *term, size_t len, size_t start, size_t end)
{
	struct buffer *out = arg;
	(void)start;
	(void)end;
	buffer_append(out, term, len);
	buffer_puts(out, " ");
}

static void test_terms(void **state)
{
	static const struct {
		const char *text, *terms;
	} cases[] = {
		{"The Cats' house", "the cats house "},
		{"今天天气好", "今天 天天 天气 气好 "},
		{"好", "好 "},
		{"날씨가", "날씨 씨가 "},
		{"والكتاب جديد", "والكتاب كتاب جديد "},
		{"नमस्ते दुनिया", "नमस्ते दुनिया "},
		{"C++ 17", "c 17 "},
		{"", ""},
	};
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer out = {0};
		i18n_terms(tr, cases[i].text, strlen(cases[i].text), collect, &out);
		assert_string_equal(out.data ? out.data : "", cases[i].terms);
		buffer_free(&out);
	}
	i18n_close(tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_word),
		cmocka_unit_test(test_other_words),
		cmocka_unit_test(test_terms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
