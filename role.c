#include "role.h"
#include "nearest.h"
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROLE_MAX = 1 << 20 };

static const struct role_info {
	const char *name, *argument;
	enum role_output output;
	const char *settings, *ask, *prompt;
} role_table[] = {
#define ROLE(name, argument, output, settings, ask, prompt) {name, argument, ROLE_##output, settings, ask, prompt},
#include "roles.def"
#undef ROLE
};
enum { ROLE_COUNT = sizeof(role_table) / sizeof(*role_table) };

static const char *const output_names[] = {[ROLE_TEXT] = "text", [ROLE_LINE] = "line", [ROLE_COMMIT] = "commit"};

void role_free(struct role *role)
{
	free(role->name);
	free(role->about);
	free(role->argument);
	free(role->prompt);
	free(role->ask);
	free(role->settings);
	free(role->path);
	*role = (struct role){0};
}

/* --- One's own: files ------------------------------------------------------------------- */

static char *roles_dir(void)
{
	char *config = path_dir(PATH_CONFIG), *dir = path_join(config, "roles");
	free(config);
	return dir;
}

/* The whole file as text; NULL with errno set. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	char *text = xmalloc(ROLE_MAX + 1);
	size_t len = fread(text, 1, ROLE_MAX, file);
	int error = ferror(file) ? errno : 0;
	fclose(file);
	text[len] = '\0';
	if (error == 0)
		return text;
	free(text);
	errno = error;
	return NULL;
}

static int set_output(struct role *role, const char *value, char *err, size_t errlen)
{
	for (size_t i = 0; i < sizeof(output_names) / sizeof(*output_names); i++)
		if (strcmp(value, output_names[i]) == 0)
			return role->output = (enum role_output)i, 0;
	snprintf(err, errlen, "output is text, line or commit, not '%.60s'", value);
	return -1;
}

static int setting_line(struct role *role, struct buffer *settings, char *line, char *err, size_t errlen)
{
	char *key, *value;
	if (!option_line(line, &key, &value)) {
		snprintf(err, errlen, "expected 'key = value', found '%.60s'", line);
		return -1;
	}
	if (!key)
		return 0;
	if (strcmp(key, "output") == 0)
		return set_output(role, value, err, errlen);
	char **text = strcmp(key, "about") == 0 ? &role->about : strcmp(key, "ask") == 0 ? &role->ask : NULL;
	if (text) {
		free(*text);
		*text = xstrdup(value);
		return 0;
	}
	const struct option_info *info = option_named(key);
	if (!info || !(info->flags & (OPTION_IN_ROLE | OPTION_IN_SET))) {
		snprintf(err, errlen, "a role cannot set '%.60s'; bora(1) tells what it can", key);
		return -1;
	}
	buffer_printf(settings, "%s = %s\n", key, value);
	return 0;
}

/* Takes the settings off the beginning of text; *prompt is what follows. */
static int read_settings(struct role *role, char *text, char **prompt, char *err, size_t errlen)
{
	struct buffer settings = {0};
	char *line = text + strcspn(text, "\n"), reason[256];
	for (int number = 2; *line; number++) {
		line++;
		char *end = line + strcspn(line, "\n"), *next = end;
		bool last = strncmp(line, "---", 3) == 0 && line[3 + strspn(line + 3, " \t\r")] == (*end ? '\n' : '\0');
		char *copy = xstrndup(line, (size_t)(end - line));
		int failed = last ? 0 : setting_line(role, &settings, copy, reason, sizeof(reason));
		free(copy);
		line = next;
		if (failed) {
			snprintf(err, errlen, "%s: line %d: %s", role->path, number, reason);
			buffer_free(&settings);
			return -1;
		}
		if (last) {
			*prompt = line + (*line == '\n');
			role->settings = buffer_take(&settings);
			return 0;
		}
	}
	buffer_free(&settings);
	snprintf(err, errlen, "%s: line 1: the settings have no end; write a line of --- behind them", role->path);
	return -1;
}

/* 1: there is no such file. */
static int open_own(struct role *role, const char *name, char *err, size_t errlen)
{
	char *dir = roles_dir(), *path = path_join(dir, name), *text = read_file(path), *prompt = text;
	free(dir);
	if (!text) {
		int missing = errno == ENOENT;
		snprintf(err, errlen, "%s: cannot read: %s", path, strerror(errno));
		free(path);
		return missing ? 1 : -1;
	}
	*role = (struct role){.name = xstrdup(name), .path = path};
	bool settings = strncmp(text, "---", 3) == 0 && strchr("\r\n", text[3]);
	int failed = settings ? read_settings(role, text, &prompt, err, errlen) : 0;
	if (!failed) {
		size_t len = strlen(prompt);
		while (len && strchr("\r\n", prompt[len - 1]))
			len--;
		role->prompt = xstrndup(prompt, len);
		role->argument = xstrdup(strstr(role->prompt, "{argument}") ? "TEXT" : "");
		if (!role->settings)
			role->settings = xstrdup("");
	}
	free(text);
	if (failed)
		role_free(role);
	return failed;
}

void role_write(const struct role *role, struct buffer *out)
{
	if (role->settings[0] || role->about || role->ask || role->output != ROLE_TEXT) {
		buffer_puts(out, "---\n");
		if (role->about)
			buffer_printf(out, "about = %s\n", role->about);
		if (role->ask)
			buffer_printf(out, "ask = %s\n", role->ask);
		if (role->output != ROLE_TEXT)
			buffer_printf(out, "output = %s\n", output_names[role->output]);
		buffer_printf(out, "%s---\n", role->settings);
	}
	buffer_puts(out, role->prompt);
}

/* --- Those that come with the program ------------------------------------------------------ */

static void open_shipped(struct role *role, const struct role_info *info)
{
	*role = (struct role){
		.name = xstrdup(info->name),
		.argument = xstrdup(info->argument),
		.prompt = xstrdup(info->prompt),
		.ask = *info->ask ? xstrdup(info->ask) : NULL,
		.settings = xstrdup(info->settings),
		.output = info->output,
	};
}

static int no_such_role(const char *name, char *err, size_t errlen)
{
	struct nearest nearest = nearest_to(name);
	for (int i = 0; i < ROLE_COUNT; i++)
		nearest_offer(&nearest, role_table[i].name);
	if (nearest.best)
		snprintf(err, errlen, "there is no role '%s'; did you mean %s?", name, nearest.best);
	else
		snprintf(err, errlen, "there is no role '%s'; bora roles lists them", name);
	return -1;
}

int role_read(struct role *role, const char *name, char *err, size_t errlen)
{
	*role = (struct role){0};
	if (!name[0] || strchr(name, '/') || name[0] == '.') {
		snprintf(err, errlen, "a role is a plain name, not '%s'", name);
		return -1;
	}
	int code = open_own(role, name, err, errlen);
	for (int i = 0; code == 1 && i < ROLE_COUNT; i++) {
		if (strcmp(role_table[i].name, name) != 0)
			continue;
		open_shipped(role, &role_table[i]);
		code = 0;
	}
	return code == 1 ? no_such_role(name, err, errlen) : code;
}

/* --- Arguments ---------------------------------------------------------------------------------- */

static char *replaced(const char *text, const char *mark, const char *with)
{
	struct buffer out = {0};
	for (const char *found; (found = strstr(text, mark)); text = found + strlen(mark)) {
		buffer_append(&out, text, (size_t)(found - text));
		buffer_puts(&out, with);
	}
	buffer_puts(&out, text);
	return buffer_take(&out);
}

/* "fr", "French", "français" and "法语" are all French; one's own role takes words as they are. */
static char *argument_text(const struct role *role, const char *given, char *err, size_t errlen)
{
	if (strcmp(role->argument, "LANG") != 0)
		return xstrdup(given);
	char *language = i18n_language_named(given);
	if (!language)
		snprintf(err, errlen, "there is no language '%s'; write its code or its name", given);
	return language;
}

static int fill_in(struct role *role, const char *given, char *err, size_t errlen)
{
	if (!role->argument[0]) {
		if (!given)
			return 0;
		snprintf(err, errlen, "the role %s takes nothing behind a colon, such as '%s'", role->name, given);
		return -1;
	}
	if (!given || !*given) {
		snprintf(err, errlen, "the role %s needs a word behind a colon, as in %s:%s", role->name, role->name,
			 strcmp(role->argument, "LANG") == 0 ? "fr" : role->argument);
		return -1;
	}
	char *text = argument_text(role, given, err, errlen);
	if (!text)
		return -1;
	char *prompt = replaced(role->prompt, "{argument}", text);
	free(role->prompt);
	role->prompt = prompt;
	free(text);
	return 0;
}

int role_open(struct role *role, const char *name, char *err, size_t errlen)
{
	const char *colon = strchr(name, ':');
	char *plain = xstrndup(name, colon ? (size_t)(colon - name) : strlen(name));
	int failed = role_read(role, plain, err, errlen);
	if (!failed && fill_in(role, colon ? colon + 1 : NULL, err, errlen)) {
		role_free(role);
		failed = -1;
	}
	free(plain);
	return failed;
}

/* --- All of them ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct role *)a)->name, ((const struct role *)b)->name);
}

struct role *role_list(size_t *count)
{
	char err[512], *path = roles_dir();
	struct role *list = xcalloc(ROLE_COUNT, sizeof(*list));
	*count = 0;
	for (int i = 0; i < ROLE_COUNT; i++)
		if (role_read(&list[*count], role_table[i].name, err, sizeof(err)) == 0)
			++*count;
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		bool known = entry->d_name[0] == '.' || strchr(entry->d_name, '~') || strchr(entry->d_name, ':');
		for (int i = 0; i < ROLE_COUNT && !known; i++)
			known = strcmp(role_table[i].name, entry->d_name) == 0;
		if (known)
			continue;
		list = xreallocarray(list, *count + 1, sizeof(*list));
		if (role_read(&list[*count], entry->d_name, err, sizeof(err)) == 0)
			++*count;
	}
	if (dir)
		closedir(dir);
	free(path);
	qsort(list, *count, sizeof(*list), by_name);
	return list;
}

void role_list_free(struct role *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		role_free(&list[i]);
	free(list);
}

/* --- Using one -------------------------------------------------------------------------------------- */

static enum option_source role_source(const struct options *options)
{
	return option_source(options, OPTION_ROLE) == SOURCE_FILE ? SOURCE_HABIT : SOURCE_ROLE;
}

static int apply_settings(struct options *options, const struct role *role, bool chat, char *err, size_t errlen)
{
	char *settings = xstrdup(role->settings), *key, *value, reason[256];
	int failed = 0;
	for (char *line = settings, *next; !failed && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!option_line(line, &key, &value) || !key)
			continue;
		const struct option_info *info = option_named(key);
		bool for_chats = info->flags & OPTION_IN_SET || info->id == OPTION_MODEL;
		if (!chat || for_chats)
			failed = options_set_from(options, role_source(options), info->id, value, reason,
						  sizeof(reason));
	}
	if (failed)
		snprintf(err, errlen, "%s: %s", role->path ? role->path : role->name, reason);
	free(settings);
	return failed;
}

int role_apply(struct options *options, bool chat, struct role *out, char *err, size_t errlen)
{
	struct role role = {0};
	const char *name = option_string(options, OPTION_ROLE);
	options_clear(options, SOURCE_HABIT);
	options_clear(options, SOURCE_ROLE);
	int failed = 0;
	if (name && *name)
		failed = role_open(&role, name, err, errlen) || apply_settings(options, &role, chat, err, errlen);
	if (out && !failed)
		*out = role;
	else
		role_free(&role);
	return failed ? -1 : 0;
}

char *role_system(const struct options *options, char *err, size_t errlen)
{
	const char *system = option_string(options, OPTION_SYSTEM), *name = option_string(options, OPTION_ROLE);
	bool said = option_given(options, OPTION_SYSTEM) &&
		    option_source(options, OPTION_SYSTEM) >= option_source(options, OPTION_ROLE);
	struct role role;
	if (said || !name || !*name)
		return xstrdup(system);
	if (role_open(&role, name, err, errlen))
		return NULL;
	char *prompt = role.prompt;
	role.prompt = NULL;
	role_free(&role);
	return prompt;
}
