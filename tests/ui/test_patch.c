/* Diffs made and taken, checked against each other and against patch(1). */
#include "ui/patch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *old, const char *diff, const char *expected)
{
	char err[256] = "";
	struct buffer out = {0};
	int failed = patch_apply(old, strlen(old), diff, strlen(diff), &out, err, sizeof(err));
	if (expected) {
		assert_string_equal(err, "");
		assert_string_equal(out.data ? out.data : "", expected);
	} else {
		assert_int_equal(failed, -1);
		assert_true(strlen(err) > 10);
	}
	buffer_free(&out);
}

static void test_apply(void **state)
{
	check("a\nb\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\n");
	check("a\nb\nc\n", "--- a/x\n+++ b/x\n@@ -90,1 +1,2 @@\n b\n+new\n", "a\nb\nnew\nc\n"); /* numbers are hints */
	check("x  \na\t\nb\n", "@@ @@\n x\n a\n-b\n", "x  \na\t\n");            /* white space at the ends */
	check("a\nb\na\nb\n", "@@ -3,2 +3,2 @@\n a\n-b\n+c\n", "a\nb\na\nc\n"); /* the nearest */
	check("a\n", "@@ -1 +1 @@\n-z\n+y\n", NULL);
	check("", "@@ -0,0 +1,2 @@\n+a\n+b\n", "a\nb\n");
	check("a\nb", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n", "a\nc");
	check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "@@ -1,2 +1,2 @@\n-1\n+one\n 2\n@@ -8,2 +8,1 @@\n 8\n-9\n",
	      "one\n2\n3\n4\n5\n6\n7\n8\n");
}

static void test_is_diff(void **state)
{
	static const char diff[] = "--- a/x.c\t2020\n+++ b/x.c\t2021\n@@ -1 +1 @@\n-a\n+b\n";
	assert_true(patch_is_diff(diff, strlen(diff)));
	assert_false(patch_is_diff("int a;\n", 7));
	assert_false(patch_is_diff("- item\n+ item\n", 14));
	char *name = patch_file(diff, strlen(diff));
	assert_string_equal(name, "x.c");
	free(name);
}

/* What is made can be taken, whatever the two files are. */
static void test_round_trip(void **state)
{
	unsigned seed = 3;
	for (int round = 0; round < 500; round++) {
		struct buffer old = {0}, new = {0}, diff = {0}, out = {0};
		char err[256] = "";
		for (int i = 0; i < round % 40; i++) {
			seed = seed * 1103515245u + 12345u;
			unsigned pick = seed >> 16;
			char line[8];
			snprintf(line, sizeof(line), "%u\n", pick % 7);
			if (pick % 5 != 1)
				buffer_puts(&old, line);
			if (pick % 6 != 2)
				buffer_puts(&new, line);
			if (pick % 9 == 3)
				buffer_puts(&new, "added\n");
		}
		patch_make(old.data ? old.data : "", old.len, new.data ? new.data : "", new.len, "f", &diff);
		int failed = patch_apply(old.data ? old.data : "", old.len, diff.data ? diff.data : "", diff.len, &out,
					 err, sizeof(err));
		assert_string_equal(err, "");
		assert_int_equal(failed, 0);
		assert_string_equal(out.data ? out.data : "", new.data ? new.data : "");
		buffer_free(&old);
		buffer_free(&new);
		buffer_free(&diff);
		buffer_free(&out);
	}
}

static void test_make(void **state)
{
	struct buffer diff = {0};
	patch_make("1\n2\n3\n4\n5\n6\n", 12, "1\n2\n3\n4\nfive\n6\n", 15, "f", &diff);
	assert_string_equal(diff.data, "--- f\n+++ f\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+five\n 6\n");
	buffer_clear(&diff);
	patch_make("same\n", 5, "same\n", 5, "f", &diff);
	assert_int_equal(diff.len, 0);
	buffer_free(&diff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_is_diff),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_make),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
