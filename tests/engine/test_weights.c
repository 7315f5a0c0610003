/* Weights come in from front to back, and copies of them take their place without a byte changing. */
#include "engine/huge_pages.h"
#include "engine/weights.h"
#include "models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct gguf *open_model(void)
{
	char path[4096], err[512];
	struct gguf *gguf;
	if (!find_model(MODEL_SMOLLM2, path, sizeof(path)))
		return NULL;
	assert_int_equal(gguf_open(&gguf, path, err, sizeof(err)), 0);
	return gguf;
}

static uint64_t sum_of(const struct gguf *gguf)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
		const struct tensor *t = gguf_tensor_at(gguf, i);
		for (size_t at = 0; at + 8 <= t->size; at += 8) {
			uint64_t word;
			memcpy(&word, (const uint8_t *)t->data + at, sizeof(word));
			sum = sum * 31 + word;
		}
	}
	return sum;
}

static void test_copies_are_the_same(void **state)
{
	struct gguf *gguf = open_model();
	struct weights w;
	if (!gguf)
		skip();
	uint64_t before = sum_of(gguf);
	weights_plan(&w, gguf);
	assert_true(w.total > 64 << 20 && w.file_left == w.total);
	assert_false(weights_copy(&w)); /* nothing has been brought in */
	size_t planned = w.copy_left;
	for (size_t left = w.file_left; weights_bring_in(&w); left = w.file_left)
		assert_true(w.file_left < left);
	assert_int_equal(w.file_left, 0);
	assert_int_equal(w.copy_left, planned);
	while (weights_copy(&w))
		;
	assert_int_equal(w.copy_left, 0);
	assert_true(sum_of(gguf) == before);
	gguf_close(gguf);
}

static void test_one_after_the_other(void **state)
{
	struct gguf *gguf = open_model();
	struct weights w;
	if (!gguf)
		skip();
	weights_plan(&w, gguf);
	if (!w.copy_left) {
		gguf_close(gguf);
		skip(); /* a system without huge pages */
	}
	assert_int_equal((uintptr_t)w.copy % HUGE_PAGE, 0);
	do {
		weights_bring_in(&w);
		if (!weights_copy(&w) && w.copy_left)
			assert_true(w.file < w.copy + w.copy_left); /* it waits for pages alone */
		assert_true(w.copy <= w.file);
	} while (w.file_left || w.copy_left);
	gguf_close(gguf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_are_the_same),
		cmocka_unit_test(test_one_after_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
