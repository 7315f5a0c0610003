#include "engine/fault_guard.h"
#include "engine/pool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES = 1 << 20, PARTS = 16 };

struct work {
	const volatile unsigned char *bytes;
	int sum[PARTS];
};

static void read_part(void *arg, int part, int thread)
{
	struct work *work = arg;
	(void)thread;
	for (int i = 0; i < BYTES / PARTS; i += 512)
		work->sum[part] += work->bytes[part * (BYTES / PARTS) + i];
}

/* A mapped file is cut in half: the parts of the first half are computed, the
 * others fault, on all threads, and the pool works on afterwards. */
static void test_a_cut_file_ends_the_work_alone(void **state)
{
	char path[] = "/tmp/bora-test-cut-XXXXXX";
	int fd = mkstemp(path);
	unsigned char *ones = malloc(BYTES);
	memset(ones, 1, BYTES);
	assert_int_equal(write(fd, ones, BYTES), BYTES);
	struct work work = {.bytes = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0)};
	fault_guard_install();
	for (int threads = 1; threads <= 3; threads++) {
		struct pool *pool = pool_create(threads);
		memset(work.sum, 0, sizeof(work.sum));
		assert_int_equal(ftruncate(fd, BYTES), 0);
		assert_int_equal(pwrite(fd, ones, BYTES, 0), BYTES);
		pool_run(pool, PARTS, read_part, &work);
		assert_false(pool_faulted(pool));
		assert_int_equal(work.sum[PARTS - 1], BYTES / PARTS / 512);
		assert_int_equal(ftruncate(fd, BYTES / 2), 0);
		memset(work.sum, 0, sizeof(work.sum));
		pool_run(pool, PARTS, read_part, &work);
		assert_true(pool_faulted(pool));
		assert_false(pool_faulted(pool));
		for (int i = 0; i < PARTS / 2; i++)
			assert_int_equal(work.sum[i], BYTES / PARTS / 512);
		assert_int_equal(work.sum[PARTS - 1], 0);
		pool_destroy(pool);
	}
	close(fd);
	unlink(path);
	free(ones);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_cut_file_ends_the_work_alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
