#include "help.h"
#include "command.h"

#include <stdlib.h>
#include <string.h>

struct line {
	char *left, *right; /* right NULL: a heading */
};

struct help {
	const struct i18n *tr;
	struct line *lines;
	int count, top, page, left_width;
};

static void add(struct help *help, char *left, char *right)
{
	help->lines = xreallocarray(help->lines, (size_t)help->count + 1, sizeof(*help->lines));
	help->lines[help->count++] = (struct line){left, right};
	int width = right ? i18n_width(help->tr, left, strlen(left)) : 0;
	if (width > help->left_width)
		help->left_width = width;
}

static char *message(const struct i18n *tr, const char *kind, const char *name)
{
	char *key = xasprintf("%s.%s", kind, name), *text = xstrdup(i18n_text(tr, key));
	free(key);
	return text;
}

struct help *help_create(const struct i18n *tr, enum i18n_bidi bidi)
{
	struct help *help = xcalloc(1, sizeof(*help));
	help->tr = tr;
	(void)bidi;
	add(help, xstrdup(i18n_text(tr, "help.keys")), NULL);
	for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++)
		add(help, keys_shown((enum action)i), message(tr, "action", action_table[i].name));
	add(help, xstrdup(""), NULL);
	add(help, xstrdup(i18n_text(tr, "help.chat-commands")), NULL);
	for (int i = COMMAND_NONE + 1; i < COMMAND_COUNT; i++) {
		const struct command_info *info = &command_table[i];
		add(help, xasprintf("/%s%s%s", info->name, *info->argument ? " " : "", info->argument),
		    message(tr, "command", info->name));
	}
	return help;
}

void help_free(struct help *help)
{
	if (!help)
		return;
	for (int i = 0; i < help->count; i++) {
		free(help->lines[i].left);
		free(help->lines[i].right);
	}
	free(help->lines);
	free(help);
}

bool help_key(struct help *help, const struct key *key)
{
	switch ((int)key->code) {
	case KEYS_UP: help->top--; break;
	case KEYS_DOWN: help->top++; break;
	case KEYS_PGUP: help->top -= help->page; break;
	case KEYS_PGDN: help->top += help->page; break;
	case KEYS_HOME: help->top = 0; break;
	case KEYS_END: help->top = help->count; break;
	default: return false;
	}
	return true;
}

static void draw_line(struct help *help, struct screen *screen, int row, int columns, const struct line *line)
{
	int gap = help->left_width + 4;
	if (gap > columns / 2)
		gap = columns / 2;
	if (!line->right) {
		screen_text(screen, help->tr, row, 1, columns, line->left, STYLE_HEADING);
		return;
	}
	screen_text(screen, help->tr, row, 2, gap - 1, line->left, STYLE_STRONG);
	screen_text(screen, help->tr, row, gap, columns, line->right, STYLE_TEXT);
}

void help_draw(struct help *help, struct screen *screen, int first, int height)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	help->page = height > 1 ? height - 1 : 1;
	int most = help->count > height ? help->count - height : 0;
	help->top = help->top > most ? most : help->top < 0 ? 0 : help->top;
	for (int i = 0; i < height; i++) {
		screen->ops->clear_row(screen, first + i);
		if (help->top + i < help->count)
			draw_line(help, screen, first + i, columns, &help->lines[help->top + i]);
	}
}
