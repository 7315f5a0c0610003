#include "cli/tidy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(enum role_output output, const char *text, const char *expected)
{
	struct i18n *tr = i18n_open("en");
	char *tidy = tidy_answer(tr, output, text, strlen(text));
	assert_string_equal(tidy, expected);
	free(tidy);
	i18n_close(tr);
}

static void test_line(void **state)
{
	check(ROLE_LINE, "  A title \n\nand chatter\n", "A title");
	check(ROLE_LINE, "\"A title\"", "A title");
	check(ROLE_LINE, "**Title:** “A title”", "A title");
	check(ROLE_LINE, "Title: *A title*\n", "A title");
	check(ROLE_LINE, "«Un titre»", "Un titre");
	check(ROLE_LINE, "", "");
	check(ROLE_LINE, " \n\n", "");
}

static void test_command(void **state)
{
	check(ROLE_LINE, "```sh\nls -l | sort\n```\nThis lists files.", "ls -l | sort");
	check(ROLE_LINE, "$ cd ..", "cd ..");
	check(ROLE_LINE, "`ls`", "ls");
	check(ROLE_LINE, "find . \\\n  -name '*.c' \\\n  -print\nIt prints.", "find . -name '*.c' -print");
	check(ROLE_LINE, "\"a b\" \"c d\"", "\"a b\" \"c d\"");
	check(ROLE_LINE, "'a b' 'c'", "'a b' 'c'");
	check(ROLE_LINE, "a \\", "a");
}

static void test_commit(void **state)
{
	check(ROLE_COMMIT, "Fix the parser.\n", "Fix the parser");
	check(ROLE_COMMIT, "```\nFix the parser\n```\n", "Fix the parser");
	check(ROLE_COMMIT, "```text\nFix the parser\n\nIt fell over.\n```\nI hope this helps!",
	      "Fix the parser\n\nIt fell over.");
	check(ROLE_COMMIT, "Here is a commit message:\n\n\"Fix the parser\"", "Fix the parser");
	check(ROLE_COMMIT, "Commit message: Fix the parser", "Fix the parser");
	check(ROLE_COMMIT, "**Subject:** `Fix the parser`\n**Body:** It fell over.", "Fix the parser\n\nIt fell over.");
	check(ROLE_COMMIT, "- Fix `a` and `b`", "Fix `a` and `b`");
	check(ROLE_COMMIT, "Fix it\nat once\n\n\n\nand here  \n", "Fix it\n\nat once\n\nand here");
	check(ROLE_COMMIT, "Only this:", "Only this");
	check(ROLE_COMMIT, "", "");
	check(ROLE_COMMIT, "...", "");
}

static void test_wide_subjects(void **state)
{
	check(ROLE_COMMIT,
	      "Add a new option to the command line, so that people can choose what is printed, and document it",
	      "Add a new option to the command line\n\n"
	      "Add a new option to the command line, so that people can choose what is\n"
	      "printed, and document it");
	char wide[400] = "", *end = wide;
	for (int i = 0; i < 50; i++)
		end += sprintf(end, "写");
	struct i18n *tr = i18n_open("en");
	char *tidy = tidy_answer(tr, ROLE_COMMIT, wide, strlen(wide));
	assert_int_equal(strcspn(tidy, "\n"), 36 * strlen("写"));
	free(tidy);
	i18n_close(tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_wide_subjects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
