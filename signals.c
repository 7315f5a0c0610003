#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A handler has no argument to find its pipe by. */
static volatile sig_atomic_t write_end = -1;
static int read_end = -1;
static sigset_t caught;

static void handler(int number)
{
	int saved = errno;
	unsigned char byte = (unsigned char)number;
	ssize_t ignored = write(write_end, &byte, 1);
	(void)ignored;
	errno = saved;
}

int signals_open(const int *signals)
{
	int fds[2];
	if (read_end < 0) {
		if (pipe(fds) != 0)
			return -1;
		for (int i = 0; i < 2; i++) {
			fcntl(fds[i], F_SETFL, O_NONBLOCK);
			fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		}
		read_end = fds[0];
		write_end = fds[1];
		sigemptyset(&caught);
	}
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	for (; *signals; signals++) {
		sigaction(*signals, &action, NULL);
		sigaddset(&caught, *signals);
	}
	return read_end;
}

int signals_next(int fd)
{
	unsigned char number;
	return read(fd, &number, 1) == 1 ? number : 0;
}

void signals_close(void)
{
	if (read_end < 0)
		return;
	for (int i = 1; i < NSIG; i++)
		if (sigismember(&caught, i) == 1)
			signal(i, SIG_DFL);
	close(read_end);
	close(write_end);
	read_end = -1;
	write_end = -1;
}
