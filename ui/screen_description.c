/* Curses sends what the terminal's description in the database says, and the usual ones
 * say that there are 256 colours, of terminals that show sixteen million. Which those are
 * is known only when the terminal has answered, long after curses has begun. So curses
 * gets a description that can do both from the start: the terminal's own, compiled anew
 * with another number of colours and other strings for them. Colours below 256 are sent
 * as ever. The format is that of term(5), "extended number format"; ncurses takes one in
 * the variable TERMINFO (ncurses(3X)). */
#include "screen_description.h"

#include "screen.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#define NAME "bora-direct"

enum { MAGIC = 01036, STRINGS_MOST = 32767, ENOUGH_PAIRS = 64, ANSI_COLORS = 8 };

static void add_short(struct buffer *out, int value)
{
	unsigned char bytes[] = {(unsigned char)value, (unsigned char)(value >> 8)};
	buffer_append(out, bytes, sizeof(bytes));
}

static void add_number(struct buffer *out, int value)
{
	add_short(out, value);
	add_short(out, value >> 16);
}

static void align(struct buffer *out)
{
	if (out->len % 2)
		buffer_append(out, "", 1);
}

/* What sets a colour: the terminal's own string for those that it describes, the usual one
 * up to 256, and red, green and blue. first: "3" or "4". NULL: no ANSI terminal. */
static char *color_string(const char *capability, int described, const char *first)
{
	const char *own = tigetstr(capability);
	if (!own || own == (const char *)-1 || strncmp(own, "\033[", 2) != 0)
		return NULL;
	return xasprintf(
		"%%?%%p1%%{%d}%%<%%t%s%%e%%p1%%{256}%%<%%t\033[%s8;5;%%p1%%dm%%e\033[%s8;2;%%p1%%{65536}%%/%%d;"
		"%%p1%%{256}%%/%%{255}%%&%%d;%%p1%%{255}%%&%%dm%%;",
		described < 256 ? described : 256, own, first, first);
}

/* Curses has no business with the palette; keys are read without curses. */
static bool left_out(const char *name)
{
	static const char *const names[] = {"initc", "initp", "oc", "setf", "setb", "scp"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return name[0] == 'k';
}

static const char *string_value(const char *name, const char *foreground, const char *background)
{
	if (strcmp(name, "setaf") == 0)
		return foreground;
	if (strcmp(name, "setab") == 0)
		return background;
	const char *value = left_out(name) ? NULL : tigetstr(name);
	return value == (const char *)-1 ? NULL : value;
}

static int number_value(const char *name)
{
	int value = tigetnum(name);
	if (strcmp(name, "colors") == 0)
		return SCREEN_RGB;
	if (strcmp(name, "pairs") == 0)
		return value < ENOUGH_PAIRS ? ENOUGH_PAIRS : value;
	return value < 0 ? -1 : value;
}

/* The flag RGB, without which curses keeps a table of all colours; and U8, where it is told
 * not to draw lines by another character set. */
static void add_extended(struct buffer *out)
{
	static const char names[] = "RGB\0U8";
	int u8 = tigetnum("U8");
	align(out);
	add_short(out, 1);
	add_short(out, u8 >= 0);
	add_short(out, 0);
	add_short(out, u8 >= 0 ? 2 : 1);
	add_short(out, u8 >= 0 ? (int)sizeof(names) : 4);
	buffer_append(out, "\1", 2);
	if (u8 >= 0)
		add_number(out, u8);
	add_short(out, 0);
	if (u8 >= 0)
		add_short(out, 4);
	buffer_append(out, names, u8 >= 0 ? sizeof(names) : 4);
}

/* False: it does not fit. */
static bool compile(struct buffer *out, const char *foreground, const char *background)
{
	struct buffer strings = {0}, offsets = {0};
	int flags = 0, numbers = 0, count = 0;
	while (boolnames[flags])
		flags++;
	while (numnames[numbers])
		numbers++;
	for (; strnames[count]; count++) {
		const char *value = string_value(strnames[count], foreground, background);
		add_short(&offsets, value ? (int)strings.len : -1);
		if (value)
			buffer_append(&strings, value, strlen(value) + 1);
	}
	int header[] = {MAGIC, (int)sizeof(NAME), flags, numbers, count, (int)strings.len};
	for (size_t i = 0; i < sizeof(header) / sizeof(*header); i++)
		add_short(out, header[i]);
	buffer_append(out, NAME, sizeof(NAME));
	for (int i = 0; i < flags; i++)
		buffer_append(out, tigetflag(boolnames[i]) > 0 && strcmp(boolnames[i], "ccc") != 0 ? "\1" : "", 1);
	align(out);
	for (int i = 0; i < numbers; i++)
		add_number(out, number_value(numnames[i]));
	buffer_append(out, offsets.data, offsets.len);
	buffer_append(out, strings.data, strings.len);
	add_extended(out);
	bool fits = strings.len <= STRINGS_MOST;
	buffer_free(&strings);
	buffer_free(&offsets);
	return fits;
}

/* As TERMINFO takes it. Caller frees. */
static char *description(int described)
{
	struct buffer compiled = {0}, text = {0};
	char *foreground = color_string("setaf", described, "3"), *background = color_string("setab", described, "4");
	if (foreground && background && compile(&compiled, foreground, background)) {
		buffer_puts(&text, "hex:");
		for (size_t i = 0; i < compiled.len; i++)
			buffer_printf(&text, "%02X", (unsigned char)compiled.data[i]);
	}
	free(foreground);
	free(background);
	buffer_free(&compiled);
	return text.len ? buffer_take(&text) : NULL;
}

static bool set_up(void)
{
	int error;
	return setupterm(NULL, STDOUT_FILENO, &error) == OK;
}

int screen_described_colors(void)
{
	static const int steps[] = {SCREEN_RGB, 256, 16, ANSI_COLORS};
	if (!set_up())
		return 0;
	int colors = tigetnum("colors"), found = 0;
	for (size_t i = 0; !found && i < sizeof(steps) / sizeof(*steps); i++)
		found = colors >= steps[i] ? steps[i] : 0;
	del_curterm(cur_term);
	return found;
}

SCREEN *screen_description_newterm(int described)
{
	if (described < ANSI_COLORS || described >= SCREEN_RGB || !set_up())
		return NULL;
	char *text = description(described), *before = getenv("TERMINFO") ? xstrdup(getenv("TERMINFO")) : NULL;
	SCREEN *handle = NULL;
	del_curterm(cur_term);
	if (text) {
		setenv("TERMINFO", text, 1);
		handle = newterm(NAME, stdout, stdin);
		if (before)
			setenv("TERMINFO", before, 1);
		else
			unsetenv("TERMINFO");
	}
	free(before);
	free(text);
	return handle;
}
