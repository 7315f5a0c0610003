#include "help.h"
#include "command.h"

#include <stdlib.h>
#include <string.h>

enum { NARROW = 60, INDENT = 4 };

struct line {
	char *left, *right; /* right NULL: a heading */
};

struct row { /* of the screen: what stands in its two columns, or NULL */
	const struct line *line;
	char *right;
	bool left;
};

struct help {
	const struct i18n *tr;
	struct line *lines;
	struct row *rows; /* the lines for a width */
	int count, row_count, columns, top, page, left_width;
};

static void add(struct help *help, char *left, char *right)
{
	help->lines = xreallocarray(help->lines, (size_t)help->count + 1, sizeof(*help->lines));
	help->lines[help->count++] = (struct line){left, right};
	int width = right ? i18n_width(help->tr, left, strlen(left)) : 0;
	if (width > help->left_width)
		help->left_width = width;
}

static void free_rows(struct help *help)
{
	for (int i = 0; i < help->row_count; i++)
		free(help->rows[i].right);
	free(help->rows);
	help->rows = NULL;
	help->row_count = 0;
}

static void add_row(struct help *help, const struct line *line, bool left, char *right)
{
	help->rows = xreallocarray(help->rows, (size_t)help->row_count + 1, sizeof(*help->rows));
	help->rows[help->row_count++] = (struct row){line, right, left};
}

/* Where descriptions begin: beside what they describe, or below it on a narrow screen. */
static int gap_of(const struct help *help)
{
	int gap = help->left_width + 4;
	if (help->columns < NARROW)
		return INDENT;
	return gap > help->columns / 2 ? help->columns / 2 : gap;
}

static void add_description(struct help *help, const struct line *line)
{
	int width = help->columns - gap_of(help) - 1;
	struct layout_options options = {.width = width > 0 ? width : 1, .bidi = I18N_BIDI_OFF};
	struct layout layout;
	bool below = help->columns < NARROW;
	if (below)
		add_row(help, line, true, NULL);
	i18n_layout(help->tr, line->right, strlen(line->right), &options, &layout);
	for (int i = 0; i < layout.count; i++) {
		const struct layout_row *row = &layout.rows[i];
		add_row(help, line, i == 0 && !below, xstrndup(line->right + row->start, row->end - row->start));
	}
	layout_free(&layout);
}

/* The lines as rows of the screen's width. The line on top stays there. */
static void lay_out(struct help *help, int columns)
{
	const struct line *top =
		help->rows && help->top >= 0 && help->top < help->row_count ? help->rows[help->top].line : NULL;
	if (help->rows && help->columns == columns)
		return;
	free_rows(help);
	help->columns = columns;
	for (int i = 0; i < help->count; i++) {
		if (&help->lines[i] == top)
			help->top = help->row_count;
		if (help->lines[i].right)
			add_description(help, &help->lines[i]);
		else
			add_row(help, &help->lines[i], true, NULL);
	}
}

static char *message(const struct i18n *tr, const char *kind, const char *name)
{
	char *key = xasprintf("%s.%s", kind, name), *text = xstrdup(i18n_text(tr, key));
	free(key);
	return text;
}

static void add_here(struct help *help, enum help_place place)
{
	static const struct {
		unsigned where;
		const char *keys, *name;
	} table[] = {
#define HELP_KEY(where, keys, name) {where, keys, name},
#include "help_keys.def"
#undef HELP_KEY
	};
	if (place == HELP_CHAT)
		return;
	add(help, xstrdup(i18n_text(help->tr, "help.here")), NULL);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].where & place)
			add(help, keys_named(help->tr, table[i].keys), message(help->tr, "help-key", table[i].name));
	add(help, xstrdup(""), NULL);
}

/* "@FILE" */
static char *sign_form(const struct i18n *tr, const char *sign, const char *value)
{
	char *shown = i18n_values(tr, value), *form = xasprintf("%s%s", sign, shown);
	free(shown);
	return form;
}

struct help *help_create(const struct i18n *tr, enum help_place place)
{
	struct help *help = xcalloc(1, sizeof(*help));
	help->tr = tr;
	add_here(help, place);
	add(help, xstrdup(i18n_text(tr, "help.keys")), NULL);
	for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++)
		add(help, keys_shown(tr, (enum action)i), message(tr, "action", action_table[i].name));
	add(help, xstrdup(""), NULL);
	add(help, xstrdup(i18n_text(tr, "help.chat-commands")), NULL);
	add(help, sign_form(tr, "@", "FILE"), xstrdup(i18n_text(tr, "help.file")));
	add(help, sign_form(tr, "!", "COMMAND"), xstrdup(i18n_text(tr, "help.shell")));
	for (int i = COMMAND_NONE + 1; i < COMMAND_COUNT; i++)
		add(help, command_form(tr, (enum command_id)i), command_about(tr, (enum command_id)i));
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
	free_rows(help);
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
	case KEYS_END: help->top = help->row_count; break;
	default: return false;
	}
	return true;
}

static void draw_row(struct help *help, struct screen *screen, int y, const struct row *row)
{
	int gap = gap_of(help), columns = help->columns;
	if (!row->line->right) {
		screen_text(screen, help->tr, y, 1, columns, row->line->left, STYLE_HEADING);
		return;
	}
	if (row->left)
		screen_text(screen, help->tr, y, 2, row->right ? gap - 1 : columns, row->line->left, STYLE_STRONG);
	if (row->right)
		screen_text(screen, help->tr, y, gap, columns, row->right, STYLE_TEXT);
}

void help_draw(struct help *help, struct screen *screen, int first, int height)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	lay_out(help, columns);
	help->page = height > 1 ? height - 1 : 1;
	int most = help->row_count > height ? help->row_count - height : 0;
	help->top = help->top > most ? most : help->top < 0 ? 0 : help->top;
	for (int i = 0; i < height; i++) {
		screen->ops->clear_row(screen, first + i);
		if (help->top + i < help->row_count)
			draw_row(help, screen, first + i, &help->rows[help->top + i]);
	}
}
