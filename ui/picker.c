#include "picker.h"

#include <stdlib.h>
#include <string.h>

struct item {
	char *label, *detail, *folded;
};

struct picker {
	int caret_row, caret_column; /* where the filter ends, of the last drawing */
	const struct i18n *tr;
	char *title;
	struct item *items;
	int count;
	int *shown, shown_count; /* items that match the filter */
	int selected, top;       /* in shown */
	int page;                /* rows of the last drawing */
	struct buffer filter;
};

struct picker *picker_create(const struct i18n *tr, const char *title)
{
	struct picker *picker = xcalloc(1, sizeof(*picker));
	picker->tr = tr;
	picker->title = xstrdup(title);
	picker->page = 1;
	return picker;
}

void picker_free(struct picker *picker)
{
	if (!picker)
		return;
	for (int i = 0; i < picker->count; i++) {
		free(picker->items[i].label);
		free(picker->items[i].detail);
		free(picker->items[i].folded);
	}
	free(picker->items);
	free(picker->shown);
	free(picker->title);
	buffer_free(&picker->filter);
	free(picker);
}

static char *fold(const struct i18n *tr, const char *text)
{
	struct buffer folded = {0};
	i18n_fold(tr, text, strlen(text), &folded);
	return buffer_take(&folded);
}

/* Every word of the filter occurs somewhere in the item. */
static bool matches(const struct item *item, const char *filter)
{
	while (*filter) {
		filter += strspn(filter, " ");
		size_t len = strcspn(filter, " ");
		if (len && !memmem(item->folded, strlen(item->folded), filter, len))
			return false;
		filter += len;
	}
	return true;
}

static void refilter(struct picker *picker)
{
	char *filter = fold(picker->tr, picker->filter.data ? picker->filter.data : "");
	picker->shown_count = 0;
	for (int i = 0; i < picker->count; i++)
		if (matches(&picker->items[i], filter))
			picker->shown[picker->shown_count++] = i;
	picker->selected = picker->top = 0;
	free(filter);
}

void picker_add(struct picker *picker, const char *label, const char *detail)
{
	picker->items = xreallocarray(picker->items, (size_t)picker->count + 1, sizeof(*picker->items));
	picker->shown = xreallocarray(picker->shown, (size_t)picker->count + 1, sizeof(*picker->shown));
	char *both = xasprintf("%s %s", label, detail);
	picker->items[picker->count] = (struct item){xstrdup(label), xstrdup(detail), fold(picker->tr, both)};
	picker->shown[picker->shown_count++] = picker->count++;
	free(both);
}

int picker_chosen(const struct picker *picker)
{
	return picker->selected < picker->shown_count ? picker->shown[picker->selected] : -1;
}

static void move(struct picker *picker, int rows)
{
	int at = picker->selected + rows;
	picker->selected = at < 0 ? 0 : at >= picker->shown_count ? picker->shown_count - 1 : at;
	if (picker->selected < 0)
		picker->selected = 0;
}

static void erase_last(struct picker *picker)
{
	size_t start = i18n_cluster_prev(picker->tr, picker->filter.data ? picker->filter.data : "", picker->filter.len,
					 picker->filter.len);
	if (!picker->filter.len)
		return;
	picker->filter.len = start;
	picker->filter.data[start] = '\0';
	refilter(picker);
}

enum picker_result picker_key(struct picker *picker, const struct key *key)
{
	bool ctrl = key->mods & KEYS_CTRL;
	switch ((int)key->code) {
	case KEYS_ESC: return PICKER_CLOSED;
	case KEYS_ENTER: return picker_chosen(picker) < 0 ? PICKER_OPEN : PICKER_CHOSEN;
	case KEYS_UP: move(picker, -1); break;
	case KEYS_DOWN:
	case KEYS_TAB: move(picker, 1); break;
	case KEYS_PGUP: move(picker, -picker->page); break;
	case KEYS_PGDN: move(picker, picker->page); break;
	case KEYS_HOME: move(picker, -picker->shown_count); break;
	case KEYS_END: move(picker, picker->shown_count); break;
	case KEYS_BACKSPACE: erase_last(picker); break;
	case KEYS_PASTE:
	case KEYS_CHAR:
		if (ctrl && (key->ch == 'c' || key->ch == 'g'))
			return PICKER_CLOSED;
		if (ctrl && (key->ch == 'n' || key->ch == 'p')) {
			move(picker, key->ch == 'n' ? 1 : -1);
		} else if (ctrl && key->ch == 'u') {
			buffer_clear(&picker->filter);
			refilter(picker);
		} else if (!ctrl) {
			buffer_append(&picker->filter, key->bytes, key->len);
			refilter(picker);
		}
		break;
	default: break;
	}
	return PICKER_OPEN;
}

static void draw_item(struct picker *picker, struct screen *screen, int row, int columns, int index)
{
	const struct item *item = &picker->items[picker->shown[index]];
	enum style style = index == picker->selected ? STYLE_SELECTED : STYLE_TEXT;
	int detail = i18n_width(picker->tr, item->detail, strlen(item->detail));
	bool room = *item->detail && detail + 12 < columns;
	screen->ops->clear_row(screen, row);
	if (index == picker->selected)
		screen_fill(screen, row, 0, columns, style);
	screen_text(screen, picker->tr, row, 2, room ? columns - detail - 3 : columns - 1, item->label, style);
	if (room)
		screen_text(screen, picker->tr, row, columns - detail - 1, columns, item->detail,
			    index == picker->selected ? style : STYLE_DIM);
}

bool picker_caret(const struct picker *picker, int *row, int *column)
{
	*row = picker->caret_row;
	*column = picker->caret_column;
	return *row >= 0;
}

void picker_draw(struct picker *picker, struct screen *screen, int first, int height)
{
	int rows, columns, row = first;
	screen->ops->size(screen, &rows, &columns);
	if (height > 2) {
		screen->ops->clear_row(screen, row);
		int column = screen_text(screen, picker->tr, row, 1, columns, picker->title, STYLE_HEADING);
		column += 2;
		if (picker->filter.len)
			column = screen_text(screen, picker->tr, row, column, columns, picker->filter.data,
					     STYLE_PROMPT);
		picker->caret_row = row++;
		column = column < columns ? column : columns - 1;
		picker->caret_column = screen_column(screen, picker->tr, column, 1);
	} else {
		picker->caret_row = -1;
	}
	picker->page = first + height - row;
	if (picker->selected < picker->top)
		picker->top = picker->selected;
	if (picker->selected >= picker->top + picker->page)
		picker->top = picker->selected - picker->page + 1;
	for (int index = picker->top; row < first + height; row++, index++) {
		if (index < picker->shown_count)
			draw_item(picker, screen, row, columns, index);
		else
			screen->ops->clear_row(screen, row);
	}
}
