#include "prose.h"
#include "inline.h"
#include "table.h"

#include <cmark-gfm-core-extensions.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 32, MARKS_MOST = 64, ROOM_MIN = 12, QUOTE_WIDTH = 2, BULLET_WIDTH = 2, CODE_WIDTH = 2 };

struct renderer {
	const struct prose_options *o;
	const char *source;
	size_t len;
	bool isolate;
	enum layout_direction before; /* of the last piece of text */
	struct pieces *out;
	struct mark marks[MARKS_MOST]; /* of the blocks that the one at hand stands in */
	bool used[MARKS_MOST];         /* of those for a first row: it is there */
	int mark_count;
	int indent;
};

/* --- Pieces --------------------------------------------------------------------------- */

/* Marks for a first row are used up by the piece. */
static void give_marks(struct renderer *r, struct piece *piece)
{
	for (int i = 0; i < r->mark_count; i++) {
		const struct mark *m = &r->marks[i];
		if (m->every || !r->used[i])
			piece_mark(piece, m->column, m->style, m->every, m->text);
		r->used[i] = true;
	}
}

static void add_mark(struct renderer *r, int column, unsigned style, bool every, const char *text)
{
	if (r->mark_count == MARKS_MOST)
		return;
	r->used[r->mark_count] = false;
	struct mark *m = &r->marks[r->mark_count++];
	*m = (struct mark){.column = column, .style = style, .every = every};
	snprintf(m->text, sizeof(m->text), "%s", text);
}

/* Blocks in blocks move in until there is no room for it. */
static int room_for(const struct renderer *r, int wanted)
{
	return r->o->width - r->indent - wanted >= ROOM_MIN ? wanted : 0;
}

static struct layout_options layout_options(const struct renderer *r, bool code)
{
	int width = r->o->width - r->indent;
	return (struct layout_options){
		.width = width > 0 ? width : 1, .bidi = r->o->bidi, .code = code, .otherwise = r->before};
}

static struct piece *add_piece(struct renderer *r, enum piece_kind kind, struct rich *text)
{
	struct piece *piece = pieces_add(r->out, kind);
	struct layout_options options = layout_options(r, kind == PIECE_CODE);
	piece_part(piece, r->o->tr, text, 0, &options);
	piece->indent = r->indent;
	piece->rtl = piece->parts[0].layout.rows[0].rtl;
	if (kind == PIECE_TEXT)
		r->before = piece->rtl ? LAYOUT_RTL : LAYOUT_LTR;
	give_marks(r, piece);
	rich_free(text);
	return piece;
}

static void add_space(struct renderer *r)
{
	struct piece *piece = pieces_add(r->out, PIECE_SPACE);
	piece->indent = r->indent;
	for (int i = 0; i < r->mark_count; i++)
		if (r->marks[i].every)
			piece_mark(piece, r->marks[i].column, r->marks[i].style, true, r->marks[i].text);
	/* A space in a right-to-left quote has its bar where the text before has it. */
	piece->rtl = r->out->count > 1 && r->out->list[r->out->count - 2].rtl;
}

/* --- Blocks ----------------------------------------------------------------------------- */

static void add_block(struct renderer *r, cmark_node *node, int depth);

/* Whether the source has an empty line (or a quote's empty line) before this one, counted from 1. */
static bool blank_before(const struct renderer *r, int line)
{
	const char *at = r->source, *end = r->source + r->len;
	for (int i = 1; at && at < end && i < line - 1; i++) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	return at && line > 1 && strspn(at, " \t>") == strcspn(at, "\n");
}

static void add_children(struct renderer *r, cmark_node *node, int depth)
{
	for (cmark_node *child = cmark_node_first_child(node); child; child = cmark_node_next(child)) {
		if (cmark_node_previous(child) && blank_before(r, cmark_node_get_start_line(child)))
			add_space(r);
		add_block(r, child, depth + 1);
	}
}

static void add_text(struct renderer *r, cmark_node *node, unsigned style)
{
	struct rich text = {0};
	struct inline_options options = {.hyperlinks = r->o->hyperlinks, .isolate = r->isolate};
	inline_render(&options, node, style, &text);
	add_piece(r, PIECE_TEXT, &text);
}

static void add_lines(struct renderer *r, const char *text, enum piece_kind kind, unsigned style)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		struct rich line = {0};
		rich_add(&line, text, len, style, 0);
		add_piece(r, kind, &line);
		text += len + (text[len] == '\n');
	}
}

/* Code that has no number: indented, or inside of an item's first line. */
static void add_code(struct renderer *r, cmark_node *node)
{
	int width = room_for(r, CODE_WIDTH), marks = r->mark_count;
	add_mark(r, r->indent, STYLE_CODE_FRAME, true, width ? "▌" : "");
	r->indent += width;
	const char *literal = cmark_node_get_literal(node);
	add_lines(r, literal ? literal : "", PIECE_CODE, STYLE_CODE);
	r->indent -= width;
	r->mark_count = marks;
}

static void add_quote(struct renderer *r, cmark_node *node, int depth)
{
	int width = room_for(r, QUOTE_WIDTH), marks = r->mark_count;
	add_mark(r, r->indent, STYLE_QUOTE, true, width ? "│" : "");
	r->indent += width;
	add_children(r, node, depth);
	r->indent -= width;
	r->mark_count = marks;
}

static bool is_task(cmark_node *item)
{
	return strcmp(cmark_node_get_type_string(item), "tasklist") == 0;
}

/* The marks differ by depth, as in print. */
static void item_mark(cmark_node *item, cmark_node *list, int ordinal, int depth, char *mark, size_t size)
{
	static const char *const bullets[] = {"•", "◦", "▪"};
	if (is_task(item))
		snprintf(mark, size, "%s", cmark_gfm_extensions_get_tasklist_item_checked(item) ? "☑" : "☐");
	else if (cmark_node_get_list_type(list) == CMARK_ORDERED_LIST)
		snprintf(mark, size, "%d%c", ordinal, cmark_node_get_list_delim(list) == CMARK_PAREN_DELIM ? ')' : '.');
	else
		snprintf(mark, size, "%s", bullets[depth % 3]);
}

static int list_depth(cmark_node *list)
{
	int depth = 0;
	for (cmark_node *n = cmark_node_parent(list); n; n = cmark_node_parent(n))
		depth += cmark_node_get_type(n) == CMARK_NODE_LIST;
	return depth;
}

static void add_list(struct renderer *r, cmark_node *list, int depth)
{
	bool top = r->o->ordinal && cmark_node_get_type(cmark_node_parent(list)) == CMARK_NODE_DOCUMENT &&
		   !cmark_node_previous(list);
	int ordinal = top ? r->o->ordinal : cmark_node_get_list_start(list), nesting = list_depth(list);
	for (cmark_node *item = cmark_node_first_child(list); item; item = cmark_node_next(item), ordinal++) {
		char mark[16];
		item_mark(item, list, ordinal, nesting, mark, sizeof(mark));
		int width = i18n_width(r->o->tr, mark, strlen(mark)) + 1, marks = r->mark_count;
		width = room_for(r, width < BULLET_WIDTH ? BULLET_WIDTH : width);
		if (cmark_node_previous(item) && blank_before(r, cmark_node_get_start_line(item)))
			add_space(r);
		add_mark(r, r->indent, STYLE_BULLET, false, width ? mark : "");
		r->indent += width;
		if (cmark_node_first_child(item)) {
			add_children(r, item, depth);
		} else {
			struct rich nothing = {0};
			add_piece(r, PIECE_TEXT, &nothing);
		}
		r->indent -= width;
		r->mark_count = marks;
	}
}

static void add_rule(struct renderer *r)
{
	struct piece *piece = pieces_add(r->out, PIECE_RULE);
	piece->indent = r->indent;
	give_marks(r, piece);
}

static void add_source(struct renderer *r, size_t from, size_t to)
{
	char *text = xstrndup(r->source + from, to - from);
	add_lines(r, text, PIECE_TEXT, STYLE_TEXT);
	free(text);
}

static size_t line_offset(const struct renderer *r, int line)
{
	size_t at = 0;
	for (int i = 1; i < line && at < r->len; i++) {
		const char *newline = memchr(r->source + at, '\n', r->len - at);
		at = newline ? (size_t)(newline - r->source) + 1 : r->len;
	}
	return at;
}

/* A table inside another block: as one of its own, on the room there is. */
static void add_table(struct renderer *r, cmark_node *table)
{
	size_t from = line_offset(r, cmark_node_get_start_line(table));
	size_t to = line_offset(r, cmark_node_get_end_line(table) + 1);
	struct buffer rows = {0};
	while (from < to) {
		size_t skip = strspn(r->source + from, " \t>"), len = strcspn(r->source + from, "\n");
		buffer_append(&rows, r->source + from + skip, skip < len ? len - skip : 0);
		buffer_puts(&rows, "\n");
		from += len + 1;
	}
	struct prose_options options = *r->o;
	struct table_shape shape = {0};
	int first = r->out->count;
	options.indent = r->indent;
	table_render(&options, rows.data ? rows.data : "", rows.len, &shape, false, r->out);
	for (int i = first; i < r->out->count; i++)
		give_marks(r, &r->out->list[i]);
	table_shape_free(&shape);
	buffer_free(&rows);
}

static void add_block(struct renderer *r, cmark_node *node, int depth)
{
	cmark_node_type type = cmark_node_get_type(node);
	if (depth > DEPTH_MOST)
		return;
	if (type == CMARK_NODE_HEADING)
		add_text(r, node, cmark_node_get_heading_level(node) == 1 ? STYLE_TOP_HEADING : STYLE_HEADING);
	else if (type == CMARK_NODE_BLOCK_QUOTE)
		add_quote(r, node, depth);
	else if (type == CMARK_NODE_LIST)
		add_list(r, node, depth);
	else if (type == CMARK_NODE_CODE_BLOCK)
		add_code(r, node);
	else if (type == CMARK_NODE_HTML_BLOCK)
		add_lines(r, cmark_node_get_literal(node), PIECE_TEXT, STYLE_TEXT);
	else if (type == CMARK_NODE_THEMATIC_BREAK)
		add_rule(r);
	else if (strcmp(cmark_node_get_type_string(node), "table") == 0)
		add_table(r, node);
	else
		add_text(r, node, STYLE_TEXT);
}

void prose_render(const struct prose_options *o, const char *source, size_t len, struct pieces *out)
{
	struct renderer r = {
		.o = o, .source = source, .len = len, .out = out, .indent = o->indent, .before = o->before};
	int before = out->count;
	if (o->width - o->indent < ROOM_MIN)
		r.indent = 0;
	r.isolate = inline_has_rtl(source, len) && o->bidi != I18N_BIDI_OFF;
	cmark_node *document = inline_parse(source, len);
	add_children(&r, document, 0);
	cmark_node_free(document);
	if (out->count == before && strspn(source, " \t\n") < len)
		add_source(&r, 0, len);
}
