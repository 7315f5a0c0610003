/* Fills the marked places of a man page from the program's own tables.
 * usage: make_man LANG VERSION <bora.1.in >bora.1 */
#include "cli/cli.h"
#include "role.h"
#include "ui/command.h"
#include "ui/keys.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* man(7) gives - \ . and ' at the start of a line a meaning. */
static void print_escaped(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (strncmp(text, "\u2068", 3) == 0 || strncmp(text, "\u2069", 3) == 0)
			text += 2; /* isolates are for screens */
		else if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

static void print_entry(const struct i18n *tr, const char *kind, const char *name)
{
	char *key = xasprintf("%s.%s", kind, name);
	print_escaped(i18n_text(tr, key));
	putchar('\n');
	free(key);
}

static void print_values(const struct i18n *tr, const char *form)
{
	char *values = i18n_values(tr, form);
	print_escaped(values);
	free(values);
}

static void print_value(const struct i18n *tr, const struct option_info *info)
{
	if (!*info->value)
		return;
	bool optional = info->flags & OPTION_OPTIONAL_VALUE;
	printf("%s\\fI", optional ? " [" : " ");
	print_values(tr, info->value);
	printf("\\fR%s", optional ? "]" : "");
}

/* A sentence of its own; takes text. */
static void print_sentence(char *text)
{
	print_escaped(text);
	free(text);
}

/* "Colours of the screen. From 0 to 1. Default: 0.7." */
static void print_option_text(const struct i18n *tr, const struct option_info *info)
{
	char *key = xasprintf("option.%s", info->name);
	print_sentence(i18n_format(tr, "man.sentence", I18N_S(i18n_text(tr, key))));
	if ((info->type == OPTION_INTEGER || info->type == OPTION_REAL) && info->high > 0) {
		const char *format = info->type == OPTION_INTEGER ? "%.0f" : "%.15g";
		char *low = xasprintf(format, info->low), *high = xasprintf(format, info->high);
		putchar(' ');
		print_sentence(i18n_format(tr, "man.range", I18N_S(low), I18N_S(high)));
		free(high);
		free(low);
	}
	if (*info->fallback) {
		putchar(' ');
		print_sentence(i18n_format(tr, "man.default", I18N_S(info->fallback)));
	}
	putchar('\n');
	free(key);
}

static void print_options(const struct i18n *tr)
{
	static const char *const groups[GROUP_COUNT] = {"chat", "model", "sampling", "screen", "tools", "general"};
	for (int group = 0; group < GROUP_COUNT; group++) {
		printf(".SS ");
		print_entry(tr, "group", groups[group]);
		for (int i = 0; i < OPTION_COUNT; i++) {
			const struct option_info *info = &option_table[i];
			if (info->group != (enum option_group)group)
				continue;
			printf(".TP\n");
			if (info->letter)
				printf("\\fB\\-%c\\fR, ", info->letter);
			printf("\\fB\\-\\-");
			print_escaped(info->name);
			printf("\\fR");
			print_value(tr, info);
			putchar('\n');
			print_option_text(tr, info);
		}
	}
}

static void print_settings(const struct i18n *tr)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_info *info = &option_table[i];
		if (!(info->flags & OPTION_IN_CONFIG))
			continue;
		printf(".TP\n\\fB");
		print_escaped(info->name);
		printf("\\fR =");
		print_value(tr, info);
		if (info->type == OPTION_FLAG)
			fputs(" \\fIyes|no\\fR", stdout);
		putchar('\n');
		print_option_text(tr, info);
	}
}

static void print_commands(const struct i18n *tr)
{
	for (const struct cli_command *command = cli_commands; command->name; command++) {
		printf(".TP\n\\fB%s\\fR ", command->name);
		print_values(tr, command->usage);
		putchar('\n');
		print_entry(tr, "cli", command->name);
	}
}

static void print_keys(const struct i18n *tr)
{
	for (int i = 1; i < ACTION_COUNT; i++) {
		printf(".TP\n\\fB");
		print_escaped(action_table[i].keys);
		printf("\\fR\n");
		print_entry(tr, "action", action_table[i].name);
	}
}

/* The other names of a chat command: English ones and the language's own. */
static void print_also(const struct i18n *tr, enum command_id id)
{
	const struct command_info *info = &command_table[id];
	const char *local = command_local_name(tr, id);
	bool has_local = strcmp(local, info->name) != 0;
	if (!*info->aliases && !has_local)
		return;
	char *names =
		xasprintf("%s%s%s", info->aliases, *info->aliases && has_local ? " " : "", has_local ? local : "");
	fputs(" (", stdout);
	print_sentence(i18n_format(tr, "man.also", I18N_S(names)));
	putchar(')');
	free(names);
}

static void print_slash(const struct i18n *tr)
{
	for (int i = 1; i < COMMAND_COUNT; i++) {
		const struct command_info *info = &command_table[i];
		printf(".TP\n\\fB/%s\\fR ", info->name);
		print_values(tr, info->argument);
		print_also(tr, (enum command_id)i);
		putchar('\n');
		print_entry(tr, "command", info->name);
	}
}

/* Those that come with the program. */
static void print_roles(const struct i18n *tr)
{
	size_t count;
	setenv("BORA_CONFIG_DIR", "/nonexistent", 1);
	struct role *list = role_list(&count);
	for (size_t i = 0; i < count; i++) {
		printf(".TP\n\\fB%s\\fR", list[i].name);
		if (list[i].argument[0]) {
			printf(":\\fI");
			print_values(tr, list[i].argument);
			printf("\\fR");
		}
		putchar('\n');
		print_entry(tr, "role", list[i].name);
	}
	role_list_free(list, count);
}

static const struct {
	const char *mark;
	void (*print)(const struct i18n *);
} sections[] = {
	{"@OPTIONS@\n", print_options}, {"@SETTINGS@\n", print_settings}, {"@COMMANDS@\n", print_commands},
	{"@KEYS@\n", print_keys},       {"@SLASH@\n", print_slash},       {"@ROLES@\n", print_roles},
};

static bool print_section(const struct i18n *tr, const char *line)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		if (strcmp(line, sections[i].mark) != 0)
			continue;
		sections[i].print(tr);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct i18n *tr = i18n_open(argv[1]);
	char *line = NULL;
	size_t size = 0;
	while (getline(&line, &size, stdin) >= 0) {
		char *version = strstr(line, "@VERSION@");
		if (version)
			printf("%.*s%s%s", (int)(version - line), line, argv[2], version + strlen("@VERSION@"));
		else if (!print_section(tr, line))
			fputs(line, stdout);
	}
	free(line);
	i18n_close(tr);
	return 0;
}
