#include "ui/ignore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char rules[] = "# notes\n"
			    "*.o\n"
			    "!keep.o\n"
			    "/build\n"
			    "docs/*.tmp\n"
			    "**/cache/\n"
			    "a/**/z\n"
			    "logs/**\n"
			    "\\#odd\n"
			    "[ab]?.bin\n"
			    "trailing   \n"
			    "only-folder/\r\n";

static const struct {
	const char *path;
	bool folder, ignored;
} cases[] = {
	{"main.c", false, false},      {"main.o", false, true},        {"src/main.o", false, true},
	{"src/keep.o", false, false},  {"build", true, true},          {"src/build", true, false},
	{"docs/a.tmp", false, true},   {"docs/x/a.tmp", false, false}, {"x/docs/a.tmp", false, false},
	{"cache", true, true},         {"x/y/cache", true, true},      {"cache", false, false},
	{"a/z", false, true},          {"a/b/c/z", false, true},       {"b/z", false, false},
	{"logs/today", false, true},   {"#odd", false, true},          {"a1.bin", false, true},
	{"c1.bin", false, false},      {"trailing", false, true},      {"only-folder", true, true},
	{"only-folder", false, false}, {"# notes", false, false},
};

static void test_rules(void **state)
{
	struct ignore *ignore = ignore_create();
	ignore_add(ignore, "", rules, strlen(rules));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (ignore_matches(ignore, cases[i].path, cases[i].folder) != cases[i].ignored)
			fail_msg("%s", cases[i].path);
	ignore_free(ignore);
}

/* The same answers as those of git itself, where it is installed. */
static void test_git_agrees(void **state)
{
	char dir[] = "/tmp/bora-ignore-XXXXXX", command[256];
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	FILE *file = fopen(".gitignore", "w");
	fputs(rules, file);
	fclose(file);
	bool git = system("git init -q . 2>/dev/null") == 0;
	for (size_t i = 0; git && i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(command, sizeof(command), "git check-ignore -q --no-index '%s%s'", cases[i].path,
			 cases[i].folder ? "/" : "");
		if ((system(command) == 0) != cases[i].ignored)
			fail_msg("git: %s", cases[i].path);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(system(command), 0);
	if (!git)
		skip();
}

static void test_folders_within(void **state)
{
	struct ignore *ignore = ignore_create();
	ignore_add(ignore, "", "*.log\n", 6);
	ignore_add(ignore, "src/", "!a.log\n/b.c\n", 12);
	assert_true(ignore_matches(ignore, "a.log", false));
	assert_false(ignore_matches(ignore, "src/a.log", false));
	assert_true(ignore_matches(ignore, "src/b.c", false));
	assert_false(ignore_matches(ignore, "b.c", false));
	assert_false(ignore_matches(ignore, "src/x/b.c", false));
	ignore_free(ignore);
}

static void test_any_rule_ends(void **state)
{
	char hostile[4096] = "", path[4096] = "";
	for (int i = 0; i < 200; i++) {
		strcat(hostile, "**/a/");
		strcat(path, "a/");
	}
	strcat(hostile, "b");
	struct ignore *ignore = ignore_create();
	ignore_add(ignore, "", hostile, strlen(hostile));
	ignore_add(ignore, "", "[\n[a-\n!\n/\n//\n\\\n***\n", 18);
	ignore_matches(ignore, path, false);
	ignore_matches(ignore, "", false);
	ignore_free(ignore);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_git_agrees),
		cmocka_unit_test(test_folders_within),
		cmocka_unit_test(test_any_rule_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
