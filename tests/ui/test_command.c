#include "ui/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct expected {
	const char *line;
	bool is_command;
	enum command_id id;
	const char *argument;
	bool force;
};

static const struct expected lines[] = {
	{"/help", true, COMMAND_HELP, "", false},
	{"/?", true, COMMAND_HELP, "", false},
	{"、help", true, COMMAND_HELP, "", false},
	{"／quit", true, COMMAND_EXIT, "", false},
	{"/clear  ", true, COMMAND_NEW, "", false},
	{"/sessions", true, COMMAND_RESUME, "", false},
	{"/continue 01AB", true, COMMAND_RESUME, "01AB", false},
	{"/rename  a b  c ", true, COMMAND_RENAME, "a b  c", false},
	{"/save! 2 x.c", true, COMMAND_SAVE, "2 x.c", true},
	{"/save！ 2 x.c", true, COMMAND_SAVE, "2 x.c", true},
	{"/system You are\nkind.", true, COMMAND_SYSTEM, "You are\nkind.", false},
	{"/nonsense x", true, COMMAND_NONE, "x", false},
	{"/usr/bin/env prints what?", false, COMMAND_NONE, "", false},
	{"/", false, COMMAND_NONE, "", false},
	{"hello /help", false, COMMAND_NONE, "", false},
	{"/help\nand more", false, COMMAND_NONE, "", false},
	{"", false, COMMAND_NONE, "", false},
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct expected *e = &lines[i];
		struct command c;
		if (command_parse(e->line, strlen(e->line), &c) != e->is_command)
			fail_msg("%s", e->line);
		if (!e->is_command)
			continue;
		assert_int_equal(c.id, e->id);
		assert_int_equal(c.argument_len, strlen(e->argument));
		assert_memory_equal(c.argument, e->argument, c.argument_len);
		assert_int_equal(c.force, e->force);
	}
}

/* No name or alias means two commands. */
static void test_names_are_unique(void **state)
{
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++) {
		const struct command_info *info = &command_table[id];
		assert_int_equal(command_find(info->name, strlen(info->name)), id);
		for (const char *alias = info->aliases; *alias;) {
			size_t len = strcspn(alias, " ");
			assert_int_equal(command_find(alias, len), id);
			alias += len + strspn(alias + len, " ");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_names_are_unique),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
