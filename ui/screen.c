/* The terminal through ncurses.
 *
 * ncurses believes that a cell is as wide as libc says its first code point is,
 * keeps five code points a cell, and drops what it cannot keep without a word.
 * A cluster whose code points take, by libc, the cells that the layout gave it is
 * cut into pieces that each begin with a spacing code point. Any other is drawn
 * past ncurses when the terminal has been measured: ncurses sees blanks, and the
 * cluster is written over them, whole, at its own place, after each change of its
 * row. Else its first picture is drawn, or a replacement. In no case does what
 * stands behind it move. */
#include "screen.h"
#include "screen_description.h"
#include "terminal_guard.h"
#include "theme.h"
#include "../xmalloc.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

/* Capabilities to term.h. */
#undef bell
#undef columns
#undef cursor_visible

enum {
	PIECE_MAX = CCHARW_MAX,
	FLAG_FIRST = 0x1F1E6,
	FLAG_LAST = 0x1F1FF,
	TONE_FIRST = 0x1F3FB,
	TONE_LAST = 0x1F3FF,
	ZWJ = 0x200D,
	VS16 = 0xFE0F,
	TAG_FIRST = 0xE0020,
	TAG_LAST = 0xE007F,
	WHOLE_BYTES = 128, /* of a cluster that is drawn whole */
	LINKS_MOST = 64,   /* addresses on a screen; those of more are text only */
};

struct whole { /* a cluster that ncurses cannot hold, or one of a link's text or of what is struck out */
	int row, column;
	int link; /* its address, from 1; 0: none */
	enum style style;
	unsigned char len;
	char text[WHOLE_BYTES];
};

struct terminal {
	struct screen screen; /* first: the ops get this */
	SCREEN *handle;
	struct theme theme;
	int rows, columns;
	int cursor_row, cursor_column;
	bool cursor_visible, awake, titles;
	int described; /* colours of TERM's own description */
	bool any;      /* what curses goes by takes any number of colours */
	struct screen_traits traits;
	struct whole *wholes; /* of the frame being drawn, and of rows that stay as they are */
	int whole_count, whole_size;
	char *links[LINKS_MOST]; /* addresses of links on the screen */
	int link_count, link;    /* link: of what is put now, 0: none */
	unsigned char *back;     /* for each cell, how far to its left its cluster begins */
	/* Rows with clusters of several cells are repainted whole when they change:
	 * a terminal that joins them must see them together. */
	unsigned *row_hash, *shown_hash;
	bool *row_joined, *shown_joined;
	int shown_cursor_row;
	bool everything; /* is to be sent anew */
	bool stale;      /* what the terminal shows is not known, or the cursor has moved */
	char *title;     /* NULL: the terminal has its own */
};

static struct terminal *self(struct screen *screen)
{
	return (struct terminal *)screen;
}

static void write_all(const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(STDOUT_FILENO, bytes, len);
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		} else if (errno == EAGAIN) {
			poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, 1000);
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void write_text(const char *text)
{
	write_all(text, strlen(text));
}

/* --- Colours ------------------------------------------------------------------------ */

static int used_colors(const struct terminal *t)
{
	int wanted = t->traits.colors ? t->traits.colors : t->described;
	return t->any || wanted <= t->described ? wanted : t->described;
}

/* Where TERM's description is of a terminal without a palette, only the first eight are indexes. */
static int curses_color(const struct terminal *t, int color)
{
	enum { INDEXES = 8, FIRST_RGB = 256 };
	if (color < INDEXES || color >= FIRST_RGB || t->described < SCREEN_RGB)
		return color;
	int rgb = theme_rgb(color);
	return rgb < FIRST_RGB ? rgb | FIRST_RGB : rgb;
}

static void set_colors(struct terminal *t)
{
	int colors = used_colors(t);
	if (!t->theme.colors || !has_colors())
		return;
	for (int i = 0; i < STYLE_COUNT; i++)
		init_extended_pair(i + 1, curses_color(t, theme_foreground(&t->theme, (enum style)i, colors)),
				   curses_color(t, theme_background(&t->theme, (enum style)i, colors)));
}

static unsigned look_attributes(const struct terminal *t, enum style style)
{
	const struct look *look = &t->theme.look[style];
	return t->theme.colors && has_colors() ? look->attributes : look->plain;
}

/* Curses has no strikethrough: what is struck out is dim, and drawn past it where that can be. */
static attr_t attributes(const struct terminal *t, enum style style)
{
	unsigned wanted = look_attributes(t, (enum style)(style & ~(unsigned)STYLE_ADDITIONS));
	wanted |= style & STYLE_ADD_STRONG ? look_attributes(t, STYLE_STRONG) : 0;
	wanted |= style & STYLE_ADD_EMPHASIS ? look_attributes(t, STYLE_EMPHASIS) : 0;
	wanted |= style & STYLE_ADD_STRIKE ? THEME_DIM : 0;
	return (wanted & THEME_BOLD ? A_BOLD : 0) | (wanted & THEME_DIM ? A_DIM : 0) |
	       (wanted & THEME_UNDERLINE ? A_UNDERLINE : 0) | (wanted & THEME_REVERSE ? A_REVERSE : 0) |
	       (wanted & THEME_ITALIC ? A_ITALIC : 0);
}

static short color_pair(const struct terminal *t, enum style style)
{
	return t->theme.colors && has_colors() ? (short)((style & ~(unsigned)STYLE_ADDITIONS) + 1) : 0;
}

/* --- Cells ---------------------------------------------------------------------------- */

static void put_piece(struct terminal *t, int row, int column, const wchar_t *piece, int len, enum style style)
{
	cchar_t cell;
	wchar_t text[PIECE_MAX + 1] = {0};
	len = len > PIECE_MAX ? PIECE_MAX : len;
	wmemcpy(text, piece, (size_t)len);
	if (setcchar(&cell, text, attributes(t, style), color_pair(t, style), NULL) == OK)
		mvadd_wch(row, column, &cell);
}

static void put_replacement(struct terminal *t, int row, int column, int width, enum style style)
{
	put_piece(t, row, column, L"\uFFFD", 1, style);
	for (int i = 1; i < width; i++)
		put_piece(t, row, column + i, L" ", 1, style);
}

static int decode(const char *text, size_t len, wchar_t *out, int most)
{
	mbstate_t state = {0};
	int count = 0;
	while (len && count < most) {
		size_t used = mbrtowc(&out[count], text, len, &state);
		if (used == 0 || used > len)
			break;
		text += used;
		len -= used;
		count++;
	}
	return count;
}

/* For a terminal that nothing is known of: sequences that terminals measure in different
 * ways are drawn by their first picture, whose width all agree on, and a narrow symbol
 * is not asked to be a wide picture. The text itself stays whole. */
static int agreed_part(wchar_t *cluster, int count)
{
	for (int i = 1; i < count; i++)
		if (cluster[i] == ZWJ && wcwidth(cluster[0]) > 0 && i + 1 < count && wcwidth(cluster[i + 1]) == 2)
			count = i;
		else if ((cluster[i] >= TONE_FIRST && cluster[i] <= TONE_LAST) ||
			 (cluster[i] >= TAG_FIRST && cluster[i] <= TAG_LAST))
			count = i;
	int kept = 0;
	for (int i = 0; i < count; i++)
		if (cluster[i] != VS16)
			cluster[kept++] = cluster[i];
	return kept;
}

static bool spacing(wchar_t c)
{
	return wcwidth(c) > 0;
}

static int piece_end(const wchar_t *cluster, int count, int start)
{
	int end = start + 1;
	while (end < count && !spacing(cluster[end]))
		end++;
	return end;
}

static int longest_piece(const wchar_t *cluster, int count)
{
	int longest = 0;
	for (int start = 0, end; start < count; start = end) {
		end = piece_end(cluster, count, start);
		longest = end - start > longest ? end - start : longest;
	}
	return longest;
}

/* Cuts the cluster before every spacing code point and draws the pieces side by side. */
static bool put_pieces(struct terminal *t, int row, int column, const wchar_t *cluster, int count, int width,
		       enum style style)
{
	int sum = 0;
	for (int i = 0; i < count; i++) {
		int cells = wcwidth(cluster[i]);
		if (cells < 0)
			return false;
		sum += cells;
	}
	if (sum != width || !spacing(cluster[0]) || longest_piece(cluster, count) > PIECE_MAX)
		return false;
	for (int start = 0; start < count;) {
		int end = piece_end(cluster, count, start);
		put_piece(t, row, column, cluster + start, end - start, style);
		t->row_joined[row] |= end < count;
		column += wcwidth(cluster[start]);
		start = end;
	}
	return true;
}

static void hash_cell(struct terminal *t, int row, int column, const char *text, size_t len, enum style style)
{
	unsigned hash = t->row_hash[row] * 31 + (unsigned)column * 7 + (unsigned)style;
	for (size_t i = 0; i < len; i++)
		hash = hash * 31 + (unsigned char)text[i];
	t->row_hash[row] = hash;
}

/* --- Clusters that ncurses cannot hold ------------------------------------------------------ */

/* Blanks for ncurses, unlike any others, so that it never writes them again to move over them. */
static void put_blanks(struct terminal *t, int row, int column, int width, enum style style)
{
	cchar_t cell;
	short pair = color_pair(t, style);
	if (setcchar(&cell, L" ", attributes(t, style) | A_INVIS, pair, NULL) != OK)
		return;
	for (int i = 0; i < width; i++)
		mvadd_wch(row, column + i, &cell);
}

static bool put_whole(struct terminal *t, int row, int column, const char *text, size_t len, int width,
		      enum style style)
{
	if (!t->traits.measured || len > WHOLE_BYTES)
		return false;
	if (t->whole_count == t->whole_size) {
		t->whole_size = t->whole_size ? t->whole_size * 2 : 32;
		t->wholes = xreallocarray(t->wholes, (size_t)t->whole_size, sizeof(*t->wholes));
	}
	struct whole *whole = &t->wholes[t->whole_count++];
	*whole = (struct whole){
		.row = row, .column = column, .link = t->link, .style = style, .len = (unsigned char)len};
	memcpy(whole->text, text, len);
	put_blanks(t, row, column, width, style);
	t->row_joined[row] = true;
	return true;
}

/* Forgets the clusters that begin in the row's columns from..to-1. */
static void drop_wholes(struct terminal *t, int row, int from, int to)
{
	int kept = 0;
	for (int i = 0; i < t->whole_count; i++)
		if (t->wholes[i].row != row || t->wholes[i].column < from || t->wholes[i].column >= to)
			t->wholes[kept++] = t->wholes[i];
	t->whole_count = kept;
}

/* tputs() and vid_puts() take a function without an argument of its own. */
static struct buffer *collector;

static int collect(int byte)
{
	char c = (char)byte;
	buffer_append(collector, &c, 1);
	return byte;
}

static void collect_capability(const char *name)
{
	const char *string = tigetstr(name);
	if (string && string != (const char *)-1)
		tputs(string, 1, collect);
}

static void collect_move(int row, int column)
{
	const char *move_to = tigetstr("cup");
	if (move_to && move_to != (const char *)-1)
		tputs(tparm(move_to, (long)row, (long)column, 0L, 0L, 0L, 0L, 0L, 0L, 0L), 1, collect);
}

/* The link that the text belongs to from here on. Its number joins its cells where other text stands between. */
static void collect_link(const struct terminal *t, struct buffer *out, int *open, int link)
{
	if (*open == link)
		return;
	if (link)
		buffer_printf(out, "\033]8;id=bora%d;%s\033\\", link, t->links[link - 1]);
	else
		buffer_puts(out, "\033]8;;\033\\");
	*open = link;
}

/* Writes the clusters of the rows marked over ncurses' blanks, and puts the cursor back
 * where ncurses left it. Nothing wraps meanwhile: a terminal that has changed its mind
 * about a width harms one cell. */
static void write_wholes(struct terminal *t, const bool *marked, int cursor_row, int cursor_column)
{
	struct buffer out = {0};
	int link = 0;
	collector = &out;
	for (int i = 0; i < t->whole_count; i++) {
		const struct whole *whole = &t->wholes[i];
		if (!marked[whole->row])
			continue;
		if (!out.len)
			collect_capability("rmam");
		collect_move(whole->row, whole->column);
		vid_puts(attributes(t, whole->style), color_pair(t, whole->style), NULL, collect);
		collect_link(t, &out, &link, whole->link);
		bool struck = whole->style & STYLE_ADD_STRIKE;
		buffer_puts(&out, struck ? "\033[9m" : "");
		buffer_append(&out, whole->text, whole->len);
		buffer_puts(&out, struck ? "\033[29m" : "");
	}
	if (out.len) {
		collect_link(t, &out, &link, 0);
		vid_puts(A_NORMAL, 0, NULL, collect);
		collect_capability("smam");
		collect_move(cursor_row, cursor_column);
	}
	write_all(out.data, out.len);
	collector = NULL;
	buffer_free(&out);
}

/* --- Drawing ----------------------------------------------------------------------------------- */

/* ncurses does not draw a wide character in the last cell of all. */
static bool is_last_cell(const struct terminal *t, int row, int column, int width)
{
	return width > 1 && row == t->rows - 1 && column + width == t->columns;
}

/* ncurses keeps the other half of a wide character that is written over, and the row
 * shifts: what the columns from..to-1 cut in two is blank first. */
static void cut(struct terminal *t, int row, int from, int to)
{
	unsigned char *back = t->back + (size_t)row * (size_t)t->columns;
	int first = from - back[from], last = to;
	while (last < t->columns && back[last] > 0)
		last++;
	if (first == from && last == to)
		return;
	for (int column = first; column < last; column++) {
		put_piece(t, row, column, L" ", 1, STYLE_TEXT);
		back[column] = 0;
	}
	drop_wholes(t, row, first, last);
}

static void op_put(struct screen *screen, int row, int column, const char *text, size_t len, int width,
		   enum style style)
{
	enum { CLUSTER_MAX = 64 };
	struct terminal *t = self(screen);
	wchar_t cluster[CLUSTER_MAX];
	if (row < 0 || row >= t->rows || column < 0 || width < 1 || column + width > t->columns)
		return;
	hash_cell(t, row, column, text, len, style);
	if (t->link)
		hash_cell(t, row, column, t->links[t->link - 1], strlen(t->links[t->link - 1]), style);
	cut(t, row, column, column + width);
	drop_wholes(t, row, column, column + width);
	for (int i = 0; i < width; i++)
		t->back[row * t->columns + column + i] = (unsigned char)i;
	int count = decode(text, len, cluster, CLUSTER_MAX);
	if (!t->traits.measured && count)
		count = agreed_part(cluster, count);
	/* A marker without its letter has nothing to stand on. */
	bool past = t->link || (style & STYLE_ADD_STRIKE && t->traits.measured);
	bool drawn = count && !past && !is_last_cell(t, row, column, width) &&
		     put_pieces(t, row, column, cluster, count, width, style);
	if (!drawn && !put_whole(t, row, column, text, len, width, style))
		put_replacement(t, row, column, width, style);
}

/* Addresses are kept as long as something on the screen may have them. */
static void op_link(struct screen *screen, const char *url)
{
	struct terminal *t = self(screen);
	t->link = 0;
	if (!url || !t->traits.hyperlinks || !t->traits.measured)
		return;
	if (t->whole_count == 0)
		while (t->link_count)
			free(t->links[--t->link_count]);
	for (int i = 0; i < t->link_count && !t->link; i++)
		if (strcmp(t->links[i], url) == 0)
			t->link = i + 1;
	if (t->link || t->link_count == LINKS_MOST)
		return;
	t->links[t->link_count++] = xstrdup(url);
	t->link = t->link_count;
}

static void op_clear_row(struct screen *screen, int row)
{
	struct terminal *t = self(screen);
	if (row < 0 || row >= t->rows)
		return;
	t->row_hash[row] = 0;
	t->row_joined[row] = false;
	drop_wholes(t, row, 0, t->columns);
	memset(t->back + (size_t)row * (size_t)t->columns, 0, (size_t)t->columns);
	move(row, 0);
	clrtoeol();
}

/* --- The whole screen --------------------------------------------------------------------- */

static void take_size(struct terminal *t)
{
	getmaxyx(stdscr, t->rows, t->columns);
	size_t rows = t->rows > 0 ? (size_t)t->rows : 1;
	t->row_hash = xreallocarray(t->row_hash, rows, sizeof(*t->row_hash));
	t->shown_hash = xreallocarray(t->shown_hash, rows, sizeof(*t->shown_hash));
	t->row_joined = xreallocarray(t->row_joined, rows, sizeof(*t->row_joined));
	memset(t->row_hash, 0, rows * sizeof(*t->row_hash));
	memset(t->shown_hash, 0, rows * sizeof(*t->shown_hash));
	memset(t->row_joined, 0, rows * sizeof(*t->row_joined));
	t->shown_joined = xreallocarray(t->shown_joined, rows, sizeof(*t->shown_joined));
	memset(t->shown_joined, 0, rows * sizeof(*t->shown_joined));
	t->whole_count = 0;
	size_t cells = rows * (size_t)(t->columns > 0 ? t->columns : 1);
	t->back = xreallocarray(t->back, cells, 1);
	memset(t->back, 0, cells);
}

static void op_size(struct screen *screen, int *rows, int *columns)
{
	*rows = self(screen)->rows;
	*columns = self(screen)->columns;
}

static void op_cursor(struct screen *screen, int row, int column, bool visible)
{
	struct terminal *t = self(screen);
	t->stale = t->stale || t->cursor_row != row || t->cursor_column != column || t->cursor_visible != visible;
	t->cursor_row = row;
	t->cursor_column = column;
	t->cursor_visible = visible;
}

/* ncurses scrolls rows that moved with SU and SD inside margins, which not every
 * terminal (or recorder of one) has. Rows that only moved are written anew. */
static bool rows_moved(const struct terminal *t)
{
	for (int row = 0; row < t->rows; row++) {
		if (t->row_hash[row] == t->shown_hash[row] || t->row_hash[row] == 0)
			continue;
		for (int other = 0; other < t->rows; other++)
			if (other != row && t->row_hash[row] == t->shown_hash[other])
				return true;
	}
	return false;
}

/* Nothing is written to the terminal when nothing has changed. */
static bool needs_show(const struct terminal *t)
{
	for (int row = 0; row < t->rows; row++)
		if (t->row_hash[row] != t->shown_hash[row])
			return true;
	return t->stale;
}

/* Rows that are to be sent whole are; marked: those whose clusters must be written again. */
static void touch_rows(struct terminal *t, bool *marked)
{
	bool moved = rows_moved(t);
	for (int row = 0; row < t->rows; row++) {
		bool changed = t->row_hash[row] != t->shown_hash[row];
		if (changed && (moved || t->row_joined[row] || t->shown_joined[row]))
			wredrawln(stdscr, row, 1);
		marked[row] = changed || t->everything || row == t->cursor_row || row == t->shown_cursor_row;
		t->shown_hash[row] = t->row_hash[row];
		t->shown_joined[row] = t->row_joined[row];
	}
}

static void op_show(struct screen *screen)
{
	struct terminal *t = self(screen);
	if (!t->awake || !needs_show(t))
		return;
	bool *marked = xcalloc((size_t)t->rows + 1, sizeof(*marked));
	touch_rows(t, marked);
	int column = t->cursor_column < t->columns ? t->cursor_column : t->columns - 1;
	int row = t->cursor_row < t->rows ? t->cursor_row : t->rows - 1;
	column = column > 0 ? column : 0;
	move(row, column);
	if (t->traits.synchronized)
		write_text("\033[?2026h");
	curs_set(t->cursor_visible);
	refresh();
	write_wholes(t, marked, row, column);
	if (t->traits.synchronized)
		write_text("\033[?2026l");
	t->stale = t->everything = false;
	t->shown_cursor_row = row;
	free(marked);
}

/* Everything is sent again at the next show. */
static void forget(struct terminal *t)
{
	t->stale = t->everything = true;
	clearok(stdscr, TRUE);
}

static void op_redraw(struct screen *screen)
{
	forget(self(screen));
}

static void op_resize(struct screen *screen)
{
	struct terminal *t = self(screen);
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	take_size(t);
	forget(t);
}

/* The modes that enter() switches on, off again, and the title as it was. */
static char *modes_off(const struct terminal *t)
{
	const char *end = t->traits.order_end;
	return xasprintf("\033[?2004l\033[?1004l%s%s", end ? end : "", t->title ? "\033[23;2t" : "");
}

/* What a fault in the middle of anything leaves to be undone. */
static void tell_guard(const struct terminal *t)
{
	static const char *const names[] = {"sgr0", "op", "smam", "rmkx", "cnorm", "rmcup"};
	struct buffer out = {0};
	char *modes = modes_off(t);
	buffer_puts(&out, "\033[?2026l");
	collector = &out;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		collect_capability(names[i]);
	collector = NULL;
	buffer_puts(&out, modes);
	terminal_guard_bytes(out.data, out.len);
	buffer_free(&out);
	free(modes);
}

static void write_title(const struct terminal *t)
{
	char *bytes = xasprintf("\033]2;%s\033\\", t->title);
	write_text(bytes);
	free(bytes);
}

static void enter(struct terminal *t)
{
	tell_guard(t);
	terminal_guard_ours(true);
	write_text("\033[?2004h\033[?1004h");
	if (t->traits.order_begin)
		write_text(t->traits.order_begin);
	if (t->title) {
		write_text("\033[22;2t");
		write_title(t);
	}
	t->awake = t->stale = true;
}

static void op_suspend(struct screen *screen)
{
	struct terminal *t = self(screen);
	if (!t->awake)
		return;
	t->awake = false;
	curs_set(1);
	endwin();
	char *modes = modes_off(t);
	write_text(modes);
	terminal_guard_ours(false);
	free(modes);
}

static void op_traits(struct screen *screen, const struct screen_traits *traits)
{
	struct terminal *t = self(screen);
	if (t->awake && t->traits.order_begin != traits->order_begin) {
		if (t->traits.order_end)
			write_text(t->traits.order_end);
		if (traits->order_begin)
			write_text(traits->order_begin);
	}
	t->traits = *traits;
	set_colors(t);
	tell_guard(t);
	forget(t);
}

/* The first title is put on the terminal's stack of titles, for those that have one. */
static void op_title(struct screen *screen, const char *text)
{
	struct terminal *t = self(screen);
	if (!t->titles || (t->title && strcmp(t->title, text) == 0))
		return;
	if (!t->title && t->awake)
		write_text("\033[22;2t");
	free(t->title);
	t->title = xstrdup(text);
	tell_guard(t);
	if (t->awake)
		write_title(t);
}

static void op_resume(struct screen *screen)
{
	enter(self(screen));
	op_resize(screen);
	refresh();
}

static void op_bell(struct screen *screen)
{
	(void)screen;
	beep();
}

static void op_raw(struct screen *screen, const char *bytes, size_t len)
{
	(void)screen;
	write_all(bytes, len);
}

static void op_theme(struct screen *screen, const struct theme *theme)
{
	self(screen)->theme = *theme;
	set_colors(self(screen));
	forget(self(screen));
}

static void op_close(struct screen *screen)
{
	struct terminal *t = self(screen);
	op_suspend(screen);
	delscreen(t->handle);
	free(t->row_hash);
	free(t->shown_hash);
	free(t->row_joined);
	free(t->shown_joined);
	free(t->wholes);
	while (t->link_count)
		free(t->links[--t->link_count]);
	free(t->back);
	free(t->title);
	free(t);
}

static const struct screen_ops terminal_ops = {
	.size = op_size,
	.clear_row = op_clear_row,
	.put = op_put,
	.link = op_link,
	.cursor = op_cursor,
	.show = op_show,
	.redraw = op_redraw,
	.resize = op_resize,
	.suspend = op_suspend,
	.resume = op_resume,
	.bell = op_bell,
	.title = op_title,
	.raw = op_raw,
	.theme = op_theme,
	.traits = op_traits,
	.close = op_close,
};

/* Terminals known to take OSC 2; others might print it. */
static bool takes_titles(const char *term)
{
	static const char *const known[] = {"xterm", "tmux",    "screen", "rxvt", "alacritty", "foot",
					    "kitty", "konsole", "vte",    "st-",  "wezterm"};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(term, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

struct screen *screen_open_curses(const struct theme *theme, char *err, size_t errlen)
{
	const char *term = getenv("TERM");
	int described = screen_described_colors();
	bool any = true;
	SCREEN *handle = described ? screen_description_newterm(described) : NULL;
	if (!handle) {
		any = false;
		handle = newterm(NULL, stdout, stdin);
	}
	if (!handle) {
		snprintf(err, errlen, "the terminal '%s' is not known here; set TERM to one that is", term ? term : "");
		return NULL;
	}
	struct terminal *t = xcalloc(1, sizeof(*t));
	t->screen.ops = &terminal_ops;
	t->handle = handle;
	t->described = described;
	t->any = any;
	t->theme = *theme;
	t->titles = term && takes_titles(term);
	raw();
	noecho();
	nonl();
	scrollok(stdscr, FALSE);
	if (has_colors()) {
		start_color();
		use_default_colors();
		set_colors(t);
	}
	take_size(t);
	enter(t);
	refresh(); /* the alternate screen, empty: what is asked of the terminal now is not left on it */
	return &t->screen;
}
