/* A copy in huge pages holds what the file held, also when the file is cut short afterwards; a file that is cut short
 * before leaves the mapping as it is. */
#include "engine/fault_guard.h"
#include "engine/huge_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES = 4 * HUGE_PAGE };

struct mapped {
	FILE *file;
	uint8_t *bytes, *aligned; /* two whole huge pages from `aligned` on */
};

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

static struct mapped map_file(void)
{
	struct mapped m = {.file = tmpfile()};
	assert_non_null(m.file);
	for (size_t i = 0; i < BYTES; i++)
		fputc(pattern(i), m.file);
	assert_int_equal(fflush(m.file), 0);
	m.bytes = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fileno(m.file), 0);
	assert_true(m.bytes != MAP_FAILED);
	m.aligned = m.bytes + (HUGE_PAGE - (uintptr_t)m.bytes % HUGE_PAGE) % HUGE_PAGE;
	return m;
}

static void unmap(struct mapped *m)
{
	munmap(m->bytes, BYTES);
	fclose(m->file);
}

static void test_same_bytes(void **state)
{
	struct mapped m = map_file();
	size_t at = (size_t)(m.aligned - m.bytes);
	if (!huge_pages_replace(m.aligned, 2 * HUGE_PAGE))
		skip(); /* a system without */
	for (size_t i = 0; i < BYTES; i++)
		assert_int_equal(m.bytes[i], pattern(i));
	assert_int_equal(ftruncate(fileno(m.file), 0), 0);
	for (size_t i = at; i < at + 2 * HUGE_PAGE; i++)
		assert_int_equal(m.bytes[i], pattern(i));
	unmap(&m);
}

static void test_cut_before(void **state)
{
	struct mapped m = map_file();
	size_t at = (size_t)(m.aligned - m.bytes);
	fault_guard_install();
	assert_int_equal(ftruncate(fileno(m.file), (off_t)(at + HUGE_PAGE)), 0);
	assert_false(huge_pages_replace(m.aligned, 2 * HUGE_PAGE));
	for (size_t i = at; i < at + HUGE_PAGE; i++)
		assert_int_equal(m.bytes[i], pattern(i));
	unmap(&m);
}

static void test_worth(void **state)
{
	assert_false(huge_pages_worth(1 << 20)); /* small ones are quick anyway */
	assert_false(huge_pages_worth(1ull << 50));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_cut_before),
		cmocka_unit_test(test_worth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
