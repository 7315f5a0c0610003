/* store.h: the open database, shared by the files of this folder.
 *
 * Statements are cached by the address of their text, so pass literals, and do
 * not run the same literal inside itself. Every change happens between
 * store_begin and store_commit, which returns 0 once it has reached the disk. */
#ifndef STORE_H
#define STORE_H

#include "sessions.h"

#include <sqlite3.h>
#include <sys/types.h>

enum { STORE_CACHE = 64 };

struct sessions {
	char *dir, *path; /* the folder, and sessions.db in it */
	sqlite3 *db;
	const struct i18n *tr;
	char *read_only, *notice; /* NULL: none */
	int lock_fd;              /* -1: no lock file could be opened */
	int64_t *locked;          /* rows of the sessions this handle writes */
	size_t locked_count;
	bool suspect; /* the disk failed: reopen before the next change */
	dev_t device; /* of the file that was opened; inode 0: not known */
	ino_t inode;
	uint32_t counter;   /* of commits, as the open transaction found it */
	bool index_checked; /* the search index was made with these folding rules */
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} cache[STORE_CACHE];
	int cached;
};

/* Fills err from the database's last error, -1. */
int store_fail(struct sessions *, char *err, size_t errlen);
/* One line: "PATH: problem". Returns -1. */
int store_error(struct sessions *, char *err, size_t errlen, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Opens path with the settings every connection of ours has. A SQLite code. */
int store_connect(sqlite3 **, const char *path, int flags);
void store_disconnect(struct sessions *);
/* Remembers which file was opened: changes are refused once another has its name. */
void store_identify(struct sessions *);

/* A bound statement, or NULL and err. types, one letter an argument:
 *   i int64_t   k int64_t, 0 stored as NULL   f double   t const char *, NULL as ""
 *   b const void *, size_t */
sqlite3_stmt *store_query(struct sessions *, char *err, size_t errlen, const char *sql, const char *types, ...);
/* 1: a row, 0: no more, -1: err. After 0 or -1 the statement is reset. */
int store_row(struct sessions *, sqlite3_stmt *, char *err, size_t errlen);
/* Runs a statement that returns nothing. */
int store_change(struct sessions *, char *err, size_t errlen, const char *sql, const char *types, ...);
/* First column of the first row, or missing. -1 on error. */
int store_number(struct sessions *, int64_t *out, int64_t missing, char *err, size_t errlen, const char *sql,
		 const char *types, ...);

int store_begin(struct sessions *, char *err, size_t errlen);
int store_commit(struct sessions *, char *err, size_t errlen);
void store_rollback(struct sessions *);
/* Commits when code is 0, else rolls back; returns the final code. */
int store_end(struct sessions *, int code, char *err, size_t errlen);

int store_sync_folder(const char *dir); /* makes names made in it last */
/* Takes away what others may do with a file or folder of ours. A folder shared on
 * purpose (sticky, like /tmp) stays as it is. */
void store_tighten(const char *path);
char *store_text(sqlite3_stmt *, int column); /* a copy; caller frees */
int64_t store_now(void);                      /* seconds since 1970, never negative */

#endif
