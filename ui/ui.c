#include "ui.h"
#include "app.h"
#include "transcript.h"
#include "line_mode.h"
#include "source.h"
#include "terminal_guard.h"
#include "theme.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave(struct app *app, int code)
{
	app->quit = true;
	app->exit_code = code;
}

static void handle_signals(struct app *app)
{
	for (int number; (number = loop_signal(app->loop));) {
		switch (number) {
		case SIGINT: app_action(app, ACTION_LEAVE); break;
		case SIGTSTP: app_suspend(app); break;
		case SIGTERM:
		case SIGHUP: leave(app, 128 + number); break;
		default: /* SIGWINCH, SIGCONT */
			app->screen->ops->resize(app->screen);
			if (number == SIGCONT)
				app->screen->ops->redraw(app->screen);
			app->dirty = true;
			break;
		}
	}
}

/* Reads what is there, up to a few megabytes, so that a paste does not starve the rest. */
static void read_terminal(struct app *app)
{
	char bytes[65536];
	ssize_t n = read(app->tty, bytes, sizeof(bytes));
	if (n > 0)
		app_input(app, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		leave(app, 128 + SIGHUP);
}

static void run(struct app *app)
{
	while (!app->quit) {
		int engine_fd = app->engine ? engine_wake_fd(app->engine) : -1;
		loop_watch(app->loop, app_blocks_fd(app) >= 0 ? app_blocks_fd(app) : app_reload_fd(app));
		unsigned events = loop_wait(app->loop, app->tty, engine_fd, app_timeout(app));
		app->now = loop_now();
		if (events & LOOP_SIGNAL)
			handle_signals(app);
		if (events & LOOP_INPUT)
			read_terminal(app);
		else if (events & LOOP_HANGUP)
			leave(app, 128 + SIGHUP);
		if (events & LOOP_ENGINE)
			app_turn_events(app);
		if (!app->quit)
			app_tick(app);
	}
}

static bool usable_terminal(void)
{
	const char *term = getenv("TERM");
	return term && term[0] && strcmp(term, "dumb") != 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* Keys pressed before the terminal was ours: it has made newlines of Enter. */
static void take_early_keys(struct app *app)
{
	char bytes[4096];
	if (!(loop_wait(app->loop, app->tty, -1, 0) & LOOP_INPUT))
		return;
	ssize_t n = read(app->tty, bytes, sizeof(bytes));
	for (ssize_t i = 0; i < n; i++)
		if (bytes[i] == '\n')
			bytes[i] = '\r';
	if (n > 0)
		app_input(app, bytes, (size_t)n);
}

/* The first frame waits for what the terminal has to say, if nothing is known of it yet. */
static void settle(struct app *app)
{
	int wait;
	while (!app->quit && (wait = app_terminal_wait_ms(app)) > 0) {
		unsigned events = loop_wait(app->loop, app->tty, -1, wait);
		app->now = loop_now();
		if (events & LOOP_INPUT)
			read_terminal(app);
		else if (events)
			return; /* signals and a hang-up are for the loop */
	}
}

static int run_on(struct screen *screen, const struct ui_options *options, struct loop *loop)
{
	struct app *app = app_create(options, screen);
	app->loop = loop;
	app->tty = STDIN_FILENO;
	app_terminal_ask(app);
	app_keep_habits(app);
	app_reload_watch(app);
	app_start(app);
	take_early_keys(app);
	settle(app);
	app_draw(app);
	run(app);
	int code = app->exit_code;
	screen->ops->suspend(screen);
	app_free(app);
	screen->ops->close(screen);
	return code;
}

static void tell(const struct i18n *tr, const char *err)
{
	char *text = i18n_error(tr, err), *line = i18n_sanitize_line(text, strlen(text));
	fprintf(stderr, "bora: %s\n", line);
	free(line);
	free(text);
}

int ui_run(const struct ui_options *options)
{
	char err[512];
	struct loop *loop;
	if (loop_create(&loop, err, sizeof(err))) {
		tell(options->tr, err);
		return 1;
	}
	const struct options *o = options->options;
	struct theme *theme = theme_open(option_string(o, OPTION_THEME), -1, option_flag(o, OPTION_NO_COLOR));
	const char *colors = option_string(o, OPTION_COLORS);
	if (colors && theme_set(theme, colors, err, sizeof(err))) {
		tell(options->tr, err);
		theme_free(theme);
		loop_free(loop);
		return 2;
	}
	terminal_guard_arm(STDIN_FILENO, i18n_text(options->tr, "chat.crashed"));
	struct screen *screen = usable_terminal() ? screen_open_curses(theme, err, sizeof(err)) : NULL;
	int code = screen ? run_on(screen, options, loop) : line_mode_run(options, loop);
	terminal_guard_disarm();
	theme_free(theme);
	loop_free(loop);
	return code;
}

void ui_fence(struct buffer *out, const char *text, size_t len)
{
	source_fence(out, NULL, text, len);
}

int ui_read_attachment(const struct i18n *tr, const char *path, struct buffer *out, char **warning, char **error)
{
	size_t len;
	struct source *source = source_open(tr, path);
	bool good = source_finish(source) == SOURCE_READY;
	const char *text = source_text(source, &len), *left_out = source_warning(source);
	*error = good ? NULL : xstrdup(source_error(source));
	*warning = good && *left_out ? xstrdup(left_out) : NULL;
	if (good)
		buffer_append(out, text, len);
	source_free(source);
	return good ? 0 : -1;
}

int ui_read_piped(const struct i18n *tr, const char *bytes, size_t len, struct buffer *out, char **error)
{
	if (i18n_decode(bytes, len, out))
		return 0;
	*error = i18n_format(tr, "source.piped-binary", I18N_S(source_kind(bytes, len)));
	return -1;
}

void ui_print_markdown(const struct i18n *tr, const char *text, size_t len, int width, enum i18n_bidi bidi,
		       struct buffer *out)
{
	enum { WINDOW = 64 };
	struct screen *screen = screen_open_headless(WINDOW, width);
	struct transcript *t = transcript_create(tr, bidi);
	int entry = transcript_add(t, ENTRY_ASSISTANT, "", 0), rows = 1;
	transcript_append(t, entry, text, len);
	for (int from = 0; from < rows; from += WINDOW) {
		rows = transcript_draw_entry(t, screen, entry, from);
		char *dump = screen_headless_dump(screen, false), *end = dump;
		for (int y = 0; y < WINDOW && from + y < rows; y++)
			end = strchr(end, '\n') + 1;
		buffer_append(out, dump, (size_t)(end - dump));
		free(dump);
	}
	transcript_free(t);
	screen->ops->close(screen);
}
