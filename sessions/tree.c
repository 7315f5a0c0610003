/* The tree of a session: a message's siblings are the other answers to the same
 * words, or the other words in the same place. Going to one of them moves the
 * leaf; nothing is ever removed. */
#include "messages.h"
#include "store.h"

#include <stdlib.h>
#include <string.h>

int tree_place(struct sessions *s, int64_t session_row, int64_t message, struct tree_place *out, char *err,
	       size_t errlen)
{
	sqlite3_stmt *stmt = store_query(
		s, err, errlen,
		"SELECT m.number, count(*), sum(b.number <= m.number) FROM messages m JOIN messages b"
		" ON b.session = m.session AND b.parent IS m.parent WHERE m.id = ? AND m.session = ? GROUP BY m.id",
		"ii", message, session_row);
	int code = stmt ? store_row(s, stmt, err, errlen) : -1;
	if (code < 0)
		return -1;
	if (code == 0)
		return store_error(s, err, errlen, "the session has no such message");
	out->number = sqlite3_column_int64(stmt, 0);
	out->siblings = sqlite3_column_int(stmt, 1);
	out->sibling = sqlite3_column_int(stmt, 2);
	sqlite3_reset(stmt);
	return 0;
}

int tree_sibling(struct sessions *s, int64_t session_row, int64_t message, int step, int64_t *other, char *err,
		 size_t errlen)
{
	if (step < 0)
		return store_number(s, other, 0, err, errlen,
				    "SELECT b.id FROM messages m JOIN messages b ON b.session = m.session"
				    " AND b.parent IS m.parent AND b.number < m.number"
				    " WHERE m.id = ? AND m.session = ? ORDER BY b.number DESC LIMIT 1",
				    "ii", message, session_row);
	return store_number(s, other, 0, err, errlen,
			    "SELECT b.id FROM messages m JOIN messages b ON b.session = m.session"
			    " AND b.parent IS m.parent AND b.number > m.number"
			    " WHERE m.id = ? AND m.session = ? ORDER BY b.number LIMIT 1",
			    "ii", message, session_row);
}

/* Index of the link with the number; count: there is none. */
static size_t find(const struct message_link *links, size_t count, int64_t number)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (links[middle].number == number)
			return middle;
		if (links[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return count;
}

/* Parents have smaller numbers: one pass meets every descendant after its parent. */
static int64_t newest_below(const struct message_link *links, size_t count, int64_t number)
{
	bool *below = xcalloc(count, sizeof(*below));
	int64_t newest = 0;
	for (size_t i = find(links, count, number); i < count; i++) {
		size_t parent = links[i].parent ? find(links, i, links[i].parent) : i;
		below[i] = links[i].number == number || (parent < i && below[parent]);
		if (below[i])
			newest = links[i].id;
	}
	free(below);
	return newest;
}

int tree_newest(struct sessions *s, int64_t session_row, int64_t message, int64_t *newest, char *err, size_t errlen)
{
	int64_t number = 0;
	struct message_link *links;
	size_t count;
	if (message == 0)
		return store_number(s, newest, 0, err, errlen,
				    "SELECT id FROM messages WHERE session = ? ORDER BY number DESC LIMIT 1", "i",
				    session_row);
	if (message_number(s, session_row, message, &number, err, errlen) ||
	    message_tree_links(s, session_row, &links, &count, err, errlen))
		return -1;
	*newest = newest_below(links, count, number);
	free(links);
	return 0;
}

int tree_pin(struct sessions *s, int64_t session_row, int64_t message, bool pinned, char *err, size_t errlen)
{
	int64_t number;
	if (message_number(s, session_row, message, &number, err, errlen) || store_begin(s, err, errlen))
		return -1;
	int code = pinned ? message_mark_pinned(s, message, err, errlen)
			  : store_change(s, err, errlen, "DELETE FROM marks WHERE message = ? AND kind = 'pin'", "i",
					 message);
	return store_end(s, code, err, errlen);
}

int tree_branch(struct sessions *s, int64_t session_row, struct message *messages, size_t count, char *err,
		size_t errlen)
{
	int64_t number, parent = 0, parent_id = 0;
	struct message *placed = xcalloc(count, sizeof(*placed));
	int code = session_lock(s, session_row, err, errlen) || store_begin(s, err, errlen) ? -1 : 0;
	if (code)
		goto out;
	code = store_number(s, &number, 0, err, errlen, "SELECT max(number) FROM messages WHERE session = ?", "i",
			    session_row);
	for (size_t i = 0; i < count && code == 0; i++) {
		placed[i] = messages[i];
		placed[i].number = ++number;
		placed[i].parent = parent_id;
		if (!placed[i].created)
			placed[i].created = store_now();
		code = message_insert(s, session_row, &placed[i], parent, &placed[i].id, err, errlen);
		parent = number;
		parent_id = placed[i].id;
	}
	if (code == 0 && count)
		code = message_touch(s, session_row, number, err, errlen);
	code = store_end(s, code, err, errlen);
	if (code == 0 && count)
		memcpy(messages, placed, count * sizeof(*messages));
out:
	free(placed);
	return code;
}
