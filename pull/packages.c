#include "pull.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int start(pid_t *pid, int input, int unused, const char *script, const char *dir, const char *name)
{
	char *const argv[] = {"python3",     "-c", (char *)script, "--dir", (char *)dir,
			      "--catalogue", "-",  (char *)name,   NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_addclose(&actions, unused);
	int failed = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static int wait_for(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int pull_packages(const char *script, const char *table, const char *name, const char *dir,
		  const struct pull_hooks *hooks, char *err, size_t errlen)
{
	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		snprintf(err, errlen, "%s: cannot run: %s", "python3", strerror(errno));
		return PULL_FAILED;
	}
	int failed = start(&pid, ends[0], ends[1], script, dir, name);
	close(ends[0]);
	for (size_t left = failed ? 0 : strlen(table); left;) {
		ssize_t done = write(ends[1], table + strlen(table) - left, left);
		if (done < 0 && errno != EINTR)
			break;
		left -= done > 0 ? (size_t)done : 0;
	}
	close(ends[1]);
	if (failed) {
		snprintf(err, errlen, "%s: cannot run: %s", "python3", strerror(failed));
		return PULL_FAILED;
	}
	int code = wait_for(pid);
	if (code && hooks->stopped && hooks->stopped(hooks->arg))
		return PULL_STOPPED;
	if (code)
		snprintf(err, errlen, "%s: it could not be fetched as Python packages", name);
	return code ? PULL_FAILED : PULL_OK;
}
