/* bora render: standard input laid out as the chat would, without attributes. */
#include "cli.h"
#include "../ui/ui.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_row(const struct layout_row *row)
{
	struct buffer line = {0};
	int column = 0;
	size_t end = 0;
	for (int i = 0; i < row->count; i++) {
		const struct layout_cell *cell = &row->cells[i];
		for (; column < cell->column; column++)
			buffer_puts(&line, " ");
		buffer_append(&line, cell->text, cell->text_len);
		column += cell->width;
		if (cell->text_len != 1 || cell->text[0] != ' ')
			end = line.len;
	}
	fwrite(line.data ? line.data : "", 1, end, stdout);
	putchar('\n');
	buffer_free(&line);
}

static enum i18n_bidi bidi_of(const char *name)
{
	return strcmp(name, "terminal") == 0 ? I18N_BIDI_TERMINAL
	       : strcmp(name, "off") == 0    ? I18N_BIDI_OFF
					     : I18N_BIDI_APP;
}

int cli_render(struct cli *cli)
{
	char err[256];
	struct buffer text = {0};
	if (cli_read_all(STDIN_FILENO, 0, &text, err, sizeof(err))) {
		buffer_free(&text);
		return cli_fail(cli, "%s", err);
	}
	struct layout_options options = {
		.width = (int)option_integer(cli->options, OPTION_WIDTH),
		.bidi = bidi_of(option_string(cli->options, OPTION_BIDI)),
	};
	if (option_flag(cli->options, OPTION_MARKDOWN)) {
		struct buffer rows = {0};
		ui_print_markdown(cli->tr, text.data ? text.data : "", text.len, options.width, options.bidi, &rows);
		fwrite(rows.data ? rows.data : "", 1, rows.len, stdout);
		buffer_free(&rows);
		buffer_free(&text);
		return 0;
	}
	size_t len = text.len && text.data[text.len - 1] == '\n' ? text.len - 1 : text.len;
	struct layout layout;
	i18n_layout(cli->tr, text.data ? text.data : "", len, &options, &layout);
	for (int i = 0; i < layout.count; i++)
		print_row(&layout.rows[i]);
	layout_free(&layout);
	buffer_free(&text);
	return 0;
}
