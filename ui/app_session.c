#include "app.h"
#include "attach.h"
#include "../log.h"
#include "../paths.h"
#include "../role.h"

#include <stdlib.h>
#include <string.h>

enum {
	TITLE_CELLS = 40,
	/* Messages: what is read of a conversation before it is shown, and at once of the rest. */
	FIRST = 1000,
	SLICE = 1000,
};

void app_session_add(struct app *app, enum message_role role, int64_t id, int64_t parent, int entry)
{
	app->messages = xreallocarray(app->messages, (size_t)app->message_count + 1, sizeof(*app->messages));
	app->messages[app->message_count++] =
		(struct app_message){.id = id, .parent = parent, .role = role, .entry = entry};
}

void app_session_title(struct app *app)
{
	const char *title = app->stored && app->session.title ? app->session.title : "";
	if (strcmp(option_string(app->o.options, OPTION_TITLE), "off") == 0)
		return;
	char *clean = i18n_sanitize_line(title, strlen(title));
	char *text = clean[0] ? xasprintf("%s · bora", clean) : xstrdup("bora");
	app->screen->ops->title(app->screen, text);
	free(text);
	free(clean);
}

bool app_session_kept(const struct app *app)
{
	return app->stored && !sessions_in_memory(app->o.sessions);
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
	app->o.first_run = app->o.first_run && !app->greeting;
	app->greeting = 0;
	app->left_out = app->memory_begins = 0;
	app_tree_forget(app);
	app_find_close(app);
	app->warned_full = false;
	app->saved_at = 0;
	memset(&app->usage, 0, sizeof(app->usage));
	memset(&app->tally, 0, sizeof(app->tally));
	backlog_free(app->backlog);
	app->backlog = backlog_create();
	attach_clear(app);
	transcript_clear(app->transcript);
	editor_clear(app->editor);
	app_ahead_conversation(app);
	app->dirty = true;
}

static char *welcome(const struct app *app)
{
	static const enum path_dir which[] = {PATH_CONFIG, PATH_DATA, PATH_MODELS};
	char *places[3];
	for (int i = 0; i < 3; i++) {
		char *dir = path_dir(which[i]);
		places[i] = i18n_sanitize_line(dir, strlen(dir));
		free(dir);
	}
	char *page = i18n_format(app->tr, "chat.welcome", I18N_S(places[0]), I18N_S(places[1]), I18N_S(places[2]));
	for (int i = 0; i < 3; i++)
		free(places[i]);
	return page;
}

/* Caller frees. */
static char *greeting(const struct app *app)
{
	const char *usual = i18n_text(app->tr, "chat.greeting");
	if (!app->o.first_run)
		return xstrdup(usual);
	char *page = welcome(app), *text = xasprintf("%s\n%s", usual, page);
	free(page);
	return text;
}

static void greet(struct app *app)
{
	app_note(app, ENTRY_NOTE, greeting(app));
	app->greeting = transcript_count(app->transcript);
}

void app_session_translate(struct app *app)
{
	char *text = greeting(app);
	if (app->greeting && app->greeting <= transcript_count(app->transcript))
		transcript_set(app->transcript, app->greeting - 1, text, strlen(text));
	free(text);
}

void app_session_new(struct app *app)
{
	char err[512];
	forget(app);
	free(app->system);
	app->system = role_system(app->o.options, err, sizeof(err));
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
	app_banner(app, STYLE_ERROR, true, i18n_format(app->tr, "chat.not-saved", I18N_E(line)));
	free(line);
	return false;
}

/* --- Opening --------------------------------------------------------------------------- */

static enum entry_kind kind_of(enum message_role role)
{
	static const enum entry_kind kinds[] = {
		[MESSAGE_SYSTEM] = ENTRY_SYSTEM,
		[MESSAGE_USER] = ENTRY_USER,
		[MESSAGE_ASSISTANT] = ENTRY_ASSISTANT,
		[MESSAGE_TOOL] = ENTRY_TOOL,
	};
	return kinds[role];
}

/* Message number i is this one, and its text is in the transcript. */
static void place_message(struct app *app, int i, const struct message *m)
{
	app->messages[i] = (struct app_message){
		.id = m->id,
		.parent = m->parent,
		.role = m->role,
		.entry = app->messages[i].entry,
		.number = m->number,
		.sibling = m->sibling,
		.siblings = m->siblings,
		.pinned = m->pinned,
	};
	if (m->status == MESSAGE_PARTIAL)
		transcript_mark(app->transcript, app->messages[i].entry, "chat.interrupted");
	if (m->siblings > 1 || m->pinned)
		app_tree_tag(app, i);
}

static void show_message(struct app *app, const struct message *m)
{
	int entry = transcript_add(app->transcript, kind_of(m->role), m->content, m->len);
	app_session_add(app, m->role, m->id, m->parent, entry);
	place_message(app, app->message_count - 1, m);
}

/* The messages that are not read yet are the first ones, and so are their entries. What cannot be read is empty, with
 * a word about it. */
static void read_earlier(struct app *app, size_t most)
{
	char err[512];
	struct message_end end;
	int unread = transcript_unread(app->transcript);
	if (message_path_end(app->o.sessions, app->session.row, app->messages[unread].id, most, &end, err,
			     sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, i18n_sanitize_line(err, strlen(err)));
	}
	for (size_t i = end.count; i-- > 0 && unread;) {
		const struct message *m = &end.messages[i];
		transcript_fill(app->transcript, kind_of(m->role), m->content, m->len);
		place_message(app, --unread, m);
	}
	while (unread && (end.count == 0 || end.earlier == 0))
		transcript_fill(app->transcript, ENTRY_NOTE, "", 0), unread--;
	message_end_free(&end);
	app->dirty |= unread == 0;
}

void app_session_need(struct app *app, int message)
{
	while (message < transcript_unread(app->transcript)) {
		size_t missing = (size_t)(transcript_unread(app->transcript) - message);
		read_earlier(app, missing > SLICE ? missing : SLICE);
	}
}

int app_session_last(struct app *app, enum message_role role)
{
	int i = app->message_count - 1;
	for (; i >= 0; i--) {
		app_session_need(app, i);
		if (app->messages[i].role == role)
			break;
	}
	return i;
}

void app_session_tick(struct app *app)
{
	if (transcript_unread(app->transcript))
		read_earlier(app, SLICE);
}

static void need_entry(void *arg, int entry)
{
	app_session_need(arg, entry);
}

/* In line mode all is printed, and so read. */
static void show_path(struct app *app, int64_t wanted)
{
	char err[512];
	struct message_end end;
	int wanted_entry = -1;
	if (message_path_end(app->o.sessions, app->session.row, 0, app->plain ? SIZE_MAX : FIRST, &end, err,
			     sizeof(err))) {
		app_note(app, ENTRY_ERROR, app_error(app, err));
		return;
	}
	transcript_expect(app->transcript, (int)end.earlier, need_entry, app);
	for (size_t i = 0; i < end.earlier; i++)
		app_session_add(app, MESSAGE_USER, 0, 0, (int)i);
	for (size_t i = 0; i < end.count; i++)
		show_message(app, &end.messages[i]);
	if (end.count == 0)
		greet(app);
	message_end_free(&end);
	for (int i = app->message_count; wanted && wanted_entry < 0 && i-- > 0;) {
		app_session_need(app, i);
		if (app->messages[i].id == wanted)
			wanted_entry = app->messages[i].entry;
	}
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
		char *line = app->o.sessions ? app_error(app, err) : xstrdup(i18n_text(app->tr, "chat.nothing-kept"));
		app_banner(app, STYLE_ERROR, false, line);
		return false;
	}
	forget(app);
	app->session = found;
	app->stored = true;
	free(app->system);
	app->system = xstrdup(found.system ? found.system : "");
	app->saved_at = app_session_kept(app) ? found.updated : 0;
	if (session_lock(app->o.sessions, found.row, err, sizeof(err))) {
		char *line = i18n_sanitize_line(err, strlen(err));
		app_banner(app, STYLE_WARNING, true, i18n_format(app->tr, "chat.not-saved", I18N_E(line)));
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

static void say_key(struct app *app, enum style style, const char *key)
{
	app_banner(app, style, false, xstrdup(i18n_text(app->tr, key)));
}

static bool may_move(struct app *app)
{
	if (app->turn)
		say_key(app, STYLE_WARNING, "chat.busy");
	else if (app->stored && backlog_count(app->backlog))
		say_key(app, STYLE_ERROR, "chat.save-first");
	else
		return true;
	return false;
}

static bool move_leaf(struct app *app, int64_t leaf)
{
	char err[512];
	if (session_set_leaf(app->o.sessions, app->session.row, leaf, err, sizeof(err)) == 0)
		return true;
	app_banner(app, STYLE_ERROR, false, app_error(app, err));
	return false;
}

/* From the screen alone. */
static void drop(struct app *app, int keep)
{
	app_blocks_stop(app);
	if (app->message_count)
		transcript_truncate(app->transcript, keep ? app->messages[keep - 1].entry + 1 : app->messages[0].entry);
	app->message_count = keep;
	app->chosen = app->editing = -1;
	app_find_close(app);
	if (keep <= app->memory_begins) {
		transcript_memory_line(app->transcript, -1, NULL);
		app->left_out = app->memory_begins = 0;
	}
	app->waiting_entry = transcript_count(app->transcript);
	if (app->waiting_count)
		app_turn_show_waiting(app);
	app_ahead_conversation(app);
	app->dirty = true;
}

bool app_session_cut(struct app *app, int keep)
{
	if (!may_move(app))
		return false;
	app_session_need(app, keep ? keep - 1 : 0);
	if (app->stored && !move_leaf(app, keep ? app->messages[keep - 1].id : 0))
		return false;
	if (!app->stored)
		backlog_truncate(app->backlog, keep);
	drop(app, keep);
	return true;
}

void app_session_reload(struct app *app)
{
	char err[512];
	struct message *rest;
	size_t same, count;
	app_session_need(app, 0);
	int64_t *known = xcalloc((size_t)app->message_count + 1, sizeof(*known));
	for (int i = 0; i < app->message_count; i++)
		known[i] = app->messages[i].id;
	if (message_path_from(app->o.sessions, app->session.row, known, (size_t)app->message_count, &same, &rest,
			      &count, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
	} else {
		drop(app, (int)same);
		for (size_t i = 0; i < count; i++) {
			show_message(app, &rest[i]);
			message_free(&rest[i]);
		}
		free(rest);
		app->waiting_entry = transcript_count(app->transcript);
		if (app->waiting_count)
			app_turn_show_waiting(app);
	}
	free(known);
}

bool app_session_follow(struct app *app, int64_t leaf)
{
	if (!may_move(app) || !move_leaf(app, leaf))
		return false;
	app_session_reload(app);
	return true;
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
