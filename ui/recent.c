#include "recent.h"

#include "../paths.h"
#include "../xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 128 };

int recent_number(enum action action, enum command_id command)
{
	return action ? (int)action : ACTION_COUNT - 1 + (int)command;
}

enum action recent_action(int number)
{
	return number < ACTION_COUNT ? (enum action)number : ACTION_NONE;
}

enum command_id recent_command(int number)
{
	return number < ACTION_COUNT ? COMMAND_NONE : (enum command_id)(number - ACTION_COUNT + 1);
}

/* "action regenerate": numbers change with the tables, names do not. */
static char *name_of(int number)
{
	bool action = recent_action(number) != ACTION_NONE;
	return xasprintf("%s %s\n", action ? "action" : "command",
			 action ? action_table[recent_action(number)].name
				: command_table[recent_command(number)].name);
}

static int number_of(const char *line)
{
	int number = 1;
	for (; number < RECENT_NUMBERS; number++) {
		char *name = name_of(number);
		bool same = strcmp(name, line) == 0;
		free(name);
		if (same)
			break;
	}
	return number < RECENT_NUMBERS ? number : 0;
}

bool recent_has(const struct recent *recent, int number)
{
	for (int i = 0; i < RECENT_MOST; i++)
		if (recent->list[i] == number)
			return true;
	return false;
}

static void load(struct recent *recent)
{
	char line[LINE_BYTES];
	int count = 0;
	FILE *file = fopen(recent->path, "re");
	if (!file)
		return;
	memset(recent->list, 0, sizeof(recent->list));
	while (count < RECENT_MOST && fgets(line, sizeof(line), file)) {
		int number = number_of(line);
		if (number && !recent_has(recent, number))
			recent->list[count++] = number;
	}
	fclose(file);
}

static void store(const struct recent *recent)
{
	char err[256], *next = xasprintf("%s.%ld", recent->path, (long)getpid());
	FILE *file = path_make(recent->dir, err, sizeof(err)) == 0 ? fopen(next, "we") : NULL;
	for (int i = 0; i < RECENT_MOST && recent->list[i] && file; i++) {
		char *name = name_of(recent->list[i]);
		fputs(name, file);
		free(name);
	}
	if (file && (fclose(file) != 0 || rename(next, recent->path) != 0))
		remove(next);
	free(next);
}

void recent_open(struct recent *recent, const char *dir)
{
	recent_close(recent);
	recent->dir = xstrdup(dir);
	recent->path = path_join(dir, "recent");
	load(recent);
}

void recent_close(struct recent *recent)
{
	free(recent->dir);
	free(recent->path);
	*recent = (struct recent){0};
}

void recent_add(struct recent *recent, int number)
{
	int at = 0;
	if (recent->path)
		load(recent); /* another window may have added to it */
	while (at < RECENT_MOST - 1 && recent->list[at] != number)
		at++;
	memmove(&recent->list[1], &recent->list[0], (size_t)at * sizeof(recent->list[0]));
	recent->list[0] = number;
	if (recent->path)
		store(recent);
}
