/* Each cell is laid out by itself, at the width of its column; a row is as high as
 * its highest cell. Columns that do not fit are narrowed, the widest first; where
 * even that is too much, every row becomes a list of its cells. */
#include "table.h"
#include "inline.h"

#include <cmark-gfm-core-extensions.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 3, COLUMN_MIN = 5, WIDE = 4096 };

struct table {
	const struct prose_options *o;
	struct inline_options inlines;
	struct table_shape *shape;
	const uint8_t *alignments;
	struct pieces *out;
	int room;
};

void table_shape_free(struct table_shape *shape)
{
	free(shape->widths);
	*shape = (struct table_shape){0};
}

static cmark_node *find_table(cmark_node *document)
{
	for (cmark_node *n = cmark_node_first_child(document); n; n = cmark_node_next(n))
		if (strcmp(cmark_node_get_type_string(n), "table") == 0)
			return n;
	return NULL;
}

static struct rich cell_text(const struct table *t, cmark_node *cell, bool head)
{
	struct rich text = {0};
	if (cell)
		inline_render(&t->inlines, cell, head ? STYLE_TEXT | STYLE_ADD_STRONG : STYLE_TEXT, &text);
	return text;
}

/* --- Widths ------------------------------------------------------------------------------ */

static int natural_width(const struct table *t, cmark_node *cell, bool *rtl)
{
	struct rich text = cell_text(t, cell, false);
	struct layout_options options = {.width = WIDE, .bidi = t->o->bidi};
	struct layout layout;
	int width = 0;
	i18n_layout(t->o->tr, text.text.data ? text.text.data : "", text.text.len, &options, &layout);
	for (int i = 0; i < layout.count; i++) {
		int used = piece_row_width(&layout.rows[i]);
		width = used > width ? used : width;
		*rtl = *rtl || layout.rows[i].rtl;
	}
	layout_free(&layout);
	rich_free(&text);
	return width;
}

static int sum(const int *widths, int count)
{
	int total = (count - 1) * GAP;
	for (int i = 0; i < count; i++)
		total += widths[i];
	return total;
}

/* Takes cells from the widest columns until all fit. */
static bool narrow(int *widths, int count, int room)
{
	int total = sum(widths, count);
	while (total > room) {
		int widest = 0, second = 0;
		for (int i = 1; i < count; i++)
			widest = widths[i] > widths[widest] ? i : widest;
		for (int i = 0; i < count; i++)
			if (i != widest && widths[i] < widths[widest] && widths[i] > second)
				second = widths[i];
		int most = widths[widest] - (second > COLUMN_MIN ? second : COLUMN_MIN);
		int same = 0;
		for (int i = 0; i < count; i++)
			same += widths[i] == widths[widest];
		int take = (total - room + same - 1) / same;
		if (widths[widest] <= COLUMN_MIN)
			return false;
		take = take > most ? (most > 0 ? most : 1) : take;
		for (int i = 0, w = widths[widest]; i < count && total > room; i++)
			if (widths[i] == w)
				widths[i] -= take, total -= take;
	}
	return true;
}

static void measure(struct table *t, cmark_node *table)
{
	struct table_shape *shape = t->shape;
	shape->columns = cmark_gfm_extensions_get_table_columns(table);
	shape->widths = xcalloc((size_t)shape->columns + 1, sizeof(*shape->widths));
	bool head = true, decided = false;
	for (cmark_node *row = cmark_node_first_child(table); row; row = cmark_node_next(row), head = false) {
		cmark_node *cell = cmark_node_first_child(row);
		for (int i = 0; i < shape->columns && cell; i++, cell = cmark_node_next(cell)) {
			bool rtl = false;
			int width = natural_width(t, cell, &rtl);
			/* The first word of the head says where the table begins. */
			if (head && !decided && width && t->o->bidi != I18N_BIDI_OFF)
				shape->rtl = rtl, decided = true;
			shape->widths[i] = width > shape->widths[i] ? width : shape->widths[i];
		}
	}
	for (int i = 0; i < shape->columns; i++)
		shape->widths[i] = shape->widths[i] > 0 ? shape->widths[i] : 1;
	if (!narrow(shape->widths, shape->columns, t->room)) {
		free(shape->widths);
		shape->widths = NULL;
	}
}

/* --- Rows --------------------------------------------------------------------------------- */

/* Where the column begins, from the table's own left. */
static int column_at(const struct table_shape *shape, int column)
{
	int at = 0;
	for (int i = 0; i < column; i++)
		at += shape->widths[i] + GAP;
	return shape->rtl ? sum(shape->widths, shape->columns) - at - shape->widths[column] : at;
}

static void add_row(const struct table *t, cmark_node *row, bool head)
{
	const struct table_shape *shape = t->shape;
	struct piece *piece = pieces_add(t->out, PIECE_TEXT);
	cmark_node *cell = cmark_node_first_child(row);
	int shift = shape->rtl ? t->room - sum(shape->widths, shape->columns) : 0;
	piece->indent = t->o->indent;
	piece->rtl = shape->rtl;
	for (int i = 0; i < shape->columns; i++) {
		struct rich text = cell_text(t, cell, head);
		struct layout_options options = {.width = shape->widths[i], .bidi = t->o->bidi};
		piece_part(piece, t->o->tr, &text, shift + column_at(shape, i), &options);
		piece->parts[i].align = (char)(t->alignments ? t->alignments[i] : 0);
		if (!piece->parts[i].align && shape->rtl)
			piece->parts[i].align = 'r';
		if (i > 0) {
			int from_start = 0;
			for (int j = 0; j < i; j++)
				from_start += shape->widths[j] + GAP;
			piece_mark(piece, t->o->indent + from_start - 2, STYLE_DIM, true, "│");
		}
		rich_free(&text);
		cell = cell ? cmark_node_next(cell) : NULL;
	}
}

static void add_line(const struct table *t)
{
	const struct table_shape *shape = t->shape;
	struct rich line = {0};
	int total = sum(shape->widths, shape->columns);
	for (int n = 0; n < shape->columns; n++) {
		int i = shape->rtl ? shape->columns - 1 - n : n;
		for (int j = 0; j < shape->widths[i]; j++)
			rich_add(&line, "─", strlen("─"), STYLE_DIM, 0);
		if (n < shape->columns - 1)
			rich_add(&line, "─┼─", strlen("─┼─"), STYLE_DIM, 0);
	}
	struct piece *piece = pieces_add(t->out, PIECE_TEXT);
	struct layout_options options = {.width = total, .code = true};
	piece_part(piece, t->o->tr, &line, shape->rtl ? t->room - total : 0, &options);
	piece->indent = t->o->indent;
	piece->rtl = shape->rtl;
	rich_free(&line);
}

/* Too narrow for columns: the cells of a row below each other, each after its head. */
static void add_stacked(const struct table *t, cmark_node *row, cmark_node *head)
{
	cmark_node *name = cmark_node_first_child(head);
	for (cmark_node *cell = cmark_node_first_child(row); cell; cell = cmark_node_next(cell)) {
		struct rich text = cell_text(t, name, true);
		struct layout_options options = {.width = t->room, .bidi = t->o->bidi};
		if (text.text.len)
			rich_add(&text, ": ", 2, STYLE_TEXT | STYLE_ADD_STRONG, 0);
		inline_render(&t->inlines, cell, STYLE_TEXT, &text);
		struct piece *piece = pieces_add(t->out, PIECE_TEXT);
		piece_part(piece, t->o->tr, &text, 0, &options);
		piece->indent = t->o->indent;
		piece->rtl = piece->parts[0].layout.rows[0].rtl;
		rich_free(&text);
		name = name ? cmark_node_next(name) : NULL;
	}
	pieces_add(t->out, PIECE_RULE)->indent = t->o->indent;
}

static void add_rows(const struct table *t, cmark_node *table, bool more)
{
	cmark_node *head = cmark_node_first_child(table), *row = head;
	if (t->shape->widths && !more) {
		add_row(t, head, true);
		add_line(t);
	}
	for (row = head ? cmark_node_next(head) : NULL; row; row = cmark_node_next(row)) {
		if (t->shape->widths)
			add_row(t, row, false);
		else
			add_stacked(t, row, head);
	}
}

void table_render(const struct prose_options *o, const char *source, size_t len, struct table_shape *shape, bool more,
		  struct pieces *out)
{
	cmark_node *document = inline_parse(source, len), *table = find_table(document);
	if (!table) {
		cmark_node_free(document);
		prose_render(o, source, len, out);
		return;
	}
	struct table t = {.o = o, .shape = shape, .out = out, .room = o->width - o->indent};
	t.room = t.room > 0 ? t.room : 1;
	t.inlines.hyperlinks = o->hyperlinks;
	t.inlines.isolate = inline_has_rtl(source, len) && o->bidi != I18N_BIDI_OFF;
	t.alignments = cmark_gfm_extensions_get_table_alignments(table);
	if (!shape->columns)
		measure(&t, table);
	if (shape->columns == cmark_gfm_extensions_get_table_columns(table))
		add_rows(&t, table, more);
	cmark_node_free(document);
}
