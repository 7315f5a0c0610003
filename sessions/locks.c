#include "locks.h"

#include "../xmalloc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SLOT = 8 }; /* bytes of a session: its writer's process id */

int locks_open(const char *dir)
{
	char *path = xasprintf("%s/sessions.lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		fchmod(fd, 0600);
	free(path);
	return fd;
}

/* Open-file-description locks: two handles in one process exclude each other
 * too, and closing some other descriptor of the file does not let go. */
static int set(int fd, short type, int64_t row, int command, struct flock *range)
{
	*range = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = row * SLOT, .l_len = SLOT};
	return fcntl(fd, command, range);
}

int locks_store(int fd, bool alone)
{
	struct flock range;
	for (int tries = 0;; tries++) {
		if (set(fd, alone ? F_WRLCK : F_RDLCK, 0, F_OFD_SETLK, &range) == 0)
			return 0;
		if (tries == (alone ? 0 : 50))
			return -1;
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	}
}

int locks_session(int fd, int64_t row, int64_t *pid)
{
	struct flock range;
	*pid = 0;
	if (set(fd, F_WRLCK, row, F_OFD_SETLK, &range) == 0) {
		int64_t own = getpid();
		/* Only for the others' message: a full disk is no reason to fail. */
		ssize_t written = pwrite(fd, &own, sizeof(own), row * SLOT);
		(void)written;
		return 0;
	}
	if (pread(fd, pid, sizeof(*pid), row * SLOT) != (ssize_t)sizeof(*pid) || *pid < 0)
		*pid = 0;
	return -1;
}

bool locks_session_free(int fd, int64_t row)
{
	struct flock range;
	return set(fd, F_WRLCK, row, F_OFD_GETLK, &range) == 0 && range.l_type == F_UNLCK;
}

void locks_release(int fd, int64_t row)
{
	struct flock range;
	set(fd, F_UNLCK, row, F_OFD_SETLK, &range);
}
