/* bora sessions: list, show, search, export, import, rename, rm, fork, backup, restore, check, pin. */
#include "cli.h"
#include "../cache_store.h"
#include "../paths.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_HITS = 100 };

struct command {
	struct cli *cli;
	struct sessions *sessions;
	int argc; /* words after the subcommand */
	char **argv;
	char err[1024];
};

static int fail(struct command *c)
{
	return cli_fail(c->cli, "%s", c->err);
}

static bool wants_json(const struct command *c)
{
	return option_flag(c->cli->options, OPTION_JSON);
}

/* --- Output ------------------------------------------------------------------- */

/* As it is to a file or pipe, made safe for a terminal. */
static void put_text(const char *text, size_t len)
{
	struct buffer safe = {0};
	if (isatty(STDOUT_FILENO)) {
		i18n_sanitize(text, len, &safe);
		text = safe.data;
		len = safe.len;
	}
	if (len)
		fwrite(text, 1, len, stdout);
	buffer_free(&safe);
}

static void put_line(const char *text)
{
	char *line = i18n_sanitize_line(text, strlen(text));
	puts(line);
	free(line);
}

static void put_json(cJSON *json)
{
	char *text = cJSON_Print(json);
	put_text(text, strlen(text));
	puts("");
	free(text);
	cJSON_Delete(json);
}

static const char *shown_title(const struct command *c, const struct session *session)
{
	return *session->title ? session->title : i18n_text(c->cli->tr, "sessions.untitled");
}

/* --- Listing ------------------------------------------------------------------ */

static cJSON *session_json(const struct session *session)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "id", session->id);
	cJSON_AddStringToObject(json, "title", session->title);
	cJSON_AddNumberToObject(json, "created", (double)session->created);
	cJSON_AddNumberToObject(json, "updated", (double)session->updated);
	cJSON_AddNumberToObject(json, "messages", session->messages);
	cJSON_AddStringToObject(json, "model", session->model);
	cJSON_AddNumberToObject(json, "tokens", session->tokens);
	cJSON_AddBoolToObject(json, "pinned", session->pinned);
	cJSON_AddNumberToObject(json, "cached_bytes", (double)cache_bytes(session->id));
	return json;
}

static void list_json(const struct session *list, size_t count)
{
	cJSON *json = cJSON_CreateArray();
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(json, session_json(&list[i]));
	put_json(json);
}

static void put_padded(const struct command *c, const char *text, int width, bool right)
{
	int pad = width - i18n_width(c->cli->tr, text, strlen(text));
	printf("%*s%s%*s  ", right && pad > 0 ? pad : 0, "", text, !right && pad > 0 ? pad : 0, "");
}

enum { CELLS = 3 };

/* What stands before the title: when, how many messages, and whether the model need not read it again. */
static char *cell(const struct command *c, const struct session *session, int column)
{
	struct i18n *tr = c->cli->tr;
	if (column == 0)
		return i18n_format(tr, "sessions.when", I18N_T((double)session->updated));
	if (column == 1)
		return i18n_format(tr, "sessions.messages", I18N_I(session->messages));
	return xstrdup(cache_bytes(session->id) ? i18n_text(tr, "sessions.ready") : "");
}

/* The title last, so that its direction moves nothing else. */
static void list_text(const struct command *c, const struct session *list, size_t count)
{
	char **cells = xcalloc(count * CELLS, sizeof(*cells));
	int widths[CELLS] = {0};
	for (size_t i = 0; i < count * CELLS; i++) {
		cells[i] = cell(c, &list[i / CELLS], (int)(i % CELLS));
		int width = i18n_width(c->cli->tr, cells[i], strlen(cells[i]));
		widths[i % CELLS] = width > widths[i % CELLS] ? width : widths[i % CELLS];
	}
	for (size_t i = 0; i < count; i++) {
		printf("%s  ", list[i].id);
		for (int k = 0; k < CELLS; k++)
			if (widths[k])
				put_padded(c, cells[i * CELLS + (size_t)k], widths[k], k == 1);
		printf("%s", list[i].pinned ? "* " : "");
		put_line(shown_title(c, &list[i]));
	}
	for (size_t i = 0; i < count * CELLS; i++)
		free(cells[i]);
	free(cells);
}

static int run_ls(struct command *c)
{
	struct session *list;
	size_t count;
	if (session_list(c->sessions, option_flag(c->cli->options, OPTION_ALL), &list, &count, c->err, sizeof(c->err)))
		return fail(c);
	if (wants_json(c))
		list_json(list, count);
	else
		list_text(c, list, count);
	for (size_t i = 0; i < count; i++)
		session_free(&list[i]);
	free(list);
	return 0;
}

/* --- One session --------------------------------------------------------------- */

static int find(struct command *c, int word, struct session *session)
{
	return session_find(c->sessions, c->argv[word], session, c->err, sizeof(c->err));
}

static const char *const role_keys[] = {
	[MESSAGE_SYSTEM] = "sessions.system",
	[MESSAGE_USER] = "sessions.user",
	[MESSAGE_ASSISTANT] = "sessions.assistant",
	[MESSAGE_TOOL] = "sessions.tool",
};

static void put_message(struct command *c, const struct message *m)
{
	struct i18n *tr = c->cli->tr;
	char *head =
		i18n_format(tr, m->status == MESSAGE_PARTIAL ? "sessions.heading-partial" : "sessions.heading",
			    I18N_I(m->number), I18N_S(i18n_text(tr, role_keys[m->role])), I18N_T((double)m->created));
	puts(head);
	put_text(m->content, m->len);
	puts("\n");
	free(head);
}

static int show_text(struct command *c, const struct session *session)
{
	struct message *path;
	size_t count;
	if (message_path(c->sessions, session->row, &path, &count, c->err, sizeof(c->err)))
		return fail(c);
	printf("%s  ", session->id);
	put_line(shown_title(c, session));
	puts("");
	for (size_t i = 0; i < count; i++) {
		put_message(c, &path[i]);
		message_free(&path[i]);
	}
	free(path);
	return 0;
}

static int export_to(struct command *c, const struct session *session, enum export_format format, const char *file);

static int run_show(struct command *c)
{
	struct session session;
	if (find(c, 0, &session))
		return fail(c);
	int code = wants_json(c) ? export_to(c, &session, EXPORT_JSON_PATH, NULL) : show_text(c, &session);
	session_free(&session);
	return code;
}

static int run_rename(struct command *c)
{
	struct session session;
	struct buffer title = {0};
	if (find(c, 0, &session))
		return fail(c);
	for (int i = 1; i < c->argc; i++)
		buffer_printf(&title, "%s%s", i > 1 ? " " : "", c->argv[i]);
	int code = session_rename(c->sessions, session.row, title.data, c->err, sizeof(c->err));
	buffer_free(&title);
	session_free(&session);
	return code ? fail(c) : 0;
}

static int delete_session(struct command *c, const struct session *session)
{
	if (session_delete(c->sessions, session->row, c->err, sizeof(c->err)))
		return -1;
	cache_remove(session->id);
	char *dir = path_dir(PATH_STATE);
	struct drafts *drafts = drafts_open(dir);
	draft_save(drafts, session->id, "", 0);
	drafts_close(drafts);
	free(dir);
	return 0;
}

/* Every ID must be right before the first is deleted. */
static int run_rm(struct command *c)
{
	struct session *found = xcalloc((size_t)c->argc, sizeof(*found));
	int code = 0;
	for (int i = 0; i < c->argc && code == 0; i++)
		code = find(c, i, &found[i]);
	for (int i = 0; i < c->argc && code == 0; i++) {
		bool twice = false;
		for (int k = 0; k < i; k++)
			twice |= found[k].row == found[i].row;
		if (!twice)
			code = delete_session(c, &found[i]);
	}
	for (int i = 0; i < c->argc; i++)
		session_free(&found[i]);
	free(found);
	return code ? fail(c) : 0;
}

static int run_fork(struct command *c)
{
	struct session session, fork;
	int64_t message = 0;
	if (find(c, 0, &session))
		return fail(c);
	int code = 0;
	if (option_given(c->cli->options, OPTION_AT))
		code = message_find(c->sessions, session.row, option_integer(c->cli->options, OPTION_AT), &message,
				    c->err, sizeof(c->err));
	if (code == 0)
		code = session_fork(c->sessions, session.row, message, &fork, c->err, sizeof(c->err));
	if (code == 0) {
		cache_fork(session.id, fork.id);
		if (wants_json(c))
			put_json(session_json(&fork));
		else
			puts(fork.id);
		session_free(&fork);
	}
	session_free(&session);
	return code ? fail(c) : 0;
}

static int pin(struct command *c, bool pinned)
{
	struct session session;
	if (find(c, 0, &session))
		return fail(c);
	int code = session_pin(c->sessions, session.row, pinned, c->err, sizeof(c->err));
	session_free(&session);
	return code ? fail(c) : 0;
}

static int run_pin(struct command *c)
{
	return pin(c, true);
}

static int run_unpin(struct command *c)
{
	return pin(c, false);
}

/* --- Search --------------------------------------------------------------------- */

static void hits_json(const struct search_hit *hits, size_t count)
{
	cJSON *json = cJSON_CreateArray();
	for (size_t i = 0; i < count; i++) {
		cJSON *hit = cJSON_CreateObject();
		cJSON_AddStringToObject(hit, "session", hits[i].session.id);
		cJSON_AddStringToObject(hit, "title", hits[i].session.title);
		cJSON_AddNumberToObject(hit, "message", (double)hits[i].number);
		cJSON_AddStringToObject(hit, "snippet", hits[i].snippet);
		cJSON_AddNumberToObject(hit, "match_start", (double)hits[i].match_start);
		cJSON_AddNumberToObject(hit, "match_end", (double)hits[i].match_end);
		cJSON_AddItemToArray(json, hit);
	}
	put_json(json);
}

static void hits_text(const struct command *c, const struct search_hit *hits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct search_hit *hit = &hits[i];
		if (i == 0 || hit->session.row != hits[i - 1].session.row) {
			printf("%s  ", hit->session.id);
			put_line(shown_title(c, &hit->session));
		}
		printf("%6lld  ", (long long)hit->number);
		put_line(hit->snippet);
	}
}

static int run_search(struct command *c)
{
	struct search_hit *hits;
	size_t count;
	struct buffer query = {0};
	for (int i = 0; i < c->argc; i++)
		buffer_printf(&query, "%s%s", i ? " " : "", c->argv[i]);
	int code = sessions_search(c->sessions, query.data, MOST_HITS, &hits, &count, c->err, sizeof(c->err));
	buffer_free(&query);
	if (code)
		return fail(c);
	if (wants_json(c))
		hits_json(hits, count);
	else
		hits_text(c, hits, count);
	for (size_t i = 0; i < count; i++)
		search_hit_free(&hits[i]);
	free(hits);
	return 0;
}

/* --- Export and import ------------------------------------------------------------ */

static int write_file(struct command *c, const char *path, const struct buffer *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return cli_fail(c->cli, "%s: there is such a file already; give another name", path);
	if (fd < 0)
		return cli_fail(c->cli, "%s: cannot be made: %s", path, strerror(errno));
	FILE *file = fdopen(fd, "wb");
	bool bad = fwrite(text->data, 1, text->len, file) != text->len;
	bad |= fflush(file) != 0 || fsync(fd) != 0;
	int problem = errno;
	fclose(file);
	if (!bad)
		return 0;
	unlink(path);
	return cli_fail(c->cli, "%s: cannot write: %s", path, strerror(problem));
}

static int export_to(struct command *c, const struct session *session, enum export_format format, const char *file)
{
	struct buffer text = {0};
	if (session_export(c->sessions, session->row, format, &text, c->err, sizeof(c->err)))
		return fail(c);
	int code = 0;
	if (file)
		code = write_file(c, file, &text);
	else
		put_text(text.data, text.len);
	buffer_free(&text);
	return code;
}

/* --format, else by the file's ending, else Markdown. */
static enum export_format export_format(const struct command *c, const char *file)
{
	static const struct {
		const char *name;
		enum export_format format;
	} formats[] = {{"md", EXPORT_MARKDOWN}, {"json", EXPORT_JSON}, {"html", EXPORT_HTML}, {"txt", EXPORT_TEXT}};
	const char *dot = file ? strrchr(file, '.') : NULL, *name = dot ? dot + 1 : "md";
	if (option_given(c->cli->options, OPTION_FORMAT))
		name = option_string(c->cli->options, OPTION_FORMAT);
	else if (!file && wants_json(c))
		name = "json";
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].format;
	return EXPORT_MARKDOWN;
}

static int run_export(struct command *c)
{
	struct session session;
	const char *file = option_string(c->cli->options, OPTION_OUTPUT);
	if (file && (!*file || strcmp(file, "-") == 0))
		file = NULL;
	if (find(c, 0, &session))
		return fail(c);
	int code = export_to(c, &session, export_format(c, file), file);
	session_free(&session);
	return code;
}

static int import_file(struct command *c, const char *path)
{
	struct buffer text = {0};
	struct stat st;
	int imported = 0, code = 0;
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cli_fail(c->cli, "%s: cannot open: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && strcmp(path, "-") != 0)
		code = cli_fail(c->cli, "%s: a device, not a file", path);
	else if (cli_read_all(fd, 0, &text, c->err, sizeof(c->err)))
		code = cli_fail(c->cli, "%s: %s", path, c->err);
	close(fd);
	if (code == 0 &&
	    session_import(c->sessions, text.data ? text.data : "", text.len, path, &imported, c->err, sizeof(c->err)))
		code = fail(c);
	buffer_free(&text);
	if (code)
		return code;
	char *line = i18n_format(c->cli->tr, "sessions.imported", I18N_S(path), I18N_I(imported));
	put_line(line);
	free(line);
	return 0;
}

static int run_import(struct command *c)
{
	int code = 0;
	for (int i = 0; i < c->argc; i++)
		if (import_file(c, c->argv[i]))
			code = 1;
	return code;
}

static int run_backup(struct command *c)
{
	struct stat st;
	const char *path = c->argv[0];
	if (sessions_backup(c->sessions, path, c->err, sizeof(c->err)))
		return fail(c);
	char *line = i18n_format(c->cli->tr, "sessions.backed-up", I18N_S(path),
				 I18N_R(stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0));
	put_line(line);
	free(line);
	return 0;
}

static int run_restore(struct command *c)
{
	char *dir = path_dir(PATH_DATA), *kept = NULL;
	int code = sessions_restore(dir, c->cli->tr, c->argv[0], &kept, c->err, sizeof(c->err));
	if (code == 0) {
		char *line = i18n_format(c->cli->tr, "sessions.restored", I18N_S(c->argv[0]), I18N_S(kept));
		put_line(line);
		free(line);
	}
	free(kept);
	free(dir);
	return code ? fail(c) : 0;
}

/* --- Check ------------------------------------------------------------------------ */

static void put_finding(void *tr, const char *line)
{
	char *text = i18n_error(tr, line);
	put_line(text);
	free(text);
}

static int run_check(struct command *c)
{
	char *dir = path_dir(PATH_DATA);
	int problems = sessions_check(dir, c->cli->tr, option_flag(c->cli->options, OPTION_REPAIR), put_finding,
				      (void *)c->cli->tr, c->err, sizeof(c->err));
	free(dir);
	if (problems < 0)
		return fail(c);
	puts(i18n_text(c->cli->tr, problems ? "sessions.not-sound" : "sessions.sound"));
	return problems ? 1 : 0;
}

/* --- The table --------------------------------------------------------------------- */

static const struct {
	const char *name;
	int least, most; /* words it takes; most -1: any number */
	bool closed;     /* works on the store itself: it is not opened before */
	int (*run)(struct command *);
	const char *usage;
} subcommands[] = {
	{"ls", 0, 0, false, run_ls, ""},
	{"show", 1, 1, false, run_show, "ID"},
	{"search", 1, -1, false, run_search, "QUERY"},
	{"export", 1, 1, false, run_export, "ID [--format md|json|html|txt] [-o FILE]"},
	{"import", 1, -1, false, run_import, "FILE…"},
	{"rename", 2, -1, false, run_rename, "ID TITLE"},
	{"rm", 1, -1, false, run_rm, "ID…"},
	{"fork", 1, 1, false, run_fork, "ID [--at MESSAGE]"},
	{"backup", 1, 1, false, run_backup, "FILE"},
	{"restore", 1, 1, true, run_restore, "FILE"},
	{"check", 0, 0, true, run_check, "[--repair]"},
	{"pin", 1, 1, false, run_pin, "ID"},
	{"unpin", 1, 1, false, run_unpin, "ID"},
};
enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

int cli_sessions(struct cli *cli)
{
	const char *name = cli->argc ? cli->argv[0] : "ls";
	int i = 0;
	while (i < SUBCOMMANDS && strcmp(subcommands[i].name, name) != 0)
		i++;
	if (i == SUBCOMMANDS) {
		cli_fail(cli, "sessions: there is no '%s'; see bora --help", name);
		return 2;
	}
	struct command c = {.cli = cli, .argc = cli->argc ? cli->argc - 1 : 0, .argv = cli->argv + 1};
	if (c.argc < subcommands[i].least || (subcommands[i].most >= 0 && c.argc > subcommands[i].most)) {
		cli_fail(cli, "usage: bora sessions %s%s%s", name, *subcommands[i].usage ? " " : "",
			 subcommands[i].usage);
		return 2;
	}
	if (subcommands[i].closed)
		return subcommands[i].run(&c);
	int code = cli_open_sessions(cli, &c.sessions);
	if (code)
		return code;
	if (sessions_notice(c.sessions))
		cli_fail(cli, "%s", sessions_notice(c.sessions));
	code = subcommands[i].run(&c);
	sessions_close(c.sessions);
	if (code == 0 && fflush(stdout))
		code = cli_fail(cli, "cannot write: %s", strerror(errno));
	return code;
}
