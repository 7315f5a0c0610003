/* The real terminal screen, run in a child on a pseudo-terminal. With the argument
 * "draw" this program is that child: it draws the acceptance cases, one a row, each
 * with a bar where our layout says that it ends, and waits for a byte; with "measured",
 * after it has measured the terminal. With "emoji" it asks the terminal for the width of
 * every emoji and says where ours is another. */
#include "ui/screen.h"
#include "ui/terminal_probe.h"
#include "ui/theme.h"
#include "i18n/i18n.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const cases[] = {
	"e\xCC\x81",
	"你世界",
	"か\xE3\x82\x99ﾊﾟ",
	"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",
	"±×α①",
	"ที่นี่",
	"น้ำ",
	"สวัสดีชาวโลก",
	"कि",
	"क्षि",
	"नमस्ते",
	"سلام",
	"مُحَمَّد",
	"שָׁלוֹם",
	"abc שלום 123 def",
	"שלום (abc) עולם!",
	"السعر 123.45 ريال",
	"ראו https://a.b/c?x=1 עכשיו",
	"\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7",
	"\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD",
	"\xF0\x9F\x87\xAF\xF0\x9F\x87\xB5",
	"\xE2\x9D\xA4\xEF\xB8\x8F",
	"a\xCC\x80\xCC\x81\xCC\x82\xCC\x83\xCC\x84\xCC\x85\xCC\x86",
	"これは「テスト」です。",
	"a\x1B]0;t\x07\x1B[2J",
	"a\xE2\x80\xAEtxt.exe",
	"\xC3(",
	"\xF0\x9F\xAB\xA8",
	"👨‍👩‍👧‍👦x👩🏽‍❤️‍💋‍👨🏿x",
	"🏳️‍🌈x❤️‍🔥x☝🏽x⛹🏽‍♀️x",
	"🏴󠁧󠁢󠁥󠁮󠁧󠁿x🇯🇵🇩x",
	"1️⃣x©️x⌚︎x",
	"你󠄀x葛󠄀x",
	"क्ष স্ত ക്ഷ ကြ ស្ត្រី ກຳ กำ",
	"x🫩x",
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void draw_case(struct screen *screen, const struct i18n *tr, int row)
{
	struct layout layout;
	struct layout_options options = {.width = 60, .bidi = I18N_BIDI_APP, .direction = LAYOUT_LTR};
	i18n_layout(tr, cases[row], strlen(cases[row]), &options, &layout);
	screen->ops->clear_row(screen, row);
	for (int i = 0; i < layout.rows[0].count; i++) {
		const struct layout_cell *c = &layout.rows[0].cells[i];
		screen->ops->put(screen, row, c->column, c->text, c->text_len, c->width, STYLE_TEXT);
	}
	screen->ops->put(screen, row, layout.rows[0].width, "|", 1, 1, STYLE_TEXT);
	layout_free(&layout);
}

/* The bar is written over the right half of a wide character. */
static void draw_cut(struct screen *screen, int row)
{
	screen->ops->put(screen, row, 0, "世", strlen("世"), 2, STYLE_TEXT);
	screen->ops->put(screen, row, 2, "界", strlen("界"), 2, STYLE_TEXT);
	screen->ops->put(screen, row, 1, "|", 1, 1, STYLE_TEXT);
}

/* A wide character in the last column of each of these rows, the last cell of all among them. */
static void draw_edges(struct screen *screen, const struct i18n *tr)
{
	static const char *const edges[] = {"世", "👨\u200D👩\u200D👧", "🫶"};
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	for (int i = 0; i < 3; i++) {
		int width = i18n_width(tr, edges[i], strlen(edges[i]));
		screen->ops->put(screen, CASES + 1 + i, columns - width, edges[i], strlen(edges[i]), width, STYLE_TEXT);
	}
	screen->ops->put(screen, rows - 1, columns - 2, "界", strlen("界"), 2, STYLE_TEXT);
}

/* columns: a file for the bars' columns, one a line. */
static int draw(const char *columns, bool measured)
{
	char err[256], byte;
	struct terminal_facts facts;
	setlocale(LC_ALL, "C.UTF-8");
	struct i18n *tr = i18n_open("en");
	if (measured && !terminal_ask(STDIN_FILENO, 5000, &facts))
		return 5;
	struct theme *theme = theme_open("default", -1, false);
	struct screen *screen = screen_open_curses(theme, err, sizeof(err));
	if (!screen)
		_exit(3); /* what curses still holds is no leak of ours */
	struct screen_traits traits = {.measured = measured && facts.measured, .synchronized = true};
	screen->ops->traits(screen, &traits);
	if (measured)
		terminal_facts_apply(&facts, tr, 0);
	for (int row = 0; row < CASES; row++)
		draw_case(screen, tr, row);
	draw_cut(screen, CASES);
	draw_edges(screen, tr);
	screen->ops->cursor(screen, CASES, 0, true);
	screen->ops->show(screen);
	screen->ops->show(screen); /* nothing has changed: nothing is written */
	FILE *file = columns ? fopen(columns, "w") : NULL;
	for (int row = 0; file && row < CASES; row++) {
		struct layout layout;
		struct layout_options options = {.width = 60, .bidi = I18N_BIDI_APP, .direction = LAYOUT_LTR};
		i18n_layout(tr, cases[row], strlen(cases[row]), &options, &layout);
		fprintf(file, "%d\n", layout.rows[0].width);
		layout_free(&layout);
	}
	if (file)
		fputs("1\n", file); /* draw_cut() */
	if (file)
		fclose(file);
	ssize_t n = read(STDIN_FILENO, &byte, 1);
	screen->ops->close(screen);
	theme_free(theme);
	i18n_close(tr);
	return n == 1 ? 0 : 4;
}

/* --- Emoji ---------------------------------------------------------------------------- */

/* The column that the cursor is in after the text, by the terminal's own report; -1: none came. */
static int column_after(const char *text)
{
	char answer[64];
	size_t len = 0;
	dprintf(STDOUT_FILENO, "\r\033[K%s\033[6n", text);
	while (len + 1 < sizeof(answer)) {
		struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
		if (poll(&fd, 1, 5000) != 1 || read(STDIN_FILENO, answer + len, 1) != 1)
			return -1;
		if (answer[len++] == 'R')
			break;
	}
	answer[len] = '\0';
	const char *column = strchr(answer, ';');
	return column ? atoi(column + 1) - 1 : -1;
}

static void append_utf8(struct buffer *out, unsigned c)
{
	char b[4] = {(char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 63)), (char)(0x80 | (c >> 6 & 63)),
		     (char)(0x80 | (c & 63))};
	if (c < 0x80)
		b[3] = (char)c;
	int len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	if (len == 2)
		b[2] = (char)(0xC0 | c >> 6);
	if (len == 3)
		b[1] = (char)(0xE0 | c >> 12);
	buffer_append(out, b + 4 - len, (size_t)len);
}

/* A line of emoji-test.txt: 0 when the terminal gives the emoji the cells that we do, or we draw a
 * replacement for it, for that the terminal does not know it. */
static int check_emoji(const struct i18n *tr, const char *line, FILE *out)
{
	struct buffer text = {0};
	struct layout layout;
	char *end;
	for (const char *at = line;; at = end) {
		unsigned long c = strtoul(at, &end, 16);
		if (end == at)
			break;
		append_utf8(&text, (unsigned)c);
	}
	struct layout_options options = {.width = 60, .bidi = I18N_BIDI_APP};
	i18n_layout(tr, text.data, text.len, &options, &layout);
	const struct layout_cell *cell = layout.rows[0].cells;
	bool one = layout.rows[0].count == 1;
	char *drawn = xstrndup(one ? cell->text : "", one ? cell->text_len : 0);
	int column = column_after(drawn), wrong = !one || column != cell->width;
	if (wrong)
		fprintf(out, "%.*s: %d cells, the terminal says %d\n", (int)strcspn(line, ";"), line,
			one ? cell->width : -1, column);
	layout_free(&layout);
	buffer_free(&text);
	free(drawn);
	return wrong;
}

static int emoji(const char *path)
{
	char line[1024];
	struct terminal_facts facts;
	struct termios settings;
	int checked = 0, wrong = 0;
	setlocale(LC_ALL, "C.UTF-8");
	FILE *in = fopen("/usr/share/unicode/emoji/emoji-test.txt", "re"), *out = fopen(path, "we");
	struct i18n *tr = i18n_open("en");
	if (!in || !out || !terminal_ask(STDIN_FILENO, 5000, &facts))
		return 5;
	terminal_facts_apply(&facts, tr, 0);
	tcgetattr(STDIN_FILENO, &settings);
	cfmakeraw(&settings);
	tcsetattr(STDIN_FILENO, TCSANOW, &settings);
	while (fgets(line, sizeof(line), in))
		if (strstr(line, "; fully-qualified"))
			checked++, wrong += check_emoji(tr, line, out);
	fprintf(out, "%d checked, %d wrong\n", checked, wrong);
	fclose(in);
	fclose(out);
	i18n_close(tr);
	return 0;
}

/* --- The parent ---------------------------------------------------------------------- */

struct child {
	pid_t pid;
	int master, slave;
	struct termios before;
	char *output;
	size_t len;
};

static void start(struct child *c, const char *term)
{
	struct winsize size = {.ws_row = 40, .ws_col = 80};
	c->master = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(c->master >= 0 && grantpt(c->master) == 0 && unlockpt(c->master) == 0);
	c->slave = open(ptsname(c->master), O_RDWR | O_NOCTTY);
	assert_true(c->slave >= 0);
	ioctl(c->slave, TIOCSWINSZ, &size);
	tcgetattr(c->slave, &c->before);
	c->pid = fork();
	if (c->pid == 0) {
		setenv("TERM", term, 1);
		for (int fd = 0; fd < 3; fd++)
			dup2(c->slave, fd);
		execl("/proc/self/exe", "test_screen", "draw", (char *)NULL);
		_exit(9);
	}
}

/* Everything up to and including wanted; what is written after it is read by the next call. */
static void read_until(struct child *c, const char *wanted)
{
	char bytes[4096];
	while (!c->output || !memmem(c->output, c->len, wanted, strlen(wanted))) {
		struct pollfd fd = {.fd = c->master, .events = POLLIN};
		if (poll(&fd, 1, 10000) != 1)
			fail_msg("never written: %s", wanted);
		ssize_t n = read(c->master, bytes, sizeof(bytes));
		assert_true(n > 0);
		c->output = xreallocarray(c->output, c->len + (size_t)n, 1);
		memcpy(c->output + c->len, bytes, (size_t)n);
		c->len += (size_t)n;
	}
}

static int finish(struct child *c)
{
	int status;
	assert_int_equal(write(c->master, "q", 1), 1);
	read_until(c, "\033[?2004l");
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void end(struct child *c)
{
	close(c->master);
	close(c->slave);
	free(c->output);
}

static size_t count(const struct child *c, const char *wanted)
{
	size_t found = 0;
	for (const char *at = c->output; (at = memmem(at, c->len - (size_t)(at - c->output), wanted, strlen(wanted)));
	     at++)
		found++;
	return found;
}

static void test_terminal_is_given_back(void **state)
{
	struct child c = {0};
	struct termios after;
	start(&c, "xterm-256color");
	read_until(&c, "\033[?2026l");
	tcgetattr(c.slave, &after);
	assert_false(after.c_lflag & (ICANON | ECHO | ISIG));
	assert_int_equal(finish(&c), 0);
	tcgetattr(c.slave, &after);
	assert_int_equal(after.c_lflag, c.before.c_lflag);
	assert_int_equal(after.c_iflag, c.before.c_iflag);
	assert_int_equal(after.c_oflag, c.before.c_oflag);
	assert_int_equal(count(&c, "\033[?1049h"), 1);
	assert_int_equal(count(&c, "\033[?1049l"), 1);
	assert_int_equal(count(&c, "\033[?2004h"), 1);
	end(&c);
}

static void test_nothing_is_written_twice(void **state)
{
	struct child c = {0};
	start(&c, "xterm-256color");
	read_until(&c, "\033[?2026l");
	assert_int_equal(finish(&c), 0);
	assert_int_equal(count(&c, "\033[?2026h"), 1);
	end(&c);
}

/* What a message says never becomes an escape sequence. */
static void test_hostile_text_is_inert(void **state)
{
	struct child c = {0};
	start(&c, "xterm-256color");
	read_until(&c, "\033[?2026l");
	assert_int_equal(finish(&c), 0);
	assert_int_equal(count(&c, "\033]0;t"), 0);
	assert_int_equal(count(&c, "\033[2J"), 2); /* the program's own, before anything is drawn */
	assert_int_equal(count(&c, "\xE2\x80\xAE"), 0);
	assert_int_equal(count(&c, "\a"), 0);
	end(&c);
}

static void test_unknown_terminal_is_refused(void **state)
{
	int status;
	struct child c = {0};
	start(&c, "no-such-terminal");
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	end(&c);
}

static void test_themes_are_legible_in_eight_colors(void **state)
{
	static const char *const names[] = {"default", "light", "dark", "contrast"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct theme *theme = theme_open(names[i], -1, false);
		assert_string_equal(theme->name, names[i]);
		for (int style = 0; style < STYLE_COUNT; style++)
			if (theme->look[style].background >= 0)
				assert_int_not_equal(theme_foreground(theme, (enum style)style, 8),
						     theme_background(theme, (enum style)style, 8));
		theme_free(theme);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal_is_given_back),
		cmocka_unit_test(test_nothing_is_written_twice),
		cmocka_unit_test(test_hostile_text_is_inert),
		cmocka_unit_test(test_unknown_terminal_is_refused),
		cmocka_unit_test(test_themes_are_legible_in_eight_colors),
	};
	if (argc > 1 && strcmp(argv[1], "draw") == 0)
		return draw(argc > 2 ? argv[2] : NULL, argc > 3 && strcmp(argv[3], "measured") == 0);
	if (argc > 2 && strcmp(argv[1], "emoji") == 0)
		return emoji(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
