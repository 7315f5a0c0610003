/* Drawing that is the same on every screen. */
#include "screen.h"
#include "../i18n/i18n.h"

#include <stdlib.h>
#include <string.h>

void screen_fill(struct screen *screen, int row, int from, int to, enum style style)
{
	for (int column = from; column < to; column++)
		screen->ops->put(screen, row, column, " ", 1, 1, style);
}

int screen_column(struct screen *screen, const struct i18n *tr, int column, int width)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	return i18n_is_rtl(tr) ? columns - column - width : column;
}

/* Letters of Hebrew, Arabic, Syriac, Thaana and N'Ko: their UTF-8 begins with D7 to DF. */
static bool has_rtl_letters(const char *text)
{
	while (*text && !((unsigned char)*text >= 0xD7 && (unsigned char)*text <= 0xDF))
		text++;
	return *text != '\0';
}

/* The first cell of the text: before it, a right-to-left row that the terminal puts in order has a
 * blank that keeps it apart from its neighbours. */
static int first_cell(const struct layout_row *row)
{
	return row->count && row->cells[0].source_len == 0;
}

/* Where the row's cells begin: text of either direction stands where the lines of
 * the interface begin. */
static int first_column(const struct layout_row *row, const struct i18n *tr, int columns, int from)
{
	if (!row->count)
		return 0;
	const struct layout_cell *last = &row->cells[row->count - 1];
	if (i18n_is_rtl(tr))
		return columns - from - last->column - last->width;
	return from - (row->rtl ? row->cells[first_cell(row)].column : 0);
}

static int put_row(struct screen *screen, int y, const struct layout_row *row, int start, enum style style)
{
	int cells = 0;
	for (int i = 0; i < row->count; i++) {
		const struct layout_cell *cell = &row->cells[i];
		if (start + cell->column < 0)
			continue;
		screen->ops->put(screen, y, start + cell->column, cell->text, cell->text_len, cell->width, style);
		cells += i < first_cell(row) ? 0 : cell->width;
	}
	return cells;
}

typedef char *cut_fn(const struct i18n *, const char *text, int width);

static int put_text(struct screen *screen, const struct i18n *tr, int row, int from, int to, const char *text,
		    enum style style, cut_fn *cut_to)
{
	int rows, columns;
	if (from >= to)
		return from;
	screen->ops->size(screen, &rows, &columns);
	char *line = i18n_sanitize_line(text, strlen(text));
	bool rtl = has_rtl_letters(line), apart = i18n_terminal_orders(i18n_order(tr)) && (rtl || i18n_is_rtl(tr));
	/* The blank stands in the gap between two texts; at the screen's edge a cell is left for it. */
	int room = to - from - (apart && to - from > 1 && (i18n_is_rtl(tr) ? to >= columns : from == 0));
	char *cut = cut_to(tr, line, room);
	struct layout_options options = {.width = room + apart, .bidi = i18n_order(tr)};
	if (i18n_is_rtl(tr) && rtl)
		options.direction = LAYOUT_RTL; /* the interface's own words, even when a name of a key comes first */
	struct layout layout;
	i18n_layout(tr, cut, strlen(cut), &options, &layout);
	const struct layout_row *laid = &layout.rows[0];
	int start = first_column(laid, tr, columns, from);
	if (first_cell(laid) && start + laid->cells[0].column < 0)
		start++;
	int cells = put_row(screen, row, laid, start, style);
	layout_free(&layout);
	free(cut);
	free(line);
	return from + cells;
}

int screen_text(struct screen *screen, const struct i18n *tr, int row, int from, int to, const char *text,
		enum style style)
{
	return put_text(screen, tr, row, from, to, text, style, i18n_truncate);
}

int screen_notice(struct screen *screen, const struct i18n *tr, int row, int from, int to, const char *text,
		  enum style style)
{
	return put_text(screen, tr, row, from, to, text, style, i18n_shorten);
}
