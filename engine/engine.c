#include "engine.h"
#include "generator.h"
#include "measure.h"
#include "memory.h"
#include "../xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct engine {
	struct generator *generator;
	struct event_queue *queue;
	bool busy; /* submitted, its end not taken yet */
};

int engine_open(struct engine **out, const struct engine_options *options, char *err, size_t errlen)
{
	int fd = open(options->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		snprintf(err, errlen, "%s: cannot open: %s", options->path, strerror(errno));
		return -1;
	}
	close(fd);
	struct engine *engine = xcalloc(1, sizeof(*engine));
	if (event_queue_create(&engine->queue, err, errlen) ||
	    generator_create(&engine->generator, options, engine->queue, err, errlen)) {
		engine_close(engine);
		return -1;
	}
	*out = engine;
	return 0;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	generator_destroy(engine->generator);
	event_queue_destroy(engine->queue);
	free(engine);
}

int engine_wait(struct engine *engine, char *err, size_t errlen)
{
	return generator_wait(engine->generator, err, errlen);
}

const struct engine_model *engine_model(const struct engine *engine)
{
	const struct context *context = generator_context(engine->generator);
	return context ? &context->about : NULL;
}

int engine_submit(struct engine *engine, const struct engine_request *request, char *err, size_t errlen)
{
	if (engine->busy) {
		snprintf(err, errlen, "the model is still answering; wait or interrupt it");
		return -1;
	}
	if (generator_submit(engine->generator, request, err, errlen))
		return -1;
	engine->busy = true;
	return 0;
}

void engine_prepare(struct engine *engine, const struct engine_request *request)
{
	if (!engine->busy)
		generator_prepare(engine->generator, request);
}

void engine_cancel(struct engine *engine)
{
	if (engine->busy)
		generator_cancel(engine->generator);
}

enum engine_event_type engine_poll(struct engine *engine, struct engine_event *event)
{
	event_queue_take(engine->queue, event);
	if (event->type == ENGINE_DONE || event->type == ENGINE_ERROR)
		engine->busy = false;
	return event->type;
}

int engine_wake_fd(const struct engine *engine)
{
	return event_queue_fd(engine->queue);
}

bool engine_busy(const struct engine *engine)
{
	return engine->busy;
}

/* --- Tokens ---------------------------------------------------------------------------- */

static const struct tokenizer *loaded_tokenizer(const struct engine *engine, char *err, size_t errlen)
{
	const struct context *context = generator_context(engine->generator);
	if (context)
		return context->tokenizer;
	snprintf(err, errlen, "the model is not loaded yet; wait for it");
	return NULL;
}

int engine_tokenize(const struct engine *engine, const char *text, size_t len, int flags, int32_t **ids, size_t *count,
		    char *err, size_t errlen)
{
	struct tokens tokens = {0};
	const struct tokenizer *t = loaded_tokenizer(engine, err, errlen);
	if (!t)
		return -1;
	bool ends = flags & ENGINE_TOKENS_BOS;
	if (ends && tokenizer_adds_bos(t) && tokenizer_bos(t) >= 0)
		tokens_append(&tokens, tokenizer_bos(t));
	tokenizer_encode(t, text, len, flags & ENGINE_TOKENS_SPECIAL, true, &tokens);
	if (ends && tokenizer_adds_eos(t) && tokenizer_eos(t) >= 0)
		tokens_append(&tokens, tokenizer_eos(t));
	*ids = tokens.ids ? tokens.ids : xcalloc(1, sizeof(**ids));
	*count = tokens.count;
	return 0;
}

/* What engine_tokenize() puts around a text is not part of it; other control tokens give their names. */
int engine_detokenize(const struct engine *engine, const int32_t *ids, size_t count, char **bytes, size_t *len,
		      char *err, size_t errlen)
{
	struct buffer text = {0};
	const struct tokenizer *t = loaded_tokenizer(engine, err, errlen);
	if (!t)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (ids[i] < 0 || ids[i] >= tokenizer_vocab_size(t)) {
			snprintf(err, errlen, "id %d at position %zu: not in the vocabulary of %d tokens", ids[i], i,
				 tokenizer_vocab_size(t));
			return -1;
		}
	if (count && ids[0] == tokenizer_bos(t))
		ids++, count--;
	if (count && tokenizer_adds_eos(t) && ids[count - 1] == tokenizer_eos(t))
		count--;
	for (size_t i = 0; i < count; i++) {
		size_t n;
		const char *piece = tokenizer_piece(t, ids[i], true, &n);
		size_t skip = i == 0 && n && piece[0] == ' ' && tokenizer_strips_first_space(t);
		buffer_append(&text, piece + skip, n - skip);
	}
	*len = text.len;
	*bytes = buffer_take(&text);
	return 0;
}

/* --- Measuring ---------------------------------------------------------------------------- */

static int check_idle(const struct engine *engine, char *err, size_t errlen)
{
	if (!engine->busy)
		return 0;
	snprintf(err, errlen, "the model is still answering; wait or interrupt it");
	return -1;
}

int engine_score(struct engine *engine, const int32_t *ids, size_t count, int top, engine_score_fn *fn, void *arg,
		 char *err, size_t errlen)
{
	if (count > INT32_MAX / 2) {
		snprintf(err, errlen, "%zu tokens are too many; give fewer", count);
		return -1;
	}
	struct score score = {.ids = ids, .count = (int)count, .top = top};
	int failed =
		check_idle(engine, err, errlen) || generator_call(engine->generator, score_begin, &score, err, errlen)
			? -1
			: 0;
	while (!failed && score.next < score.count) {
		failed = generator_call(engine->generator, score_step, &score, err, errlen);
		for (int i = 0; !failed && i < score.done; i++)
			fn(arg, &score.result[i]);
	}
	score_free(&score);
	return failed;
}

int engine_bench(struct engine *engine, int n_prompt, int n_gen, int n_depth, double *seconds, char *err, size_t errlen)
{
	struct bench bench = {.n_prompt = n_prompt, .n_gen = n_gen, .n_depth = n_depth};
	if (check_idle(engine, err, errlen) || generator_call(engine->generator, bench_run, &bench, err, errlen))
		return -1;
	*seconds = bench.seconds;
	return 0;
}

/* --- Lists ---------------------------------------------------------------------------------- */

uint64_t engine_memory_free(void)
{
	return memory_available();
}

const char *const *engine_chat_formats(void)
{
	return chat_format_names();
}

const char *const *engine_isas(void)
{
	return kernels_names();
}
