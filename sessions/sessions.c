#include "sessions.h"
#include "codec.h"
#include "locks.h"
#include "messages.h"
#include "search.h"
#include "session_id.h"
#include "store.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tokens: what the latest reply of the path had in front of it, and itself. */
#define SESSION_SELECT                                                                                          \
	"SELECT s.row, s.id, s.title, s.model, s.system, s.created, s.updated, s.pinned, coalesce(m.depth, 0)," \
	" coalesce(m.id, 0), coalesce(nullif(m.prompt_tokens + m.completion_tokens, 0),"                        \
	" (SELECT p.prompt_tokens + p.completion_tokens FROM messages p"                                        \
	"  WHERE p.session = m.session AND p.number = m.parent), 0)"                                            \
	" FROM sessions s LEFT JOIN messages m ON m.session = s.row AND m.number = s.leaf "

/* Also when all was taken back: the words are still there. */
#define HAS_MESSAGES "EXISTS (SELECT 1 FROM messages e WHERE e.session = s.row)"

void session_free(struct session *session)
{
	free(session->title);
	free(session->model);
	free(session->system);
	*session = (struct session){0};
}

static void read_session(sqlite3_stmt *stmt, struct session *out)
{
	*out = (struct session){
		.row = sqlite3_column_int64(stmt, 0),
		.title = store_text(stmt, 2),
		.model = store_text(stmt, 3),
		.system = store_text(stmt, 4),
		.created = sqlite3_column_int64(stmt, 5),
		.updated = sqlite3_column_int64(stmt, 6),
		.pinned = sqlite3_column_int(stmt, 7),
		.messages = sqlite3_column_int(stmt, 8),
		.leaf = sqlite3_column_int64(stmt, 9),
		.tokens = sqlite3_column_int(stmt, 10),
	};
	snprintf(out->id, sizeof(out->id), "%s", (const char *)sqlite3_column_text(stmt, 1));
}

static void read_and_reset(sqlite3_stmt *stmt, struct session *out)
{
	read_session(stmt, out);
	sqlite3_reset(stmt);
}

int session_load(struct sessions *s, int64_t row, struct session *out, char *err, size_t errlen)
{
	sqlite3_stmt *stmt = store_query(s, err, errlen, SESSION_SELECT "WHERE s.row = ?", "i", row);
	int code = stmt ? store_row(s, stmt, err, errlen) : -1;
	if (code > 0)
		read_and_reset(stmt, out);
	if (code == 0)
		store_error(s, err, errlen, "the session is no longer there");
	return code > 0 ? 0 : -1;
}

static int find_latest(struct sessions *s, struct session *out, char *err, size_t errlen)
{
	sqlite3_stmt *stmt = store_query(s, err, errlen,
					 SESSION_SELECT "WHERE " HAS_MESSAGES " ORDER BY s.activity DESC LIMIT 1", "");
	int code = stmt ? store_row(s, stmt, err, errlen) : -1;
	if (code > 0)
		read_and_reset(stmt, out);
	if (code == 0)
		snprintf(err, errlen, "no conversation is stored yet; start one with `bora`");
	return code > 0 ? 0 : -1;
}

int session_find(struct sessions *s, const char *id, struct session *out, char *err, size_t errlen)
{
	if (!id || !*id)
		return find_latest(s, out, err, errlen);
	char low[SESSION_ID_SIZE], high[SESSION_ID_SIZE + 1];
	if (session_id_normalise(id, low)) {
		snprintf(err, errlen, "'%s' is not a session's ID; `bora sessions` lists them", id);
		return -1;
	}
	snprintf(high, sizeof(high), "%s~", low);
	sqlite3_stmt *stmt = store_query(
		s, err, errlen, SESSION_SELECT "WHERE s.id >= ? AND s.id < ? ORDER BY s.id LIMIT 2", "tt", low, high);
	int code = stmt ? store_row(s, stmt, err, errlen) : -1;
	if (code == 0)
		snprintf(err, errlen, "no session's ID begins with '%s'; `bora sessions` lists them", id);
	if (code <= 0)
		return -1;
	read_session(stmt, out);
	code = store_row(s, stmt, err, errlen);
	if (code > 0) {
		snprintf(err, errlen, "'%s' begins more than one session's ID (%s, %s); give more of it", id, out->id,
			 (const char *)sqlite3_column_text(stmt, 1));
		sqlite3_reset(stmt);
		code = -1;
	}
	if (code < 0)
		session_free(out);
	return code;
}

int session_list(struct sessions *s, bool all, struct session **out, size_t *count, char *err, size_t errlen)
{
	*out = NULL;
	*count = 0;
	sqlite3_stmt *stmt = store_query(
		s, err, errlen, SESSION_SELECT "WHERE ? OR " HAS_MESSAGES " ORDER BY s.pinned DESC, s.activity DESC",
		"i", (int64_t)all);
	if (!stmt)
		return -1;
	size_t size = 0;
	int code;
	while ((code = store_row(s, stmt, err, errlen)) > 0) {
		if (*count == size)
			*out = xreallocarray(*out, size = size ? size * 2 : 64, sizeof(**out));
		read_session(stmt, &(*out)[(*count)++]);
	}
	if (code == 0)
		return 0;
	while (*count)
		session_free(&(*out)[--*count]);
	free(*out);
	*out = NULL;
	return -1;
}

static char *beginning(sqlite3_stmt *stmt, int column)
{
	enum { GLANCE = 400 };
	const char *bytes = sqlite3_column_blob(stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(stmt, column);
	return codec_repair(bytes ? bytes : "", len < GLANCE ? len : GLANCE);
}

int session_glance(struct sessions *s, int64_t row, char **before, char **last, char *err, size_t errlen)
{
	sqlite3_stmt *stmt = store_query(s, err, errlen,
					 "SELECT p.content, m.content FROM sessions s"
					 " JOIN messages m ON m.session = s.row AND m.number = s.leaf"
					 " LEFT JOIN messages p ON p.session = m.session AND p.number = m.parent"
					 " WHERE s.row = ?",
					 "i", row);
	int code = stmt ? store_row(s, stmt, err, errlen) : -1;
	*before = code > 0 ? beginning(stmt, 0) : xstrdup("");
	*last = code > 0 ? beginning(stmt, 1) : xstrdup("");
	if (code > 0)
		sqlite3_reset(stmt);
	return code < 0 ? -1 : 0;
}

int session_insert(struct sessions *s, const struct session *session, int64_t *row, char *err, size_t errlen)
{
	char id[SESSION_ID_SIZE];
	snprintf(id, sizeof(id), "%s", session->id);
	if (!*id && session_id_make(s, session->created, id, err, errlen))
		return -1;
	/* Names are for people and JSON: always text. The system prompt stays as it is. */
	char *title = codec_repair(session->title, strlen(session->title));
	char *model = codec_repair(session->model ? session->model : "", session->model ? strlen(session->model) : 0);
	int code = store_change(
		s, err, errlen,
		"INSERT INTO sessions (id, title, model, system, created, updated, pinned, activity) VALUES"
		" (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(activity), 0) + 1 FROM sessions))",
		"ttttiii", id, title, model, session->system, session->created, session->updated,
		(int64_t)session->pinned);
	*row = sqlite3_last_insert_rowid(s->db);
	free(title);
	free(model);
	return code;
}

int session_create(struct sessions *s, const char *model, const char *system, struct session *out, char *err,
		   size_t errlen)
{
	int64_t now = store_now(), row = 0;
	struct session session = {.title = "", .created = now, .updated = now};
	session.model = (char *)model;
	session.system = (char *)system;
	if (store_begin(s, err, errlen))
		return -1;
	int code = session_insert(s, &session, &row, err, errlen);
	if (code == 0)
		code = session_load(s, row, out, err, errlen);
	if (store_end(s, code, err, errlen) == 0)
		return 0;
	if (code == 0)
		session_free(out);
	return -1;
}

/* Commits one change of one session. */
static int finish(struct sessions *s, int code, char *err, size_t errlen)
{
	if (code == 0 && sqlite3_changes(s->db) == 0)
		code = store_error(s, err, errlen, "the session is no longer there");
	return store_end(s, code, err, errlen);
}

int session_rename(struct sessions *s, int64_t row, const char *title, char *err, size_t errlen)
{
	if (store_begin(s, err, errlen))
		return -1;
	char *text = codec_repair(title, strlen(title));
	int code = store_change(s, err, errlen, "UPDATE sessions SET title = ? WHERE row = ?", "ti", text, row);
	free(text);
	return finish(s, code, err, errlen);
}

int session_pin(struct sessions *s, int64_t row, bool pinned, char *err, size_t errlen)
{
	if (store_begin(s, err, errlen))
		return -1;
	return finish(s,
		      store_change(s, err, errlen, "UPDATE sessions SET pinned = ? WHERE row = ?", "ii",
				   (int64_t)pinned, row),
		      err, errlen);
}

int session_set_system(struct sessions *s, int64_t row, const char *system, char *err, size_t errlen)
{
	if (store_begin(s, err, errlen))
		return -1;
	return finish(s,
		      store_change(s, err, errlen, "UPDATE sessions SET system = ? WHERE row = ?", "ti", system, row),
		      err, errlen);
}

int session_set_leaf(struct sessions *s, int64_t row, int64_t message, char *err, size_t errlen)
{
	int64_t number = 0;
	if (session_lock(s, row, err, errlen) || (message && message_number(s, row, message, &number, err, errlen)))
		return -1;
	if (store_begin(s, err, errlen))
		return -1;
	return finish(s, store_change(s, err, errlen, "UPDATE sessions SET leaf = ? WHERE row = ?", "ki", number, row),
		      err, errlen);
}

/* The engine's cache files of a session are named ID.anything; words are not in them. */
static void remove_cache_files(struct sessions *s, const char *id)
{
	DIR *dir = opendir(s->dir);
	if (!dir)
		return;
	size_t len = strlen(id);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (strncmp(entry->d_name, id, len) == 0 && entry->d_name[len] == '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

int session_delete(struct sessions *s, int64_t row, char *err, size_t errlen)
{
	struct session session;
	if (session_load(s, row, &session, err, errlen))
		return -1;
	if (session_lock(s, row, err, errlen)) {
		session_free(&session);
		return -1;
	}
	int code = store_begin(s, err, errlen);
	if (code == 0) {
		code = search_forget(s, row, err, errlen);
		if (code == 0)
			code = store_change(s, err, errlen, "UPDATE sessions SET leaf = NULL WHERE row = ?", "i", row);
		if (code == 0)
			code = store_change(s, err, errlen, "DELETE FROM messages WHERE session = ?", "i", row);
		if (code == 0)
			code = store_change(s, err, errlen, "DELETE FROM sessions WHERE row = ?", "i", row);
		code = store_end(s, code, err, errlen);
	}
	if (code == 0)
		remove_cache_files(s, session.id);
	session_unlock(s, row);
	session_free(&session);
	return code;
}

static int copy_path(struct sessions *s, int64_t row, int64_t message, int64_t to, char *err, size_t errlen)
{
	struct message_link *path;
	size_t count;
	if (message_links(s, row, message, &path, &count, err, errlen))
		return -1;
	int code = 0;
	for (size_t i = 0; i < count && code == 0; i++) {
		code = store_change(
			s, err, errlen,
			"INSERT INTO messages (session, number, parent, depth, role, status, indexed, created,"
			" prompt_tokens, completion_tokens, first_token_ms, predicted_ms, model, settings, content)"
			" SELECT ?, ?, ?, ?, role, status, 0, created, prompt_tokens, completion_tokens,"
			" first_token_ms, predicted_ms, model, settings, content FROM messages WHERE id = ?",
			"iikii", to, (int64_t)i + 1, (int64_t)i, (int64_t)i + 1, path[i].id);
		int64_t copy = sqlite3_last_insert_rowid(s->db);
		if (code == 0)
			code = store_change(s, err, errlen,
					    "INSERT INTO marks (message, kind) SELECT ?, kind FROM marks"
					    " WHERE message = ?",
					    "ii", copy, path[i].id);
		if (code == 0)
			code = search_index_stored(s, copy, err, errlen);
	}
	free(path);
	if (code == 0)
		code = store_change(s, err, errlen, "UPDATE sessions SET leaf = ? WHERE row = ?", "ki", (int64_t)count,
				    to);
	return code;
}

int session_fork(struct sessions *s, int64_t row, int64_t message, struct session *out, char *err, size_t errlen)
{
	struct session from;
	int64_t now = store_now(), to = 0;
	if (store_begin(s, err, errlen))
		return -1;
	int code = session_load(s, row, &from, err, errlen);
	if (code == 0) {
		struct session copy = {.title = from.title, .model = from.model, .system = from.system};
		copy.created = copy.updated = now;
		code = session_insert(s, &copy, &to, err, errlen);
		if (code == 0)
			code = copy_path(s, row, message ? message : from.leaf, to, err, errlen);
		session_free(&from);
	}
	if (code == 0)
		code = session_load(s, to, out, err, errlen);
	if (store_end(s, code, err, errlen) == 0)
		return 0;
	if (code == 0)
		session_free(out);
	return -1;
}

static bool holds(const struct sessions *s, int64_t row)
{
	for (size_t i = 0; i < s->locked_count; i++)
		if (s->locked[i] == row)
			return true;
	return false;
}

int session_lock(struct sessions *s, int64_t row, char *err, size_t errlen)
{
	int64_t pid;
	if (s->read_only) {
		snprintf(err, errlen, "%s", s->read_only);
		return -1;
	}
	if (holds(s, row) || sessions_in_memory(s))
		return 0;
	if (s->lock_fd < 0)
		return store_error(s, err, errlen,
				   "sessions.lock beside it cannot be opened; check the folder's permissions");
	if (locks_session(s->lock_fd, row, &pid)) {
		if (pid)
			return store_error(
				s, err, errlen,
				"another bora (process %lld) is writing this session; here it can only be read",
				(long long)pid);
		return store_error(s, err, errlen, "another bora is writing this session; here it can only be read");
	}
	s->locked = xreallocarray(s->locked, s->locked_count + 1, sizeof(*s->locked));
	s->locked[s->locked_count++] = row;
	return 0;
}

void session_unlock(struct sessions *s, int64_t row)
{
	for (size_t i = 0; i < s->locked_count; i++) {
		if (s->locked[i] == row) {
			s->locked[i] = s->locked[--s->locked_count];
			locks_release(s->lock_fd, row);
			return;
		}
	}
}
