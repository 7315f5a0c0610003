/* Hints come one after another, and come to an end. */
#include "app_fixture.h"
#include "ui/hints.h"

enum { LATER = 10 * 60 * 1000 };

static void look_away(struct fixture *f)
{
	f->app->now += LATER;
}

static void remove_counts(struct fixture *f)
{
	char *path = xasprintf("%s/hints", f->dir);
	hints_free(f->app->hints);
	unlink(path);
	f->app->hints = hints_open(f->dir);
	free(path);
}

static int shown(struct fixture *f, const char *text)
{
	return strstr(screen(f), text) != NULL;
}

static void test_one_at_a_time(void **state)
{
	struct fixture *f = *state;
	f->app->hints = hints_open(f->dir);
	assert_seen(f, "Ctrl+P lists all commands");
	f->app->now += 40 * 1000;
	assert_not_seen(f, "Ctrl+P lists all commands"); /* nothing else in the same minute, either */
	assert_int_equal(hints_now(f->app->hints, HINT_ANSWER | HINT_CODE, f->app->now), HINT_COUNT);
	look_away(f);
	assert_seen(f, "@FILE attaches a file");
}

/* What it tells of is there: code in the answer, something to look for. */
static void test_only_what_is_of_use(void **state)
{
	struct fixture *f = *state;
	f->app->hints = hints_open(f->dir);
	for (int i = 0; i < 40; i++, look_away(f))
		assert_false(shown(f, "/copy 1") || shown(f, "Ctrl+F finds"));
	remove_counts(f);
	fake_ready();
	events(f);
	exchange(f, "Hello?", "Hello.");
	int copy = 0, find = 0;
	for (int i = 0; i < 40; i++, look_away(f)) {
		copy += shown(f, "/copy 1");
		find += shown(f, "Ctrl+F finds");
	}
	assert_int_equal(copy, 0);
	assert_int_equal(find, 3);
	exchange(f, "Code?", "```c\nint a;\n```");
	look_away(f);
	assert_seen(f, "/copy 1");
}

/* Nothing stands in the way of a letter, or of an answer that comes. */
static void test_only_while_nothing_happens(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	f->app->hints = hints_open(f->dir);
	keys(f, "w");
	assert_not_seen(f, "Ctrl+P lists");
	keys(f, "\177");
	assert_seen(f, "Ctrl+P lists");
	look_away(f);
	keys(f, "go\r");
	assert_not_seen(f, "@FILE attaches");
	fake_text("well");
	fake_done(ENGINE_STOP);
	events(f);
	assert_seen(f, "@FILE attaches");
}

static void test_three_times_then_never(void **state)
{
	struct fixture *f = *state;
	int times = 0;
	for (int i = 0; i < 40; i++) { /* each in a chat of its own: they are counted in the file */
		hints_free(f->app->hints);
		f->app->hints = hints_open(f->dir);
		times += shown(f, "Ctrl+P lists all commands");
		look_away(f);
	}
	assert_int_equal(times, 3);
	assert_int_equal(hints_now(f->app->hints, 0, f->app->now), HINT_COUNT);
}

static void test_what_was_used_is_known(void **state)
{
	struct fixture *f = *state;
	f->app->hints = hints_open(f->dir);
	assert_seen(f, "Ctrl+P lists all commands");
	keys(f, "\020\033");
	assert_not_seen(f, "Ctrl+P lists all commands");
	for (int i = 0; i < 40; i++, look_away(f))
		assert_not_seen(f, "Ctrl+P lists all commands");
}

static void test_only_where_there_is_room(void **state)
{
	struct fixture *f = *state;
	f->app->screen->ops->close(f->app->screen);
	f->screen = f->app->screen = screen_open_headless(24, 20);
	f->app->hints = hints_open(f->dir);
	assert_not_seen(f, "Ctrl+P lists");
	char *path = xasprintf("%s/hints", f->dir);
	assert_int_not_equal(access(path, F_OK), 0); /* nor counted */
	free(path);
}

static void open_with(struct fixture *f, enum option_id id, const char *value)
{
	char err[256];
	options_unset(f->options, id);
	if (value)
		assert_int_equal(options_set(f->options, id, value, err, sizeof(err)), 0);
	hints_free(f->app->hints);
	f->app->hints = NULL;
	app_keep_habits(f->app);
}

static void test_only_where_they_are_wanted(void **state)
{
	struct fixture *f = *state;
	setenv("BORA_STATE_DIR", f->dir, 1);
	open_with(f, OPTION_HINTS, "off");
	assert_null(f->app->hints);
	open_with(f, OPTION_HINTS, NULL);
	assert_non_null(f->app->hints);
	open_with(f, OPTION_NO_SAVE, "true");
	assert_null(f->app->hints);
	f->app->plain = true;
	open_with(f, OPTION_NO_SAVE, NULL);
	assert_null(f->app->hints);
	f->app->plain = false;
	unsetenv("BORA_STATE_DIR");
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(test_one_at_a_time),
		KEPT(test_only_what_is_of_use),
		KEPT(test_only_while_nothing_happens),
		KEPT(test_three_times_then_never),
		KEPT(test_what_was_used_is_known),
		KEPT(test_only_where_there_is_room),
		KEPT(test_only_where_they_are_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
