#include "runner.h"
#include "highlight.h"
#include "../xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct recipe {
	const char *language, *file;
	const char *programs[3]; /* the first that is installed */
	bool compiled;
} recipes[] = {
	{"python", "code.py", {"python3", "python"}, false},
	{"bash", "code.sh", {"bash", "sh"}, false},
	{"javascript", "code.js", {"node", "nodejs"}, false},
	{"c", "code.c", {"cc", "gcc", "clang"}, true},
	{"cpp", "code.cpp", {"c++", "g++", "clang++"}, true},
	{"perl", "code.pl", {"perl"}, false},
	{"ruby", "code.rb", {"ruby"}, false},
	{"lua", "code.lua", {"lua", "lua5.4", "lua5.3"}, false},
	{"php", "code.php", {"php"}, false},
	{"r", "code.R", {"Rscript"}, false},
	{"awk", "code.awk", {"awk"}, false},
	{"tcl", "code.tcl", {"tclsh"}, false},
};

static char *in_path(const char *name)
{
	const char *path = getenv("PATH");
	while (path && *path) {
		size_t len = strcspn(path, ":");
		char *file = xasprintf("%.*s/%s", (int)len, path, name);
		if (file[0] == '/' && access(file, X_OK) == 0)
			return file;
		free(file);
		path += len + (path[len] == ':');
	}
	return NULL;
}

static const struct recipe *find(const char *language)
{
	/* A session at a prompt is not a script. */
	if (strcmp(language, "console") == 0 || strcmp(language, "shell-session") == 0)
		return NULL;
	const struct language *l = highlight_language(language, strlen(language));
	for (size_t i = 0; l && i < sizeof(recipes) / sizeof(*recipes); i++)
		if (strcmp(recipes[i].language, highlight_name(l)) == 0)
			return &recipes[i];
	return NULL;
}

static int write_code(const char *path, const char *code, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;
	while (fd >= 0 && done < len) {
		ssize_t n = write(fd, code + done, len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0 && done == len ? 0 : -1;
}

static void fill_commands(struct runner *r, const struct recipe *recipe, char *program, const char *source)
{
	if (!recipe->compiled) {
		int n = 0;
		r->run[n++] = program;
		if (strcmp(recipe->language, "awk") == 0)
			r->run[n++] = xstrdup("-f");
		r->run[n] = xstrdup(source);
		r->shown = xasprintf("%s %s%s", program, n > 1 ? "-f " : "", source);
		return;
	}
	char *binary = xasprintf("%s/code", r->work);
	char *compile[] = {program, xstrdup("-O1"),  xstrdup("-g"), xstrdup("-o"),
			   binary,  xstrdup(source), xstrdup("-lm")};
	memcpy(r->compile, compile, sizeof(compile));
	r->run[0] = xstrdup(binary);
	r->shown = xasprintf("%s -O1 -g -o %s %s -lm && %s", program, binary, source, binary);
}

int runner_prepare(struct runner *r, const char *language, const char *code, size_t len, char *err, size_t errlen)
{
	const struct recipe *recipe = find(language);
	char *program = NULL;
	*r = (struct runner){0};
	if (!recipe) {
		snprintf(err, errlen,
			 "'%s' cannot be run here; Python, C, C++, shell, JavaScript, Perl, Ruby, Lua, PHP, R, awk and "
			 "Tcl can",
			 language);
		return -1;
	}
	for (int i = 0; i < 3 && recipe->programs[i] && !program; i++)
		program = in_path(recipe->programs[i]);
	if (!program) {
		snprintf(err, errlen, "'%s' is not installed: install it to run %s", recipe->programs[0],
			 recipe->language);
		return -1;
	}
	const char *temporary = getenv("TMPDIR");
	r->work = xasprintf("%s/bora-run-XXXXXX", temporary && temporary[0] == '/' ? temporary : "/tmp");
	char *made = mkdtemp(r->work), *source = xasprintf("%s/%s", r->work, recipe->file);
	int failed = !made || write_code(source, code, len);
	if (failed) {
		snprintf(err, errlen, "%s: %s", source, strerror(errno));
		free(program);
		if (!made) {
			free(r->work);
			r->work = NULL;
		}
		runner_free(r);
	} else {
		fill_commands(r, recipe, program, source);
	}
	free(source);
	return failed ? -1 : 0;
}

int runner_start(const struct runner *r, struct sandbox *s, const struct sandbox_limits *limits, char *err,
		 size_t errlen)
{
	return sandbox_start(s, r->work, r->compile[0] ? (const char *const *)r->compile : NULL,
			     (const char *const *)r->run, limits, err, errlen);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void runner_free(struct runner *r)
{
	if (r->work)
		nftw(r->work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	for (int i = 0; i < RUNNER_ARGS; i++) {
		free(r->compile[i]);
		free(r->run[i]);
	}
	free(r->work);
	free(r->shown);
	*r = (struct runner){0};
}
