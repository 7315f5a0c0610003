#include "app.h"

#include <stdlib.h>
#include <string.h>

enum { CANDIDATE_ROWS = 8 };

/* Which rows of the screen belong to what; a count of 0: not shown. Bottom up:
 * status, input, notice (banner or progress), candidates; the transcript gets
 * the rest, below the title. */
struct plan {
	int rows, columns;
	int title, transcript, transcript_rows, candidates, candidate_rows, notice, input, input_rows, status;
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
	if (left > 1 && (app->banner || has_progress(app)))
		p.notice = p.input - 1, left--;
	int wanted = candidate_count(app);
	wanted = wanted > CANDIDATE_ROWS ? CANDIDATE_ROWS : wanted;
	p.candidate_rows = wanted < left ? wanted : left > 0 ? left : 0;
	left -= p.candidate_rows;
	p.transcript = p.title + 1;
	p.transcript_rows = left > 0 ? left : 0;
	p.candidates = p.transcript + p.transcript_rows;
	return p;
}

/* One row of text, cut to the screen. Right to left interfaces begin on the right. */
static void put_line(struct app *app, int row, const char *text, enum style style)
{
	int rows, columns;
	struct layout layout;
	app->screen->ops->size(app->screen, &rows, &columns);
	app->screen->ops->clear_row(app->screen, row);
	char *cut = i18n_truncate(app->tr, text, columns);
	struct layout_options options = {.width = columns, .bidi = app->bidi};
	i18n_layout(app->tr, cut, strlen(cut), &options, &layout);
	for (int i = 0; layout.count && i < layout.rows[0].count; i++) {
		const struct layout_cell *c = &layout.rows[0].cells[i];
		app->screen->ops->put(app->screen, row, c->column, c->text, c->text_len, c->width, style);
	}
	layout_free(&layout);
	free(cut);
}

static void draw_candidates(struct app *app, const struct plan *p)
{
	int selected, count = candidate_count(app);
	char *const *list = editor_candidates(app->editor, &selected);
	int first = selected >= p->candidate_rows ? selected - p->candidate_rows + 1 : 0;
	for (int i = 0; i < p->candidate_rows && first + i < count; i++) {
		char *clean = i18n_sanitize_line(list[first + i], strlen(list[first + i]));
		char *line = xasprintf("  %s", clean);
		put_line(app, p->candidates + i, line, first + i == selected ? STYLE_SELECTED : STYLE_DIM);
		free(line);
		free(clean);
	}
}

static void draw_title(struct app *app, int row)
{
	char *line = xasprintf(" bora · %s   %s", app->model_name, app->session.title ? app->session.title : "");
	put_line(app, row, line, STYLE_TITLE);
	free(line);
}

static void draw_status(struct app *app, int row)
{
	char *line = xasprintf(" %d  %s", app->usage.context_used, app->saved_at ? "saved" : "");
	put_line(app, row, line, STYLE_STATUS);
	free(line);
}

static void draw_notice(struct app *app, const struct plan *p)
{
	if (app->banner) {
		put_line(app, p->notice, app->banner, app->banner_style);
		return;
	}
	if (app->progress.phase == ENGINE_LOADING) {
		double share = app->progress.total ? (double)app->progress.done / (double)app->progress.total : 0;
		char *line = i18n_format(app->tr, "chat.loading", I18N_S(app->model_name), I18N_R(share));
		put_line(app, p->notice, line, STYLE_DIM);
		free(line);
		return;
	}
	put_line(app, p->notice, "reading prompt", STYLE_DIM);
}

void app_draw(struct app *app)
{
	struct plan p = make_plan(app);
	int row = 0, column = 0;
	app->dirty = false;
	app->drawn_at = app->now;
	if (p.rows < 1 || p.columns < 1)
		return;
	if (p.title >= 0)
		draw_title(app, p.title);
	if (app->overlay && p.transcript_rows)
		app_overlay_draw(app, p.transcript, p.transcript_rows);
	else if (p.transcript_rows)
		transcript_draw(app->transcript, app->screen, p.transcript, p.transcript_rows);
	draw_candidates(app, &p);
	if (p.notice >= 0)
		draw_notice(app, &p);
	editor_draw(app->editor, app->screen, p.input, p.input_rows, &row, &column);
	if (p.status >= 0)
		draw_status(app, p.status);
	app->screen->ops->cursor(app->screen, row, column, true);
	app->screen->ops->show(app->screen);
}
