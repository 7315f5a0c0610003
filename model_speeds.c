#include "model_speeds.h"
#include "paths.h"
#include "xmalloc.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOKENS_LEAST = 16, KEPT_MOST = 200 };

/* One file has one name here, however it was asked for. */
static char *whole(const char *path)
{
	char real[PATH_MAX];
	return xstrdup(realpath(path, real) ? real : path);
}

/* "31.20\t/path/of/the/model.gguf\n"; NULL: the line is of another model or none. */
static const char *path_of(const char *line)
{
	const char *tab = strchr(line, '\t');
	return tab ? tab + 1 : NULL;
}

static bool is_of(const char *line, const char *path)
{
	const char *found = path_of(line);
	size_t len = strlen(path);
	return found && strncmp(found, path, len) == 0 && strcmp(found + len, "\n") == 0;
}

static FILE *open_speeds(char **name)
{
	char *dir = path_dir(PATH_STATE);
	*name = path_join(dir, "speeds");
	free(dir);
	return fopen(*name, "re");
}

double model_speeds_last(const char *path)
{
	char *name, *file_path = whole(path), *line = NULL;
	size_t size = 0;
	double speed = 0;
	FILE *file = open_speeds(&name);
	while (file && !speed && getline(&line, &size, file) > 0)
		if (is_of(line, file_path))
			speed = strtod(line, NULL);
	if (file)
		fclose(file);
	free(line);
	free(file_path);
	free(name);
	return speed > 0 && speed < 1e6 ? speed : 0;
}

/* The newest line first; the others as they were, as many as are kept. */
static void copy_others(FILE *from, FILE *to, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	int kept = 1;
	while (from && kept < KEPT_MOST && getline(&line, &size, from) > 0)
		if (path_of(line) && strchr(line, '\n') && !is_of(line, path)) {
			fputs(line, to);
			kept++;
		}
	free(line);
}

void model_speeds_keep(const char *path, int tokens, double ms)
{
	char err[256], *name, *file_path = whole(path), *dir = path_dir(PATH_STATE);
	if (tokens >= TOKENS_LEAST && ms > 0 && !strchr(file_path, '\n') && path_make(dir, err, sizeof(err)) == 0) {
		FILE *from = open_speeds(&name);
		char *next = xasprintf("%s.%ld", name, (long)getpid());
		FILE *to = fopen(next, "we");
		bool good = to && fprintf(to, "%.2f\t%s\n", tokens * 1000.0 / ms, file_path) > 0;
		if (to) {
			copy_others(from, to, file_path);
			good = good && !ferror(to);
			good = fclose(to) == 0 && good;
		}
		if (from)
			fclose(from);
		if (!good || rename(next, name) != 0)
			unlink(next);
		free(next);
		free(name);
	}
	free(dir);
	free(file_path);
}
