#include "engine/key_balance.h"
#include "tests/engine/tiny_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static void with_model(const struct tiny *tiny, void (*check)(const struct model *, const struct key_balance *))
{
	char path[4096], err[512];
	const char *dir = getenv("TMPDIR");
	struct model *model;
	struct key_balance balance;
	struct pool *pool = pool_create(2);
	snprintf(path, sizeof(path), "%s/bora-balance-%d.gguf", dir ? dir : "/tmp", (int)getpid());
	assert_true(tiny_write(tiny, path));
	if (model_open(&model, path, false, err, sizeof(err)))
		fail_msg("%s", err);
	key_balance_init(&balance, model, kernels_choose(NULL), pool);
	check(model, &balance);
	key_balance_free(&balance);
	assert_null(balance.key);
	model_close(model);
	pool_destroy(pool);
	unlink(path);
}

/* Every factor is a power of two, its partner is the inverse, and elements that rotate together share it. */
static void check_factors(const struct model *model, const struct key_balance *balance)
{
	const struct hparams *h = &model->h;
	for (int head = 0; head < h->layers * h->heads_kv; head++) {
		const float *key = balance->key + head * h->head_k, *query = balance->query + head * h->head_k;
		for (int i = 0; i < h->head_k; i++) {
			int exponent;
			assert_true(frexpf(key[i], &exponent) == 0.5f);
			assert_true(key[i] * query[i] == 1);
		}
		for (int i = 0; i < h->rot / 2; i++)
			assert_true(h->rope_layout == ROPE_NORM ? key[2 * i] == key[2 * i + 1]
								: key[i] == key[i + h->rot / 2]);
	}
}

static void test_factors(void **state)
{
	for (int i = 0; i < TINY_F32_COUNT; i++)
		with_model(&tiny_f32[i], check_factors);
}

/* An element's factor undoes the size of its row and its bias. */
static void check_size(const struct model *model, const struct key_balance *balance)
{
	const struct hparams *h = &model->h;
	const struct model_layer *l = &model->layer[0];
	float *row = xcalloc((size_t)h->embd, sizeof(*row));
	for (int i = 0; i < h->rot / 2; i++) {
		double square = 0;
		for (int half = 0; half < 2; half++) {
			int r = i + half * h->rot / 2;
			float bias = ((const float *)(const void *)l->attn_k_bias->data)[r];
			kernels_reference.to_float(l->attn_k->type, l->attn_k->data + (size_t)r * l->attn_k->row_bytes,
						   h->embd, row);
			for (int j = 0; j < h->embd; j++) {
				double x =
					(double)row[j] * (double)((const float *)(const void *)l->attn_norm->data)[j];
				square += x * x / 2;
			}
			square += (double)bias * (double)bias / 2;
		}
		double left = sqrt(square) * (double)balance->key[i];
		assert_true(left > 0.7 && left < 1.42);
	}
	free(row);
}

static void test_size(void **state)
{
	with_model(&(struct tiny){.name = "sizes",
				  .arch = "qwen2",
				  .type = TYPE_F32,
				  .embd = 256,
				  .heads = 4,
				  .heads_kv = 2,
				  .head = 64,
				  .ffn = 64,
				  .layers = 1},
		   check_size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_factors),
		cmocka_unit_test(test_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
