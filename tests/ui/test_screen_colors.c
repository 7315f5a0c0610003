/* The colours that reach a terminal, byte by byte: 2^24, 256, 16, 8 and none, whatever TERM's
 * own description says, and after another theme has been chosen. The screen is drawn by a
 * child on a pseudo-terminal: this program with the argument "draw". */
#include "ui/screen.h"
#include "ui/theme.h"
#include "xmalloc.h"

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

static void show(struct screen *screen, const char *text)
{
	screen->ops->clear_row(screen, 0);
	screen->ops->put(screen, 0, 0, text, 1, 1, STYLE_KEYWORD);
	screen->ops->put(screen, 0, 2, text, 1, 1, STYLE_MATCH);
	screen->ops->put(screen, 0, 4, text, 1, 1, (enum style)(STYLE_TEXT | STYLE_ADD_STRIKE));
	screen->ops->show(screen);
}

/* "a" in the dark theme, "b" in the light one, "c" without colours. */
static int draw(int colors)
{
	char err[256];
	struct theme *dark = theme_open("dark", -1, false), *light = theme_open("light", -1, false);
	struct theme *plain = theme_open("dark", -1, true);
	setlocale(LC_ALL, "C.UTF-8");
	struct screen *screen = screen_open_curses(dark, err, sizeof(err));
	if (!screen)
		_exit(3);
	struct screen_traits traits = {.colors = colors, .synchronized = true, .measured = colors == SCREEN_RGB};
	screen->ops->traits(screen, &traits);
	show(screen, "a");
	screen->ops->theme(screen, light);
	show(screen, "b");
	screen->ops->theme(screen, plain);
	show(screen, "c");
	screen->ops->close(screen);
	theme_free(plain);
	theme_free(light);
	theme_free(dark);
	return 0;
}

/* All that the child writes. */
static size_t run(const char *term, int colors, char *out, size_t size)
{
	struct winsize window = {.ws_row = 4, .ws_col = 20};
	int master = posix_openpt(O_RDWR | O_NOCTTY), status = 0;
	size_t len = 0;
	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	ioctl(slave, TIOCSWINSZ, &window);
	pid_t pid = fork();
	if (pid == 0) {
		char count[16];
		snprintf(count, sizeof(count), "%d", colors);
		setenv("TERM", term, 1);
		for (int fd = 0; fd < 3; fd++)
			dup2(slave, fd);
		execl("/proc/self/exe", "test_screen_colors", "draw", count, (char *)NULL);
		_exit(9);
	}
	close(slave);
	for (ssize_t n; len + 1 < size && (n = read(master, out + len, size - 1 - len)) > 0;)
		len += (size_t)n;
	out[len] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(master);
	return len;
}

/* The bytes of the frame that shows the letter: from where the frame begins to its end. */
static char *frame(char *bytes, int number)
{
	char *start = bytes;
	for (int i = 0; i <= number; i++) {
		start = strstr(start, "\033[?2026h");
		assert_non_null(start);
		start += strlen("\033[?2026h");
	}
	return xstrndup(start, (size_t)(strstr(start, "\033[?2026l") - start));
}

static void expect(char *bytes, int number, const char *foreground, const char *background)
{
	char *shown = frame(bytes, number);
	if (!strstr(shown, foreground) || !strstr(shown, background))
		fail_msg("frame %d: neither %s nor %s: %s", number, foreground + 1, background + 1, shown);
	free(shown);
}

/* What is told apart below: a keyword in the dark and the light theme, and a match's background. */
#define RGB_DARK  "\033[38;2;217;165;242m"
#define RGB_LIGHT "\033[38;2;123;45;155m"
#define RGB_MATCH "\033[48;2;255;215;95m"

static void test_colors(void **state)
{
	static const struct {
		const char *term;
		int colors;
		const char *dark, *light, *match;
	} rows[] = {
		{"xterm-256color", SCREEN_RGB, RGB_DARK, RGB_LIGHT, RGB_MATCH},
		{"xterm-256color", 0, "\033[38;5;183m", "\033[38;5;90m", "\033[48;5;221m"},
		{"xterm-256color", 256, "\033[38;5;183m", "\033[38;5;90m", "\033[48;5;221m"},
		{"xterm-256color", 16, "\033[95m", "\033[35m", "\033[47m"},
		{"xterm-256color", 8, "\033[35m", "\033[35m", "\033[47m"},
		{"xterm-16color", 0, "\033[95m", "\033[35m", "\033[47m"},
		{"xterm", 0, "\033[35m", "\033[35m", "\033[47m"},
		{"xterm", 256, "\033[38;5;183m", "\033[38;5;90m", "\033[48;5;221m"},
		{"xterm", SCREEN_RGB, RGB_DARK, RGB_LIGHT, RGB_MATCH},
		{"screen", SCREEN_RGB, RGB_DARK, RGB_LIGHT, RGB_MATCH},
		{"tmux-256color", SCREEN_RGB, RGB_DARK, RGB_LIGHT, RGB_MATCH},
		{"linux", 0, "\033[35m", "\033[35m", "\033[47m"},
		{"xterm-direct", 0, "\033[38:2::217:165:242m", "\033[38:2::123:45:155m", "\033[48:2::255:215:95m"},
		{"xterm-direct", 256, "\033[38:2::215:175:255m", "\033[38:2::135:0:135m", "\033[48:2::255:215:95m"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char bytes[1 << 14];
		run(rows[i].term, rows[i].colors, bytes, sizeof(bytes));
		print_message("%s, %d colours\n", rows[i].term, rows[i].colors);
		expect(bytes, 0, rows[i].dark, rows[i].match);
		expect(bytes, 1, rows[i].light, "\033[");
		char *plain = frame(bytes, 2);
		assert_null(strstr(plain, "38;"));
		assert_null(strstr(plain, "\033[3"));
		free(plain);
		/* The palette belongs to whoever sits there. */
		assert_null(strstr(bytes, "\033]4;"));
		assert_null(strstr(bytes, "\033]104"));
		assert_null(strstr(bytes, "\033]P"));
		assert_null(strstr(bytes, "\033]R"));
	}
}

/* A terminal that has no colours gets none. */
static void test_no_colors(void **state)
{
	static const char *const terms[] = {"vt220", "xterm-mono"};
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		char bytes[1 << 14];
		run(terms[i], SCREEN_RGB, bytes, sizeof(bytes));
		assert_null(strstr(bytes, "38;"));
		assert_null(strstr(bytes, "\033[35m"));
	}
}

/* What is struck out is so on a terminal that has been measured, else it is only dim. */
static void test_struck_out(void **state)
{
	char bytes[1 << 14];
	run("xterm-256color", SCREEN_RGB, bytes, sizeof(bytes));
	assert_non_null(strstr(bytes, "\033[9ma\033[29m"));
	assert_non_null(strstr(bytes, "\033[9mc\033[29m"));
	run("xterm-256color", 256, bytes, sizeof(bytes));
	assert_null(strstr(bytes, "\033[9m"));
	assert_non_null(strstr(bytes, "\033[0;2m")); /* xterm's way to say dim */
}

/* What the environment said about descriptions of terminals holds afterwards. */
static void test_environment_is_left(void **state)
{
	char bytes[1 << 14];
	setenv("TERMINFO", "/nonexistent", 1);
	run("xterm-256color", SCREEN_RGB, bytes, sizeof(bytes));
	assert_non_null(strstr(bytes, RGB_DARK));
	unsetenv("TERMINFO");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_colors),
		cmocka_unit_test(test_no_colors),
		cmocka_unit_test(test_struck_out),
		cmocka_unit_test(test_environment_is_left),
	};
	if (argc > 2 && strcmp(argv[1], "draw") == 0)
		return draw(atoi(argv[2]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
