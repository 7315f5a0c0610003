#include "line_mode.h"
#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The chat's own state with a screen in memory that nobody sees: what is new in
 * the transcript is printed instead of drawn. */
struct line_mode {
	struct app *app;
	struct buffer input; /* bytes read, not yet a line that was taken */
	bool end_of_input;
	int entry;      /* next transcript entry to print… */
	size_t printed; /* …and how much of it has been */
	bool mid_line, prompted;
	const char *banner; /* the one printed last */
};

static void print_bytes(struct line_mode *lm, const char *text, size_t len)
{
	struct buffer safe = {0};
	if (len == 0)
		return;
	i18n_sanitize(text, len, &safe);
	if (safe.len) {
		fwrite(safe.data, 1, safe.len, stdout);
		lm->mid_line = safe.data[safe.len - 1] != '\n';
	}
	buffer_free(&safe);
}

static void end_line(struct line_mode *lm)
{
	if (lm->mid_line)
		putchar('\n');
	lm->mid_line = false;
}

/* Prints what entry has beyond what was printed; all but the last are finished. */
static void print_entry(struct line_mode *lm, int entry, bool finished)
{
	size_t len;
	const char *text = transcript_text(lm->app->transcript, entry, &len);
	size_t upto = finished ? len : len - i18n_incomplete_tail(text, len);
	if (upto > lm->printed) {
		print_bytes(lm, text + lm->printed, upto - lm->printed);
		lm->printed = upto;
	}
}

static bool streaming(const struct app *app, int entry)
{
	return (app->turn && entry == app->answer_entry) || entry == app_blocks_entry(app);
}

/* What the person said in an earlier life of the conversation looks as if typed. */
static bool is_question(const struct app *app, int entry)
{
	for (int i = app->message_count - 1; i >= 0 && app->messages[i].entry >= entry; i--)
		if (app->messages[i].entry == entry)
			return app->messages[i].role == MESSAGE_USER;
	return false;
}

static void print_news(struct line_mode *lm)
{
	struct app *app = lm->app;
	int count = transcript_count(app->transcript);
	if (lm->entry > count) {
		lm->entry = count;
		lm->printed = 0;
	}
	while (lm->entry < count) {
		bool more = streaming(app, lm->entry);
		if (lm->printed == 0 && is_question(app, lm->entry))
			fputs("> ", stdout);
		print_entry(lm, lm->entry, !more);
		if (more)
			break;
		end_line(lm);
		if (lm->entry == app->answer_entry && app->answer_mark)
			printf("[%s]\n", i18n_text(app->tr, app->answer_mark));
		lm->entry++;
		lm->printed = 0;
	}
	if (app->banner && app->banner != lm->banner) {
		end_line(lm);
		print_bytes(lm, app->banner, strlen(app->banner));
		end_line(lm);
	}
	lm->banner = app->banner;
	fflush(stdout);
}

static bool free_for_a_line(const struct app *app)
{
	return !app->turn && !app->stray && app_blocks_entry(app) < 0 &&
	       (app->ready || app->engine_error || !app->engine);
}

/* Skips what the person typed: the terminal has shown it. */
static void send_line(struct line_mode *lm, const char *line, size_t len)
{
	struct app *app = lm->app;
	int before = app->message_count;
	editor_set_text(app->editor, line, len);
	lm->mid_line = lm->prompted = false;
	app_send_now(app);
	if (app->message_count == before + 1 && app->messages[before].role == MESSAGE_USER)
		lm->entry = app->messages[before].entry + 1;
}

static void take_lines(struct line_mode *lm)
{
	while (!lm->app->quit && free_for_a_line(lm->app)) {
		char *newline = lm->input.len ? memchr(lm->input.data, '\n', lm->input.len) : NULL;
		if (!newline && !(lm->end_of_input && lm->input.len))
			return;
		size_t len = newline ? (size_t)(newline - lm->input.data) : lm->input.len;
		char *line = xstrndup(lm->input.data, len);
		size_t used = len + (newline != NULL);
		memmove(lm->input.data, lm->input.data + used, lm->input.len - used);
		lm->input.len -= used;
		send_line(lm, line, len);
		free(line);
		print_news(lm);
	}
}

static void read_input(struct line_mode *lm)
{
	char bytes[65536];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n > 0)
		buffer_append(&lm->input, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		lm->end_of_input = true;
}

static void handle_signals(struct line_mode *lm, struct loop *loop)
{
	struct app *app = lm->app;
	for (int number; (number = loop_signal(loop));) {
		if (number == SIGINT) {
			end_line(lm);
			lm->prompted = false;
			app_action(app, ACTION_LEAVE);
		} else if (number == SIGTERM || number == SIGHUP) {
			app->quit = true;
			app->exit_code = 128 + number;
		} else if (number == SIGTSTP) {
			loop_stop(loop);
			app->now = loop_now();
		}
	}
}

static void prompt(struct line_mode *lm)
{
	if (lm->prompted || lm->input.len || lm->end_of_input || !free_for_a_line(lm->app))
		return;
	end_line(lm);
	fputs("> ", stdout);
	fflush(stdout);
	lm->prompted = lm->mid_line = true;
}

static void run(struct line_mode *lm, struct loop *loop)
{
	struct app *app = lm->app;
	while (!app->quit) {
		print_news(lm);
		take_lines(lm);
		if (app->quit || (lm->end_of_input && lm->input.len == 0 && free_for_a_line(app)))
			break;
		prompt(lm);
		int engine_fd = app->engine ? engine_wake_fd(app->engine) : -1;
		loop_watch(loop, app_blocks_fd(app));
		unsigned events = loop_wait(loop, lm->end_of_input ? -1 : STDIN_FILENO, engine_fd, app_timeout(app));
		app->now = loop_now();
		if (events & LOOP_SIGNAL)
			handle_signals(lm, loop);
		if (events & (LOOP_INPUT | LOOP_HANGUP))
			read_input(lm);
		if (events & LOOP_ENGINE)
			app_turn_events(app);
		app_tick(app);
	}
	print_news(lm);
	end_line(lm);
}

int line_mode_run(const struct ui_options *options, struct loop *loop)
{
	struct screen *screen = screen_open_headless(24, 80);
	struct line_mode lm = {.app = app_create(options, screen)};
	lm.app->plain = true;
	app_start(lm.app);
	run(&lm, loop);
	int code = lm.app->exit_code;
	buffer_free(&lm.input);
	app_free(lm.app);
	screen->ops->close(screen);
	return code;
}
