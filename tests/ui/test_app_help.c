/* F1 says first what the keys do where one is, and leads back there. */
#include "app_fixture.h"

#include <string.h>

static void test_in_the_chat(void **state)
{
	struct fixture *f = *state;
	keys(f, "\033OP");
	assert_not_seen(f, "Keys here");
	assert_seen(f, "Ctrl+P F2");
	keys(f, "\033");
	assert_null(f->app->overlay);
}

static void test_over_a_list(void **state)
{
	struct fixture *f = *state;
	keys(f, "\020redraw");
	assert_seen(f, "redraw");
	keys(f, "\033OP");
	assert_seen(f, "Keys here");
	assert_seen(f, "type to narrow");
	assert_not_seen(f, "another value at once");
	keys(f, "\033OP");
	assert_not_seen(f, "Keys here");
	assert_seen(f, "redraw"); /* what was typed is still there, and narrows */
	assert_not_seen(f, "/export");
	keys(f, "\033OP");
	keys(f, "\033");
	assert_non_null(f->app->overlay);
	keys(f, "\033");
	assert_null(f->app->overlay);
}

static void test_over_the_settings(void **state)
{
	struct fixture *f = *state;
	keys(f, "/set\r");
	keys(f, "\033OP");
	assert_seen(f, "another value at once");
	keys(f, "\033");
	assert_seen(f, "top-k");
}

static void test_while_finding(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "apples and pears", "plums");
	keys(f, "\006pears");
	assert_seen(f, "message 1 of 1");
	keys(f, "\033OP");
	assert_seen(f, "look in all conversations");
	keys(f, "\033OP");
	assert_not_seen(f, "Keys here");
	assert_seen(f, "message 1 of 1");
	keys(f, "\177"); /* is typed into the words, not into the input */
	assert_true(editor_empty(f->app->editor));
	assert_non_null(f->app->find);
}

static void test_while_choosing(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "apples", "plums");
	keys(f, "\033v");
	assert_true(f->app->selecting);
	keys(f, " ");
	keys(f, "\033OP");
	assert_seen(f, "copy what is chosen");
	keys(f, "\033[B"); /* scrolls the help */
	keys(f, "\033");
	assert_null(f->app->overlay);
	assert_true(f->app->selecting);
	assert_true(transcript_select_marked(f->app->transcript));
	keys(f, "\033");
	assert_false(f->app->selecting);
}

static void test_while_an_answer_is_written(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "go\r");
	fake_text("one ");
	events(f);
	keys(f, "draft");
	keys(f, "\033OP");
	assert_seen(f, "stop the answer");
	fake_text("two");
	events(f);
	keys(f, "\033"); /* closes the help, not the answer */
	assert_false(fake->cancelled);
	assert_seen(f, "one two");
	assert_string_equal(editor_text(f->app->editor, NULL), "draft");
	keys(f, "\r"); /* as the help says: it waits */
	assert_int_equal(fake->requests, 1);
	fake_done(ENGINE_STOP);
	events(f);
	assert_int_equal(fake->requests, 2);
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(test_in_the_chat),   KEPT(test_over_a_list),    KEPT(test_over_the_settings),
		KEPT(test_while_finding), KEPT(test_while_choosing), KEPT(test_while_an_answer_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
