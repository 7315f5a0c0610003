/* Ctrl+F: looking for words in this conversation while they are typed. The row
 * above the input holds the words; what they match is marked in the transcript. */
#include "app.h"
#include "match.h"

#include <stdlib.h>
#include <string.h>

enum {
	SCAN_BYTES = 4 << 20,
	HITS_MOST = 2000,
	PAUSE_MS = 150
}; /* longer conversations are looked up in the store's index */

struct find {
	struct buffer query;
	int *hits; /* messages with all of the words, by index */
	int count, at;
	int64_t due;   /* when the words are to be looked up, 0: they have been */
	bool last;     /* the words are those of last time: typing begins anew */
	int row, rows; /* of hit `at`: which of its rows with a match */
};

/* --- Hits ------------------------------------------------------------------------------- */

static void add_hit(struct find *f, int i)
{
	f->hits = xreallocarray(f->hits, (size_t)f->count + 1, sizeof(*f->hits));
	f->hits[f->count++] = i;
}

static bool is_long(const struct app *app)
{
	size_t total = 0, len;
	if (transcript_unread(app->transcript))
		return true;
	for (int i = 0; i < app->message_count && total <= SCAN_BYTES; i++) {
		transcript_text(app->transcript, app->messages[i].entry, &len);
		total += len;
	}
	return total > SCAN_BYTES;
}

static void scan(struct app *app, const char *query)
{
	struct match words = {0};
	match_set(&words, app->tr, query);
	for (int i = 0; i < app->message_count && words.count; i++) {
		size_t len;
		const char *text = transcript_text(app->transcript, app->messages[i].entry, &len);
		if (match_all(&words, app->tr, text ? text : "", len))
			add_hit(app->find, i);
	}
	match_set(&words, app->tr, NULL);
}

static int by_id(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* The index knows only the beginning of a very long message. */
static bool is_in_long(struct app *app, int i, const struct match *words)
{
	size_t len;
	const char *text = transcript_text(app->transcript, app->messages[i].entry, &len);
	return len > SESSIONS_SEARCHED && match_all(words, app->tr, text, len);
}

static void look_up(struct app *app, const char *query)
{
	char err[512];
	struct match words = {0};
	int64_t *ids;
	size_t count;
	if (session_search(app->o.sessions, app->session.row, query, HITS_MOST, &ids, &count, err, sizeof(err)) != 0) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		return;
	}
	if (count)
		qsort(ids, count, sizeof(*ids), by_id);
	app_session_need(app, 0);
	match_set(&words, app->tr, query);
	for (int i = 0; i < app->message_count; i++)
		if ((count && bsearch(&app->messages[i].id, ids, count, sizeof(*ids), by_id)) ||
		    is_in_long(app, i, &words))
			add_hit(app->find, i);
	match_set(&words, app->tr, NULL);
	free(ids);
}

static void show(struct app *app)
{
	struct find *f = app->find;
	if (f->count)
		transcript_show_match(app->transcript, app->messages[f->hits[f->at]].entry, f->row);
	app->dirty = true;
}

static void enter_hit(struct app *app, int at, bool from_its_end)
{
	struct find *f = app->find;
	f->at = at;
	f->rows = transcript_matches(app->transcript, app->messages[f->hits[at]].entry);
	f->row = from_its_end && f->rows ? f->rows - 1 : 0;
}

/* Begins with the newest: what one looks for was mostly said a moment ago. */
static void search(struct app *app)
{
	struct find *f = app->find;
	const char *query = f->query.data ? f->query.data : "";
	f->count = 0;
	f->due = 0;
	transcript_highlight(app->transcript, f->query.len ? query : NULL);
	if (f->query.len && app->stored && !backlog_count(app->backlog) && !app->turn && is_long(app))
		look_up(app, query);
	else if (f->query.len)
		scan(app, query);
	if (f->count)
		enter_hit(app, f->count - 1, true);
	show(app);
}

/* In a long conversation not at each letter: a pause in typing is waited for. */
static void search_soon(struct app *app)
{
	if (is_long(app))
		app->find->due = app->now + PAUSE_MS;
	else
		search(app);
	app->dirty = true;
}

static void search_now(struct app *app)
{
	if (app->find->due)
		search(app);
}

void app_find_tick(struct app *app)
{
	if (app->find && app->find->due && app->now >= app->find->due)
		search(app);
}

int app_find_wait(const struct app *app)
{
	if (!app->find || !app->find->due)
		return -1;
	return app->find->due > app->now ? (int)(app->find->due - app->now) : 0;
}

static void step(struct app *app, int by)
{
	struct find *f = app->find;
	search_now(app);
	if (!f->count)
		return;
	if (f->row + by >= 0 && f->row + by < f->rows)
		f->row += by;
	else
		enter_hit(app, (f->at + by + f->count) % f->count, by < 0);
	show(app);
}

/* --- Opening and closing ---------------------------------------------------------------------- */

void app_find_open(struct app *app)
{
	app_find_close(app);
	app->find = xcalloc(1, sizeof(*app->find));
	app->find->last = app->find_last != NULL;
	buffer_puts(&app->find->query, app->find_last ? app->find_last : "");
	search(app);
}

void app_find_close(struct app *app)
{
	if (!app->find)
		return;
	if (app->find->query.len) {
		free(app->find_last);
		app->find_last = xstrdup(app->find->query.data);
	}
	buffer_free(&app->find->query);
	free(app->find->hits);
	free(app->find);
	app->find = NULL;
	app->dirty = true;
}

void app_find_show(struct app *app, const char *query, int64_t message)
{
	free(app->find_last);
	app->find_last = xstrdup(query);
	app_find_open(app);
	for (int i = 0; i < app->find->count; i++)
		if (app->messages[app->find->hits[i]].id == message)
			enter_hit(app, i, false);
	show(app);
	app_find_close(app); /* what is typed next is for the input */
}

/* --- Keys --------------------------------------------------------------------------------------- */

static void erase_last(struct app *app)
{
	struct buffer *query = &app->find->query;
	app->find->last = false;
	if (!query->len)
		return;
	query->len = i18n_cluster_prev(app->tr, query->data, query->len, query->len);
	query->data[query->len] = '\0';
	search_soon(app);
}

static void search_everywhere(struct app *app)
{
	char *query = xstrdup(app->find->query.data ? app->find->query.data : "");
	if (*query) {
		app_find_close(app);
		app_overlay_search(app, query);
	}
	free(query);
}

static void typed(struct app *app, const struct key *key)
{
	if (app->find->last)
		buffer_clear(&app->find->query);
	app->find->last = false;
	buffer_append(&app->find->query, key->bytes, key->len);
	for (char *c = app->find->query.data; c && *c; c++)
		if (*c == '\n')
			*c = ' ';
	search_soon(app);
}

bool app_find_key(struct app *app, const struct key *key)
{
	bool ctrl = key->mods & KEYS_CTRL;
	if (!app->find)
		return false;
	switch ((int)key->code) {
	case KEYS_ESC:
		transcript_highlight(app->transcript, NULL);
		app_find_close(app);
		return true;
	case KEYS_UP: step(app, -1); return true;
	case KEYS_DOWN: step(app, 1); return true;
	case KEYS_ENTER: step(app, key->mods & KEYS_SHIFT ? 1 : -1); return true;
	case KEYS_BACKSPACE: erase_last(app); return true;
	case KEYS_PASTE: typed(app, key); return true;
	case KEYS_CHAR:
		if (ctrl && key->ch == 'f')
			search_everywhere(app);
		else if (ctrl && (key->ch == 'c' || key->ch == 'g'))
			app_find_close(app);
		else if (ctrl && key->ch == 'u') {
			buffer_clear(&app->find->query);
			search(app);
		} else if (ctrl || (key->mods & KEYS_ALT))
			return false;
		else
			typed(app, key);
		return true;
	default: return false;
	}
}

/* --- Drawing --------------------------------------------------------------------------------------- */

int app_find_draw(struct app *app, int row)
{
	const struct find *f = app->find;
	int rows, columns;
	struct screen *screen = app->screen;
	screen->ops->size(screen, &rows, &columns);
	screen->ops->clear_row(screen, row);
	int column = screen_text(screen, app->tr, row, 0, columns, i18n_text(app->tr, "find.prompt"), STYLE_ACCENT) + 1;
	if (f->query.len)
		column = screen_text(screen, app->tr, row, column, columns, f->query.data,
				     f->last ? STYLE_SELECTED : STYLE_PROMPT);
	char *figures = f->count       ? i18n_format(app->tr, "find.hits", I18N_I(f->at + 1), I18N_I(f->count))
			: f->query.len ? xstrdup(i18n_text(app->tr, "find.none"))
				       : xstrdup("");
	char *detail = xasprintf("%s%s%s", figures, *figures ? " · " : "", i18n_text(app->tr, "find.keys"));
	screen_notice(screen, app->tr, row, column + 3, columns, detail,
		      f->query.len && !f->count ? STYLE_WARNING : STYLE_DIM);
	free(detail);
	free(figures);
	return column < columns ? column : columns - 1;
}
