#include "app.h"
#include "attach.h"
#include "clipboard.h"
#include "command.h"

#include "../model_store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "theme.h"

enum { IMPORT_MOST = 1 << 30 };

/* What a command gets: the words after its name, and whether it was given with !. */
struct call {
	struct app *app;
	char *argument; /* "" for none */
	bool force;
};

static void say(struct app *app, enum style style, char *text)
{
	app_banner(app, style, false, text);
}

static void say_key(struct app *app, enum style style, const char *key)
{
	say(app, style, xstrdup(i18n_text(app->tr, key)));
}

static void say_error(struct app *app, const char *err)
{
	say(app, STYLE_ERROR, app_error(app, err));
}

/* Cuts the next word off; NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");
	size_t len = strcspn(word, " \t");
	if (len == 0)
		return NULL;
	*at = word + len + (word[len] != '\0');
	word[len] = '\0';
	return word;
}

static void say_missing(struct app *app, const char *what)
{
	char *form = i18n_values(app->tr, what);
	say(app, STYLE_ERROR, i18n_format(app->tr, "chat.argument-missing", I18N_S(form)));
	free(form);
}

/* The only argument there is, NULL and a word about it when it is missing. */
static const char *need(const struct call *c, const char *what)
{
	if (c->argument[0])
		return c->argument;
	say_missing(c->app, what);
	return NULL;
}

/* --- Conversations ------------------------------------------------------------------ */

static void do_help(const struct call *c)
{
	app_overlay_help(c->app);
}

static void do_new(const struct call *c)
{
	app_session_new(c->app);
}

static void do_resume(const struct call *c)
{
	if (c->argument[0])
		app_session_open(c->app, c->argument, 0);
	else
		app_overlay_sessions(c->app);
}

static void do_rename(const struct call *c)
{
	struct app *app = c->app;
	char err[512];
	const char *title = need(c, "TITLE");
	if (!title)
		return;
	if (!app_session_ensure(app)) {
		say_key(app, STYLE_ERROR, "chat.nothing-kept");
	} else if (session_rename(app->o.sessions, app->session.row, title, err, sizeof(err))) {
		say_error(app, err);
	} else {
		free(app->session.title);
		app->session.title = xstrdup(title);
		app_session_title(app);
	}
}

static void do_search(const struct call *c)
{
	const char *query = need(c, "WORDS");
	if (query)
		app_overlay_search(c->app, query);
}

static void do_fork(const struct call *c)
{
	struct app *app = c->app;
	if (app->turn || !app->stored)
		say_key(app, STYLE_WARNING, app->turn ? "chat.busy" : "chat.nothing-said");
	else
		app_tree_fork(app, c->argument[0] || app->chosen >= 0 ? app_tree_find(app, c->argument, MESSAGE_USER)
								      : app->message_count - 1);
}

static void do_undo(const struct call *c)
{
	app_tree_undo(c->app);
}

static void do_redo(const struct call *c)
{
	app_tree_redo(c->app);
}

static void do_regen(const struct call *c)
{
	app_tree_regenerate(c->app, app_tree_find(c->app, c->argument, MESSAGE_USER));
}

static void do_edit(const struct call *c)
{
	int i = app_tree_find(c->app, c->argument, MESSAGE_USER);
	if (i >= 0)
		app_tree_edit(c->app, i);
}

static void do_pin(const struct call *c)
{
	app_tree_pin(c->app, app_tree_find(c->app, c->argument, MESSAGE_USER));
}

static void do_compact(const struct call *c)
{
	app_compact(c->app);
}

/* --- Out and in ---------------------------------------------------------------------- */

/* Text to a new file; an old one only by force. */
static void write_file(const struct call *c, const char *given, bool force, const char *text, size_t len)
{
	struct app *app = c->app;
	const char *home = getenv("HOME");
	bool tilde = given[0] == '~' && given[1] == '/' && home;
	char *path = xasprintf("%s%s", tilde ? home : "", given + tilde);
	char *shown = i18n_sanitize_line(given, strlen(given));
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0666);
	size_t done = 0;
	while (fd >= 0 && done < len) {
		ssize_t n = write(fd, text + done, len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	bool failed = fd < 0 || done < len || fsync(fd) != 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (failed && error == EEXIST)
		say(app, STYLE_ERROR, i18n_format(app->tr, "chat.file-exists", I18N_S(shown)));
	else if (failed)
		say(app, STYLE_ERROR, i18n_format(app->tr, "chat.file-failed", I18N_S(shown), I18N_E(strerror(error))));
	else
		say(app, STYLE_DIM, i18n_format(app->tr, "chat.file-written", I18N_S(shown), I18N_I((int64_t)len)));
	free(shown);
	free(path);
}

/* The source of code block number, as the model wrote it; false with a word about it. */
static bool block(struct app *app, const char *number, struct buffer *code, char **language)
{
	char *end;
	long n = strtol(number, &end, 10);
	if (*end == '\0' && n >= 1 && n <= INT32_MAX && transcript_block(app->transcript, (int)n, code, language))
		return true;
	say(app, STYLE_ERROR,
	    i18n_format(app->tr, "chat.no-block", I18N_S(number), I18N_I(transcript_block_count(app->transcript))));
	return false;
}

static bool last_answer(struct app *app, struct buffer *out)
{
	int i = app_session_last(app, MESSAGE_ASSISTANT);
	if (i >= 0) {
		size_t len;
		const char *text = transcript_text(app->transcript, app->messages[i].entry, &len);
		buffer_append(out, text, len);
		return true;
	}
	say_key(app, STYLE_WARNING, "chat.nothing-said");
	return false;
}

void app_copy(struct app *app, const char *text, size_t len)
{
	char *ways = clipboard_copy(app->screen, text, len);
	if (ways[0])
		say(app, STYLE_DIM, i18n_format(app->tr, "chat.copied", I18N_S(ways)));
	else
		say_key(app, STYLE_ERROR, "chat.no-clipboard");
	free(ways);
}

static void do_copy(const struct call *c)
{
	struct app *app = c->app;
	struct buffer text = {0};
	char *language = NULL;
	if (c->argument[0] ? block(app, c->argument, &text, &language) : last_answer(app, &text))
		app_copy(app, text.data ? text.data : "", text.len);
	free(language);
	buffer_free(&text);
}

static void do_save(const struct call *c)
{
	char *rest = c->argument, *number = next_word(&rest), *language = NULL;
	bool force = c->force;
	struct buffer code = {0};
	if (number && strlen(number) > 1 && number[strlen(number) - 1] == '!') {
		number[strlen(number) - 1] = '\0';
		force = true;
	}
	rest += strspn(rest, " \t");
	if (!number || !rest[0]) {
		say_missing(c->app, "N FILE");
		return;
	}
	if (block(c->app, number, &code, &language))
		write_file(c, rest, force, code.data ? code.data : "", code.len);
	free(language);
	buffer_free(&code);
}

/* The number that a command begins with, 0 and a word about it when there is none. */
static int block_number(const struct call *c, char **rest, const char *form)
{
	char *word = next_word(rest), *end = word;
	long n = word ? strtol(word, &end, 10) : 0;
	if (!word || *end) {
		say_missing(c->app, form);
		return 0;
	}
	int count = transcript_block_count(c->app->transcript);
	if (n >= 1 && n <= count)
		return (int)n;
	say(c->app, STYLE_ERROR, i18n_format(c->app->tr, "chat.no-block", I18N_S(word), I18N_I(count)));
	return 0;
}

static void do_fold(const struct call *c)
{
	char *rest = c->argument;
	int number = block_number(c, &rest, "N");
	if (number && !transcript_fold_block(c->app->transcript, number))
		say(c->app, STYLE_DIM, i18n_format(c->app->tr, "chat.fold-short", I18N_I(number)));
}

static void do_run(const struct call *c)
{
	char *rest = c->argument;
	int number = block_number(c, &rest, "N");
	if (number)
		app_blocks_run(c->app, number, c->force && c->app->plain);
}

static void do_output(const struct call *c)
{
	app_blocks_output(c->app);
}

static void do_apply(const struct call *c)
{
	char *rest = c->argument;
	int number = block_number(c, &rest, "N [FILE]");
	rest += strspn(rest, " \t");
	if (number)
		app_blocks_apply(c->app, number, rest[0] ? rest : NULL, c->force && c->app->plain);
}

static void do_revert(const struct call *c)
{
	app_blocks_revert(c->app);
}

static enum export_format format_of(const char *path)
{
	const char *dot = strrchr(path, '.');
	if (dot && strcmp(dot, ".json") == 0)
		return EXPORT_JSON;
	if (dot && (strcmp(dot, ".html") == 0 || strcmp(dot, ".htm") == 0))
		return EXPORT_HTML;
	return dot && strcmp(dot, ".txt") == 0 ? EXPORT_TEXT : EXPORT_MARKDOWN;
}

/* What is on the screen, when the store does not hold all of it. */
static void export_screen(struct app *app, struct buffer *out)
{
	app_session_need(app, 0);
	for (int i = 0; i < app->message_count; i++) {
		const struct app_message *m = &app->messages[i];
		size_t len;
		const char *text = transcript_text(app->transcript, m->entry, &len);
		buffer_printf(out, "## %s\n\n", message_role_name(m->role));
		buffer_append(out, text, len);
		buffer_puts(out, "\n\n");
	}
}

static void do_export(const struct call *c)
{
	struct app *app = c->app;
	struct buffer text = {0};
	char err[512];
	const char *path = need(c, "FILE");
	if (!path)
		return;
	int failed = 0;
	if (app->stored && backlog_count(app->backlog) == 0)
		failed = session_export(app->o.sessions, app->session.row, format_of(path), &text, err, sizeof(err));
	else
		export_screen(app, &text);
	if (failed)
		say_error(app, err);
	else
		write_file(c, path, c->force, text.data ? text.data : "", text.len);
	buffer_free(&text);
}

static void do_import(const struct call *c)
{
	struct app *app = c->app;
	struct buffer text = {0};
	char err[512];
	int imported = 0;
	const char *path = need(c, "FILE");
	if (!path)
		return;
	if (!app->o.sessions)
		say_key(app, STYLE_ERROR, "chat.nothing-kept");
	else if (attach_read_file(path, IMPORT_MOST, &text, err, sizeof(err)) ||
		 session_import(app->o.sessions, text.data ? text.data : "", text.len, path, &imported, err,
				sizeof(err)))
		say_error(app, err);
	else
		say(app, STYLE_DIM, i18n_format(app->tr, "chat.imported", I18N_I(imported)));
	buffer_free(&text);
}

static void do_file(const struct call *c)
{
	if (c->argument[0])
		attach_file(c->app, c->argument);
	else
		app_overlay_attached(c->app);
}

/* --- Settings ------------------------------------------------------------------------------ */

static void do_model(const struct call *c)
{
	char err[512], *path;
	if (!c->argument[0])
		app_overlay_models(c->app);
	else if (model_store_find(c->argument, &path, err, sizeof(err)))
		say_error(c->app, err);
	else {
		app_turn_open_model(c->app, path);
		free(path);
	}
}

static void do_system(const struct call *c)
{
	struct app *app = c->app;
	char err[512];
	if (!c->argument[0]) {
		app_note(app, ENTRY_NOTE,
			 app->system[0] ? xstrdup(app->system) : xstrdup(i18n_text(app->tr, "chat.no-system")));
		return;
	}
	free(app->system);
	app->system = xstrdup(c->argument);
	app_ahead_conversation(app);
	if (app->stored && session_set_system(app->o.sessions, app->session.row, app->system, err, sizeof(err)))
		say_error(app, err);
	else
		say_key(app, STYLE_DIM, "chat.system-set");
}

static void do_role(const struct call *c)
{
	if (c->argument[0])
		app_role(c->app, c->argument);
	else
		app_overlay_roles(c->app);
}

static void do_set(const struct call *c)
{
	char *rest = c->argument, *name = next_word(&rest), *value = name ? next_word(&rest) : NULL;
	app_settings_command(c->app, name, value);
}

static char *languages_joined(void)
{
	struct buffer out = {0};
	for (const char *const *code = i18n_languages(); *code; code++)
		buffer_printf(&out, "%s%s", out.len ? " " : "", *code);
	return buffer_take(&out);
}

static void do_lang(const struct call *c)
{
	struct app *app = c->app;
	const char *code = need(c, "CODE");
	if (!code)
		return;
	if (!i18n_speaks(code)) {
		char *shown = i18n_sanitize_line(code, strlen(code)), *known = languages_joined();
		say(app, STYLE_ERROR, i18n_format(app->tr, "chat.no-language", I18N_S(shown), I18N_S(known)));
		free(known);
		free(shown);
		return;
	}
	app_speak(app, code);
	say(app, STYLE_DIM, i18n_format(app->tr, "chat.language", I18N_S(i18n_language(app->tr))));
}

void app_speak(struct app *app, const char *code)
{
	struct i18n *tr = i18n_open(code);
	app_terminal_translate(app, tr);
	transcript_reflow(app->transcript, tr, app->bidi);
	editor_retranslate(app->editor, tr, app->bidi);
	app_overlay_close(app);
	i18n_close(app->own_tr);
	app->own_tr = tr;
	app->tr = tr;
	app_session_translate(app);
	app_turn_translate(app);
}

static void do_theme(const struct call *c)
{
	struct app *app = c->app;
	char err[512];
	const char *name = need(c, option_table[OPTION_THEME].value);
	if (!name)
		return;
	if (options_set(app->o.options, OPTION_THEME, name, err, sizeof(err))) {
		say_error(app, err);
		return;
	}
	app_show_theme(app);
}

void app_show_theme(struct app *app)
{
	char err[512];
	const char *name = option_string(app->o.options, OPTION_THEME);
	struct theme *theme =
		theme_open(name, app_terminal_background(app), option_flag(app->o.options, OPTION_NO_COLOR));
	const char *colors = option_string(app->o.options, OPTION_COLORS);
	if (colors && theme_set(theme, colors, err, sizeof(err)))
		say_error(app, err);
	app->screen->ops->theme(app->screen, theme);
	theme_free(app->theme);
	app->theme = theme;
	app->screen->ops->redraw(app->screen);
}

/* --- Figures ----------------------------------------------------------------------------------- */

static void do_tokens(const struct call *c)
{
	struct app *app = c->app;
	const struct engine_usage *u = &app->usage;
	int total = app->ready ? engine_model(app->engine)->ctx_size : 0;
	app_note(app, ENTRY_NOTE,
		 i18n_format(app->tr, "chat.tokens", I18N_I(u->context_used), I18N_I(total), I18N_I(u->prompt_tokens),
			     I18N_I(u->cached_tokens), I18N_I(u->completion_tokens)));
}

static void do_stats(const struct call *c)
{
	app_stats_show(c->app);
}

static void do_exit(const struct call *c)
{
	c->app->quit = true;
}

/* --- The table ------------------------------------------------------------------------------------ */

typedef void handler_fn(const struct call *);

static handler_fn *const handlers[] = {
	[COMMAND_HELP] = do_help,     [COMMAND_NEW] = do_new,       [COMMAND_RESUME] = do_resume,
	[COMMAND_RENAME] = do_rename, [COMMAND_SEARCH] = do_search, [COMMAND_FORK] = do_fork,
	[COMMAND_UNDO] = do_undo,     [COMMAND_REGEN] = do_regen,   [COMMAND_EDIT] = do_edit,
	[COMMAND_COPY] = do_copy,     [COMMAND_SAVE] = do_save,     [COMMAND_EXPORT] = do_export,
	[COMMAND_IMPORT] = do_import, [COMMAND_MODEL] = do_model,   [COMMAND_SYSTEM] = do_system,
	[COMMAND_SET] = do_set,       [COMMAND_FILE] = do_file,     [COMMAND_THEME] = do_theme,
	[COMMAND_LANG] = do_lang,     [COMMAND_TOKENS] = do_tokens, [COMMAND_STATS] = do_stats,
	[COMMAND_EXIT] = do_exit,     [COMMAND_RUN] = do_run,       [COMMAND_OUTPUT] = do_output,
	[COMMAND_APPLY] = do_apply,   [COMMAND_REVERT] = do_revert, [COMMAND_REDO] = do_redo,
	[COMMAND_ROLE] = do_role,     [COMMAND_PIN] = do_pin,       [COMMAND_COMPACT] = do_compact,
	[COMMAND_FOLD] = do_fold,
};
static_assert(sizeof(handlers) / sizeof(handlers[0]) == COMMAND_COUNT, "every command has a handler");

bool app_command(struct app *app, const char *line, size_t len)
{
	struct command command;
	if (!command_parse(app->tr, line, len, &command))
		return false;
	if (command.id == COMMAND_NONE) {
		char *name = i18n_sanitize_line(command.name, command.name_len);
		char *meant = command_nearest(app->tr, command.name, command.name_len);
		say(app, STYLE_ERROR,
		    meant ? i18n_format(app->tr, "chat.command-meant", I18N_S(name), I18N_S(meant))
			  : i18n_format(app->tr, "chat.no-command", I18N_S(name)));
		free(meant);
		free(name);
		editor_set_text(app->editor, line, len);
		return true;
	}
	struct call call = {app, xstrndup(command.argument, command.argument_len), command.force};
	hints_used_command(app->hints, command.id);
	handlers[command.id](&call);
	free(call.argument);
	return true;
}
