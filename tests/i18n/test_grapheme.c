#include "i18n/i18n.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UCD "/usr/share/unicode/auxiliary/"

static void append_utf8(struct buffer *out, unsigned long c)
{
	char bytes[4] = {(char)c};
	int len = 1;
	if (c >= 0x10000)
		bytes[0] = (char)(0xF0 | c >> 18), bytes[1] = (char)(0x80 | (c >> 12 & 63)),
		bytes[2] = (char)(0x80 | (c >> 6 & 63)), len = 4;
	else if (c >= 0x800)
		bytes[0] = (char)(0xE0 | c >> 12), bytes[1] = (char)(0x80 | (c >> 6 & 63)), len = 3;
	else if (c >= 0x80)
		bytes[0] = (char)(0xC0 | c >> 6), len = 2;
	if (len > 1)
		bytes[len - 1] = (char)(0x80 | (c & 63));
	buffer_append(out, bytes, (size_t)len);
}

/* A line of a *BreakTest.txt: "÷ 0020 × 0308 ÷ 0020 ÷ # …". Returns the number of boundaries. */
static size_t parse(const char *line, struct buffer *text, size_t *boundary)
{
	size_t count = 0;
	for (const char *at = line; *at && *at != '#';) {
		if (strncmp(at, "÷", 2) == 0) {
			boundary[count++] = text->len;
			at += 2;
		} else if (strncmp(at, "×", 2) == 0) {
			at += 2;
		} else if (*at == ' ' || *at == '\t' || *at == '\n') {
			at++;
		} else {
			char *end;
			append_utf8(text, strtoul(at, &end, 16));
			at = end;
		}
	}
	return count;
}

/* Every boundary of Unicode's own test file, forwards and backwards. */
static void test_clusters_as_unicode_says(void **state)
{
	FILE *file = fopen(UCD "GraphemeBreakTest.txt", "re");
	char line[4096];
	int lines = 0;
	if (!file)
		skip();
	struct i18n *tr = i18n_open("en");
	while (fgets(line, sizeof(line), file)) {
		struct buffer text = {0};
		size_t boundary[64], count = parse(line, &text, boundary);
		/* Surrogates stand in the file but not in UTF-8. */
		if (count && !strstr(line, "D800")) {
			lines++;
			size_t at = 0;
			for (size_t i = 1; i < count; i++) {
				at = i18n_cluster_next(tr, text.data, text.len, at);
				if (at != boundary[i])
					fail_msg("%s: boundary %zu at %zu, expected %zu", line, i, at, boundary[i]);
			}
			for (size_t i = count - 1; i-- > 0;) {
				at = i18n_cluster_prev(tr, text.data, text.len, at);
				if (at != boundary[i])
					fail_msg("%s: backwards, boundary %zu at %zu, expected %zu", line, i, at,
						 boundary[i]);
			}
		}
		buffer_free(&text);
	}
	assert_true(lines > 500);
	fclose(file);
	i18n_close(tr);
}

/* Words and what stands between them, in scripts with and without spaces. */
static void test_words(void **state)
{
	struct i18n *tr = i18n_open("en");
	const char *text = "don't stop, 你好 мир";
	size_t len = strlen(text);
	assert_int_equal(i18n_word_next(tr, text, len, 0), 5);
	assert_int_equal(i18n_word_next(tr, text, len, 5), 10);
	assert_int_equal(i18n_word_next(tr, text, len, 10), strlen("don't stop, 你好"));
	assert_int_equal(i18n_word_prev(tr, text, len, len), len - strlen("мир"));
	assert_int_equal(i18n_word_prev(tr, text, len, len - strlen("мир")), strlen("don't stop, "));
	assert_int_equal(i18n_word_prev(tr, text, len, 3), 0);
	i18n_close(tr);
}

static void test_fit_and_truncate(void **state)
{
	struct i18n *tr = i18n_open("en");
	int used;
	assert_int_equal(i18n_fit(tr, "你好世界", strlen("你好世界"), 5, &used), strlen("你好"));
	assert_int_equal(used, 4);
	char *cut = i18n_truncate(tr, "你好世界", 5);
	assert_string_equal(cut, "你好…");
	free(cut);
	cut = i18n_truncate(tr, "short", 5);
	assert_string_equal(cut, "short");
	free(cut);
	cut = i18n_truncate(tr, "cafe\u0301s", 4);
	assert_string_equal(cut, "caf…");
	free(cut);
	i18n_close(tr);
}

static void shortens(const char *text, int width, const char *expected)
{
	struct i18n *tr = i18n_open("en");
	char *cut = i18n_shorten(tr, text, width);
	assert_string_equal(cut, expected);
	free(cut);
	i18n_close(tr);
}

/* What is said first stays whole; what is no longer said in full ends in an ellipsis, what stands by itself does not. */
static void test_notices_are_shortened_by_parts(void **state)
{
	const char *reading = "reading 1/9 · 410 tok/s · about 43 s · Esc stops",
		   *arabic = "مرفق: a.txt · /file للإزالة";
	shortens(reading, 48, reading);
	shortens(reading, 47, "reading 1/9 · 410 tok/s · about 43 s");
	shortens(reading, 30, "reading 1/9 · 410 tok/s");
	shortens(reading, 12, "reading 1/9");
	shortens(reading, 9, "reading …");
	shortens(arabic, 15, "مرفق: a.txt");
	shortens("Still reading it; the message goes then", 30, "Still reading it …");
	shortens("Lecture en cours\u00A0; le message part ensuite", 30, "Lecture en cours …");
	shortens("正在读取附件；读完即发送（按任意键取消）", 20, "正在读取附件 …");
	shortens("पाठ यहीं है। वह कहीं और नहीं जाएगा", 16, "पाठ यहीं है …");
	shortens("A. b is longer than that and has no other end", 20, "A. b is longer than…");
	shortens("x", 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clusters_as_unicode_says),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_fit_and_truncate),
		cmocka_unit_test(test_notices_are_shortened_by_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
