#include "engine/forward.h"
#include "tests/engine/models.h"
#include "tests/engine/tiny_model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
	COUNT = 100,
	IDENTICAL = 40, /* tokens whose logits are compared bit by bit: more than a kernel's block of columns */
};

struct setup {
	struct model *model;
	struct pool *pool;
	struct kv_cache *cache;
	struct forward *forward;
};

static void set_up(struct setup *s, const char *path, const char *isa, enum engine_kv_type kv, int batch, int threads)
{
	char err[512];
	if (model_open(&s->model, path, false, err, sizeof(err)))
		fail_msg("%s", err);
	const struct hparams *h = &s->model->h;
	struct kv_shape shape = {h->layers, h->heads_kv, h->head_k, h->head_v, 512, kv};
	assert_int_equal(kv_cache_create(&s->cache, &shape, err, sizeof(err)), 0);
	s->pool = pool_create(threads);
	s->forward = forward_create(s->model, kernels_choose(isa), s->pool, s->cache, batch, NULL);
}

static void tear_down(struct setup *s)
{
	forward_destroy(s->forward);
	pool_destroy(s->pool);
	kv_cache_destroy(s->cache);
	model_close(s->model);
}

/* Logits of count tokens, read in batches. */
static void read_all(struct setup *s, int count, int batch, float *logits)
{
	int32_t ids[COUNT];
	int vocab = s->model->h.vocab;
	for (int i = 0; i < count; i++)
		ids[i] = tiny_id(i);
	for (int at = 0; at < count; at += batch) {
		int n = count - at < batch ? count - at : batch;
		assert_int_equal(forward_read(s->forward, ids + at, n, at, 0), 0);
		assert_int_equal(forward_logits(s->forward, 0, n, logits + (size_t)at * (size_t)vocab), 0);
	}
}

static void temporary(const char *name, char *path, size_t size)
{
	const char *dir = getenv("TMPDIR");
	snprintf(path, size, "%s/bora-tiny-%s-%d.gguf", dir ? dir : "/tmp", name, (int)getpid());
}

/* --- The same bits for any batch, any number of threads and any kernel set ------------------------------ */

/* *kept: what the first kernel set computed, NULL before. */
static void check_identity(const char *path, const char *isa, enum engine_kv_type kv, float **kept)
{
	static const struct {
		int batch, threads;
	} ways[] = {{IDENTICAL, 1}, {7, 3}, {1, 2}, {IDENTICAL, 3}, {32, 2}};
	float *first = *kept, *other = NULL;
	/* All ways with the fastest set, which is first; two with the slower ones. */
	size_t count_ways = *kept ? 2 : sizeof(ways) / sizeof(*ways);
	for (size_t w = 0; w < count_ways; w++) {
		struct setup s;
		set_up(&s, path, isa, kv, ways[w].batch, ways[w].threads);
		size_t vocab = (size_t)s.model->h.vocab, count = IDENTICAL * vocab;
		bool begins = !first;
		if (begins)
			*kept = first = xcalloc(count, sizeof(float));
		if (!other)
			other = xcalloc(count, sizeof(float));
		read_all(&s, IDENTICAL, ways[w].batch, begins ? first : other);
		for (size_t i = 0; i < count; i++) {
			assert_true(isfinite(first[i]));
			if (!begins && memcmp(&first[i], &other[i], sizeof(float)) != 0)
				fail_msg("%s, %s: batch %d, %d threads: logit %zu of token %zu: %.9g and %.9g", path,
					 isa, ways[w].batch, ways[w].threads, i % vocab, i / vocab, (double)first[i],
					 (double)other[i]);
		}
		tear_down(&s);
	}
	free(other);
}

static void check_tiny(const struct tiny *tiny, enum engine_kv_type kv)
{
	char path[4096];
	float *kept = NULL;
	temporary(tiny->name, path, sizeof(path));
	assert_true(tiny_write(tiny, path));
	for (const char *const *isa = kernels_names(); *isa; isa++)
		check_identity(path, *isa, kv, &kept);
	free(kept);
	unlink(path);
}

static void test_identity_of_families(void **state)
{
	for (int i = 0; i < TINY_F32_COUNT; i++)
		check_tiny(&tiny_f32[i], (enum engine_kv_type)(i % 3));
}

static void test_identity_of_types(void **state)
{
	static const enum tensor_type types[] = {TYPE_F16,  TYPE_BF16, TYPE_Q4_0,   TYPE_Q4_1,  TYPE_Q5_0,
						 TYPE_Q5_1, TYPE_Q8_0, TYPE_Q2_K,   TYPE_Q3_K,  TYPE_Q4_K,
						 TYPE_Q5_K, TYPE_Q6_K, TYPE_IQ4_NL, TYPE_IQ4_XS};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct tiny tiny = {.name = type_name(types[i]),
				    .arch = "qwen2",
				    .type = types[i],
				    .embd = 256,
				    .heads = 4,
				    .heads_kv = 2,
				    .head = 64,
				    .ffn = 256,
				    .layers = 1};
		check_tiny(&tiny, (enum engine_kv_type)(i % 3));
	}
}

static void test_identity_of_smollm2(void **state)
{
	char path[4096];
	if (!find_model(MODEL_SMOLLM2, path, sizeof(path)))
		skip();
	const char *isa = kernels_names()[0];
	float *one, *other;
	struct setup a, b;
	set_up(&a, path, isa, ENGINE_KV_F16, 100, 2);
	set_up(&b, path, isa, ENGINE_KV_F16, 7, 1);
	size_t bytes = (size_t)COUNT * (size_t)a.model->h.vocab * sizeof(float);
	one = xmalloc(bytes);
	other = xmalloc(bytes);
	read_all(&a, COUNT, 100, one);
	read_all(&b, COUNT, 7, other);
	assert_memory_equal(one, other, bytes);
	free(one);
	free(other);
	tear_down(&a);
	tear_down(&b);
}

/* --- Right to 1e-3 ------------------------------------------------------------------------- */

static double log_sum(const float *logits, int n)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += exp((double)logits[i]);
	return log(sum);
}

static void compare_with_llama_cpp(const struct tiny *tiny, FILE *vectors)
{
	static const int positions[] = {0, 1, 15, 40, 99};
	char path[4096];
	struct setup s;
	float *logits = xcalloc((size_t)COUNT * TINY_VOCAB, sizeof(*logits)), wanted[TINY_VOCAB];
	/* llama.cpp looks GELU up in a table of half-precision numbers; ours is exact. */
	double tolerance = strcmp(tiny->arch, "gemma3") == 0 ? 1e-2 : 1e-3;
	temporary(tiny->name, path, sizeof(path));
	assert_true(tiny_write(tiny, path));
	set_up(&s, path, NULL, ENGINE_KV_F32, 64, 2);
	read_all(&s, COUNT, 64, logits);
	for (size_t p = 0; p < sizeof(positions) / sizeof(*positions); p++) {
		const float *row = logits + positions[p] * TINY_VOCAB;
		double total = log_sum(row, TINY_VOCAB);
		assert_int_equal(fread(wanted, sizeof(*wanted), TINY_VOCAB, vectors), TINY_VOCAB);
		for (int i = 0; i < TINY_VOCAB; i++)
			if (fabs((double)row[i] - total - (double)wanted[i]) > tolerance)
				fail_msg("%s: token %d, id %d: %g, llama.cpp %g", tiny->name, positions[p], i,
					 (double)row[i] - total, (double)wanted[i]);
	}
	tear_down(&s);
	unlink(path);
	free(logits);
}

static void test_f32_agrees_with_llama_cpp(void **state)
{
	FILE *vectors = fopen("tests/vectors/tiny.bin", "rb");
	assert_non_null(vectors);
	for (int i = 0; i < TINY_F32_COUNT; i++)
		compare_with_llama_cpp(&tiny_f32[i], vectors);
	fclose(vectors);
}

/* --- Cancelling ------------------------------------------------------------------------------ */

static void test_cancel_ends_a_pass(void **state)
{
	char path[4096];
	struct setup s;
	atomic_bool cancel = true;
	int32_t ids[] = {5, 6, 7};
	temporary("cancel", path, sizeof(path));
	assert_true(tiny_write(&tiny_f32[0], path));
	set_up(&s, path, NULL, ENGINE_KV_F16, 8, 2);
	struct forward *f = forward_create(s.model, kernels_choose(NULL), s.pool, s.cache, 8, &cancel);
	assert_int_equal(forward_read(f, ids, 3, 0, 2), -1);
	atomic_store(&cancel, false);
	assert_int_equal(forward_read(f, ids, 3, 0, 2), 0);
	forward_destroy(f);
	tear_down(&s);
	unlink(path);
}

static int write_models(const char *dir)
{
	for (int i = 0; i < TINY_F32_COUNT; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s.gguf", dir, tiny_f32[i].name);
		if (!tiny_write(&tiny_f32[i], path))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f32_agrees_with_llama_cpp), cmocka_unit_test(test_identity_of_families),
		cmocka_unit_test(test_identity_of_types),         cmocka_unit_test(test_identity_of_smollm2),
		cmocka_unit_test(test_cancel_ends_a_pass),
	};
	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_models(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
