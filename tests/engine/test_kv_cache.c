#include "engine/kv_cache.h"
#include "engine/kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static long resident_pages(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
	fclose(file);
	return resident;
}

/* Rows of one head follow each other; no two rows share a byte. */
static void test_rows_do_not_overlap(void **state)
{
	for (int type = ENGINE_KV_F16; type <= ENGINE_KV_F32; type++) {
		char err[256];
		struct kv_cache *cache;
		struct kv_shape shape = {2, 3, 64, 32, 5, (enum engine_kv_type)type};
		size_t key = kernels_kv_row_bytes(type, 64), value = kernels_kv_row_bytes(type, 32);
		assert_int_equal(kv_cache_create(&cache, &shape, err, sizeof(err)), 0);
		for (int i = 0; i < 30; i++) {
			memset(kv_cache_key(cache, i / 15, i / 5 % 3, i % 5), i, key);
			memset(kv_cache_value(cache, i / 15, i / 5 % 3, i % 5), 100 + i, value);
		}
		for (int i = 0; i < 30; i++)
			for (size_t b = 0; b < key; b++) {
				assert_int_equal(kv_cache_key(cache, i / 15, i / 5 % 3, i % 5)[b], i);
				if (b < value)
					assert_int_equal(kv_cache_value(cache, i / 15, i / 5 % 3, i % 5)[b], 100 + i);
			}
		assert_ptr_equal(kv_cache_key(cache, 1, 2, 1), kv_cache_key(cache, 1, 2, 0) + key);
		assert_ptr_equal(kv_cache_value(cache, 1, 2, 4), kv_cache_value(cache, 1, 2, 0) + 4 * value);
		kv_cache_destroy(cache);
	}
}

static void test_memory_follows_use(void **state)
{
	char err[256];
	struct kv_cache *cache;
	struct kv_shape shape = {4, 2, 128, 128, 1 << 20, ENGINE_KV_F32};
	long before = resident_pages();
	assert_int_equal(kv_cache_create(&cache, &shape, err, sizeof(err)), 0); /* 8 GiB of address space */
	assert_true(resident_pages() - before < 64);
	for (int layer = 0; layer < 4; layer++)
		memset(kv_cache_key(cache, layer, 0, 0), 1, (size_t)1000 * 128 * 4);
	assert_true(resident_pages() - before > 400);
	kv_cache_release(cache, 8);
	assert_true(resident_pages() - before < 64);
	assert_int_equal(kv_cache_key(cache, 3, 0, 7)[0], 1);   /* kept */
	assert_int_equal(kv_cache_key(cache, 3, 0, 900)[0], 0); /* given back */
	kv_cache_destroy(cache);
}

static void test_too_large(void **state)
{
	char err[256] = "";
	struct kv_cache *cache;
	struct kv_shape shape = {1000, 1000, 4096, 4096, 1 << 24, ENGINE_KV_F32};
	assert_int_equal(kv_cache_create(&cache, &shape, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "--ctx-size"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_do_not_overlap),
		cmocka_unit_test(test_memory_follows_use),
		cmocka_unit_test(test_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
