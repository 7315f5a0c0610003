#include "app.h"
#include "attach.h"
#include "command.h"
#include "external_editor.h"

#include <stdlib.h>
#include <string.h>

/* --- Sending ---------------------------------------------------------------------------- */

void app_remember(struct app *app, const char *text, size_t len)
{
	editor_history_add(app->editor, text);
	if (app->o.drafts)
		history_add(app->o.drafts, text, len);
}

static bool only_space(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\n", text[i]))
			return false;
	return true;
}

static void send_message(struct app *app, const char *text, size_t len)
{
	struct buffer message = {0};
	if (attach_any(app))
		hints_used(app->hints, HINT_ATTACH);
	attach_expand(app, text, len, &message);
	if (!app_tree_send(app, message.data, message.len))
		app_turn_send(app, message.data, message.len);
	buffer_free(&message);
}

static void run_in_shell(struct app *app, const char *command, size_t len)
{
	hints_used(app->hints, HINT_SHELL);
	attach_input_changed(app); /* an @ in it named no file to be sent */
	app_blocks_shell(app, command, len);
}

void app_send_now(struct app *app)
{
	size_t len, shell_len;
	const char *typed = editor_text(app->editor, &len);
	char *text = xstrndup(typed, len);
	if (only_space(text, len)) {
		free(text);
		return;
	}
	struct command command;
	const char *shell = app->editing < 0 ? app_blocks_shell_command(text, len, &shell_len) : NULL;
	if (!shell && !command_parse(app->tr, text, len, &command) && !attach_ready(app, text, len)) {
		app->send_held = true;
		app_banner(app, STYLE_DIM, false, xstrdup(i18n_text(app->tr, "attach.held")));
		free(text);
		return;
	}
	app_remember(app, text, len);
	editor_clear(app->editor);
	int editing = app->editing;
	if (shell)
		run_in_shell(app, shell, shell_len);
	else if (app_command(app, text, len))
		app_tree_command_given(app, editing);
	else
		send_message(app, text, len);
	if (!app->quit)
		app_session_save_draft(app);
	app->dirty = true;
	free(text);
}

/* --- Stopping and leaving ------------------------------------------------------------------ */

static void interrupt(struct app *app)
{
	int selected;
	if (editor_candidates(app->editor, &selected))
		editor_close_candidates(app->editor);
	else if (!app_tree_cancel(app) && !app_turn_interrupt(app) && !app_blocks_stop(app)) {
		app_banner(app, STYLE_DIM, false, NULL);
		transcript_highlight(app->transcript, NULL);
	}
}

/* A cleared draft goes to the history, never away. */
static void clear_input(struct app *app)
{
	size_t len;
	const char *text = editor_text(app->editor, &len);
	if (len == 0)
		return;
	char *copy = xstrndup(text, len);
	app_remember(app, copy, len);
	free(copy);
	editor_clear(app->editor);
	app_changed_input(app);
}

static void leave_or_warn(struct app *app)
{
	if (app->again_until && app->now < app->again_until) {
		app->quit = true;
		return;
	}
	if (editor_in_command(app->editor))
		editor_feed(app->editor, "\a", 1);
	if (!app_turn_interrupt(app) && !app_blocks_stop(app))
		clear_input(app);
	app->again_until = app->now + APP_AGAIN_MS;
	app_banner(app, STYLE_DIM, false, xstrdup(i18n_text(app->tr, "chat.again")));
}

void app_suspend(struct app *app)
{
	if (!app->loop)
		return;
	app_session_save_draft(app);
	app->screen->ops->suspend(app->screen);
	loop_stop(app->loop);
	app->screen->ops->resume(app->screen);
	app->screen->ops->resize(app->screen);
	app->screen->ops->redraw(app->screen);
	app->now = loop_now();
	app->dirty = true;
}

/* --- Moving about ----------------------------------------------------------------------------- */

static void scroll_page(struct app *app, int direction)
{
	int rows, columns;
	app->screen->ops->size(app->screen, &rows, &columns);
	int page = rows - 6;
	transcript_scroll(app->transcript, direction * (page > 1 ? page : 1));
}

static void feed(struct app *app, const char *bytes)
{
	editor_feed(app->editor, bytes, strlen(bytes));
	app_changed_input(app);
}

void app_action(struct app *app, enum action action)
{
	app->dirty = true;
	hints_used_action(app->hints, action);
	switch (action) {
	case ACTION_SEND: app_send_now(app); break;
	case ACTION_NEWLINE:
		editor_newline(app->editor);
		app_changed_input(app);
		break;
	case ACTION_INTERRUPT: interrupt(app); break;
	case ACTION_LEAVE: leave_or_warn(app); break;
	case ACTION_HELP: app_overlay_help(app); break;
	case ACTION_PALETTE: app_overlay_palette(app); break;
	case ACTION_SESSIONS: app_overlay_sessions(app); break;
	case ACTION_MODEL: app_overlay_models(app); break;
	case ACTION_REGENERATE: app_tree_regenerate(app, app_tree_find(app, "", MESSAGE_USER)); break;
	case ACTION_MESSAGE_UP: app_tree_choose(app, -1); break;
	case ACTION_MESSAGE_DOWN: app_tree_choose(app, 1); break;
	case ACTION_VERSION_PREVIOUS: app_tree_switch(app, -1); break;
	case ACTION_VERSION_NEXT: app_tree_switch(app, 1); break;
	case ACTION_FIND: app_find_open(app); break;
	case ACTION_EXTERNAL_EDITOR: external_editor_run(app); break;
	case ACTION_HISTORY_SEARCH: feed(app, "\022"); break;
	case ACTION_NEW_CHAT: app_session_new(app); break;
	case ACTION_QUIT: app->quit = true; break;
	case ACTION_COMPLETE:
		editor_complete(app->editor);
		app_changed_input(app);
		break;
	case ACTION_KILL_LINE:
		editor_kill_line(app->editor);
		app_changed_input(app);
		break;
	case ACTION_SCROLL_UP: scroll_page(app, -1); break;
	case ACTION_SCROLL_DOWN: scroll_page(app, 1); break;
	case ACTION_SCROLL_TOP: transcript_scroll_home(app->transcript); break;
	case ACTION_SCROLL_END: transcript_scroll_end(app->transcript); break;
	case ACTION_RAW: transcript_raw(app->transcript, !transcript_is_raw(app->transcript)); break;
	case ACTION_FOLD: transcript_fold(app->transcript, !transcript_is_folded(app->transcript)); break;
	case ACTION_SELECT: app_select_start(app); break;
	case ACTION_SUSPEND: app_suspend(app); break;
	case ACTION_REDRAW:
		app->screen->ops->resize(app->screen);
		app->screen->ops->redraw(app->screen);
		break;
	case ACTION_NONE:
	case ACTION_COUNT: break;
	}
}
