#include "hints.h"

#include "../paths.h"
#include "../xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hint stands for STANDS_MS, and the next comes APART_MS after it began at the earliest. */
enum { TIMES = 3, STANDS_MS = 30 * 1000, APART_MS = 120 * 1000, LINE_BYTES = 128 };

static const struct {
	const char *name, *message;
	unsigned needs;
	enum action action;
	enum command_id command;
} table[] = {
#define HINT(id, name, needs, action, command) {name, "hint." name, needs, action, command},
#include "hints.def"
#undef HINT
};

struct hints {
	char *dir, *path;
	int times[HINT_COUNT];
	enum hint last; /* HINT_COUNT: none was shown since the start */
	int64_t since;  /* ms, of the last one */
};

/* What cannot be read counts as never shown. */
static void load(struct hints *hints)
{
	char line[LINE_BYTES], name[LINE_BYTES];
	int times;
	FILE *file = fopen(hints->path, "re");
	while (file && fgets(line, sizeof(line), file))
		for (int i = 0; i < HINT_COUNT; i++)
			if (sscanf(line, "%127s %d", name, &times) == 2 && strcmp(name, table[i].name) == 0)
				hints->times[i] = times < 0 ? 0 : times > TIMES ? TIMES : times;
	if (file)
		fclose(file);
}

/* A file that cannot be written is no reason to say anything: hints come again. */
static void store(const struct hints *hints)
{
	char err[256], *written = xasprintf("%s.new", hints->path);
	FILE *file = path_make(hints->dir, err, sizeof(err)) == 0 ? fopen(written, "we") : NULL;
	for (int i = 0; i < HINT_COUNT && file; i++)
		fprintf(file, "%s %d\n", table[i].name, hints->times[i]);
	if (file && (fclose(file) != 0 || rename(written, hints->path) != 0))
		remove(written);
	free(written);
}

struct hints *hints_open(const char *dir)
{
	struct hints *hints = xcalloc(1, sizeof(*hints));
	hints->dir = xstrdup(dir);
	hints->path = path_join(dir, "hints");
	hints->last = HINT_COUNT;
	load(hints);
	return hints;
}

void hints_free(struct hints *hints)
{
	if (!hints)
		return;
	free(hints->dir);
	free(hints->path);
	free(hints);
}

enum hint hints_now(const struct hints *hints, unsigned there, int64_t now)
{
	enum hint next = HINT_COUNT;
	if (!hints)
		return HINT_COUNT;
	if (hints->last != HINT_COUNT && now - hints->since < STANDS_MS)
		return table[hints->last].needs & ~there ? HINT_COUNT : hints->last;
	if (hints->last != HINT_COUNT && now - hints->since < APART_MS)
		return HINT_COUNT;
	for (int i = 0; i < HINT_COUNT; i++) /* the one that was shown least */
		if (hints->times[i] < TIMES && !(table[i].needs & ~there) &&
		    (next == HINT_COUNT || hints->times[i] < hints->times[next]))
			next = (enum hint)i;
	return next;
}

const char *hints_message(enum hint hint)
{
	return table[hint].message;
}

void hints_shown(struct hints *hints, enum hint hint, int64_t now)
{
	if (!hints || (hint == hints->last && now - hints->since < STANDS_MS))
		return;
	hints->last = hint;
	hints->since = now;
	hints->times[hint]++;
	store(hints);
}

void hints_used(struct hints *hints, enum hint hint)
{
	if (!hints)
		return;
	if (hints->last == hint)
		hints->since -= STANDS_MS; /* down with it */
	if (hints->times[hint] == TIMES)
		return;
	hints->times[hint] = TIMES;
	store(hints);
}

void hints_used_action(struct hints *hints, enum action action)
{
	for (int i = 0; i < HINT_COUNT && action != ACTION_NONE; i++)
		if (table[i].action == action)
			hints_used(hints, (enum hint)i);
}

void hints_used_command(struct hints *hints, enum command_id command)
{
	for (int i = 0; i < HINT_COUNT && command != COMMAND_NONE; i++)
		if (table[i].command == command)
			hints_used(hints, (enum hint)i);
}
