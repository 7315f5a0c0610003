#include "cache_store.h"
#include "log.h"
#include "paths.h"
#include "xmalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char ending[] = ".kv";
static const uint64_t limit_most = (uint64_t)8 << 30;

struct cache_file {
	char *path;
	uint64_t bytes;
	struct timespec used;
};

static char *cache_dir(void)
{
	char *data = path_dir(PATH_DATA), *dir = path_join(data, "cache");
	free(data);
	return dir;
}

/* IDs are letters and digits, whatever a store from elsewhere says. */
static bool plain(const char *id)
{
	return *id && strlen(id) < 64 && strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz") == strlen(id);
}

static char *path_of(const char *dir, const char *id)
{
	return xasprintf("%s/%s%s", dir, id, ending);
}

char *cache_path(const char *session_id)
{
	char err[512], *dir = cache_dir(), *path = NULL;
	if (plain(session_id) && path_make(dir, err, sizeof(err)) == 0)
		path = path_of(dir, session_id);
	else
		log_write("%s", plain(session_id) ? err : "an ID that is none; nothing is kept");
	free(dir);
	return path;
}

/* On the disk: files have holes. A name of several for one file counts for its share. */
static uint64_t bytes_on_disk(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512 / (st->st_nlink ? st->st_nlink : 1);
}

uint64_t cache_bytes(const char *session_id)
{
	struct stat st;
	char *dir = cache_dir(), *path = path_of(dir, session_id);
	uint64_t bytes = plain(session_id) && lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? bytes_on_disk(&st) : 0;
	free(path);
	free(dir);
	return bytes;
}

void cache_remove(const char *session_id)
{
	char *dir = cache_dir(), *path = path_of(dir, session_id);
	if (plain(session_id) && unlink(path) && errno != ENOENT)
		log_write("%s: cannot be removed: %s", path, strerror(errno));
	free(path);
	free(dir);
}

/* --- Forks ---------------------------------------------------------------------------------- */

/* A copy that shares its bytes with the file until one of them changes, where the file system can. */
static bool clone(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool done = out >= 0 && ioctl(out, FICLONE, in) == 0;
	if (out >= 0 && !done)
		unlink(to);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return done;
}

/* Elsewhere both are names of one file: it holds any number of branches of a conversation. */
void cache_fork(const char *from, const char *to)
{
	char *dir = cache_dir(), *old = path_of(dir, from), *new = path_of(dir, to);
	if (plain(from) && plain(to) && !clone(old, new) && link(old, new) && errno != ENOENT)
		log_write("%s: cannot be shared with a fork: %s", old, strerror(errno));
	free(new);
	free(old);
	free(dir);
}

/* --- The limit -------------------------------------------------------------------------------- */

static int longest_unused_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct cache_file *)a)->used, *y = &((const struct cache_file *)b)->used;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

static size_t list(const char *dir, struct cache_file **out, uint64_t *total)
{
	DIR *folder = opendir(dir);
	struct cache_file *files = NULL;
	size_t count = 0, size = 0;
	*total = 0;
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		const char *dot = strrchr(entry->d_name, '.');
		struct stat st;
		if (!dot || strcmp(dot, ending) != 0 ||
		    fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (count == size)
			files = xreallocarray(files, size = size ? 2 * size : 16, sizeof(*files));
		files[count++] = (struct cache_file){path_join(dir, entry->d_name), bytes_on_disk(&st), st.st_mtim};
		*total += bytes_on_disk(&st);
	}
	if (folder)
		closedir(folder);
	*out = files;
	return count;
}

static void free_list(struct cache_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(files[i].path);
	free(files);
}

uint64_t cache_limit(const struct options *options)
{
	if (option_flag(options, OPTION_NO_SAVE))
		return 0;
	if (option_given(options, OPTION_CACHE_LIMIT))
		return (uint64_t)(option_real(options, OPTION_CACHE_LIMIT) * (double)(1 << 30));
	struct statvfs disk;
	struct cache_file *files;
	uint64_t used = 0, limit = limit_most;
	char *data = path_dir(PATH_DATA), *dir = cache_dir();
	size_t count = list(dir, &files, &used);
	free_list(files, count);
	if (statvfs(data, &disk) == 0 && ((uint64_t)disk.f_bavail * disk.f_frsize + used) / 10 < limit)
		limit = ((uint64_t)disk.f_bavail * disk.f_frsize + used) / 10;
	free(dir);
	free(data);
	return limit;
}

/* Whoever writes a file holds its lock; while we hold it, nobody begins to. */
static bool remove_unused(const char *path)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool gone = fd >= 0 && fcntl(fd, F_OFD_SETLK, &range) == 0 && unlink(path) == 0;
	if (fd >= 0)
		close(fd);
	return gone;
}

void cache_trim(uint64_t limit)
{
	struct cache_file *files;
	uint64_t total;
	char *dir = cache_dir();
	size_t count = list(dir, &files, &total);
	if (total > limit)
		qsort(files, count, sizeof(*files), longest_unused_first);
	for (size_t i = 0; i < count && total > limit; i++)
		if (remove_unused(files[i].path)) {
			log_write("%s: removed: %llu MiB are kept, and %llu are the limit", files[i].path,
				  (unsigned long long)total >> 20, (unsigned long long)limit >> 20);
			total -= files[i].bytes;
		}
	free_list(files, count);
	free(dir);
}
