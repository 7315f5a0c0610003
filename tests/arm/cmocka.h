/* cmocka.h: as much of cmocka as the engine's tests use, for systems that tests are built for but that have no such
 * package here. Output is cmocka's, which tests/run.sh counts. */
#ifndef CMOCKA_H
#define CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

enum { CMOCKA_FAILED = 1, CMOCKA_SKIPPED };
static jmp_buf cmocka_end;

static inline _Noreturn __attribute__((format(printf, 3, 4))) void cmocka_fail(const char *file, int line,
									       const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n%s:%d: error: Failure!\n", file, line);
	longjmp(cmocka_end, CMOCKA_FAILED);
}

#define fail_msg(...) cmocka_fail(__FILE__, __LINE__, __VA_ARGS__)
#define skip()        longjmp(cmocka_end, CMOCKA_SKIPPED)
#define assert_true(x)                      \
	do {                                \
		if (!(x))                   \
			fail_msg("%s", #x); \
	} while (0)
#define assert_false(x)              assert_true(!(x))
#define assert_null(x)               assert_true(!(x))
#define assert_non_null(x)           assert_true(x)
#define assert_int_equal(a, b)       assert_true((a) == (b))
#define assert_ptr_equal(a, b)       assert_true((a) == (b))
#define assert_string_equal(a, b)    assert_true(strcmp(a, b) == 0)
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define cmocka_unit_test(function)  \
	{                           \
#function, function \
	}
#define cmocka_run_group_tests(t, a, b) cmocka_run(t, sizeof(t) / sizeof(*(t)))

static inline int cmocka_run(const struct CMUnitTest *tests, size_t count)
{
	volatile int failed = 0;
	for (volatile size_t i = 0; i < count; i++) {
		void *state = NULL;
		int how = setjmp(cmocka_end);
		if (how == 0)
			tests[i].run(&state);
		printf("[ %s ] %s\n",
		       how == 0                ? "      OK"
		       : how == CMOCKA_SKIPPED ? " SKIPPED"
					       : " FAILED ",
		       tests[i].name);
		failed += how == CMOCKA_FAILED;
		fflush(stdout);
	}
	if (failed)
		printf("[  FAILED  ] %d test(s), listed above\n", failed);
	return failed;
}

#endif
