#include "messages.h"
#include "search.h"

#include <stdlib.h>
#include <string.h>

/* Ids nearer than this are reached by stepping, others by a search of the tree. */
enum { STEP_DISTANCE = 16 };

static const char *const role_names[] = {
	[MESSAGE_SYSTEM] = "system",
	[MESSAGE_USER] = "user",
	[MESSAGE_ASSISTANT] = "assistant",
	[MESSAGE_TOOL] = "tool",
};
static const char *const status_names[] = {
	[MESSAGE_COMPLETE] = "complete",
	[MESSAGE_PARTIAL] = "partial",
};
enum { ROLES = sizeof(role_names) / sizeof(role_names[0]), STATUSES = sizeof(status_names) / sizeof(status_names[0]) };

const char *message_role_name(enum message_role role)
{
	return role_names[role];
}

const char *message_status_name(enum message_status status)
{
	return status_names[status];
}

static int parse_name(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (name && strcmp(names[i], name) == 0)
			return i;
	return -1;
}

int message_role_parse(const char *name, enum message_role *role)
{
	int i = parse_name(role_names, ROLES, name);
	*role = i < 0 ? MESSAGE_USER : (enum message_role)i;
	return i < 0 ? -1 : 0;
}

int message_status_parse(const char *name, enum message_status *status)
{
	int i = parse_name(status_names, STATUSES, name);
	*status = i < 0 ? MESSAGE_COMPLETE : (enum message_status)i;
	return i < 0 ? -1 : 0;
}

void message_free(struct message *message)
{
	free(message->content);
	free(message->model);
	free(message->settings);
	*message = (struct message){0};
}

static int check_size(struct sessions *s, const struct message *message, char *err, size_t errlen)
{
	if (message->len <= SESSIONS_MESSAGE_MAX)
		return 0;
	return store_error(s, err, errlen, "a message of %zu bytes is longer than a session can hold (%zu)",
			   message->len, SESSIONS_MESSAGE_MAX);
}

int message_number(struct sessions *s, int64_t session_row, int64_t id, int64_t *number, char *err, size_t errlen)
{
	if (store_number(s, number, 0, err, errlen, "SELECT number FROM messages WHERE id = ? AND session = ?", "ii",
			 id, session_row))
		return -1;
	return *number ? 0 : store_error(s, err, errlen, "the session has no such message");
}

int message_find(struct sessions *s, int64_t session_row, int64_t number, int64_t *id, char *err, size_t errlen)
{
	if (store_number(s, id, 0, err, errlen, "SELECT id FROM messages WHERE session = ? AND number = ?", "ii",
			 session_row, number))
		return -1;
	if (*id)
		return 0;
	snprintf(err, errlen, "the session has no message %lld", (long long)number);
	return -1;
}

int message_insert(struct sessions *s, int64_t session_row, const struct message *m, int64_t parent_number, int64_t *id,
		   char *err, size_t errlen)
{
	int64_t depth = 0;
	if (check_size(s, m, err, errlen))
		return -1;
	if (parent_number &&
	    store_number(s, &depth, 0, err, errlen, "SELECT depth FROM messages WHERE session = ? AND number = ?", "ii",
			 session_row, parent_number))
		return -1;
	/* A reply that still streams is indexed when it is whole. */
	bool indexed = m->status == MESSAGE_COMPLETE;
	if (store_change(s, err, errlen,
			 "INSERT INTO messages (session, number, parent, depth, role, status, indexed, created,"
			 " prompt_tokens, completion_tokens, first_token_ms, predicted_ms, model, settings, content)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 "iikittiiiifftt"
			 "b",
			 session_row, m->number, parent_number, depth + 1, role_names[m->role], status_names[m->status],
			 (int64_t)indexed, m->created, (int64_t)m->prompt_tokens, (int64_t)m->completion_tokens,
			 m->first_token_ms, m->predicted_ms, m->model, m->settings, m->content, m->len))
		return -1;
	*id = sqlite3_last_insert_rowid(s->db);
	if (m->pinned && message_mark_pinned(s, *id, err, errlen))
		return -1;
	return indexed ? search_add(s, *id, m->content, m->len, err, errlen) : 0;
}

int message_mark_pinned(struct sessions *s, int64_t id, char *err, size_t errlen)
{
	return store_change(s, err, errlen, "INSERT OR REPLACE INTO marks (message, kind) VALUES (?, 'pin')", "i", id);
}

/* Finds the parent's number and the new message's own. */
static int place(struct sessions *s, int64_t session_row, const struct message *m, int64_t *parent, int64_t *number,
		 char *err, size_t errlen)
{
	*parent = 0;
	if (m->parent == 0) {
		if (store_number(s, parent, 0, err, errlen, "SELECT leaf FROM sessions WHERE row = ?", "i",
				 session_row))
			return -1;
	} else if (m->parent != MESSAGE_ROOT && message_number(s, session_row, m->parent, parent, err, errlen)) {
		return -1;
	}
	return store_number(s, number, 1, err, errlen, "SELECT max(number) + 1 FROM messages WHERE session = ?", "i",
			    session_row);
}

int message_touch(struct sessions *s, int64_t session_row, int64_t leaf, char *err, size_t errlen)
{
	if (store_change(s, err, errlen,
			 "UPDATE sessions SET leaf = ?, updated = ?,"
			 " activity = (SELECT max(activity) + 1 FROM sessions) WHERE row = ?",
			 "iii", leaf, store_now(), session_row))
		return -1;
	if (sqlite3_changes(s->db) == 0)
		return store_error(s, err, errlen, "the session is no longer there");
	return 0;
}

int message_append(struct sessions *s, int64_t session_row, struct message *message, char *err, size_t errlen)
{
	struct message placed = *message;
	int64_t parent = 0, parent_id = 0;
	if (check_size(s, message, err, errlen) || session_lock(s, session_row, err, errlen) ||
	    store_begin(s, err, errlen))
		return -1;
	if (!placed.created)
		placed.created = store_now();
	int code = place(s, session_row, message, &parent, &placed.number, err, errlen);
	if (code == 0)
		code = message_insert(s, session_row, &placed, parent, &placed.id, err, errlen);
	if (code == 0)
		code = message_touch(s, session_row, placed.number, err, errlen);
	if (code == 0 && parent)
		code = message_find(s, session_row, parent, &parent_id, err, errlen);
	code = store_end(s, code, err, errlen);
	if (code == 0) {
		message->id = placed.id;
		message->parent = parent_id;
		message->number = placed.number;
		message->created = placed.created;
	}
	return code;
}

static int update(struct sessions *s, const struct message *m, char *err, size_t errlen)
{
	bool whole = m->status == MESSAGE_COMPLETE;
	if (search_remove(s, m->id, err, errlen))
		return -1;
	if (store_change(s, err, errlen,
			 "UPDATE messages SET status = ?, indexed = ?, prompt_tokens = ?, completion_tokens = ?,"
			 " first_token_ms = ?, predicted_ms = ?, settings = ?, content = ? WHERE id = ?",
			 "tiiifftbi", status_names[m->status], (int64_t)whole, (int64_t)m->prompt_tokens,
			 (int64_t)m->completion_tokens, m->first_token_ms, m->predicted_ms, m->settings, m->content,
			 m->len, m->id))
		return -1;
	if (sqlite3_changes(s->db) == 0)
		return store_error(s, err, errlen, "the message is no longer there");
	if (!whole)
		return 0;
	if (store_change(s, err, errlen,
			 "UPDATE sessions SET updated = ? WHERE row = (SELECT session FROM messages WHERE id = ?)",
			 "ii", store_now(), m->id))
		return -1;
	return search_add(s, m->id, m->content, m->len, err, errlen);
}

int message_update(struct sessions *s, const struct message *message, char *err, size_t errlen)
{
	if (check_size(s, message, err, errlen) || store_begin(s, err, errlen))
		return -1;
	return store_end(s, update(s, message, err, errlen), err, errlen);
}

/* Every message of the session, by number, from the index alone. */
static int read_links(struct sessions *s, int64_t session_row, struct message_link **out, size_t *count, char *err,
		      size_t errlen)
{
	*out = NULL;
	*count = 0;
	size_t size = 0;
	sqlite3_stmt *stmt = store_query(
		s, err, errlen, "SELECT id, number, parent FROM messages INDEXED BY messages_parent WHERE session = ?",
		"i", session_row);
	int code = stmt ? 1 : -1;
	while (code > 0 && (code = store_row(s, stmt, err, errlen)) > 0) {
		if (*count == size)
			*out = xreallocarray(*out, size = size ? size * 2 : 64, sizeof(**out));
		(*out)[(*count)++] = (struct message_link){
			.id = sqlite3_column_int64(stmt, 0),
			.number = sqlite3_column_int64(stmt, 1),
			.parent = sqlite3_column_int64(stmt, 2),
		};
	}
	if (code < 0) {
		free(*out);
		*out = NULL;
	}
	return code;
}

/* The index gives links by parent, then number: siblings stand together. */
static void count_siblings(struct message_link *links, size_t count)
{
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && links[end].parent == links[i].parent; end++)
			;
		for (size_t k = i; k < end; k++) {
			links[k].sibling = (int)(k - i) + 1;
			links[k].siblings = (int)(end - i);
		}
	}
}

static int by_number(const void *a, const void *b)
{
	const struct message_link *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

int message_tree_links(struct sessions *s, int64_t session_row, struct message_link **out, size_t *count, char *err,
		       size_t errlen)
{
	if (read_links(s, session_row, out, count, err, errlen))
		return -1;
	count_siblings(*out, *count);
	bool sorted = true; /* as it is without branches */
	for (size_t i = 1; i < *count && sorted; i++)
		sorted = (*out)[i - 1].number < (*out)[i].number;
	if (!sorted)
		qsort(*out, *count, sizeof(**out), by_number);
	return 0;
}

int message_links(struct sessions *s, int64_t session_row, int64_t message, struct message_link **out, size_t *count,
		  char *err, size_t errlen)
{
	int64_t number = 0;
	*out = NULL;
	*count = 0;
	if (message == 0)
		return 0;
	if (message_number(s, session_row, message, &number, err, errlen) ||
	    message_tree_links(s, session_row, out, count, err, errlen))
		return -1;
	/* From the leaf down: a parent's number is smaller, so one pass meets the
	 * path in order, and it is gathered at the array's end. */
	size_t keep = *count;
	for (size_t i = *count; i-- > 0 && number;) {
		if ((*out)[i].number != number)
			continue;
		number = (*out)[i].parent;
		(*out)[--keep] = (*out)[i];
	}
	*count -= keep;
	memmove(*out, *out + keep, *count * sizeof(**out));
	return 0;
}

#define MESSAGE_COLUMNS                                                                                            \
	"SELECT id, role, status, created, prompt_tokens, completion_tokens, first_token_ms, predicted_ms, model," \
	" settings, content, number, parent, depth FROM messages"
#define MESSAGE_SELECT MESSAGE_COLUMNS " WHERE id >= ? ORDER BY id"

static void read_message(sqlite3_stmt *stmt, const struct message_link *link, struct message *out)
{
	*out = (struct message){
		.id = link->id,
		.number = link->number,
		.created = sqlite3_column_int64(stmt, 3),
		.prompt_tokens = sqlite3_column_int(stmt, 4),
		.completion_tokens = sqlite3_column_int(stmt, 5),
		.first_token_ms = sqlite3_column_double(stmt, 6),
		.predicted_ms = sqlite3_column_double(stmt, 7),
		.model = store_text(stmt, 8),
		.settings = store_text(stmt, 9),
		.content = store_text(stmt, 10),
		.len = (size_t)sqlite3_column_bytes(stmt, 10),
		.sibling = link->sibling,
		.siblings = link->siblings,
	};
	message_role_parse((const char *)sqlite3_column_text(stmt, 1), &out->role);
	message_status_parse((const char *)sqlite3_column_text(stmt, 2), &out->status);
}

/* Brings stmt to the row with the id, which is greater than the current one. */
static int seek(struct sessions *s, sqlite3_stmt **stmt, int64_t id, char *err, size_t errlen)
{
	int code = 0;
	if (*stmt && id - sqlite3_column_int64(*stmt, 0) <= STEP_DISTANCE) {
		do
			code = store_row(s, *stmt, err, errlen);
		while (code > 0 && sqlite3_column_int64(*stmt, 0) < id);
	} else {
		*stmt = store_query(s, err, errlen, MESSAGE_SELECT, "i", id);
		code = *stmt ? store_row(s, *stmt, err, errlen) : -1;
	}
	if (code > 0 && sqlite3_column_int64(*stmt, 0) == id)
		return 0;
	if (code > 0)
		sqlite3_reset(*stmt);
	if (code >= 0)
		store_error(s, err, errlen, "a message vanished while it was read; try again");
	return -1;
}

static int64_t parent_id(const struct message_link *links, size_t count, int64_t number)
{
	struct message_link key = {.number = number};
	const struct message_link *found = number && count ? bsearch(&key, links, count, sizeof(key), by_number) : NULL;
	return found ? found->id : 0;
}

/* Pinned messages of the session, by rising id. Caller frees. */
static int read_pins(struct sessions *s, int64_t session_row, int64_t **ids, size_t *count, char *err, size_t errlen)
{
	size_t size = 0;
	int code;
	sqlite3_stmt *stmt = store_query(s, err, errlen,
					 "SELECT k.message FROM marks k CROSS JOIN messages m ON m.id = k.message"
					 " WHERE m.session = ? AND k.kind = 'pin' ORDER BY k.message",
					 "i", session_row);
	*ids = NULL;
	*count = 0;
	if (!stmt)
		return -1;
	while ((code = store_row(s, stmt, err, errlen)) > 0) {
		if (*count == size)
			*ids = xreallocarray(*ids, size = size ? size * 2 : 8, sizeof(**ids));
		(*ids)[(*count)++] = sqlite3_column_int64(stmt, 0);
	}
	return code;
}

static int mark_pinned(struct sessions *s, int64_t session_row, struct message *messages, size_t count, char *err,
		       size_t errlen)
{
	int64_t *pins;
	size_t pinned, at = 0;
	int code = read_pins(s, session_row, &pins, &pinned, err, errlen);
	for (size_t i = 0; i < count && code == 0; i++) {
		while (at < pinned && pins[at] < messages[i].id)
			at++;
		messages[i].pinned = at < pinned && pins[at] == messages[i].id;
	}
	free(pins);
	return code;
}

static void free_messages(struct message **messages, size_t count)
{
	while (count > 0)
		message_free(&(*messages)[--count]);
	free(*messages);
	*messages = NULL;
}

/* Reads the messages of links (by rising number, hence rising id) from the first-th on. */
static int read_messages(struct sessions *s, int64_t session_row, const struct message_link *links, size_t first,
			 size_t count, struct message **out, char *err, size_t errlen)
{
	sqlite3_stmt *stmt = NULL;
	int code = 0;
	size_t done = 0;
	*out = xcalloc(count - first, sizeof(**out));
	for (size_t i = first; i < count && code == 0; i++) {
		code = seek(s, &stmt, links[i].id, err, errlen);
		if (code)
			break;
		read_message(stmt, &links[i], &(*out)[done]);
		(*out)[done++].parent = parent_id(links, i, links[i].parent);
	}
	if (stmt && code == 0)
		sqlite3_reset(stmt);
	if (code == 0)
		code = mark_pinned(s, session_row, *out, done, err, errlen);
	if (code)
		free_messages(out, done);
	return code;
}

int message_path_from(struct sessions *s, int64_t session_row, const int64_t *known, size_t known_count, size_t *same,
		      struct message **out, size_t *count, char *err, size_t errlen)
{
	int64_t leaf;
	struct message_link *links;
	size_t total;
	*out = NULL;
	*count = *same = 0;
	if (store_number(s, &leaf, 0, err, errlen,
			 "SELECT m.id FROM sessions s JOIN messages m ON m.session = s.row AND m.number = s.leaf"
			 " WHERE s.row = ?",
			 "i", session_row) ||
	    message_links(s, session_row, leaf, &links, &total, err, errlen))
		return -1;
	while (*same < total && *same < known_count && links[*same].id == known[*same])
		(*same)++;
	int code = read_messages(s, session_row, links, *same, total, out, err, errlen);
	if (code == 0)
		*count = total - *same;
	free(links);
	return code;
}

int message_path(struct sessions *s, int64_t session_row, struct message **out, size_t *count, char *err, size_t errlen)
{
	size_t same;
	return message_path_from(s, session_row, NULL, 0, &same, out, count, err, errlen);
}

/* --- The end of a path -------------------------------------------------------------- */

/* Messages are met from the last to the first: numbers fall, and most often by one. */
struct walk {
	struct sessions *s;
	int64_t row;
	sqlite3_stmt *stmt;        /* at a message with a number above the next one's, or NULL */
	int64_t next;              /* the number of the message to read next, 0: none is left */
	int64_t depth;             /* of the message read last */
	struct message_link *read; /* their places, from the last message to the first */
	struct message *messages;
	size_t count, size;
};

/* Brings the statement to message number `next`. 1: there, -1: err. */
static int walk_seek(struct walk *w, char *err, size_t errlen)
{
	int code = 1;
	if (w->stmt && sqlite3_column_int64(w->stmt, 11) - w->next > STEP_DISTANCE) {
		sqlite3_reset(w->stmt);
		w->stmt = NULL;
	}
	if (!w->stmt)
		w->stmt = store_query(w->s, err, errlen,
				      MESSAGE_COLUMNS " WHERE session = ? AND number <= ? ORDER BY number DESC", "ii",
				      w->row, w->next);
	if (!w->stmt)
		return -1;
	do
		code = store_row(w->s, w->stmt, err, errlen);
	while (code > 0 && sqlite3_column_int64(w->stmt, 11) > w->next);
	if (code > 0 && sqlite3_column_int64(w->stmt, 11) == w->next)
		return 1;
	if (code > 0)
		sqlite3_reset(w->stmt);
	w->stmt = NULL;
	return code < 0 ? -1 : store_error(w->s, err, errlen, "a message vanished while it was read; try again");
}

static void walk_take(struct walk *w)
{
	if (w->count == w->size) {
		w->size = w->size ? w->size * 2 : 64;
		w->read = xreallocarray(w->read, w->size, sizeof(*w->read));
		w->messages = xreallocarray(w->messages, w->size, sizeof(*w->messages));
	}
	struct message_link link = {.id = sqlite3_column_int64(w->stmt, 0),
				    .number = w->next,
				    .parent = sqlite3_column_int64(w->stmt, 12),
				    .sibling = 0};
	w->read[w->count] = link;
	read_message(w->stmt, &link, &w->messages[w->count++]);
	w->depth = sqlite3_column_int64(w->stmt, 13);
	w->next = link.parent;
}

static void swap_messages(struct walk *w)
{
	for (size_t i = 0, k = w->count; i + 1 < k--; i++) {
		struct message message = w->messages[i];
		struct message_link link = w->read[i];
		w->messages[i] = w->messages[k];
		w->read[i] = w->read[k];
		w->messages[k] = message;
		w->read[k] = link;
	}
}

/* Of messages first..count - 1, whose parents have rising numbers: which child of its parent each is. */
static int place_siblings(struct walk *w, size_t first, char *err, size_t errlen)
{
	if (first == w->count)
		return 0;
	sqlite3_stmt *stmt = store_query(w->s, err, errlen,
					 "SELECT parent, number FROM messages INDEXED BY messages_parent"
					 " WHERE session = ? AND parent BETWEEN ? AND ? ORDER BY parent, number",
					 "iii", w->row, w->read[first].parent, w->read[w->count - 1].parent);
	int code = stmt ? 1 : -1;
	while (code > 0 && (code = store_row(w->s, stmt, err, errlen)) > 0) {
		int64_t parent = sqlite3_column_int64(stmt, 0);
		while (w->read[first].parent < parent)
			first++;
		if (w->read[first].parent != parent)
			continue;
		w->messages[first].siblings++;
		w->messages[first].sibling += sqlite3_column_int64(stmt, 1) <= w->read[first].number;
	}
	return code;
}

static int place_root(struct walk *w, char *err, size_t errlen)
{
	int64_t siblings, sibling;
	if (store_number(w->s, &siblings, 1, err, errlen,
			 "SELECT count(*) FROM messages WHERE session = ? AND parent IS NULL", "i", w->row) ||
	    store_number(w->s, &sibling, 1, err, errlen,
			 "SELECT count(*) FROM messages WHERE session = ? AND parent IS NULL AND number <= ?", "ii",
			 w->row, w->read[0].number))
		return -1;
	w->messages[0].siblings = (int)siblings;
	w->messages[0].sibling = (int)sibling;
	return 0;
}

/* Parents and siblings of what was read, which is in order now. */
static int walk_place(struct walk *w, char *err, size_t errlen)
{
	size_t root = w->count && !w->read[0].parent;
	if (!w->count)
		return 0;
	if (!root && message_find(w->s, w->row, w->read[0].parent, &w->messages[0].parent, err, errlen))
		return -1;
	for (size_t i = 1; i < w->count; i++)
		w->messages[i].parent = w->messages[i - 1].id;
	return (root && place_root(w, err, errlen)) || place_siblings(w, root, err, errlen) ? -1 : 0;
}

static int walk_end(struct walk *w, size_t most, struct message_end *out, char *err, size_t errlen)
{
	int64_t *pins = NULL;
	size_t pin_count = 0;
	int code = 0;
	while (w->next && w->count < most && (code = walk_seek(w, err, errlen)) > 0)
		walk_take(w);
	if (w->stmt)
		sqlite3_reset(w->stmt);
	swap_messages(w);
	if (code >= 0)
		code = walk_place(w, err, errlen) ? -1 : read_pins(w->s, w->row, &pins, &pin_count, err, errlen);
	if (code >= 0 && w->count) {
		out->pins_earlier = pin_count && pins[0] < w->messages[0].id;
		code = pin_count ? mark_pinned(w->s, w->row, w->messages, w->count, err, errlen) : 0;
	}
	free(pins);
	return code;
}

int message_path_end(struct sessions *s, int64_t session_row, int64_t before, size_t most, struct message_end *out,
		     char *err, size_t errlen)
{
	struct walk w = {.s = s, .row = session_row};
	*out = (struct message_end){0};
	int code = before ? store_number(s, &w.next, 0, err, errlen,
					 "SELECT parent FROM messages WHERE id = ? AND session = ?", "ii", before,
					 session_row)
			  : store_number(s, &w.next, 0, err, errlen, "SELECT leaf FROM sessions WHERE row = ?", "i",
					 session_row);
	if (code == 0)
		code = walk_end(&w, most, out, err, errlen);
	out->messages = w.messages;
	out->count = w.count;
	out->earlier = w.count && w.next && w.depth > 1 ? (size_t)w.depth - 1 : 0;
	free(w.read);
	if (code)
		message_end_free(out);
	return code;
}

void message_end_free(struct message_end *end)
{
	free_messages(&end->messages, end->count);
	*end = (struct message_end){0};
}

int message_tree(struct sessions *s, int64_t session_row, struct message **out, size_t *count, char *err, size_t errlen)
{
	struct message_link *links;
	*out = NULL;
	if (message_tree_links(s, session_row, &links, count, err, errlen))
		return -1;
	int code = read_messages(s, session_row, links, 0, *count, out, err, errlen);
	free(links);
	return code;
}
