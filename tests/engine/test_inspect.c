#include "engine/engine.h"
#include "tests/engine/gguf_builder.h"
#include "tests/engine/models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

static char err[1024];

static void collect(void *arg, const char *key, const char *type, const char *value, size_t len)
{
	buffer_printf(arg, "%s (%s) %.*s\n", key, type, (int)len, value);
}

/* A vocabulary without tensors, with one value of each kind. */
static void put_vocabulary(struct gguf_builder *g)
{
	put_text(g, "general.architecture", "llama");
	put_text(g, "general.name", "Tiny");
	put_text(g, "tokenizer.ggml.model", "llama");
	put_array(g, "tokenizer.ggml.tokens", GGUF_STRING, 3);
	for (int i = 0; i < 3; i++)
		put_string(&g->values, (const char *[]){"<unk>", "a", "b"}[i]);
	put_array(g, "tokenizer.ggml.scores", GGUF_F32, 3);
	for (int i = 0; i < 3; i++)
		put_le(&g->values, 0x3fc00000, 4);
	put_array(g, "x.many", GGUF_U8, 7);
	put_le(&g->values, 0x07060504030201, 7);
	put_key(g, "x.on", GGUF_BOOL);
	put_le(&g->values, 1, 1);
	put_key(g, "x.less", GGUF_I16);
	put_le(&g->values, 0xfffe, 2);
	put_key(g, "x.real", GGUF_F64);
	put_le(&g->values, 0x3ff8000000000000, 8);
	put_array(g, "x.none", GGUF_U32, 0);
}

static int inspect_bytes(const struct buffer *file, struct engine_file *about, struct buffer *lines)
{
	char path[64];
	int fd = memfd_create("inspect", 0);
	assert_int_equal(write(fd, file->data, file->len), (ssize_t)file->len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*err = '\0';
	int code = engine_inspect(path, about, lines ? collect : NULL, lines, err, sizeof(err));
	close(fd);
	return code;
}

static void test_values_as_text(void **state)
{
	struct gguf_builder g = {0};
	struct engine_file about;
	struct buffer lines = {0};
	put_vocabulary(&g);
	struct buffer file = gguf_bytes(&g);
	int code = inspect_bytes(&file, &about, &lines);
	assert_int_equal(code, 0);
	assert_string_equal(lines.data, "general.architecture (string) llama\n"
					"general.name (string) Tiny\n"
					"tokenizer.ggml.model (string) llama\n"
					"tokenizer.ggml.tokens (array) [string; 3] <unk> a b\n"
					"tokenizer.ggml.scores (array) [f32; 3] 1.5 1.5 1.5\n"
					"x.many (array) [u8; 7] 1 2 3 4 5 6 …\n"
					"x.on (bool) true\n"
					"x.less (i16) -2\n"
					"x.real (f64) 1.5\n"
					"x.none (array) [u32; 0]\n");
	assert_string_equal(about.name, "Tiny");
	assert_string_equal(about.architecture, "llama");
	assert_string_equal(about.chat_format, "plain (assumed)");
	assert_string_equal(about.warning, "");
	assert_int_equal(about.file_bytes, file.len);
	assert_int_equal(about.tensors, 0);
	buffer_free(&lines);
	buffer_free(&file);
}

static void refuses(struct gguf_builder *g, const char *says)
{
	struct engine_file about;
	struct buffer file = gguf_bytes(g);
	struct buffer lines = {0};
	assert_int_equal(inspect_bytes(&file, &about, &lines), -1);
	if (!strstr(err, says))
		fail_msg("\"%s\" does not say \"%s\"", err, says);
	assert_null(strchr(err, '\n'));
	assert_int_equal(lines.len, 0); /* nothing is told of a file that is refused */
	buffer_free(&file);
}

static void test_refusals(void **state)
{
	struct gguf_builder g = {0};
	put_vocabulary(&g);
	put_u32(&g, "tokenizer.ggml.eos_token_id", 3);
	refuses(&g, "eos_token_id is 3, possible are 0 to 2");
	put_vocabulary(&g);
	put_u32(&g, "tokenizer.chat_template", 3);
	refuses(&g, "tokenizer.chat_template");
	refuses(&g, "no vocabulary");
}

static void test_real_models(void **state)
{
	static const struct {
		const char *file, *architecture, *format;
		int layers, embedding, vocab;
	} models[] = {
		{MODEL_SMOLLM2, "llama", "smollm2", 30, 576, 49152},
		{MODEL_QWEN_HALF, "qwen2", "qwen2.5", 24, 896, 151936},
		{MODEL_GEMMA, "gemma3", "gemma (assumed)", 18, 640, 262144},
	};
	char path[512];
	int seen = 0;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct engine_file about;
		if (!find_model(models[i].file, path, sizeof(path)))
			continue;
		seen++;
		assert_int_equal(engine_inspect(path, &about, NULL, NULL, err, sizeof(err)), 0);
		assert_string_equal(about.architecture, models[i].architecture);
		assert_string_equal(about.chat_format, models[i].format);
		assert_string_equal(about.warning, "");
		assert_int_equal(about.layers, models[i].layers);
		assert_int_equal(about.embedding, models[i].embedding);
		assert_int_equal(about.vocab_size, models[i].vocab);
		assert_true(about.tensors > 100 && about.parameters > 100000000);
	}
	if (!seen)
		skip();
}

static void test_no_such_file(void **state)
{
	struct engine_file about;
	assert_int_equal(engine_inspect("/nowhere/at/all.gguf", &about, NULL, NULL, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "/nowhere/at/all.gguf"));
	assert_int_equal(engine_inspect("/tmp", &about, NULL, NULL, err, sizeof(err)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_as_text),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_real_models),
		cmocka_unit_test(test_no_such_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
