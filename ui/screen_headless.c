/* The screen in memory: for tests. */
#include "screen.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = 64 };

struct cell {
	char text[CELL_BYTES]; /* "" : the right half of a wide cell */
	unsigned char len, width;
	enum style style;
	bool linked;
};

struct headless {
	struct screen screen; /* first: the ops get this */
	int rows, columns, cursor_row, cursor_column;
	struct cell *cells;
	bool linking;
};

static struct headless *self(struct screen *screen)
{
	return (struct headless *)screen;
}

static struct cell *cell_at(struct headless *h, int row, int column)
{
	return &h->cells[row * h->columns + column];
}

static void blank(struct cell *cell, enum style style)
{
	*cell = (struct cell){.text = " ", .len = 1, .width = 1, .style = style};
}

static void op_size(struct screen *screen, int *rows, int *columns)
{
	*rows = self(screen)->rows;
	*columns = self(screen)->columns;
}

static void op_clear_row(struct screen *screen, int row)
{
	struct headless *h = self(screen);
	for (int column = 0; row >= 0 && row < h->rows && column < h->columns; column++)
		blank(cell_at(h, row, column), STYLE_TEXT);
}

/* Writing over half of a wide cell leaves the other half blank, as on a terminal. */
static void cut_wide(struct headless *h, int row, int column)
{
	struct cell *cell = cell_at(h, row, column);
	if (cell->width == 2 && column + 1 < h->columns)
		blank(cell_at(h, row, column + 1), STYLE_TEXT);
	if (cell->width == 0 && column > 0)
		blank(cell_at(h, row, column - 1), STYLE_TEXT);
}

static void op_link(struct screen *screen, const char *url)
{
	self(screen)->linking = url != NULL;
}

static void op_put(struct screen *screen, int row, int column, const char *text, size_t len, int width,
		   enum style style)
{
	struct headless *h = self(screen);
	if (row < 0 || row >= h->rows || column < 0 || width < 1 || column + width > h->columns)
		return;
	for (int i = 0; i < width; i++)
		cut_wide(h, row, column + i);
	for (int i = 0; i < width; i++) {
		struct cell *cell = cell_at(h, row, column + i);
		*cell = (struct cell){.style = style};
	}
	struct cell *cell = cell_at(h, row, column);
	cell->len = (unsigned char)(len < CELL_BYTES ? len : CELL_BYTES - 1);
	cell->width = (unsigned char)width;
	memcpy(cell->text, text, cell->len);
}

static void op_cursor(struct screen *screen, int row, int column, bool visible)
{
	self(screen)->cursor_row = visible ? row : -1;
	self(screen)->cursor_column = visible ? column : -1;
}

static void op_nothing(struct screen *screen)
{
	(void)screen;
}

static void op_title(struct screen *screen, const char *text)
{
	(void)screen;
	(void)text;
}

static void op_raw(struct screen *screen, const char *bytes, size_t len)
{
	(void)screen;
	(void)bytes;
	(void)len;
}

static void op_theme(struct screen *screen, const struct theme *theme)
{
	(void)screen;
	(void)theme;
}

static void op_traits(struct screen *screen, const struct screen_traits *traits)
{
	(void)screen;
	(void)traits;
}

static void op_close(struct screen *screen)
{
	free(self(screen)->cells);
	free(screen);
}

static const struct screen_ops headless_ops = {
	.size = op_size,
	.clear_row = op_clear_row,
	.put = op_put,
	.link = op_link,
	.cursor = op_cursor,
	.show = op_nothing,
	.redraw = op_nothing,
	.resize = op_nothing,
	.suspend = op_nothing,
	.resume = op_nothing,
	.bell = op_nothing,
	.title = op_title,
	.raw = op_raw,
	.theme = op_theme,
	.traits = op_traits,
	.close = op_close,
};

struct screen *screen_open_headless(int rows, int columns)
{
	struct headless *h = xcalloc(1, sizeof(*h));
	h->screen.ops = &headless_ops;
	screen_headless_resize(&h->screen, rows, columns);
	return &h->screen;
}

void screen_headless_resize(struct screen *screen, int rows, int columns)
{
	struct headless *h = self(screen);
	free(h->cells);
	h->rows = rows;
	h->columns = columns;
	h->cells = xcalloc((size_t)rows * (size_t)columns, sizeof(*h->cells));
	for (int row = 0; row < rows; row++)
		op_clear_row(screen, row);
}

void screen_headless_cursor(struct screen *screen, int *row, int *column)
{
	*row = self(screen)->cursor_row;
	*column = self(screen)->cursor_column;
}

static void dump_styles(struct headless *h, int row, int last, struct buffer *out)
{
	static const char letters[STYLE_COUNT + 1] = ".udTSaEWcfHsileqMp1`bKYGCNFVD+-";
	buffer_puts(out, "\n");
	for (int column = 0; column < last; column++) {
		unsigned style = cell_at(h, row, column)->style, added = style & STYLE_ADDITIONS;
		char letter = letters[style & ~(unsigned)STYLE_ADDITIONS];
		if (letter == '.' && added)
			letter = added & STYLE_ADD_STRIKE      ? 'x'
				 : added == STYLE_ADD_STRONG   ? 's'
				 : added == STYLE_ADD_EMPHASIS ? 'i'
							       : '3';
		buffer_append(out, &letter, 1);
	}
}

char *screen_headless_dump(struct screen *screen, bool styled)
{
	struct headless *h = self(screen);
	struct buffer out = {0};
	for (int row = 0; row < h->rows; row++) {
		int last = h->columns;
		while (last > 0 && cell_at(h, row, last - 1)->len == 1 && cell_at(h, row, last - 1)->text[0] == ' ')
			last--;
		for (int column = 0; column < last; column++)
			buffer_append(&out, cell_at(h, row, column)->text, cell_at(h, row, column)->len);
		if (styled && last)
			dump_styles(h, row, last, &out);
		buffer_puts(&out, "\n");
	}
	return buffer_take(&out);
}
