#include "match.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_BACK = 64 }; /* bytes before a row in which a word may have begun that goes on in it */

void match_set(struct match *m, const struct i18n *tr, const char *query)
{
	struct buffer folded = {0};
	while (m->count)
		free(m->words[--m->count]);
	free(m->words);
	m->words = NULL;
	if (!query)
		return;
	i18n_fold(tr, query, strlen(query), &folded);
	for (const char *at = folded.data; at && *at;) {
		size_t len = strcspn(at, " \t\n");
		if (len) {
			m->words = xreallocarray(m->words, (size_t)m->count + 1, sizeof(*m->words));
			m->words[m->count++] = xstrndup(at, len);
		}
		at += len + (at[len] != '\0');
	}
	buffer_free(&folded);
}

/* How many of the words are in the text, at most `enough`. */
static int found(const struct match *m, const struct i18n *tr, const char *text, size_t len, int enough)
{
	struct buffer folded = {0};
	int count = 0;
	if (!m->count || !len)
		return 0;
	i18n_fold(tr, text, len, &folded);
	for (int i = 0; i < m->count && count < enough && folded.len; i++)
		count += memmem(folded.data, folded.len, m->words[i], strlen(m->words[i])) != NULL;
	buffer_free(&folded);
	return count;
}

bool match_any(const struct match *m, const struct i18n *tr, const char *text, size_t len)
{
	return found(m, tr, text, len, 1) > 0;
}

bool match_all(const struct match *m, const struct i18n *tr, const char *text, size_t len)
{
	return m->count && found(m, tr, text, len, m->count) == m->count;
}

/* The length of a word that begins at pos, 0: none. */
static size_t word_at(const struct match *m, const struct i18n *tr, const char *text, size_t len, size_t pos)
{
	struct buffer folded = {0};
	size_t length = 0;
	for (int i = 0; i < m->count && !length; i++) {
		const char *word = m->words[i];
		size_t at = pos, size = strlen(word);
		bool same = true;
		buffer_clear(&folded);
		while (at < len && folded.len < size && same) {
			size_t next = i18n_cluster_next(tr, text, len, at);
			i18n_fold(tr, text + at, next - at, &folded);
			at = next;
			same = !folded.len || memcmp(folded.data, word, folded.len < size ? folded.len : size) == 0;
		}
		if (same && folded.len >= size)
			length = at - pos;
	}
	buffer_free(&folded);
	return length;
}

char *match_map(const struct match *m, const struct i18n *tr, const char *text, size_t len,
		const struct layout_row *row)
{
	char *map = xcalloc(row->end - row->start + 1, 1);
	size_t at = row->start > LOOK_BACK ? i18n_cluster_prev(tr, text, len, row->start - LOOK_BACK) : 0;
	while (at < row->end) {
		size_t word = word_at(m, tr, text, len, at);
		for (size_t i = 0; i < word && at + i < row->end; i++)
			if (at + i >= row->start)
				map[at + i - row->start] = i ? MATCH_GOES_ON : MATCH_BEGINS;
		at = word ? at + word : i18n_cluster_next(tr, text, len, at);
	}
	return map;
}

bool match_begins(const struct match *m, const struct i18n *tr, const struct piece *piece, int row)
{
	bool begins = false;
	for (int i = 0; i < piece->part_count && !begins && piece->kind != PIECE_FENCE; i++) {
		const struct part *part = &piece->parts[i];
		if (row >= part->layout.count)
			continue;
		const struct layout_row *laid = &part->layout.rows[row];
		char *map = match_map(m, tr, part->text, part->len, laid);
		begins = memchr(map, MATCH_BEGINS, laid->end - laid->start) != NULL;
		free(map);
	}
	return begins;
}
