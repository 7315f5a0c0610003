#include "app.h"
#include "attach.h"
#include "command.h"
#include "status_bar.h"

#include <stdlib.h>
#include <string.h>

enum { CANDIDATE_ROWS = 8, ATTACHED_ROWS = 3 };

/* Which rows of the screen belong to what; a count of 0: not shown. Bottom up:
 * status, input, what is attached, notice (banner or progress), candidates; the transcript gets
 * the rest, below the title. */
struct plan {
	int rows, columns;
	int title, transcript, transcript_rows, candidates, candidate_rows, notice, attached, attached_rows, input,
		input_rows, status;
};

static int candidate_count(const struct app *app)
{
	int selected, count = 0;
	char *const *list = editor_candidates(app->editor, &selected);
	while (list && list[count])
		count++;
	return count;
}

static bool has_progress(const struct app *app)
{
	return app->progress.phase == ENGINE_LOADING || app->progress.phase == ENGINE_PROMPT;
}

/* What is attached, laid out for the screen; false: nothing is. Both are freed by the caller. */
static bool lay_out_attached(const struct app *app, int columns, char **line, struct layout *layout)
{
	struct layout_options options = {.width = columns > 2 ? columns - 1 : columns, .bidi = app->bidi};
	if (!attach_any(app))
		return false;
	*line = attach_line(app);
	i18n_layout(app->tr, *line, strlen(*line), &options, layout);
	return true;
}

static int attached_rows(const struct app *app, int columns, int most)
{
	struct layout layout;
	char *line;
	if (!lay_out_attached(app, columns, &line, &layout))
		return 0;
	int rows = layout.count > ATTACHED_ROWS ? ATTACHED_ROWS : layout.count;
	layout_free(&layout);
	free(line);
	return rows > most ? most : rows;
}

static void draw_attached(struct app *app, const struct plan *p)
{
	struct layout layout;
	char *line;
	if (!p->attached_rows || !lay_out_attached(app, p->columns, &line, &layout))
		return;
	for (int i = 0; i < p->attached_rows; i++) {
		const struct layout_row *row = &layout.rows[i];
		app->screen->ops->clear_row(app->screen, p->attached + i);
		for (int cell = 0; cell < row->count; cell++) {
			const struct layout_cell *c = &row->cells[cell];
			app->screen->ops->put(app->screen, p->attached + i, c->column, c->text, c->text_len, c->width,
					      STYLE_DIM);
		}
	}
	layout_free(&layout);
	free(line);
}

static struct plan make_plan(struct app *app)
{
	struct plan p = {.title = -1, .notice = -1, .status = -1};
	app->screen->ops->size(app->screen, &p.rows, &p.columns);
	int left = p.rows;
	p.input_rows = editor_rows(app->editor, p.columns, p.rows / 3 > 1 ? p.rows / 3 : 1);
	left -= p.input_rows;
	if (left > 1)
		p.status = p.rows - 1, left--;
	if (left > 3)
		p.title = 0, left--;
	p.input = p.rows - p.input_rows - (p.status >= 0);
	p.attached_rows = left > 1 ? attached_rows(app, p.columns, left - 1) : 0;
	p.attached = p.input - p.attached_rows;
	left -= p.attached_rows;
	if (left > 1 && (app->banner || has_progress(app) || editor_searching(app->editor) || app->find))
		p.notice = p.attached - 1, left--;
	int wanted = candidate_count(app);
	wanted = wanted > CANDIDATE_ROWS ? CANDIDATE_ROWS : wanted;
	p.candidate_rows = wanted < left ? wanted : left > 0 ? left : 0;
	left -= p.candidate_rows;
	p.transcript = p.title + 1;
	p.transcript_rows = left > 0 ? left : 0;
	p.candidates = p.transcript + p.transcript_rows;
	return p;
}

static void put_line(struct app *app, int row, const char *text, enum style style)
{
	int rows, columns;
	app->screen->ops->size(app->screen, &rows, &columns);
	app->screen->ops->clear_row(app->screen, row);
	screen_notice(app->screen, app->tr, row, 0, columns, text, style);
}

/* A command among the candidates says what it does; NULL for all others. */
static char *candidate_about(const struct app *app, const char *word)
{
	struct command command;
	bool known = command_parse(app->tr, word, strlen(word), &command) && command.id;
	return known ? command_about(app->tr, command.id) : NULL;
}

static void draw_candidate(struct app *app, int row, int columns, int indent, const char *word, enum style style)
{
	char *about = candidate_about(app, word);
	app->screen->ops->clear_row(app->screen, row);
	int end = screen_text(app->screen, app->tr, row, 2, columns, word, style) + 2;
	if (about)
		screen_text(app->screen, app->tr, row, end > indent ? end : indent, columns, about, STYLE_DIM);
	free(about);
}

static void draw_candidates(struct app *app, const struct plan *p)
{
	int selected, count = candidate_count(app), widest = 0;
	char *const *list = editor_candidates(app->editor, &selected);
	int first = selected >= p->candidate_rows ? selected - p->candidate_rows + 1 : 0;
	int shown = count - first < p->candidate_rows ? count - first : p->candidate_rows;
	for (int i = first; i < first + shown; i++) {
		int width = i18n_width(app->tr, list[i], strlen(list[i]));
		widest = width > widest ? width : widest;
	}
	for (int i = 0; i < shown; i++)
		draw_candidate(app, p->candidates + i, p->columns, 2 + widest + 2, list[first + i],
			       first + i == selected ? STYLE_SELECTED : STYLE_DIM);
}

/* Tokens a second of the answer that is being written, or of the last one. */
static double speed(const struct app *app)
{
	int64_t ms = app->now - app->progress.since;
	if (app->progress.phase == ENGINE_TEXT)
		return app->progress.tokens > 1 && ms > 0 ? (app->progress.tokens - 1) * 1000.0 / (double)ms : 0;
	return app->usage.predicted_ms > 0 ? app->usage.completion_tokens * 1000.0 / app->usage.predicted_ms : 0;
}

/* What the context holds: known at the end of a turn, counted along during one. */
static int context_used(const struct app *app)
{
	return app->turn ? app->prompt_tokens + app->progress.tokens : app->usage.context_used;
}

static struct status_bar make_status(const struct app *app)
{
	return (struct status_bar){
		.model = app->model_name,
		.title = app->session.title ? app->session.title : "",
		.context_used = context_used(app),
		.context_size = app->ready ? engine_model(app->engine)->ctx_size : 0,
		.per_second = speed(app),
		.saved_at = app->saved_at,
		.unsaved = backlog_count(app->backlog) > 0 && app->o.sessions,
	};
}

static void draw_notice(struct app *app, const struct plan *p)
{
	if (editor_searching(app->editor)) {
		char *words = editor_search_text(app->editor);
		char *line = i18n_format(app->tr, "chat.history-search", I18N_S(words));
		put_line(app, p->notice, line, STYLE_ACCENT);
		free(line);
		free(words);
		return;
	}
	if (app->banner) {
		put_line(app, p->notice, app->banner, app->banner_style);
		return;
	}
	struct status_progress progress = {
		.loading = app->progress.phase == ENGINE_LOADING,
		.done = app->progress.done,
		.total = app->progress.total,
		.cached = (uint64_t)app->progress.cached,
		.seconds = (double)(app->now - app->progress.since) / 1000,
	};
	status_bar_progress(app->screen, app->tr, p->notice, &progress);
}

/* What a hint may be about. */
static unsigned worth_telling(const struct app *app)
{
	const struct app_message *last = app->message_count ? &app->messages[app->message_count - 1] : NULL;
	if (!last || last->role != MESSAGE_ASSISTANT)
		return 0;
	return HINT_ANSWER | (transcript_has_code(app->transcript, last->entry) ? HINT_CODE : 0);
}

/* A hint stands where the typing will go, while nothing else happens: it takes no room and is gone with the first
 * letter. */
static void choose_hint(struct app *app, int columns)
{
	enum { BESIDE = 4 }; /* the prompt, and air */
	bool idle = !app->overlay && !app->find && !app->selecting && !app->turn && editor_empty(app->editor);
	enum hint hint = idle ? hints_now(app->hints, worth_telling(app), app->now) : HINT_COUNT;
	const char *text = hint < HINT_COUNT ? i18n_text(app->tr, hints_message(hint)) : NULL;
	if (text && i18n_width(app->tr, text, strlen(text)) + BESIDE > columns)
		text = NULL;
	editor_placeholder(app->editor, text);
	if (text)
		hints_shown(app->hints, hint, app->now);
}

int64_t app_draw_due(const struct app *app)
{
	int64_t rest = app->draw_ms * 3;
	rest = rest > APP_FRAME_MOST_MS ? APP_FRAME_MOST_MS : rest;
	return app->drawn_at + (rest > APP_FRAME_MS ? rest : APP_FRAME_MS);
}

void app_draw(struct app *app)
{
	int64_t began = loop_now();
	struct plan p = make_plan(app);
	struct status_bar status = make_status(app);
	int row = 0, column = 0;
	app->dirty = false;
	app->drawn_at = app->now;
	if (p.rows < 1 || p.columns < 1)
		return;
	if (p.title >= 0)
		status_bar_title(app->screen, app->tr, p.title, &status);
	if (app->overlay && p.transcript_rows)
		app_overlay_draw(app, p.transcript, p.transcript_rows);
	else if (p.transcript_rows)
		transcript_draw(app->transcript, app->screen, p.transcript, p.transcript_rows);
	draw_candidates(app, &p);
	if (p.notice >= 0 && !app->find)
		draw_notice(app, &p);
	draw_attached(app, &p);
	choose_hint(app, p.columns);
	editor_draw(app->editor, app->screen, p.input, p.input_rows, &row, &column);
	if (p.status >= 0)
		status_bar_draw(app->screen, app->tr, p.status, &status);
	if (p.notice >= 0 && app->find) {
		row = p.notice;
		column = app_find_draw(app, p.notice);
	}
	int caret_row, caret_column;
	if (app->selecting && !app->overlay && transcript_caret(app->transcript, &caret_row, &caret_column))
		row = p.transcript + caret_row, column = caret_column;
	int overlay_row, overlay_column;
	if (p.transcript_rows && app_overlay_caret(app, &overlay_row, &overlay_column))
		row = overlay_row, column = overlay_column;
	app->screen->ops->cursor(app->screen, row, column, true);
	app->screen->ops->show(app->screen);
	app->draw_ms = loop_now() - began;
}
