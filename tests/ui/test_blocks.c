/* Code blocks run and applied from the chat: asked first, shown, sent along, taken back. */
#include "fake_engine.h"

#include "ui/app.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

/* Readline leaves the undo lists of history lines that were edited to nobody. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:rl_add_undo\nleak:rl_copy_text\n";
}

struct fixture {
	char dir[64];
	struct options *options;
	struct i18n *tr;
	struct sessions *sessions;
	struct drafts *drafts;
	struct screen *screen;
	struct app *app;
	char *text;
};

static void start_app(struct fixture *f, const char *resume, bool keep)
{
	char err[512];
	if (keep)
		assert_int_equal(sessions_open(&f->sessions, f->dir, f->tr, err, sizeof(err)), 0);
	f->drafts = drafts_open(f->dir);
	struct ui_options options = {.options = f->options,
				     .tr = f->tr,
				     .sessions = f->sessions,
				     .drafts = f->drafts,
				     .model_path = "/models/fake.gguf",
				     .resume = resume};
	f->screen = screen_open_headless(24, 80);
	f->app = app_create(&options, f->screen);
	app_start(f->app);
}

static void stop_app(struct fixture *f)
{
	app_free(f->app);
	f->screen->ops->close(f->screen);
	drafts_close(f->drafts);
	sessions_close(f->sessions);
	f->app = NULL;
	f->sessions = NULL;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	setlocale(LC_ALL, "C.UTF-8");
	setenv("INPUTRC", "/dev/null", 1);
	/* In memory where there is such a place: nothing here is about disks. */
	snprintf(f->dir, sizeof(f->dir), "%s/bora-test-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	fake_opened = 0;
	fake_refuses = NULL;
	f->options = options_create();
	f->tr = i18n_open("en");
	start_app(f, NULL, true);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	if (f->app)
		stop_app(f);
	i18n_close(f->tr);
	options_free(f->options);
	char *remove = xasprintf("rm -rf %s", f->dir);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(f->text);
	free(f);
	return 0;
}

/* Lets an hour pass for whatever waits for time, and draws. */
static void settle(struct fixture *f)
{
	for (int i = 0; i < 3; i++) {
		f->app->now += APP_DRAFT_MS + 1000;
		app_turn_events(f->app);
		app_tick(f->app);
	}
}

static void keys(struct fixture *f, const char *bytes)
{
	app_input(f->app, bytes, strlen(bytes));
	settle(f);
}

static void events(struct fixture *f)
{
	app_turn_events(f->app);
	settle(f);
}

static const char *screen(struct fixture *f)
{
	free(f->text);
	f->app->dirty = true;
	settle(f);
	app_draw(f->app);
	f->text = screen_headless_dump(f->screen, false);
	return f->text;
}

static void assert_seen(struct fixture *f, const char *wanted)
{
	if (!strstr(screen(f), wanted))
		fail_msg("not on the screen: %s\n%s", wanted, f->text);
}

static void assert_not_seen(struct fixture *f, const char *unwanted)
{
	if (strstr(screen(f), unwanted))
		fail_msg("on the screen: %s\n%s", unwanted, f->text);
}

static void exchange(struct fixture *f, const char *question, const char *answer)
{
	keys(f, question);
	keys(f, "\r");
	fake_text(answer);
	fake_done(ENGINE_STOP);
	events(f);
}

static void wait_for_end(struct fixture *f)
{
	for (int i = 0; i < 2000 && app_blocks_entry(f->app) >= 0; i++) {
		usleep(5000);
		app_tick(f->app);
	}
	assert_int_equal(app_blocks_entry(f->app), -1);
}

static void command(struct fixture *f, const char *line)
{
	keys(f, line);
	keys(f, "\r");
}

static void answer(struct fixture *f, const char *text)
{
	fake_ready();
	events(f);
	exchange(f, "code, please", text);
}

static void test_run(void **state)
{
	struct fixture *f = *state;
	answer(f, "Here:\n```sh\necho result $((6 * 7))\n```\n");
	command(f, "/output");
	assert_seen(f, "Nothing has been run");
	command(f, "/run 1");
	assert_seen(f, "/code.sh"); /* the exact command */
	assert_seen(f, "Run it?");
	assert_not_seen(f, "result 42");
	keys(f, "\r");
	wait_for_end(f);
	assert_seen(f, "result 42");
	assert_seen(f, "exit code 0");
	command(f, "/output");
	command(f, "why?");
	assert_non_null(strstr(fake->last_request, "why?"));
	assert_non_null(strstr(fake->last_request, "result 42"));
	assert_non_null(strstr(fake->last_request, "[exit code 0]"));
}

/* Only Enter and y are a yes. */
static void test_asked_first(void **state)
{
	struct fixture *f = *state;
	static const char *const no[] = {"\033", "n", "x", " ", "\t"};
	answer(f, "```sh\necho was run\n```\n");
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		command(f, "/run 1");
		keys(f, no[i]);
		assert_seen(f, "Nothing was run");
		assert_int_equal(app_blocks_entry(f->app), -1);
	}
	command(f, "/run 2");
	assert_seen(f, "block");
	command(f, "/run");
	assert_not_seen(f, "Run it?");
	command(f, "/run 1");
	keys(f, "y");
	wait_for_end(f);
	assert_seen(f, "was run");
}

static void test_escape_stops_it(void **state)
{
	struct fixture *f = *state;
	answer(f, "```sh\necho begun; sleep 1000\n```\n");
	command(f, "/run 1");
	keys(f, "\r");
	for (int i = 0; i < 1000 && !strstr(screen(f), "begun"); i++)
		usleep(5000);
	command(f, "/run 1");
	assert_seen(f, "A program is running");
	keys(f, "\033");
	assert_int_equal(app_blocks_entry(f->app), -1);
	assert_seen(f, "stopped");
	command(f, "/run 1"); /* and it dies with the chat */
	keys(f, "\r");
	stop_app(f);
}

static void test_too_much_output(void **state)
{
	struct fixture *f = *state;
	answer(f, "```sh\nyes\n```\n");
	command(f, "/run 1");
	keys(f, "\r");
	wait_for_end(f);
	assert_seen(f, "more output than fits");
}

/* What a program prints is drawn, not obeyed. */
static void test_output_is_inert(void **state)
{
	struct fixture *f = *state;
	answer(f, "```sh\nprintf '\\033]0;owned\\007```\\n# no heading\\n'\n```\n");
	command(f, "/run 1");
	keys(f, "\r");
	wait_for_end(f);
	assert_null(strpbrk(screen(f), "\033\a"));
	assert_seen(f, "# no heading");
	assert_int_equal(transcript_block_count(f->app->transcript), 1);
}

static char *content(const char *path)
{
	char *text = xcalloc(1, 4096);
	FILE *file = fopen(path, "r");
	if (file) {
		assert_true(fread(text, 1, 4095, file) < 4095);
		fclose(file);
	}
	return text;
}

static void assert_content(const char *path, const char *expected)
{
	char *text = content(path);
	assert_string_equal(text, expected);
	free(text);
}

static void test_apply(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/x.txt", f->dir), *line = xasprintf("/apply 1 %s", path);
	answer(f, "```\none\ntwo\n```\n```diff\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n```\n");
	command(f, line);
	assert_seen(f, "+one"); /* the preview */
	assert_int_not_equal(access(path, F_OK), 0);
	keys(f, "n");
	assert_seen(f, "Nothing was changed");
	assert_int_not_equal(access(path, F_OK), 0);
	command(f, line);
	keys(f, "\r");
	assert_content(path, "one\ntwo\n");
	command(f, line);
	assert_seen(f, "already says this");
	free(line);
	line = xasprintf("/apply 2 %s", path);
	command(f, line);
	assert_seen(f, "-two");
	assert_seen(f, "+zwei");
	keys(f, "\r");
	assert_content(path, "one\nzwei\n");
	command(f, "/revert");
	assert_content(path, "one\ntwo\n");
	command(f, "/revert");
	assert_seen(f, "nothing to take back");
	free(line);
	free(path);
}

static void test_revert_looks_first(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/y.txt", f->dir), *line = xasprintf("/apply 1 %s", path);
	answer(f, "```\nnew\n```\n");
	command(f, line);
	keys(f, "\r");
	FILE *file = fopen(path, "a");
	assert_non_null(file);
	fputs("mine\n", file);
	fclose(file);
	command(f, "/revert");
	assert_content(path, "new\nmine\n");
	command(f, "/apply 1");
	assert_seen(f, "names no file");
	free(line);
	free(path);
}

/* Alt+V, the arrows, Enter; any other key goes back to the input. */
static void test_choosing(void **state)
{
	struct fixture *f = *state;
	answer(f, "One **line**.\n\n```c\nint x;\n```\n");
	keys(f, "\033v");
	assert_seen(f, "Enter copies");
	keys(f, "\033[A\033[1;2A");
	keys(f, "\r");
	assert_seen(f, "Copied");
	keys(f, "\033v");
	keys(f, "hello");
	assert_not_seen(f, "Enter copies");
	assert_seen(f, "ello");
	keys(f, "\033m");
	assert_seen(f, "One **line**.");
	keys(f, "\033m");
	assert_seen(f, "One line.");
}

#define WITH_APP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_APP(test_run),
		WITH_APP(test_asked_first),
		WITH_APP(test_escape_stops_it),
		WITH_APP(test_too_much_output),
		WITH_APP(test_output_is_inert),
		WITH_APP(test_apply),
		WITH_APP(test_revert_looks_first),
		WITH_APP(test_choosing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
