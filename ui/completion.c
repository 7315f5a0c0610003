#include "completion.h"
#include "app.h"
#include "command.h"

#include "../model_store.h"
#include "../role.h"

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

static void add(struct candidates *c, char *word)
{
	if (c->count == CANDIDATES_MOST) {
		free(word);
		return;
	}
	c->words = xreallocarray(c->words, c->count + 2, sizeof(*c->words));
	c->words[c->count++] = word;
	c->words[c->count] = NULL;
}

/* Takes word when it begins with the prefix. */
static void offer(struct candidates *c, char *word)
{
	if (strncmp(word, c->prefix, c->len) == 0)
		add(c, word);
	else
		free(word);
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

/* As typed, or but for case, accents and the way letters are made up. */
static bool begins(const struct i18n *tr, const char *name, const char *typed)
{
	struct buffer whole = {0}, part = {0};
	if (strncmp(name, typed, strlen(typed)) == 0)
		return true;
	i18n_fold(tr, name, strlen(name), &whole);
	i18n_fold(tr, typed, strlen(typed), &part);
	bool same = part.len && whole.len >= part.len && memcmp(whole.data, part.data, part.len) == 0;
	buffer_free(&whole);
	buffer_free(&part);
	return same;
}

static bool has_control(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 32 || *name == 127)
			return true;
	return false;
}

/* After @, a path with spaces stands in quotes; a folder's are open, to go on. */
static char *file_word(const char *path, bool folder, const char *sign, char quote)
{
	if (!*sign)
		return xasprintf("%s%s", path, folder ? "/" : "");
	if (!quote && strpbrk(path, " \t"))
		quote = strchr(path, '"') ? '\'' : '"';
	char marks[2] = {quote, '\0'};
	return xasprintf("%s%s%s%s", sign, marks, path, folder ? "/" : marks);
}

/* Names in a folder; those that a line of text could not hold are left out. sign: "@" or "". */
static void offer_files(const struct i18n *tr, struct candidates *c, const char *sign)
{
	size_t skip = strlen(sign);
	char quote = skip && c->len > skip && strchr("\"'", c->prefix[skip]) ? c->prefix[skip++] : '\0';
	char *path = xstrndup(c->prefix + skip, c->len - skip);
	char *slash = strrchr(path, '/'), *typed = slash ? slash + 1 : path;
	int above = (int)(typed - path);
	const char *home = getenv("HOME");
	bool tilde = path[0] == '~' && path[1] == '/' && home;
	char *dir = xasprintf("%s%.*s%s", tilde ? home : "", above - tilde, path + tilde, above ? "." : "./");
	DIR *d = opendir(dir);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		struct stat st;
		const char *name = entry->d_name;
		bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
		if (dots || (name[0] == '.' && typed[0] != '.') || has_control(name) || !begins(tr, name, typed))
			continue;
		bool folder = fstatat(dirfd(d), name, &st, 0) == 0 && S_ISDIR(st.st_mode);
		char *whole = xasprintf("%.*s%s", above, path, name);
		add(c, file_word(whole, folder, sign, quote));
		free(whole);
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

static void offer_roles(struct candidates *c)
{
	size_t count;
	struct role *roles = role_list(&count);
	for (size_t i = 0; i < count; i++) {
		bool language = strcmp(roles[i].argument, "LANG") == 0;
		for (const char *const *code = i18n_languages(); language && *code; code++)
			offer(c, xasprintf("%s:%s", roles[i].name, *code));
		if (!language)
			offer(c, xasprintf("%s%s", roles[i].name, roles[i].argument[0] ? ":" : ""));
	}
	role_list_free(roles, count);
	offer(c, xstrdup("default"));
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
	case COMMAND_ROLE: offer_roles(c); break;
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
	case COMMAND_APPLY:
	case COMMAND_EXPORT:
	case COMMAND_IMPORT:
	case COMMAND_FILE: offer_files(app->tr, c, ""); break;
	default: break;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Where a quoted path after @ begins that the cursor is still in; cursor: nowhere. */
static size_t open_quote(const char *line, size_t cursor)
{
	size_t found = cursor;
	for (size_t i = 0; i + 1 < cursor; i++) {
		bool begins_word = i == 0 || strchr(" \t\n", line[i - 1]);
		if (line[i] != '@' || !begins_word || !strchr("\"'", line[i + 1]))
			continue;
		const char *end = memchr(line + i + 2, line[i + 1], cursor - i - 2);
		found = end ? found : i;
		i = end ? (size_t)(end - line) : cursor;
	}
	return found;
}

/* Commands that end with a path take it as it stands, spaces and all. */
static size_t path_argument(const struct command *command, const char *line, size_t word_start)
{
	const char *at = command->argument + strspn(command->argument, " \t");
	switch (command->id) {
	case COMMAND_SAVE:
	case COMMAND_APPLY:
		at += strspn(at, "0123456789!");
		at += strspn(at, " \t");
		break;
	case COMMAND_EXPORT:
	case COMMAND_IMPORT:
	case COMMAND_FILE: break;
	default: return word_start;
	}
	size_t start = (size_t)(at - line);
	return at > command->argument || command->id != COMMAND_SAVE ? start : word_start;
}

char **completion_candidates(void *arg, const char *line, size_t *word_start, size_t cursor)
{
	struct app *app = arg;
	struct command command;
	bool is_command = command_parse(app->tr, line, cursor, &command);
	size_t quoted = is_command ? cursor : open_quote(line, cursor);
	if (quoted < cursor)
		*word_start = quoted;
	else if (is_command && *word_start > 0)
		*word_start = path_argument(&command, line, *word_start);
	struct candidates c = {.prefix = line + *word_start, .len = cursor - *word_start};
	bool sign_alone = c.len && *word_start == 0 &&
			  (strcmp(c.prefix, "/") == 0 || strcmp(c.prefix, "、") == 0 || strcmp(c.prefix, "／") == 0);
	if (*word_start == 0 && (is_command || sign_alone))
		offer_commands(app->tr, &c);
	else if (c.len && c.prefix[0] == '@')
		offer_files(app->tr, &c, "@");
	else if (is_command)
		offer_argument(app, &command, &c);
	if (c.count > 1)
		qsort(c.words, c.count, sizeof(*c.words), compare);
	return c.words;
}
