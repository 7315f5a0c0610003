#include "engine/sampler.h"
#include "xmalloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 1000, DRAWS = 20000 };

/* Falling probabilities in a scrambled order: id (i * 7) % VOCAB has rank i. */
static void fill(float *logits, float step)
{
	for (int i = 0; i < VOCAB; i++)
		logits[i * 7 % VOCAB] = 5 - step * (float)i;
}

static const struct engine_sampling plain = {.temp = 1, .top_p = 1, .repeat_penalty = 1, .seed = 1};

/* Draws often; counts how often each id came. Returns how many different ids came. */
static int draw_many(const struct engine_sampling *settings, const float *logits, int *seen)
{
	struct sampler *sampler = sampler_create(VOCAB);
	int different = 0;
	memset(seen, 0, VOCAB * sizeof(*seen));
	sampler_start(sampler, settings);
	for (int i = 0; i < DRAWS; i++) {
		int32_t id = sampler_pick(sampler, logits);
		assert_in_range(id, 0, VOCAB - 1);
		different += seen[id]++ == 0;
	}
	sampler_destroy(sampler);
	return different;
}

static void test_greedy_takes_the_lowest_of_the_largest(void **state)
{
	float logits[VOCAB] = {0};
	struct engine_sampling settings = plain;
	settings.temp = 0;
	logits[400] = logits[17] = logits[999] = 2;
	struct sampler *sampler = sampler_create(VOCAB);
	sampler_start(sampler, &settings);
	assert_int_equal(sampler_pick(sampler, logits), 17);
	sampler_destroy(sampler);
}

static void test_top_is_sorted(void **state)
{
	float logits[VOCAB];
	struct candidate top[VOCAB];
	fill(logits, 0.01f);
	for (int count = 0; count <= VOCAB; count += 37) {
		sampler_top(logits, VOCAB, count, top);
		for (int i = 0; i < count; i++)
			assert_int_equal(top[i].id, i * 7 % VOCAB);
	}
	memset(logits, 0, sizeof(logits));
	sampler_top(logits, VOCAB, 5, top);
	for (int i = 0; i < 5; i++)
		assert_int_equal(top[i].id, i);
}

static void test_top_k(void **state)
{
	float logits[VOCAB];
	int seen[VOCAB];
	struct engine_sampling settings = plain;
	fill(logits, 0.1f);
	settings.top_k = 5;
	assert_int_equal(draw_many(&settings, logits, seen), 5);
	for (int i = 0; i < 5; i++)
		assert_true(seen[i * 7 % VOCAB] > 0);
	settings.top_k = 1;
	assert_int_equal(draw_many(&settings, logits, seen), 1);
}

/* Ranks have probability (1 - q) q^i with q = exp(-0.5): 0.393, 0.239, 0.145, 0.088, 0.053 … */
static void test_top_p(void **state)
{
	float logits[VOCAB];
	int seen[VOCAB];
	struct engine_sampling settings = plain;
	fill(logits, 0.5f);
	settings.top_p = 0.62f;
	assert_int_equal(draw_many(&settings, logits, seen), 2);
	settings.top_p = 0.64f;
	assert_int_equal(draw_many(&settings, logits, seen), 3);
	settings.top_p = 0.0001f;
	assert_int_equal(draw_many(&settings, logits, seen), 1);
}

/* A nucleus wider than the likeliest few: 1,000 equal logits need 300 for 0.2995. */
static void test_wide_nucleus(void **state)
{
	float logits[VOCAB] = {0};
	int seen[VOCAB];
	struct engine_sampling settings = plain;
	settings.top_p = 0.2995f;
	assert_int_equal(draw_many(&settings, logits, seen), 300);
	for (int i = 0; i < 300; i++)
		assert_true(seen[i] > 0);
}

static void test_min_p(void **state)
{
	float logits[VOCAB];
	int seen[VOCAB];
	struct engine_sampling settings = plain;
	fill(logits, 0.5f);
	settings.min_p = 0.2f; /* exp(-0.5 i) >= 0.2 for i <= 3 */
	assert_int_equal(draw_many(&settings, logits, seen), 4);
}

static void test_frequencies(void **state)
{
	float logits[VOCAB];
	int seen[VOCAB];
	struct engine_sampling settings = plain;
	fill(logits, 0.5f);
	draw_many(&settings, logits, seen);
	assert_true(fabs(seen[0] / (double)DRAWS - 0.3935) < 0.015);
	assert_true(fabs(seen[7] / (double)DRAWS - 0.2387) < 0.015);
	settings.temp = 0.5f; /* q = exp(-1) */
	draw_many(&settings, logits, seen);
	assert_true(fabs(seen[0] / (double)DRAWS - 0.6321) < 0.015);
}

static void test_seed(void **state)
{
	float logits[VOCAB];
	int32_t first[100], same = 0;
	struct engine_sampling settings = plain;
	struct sampler *sampler = sampler_create(VOCAB);
	fill(logits, 0.01f);
	sampler_start(sampler, &settings);
	for (int i = 0; i < 100; i++)
		first[i] = sampler_pick(sampler, logits);
	sampler_start(sampler, &settings);
	for (int i = 0; i < 100; i++)
		assert_int_equal(sampler_pick(sampler, logits), first[i]);
	settings.seed = 2;
	sampler_start(sampler, &settings);
	for (int i = 0; i < 100; i++)
		same += sampler_pick(sampler, logits) == first[i];
	assert_true(same < 20);
	sampler_destroy(sampler);
}

static void test_repeat_penalty(void **state)
{
	float logits[VOCAB] = {0};
	struct engine_sampling settings = {.temp = 0, .repeat_penalty = 2};
	struct sampler *sampler = sampler_create(VOCAB);
	logits[3] = 4;
	logits[5] = 3;
	sampler_start(sampler, &settings);
	assert_int_equal(sampler_pick(sampler, logits), 3);
	sampler_accept(sampler, 3);
	sampler_accept(sampler, 3); /* counts once: 4 / 2 < 3 */
	assert_int_equal(sampler_pick(sampler, logits), 5);
	for (int i = 0; i < 64; i++)
		sampler_accept(sampler, 9);
	assert_int_equal(sampler_pick(sampler, logits), 3); /* out of the window */
	sampler_destroy(sampler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greedy_takes_the_lowest_of_the_largest),
		cmocka_unit_test(test_top_is_sorted),
		cmocka_unit_test(test_top_k),
		cmocka_unit_test(test_top_p),
		cmocka_unit_test(test_wide_nucleus),
		cmocka_unit_test(test_min_p),
		cmocka_unit_test(test_frequencies),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_repeat_penalty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
