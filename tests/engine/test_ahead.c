/* What is read before it is sent: only what stays, and only while nothing else is to be done. */
#include "engine/ahead.h"
#include "engine/engine.h"
#include "tests/engine/tiny_model.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char err[512], path[4200];

/* --- Texts -------------------------------------------------------------------------- */

static void expect_stable(const char *text, const char *stable)
{
	assert_int_equal(ahead_stable(text, strlen(text)), strlen(stable));
}

static void test_stable(void **state)
{
	expect_stable("", "");
	expect_stable("word", "");
	expect_stable("one two", "one");
	expect_stable("one two ", "one two");
	expect_stable("one two \n\n ", "one two");
	expect_stable("  ", "");
	expect_stable("line one\nline tw", "line one\nline");
}

/* Written without spaces: a few characters at the end wait, none is cut. */
static void test_stable_without_spaces(void **state)
{
	char text[301] = "";
	for (int i = 0; i < 100; i++)
		strcat(text, "\xe6\xbc\xa2");
	size_t stable = ahead_stable(text, 300);
	assert_true(stable > 250 && stable < 300 && stable % 3 == 0);
	stable = ahead_stable("\x80\x80\x80", 3);
	assert_int_equal(stable, 0);
	memset(text, '\x80', 300);
	assert_int_equal(ahead_stable(text, 300), 0);
}

/* --- The context ----------------------------------------------------------------------- */

static const char text[] = "0 1 2 3 4 5 6 7 8 9 and then some more 0 1 2 3 of it";

static struct context *open_context(const atomic_bool *cancel)
{
	struct context *c;
	struct engine_options options = {.path = path, .ctx_size = 512, .threads = 2, .chat_format = "chatml"};
	if (context_open(&c, &options, cancel, err, sizeof(err)))
		fail_msg("%s", err);
	return c;
}

/* What is read is how the whole message begins, whatever is typed next. */
static void test_reads_a_beginning(void **state)
{
	static const atomic_bool never;
	struct context *c = open_context(&never);
	struct engine_message messages[] = {{ENGINE_SYSTEM, "be 0", 4, false}, {ENGINE_USER, text, 0, false}};
	struct engine_request request = {.messages = messages, .count = 2};
	size_t before = 0;
	for (size_t len = 0; len <= strlen(text); len++) {
		struct tokens ids = {0};
		messages[1].len = len;
		ahead_read(c, &request);
		assert_true(c->read.count >= before);
		before = c->read.count;
		messages[1].len = strlen(text);
		assert_int_equal(
			chat_format_encode(c->format, c->tokenizer, messages, 2, false, &ids, NULL, err, sizeof(err)),
			0);
		assert_true(c->read.count < ids.count);
		assert_memory_equal(c->read.ids, ids.ids, c->read.count * sizeof(*ids.ids));
		/* At most the last word, its space, and what closes the message are missing. */
		if (len == strlen(text))
			assert_true(ids.count - c->read.count < 30);
		tokens_free(&ids);
	}
	assert_true(before > 40);
	/* What was deleted is forgotten. */
	messages[1].len = 10;
	ahead_read(c, &request);
	assert_true(c->read.count < before);
	messages[1] = (struct engine_message){ENGINE_USER, "other words here", 16, false};
	ahead_read(c, &request);
	assert_true(c->read.count < before);
	context_close(c);
}

static void test_cancelled(void **state)
{
	static const atomic_bool always = true;
	struct context *c = open_context(&always);
	struct engine_message message = {ENGINE_USER, text, strlen(text), false};
	struct engine_request request = {.messages = &message, .count = 1};
	ahead_read(c, &request);
	assert_int_equal(c->read.count, 0);
	context_close(c);
}

/* --- The engine --------------------------------------------------------------------------- */

static struct engine *open_engine(void)
{
	struct engine *engine;
	struct engine_options options = {.path = path, .ctx_size = 512, .threads = 2, .chat_format = "chatml"};
	if (engine_open(&engine, &options, err, sizeof(err)) || engine_wait(engine, err, sizeof(err)))
		fail_msg("%s", err);
	return engine;
}

static struct engine_event ask(struct engine *engine, const struct engine_request *request, struct buffer *answer)
{
	struct engine_event event = {0};
	buffer_puts(answer, "");
	assert_int_equal(engine_submit(engine, request, err, sizeof(err)), 0);
	while (event.type != ENGINE_DONE) {
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 300000), 1);
		while (event.type != ENGINE_DONE && engine_poll(engine, &event) != ENGINE_NONE) {
			assert_int_not_equal(event.type, ENGINE_ERROR);
			if (event.type == ENGINE_TEXT)
				buffer_append(answer, event.text, event.len);
		}
	}
	return event;
}

/* Prepared any number of times, at any moment before it is sent, the answer is the same. */
static void test_same_answer(void **state)
{
	struct engine *engine = open_engine(), *plain = open_engine();
	struct engine_message messages[] = {{ENGINE_USER, text, strlen(text), false},
					    {ENGINE_ASSISTANT, "8", 1, false},
					    {ENGINE_USER, "and 0 1 2 3 again?", 18, false}};
	struct engine_request request = {
		.messages = messages, .count = 1, .sampling = {.top_p = 1, .repeat_penalty = 1}, .max_tokens = 20};
	int cached = 0;
	for (int i = 0; i < 20; i++) {
		struct buffer expected = {0}, got = {0};
		request.count = i % 2 ? 3 : 1;
		for (int j = 0; j <= i % 4; j++) {
			messages[0].len = strlen(text) - (size_t)(i + j);
			engine_prepare(engine, &request);
			if (j == 2)
				engine_prepare(engine, NULL);
		}
		assert_false(engine_busy(engine));
		if (i > 9)
			usleep((useconds_t)(i * 500));
		cached += ask(engine, &request, &got).usage.cached_tokens;
		engine_prepare(engine, NULL);
		ask(plain, &request, &expected);
		assert_string_equal(got.data, expected.data);
		buffer_free(&expected);
		buffer_free(&got);
	}
	assert_true(cached > 0);
	engine_close(plain);
	engine_prepare(engine, &request); /* closing does not wait for it */
	engine_close(engine);
}

/* Takes what has been posted, without waiting; true: the request is over. */
static bool over(struct engine *engine, struct engine_event *event)
{
	while (event->type != ENGINE_DONE && engine_poll(engine, event) != ENGINE_NONE)
		assert_int_not_equal(event->type, ENGINE_ERROR);
	return event->type == ENGINE_DONE;
}

/* A request cancelled while it waits for the reading ahead to stop is cancelled all the same. Where this thread is held
 * up for so long that the answer ends by itself before it can cancel, that round says nothing. */
static void test_cancel_is_kept(void **state)
{
	struct engine *engine = open_engine();
	struct engine_message message = {ENGINE_USER, text, strlen(text), false};
	struct engine_request request = {.messages = &message, .count = 1, .sampling = {.temp = 1, .top_p = 1}};
	for (int i = 0; i < 20; i++) {
		struct engine_event event = {0};
		message.content = i % 2 ? text : text + 2;
		message.len = strlen(message.content);
		engine_prepare(engine, &request);
		usleep((useconds_t)(i * 100));
		assert_int_equal(engine_submit(engine, &request, err, sizeof(err)), 0);
		engine_cancel(engine);
		if (over(engine, &event))
			continue;
		while (!over(engine, &event)) {
			struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
			assert_int_equal(poll(&fd, 1, 300000), 1);
		}
		assert_int_equal(event.finish, ENGINE_INTERRUPTED);
	}
	engine_close(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_stable_without_spaces),
		cmocka_unit_test(test_reads_a_beginning),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_same_answer),
		cmocka_unit_test(test_cancel_is_kept),
	};
	if (!tiny_write_temporary(&tiny_f32[0], "ahead", path, sizeof(path)))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
