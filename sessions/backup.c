/* A copy of the whole store while anybody may be writing to it: SQLite copies the
 * pages of one moment. The name is taken when the copy is whole and on disk. */
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
