#include "ui/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct expected *e = &lines[i];
		struct command c;
		if (command_parse(tr, e->line, strlen(e->line), &c) != e->is_command)
			fail_msg("%s", e->line);
		if (!e->is_command)
			continue;
		assert_int_equal(c.id, e->id);
		assert_int_equal(c.argument_len, strlen(e->argument));
		assert_memory_equal(c.argument, e->argument, c.argument_len);
		assert_int_equal(c.force, e->force);
	}
	i18n_close(tr);
}

/* What was meant by a slip, in the language that is spoken. */
static void test_slips(void **state)
{
	static const struct {
		const char *language, *typed, *meant;
	} slips[] = {
		{"en", "regne", "regen"},
		{"en", "expotr", "export"},
		{"en", "HLEP", "help"},
		{"en", "sesions", "sessions"},
		{"en", "comp", "compact"},
		{"en", "gibberish", NULL},
		{"en", "x", NULL},
		{"de", "hifle", "hilfe"},
		{"de", "ruckganig", "rückgängig"},
		{"ar", "مساعد", "مساعدة"},
		{"ar", "تصديرر", "تصدير"},
		{"de", "anhefen", "anheften"},
		{"de", "regne", "regen"},
	};
	for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
		struct i18n *tr = i18n_open(slips[i].language);
		char *meant = command_nearest(tr, slips[i].typed, strlen(slips[i].typed));
		if (!meant != !slips[i].meant || (meant && strcmp(meant, slips[i].meant) != 0))
			fail_msg("%s: %s, not %s", slips[i].typed, meant ? meant : "none",
				 slips[i].meant ? slips[i].meant : "none");
		free(meant);
		i18n_close(tr);
	}
}

/* A letter may be several bytes: a slip in Russian is as near as one in English. */
static void test_slips_in_every_language(void **state)
{
	for (const char *const *language = i18n_languages(); *language; language++) {
		struct i18n *tr = i18n_open(*language);
		for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++) {
			const char *local = command_local_name(tr, (enum command_id)id);
			char *typed = xasprintf("%sxq", local);
			char *meant = command_nearest(tr, typed, strlen(typed));
			if (strlen(local) > 15 && (!meant || strcmp(meant, local) != 0))
				fail_msg("%s: %s, not %s", typed, meant ? meant : "none", local);
			free(meant);
			free(typed);
		}
		i18n_close(tr);
	}
}

/* No name or alias means two commands, in any language. */
static void check_names(const struct i18n *tr)
{
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++) {
		const struct command_info *info = &command_table[id];
		assert_int_equal(command_find(tr, info->name, strlen(info->name)), id);
		for (const char *alias = info->aliases; *alias;) {
			size_t len = strcspn(alias, " ");
			assert_int_equal(command_find(tr, alias, len), id);
			alias += len + strspn(alias + len, " ");
		}
		const char *local = command_local_name(tr, (enum command_id)id);
		assert_int_equal(command_find(tr, local, strlen(local)), id);
		assert_null(strpbrk(local, " /!\t"));
	}
}

static void test_names_are_unique(void **state)
{
	for (const char *const *language = i18n_languages(); *language; language++) {
		struct i18n *tr = i18n_open(*language);
		check_names(tr);
		i18n_close(tr);
	}
}

static void test_local_names(void **state)
{
	static const struct {
		const char *lang, *line;
		enum command_id id;
	} cases[] = {
		{"fr", "/aide", COMMAND_HELP},       {"fr", "/AIDE", COMMAND_HELP},
		{"fr", "/modele x", COMMAND_MODEL},  {"de", "/hilfe", COMMAND_HELP},
		{"de", "/ruckgangig", COMMAND_UNDO}, {"es", "/ayuda", COMMAND_HELP},
		{"ru", "/Помощь", COMMAND_HELP},     {"zh", "、帮助", COMMAND_HELP},
		{"ja", "／ヘルプ", COMMAND_HELP},    {"ko", "/도움말", COMMAND_HELP},
		{"ar", "/مساعدة", COMMAND_HELP},     {"hi", "/सहायता", COMMAND_HELP},
		{"ar", "/help", COMMAND_HELP},       {"en", "/HELP", COMMAND_HELP},
		{"en", "/aide", COMMAND_NONE},       {"ja", "/保存！ 2 x.c", COMMAND_SAVE},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct i18n *tr = i18n_open(cases[i].lang);
		struct command c;
		assert_true(command_parse(tr, cases[i].line, strlen(cases[i].line), &c));
		if (c.id != cases[i].id)
			fail_msg("%s: %s is %d", cases[i].lang, cases[i].line, c.id);
		i18n_close(tr);
	}
}

static void test_what_is_shown(void **state)
{
	struct i18n *fr = i18n_open("fr");
	char *form = command_form(fr, COMMAND_SAVE), *about = command_about(fr, COMMAND_HELP);
	assert_string_equal(form, "/save N FICHIER");
	assert_non_null(strstr(about, "/aide"));
	free(form);
	free(about);
	i18n_close(fr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slips),       cmocka_unit_test(test_slips_in_every_language),
		cmocka_unit_test(test_lines),       cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_local_names), cmocka_unit_test(test_what_is_shown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
