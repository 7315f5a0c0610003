#include "folder.h"
#include "attach.h"
#include "ignore.h"
#include "loop.h"
#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES_MOST = 20000, BYTES_MOST = 4 << 20, DEPTH_MOST = 32, IGNORE_MOST = 1 << 20, GIT_MS = 10000 };

struct folder {
	char *path;
	char **names;
	int count, visited;
	pid_t git;
	int fd;
	int64_t until;
	struct buffer listed;
};

static void add(struct folder *f, char *name)
{
	f->names = xreallocarray(f->names, (size_t)f->count + 1, sizeof(*f->names));
	f->names[f->count++] = name;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct folder *f)
{
	if (f->count)
		qsort(f->names, (size_t)f->count, sizeof(*f->names), compare);
}

/* --- Without git ---------------------------------------------------------------------------- */

static void read_rules(const struct folder *f, struct ignore *ignore, const char *below)
{
	char err[256];
	struct buffer text = {0};
	char *path = xasprintf("%s/%s.gitignore", f->path, below);
	if (access(path, R_OK) == 0 && attach_read_file(path, IGNORE_MOST, &text, err, sizeof(err)) == 0 && text.len)
		ignore_add(ignore, below, text.data, text.len);
	buffer_free(&text);
	free(path);
}

/* below: "" or "src/". Links are not followed: they may lead out, or round and round. */
static void walk(struct folder *f, struct ignore *ignore, const char *below, int depth)
{
	struct stat st;
	char *path = xasprintf("%s/%s", f->path, below);
	DIR *dir = opendir(path);
	read_rules(f, ignore, below);
	for (struct dirent *entry; dir && f->visited < NAMES_MOST && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		f->visited++;
		bool is_folder = S_ISDIR(st.st_mode);
		char *name = xasprintf("%s%s", below, entry->d_name);
		if (ignore_matches(ignore, name, is_folder)) {
			free(name);
		} else if (is_folder) {
			char *within = xasprintf("%s/", name);
			if (depth < DEPTH_MOST)
				walk(f, ignore, within, depth + 1);
			free(within);
			free(name);
		} else if (S_ISREG(st.st_mode)) {
			add(f, name);
		} else {
			free(name);
		}
	}
	if (dir)
		closedir(dir);
	free(path);
}

static void list_without_git(struct folder *f)
{
	struct ignore *ignore = ignore_create();
	walk(f, ignore, "", 0);
	ignore_free(ignore);
	sort(f);
}

/* --- With git ---------------------------------------------------------------------------------- */

/* A repository may name programs for git to run: none of them is. */
static _Noreturn void become_git(const struct folder *f, const char *git, int out)
{
	const char *const argv[] = {"git",
				    "-c",
				    "core.fsmonitor=false",
				    "-C",
				    f->path,
				    "ls-files",
				    "-z",
				    "--cached",
				    "--others",
				    "--exclude-standard",
				    "--deduplicate",
				    NULL};
	int nothing = open("/dev/null", O_RDWR);
	loop_child();
	setsid();
	setenv("GIT_OPTIONAL_LOCKS", "0", 1);
	setenv("GIT_TERMINAL_PROMPT", "0", 1);
	dup2(nothing, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	execv(git, (char *const *)argv);
	_exit(127);
}

static bool start_git(struct folder *f)
{
	int out[2];
	char *git = program_find("git");
	if (!git || pipe2(out, O_CLOEXEC) != 0) {
		free(git);
		return false;
	}
	f->git = fork();
	if (f->git == 0)
		become_git(f, git, out[1]);
	free(git);
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	f->fd = out[0];
	f->until = loop_now() + GIT_MS;
	if (f->git < 0)
		close(f->fd);
	return f->git > 0;
}

static void take_listed(struct folder *f)
{
	for (size_t at = 0; at < f->listed.len && f->count < NAMES_MOST;) {
		size_t len = strnlen(f->listed.data + at, f->listed.len - at);
		add(f, xstrndup(f->listed.data + at, len));
		at += len + 1;
	}
	sort(f);
}

/* What git says when it has ended; not a repository, or anything amiss: without it. */
static void finish_git(struct folder *f)
{
	int status = 0;
	close(f->fd);
	if (loop_now() >= f->until || f->listed.len >= BYTES_MOST)
		kill(f->git, SIGKILL);
	waitpid(f->git, &status, 0);
	f->git = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		take_listed(f);
	else
		list_without_git(f);
}

bool folder_step(struct folder *f)
{
	char bytes[65536];
	ssize_t n = 0;
	if (!f->git)
		return true;
	while (f->listed.len < BYTES_MOST && (n = read(f->fd, bytes, sizeof(bytes))) > 0)
		buffer_append(&f->listed, bytes, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && loop_now() < f->until)
		return false;
	finish_git(f);
	return true;
}

/* --- All ------------------------------------------------------------------------------------------- */

struct folder *folder_open(const char *path)
{
	struct folder *f = xcalloc(1, sizeof(*f));
	f->path = xstrdup(path);
	if (!start_git(f)) {
		f->git = 0;
		list_without_git(f);
	}
	return f;
}

void folder_free(struct folder *f)
{
	if (!f)
		return;
	if (f->git) {
		kill(f->git, SIGKILL);
		waitpid(f->git, NULL, 0);
		close(f->fd);
	}
	for (int i = 0; i < f->count; i++)
		free(f->names[i]);
	free(f->names);
	free(f->path);
	buffer_free(&f->listed);
	free(f);
}

int folder_count(const struct folder *f)
{
	return f->count;
}

const char *folder_name(const struct folder *f, int i)
{
	return f->names[i];
}
