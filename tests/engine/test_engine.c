/* The engine through its public face, with small random models and a small real one. */
#include "engine/engine.h"
#include "tests/engine/models.h"
#include "tests/engine/tiny_model.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char err[512], tiny_path[4096], broken_path[4096];

struct outcome {
	struct buffer text;
	char error[512];
	enum engine_event_type end;
	enum engine_finish finish;
	struct engine_usage usage;
	int left_out, begins, cached, prompts;
	uint64_t total;
};

static struct engine *open_engine(const char *path, int ctx_size, int threads, int batch)
{
	struct engine *engine;
	struct engine_options options = {
		.path = path, .ctx_size = ctx_size, .threads = threads, .batch = batch, .chat_format = "chatml"};
	if (engine_open(&engine, &options, err, sizeof(err)) || engine_wait(engine, err, sizeof(err)))
		fail_msg("%s", err);
	return engine;
}

static void note(struct outcome *o, const struct engine_event *event)
{
	if (event->type == ENGINE_PROMPT) {
		o->left_out = event->left_out;
		o->begins = event->begins;
		o->cached = event->cached;
		o->total = event->total;
		o->prompts++;
		assert_true(event->done <= event->total);
	}
	if (event->type == ENGINE_TEXT)
		buffer_append(&o->text, event->text, event->len);
	if (event->type == ENGINE_ERROR)
		snprintf(o->error, sizeof(o->error), "%.*s", (int)event->len, event->text);
	if (event->type == ENGINE_DONE || event->type == ENGINE_ERROR)
		o->end = event->type;
	o->finish = event->finish;
	o->usage = event->usage;
}

/* Takes events until the request is over, sleeping on the descriptor. */
static void finish(struct engine *engine, struct outcome *o)
{
	struct engine_event event;
	memset(o, 0, sizeof(*o));
	while (!o->end) {
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 300000), 1);
		while (!o->end && engine_poll(engine, &event) != ENGINE_NONE)
			note(o, &event);
	}
	assert_false(engine_busy(engine));
	if (!o->text.data)
		buffer_puts(&o->text, "");
}

static void ask(struct engine *engine, const struct engine_request *request, struct outcome *o)
{
	assert_int_equal(engine_submit(engine, request, err, sizeof(err)), 0);
	assert_true(engine_busy(engine));
	finish(engine, o);
}

static struct engine_request raw_request(const char *text, int max_tokens)
{
	return (struct engine_request){.raw = text,
				       .raw_len = strlen(text),
				       .sampling = {.top_p = 1, .repeat_penalty = 1},
				       .max_tokens = max_tokens};
}

/* --- Loading --------------------------------------------------------------------------- */

static void test_loading(void **state)
{
	struct engine *engine = open_engine(tiny_path, 0, 2, 0);
	struct engine_event event;
	const struct engine_model *model = engine_model(engine);
	bool ready = false;
	while (!ready) {
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 10000), 1);
		while (engine_poll(engine, &event) != ENGINE_NONE) {
			assert_true(event.type == ENGINE_LOADING || event.type == ENGINE_READY);
			ready |= event.type == ENGINE_READY;
		}
	}
	assert_string_equal(model->architecture, "llama");
	assert_string_equal(model->chat_format, "chatml");
	assert_int_equal(model->vocab_size, TINY_VOCAB);
	assert_int_equal(model->ctx_size, 512);
	assert_int_equal(model->threads, 2);
	assert_int_equal(strlen(model->fingerprint), 32);
	assert_true(model->sampling.temp == 0.7f && model->sampling.top_p == 0.95f && model->sampling.min_p == 0.05f);
	engine_close(engine);
}

static void expect_load_error(const struct engine_options *options, const char *words)
{
	struct engine *engine;
	struct outcome o;
	struct engine_request request = raw_request("a", 1);
	assert_int_equal(engine_open(&engine, options, err, sizeof(err)), 0);
	assert_int_equal(engine_wait(engine, err, sizeof(err)), -1);
	assert_non_null(strstr(err, words));
	finish(engine, &o);
	assert_int_equal(o.end, ENGINE_ERROR);
	assert_non_null(strstr(o.error, words));
	assert_null(engine_model(engine));
	assert_int_equal(engine_submit(engine, &request, err, sizeof(err)), -1);
	buffer_free(&o.text);
	engine_close(engine);
}

static void test_load_errors(void **state)
{
	struct engine *engine;
	struct engine_options options = {.path = "/no/such/model.gguf"};
	assert_int_equal(engine_open(&engine, &options, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "/no/such/model.gguf"));
	options.path = "/proc/self/exe";
	expect_load_error(&options, "/proc/self/exe");
	options.path = tiny_path;
	options.isa = "z80";
	expect_load_error(&options, "z80");
	options.isa = NULL;
	options.chat_format = "smalltalk";
	expect_load_error(&options, "smalltalk");
}

static void test_close_while_loading_and_answering(void **state)
{
	for (int i = 0; i < 20; i++) {
		struct engine *engine;
		struct engine_options options = {.path = tiny_path, .threads = 2};
		struct engine_request request = raw_request("0 1 2 3", 0);
		assert_int_equal(engine_open(&engine, &options, err, sizeof(err)), 0);
		if (i % 2)
			assert_int_equal(engine_submit(engine, &request, err, sizeof(err)), 0);
		if (i % 4 == 3)
			usleep(2000);
		engine_close(engine);
	}
}

/* --- Answers ----------------------------------------------------------------------------- */

/* Greedy text is the same for any threads and batch, asked anew or from a kept context. */
static void test_greedy_is_reproducible(void **state)
{
	struct buffer first = {0};
	for (int i = 0; i < 4; i++) {
		struct engine *engine = open_engine(tiny_path, 512, 1 + i % 3, i == 0 ? 512 : 3 * i);
		struct outcome o;
		struct engine_request request = raw_request("0 1 2 3 4 5 6 7 8 9 seven bytes", 40);
		for (int again = 0; again < 2; again++) {
			ask(engine, &request, &o);
			assert_int_equal(o.end, ENGINE_DONE);
			assert_int_equal(o.usage.cached_tokens, again ? o.usage.prompt_tokens : 0);
			assert_true(o.usage.completion_tokens == 40 || o.finish == ENGINE_STOP);
			if (!first.data)
				buffer_append(&first, o.text.data, o.text.len);
			assert_int_equal(o.text.len, first.len);
			assert_memory_equal(o.text.data, first.data, first.len);
			buffer_free(&o.text);
		}
		engine_close(engine);
	}
	buffer_free(&first);
}

static void test_seed(void **state)
{
	struct engine *engine = open_engine(tiny_path, 512, 2, 0);
	struct outcome a, b, c;
	struct engine_request request = raw_request("0 1 2", 60);
	request.sampling = (struct engine_sampling){.temp = 1, .top_p = 0.95f, .repeat_penalty = 1.1f, .seed = 42};
	ask(engine, &request, &a);
	ask(engine, &request, &b);
	request.sampling.seed = 43;
	ask(engine, &request, &c);
	assert_string_equal(a.text.data, b.text.data);
	assert_string_not_equal(a.text.data, c.text.data);
	buffer_free(&a.text);
	buffer_free(&b.text);
	buffer_free(&c.text);
	engine_close(engine);
}

/* The next turn reads only what is new. */
static void test_context_is_reused(void **state)
{
	struct engine *engine = open_engine(tiny_path, 512, 2, 16);
	struct outcome first, second;
	struct engine_message messages[] = {{.role = ENGINE_SYSTEM, .content = "be 0", .len = 4},
					    {.role = ENGINE_USER, .content = "what is 1 and 2 and 3", .len = 21},
					    {.role = ENGINE_ASSISTANT, .content = "6", .len = 1},
					    {.role = ENGINE_USER, .content = "and 4", .len = 5}};
	struct engine_request request = {
		.messages = messages, .count = 2, .sampling = {.top_p = 1, .repeat_penalty = 1}, .max_tokens = 8};
	ask(engine, &request, &first);
	assert_int_equal(first.end, ENGINE_DONE);
	assert_int_equal(first.usage.cached_tokens, 0);
	assert_true(first.prompts >= 2); /* the beginning, and at least one batch */
	request.count = 4;
	ask(engine, &request, &second);
	assert_int_equal(second.end, ENGINE_DONE);
	assert_true(second.usage.cached_tokens >= first.usage.prompt_tokens);
	assert_true(second.usage.cached_tokens < second.usage.prompt_tokens);
	assert_int_equal(second.cached, second.usage.cached_tokens);
	assert_int_equal(second.total, second.usage.prompt_tokens);
	buffer_free(&first.text);
	buffer_free(&second.text);
	engine_close(engine);
}

static void fill_turns(struct engine_message *messages, int count)
{
	messages[0] = (struct engine_message){.role = ENGINE_SYSTEM, .content = "be 0", .len = 4};
	for (int i = 1; i < count; i++)
		messages[i] = (struct engine_message){
			.role = i % 2 ? ENGINE_USER : ENGINE_ASSISTANT, .content = "twenty bytes of text", .len = 20};
}

static void test_oldest_turns_are_left_out(void **state)
{
	enum { COUNT = 30 };
	struct engine *engine = open_engine(tiny_path, 512, 2, 0);
	struct outcome o;
	struct engine_message messages[COUNT + 2];
	struct engine_request request = {
		.messages = messages, .count = COUNT, .sampling = {.top_p = 1, .repeat_penalty = 1}, .max_tokens = 4};
	fill_turns(messages, COUNT + 2);
	ask(engine, &request, &o);
	assert_int_equal(o.end, ENGINE_DONE);
	int left_out = o.left_out;
	assert_true(left_out > 0 && left_out % 2 == 0 && left_out < COUNT - 1);
	assert_true(o.usage.prompt_tokens + 4 <= 512);
	buffer_free(&o.text);
	/* The next turn is cut at the same place, so that most of the context is still good. */
	request.count = COUNT + 2;
	ask(engine, &request, &o);
	assert_int_equal(o.left_out, left_out);
	assert_true(o.usage.cached_tokens > o.usage.prompt_tokens / 2);
	buffer_free(&o.text);
	engine_close(engine);
}

/* Messages that cannot fit need not be given: the model sees the same, and the figures are those of the whole. */
static void test_omitted_messages_count(void **state)
{
	enum { COUNT = 30, OMITTED = 6 };
	struct engine *engine = open_engine(tiny_path, 512, 2, 0);
	struct outcome whole, end;
	struct engine_message messages[COUNT + 2], given[COUNT + 2];
	struct engine_request request = {.sampling = {.top_p = 1, .repeat_penalty = 1}, .max_tokens = 4};
	fill_turns(messages, COUNT + 2);
	given[0] = messages[0];
	memcpy(given + 1, messages + 1 + OMITTED, (COUNT + 1 - OMITTED) * sizeof(*given));
	for (int count = COUNT; count <= COUNT + 2; count += 2) {
		request.messages = messages;
		request.count = count;
		request.omitted = 0;
		ask(engine, &request, &whole);
		assert_true(whole.left_out >= OMITTED);
		request.messages = given;
		request.count = count - OMITTED;
		request.omitted = OMITTED;
		ask(engine, &request, &end);
		assert_int_equal(end.left_out, whole.left_out);
		assert_int_equal(end.begins, whole.begins);
		assert_int_equal(end.usage.cached_tokens, whole.usage.prompt_tokens);
		assert_string_equal(end.text.data, whole.text.data);
		buffer_free(&whole.text);
		buffer_free(&end.text);
	}
	engine_close(engine);
}

/* A pinned message stays with its turn; the model reads it where it stood. */
static void test_pinned_turns_stay(void **state)
{
	enum { COUNT = 30 };
	struct engine *engine = open_engine(tiny_path, 512, 2, 0);
	struct outcome o, same;
	struct engine_message messages[COUNT], kept[COUNT];
	struct engine_request request = {
		.messages = messages, .count = COUNT, .sampling = {.top_p = 1, .repeat_penalty = 1}, .max_tokens = 4};
	fill_turns(messages, COUNT);
	messages[3] = (struct engine_message){.role = ENGINE_USER, .content = "my name is Ada", .len = 14};
	messages[4].pinned = true; /* the answer: the question stays with it */
	ask(engine, &request, &o);
	assert_int_equal(o.end, ENGINE_DONE);
	assert_true(o.begins > 5 && o.begins % 2 == 1);
	assert_int_equal(o.left_out, o.begins - 1 - 2);
	/* What is left over is what a conversation without the rest has. */
	int count = 0;
	for (int i = 0; i < COUNT; i++)
		if (i == 0 || i == 3 || i == 4 || i >= o.begins)
			kept[count++] = messages[i];
	request.messages = kept;
	request.count = count;
	ask(engine, &request, &same);
	assert_int_equal(same.left_out, 0);
	assert_int_equal(same.begins, 0);
	assert_int_equal(same.usage.prompt_tokens, o.usage.prompt_tokens);
	assert_int_equal(same.usage.cached_tokens, o.usage.prompt_tokens);
	buffer_free(&o.text);
	buffer_free(&same.text);
	/* More pinned than fits: said, not dropped. */
	for (int i = 0; i < COUNT; i++)
		messages[i].pinned = true;
	request.messages = messages;
	request.count = COUNT;
	ask(engine, &request, &o);
	assert_int_equal(o.end, ENGINE_ERROR);
	assert_non_null(strstr(o.error, "take a pin off"));
	buffer_free(&o.text);
	engine_close(engine);
}

static void test_too_long(void **state)
{
	char text[2000];
	struct engine *engine = open_engine(tiny_path, 256, 2, 0);
	struct outcome o;
	struct engine_message message = {.role = ENGINE_USER, .content = text, .len = sizeof(text)};
	struct engine_request request = {.messages = &message, .count = 1};
	memset(text, 'x', sizeof(text));
	ask(engine, &request, &o);
	assert_int_equal(o.end, ENGINE_ERROR);
	assert_non_null(strstr(o.error, "--ctx-size"));
	buffer_free(&o.text);
	engine_close(engine);
}

static void test_full_context_ends_the_answer(void **state)
{
	struct engine *engine = open_engine(tiny_path, 64, 2, 0);
	struct outcome o;
	struct engine_request request = raw_request("0 1 2 3", 0);
	ask(engine, &request, &o);
	assert_int_equal(o.end, ENGINE_DONE);
	if (o.finish != ENGINE_STOP) {
		assert_int_equal(o.finish, ENGINE_LENGTH);
		assert_int_equal(o.usage.context_used, 64);
	}
	buffer_free(&o.text);
	engine_close(engine);
}

static void test_cancel(void **state)
{
	struct engine *engine = open_engine(tiny_path, 512, 2, 1);
	struct outcome o;
	char text[401] = "";
	memset(text, 'y', sizeof(text) - 1);
	struct engine_request request = raw_request(text, 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(engine_submit(engine, &request, err, sizeof(err)), 0);
		assert_int_equal(engine_submit(engine, &request, err, sizeof(err)), -1); /* one at a time */
		usleep((useconds_t)(i * 300));
		engine_cancel(engine);
		finish(engine, &o);
		assert_int_equal(o.end, ENGINE_DONE);
		if (i == 0) /* 400 passes do not fit into no time */
			assert_int_equal(o.finish, ENGINE_INTERRUPTED);
		buffer_free(&o.text);
	}
	engine_cancel(engine); /* nothing to cancel: no harm to the next */
	request = raw_request("0 1 2", 5);
	ask(engine, &request, &o);
	assert_int_not_equal(o.finish, ENGINE_INTERRUPTED);
	buffer_free(&o.text);
	engine_close(engine);
}

static void test_not_a_number(void **state)
{
	struct engine *engine = open_engine(broken_path, 512, 2, 0);
	struct outcome o;
	struct engine_request request = raw_request("0 1 2", 5);
	for (int i = 0; i < 2; i++) {
		ask(engine, &request, &o);
		assert_int_equal(o.end, ENGINE_ERROR);
		assert_non_null(strstr(o.error, "not a number"));
		assert_null(strchr(o.error, '\n'));
		buffer_free(&o.text);
	}
	engine_close(engine);
}

/* --- Tokens and measuring -------------------------------------------------------------------- */

static void test_tokens_round_trip(void **state)
{
	static const char text[] = "0 1 caf\xc3\xa9 <s> <|im_end|>";
	struct engine *engine = open_engine(tiny_path, 512, 1, 0);
	int32_t *ids;
	size_t count, len;
	char *bytes;
	assert_int_equal(engine_tokenize(engine, text, strlen(text), ENGINE_TOKENS_BOS, &ids, &count, err, sizeof(err)),
			 0);
	assert_int_equal(ids[0], 1);
	for (size_t i = 1; i < count; i++)
		assert_true(ids[i] >= 3 && ids[i] != 260); /* text is never control */
	assert_int_equal(engine_detokenize(engine, ids, count, &bytes, &len, err, sizeof(err)), 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(bytes, text, len);
	free(bytes);
	ids[0] = TINY_VOCAB;
	assert_int_equal(engine_detokenize(engine, ids, count, &bytes, &len, err, sizeof(err)), -1);
	free(ids);
	engine_close(engine);
}

struct scores {
	int count;
	float next_logprob[100], top[100][TINY_VOCAB];
	int32_t top_id[100][TINY_VOCAB];
};

static void keep_score(void *arg, const struct engine_score *score)
{
	struct scores *s = arg;
	double sum = 0;
	assert_int_equal(score->pos, s->count);
	assert_int_equal(score->id, tiny_id(score->pos));
	assert_int_equal(score->has_next, score->pos < 99);
	assert_int_equal(score->top, TINY_VOCAB);
	for (int i = 0; i < score->top; i++) {
		assert_true(i == 0 || score->next_logprobs[i] <= score->next_logprobs[i - 1]);
		if (score->has_next && score->next_ids[i] == tiny_id(score->pos + 1))
			assert_true(score->next_logprobs[i] == score->next_logprob);
		sum += exp((double)score->next_logprobs[i]);
		s->top[s->count][i] = score->next_logprobs[i];
		s->top_id[s->count][i] = score->next_ids[i];
	}
	assert_true(fabs(sum - 1) < 1e-5);
	s->next_logprob[s->count++] = score->next_logprob;
}

static void ignore_score(void *arg, const struct engine_score *score)
{
}

static void test_score(void **state)
{
	struct scores *a = xcalloc(1, sizeof(*a)), *b = xcalloc(1, sizeof(*b));
	int32_t ids[100];
	for (int i = 0; i < 100; i++)
		ids[i] = tiny_id(i);
	struct engine *one = open_engine(tiny_path, 512, 1, 1), *other = open_engine(tiny_path, 512, 2, 33);
	assert_int_equal(engine_score(one, ids, 100, TINY_VOCAB + 5, keep_score, a, err, sizeof(err)), 0);
	assert_int_equal(engine_score(other, ids, 100, TINY_VOCAB, keep_score, b, err, sizeof(err)), 0);
	assert_memory_equal(a, b, sizeof(*a));
	ids[50] = TINY_VOCAB;
	assert_int_equal(engine_score(one, ids, 100, 1, keep_score, a, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "position 50"));
	engine_close(one);
	engine_close(other);
	one = open_engine(tiny_path, 64, 1, 0);
	ids[50] = 5;
	assert_int_equal(engine_score(one, ids, 100, 1, keep_score, a, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "--ctx-size"));
	engine_close(one);
	free(a);
	free(b);
}

static void test_bench(void **state)
{
	struct engine *engine = open_engine(tiny_path, 128, 2, 0);
	double seconds = -1;
	assert_int_equal(engine_bench(engine, 32, 0, 64, &seconds, err, sizeof(err)), 0);
	assert_true(seconds > 0);
	assert_int_equal(engine_bench(engine, 0, 4, 0, &seconds, err, sizeof(err)), 0);
	assert_int_equal(engine_bench(engine, 65, 0, 64, &seconds, err, sizeof(err)), -1);
	engine_close(engine);
}

/* --- A file cut while in use --------------------------------------------------------------------- */

/* Nothing or some of the embedding is left; the output norm, which no row group reads, is gone. */
static void cut_in_use(int threads, off_t size)
{
	char path[4200];
	struct outcome o;
	struct engine_request request = raw_request("0 1 2 3", 8);
	int32_t ids[20];
	double seconds;
	for (int i = 0; i < 20; i++)
		ids[i] = tiny_id(i);
	snprintf(path, sizeof(path), "%s.cut", tiny_path);
	assert_true(tiny_write(&tiny_f32[0], path));
	struct engine *engine = open_engine(path, 128, threads, 0);
	ask(engine, &request, &o);
	assert_int_equal(o.end, ENGINE_DONE);
	buffer_free(&o.text);
	assert_int_equal(truncate(path, size), 0);
	for (int turn = 0; turn < 2; turn++) {
		ask(engine, &request, &o);
		assert_int_equal(o.end, ENGINE_ERROR);
		assert_non_null(strstr(o.error, "cut short"));
		buffer_free(&o.text);
	}
	assert_int_equal(engine_score(engine, ids, 20, 1, ignore_score, NULL, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "cut short"));
	assert_int_equal(engine_bench(engine, 8, 0, 0, &seconds, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "cut short"));
	engine_close(engine);
	unlink(path);
}

static void test_a_cut_file_ends_the_turn_alone(void **state)
{
	cut_in_use(1, 0);
	cut_in_use(2, 0);
	cut_in_use(2, 65536);
}

/* --- A real model ------------------------------------------------------------------------------- */

static void test_smollm2_knows_paris(void **state)
{
	char path[4096];
	static const char question[] = "What is the capital of France? Answer with one word.";
	if (!find_model(MODEL_SMOLLM2, path, sizeof(path)))
		skip();
	struct engine *engine;
	struct engine_options options = {.path = path, .ctx_size = 512};
	struct outcome o;
	assert_int_equal(engine_open(&engine, &options, err, sizeof(err)), 0);
	struct engine_message message = {.role = ENGINE_USER, .content = question, .len = sizeof(question) - 1};
	struct engine_request request = {
		.messages = &message, .count = 1, .sampling = {.top_p = 1, .repeat_penalty = 1}, .max_tokens = 16};
	ask(engine, &request, &o); /* submitted while the model is loading */
	assert_int_equal(o.end, ENGINE_DONE);
	assert_non_null(strstr(o.text.data, "Paris"));
	assert_string_equal(engine_model(engine)->chat_format, "smollm2");
	assert_true(engine_model(engine)->chat_format_known);
	buffer_free(&o.text);
	engine_close(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loading),
		cmocka_unit_test(test_load_errors),
		cmocka_unit_test(test_close_while_loading_and_answering),
		cmocka_unit_test(test_greedy_is_reproducible),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_context_is_reused),
		cmocka_unit_test(test_oldest_turns_are_left_out),
		cmocka_unit_test(test_omitted_messages_count),
		cmocka_unit_test(test_pinned_turns_stay),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_full_context_ends_the_answer),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_not_a_number),
		cmocka_unit_test(test_tokens_round_trip),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_bench),
		cmocka_unit_test(test_a_cut_file_ends_the_turn_alone),
		cmocka_unit_test(test_smollm2_knows_paris),
	};
	struct tiny broken = tiny_f32[4];
	broken.broken = true;
	if (!tiny_write_temporary(&tiny_f32[0], "engine", tiny_path, sizeof(tiny_path)) ||
	    !tiny_write_temporary(&broken, "broken", broken_path, sizeof(broken_path)))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(tiny_path);
	unlink(broken_path);
	return failed;
}
