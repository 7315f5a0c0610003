#include "unfinished.h"

#include <ctype.h>
#include <string.h>

enum { OPENERS_MOST = 32 };

struct opener {
	char c;
	int count;
};

struct scan {
	struct buffer *text;
	size_t at, start; /* start: of the last thing that inline marks cannot reach out of */
	struct opener openers[OPENERS_MOST];
	int opener_count;
	size_t bracket; /* of a link whose text is being written; text->len: none */
	const char *close_first;
	int backticks; /* to close the code with */
};

static void cut(struct buffer *text, size_t len)
{
	text->len = len;
	if (text->data)
		text->data[len] = '\0';
}

static size_t line_start(const struct buffer *text, size_t at)
{
	while (at > 0 && text->data[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the quotes' and items' marks that begin a line. */
static size_t behind_marks(const struct buffer *text, size_t at)
{
	for (;;) {
		size_t from = at, digits;
		at += strspn(text->data + at, " \t");
		if (text->data[at] == '>')
			at++;
		else if (text->data[at] && strchr("-*+", text->data[at]) && text->data[at + 1] == ' ')
			at += 2;
		else if ((digits = strspn(text->data + at, "0123456789")) && digits < 10 && text->data[at + digits] &&
			 strchr(".)", text->data[at + digits]) && text->data[at + digits + 1] == ' ')
			at += digits + 2;
		if (at == from || text->data[at] == '\n' || !text->data[at])
			return at;
	}
}

static bool all_of(const char *text, size_t len, char c)
{
	size_t n = 0;
	while (n < len && text[n] == c)
		n++;
	return len && n == len;
}

/* Lines of signs alone: the beginning of an item, a rule, a heading, a fence. */
static bool line_is_open_sign(const char *line, size_t len, bool first)
{
	if (len == 1 && strchr("-*+|#", line[0]))
		return true;
	if (all_of(line, len, '-'))
		return !first || len < 3;
	if (all_of(line, len, '='))
		return !first;
	return (all_of(line, len, '*') && len < 4) || (all_of(line, len, '_') && len < 4) ||
	       (all_of(line, len, '#') && len <= 6) || (all_of(line, len, '`') && len < 3) ||
	       (all_of(line, len, '~') && len < 3);
}

/* Behind an ordered item: the number of the next one, its sign perhaps. */
static bool is_open_number(const struct buffer *text, size_t line, size_t content)
{
	static const char digits[] = "0123456789";
	size_t first = strspn(text->data, " \t"), number = strspn(text->data + first, digits);
	size_t next = strspn(text->data + content, digits), end = content + next;
	bool ordered = number && text->data[first + number] && strchr(".)", text->data[first + number]);
	end += end < text->len && strchr(".)", text->data[end]);
	return ordered && line > 0 && next && end == text->len;
}

/* A box that is being written: "[", "[x", "[x]". */
static bool is_open_box(const char *text)
{
	static const char *const boxes[] = {"[", "[ ", "[x", "[X", "[ ]", "[x]", "[X]"};
	for (size_t i = 0; i < sizeof(boxes) / sizeof(*boxes); i++)
		if (strcmp(text, boxes[i]) == 0)
			return true;
	return false;
}

/* --- Inline marks ---------------------------------------------------------------------- */

static size_t run_of(const struct buffer *text, size_t at)
{
	size_t n = 1;
	while (at + n < text->len && text->data[at + n] == text->data[at])
		n++;
	return n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

static bool is_sign(char c)
{
	return (unsigned char)c < 0x80 && ispunct((unsigned char)c);
}

/* The end of the run of exactly n backticks that closes one, 0: none yet. */
static size_t code_end(const struct buffer *text, size_t at, size_t n)
{
	while (at < text->len) {
		if (text->data[at] != '`') {
			at++;
			continue;
		}
		size_t run = run_of(text, at);
		if (run == n)
			return at + run;
		at += run;
	}
	return 0;
}

static void scan_backticks(struct scan *s)
{
	size_t n = run_of(s->text, s->at), end = code_end(s->text, s->at + n, n);
	if (end) {
		s->at = end;
		return;
	}
	if (s->at + n == s->text->len) {
		cut(s->text, s->at);
		return;
	}
	size_t last = s->text->len;
	while (s->text->data[last - 1] == '`')
		last--;
	cut(s->text, last);
	s->backticks = (int)n;
	s->at = last;
}

static bool close_opener(struct scan *s, char c, int count)
{
	for (int i = s->opener_count - 1; i >= 0; i--) {
		if (s->openers[i].c != c)
			continue;
		s->openers[i].count -= count;
		s->opener_count = s->openers[i].count > 0 ? i + 1 : i;
		return true;
	}
	return false;
}

/* A run at the very end closes what is open if it is long enough; else it waits. */
static void end_of_text_run(struct scan *s, char c, int n)
{
	int top = s->opener_count - 1;
	size_t from = s->at;
	s->at += (size_t)n;
	if (top >= 0 && s->openers[top].c == c && s->openers[top].count <= n)
		s->opener_count--;
	else
		cut(s->text, s->at = from);
}

static void scan_run(struct scan *s)
{
	char c = s->text->data[s->at];
	int n = (int)run_of(s->text, s->at);
	char before = s->at > s->start ? s->text->data[s->at - 1] : '\0';
	char after = s->at + (size_t)n < s->text->len ? s->text->data[s->at + (size_t)n] : '\0';
	if (s->at + (size_t)n == s->text->len) {
		end_of_text_run(s, c, n);
		return;
	}
	s->at += (size_t)n;
	bool left = !is_space(after) && (!is_sign(after) || is_space(before) || is_sign(before));
	bool right = !is_space(before) && (!is_sign(before) || is_space(after) || is_sign(after));
	bool inside_word = isalnum((unsigned char)before) && isalnum((unsigned char)after);
	if (c == '~' && n > 2)
		return;
	if (right && (c != '_' || !left || is_sign(after)) && close_opener(s, c, n))
		return;
	/* 2*3 and snake_case are what they look like. */
	if (left && !inside_word && (c != '_' || !right || is_sign(before)) && s->opener_count < OPENERS_MOST)
		s->openers[s->opener_count++] = (struct opener){c, n};
}

static void scan_bracket(struct scan *s)
{
	const char *text = s->text->data;
	size_t from = s->at, close = from + 1;
	char before = from > s->start ? text[from - 1] : ' ';
	s->at++;
	if (isalnum((unsigned char)before) || before == ']')
		return;
	for (int depth = 1; close < s->text->len; close++) {
		depth += text[close] == '[' ? 1 : text[close] == ']' ? -1 : 0;
		if (depth == 0)
			break;
	}
	if (close >= s->text->len) {
		s->bracket = from;
	} else if (close + 1 == s->text->len) {
		cut(s->text, close);
		s->bracket = from;
	} else if (text[close + 1] == '(' && !memchr(text + close, ')', s->text->len - close) &&
		   !strpbrk(text + close, " \n")) {
		s->close_first = ")";
		s->at = s->text->len; /* the text of the link is complete, its address has no marks */
	}
}

static void scan_inlines(struct scan *s)
{
	while (s->at < s->text->len) {
		char c = s->text->data[s->at];
		if (c == '\\' && s->at + 1 == s->text->len)
			cut(s->text, s->at);
		else if (c == '\\')
			s->at += 2;
		else if (c == '`')
			scan_backticks(s);
		else if (c == '*' || c == '_' || c == '~')
			scan_run(s);
		else if (c == '[')
			scan_bracket(s);
		else
			s->at++;
	}
}

/* Marks do not close behind a space: the space goes, it comes back with the next word. */
static void close_inlines(struct scan *s)
{
	if (s->backticks) {
		for (int i = 0; i < s->backticks; i++)
			buffer_puts(s->text, "`");
	} else if (s->opener_count) {
		while (s->text->len > s->start && is_space(s->text->data[s->text->len - 1]))
			cut(s->text, s->text->len - 1);
	}
	if (s->close_first)
		buffer_puts(s->text, s->close_first);
	for (int i = s->opener_count - 1; i >= 0; i--)
		for (int j = 0; j < s->openers[i].count; j++)
			buffer_append(s->text, &s->openers[i].c, 1);
	if (s->bracket < s->text->len) {
		size_t len = s->bracket > 0 && s->text->data[s->bracket - 1] == '!' ? 2 : 1;
		size_t from = s->bracket + 1 - len;
		memmove(s->text->data + from, s->text->data + from + len, s->text->len - from - len + 1);
		s->text->len -= len;
	}
}

static void finish_inlines(struct buffer *text, size_t start)
{
	struct scan s = {.text = text, .at = start, .start = start, .bracket = (size_t)-1};
	scan_inlines(&s);
	close_inlines(&s);
}

/* Where the last paragraph begins. */
static size_t last_paragraph(const struct buffer *text)
{
	size_t at = line_start(text, text->len);
	while (at > 0) {
		size_t content = behind_marks(text, at), before = line_start(text, at - 1);
		bool marked = content > at + strspn(text->data + at, " \t");
		if (marked || text->data[at + strspn(text->data + at, " \t")] == '#' ||
		    behind_marks(text, before) == at - 1)
			break;
		at = before;
	}
	return behind_marks(text, at);
}

void unfinished_text(struct buffer *text, bool line_open)
{
	if (!text->len)
		return;
	if (line_open) {
		size_t line = line_start(text, text->len), content = behind_marks(text, line);
		if (content < text->len &&
		    line_is_open_sign(text->data + content, text->len - content, line == 0 || content > line)) {
			bool item = content > line && text->data[content] != '|';
			cut(text, item ? content : line);
		} else if (is_open_number(text, line, content)) {
			cut(text, line);
		} else if (content > line && is_open_box(text->data + content)) {
			cut(text, content);
		}
	}
	if (text->len)
		finish_inlines(text, last_paragraph(text));
}

/* --- Tables -------------------------------------------------------------------------------- */

static int count_bars(const char *line, size_t len)
{
	int bars = 0;
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\')
			i++;
		else
			bars += line[i] == '|';
	}
	return bars;
}

static void add_dashes(struct buffer *text, size_t head_len)
{
	int columns = count_bars(text->data, head_len) - 1;
	buffer_puts(text, "\n|");
	for (int i = 0; i < columns || i == 0; i++)
		buffer_puts(text, "---|");
}

void unfinished_table(struct buffer *text, bool line_open)
{
	size_t head = text->len ? strcspn(text->data, "\n") : 0;
	const char *second = head < text->len ? memchr(text->data + head + 1, '\n', text->len - head - 1) : NULL;
	bool dashes_open = !second && (head == text->len || line_open);
	if (!text->len || text->data[strspn(text->data, " ")] != '|') {
		finish_inlines(text, last_paragraph(text));
		return;
	}
	if (dashes_open)
		cut(text, head);
	if (text->len == 1) {
		cut(text, 0);
		return;
	}
	size_t line = line_start(text, text->len), cell = text->len;
	while (cell > line && text->data[cell - 1] != '|')
		cell--;
	finish_inlines(text, cell);
	if (dashes_open) {
		if (text->data[text->len - 1] != '|')
			buffer_puts(text, " |");
		add_dashes(text, text->len);
	} else if (text->len - line == 1) {
		cut(text, line - 1);
	}
}

bool unfinished_fence(const char *line, size_t len, char fence, int length)
{
	size_t indent = 0;
	while (indent < len && line[indent] == ' ')
		indent++;
	return len > indent && len - indent < (size_t)length && all_of(line + indent, len - indent, fence);
}
