/* Conversations that go on from their file as if nobody had left, and files that cannot be trusted. */
#include "engine/engine.h"
#include "engine/kv_file.h"
#include "tests/engine/tiny_model.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 24 }; /* tokens an answer */

static char err[512], model[4096], other_model[4096], cache[4096];

struct answer {
	struct buffer text;
	struct engine_usage usage;
	enum engine_event_type end;
	enum engine_finish finish;
	int left_out;
};

struct talk {
	struct engine_message messages[32];
	int count, max_tokens;
	const char *cache;
	uint64_t limit;
	float temp;
};

static struct engine *open_engine(const char *path, enum engine_kv_type type)
{
	struct engine *engine;
	struct engine_options options = {
		.path = path, .ctx_size = 512, .threads = 2, .batch = 32, .kv_type = type, .chat_format = "chatml"};
	if (engine_open(&engine, &options, err, sizeof(err)) || engine_wait(engine, err, sizeof(err)))
		fail_msg("%s", err);
	return engine;
}

static void say(struct talk *talk, enum engine_role role, const char *text)
{
	talk->messages[talk->count++] = (struct engine_message){.role = role, .content = text, .len = strlen(text)};
}

static void say_answer(struct talk *talk, const struct answer *a)
{
	talk->messages[talk->count++] =
		(struct engine_message){.role = ENGINE_ASSISTANT, .content = a->text.data, .len = a->text.len};
}

static struct engine_request request_of(const struct talk *talk)
{
	return (struct engine_request){.messages = talk->messages,
				       .count = talk->count,
				       .sampling = {.temp = talk->temp, .top_p = 1, .repeat_penalty = 1, .seed = 5},
				       .max_tokens = talk->max_tokens ? talk->max_tokens : WORDS,
				       .cache = talk->cache,
				       .cache_limit = talk->limit};
}

static void finish(struct engine *engine, struct answer *a)
{
	struct engine_event event;
	memset(a, 0, sizeof(*a));
	buffer_puts(&a->text, "");
	while (!a->end) {
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 300000), 1);
		while (!a->end && engine_poll(engine, &event) != ENGINE_NONE) {
			if (event.type == ENGINE_TEXT)
				buffer_append(&a->text, event.text, event.len);
			if (event.type == ENGINE_PROMPT)
				a->left_out = event.left_out;
			if (event.type == ENGINE_DONE || event.type == ENGINE_ERROR)
				a->end = event.type;
		}
	}
	a->usage = event.usage;
	a->finish = event.finish;
}

static struct answer ask(struct engine *engine, const struct talk *talk)
{
	struct answer a;
	struct engine_request request = request_of(talk);
	if (engine_submit(engine, &request, err, sizeof(err)))
		fail_msg("%s", err);
	finish(engine, &a);
	return a;
}

/* In a process of its own, as far as the engine can tell. */
static struct answer ask_anew(const struct talk *talk)
{
	struct engine *engine = open_engine(model, ENGINE_KV_F16);
	struct answer a = ask(engine, talk);
	engine_close(engine);
	return a;
}

/* Tokens between an answer and the next message: <|im_end|>, a space as SentencePiece begins texts, a line break. */
enum { CLOSING = 3 };

/* What the context holds after an answer: all but the new turn of the next prompt. */
static int held(const struct answer *a)
{
	return a->usage.prompt_tokens + a->usage.completion_tokens + CLOSING;
}

/* A conversation of two questions, the second not asked yet. */
static struct talk begin(const char *with_cache, struct answer *first)
{
	struct talk talk = {.cache = with_cache};
	say(&talk, ENGINE_SYSTEM, "be 0 and 1");
	say(&talk, ENGINE_USER, "what is 1 and 2 and 3, if 4 is not 5");
	*first = ask_anew(&talk);
	assert_int_equal(first->end, ENGINE_DONE);
	say_answer(&talk, first);
	say(&talk, ENGINE_USER, "and 6 7 8");
	return talk;
}

/* The second answer of somebody who stayed, as text. */
static struct buffer expected(void)
{
	struct engine *engine = open_engine(model, ENGINE_KV_F16);
	struct talk talk = {0};
	say(&talk, ENGINE_SYSTEM, "be 0 and 1");
	say(&talk, ENGINE_USER, "what is 1 and 2 and 3, if 4 is not 5");
	struct answer first = ask(engine, &talk);
	say_answer(&talk, &first);
	say(&talk, ENGINE_USER, "and 6 7 8");
	struct answer second = ask(engine, &talk);
	assert_int_equal(second.usage.cached_tokens, held(&first));
	engine_close(engine);
	buffer_free(&first.text);
	return second.text;
}

static void expect_text(const struct answer *a, const struct buffer *text)
{
	assert_int_equal(a->end, ENGINE_DONE);
	assert_int_equal(a->text.len, text->len);
	assert_memory_equal(a->text.data, text->data, text->len);
}

static off_t size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) ? -1 : st.st_size;
}

static struct buffer read_file(const char *path)
{
	struct buffer bytes = {0};
	char block[65536];
	size_t n;
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(&bytes, block, n);
	fclose(file);
	return bytes;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static int remove_cache(void **state)
{
	unlink(cache);
	return 0;
}

/* --- Going on --------------------------------------------------------------------------------- */

static void test_goes_on_as_if_nobody_had_left(void **state)
{
	struct buffer text = expected();
	struct answer first;
	struct talk talk = begin(cache, &first);
	struct stat st;
	assert_int_equal(stat(cache, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct answer second = ask_anew(&talk);
	assert_int_equal(second.usage.cached_tokens, held(&first));
	expect_text(&second, &text);
	buffer_free(&first.text);
	buffer_free(&second.text);
	buffer_free(&text);
}

/* The model's own spelling of its words survives, where the tokeniser has another. */
static void test_the_models_own_tokens_stay(void **state)
{
	struct talk talk = {.cache = cache, .temp = 4, .max_tokens = 20};
	say(&talk, ENGINE_USER, "0 1");
	struct answer first = ask_anew(&talk);
	say_answer(&talk, &first);
	say(&talk, ENGINE_USER, "2");
	struct answer second = ask_anew(&talk);
	assert_int_equal(second.usage.cached_tokens, held(&first));
	talk.cache = NULL;
	struct answer spelled = ask_anew(&talk);
	assert_int_not_equal(second.usage.prompt_tokens, spelled.usage.prompt_tokens);
	buffer_free(&first.text);
	buffer_free(&second.text);
	buffer_free(&spelled.text);
}

/* Wherever an answer ends, in the middle of what the tokeniser would make one token too: all of it is known,
 * in the next turn and in the one after. */
static void test_answers_of_any_length(void **state)
{
	for (int length = 1; length < 24; length++) {
		struct talk talk = {.cache = cache, .temp = length % 2 ? 4 : 0, .max_tokens = length};
		struct answer answers[3];
		for (int i = 0; i < 3; i++) {
			say(&talk, ENGINE_USER, "0 1 and 2");
			answers[i] = ask_anew(&talk);
			say_answer(&talk, &answers[i]);
			assert_int_equal(answers[i].usage.cached_tokens, i ? held(&answers[i - 1]) : 0);
		}
		for (int i = 0; i < 3; i++)
			buffer_free(&answers[i].text);
		unlink(cache);
	}
}

/* The same again: the logits are known, nothing at all is computed before the first token. */
static void test_regenerate(void **state)
{
	struct answer first;
	struct talk talk = begin(cache, &first);
	struct answer second = ask_anew(&talk);
	for (int i = 0; i < 3; i++) {
		struct answer again = ask_anew(&talk);
		assert_int_equal(again.usage.cached_tokens, again.usage.prompt_tokens);
		expect_text(&again, &second.text);
		buffer_free(&again.text);
	}
	talk.temp = 2;
	struct answer different = ask_anew(&talk);
	assert_int_equal(different.usage.cached_tokens, different.usage.prompt_tokens);
	assert_string_not_equal(different.text.data, second.text.data);
	buffer_free(&first.text);
	buffer_free(&second.text);
	buffer_free(&different.text);
}

/* Branches stay in the file: going back to one costs nothing. */
static void test_branches(void **state)
{
	struct answer first, was[2];
	struct talk talk = begin(cache, &first);
	static const char *const questions[] = {"and 6 7 8", "or 9 8 7"};
	for (int i = 0; i < 2; i++) {
		talk.messages[3] = (struct engine_message){
			.role = ENGINE_USER, .content = questions[i], .len = strlen(questions[i])};
		was[i] = ask_anew(&talk);
		assert_true(was[i].usage.cached_tokens >= held(&first));
	}
	for (int i = 0; i < 4; i++) {
		talk.count = 3;
		say(&talk, ENGINE_USER, questions[i % 2]);
		say_answer(&talk, &was[i % 2]);
		say(&talk, ENGINE_USER, i < 2 ? "so" : "then");
		struct answer next = ask_anew(&talk);
		if (i < 2)
			assert_int_equal(next.usage.cached_tokens, held(&was[i]));
		else
			assert_true(next.usage.cached_tokens > held(&was[i % 2]));
		buffer_free(&next.text);
	}
	/* One process that goes back and forth. */
	struct engine *engine = open_engine(model, ENGINE_KV_F16);
	talk.count = 4;
	for (int i = 0; i < 4; i++) {
		talk.messages[3] = (struct engine_message){
			.role = ENGINE_USER, .content = questions[i % 2], .len = strlen(questions[i % 2])};
		struct answer again = ask(engine, &talk);
		assert_true(again.usage.cached_tokens >= again.usage.prompt_tokens - 1);
		expect_text(&again, &was[i % 2].text);
		buffer_free(&again.text);
	}
	engine_close(engine);
	buffer_free(&first.text);
	buffer_free(&was[0].text);
	buffer_free(&was[1].text);
}

/* A conversation that outgrew its context is cut where it was cut before. */
static void test_cut_conversations(void **state)
{
	struct talk talk = {.cache = cache};
	struct engine *engine = open_engine(model, ENGINE_KV_F16);
	struct answer stayed = {0}, left = {0};
	char *owned[32];
	int count = 0;
	say(&talk, ENGINE_SYSTEM, "be 0");
	while (!stayed.left_out && talk.count < 28) {
		say(&talk, ENGINE_USER, "what is 1 and 2 and 3, if 4 is not 5");
		stayed = ask(engine, &talk);
		say_answer(&talk, &stayed);
		owned[count++] = stayed.text.data;
	}
	assert_true(stayed.left_out > 0);
	say(&talk, ENGINE_USER, "a short one");
	engine_close(engine);
	left = ask_anew(&talk);
	assert_int_equal(left.left_out, stayed.left_out);
	assert_int_equal(left.usage.cached_tokens, held(&stayed));
	while (count)
		free(owned[--count]);
	buffer_free(&left.text);
}

/* --- Files that cannot be trusted ---------------------------------------------------------------- */

static void test_other_model_and_type(void **state)
{
	struct answer first;
	struct talk talk = begin(cache, &first);
	struct engine *engine = open_engine(model, ENGINE_KV_F32);
	struct answer a = ask(engine, &talk);
	engine_close(engine);
	assert_int_equal(a.usage.cached_tokens, 0);
	buffer_free(&a.text);
	engine = open_engine(other_model, ENGINE_KV_F32);
	a = ask(engine, &talk);
	engine_close(engine);
	assert_int_equal(a.usage.cached_tokens, 0);
	assert_int_equal(a.end, ENGINE_DONE);
	buffer_free(&a.text);
	buffer_free(&first.text);
}

/* However much of the file there is, as after a crash: the answer is the same. */
static void test_cut_short_anywhere(void **state)
{
	struct talk talk = {.cache = cache};
	for (int i = 0; i < 4; i++) {
		say(&talk, ENGINE_USER, "what is 1 and 2 and 3, if 4 is not 5");
		struct answer a = ask_anew(&talk);
		say(&talk, ENGINE_ASSISTANT, "six"); /* the tokeniser's words, which are the same read anew */
		buffer_free(&a.text);
	}
	say(&talk, ENGINE_USER, "and 9");
	struct buffer whole = read_file(cache);
	struct answer good = ask_anew(&talk);
	int different = 0, last = -1;
	for (size_t len = 0; len < whole.len; len += len < 8192 ? 1021 : 499) {
		write_file(cache, whole.data, len);
		struct answer a = ask_anew(&talk);
		different += a.usage.cached_tokens != last;
		last = a.usage.cached_tokens;
		expect_text(&a, &good.text);
		buffer_free(&a.text);
	}
	assert_true(different >= 4);
	buffer_free(&good.text);
	buffer_free(&whole);
}

/* A flipped bit costs time, never the answer: it is the one of a conversation that read the same tokens. */
static void test_damaged_anywhere(void **state)
{
	struct answer first;
	struct talk talk = begin(cache, &first);
	struct buffer whole = read_file(cache);
	talk.count = 2; /* the prompt alone: its tokens are the same, read or found */
	struct answer good = ask_anew(&talk);
	uint32_t random = 1;
	int found = 0;
	for (int i = 0; i < 150; i++) {
		random = random * 1664525u + 1013904223u;
		size_t at = i < 64 ? (size_t)i * 2 : (random >> 4) % whole.len;
		whole.data[at] ^= (char)(1 << random % 8);
		write_file(cache, whole.data, whole.len);
		whole.data[at] ^= (char)(1 << random % 8);
		struct answer a = ask_anew(&talk);
		found += a.usage.cached_tokens > 0;
		expect_text(&a, &good.text);
		buffer_free(&a.text);
	}
	assert_true(found > 20); /* where zeros fill up, or in the answer */
	buffer_free(&good.text);
	buffer_free(&whole);
	buffer_free(&first.text);
}

static void test_not_a_file(void **state)
{
	struct buffer text = expected();
	struct answer first;
	struct talk talk = begin(NULL, &first);
	talk.cache = "/no/such/folder/x.kv";
	struct answer a = ask_anew(&talk);
	assert_int_equal(a.usage.cached_tokens, 0);
	buffer_free(&a.text);
	assert_int_equal(mkfifo(cache, 0600), 0);
	talk.cache = cache;
	a = ask_anew(&talk);
	assert_int_equal(a.end, ENGINE_DONE);
	buffer_free(&a.text);
	unlink(cache);
	assert_int_equal(symlink("/dev/zero", cache), 0);
	a = ask_anew(&talk);
	assert_int_equal(a.end, ENGINE_DONE);
	buffer_free(&a.text);
	buffer_free(&first.text);
	buffer_free(&text);
}

/* --- Disks and other programs -------------------------------------------------------------------- */

static void test_two_programs(void **state)
{
	struct buffer text = expected();
	struct answer first;
	struct talk talk = begin(cache, &first);
	struct engine *one = open_engine(model, ENGINE_KV_F16), *two = open_engine(model, ENGINE_KV_F16);
	struct answer a = ask(one, &talk), b;
	expect_text(&a, &text);
	off_t size = size_of(cache);
	b = ask(two, &talk); /* reads what is there, writes nothing */
	assert_true(b.usage.cached_tokens >= held(&first));
	expect_text(&b, &text);
	engine_close(two);
	engine_close(one);
	assert_true(size_of(cache) >= size);
	buffer_free(&a.text);
	a = ask_anew(&talk);
	expect_text(&a, &text);
	buffer_free(&a.text);
	buffer_free(&b.text);
	buffer_free(&first.text);
	buffer_free(&text);
}

/* The file goes while it is in use: the next question begins another. */
static void test_removed_meanwhile(void **state)
{
	struct answer first;
	struct talk talk = begin(cache, &first);
	struct engine *engine = open_engine(model, ENGINE_KV_F16);
	struct answer a = ask(engine, &talk), b;
	unlink(cache);
	b = ask(engine, &talk);
	expect_text(&b, &a.text);
	engine_close(engine);
	buffer_free(&b.text);
	b = ask_anew(&talk);
	assert_int_equal(b.usage.cached_tokens, b.usage.prompt_tokens);
	expect_text(&b, &a.text);
	buffer_free(&a.text);
	buffer_free(&b.text);
	buffer_free(&first.text);
}

/* Branches left behind make room; when there are none, what does not fit is not kept. */
static void test_limit(void **state)
{
	struct answer first;
	struct talk talk = begin(cache, &first);
	uint64_t limit = (uint64_t)size_of(cache) + 40000;
	char question[32];
	talk.limit = limit;
	for (int i = 0; i < 12; i++) {
		snprintf(question, sizeof(question), "%d and %d", i, i * 7);
		talk.messages[3] =
			(struct engine_message){.role = ENGINE_USER, .content = question, .len = strlen(question)};
		struct answer a = ask_anew(&talk);
		assert_int_equal(a.end, ENGINE_DONE);
		assert_true(a.usage.cached_tokens >= held(&first));
		assert_true((uint64_t)size_of(cache) <= limit);
		struct answer b = ask_anew(&talk); /* the newest is there, whatever had to go */
		assert_int_equal(b.usage.cached_tokens, b.usage.prompt_tokens);
		expect_text(&b, &a.text);
		buffer_free(&a.text);
		buffer_free(&b.text);
	}
	talk.limit = 1;
	struct answer a = ask_anew(&talk);
	assert_int_equal(a.end, ENGINE_DONE);
	buffer_free(&a.text);
	buffer_free(&first.text);
}

/* Writing fails at any byte: the conversation goes on, and what was written before is of use. */
static void test_full_disk(void **state)
{
	struct buffer text = expected();
	struct rlimit had;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &had), 0);
	for (rlim_t room = 0; room < 120000; room += 9973) {
		struct rlimit limit = {room, had.rlim_max};
		struct answer first;
		unlink(cache);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		struct talk talk = begin(cache, &first);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &had), 0);
		assert_true(size_of(cache) <= (off_t)room);
		struct answer a = ask_anew(&talk);
		if (a.usage.cached_tokens == held(&first))
			expect_text(&a, &text);
		assert_int_equal(a.end, ENGINE_DONE);
		buffer_free(&a.text);
		buffer_free(&first.text);
	}
	buffer_free(&text);
}

/* Killed at any moment: whatever is in the file is right. */
static void test_killed(void **state)
{
	struct answer first;
	struct talk talk = begin(cache, &first);
	talk.max_tokens = 300;
	struct answer good = ask_anew(&talk);
	unlink(cache);
	for (int i = 0; i < 12; i++) {
		pid_t child = fork();
		if (child == 0) {
			struct engine *engine = open_engine(model, ENGINE_KV_F16);
			for (;;) {
				struct answer a = ask(engine, &talk);
				buffer_free(&a.text);
			}
		}
		usleep((useconds_t)(5000 + i * 7919));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		talk.count = 2;
		struct answer a = ask_anew(&talk);
		assert_int_equal(a.end, ENGINE_DONE);
		assert_memory_equal(a.text.data, first.text.data, first.text.len);
		talk.count = 4;
		buffer_free(&a.text);
	}
	buffer_free(&good.text);
	buffer_free(&first.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_goes_on_as_if_nobody_had_left, remove_cache),
		cmocka_unit_test_teardown(test_the_models_own_tokens_stay, remove_cache),
		cmocka_unit_test_teardown(test_answers_of_any_length, remove_cache),
		cmocka_unit_test_teardown(test_regenerate, remove_cache),
		cmocka_unit_test_teardown(test_branches, remove_cache),
		cmocka_unit_test_teardown(test_cut_conversations, remove_cache),
		cmocka_unit_test_teardown(test_other_model_and_type, remove_cache),
		cmocka_unit_test_teardown(test_cut_short_anywhere, remove_cache),
		cmocka_unit_test_teardown(test_damaged_anywhere, remove_cache),
		cmocka_unit_test_teardown(test_not_a_file, remove_cache),
		cmocka_unit_test_teardown(test_two_programs, remove_cache),
		cmocka_unit_test_teardown(test_removed_meanwhile, remove_cache),
		cmocka_unit_test_teardown(test_limit, remove_cache),
		cmocka_unit_test_teardown(test_full_disk, remove_cache),
		cmocka_unit_test_teardown(test_killed, remove_cache),
	};
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	snprintf(model, sizeof(model), "%s/bora-recall-%d.gguf", dir, (int)getpid());
	snprintf(other_model, sizeof(other_model), "%s/bora-recall-other-%d.gguf", dir, (int)getpid());
	snprintf(cache, sizeof(cache), "%s/bora-recall-%d.kv", dir, (int)getpid());
	if (!tiny_write(&tiny_f32[0], model) || !tiny_write(&tiny_f32[3], other_model))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(model);
	unlink(other_model);
	return failed;
}
