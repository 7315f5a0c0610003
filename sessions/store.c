#include "store.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_MS = 5000 }; /* a second writer waits so long, then is told */

int store_error(struct sessions *s, char *err, size_t errlen, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *problem = xvasprintf(format, args);
	va_end(args);
	snprintf(err, errlen, "%s: %s", s->path, problem);
	free(problem);
	return -1;
}

/* What the system said; a file that ends too early, say, is no error to the system. */
static const char *disk_error(sqlite3 *db)
{
	int error = sqlite3_system_errno(db);
	return error ? strerror(error) : sqlite3_errmsg(db);
}

int store_fail(struct sessions *s, char *err, size_t errlen)
{
	switch (sqlite3_errcode(s->db)) {
	case SQLITE_FULL:
		return store_error(s, err, errlen, "not saved, the disk is full; free some space and try again");
	case SQLITE_IOERR:
		s->suspect = true;
		return store_error(s, err, errlen,
				   "not saved, the disk reported an error (%s, code %d); check the disk",
				   disk_error(s->db), sqlite3_extended_errcode(s->db));
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return store_error(s, err, errlen, "another program is writing to it; try again in a moment");
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		s->suspect = true;
		return store_error(s, err, errlen, "cannot be written (%s); check the folder's permissions",
				   sqlite3_errmsg(s->db));
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return store_error(s, err, errlen, "the file is damaged (%s); run `bora sessions check --repair`",
				   sqlite3_errmsg(s->db));
	default: return store_error(s, err, errlen, "%s", sqlite3_errmsg(s->db));
	}
}

int store_connect(sqlite3 **db, const char *path, int flags)
{
	int code = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL); /* one thread only */
	if (code != SQLITE_OK)
		return code;
	sqlite3_busy_timeout(*db, BUSY_MS);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* DELETE with EXTRA: also the folder is synced after the journal's removal,
	 * so a commit that returned survives a power cut. */
	return sqlite3_exec(*db,
			    "PRAGMA foreign_keys=ON; PRAGMA synchronous=EXTRA; PRAGMA secure_delete=ON;"
			    "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-16384;"
			    "PRAGMA temp_store=MEMORY",
			    NULL, NULL, NULL);
}

void store_disconnect(struct sessions *s)
{
	for (int i = 0; i < s->cached; i++)
		sqlite3_finalize(s->cache[i].stmt);
	s->cached = 0;
	sqlite3_close(s->db);
	s->db = NULL;
}

static sqlite3_stmt *prepare(struct sessions *s, const char *sql, char *err, size_t errlen)
{
	for (int i = 0; i < s->cached; i++) {
		if (s->cache[i].sql == sql) {
			sqlite3_reset(s->cache[i].stmt);
			return s->cache[i].stmt;
		}
	}
	sqlite3_stmt *stmt;
	if (s->cached == STORE_CACHE) {
		store_error(s, err, errlen, "too many statements");
		return NULL;
	}
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
		store_fail(s, err, errlen);
		return NULL;
	}
	s->cache[s->cached].sql = sql;
	s->cache[s->cached++].stmt = stmt;
	return stmt;
}

static int bind(sqlite3_stmt *stmt, int column, char type, va_list *args)
{
	switch (type) {
	case 'i': return sqlite3_bind_int64(stmt, column, va_arg(*args, int64_t));
	case 'k': {
		int64_t key = va_arg(*args, int64_t);
		return key ? sqlite3_bind_int64(stmt, column, key) : sqlite3_bind_null(stmt, column);
	}
	case 'f': return sqlite3_bind_double(stmt, column, va_arg(*args, double));
	case 't': {
		const char *text = va_arg(*args, const char *);
		return sqlite3_bind_text64(stmt, column, text ? text : "", text ? strlen(text) : 0, SQLITE_STATIC,
					   SQLITE_UTF8);
	}
	default: {
		const void *bytes = va_arg(*args, const void *);
		size_t len = va_arg(*args, size_t);
		return sqlite3_bind_blob64(stmt, column, len ? bytes : "", len, SQLITE_STATIC);
	}
	}
}

static sqlite3_stmt *query(struct sessions *s, char *err, size_t errlen, const char *sql, const char *types,
			   va_list *args)
{
	sqlite3_stmt *stmt = prepare(s, sql, err, errlen);
	for (int i = 0; stmt && types[i]; i++) {
		if (bind(stmt, i + 1, types[i], args) != SQLITE_OK) {
			store_fail(s, err, errlen);
			stmt = NULL;
		}
	}
	return stmt;
}

sqlite3_stmt *store_query(struct sessions *s, char *err, size_t errlen, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *stmt = query(s, err, errlen, sql, types, &args);
	va_end(args);
	return stmt;
}

int store_row(struct sessions *s, sqlite3_stmt *stmt, char *err, size_t errlen)
{
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		store_fail(s, err, errlen);
	/* Arguments were bound without copying: forget them with the call that gave them. */
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

int store_change(struct sessions *s, char *err, size_t errlen, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *stmt = query(s, err, errlen, sql, types, &args);
	va_end(args);
	if (!stmt)
		return -1;
	int code;
	while ((code = store_row(s, stmt, err, errlen)) > 0)
		;
	return code;
}

int store_number(struct sessions *s, int64_t *out, int64_t missing, char *err, size_t errlen, const char *sql,
		 const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *stmt = query(s, err, errlen, sql, types, &args);
	va_end(args);
	if (!stmt)
		return -1;
	int code = store_row(s, stmt, err, errlen);
	*out = missing;
	if (code > 0) {
		if (sqlite3_column_type(stmt, 0) != SQLITE_NULL)
			*out = sqlite3_column_int64(stmt, 0);
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
	}
	return code < 0 ? -1 : 0;
}

/* The count of commits that the file itself keeps (its header, offset 24). Read
 * through SQLite's own descriptor: closing another one of the same file would drop
 * this process's locks on it. */
static uint32_t change_counter(const struct sessions *s)
{
	unsigned char counter[4] = {0};
	sqlite3_file *file = NULL;
	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file->pMethods ||
	    file->pMethods->xRead(file, counter, sizeof(counter), 24) != SQLITE_OK)
		return 0;
	return (uint32_t)counter[0] << 24 | (uint32_t)counter[1] << 16 | (uint32_t)counter[2] << 8 | counter[3];
}

/* After a disk error nothing that SQLite holds in memory is to be believed. */
static int reopen(struct sessions *s, char *err, size_t errlen)
{
	store_disconnect(s);
	if (store_connect(&s->db, s->path, SQLITE_OPEN_READWRITE) != SQLITE_OK ||
	    sqlite3_exec(s->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(s, err, errlen);
	s->suspect = false;
	return 0;
}

void store_identify(struct sessions *s)
{
	struct stat st;
	bool there = stat(s->path, &st) == 0;
	s->device = there ? st.st_dev : 0;
	s->inode = there ? st.st_ino : 0;
}

/* Somebody may have moved the file away: what is written to it then, nobody finds again. */
static int check_identity(struct sessions *s, char *err, size_t errlen)
{
	struct stat st;
	if (!s->inode || (stat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode))
		return 0;
	return store_error(s, err, errlen,
			   "not saved, the file was removed or replaced; export what matters and start bora again");
}

int store_begin(struct sessions *s, char *err, size_t errlen)
{
	if (s->read_only) {
		snprintf(err, errlen, "%s", s->read_only);
		return -1;
	}
	if (check_identity(s, err, errlen) || (s->suspect && reopen(s, err, errlen)))
		return -1;
	if (store_change(s, err, errlen, "BEGIN IMMEDIATE", ""))
		return -1;
	s->counter = change_counter(s);
	return 0;
}

void store_rollback(struct sessions *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* A commit whose very last step failed (removing the journal, syncing the folder)
 * may stand all the same; said to have failed, it would be made twice. */
static bool stands_all_the_same(struct sessions *s)
{
	char err[256];
	uint32_t before = s->counter;
	if (!s->suspect || reopen(s, err, sizeof(err)) || change_counter(s) == before)
		return false;
	return store_sync_folder(s->dir) == 0;
}

int store_commit(struct sessions *s, char *err, size_t errlen)
{
	int code = store_change(s, err, errlen, "COMMIT", "");
	if (code) {
		store_rollback(s);
		if (stands_all_the_same(s))
			code = 0;
	}
	return code;
}

int store_end(struct sessions *s, int code, char *err, size_t errlen)
{
	if (code == 0)
		return store_commit(s, err, errlen);
	store_rollback(s);
	return code;
}

int store_sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	return code;
}

char *store_text(sqlite3_stmt *stmt, int column)
{
	const void *bytes = sqlite3_column_blob(stmt, column);
	return xstrndup(bytes ? bytes : "", (size_t)sqlite3_column_bytes(stmt, column));
}

int64_t store_now(void)
{
	time_t now = time(NULL);
	return now < 0 ? 0 : (int64_t)now;
}

void store_tighten(const char *path)
{
	struct stat st;
	if (lstat(path, &st) || st.st_uid != geteuid() || !(st.st_mode & 077) || (st.st_mode & S_ISVTX))
		return;
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		chmod(path, st.st_mode & 0700);
}
