/* The conversation's tree: choosing a message, other versions of it, changing,
 * taking back and bringing back. Whatever is left behind stays in the store. */
#include "app.h"
#include "../cache_store.h"

#include <stdlib.h>
#include <string.h>

static void say_key(struct app *app, enum style style, const char *key)
{
	app_banner(app, style, false, xstrdup(i18n_text(app->tr, key)));
}

static void say_error(struct app *app, const char *err)
{
	app_banner(app, STYLE_ERROR, false, app_error(app, err));
}

/* --- Tags -------------------------------------------------------------------------------- */

static void put(struct buffer *tag, char *text)
{
	buffer_printf(tag, "%s%s", tag->len ? " · " : "", text);
	free(text);
}

static int64_t number_of(const struct app *app, int i)
{
	return app->messages[i].number ? app->messages[i].number : i + 1;
}

void app_tree_tag(struct app *app, int i)
{
	const struct app_message *m = &app->messages[i];
	struct buffer tag = {0};
	bool chosen = i == app->chosen;
	if (chosen)
		put(&tag, i18n_format(app->tr, "tree.message", I18N_I(number_of(app, i))));
	if (m->siblings > 1)
		put(&tag, i18n_format(app->tr, "tree.version", I18N_I(m->sibling), I18N_I(m->siblings)));
	if (m->pinned)
		put(&tag, xasprintf("★ %s", i18n_text(app->tr, "tree.pinned")));
	transcript_tag(app->transcript, m->entry, tag.data, chosen);
	buffer_free(&tag);
	app->dirty = true;
}

void app_tree_place(struct app *app, int i)
{
	struct app_message *m = &app->messages[i];
	struct tree_place place;
	char err[512];
	if (!app->stored || !m->id ||
	    tree_place(app->o.sessions, app->session.row, m->id, &place, err, sizeof(err)) != 0)
		return;
	m->number = place.number;
	m->sibling = place.sibling;
	m->siblings = place.siblings;
	app_tree_tag(app, i);
}

void app_tree_forget(struct app *app)
{
	app->chosen = app->editing = app->switching = -1;
	app->undone_count = 0;
	app->compacted_from = 0;
	free(app->set_aside);
	app->set_aside = NULL;
}

/* --- Choosing a message ------------------------------------------------------------------- */

static void choose(struct app *app, int i)
{
	int before = app->chosen;
	app->chosen = i;
	if (i >= 0)
		app_session_need(app, i);
	if (before >= 0 && before < app->message_count)
		app_tree_tag(app, before);
	if (i < 0) {
		app_banner(app, STYLE_DIM, false, NULL);
		return;
	}
	app_tree_tag(app, i);
	transcript_reveal(app->transcript, app->messages[i].entry);
	say_key(app, STYLE_DIM, "tree.keys");
}

void app_tree_choose(struct app *app, int step)
{
	int last = app->message_count - 1, to = app->chosen < 0 ? (step < 0 ? last : -1) : app->chosen + step;
	if (last < 0)
		say_key(app, STYLE_WARNING, "chat.nothing-said");
	else if (to > last)
		choose(app, -1);
	else
		choose(app, to < 0 && app->chosen >= 0 ? 0 : to);
}

/* What a message is called by: its number; nothing: the chosen one, else the last from a role. */
int app_tree_find(struct app *app, const char *argument, enum message_role role)
{
	char *end;
	long long number = strtoll(argument, &end, 10);
	int i = app->message_count - 1;
	if (!*argument && app->chosen >= 0)
		return app->chosen;
	for (; i >= 0; i--) {
		app_session_need(app, i);
		if (*argument ? !*end && number_of(app, i) == number : app->messages[i].role == role)
			break;
	}
	if (i < 0 && *argument) {
		char *shown = i18n_sanitize_line(argument, strlen(argument));
		app_banner(app, STYLE_ERROR, false, i18n_format(app->tr, "tree.no-message", I18N_S(shown)));
		free(shown);
	} else if (i < 0) {
		say_key(app, STYLE_WARNING, "chat.nothing-said");
	}
	return i;
}

bool app_tree_key(struct app *app, const struct key *key)
{
	bool typed = key->code == KEYS_PASTE || (key->code == KEYS_CHAR && !(key->mods & (KEYS_CTRL | KEYS_ALT)));
	if (app->chosen < 0)
		return false;
	if (app->chosen >= app->message_count || typed || key->mods) {
		if (typed)
			choose(app, -1);
		return false;
	}
	switch ((int)key->code) {
	case KEYS_UP: app_tree_choose(app, -1); return true;
	case KEYS_DOWN: app_tree_choose(app, 1); return true;
	case KEYS_LEFT: app_tree_switch(app, -1); return true;
	case KEYS_RIGHT: app_tree_switch(app, 1); return true;
	case KEYS_ENTER: app_overlay_message(app, app->chosen); return true;
	case KEYS_ESC: choose(app, -1); return true;
	default: return false;
	}
}

/* --- Versions -------------------------------------------------------------------------------- */

static bool may_change(struct app *app)
{
	if (app->turn)
		say_key(app, STYLE_WARNING, "chat.busy");
	else if (!app->stored)
		say_key(app, STYLE_WARNING, app->o.sessions ? "chat.nothing-said" : "chat.nothing-kept");
	return !app->turn && app->stored;
}

/* The chosen message, the one that was switched last, or the last that has other versions. */
static int to_switch(const struct app *app)
{
	if (app->chosen >= 0)
		return app->chosen;
	if (app->switching >= 0 && app->switching < app->message_count)
		return app->switching;
	/* Not so far up that it would have to be read first: what was switched was seen. */
	int i = app->message_count - 1;
	while (i >= 0 && app->messages[i].siblings < 2)
		i--;
	return i;
}

void app_tree_switch(struct app *app, int step)
{
	char err[512];
	int64_t other, leaf, row = app->session.row;
	if (!may_change(app))
		return;
	int i = to_switch(app), chosen = app->chosen;
	if (i < 0 || app->messages[i].siblings < 2) {
		say_key(app, STYLE_DIM, "tree.no-versions");
		return;
	}
	if (tree_sibling(app->o.sessions, row, app->messages[i].id, step, &other, err, sizeof(err)) ||
	    (other && tree_newest(app->o.sessions, row, other, &leaf, err, sizeof(err)))) {
		say_error(app, err);
		return;
	}
	if (!other || !app_session_follow(app, leaf))
		return;
	app->switching = i;
	if (chosen >= 0)
		choose(app, i);
	else
		transcript_reveal(app->transcript, app->messages[i].entry);
}

/* --- Back and forth --------------------------------------------------------------------------- */

static int64_t leaf_of(const struct app *app)
{
	return app->message_count ? app->messages[app->message_count - 1].id : 0;
}

void app_tree_undo(struct app *app)
{
	int64_t leaf = leaf_of(app);
	if (app->compacted_from && may_change(app)) {
		if (app_session_follow(app, app->compacted_from))
			app->compacted_from = 0;
		return;
	}
	int i = app_session_last(app, MESSAGE_USER);
	if (i < 0 || app->turn) {
		say_key(app, STYLE_WARNING, app->turn ? "chat.busy" : "chat.nothing-said");
		return;
	}
	if (!app_session_cut(app, i))
		return;
	if (app->stored) {
		app->undone = xreallocarray(app->undone, (size_t)app->undone_count + 1, sizeof(*app->undone));
		app->undone[app->undone_count++] = leaf;
		say_key(app, STYLE_DIM, "tree.undone");
	}
}

/* What /undo took away; after a restart, whatever came last after the conversation's end. */
void app_tree_redo(struct app *app)
{
	char err[512];
	int64_t leaf = 0;
	if (!may_change(app))
		return;
	if (app->undone_count)
		leaf = app->undone[app->undone_count - 1];
	else if (tree_newest(app->o.sessions, app->session.row, leaf_of(app), &leaf, err, sizeof(err)))
		leaf = 0;
	if (!leaf || leaf == leaf_of(app))
		say_key(app, STYLE_WARNING, "tree.nothing-to-redo");
	else if (app_session_follow(app, leaf) && app->undone_count)
		app->undone_count--;
}

/* --- Changing a message ------------------------------------------------------------------------ */

void app_tree_edit(struct app *app, int i)
{
	size_t len;
	if (app->turn) {
		say_key(app, STYLE_WARNING, "chat.busy");
		return;
	}
	if (app->editing < 0) {
		const char *typed = editor_text(app->editor, &len);
		free(app->set_aside);
		app->set_aside = xstrndup(typed, len);
	}
	choose(app, -1);
	app->editing = i;
	const char *text = transcript_text(app->transcript, app->messages[i].entry, &len);
	editor_set_text(app->editor, text ? text : "", len);
	transcript_reveal(app->transcript, app->messages[i].entry);
	app_changed_input(app);
	app_banner(app, STYLE_ACCENT, true, i18n_format(app->tr, "tree.editing", I18N_I(number_of(app, i))));
}

/* The input is what it was before. */
static void end_editing(struct app *app)
{
	app->editing = -1;
	app_banner(app, STYLE_DIM, false, NULL);
	if (editor_empty(app->editor) && app->set_aside)
		editor_set_text(app->editor, app->set_aside, strlen(app->set_aside));
	free(app->set_aside);
	app->set_aside = NULL;
	app_changed_input(app);
}

bool app_tree_cancel(struct app *app)
{
	size_t len;
	if (app->chosen >= 0) {
		choose(app, -1);
		return true;
	}
	if (app->editing < 0)
		return false;
	const char *text = editor_text(app->editor, &len);
	char *copy = xstrndup(text, len);
	app_remember(app, copy, len);
	free(copy);
	editor_clear(app->editor);
	end_editing(app);
	return true;
}

/* An answer in a person's words takes its place beside the model's. */
static void store_answer(struct app *app, int i, const char *text, size_t len)
{
	char err[512];
	app_session_need(app, i ? i - 1 : 0);
	struct message m = {.role = app->messages[i].role, .content = (char *)text, .len = len};
	m.parent = i ? app->messages[i - 1].id : MESSAGE_ROOT;
	m.model = m.settings = "";
	if (!may_change(app))
		return;
	if (message_append(app->o.sessions, app->session.row, &m, err, sizeof(err)))
		say_error(app, err);
	else
		app_session_reload(app);
}

bool app_tree_send(struct app *app, const char *text, size_t len)
{
	int i = app->editing;
	if (i < 0)
		return false;
	if (app->turn || i >= app->message_count) {
		say_key(app, STYLE_WARNING, "chat.busy");
		editor_set_text(app->editor, text, len);
		return true;
	}
	bool question = app->messages[i].role == MESSAGE_USER;
	if (question && !app_session_cut(app, i)) {
		editor_set_text(app->editor, text, len);
		return true;
	}
	end_editing(app);
	if (question)
		app_turn_send(app, text, len);
	else
		store_answer(app, i, text, len);
	return true;
}

void app_tree_command_given(struct app *app, int was_editing)
{
	if (was_editing >= 0 && app->editing == was_editing)
		end_editing(app);
}

/* --- What can be done with a message --------------------------------------------------------------- */

void app_tree_regenerate(struct app *app, int i)
{
	if (i >= 0)
		app_turn_regenerate(app, app->messages[i].role == MESSAGE_USER || i == 0 ? i + 1 : i);
}

void app_tree_fork(struct app *app, int i)
{
	struct session copy = {0};
	char err[512];
	if (!may_change(app) || i < 0)
		return;
	if (session_fork(app->o.sessions, app->session.row, app->messages[i].id, &copy, err, sizeof(err))) {
		say_error(app, err);
		return;
	}
	if (app_session_kept(app))
		cache_fork(app->session.id, copy.id);
	if (app_session_open(app, copy.id, 0))
		say_key(app, STYLE_DIM, "chat.forked");
	session_free(&copy);
}

void app_tree_pin(struct app *app, int i)
{
	char err[512];
	if (i < 0 || !app->stored || !app->messages[i].id) {
		if (i >= 0)
			say_key(app, STYLE_WARNING, "chat.nothing-kept");
		return;
	}
	struct app_message *m = &app->messages[i];
	if (tree_pin(app->o.sessions, app->session.row, m->id, !m->pinned, err, sizeof(err))) {
		say_error(app, err);
		return;
	}
	m->pinned = !m->pinned;
	app_tree_tag(app, i);
	app_banner(app, STYLE_DIM, false,
		   i18n_format(app->tr, m->pinned ? "tree.is-pinned" : "tree.not-pinned", I18N_I(number_of(app, i))));
}

void app_tree_do(struct app *app, enum tree_op op)
{
	int i = app->chosen;
	size_t len;
	if (i < 0 || i >= app->message_count)
		return;
	switch (op) {
	case TREE_EDIT: app_tree_edit(app, i); break;
	case TREE_REGENERATE: app_tree_regenerate(app, i); break;
	case TREE_FORK: app_tree_fork(app, i); break;
	case TREE_PIN: app_tree_pin(app, i); break;
	case TREE_COPY: {
		const char *text = transcript_text(app->transcript, app->messages[i].entry, &len);
		app_copy(app, text ? text : "", len);
		break;
	}
	case TREE_EARLIER: app_tree_switch(app, -1); break;
	case TREE_LATER: app_tree_switch(app, 1); break;
	}
}
