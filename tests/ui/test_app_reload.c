#include "app_fixture.h"

#include "ui/config_watch.h"

static void write_config(struct fixture *f, const char *text)
{
	char *path = xasprintf("%s/config", f->dir), *new = xasprintf("%s/config.new", f->dir);
	FILE *file = fopen(new, "w");
	fputs(text, file);
	fclose(file);
	assert_int_equal(rename(new, path), 0);
	free(new);
	free(path);
}

static int setup_watched(void **state)
{
	setup(state);
	struct fixture *f = *state;
	setenv("BORA_CONFIG_DIR", f->dir, 1);
	app_reload_watch(f->app);
	return 0;
}

static void test_what_changed_is_told(void **state)
{
	struct fixture *f = *state;
	write_config(f, "system =\ntemp = 0.2\nthreads = 2\n");
	app_tick(f->app);
	assert_true(option_real(f->options, OPTION_TEMP) == 0.2);
	assert_seen(f, "Settings read anew: temp · after a restart: threads");
	write_config(f, "system =\ntheme = light\nlang = fr\nthreads = 2\n");
	app_tick(f->app);
	assert_false(option_given(f->options, OPTION_TEMP));
	assert_string_equal(i18n_language(f->app->tr), "fr");
	assert_non_null(f->app->theme);
	assert_seen(f, "Réglages relus");
	assert_not_seen(f, "threads");
}

static void test_errors_leave_everything(void **state)
{
	struct fixture *f = *state;
	write_config(f, "system =\ntemp = 0.2\n");
	app_tick(f->app);
	write_config(f, "system =\ntemp = hot\n");
	app_tick(f->app);
	assert_true(option_real(f->options, OPTION_TEMP) == 0.2);
	assert_seen(f, "config: line 2: temp needs a number, not 'hot'");
	write_config(f, "system =\ntemp = 0.3\ntmep = 1\n");
	app_tick(f->app);
	assert_true(option_real(f->options, OPTION_TEMP) == 0.3);
	assert_seen(f, "did you mean temp?");
}

/* What is said in the chat or on the command line goes before the file. */
static void test_what_is_said_stays(void **state)
{
	struct fixture *f = *state;
	keys(f, "/set temp 0.9\r");
	write_config(f, "system =\ntemp = 0.2\n");
	app_tick(f->app);
	assert_true(option_real(f->options, OPTION_TEMP) == 0.9);
	assert_not_seen(f, "Settings read anew");
}

static void test_watch(void **state)
{
	struct fixture *f = *state;
	struct config_watch *w = config_watch_open(f->dir, "config");
	assert_false(config_watch_changed(w));
	write_config(f, "temp = 1\n");
	assert_true(config_watch_changed(w));
	assert_false(config_watch_changed(w));
	config_watch_close(w);
	w = config_watch_open("/nowhere", "config"); /* as where nothing tells of changes */
	assert_int_equal(config_watch_fd(w), -1);
	assert_false(config_watch_changed(w));
	config_watch_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_changed_is_told, setup_watched, teardown),
		cmocka_unit_test_setup_teardown(test_errors_leave_everything, setup_watched, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_said_stays, setup_watched, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup_watched, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
