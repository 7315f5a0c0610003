/* Any bytes as a message: as Markdown in pieces and at once, which end in the same rows, and as code in every
 * language. Rows fit, and what is drawn steers no terminal. */
#include "ui/body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_layout(const struct layout *layout, int width)
{
	for (int r = 0; r < layout->count; r++) {
		int column = 0;
		for (int i = 0; i < layout->rows[r].count; i++) {
			const struct layout_cell *cell = &layout->rows[r].cells[i];
			if (cell->column < column || cell->width < 1 || (unsigned char)cell->text[0] < 0x20)
				abort();
			column = cell->column + cell->width;
		}
		if (column > width)
			abort();
	}
}

/* The rows' cells and styles, to be compared. */
static char *draw(struct body *b, const char *text, size_t len, const struct body_options *options)
{
	struct buffer out = {0};
	body_lay(b, text, len, options);
	for (int row = 0; row < b->rows; row++) {
		int within;
		const struct body_chunk *chunk;
		const struct piece *piece = body_row(b, row, &within, &chunk);
		for (int i = 0; piece && i < piece->part_count; i++) {
			const struct part *part = &piece->parts[i];
			check_layout(&part->layout, options->width + 1);
			for (int c = 0; within < part->layout.count && c < part->layout.rows[within].count; c++) {
				const struct layout_cell *cell = &part->layout.rows[within].cells[c];
				const char *link;
				buffer_printf(&out, "%d,%x,", cell->column,
					      (unsigned)piece_style(piece, part, cell->source, &link));
				buffer_append(&out, cell->text, cell->text_len);
			}
		}
		buffer_puts(&out, "\n");
	}
	buffer_puts(&out, "");
	return buffer_take(&out);
}

static void color(void *arg, size_t start, size_t end, enum style style)
{
	size_t *done = arg;
	if (start < *done || end <= start || style >= STYLE_COUNT)
		abort();
	*done = end;
}

static void color_lines(const struct language *language, const char *text, size_t len)
{
	struct highlight_state state = {0};
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t line = newline ? (size_t)(newline - text) - at : len - at, done = 0;
		highlight_line(language, &state, text + at, line, color, &done);
		if (done > line)
			abort();
		at += line + 1;
	}
}

/* The first three bytes choose the width, the pieces and the language; the rest is the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	size_t len = size - 3;
	char *text = xstrndup((const char *)data + 3, len); /* a message ends in a NUL */
	size_t piece = 1 + data[1] % 61;
	struct i18n *tr = i18n_open("en");
	struct body_options options = {.tr = tr, .width = 1 + data[0] % 90, .bidi = (enum i18n_bidi)(data[1] / 64)};
	struct body whole = {.mode = BODY_MARKDOWN, .open = true}, parts = {.mode = BODY_MARKDOWN, .open = true};
	body_update(&whole, text, len);
	char *expected = draw(&whole, text, len, &options);
	for (size_t at = len % piece; at <= len && len < 4096; at += piece) {
		char *part = xstrndup(text, at);
		body_update(&parts, part, at);
		free(draw(&parts, part, at, &options));
		free(part);
	}
	body_update(&parts, text, len);
	char *rows = draw(&parts, text, len, &options);
	if (strcmp(rows, expected) != 0)
		abort();
	free(rows);
	free(expected);
	body_free(&whole);
	body_free(&parts);
	color_lines(highlight_at(data[2] % highlight_count()), text, len);
	highlight_guess(text, len);
	free(text);
	i18n_close(tr);
	return 0;
}
