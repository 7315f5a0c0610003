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

int screen_text(struct screen *screen, const struct i18n *tr, int row, int from, int to, const char *text,
		enum style style)
{
	if (from >= to)
		return from;
	char *line = i18n_sanitize_line(text, strlen(text)), *cut = i18n_truncate(tr, line, to - from);
	struct layout_options options = {.width = to - from, .bidi = I18N_BIDI_APP};
	struct layout layout;
	int end = from;
	i18n_layout(tr, cut, strlen(cut), &options, &layout);
	const struct layout_row *laid = &layout.rows[0];
	/* Text of the other direction is in its own order, but stands where the interface's does. */
	int shift = laid->count && laid->rtl && !i18n_is_rtl(tr) ? laid->cells[0].column : 0;
	for (int i = 0; i < laid->count; i++) {
		const struct layout_cell *cell = &laid->cells[i];
		int column = from + cell->column - shift;
		screen->ops->put(screen, row, column, cell->text, cell->text_len, cell->width, style);
		end = column + cell->width;
	}
	layout_free(&layout);
	free(cut);
	free(line);
	return end;
}
