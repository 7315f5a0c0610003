#include "engine/fim.h"
#include "tests/engine/gguf_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A vocabulary of bytes, <s>, and the control tokens given; what was made of a request, by its tokens' names. */
static char *encoded(const char *const *control, size_t count, uint32_t type, const char *const *keys, char *err,
		     size_t errlen)
{
	struct gguf_builder g = {0};
	struct buffer out = {0};
	struct gguf *gguf;
	struct tokenizer *t;
	struct tokens ids = {0};
	char warning[64];
	put_text(&g, "tokenizer.ggml.model", "gpt2");
	put_text(&g, "tokenizer.ggml.pre", "gpt-2");
	put_array(&g, "tokenizer.ggml.tokens", GGUF_STRING, 26 + count);
	for (size_t i = 0; i < count; i++)
		put_string(&g.values, control[i]);
	for (char letter = 'a'; letter <= 'z'; letter++)
		put_string(&g.values, (char[]){letter, '\0'});
	put_array(&g, "tokenizer.ggml.token_type", GGUF_I32, 26 + count);
	for (size_t i = 0; i < 26 + count; i++)
		put_le(&g.values, i < count ? type : 1, 4);
	put_array(&g, "tokenizer.ggml.merges", GGUF_STRING, 0);
	put_u32(&g, "tokenizer.ggml.eos_token_id", (uint32_t)count);
	for (uint32_t i = 0; keys && keys[i]; i++)
		put_u32(&g, keys[i], i);
	struct buffer file = gguf_bytes(&g);
	assert_int_equal(open_bytes(file.data, file.len, &gguf, err, errlen), 0);
	assert_int_equal(tokenizer_open(&t, gguf, warning, sizeof(warning), err, errlen), 0);
	const struct engine_request r = {.raw = "pre", .raw_len = 3, .suffix = "suf", .suffix_len = 3};
	int failed = fim_encode(t, &r, &ids, err, errlen);
	for (size_t i = 0; i < ids.count; i++) {
		size_t len;
		const char *piece = tokenizer_piece(t, ids.ids[i], true, &len);
		buffer_append(&out, piece, len);
	}
	for (size_t i = 0; i < count && !failed; i++)
		assert_true(fim_ends(t, (int32_t)i) == (control[i][0] != '!'));
	assert_false(fim_ends(t, (int32_t)count));
	tokens_free(&ids);
	tokenizer_close(t);
	gguf_close(gguf);
	buffer_free(&file);
	if (!failed)
		return buffer_take(&out);
	buffer_free(&out);
	return NULL;
}

static void test_forms(void **state)
{
	static const struct {
		const char *control[4];
		const char *expected;
	} cases[] = {
		{{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>"},
		 "<|fim_prefix|>pre<|fim_suffix|>suf<|fim_middle|>"},
		{{"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "!other"},
		 "<fim_prefix>pre<fim_suffix>suf<fim_middle>"},
		{{"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", "!other"},
		 "<｜fim▁begin｜>pre<｜fim▁hole｜>suf<｜fim▁end｜>"},
		{{"▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"}, "▁<PRE>pre▁<SUF>suf▁<MID>"},
		{{"[PREFIX]", "[SUFFIX]", "!other", "!more"}, "[SUFFIX]suf[PREFIX]pre"},
	};
	char err[256];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (uint32_t type = 3; type <= 4; type++) { /* control; user-defined, as DeepSeek's are */
			char *text = encoded(cases[i].control, 4, type, NULL, err, sizeof(err));
			assert_string_equal(text, cases[i].expected);
			free(text);
		}
	}
}

/* Tokens of any name that the file itself says are for gaps, by either generation of keys. */
static void test_keys(void **state)
{
	static const char *const now[] = {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.fim_suf_token_id",
					  "tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.fim_pad_token_id", NULL},
				 *const before[] = {"tokenizer.ggml.prefix_token_id", "tokenizer.ggml.suffix_token_id",
						    "tokenizer.ggml.middle_token_id", NULL};
	static const char *const names[] = {"<A>", "<B>", "<C>", "<D>"};
	char err[256], *text = encoded(names, 4, 3, now, err, sizeof(err));
	assert_string_equal(text, "<A>pre<B>suf<C>");
	free(text);
	text = encoded(names, 3, 3, before, err, sizeof(err));
	assert_string_equal(text, "<A>pre<B>suf<C>");
	free(text);
	const char *some[] = {now[0], now[1], NULL};
	assert_null(encoded(names, 3, 3, some, err, sizeof(err)));
}

static void test_models_without(void **state)
{
	char err[256];
	assert_null(encoded((const char *const[]){"!im_start", "!im_end"}, 2, 3, NULL, err, sizeof(err)));
	assert_non_null(strstr(err, "cannot fill gaps"));
	assert_null(encoded((const char *const[]){"<|fim_prefix|>", "<|fim_suffix|>"}, 0, 3, NULL, err, sizeof(err)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_models_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
