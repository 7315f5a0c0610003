/* An entry's rows are its body's (body.h), laid out when the entry is first looked
 * at; what streams in changes the last of them alone. The view is anchored to a row
 * of an entry, so nothing above it matters. */
#include "transcript_private.h"

#include <stdlib.h>
#include <string.h>

enum { USER_INDENT = 2 };

struct transcript *transcript_create(const struct i18n *tr, enum i18n_bidi bidi)
{
	struct transcript *t = xcalloc(1, sizeof(*t));
	t->tr = tr;
	t->bidi = bidi;
	t->follow = true;
	t->memory_before = t->match.entry = t->caret_row = t->caret_column = -1;
	t->width = 80;
	t->height = 24;
	return t;
}

static void free_entry(struct entry *entry)
{
	body_free(&entry->body);
	free(entry->mark);
	free(entry->tag);
	buffer_free(&entry->text);
}

void transcript_truncate(struct transcript *t, int count)
{
	while (t->count > count)
		free_entry(&t->entries[--t->count]);
	if (t->based > count)
		t->based = count;
	if (t->unread > count)
		t->unread = count;
	if (t->top.entry >= t->count)
		t->follow = true;
	t->selecting = false;
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

/* --- Rows ---------------------------------------------------------------------------- */

static enum body_mode mode_of(const struct transcript *t, const struct entry *entry)
{
	if (entry->kind == ENTRY_ASSISTANT)
		return t->raw ? BODY_TYPED : BODY_MARKDOWN;
	if (entry->kind == ENTRY_DIFF)
		return BODY_DIFF;
	return entry->kind == ENTRY_USER ? BODY_TYPED : BODY_PLAIN;
}

static void scan(const struct transcript *t, struct entry *entry)
{
	if (entry->scanned)
		return;
	entry->body.mode = mode_of(t, entry);
	entry->body.attachments = entry->kind == ENTRY_USER;
	body_update(&entry->body, entry_text(entry), entry->text.len);
	entry->scanned = true;
}

static int indent_of(const struct entry *entry)
{
	return entry->kind == ENTRY_USER ? USER_INDENT : 0;
}

static int blocks_of(const struct entry *entry)
{
	bool numbered = entry->body.mode == BODY_TYPED || entry->body.mode == BODY_MARKDOWN;
	return numbered ? entry->body.blocks : 0;
}

/* Sees to it that the entry has its text. */
static struct entry *known(struct transcript *t, int index)
{
	if (index < t->unread)
		t->read(t->read_arg, index);
	return &t->entries[index];
}

/* Numbers the blocks of all entries up to index, once all are known. */
static void number_blocks(struct transcript *t, int index)
{
	if (t->unread) {
		scan(t, known(t, index));
		if (t->unread)
			return;
	}
	for (; t->based <= index; t->based++) {
		struct entry *entry = &t->entries[t->based], *before = entry - 1;
		scan(t, entry);
		entry->block_base = t->based ? before->block_base + blocks_of(before) : 0;
	}
	scan(t, &t->entries[index]);
}

/* The entry with all its rows laid out for the width at hand. */
struct entry *transcript_laid(struct transcript *t, int index)
{
	struct entry *entry = &t->entries[index];
	number_blocks(t, index);
	if (entry->rows >= 0 && entry->width == t->width)
		return entry;
	int width = t->width - indent_of(entry);
	struct body_options options = {
		.tr = t->tr,
		.bidi = t->bidi,
		.width = width > 0 ? width : 1,
		.hyperlinks = t->hyperlinks,
		.fold = t->fold,
		.block_base = t->unread ? BODY_NO_NUMBERS : entry->block_base,
	};
	if (entry->width != t->width)
		body_unlay(&entry->body);
	body_lay(&entry->body, entry_text(entry), entry->text.len, &options);
	entry->rows = 1 + entry->body.rows + (entry->mark != NULL) + (t->memory_before == index);
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

void transcript_expect(struct transcript *t, int count, transcript_read_fn *read, void *arg)
{
	for (int i = 0; i < count; i++)
		transcript_add(t, ENTRY_NOTE, "", 0);
	t->unread = count;
	t->read = read;
	t->read_arg = arg;
}

/* Now that all are known, blocks that have been laid out without a number get theirs. */
static void give_numbers(struct transcript *t)
{
	for (int i = 0; i < t->count; i++) {
		struct entry *entry = &t->entries[i];
		if (entry->rows < 0 || !entry->body.blocks)
			continue;
		body_unlay(&entry->body);
		entry->rows = -1;
	}
}

void transcript_fill(struct transcript *t, enum entry_kind kind, const char *text, size_t len)
{
	struct entry *entry = &t->entries[--t->unread];
	entry->kind = kind;
	buffer_append(&entry->text, text, len);
	scan(t, entry);
	if (!t->unread)
		give_numbers(t);
}

int transcript_unread(const struct transcript *t)
{
	return t->unread;
}

static void changed(struct transcript *t, int index)
{
	t->entries[index].rows = -1;
	t->entries[index].scanned = false;
	if (t->based > index + 1)
		t->based = index + 1;
}

void transcript_append(struct transcript *t, int index, const char *text, size_t len)
{
	struct entry *entry = &t->entries[index];
	buffer_append(&entry->text, text, len);
	entry->body.open = true;
	changed(t, index);
}

void transcript_set(struct transcript *t, int index, const char *text, size_t len)
{
	struct entry *entry = &t->entries[index];
	body_free(&entry->body);
	buffer_clear(&entry->text);
	buffer_append(&entry->text, text, len);
	changed(t, index);
}

void transcript_finish(struct transcript *t, int index)
{
	body_close(&t->entries[index].body);
	t->entries[index].rows = -1;
}

void transcript_raw(struct transcript *t, bool raw)
{
	t->raw = raw;
	for (int i = 0; i < t->count; i++) {
		if (t->entries[i].kind != ENTRY_ASSISTANT)
			continue;
		body_rescan(&t->entries[i].body);
		t->entries[i].scanned = false;
		t->entries[i].rows = -1;
	}
}

bool transcript_is_raw(const struct transcript *t)
{
	return t->raw;
}

void transcript_mark(struct transcript *t, int index, const char *mark)
{
	struct entry *entry = &t->entries[index];
	free(entry->mark);
	entry->mark = mark ? xstrdup(mark) : NULL;
	entry->rows = -1;
}

void transcript_tag(struct transcript *t, int index, const char *text, bool chosen)
{
	struct entry *entry = &t->entries[index];
	free(entry->tag);
	entry->tag = text && *text ? xstrdup(text) : NULL;
	entry->chosen = chosen;
}

const char *transcript_text(struct transcript *t, int index, size_t *len)
{
	const struct entry *entry = known(t, index);
	*len = entry->text.len;
	return entry->text.data;
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

void transcript_hyperlinks(struct transcript *t, bool shown)
{
	t->hyperlinks = shown;
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
	known(t, 0);
	number_blocks(t, t->count - 1);
	return t->entries[t->count - 1].block_base + blocks_of(&t->entries[t->count - 1]);
}

/* The entry that block number stands in, and which of the entry's it is; -1: there is none. */
static int block_entry(struct transcript *t, int number, int *within)
{
	if (number < 1 || number > transcript_block_count(t))
		return -1;
	for (int i = 0; i < t->count; i++) {
		*within = number - t->entries[i].block_base;
		if (*within >= 1 && *within <= blocks_of(&t->entries[i]))
			return i;
	}
	return -1;
}

bool transcript_has_code(struct transcript *t, int index)
{
	struct entry *entry = known(t, index);
	scan(t, entry);
	return blocks_of(entry) > 0;
}

bool transcript_block(struct transcript *t, int number, struct buffer *code, char **language)
{
	int within, index = block_entry(t, number, &within);
	*language = NULL;
	if (index < 0)
		return false;
	const struct entry *entry = &t->entries[index];
	return body_block(&entry->body, entry_text(entry), entry->text.len, within, code, language);
}

bool transcript_fold_block(struct transcript *t, int number)
{
	int within, index = block_entry(t, number, &within);
	if (index < 0 || !body_fold(&transcript_laid(t, index)->body, within))
		return false;
	t->entries[index].rows = -1;
	return true;
}

/* --- The view ----------------------------------------------------------------------------------- */

/* Moves an anchor by rows, stopping at either end of the conversation. */
static struct anchor moved(struct transcript *t, struct anchor at, int rows)
{
	at.row += rows;
	while (at.row < 0 && at.entry > 0)
		at.row += transcript_laid(t, --at.entry)->rows;
	while (at.entry < t->count && at.row >= transcript_laid(t, at.entry)->rows) {
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

/* The top of a view that shows the end; the space after the last entry is shown only where something stands in it. */
static struct anchor end_top(struct transcript *t)
{
	if (!t->count)
		return (struct anchor){0, 0};
	const struct entry *entry = transcript_laid(t, t->count - 1);
	struct anchor last = {t->count - 1, entry->rows - (entry->tag == NULL)};
	return moved(t, last, -t->height);
}

struct anchor transcript_top(struct transcript *t)
{
	return t->follow ? end_top(t) : t->top;
}

/* A row to be seen, with the view moved as little as possible. */
void transcript_reveal_row(struct transcript *t, struct anchor row)
{
	struct anchor top = transcript_top(t);
	if (anchor_before(row, top))
		top = row;
	else if (!anchor_before(row, moved(t, top, t->height)))
		top = moved(t, row, 1 - t->height);
	t->top = top;
	t->follow = !anchor_before(t->top, end_top(t));
}

void transcript_scroll(struct transcript *t, int rows)
{
	if (!t->count)
		return;
	struct anchor end = end_top(t), from = t->follow ? end : t->top;
	t->top = moved(t, from, rows);
	t->follow = !anchor_before(t->top, end);
}

void transcript_scroll_end(struct transcript *t)
{
	t->follow = true;
}

void transcript_scroll_home(struct transcript *t)
{
	t->top = (struct anchor){0, 0};
	t->follow = !t->count || !anchor_before(t->top, end_top(t));
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
	t->follow = !anchor_before(t->top, end_top(t));
}

void transcript_reveal(struct transcript *t, int index)
{
	if (index < 0 || index >= t->count)
		return;
	struct anchor start = {index, 0}, end = {index, transcript_laid(t, index)->rows};
	struct anchor top = t->follow ? end_top(t) : t->top, bottom = moved(t, top, t->height);
	if (anchor_before(start, top))
		t->top = start;
	else if (anchor_before(bottom, end) && end.row <= t->height)
		t->top = moved(t, end, -t->height);
	else if (anchor_before(bottom, end))
		t->top = start;
	else
		return;
	t->follow = !anchor_before(t->top, end_top(t));
}

/* --- Folding --------------------------------------------------------------------------------------- */

void transcript_fold(struct transcript *t, bool fold)
{
	t->fold = fold;
	for (int i = 0; i < t->count; i++) {
		body_fold_all(&t->entries[i].body, fold);
		t->entries[i].rows = -1;
	}
}

bool transcript_is_folded(const struct transcript *t)
{
	return t->fold;
}

/* --- What is marked ------------------------------------------------------------------------------ */

void transcript_highlight(struct transcript *t, const char *query)
{
	for (int i = 0; i < t->count; i++)
		if (body_peek_end(&t->entries[i].body))
			t->entries[i].rows = -1;
	match_set(&t->words, t->tr, query);
	t->match.entry = -1;
}

static bool is_wanted(void *arg, const char *text, size_t len)
{
	const struct transcript *t = arg;
	return match_any(&t->words, t->tr, text, len);
}

/* The entry with its rows, those among them in which a marked word was folded away. */
static struct entry *unfolded(struct transcript *t, int index)
{
	struct entry *entry = transcript_laid(t, index);
	if (t->words.count && body_peek(&entry->body, entry_text(entry), is_wanted, t))
		entry->rows = -1;
	return transcript_laid(t, index);
}

/* The row of the entry that is the nth in which a marked word begins, -1: there are fewer; *count: how many there are. */
static int match_row(struct transcript *t, int index, int nth, int *count)
{
	const struct entry *entry = unfolded(t, index);
	const struct body_chunk *chunk, *last = NULL;
	int found = -1;
	bool any = false;
	*count = 0;
	for (int row = 0; row < entry->body.rows; row++) {
		int within = 0;
		const struct piece *piece = body_row(&entry->body, row, &within, &chunk);
		/* Most chunks hold nothing: one look at the whole is cheaper than one at each cluster of a row. */
		if (chunk && chunk != last)
			any = match_any(&t->words, t->tr, entry->text.data + chunk->at.start,
					chunk->at.end - chunk->at.start);
		last = chunk;
		if (piece && any && match_begins(&t->words, t->tr, piece, within) && (*count)++ == nth)
			found = row + (t->memory_before == index);
	}
	return found;
}

int transcript_matches(struct transcript *t, int index)
{
	int count = 0;
	if (index >= 0 && index < t->count)
		match_row(t, index, -1, &count);
	return count;
}

void transcript_show_match(struct transcript *t, int index, int nth)
{
	int count;
	if (index < 0 || index >= t->count)
		return;
	int row = match_row(t, index, nth, &count);
	t->match = (struct anchor){row < 0 ? -1 : index, row};
	struct anchor at = {index, row < 0 ? 0 : row};
	struct anchor top = t->follow ? end_top(t) : t->top, bottom = moved(t, top, t->height - 1);
	if (anchor_before(at, top) || anchor_before(bottom, at))
		t->top = moved(t, at, -t->height / 3);
	else
		t->top = top;
	t->follow = !anchor_before(t->top, end_top(t));
}

/* --- Drawing ------------------------------------------------------------------------------------- */

static enum style style_of(const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_USER: return STYLE_USER;
	case ENTRY_SYSTEM:
	case ENTRY_TOOL:
	case ENTRY_NOTE: return STYLE_DIM;
	case ENTRY_ERROR: return STYLE_ERROR;
	case ENTRY_MEMORY_LINE: return STYLE_WARNING;
	case ENTRY_DIFF: break;
	case ENTRY_ASSISTANT: break;
	}
	return STYLE_TEXT;
}

/* A row of entries as the pieces see it: where it is drawn, and over how many cells. */
struct strip {
	struct screen *screen;
	int y, x, width;
	enum style base;   /* of text that has no style of its own */
	enum style marked; /* of the words that are searched */
	struct caret at;   /* the piece */
};

/* A mark stands at its side; in a row from the right its signs run from there, too. */
static void draw_mark(const struct transcript *t, const struct strip *s, const struct piece *piece,
		      const struct mark *mark)
{
	size_t len = strlen(mark->text);
	int width = i18n_width(t->tr, mark->text, len);
	struct layout_options options = {.width = width > 0 ? width : 1, .bidi = t->bidi};
	struct layout layout;
	options.direction =
		piece->rtl && (t->bidi == I18N_BIDI_APP || t->bidi == I18N_BIDI_WORDS) ? LAYOUT_RTL : LAYOUT_LTR;
	i18n_layout(t->tr, mark->text, len, &options, &layout);
	int x = s->x + (piece->rtl ? s->width - mark->column - width : mark->column);
	for (int i = 0; i < layout.rows[0].count; i++) {
		const struct layout_cell *cell = &layout.rows[0].cells[i];
		s->screen->ops->put(s->screen, s->y, x + cell->column, cell->text, cell->text_len, cell->width,
				    transcript_is_chosen(t, &s->at) ? STYLE_SELECTED : (enum style)mark->style);
	}
	layout_free(&layout);
}

/* Text as it was typed is one part. */
static bool first_row_rtl(const struct piece *piece, int row)
{
	return piece->part_count == 1 && row < piece->parts[0].layout.count && piece->parts[0].layout.rows[row].rtl;
}

int transcript_column(const struct transcript *t, const struct entry *entry, const struct piece *piece,
		      const struct part *part, int row)
{
	int indent = piece->rtl || first_row_rtl(piece, row) ? 0 : indent_of(entry);
	return indent + (piece->rtl ? 0 : piece->indent) + part->column + piece_shift(part, &part->layout.rows[row]);
}

static void draw_part(const struct transcript *t, const struct strip *s, const struct piece *piece,
		      const struct part *part, int number)
{
	const struct layout_row *row = &part->layout.rows[number];
	struct caret at = s->at;
	at.part = (int)(part - piece->parts);
	int x = transcript_column(t, &t->entries[at.entry], piece, part, number);
	bool look = t->words.count && piece->kind != PIECE_FENCE && match_any(&t->words, t->tr, part->text, part->len);
	char *map = look ? match_map(&t->words, t->tr, part->text, part->len, row) : NULL;
	for (int i = 0; i < row->count; i++) {
		const struct layout_cell *cell = &row->cells[i];
		const char *link;
		unsigned style = piece_style(piece, part, cell->source, &link);
		bool match =
			map && cell->source >= row->start && cell->source < row->end && map[cell->source - row->start];
		at.off = cell->source;
		style = transcript_is_chosen(t, &at) ? STYLE_SELECTED
			: match                      ? s->marked
			: style == STYLE_TEXT        ? s->base
						     : style;
		s->screen->ops->link(s->screen, link);
		s->screen->ops->put(s->screen, s->y, x + cell->column, cell->text, cell->text_len, cell->width,
				    (enum style)style);
	}
	s->screen->ops->link(s->screen, NULL);
	free(map);
}

static void draw_piece(const struct transcript *t, const struct strip *s, const struct piece *piece, int row)
{
	for (int i = 0; i < piece->mark_count; i++)
		if (row == 0 || piece->marks[i].every)
			draw_mark(t, s, piece, &piece->marks[i]);
	for (int i = 0; i < piece->part_count; i++)
		if (row < piece->parts[i].layout.count)
			draw_part(t, s, piece, &piece->parts[i], row);
	for (int x = piece->indent; piece->kind == PIECE_RULE && x < s->width; x++)
		s->screen->ops->put(s->screen, s->y, s->x + x, "─", strlen("─"), 1, STYLE_DIM);
}

/* How many lines of code are not shown, behind the fence that they stand under. */
static void draw_hidden(const struct transcript *t, const struct strip *s, const struct body *body,
			const struct body_chunk *chunk, const struct piece *piece)
{
	int hidden = body_hidden(body, chunk);
	if (!hidden)
		return;
	const struct layout_row *row = &piece->parts[0].layout.rows[0];
	char *text = xasprintf("  ⋯ %d", hidden);
	screen_text(s->screen, t->tr, s->y, s->x + piece->indent + piece_row_width(row), s->x + s->width, text,
		    STYLE_ACCENT);
	free(text);
}

static void draw_memory_line(const struct transcript *t, struct screen *screen, int y)
{
	char *text = xasprintf("─ %s ", t->memory_text ? t->memory_text : "");
	int column = screen_text(screen, t->tr, y, 0, t->width, text, STYLE_WARNING);
	for (; column < t->width; column++)
		screen->ops->put(screen, y, screen_column(screen, t->tr, column, 1), "─", strlen("─"), 1,
				 STYLE_WARNING);
	free(text);
}

/* Row number `row` of an entry: the memory line, its body, its mark, a space that may hold its tag. */
static void draw_row(const struct transcript *t, struct screen *screen, int y, int index, int row)
{
	const struct entry *entry = &t->entries[index];
	enum style marked = t->match.entry == index && t->match.row == row ? STYLE_SELECTED : STYLE_MATCH;
	if (t->memory_before == index && row-- == 0) {
		draw_memory_line(t, screen, y);
		return;
	}
	if (row < entry->body.rows) {
		int within = 0;
		const struct body_chunk *chunk;
		const struct piece *piece = body_row(&entry->body, row, &within, &chunk);
		int indent = indent_of(entry);
		bool rtl = piece && (piece->rtl || first_row_rtl(piece, within));
		int x = rtl ? 0 : indent;
		struct strip strip = {screen, y, x, t->width - indent, style_of(entry), marked, {.entry = index}};
		if (piece) {
			strip.at.chunk = (int)(chunk - entry->body.chunks);
			strip.at.piece = (int)(piece - chunk->pieces.list);
		}
		if (row == 0 && indent)
			screen->ops->put(screen, y, rtl ? t->width - 1 : 0, rtl ? "‹" : "›", strlen("›"), 1,
					 STYLE_PROMPT);
		if (piece)
			draw_piece(t, &strip, piece, within);
		if (piece && within == 0 && piece->kind == PIECE_FENCE)
			draw_hidden(t, &strip, &entry->body, chunk, piece);
		return;
	}
	row -= entry->body.rows;
	if (row == 0 && entry->mark)
		screen_text(screen, t->tr, y, 0, t->width, i18n_text(t->tr, entry->mark), STYLE_DIM);
	else if (entry->tag)
		screen_text(screen, t->tr, y, indent_of(entry), t->width, entry->tag,
			    entry->chosen ? STYLE_SELECTED : STYLE_DIM);
}

static void draw_more_below(const struct transcript *t, struct screen *screen, int y)
{
	const char *text = i18n_text(t->tr, "transcript.more-below");
	int width = i18n_width(t->tr, text, strlen(text));
	if (width + 2 >= t->width)
		return;
	if (i18n_terminal_orders(t->bidi))
		screen->ops->clear_row(screen, y); /* half a row would be put in another order */
	screen_text(screen, t->tr, y, t->width - width - 1, t->width, text, STYLE_ACCENT);
}

/* Where the row that was on top before the width changed is now. */
static void keep_place(struct transcript *t, int width)
{
	if (t->follow || !t->count || width == t->width) {
		t->width = width;
		return;
	}
	int rows = transcript_laid(t, t->top.entry)->rows;
	double share = rows > 0 ? (double)t->top.row / rows : 0;
	t->width = width;
	t->top.row = (int)(share * transcript_laid(t, t->top.entry)->rows);
}

void transcript_draw(struct transcript *t, struct screen *screen, int first, int height)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	keep_place(t, columns > 0 ? columns : 1);
	t->height = height;
	struct anchor at = end_top(t);
	if (!t->follow && anchor_before(t->top, at))
		at = t->top;
	else
		t->follow = true;
	t->caret_row = t->caret_column = -1;
	for (int y = 0; y < height; y++) {
		screen->ops->clear_row(screen, first + y);
		while (at.entry < t->count && at.row >= transcript_laid(t, at.entry)->rows)
			at = (struct anchor){at.entry + 1, 0};
		if (at.entry >= t->count)
			continue;
		draw_row(t, screen, first + y, at.entry, at.row);
		transcript_place_caret(t, at, y);
		at.row++;
	}
	if (!t->follow)
		draw_more_below(t, screen, first + height - 1);
}

int transcript_draw_entry(struct transcript *t, struct screen *screen, int index, int from)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	t->width = columns > 0 ? columns : 1;
	int count = transcript_laid(t, index)->rows - 1;
	for (int y = 0; y < rows; y++) {
		screen->ops->clear_row(screen, y);
		if (from + y < count)
			draw_row(t, screen, y, index, from + y);
	}
	return count;
}
