#include "config_watch.h"
#include "../paths.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

struct config_watch {
	char *path;
	int fd;
	struct stat seen; /* all zero: not there */
};

/* The folder, not the file: editors put a new one in its place. */
static int watch(const char *dir)
{
#ifdef __linux__
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
#endif
	return -1;
}

static struct stat look(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st : (struct stat){0};
}

struct config_watch *config_watch_open(const char *dir, const char *name)
{
	struct config_watch *w = xcalloc(1, sizeof(*w));
	w->path = path_join(dir, name);
	w->fd = watch(dir);
	w->seen = look(w->path);
	return w;
}

void config_watch_close(struct config_watch *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w->path);
	free(w);
}

int config_watch_fd(const struct config_watch *w)
{
	return w->fd;
}

static bool drained(int fd)
{
	char bytes[4096];
	bool any = false;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		any = true;
	return any;
}

bool config_watch_changed(struct config_watch *w)
{
	if (w->fd >= 0 && !drained(w->fd))
		return false;
	struct stat now = look(w->path);
	bool same = now.st_ino == w->seen.st_ino && now.st_size == w->seen.st_size &&
		    now.st_mtime == w->seen.st_mtime && now.st_ctime == w->seen.st_ctime;
#ifdef __linux__
	same = same && now.st_mtim.tv_nsec == w->seen.st_mtim.tv_nsec;
#endif
	w->seen = now;
	return !same;
}
