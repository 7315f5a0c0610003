#include "app.h"
#include "clipboard.h"

#include <stdlib.h>

static void leave(struct app *app)
{
	app->selecting = false;
	transcript_select(app->transcript, false);
	app_banner(app, STYLE_DIM, false, NULL);
}

void app_select_start(struct app *app)
{
	if (app->plain || !transcript_select(app->transcript, true))
		return;
	app->selecting = true;
	app_banner(app, STYLE_ACCENT, true, xstrdup(i18n_text(app->tr, "chat.select")));
}

static void copy(struct app *app)
{
	struct buffer text = {0};
	transcript_selected(app->transcript, &text);
	leave(app);
	char *ways = clipboard_copy(app->screen, text.data ? text.data : "", text.len);
	if (ways[0])
		app_banner(app, STYLE_DIM, false, i18n_format(app->tr, "chat.copied", I18N_S(ways)));
	else
		app_banner(app, STYLE_ERROR, false, xstrdup(i18n_text(app->tr, "chat.no-clipboard")));
	free(ways);
	buffer_free(&text);
}

/* Shift with a key that moves chooses, as in any editor: without it, what was chosen so is let go. */
static void move(struct app *app, const struct key *key, enum select_move where)
{
	bool shift = key->mods & KEYS_SHIFT, marked = transcript_select_marked(app->transcript);
	if (shift && !marked)
		transcript_select_mark(app->transcript, true);
	else if (!shift && marked && app->select_by_shift)
		transcript_select_mark(app->transcript, false);
	app->select_by_shift = shift && (!marked || app->select_by_shift);
	transcript_select_move(app->transcript, where);
}

/* What a key moves over; false: it does not move. */
static bool moves(const struct key *key, enum select_move *where)
{
	bool word = key->mods & (KEYS_CTRL | KEYS_ALT);
	switch ((int)key->code) {
	case KEYS_LEFT: *where = word ? SELECT_WORD_LEFT : SELECT_LEFT; return true;
	case KEYS_RIGHT: *where = word ? SELECT_WORD_RIGHT : SELECT_RIGHT; return true;
	case KEYS_UP: *where = SELECT_UP; return true;
	case KEYS_DOWN: *where = SELECT_DOWN; return true;
	case KEYS_PGUP: *where = SELECT_PAGE_UP; return true;
	case KEYS_PGDN: *where = SELECT_PAGE_DOWN; return true;
	case KEYS_HOME: *where = word ? SELECT_FIRST : SELECT_ROW_START; return true;
	case KEYS_END: *where = word ? SELECT_LAST : SELECT_ROW_END; return true;
	default: return false;
	}
}

static void toggle_mark(struct app *app)
{
	transcript_select_mark(app->transcript, !transcript_select_marked(app->transcript));
	app->select_by_shift = false;
}

bool app_select_key(struct app *app, const struct key *key)
{
	enum select_move where;
	if (!app->selecting || app->overlay) /* help lies over it */
		return false;
	app->dirty = true;
	bool plain = key->code == KEYS_CHAR && !(key->mods & (KEYS_CTRL | KEYS_ALT));
	if (moves(key, &where)) {
		move(app, key, where);
	} else if (plain && key->ch == ' ') {
		toggle_mark(app);
	} else if (key->code == KEYS_ENTER || (plain && (key->ch == 'c' || key->ch == 'y'))) {
		copy(app);
	} else if (key->code == KEYS_ESC) {
		leave(app);
	} else if (keys_action(key) == ACTION_HELP) {
		return false; /* one comes back */
	} else {
		leave(app); /* any other key is for the chat */
		return false;
	}
	return true;
}
