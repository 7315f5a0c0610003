#include "app.h"
#include "../log.h"

#include <stdlib.h>
#include <string.h>

enum { TITLE_CELLS = 40 };

void app_session_add(struct app *app, enum message_role role, int64_t id, int64_t parent, int entry)
{
	app->messages = xreallocarray(app->messages, (size_t)app->message_count + 1, sizeof(*app->messages));
	app->messages[app->message_count++] =
		(struct app_message){.id = id, .parent = parent, .role = role, .entry = entry};
}

void app_session_title(struct app *app)
{
	const char *title = app->stored && app->session.title ? app->session.title : "";
	char *clean = i18n_sanitize_line(title, strlen(title));
	char *text = clean[0] ? xasprintf("%s · bora", clean) : xstrdup("bora");
	app->screen->ops->title(app->screen, text);
	free(text);
	free(clean);
}

/* --- Leaving one conversation, beginning another ------------------------------------- */

static void forget(struct app *app)
{
	app_blocks_stop(app);
	app_turn_end(app);
	app_session_save_draft(app);
	if (app->stored) {
		session_unlock(app->o.sessions, app->session.row);
		session_free(&app->session);
	}
	memset(&app->session, 0, sizeof(app->session));
	app->stored = false;
	app->message_count = 0;
	app->left_out = 0;
	app->greeting = 0;
	app->warned_full = false;
	app->saved_at = 0;
	memset(&app->usage, 0, sizeof(app->usage));
	backlog_free(app->backlog);
	app->backlog = backlog_create();
	buffer_free(&app->attached);
	transcript_clear(app->transcript);
	editor_clear(app->editor);
	app_ahead_conversation(app);
	app->dirty = true;
}

static void greet(struct app *app)
{
	app_note(app, ENTRY_NOTE, xstrdup(i18n_text(app->tr, "chat.greeting")));
	app->greeting = transcript_count(app->transcript);
}

void app_session_translate(struct app *app)
{
	const char *text = i18n_text(app->tr, "chat.greeting");
	if (app->greeting && app->greeting <= transcript_count(app->transcript))
		transcript_set(app->transcript, app->greeting - 1, text, strlen(text));
}

void app_session_new(struct app *app)
{
	char err[512];
	forget(app);
	free(app->system);
	app->system = options_system(app->o.options, err, sizeof(err));
	if (!app->system) {
		app_note(app, ENTRY_ERROR, app_error(app, err));
		app->system = xstrdup("");
	}
	greet(app);
	app_session_load_draft(app);
	app_session_title(app);
}

bool app_session_ensure(struct app *app)
{
	char err[512];
	if (!app->o.sessions || app->stored)
		return app->stored;
	if (session_create(app->o.sessions, app->model_name, app->system, &app->session, err, sizeof(err)) == 0) {
		app->stored = true;
		if (app->o.drafts)
			draft_save(app->o.drafts, "", "", 0);
		if (session_lock(app->o.sessions, app->session.row, err, sizeof(err)))
			log_write("%s", err);
		return true;
	}
	char *line = i18n_sanitize_line(err, strlen(err));
	app_banner(app, STYLE_ERROR, true, i18n_format(app->tr, "chat.not-saved", I18N_S(line)));
	free(line);
	return false;
}

/* --- Opening --------------------------------------------------------------------------- */

static int show_message(struct app *app, const struct message *m)
{
	static const enum entry_kind kinds[] = {
		[MESSAGE_SYSTEM] = ENTRY_SYSTEM,
		[MESSAGE_USER] = ENTRY_USER,
		[MESSAGE_ASSISTANT] = ENTRY_ASSISTANT,
		[MESSAGE_TOOL] = ENTRY_TOOL,
	};
	int entry = transcript_add(app->transcript, kinds[m->role], m->content, m->len);
	if (m->status == MESSAGE_PARTIAL)
		transcript_mark(app->transcript, entry, "chat.interrupted");
	app_session_add(app, m->role, m->id, m->parent, entry);
	return entry;
}

static void show_path(struct app *app, int64_t wanted)
{
	char err[512];
	struct message *path = NULL;
	size_t count = 0;
	int wanted_entry = -1;
	if (message_path(app->o.sessions, app->session.row, &path, &count, err, sizeof(err))) {
		app_note(app, ENTRY_ERROR, app_error(app, err));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		int entry = show_message(app, &path[i]);
		if (wanted && path[i].id == wanted)
			wanted_entry = entry;
		message_free(&path[i]);
	}
	free(path);
	if (count == 0)
		greet(app);
	if (wanted_entry >= 0)
		transcript_show_entry(app->transcript, wanted_entry);
	else
		transcript_scroll_end(app->transcript);
}

bool app_session_open(struct app *app, const char *id, int64_t wanted)
{
	char err[512];
	struct session found = {0};
	if (!app->o.sessions || session_find(app->o.sessions, id, &found, err, sizeof(err))) {
		char *line = app->o.sessions ? i18n_sanitize_line(err, strlen(err))
					     : xstrdup(i18n_text(app->tr, "chat.nothing-kept"));
		app_banner(app, STYLE_ERROR, false, line);
		return false;
	}
	forget(app);
	app->session = found;
	app->stored = true;
	free(app->system);
	app->system = xstrdup(found.system ? found.system : "");
	app->saved_at = found.updated;
	if (session_lock(app->o.sessions, found.row, err, sizeof(err))) {
		char *line = i18n_sanitize_line(err, strlen(err));
		app_banner(app, STYLE_WARNING, true, i18n_format(app->tr, "chat.not-saved", I18N_S(line)));
		free(line);
	}
	show_path(app, wanted);
	app_session_load_draft(app);
	app_session_title(app);
	return true;
}

/* --- Names --------------------------------------------------------------------------------- */

void app_session_name(struct app *app)
{
	char err[512];
	if (!app->stored || (app->session.title && app->session.title[0]) || app->message_count == 0)
		return;
	size_t len;
	const char *text = transcript_text(app->transcript, app->messages[0].entry, &len);
	while (len && (*text == '\n' || *text == ' '))
		text++, len--;
	const char *newline = memchr(text, '\n', len);
	char *line = i18n_sanitize_line(text, newline ? (size_t)(newline - text) : len);
	char *title = i18n_truncate(app->tr, line, TITLE_CELLS);
	free(line);
	if (session_rename(app->o.sessions, app->session.row, title, err, sizeof(err)) == 0) {
		free(app->session.title);
		app->session.title = title;
		app_session_title(app);
	} else {
		log_write("%s", err);
		free(title);
	}
}

/* --- Going back ------------------------------------------------------------------------------ */

static bool move_leaf(struct app *app, int64_t leaf, int keep)
{
	char err[512];
	if (!app->stored) {
		backlog_truncate(app->backlog, keep);
		return true;
	}
	if (backlog_count(app->backlog)) {
		app_banner(app, STYLE_ERROR, false, xstrdup(i18n_text(app->tr, "chat.save-first")));
		return false;
	}
	if (session_set_leaf(app->o.sessions, app->session.row, leaf, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		return false;
	}
	return true;
}

char *app_session_cut(struct app *app, enum message_role role, bool inclusive, size_t *len)
{
	app_blocks_stop(app);
	int last = app->message_count - 1;
	while (last >= 0 && app->messages[last].role != role)
		last--;
	if (last < 0 || app->turn) {
		const char *key = app->turn ? "chat.busy" : "chat.nothing-said";
		app_banner(app, STYLE_WARNING, false, xstrdup(i18n_text(app->tr, key)));
		return NULL;
	}
	const struct app_message *m = &app->messages[last];
	int keep = inclusive ? last : last + 1;
	const char *text = transcript_text(app->transcript, m->entry, len);
	char *copy = xstrndup(text, *len);
	if (!move_leaf(app, inclusive ? m->parent : m->id, keep)) {
		free(copy);
		return NULL;
	}
	transcript_truncate(app->transcript, inclusive ? m->entry : m->entry + 1);
	app->message_count = keep;
	app_ahead_conversation(app);
	app->dirty = true;
	return copy;
}

/* --- Drafts ------------------------------------------------------------------------------------ */

void app_session_save_draft(struct app *app)
{
	app->draft_due = 0;
	if (!app->o.drafts)
		return;
	struct buffer text = {0};
	for (int i = 0; i < app->waiting_count; i++) {
		buffer_append(&text, app->waiting[i].text, app->waiting[i].len);
		buffer_puts(&text, "\n");
	}
	size_t len;
	const char *typed = editor_text(app->editor, &len);
	buffer_append(&text, typed, len);
	draft_save(app->o.drafts, app->stored ? app->session.id : "", text.data ? text.data : "", text.len);
	buffer_free(&text);
}

void app_session_load_draft(struct app *app)
{
	char *draft = app->o.drafts ? draft_load(app->o.drafts, app->stored ? app->session.id : "") : NULL;
	if (draft)
		editor_set_text(app->editor, draft, strlen(draft));
	free(draft);
	app->dirty = true;
}
