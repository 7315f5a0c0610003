/* Paragraphs to rows of cells.
 *
 * The text is sanitised with a map back to the source. Each paragraph becomes
 * units in logical order: a unit is a cluster, or a lam-alef of two clusters, or
 * one cell of a tab. Units have cells, a text to draw and a flag saying that a row
 * may end before them. Rows are filled greedily; spaces at a row's end hang. Then
 * every row is put in visual order by UAX #9 and placed from its own side. */
#include "handle.h"
#include "sanitize.h"
#include "shape.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ubidi.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

enum { TAB = 4 };

struct unit {
	uint32_t start, end;     /* bytes of the clean text */
	uint32_t text, text_len; /* in the clean text, or in extra when shaped */
	int32_t utf16;           /* index of its first code unit in the paragraph */
	uint8_t width;
	bool shaped, may_break, space, tab;
};

struct cell_place {
	uint32_t offset;
	bool shaped;
};

struct builder {
	const struct i18n *tr;
	const struct layout_options *o;
	struct buffer clean, extra;
	uint32_t *map;
	struct layout_cell *cells;
	struct cell_place *places; /* of each cell's text, until the buffers stay put */
	size_t cell_count, cell_size;
	struct layout_row *rows;
	size_t row_count, row_size;
	struct unit *units; /* of the paragraph at hand */
	int unit_count, unit_size;
	UBiDi *para, *line; /* NULL while no paragraph has needed them */
	UBiDiLevel *levels; /* of each unit of a line of code; NULL: the paragraph is no code */
	bool bidi;          /* the paragraph holds right-to-left letters or is one */
	bool rtl;
};

struct memory {
	char *clean, *extra;
	struct layout_cell *cells;
};

/* --- Units ---------------------------------------------------------------------- */

static UChar32 char_at(const struct builder *b, uint32_t at)
{
	UChar32 c;
	size_t i = at;
	U8_NEXT_OR_FFFD(b->clean.data, i, b->clean.len, c);
	return c;
}

static struct unit *add_unit(struct builder *b)
{
	if (b->unit_count == b->unit_size) {
		b->unit_size = b->unit_size ? b->unit_size * 2 : 256;
		b->units = xreallocarray(b->units, (size_t)b->unit_size, sizeof(*b->units));
	}
	b->units[b->unit_count] = (struct unit){0};
	return &b->units[b->unit_count++];
}

/* Draws U+FFFD for a cluster that no row can hold, or that the terminal does not know. */
static void replace(struct builder *b, struct unit *unit)
{
	unit->width = 1;
	unit->shaped = true;
	unit->text = (uint32_t)b->extra.len;
	unit->text_len = 3;
	buffer_puts(&b->extra, "\xEF\xBF\xBD");
}

static void split_clusters(struct builder *b, uint32_t start, uint32_t end)
{
	const char *text = b->clean.data;
	struct cluster_walk walk;
	b->unit_count = 0;
	cluster_walk_start(&walk, b->tr, text, start, end);
	for (uint32_t at = start; at < end;) {
		uint32_t next = (uint32_t)cluster_walk_next(&walk, at);
		struct unit *unit = add_unit(b);
		unit->start = unit->text = at;
		unit->end = next;
		unit->text_len = next - at;
		unit->tab = text[at] == '\t';
		unit->space = unit->tab || text[at] == ' ' ||
			      (text[at] & 0x80 && u_isUWhiteSpace(char_at(b, at)) && char_at(b, at) != 0xA0);
		unit->width = unit->tab ? 1 : (uint8_t)width_cluster(b->tr, text + at, next - at);
		if ((unsigned char)text[at] >= 0xF0 && width_unknown(b->tr, char_at(b, at)))
			replace(b, unit);
		at = next;
	}
}

/* Korean is broken at its spaces only, though UAX #14 allows every syllable. */
static bool inside_korean_word(const struct builder *b, uint32_t start, uint32_t at)
{
	uint32_t before = at;
	while (before > start && ((unsigned char)b->clean.data[--before] & 0xC0) == 0x80)
		;
	UErrorCode status = U_ZERO_ERROR;
	return uscript_getScript(char_at(b, at), &status) == USCRIPT_HANGUL ||
			       uscript_getScript(char_at(b, before), &status) == USCRIPT_HANGUL
		       ? !u_isUWhiteSpace(char_at(b, before))
		       : false;
}

static void mark_breaks(struct builder *b, uint32_t start, uint32_t end)
{
	int unit = 0;
	if (b->o->code) {
		for (; unit < b->unit_count; unit++)
			b->units[unit].may_break = true;
		return;
	}
	grapheme_set(b->tr->lines, b->clean.data + start, end - start);
	for (int32_t at = ubrk_first(b->tr->lines); at != UBRK_DONE; at = ubrk_next(b->tr->lines)) {
		uint32_t offset = start + (uint32_t)at;
		while (unit < b->unit_count && b->units[unit].start < offset)
			unit++;
		if (unit < b->unit_count && b->units[unit].start == offset && offset > start &&
		    !inside_korean_word(b, start, offset))
			b->units[unit].may_break = true;
	}
}

/* The program puts rows in visual order, and joins their letters. */
static bool orders(const struct builder *b)
{
	return b->o->bidi == I18N_BIDI_APP || b->o->bidi == I18N_BIDI_WORDS;
}

/* The program mirrors brackets and joins lam-alefs for a terminal that puts rows in order without doing so. */
static bool mends_terminal(const struct builder *b)
{
	return b->o->bidi == I18N_BIDI_UNMIRRORED;
}

/* --- Joining ----------------------------------------------------------------------- */

static bool is_arabic(UChar32 c)
{
	return (c >= 0x0620 && c <= 0x064A) || (c >= 0x066E && c <= 0x06D5) || (c >= 0x06EE && c <= 0x06FF) ||
	       c == 0x0640;
}

/* Draws `letter` in place of the unit's base, with the marks of text behind it. */
static void set_shaped(struct builder *b, struct unit *unit, UChar letter, uint32_t marks_start, uint32_t marks_end)
{
	char bytes[4];
	int32_t len = 0;
	U8_APPEND_UNSAFE(bytes, len, (UChar32)letter);
	unit->text = (uint32_t)b->extra.len;
	unit->shaped = true;
	buffer_append(&b->extra, bytes, (size_t)len);
	for (uint32_t at = marks_start; at < marks_end;) {
		UChar32 c;
		uint32_t from = at;
		U8_NEXT_OR_FFFD(b->clean.data, at, marks_end, c);
		if (c != 0x200C && c != 0x200D)
			buffer_append(&b->extra, b->clean.data + from, at - from);
	}
	unit->text_len = (uint32_t)b->extra.len - unit->text;
}

static uint32_t after_base(const struct builder *b, const struct unit *unit)
{
	uint32_t at = unit->start;
	U8_FWD_1(b->clean.data, at, unit->end);
	return at;
}

/* A joiner at the end of a cluster decides how its neighbour joins. */
static bool ends_with(const struct builder *b, const struct unit *unit, UChar32 wanted)
{
	int32_t at = (int32_t)unit->end;
	UChar32 c;
	U8_PREV(b->clean.data, (int32_t)unit->start, at, c);
	return c == wanted && at > (int32_t)unit->start;
}

static void merge_alef(struct builder *b, int lam, int alef, UChar ligature)
{
	struct unit *unit = &b->units[lam];
	uint32_t marks = after_base(b, unit);
	set_shaped(b, unit, ligature, marks, unit->end);
	uint32_t alef_marks = after_base(b, &b->units[alef]);
	buffer_append(&b->extra, b->clean.data + alef_marks, b->units[alef].end - alef_marks);
	unit->text_len = (uint32_t)b->extra.len - unit->text;
	unit->end = b->units[alef].end;
}

/* Joins the letters of one run. A terminal that joins all but lam-alef gets the others as they are, to be copied. */
static void shape_run(const struct builder *b, UChar *letters, int count, bool *merged)
{
	shape_arabic(letters, count, merged);
	if (mends_terminal(b) && !memchr(merged, true, (size_t)count * sizeof(*merged)))
		memset(letters, 0, (size_t)count * sizeof(*letters));
}

static void shape(struct builder *b)
{
	UChar *letters = xcalloc((size_t)b->unit_count * 2, sizeof(*letters));
	bool *merged = xcalloc((size_t)b->unit_count * 2, sizeof(*merged));
	int *owner = xcalloc((size_t)b->unit_count * 2, sizeof(*owner));
	int count = 0;
	for (int i = 0; i < b->unit_count; i++) {
		UChar32 c = char_at(b, b->units[i].start);
		owner[count] = i;
		letters[count++] = c < 0xD800 ? (UChar)c : 0xFFFC;
		if (ends_with(b, &b->units[i], 0x200C)) {
			owner[count] = -1;
			letters[count++] = 0x200C;
		}
	}
	/* Run by run: ICU moves letters about when others stand beside them. */
	for (int first = 0, last; first < count; first = last + 1) {
		for (last = first; last < count && (is_arabic(letters[last]) || letters[last] == 0x200C); last++)
			;
		if (last > first)
			shape_run(b, letters + first, last - first, merged + first);
	}
	for (int i = 0; i < count; i++) {
		struct unit *unit = owner[i] < 0 ? NULL : &b->units[owner[i]];
		if (!unit || !letters[i] || merged[i] || !is_arabic(char_at(b, unit->start)))
			continue;
		if (i + 1 < count && merged[i + 1])
			merge_alef(b, owner[i], owner[i + 1], letters[i]);
		else
			set_shaped(b, unit, letters[i], after_base(b, unit), unit->end);
	}
	int kept = 0;
	for (int i = 0; i < count; i++)
		if (owner[i] >= 0 && !merged[i])
			b->units[kept++] = b->units[owner[i]];
	b->unit_count = kept;
	free(letters);
	free(merged);
	free(owner);
}

static bool is_alef(UChar32 c)
{
	return c == 0x0622 || c == 0x0623 || c == 0x0625 || c == 0x0627;
}

/* A terminal that joins letters itself may give a lam and its alef one cell. */
static void merge_lam_alef(struct builder *b)
{
	int kept = 0;
	for (int i = 0; i < b->unit_count; i++) {
		struct unit *unit = &b->units[i];
		bool pair = i + 1 < b->unit_count && char_at(b, unit->start) == 0x0644 &&
			    is_alef(char_at(b, unit[1].start)) && !ends_with(b, unit, 0x200C);
		if (pair) {
			unit->end = unit[1].end;
			unit->text_len = unit->end - unit->text;
			i++;
		}
		b->units[kept++] = *unit;
	}
	b->unit_count = kept;
}

/* --- Direction ------------------------------------------------------------------------ */

static bool needs_bidi(const struct builder *b, uint32_t start, uint32_t end)
{
	for (uint32_t at = start; at < end;) {
		UChar32 c;
		U8_NEXT_OR_FFFD(b->clean.data, at, end, c);
		if (c < 0x590)
			continue;
		UCharDirection d = u_charDirection(c);
		if (d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC || d == U_ARABIC_NUMBER ||
		    d == U_RIGHT_TO_LEFT_ISOLATE)
			return true;
	}
	return false;
}

/* No letter decides the paragraph's direction. */
static bool lacks_letters(const struct builder *b, uint32_t start, uint32_t end)
{
	for (uint32_t at = start; at < end;) {
		UChar32 c;
		U8_NEXT_OR_FFFD(b->clean.data, at, end, c);
		UCharDirection d = u_charDirection(c);
		if (d == U_LEFT_TO_RIGHT || d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC)
			return false;
	}
	return true;
}

static bool is_rtl_letter(const struct builder *b, const struct unit *unit)
{
	UCharDirection d = u_charDirection(char_at(b, unit->start));
	return d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC;
}

/* What stands between strings, names and comments, and is never part of a sentence. */
static bool parts_code(const struct builder *b, const struct unit *unit)
{
	return unit->tab || strchr("\"'`;={}[]<>|&\\#", b->clean.data[unit->start]) != NULL;
}

/* Levels of units first..last, a text of its own that begins with a right-to-left letter. */
static void set_span_levels(struct builder *b, int first, int last, UBiDiLevel *levels)
{
	UErrorCode status = U_ZERO_ERROR;
	uint32_t start = b->units[first].start, end = b->units[last].end;
	UChar *utf16 = xcalloc((size_t)(end - start) + 1, sizeof(*utf16));
	int32_t len = 0, at = 0;
	u_strFromUTF8(utf16, (int32_t)(end - start) + 1, &len, b->clean.data + start, (int32_t)(end - start), &status);
	b->para = b->para ? b->para : ubidi_open();
	ubidi_setPara(b->para, utf16, len, 1, NULL, &status);
	const UBiDiLevel *found = ubidi_getLevels(b->para, &status);
	uint32_t byte = start;
	for (int i = first; i <= last && U_SUCCESS(status); i++) {
		while (byte < b->units[i].start) {
			UChar32 c;
			U8_NEXT_OR_FFFD(b->clean.data, byte, end, c);
			at += U16_LENGTH(c);
		}
		levels[i] = found[at];
	}
	free(utf16);
}

/* A line of code runs left to right. Right-to-left words in it, a string or a comment, are in their own order
 * each, so that two strings never change places (UTS #55). */
static void set_code_levels(struct builder *b)
{
	b->levels = xcalloc((size_t)b->unit_count, sizeof(*b->levels));
	for (int i = 0; i < b->unit_count; i++) {
		int last = i;
		if (!is_rtl_letter(b, &b->units[i]))
			continue;
		for (int k = i + 1; k < b->unit_count && !parts_code(b, &b->units[k]); k++)
			last = is_rtl_letter(b, &b->units[k]) ? k : last;
		set_span_levels(b, i, last, b->levels);
		i = last;
	}
}

/* Runs UAX #9 over the paragraph; *utf16 (caller frees) must live as long as its rows are made. */
static bool set_direction(struct builder *b, uint32_t start, uint32_t end, UChar **utf16)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t len = 0, at = 0;
	*utf16 = xcalloc((size_t)(end - start) + 1, sizeof(**utf16));
	u_strFromUTF8(*utf16, (int32_t)(end - start) + 1, &len, b->clean.data + start, (int32_t)(end - start), &status);
	if (!b->para) {
		b->para = ubidi_open();
		b->line = ubidi_open();
	}
	UBiDiLevel level = b->rtl ? 1 : b->o->direction == LAYOUT_LTR ? 0 : UBIDI_DEFAULT_LTR;
	ubidi_setPara(b->para, *utf16, len, level, NULL, &status);
	uint32_t byte = start;
	for (int i = 0; i < b->unit_count; i++) {
		while (byte < b->units[i].start) {
			UChar32 c;
			U8_NEXT_OR_FFFD(b->clean.data, byte, end, c);
			at += U16_LENGTH(c);
		}
		b->units[i].utf16 = at;
	}
	b->rtl = U_SUCCESS(status) && ubidi_getParaLevel(b->para) & 1;
	return U_SUCCESS(status);
}

/* --- Rows --------------------------------------------------------------------------------- */

static void add_cell(struct builder *b, const struct unit *unit, int column, bool mirrored)
{
	if (b->cell_count == b->cell_size) {
		b->cell_size = b->cell_size ? b->cell_size * 2 : 256;
		b->cells = xreallocarray(b->cells, b->cell_size, sizeof(*b->cells));
		b->places = xreallocarray(b->places, b->cell_size, sizeof(*b->places));
	}
	struct layout_cell *cell = &b->cells[b->cell_count];
	uint32_t source = b->map[unit->start];
	*cell = (struct layout_cell){.source = source,
				     .source_len = b->map[unit->end] - source,
				     .text_len = (uint16_t)unit->text_len,
				     .column = (uint16_t)column,
				     .width = unit->width,
				     .rtl = mirrored && orders(b)};
	b->places[b->cell_count] = (struct cell_place){unit->text, unit->shaped};
	UChar32 c = char_at(b, unit->start);
	if (mirrored && u_isMirrored(c) && u_charMirror(c) != c) {
		char bytes[4];
		int32_t len = 0;
		U8_APPEND_UNSAFE(bytes, len, u_charMirror(c));
		b->places[b->cell_count] = (struct cell_place){(uint32_t)b->extra.len, true};
		buffer_append(&b->extra, bytes, (size_t)len);
		if (mends_terminal(b)) /* brackets the wrong way about make no pair: U+200F keeps each in its run */
			buffer_puts(&b->extra, "\xE2\x80\x8F");
		cell->text_len = (uint16_t)(b->extra.len - b->places[b->cell_count].offset);
	}
	b->cell_count++;
}

static bool line_levels(struct builder *b, int first, int last, UBiDiLevel *levels)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t start = b->units[first].utf16;
	int32_t limit = last < b->unit_count ? b->units[last].utf16 : ubidi_getLength(b->para);
	ubidi_setLine(b->para, start, limit, b->line, &status);
	const UBiDiLevel *line = ubidi_getLevels(b->line, &status);
	for (int i = first; i < last && U_SUCCESS(status); i++)
		levels[i - first] = line[b->units[i].utf16 - start];
	return U_SUCCESS(status);
}

/* Where each unit of the row stands: order[i] is the unit drawn i-th from the left. */
static void visual_order(struct builder *b, int first, int last, int32_t *order, UBiDiLevel *levels)
{
	int count = last - first;
	for (int i = 0; i < count; i++) {
		order[i] = i;
		levels[i] = 0;
	}
	if (!b->bidi || (!orders(b) && !mends_terminal(b)))
		return;
	if (b->levels)
		memcpy(levels, b->levels + first, (size_t)count * sizeof(*levels));
	else if (!line_levels(b, first, last, levels))
		return;
	if (orders(b))
		ubidi_reorderVisual(levels, count, order);
}

/* A tab is drawn as spaces, a cell each: the first stands for it, the others for nothing after it. */
static void add_tab(struct builder *b, const struct unit *unit, int column)
{
	struct unit space = *unit;
	space.width = space.text_len = 1;
	space.shaped = true;
	space.text = (uint32_t)b->extra.len;
	buffer_append(&b->extra, " ", 1);
	for (int i = 0; i < unit->width; i++) {
		add_cell(b, &space, column + i, false);
		space.start = space.end;
	}
}

/* Adds a control that takes no cell to what a cell draws. */
static void append_control(struct builder *b, size_t at, const char *control)
{
	struct cell_place *place = &b->places[at];
	size_t len = b->cells[at].text_len;
	char *text = xstrndup((place->shaped ? b->extra.data : b->clean.data) + place->offset, len);
	*place = (struct cell_place){(uint32_t)b->extra.len, true};
	buffer_append(&b->extra, text, len);
	buffer_puts(&b->extra, control);
	b->cells[at].text_len = (uint16_t)(len + strlen(control));
	free(text);
}

/* What keeps a row that the terminal reorders from moving its neighbours: U+200E
 * behind it; a row of a right-to-left paragraph also stands in an isolate of its
 * own, which begins on the blank before it. */
static bool is_fenced(const struct builder *b)
{
	return b->bidi && i18n_terminal_orders(b->o->bidi);
}

static bool is_isolated(const struct builder *b)
{
	return is_fenced(b) && b->rtl && b->tr->width[I18N_WIDTH_ISOLATE] <= 0;
}

static bool open_fence(struct builder *b, const struct unit *first, int column)
{
	if (!is_isolated(b) || column < 1)
		return false;
	struct unit blank = {.start = first->start, .end = first->start, .shaped = true, .width = 1, .text_len = 4};
	blank.text = (uint32_t)b->extra.len;
	buffer_puts(&b->extra, " \xE2\x81\xA7");
	add_cell(b, &blank, column - 1, false);
	return true;
}

static void close_fence(struct builder *b, bool isolated)
{
	if (isolated)
		append_control(b, b->cell_count - 1, "\xE2\x81\xA9");
	if (is_fenced(b))
		append_control(b, b->cell_count - 1, "\xE2\x80\x8E");
}

/* A terminal that reorders is told of the text's own isolates and marks, behind the cell before. */
static void pass_isolate(struct builder *b, const struct unit *unit, size_t first_cell)
{
	UChar32 c = char_at(b, unit->start);
	bool isolate = c >= 0x2066 && c <= 0x2069, mark = c == 0x200E || c == 0x200F || c == 0x061C;
	bool wanted = mark || (isolate && b->tr->width[I18N_WIDTH_ISOLATE] <= 0);
	if (!wanted || !is_fenced(b) || b->cell_count == first_cell)
		return;
	char control[4] = {0};
	memcpy(control, b->clean.data + unit->start, c == 0x061C ? 2 : 3);
	append_control(b, b->cell_count - 1, control);
}

/* A terminal that reorders is shown where right-to-left words in a line of code begin and end: U+2067 before
 * and U+2069 behind them. */
static bool in_span(const struct builder *b, int unit)
{
	return b->levels && b->levels[unit] > 0;
}

static bool begins_span(const struct builder *b, int first, int unit)
{
	return is_fenced(b) && b->tr->width[I18N_WIDTH_ISOLATE] <= 0 && in_span(b, unit) &&
	       (unit == first || !in_span(b, unit - 1));
}

static bool ends_span(const struct builder *b, int unit, int end)
{
	return is_fenced(b) && in_span(b, unit) && (unit + 1 == end || !in_span(b, unit + 1));
}

static struct layout_row *add_row(struct builder *b, uint32_t start, uint32_t end)
{
	if (b->row_count == b->row_size) {
		b->row_size = b->row_size ? b->row_size * 2 : 32;
		b->rows = xreallocarray(b->rows, b->row_size, sizeof(*b->rows));
	}
	struct layout_row *row = &b->rows[b->row_count++];
	*row = (struct layout_row){.start = b->map[start], .end = b->map[end], .rtl = b->rtl};
	return row;
}

/* Units first..shown-1, `used` cells in all, become the row of the bytes start..end. */
static void make_row(struct builder *b, int first, int shown, int used, int indent, uint32_t start, uint32_t end)
{
	int count = shown - first;
	struct layout_row *row = add_row(b, start, end);
	size_t first_cell = b->cell_count;
	int32_t *order = xcalloc((size_t)count, sizeof(*order));
	UBiDiLevel *levels = xcalloc((size_t)count, sizeof(*levels));
	if (count)
		visual_order(b, first, shown, order, levels);
	int column = b->rtl ? b->o->width - used - indent : indent;
	bool isolated = count && open_fence(b, &b->units[first], column), span = false;
	for (int i = 0; i < count; i++) {
		const struct unit *unit = &b->units[first + order[i]];
		if (unit->width == 0) {
			pass_isolate(b, unit, first_cell);
			continue;
		}
		if (begins_span(b, first, first + i) && b->cell_count > first_cell) {
			append_control(b, b->cell_count - 1, "\xE2\x81\xA7");
			span = true;
		}
		if (unit->tab)
			add_tab(b, unit, column);
		else
			add_cell(b, unit, column, levels[order[i]] & 1);
		column += unit->width;
		if (ends_span(b, first + i, shown)) {
			append_control(b, b->cell_count - 1, span ? "\xE2\x81\xA9" : "\xE2\x80\x8E");
			span = false;
		}
	}
	if (b->cell_count > first_cell)
		close_fence(b, isolated);
	row->count = (int)(b->cell_count - first_cell);
	row->width = b->rtl ? b->o->width : column;
	free(order);
	free(levels);
}

struct fill {
	int first;     /* of the row */
	int used;      /* cells, hanging spaces left out */
	int breaks_at; /* the last unit that the row may end before; first: none */
	int used_at_break, shown_at_break;
	int shown;  /* units up to here are drawn */
	int column; /* cells, spaces counted */
};

/* A terminal that reorders needs a blank before a right-to-left row, to hold its fence. */
static int row_room(const struct builder *b, bool first_row)
{
	int taken = first_row ? b->o->indent_first : b->o->indent_rest;
	taken += is_isolated(b);
	return b->o->width > taken ? b->o->width - taken : 1;
}

/* A tab reaches to the next multiple of four. */
static uint8_t tab_width(int column, int room)
{
	int width = TAB - column % TAB;
	return (uint8_t)(width < room ? width : room);
}

static void start_row(struct fill *f, int first)
{
	*f = (struct fill){.first = first, .breaks_at = first, .shown = first, .shown_at_break = first};
}

static void fill_rows(struct builder *b, uint32_t start, uint32_t end)
{
	struct fill f;
	bool first_row = true;
	uint32_t row_start = start;
	start_row(&f, 0);
	for (int i = 0; i < b->unit_count; i++) {
		int room = row_room(b, first_row);
		if (b->units[i].tab)
			b->units[i].width = tab_width(f.column, room);
		if (b->units[i].width > room)
			replace(b, &b->units[i]);
		if (b->units[i].may_break && i > f.first) {
			f.breaks_at = i;
			f.used_at_break = f.used;
			f.shown_at_break = f.shown;
		}
		bool hangs = b->units[i].space && !b->o->code;
		if (!hangs && b->units[i].width && f.column + b->units[i].width > room) {
			bool chosen = f.breaks_at > f.first;
			int next = chosen ? f.breaks_at : i;
			uint32_t next_start = b->units[next].start;
			int indent = first_row ? b->o->indent_first : b->o->indent_rest;
			make_row(b, f.first, chosen ? f.shown_at_break : f.shown, chosen ? f.used_at_break : f.used,
				 indent, row_start, next_start);
			row_start = next_start;
			first_row = false;
			start_row(&f, next);
			i = next - 1;
			continue;
		}
		f.column += b->units[i].width;
		if (!hangs && b->units[i].width) {
			f.used = f.column;
			f.shown = i + 1;
		}
	}
	int indent = first_row ? b->o->indent_first : b->o->indent_rest;
	/* At the end of a paragraph spaces that fit are drawn: what is being typed must be seen. */
	int room = row_room(b, first_row);
	while (f.shown < b->unit_count && f.used + b->units[f.shown].width <= room)
		f.used += b->units[f.shown++].width;
	make_row(b, f.first, f.shown, f.used, indent, row_start, end);
}

static void lay_paragraph(struct builder *b, uint32_t start, uint32_t end)
{
	UChar *utf16 = NULL;
	bool otherwise = b->o->otherwise == LAYOUT_AUTO ? i18n_is_rtl(b->tr) : b->o->otherwise == LAYOUT_RTL;
	b->rtl = !b->o->code && (b->o->direction == LAYOUT_RTL ||
				 (b->o->direction == LAYOUT_AUTO && otherwise && lacks_letters(b, start, end)));
	b->bidi = b->rtl || needs_bidi(b, start, end);
	split_clusters(b, start, end);
	mark_breaks(b, start, end);
	if (b->bidi && (orders(b) || mends_terminal(b)))
		shape(b);
	else if (b->bidi && b->tr->width[I18N_WIDTH_LAM_ALEF] == 1)
		merge_lam_alef(b);
	if (b->bidi && b->o->code)
		set_code_levels(b);
	else if (b->bidi && !set_direction(b, start, end, &utf16))
		b->bidi = false;
	if (b->o->bidi == I18N_BIDI_OFF)
		b->rtl = false;
	fill_rows(b, start, end);
	free(utf16);
	free(b->levels);
	b->levels = NULL;
}

/* The letters of each word trade what they draw, first with last: a terminal that turns words about turns them
 * back. Where cells stand and what they stand for is what is seen. */
static void turn_words(struct layout_row *row, struct layout_cell *cells)
{
	for (int first = 0, end; first < row->count; first = end + 1) {
		for (end = first; end < row->count; end++) {
			UChar32 c;
			U8_GET_OR_FFFD((const uint8_t *)cells[end].text, 0, 0, cells[end].text_len, c);
			UCharDirection d = u_charDirection(c);
			bool letter = d == U_RIGHT_TO_LEFT || d == U_RIGHT_TO_LEFT_ARABIC || c == 0x060C;
			if (!letter || cells[end].width != 1 ||
			    (end > first && cells[end].column != cells[end - 1].column + 1))
				break;
		}
		for (int left = first, right = end - 1; left < right; left++, right--) {
			struct layout_cell was = cells[left];
			cells[left].text = cells[right].text;
			cells[left].text_len = cells[right].text_len;
			cells[right].text = was.text;
			cells[right].text_len = was.text_len;
		}
		end -= end > first; /* what ended a word may begin the next */
	}
}

/* --- The whole text ----------------------------------------------------------------------- */

static void finish(struct builder *b, struct layout *out)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));
	memory->clean = buffer_take(&b->clean);
	memory->extra = buffer_take(&b->extra);
	memory->cells = b->cells;
	for (size_t i = 0; i < b->cell_count; i++)
		b->cells[i].text = (b->places[i].shaped ? memory->extra : memory->clean) + b->places[i].offset;
	struct layout_cell *cells = b->cells;
	for (size_t i = 0; i < b->row_count; i++) {
		b->rows[i].cells = cells;
		if (cells && b->o->bidi == I18N_BIDI_WORDS)
			turn_words(&b->rows[i], cells);
		if (cells) /* NULL when no row has a cell */
			cells += b->rows[i].count;
	}
	*out = (struct layout){.rows = b->rows, .count = (int)b->row_count, .memory = memory};
}

void i18n_layout(const struct i18n *tr, const char *text, size_t len, const struct layout_options *options,
		 struct layout *out)
{
	struct builder b = {.tr = tr, .o = options};
	sanitize_mapped(text, len, &b.clean, &b.map);
	uint32_t end = (uint32_t)b.clean.len;
	for (uint32_t start = 0; start <= end;) {
		const char *newline = memchr(b.clean.data + start, '\n', end - start);
		uint32_t stop = newline ? (uint32_t)(newline - b.clean.data) : end;
		lay_paragraph(&b, start, stop);
		start = stop + 1;
	}
	finish(&b, out);
	ubidi_close(b.para);
	ubidi_close(b.line);
	free(b.map);
	free(b.places);
	free(b.units);
}

void layout_free(struct layout *layout)
{
	struct memory *memory = layout->memory;
	free(layout->rows);
	if (memory) {
		free(memory->clean);
		free(memory->extra);
		free(memory->cells);
		free(memory);
	}
	*layout = (struct layout){0};
}
