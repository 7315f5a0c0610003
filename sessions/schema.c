#include "schema.h"
#include "search.h"

#include <assert.h>
#include <stdlib.h>

/* Step n brings a store from version n to n + 1. A step that was ever released
 * is never edited; add another.
 *
 * Messages are numbered from 1 within their session: these numbers are what
 * people and export files see, and what parents and leaves refer to. A parent's
 * number is always smaller, so there can be no loops. `activity` counts up with
 * every message in the store: order never depends on the clock. `content` comes
 * last because SQLite walks over what stands before a column to reach it. */
static const char *const steps[] = {
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"

	"CREATE TABLE sessions ("
	" row INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL UNIQUE,"
	" title TEXT NOT NULL,"
	" model TEXT NOT NULL,"
	" system TEXT NOT NULL,"
	" created INTEGER NOT NULL,"
	" updated INTEGER NOT NULL,"
	" pinned INTEGER NOT NULL CHECK (pinned IN (0, 1)),"
	" activity INTEGER NOT NULL,"
	" leaf INTEGER,"
	" FOREIGN KEY (row, leaf) REFERENCES messages (session, number) DEFERRABLE INITIALLY DEFERRED"
	") STRICT;"
	"CREATE INDEX sessions_activity ON sessions (activity);"

	"CREATE TABLE messages ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" session INTEGER NOT NULL REFERENCES sessions (row) ON DELETE CASCADE,"
	" number INTEGER NOT NULL CHECK (number > 0),"
	" parent INTEGER CHECK (parent > 0 AND parent < number),"
	" depth INTEGER NOT NULL CHECK (depth > 0),"
	" role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),"
	" status TEXT NOT NULL CHECK (status IN ('complete', 'partial')),"
	" indexed INTEGER NOT NULL CHECK (indexed IN (0, 1)),"
	" created INTEGER NOT NULL,"
	" prompt_tokens INTEGER NOT NULL,"
	" completion_tokens INTEGER NOT NULL,"
	" first_token_ms REAL NOT NULL,"
	" predicted_ms REAL NOT NULL,"
	" model TEXT NOT NULL,"
	" settings TEXT NOT NULL,"
	" content BLOB NOT NULL,"
	" FOREIGN KEY (session, parent) REFERENCES messages (session, number) DEFERRABLE INITIALLY DEFERRED"
	") STRICT;"
	"CREATE UNIQUE INDEX messages_number ON messages (session, number);"
	"CREATE INDEX messages_parent ON messages (session, parent, number);"
	"CREATE INDEX messages_unindexed ON messages (id) WHERE indexed = 0;"

	/* Terms come ready made from i18n_terms(), joined by spaces. Every ASCII character is
	 * part of a term, but for spaces and quotes, which search.c leaves out. */
	"CREATE VIRTUAL TABLE terms USING fts5 (words, content = '', columnsize = 0, prefix = '2 3', detail = none,"
	" tokenize = \"ascii tokenchars '!#$%&()*+,-./:;<=>?@[\\]^_`{|}~'\");",

	/* What people mark messages with. A table of its own: a column behind `content` would
	 * be reached only by walking over it. */
	"CREATE TABLE marks ("
	" message INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,"
	" kind TEXT NOT NULL CHECK (kind IN ('pin'))"
	") STRICT;",
};
static_assert(sizeof(steps) / sizeof(steps[0]) == SCHEMA_VERSION, "one step a version");

int schema_version(struct sessions *s, char *err, size_t errlen)
{
	int64_t version, application, tables;
	if (store_number(s, &version, 0, err, errlen, "PRAGMA user_version", "") ||
	    store_number(s, &application, 0, err, errlen, "PRAGMA application_id", "") ||
	    store_number(s, &tables, 0, err, errlen, "SELECT count(*) FROM sqlite_schema", ""))
		return -1;
	if (version == 0 && application == 0 && tables == 0)
		return 0;
	if (application != SCHEMA_APPLICATION || version <= 0 || version > INT32_MAX)
		return store_error(s, err, errlen, "a database, but not one of bora's");
	return (int)version;
}

static int step(struct sessions *s, int from, char *err, size_t errlen)
{
	for (int i = from; i < SCHEMA_VERSION; i++)
		if (sqlite3_exec(s->db, steps[i], NULL, NULL, NULL) != SQLITE_OK)
			return store_fail(s, err, errlen);
	char *stamp = xasprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", SCHEMA_APPLICATION, SCHEMA_VERSION);
	int code = sqlite3_exec(s->db, stamp, NULL, NULL, NULL);
	free(stamp);
	if (code != SQLITE_OK)
		return store_fail(s, err, errlen);
	return from == 0 ? search_stamp(s, err, errlen) : 0;
}

int schema_migrate(struct sessions *s, char *err, size_t errlen)
{
	if (store_begin(s, err, errlen))
		return -1;
	/* Asked again under the lock: another process may have been first. */
	int from = schema_version(s, err, errlen);
	int code = from < 0 ? -1 : from >= SCHEMA_VERSION ? 0 : step(s, from, err, errlen);
	return store_end(s, code, err, errlen);
}

int schema_stand_in(struct sessions *s, char *err, size_t errlen)
{
	int version = schema_version(s, err, errlen);
	if (version < 0)
		return -1;
	if (version >= 2)
		return 0;
	if (sqlite3_exec(s->db, "CREATE TEMP TABLE IF NOT EXISTS marks (message INTEGER PRIMARY KEY, kind TEXT)", NULL,
			 NULL, NULL) != SQLITE_OK)
		return store_fail(s, err, errlen);
	return 0;
}
