/* Going on with a long conversation: in a process that never left, and in one that comes back to the file.
 *
 *   bench_recall MODEL.gguf HISTORY.txt [CTX_SIZE [KV_TYPE [TOKENS]]]
 *
 * Reads the history twice, which takes as long as it takes, and prints what the next question costs. */
#include "engine/engine.h"
#include "xmalloc.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct answer {
	struct buffer text;
	struct engine_usage usage;
};

static int max_tokens = 48;

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_recall: %s\n", what);
	exit(1);
}

static struct engine *start(const char *model, int ctx_size, enum engine_kv_type type)
{
	char err[512];
	struct engine *engine;
	struct engine_options options = {.path = model, .ctx_size = ctx_size, .kv_type = type};
	if (engine_open(&engine, &options, err, sizeof(err)) || engine_wait(engine, err, sizeof(err)))
		die(err);
	return engine;
}

static struct answer ask(struct engine *engine, const struct engine_message *messages, int count, const char *cache)
{
	char err[512];
	struct answer a = {0};
	struct engine_event event = {.type = ENGINE_NONE};
	struct engine_request request = {.messages = messages,
					 .count = count,
					 .sampling = {.top_p = 1, .repeat_penalty = 1},
					 .max_tokens = max_tokens,
					 .cache = cache};
	if (engine_submit(engine, &request, err, sizeof(err)))
		die(err);
	while (event.type != ENGINE_DONE) {
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		poll(&fd, 1, -1);
		while (event.type != ENGINE_DONE && engine_poll(engine, &event) != ENGINE_NONE) {
			if (event.type == ENGINE_TEXT)
				buffer_append(&a.text, event.text, event.len);
			if (event.type == ENGINE_ERROR)
				die(event.text);
		}
	}
	a.usage = event.usage;
	return a;
}

static char *read_file(const char *path, size_t *len)
{
	struct buffer text = {0};
	char block[65536];
	size_t n;
	FILE *file = fopen(path, "rb");
	if (!file)
		die("cannot open the history");
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(&text, block, n);
	fclose(file);
	*len = text.len;
	return buffer_take(&text);
}

static void report(const char *who, const struct answer *a, double open_ms)
{
	const struct engine_usage *u = &a->usage;
	printf("%-8s %7d prompt tokens, %7d known; first token after %8.1f ms%s", who, u->prompt_tokens,
	       u->cached_tokens, u->first_token_ms, open_ms > 0 ? "" : "\n");
	if (open_ms > 0)
		printf(" (%.1f ms from opening the model)\n", open_ms + u->first_token_ms);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		die("bench_recall MODEL.gguf HISTORY.txt [CTX_SIZE [KV_TYPE [TOKENS]]]");
	int ctx_size = argc > 3 ? atoi(argv[3]) : 0;
	enum engine_kv_type type = argc > 4 && strcmp(argv[4], "q8_0") == 0  ? ENGINE_KV_Q8_0
				   : argc > 4 && strcmp(argv[4], "f32") == 0 ? ENGINE_KV_F32
									     : ENGINE_KV_F16;
	char cache[64];
	size_t len;
	char *history = read_file(argv[2], &len);
	max_tokens = argc > 5 ? atoi(argv[5]) : max_tokens;
	snprintf(cache, sizeof(cache), "/tmp/bench-recall-%d.kv", (int)getpid());
	struct engine_message messages[3] = {{.role = ENGINE_USER, .content = history, .len = len},
					     {.role = ENGINE_ASSISTANT},
					     {.role = ENGINE_USER, .content = "And now?", .len = 8}};

	struct engine *engine = start(argv[1], ctx_size, type);
	struct answer first = ask(engine, messages, 1, cache);
	report("reading", &first, 0);
	engine_close(engine);
	struct stat st;
	if (stat(cache, &st) == 0)
		printf("file     %lld MiB\n", (long long)st.st_size >> 20);
	messages[1].content = first.text.data;
	messages[1].len = first.text.len;
	double began = now_ms();
	engine = start(argv[1], ctx_size, type);
	double opened = now_ms() - began;
	struct answer back = ask(engine, messages, 3, cache);
	report("back", &back, opened);
	engine_close(engine);
	unlink(cache);

	engine = start(argv[1], ctx_size, type);
	struct answer again = ask(engine, messages, 1, NULL);
	struct answer stayed = ask(engine, messages, 3, NULL);
	report("stayed", &stayed, 0);
	engine_close(engine);
	bool same = back.text.len == stayed.text.len && again.text.len == first.text.len &&
		    memcmp(back.text.data, stayed.text.data, back.text.len) == 0;
	printf("%s\n", same ? "the same answer" : "ANOTHER ANSWER");
	free(history);
	buffer_free(&first.text);
	buffer_free(&back.text);
	buffer_free(&again.text);
	buffer_free(&stayed.text);
	return !same;
}
