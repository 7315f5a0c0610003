#include "cli/extract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What comes out of text that arrives `step` bytes at a time. */
static char *extracted(const char *text, int block, size_t step, int *count, bool *found)
{
	struct buffer out = {0};
	struct extract *x = extract_create(block);
	for (size_t at = 0, len = strlen(text); at < len; at += step)
		extract_add(x, text + at, len - at < step ? len - at : step, &out);
	extract_end(x, &out);
	*count = extract_count(x);
	*found = extract_found(x);
	extract_free(x);
	return buffer_take(&out);
}

static void check(const char *text, int block, const char *expected, int blocks, bool there)
{
	for (size_t step = 1; step <= strlen(text) + 1; step = step * 2 + 1) {
		int count;
		bool found;
		char *out = extracted(text, block, step, &count, &found);
		assert_string_equal(out, expected);
		assert_int_equal(count, blocks);
		assert_true(found == there);
		free(out);
	}
}

static const char two[] = "Here:\n```c\nint a;\n\nint b;\n```\nand\n\n~~~~\n```\nx\n~~~\n~~~~\nDone.\n";

static void test_blocks(void **state)
{
	check(two, 0, "int a;\n\nint b;\n\n```\nx\n~~~\n", 2, true);
	check(two, 1, "int a;\n\nint b;\n", 2, true);
	check(two, 2, "```\nx\n~~~\n", 2, true);
	check(two, 3, "", 2, false);
}

static void test_no_block_is_the_whole(void **state)
{
	check("ls -l", 0, "ls -l", 0, true);
	check("ls -l", 1, "ls -l", 0, true);
	check("ls -l", 2, "", 0, false);
	check("", 0, "", 0, true);
	check("`a` and ``b``\n", 0, "`a` and ``b``\n", 0, true);
	check("```a`b\nno fence\n", 0, "```a`b\nno fence\n", 0, true);
}

static void test_cut_short(void **state)
{
	check("```sh\nmake", 0, "make\n", 1, true);
	check("```sh\nmake\n``", 0, "make\n``\n", 1, true);
	check("```", 0, "", 1, true);
}

static void test_fence_in_a_list(void **state)
{
	check("1. So:\n   ```py\n   if a:\n       b\n   ```\n", 0, "if a:\n    b\n", 1, true);
	check("```\r\na\r\n```\r\n", 0, "a\r\n", 1, true);
	check("10. a\n    ```\n    x\n    ```\n", 0, "x\n", 1, true);
	check("- ```\n  a\n\n    b\n  ```\n- c\n", 0, "a\n\n  b\n", 1, true);
	check("> - ```py\n>   if a:\n>       b\n>   ```\nd\n", 0, "if a:\n    b\n", 1, true);
	check("- > ```\n  > x\n  > ```\n", 0, "x\n", 1, true);
	check("1. - ```\n     x\n     ```\n2. ```\n   y\n   ```\n", 2, "y\n", 2, true);
	check("-     ```\n", 0, "-     ```\n", 0, true); /* code by its indentation */
}

/* A block's lines come out before the answer is over. */
static void test_streams(void **state)
{
	struct buffer out = {0};
	struct extract *x = extract_create(1);
	extract_add(x, "```\none\ntw", 10, &out);
	assert_string_equal(out.data, "one\n");
	extract_free(x);
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),    cmocka_unit_test(test_no_block_is_the_whole),
		cmocka_unit_test(test_cut_short), cmocka_unit_test(test_fence_in_a_list),
		cmocka_unit_test(test_streams),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
