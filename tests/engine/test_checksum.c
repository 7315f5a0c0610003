/* The checksum against published values of XXH64, and against changes. */
#include "engine/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_published_values(void **state)
{
	const char *sentence = "Nobody inspects the spammish repetition";
	assert_true(checksum("", 0, 0) == 0xef46db3751d8e999u);
	assert_true(checksum("abc", 3, 0) == 0x44bc2cf5ad770999u);
	assert_true(checksum(sentence, strlen(sentence), 0) == 0xfbcea83c8a378bf1u);
}

/* Every length to past two stripes; every bit counts, and so does the seed. */
static void test_every_bit_counts(void **state)
{
	uint8_t bytes[80] = {0};
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		uint64_t sum = checksum(bytes, len, 1);
		assert_true(sum != checksum(bytes, len, 2));
		for (size_t bit = 0; bit < len * 8; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(sum != checksum(bytes, len, 1));
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_values),
		cmocka_unit_test(test_every_bit_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
