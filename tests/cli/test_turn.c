#include "tests/sessions/fixture.h"

#include "tests/ui/fake_engine.h"
#include "turn.h"

#include <sys/resource.h>

struct talk {
	struct engine *engine;
	struct session session;
	struct backlog *backlog;
	struct turn *turn;
};

static void begin(struct fixture *f, struct talk *talk)
{
	struct engine_options options = {.path = "x.gguf"};
	*talk = (struct talk){.backlog = backlog_create()};
	assert_int_equal(engine_open(&talk->engine, &options, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_create(f->store, "fake", "", &talk->session, f->err, sizeof(f->err)), 0);
}

static void end(struct talk *talk)
{
	turn_free(talk->turn);
	backlog_free(talk->backlog);
	session_free(&talk->session);
	engine_close(talk->engine);
}

static void ask(struct fixture *f, struct talk *talk, const char *text)
{
	struct turn_options options = {.engine = talk->engine,
				       .sessions = f->store,
				       .backlog = talk->backlog,
				       .session = talk->session.row,
				       .model_name = "fake",
				       .system = "be brief"};
	turn_free(talk->turn);
	talk->turn = NULL;
	assert_int_equal(turn_start(&talk->turn, &options, text, strlen(text), f->err, sizeof(f->err)), 0);
}

static bool take_events(struct talk *talk)
{
	struct engine_event event;
	bool over = false;
	while (engine_poll(talk->engine, &event) != ENGINE_NONE)
		over = turn_event(talk->turn, &event);
	return over;
}

/* "user: …\nassistant: …\n" of what a reader of the store would find now; partial ones with a ~. */
static void stored(struct fixture *f, struct talk *talk, const char *expected)
{
	struct message *path;
	size_t count;
	struct buffer text = {0};
	assert_int_equal(message_path(f->store, talk->session.row, &path, &count, f->err, sizeof(f->err)), 0);
	for (size_t i = 0; i < count; i++) {
		const char *partial = path[i].status == MESSAGE_PARTIAL ? "~" : "";
		buffer_printf(&text, "%s%s: %s\n", partial, message_role_name(path[i].role), path[i].content);
		message_free(&path[i]);
	}
	assert_string_equal(text.data ? text.data : "", expected);
	buffer_free(&text);
	free(path);
}

static void test_the_question_is_stored_before_it_is_asked(void **state)
{
	struct fixture *f = *state;
	struct talk talk;
	begin(f, &talk);
	ask(f, &talk, "why?");
	stored(f, &talk, "user: why?\n");
	assert_string_equal(fake->last_request, "system: be brief\nuser: why?\n");
	fake_text("because");
	assert_false(take_events(&talk));
	stored(f, &talk, "user: why?\n~assistant: because\n");
	fake_text(" it is");
	fake_done(ENGINE_STOP);
	assert_true(take_events(&talk));
	stored(f, &talk, "user: why?\nassistant: because it is\n");
	ask(f, &talk, "and?");
	assert_string_equal(fake->last_request, "system: be brief\nuser: why?\nassistant: because it is\nuser: and?\n");
	end(&talk);
}

static void test_interrupted_and_failed_answers_are_partial(void **state)
{
	struct fixture *f = *state;
	struct talk talk;
	begin(f, &talk);
	ask(f, &talk, "one");
	fake_text("half");
	fake_done(ENGINE_INTERRUPTED);
	assert_true(take_events(&talk));
	stored(f, &talk, "user: one\n~assistant: half\n");
	ask(f, &talk, "two");
	fake_text("quarter");
	fake_error("the model is broken");
	assert_true(take_events(&talk));
	assert_string_equal(turn_error(talk.turn), "the model is broken");
	stored(f, &talk, "user: one\n~assistant: half\nuser: two\n~assistant: quarter\n");
	/* A turn that is dropped while it runs keeps what was said. */
	ask(f, &talk, "three");
	fake_text("eighth");
	assert_false(take_events(&talk));
	turn_free(talk.turn);
	talk.turn = NULL;
	stored(f, &talk,
	       "user: one\n~assistant: half\nuser: two\n~assistant: quarter\nuser: three\n~assistant: eighth\n");
	end(&talk);
}

/* Files may not grow: what a full disk is to a program. */
static void disk_full(bool full)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = full ? 4096 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct talk talk;
	begin(f, &talk);
	ask(f, &talk, "one");
	fake_text("1");
	fake_done(ENGINE_STOP);
	assert_true(take_events(&talk));
	disk_full(true);
	ask(f, &talk, "two");
	assert_string_equal(fake->last_request, "system: be brief\nuser: one\nassistant: 1\nuser: two\n");
	fake_text("2");
	fake_done(ENGINE_STOP);
	assert_true(take_events(&talk));
	assert_non_null(turn_storage_error(talk.turn));
	assert_int_equal(backlog_count(talk.backlog), 2);
	ask(f, &talk, "three");
	assert_string_equal(fake->last_request,
			    "system: be brief\nuser: one\nassistant: 1\nuser: two\nassistant: 2\nuser: three\n");
	fake_text("3");
	fake_done(ENGINE_STOP);
	assert_true(take_events(&talk));
	disk_full(false);
	stored(f, &talk, "user: one\nassistant: 1\n");
	ask(f, &talk, "four");
	assert_int_equal(backlog_count(talk.backlog), 0);
	assert_null(turn_storage_error(talk.turn));
	stored(f, &talk, "user: one\nassistant: 1\nuser: two\nassistant: 2\nuser: three\nassistant: 3\nuser: four\n");
	end(&talk);
}

/* The disk fills while the answer streams: the whole answer waits, and replaces its stored beginning. */
static void test_a_disk_that_fills_during_an_answer(void **state)
{
	struct fixture *f = *state;
	struct talk talk;
	begin(f, &talk);
	ask(f, &talk, "one");
	fake_text("begin");
	assert_false(take_events(&talk));
	disk_full(true);
	fake_text("ning");
	fake_done(ENGINE_STOP);
	assert_true(take_events(&talk));
	assert_int_equal(backlog_count(talk.backlog), 1);
	disk_full(false);
	stored(f, &talk, "user: one\n~assistant: begin\n");
	ask(f, &talk, "two");
	assert_string_equal(fake->last_request, "system: be brief\nuser: one\nassistant: beginning\nuser: two\n");
	stored(f, &talk, "user: one\nassistant: beginning\nuser: two\n");
	end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_the_question_is_stored_before_it_is_asked),
		FIXTURE_TEST(test_interrupted_and_failed_answers_are_partial),
		FIXTURE_TEST(test_a_full_disk_loses_nothing),
		FIXTURE_TEST(test_a_disk_that_fills_during_an_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
