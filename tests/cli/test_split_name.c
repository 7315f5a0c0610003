/* Names of the files of a model in several. */
#include "split_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void names(void **state)
{
	int number = 0, of = 0;
	assert_true(split_name("dir/a-00002-of-00005.gguf", &number, &of));
	assert_int_equal(number, 2);
	assert_int_equal(of, 5);
	static const char *const others[] = {
		"a-2-of-5.gguf",
		"-00001-of-00002.gguf",
		"dir/-00001-of-00002.gguf",
		"a-00001-of-00002.gguf.part",
		"a-00000-of-00002.gguf",
		"a-00003-of-00002.gguf",
		"a--0001-of-00002.gguf",
		"a- 0001-of-00002.gguf",
		"a-00001-of-0002x.gguf",
		"a-00001-of--0002.gguf",
		"a-00001-of-00002.GGUF",
		"",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(split_name(others[i], &number, &of));
}

static void others(void **state)
{
	char *name = split_name_of("x-00001-of-00003/a-00001-of-00012.gguf", 12);
	assert_string_equal(name, "x-00001-of-00003/a-00012-of-00012.gguf");
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(others)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
