/* bora config: what holds and where it comes from; the file, made, read and changed without losing its comments. */
#include "cli.h"
#include "../paths.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAME_COLUMN = 40, USAGE = 2 };

static const char *const source_names[SOURCE_COUNT] = {
	[SOURCE_DEFAULT] = "default",
	[SOURCE_HABIT] = "role",
	[SOURCE_FILE] = "file",
	[SOURCE_ROLE] = "role",
	[SOURCE_ENVIRONMENT] = "environment",
	[SOURCE_COMMAND_LINE] = "command-line",
	[SOURCE_CHAT] = "chat",
};

static const char *source_text(const struct i18n *tr, enum option_source source)
{
	static const char *const keys[SOURCE_COUNT] = {
		[SOURCE_DEFAULT] = "config.default",
		[SOURCE_HABIT] = "config.role",
		[SOURCE_FILE] = "config.file",
		[SOURCE_ROLE] = "config.role",
		[SOURCE_ENVIRONMENT] = "config.environment",
		[SOURCE_COMMAND_LINE] = "config.command-line",
		[SOURCE_CHAT] = "config.command-line",
	};
	return i18n_text(tr, keys[source]);
}

static char *config_path(void)
{
	char *dir = path_dir(PATH_CONFIG), *path = path_join(dir, "config");
	free(dir);
	return path;
}

static bool in_config(int id)
{
	return option_table[id].flags & OPTION_IN_CONFIG;
}

static const char *value_text(const struct options *options, int id)
{
	const char *text = option_string(options, (enum option_id)id);
	return text ? text : option_table[id].type == OPTION_FLAG ? "no" : "";
}

/* --- What holds ------------------------------------------------------------------------------ */

static void print_value(const struct cli *cli, int id)
{
	const char *value = value_text(cli->options, id);
	char *line = xasprintf("%s = %s", option_table[id].name, value),
	     *shown = i18n_sanitize_line(line, strlen(line));
	int pad = NAME_COLUMN - i18n_width(cli->tr, shown, strlen(shown));
	printf("%s%*s(%s)\n", shown, pad > 2 ? pad : 2, "",
	       source_text(cli->tr, option_source(cli->options, (enum option_id)id)));
	free(shown);
	free(line);
}

static void print_json(const struct cli *cli)
{
	cJSON *json = cJSON_CreateObject();
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (!in_config(i))
			continue;
		cJSON *each = cJSON_AddObjectToObject(json, option_table[i].name);
		cJSON_AddStringToObject(each, "value", value_text(cli->options, i));
		cJSON_AddStringToObject(each, "source", source_names[option_source(cli->options, (enum option_id)i)]);
	}
	char *text = cJSON_PrintUnformatted(json);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(json);
}

static int list(struct cli *cli)
{
	char err[512], *path = config_path();
	int code = options_read_config(cli->options, path, err, sizeof(err)) ? cli_fail(cli, "%s", err) : 0;
	free(path);
	if (option_flag(cli->options, OPTION_JSON)) {
		print_json(cli);
		return code;
	}
	for (int i = 0; i < OPTION_COUNT; i++)
		if (in_config(i))
			print_value(cli, i);
	return code;
}

/* --- A file with all settings as comments -------------------------------------------------------- */

static void add_comment(struct buffer *out, const char *text)
{
	for (const char *end; *text; text = end + (*end != '\0')) {
		end = text + strcspn(text, "\n");
		buffer_printf(out, "# %.*s\n", (int)(end - text), text);
	}
}

static void add_setting(const struct i18n *tr, const struct option_info *info, struct buffer *out)
{
	char *key = xasprintf("option.%s", info->name), *form = i18n_values(tr, info->value);
	char *about = xasprintf("%s%s%s%s", i18n_text(tr, key), *form ? " (" : "", form, *form ? ")" : "");
	buffer_puts(out, "\n");
	add_comment(out, about);
	buffer_printf(out, "#%s = %s\n", info->name, info->type == OPTION_FLAG ? "no" : info->fallback);
	free(about);
	free(form);
	free(key);
}

static void whole_file(const struct i18n *tr, struct buffer *out)
{
	static const char *const groups[GROUP_COUNT] = {
		[GROUP_CHAT] = "group.chat",     [GROUP_MODEL] = "group.model", [GROUP_SAMPLING] = "group.sampling",
		[GROUP_SCREEN] = "group.screen", [GROUP_TOOLS] = "group.tools", [GROUP_GENERAL] = "group.general",
	};
	add_comment(out, i18n_text(tr, "config.header"));
	for (int group = 0; group < GROUP_COUNT; group++) {
		bool headed = false;
		for (int i = 0; i < OPTION_COUNT; i++) {
			if (!in_config(i) || option_table[i].group != (enum option_group)group)
				continue;
			if (!headed)
				buffer_printf(out, "\n# --- %s ---\n", i18n_text(tr, groups[group]));
			headed = true;
			add_setting(tr, &option_table[i], out);
		}
	}
}

/* --- Writing --------------------------------------------------------------------------------------- */

static int write_all(int fd, const struct buffer *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->data + done, text->len - done);
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return fsync(fd);
}

static int make_folder(char *err, size_t errlen)
{
	char *dir = path_dir(PATH_CONFIG);
	int failed = path_make(dir, err, errlen);
	free(dir);
	return failed;
}

/* A new file; one that is there stays. */
static int create(const char *path, const struct buffer *text, char *err, size_t errlen)
{
	if (make_folder(err, errlen))
		return -1;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST) {
		snprintf(err, errlen, "%s: there is such a file already; it stays as it is", path);
		return -1;
	}
	int failed = fd < 0 || write_all(fd, text);
	if (failed)
		snprintf(err, errlen, "%s: cannot write: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return failed ? -1 : 0;
}

/* The new text takes the place of the old in one step, behind a link, too. */
static int replace(const char *path, const struct buffer *text, char *err, size_t errlen)
{
	char real[PATH_MAX];
	if (!realpath(path, real))
		return create(path, text, err, errlen);
	struct stat st;
	char *new = xasprintf("%s.new", real);
	int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int failed =
		fd < 0 || stat(real, &st) || fchmod(fd, st.st_mode & 07777) || write_all(fd, text) || rename(new, real);
	if (failed)
		snprintf(err, errlen, "%s: cannot write: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (failed)
		unlink(new);
	free(new);
	return failed ? -1 : 0;
}

static int init(struct cli *cli)
{
	char err[512], *path = config_path();
	struct buffer text = {0};
	whole_file(cli->tr, &text);
	int failed = create(path, &text, err, sizeof(err));
	if (failed)
		cli_fail(cli, "%s", err);
	else
		puts(path);
	buffer_free(&text);
	free(path);
	return failed ? 1 : 0;
}

static int print_file(struct cli *cli)
{
	struct buffer text = {0};
	whole_file(cli->tr, &text);
	fputs(text.data, stdout);
	buffer_free(&text);
	return 0;
}

/* --- One setting ------------------------------------------------------------------------------------ */

static const struct option_info *setting(struct cli *cli, const char *name)
{
	const struct option_info *info = option_named(name);
	if (info && in_config(info->id))
		return info;
	const char *nearest = option_nearest(name, OPTION_IN_CONFIG);
	if (nearest)
		cli_fail(cli, "there is no setting '%s'; did you mean %s?", name, nearest);
	else
		cli_fail(cli, "there is no setting '%s'; bora config lists all", name);
	return NULL;
}

static int get(struct cli *cli, const char *name)
{
	const struct option_info *info = setting(cli, name);
	if (!info)
		return USAGE;
	puts(value_text(cli->options, info->id));
	return 0;
}

/* Whether a line sets name; comment: whether it would without its #. */
static bool sets(const char *line, size_t len, const char *name, bool comment)
{
	if (comment && (len == 0 || *line != '#'))
		return false;
	char *copy = xstrndup(line + comment, len - comment), *key, *value;
	bool same = option_line(copy, &key, &value) && key && strcmp(key, name) == 0;
	free(copy);
	return same;
}

/* Where the line that is to be replaced begins: the last that sets name, else the last comment; else the end. */
static size_t place_of(const struct buffer *text, const char *name)
{
	size_t set = text->len, comment = text->len;
	for (size_t at = 0; at < text->len;) {
		const char *line = text->data + at, *end = memchr(line, '\n', text->len - at);
		size_t len = end ? (size_t)(end - line) : text->len - at;
		if (sets(line, len, name, false))
			set = at;
		else if (sets(line, len, name, true))
			comment = at;
		at += len + 1;
	}
	return set < text->len ? set : comment;
}

static void put_setting(struct buffer *text, const char *name, const char *value)
{
	struct buffer out = {0};
	size_t at = place_of(text, name), rest = at;
	while (rest < text->len && text->data[rest] != '\n')
		rest++;
	buffer_append(&out, text->data, at);
	if (out.len && out.data[out.len - 1] != '\n')
		buffer_puts(&out, "\n");
	buffer_printf(&out, "%s = %s\n", name, value);
	rest += rest < text->len;
	buffer_append(&out, text->data + rest, text->len - rest);
	buffer_free(text);
	*text = out;
}

static int set(struct cli *cli, const char *name, const char *value)
{
	char err[512], *path = config_path();
	struct buffer text = {0};
	const struct option_info *info = setting(cli, name);
	int code = USAGE;
	if (!info || strchr(value, '\n') || options_set(cli->options, info->id, value, err, sizeof(err))) {
		if (info && strchr(value, '\n'))
			cli_fail(cli, "a setting is one line; leave the line break out");
		else if (info)
			cli_fail(cli, "%s", err);
		goto out;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int failed = fd >= 0 ? cli_read_all(fd, 0, &text, err, sizeof(err)) : 0;
	if (fd < 0 && errno != ENOENT) { /* what cannot be read must not be replaced */
		snprintf(err, sizeof(err), "%s: cannot read the configuration: %s", path, strerror(errno));
		failed = -1;
	}
	if (fd >= 0)
		close(fd);
	if (fd < 0)
		whole_file(cli->tr, &text);
	put_setting(&text, name, value);
	code = failed || replace(path, &text, err, sizeof(err)) ? cli_fail(cli, "%s", err) : 0;
out:
	buffer_free(&text);
	free(path);
	return code;
}

/* --- The editor --------------------------------------------------------------------------------------- */

static int run_editor(const char *path)
{
	const char *editor = getenv("VISUAL");
	if (!editor || !*editor)
		editor = getenv("EDITOR");
	char *command = xasprintf("%s \"$0\"", editor && *editor ? editor : "vi");
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", command, path, (char *)NULL);
		_exit(127);
	}
	free(command);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int edit(struct cli *cli)
{
	char err[512], *path = config_path();
	struct buffer text = {0};
	whole_file(cli->tr, &text);
	int code = access(path, F_OK) != 0 && create(path, &text, err, sizeof(err)) ? cli_fail(cli, "%s", err) : 0;
	if (code == 0)
		code = run_editor(path);
	if (code == 0 && options_read_config(cli->options, path, err, sizeof(err)))
		code = cli_fail(cli, "%s", err);
	if (code == 0)
		cli_warnings(cli);
	buffer_free(&text);
	free(path);
	return code;
}

static int show_path(void)
{
	char *path = config_path();
	puts(path);
	free(path);
	return 0;
}

int cli_config(struct cli *cli)
{
	char **words = cli->argv;
	const char *what = cli->argc ? words[0] : "ls";
	if (option_flag(cli->options, OPTION_INIT))
		return init(cli);
	if (option_flag(cli->options, OPTION_PRINT))
		return print_file(cli);
	if (strcmp(what, "ls") == 0 && cli->argc <= 1)
		return list(cli);
	if (strcmp(what, "get") == 0 && cli->argc == 2)
		return get(cli, words[1]);
	if (strcmp(what, "set") == 0 && cli->argc == 3)
		return set(cli, words[1], words[2]);
	if (strcmp(what, "path") == 0 && cli->argc == 1)
		return show_path();
	if (strcmp(what, "edit") == 0 && cli->argc == 1)
		return edit(cli);
	cli_fail(cli, "usage: bora config [ls] | get KEY | set KEY VALUE | path | edit | --init | --print");
	return USAGE;
}
