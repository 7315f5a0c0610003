/* An entry is a list of lines, each laid out by itself: what streams in changes
 * the last line alone. Lines are split and laid out when an entry is first looked
 * at; the view is anchored to a line of an entry, so nothing above it matters. */
#include "transcript.h"
#include "markdown.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME = 2, USER_INDENT = 2 };

struct line {
	size_t start, end; /* in the entry's text, without the \n */
	enum markdown_kind kind;
	struct markdown_state before;
	struct layout layout;
	int block; /* within the entry, from 1; 0: not in one */
};

struct entry {
	enum entry_kind kind;
	struct buffer text;
	char *mark;
	struct line *lines;
	int line_count, line_size;
	int rows;               /* of all lines, the mark and the space after; -1: not laid out */
	int width;              /* that the lines are laid out for */
	int blocks, block_base; /* code blocks in it; before it */
};

/* A row of the conversation: a row of an entry. */
struct anchor {
	int entry, row;
};

struct transcript {
	const struct i18n *tr;
	enum i18n_bidi bidi;
	struct entry *entries;
	int count, size;
	int based;         /* entries below this have their block_base */
	bool follow;       /* the view stays at the end */
	struct anchor top; /* else it begins here */
	int width, height; /* of the last drawing */
	int memory_before; /* -1: no line */
	char *memory_text, *query;
};

struct transcript *transcript_create(const struct i18n *tr, enum i18n_bidi bidi)
{
	struct transcript *t = xcalloc(1, sizeof(*t));
	t->tr = tr;
	t->bidi = bidi;
	t->follow = true;
	t->memory_before = -1;
	t->width = 80;
	t->height = 24;
	return t;
}

static void free_lines(struct entry *entry, int from)
{
	for (int i = from; i < entry->line_count; i++)
		layout_free(&entry->lines[i].layout);
	entry->line_count = from < entry->line_count ? from : entry->line_count;
	entry->rows = -1;
}

static void free_entry(struct entry *entry)
{
	free_lines(entry, 0);
	free(entry->lines);
	free(entry->mark);
	buffer_free(&entry->text);
}

void transcript_truncate(struct transcript *t, int count)
{
	while (t->count > count)
		free_entry(&t->entries[--t->count]);
	if (t->based > count)
		t->based = count;
	if (t->top.entry >= t->count)
		t->follow = true;
}

void transcript_clear(struct transcript *t)
{
	transcript_truncate(t, 0);
	transcript_memory_line(t, -1, NULL);
	transcript_highlight(t, NULL);
	t->follow = true;
}

void transcript_free(struct transcript *t)
{
	if (!t)
		return;
	transcript_clear(t);
	free(t->entries);
	free(t);
}

int transcript_count(const struct transcript *t)
{
	return t->count;
}

/* --- Lines --------------------------------------------------------------------------- */

static struct line *add_line(struct entry *entry)
{
	if (entry->line_count == entry->line_size) {
		entry->line_size = entry->line_size ? entry->line_size * 2 : 8;
		entry->lines = xreallocarray(entry->lines, (size_t)entry->line_size, sizeof(*entry->lines));
	}
	struct line *line = &entry->lines[entry->line_count++];
	*line = (struct line){0};
	return line;
}

/* Splits from where the last line begins: everything before it stays. */
static void split(struct entry *entry)
{
	size_t start = 0;
	struct markdown_state state = {0};
	int block = 0;
	if (entry->line_count) {
		struct line *last = &entry->lines[entry->line_count - 1];
		start = last->start;
		state = last->before;
		free_lines(entry, entry->line_count - 1);
	}
	for (int i = entry->line_count - 1; i >= 0 && !block; i--)
		block = entry->lines[i].block;
	const char *text = entry->text.data ? entry->text.data : "";
	for (;;) {
		const char *newline = memchr(text + start, '\n', entry->text.len - start);
		struct line *line = add_line(entry);
		line->start = start;
		line->end = newline ? (size_t)(newline - text) : entry->text.len;
		line->before = state;
		line->kind = markdown_line(&state, text + start, line->end - start);
		block += line->kind == MARKDOWN_FENCE_OPEN;
		line->block = line->kind == MARKDOWN_TEXT || line->kind == MARKDOWN_HEADING ? 0 : block;
		if (!newline)
			break;
		start = line->end + 1;
	}
	entry->blocks = block;
}

static bool framed(const struct entry *entry, const struct line *line)
{
	bool message = entry->kind == ENTRY_USER || entry->kind == ENTRY_ASSISTANT;
	return message && line->block;
}

static int indent_of(const struct entry *entry)
{
	return entry->kind == ENTRY_USER ? USER_INDENT : 0;
}

/* A fence is shown with the number by which /copy and /save call its block. */
static char *fence_text(const struct entry *entry, const struct line *line)
{
	const char *text = entry->text.data + line->start;
	int len = (int)(line->end - line->start);
	if (line->kind != MARKDOWN_FENCE_OPEN)
		return xstrndup(text, (size_t)len);
	return xasprintf("%.*s  [%d]", len, text, entry->block_base + line->block);
}

static void lay_line(const struct transcript *t, const struct entry *entry, struct line *line)
{
	bool code = framed(entry, line);
	int width = t->width - indent_of(entry) - (code ? FRAME : 0);
	struct layout_options options = {.width = width > 0 ? width : 1, .bidi = t->bidi, .code = code};
	if (code && line->kind != MARKDOWN_CODE) {
		char *text = fence_text(entry, line);
		i18n_layout(t->tr, text, strlen(text), &options, &line->layout);
		free(text);
		return;
	}
	const char *text = entry->text.data ? entry->text.data : "";
	i18n_layout(t->tr, text + line->start, line->end - line->start, &options, &line->layout);
}

/* Numbers the blocks of all entries up to index. */
static void number_blocks(struct transcript *t, int index)
{
	for (; t->based <= index; t->based++) {
		struct entry *entry = &t->entries[t->based], *before = entry - 1;
		if (!entry->line_count)
			split(entry);
		entry->block_base = t->based ? before->block_base + before->blocks : 0;
	}
}

/* The entry with all its lines laid out for the width at hand. */
static struct entry *laid(struct transcript *t, int index)
{
	struct entry *entry = &t->entries[index];
	number_blocks(t, index);
	if (entry->rows >= 0 && entry->width == t->width)
		return entry;
	bool again = entry->width != t->width;
	entry->rows = 1 + (entry->mark != NULL) + (t->memory_before == index);
	for (int i = 0; i < entry->line_count; i++) {
		struct line *line = &entry->lines[i];
		if (again)
			layout_free(&line->layout);
		if (!line->layout.memory)
			lay_line(t, entry, line);
		entry->rows += line->layout.count;
	}
	entry->width = t->width;
	return entry;
}

/* --- Content ----------------------------------------------------------------------------- */

int transcript_add(struct transcript *t, enum entry_kind kind, const char *text, size_t len)
{
	if (t->count == t->size) {
		t->size = t->size ? t->size * 2 : 64;
		t->entries = xreallocarray(t->entries, (size_t)t->size, sizeof(*t->entries));
	}
	struct entry *entry = &t->entries[t->count];
	*entry = (struct entry){.kind = kind, .rows = -1};
	buffer_append(&entry->text, text, len);
	return t->count++;
}

static void changed(struct transcript *t, int index)
{
	t->entries[index].rows = -1;
	if (t->based > index + 1)
		t->based = index + 1;
}

void transcript_append(struct transcript *t, int index, const char *text, size_t len)
{
	struct entry *entry = &t->entries[index];
	buffer_append(&entry->text, text, len);
	split(entry);
	changed(t, index);
}

void transcript_set(struct transcript *t, int index, const char *text, size_t len)
{
	struct entry *entry = &t->entries[index];
	free_lines(entry, 0);
	buffer_clear(&entry->text);
	buffer_append(&entry->text, text, len);
	split(entry);
	changed(t, index);
}

void transcript_mark(struct transcript *t, int index, const char *mark)
{
	struct entry *entry = &t->entries[index];
	free(entry->mark);
	entry->mark = mark ? xstrdup(mark) : NULL;
	entry->rows = -1;
}

const char *transcript_text(const struct transcript *t, int index, size_t *len)
{
	*len = t->entries[index].text.len;
	return t->entries[index].text.data;
}

void transcript_memory_line(struct transcript *t, int before, const char *text)
{
	for (int i = 0; i < 2; i++) {
		int index = i ? before : t->memory_before;
		if (index >= 0 && index < t->count)
			t->entries[index].rows = -1;
	}
	t->memory_before = before;
	free(t->memory_text);
	t->memory_text = text ? xstrdup(text) : NULL;
}

void transcript_reflow(struct transcript *t, const struct i18n *tr, enum i18n_bidi bidi)
{
	t->tr = tr;
	t->bidi = bidi;
	for (int i = 0; i < t->count; i++)
		t->entries[i].width = -1;
}

/* --- Code blocks ---------------------------------------------------------------------------- */

int transcript_block_count(struct transcript *t)
{
	if (!t->count)
		return 0;
	number_blocks(t, t->count - 1);
	return t->entries[t->count - 1].block_base + t->entries[t->count - 1].blocks;
}

static bool block_of(const struct entry *entry, int number, const char **code, size_t *len, const char **language,
		     size_t *language_len)
{
	size_t start = 0, end = 0;
	bool found = false;
	for (int i = 0; i < entry->line_count; i++) {
		const struct line *line = &entry->lines[i];
		if (line->block != number)
			continue;
		const char *text = entry->text.data + line->start;
		if (line->kind == MARKDOWN_FENCE_OPEN) {
			*language = markdown_language(text, line->end - line->start, language_len);
			start = end = line->end + 1 < entry->text.len ? line->end + 1 : entry->text.len;
			found = true;
		} else if (line->kind == MARKDOWN_CODE) {
			end = line->end + 1 < entry->text.len ? line->end + 1 : entry->text.len;
		}
	}
	*code = entry->text.data + start;
	*len = end - start;
	return found;
}

bool transcript_block(struct transcript *t, int number, const char **code, size_t *len, const char **language,
		      size_t *language_len)
{
	if (number < 1 || number > transcript_block_count(t))
		return false;
	for (int i = 0; i < t->count; i++) {
		const struct entry *entry = &t->entries[i];
		if (number > entry->block_base && number <= entry->block_base + entry->blocks)
			return block_of(entry, number - entry->block_base, code, len, language, language_len);
	}
	return false;
}

/* --- The view ----------------------------------------------------------------------------------- */

/* Moves an anchor by rows, stopping at either end of the conversation. */
static struct anchor moved(struct transcript *t, struct anchor at, int rows)
{
	at.row += rows;
	while (at.row < 0 && at.entry > 0)
		at.row += laid(t, --at.entry)->rows;
	while (at.entry < t->count && at.row >= laid(t, at.entry)->rows) {
		if (at.entry == t->count - 1) {
			at.row = t->entries[at.entry].rows - 1;
			break;
		}
		at.row -= t->entries[at.entry++].rows;
	}
	if (at.row < 0)
		at.row = 0;
	return at;
}

/* The top of a view that shows the end; the space after the last entry is not shown. */
static struct anchor end_top(struct transcript *t)
{
	if (!t->count)
		return (struct anchor){0, 0};
	struct anchor last = {t->count - 1, laid(t, t->count - 1)->rows - 1};
	return moved(t, last, -t->height);
}

static bool before(struct anchor a, struct anchor b)
{
	return a.entry < b.entry || (a.entry == b.entry && a.row < b.row);
}

void transcript_scroll(struct transcript *t, int rows)
{
	if (!t->count)
		return;
	struct anchor end = end_top(t), from = t->follow ? end : t->top;
	t->top = moved(t, from, rows);
	t->follow = !before(t->top, end);
}

void transcript_scroll_end(struct transcript *t)
{
	t->follow = true;
}

void transcript_scroll_home(struct transcript *t)
{
	t->top = (struct anchor){0, 0};
	t->follow = !t->count || !before(t->top, end_top(t));
}

bool transcript_at_end(const struct transcript *t)
{
	return t->follow;
}

void transcript_show_entry(struct transcript *t, int index)
{
	if (index < 0 || index >= t->count)
		return;
	t->top = (struct anchor){index, 0};
	t->follow = !before(t->top, end_top(t));
}

void transcript_highlight(struct transcript *t, const char *query)
{
	struct buffer folded = {0};
	free(t->query);
	t->query = NULL;
	if (!query)
		return;
	i18n_fold(t->tr, query, strlen(query), &folded);
	if (folded.len)
		t->query = buffer_take(&folded);
	buffer_free(&folded);
}

/* --- Drawing ------------------------------------------------------------------------------------- */

static enum style style_of(const struct entry *entry, const struct line *line)
{
	switch (entry->kind) {
	case ENTRY_USER: return framed(entry, line) ? STYLE_CODE : STYLE_USER;
	case ENTRY_SYSTEM:
	case ENTRY_TOOL:
	case ENTRY_NOTE: return STYLE_DIM;
	case ENTRY_ERROR: return STYLE_ERROR;
	case ENTRY_MEMORY_LINE: return STYLE_WARNING;
	case ENTRY_ASSISTANT: break;
	}
	switch (line->kind) {
	case MARKDOWN_CODE: return STYLE_CODE;
	case MARKDOWN_HEADING: return STYLE_HEADING;
	case MARKDOWN_FENCE_OPEN:
	case MARKDOWN_FENCE_CLOSE: return STYLE_CODE_FRAME;
	case MARKDOWN_TEXT: break;
	}
	return STYLE_TEXT;
}

/* The length of a match of the query that begins at pos, 0: none. */
static size_t match_at(const struct transcript *t, const char *text, size_t len, size_t pos)
{
	struct buffer folded = {0};
	size_t at = pos, query = strlen(t->query);
	while (at < len && folded.len < query) {
		size_t next = i18n_cluster_next(t->tr, text, len, at);
		i18n_fold(t->tr, text + at, next - at, &folded);
		at = next;
	}
	bool found = folded.len >= query && memcmp(folded.data, t->query, query) == 0;
	buffer_free(&folded);
	return found ? at - pos : 0;
}

/* Which bytes of the row belong to matches: a map of the row's source. */
static char *match_map(const struct transcript *t, const char *text, size_t len, const struct layout_row *row)
{
	size_t size = row->end - row->start;
	char *map = xcalloc(size + 1, 1);
	for (size_t at = row->start; at < row->end;) {
		size_t found = match_at(t, text, len, at);
		for (size_t i = 0; i < found && at + i < row->end; i++)
			map[at + i - row->start] = 1;
		at = found ? at + found : i18n_cluster_next(t->tr, text, len, at);
	}
	return map;
}

static void draw_layout_row(const struct transcript *t, struct screen *screen, int y, const struct entry *entry,
			    const struct line *line, const struct layout_row *row)
{
	int column = indent_of(entry);
	enum style style = style_of(entry, line);
	if (framed(entry, line)) {
		screen->ops->put(screen, y, column, "▌", strlen("▌"), 1, STYLE_CODE_FRAME);
		column += FRAME;
	}
	bool plain = !framed(entry, line) || line->kind == MARKDOWN_CODE;
	const char *text = entry->text.data ? entry->text.data + line->start : "";
	char *map = t->query && plain ? match_map(t, text, line->end - line->start, row) : NULL;
	for (int i = 0; i < row->count; i++) {
		const struct layout_cell *cell = &row->cells[i];
		bool match =
			map && cell->source >= row->start && cell->source < row->end && map[cell->source - row->start];
		screen->ops->put(screen, y, column + cell->column, cell->text, cell->text_len, cell->width,
				 match ? STYLE_MATCH : style);
	}
	free(map);
}

static void draw_memory_line(const struct transcript *t, struct screen *screen, int y)
{
	char *text = xasprintf("─ %s ", t->memory_text ? t->memory_text : "");
	int column = screen_text(screen, t->tr, y, 0, t->width, text, STYLE_WARNING);
	for (; column < t->width; column++)
		screen->ops->put(screen, y, column, "─", strlen("─"), 1, STYLE_WARNING);
	free(text);
}

/* Row number `row` of an entry: the memory line, its lines, its mark, a space. */
static void draw_row(const struct transcript *t, struct screen *screen, int y, int index, int row)
{
	const struct entry *entry = &t->entries[index];
	if (t->memory_before == index && row-- == 0) {
		draw_memory_line(t, screen, y);
		return;
	}
	if (row == 0 && entry->kind == ENTRY_USER)
		screen->ops->put(screen, y, 0, "›", strlen("›"), 1, STYLE_PROMPT);
	for (int i = 0; i < entry->line_count; i++) {
		const struct line *line = &entry->lines[i];
		if (row < line->layout.count) {
			draw_layout_row(t, screen, y, entry, line, &line->layout.rows[row]);
			return;
		}
		row -= line->layout.count;
	}
	if (row == 0 && entry->mark)
		screen_text(screen, t->tr, y, 0, t->width, entry->mark, STYLE_DIM);
}

static void draw_more_below(const struct transcript *t, struct screen *screen, int y)
{
	const char *text = i18n_text(t->tr, "transcript.more-below");
	int width = i18n_width(t->tr, text, strlen(text));
	if (width + 2 < t->width)
		screen_text(screen, t->tr, y, t->width - width - 1, t->width, text, STYLE_ACCENT);
}

/* Where the row that was on top before the width changed is now. */
static void keep_place(struct transcript *t, int width)
{
	if (t->follow || !t->count || width == t->width) {
		t->width = width;
		return;
	}
	int rows = laid(t, t->top.entry)->rows;
	double share = rows > 0 ? (double)t->top.row / rows : 0;
	t->width = width;
	t->top.row = (int)(share * laid(t, t->top.entry)->rows);
}

void transcript_draw(struct transcript *t, struct screen *screen, int first, int height)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	keep_place(t, columns > 0 ? columns : 1);
	t->height = height;
	struct anchor at = end_top(t);
	if (!t->follow && before(t->top, at))
		at = t->top;
	else
		t->follow = true;
	for (int y = 0; y < height; y++) {
		screen->ops->clear_row(screen, first + y);
		while (at.entry < t->count && at.row >= laid(t, at.entry)->rows)
			at = (struct anchor){at.entry + 1, 0};
		if (at.entry < t->count)
			draw_row(t, screen, first + y, at.entry, at.row++);
	}
	if (!t->follow)
		draw_more_below(t, screen, first + height - 1);
}
