#include "status_bar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAR_CELLS = 8, PARTS = 4, GAP = 2 };

/* 12.4k, 32k, 850: the context meter is read at a glance. */
static void count_text(int tokens, char *out, size_t size)
{
	if (tokens < 1000)
		snprintf(out, size, "%d", tokens);
	else if (tokens < 100000 && tokens % 1024 != 0)
		snprintf(out, size, "%.1fk", tokens / 1000.0);
	else
		snprintf(out, size, "%dk", tokens % 1024 == 0 ? tokens / 1024 : tokens / 1000);
}

static char *context_part(const struct i18n *tr, const struct status_bar *s)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	char used[16], size[16];
	struct buffer bar = {0};
	if (!s->context_size)
		return xstrdup("");
	count_text(s->context_used, used, sizeof(used));
	count_text(s->context_size, size, sizeof(size));
	int filled = (int)((int64_t)s->context_used * BAR_CELLS * 8 / s->context_size), cells = 0;
	filled = filled > BAR_CELLS * 8 ? BAR_CELLS * 8 : filled;
	for (; cells < filled / 8; cells++)
		buffer_puts(&bar, "█");
	if (filled % 8 && cells++ < BAR_CELLS)
		buffer_puts(&bar, eighths[filled % 8]);
	for (; cells < BAR_CELLS; cells++)
		buffer_puts(&bar, " ");
	char *both = xasprintf("%s/%s", used, size);
	char *text = i18n_format(tr, "status.context", I18N_S(both));
	char *part = xasprintf("%s ▕%s▏", text, bar.data);
	free(text);
	free(both);
	buffer_free(&bar);
	return part;
}

static char *saved_part(const struct i18n *tr, const struct status_bar *s)
{
	if (s->unsaved)
		return xstrdup(i18n_text(tr, "status.unsaved"));
	return s->saved_at ? i18n_format(tr, "status.saved", I18N_T((double)s->saved_at)) : xstrdup("");
}

void status_bar_draw(struct screen *screen, const struct i18n *tr, int row, const struct status_bar *s)
{
	int rows, columns, width[PARTS], column = 1;
	screen->ops->size(screen, &rows, &columns);
	screen->ops->clear_row(screen, row);
	char *part[PARTS] = {
		context_part(tr, s),
		s->per_second > 0 ? i18n_format(tr, "status.speed", I18N_R(s->per_second)) : xstrdup(""),
		saved_part(tr, s),
		xstrdup(i18n_text(tr, "status.hints")),
	};
	int state = 0;
	for (int i = 0; i < PARTS; i++) {
		width[i] = i18n_width(tr, part[i], strlen(part[i]));
		state += i < PARTS - 1 && width[i] ? width[i] + GAP : 0;
	}
	/* The first hint is the way to all others. */
	char *more = strstr(part[PARTS - 1], "  ");
	if (more && 1 + state + width[PARTS - 1] + 1 > columns) {
		*more = '\0';
		width[PARTS - 1] = i18n_width(tr, part[PARTS - 1], strlen(part[PARTS - 1]));
	}
	/* What does not fit is left out from the end; the hints stand on the far side. */
	for (int i = 0; i < PARTS; i++) {
		bool last = i == PARTS - 1;
		if (!width[i] || column + width[i] + 1 > columns)
			continue;
		int at = last ? columns - width[i] - 1 : column;
		screen_text(screen, tr, row, at, at + width[i], part[i],
			    i == 2 && s->unsaved ? STYLE_ERROR : STYLE_STATUS);
		column += last ? 0 : width[i] + GAP;
	}
	for (int i = 0; i < PARTS; i++)
		free(part[i]);
}

void status_bar_title(struct screen *screen, const struct i18n *tr, int row, const struct status_bar *s)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	screen->ops->clear_row(screen, row);
	screen_fill(screen, row, 0, columns, STYLE_TITLE);
	char *left = xasprintf("bora · %s", s->model), *title = i18n_sanitize_line(s->title, strlen(s->title));
	int left_width = i18n_width(tr, left, strlen(left)), title_width = i18n_width(tr, title, strlen(title));
	int room = columns - left_width - 4;
	left_width = left_width > columns - 2 ? columns - 2 : left_width;
	title_width = title_width > room ? room : title_width;
	screen_text(screen, tr, row, 1, 1 + left_width, left, STYLE_TITLE);
	if (title_width > 3)
		screen_text(screen, tr, row, columns - 1 - title_width, columns - 1, title, STYLE_TITLE);
	free(title);
	free(left);
}

void status_bar_progress(struct screen *screen, const struct i18n *tr, int row, const struct status_progress *p)
{
	int rows, columns;
	char *text;
	screen->ops->size(screen, &rows, &columns);
	screen->ops->clear_row(screen, row);
	uint64_t computed = p->done > p->cached ? p->done - p->cached : 0;
	double rate = p->seconds > 0.2 ? (double)computed / p->seconds : 0;
	double left = rate > 0 ? (double)(p->total - p->done) / rate : 0;
	if (p->loading)
		text = i18n_format(tr, "progress.loading", I18N_R(p->total ? (double)p->done / (double)p->total : 0));
	else if (rate > 0)
		text = i18n_format(tr, "progress.reading-rate", I18N_I((int64_t)p->done), I18N_I((int64_t)p->total),
				   I18N_R(rate), I18N_I((int64_t)(left + 0.5)));
	else
		text = i18n_format(tr, "progress.reading", I18N_I((int64_t)p->done), I18N_I((int64_t)p->total));
	screen_notice(screen, tr, row, 1, columns, text, STYLE_DIM);
	free(text);
}
