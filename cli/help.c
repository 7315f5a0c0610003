#include "cli.h"

#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 30 };

static const char *const group_keys[GROUP_COUNT] = {
	[GROUP_CHAT] = "group.chat",     [GROUP_MODEL] = "group.model", [GROUP_SAMPLING] = "group.sampling",
	[GROUP_SCREEN] = "group.screen", [GROUP_TOOLS] = "group.tools", [GROUP_GENERAL] = "group.general",
};

/* "  -m, --model NAME|FILE" */
static char *option_form(const struct i18n *tr, const struct option_info *info)
{
	char letter[8] = "    ";
	if (info->letter)
		snprintf(letter, sizeof(letter), "-%c, ", info->letter);
	bool optional = info->flags & OPTION_OPTIONAL_VALUE;
	char *value = i18n_values(tr, info->value);
	char *form = xasprintf("  %s--%s%s%s%s", letter, info->name, *value ? (optional ? " [" : " ") : "", value,
			       optional ? "]" : "");
	free(value);
	return form;
}

static void print_row(const struct i18n *tr, const char *form, const char *help)
{
	int width = i18n_width(tr, form, strlen(form));
	if (width >= HELP_COLUMN)
		printf("%s\n%*s%s\n", form, HELP_COLUMN, "", help);
	else
		printf("%s%*s%s\n", form, HELP_COLUMN - width, "", help);
}

static void print_option(const struct i18n *tr, const struct option_info *info)
{
	char *form = option_form(tr, info), *key = xasprintf("option.%s", info->name);
	print_row(tr, form, i18n_text(tr, key));
	free(key);
	free(form);
}

void cli_help(const struct cli *cli)
{
	printf("%s\n", i18n_text(cli->tr, "help.usage"));
	for (int group = 0; group < GROUP_COUNT; group++) {
		printf("\n%s\n", i18n_text(cli->tr, group_keys[group]));
		for (int i = 0; i < OPTION_COUNT; i++)
			if (option_table[i].group == (enum option_group)group)
				print_option(cli->tr, &option_table[i]);
	}
	printf("\n%s\n", i18n_text(cli->tr, "help.commands"));
	for (const struct cli_command *command = cli_commands; command->name; command++) {
		char *form = xasprintf("  %s", command->name), *key = xasprintf("cli.%s", command->name);
		print_row(cli->tr, form, i18n_text(cli->tr, key));
		char *usage = i18n_values(cli->tr, command->usage);
		printf("%*s%s\n", HELP_COLUMN, "", usage);
		free(usage);
		free(key);
		free(form);
	}
	printf("\n%s\n", i18n_text(cli->tr, "help.more"));
}
