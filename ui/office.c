/* Names are taken without their prefixes: w:p, a:p and text:p are all paragraphs. Sources: ECMA-376 parts 1 (chapters 17,
 * 18.3, 18.4, 21.1), OpenDocument 1.3 part 3 (chapters 5 and 9), XHTML. */
#include "office.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MOST = 256, SPACES_MOST = 64, FORMATS = 4096, DAYS_TO_1970 = 25569, DAYS_MOST = 2958466 };

struct piece {
	const char *text;
	size_t len;
};

struct workbook {            /* what its cells name by number */
	struct buffer bytes; /* of all strings */
	size_t *ends, count, size;
	struct buffer formats; /* a byte for each of the first FORMATS of its own: whether numbers of it are dates */
	struct buffer styles;  /* a byte for each style: the same */
	bool in_styles;
};
struct walk {
	enum office_kind kind;
	struct buffer *out;
	struct workbook *book;
	bool collecting;      /* what cells name, not the text */
	int texts;            /* elements that are open and whose text is read */
	struct piece skipped; /* the element that is passed over; NULL: none */
	int cells;            /* that are open: paragraphs in them do not end the row */
	int column;           /* of the next cell, from 0 */
	bool numbered, dated; /* the cell names a string; its number is a date */
	struct buffer value;  /* of the cell */
};

static bool is(struct piece name, const char *words)
{
	for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == name.len && strncasecmp(at, name.text, name.len) == 0)
			return true;
	return false;
}

/* --- What is written ------------------------------------------------------------------------ */

static bool at_line_start(const struct walk *w)
{
	return w->out->len == 0 || w->out->data[w->out->len - 1] == '\n';
}

static void end_line(struct walk *w)
{
	while (w->out->len && strchr(" \t", w->out->data[w->out->len - 1]))
		w->out->data[--w->out->len] = '\0';
	if (!at_line_start(w))
		buffer_puts(w->out, "\n");
}

/* One empty line between sheets, slides and pages. */
static void end_part(struct walk *w)
{
	end_line(w);
	if (w->out->len > 1 && w->out->data[w->out->len - 2] != '\n')
		buffer_puts(w->out, "\n");
}

static void put_space(struct walk *w)
{
	if (!at_line_start(w) && !strchr(" \t", w->out->data[w->out->len - 1]))
		buffer_puts(w->out, " ");
}

static void put_code_point(struct buffer *out, unsigned long cp)
{
	char bytes[4];
	size_t len = 1;
	if (cp == 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
		return;
	if (cp < 0x80) {
		bytes[0] = (char)cp;
	} else {
		len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
		for (size_t i = len - 1; i > 0; i--, cp >>= 6)
			bytes[i] = (char)(0x80 | (cp & 0x3F));
		bytes[0] = (char)((0xF00 >> len & 0xFF) | cp);
	}
	buffer_append(out, bytes, len);
}

/* "&amp;", "&#233;", "&#xE9;". Returns its length, 0: it is none. */
static size_t put_entity(struct buffer *out, const char *text, size_t len)
{
	static const struct {
		const char *name, *value;
	} names[] = {{"amp", "&"},  {"lt", "<"},          {"gt", ">"},        {"quot", "\""},
		     {"apos", "'"}, {"nbsp", "\xC2\xA0"}, {"shy", "\xC2\xAD"}};
	const char *end = memchr(text, ';', len < 12 ? len : 12);
	size_t size = end ? (size_t)(end - text) : 0;
	if (size < 3)
		return 0;
	if (text[1] == '#') {
		bool hex = text[2] == 'x' || text[2] == 'X';
		char digits[16], *rest;
		snprintf(digits, sizeof(digits), "%.*s", (int)(size - 2 - hex), text + 2 + hex);
		unsigned long cp = isxdigit((unsigned char)digits[0]) ? strtoul(digits, &rest, hex ? 16 : 10) : 0;
		put_code_point(out, cp);
		return size + 1;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i].name) == size - 1 && memcmp(names[i].name, text + 1, size - 1) == 0) {
			buffer_puts(out, names[i].value);
			return size + 1;
		}
	return 0;
}

static void put_text(struct walk *w, const char *text, size_t len)
{
	struct buffer *out = w->collecting ? &w->book->bytes : w->kind == OFFICE_SHEETS ? &w->value : w->out;
	bool flows = w->kind == OFFICE_PAGES || w->kind == OFFICE_OPEN; /* line ends are spaces */
	for (size_t i = 0; i < len;) {
		size_t entity = text[i] == '&' ? put_entity(out, text + i, len - i) : 0;
		if (entity)
			i += entity;
		else if (flows && isspace((unsigned char)text[i]))
			put_space(w), i++;
		else
			buffer_append(out, text + i++, 1);
	}
}

/* --- Elements ---------------------------------------------------------------------------------- */

/* The value of an attribute, by its name without prefix. */
static struct piece attribute(struct piece tag, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i + len + 2 < tag.len; i++) {
		const char *at = tag.text + i;
		bool begins = i && (isspace((unsigned char)at[-1]) || at[-1] == ':');
		if (!begins || memcmp(at, name, len) != 0 || at[len] != '=' || !strchr("\"'", at[len + 1]))
			continue;
		const char *value = at + len + 2,
			   *end = memchr(value, at[len + 1], (size_t)(tag.text + tag.len - value));
		return (struct piece){value, end ? (size_t)(end - value) : 0};
	}
	return (struct piece){"", 0};
}

static long number_of(struct piece value, long fallback)
{
	char text[16], *end;
	snprintf(text, sizeof(text), "%.*s", (int)(value.len < 15 ? value.len : 15), value.text);
	long number = strtol(text, &end, 10);
	return end == text || number < 0 ? fallback : number;
}

/* "BC12" is column 54, from 0. */
static int column_of(struct piece reference)
{
	int column = 0;
	for (size_t i = 0; i < reference.len && isupper((unsigned char)reference.text[i]) && column < COLUMNS_MOST; i++)
		column = column * 26 + reference.text[i] - 'A' + 1;
	return column - 1;
}

static void end_string(struct workbook *s)
{
	if (s->count == s->size)
		s->ends = xreallocarray(s->ends, s->size = s->size ? s->size * 2 : 64, sizeof(*s->ends));
	s->ends[s->count++] = s->bytes.len;
}

static void begin_cell(struct walk *w, struct piece tag)
{
	struct piece place = attribute(tag, "r");
	int column = place.len ? column_of(place) : w->column;
	for (; w->column < column && w->column < COLUMNS_MOST; w->column++)
		buffer_puts(w->out, "\t");
	size_t style = (size_t)number_of(attribute(tag, "s"), 0);
	struct piece type = attribute(tag, "t");
	w->numbered = is(type, "s");
	w->dated = (type.len == 0 || is(type, "n")) && style < w->book->styles.len && w->book->styles.data[style];
	buffer_clear(&w->value);
}

/* Letters of years, days, hours and seconds, where they are not text, colours or conditions. */
static bool is_date_format(const char *code)
{
	char until = 0;
	for (; *code; code++) {
		if (until)
			until = *code == until ? 0 : until;
		else if (*code == '"' || *code == '[')
			until = *code == '[' ? ']' : '"';
		else if (*code == '\\' && code[1])
			code++;
		else if (strchr("yYdDhHsS", *code))
			return true;
	}
	return false;
}

static void set_byte(struct buffer *bytes, size_t at, bool value)
{
	while (bytes->len <= at)
		buffer_append(bytes, "", 1);
	bytes->data[at] = value;
}

static void collect_format(struct workbook *book, size_t id, struct piece code)
{
	struct buffer plain = {0}; /* quotes are entities in it */
	buffer_puts(&plain, "");
	for (size_t i = 0; i < code.len;) {
		size_t entity = code.text[i] == '&' ? put_entity(&plain, code.text + i, code.len - i) : 0;
		if (!entity)
			buffer_append(&plain, code.text + i, 1);
		i += entity ? entity : 1;
	}
	set_byte(&book->formats, id, is_date_format(plain.data));
	buffer_free(&plain);
}

/* Formats of the file's own come before the styles that name them; some of those that need no words are dates too. */
static void collect_style(struct workbook *book, struct piece name, struct piece tag)
{
	long id = number_of(attribute(tag, "numFmtId"), 0);
	if (is(name, "numFmt") && id < FORMATS) {
		collect_format(book, (size_t)id, attribute(tag, "formatCode"));
	} else if (is(name, "xf") && book->in_styles) {
		bool known = (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
			     (id >= 50 && id <= 58);
		bool own = (size_t)id < book->formats.len && book->formats.data[id];
		set_byte(&book->styles, book->styles.len, known || own);
	}
	if (is(name, "cellXfs cellStyles"))
		book->in_styles = is(name, "cellXfs");
}

/* Days since the end of 1899, as a date that everybody can read. */
static void put_date(struct buffer *value)
{
	char *end, text[32];
	double days = strtod(value->data ? value->data : "", &end);
	if (!value->len || *end || !(days >= 0 && days < DAYS_MOST))
		return;
	time_t seconds = (time_t)((days - DAYS_TO_1970) * 86400 + (days < DAYS_TO_1970 ? -0.5 : 0.5));
	struct tm date;
	if (!gmtime_r(&seconds, &date))
		return;
	const char *form = days < 1 ? "%H:%M:%S" : days == (double)(long)days ? "%Y-%m-%d" : "%Y-%m-%d %H:%M:%S";
	buffer_clear(value);
	buffer_append(value, text, strftime(text, sizeof(text), form, &date));
}

static void end_cell(struct walk *w)
{
	const struct workbook *s = w->book;
	if (w->dated)
		put_date(&w->value);
	struct piece value = {w->value.data ? w->value.data : "", w->value.len};
	size_t number = w->numbered ? (size_t)number_of(value, (long)s->count) : s->count;
	if (w->numbered && number < s->count) {
		size_t from = number ? s->ends[number - 1] : 0;
		value = (struct piece){s->bytes.data ? s->bytes.data + from : "", s->ends[number] - from};
	} else if (w->numbered) {
		value.len = 0;
	}
	for (size_t i = 0; i < value.len; i++) /* a cell is on one line */
		buffer_append(w->out, strchr("\r\n\t", value.text[i]) ? " " : value.text + i, 1);
	buffer_puts(w->out, "\t");
	w->column++;
}

/* What stands between cells and rows, in all kinds but workbooks. */
static void mark(struct walk *w, struct piece name, bool opens)
{
	bool cell = is(name, w->kind == OFFICE_OPEN ? "table-cell" : "tc td th");
	if (cell)
		w->cells += opens ? 1 : w->cells > 0 ? -1 : 0;
	if (cell && !opens) {
		while (w->out->len && w->out->data[w->out->len - 1] == ' ')
			w->out->data[--w->out->len] = '\0';
		buffer_puts(w->out, "\t");
	} else if (is(name, "table-row tr"))
		end_line(w);
	else if (is(name, "sld table page body html"))
		end_part(w);
	else if (is(name, "p h") ||
		 (w->kind == OFFICE_PAGES && is(name, "div h1 h2 h3 h4 h5 h6 li dt dd pre blockquote")))
		w->cells ? put_space(w) : end_line(w);
}

static bool has_text(const struct walk *w, struct piece name)
{
	if (w->kind == OFFICE_SHEETS)
		return is(name, w->collecting ? "si" : "v is");
	return is(name, w->kind == OFFICE_OPEN ? "p h" : w->kind == OFFICE_PAGES ? "body" : "t");
}

static void open_element(struct walk *w, struct piece name, struct piece tag)
{
	if (w->kind == OFFICE_SHEETS) {
		if (w->collecting)
			collect_style(w->book, name, tag);
		else if (is(name, "c"))
			begin_cell(w, tag);
		else if (is(name, "row"))
			w->column = 0;
		return;
	}
	mark(w, name, true);
	if (is(name, "tab"))
		buffer_puts(w->out, "\t");
	else if (is(name, "br cr line-break"))
		w->cells ? put_space(w) : buffer_puts(w->out, "\n");
	else if (w->kind == OFFICE_OPEN && is(name, "s"))
		for (long i = number_of(attribute(tag, "c"), 1); i > 0 && i <= SPACES_MOST; i--)
			buffer_puts(w->out, " ");
}

static void close_element(struct walk *w, struct piece name)
{
	if (w->kind != OFFICE_SHEETS)
		mark(w, name, false);
	else if (w->collecting && is(name, "si"))
		end_string(w->book);
	else if (!w->collecting && is(name, "c"))
		end_cell(w);
	else if (!w->collecting && is(name, "row"))
		end_line(w);
	else if (!w->collecting && is(name, "worksheet"))
		end_part(w);
}

/* What is in these is not for readers: how a word is read aloud, what was deleted, programs, where tabs lead. */
static bool is_skipped(struct piece name)
{
	return is(name, "rPh tracked-changes head script style tabs");
}

static void take_tag(struct walk *w, struct piece tag)
{
	bool closes = tag.len && tag.text[0] == '/', empty = tag.len && tag.text[tag.len - 1] == '/';
	struct piece name = {tag.text + closes, 0};
	while (name.len < tag.len - closes && !isspace((unsigned char)name.text[name.len]) &&
	       name.text[name.len] != '/')
		name.len++;
	const char *colon = memchr(name.text, ':', name.len);
	if (colon)
		name = (struct piece){colon + 1, name.len - (size_t)(colon + 1 - name.text)};
	if (w->skipped.text) {
		if (closes && name.len == w->skipped.len && memcmp(name.text, w->skipped.text, name.len) == 0)
			w->skipped.text = NULL;
		return;
	}
	if (!closes && !empty && is_skipped(name)) {
		w->skipped = name;
		return;
	}
	if (!closes) {
		open_element(w, name, tag);
		w->texts += has_text(w, name) && !empty;
	}
	if (closes || empty) {
		w->texts -= has_text(w, name) && !empty && w->texts > 0;
		close_element(w, name);
	}
}

/* --- Files -------------------------------------------------------------------------------------------- */

/* Where the markup that begins at text[0] ends, and what is in it. */
static size_t take_markup(struct walk *w, const char *text, size_t len)
{
	static const struct {
		const char *begin, *end;
	} others[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
	if (w->skipped.text && (len < 2 || text[1] != '/'))
		return 1; /* programs compare with it */
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		size_t begin = strlen(others[i].begin), end = strlen(others[i].end);
		if (len < begin || memcmp(text, others[i].begin, begin) != 0)
			continue;
		const char *found = memmem(text + begin, len - begin, others[i].end, end);
		size_t inside = found ? (size_t)(found - text) - begin : len - begin;
		if (others[i].begin[2] == '[' && w->texts && !w->skipped.text)
			put_text(w, text + begin, inside);
		return found ? begin + inside + end : len;
	}
	const char *end = memchr(text, '>', len);
	if (end && end > text + 1 && text[1] != '!')
		take_tag(w, (struct piece){text + 1, (size_t)(end - text) - 1});
	return end ? (size_t)(end - text) + 1 : len;
}

static void walk(struct walk *w, const char *xml, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *next = memchr(xml + at, '<', len - at);
		size_t text = next ? (size_t)(next - xml) - at : len - at;
		if (w->texts && !w->skipped.text)
			put_text(w, xml + at, text);
		at += text;
		if (at < len)
			at += take_markup(w, xml + at, len - at);
	}
}

void office_text(enum office_kind kind, const char *xml, size_t len, struct buffer *out)
{
	struct workbook book = {0};
	struct walk w = {.kind = kind, .out = out, .book = &book, .collecting = kind == OFFICE_SHEETS};
	if (w.collecting)
		walk(&w, xml, len);
	buffer_clear(&w.value);
	w = (struct walk){.kind = kind, .out = out, .book = &book, .value = w.value};
	walk(&w, xml, len);
	end_line(&w);
	while (out->len > 1 && out->data[out->len - 2] == '\n')
		out->data[--out->len] = '\0';
	buffer_free(&w.value);
	buffer_free(&book.bytes);
	buffer_free(&book.formats);
	buffer_free(&book.styles);
	free(book.ends);
}
