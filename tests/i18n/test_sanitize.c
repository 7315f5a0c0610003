#include "i18n/i18n.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text, *clean;
} cases[] = {
	{"plain\ttext\n", "plain\ttext\n"},
	{"\x01\x1b\x7f", "␁␛␡"},
	{"\xC2\x9B[2J", "<9B>[2J"},
	{"a\rb\r\nc", "a␍b\nc"},
	{"\xE2\x80\xA8x\xE2\x80\xA9", "\nx\n"},
	{"\u202Aa\u202Eb\u202C", "<U+202A>a<U+202E>b<U+202C>"},
	{"\u2067open", "\u2067open\u2069"},
	{"\u2067line\nnext", "\u2067line\u2069\nnext"},
	{"\u2069stray", "<U+2069>stray"},
	{"a\u200Bb\uFEFFc\u00ADd\u2060", "a<U+200B>b<U+FEFF>c<AD>d<U+2060>"},
	{"\u3164\u115F", "<U+3164><U+115F>"},
	{"क\u094D\u200Dष", "क\u094D\u200Dष"},
	{" \u200D\u200C ", " <U+200D><U+200C> "},
	{"\U000E0041", "<U+E0041>"},
	{"❤\uFE0F\uFE0F", "❤\uFE0F"},
	{"a\u0300\u0301\u0302\u0303\u0304", "a\u0300\u0301\u0302\u0303"},
	{"\u0301", "\u00A0\u0301"}, /* a mark alone stands on a blank */
	{"\U0001D173\uFFF9", "<U+1D173><U+FFF9>"},
	{"\u200E\u061C", "\u200E\u061C"}, /* honest direction marks */
	{"a\u0300\u0301\u0302\u0303\u200D\u0300b", "a\u0300\u0301\u0302\u0303\u200Db"},
	{"\xC3(", "\uFFFD("},
	{"\xF0\x9F\x98", "\uFFFD"},
	{"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"}, /* a lone surrogate: three bad bytes */
	{"\xC0\xAF\xFF", "\uFFFD\uFFFD\uFFFD"},
};

static void test_classes(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer out = {0};
		i18n_sanitize(cases[i].text, strlen(cases[i].text), &out);
		assert_string_equal(out.data, cases[i].clean);
		buffer_free(&out);
	}
}

static void test_one_line(void **state)
{
	char *line = i18n_sanitize_line("two\nlines\tand \033[31m", strlen("two\nlines\tand \033[31m"));
	assert_string_equal(line, "two␊lines and ␛[31m");
	free(line);
}

/* Bytes that come in any two pieces, the incomplete end held back, give the same text. */
static void test_every_split(void **state)
{
	const char *text = "é你👨\u200D👩 \xFF\xC3( سلام क्षि\xE4\xBD";
	size_t len = strlen(text);
	struct buffer whole = {0};
	i18n_repair(text, len, &whole);
	for (size_t split = 0; split <= len; split++) {
		struct buffer out = {0};
		size_t first = split - i18n_incomplete_tail(text, split);
		i18n_repair(text, first, &out);
		i18n_repair(text + first, len - first, &out);
		assert_string_equal(out.data, whole.data);
		buffer_free(&out);
	}
	buffer_free(&whole);
}

static void test_incomplete_tail(void **state)
{
	static const struct {
		const char *text;
		size_t tail;
	} tails[] = {{"", 0},
		     {"a", 0},
		     {"é", 0},
		     {"\xC3", 1},
		     {"x\xE4\xBD", 2},
		     {"\xF0\x9F\x98", 3},
		     {"\x80\x80\x80", 0},
		     {"\xFF", 0},
		     {"\xC0", 0}};
	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++)
		assert_int_equal(i18n_incomplete_tail(tails[i].text, strlen(tails[i].text)), tails[i].tail);
}

/* Whatever goes in, nothing that steers a terminal or turns text around comes out. */
static void test_random_bytes(void **state)
{
	unsigned seed = 7;
	for (int round = 0; round < 2000; round++) {
		char bytes[64];
		struct buffer out = {0}, again = {0};
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] = (char)(seed >> 24);
			if (seed % 5 == 0)
				bytes[i] = "\xE2\x80\xAE\x1B\x9B"[seed / 5 % 5];
		}
		i18n_sanitize(bytes, sizeof(bytes), &out);
		i18n_repair(out.data, out.len, &again);
		assert_int_equal(again.len, out.len); /* valid UTF-8 */
		for (size_t i = 0; i < out.len; i++) {
			unsigned char c = (unsigned char)out.data[i];
			assert_true(c >= 0x20 || c == '\n' || c == '\t');
			assert_true(c != 0x7F);
			assert_false(c == 0xC2 && (unsigned char)out.data[i + 1] < 0xA0);
		}
		assert_null(strstr(out.data, "\u202E"));
		buffer_free(&out);
		buffer_free(&again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),      cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_every_split),  cmocka_unit_test(test_incomplete_tail),
		cmocka_unit_test(test_random_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
