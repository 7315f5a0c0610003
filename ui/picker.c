#include "picker.h"

#include <stdlib.h>
#include <string.h>

struct item {
	char *label, *detail, *folded; /* detail NULL: not asked for yet */
};

enum {
	PREVIEW_ROWS = 3,   /* rows that it takes */
	PREVIEW_LEAST = 12, /* rows of the list, for it to be shown */
	LABEL_LEAST = 13,   /* columns that a detail leaves */
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
	struct picker_source source;
	int previewed; /* the item whose lines these are, -1: none */
	char *above, *below;
};

struct picker *picker_create(const struct i18n *tr, const char *title)
{
	struct picker *picker = xcalloc(1, sizeof(*picker));
	picker->tr = tr;
	picker->title = xstrdup(title);
	picker->page = 1;
	picker->previewed = -1;
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
	free(picker->above);
	free(picker->below);
	free(picker);
}

static char *fold(const struct i18n *tr, const char *text)
{
	struct buffer folded = {0};
	i18n_fold(tr, text, strlen(text), &folded);
	return buffer_take(&folded);
}

enum { AT_BEGINNING = 4, OF_A_WORD = 3, WITHIN = 2, SCATTERED = 1 };

/* The letters one after another with others between, as those who know what they want type. */
static bool scattered(const char *text, const char *word, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t letter = 1;
		while (at + letter < len && ((unsigned char)word[at + letter] & 0xC0) == 0x80)
			letter++;
		const char *found = memmem(text, strlen(text), word + at, letter);
		if (!found)
			return false;
		text = found + letter;
		at += letter;
	}
	return true;
}

static int rank_of_word(const char *text, const char *word, size_t len, bool scattered_too)
{
	size_t size = strlen(text);
	int best = 0;
	for (const char *at = text; (at = memmem(at, size - (size_t)(at - text), word, len)); at++) {
		int rank = at == text ? AT_BEGINNING : strchr(" /-(.:", at[-1]) ? OF_A_WORD : WITHIN;
		best = rank > best ? rank : best;
	}
	return best ? best : scattered_too && scattered(text, word, len) ? SCATTERED : 0;
}

/* How well the item fits: every word of the filter occurs in it; 0: not all do. */
static int rank_of(const struct item *item, const char *filter, bool scattered_too)
{
	int sum = 1;
	while (*filter) {
		filter += strspn(filter, " ");
		size_t len = strcspn(filter, " ");
		int rank = len ? rank_of_word(item->folded, filter, len, scattered_too) : 0;
		if (len && !rank)
			return 0;
		sum += rank;
		filter += len;
	}
	return sum;
}

struct ranked {
	int rank, item;
};

/* The best first, else in the order they were added. */
static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return x->rank != y->rank ? y->rank - x->rank : x->item - y->item;
}

static void show_matches(struct picker *picker, const char *filter, const bool *found, bool scattered_too)
{
	struct ranked *list = xcalloc((size_t)picker->count + 1, sizeof(*list));
	int count = 0;
	for (int i = 0; i < picker->count; i++) {
		list[count] = (struct ranked){rank_of(&picker->items[i], filter, scattered_too), i};
		count += found[i] || list[count].rank;
	}
	qsort(list, (size_t)count, sizeof(*list), by_rank);
	for (int i = 0; i < count; i++)
		picker->shown[i] = list[i].item;
	picker->shown_count = count;
	free(list);
}

static void refilter(struct picker *picker)
{
	const char *words = picker->filter.data ? picker->filter.data : "";
	char *filter = fold(picker->tr, words);
	bool *found = xcalloc((size_t)picker->count + 1, sizeof(*found));
	if (picker->source.filter && filter[strspn(filter, " ")])
		picker->source.filter(picker->source.arg, words, found);
	show_matches(picker, filter, found, false);
	if (!picker->shown_count)
		show_matches(picker, filter, found, true);
	picker->selected = picker->top = 0;
	free(found);
	free(filter);
}

void picker_add(struct picker *picker, const char *label, const char *detail)
{
	picker->items = xreallocarray(picker->items, (size_t)picker->count + 1, sizeof(*picker->items));
	picker->shown = xreallocarray(picker->shown, (size_t)picker->count + 1, sizeof(*picker->shown));
	char *both = xasprintf("%s %s", label, detail);
	picker->items[picker->count] = (struct item){.label = xstrdup(label), .folded = fold(picker->tr, both)};
	if (!picker->source.detail)
		picker->items[picker->count].detail = xstrdup(detail);
	picker->shown[picker->shown_count++] = picker->count++;
	free(both);
}

void picker_set(struct picker *picker, int number, const char *label, const char *detail)
{
	struct item *item = &picker->items[number];
	free(item->label);
	free(item->detail);
	item->label = xstrdup(label);
	item->detail = xstrdup(detail);
	picker->previewed = -1;
}

void picker_source(struct picker *picker, const struct picker_source *source)
{
	picker->source = *source;
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
	struct item *item = &picker->items[picker->shown[index]];
	if (!item->detail)
		item->detail = picker->source.detail(picker->source.arg, picker->shown[index]);
	enum style style = index == picker->selected ? STYLE_SELECTED : STYLE_TEXT;
	int most = columns * 3 / 5 < columns - LABEL_LEAST ? columns * 3 / 5 : columns - LABEL_LEAST;
	char *shown = i18n_truncate(picker->tr, item->detail, most > 0 ? most : 0);
	int detail = i18n_width(picker->tr, shown, strlen(shown));
	bool room = *shown && detail + LABEL_LEAST <= columns;
	screen->ops->clear_row(screen, row);
	if (index == picker->selected)
		screen_fill(screen, row, 0, columns, style);
	screen_text(screen, picker->tr, row, 2, room ? columns - detail - 3 : columns - 1, item->label, style);
	if (room)
		screen_text(screen, picker->tr, row, columns - detail - 1, columns, shown,
			    index == picker->selected ? style : STYLE_DIM);
	free(shown);
}

/* The two lines below the list, about the item that is selected. */
static void draw_preview(struct picker *picker, struct screen *screen, int row, int columns)
{
	int item = picker_chosen(picker);
	if (item != picker->previewed) {
		free(picker->above);
		free(picker->below);
		picker->above = picker->below = NULL;
		picker->previewed = item;
		if (item >= 0)
			picker->source.preview(picker->source.arg, item, &picker->above, &picker->below);
	}
	for (int i = 0; i < PREVIEW_ROWS; i++)
		screen->ops->clear_row(screen, row + i);
	for (int column = 1; column < columns - 1; column++)
		screen->ops->put(screen, row, column, "─", strlen("─"), 1, STYLE_DIM);
	if (picker->above)
		screen_text(screen, picker->tr, row + 1, 2, columns - 1, picker->above, STYLE_USER);
	if (picker->below)
		screen_text(screen, picker->tr, row + 2, 2, columns - 1, picker->below, STYLE_TEXT);
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
	if (picker->source.preview && height >= PREVIEW_LEAST) {
		height -= PREVIEW_ROWS;
		draw_preview(picker, screen, first + height, columns);
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
