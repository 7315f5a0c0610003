/* Any bytes through the sanitiser and the layout: rows fit, cells are drawable. */
#include "i18n/i18n.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(const struct layout *layout, int width, size_t size)
{
	for (int r = 0; r < layout->count; r++) {
		const struct layout_row *row = &layout->rows[r];
		int column = 0;
		for (int i = 0; i < row->count; i++) {
			const struct layout_cell *cell = &row->cells[i];
			if (cell->column < column || cell->width < 1 || cell->text_len < 1 ||
			    (unsigned char)cell->text[0] < 0x20 || cell->source + cell->source_len > size)
				abort();
			column = cell->column + cell->width;
		}
		if (column > width || row->end > size)
			abort();
	}
}

/* The first two bytes choose how; the rest is the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct layout_options options = {.width = 1 + data[0] % 100, .bidi = (enum i18n_bidi)(data[1] % 3)};
	options.code = data[1] & 64;
	options.indent_rest = data[1] & 128 ? options.width / 4 : 0;
	struct i18n *tr = i18n_open("en");
	struct layout layout;
	struct buffer folded = {0};
	i18n_layout(tr, (const char *)data + 2, size - 2, &options, &layout);
	check_rows(&layout, options.width, size - 2);
	i18n_fold(tr, (const char *)data + 2, size - 2, &folded);
	layout_free(&layout);
	buffer_free(&folded);
	i18n_close(tr);
	return 0;
}
