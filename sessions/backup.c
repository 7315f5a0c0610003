/* A copy of the whole store while anybody may be writing to it: SQLite copies the
 * pages of one moment. The name is taken when the copy is whole and on disk. And
 * back: the store that was there is kept. */
#include "locks.h"
#include "repair.h"
#include "schema.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRY_MS = 50, TRIES = 200 }; /* somebody commits: wait, ten seconds in all */

static int problem(const char *path, const char *what, char *err, size_t errlen)
{
	snprintf(err, errlen, "%s: the copy was not made: %s", path, what);
	return -1;
}

/* Ours alone from its first moment. */
static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int copy_pages(struct sessions *s, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", s->db, "main");
	int code = SQLITE_ERROR;
	for (int i = 0; backup && i < TRIES; i++) {
		code = sqlite3_backup_step(backup, -1);
		if (code != SQLITE_BUSY && code != SQLITE_LOCKED)
			break;
		usleep(TRY_MS * 1000);
	}
	int finished = sqlite3_backup_finish(backup);
	return code == SQLITE_DONE ? finished : code;
}

static int copy_to(struct sessions *s, const char *part, const char *path, char *err, size_t errlen)
{
	sqlite3 *to = NULL;
	int code = sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		code = copy_pages(s, to);
	int at = to ? sqlite3_system_errno(to) : 0;
	if (sqlite3_close(to) != SQLITE_OK && code == SQLITE_OK)
		code = SQLITE_IOERR;
	if (code == SQLITE_OK)
		return 0;
	bool disk = code == SQLITE_FULL || (code & 0xff) == SQLITE_IOERR || code == SQLITE_CANTOPEN;
	return problem(path, disk && at ? strerror(at) : sqlite3_errstr(code), err, errlen);
}

/* On disk under its own name; a file that has come to be there meanwhile stays. */
static int keep(const char *part, const char *path, char *err, size_t errlen)
{
	int fd = open(part, O_RDONLY | O_CLOEXEC);
	int code = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	if (code == 0 && link(part, path))
		code = errno == EPERM || errno == EOPNOTSUPP
			       ? renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE)
			       : -1;
	if (code)
		return problem(path, strerror(errno), err, errlen);
	char *copy = xstrdup(path);
	code = store_sync_folder(dirname(copy));
	int error = errno;
	free(copy);
	return code ? problem(path, strerror(error), err, errlen) : 0;
}

int sessions_backup(struct sessions *s, const char *path, char *err, size_t errlen)
{
	struct stat st;
	if (lstat(path, &st) == 0)
		return problem(path, "there is such a file already; give another name", err, errlen);
	char *part = xasprintf("%s.part-%ld", path, (long)getpid());
	int code = 0;
	if (make_file(part))
		code = problem(path, strerror(errno), err, errlen);
	if (code == 0) {
		code = copy_to(s, part, path, err, errlen);
		if (code == 0)
			code = keep(part, path, err, errlen);
		unlink(part);
	}
	free(part);
	return code;
}

/* --- Back ------------------------------------------------------------------------------ */

/* The copy is one of ours, whole, and not newer than we are. */
static int look_at(struct sessions *copy, char *err, size_t errlen)
{
	if (store_connect(&copy->db, copy->path, SQLITE_OPEN_READONLY) != SQLITE_OK) {
		bool text = sqlite3_errcode(copy->db) == SQLITE_NOTADB;
		return text ? store_error(copy, err, errlen, "the file is damaged") : store_fail(copy, err, errlen);
	}
	int version = schema_version(copy, err, errlen);
	if (version > SCHEMA_VERSION)
		return store_error(copy, err, errlen, "written by a newer bora (its version %d, ours %d): update bora",
				   version, SCHEMA_VERSION);
	if (version < 0)
		return -1;
	if (version == 0)
		return store_error(copy, err, errlen, "a database, but not one of bora's");
	return repair_looks_sound(copy) ? 0 : store_error(copy, err, errlen, "the file is damaged");
}

static int put_back(struct sessions *s, struct sessions *copy, char **kept, char *err, size_t errlen)
{
	char *fresh = xasprintf("%s.restored", s->path), *journal = xasprintf("%s-journal", fresh);
	char *aside = repair_aside_name(s->path, "replaced");
	unlink(journal); /* what an attempt that was cut short left behind */
	unlink(fresh);
	int code = make_file(fresh) ? problem(s->path, strerror(errno), err, errlen) : 0;
	if (code == 0)
		code = copy_to(copy, fresh, s->path, err, errlen);
	if (code == 0)
		code = repair_swap(s, fresh, aside, err, errlen);
	if (code)
		unlink(fresh);
	free(journal);
	free(fresh);
	if (code) {
		free(aside);
		aside = NULL;
	}
	*kept = aside;
	return code;
}

int sessions_restore(const char *dir, const struct i18n *tr, const char *path, char **kept, char *err, size_t errlen)
{
	struct sessions s = {.dir = (char *)dir, .tr = tr}, copy = {.path = (char *)path, .tr = tr, .lock_fd = -1};
	struct sessions *now;
	*kept = NULL;
	if (look_at(&copy, err, errlen)) {
		store_disconnect(&copy);
		return -1;
	}
	/* Opened once, the store is there and has no journal to be played back. */
	int code = sessions_open(&now, dir, tr, err, errlen);
	if (code == 0) {
		sessions_close(now);
		s.path = xasprintf("%s/sessions.db", dir);
		s.lock_fd = locks_open(dir);
		if (s.lock_fd < 0 || locks_store(s.lock_fd, true))
			code = store_error(&s, err, errlen, "another bora has it open; close that one and try again");
		else
			code = put_back(&s, &copy, kept, err, errlen);
		if (s.lock_fd >= 0)
			close(s.lock_fd);
		free(s.path);
	}
	store_disconnect(&copy);
	return code;
}
