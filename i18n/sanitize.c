/* The one filter for text that the program did not write: notes on each class
 * stand at its test. Linear, without ICU's iterators, so that it can be run on
 * anything at any time. */
#include "sanitize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum { MARKS_MAX = 4, BLACK_FLAG = 0x1F3F4, CANCEL_TAG = 0xE007F };

struct filter {
	struct buffer *out;
	uint32_t *map;
	size_t map_size;
	bool mapped, at_base; /* at_base: a letter or symbol stands before, marks and joiners may follow */
	int marks, isolates;
	bool selector, tags;
};

/* Makes room in the map for so many bytes more. */
static void note(struct filter *f, size_t more)
{
	if (!f->mapped || f->out->len + more <= f->map_size)
		return;
	f->map_size = (f->out->len + more) * 2;
	f->map = xreallocarray(f->map, f->map_size, sizeof(*f->map));
}

/* Every byte of what stands for a character comes from its first. */
static void emit(struct filter *f, const char *bytes, size_t len, size_t source)
{
	note(f, len);
	for (size_t i = 0; f->mapped && i < len; i++)
		f->map[f->out->len + i] = (uint32_t)source;
	buffer_append(f->out, bytes, len);
}

/* Letters, digits and signs of ASCII from pos on stand for themselves; but the last may get marks. */
static size_t emit_plain(struct filter *f, const char *text, size_t len, size_t pos)
{
	size_t end = pos;
	while (end < len && text[end] >= ' ' && text[end] < 0x7F)
		end++;
	if (end < pos + 2)
		return pos;
	end--;
	note(f, end - pos);
	for (size_t i = pos; f->mapped && i < end; i++)
		f->map[f->out->len + i - pos] = (uint32_t)i;
	buffer_append(f->out, text + pos, end - pos);
	return end;
}

static void emit_char(struct filter *f, UChar32 c, size_t source)
{
	char bytes[4];
	int32_t len = 0;
	U8_APPEND_UNSAFE(bytes, len, c);
	emit(f, bytes, (size_t)len, source);
}

static void emit_marker(struct filter *f, UChar32 c, size_t source)
{
	char text[16];
	int len = c < 0x100 ? snprintf(text, sizeof(text), "<%02X>", (unsigned)c)
			    : snprintf(text, sizeof(text), "<U+%04X>", (unsigned)c);
	emit(f, text, (size_t)len, source);
	f->at_base = false;
}

/* Characters that change order or look like nothing: shown by name. */
static bool is_hidden(UChar32 c)
{
	if (c < 0xAD || c == 0x061C || c == 0x1160 || (c >= 0x200C && c <= 0x200F) || (c >= 0x2066 && c <= 0x2069))
		return false; /* direction marks and isolates are honest; joiners have rules of their own */
	if (c == 0xAD || (c >= 0xFFF9 && c <= 0xFFFB))
		return true;
	return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) && !(U_GET_GC_MASK(c) & U_GC_MN_MASK) &&
	       !(c >= 0xE0000 && c <= CANCEL_TAG);
}

static bool is_selector(UChar32 c)
{
	return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF) || (c >= 0x180B && c <= 0x180D);
}

static void end_paragraph(struct filter *f, size_t source)
{
	for (; f->isolates > 0; f->isolates--)
		emit_char(f, 0x2069, source);
	f->at_base = false;
}

static void newline(struct filter *f, size_t source)
{
	end_paragraph(f, source);
	emit(f, "\n", 1, source);
}

/* Joiners belong between letters; anywhere else they only hide. */
static void joiner(struct filter *f, UChar32 c, UChar32 next, size_t source)
{
	bool inside = f->at_base && next > ' ' && !u_isUWhiteSpace(next) && !is_hidden(next);
	if (inside)
		emit_char(f, c, source);
	else
		emit_marker(f, c, source);
}

static void base(struct filter *f, UChar32 c, size_t source)
{
	emit_char(f, c, source);
	f->at_base = !u_isUWhiteSpace(c);
	f->marks = 0;
	f->selector = false;
	f->tags = c == BLACK_FLAG;
}

/* A mark that has nothing to stand on gets a no-break space. */
static void mark(struct filter *f, UChar32 c, size_t source)
{
	if (is_selector(c)) {
		if (f->at_base && !f->selector)
			emit_char(f, c, source);
		f->selector = true;
		return;
	}
	if (!f->at_base)
		base(f, 0xA0, source);
	f->at_base = true;
	if (f->marks++ < MARKS_MAX)
		emit_char(f, c, source);
}

static void filter_char(struct filter *f, UChar32 c, UChar32 next, size_t source)
{
	if (c == '\n' || c == 0x2028 || c == 0x2029)
		newline(f, source);
	else if (c == '\r' && next == '\n')
		return; /* CRLF is one end of line */
	else if (c == '\t')
		emit(f, "\t", 1, source), f->at_base = false;
	else if (c < 0x20)
		emit_char(f, 0x2400 + c, source), f->at_base = false;
	else if (c == 0x7F)
		emit_char(f, 0x2421, source), f->at_base = false;
	else if ((c >= 0x80 && c < 0xA0) || is_hidden(c))
		emit_marker(f, c, source);
	else if (c == 0x200C || c == 0x200D)
		joiner(f, c, next, source);
	else if (c >= 0x2066 && c <= 0x2068)
		f->isolates++, emit_char(f, c, source);
	else if (c == 0x2069)
		f->isolates > 0 ? f->isolates--, emit_char(f, c, source) : emit_marker(f, c, source);
	else if (c >= 0xE0000 && c <= CANCEL_TAG)
		f->tags ? emit_char(f, c, source) : emit_marker(f, c, source);
	else if (U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_ME_MASK))
		mark(f, c, source);
	else
		base(f, c, source);
}

static void run(struct filter *f, const char *text, size_t len)
{
	size_t at = 0;
	while ((at = emit_plain(f, text, len, at)) < len) {
		UChar32 c, next = 0;
		size_t end = at;
		/* Maximal subparts of ill-formed sequences become one U+FFFD each. */
		U8_NEXT_OR_FFFD(text, end, len, c);
		size_t peek = end;
		if (peek < len)
			U8_NEXT_OR_FFFD(text, peek, len, next);
		filter_char(f, c, next, at);
		at = end;
	}
	end_paragraph(f, len);
}

void i18n_sanitize(const char *text, size_t len, struct buffer *out)
{
	struct filter f = {.out = out};
	run(&f, text, len);
	buffer_append(out, "", 0);
}

void sanitize_mapped(const char *text, size_t len, struct buffer *out, uint32_t **map)
{
	struct filter f = {.out = out, .mapped = true};
	run(&f, text, len);
	buffer_append(out, "", 0);
	note(&f, 1);
	f.map[out->len] = (uint32_t)len;
	*map = f.map;
}

char *i18n_sanitize_line(const char *text, size_t len)
{
	struct buffer clean = {0}, line = {0};
	i18n_sanitize(text, len, &clean);
	for (size_t i = 0; i < clean.len; i++) {
		if (clean.data[i] == '\n')
			buffer_puts(&line, "␊");
		else
			buffer_append(&line, clean.data[i] == '\t' ? " " : clean.data + i, 1);
	}
	buffer_free(&clean);
	return buffer_take(&line);
}

void i18n_repair(const char *text, size_t len, struct buffer *out)
{
	for (size_t at = 0; at < len;) {
		UChar32 c;
		size_t start = at;
		U8_NEXT(text, at, len, c);
		if (c < 0)
			buffer_puts(out, "\xEF\xBF\xBD");
		else
			buffer_append(out, text + start, at - start);
	}
	buffer_append(out, "", 0);
}

size_t i18n_incomplete_tail(const char *text, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)text[len - back];
		if (c < 0x80)
			return 0;
		if (c < 0xC0)
			continue;
		size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
		return c >= 0xC2 && c <= 0xF4 && need > back ? back : 0;
	}
	return 0;
}
