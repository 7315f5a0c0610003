#include "patch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 3, TABLE_MOST = 4 << 20 };

struct line {
	const char *text;
	size_t len; /* without its \n */
};
struct lines {
	struct line *list;
	size_t count, size;
};

static void add_line(struct lines *l, const char *text, size_t len)
{
	if (l->count == l->size) {
		l->size = l->size ? l->size * 2 : 64;
		l->list = xreallocarray(l->list, l->size, sizeof(*l->list));
	}
	l->list[l->count++] = (struct line){text, len};
}

static struct lines split(const char *text, size_t len)
{
	struct lines l = {0};
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t end = newline ? (size_t)(newline - text) : len;
		add_line(&l, text + at, end - at);
		at = end + 1;
	}
	return l;
}

static bool same(const struct line *a, const struct line *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static struct line trimmed(struct line l)
{
	while (l.len && strchr(" \t\r", l.text[l.len - 1]))
		l.len--;
	return l;
}

static bool similar(const struct line *a, const struct line *b)
{
	struct line left = trimmed(*a), right = trimmed(*b);
	return same(&left, &right);
}

static bool starts(const struct line *l, const char *text)
{
	size_t len = strlen(text);
	return l->len >= len && memcmp(l->text, text, len) == 0;
}

/* --- Taking ------------------------------------------------------------------------------- */

bool patch_is_diff(const char *text, size_t len)
{
	struct lines l = split(text, len);
	bool hunk = false, changed = false;
	for (size_t i = 0; i < l.count; i++) {
		hunk = hunk || starts(&l.list[i], "@@");
		changed = changed || (hunk && l.list[i].len && strchr("+-", l.list[i].text[0]));
	}
	bool begins = l.count && (starts(&l.list[0], "@@") || starts(&l.list[0], "--- ") ||
				  starts(&l.list[0], "diff ") || starts(&l.list[0], "index "));
	free(l.list);
	return begins && hunk && changed;
}

char *patch_file(const char *diff, size_t len)
{
	struct lines l = split(diff, len);
	char *name = NULL;
	for (size_t i = 0; i < l.count && !name; i++) {
		if (!starts(&l.list[i], "+++ "))
			continue;
		struct line file = trimmed((struct line){l.list[i].text + 4, l.list[i].len - 4});
		const char *tab = memchr(file.text, '\t', file.len);
		file.len = tab ? (size_t)(tab - file.text) : file.len;
		size_t skip = file.len > 2 && strchr("ab", file.text[0]) && file.text[1] == '/' ? 2 : 0;
		name = xstrndup(file.text + skip, file.len - skip);
	}
	free(l.list);
	return name;
}

struct hunk {
	struct lines old, new;
	size_t hint; /* line of the old file, from 0 */
	int number;
};

/* Reads the hunk whose @@ is at *at; moves behind it. */
static struct hunk read_hunk(const struct lines *diff, size_t *at, int number)
{
	struct hunk h = {.number = number};
	const struct line *head = &diff->list[(*at)++];
	const char *minus = memchr(head->text, '-', head->len);
	long hint = minus ? strtol(minus + 1, NULL, 10) : 0;
	h.hint = hint > 0 ? (size_t)hint - 1 : 0;
	for (; *at < diff->count; (*at)++) {
		const struct line *l = &diff->list[*at];
		char sign = l->len ? l->text[0] : ' ';
		bool next_file = starts(l, "diff ") ||
				 (starts(l, "--- ") && *at + 1 < diff->count && starts(&diff->list[*at + 1], "+++ "));
		if (starts(l, "@@") || next_file)
			break;
		/* Models forget the space before a line that begins with a tab. */
		size_t skip = l->len && sign != '\t';
		const char *text = l->text + skip;
		size_t len = l->len - skip;
		if (sign == ' ' || sign == '\t' || sign == '-')
			add_line(&h.old, text, len);
		if (sign == ' ' || sign == '\t' || sign == '+')
			add_line(&h.new, text, len);
	}
	return h;
}

static bool fits(const struct lines *file, size_t at, const struct lines *old,
		 bool (*equal)(const struct line *, const struct line *))
{
	if (at + old->count > file->count)
		return false;
	for (size_t i = 0; i < old->count; i++)
		if (!equal(&file->list[at + i], &old->list[i]))
			return false;
	return true;
}

/* The place nearest to the hint where the hunk's lines stand, from `from` on; SIZE_MAX: none. */
static size_t place(const struct lines *file, size_t from, const struct hunk *h)
{
	size_t best = SIZE_MAX;
	if (h->old.count == 0)
		return h->hint < from ? from : h->hint < file->count ? h->hint : file->count;
	for (int pass = 0; pass < 2 && best == SIZE_MAX; pass++)
		for (size_t at = from; at + h->old.count <= file->count; at++) {
			size_t far = at > h->hint ? at - h->hint : h->hint - at;
			size_t best_far = best > h->hint ? best - h->hint : h->hint - best;
			if ((best == SIZE_MAX || far < best_far) && fits(file, at, &h->old, pass ? similar : same))
				best = at;
		}
	return best;
}

static void put_line(struct buffer *out, const struct line *l)
{
	buffer_append(out, l->text, l->len);
	buffer_puts(out, "\n");
}

/* Lines that the diff leaves alone stay as the file has them. */
static void put_hunk(struct buffer *out, const struct lines *file, size_t at, const struct hunk *h)
{
	size_t o = 0;
	for (size_t n = 0; n < h->new.count; n++) {
		size_t same_at = o;
		while (same_at < h->old.count && h->old.list[same_at].text != h->new.list[n].text)
			same_at++;
		if (same_at < h->old.count) {
			put_line(out, &file->list[at + same_at]);
			o = same_at + 1;
		} else {
			put_line(out, &h->new.list[n]);
		}
	}
}

int patch_apply(const char *old, size_t old_len, const char *text, size_t len, struct buffer *out, char *err,
		size_t errlen)
{
	struct lines file = split(old, old_len), diff = split(text, len);
	size_t done = 0, at = 0;
	int number = 0, files = 0, failed = 0;
	while (at < diff.count && !failed) {
		files += starts(&diff.list[at], "+++ ");
		if (!starts(&diff.list[at], "@@")) {
			at++;
			continue;
		}
		struct hunk h = read_hunk(&diff, &at, ++number);
		size_t found = place(&file, done, &h);
		if (found == SIZE_MAX) {
			snprintf(err, errlen,
				 "part %d of the diff does not fit the file: '%.*s' is not there as it says", number,
				 h.old.list[0].len < 80 ? (int)h.old.list[0].len : 80, h.old.list[0].text);
			failed = -1;
		} else {
			while (done < found)
				put_line(out, &file.list[done++]);
			put_hunk(out, &file, found, &h);
			done = found + h.old.count;
		}
		free(h.old.list);
		free(h.new.list);
	}
	if (!failed && files > 1) {
		snprintf(err, errlen, "the diff changes %d files; apply it with patch(1)", files);
		failed = -1;
	}
	while (!failed && done < file.count)
		put_line(out, &file.list[done++]);
	if (!failed && old_len && old[old_len - 1] != '\n' && out->len)
		out->data[--out->len] = '\0';
	free(file.list);
	free(diff.list);
	return failed;
}

/* --- Making ---------------------------------------------------------------------------------- */

struct maker {
	struct lines a, b;
	size_t first, a_end, b_end; /* what is different lies between */
	char *kept;                 /* of a, then of b: 1 for lines that both have */
	struct buffer *out;
};

/* The longest common part of what is different; when that would take too much, there is none. */
static void compare(struct maker *m)
{
	size_t rows = m->a_end - m->first, columns = m->b_end - m->first;
	char *kept_b = m->kept + m->a.count;
	memset(m->kept, 1, m->a.count + m->b.count);
	memset(m->kept + m->first, 0, rows);
	memset(kept_b + m->first, 0, columns);
	if (rows == 0 || columns == 0 || rows > TABLE_MOST / columns)
		return;
	uint16_t *table = xcalloc((rows + 1) * (columns + 1), sizeof(*table));
	for (size_t i = rows; i-- > 0;)
		for (size_t j = columns; j-- > 0;) {
			uint16_t *here = &table[i * (columns + 1) + j];
			uint16_t down = here[columns + 1], right = here[1];
			bool equal = same(&m->a.list[m->first + i], &m->b.list[m->first + j]);
			*here = equal ? (uint16_t)(here[columns + 2] + 1) : down > right ? down : right;
		}
	for (size_t i = 0, j = 0; i < rows && j < columns;) {
		const uint16_t *here = &table[i * (columns + 1) + j];
		if (same(&m->a.list[m->first + i], &m->b.list[m->first + j]))
			m->kept[m->first + i++] = kept_b[m->first + j++] = 1;
		else if (here[columns + 1] >= here[1])
			i++;
		else
			j++;
	}
	free(table);
}

static void put_signed(struct buffer *out, char sign, const struct line *l)
{
	buffer_append(out, &sign, 1);
	put_line(out, l);
}

/* Lines a and b on from one place up to where CONTEXT lines behind a change are the same. */
static void put_part(struct maker *m, size_t *i, size_t *j)
{
	const char *kept_b = m->kept + m->a.count;
	size_t from_a = *i, from_b = *j, quiet = 0, x = *i, y = *j;
	struct buffer body = {0};
	while (x < m->a.count || y < m->b.count) {
		bool keep = x < m->a.count && y < m->b.count && m->kept[x] && kept_b[y];
		if (keep && quiet == 2 * CONTEXT)
			break;
		if (keep) {
			put_signed(&body, ' ', &m->a.list[x++]);
			y++;
			quiet++;
			continue;
		}
		quiet = 0;
		while (x < m->a.count && !m->kept[x])
			put_signed(&body, '-', &m->a.list[x++]);
		while (y < m->b.count && !kept_b[y])
			put_signed(&body, '+', &m->b.list[y++]);
	}
	/* What is quiet at the end belongs to the part only as far as the context goes. */
	for (; quiet > CONTEXT; quiet--) {
		x--, y--;
		body.len--;
		while (body.len && body.data[body.len - 1] != '\n')
			body.len--;
	}
	buffer_printf(m->out, "@@ -%zu,%zu +%zu,%zu @@\n", from_a + 1, x - from_a, from_b + 1, y - from_b);
	buffer_append(m->out, body.data, body.len);
	buffer_free(&body);
	*i = x;
	*j = y;
}

void patch_make(const char *old, size_t old_len, const char *new, size_t new_len, const char *name, struct buffer *out)
{
	if (old_len == new_len && (old_len == 0 || memcmp(old, new, old_len) == 0))
		return;
	struct maker m = {.a = split(old, old_len), .b = split(new, new_len), .out = out};
	m.a_end = m.a.count;
	m.b_end = m.b.count;
	while (m.first < m.a_end && m.first < m.b_end && same(&m.a.list[m.first], &m.b.list[m.first]))
		m.first++;
	while (m.a_end > m.first && m.b_end > m.first && same(&m.a.list[m.a_end - 1], &m.b.list[m.b_end - 1]))
		m.a_end--, m.b_end--;
	m.kept = xcalloc(m.a.count + m.b.count + 1, 1);
	compare(&m);
	buffer_printf(out, "--- %s\n+++ %s\n", name, name);
	const char *kept_b = m.kept + m.a.count;
	for (size_t i = 0, j = 0; i < m.a.count || j < m.b.count;) {
		size_t ahead = 0;
		while (i + ahead < m.a.count && j + ahead < m.b.count && m.kept[i + ahead] && kept_b[j + ahead])
			ahead++;
		if (i + ahead >= m.a.count && j + ahead >= m.b.count)
			break;
		size_t skip = ahead > CONTEXT ? ahead - CONTEXT : 0;
		i += skip;
		j += skip;
		put_part(&m, &i, &j);
	}
	free(m.kept);
	free(m.a.list);
	free(m.b.list);
}
