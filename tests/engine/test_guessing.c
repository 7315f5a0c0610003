/* Guessing changes nothing but the time: same logits, same bytes. */
#include "engine/context.h"
#include "tests/engine/models.h"
#include "tests/engine/tiny_model.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { READ = 90 };

static char err[512];

static void temporary(const char *name, char *path, size_t size)
{
	const char *dir = getenv("TMPDIR");
	snprintf(path, size, "%s/bora-tiny-guessing-%s-%d.gguf", dir ? dir : "/tmp", name, (int)getpid());
}

static struct context *open_context(const char *path, enum engine_kv_type kv, int threads)
{
	static const atomic_bool never;
	struct context *c;
	struct engine_options options = {
		.path = path, .ctx_size = 128, .threads = threads, .kv_type = kv, .chat_format = "chatml"};
	if (context_open(&c, &options, &never, err, sizeof(err)))
		fail_msg("%s", err);
	return c;
}

/* Logits of tokens 0..READ - 1, read one by one. */
static float *read_plainly(struct context *c)
{
	size_t vocab = (size_t)c->model->h.vocab;
	float *logits = xcalloc(READ * vocab, sizeof(float));
	for (int i = 0; i < READ; i++) {
		int32_t id = tiny_id(i);
		assert_int_equal(context_read(c, &id, 1, true), 1);
		memcpy(logits + (size_t)i * vocab, c->logits, vocab * sizeof(float));
	}
	context_truncate(c, 0);
	return logits;
}

/* Guesses of every number, true up to every place, and wrong from there on. */
static void read_guessing(struct context *c, const float *expected)
{
	size_t vocab = (size_t)c->model->h.vocab;
	for (int i = 0, pass = 0; i < READ; pass++) {
		int32_t guesses[GUESS_MAX];
		int count = pass % (GUESS_MAX + 1), right = (pass / (GUESS_MAX + 1) + pass) % (count + 1);
		for (int j = 0; j < count; j++)
			guesses[j] = j < right ? tiny_id(i + 1 + j) : (tiny_id(i + 1 + j) + 1) % TINY_VOCAB;
		assert_int_equal(context_read_guessing(c, tiny_id(i), guesses, count), 1);
		for (int j = 0; j <= right && i < READ; j++, i++) {
			assert_true(j == 0 || context_take_guess(c, tiny_id(i)));
			assert_int_equal(c->read.count, i + 1);
			assert_memory_equal(c->logits, expected + (size_t)i * vocab, vocab * sizeof(float));
		}
		assert_false(i < READ && context_take_guess(c, tiny_id(i)));
	}
	/* What was not taken is gone when something else is read. */
	assert_int_equal(context_read_guessing(c, 5, (int32_t[]){6}, 1), 1);
	context_truncate(c, 10);
	assert_false(context_take_guess(c, 6));
}

static void test_same_logits(void **state)
{
	static const enum engine_kv_type kvs[] = {ENGINE_KV_F16, ENGINE_KV_Q8_0, ENGINE_KV_F32};
	char path[4200];
	for (size_t i = 0; i < sizeof(tiny_f32) / sizeof(*tiny_f32); i++) {
		temporary("logits", path, sizeof(path));
		assert_true(tiny_write(&tiny_f32[i], path));
		struct context *c = open_context(path, kvs[i % 3], 1 + (int)i % 3);
		float *expected = read_plainly(c);
		read_guessing(c, expected);
		free(expected);
		context_close(c);
		unlink(path);
	}
}

/* --- Whole answers ------------------------------------------------------------------------ */

struct answer {
	struct buffer text;
	struct engine_usage usage;
	enum engine_finish finish;
};

static struct answer ask(struct engine *engine, const struct engine_request *request)
{
	struct answer answer = {0};
	struct engine_event event = {0};
	buffer_puts(&answer.text, "");
	assert_int_equal(engine_submit(engine, request, err, sizeof(err)), 0);
	while (event.type != ENGINE_DONE) {
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 300000), 1);
		while (event.type != ENGINE_DONE && engine_poll(engine, &event) != ENGINE_NONE) {
			if (event.type == ENGINE_ERROR)
				fail_msg("%.*s", (int)event.len, event.text);
			if (event.type == ENGINE_TEXT)
				buffer_append(&answer.text, event.text, event.len);
		}
	}
	answer.usage = event.usage;
	answer.finish = event.finish;
	return answer;
}

static const struct engine_sampling samplings[] = {
	{.temp = 0, .top_p = 1, .repeat_penalty = 1},
	{.temp = 0.6f, .top_p = 0.9f, .repeat_penalty = 1, .seed = 1},
	{.temp = 0.3f, .top_k = 5, .min_p = 0.05f, .repeat_penalty = 1.05f, .seed = 2},
	{.temp = 0, .top_p = 1, .repeat_penalty = 1.2f},
};

/* Both engines give the same answers to the text, over and over with all samplings. Returns the guesses that came true. */
static int compare(const char *path, int ctx_size, const char *text, int max_tokens)
{
	struct engine *engine[2];
	int right = 0;
	for (int i = 0; i < 2; i++) {
		struct engine_options options = {.path = path,
						 .ctx_size = ctx_size,
						 .threads = 2 - i,
						 .no_guess = i == 0,
						 .chat_format = "chatml"};
		if (engine_open(&engine[i], &options, err, sizeof(err)) || engine_wait(engine[i], err, sizeof(err)))
			fail_msg("%s", err);
	}
	for (size_t i = 0; i < 2 * sizeof(samplings) / sizeof(*samplings); i++) {
		struct engine_request request = {.raw = text, .raw_len = strlen(text), .max_tokens = max_tokens};
		request.sampling = samplings[i / 2];
		struct answer plain = ask(engine[0], &request), guessed = ask(engine[1], &request);
		assert_string_equal(guessed.text.data, plain.text.data);
		assert_int_equal(guessed.finish, plain.finish);
		assert_int_equal(guessed.usage.completion_tokens, plain.usage.completion_tokens);
		assert_int_equal(guessed.usage.context_used, plain.usage.context_used);
		assert_int_equal(plain.usage.guessed_tokens, 0);
		assert_true(guessed.usage.guessed_right <= guessed.usage.guessed_tokens);
		right += guessed.usage.guessed_right;
		buffer_free(&plain.text);
		buffer_free(&guessed.text);
	}
	engine_close(engine[0]);
	engine_close(engine[1]);
	return right;
}

static void test_same_answers(void **state)
{
	char path[4200];
	int right = 0;
	for (size_t i = 0; i < sizeof(tiny_f32) / sizeof(*tiny_f32); i++) {
		temporary("answers", path, sizeof(path));
		assert_true(tiny_write(&tiny_f32[i], path));
		right += compare(path, 512, "0 1 2 3 0 1 2 3 0 1", 60);
		right += compare(path, 48, "0 1 2 3", 0); /* until the context is full */
		unlink(path);
	}
	assert_true(right > 0);
}

static void test_same_answers_of_a_real_model(void **state)
{
	char path[4096];
	if (!find_model(MODEL_SMOLLM2, path, sizeof(path)))
		skip();
	assert_true(compare(path, 512,
			    "def mean(values):\n    total = sum(values)\n    count = len(values)\n"
			    "    return total / count\n\ndef mean(",
			    24) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_logits),
		cmocka_unit_test(test_same_answers),
		cmocka_unit_test(test_same_answers_of_a_real_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
