/* What file names say of quantisations, and which is taken. */
#include "pull/pull.h"
#include "pull/quant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static void labels(void **state)
{
	static const struct {
		const char *file, *label;
	} cases[] = {
		{"qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", "Q4_K_M"},
		{"SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"},
		{"Q8_0/model-Q8_0-00001-of-00002.gguf", "Q8_0"},
		{"Q4_K_M.gguf", "Q4_K_M"},
		{"a-UD-Q4_K_XL.gguf", "Q4_K_XL"},
		{"a.i1-IQ4_XS.gguf", "IQ4_XS"},
		{"a-fp16.gguf", "F16"},
		{"a-bf16.gguf", "BF16"},
		{"a-f32.gguf", "F32"},
		{"q4_0-to-q8_0.gguf", "Q8_0"},
		{"qwen3-8b.gguf", ""},
		{"model.gguf", ""},
		{"xq4_0.gguf", ""},
		{"", ""},
		{"q4_01234567890123456789012345678901234567890.gguf", ""},
	};
	char label[QUANT_LABEL];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(quant_of(cases[i].file, label), cases[i].label[0] != '\0');
		assert_string_equal(label, cases[i].label);
	}
}

static void ranks(void **state)
{
	assert_int_equal(quant_rank("q4_k_m"), 0);
	assert_true(quant_rank("Q4_K_S") < quant_rank("Q8_0"));
	assert_true(quant_rank("Q5_K_M") < quant_rank("Q4_0"));
	assert_true(quant_rank("Q6_K") < quant_rank("Q3_K_M"));
	assert_int_equal(quant_rank("IQ1_S"), -1);
	assert_int_equal(quant_rank(""), -1);
}

static void names(void **state)
{
	static const char *const good[] = {"a.gguf", "A-b_c.1.GGUF", "模型-q4_0.gguf"};
	static const char *const bad[] = {"",          ".gguf",   "a",       "a.bin",    "../a.gguf",  "a/b.gguf",
					  "a\\b.gguf", "-a.gguf", ".a.gguf", "a\n.gguf", "a\x7f.gguf", "c:a.gguf"};
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(pull_good_name(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(pull_good_name(bad[i]));
}

static void checksums(void **state)
{
	char hex[PULL_SHA256], err[256] = "";
	assert_true(pull_good_sha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	assert_false(pull_good_sha256("e3b0"));
	assert_int_equal(pull_sha256("/dev/null", hex, err, sizeof(err)), PULL_OK);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(pull_sha256("/nowhere/at/all", hex, err, sizeof(err)), PULL_FAILED);
	assert_non_null(strstr(err, "/nowhere/at/all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(labels), cmocka_unit_test(ranks), cmocka_unit_test(names),
					   cmocka_unit_test(checksums)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
