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
	struct layout_options options = {.width = to - from, .bidi = I18N_BIDI_APP, .direction = LAYOUT_LTR};
	struct layout layout;
	int end = from;
	i18n_layout(tr, cut, strlen(cut), &options, &layout);
	for (int i = 0; layout.count && i < layout.rows[0].count; i++) {
		const struct layout_cell *cell = &layout.rows[0].cells[i];
		screen->ops->put(screen, row, from + cell->column, cell->text, cell->text_len, cell->width, style);
		end = from + cell->column + cell->width;
	}
	layout_free(&layout);
	free(cut);
	free(line);
	return end;
}
