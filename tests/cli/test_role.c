#include "role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/bora-test-role-XXXXXX", err[512];

static void write_role(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/roles", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/roles/%s", dir, name);
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

static void remove_role(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/roles/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

/* Every role of the table can be used, and what it sets are settings. */
static void test_shipped(void **state)
{
	size_t count;
	struct role *list = role_list(&count);
	assert_true(count >= 12);
	for (size_t i = 0; i < count; i++) {
		struct options *o = options_create();
		struct role role;
		char *name = xasprintf("%s%s", list[i].name, list[i].argument[0] ? ":fr" : "");
		assert_int_equal(options_set_from(o, SOURCE_COMMAND_LINE, OPTION_ROLE, name, err, sizeof(err)), 0);
		assert_int_equal(role_apply(o, false, &role, err, sizeof(err)), 0);
		char *system = role_system(o, err, sizeof(err));
		assert_true(strlen(system) > 100);
		assert_null(strstr(system, "{argument}"));
		assert_null(strchr(role.ask ? role.ask : "", '\n'));
		free(system);
		role_free(&role);
		free(name);
		options_free(o);
	}
	role_list_free(list, count);
}

static void assert_translates(const char *name, const char *language)
{
	struct role role;
	assert_int_equal(role_open(&role, name, err, sizeof(err)), 0);
	char *expected = xasprintf("writes into %s.", language);
	assert_non_null(strstr(role.prompt, expected));
	free(expected);
	role_free(&role);
}

static void test_languages(void **state)
{
	static const char *const french[] = {
		"fr",         "French",   "french",   "FRANÇAIS", "francais",    "Französisch", "francés",  "法语",
		"フランス語", "프랑스어", "الفرنسية", "फ़्रेंच",      "французский", "Frans",       "francese", "francês"};
	for (size_t i = 0; i < sizeof(french) / sizeof(*french); i++) {
		char name[64];
		snprintf(name, sizeof(name), "translate:%s", french[i]);
		assert_translates(name, "French");
	}
	assert_translates("translate:pt-BR", "Brazilian Portuguese");
	assert_translates("translate:zh_Hant", "Traditional Chinese");
	assert_translates("translate:türkçe", "Turkish");
	assert_translates("translate:Kiswahili", "Swahili");
	struct role role;
	static const char *const refused[] = {"translate", "translate:", "translate:Klingonish", "translate:q",
					      "commit:fr"};
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		assert_int_equal(role_open(&role, refused[i], err, sizeof(err)), -1);
}

static void test_own(void **state)
{
	struct role role;
	write_role("pirate", "You are a pirate.\n\n");
	assert_int_equal(role_open(&role, "pirate", err, sizeof(err)), 0);
	assert_string_equal(role.prompt, "You are a pirate.");
	assert_true(role.output == ROLE_TEXT && role.path && !role.settings[0]);
	role_free(&role);
	write_role("tone", "---\n# how\nabout = Says it {argument}\ntemp = 0.25\noutput = line\nask = Say it.\n---\n"
			   "Be {argument}, very {argument}.\n");
	assert_int_equal(role_open(&role, "tone:kind", err, sizeof(err)), 0);
	assert_string_equal(role.prompt, "Be kind, very kind.");
	assert_string_equal(role.settings, "temp = 0.25\n");
	assert_string_equal(role.ask, "Say it.");
	assert_true(role.output == ROLE_LINE);
	struct buffer text = {0};
	role_write(&role, &text);
	assert_non_null(strstr(text.data, "output = line\n"));
	buffer_free(&text);
	role_free(&role);
	write_role("commit", "Mine.");
	assert_int_equal(role_open(&role, "commit", err, sizeof(err)), 0);
	assert_string_equal(role.prompt, "Mine.");
	role_free(&role);
	remove_role("commit");
	size_t count;
	struct role *list = role_list(&count);
	int own = 0;
	for (size_t i = 0; i < count; i++)
		own += list[i].path != NULL;
	assert_int_equal(own, 2);
	role_list_free(list, count);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"---\ntemp = hot\n---\nx", "temp"},      {"---\nthreads = 2\n---\nx", "line 2"},
		{"---\n\nnonsense\n---\nx", "line 3"},    {"---\ntemp = 1\n", "line 1"},
		{"---\noutput = loud\n---\nx", "line 2"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct options *o = options_create();
		write_role("bad", cases[i].text);
		options_set_from(o, SOURCE_COMMAND_LINE, OPTION_ROLE, "bad", err, sizeof(err));
		assert_int_equal(role_apply(o, false, NULL, err, sizeof(err)), -1);
		assert_non_null(strstr(err, cases[i].says));
		assert_null(strchr(err, '\n'));
		options_free(o);
	}
	struct role role;
	assert_int_equal(role_open(&role, "comit", err, sizeof(err)), -1);
	assert_non_null(strstr(err, "did you mean commit?"));
	assert_int_equal(role_open(&role, "../x", err, sizeof(err)), -1);
	assert_int_equal(role_open(&role, "", err, sizeof(err)), -1);
}

static void set(struct options *o, enum option_source source, enum option_id id, const char *value)
{
	assert_int_equal(options_set_from(o, source, id, value, err, sizeof(err)), 0);
}

/* The role of the command line goes before the file, the file before its own role; words of one's own before both. */
static void test_who_goes_first(void **state)
{
	struct options *o = options_create();
	set(o, SOURCE_FILE, OPTION_TEMP, "0.9");
	set(o, SOURCE_FILE, OPTION_SYSTEM, "Be brief.");
	set(o, SOURCE_COMMAND_LINE, OPTION_ROLE, "code");
	assert_int_equal(role_apply(o, false, NULL, err, sizeof(err)), 0);
	assert_true(option_real(o, OPTION_TEMP) == 0);
	assert_string_equal(option_string(o, OPTION_EXTRACT), "");
	char *system = role_system(o, err, sizeof(err));
	assert_non_null(strstr(system, "You write code."));
	free(system);
	set(o, SOURCE_CHAT, OPTION_ROLE, "explain");
	assert_int_equal(role_apply(o, true, NULL, err, sizeof(err)), 0);
	assert_true(option_real(o, OPTION_TEMP) == 0.3);
	assert_null(option_string(o, OPTION_EXTRACT));
	set(o, SOURCE_COMMAND_LINE, OPTION_TEMP, "0.5");
	assert_true(option_real(o, OPTION_TEMP) == 0.5);
	options_free(o);
	o = options_create();
	set(o, SOURCE_FILE, OPTION_ROLE, "commit");
	set(o, SOURCE_FILE, OPTION_TEMP, "0.9");
	assert_int_equal(role_apply(o, true, NULL, err, sizeof(err)), 0);
	assert_true(option_real(o, OPTION_TEMP) == 0.9);
	assert_false(option_flag(o, OPTION_NO_SAVE)); /* a chat is kept whatever a one-shot's role says */
	assert_int_equal(role_apply(o, false, NULL, err, sizeof(err)), 0);
	assert_true(option_flag(o, OPTION_NO_SAVE));
	options_free(o);
}

static int setup(void **state)
{
	assert_non_null(mkdtemp(dir));
	return setenv("BORA_CONFIG_DIR", dir, 1);
}

static int teardown(void **state)
{
	char *command = xasprintf("rm -rf %s", dir);
	int code = system(command);
	free(command);
	return code;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),  cmocka_unit_test(test_languages),      cmocka_unit_test(test_own),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_who_goes_first),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
