/* Expectations follow from the published expressions, worked out with Python's regex module. */
#include "engine/pretokenizer.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The words of text with a bar between. */
static char *split(const char *family, const char *text, size_t len)
{
	struct pretokenizer_walk walk;
	struct buffer out = {0};
	size_t start, end, at = 0;
	const struct pretokenizer *pre = pretokenizer_named(family, strlen(family));
	assert_non_null(pre);
	pretokenizer_start(&walk, pre, text, len);
	while (pretokenizer_next(&walk, &start, &end)) {
		assert_int_equal(start, at);
		assert_true(end > start);
		at = end;
		if (out.len)
			buffer_puts(&out, "|");
		buffer_append(&out, text + start, end - start);
	}
	assert_int_equal(at, len);
	return buffer_take(&out);
}

static void splits(const char *family, const char *text, const char *expected)
{
	char *found = split(family, text, strlen(text));
	assert_string_equal(found, expected);
	free(found);
}

/* clang-format off */
static void test_gpt_2(void **state)
{
	splits("gpt-2", "Hello, world! It's 2026", "Hello|,| world|!| It|'s| 2026");
	splits("gpt-2", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n\n | c| \r\n\t| d|  ");
	splits("gpt-2", "I'LL we'll 'Tis x's", "I|'|LL| we|'ll| '|Tis| x|'s");
	splits("gpt-2", "v1234567 ٣٤٥٦ ½", "v|1234567| ٣٤٥٦| ½");
	splits("gpt-2", "camelCaseWORDSHere ABC", "camelCaseWORDSHere| ABC");
	splits("gpt-2", "a//b/c!/\n/\n x", "a|//|b|/|c|!/|\n|/|\n| x");
	splits("gpt-2", "été Ǆungla ʰx", "été| Ǆungla| ʰx");
	splits("gpt-2", "你好，世界 abc你好123", "你好|，|世界| abc你好|123");
	splits("gpt-2", "नमस्ते दुनिया", "नमस|्|त|े| द|ु|न|ि|य|ा");
	splits("gpt-2", "مَرْحَبًا", "م|َ|ر|ْ|ح|َ|ب|ً|ا");
	splits("gpt-2", "สวัสดีครับ ก", "สว|ั|สด|ี|คร|ั|บ| ก");
	splits("gpt-2", "ABCตกAB नAB", "ABCตกAB| नAB");
	splits("gpt-2", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200|x| |\343\200\200|y");
	splits("gpt-2", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`#|x|…—“|q|”");
	splits("gpt-2", "👩\342\200\215💻 ok", "👩\342\200\215💻| ok");
	splits("gpt-2", "12 345 6789", "12| 345| 6789");
	splits("gpt-2", "can't 'ſx", "can|'t| '|ſx");
	splits("gpt-2", "e\314\201E\314\201x \314\201Ax", "e|\314\201|E|\314\201|x| \314\201|Ax");
}

static void test_llama_bpe(void **state)
{
	splits("llama-bpe", "Hello, world! It's 2026", "Hello|,| world|!| It|'s| |202|6");
	splits("llama-bpe", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n\n| | c| \r\n|\t| d|  ");
	splits("llama-bpe", "I'LL we'll 'Tis x's", "I|'LL| we|'ll| '|Tis| x|'s");
	splits("llama-bpe", "v1234567 ٣٤٥٦ ½", "v|123|456|7| |٣٤٥|٦| |½");
	splits("llama-bpe", "camelCaseWORDSHere ABC", "camelCaseWORDSHere| ABC");
	splits("llama-bpe", "a//b/c!/\n/\n x", "a|//|b|/c|!/\n|/\n| x");
	splits("llama-bpe", "été Ǆungla ʰx", "été| Ǆungla| ʰx");
	splits("llama-bpe", "你好，世界 abc你好123", "你好|，世界| abc你好|123");
	splits("llama-bpe", "नमस्ते दुनिया", "नमस|्त|े| द|ुन|िय|ा");
	splits("llama-bpe", "مَرْحَبًا", "م|َر|ْح|َب|ًا");
	splits("llama-bpe", "สวัสดีครับ ก", "สว|ัสด|ีคร|ับ| ก");
	splits("llama-bpe", "ABCตกAB नAB", "ABCตกAB| नAB");
	splits("llama-bpe", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200x| |\343\200\200y");
	splits("llama-bpe", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`#|x|…—“|q|”");
	splits("llama-bpe", "👩\342\200\215💻 ok", "👩\342\200\215💻| ok");
	splits("llama-bpe", "12 345 6789", "12| |345| |678|9");
	splits("llama-bpe", "can't 'ſx", "can|'t| '|ſx");
	splits("llama-bpe", "e\314\201E\314\201x \314\201Ax", "e|\314\201E|\314\201x| \314\201|Ax");
}

static void test_qwen2(void **state)
{
	splits("qwen2", "Hello, world! It's 2026", "Hello|,| world|!| It|'s| |2|0|2|6");
	splits("qwen2", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n\n| | c| \r\n|\t| d|  ");
	splits("qwen2", "I'LL we'll 'Tis x's", "I|'LL| we|'ll| '|Tis| x|'s");
	splits("qwen2", "v1234567 ٣٤٥٦ ½", "v|1|2|3|4|5|6|7| |٣|٤|٥|٦| |½");
	splits("qwen2", "camelCaseWORDSHere ABC", "camelCaseWORDSHere| ABC");
	splits("qwen2", "a//b/c!/\n/\n x", "a|//|b|/c|!/\n|/\n| x");
	splits("qwen2", "été Ǆungla ʰx", "été| Ǆungla| ʰx");
	splits("qwen2", "你好，世界 abc你好123", "你好|，世界| abc你好|1|2|3");
	splits("qwen2", "नमस्ते दुनिया", "नमस|्त|े| द|ुन|िय|ा");
	splits("qwen2", "مَرْحَبًا", "م|َر|ْح|َب|ًا");
	splits("qwen2", "สวัสดีครับ ก", "สว|ัสด|ีคร|ับ| ก");
	splits("qwen2", "ABCตกAB नAB", "ABCตกAB| नAB");
	splits("qwen2", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200x| |\343\200\200y");
	splits("qwen2", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`#|x|…—“|q|”");
	splits("qwen2", "👩\342\200\215💻 ok", "👩\342\200\215💻| ok");
	splits("qwen2", "12 345 6789", "1|2| |3|4|5| |6|7|8|9");
	splits("qwen2", "can't 'ſx", "can|'t| '|ſx");
	splits("qwen2", "e\314\201E\314\201x \314\201Ax", "e|\314\201E|\314\201x| \314\201|Ax");
}

static void test_tekken(void **state)
{
	splits("tekken", "Hello, world! It's 2026", "Hello|,| world|!| It|'s| |2|0|2|6");
	splits("tekken", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n\n| | c| \r\n|\t| d|  ");
	splits("tekken", "I'LL we'll 'Tis x's", "I|'LL| we|'ll| '|Tis| x|'s");
	splits("tekken", "v1234567 ٣٤٥٦ ½", "v|1|2|3|4|5|6|7| |٣|٤|٥|٦| |½");
	splits("tekken", "camelCaseWORDSHere ABC", "camel|Case|WORDSHere| ABC");
	splits("tekken", "a//b/c!/\n/\n x", "a|//|b|/c|!/\n/\n| x");
	splits("tekken", "été Ǆungla ʰx", "été| Ǆungla| ʰx");
	splits("tekken", "你好，世界 abc你好123", "你好|，世界| abc你好|1|2|3");
	splits("tekken", "नमस्ते दुनिया", "नमस्ते| दुनिया");
	splits("tekken", "مَرْحَبًا", "مَرْحَبًا");
	splits("tekken", "สวัสดีครับ ก", "สวัสดีครับ| ก");
	splits("tekken", "ABCตกAB नAB", "ABCตก|AB| न|AB");
	splits("tekken", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200x| |\343\200\200y");
	splits("tekken", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`#|x|…—“|q|”");
	splits("tekken", "👩\342\200\215💻 ok", "👩\342\200\215💻| ok");
	splits("tekken", "12 345 6789", "1|2| |3|4|5| |6|7|8|9");
	splits("tekken", "can't 'ſx", "can|'t| '|ſx");
	splits("tekken", "e\314\201E\314\201x \314\201Ax", "e\314\201|E\314\201x| \314\201Ax");
}

static void test_smollm(void **state)
{
	splits("smollm", "Hello, world! It's 2026", "Hello|,| world|!| It|'s| |2|0|2|6");
	splits("smollm", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n\n | c| \r\n\t| d|  ");
	splits("smollm", "I'LL we'll 'Tis x's", "I|'|LL| we|'ll| '|Tis| x|'s");
	splits("smollm", "v1234567 ٣٤٥٦ ½", "v|1|2|3|4|5|6|7| |٣|٤|٥|٦| |½");
	splits("smollm", "camelCaseWORDSHere ABC", "camelCaseWORDSHere| ABC");
	splits("smollm", "a//b/c!/\n/\n x", "a|//|b|/|c|!/|\n|/|\n| x");
	splits("smollm", "été Ǆungla ʰx", "été| Ǆungla| ʰx");
	splits("smollm", "你好，世界 abc你好123", "你好|，|世界| abc你好|1|2|3");
	splits("smollm", "नमस्ते दुनिया", "नमस|्|त|े| द|ु|न|ि|य|ा");
	splits("smollm", "مَرْحَبًا", "م|َ|ر|ْ|ح|َ|ب|ً|ا");
	splits("smollm", "สวัสดีครับ ก", "สว|ั|สด|ี|คร|ั|บ| ก");
	splits("smollm", "ABCตกAB नAB", "ABCตกAB| नAB");
	splits("smollm", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200|x| |\343\200\200|y");
	splits("smollm", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`#|x|…—“|q|”");
	splits("smollm", "👩\342\200\215💻 ok", "👩\342\200\215💻| ok");
	splits("smollm", "12 345 6789", "1|2| |3|4|5| |6|7|8|9");
	splits("smollm", "can't 'ſx", "can|'t| '|ſx");
	splits("smollm", "e\314\201E\314\201x \314\201Ax", "e|\314\201|E|\314\201|x| \314\201|Ax");
}

static void test_falcon(void **state)
{
	splits("falcon", "Hello, world! It's 2026", "Hello|,| world|!| It|'|s| |202|6");
	splits("falcon", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n\n | c| \r\n\t| d|  ");
	splits("falcon", "I'LL we'll 'Tis x's", "I|'|LL| we|'|ll| |'|Tis| x|'|s");
	splits("falcon", "v1234567 ٣٤٥٦ ½", "v|123|456|7| ٣٤٥٦| ½");
	splits("falcon", "camelCaseWORDSHere ABC", "camelCaseWORDSHere| ABC");
	splits("falcon", "a//b/c!/\n/\n x", "a|//|b|/|c|!/|\n|/|\n| x");
	splits("falcon", "été Ǆungla ʰx", "été| Ǆungla| ʰx");
	splits("falcon", "你好，世界 abc你好123", "你好|，|世界| abc你好|123");
	splits("falcon", "नमस्ते दुनिया", "नमस|्|त|े| द|ु|न|ि|य|ा");
	splits("falcon", "مَرْحَبًا", "م|َ|ر|ْ|ح|َ|ب|ً|ا");
	splits("falcon", "สวัสดีครับ ก", "สว|ั|สด|ี|คร|ั|บ| ก");
	splits("falcon", "ABCตกAB नAB", "ABCตกAB| नAB");
	splits("falcon", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200|x| |\343\200\200|y");
	splits("falcon", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`#|x|…—“|q|”");
	splits("falcon", "👩\342\200\215💻 ok", "👩\342\200\215💻| ok");
	splits("falcon", "12 345 6789", "12| |345| |678|9");
	splits("falcon", "can't 'ſx", "can|'|t| |'|ſx");
	splits("falcon", "e\314\201E\314\201x \314\201Ax", "e|\314\201|E|\314\201|x| \314\201|Ax");
}

static void test_deepseek_coder(void **state)
{
	splits("deepseek-coder", "Hello, world! It's 2026", "Hello|,| world|!| It|'|s| |2|0|2|6");
	splits("deepseek-coder", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n|\n| | c| |\r|\n|\t| d|  ");
	splits("deepseek-coder", "I'LL we'll 'Tis x's", "I|'|LL| we|'|ll| '|Tis| x|'|s");
	splits("deepseek-coder", "v1234567 ٣٤٥٦ ½", "v|1|2|3|4|5|6|7| |٣|٤|٥|٦| |½");
	splits("deepseek-coder", "camelCaseWORDSHere ABC", "camelCaseWORDSHere| ABC");
	splits("deepseek-coder", "a//b/c!/\n/\n x", "a|//|b|/|c|!/|\n|/|\n| x");
	splits("deepseek-coder", "été Ǆungla ʰx", "été| Ǆungla| ʰx");
	splits("deepseek-coder", "你好，世界 abc你好123", "你好|，|世界| abc|你好|1|2|3");
	splits("deepseek-coder", "नमस्ते दुनिया", "नमस|्|त|े| |द|ु|न|ि|य|ा");
	splits("deepseek-coder", "مَرْحَبًا", "م|َ|ر|ْ|ح|َ|ب|ً|ا");
	splits("deepseek-coder", "สวัสดีครับ ก", "สว|ั|สด|ี|คร|ั|บ| |ก");
	splits("deepseek-coder", "ABCตกAB नAB", "ABC|ตก|AB| |न|AB");
	splits("deepseek-coder", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200|x| |\343\200\200|y");
	splits("deepseek-coder", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`|#|x|…—“|q|”");
	splits("deepseek-coder", "👩\342\200\215💻 ok", "👩|\342\200\215|💻| ok");
	splits("deepseek-coder", "12 345 6789", "1|2| |3|4|5| |6|7|8|9");
	splits("deepseek-coder", "can't 'ſx", "can|'|t| '|ſx");
	splits("deepseek-coder", "e\314\201E\314\201x \314\201Ax", "e|\314\201|E|\314\201|x| \314\201|Ax");
}

static void test_deepseek_llm(void **state)
{
	splits("deepseek-llm", "Hello, world! It's 2026", "Hello|,| world|!| It|'|s| |2026");
	splits("deepseek-llm", "  a   b\n\n  c \r\n\t d  ", " | a|  | b|\n|\n| | c| |\r|\n|\t| d|  ");
	splits("deepseek-llm", "I'LL we'll 'Tis x's", "I|'|LL| we|'|ll| '|Tis| x|'|s");
	splits("deepseek-llm", "v1234567 ٣٤٥٦ ½", "v|1234567| |٣٤٥٦| |½");
	splits("deepseek-llm", "camelCaseWORDSHere ABC", "camelCaseWORDSHere| ABC");
	splits("deepseek-llm", "a//b/c!/\n/\n x", "a|//|b|/|c|!/|\n|/|\n| x");
	splits("deepseek-llm", "été Ǆungla ʰx", "é|t|é| Ǆ|ungla| ʰ|x");
	splits("deepseek-llm", "你好，世界 abc你好123", "你好|，|世界| abc|你好|123");
	splits("deepseek-llm", "नमस्ते दुनिया", "नमस्ते| |दुनिया");
	splits("deepseek-llm", "مَرْحَبًا", "مَرْحَبًا");
	splits("deepseek-llm", "สวัสดีครับ ก", "สวัสดีครับ| |ก");
	splits("deepseek-llm", "ABCตกAB नAB", "ABC|ตก|AB| |न|AB");
	splits("deepseek-llm", "\343\200\200\343\200\200x \343\200\200y", "\343\200\200|\343\200\200|x| |\343\200\200|y");
	splits("deepseek-llm", "$5+<=>^~`#x…—“q”", "$|5|+<=>^~`#|x|…—|“|q|”");
	splits("deepseek-llm", "👩\342\200\215💻 ok", "👩|\342\200\215|💻| ok");
	splits("deepseek-llm", "12 345 6789", "12| |345| |6789");
	splits("deepseek-llm", "can't 'ſx", "can|'|t| '|ſ|x");
	splits("deepseek-llm", "e\314\201E\314\201x \314\201Ax", "e|\314\201|E|\314\201|x| \314\201|Ax");
}

/* clang-format on */

static void test_names(void **state)
{
	static const char *const known[] = {"gpt-2",        "llama-bpe",      "llama3",          "llama-v3",
					    "qwen2",        "smollm",         "tekken",          "starcoder",
					    "refact",       "command-r",      "falcon",          "mpt",
					    "deepseek-llm", "deepseek-coder", "deepseek-r1-qwen"};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_non_null(pretokenizer_named(known[i], strlen(known[i])));
	assert_null(pretokenizer_named("default", 7));
	assert_null(pretokenizer_named("", 0));
	assert_null(pretokenizer_named("qwen", 4));
	assert_null(pretokenizer_named("qwen23", 6));
	assert_true(pretokenizer_ignores_merges(pretokenizer_named("llama3", 6)));
	assert_false(pretokenizer_ignores_merges(pretokenizer_named("qwen2", 5)));
}

/* Every family covers every text once, without gaps, however odd the bytes. */
static void test_random_bytes_are_covered(void **state)
{
	static const char *const families[] = {"gpt-2",     "llama-bpe", "qwen2",        "tekken",
					       "starcoder", "falcon",    "deepseek-llm", "deepseek-coder"};
	static const char bytes[] = " \n\r\t'sStT09aZ./!\xC3\xA9\xE4\xBD\xA0\xE3\x80\x80\xE0\xA4\xBE\xFF\xF0\x9F";
	char text[64];
	uint32_t seed = 7;
	for (int round = 0; round < 4000; round++) {
		size_t len = 0;
		for (seed = seed * 1664525u + 1013904223u; len < seed >> 26; len++) {
			text[len] = bytes[(seed >> 8) % (sizeof(bytes) - 1)];
			seed = seed * 1664525u + 1013904223u;
		}
		for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			free(split(families[i], text, len));
	}
}

/* A million of anything ends at once; one quadratic step would take hours. */
static void test_long_runs(void **state)
{
	static const char *const families[] = {"gpt-2",     "llama-bpe", "qwen2",        "tekken",
					       "starcoder", "falcon",    "deepseek-llm", "deepseek-coder"};
	static const char *const units[] = {
		"a", "A", "7", " ", "\n", " \n", "\r", "!", "\xE3\x80\x80", "\xE0\xA4\xBE", "你 ", "'", "\xFF"};
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		struct buffer text = {0};
		while (text.len < 300000)
			buffer_puts(&text, units[u]);
		buffer_puts(&text, "A");
		for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			free(split(families[i], text.data, text.len));
		buffer_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gpt_2),          cmocka_unit_test(test_llama_bpe),
		cmocka_unit_test(test_qwen2),          cmocka_unit_test(test_tekken),
		cmocka_unit_test(test_smollm),         cmocka_unit_test(test_falcon),
		cmocka_unit_test(test_deepseek_coder), cmocka_unit_test(test_deepseek_llm),
		cmocka_unit_test(test_names),          cmocka_unit_test(test_random_bytes_are_covered),
		cmocka_unit_test(test_long_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
