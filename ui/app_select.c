#include "app.h"
#include "clipboard.h"

#include <stdlib.h>

enum { PAGE = 8 };

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

/* Shift with an arrow begins to choose, as in any editor. */
static void move(struct app *app, const struct key *key, int parts)
{
	if (key->mods & KEYS_SHIFT && !transcript_select_marked(app->transcript))
		transcript_select_mark(app->transcript, true);
	transcript_select_move(app->transcript, parts);
}

bool app_select_key(struct app *app, const struct key *key)
{
	if (!app->selecting || app->overlay) /* help lies over it */
		return false;
	app->dirty = true;
	switch (key->code) {
	case KEYS_UP: move(app, key, -1); return true;
	case KEYS_DOWN: move(app, key, 1); return true;
	case KEYS_PGUP: move(app, key, -PAGE); return true;
	case KEYS_PGDN: move(app, key, PAGE); return true;
	case KEYS_ENTER: copy(app); return true;
	case KEYS_CHAR:
		if (key->mods == 0 && key->ch == ' ')
			transcript_select_mark(app->transcript, !transcript_select_marked(app->transcript));
		else if (key->mods == 0 && (key->ch == 'c' || key->ch == 'y'))
			copy(app);
		else
			break;
		return true;
	case KEYS_ESC: leave(app); return true;
	default: break;
	}
	if (keys_action(key) == ACTION_HELP)
		return false; /* one comes back */
	leave(app);           /* any other key is for the chat */
	return false;
}
