#include "runner.h"
#include "highlight.h"
#include "program.h"
#include "../xmalloc.h"

#include <errno.h>
#include <fcntl.h>
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
		program = program_find(recipe->programs[i]);
	if (!program) {
		snprintf(err, errlen, "'%s' is not installed: install it to run %s", recipe->programs[0],
			 recipe->language);
		return -1;
	}
	r->work = program_folder();
	char *source = xasprintf("%s/%s", r->work ? r->work : "/tmp", recipe->file);
	int failed = !r->work || write_code(source, code, len);
	if (failed) {
		snprintf(err, errlen, "%s: %s", source, strerror(errno));
		free(program);
		runner_free(r);
	} else {
		fill_commands(r, recipe, program, source);
	}
	free(source);
	return failed ? -1 : 0;
}

void runner_prepare_shell(struct runner *r, const char *command)
{
	const char *shell = getenv("SHELL");
	bool known = shell && shell[0] == '/' && access(shell, X_OK) == 0;
	*r = (struct runner){.shown = xstrdup(command)};
	r->run[0] = xstrdup(known ? shell : "/bin/sh");
	r->run[1] = xstrdup("-c");
	r->run[2] = xstrdup(command);
}

int runner_start(const struct runner *r, struct sandbox *s, const struct sandbox_limits *limits, char *err,
		 size_t errlen)
{
	return sandbox_start(s, r->work, r->compile[0] ? (const char *const *)r->compile : NULL,
			     (const char *const *)r->run, limits, err, errlen);
}

void runner_free(struct runner *r)
{
	if (r->work)
		program_remove(r->work);
	for (int i = 0; i < RUNNER_ARGS; i++) {
		free(r->compile[i]);
		free(r->run[i]);
	}
	free(r->work);
	free(r->shown);
	*r = (struct runner){0};
}
