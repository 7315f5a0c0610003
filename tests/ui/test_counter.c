/* Tokens counted on a thread of its own, with the engine at work beside it. */
#include "tests/engine/tiny_model.h"
#include "ui/counter.h"
#include "engine/engine.h"
#include "xmalloc.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static char err[512], path[4200];

static struct engine *open_engine(void)
{
	struct engine *engine;
	struct engine_options options = {.path = path, .ctx_size = 512, .threads = 2, .chat_format = "chatml"};
	if (engine_open(&engine, &options, err, sizeof(err)) || engine_wait(engine, err, sizeof(err)))
		fail_msg("%s", err);
	return engine;
}

static char *long_text(size_t lines)
{
	struct buffer text = {0};
	for (size_t i = 0; i < lines; i++)
		buffer_printf(&text, "%zu and then some more 0 1 2 3 of it\n", i);
	return buffer_take(&text);
}

static int64_t at_once(struct engine *engine, const char *text)
{
	int32_t *ids;
	size_t count;
	assert_int_equal(engine_tokenize(engine, text, strlen(text), 0, &ids, &count, err, sizeof(err)), 0);
	free(ids);
	return (int64_t)count;
}

/* In pieces as at once, short or long, while the model answers. */
static void test_counts(void **state)
{
	static const size_t lines[] = {0, 1, 2000, 20000};
	struct engine *engine = open_engine();
	struct engine_message message = {ENGINE_USER, "0 1 2", 5, false};
	struct engine_request request = {.messages = &message, .count = 1, .max_tokens = 200};
	struct engine_event event = {0};
	assert_int_equal(engine_submit(engine, &request, err, sizeof(err)), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *text = long_text(lines[i]);
		struct counter *counter = counter_start(engine, text ? text : "", text ? strlen(text) : 0);
		int64_t tokens = -1;
		assert_non_null(counter);
		assert_int_equal(counter_wait(counter), at_once(engine, text ? text : ""));
		assert_true(counter_done(counter, &tokens));
		assert_int_equal(tokens, counter_wait(counter));
		counter_free(counter);
		free(text);
	}
	while (event.type != ENGINE_DONE) {
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 300000), 1);
		while (event.type != ENGINE_DONE && engine_poll(engine, &event) != ENGINE_NONE)
			assert_int_not_equal(event.type, ENGINE_ERROR);
	}
	engine_close(engine);
}

/* What nobody wants to know any more ends, and its text and engine may go. */
static void test_given_up(void **state)
{
	for (int i = 0; i < 10; i++) {
		struct engine *engine = open_engine();
		char *text = long_text(50000);
		struct counter *one = counter_start(engine, text, strlen(text));
		struct counter *other = counter_start(engine, text, strlen(text));
		int64_t tokens;
		counter_done(one, &tokens);
		counter_free(one);
		counter_free(other);
		free(text);
		engine_close(engine);
	}
	counter_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_given_up),
	};
	if (!tiny_write_temporary(&tiny_f32[0], "counter", path, sizeof(path)))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
