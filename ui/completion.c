#include "completion.h"
#include "app.h"
#include "command.h"

#include "../model_store.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct candidates {
	const char *prefix; /* of the word, len bytes */
	size_t len;
	char **words;
	size_t count;
};

enum { CANDIDATES_MOST = 200 };

/* Takes word when it begins with the prefix. */
static void offer(struct candidates *c, char *word)
{
	if (strncmp(word, c->prefix, c->len) != 0 || c->count == CANDIDATES_MOST) {
		free(word);
		return;
	}
	c->words = xreallocarray(c->words, c->count + 2, sizeof(*c->words));
	c->words[c->count++] = word;
	c->words[c->count] = NULL;
}

static void offer_commands(const struct i18n *tr, struct candidates *c)
{
	size_t sign = c->prefix[0] == '/' ? 1 : 3;
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT; id++)
		offer(c, xasprintf("%.*s%s", (int)sign, c->prefix, command_table[id].name));
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT && c->len > sign; id++) {
		const char *alias = command_table[id].aliases;
		while (*alias) {
			size_t n = strcspn(alias, " ");
			offer(c, xasprintf("%.*s%.*s", (int)sign, c->prefix, (int)n, alias));
			alias += n + strspn(alias + n, " ");
		}
		const char *local = command_local_name(tr, (enum command_id)id);
		if (strcmp(local, command_table[id].name) != 0)
			offer(c, xasprintf("%.*s%s", (int)sign, c->prefix, local));
	}
}

/* Names in a folder; those that a line of text could not hold are left out. */
static void offer_files(struct candidates *c, size_t skip)
{
	char *path = xstrndup(c->prefix + skip, c->len - skip);
	char *slash = strrchr(path, '/');
	size_t dir_len = slash ? (size_t)(slash - path) + 1 : 0;
	const char *home = getenv("HOME");
	bool tilde = path[0] == '~' && path[1] == '/' && home;
	char *dir =
		xasprintf("%s%.*s%s", tilde ? home : "", (int)(dir_len - tilde), path + tilde, dir_len ? "." : "./");
	bool hidden = path[dir_len] == '.';
	DIR *d = opendir(dir);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		struct stat st;
		if ((entry->d_name[0] == '.' && !hidden) || strpbrk(entry->d_name, " \t\n\033"))
			continue;
		bool folder = fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
		offer(c, xasprintf("%.*s%.*s%s%s", (int)skip, c->prefix, (int)dir_len, path, entry->d_name,
				   folder ? "/" : ""));
	}
	if (d)
		closedir(d);
	free(dir);
	free(path);
}

static void offer_sessions(struct app *app, struct candidates *c)
{
	char err[256];
	struct session *list = NULL;
	size_t count = 0;
	if (!app->o.sessions || session_list(app->o.sessions, false, &list, &count, err, sizeof(err)))
		return;
	for (size_t i = 0; i < count; i++) {
		offer(c, xstrdup(list[i].id));
		session_free(&list[i]);
	}
	free(list);
}

static void offer_models(struct candidates *c)
{
	struct stored_model *models = NULL;
	size_t count = 0;
	if (model_store_list(&models, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		offer(c, xstrdup(models[i].name));
	model_store_free(models, count);
}

static void offer_options(struct candidates *c)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (option_table[id].flags & OPTION_IN_SET)
			offer(c, xstrdup(option_table[id].name));
}

static void offer_choices(struct candidates *c, const char *at)
{
	while (*at) {
		size_t n = strcspn(at, "|");
		offer(c, xstrndup(at, n));
		at += n + (at[n] == '|');
	}
}

/* After a setting's name: what it may be, or what it is. */
static void offer_values(struct app *app, struct candidates *c, const struct command *command)
{
	char *name = xstrndup(command->argument, strcspn(command->argument, " \t"));
	enum option_id id = app_settings_find(name);
	free(name);
	if (id == OPTION_COUNT)
		return;
	if (option_table[id].type == OPTION_CHOICE)
		offer_choices(c, option_table[id].value);
	else
		offer(c, app_settings_value(app, id));
	offer(c, xstrdup("default"));
}

static void offer_argument(struct app *app, const struct command *command, struct candidates *c)
{
	switch (command->id) {
	case COMMAND_RESUME: offer_sessions(app, c); break;
	case COMMAND_MODEL: offer_models(c); break;
	case COMMAND_SET:
		if (c->prefix > command->argument)
			offer_values(app, c, command);
		else
			offer_options(c);
		break;
	case COMMAND_THEME: offer_choices(c, option_table[OPTION_THEME].value); break;
	case COMMAND_LANG:
		for (const char *const *code = i18n_languages(); *code; code++)
			offer(c, xstrdup(*code));
		break;
	case COMMAND_SAVE:
	case COMMAND_EXPORT:
	case COMMAND_IMPORT:
	case COMMAND_FILE: offer_files(c, 0); break;
	default: break;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **completion_candidates(void *arg, const char *line, size_t word_start, size_t cursor)
{
	struct app *app = arg;
	struct command command;
	struct candidates c = {.prefix = line + word_start, .len = cursor - word_start};
	bool is_command = command_parse(app->tr, line, cursor, &command);
	bool sign_alone = c.len && word_start == 0 &&
			  (strcmp(c.prefix, "/") == 0 || strcmp(c.prefix, "、") == 0 || strcmp(c.prefix, "／") == 0);
	if (word_start == 0 && (is_command || sign_alone))
		offer_commands(app->tr, &c);
	else if (c.len && c.prefix[0] == '@')
		offer_files(&c, 1);
	else if (is_command)
		offer_argument(app, &command, &c);
	if (c.count > 1)
		qsort(c.words, c.count, sizeof(*c.words), compare);
	return c.words;
}
