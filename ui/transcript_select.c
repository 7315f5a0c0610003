/* The caret stands before a cluster of the text that is shown, or behind the last one. In a row, clusters are
 * stops: they are gone through in the order they are seen in, from row to row in the order they are read in. */
#include "transcript_private.h"

#include <stdlib.h>
#include <string.h>

struct stop {
	int x; /* column on the screen */
	struct caret at;
};

struct row { /* of the transcript, with its stops from left to right */
	struct anchor at;
	struct stop *stops;
	int count;
	bool rtl;      /* it is read from the right */
	bool reversed; /* the terminal will show it the other way round */
};

static int compare(const struct caret *a, const struct caret *b)
{
	const int difference[] = {a->entry - b->entry, a->chunk - b->chunk, a->piece - b->piece, a->part - b->part};
	for (size_t i = 0; i < sizeof(difference) / sizeof(difference[0]); i++)
		if (difference[i])
			return difference[i];
	return (a->off > b->off) - (a->off < b->off);
}

static struct piece *piece_of(struct transcript *t, const struct caret *at)
{
	return &t->entries[at->entry].body.chunks[at->chunk].pieces.list[at->piece];
}

/* --- Rows ---------------------------------------------------------------------------- */

static void add_stop(struct row *row, int x, const struct caret *at)
{
	for (int i = 0; i < row->count; i++)
		if (compare(&row->stops[i].at, at) == 0)
			return;
	row->stops = xreallocarray(row->stops, (size_t)row->count + 1, sizeof(*row->stops));
	row->stops[row->count++] = (struct stop){x > 0 ? x : 0, *at};
}

/* Behind the last cluster of a part, where its text would go on. */
static void add_end(struct row *row, int x, const struct part *part, struct caret *at)
{
	const struct layout_row *laid = &part->layout.rows[part->layout.count - 1];
	at->off = part->len;
	if (!laid->count) {
		add_stop(row, x + (laid->rtl && part->width ? part->width - 1 : 0), at);
		return;
	}
	const struct layout_cell *first = laid->cells, *last = laid->cells + laid->count - 1;
	add_stop(row, x + (laid->rtl ? first->column - 1 : last->column + last->width), at);
}

static int by_column(const void *a, const void *b)
{
	const struct stop *x = a, *y = b;
	return x->x != y->x ? x->x - y->x : compare(&x->at, &y->at);
}

static void take_row(struct transcript *t, struct anchor at, struct row *row)
{
	struct entry *entry = transcript_laid(t, at.entry);
	const struct body_chunk *chunk;
	int within = 0;
	*row = (struct row){.at = at};
	const struct piece *piece = body_row(&entry->body, at.row - (t->memory_before == at.entry), &within, &chunk);
	for (int i = 0; piece && i < piece->part_count; i++) {
		const struct part *part = &piece->parts[i];
		struct caret place = {at.entry, (int)(chunk - entry->body.chunks), (int)(piece - chunk->pieces.list), i,
				      0};
		if (within >= part->layout.count)
			continue;
		const struct layout_row *laid = &part->layout.rows[within];
		int x = transcript_column(t, entry, piece, part, within);
		for (int k = 0; k < laid->count; k++) {
			place.off = laid->cells[k].source;
			add_stop(row, x + laid->cells[k].column, &place);
		}
		if (within == part->layout.count - 1)
			add_end(row, x, part, &place);
		row->rtl = piece->rtl || (piece->part_count == 1 && laid->rtl);
	}
	row->reversed = row->rtl && t->bidi == I18N_BIDI_TERMINAL;
	if (row->count)
		qsort(row->stops, (size_t)row->count, sizeof(*row->stops), by_column);
}

/* The next row that has stops; false: there is none, and the row stays. */
static bool next_row(struct transcript *t, struct row *row, int direction)
{
	struct anchor at = row->at;
	struct row found = {0};
	while (!found.count) {
		at.row += direction;
		while (at.row < 0 || at.row >= transcript_laid(t, at.entry)->rows) {
			at.entry += direction;
			if (at.entry < 0 || at.entry >= t->count)
				return false;
			at.row = direction < 0 ? transcript_laid(t, at.entry)->rows - 1 : 0;
		}
		take_row(t, at, &found);
	}
	free(row->stops);
	*row = found;
	return true;
}

/* The first or the last stop in the order of the text. */
static int outermost(const struct row *row, bool last)
{
	int found = 0;
	for (int i = 1; i < row->count; i++)
		if ((compare(&row->stops[i].at, &row->stops[found].at) > 0) == last)
			found = i;
	return found;
}

static int nearest_column(const struct row *row, int x)
{
	int found = 0;
	for (int i = 1; i < row->count; i++)
		if (abs(row->stops[i].x - x) < abs(row->stops[found].x - x))
			found = i;
	return found;
}

/* --- The caret --------------------------------------------------------------------------- */

/* What the caret stood in may be another by now: text has come, or is folded away. */
static void settle(struct transcript *t, struct caret *c)
{
	const struct body *body = &transcript_laid(t, c->entry)->body;
	if (c->chunk >= body->count)
		*c = (struct caret){c->entry, body->count - 1, 0, 0, 0};
	while (c->chunk > 0 && !body->chunks[c->chunk].rows)
		*c = (struct caret){c->entry, c->chunk - 1, 0, 0, 0};
	const struct pieces *pieces = c->chunk >= 0 ? &body->chunks[c->chunk].pieces : NULL;
	if (!pieces || c->piece >= pieces->count || c->part >= pieces->list[c->piece].part_count)
		*c = (struct caret){c->entry, c->chunk > 0 ? c->chunk : 0, 0, 0, 0};
	else if (c->off > pieces->list[c->piece].parts[c->part].len)
		c->off = pieces->list[c->piece].parts[c->part].len;
}

/* The row that the caret is in. */
static struct anchor row_of(struct transcript *t, const struct caret *c)
{
	const struct body *body = &transcript_laid(t, c->entry)->body;
	const struct body_chunk *chunk = &body->chunks[c->chunk];
	int row = chunk->first_row + (t->memory_before == c->entry);
	row += chunk->at.blank_before && c->chunk && chunk->pieces.count;
	for (int i = 0; i < c->piece; i++)
		row += chunk->pieces.list[i].rows;
	if (c->piece < chunk->pieces.count && c->part < chunk->pieces.list[c->piece].part_count) {
		const struct layout *layout = &chunk->pieces.list[c->piece].parts[c->part].layout;
		for (int i = 0; i + 1 < layout->count && c->off >= layout->rows[i + 1].start; i++)
			row++;
	}
	return (struct anchor){c->entry, row};
}

/* Where the caret is in its row: the stop it stands at, or within. */
static int stop_of(const struct row *row, const struct caret *c)
{
	int found = -1;
	for (int i = 0; i < row->count; i++)
		if (compare(&row->stops[i].at, c) <= 0 &&
		    (found < 0 || compare(&row->stops[i].at, &row->stops[found].at) > 0))
			found = i;
	return found < 0 ? outermost(row, false) : found;
}

static void stand(struct transcript *t, const struct row *row, int stop)
{
	t->caret = row->stops[stop].at;
}

bool transcript_select(struct transcript *t, bool on)
{
	struct row row;
	t->selecting = t->marking = false;
	t->caret_row = -1;
	if (!on || !t->count)
		return false;
	struct anchor at = transcript_top(t);
	at.row += t->height - 1;
	while (at.entry < t->count - 1 && at.row >= transcript_laid(t, at.entry)->rows)
		at.row -= t->entries[at.entry++].rows;
	int rows = transcript_laid(t, at.entry)->rows;
	at.row = at.row < rows ? at.row : rows - 1;
	take_row(t, at, &row);
	t->selecting = row.count || next_row(t, &row, -1);
	if (t->selecting)
		stand(t, &row, outermost(&row, false));
	t->goal = -1;
	free(row.stops);
	return t->selecting;
}

/* --- Moving --------------------------------------------------------------------------------- */

static void move_sideways(struct transcript *t, struct row *row, bool right)
{
	right ^= row->reversed;
	int stop = stop_of(row, &t->caret) + (right ? 1 : -1);
	bool onward = right != row->rtl; /* in the order of reading */
	if (stop >= 0 && stop < row->count)
		stand(t, row, stop);
	else if (next_row(t, row, onward ? 1 : -1))
		stand(t, row, outermost(row, !onward));
}

static void move_word(struct transcript *t, struct row *row, bool right)
{
	bool onward = (right != row->reversed) != row->rtl;
	const struct part *part = &piece_of(t, &t->caret)->parts[t->caret.part];
	size_t off = t->caret.off;
	if (onward ? off < part->len : off > 0) {
		t->caret.off = (onward ? i18n_word_next : i18n_word_prev)(t->tr, part->text, part->len, off);
		return;
	}
	/* From one part into the next, in the row or below it. */
	struct row here = *row;
	int stop = stop_of(&here, &t->caret) + (onward != row->rtl ? 1 : -1);
	if (stop >= 0 && stop < here.count)
		stand(t, &here, stop);
	else if (next_row(t, row, onward ? 1 : -1))
		stand(t, row, outermost(row, !onward));
}

static void move_rows(struct transcript *t, struct row *row, int rows)
{
	int goal = t->goal >= 0 ? t->goal : row->stops[stop_of(row, &t->caret)].x;
	int step = rows < 0 ? -1 : 1;
	for (; rows && next_row(t, row, step); rows -= step)
		;
	stand(t, row, nearest_column(row, goal));
	t->goal = goal;
}

static void move_to_end(struct transcript *t, struct row *row, bool last)
{
	row->at = last ? (struct anchor){t->count - 1, transcript_laid(t, t->count - 1)->rows} : (struct anchor){0, -1};
	if (next_row(t, row, last ? -1 : 1))
		stand(t, row, outermost(row, last));
}

void transcript_select_move(struct transcript *t, enum select_move move)
{
	struct row row;
	int page = t->height > 2 ? t->height - 2 : 1;
	if (!t->selecting)
		return;
	settle(t, &t->caret);
	take_row(t, row_of(t, &t->caret), &row);
	if (!row.count && !next_row(t, &row, -1) && !next_row(t, &row, 1)) {
		free(row.stops);
		return;
	}
	bool sideways = move != SELECT_UP && move != SELECT_DOWN && move != SELECT_PAGE_UP && move != SELECT_PAGE_DOWN;
	t->goal = sideways ? -1 : t->goal;
	switch (move) {
	case SELECT_LEFT:
	case SELECT_RIGHT: move_sideways(t, &row, move == SELECT_RIGHT); break;
	case SELECT_WORD_LEFT:
	case SELECT_WORD_RIGHT: move_word(t, &row, move == SELECT_WORD_RIGHT); break;
	case SELECT_UP: move_rows(t, &row, -1); break;
	case SELECT_DOWN: move_rows(t, &row, 1); break;
	case SELECT_PAGE_UP: move_rows(t, &row, -page); break;
	case SELECT_PAGE_DOWN: move_rows(t, &row, page); break;
	case SELECT_ROW_START:
	case SELECT_ROW_END: stand(t, &row, outermost(&row, move == SELECT_ROW_END)); break;
	case SELECT_FIRST:
	case SELECT_LAST: move_to_end(t, &row, move == SELECT_LAST); break;
	}
	free(row.stops);
	transcript_reveal_row(t, row_of(t, &t->caret));
}

void transcript_place_caret(struct transcript *t, struct anchor at, int y)
{
	struct row row;
	if (!t->selecting || at.entry != t->caret.entry)
		return;
	settle(t, &t->caret);
	struct anchor caret = row_of(t, &t->caret);
	if (caret.row != at.row)
		return;
	take_row(t, caret, &row);
	t->caret_row = row.count ? y : -1;
	if (row.count)
		t->caret_column = row.stops[stop_of(&row, &t->caret)].x;
	if (t->caret_column >= t->width)
		t->caret_column = t->width - 1;
	free(row.stops);
}

bool transcript_caret(const struct transcript *t, int *row, int *column)
{
	*row = t->caret_row;
	*column = t->caret_column;
	return t->selecting && *row >= 0;
}

/* --- What is chosen --------------------------------------------------------------------------- */

void transcript_select_mark(struct transcript *t, bool on)
{
	t->marking = t->selecting && on;
	t->from = t->caret;
}

bool transcript_select_marked(const struct transcript *t)
{
	return t->marking;
}

static void chosen_range(const struct transcript *t, struct caret *first, struct caret *end)
{
	bool forward = compare(&t->from, &t->caret) < 0;
	*first = forward ? t->from : t->caret;
	*end = forward ? t->caret : t->from;
}

bool transcript_is_chosen(const struct transcript *t, const struct caret *at)
{
	struct caret first, end;
	if (!t->selecting || !t->marking)
		return false;
	chosen_range(t, &first, &end);
	return compare(&first, at) <= 0 && compare(at, &end) < 0;
}

/* A file that is one row stands for its name and all of its lines, any other chunk for its own. */
static void append_source(const struct entry *entry, int number, struct buffer *out)
{
	const struct body *body = &entry->body;
	int from = number, to = number;
	if (body->chunks[number].shut) {
		from -= number && body->chunks[number - 1].shut && body->chunks[number - 1].at.kind == MARKDOWN_LINE;
		while (to + 1 < body->count && body->chunks[to + 1].shut &&
		       body->chunks[to + 1].at.block == body->chunks[number].at.block)
			to++;
	}
	size_t start = body->chunks[from].at.start;
	buffer_append(out, entry_text(entry) + start, body->chunks[to].at.end - start);
}

/* Bullets and numbers belong to the text; the bars of quotes and frames, which stand on every row, do not. */
static void append_marks(const struct piece *piece, struct buffer *out)
{
	for (int i = 0; i < piece->mark_count; i++)
		if (!piece->marks[i].every)
			buffer_printf(out, "%s ", piece->marks[i].text);
}

static void append_piece(const struct piece *piece, struct caret at, const struct caret *first, const struct caret *end,
			 struct buffer *out)
{
	bool any = false;
	for (at.part = 0; at.part < piece->part_count; at.part++) {
		const struct part *part = &piece->parts[at.part];
		struct caret start = at, stop = at;
		start.off = 0;
		stop.off = part->len;
		if (compare(&stop, first) < 0 || compare(&start, end) > 0)
			continue;
		start = compare(&start, first) < 0 ? *first : start;
		stop = compare(&stop, end) > 0 ? *end : stop;
		if (at.part == 0 && start.off == 0 && compare(&start, &stop) < 0)
			append_marks(piece, out);
		if (any)
			buffer_puts(out, "\t");
		buffer_append(out, part->text + start.off, stop.off - start.off);
		any = true;
	}
}

/* The whole of the piece, its end included, is chosen. */
static bool is_whole(const struct piece *piece, struct caret at, const struct caret *first, const struct caret *end)
{
	struct caret last = at;
	last.part = piece->part_count - 1;
	last.off = piece->part_count ? piece->parts[last.part].len : 0;
	return compare(first, &at) <= 0 && compare(&last, end) <= 0;
}

static void append_chunk(const struct entry *entry, struct caret at, const struct caret *first, const struct caret *end,
			 struct buffer *out)
{
	const struct body_chunk *chunk = &entry->body.chunks[at.chunk];
	for (at.piece = 0; at.piece < chunk->pieces.count; at.piece++) {
		const struct piece *piece = &chunk->pieces.list[at.piece];
		if (at.piece && compare(first, &at) < 0)
			buffer_puts(out, "\n");
		/* What a fence shows besides what it says is ours. */
		if (piece->kind == PIECE_FENCE && is_whole(piece, at, first, end))
			append_source(entry, at.chunk, out);
		else
			append_piece(piece, at, first, end, out);
	}
}

static void append_entry(struct transcript *t, int index, const struct caret *first, const struct caret *end,
			 struct buffer *out)
{
	const struct entry *entry = transcript_laid(t, index);
	int from = index == first->entry ? first->chunk : 0;
	int to = index == end->entry ? end->chunk : entry->body.count - 1;
	for (int i = from; i <= to; i++) {
		const struct body_chunk *chunk = &entry->body.chunks[i];
		if (chunk->shut && chunk->at.kind != MARKDOWN_FENCE_OPEN)
			continue;
		if (i > from)
			buffer_puts(out, chunk->at.blank_before ? "\n\n" : "\n");
		append_chunk(entry, (struct caret){index, i, 0, 0, 0}, first, end, out);
	}
}

void transcript_selected(struct transcript *t, struct buffer *out)
{
	struct caret first, end;
	if (!t->selecting)
		return;
	settle(t, &t->caret);
	settle(t, &t->from);
	if (!t->marking) {
		append_source(transcript_laid(t, t->caret.entry), t->caret.chunk, out);
		return;
	}
	chosen_range(t, &first, &end);
	for (int i = first.entry; i <= end.entry && i < t->count; i++) {
		if (i > first.entry)
			buffer_puts(out, "\n\n");
		append_entry(t, i, &first, &end, out);
	}
}
