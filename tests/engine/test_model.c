#include "engine/model.h"
#include "tests/engine/models.h"
#include "tests/engine/tiny_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char err[1024];

struct file {
	char path[64];
	char *bytes;
	size_t len;
};

static void read_file(struct file *file)
{
	FILE *handle = fopen(file->path, "rb");
	assert_non_null(handle);
	fseek(handle, 0, SEEK_END);
	file->len = (size_t)ftell(handle);
	file->bytes = xmalloc(file->len);
	rewind(handle);
	assert_int_equal(fread(file->bytes, 1, file->len, handle), file->len);
	fclose(handle);
}

static void write_file(const struct file *file)
{
	FILE *handle = fopen(file->path, "wb");
	assert_non_null(handle);
	assert_int_equal(fwrite(file->bytes, 1, file->len, handle), file->len);
	fclose(handle);
}

static void make(struct file *file, const char *name)
{
	snprintf(file->path, sizeof(file->path), "/tmp/bora-test-model-%d.gguf", (int)getpid());
	for (int i = 0; i < TINY_F32_COUNT; i++)
		if (strcmp(tiny_f32[i].name, name) == 0)
			assert_true(tiny_write(&tiny_f32[i], file->path));
	read_file(file);
}

static void drop(struct file *file)
{
	unlink(file->path);
	free(file->bytes);
}

static char *find(const struct file *file, const char *text)
{
	char *at = memmem(file->bytes, file->len, text, strlen(text));
	assert_non_null(at);
	return at;
}

static void refused(const struct file *file, const char *says)
{
	struct model *model;
	write_file(file);
	err[0] = '\0';
	if (model_open(&model, file->path, false, err, sizeof(err)) == 0) {
		model_close(model);
		fail_msg("accepted, should be refused for: %s", says);
	}
	if (!strstr(err, says) || !strstr(err, file->path))
		fail_msg("'%s' does not say '%s' or the file", err, says);
}

static void test_tiny_models_open(void **state)
{
	for (int i = 0; i < TINY_F32_COUNT; i++) {
		struct file file;
		struct model *model;
		make(&file, tiny_f32[i].name);
		if (model_open(&model, file.path, false, err, sizeof(err)))
			fail_msg("%s", err);
		assert_string_equal(model->arch, tiny_f32[i].arch);
		assert_int_equal(model->h.layers, tiny_f32[i].layers);
		assert_int_equal(model->h.heads_kv, tiny_f32[i].heads_kv);
		assert_true((model->output == model->token_embd) == !tiny_f32[i].untied);
		assert_string_equal(model->warning, "");
		assert_int_equal(strlen(model->fingerprint), 32);
		model_close(model);
		drop(&file);
	}
}

/* Faults 8, 14 and 15: a metadata value, 32 bits wide, that cannot be. */
static void test_hyperparameters(void **state)
{
	static const struct {
		const char *key;
		uint32_t value;
	} bad[] = {
		{"llama.block_count", 0},
		{"llama.block_count", 513},
		{"llama.block_count", 0xffffffff},
		{"llama.context_length", 0},
		{"llama.embedding_length", 0},
		{"llama.embedding_length", 0x7fffffff},
		{"llama.feed_forward_length", 0},
		{"llama.attention.head_count", 0},
		{"llama.attention.head_count", 0xffffffff},
		{"llama.attention.head_count_kv", 0},
		{"llama.attention.head_count_kv", 3},
		{"llama.attention.key_length", 0},
		{"llama.attention.value_length", 0x10000},
		{"llama.rope.dimension_count", 31},
		{"llama.rope.dimension_count", 64},
		{"llama.attention.layer_norm_rms_epsilon", 0},
		{"llama.attention.layer_norm_rms_epsilon", 0x7fc00000}, /* NaN */
		{"llama.rope.freq_base", 0x7f800000},                   /* infinity */
		{"llama.rope.freq_base", 0},
		{"llama.rope.scaling.factor", 0xff800000},
		{"llama.rope.scaling.original_context_length", 0},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct file file;
		make(&file, "llama-yarn");
		memcpy(find(&file, bad[i].key) + strlen(bad[i].key) + 4, &bad[i].value, 4);
		refused(&file, bad[i].key);
		drop(&file);
	}
}

static void test_types_of_values(void **state)
{
	static const char *const keys[] = {"llama.block_count", "llama.attention.layer_norm_rms_epsilon",
					   "llama.rope.freq_base"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct file file;
		make(&file, "llama");
		uint32_t type = i ? GGUF_U32 : GGUF_F32;
		memcpy(find(&file, keys[i]) + strlen(keys[i]), &type, 4);
		refused(&file, keys[i]);
		drop(&file);
	}
}

/* Faults 13 and 15: names and shapes. A renamed tensor is missing. */
static void test_tensors(void **state)
{
	static const char *const names[] = {"token_embd.weight",    "output_norm.weight",  "blk.0.attn_norm.weight",
					    "blk.1.attn_q.weight",  "blk.0.attn_k.weight", "blk.1.attn_output.weight",
					    "blk.1.ffn_down.weight"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct file file;
		make(&file, "llama");
		find(&file, names[i])[0] = 'X';
		refused(&file, names[i]);
		drop(&file);
		make(&file, "llama");
		char *dims = find(&file, names[i]) + strlen(names[i]) + 4;
		uint64_t smaller;
		memcpy(&smaller, dims, 8);
		smaller -= 32;
		memcpy(dims, &smaller, 8);
		refused(&file, names[i]);
		drop(&file);
	}
}

static void test_families(void **state)
{
	struct file file;
	make(&file, "llama");
	memcpy(find(&file, "llama"), "lemma", 5);
	refused(&file, "lemma");
	drop(&file);
	make(&file, "qwen2");
	find(&file, "blk.1.attn_k.bias")[4] = '9';
	refused(&file, "blk.1.attn_k.bias");
	drop(&file);
	make(&file, "llama-yarn");
	memcpy(find(&file, "rope.scaling.type") + strlen("rope.scaling.type") + 4 + 8, "yarm", 4);
	refused(&file, "yarm");
	drop(&file);
}

/* A tensor that would have to be computed with is never passed over: rope_freqs is renamed to it, and
 * is not required itself, so that only the name can be the reason. */
static void test_steps_we_do_not_compute_are_refused(void **state)
{
	static const char *const names[] = {"blk.0.ffn_gate.bias", "blk.0.ffn_down.bias", "blk.0.ffn_up.bias"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct file file;
		make(&file, "llama-freqs");
		size_t len = strlen(names[i]), old = strlen("rope_freqs.weight");
		file.bytes = xreallocarray(file.bytes, file.len + 64, 1);
		char *at = find(&file, "rope_freqs.weight");
		memmove(at + len, at + old, file.len - (size_t)(at + old - file.bytes));
		memcpy(at, names[i], len);
		at[-8] = (char)len;
		file.len += len - old;
		refused(&file, names[i]);
		assert_non_null(strstr(err, "models with this step are not supported"));
		drop(&file);
	}
}

static void test_unknown_tensors_are_told(void **state)
{
	struct file file;
	struct model *model;
	make(&file, "llama-freqs");
	memcpy(find(&file, "rope_freqs"), "some_freqs", 10);
	write_file(&file);
	assert_int_equal(model_open(&model, file.path, false, err, sizeof(err)), 0);
	assert_non_null(strstr(model->warning, "1 tensors"));
	model_close(model);
	drop(&file);
}

static void test_real_models(void **state)
{
	static const struct {
		const char *file, *arch, *type;
		int layers, embd, heads_kv, vocab;
	} real[] = {
		{"smollm2-135m-instruct-q4_1.gguf", "llama", "Q4_1", 30, 576, 3, 49152},
		{"gemma-3-270m-q4_k_m.gguf", "gemma3", "Q4_K_M", 18, 640, 1, 262144},
		{"qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "qwen2", "Q4_K_M", 24, 896, 2, 151936},
	};
	int found = 0;
	for (size_t i = 0; i < sizeof(real) / sizeof(*real); i++) {
		char path[1024];
		struct model *model;
		if (!find_model(real[i].file, path, sizeof(path)))
			continue;
		found++;
		if (model_open(&model, path, false, err, sizeof(err)))
			fail_msg("%s", err);
		assert_string_equal(model->arch, real[i].arch);
		assert_string_equal(model->file_type, real[i].type);
		assert_int_equal(model->h.layers, real[i].layers);
		assert_int_equal(model->h.embd, real[i].embd);
		assert_int_equal(model->h.heads_kv, real[i].heads_kv);
		assert_int_equal(model->h.vocab, real[i].vocab);
		model_close(model);
	}
	if (!found)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiny_models_open),
		cmocka_unit_test(test_hyperparameters),
		cmocka_unit_test(test_types_of_values),
		cmocka_unit_test(test_tensors),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_steps_we_do_not_compute_are_refused),
		cmocka_unit_test(test_unknown_tensors_are_told),
		cmocka_unit_test(test_real_models),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
