#include "loop.h"

#include "../xmalloc.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* The kernel's own self-pipe: no handler, and so no global for one to write to. */
struct loop {
	int signal_fd;
	sigset_t caught, before;
	struct sigaction pipe_before;
};

static void caught_signals(sigset_t *set)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH};
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
}

int loop_create(struct loop **out, char *err, size_t errlen)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	caught_signals(&loop->caught);
	pthread_sigmask(SIG_BLOCK, &loop->caught, &loop->before);
	loop->signal_fd = signalfd(-1, &loop->caught, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop->signal_fd < 0) {
		snprintf(err, errlen, "cannot listen for signals: %s", strerror(errno));
		pthread_sigmask(SIG_SETMASK, &loop->before, NULL);
		free(loop);
		return -1;
	}
	sigaction(SIGPIPE, &ignore, &loop->pipe_before);
	*out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop_signal(loop))
		;
	close(loop->signal_fd);
	sigaction(SIGPIPE, &loop->pipe_before, NULL);
	pthread_sigmask(SIG_SETMASK, &loop->before, NULL);
	free(loop);
}

unsigned loop_wait(struct loop *loop, int tty_fd, int engine_fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{.fd = tty_fd, .events = POLLIN},
		{.fd = engine_fd, .events = POLLIN},
		{.fd = loop->signal_fd, .events = POLLIN},
	};
	if (poll(fds, 3, timeout_ms) <= 0)
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
	return events;
}

int loop_signal(struct loop *loop)
{
	struct signalfd_siginfo info;
	return read(loop->signal_fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

void loop_stop(struct loop *loop)
{
	sigset_t stop;
	struct sigaction standard = {.sa_handler = SIG_DFL}, before;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigaction(SIGTSTP, &standard, &before);
	kill(0, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL); /* here the process stands still */
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	sigaction(SIGTSTP, &before, NULL);
}

void loop_child(void)
{
	sigset_t all;
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigfillset(&all);
	sigaction(SIGPIPE, &standard, NULL);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
}

int64_t loop_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
