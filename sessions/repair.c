#include "repair.h"
#include "locks.h"
#include "salvage.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct report {
	sessions_line_fn *line;
	void *arg;
	int lines;
};

__attribute__((format(printf, 2, 3))) static void tell(struct report *report, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *line = xvasprintf(format, args);
	va_end(args);
	report->line(report->arg, line);
	report->lines++;
	free(line);
}

/* --- Places ----------------------------------------------------------------------- */

/* What is wrong with the tree of messages, and what puts each right. The order
 * matters: later ones rely on earlier ones. */
static const struct {
	const char *find; /* rows: a line of text each */
	const char *mend;
} rules[] = {
	{"SELECT printf('session %d has lost its title and settings, not its messages', session) FROM messages"
	 " WHERE session NOT IN (SELECT row FROM sessions) GROUP BY session",
	 "INSERT INTO sessions (row, id, title, model, system, created, updated, pinned, activity)"
	 " SELECT session, 'x' || session, '', '', '', min(created), max(created), 0, max(id) FROM messages"
	 " WHERE session NOT IN (SELECT row FROM sessions) GROUP BY session"},
	{"SELECT printf('session %s: message %d follows message %d, which is missing', s.id, m.number, m.parent)"
	 " FROM messages m JOIN sessions s ON s.row = m.session WHERE m.parent IS NOT NULL AND NOT EXISTS"
	 " (SELECT 1 FROM messages p WHERE p.session = m.session AND p.number = m.parent)",
	 "UPDATE messages SET parent = (SELECT max(p.number) FROM messages p WHERE p.session = messages.session"
	 " AND p.number < messages.number) WHERE parent IS NOT NULL AND NOT EXISTS"
	 " (SELECT 1 FROM messages p WHERE p.session = messages.session AND p.number = messages.parent)"},
	{"SELECT printf('session %s: message %d is counted wrongly', s.id, m.number)"
	 " FROM messages m JOIN sessions s ON s.row = m.session"
	 " LEFT JOIN messages p ON p.session = m.session AND p.number = m.parent WHERE m.depth <> coalesce(p.depth, 0) "
	 "+ 1",
	 /* Parents have smaller ids: each row finds its parent's depth already right. */
	 "UPDATE messages SET depth = 1 + coalesce((SELECT p.depth FROM messages p"
	 " WHERE p.session = messages.session AND p.number = messages.parent), 0)"},
	{"SELECT printf('session %s: the message it ended with, %d, is missing', id, leaf) FROM sessions s"
	 " WHERE leaf IS NOT NULL AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.session = s.row AND m.number = "
	 "s.leaf)",
	 "UPDATE sessions SET leaf = (SELECT max(number) FROM messages m WHERE m.session = sessions.row)"
	 " WHERE leaf IS NOT NULL AND NOT EXISTS"
	 " (SELECT 1 FROM messages m WHERE m.session = sessions.row AND m.number = sessions.leaf)"},
	{"SELECT printf('session %s has no end, though it has messages: opened at its last', id) FROM sessions s"
	 " WHERE leaf IS NULL AND id LIKE 'x%' AND EXISTS (SELECT 1 FROM messages m WHERE m.session = s.row)",
	 "UPDATE sessions SET leaf = (SELECT max(number) FROM messages m WHERE m.session = sessions.row)"
	 " WHERE leaf IS NULL AND id LIKE 'x%'"},
	{"SELECT printf('a pinned message is missing (its id was %d)', message) FROM marks"
	 " WHERE message NOT IN (SELECT id FROM messages)",
	 "DELETE FROM marks WHERE message NOT IN (SELECT id FROM messages)"},
};

/* Tells what is wrong; mends it, too. Returns how much was wrong, -1: err. */
static int places(struct sessions *s, bool mend, struct report *report, char *err, size_t errlen)
{
	int wrong = 0;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		int code, here = 0;
		sqlite3_stmt *stmt = store_query(s, err, errlen, rules[i].find, "");
		if (!stmt)
			return -1;
		while ((code = store_row(s, stmt, err, errlen)) > 0) {
			tell(report, "%s", (const char *)sqlite3_column_text(stmt, 0));
			here++;
		}
		if (code == 0 && mend && here)
			code = store_change(s, err, errlen, rules[i].mend, "");
		if (code < 0)
			return -1;
		wrong += here;
	}
	return wrong;
}

/* --- Setting aside ------------------------------------------------------------------ */

char *repair_aside_name(const char *path, const char *what)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm tm;
	if (!gmtime_r(&now, &tm) || !strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm))
		snprintf(stamp, sizeof(stamp), "unknown-time");
	char *name = xasprintf("%s.%s-%s", path, what, stamp);
	for (int i = 2; access(name, F_OK) == 0; i++) {
		free(name);
		name = xasprintf("%s.%s-%s-%d", path, what, stamp, i);
	}
	return name;
}

/* The old file gets a second name before the new one takes the first: at no
 * moment is there nothing by the name of sessions.db. A journal left over belongs
 * to the old file and must not be played into the new one. */
int repair_swap(struct sessions *s, const char *fresh, const char *aside, char *err, size_t errlen)
{
	char *journal = xasprintf("%s-journal", s->path), *journal_aside = xasprintf("%s-journal", aside);
	int code = 0;
	if (link(s->path, aside) && rename(s->path, aside))
		code = -1;
	if (code == 0 && rename(journal, journal_aside) && errno != ENOENT)
		code = -1;
	if (code == 0 && (store_sync_folder(s->dir) || rename(fresh, s->path) || store_sync_folder(s->dir)))
		code = -1;
	if (code)
		store_error(s, err, errlen, "damaged, and cannot be set aside: %s", strerror(errno));
	free(journal);
	free(journal_aside);
	return code;
}

/* --- Salvage -------------------------------------------------------------------------- */

static int fill(struct sessions *fresh, const unsigned char *bytes, size_t len, struct salvage *found,
		struct report *report, char *err, size_t errlen)
{
	if (sqlite3_exec(fresh->db, "PRAGMA foreign_keys=OFF", NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(fresh, err, errlen);
	if (store_begin(fresh, err, errlen))
		return -1;
	int code = salvage_rows(fresh, bytes, len, found, report->line, report->arg, err, errlen);
	if (code == 0)
		code = places(fresh, true, report, err, errlen) < 0 ? -1 : 0;
	if (code == 0)
		code = store_change(
			fresh, err, errlen,
			"INSERT OR REPLACE INTO meta (key, value)"
			" SELECT 'last_id', max(id) FROM sessions WHERE id NOT LIKE 'x%' HAVING max(id) IS NOT NULL",
			"");
	return store_end(fresh, code, err, errlen);
}

/* A new store at path with what the bytes of the old one hold. */
static int rebuild(const char *path, const struct i18n *tr, const unsigned char *bytes, size_t len,
		   struct salvage *found, struct report *report, char *err, size_t errlen)
{
	struct sessions fresh = {.path = (char *)path, .tr = tr, .lock_fd = -1};
	int code = -1;
	/* What an attempt that was cut short left behind. */
	char *journal = xasprintf("%s-journal", path);
	unlink(journal);
	unlink(path);
	free(journal);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		snprintf(err, errlen, "%s: cannot be made, so nothing was salvaged: %s", path, strerror(errno));
		return -1;
	}
	close(fd);
	if (store_connect(&fresh.db, path, SQLITE_OPEN_READWRITE) != SQLITE_OK)
		store_fail(&fresh, err, errlen);
	else if (schema_migrate(&fresh, err, errlen) == 0)
		code = fill(&fresh, bytes, len, found, report, err, errlen);
	store_disconnect(&fresh);
	if (code)
		unlink(path);
	return code;
}

static int map_file(struct sessions *s, const unsigned char **bytes, size_t *len, char *err, size_t errlen)
{
	struct stat st;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	void *map = MAP_FAILED;
	*len = 0;
	*bytes = NULL;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		store_error(s, err, errlen, "damaged, and cannot be read: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return -1;
	*bytes = map;
	*len = (size_t)st.st_size;
	return 0;
}

int repair_salvage(struct sessions *s, sessions_line_fn *line, void *arg, char **notice, char *err, size_t errlen)
{
	struct report report = {.line = line, .arg = arg};
	struct salvage found = {0};
	const unsigned char *bytes;
	size_t len;
	if (map_file(s, &bytes, &len, err, errlen))
		return -1;
	char *fresh = xasprintf("%s.salvage", s->path), *aside = repair_aside_name(s->path, "damaged");
	int code = rebuild(fresh, s->tr, bytes, len, &found, &report, err, errlen);
	if (code == 0)
		code = repair_swap(s, fresh, aside, err, errlen);
	if (code == 0 && notice)
		*notice = xasprintf(
			found.cut || report.lines
				? "the store was damaged: %d messages of %d sessions were saved, some are missing or "
				  "cut short; the damaged file is kept as %s"
				: "the store was damaged: %d messages of %d sessions were saved; the damaged file is "
				  "kept as %s",
			found.messages, found.sessions, aside);
	munmap((void *)bytes, len);
	free(fresh);
	free(aside);
	return code;
}

/* True: no row. A query that cannot run for other reasons than damage finds nothing. */
static bool finds_nothing(struct sessions *s, const char *sql)
{
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return code != SQLITE_ROW && code != SQLITE_CORRUPT && code != SQLITE_NOTADB;
}

bool repair_looks_sound(struct sessions *s)
{
	if (!finds_nothing(s, "SELECT 1 FROM pragma_integrity_check(1) WHERE integrity_check <> 'ok'") ||
	    !finds_nothing(s, "SELECT 1 FROM pragma_foreign_key_check"))
		return false;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (!finds_nothing(s, rules[i].find))
			return false;
	return true;
}

/* --- Check ---------------------------------------------------------------------------- */

static void check_mode(const char *path, bool repair, struct report *report, int *left)
{
	struct stat st;
	if (lstat(path, &st) || !(st.st_mode & 077) || (st.st_mode & S_ISVTX))
		return;
	bool mended = repair && chmod(path, st.st_mode & 0700) == 0;
	tell(report, mended ? "%s: others may read it (mode %03o): put right" : "%s: others may read it (mode %03o)",
	     path, st.st_mode & 0777);
	*left += !mended;
}

/* The file's own structure. Returns the number of problems; SQLite's own words. */
static int check_structure(struct sessions *s, struct report *report)
{
	static const char *const checks[] = {
		"SELECT * FROM pragma_integrity_check(50) WHERE integrity_check <> 'ok'",
		"SELECT printf('%s refers to %s, which is missing', \"table\", parent) FROM pragma_foreign_key_check",
		"INSERT INTO terms (terms) VALUES ('integrity-check')",
	};
	int problems = 0;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		sqlite3_stmt *stmt;
		int code = sqlite3_prepare_v2(s->db, checks[i], -1, &stmt, NULL);
		while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
			tell(report, "%s: %s", s->path, (const char *)sqlite3_column_text(stmt, 0));
			problems++;
			code = SQLITE_OK;
		}
		if (code != SQLITE_DONE && code != SQLITE_READONLY) {
			tell(report, "%s: %s", s->path, sqlite3_errmsg(s->db));
			problems++;
		}
		sqlite3_finalize(stmt);
	}
	return problems;
}

static int mend_places(struct sessions *s, struct report *report, char *err, size_t errlen)
{
	if (store_begin(s, err, errlen))
		return -1;
	int wrong = places(s, true, report, err, errlen);
	return store_end(s, wrong < 0 ? -1 : 0, err, errlen);
}

/* Returns the problems left, -1: err. */
static int salvage_whole(struct sessions *s, struct report *report, char *err, size_t errlen)
{
	char *notice = NULL;
	store_disconnect(s);
	if (s->lock_fd < 0 || locks_store(s->lock_fd, true))
		return store_error(s, err, errlen,
				   "the file is damaged, and another bora has it open; close that one and try again");
	int code = repair_salvage(s, report->line, report->arg, &notice, err, errlen);
	if (code == 0)
		tell(report, "%s", notice);
	free(notice);
	return code;
}

static int check_store(struct sessions *s, bool repair, struct report *report, char *err, size_t errlen)
{
	if (store_connect(&s->db, s->path, SQLITE_OPEN_READWRITE) != SQLITE_OK &&
	    sqlite3_errcode(s->db) != SQLITE_NOTADB && sqlite3_errcode(s->db) != SQLITE_CORRUPT)
		return store_fail(s, err, errlen);
	int version = schema_version(s, err, errlen);
	if (version > SCHEMA_VERSION)
		return store_error(s, err, errlen, "written by a newer bora (its version %d, ours %d): update bora",
				   version, SCHEMA_VERSION);
	if (version == 0)
		return 0;
	int problems = 0;
	if (version > 0 && schema_stand_in(s, err, errlen))
		return -1;
	if (version < 0) {
		tell(report, "%s", err);
		problems++;
	} else {
		problems = check_structure(s, report);
	}
	if (problems)
		return repair ? salvage_whole(s, report, err, errlen) : problems;
	if (repair)
		return mend_places(s, report, err, errlen);
	return places(s, false, report, err, errlen);
}

int sessions_check(const char *dir, const struct i18n *tr, bool repair, sessions_line_fn *line, void *arg, char *err,
		   size_t errlen)
{
	struct sessions s = {.dir = (char *)dir, .tr = tr, .lock_fd = -1};
	struct report report = {.line = line, .arg = arg};
	struct stat st;
	int left = 0, problems = 0;
	s.path = xasprintf("%s/sessions.db", dir);
	check_mode(dir, repair, &report, &left);
	check_mode(s.path, repair, &report, &left);
	if (stat(s.path, &st) == 0 && st.st_size > 0) {
		s.lock_fd = locks_open(dir);
		if (s.lock_fd >= 0 && locks_store(s.lock_fd, false))
			problems = store_error(&s, err, errlen, "another bora is repairing it; try again in a moment");
		else
			problems = check_store(&s, repair, &report, err, errlen);
		store_disconnect(&s);
	}
	if (s.lock_fd >= 0)
		close(s.lock_fd);
	free(s.path);
	return problems < 0 ? -1 : problems + left;
}
