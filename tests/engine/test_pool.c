#include "engine/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { PARTS_MAX = 257 };

struct work {
	atomic_int done[PARTS_MAX];
	atomic_int bad_thread;
	int threads, plain[PARTS_MAX];
};

static void count_part(void *arg, int part, int thread)
{
	struct work *work = arg;
	atomic_fetch_add(&work->done[part], 1);
	work->plain[part] = part + 1;
	if (thread < 0 || thread >= work->threads)
		atomic_fetch_add(&work->bad_thread, 1);
}

/* Every part is computed exactly once, and what parts wrote is there when the run returns. */
static void test_each_part_once(void **state)
{
	for (int threads = 1; threads <= 5; threads++) {
		struct pool *pool = pool_create(threads);
		assert_int_equal(pool_threads(pool), threads);
		for (int run = 0; run < 2000; run++) {
			struct work work = {.threads = threads};
			int parts = run % PARTS_MAX;
			pool_run(pool, parts, count_part, &work);
			for (int i = 0; i < PARTS_MAX; i++) {
				assert_int_equal(work.done[i], i < parts);
				assert_int_equal(work.plain[i], i < parts ? i + 1 : 0);
			}
			assert_int_equal(work.bad_thread, 0);
		}
		pool_destroy(pool);
	}
}

/* Workers that have gone to sleep come back. */
static void test_after_sleep(void **state)
{
	struct pool *pool = pool_create(3);
	for (int run = 0; run < 5; run++) {
		struct work work = {.threads = 3};
		usleep(20000);
		pool_run(pool, 64, count_part, &work);
		for (int i = 0; i < 64; i++)
			assert_int_equal(work.done[i], 1);
	}
	pool_destroy(pool);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void test_idle_costs_nothing(void **state)
{
	struct pool *pool = pool_create(4);
	struct work work = {.threads = 4};
	pool_run(pool, 8, count_part, &work);
	usleep(50000);
	double before = cpu_seconds();
	usleep(300000);
	assert_true(cpu_seconds() - before < 0.02);
	pool_destroy(pool);
}

static void test_default_threads(void **state)
{
	assert_in_range(pool_default_threads(), 1, sysconf(_SC_NPROCESSORS_ONLN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_part_once),
		cmocka_unit_test(test_after_sleep),
		cmocka_unit_test(test_idle_costs_nothing),
		cmocka_unit_test(test_default_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
