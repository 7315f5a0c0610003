/* tmux answers for itself; what it runs in, its client can tell. A child asks, so
 * that a tmux that hangs costs nothing. */
#include "terminal_probe.h"

#include "../xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTER_WAIT_MS = 100 };

struct outer_terminal {
	pid_t pid;
	int fd;
};

struct outer_terminal *outer_terminal_ask(void)
{
	int ends[2];
	const char *tmux = getenv("TMUX");
	if (!tmux || !*tmux || pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	pid_t pid = fork();
	if (pid == 0) {
		int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(nowhere, STDIN_FILENO);
		dup2(nowhere, STDERR_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		execlp("tmux", "tmux", "display-message", "-p", "#{client_termtype} #{client_termname}", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return NULL;
	}
	struct outer_terminal *outer = xcalloc(1, sizeof(*outer));
	*outer = (struct outer_terminal){pid, ends[0]};
	return outer;
}

/* The first line that comes within the time, in out; without out the child is only ended. */
void outer_terminal_answer(struct outer_terminal *outer, char *out, size_t size)
{
	size_t len = 0;
	if (!outer)
		return;
	struct pollfd fd = {.fd = outer->fd, .events = POLLIN};
	while (out && len + 1 < size && poll(&fd, 1, OUTER_WAIT_MS) == 1) {
		ssize_t got = read(outer->fd, out + len, size - 1 - len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (out) {
		out[len] = '\0';
		out[strcspn(out, "\n")] = '\0';
		for (char *at = out; *at; at++)
			if (*at < ' ' || *at > '~')
				*at = '?';
		for (char *at = out; *at == ' ';)
			memmove(at, at + 1, strlen(at));
	}
	close(outer->fd);
	kill(outer->pid, SIGKILL);
	while (waitpid(outer->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(outer);
}
