#include "loop.h"

#include "../signals.h"
#include "../xmalloc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct loop {
	int signal_fd, watched;
	struct sigaction pipe_before;
};

int loop_create(struct loop **out, char *err, size_t errlen)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH, 0};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	int fd = signals_open(signals);
	if (fd < 0) {
		snprintf(err, errlen, "cannot listen for signals: %s", strerror(errno));
		return -1;
	}
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->signal_fd = fd;
	loop->watched = -1;
	sigaction(SIGPIPE, &ignore, &loop->pipe_before);
	*out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	signals_close();
	sigaction(SIGPIPE, &loop->pipe_before, NULL);
	free(loop);
}

void loop_watch(struct loop *loop, int fd)
{
	loop->watched = fd;
}

unsigned loop_wait(struct loop *loop, int tty_fd, int engine_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = tty_fd, .events = POLLIN},
		{.fd = engine_fd, .events = POLLIN},
		{.fd = loop->signal_fd, .events = POLLIN},
		{.fd = loop->watched, .events = POLLIN},
	};
	if (poll(fds, 4, timeout_ms) <= 0)
		return 0;
	unsigned events = 0;
	if (fds[0].revents & POLLIN)
		events |= LOOP_INPUT;
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		events |= LOOP_HANGUP;
	if (fds[1].revents)
		events |= LOOP_ENGINE;
	if (fds[2].revents)
		events |= LOOP_SIGNAL;
	if (fds[3].revents)
		events |= LOOP_OUTPUT;
	return events;
}

int loop_signal(struct loop *loop)
{
	return signals_next(loop->signal_fd);
}

void loop_stop(struct loop *loop)
{
	struct sigaction standard = {.sa_handler = SIG_DFL}, before;
	sigaction(SIGTSTP, &standard, &before);
	kill(0, SIGTSTP); /* here the process stands still */
	sigaction(SIGTSTP, &before, NULL);
}

void loop_child(void)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigaction(SIGPIPE, &standard, NULL);
}

int64_t loop_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
