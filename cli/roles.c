/* bora roles: the ready-made system prompts, the program's and one's own. */
#include "cli.h"
#include "../role.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMN = 20 };

/* What a role does, for a list. Caller frees. */
static char *about(const struct i18n *tr, const struct role *role)
{
	if (role->about || role->path) {
		const char *text = role->about ? role->about : role->prompt;
		char *line = i18n_sanitize_line(text, strcspn(text, "\n")), *cut = i18n_truncate(tr, line, 60);
		free(line);
		return cut;
	}
	char *key = xasprintf("role.%s", role->name), *text = xstrdup(i18n_text(tr, key));
	free(key);
	return text;
}

static void print_row(const struct i18n *tr, const struct role *role)
{
	char *text = about(tr, role), *argument = i18n_values(tr, role->argument);
	char *form = xasprintf("%s%s%s", role->name, *argument ? ":" : "", argument);
	char *shown = i18n_sanitize_line(form, strlen(form));
	int pad = NAME_COLUMN - i18n_width(tr, shown, strlen(shown));
	printf("%s%*s%s%s%s%s\n", shown, pad > 1 ? pad : 1, "", text, role->path ? " (" : "",
	       role->path ? i18n_text(tr, "roles.own") : "", role->path ? ")" : "");
	free(shown);
	free(form);
	free(argument);
	free(text);
}

static cJSON *role_json(const struct i18n *tr, const struct role *role)
{
	cJSON *json = cJSON_CreateObject();
	char *text = about(tr, role);
	cJSON_AddStringToObject(json, "name", role->name);
	cJSON_AddStringToObject(json, "argument", role->argument);
	cJSON_AddStringToObject(json, "about", text);
	cJSON_AddBoolToObject(json, "own", role->path != NULL);
	free(text);
	return json;
}

static int list(struct cli *cli)
{
	size_t count;
	struct role *roles = role_list(&count);
	cJSON *array = option_flag(cli->options, OPTION_JSON) ? cJSON_CreateArray() : NULL;
	for (size_t i = 0; i < count; i++)
		if (array)
			cJSON_AddItemToArray(array, role_json(cli->tr, &roles[i]));
		else
			print_row(cli->tr, &roles[i]);
	if (array) {
		char *text = cJSON_PrintUnformatted(array);
		puts(text);
		cJSON_free(text);
		cJSON_Delete(array);
	}
	role_list_free(roles, count);
	return 0;
}

/* As a file of one's own would have it: a place to begin from. */
static int show(struct cli *cli, const char *name)
{
	struct role role;
	char err[512];
	if ((strchr(name, ':') ? role_open : role_read)(&role, name, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	struct buffer text = {0}, shown = {0};
	role_write(&role, &text);
	i18n_sanitize(text.data, text.len, &shown);
	puts(shown.data);
	buffer_free(&text);
	buffer_free(&shown);
	role_free(&role);
	return 0;
}

int cli_roles(struct cli *cli)
{
	const char *what = cli->argc ? cli->argv[0] : "ls";
	if (strcmp(what, "ls") == 0 && cli->argc <= 1)
		return list(cli);
	if (strcmp(what, "show") == 0 && cli->argc == 2)
		return show(cli, cli->argv[1]);
	cli_fail(cli, "usage: bora roles [ls] | show NAME");
	return 2;
}
