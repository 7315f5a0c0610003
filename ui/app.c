#include "app.h"
#include "attach.h"
#include "completion.h"
#include "config_watch.h"
#include "../paths.h"

#include <stdlib.h>
#include <string.h>

#include "theme.h"

/* --- What is said to the person ---------------------------------------------------- */

void app_note(struct app *app, enum entry_kind kind, char *text)
{
	if (app->waiting_count)
		transcript_truncate(app->transcript, app->waiting_entry);
	transcript_add(app->transcript, kind, text, strlen(text));
	app->waiting_entry = transcript_count(app->transcript);
	if (app->waiting_count)
		app_turn_show_waiting(app);
	app->dirty = true;
	free(text);
}

void app_banner(struct app *app, enum style style, bool stays, char *text)
{
	free(app->banner);
	app->banner = text;
	app->banner_style = style;
	app->banner_stays = text && stays;
	app->dirty = true;
}

char *app_error(const struct app *app, const char *err)
{
	char *line = i18n_sanitize_line(err, strlen(err)), *text = i18n_format(app->tr, "chat.error", I18N_E(line));
	free(line);
	return text;
}

void app_changed_input(struct app *app)
{
	app->dirty = true;
	if (!app->draft_due)
		app->draft_due = app->now + APP_DRAFT_MS;
	app_ahead_input(app);
	attach_input_changed(app);
}

/* --- Keys -------------------------------------------------------------------------------- */

static void feed_editor(struct app *app, const struct key *key)
{
	app->dirty = true;
	switch (editor_feed(app->editor, key->bytes, key->len)) {
	case EDITOR_SUBMIT: app_send_now(app); break;
	case EDITOR_EOF: app_action(app, ACTION_QUIT); break;
	case EDITOR_CHANGED: app_changed_input(app); break;
	case EDITOR_NOTHING: break;
	}
}

static void take_down_banner(struct app *app)
{
	app->again_until = 0;
	if (app->banner && !app->banner_stays)
		app_banner(app, STYLE_DIM, false, NULL);
}

/* Keys that the input needs for itself: readline's searches and prefixes, vi's Esc, Ctrl+D in a text. */
static bool for_editor(struct app *app, const struct key *key, enum action action)
{
	bool leaves = action == ACTION_LEAVE || action == ACTION_SUSPEND;
	if (editor_in_command(app->editor))
		return !leaves;
	if (action == ACTION_INTERRUPT)
		return !app->turn && editor_wants_escape(app->editor);
	bool words = action == ACTION_VERSION_PREVIOUS || action == ACTION_VERSION_NEXT; /* moves by words in a text */
	return ((action == ACTION_QUIT && key->code == KEYS_CHAR) || (words && app->chosen < 0)) &&
	       !editor_empty(app->editor);
}

/* An input method may deliver the last syllable after Enter: it belongs to the message. */
static bool belongs_before_enter(const struct key *key)
{
	return key->code == KEYS_CHAR && key->mods == 0 && key->ch >= 0x80;
}

static void send_what_waits(struct app *app)
{
	if (app->send_at) {
		app->send_at = 0;
		app_send_now(app);
	}
}

static void handle_key(struct app *app, const struct key *key)
{
	if (key->code == KEYS_FOCUS) {
		app->focus = key->ch ? FOCUS_HERE : FOCUS_AWAY;
		return;
	}
	if (key->code == KEYS_REPLY) {
		app_terminal_answer(app, key->bytes, key->len);
		return;
	}
	enum action action = key->code == KEYS_PASTE ? ACTION_NONE : keys_action(key);
	if (app->send_at && !belongs_before_enter(key))
		send_what_waits(app);
	app->dirty = true;
	app->send_held = false;
	if (app_blocks_key(app, key) || app_select_key(app, key))
		return;
	if (action != ACTION_LEAVE)
		take_down_banner(app);
	if (action != ACTION_VERSION_PREVIOUS && action != ACTION_VERSION_NEXT)
		app->switching = -1;
	if (app->overlay && action != ACTION_SUSPEND && action != ACTION_REDRAW && app_overlay_key(app, key))
		return;
	if (!editor_in_command(app->editor) && (app_find_key(app, key) || app_tree_key(app, key)))
		return;
	if (key->code == KEYS_PASTE) {
		editor_paste(app->editor, key->bytes, key->len);
		app_changed_input(app);
	} else if (action == ACTION_NONE || for_editor(app, key, action)) {
		feed_editor(app, key);
	} else if (action == ACTION_SEND) {
		app->send_at = app->now + APP_GRACE_MS;
	} else {
		app_action(app, action);
	}
}

static void handle_keys(struct app *app)
{
	struct key key;
	while (!app->quit && keys_next(app->keys, app->now, &key) != KEYS_NONE)
		handle_key(app, &key);
}

void app_input(struct app *app, const char *bytes, size_t len)
{
	keys_feed(app->keys, bytes, len, app->now);
	handle_keys(app);
}

/* --- Time ------------------------------------------------------------------------------------ */

void app_tick(struct app *app)
{
	handle_keys(app); /* an Esc that nothing followed */
	if (app->send_at && app->now >= app->send_at)
		send_what_waits(app);
	if (app->draft_due && app->now >= app->draft_due)
		app_session_save_draft(app);
	app_blocks_tick(app);
	app_reload_tick(app);
	app_find_tick(app);
	if (app->turn)
		turn_tick(app->turn);
	app_ahead_tick(app);
	attach_tick(app);
	if (app->again_until && app->now >= app->again_until)
		take_down_banner(app);
	if (app->dirty && !app->plain && app->now >= app_draw_due(app))
		app_draw(app);
	app_session_tick(app);
}

static int sooner(int a, int64_t b)
{
	b = b < 0 ? 0 : b;
	return a < 0 || b < a ? (int)b : a;
}

int app_timeout(const struct app *app)
{
	int wait = keys_timeout(app->keys, app->now);
	int find = app_find_wait(app);
	if (find >= 0)
		wait = sooner(wait, find);
	int save = app->turn ? turn_next_save_ms(app->turn) : -1;
	if (save >= 0)
		wait = sooner(wait, save);
	if (app_blocks_timeout(app) >= 0)
		wait = sooner(wait, app_blocks_timeout(app));
	if (attach_timeout(app) >= 0)
		wait = sooner(wait, attach_timeout(app));
	if (app->send_at)
		wait = sooner(wait, app->send_at - app->now);
	if (app->draft_due)
		wait = sooner(wait, app->draft_due - app->now);
	if (app->ahead_due)
		wait = sooner(wait, app->ahead_due - app->now);
	if (app->again_until)
		wait = sooner(wait, app->again_until - app->now);
	if (app->dirty && !app->plain)
		wait = sooner(wait, app_draw_due(app) - app->now);
	return transcript_unread(app->transcript) ? 0 : wait;
}

/* --- Life --------------------------------------------------------------------------------------- */

static void load_history(struct app *app)
{
	char **lines = NULL;
	size_t count = 0;
	if (!app->o.drafts || history_load(app->o.drafts, &lines, &count))
		return;
	editor_history_load(app->editor, lines, count);
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	free(lines);
}

struct app *app_create(const struct ui_options *options, struct screen *screen)
{
	struct app *app = xcalloc(1, sizeof(*app));
	app->o = *options;
	app->screen = screen;
	app->tr = options->tr;
	app->bidi = I18N_BIDI_APP; /* until app_terminal_ask() */
	app->tty = -1;
	app->answer_entry = app->chosen = app->editing = app->switching = -1;
	app->dirty = true;
	app->now = loop_now();
	app->transcript = transcript_create(app->tr, app->bidi);
	app->editor = editor_create(app->tr, app->bidi);
	app->keys = keys_create();
	app->backlog = backlog_create();
	app->system = xstrdup("");
	app->model_name = xstrdup("");
	editor_on_complete(app->editor, completion_candidates, app);
	load_history(app);
	return app;
}

void app_keep_habits(struct app *app)
{
	if (option_flag(app->o.options, OPTION_NO_SAVE) || app->plain)
		return;
	char *dir = path_dir(PATH_STATE);
	recent_open(&app->recent, dir);
	if (strcmp(option_string(app->o.options, OPTION_HINTS), "off") != 0)
		app->hints = hints_open(dir);
	free(dir);
	if (option_flag(app->o.options, OPTION_CONTINUE))
		hints_used(app->hints, HINT_CONTINUE);
}

static void attach_given_files(struct app *app)
{
	int count;
	const char *const *files = option_list(app->o.options, OPTION_FILE, &count);
	for (int i = 0; i < count; i++)
		attach_file(app, files[i]);
}

static void tell_about_store(struct app *app)
{
	const char *notice = app->o.sessions ? sessions_notice(app->o.sessions) : NULL;
	const char *read_only = app->o.sessions ? sessions_read_only(app->o.sessions) : NULL;
	if (notice)
		app_note(app, ENTRY_NOTE, app_error(app, notice));
	if (read_only) {
		char *line = i18n_sanitize_line(read_only, strlen(read_only));
		app_banner(app, STYLE_WARNING, true, i18n_format(app->tr, "chat.not-saved", I18N_E(line)));
		free(line);
	}
}

void app_start(struct app *app)
{
	if (app->o.model_path)
		app_turn_open_model(app, app->o.model_path);
	if (!app->o.resume || !app_session_open(app, app->o.resume, 0))
		app_session_new(app);
	tell_about_store(app);
	attach_given_files(app);
	if (app->o.pick_session)
		app_overlay_sessions(app);
	if (app->o.first_prompt)
		app_turn_send(app, app->o.first_prompt, strlen(app->o.first_prompt));
}

void app_free(struct app *app)
{
	if (!app)
		return;
	app_turn_end(app);
	app_blocks_free(app);
	if (app->editor)
		app_session_save_draft(app);
	app_overlay_close(app);
	app_terminal_free(app);
	app_find_close(app);
	config_watch_close(app->config);
	hints_free(app->hints);
	recent_close(&app->recent);
	app_tree_forget(app);
	attach_clear(app); /* its tokens are being counted by the engine */
	engine_close(app->engine);
	if (app->stored) {
		session_unlock(app->o.sessions, app->session.row);
		session_free(&app->session);
	}
	for (int i = 0; i < app->waiting_count; i++)
		free(app->waiting[i].text);
	free(app->waiting);
	backlog_free(app->backlog);
	transcript_free(app->transcript);
	editor_free(app->editor);
	keys_free(app->keys);
	free(app->messages);
	free(app->undone);
	free(app->find_last);
	free(app->model_path);
	free(app->model_before);
	free(app->model_name);
	free(app->engine_error);
	free(app->system);
	free(app->banner);
	free(app->ahead_text);
	i18n_close(app->own_tr);
	theme_free(app->theme); /* the screen shows nothing any more */
	free(app);
}
