#include "app_fixture.h"

/* A role is the system prompt and its settings, until another takes its place. */
static void test_role(void **state)
{
	struct fixture *f = *state;
	keys(f, "/role code\r");
	assert_seen(f, "Role: code");
	assert_non_null(strstr(f->app->system, "You write code."));
	assert_true(option_given(f->options, OPTION_TEMP) && option_real(f->options, OPTION_TEMP) == 0);
	assert_null(option_string(f->options, OPTION_EXTRACT));
	keys(f, "/role translate:Französisch\r");
	assert_non_null(strstr(f->app->system, "French"));
	keys(f, "/role default\r");
	assert_false(option_given(f->options, OPTION_TEMP));
	assert_string_equal(f->app->system, "");
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	keys(f, "/role explain\r");
	char *before = xstrdup(f->app->system);
	keys(f, "/role explian\r");
	assert_seen(f, "did you mean explain?");
	assert_string_equal(f->app->system, before);
	assert_string_equal(option_string(f->options, OPTION_ROLE), "explain");
	free(before);
}

static void test_picker(void **state)
{
	struct fixture *f = *state;
	keys(f, "/role\r");
	assert_seen(f, "a commit message for a diff");
	keys(f, "proofr\r");
	assert_seen(f, "Role: proofread");
	keys(f, "/role\r");
	keys(f, "transl\r");
	assert_seen(f, "/role translate:");
	keys(f, "fr\r");
	assert_non_null(strstr(f->app->system, "French"));
}

static void test_completion(void **state)
{
	struct fixture *f = *state;
	keys(f, "/role comm\t\r");
	assert_seen(f, "Role: commit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_role, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_picker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_completion, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
