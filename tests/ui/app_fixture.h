/* app_fixture.h: the whole chat with a scripted engine, a screen in memory and a real store, for tests that put
 * keys and engine events in and look at screens and stored messages. */
#ifndef APP_FIXTURE_H
#define APP_FIXTURE_H

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

static inline void start_app(struct fixture *f, const char *resume, bool keep)
{
	char err[512];
	if (keep)
		assert_int_equal(sessions_open(&f->sessions, f->dir, f->tr, err, sizeof(err)), 0);
	else
		assert_int_equal(sessions_open_memory(&f->sessions, f->tr, err, sizeof(err)), 0);
	f->drafts = keep ? drafts_open(f->dir) : NULL;
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

static inline void stop_app(struct fixture *f)
{
	app_free(f->app);
	f->screen->ops->close(f->screen);
	drafts_close(f->drafts);
	sessions_close(f->sessions);
	f->app = NULL;
	f->sessions = NULL;
}

static inline int setup_with(void **state, bool keep)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	setlocale(LC_ALL, "C.UTF-8");
	setenv("INPUTRC", "/dev/null", 1);
	/* In memory where there is such a place: nothing here is about disks. */
	snprintf(f->dir, sizeof(f->dir), "%s/bora-test-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	setenv("BORA_DATA_DIR", f->dir, 1);
	fake_opened = 0;
	fake_refuses = NULL;
	f->options = options_create();
	options_set_from(f->options, SOURCE_FILE, OPTION_SYSTEM, "", NULL,
			 0); /* what the tests read is what they say */
	f->tr = i18n_open("en");
	start_app(f, NULL, keep);
	*state = f;
	return 0;
}

static inline int setup(void **state)
{
	return setup_with(state, true);
}

static inline int setup_unkept(void **state)
{
	return setup_with(state, false);
}

static inline int teardown(void **state)
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
static inline void settle(struct fixture *f)
{
	for (int i = 0; i < 3; i++) {
		f->app->now += APP_DRAFT_MS + 1000;
		app_turn_events(f->app);
		app_tick(f->app);
	}
}

static inline void keys(struct fixture *f, const char *bytes)
{
	app_input(f->app, bytes, strlen(bytes));
	settle(f);
}

static inline void events(struct fixture *f)
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

static inline void assert_seen(struct fixture *f, const char *wanted)
{
	if (!strstr(screen(f), wanted))
		fail_msg("not on the screen: %s\n%s", wanted, f->text);
}

static inline void assert_not_seen(struct fixture *f, const char *unwanted)
{
	if (strstr(screen(f), unwanted))
		fail_msg("on the screen: %s\n%s", unwanted, f->text);
}

/* "user: …|assistant(partial): …|" of the current path in the store. */
static inline char *stored(struct fixture *f)
{
	struct buffer out = {0};
	struct message *path = NULL;
	size_t count = 0;
	char err[512];
	if (f->app->stored && message_path(f->sessions, f->app->session.row, &path, &count, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	for (size_t i = 0; i < count; i++) {
		buffer_printf(&out, "%s%s: %s|", message_role_name(path[i].role),
			      path[i].status == MESSAGE_PARTIAL ? "(partial)" : "", path[i].content);
		message_free(&path[i]);
	}
	free(path);
	return buffer_take(&out);
}

static inline void assert_stored(struct fixture *f, const char *expected)
{
	char *text = stored(f);
	assert_string_equal(text, expected);
	free(text);
}

static inline void exchange(struct fixture *f, const char *question, const char *answer)
{
	keys(f, question);
	keys(f, "\r");
	fake_text(answer);
	fake_done(ENGINE_STOP);
	events(f);
}

#endif
