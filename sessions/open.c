/* Opening: a store that is missing, half made, newer, damaged, read-only or on a
 * full disk is met here, so that the rest of the folder sees a sound one. */
#include "locks.h"
#include "repair.h"
#include "schema.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Stores up to this size are checked whole on every opening, some milliseconds (twenty for four megabytes);
 * others when a journal shows that somebody died while writing. */
enum { QUICK_CHECK_BYTES = 4 << 20 };

static const char memory_path[] = ":memory:";

enum found { FOUND_SOUND, FOUND_NEWER, FOUND_DAMAGED, FOUND_UNWRITABLE, FOUND_ERROR };

/* mkdir -p; only the last folder is ours to keep others out of. */
static int make_folder(const char *dir, char *err, size_t errlen)
{
	char *path = xstrdup(dir);
	int code = 0;
	for (char *slash = strchr(path + 1, '/'); slash && code == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		code = mkdir(path, 0700) && errno != EEXIST && errno != EROFS ? -1 : 0;
		*slash = '/';
	}
	if (code == 0 && mkdir(path, 0700) && errno != EEXIST)
		code = -1;
	if (code)
		snprintf(err, errlen, "%s: cannot make this folder: %s", dir, strerror(errno));
	free(path);
	return code;
}

static void tighten_all(struct sessions *s)
{
	char *journal = xasprintf("%s-journal", s->path);
	store_tighten(s->dir);
	store_tighten(s->path);
	store_tighten(journal);
	free(journal);
}

/* SQLite would make the file by the umask; ours is private from its first moment.
 * One that is there is not opened: closing it again would drop the locks of another
 * handle in this process. */
static int make_file(struct sessions *s)
{
	if (faccessat(AT_FDCWD, s->path, F_OK, AT_EACCESS) == 0)
		return faccessat(AT_FDCWD, s->path, R_OK | W_OK, AT_EACCESS);
	int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -1;
	return close(fd);
}

static void set_read_only(struct sessions *s, const char *reason)
{
	free(s->read_only);
	s->read_only = xasprintf("%s: %s", s->path, reason);
}

static bool is_damage(struct sessions *s)
{
	int code = sqlite3_errcode(s->db);
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

static bool wants_check(const struct sessions *s)
{
	struct stat store, journal;
	char *path = xasprintf("%s-journal", s->path);
	bool small = stat(s->path, &store) == 0 && store.st_size <= QUICK_CHECK_BYTES;
	bool unclean = stat(path, &journal) == 0 && journal.st_size > 0;
	free(path);
	return small || unclean;
}

static enum found look(struct sessions *s, char *err, size_t errlen)
{
	bool check = wants_check(s); /* before connecting plays the journal back */
	if (store_connect(&s->db, s->path, SQLITE_OPEN_READWRITE) != SQLITE_OK) {
		store_fail(s, err, errlen);
		return is_damage(s) ? FOUND_DAMAGED : FOUND_ERROR;
	}
	int version = schema_version(s, err, errlen);
	if (version < 0)
		return is_damage(s) || sqlite3_errcode(s->db) == SQLITE_OK || sqlite3_errcode(s->db) == SQLITE_DONE
			       ? FOUND_DAMAGED
			       : FOUND_ERROR;
	if (version > SCHEMA_VERSION)
		return FOUND_NEWER;
	if (check && !repair_looks_sound(s)) {
		store_error(s, err, errlen, "the file is damaged");
		return FOUND_DAMAGED;
	}
	if (version < SCHEMA_VERSION && schema_migrate(s, err, errlen))
		return is_damage(s) ? FOUND_DAMAGED : FOUND_UNWRITABLE;
	store_identify(s);
	return FOUND_SOUND;
}

/* Reads what is there, or shows an empty store where nothing could be made. */
static int open_read_only(struct sessions *s, const char *reason, char *err, size_t errlen)
{
	store_disconnect(s);
	struct stat st;
	bool empty = stat(s->path, &st) || st.st_size == 0;
	int code = store_connect(&s->db, empty ? memory_path : s->path,
				 empty ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	if (code != SQLITE_OK)
		return store_fail(s, err, errlen);
	if (empty && schema_migrate(s, err, errlen))
		return -1;
	if (!empty && schema_stand_in(s, err, errlen))
		return -1;
	set_read_only(s, reason);
	return 0;
}

static int open_newer(struct sessions *s, char *err, size_t errlen)
{
	char *reason = xasprintf("written by a newer bora (its version %d, ours %d); it can only be read: update bora",
				 schema_version(s, err, errlen), SCHEMA_VERSION);
	int code = open_read_only(s, reason, err, errlen);
	free(reason);
	return code;
}

/* Losses are told in sessions.db.losses; the notice is one line. */
static void keep_line(void *arg, const char *line)
{
	buffer_puts(arg, line);
	buffer_puts(arg, "\n");
}

static void write_losses(struct sessions *s, const struct buffer *lines)
{
	char *path = xasprintf("%s.losses", s->path);
	int fd = lines->len ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	if (fd >= 0) {
		ssize_t written = write(fd, lines->data, lines->len);
		(void)written; /* told again by nobody, but the damaged file is kept */
		close(fd);
	}
	free(path);
}

static int open_damaged(struct sessions *s, char *err, size_t errlen)
{
	store_disconnect(s);
	if (s->lock_fd < 0 || locks_store(s->lock_fd, true)) {
		return store_error(s, err, errlen,
				   "the file is damaged, and another bora has it open; close that one and try again");
	}
	struct buffer lines = {0};
	int code = repair_salvage(s, keep_line, &lines, &s->notice, err, errlen);
	write_losses(s, &lines);
	buffer_free(&lines);
	if (code)
		return -1;
	locks_store(s->lock_fd, false);
	return look(s, err, errlen) == FOUND_SOUND ? 0 : -1;
}

static int open_store(struct sessions *s, char *err, size_t errlen)
{
	if (make_file(s))
		return open_read_only(
			s, "cannot be written; nothing new is kept: check the disk and the folder's permissions", err,
			errlen);
	tighten_all(s);
	if (s->lock_fd >= 0 && locks_store(s->lock_fd, false))
		return store_error(s, err, errlen, "another bora is repairing it; try again in a moment");
	switch (look(s, err, errlen)) {
	case FOUND_SOUND: return 0;
	case FOUND_NEWER: return open_newer(s, err, errlen);
	case FOUND_DAMAGED: return open_damaged(s, err, errlen);
	case FOUND_UNWRITABLE: {
		char *reason = xasprintf("nothing new is kept: %s", err);
		int code = open_read_only(s, reason, err, errlen);
		free(reason);
		return code;
	}
	default: return -1;
	}
}

int sessions_open(struct sessions **out, const char *dir, const struct i18n *tr, char *err, size_t errlen)
{
	struct sessions *s = xcalloc(1, sizeof(*s));
	s->dir = xstrdup(dir);
	s->path = xasprintf("%s/sessions.db", dir);
	s->tr = tr;
	s->lock_fd = -1;
	*out = NULL;
	if (make_folder(dir, err, errlen))
		goto fail;
	s->lock_fd = locks_open(dir);
	if (open_store(s, err, errlen))
		goto fail;
	*out = s;
	return 0;
fail:
	sessions_close(s);
	return -1;
}

int sessions_open_memory(struct sessions **out, const struct i18n *tr, char *err, size_t errlen)
{
	struct sessions *s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(memory_path);
	s->dir = xstrdup("");
	s->tr = tr;
	s->lock_fd = -1;
	int code = store_connect(&s->db, s->path, SQLITE_OPEN_READWRITE) != SQLITE_OK ? store_fail(s, err, errlen)
										      : schema_migrate(s, err, errlen);
	if (code)
		sessions_close(s);
	*out = code ? NULL : s;
	return code;
}

bool sessions_in_memory(const struct sessions *s)
{
	return strcmp(s->path, memory_path) == 0;
}

void sessions_close(struct sessions *s)
{
	if (!s)
		return;
	store_disconnect(s);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->locked);
	free(s->read_only);
	free(s->notice);
	free(s->path);
	free(s->dir);
	free(s);
}

const char *sessions_read_only(const struct sessions *s)
{
	return s->read_only;
}

const char *sessions_notice(const struct sessions *s)
{
	return s->notice;
}
