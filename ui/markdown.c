#include "markdown.h"

#include <string.h>

enum { FENCE_MIN = 3, INDENT_MAX = 3, TAB = 4, ORDINAL_DIGITS = 9, ITEM_MIN = 2, QUOTES_MOST = 32 };

struct text_line {
	const char *text; /* behind its indentation */
	size_t len;
	int indent;
	size_t start, end, next; /* in the message; next: of the line after */
	bool blank;
};

int markdown_indent(const char *line, size_t len, size_t *bytes)
{
	int column = 0;
	size_t i = 0;
	for (; i < len && (line[i] == ' ' || line[i] == '\t'); i++)
		column += line[i] == '\t' ? TAB - column % TAB : 1;
	*bytes = i;
	return column;
}

static size_t skip_columns(const char *line, size_t len, int columns)
{
	size_t i = 0;
	for (int column = 0; column < columns && i < len && (line[i] == ' ' || line[i] == '\t'); i++)
		column += line[i] == '\t' ? TAB - column % TAB : 1;
	return i;
}

size_t markdown_margin(const char *line, size_t len, const struct markdown_chunk *chunk)
{
	if (chunk->lead)
		return chunk->lead < len ? chunk->lead : len;
	size_t at = skip_columns(line, len, chunk->indent), bytes;
	for (int i = 0; i < chunk->quote; i++) {
		markdown_indent(line + at, len - at, &bytes);
		if (at + bytes >= len || line[at + bytes] != '>')
			return at;
		at += bytes + 1;
		at += at < len && line[at] == ' ';
	}
	return at + (chunk->quote ? skip_columns(line + at, len - at, chunk->inner) : 0);
}

static struct text_line line_at(const char *text, size_t len, size_t start)
{
	struct text_line line = {.start = start};
	const char *newline = start < len ? memchr(text + start, '\n', len - start) : NULL;
	line.end = newline ? (size_t)(newline - text) : len;
	line.next = newline ? line.end + 1 : len;
	size_t bytes, stop = line.end;
	while (stop > start && (text[stop - 1] == '\r' || text[stop - 1] == ' ' || text[stop - 1] == '\t'))
		stop--;
	line.indent = markdown_indent(text + start, stop - start, &bytes);
	line.text = text + start + bytes;
	line.len = stop - start - bytes;
	line.blank = line.len == 0;
	return line;
}

static int run_length(const char *text, size_t len, char c)
{
	size_t n = 0;
	while (n < len && text[n] == c)
		n++;
	return (int)n;
}

/* --- What a line begins ------------------------------------------------------------- */

/* The line behind up to `most` marks of quotes; *depth: how many there were. */
static struct text_line in_quotes(const struct text_line *line, int most, int *depth)
{
	struct text_line inside = *line;
	for (*depth = 0; *depth < most && inside.len && inside.text[0] == '>'; ++*depth) {
		size_t bytes, mark = inside.len > 1 && inside.text[1] == ' ' ? 2 : 1;
		inside.text += mark;
		inside.len -= mark;
		inside.indent = markdown_indent(inside.text, inside.len, &bytes);
		inside.text += bytes;
		inside.len -= bytes;
	}
	return inside;
}

static bool is_rule(const struct text_line *line)
{
	int count = 0;
	char c = line->len ? line->text[0] : 0;
	if (line->indent > INDENT_MAX || (c != '-' && c != '*' && c != '_'))
		return false;
	for (size_t i = 0; i < line->len; i++) {
		if (line->text[i] == c)
			count++;
		else if (line->text[i] != ' ' && line->text[i] != '\t')
			return false;
	}
	return count >= FENCE_MIN;
}

/* Columns that the marker of an item and the space behind it take, 0: not an item. */
static int item_width(const struct text_line *line, int *ordinal, char *delimiter)
{
	size_t at = 0;
	*ordinal = -1;
	*delimiter = 0;
	if (line->len && strchr("-*+", line->text[0])) {
		at = 1;
	} else {
		*ordinal = 0;
		for (; at < line->len && at < ORDINAL_DIGITS && line->text[at] >= '0' && line->text[at] <= '9'; at++)
			*ordinal = *ordinal * 10 + (line->text[at] - '0');
		if (at == 0 || at == line->len || (line->text[at] != '.' && line->text[at] != ')'))
			return 0;
		*delimiter = line->text[at++];
	}
	if (at == line->len || (line->text[at] != ' ' && line->text[at] != '\t') || is_rule(line))
		return 0;
	return (int)at + 1;
}

/* Moves the line behind the markers of items that it begins with; *column: where its text then is.
 * What stands further behind a marker than a space and three is code by its indentation. */
static bool enter_items(struct text_line *line, int *column)
{
	int width, ordinal;
	char delimiter;
	bool any = false;
	while ((width = item_width(line, &ordinal, &delimiter)) > 0) {
		size_t bytes;
		int indent = markdown_indent(line->text + width, line->len - (size_t)width, &bytes);
		if (indent > INDENT_MAX)
			return any;
		*column += width + indent;
		line->text += (size_t)width + bytes;
		line->len -= (size_t)width + bytes;
		line->indent = 0;
		any = true;
	}
	return any;
}

/* Where a fence stands: in items, quotes, and items in those. */
struct fence_place {
	int indent, quote, inner;
	size_t lead; /* bytes of the line before it, when an item's marker is among them */
	char mark;
	int length;
};

/* Models indent fences inside lists further than CommonMark's three columns. */
static bool find_fence(const struct text_line *whole, const char *start, struct fence_place *place)
{
	struct text_line line = *whole;
	*place = (struct fence_place){.indent = whole->indent};
	bool item = enter_items(&line, &place->indent);
	line = in_quotes(&line, QUOTES_MOST, &place->quote);
	if (place->quote) {
		place->inner = line.indent;
		item = enter_items(&line, &place->inner) || item;
	}
	char c = line.len ? line.text[0] : 0;
	int run = c == '`' || c == '~' ? run_length(line.text, line.len, c) : 0;
	if (run < FENCE_MIN || (c == '`' && memchr(line.text + run, '`', line.len - (size_t)run)))
		return false;
	place->mark = c;
	place->length = run;
	place->lead = item && start ? (size_t)(line.text - start) : 0;
	return true;
}

static bool is_fence(const struct text_line *line)
{
	struct fence_place place;
	return find_fence(line, NULL, &place);
}

static bool closes(const struct markdown_state *state, const struct text_line *whole)
{
	int depth, indent = state->quote ? state->inner : state->indent;
	struct text_line line = in_quotes(whole, state->quote, &depth);
	int run = run_length(line.text, line.len, state->fence);
	return line.indent <= indent + INDENT_MAX && run >= state->length && (size_t)run == line.len;
}

/* Code in a quote ends with the quote, closed or not. */
static bool leaves_quote(const struct markdown_state *state, const struct text_line *line)
{
	int depth;
	in_quotes(line, state->quote, &depth);
	return state->fence && !state->cut && depth < state->quote;
}

static bool is_heading(const struct text_line *line)
{
	int hashes = run_length(line->text, line->len, '#');
	return line->indent <= INDENT_MAX && hashes >= 1 && hashes <= 6 && (size_t)hashes < line->len &&
	       (line->text[hashes] == ' ' || line->text[hashes] == '\t');
}

/* A line of dashes or equals signs under text makes a heading of it. */
static bool is_underline(const struct text_line *line)
{
	char c = line->len ? line->text[0] : 0;
	return line->indent <= INDENT_MAX && (c == '-' || c == '=') &&
	       (size_t)run_length(line->text, line->len, c) == line->len;
}

static bool is_item(const struct text_line *line)
{
	int ordinal;
	char delimiter;
	return item_width(line, &ordinal, &delimiter) > 0;
}

/* Only the list's first number may begin a list inside a paragraph. */
static bool interrupts_with_item(const struct text_line *line)
{
	int ordinal;
	char delimiter;
	return line->indent <= INDENT_MAX && item_width(line, &ordinal, &delimiter) && (ordinal == -1 || ordinal == 1);
}

static bool is_quote(const struct text_line *line)
{
	return line->indent <= INDENT_MAX && line->len && line->text[0] == '>';
}

static bool is_delimiter_row(const struct text_line *line)
{
	size_t dashes = 0;
	for (size_t i = 0; i < line->len; i++) {
		if (!strchr("|-: \t", line->text[i]))
			return false;
		dashes += line->text[i] == '-';
	}
	return dashes && memchr(line->text, '|', line->len);
}

/* A head is known by the row of dashes under it; one that stands between bars is
 * believed before that row has come. */
static bool is_table(const struct text_line *line, const char *text, size_t len)
{
	if (line->indent > INDENT_MAX || !memchr(line->text, '|', line->len))
		return false;
	if (line->next >= len && line->text[0] == '|')
		return true;
	struct text_line below = line_at(text, len, line->next);
	if (below.next == len && below.end == len && line->text[0] == '|' && below.len &&
	    strspn(below.text, "|-: ") >= below.len)
		return true;
	return line->next < len && is_delimiter_row(&below);
}

static bool begins_block(const struct text_line *line, const char *text, size_t len)
{
	return is_heading(line) || is_rule(line) || is_quote(line) || is_fence(line) || is_table(line, text, len);
}

/* --- Where a chunk ends --------------------------------------------------------------- */

enum shape { SHAPE_PARAGRAPH, SHAPE_ITEM, SHAPE_QUOTE };

/* Whether the line, which follows one that is not blank, still belongs to the chunk. */
static bool goes_on(enum shape shape, int indent, const struct text_line *line, const char *text, size_t len)
{
	if (is_fence(line))
		return false;
	if (shape == SHAPE_ITEM) {
		bool inside = line->indent >= indent + ITEM_MIN;
		return inside || (!is_item(line) && !begins_block(line, text, len));
	}
	if (shape == SHAPE_QUOTE)
		return is_quote(line) || (!is_item(line) && !begins_block(line, text, len));
	if (indent >= ITEM_MIN && line->indent < indent && is_item(line))
		return false; /* the next item of the list that this paragraph stands in */
	return !interrupts_with_item(line) && !begins_block(line, text, len);
}

/* A chunk that has grown too long ends here: a break that shows least. */
static bool may_cut(const struct text_line *line, bool after_blank, size_t size)
{
	return size > MARKDOWN_MOST / 2 && (after_blank || is_item(line) || is_quote(line));
}

static size_t cut_line(const char *text, size_t start)
{
	size_t at = start + MARKDOWN_MOST;
	while (at > start + MARKDOWN_MOST / 2 && text[at - 1] != ' ')
		at--;
	if (text[at - 1] == ' ')
		return at;
	at = start + MARKDOWN_MOST;
	while (at > start + 1 && ((unsigned char)text[at] & 0xC0) == 0x80)
		at--;
	return at;
}

/* Where the chunk that begins with `first` ends; *end gets its last byte's end,
 * the result is where the next one begins. */
static size_t find_end(struct markdown_state *state, const char *text, size_t len, enum shape shape,
		       const struct text_line *first, size_t *end)
{
	struct text_line line = *first;
	bool alone = is_heading(first) || (shape == SHAPE_PARAGRAPH && is_rule(first));
	for (;;) {
		if (line.end - first->start > MARKDOWN_MOST) {
			bool first_line = line.start == first->start;
			size_t at = first_line ? cut_line(text, first->start) : line.start;
			*end = first_line ? at : at - 1;
			state->cut = true;
			return at;
		}
		*end = line.end;
		if (line.next >= len || alone)
			return line.next;
		struct text_line below = line_at(text, len, line.next);
		bool after_blank = below.blank;
		while (below.blank && below.next < len)
			below = line_at(text, len, below.next);
		if (below.blank)
			return line.next;
		if (after_blank && (shape != SHAPE_ITEM || below.indent < first->indent + ITEM_MIN))
			return line.next;
		if (!goes_on(shape, first->indent, &below, text, len) &&
		    !(shape == SHAPE_PARAGRAPH && is_underline(&below) && !is_fence(&below)))
			return line.next;
		if (may_cut(&below, after_blank, line.end - first->start)) {
			state->cut = true;
			return line.next;
		}
		/* The underline of a heading is the heading's last line. */
		alone = shape == SHAPE_PARAGRAPH && is_underline(&below);
		line = below;
	}
}

/* --- Kinds of chunks ------------------------------------------------------------------- */

static size_t take_table(struct markdown_state *state, const char *text, size_t len, struct text_line line,
			 struct markdown_chunk *chunk)
{
	int rows = chunk->kind == MARKDOWN_TABLE ? -2 : 0;
	size_t start = line.start;
	state->table = false;
	for (;;) {
		chunk->end = line.end;
		rows++;
		if (line.next >= len)
			break;
		bool under_head = rows == -1;
		struct text_line below = line_at(text, len, line.next);
		if (below.blank || (!under_head && (is_heading(&below) || is_rule(&below) || is_quote(&below) ||
						    is_fence(&below) || is_item(&below))))
			break;
		if (rows >= MARKDOWN_TABLE_ROWS || below.end - start > MARKDOWN_MOST) {
			state->table = true;
			break;
		}
		line = below;
	}
	if (chunk->end - start > MARKDOWN_MOST)
		chunk->end = cut_line(text, start);
	return chunk->end == line.end ? line.next : chunk->end;
}

static void take_item(struct markdown_state *state, const struct text_line *line, struct markdown_chunk *chunk)
{
	int ordinal;
	char delimiter;
	item_width(line, &ordinal, &delimiter);
	bool follows = ordinal >= 0 && state->list && state->delimiter == delimiter;
	chunk->ordinal = follows ? state->ordinal + 1 : 0;
	state->ordinal = follows ? chunk->ordinal : ordinal;
	state->delimiter = delimiter;
	state->list = true;
}

static size_t cut_long_line(const char *text, const struct text_line *line, struct markdown_chunk *chunk)
{
	if (line->end - line->start <= MARKDOWN_MOST)
		return line->next;
	return chunk->end = cut_line(text, line->start);
}

static size_t take_code_line(struct markdown_state *state, const char *text, const struct text_line *line,
			     struct markdown_chunk *chunk)
{
	bool closing = !state->cut && closes(state, line);
	chunk->kind = closing ? MARKDOWN_FENCE_CLOSE : MARKDOWN_CODE;
	chunk->block = state->blocks;
	chunk->indent = state->indent;
	chunk->quote = state->quote;
	chunk->inner = state->inner;
	if (closing)
		state->fence = 0;
	size_t next = closing ? line->next : cut_long_line(text, line, chunk);
	state->cut = chunk->end < line->end;
	return next;
}

static size_t take_fence(struct markdown_state *state, const char *text, const struct text_line *line,
			 struct markdown_chunk *chunk)
{
	struct fence_place place;
	find_fence(line, text + line->start, &place);
	if (place.lead && is_item(line))
		take_item(state, line, chunk);
	chunk->kind = MARKDOWN_FENCE_OPEN;
	chunk->lead = place.lead;
	chunk->indent = state->indent = place.indent;
	chunk->quote = state->quote = place.quote;
	chunk->inner = state->inner = place.inner;
	chunk->block = ++state->blocks;
	state->fence = place.mark;
	state->length = place.length;
	state->cut = false;
	return line->next;
}

static size_t take_text(struct markdown_state *state, const char *text, size_t len, const struct text_line *line,
			struct markdown_chunk *chunk)
{
	bool was_cut = state->cut;
	state->cut = false;
	chunk->kind = MARKDOWN_TEXT;
	/* Behind a fence or a cut inside a list: what the item goes on with. */
	bool inside = state->list && line->indent >= ITEM_MIN;
	if (inside) {
		chunk->indent = line->indent;
	} else if (is_item(line) && line->indent <= INDENT_MAX) {
		take_item(state, line, chunk);
	} else if (!was_cut) {
		state->list = false;
	}
	struct text_line relative = *line;
	relative.indent = inside ? 0 : line->indent;
	if (is_table(&relative, text, len)) {
		chunk->kind = MARKDOWN_TABLE;
		return take_table(state, text, len, *line, chunk);
	}
	enum shape shape = is_item(line) ? SHAPE_ITEM : is_quote(&relative) ? SHAPE_QUOTE : SHAPE_PARAGRAPH;
	return find_end(state, text, len, shape, line, &chunk->end);
}

bool markdown_next(struct markdown_state *state, const char *text, size_t len, enum markdown_known known, size_t *pos,
		   struct markdown_chunk *chunk)
{
	if (*pos >= len)
		return false;
	struct text_line line = line_at(text, len, *pos);
	*chunk = (struct markdown_chunk){0};
	if (leaves_quote(state, &line))
		state->fence = 0;
	while (!state->fence && known == MARKDOWN_ALL && line.blank) {
		chunk->blank_before = true;
		state->table = false;
		if (line.next >= len)
			return false;
		line = line_at(text, len, line.next);
	}
	chunk->start = line.start;
	chunk->end = line.end;
	if (state->fence) {
		*pos = take_code_line(state, text, &line, chunk);
	} else if (known != MARKDOWN_LINES && is_fence(&line)) {
		*pos = take_fence(state, text, &line, chunk);
	} else if (known != MARKDOWN_ALL) {
		chunk->kind = MARKDOWN_LINE;
		*pos = cut_long_line(text, &line, chunk);
	} else if (state->table) {
		chunk->kind = MARKDOWN_TABLE_MORE;
		*pos = take_table(state, text, len, line, chunk);
	} else {
		*pos = take_text(state, text, len, &line, chunk);
	}
	return true;
}

const char *markdown_language(const char *line, size_t line_len, size_t *len)
{
	size_t at = 0;
	while (at < line_len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	char fence = at < line_len ? line[at] : 0;
	while (at < line_len && (line[at] == fence || line[at] == ' '))
		at++;
	size_t end = at;
	while (end < line_len && line[end] != ' ' && line[end] != '\t' && line[end] != '\r' && line[end] != '{')
		end++;
	*len = end - at;
	return line + at;
}
