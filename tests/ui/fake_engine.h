/* fake_engine.h: an engine that says what a test tells it to. Defines all of
 * engine.h, so that the linker has no need of the real one. */
#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include "engine/engine.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAKE_EVENTS = 256 };

struct engine {
	struct engine_model model;
	bool loaded, busy, cancelled;
	struct engine_event events[FAKE_EVENTS];
	int first, count;
	int omitted;         /* of the last engine_submit */
	char *last_request;  /* "system: …\nuser: …\n", of the last engine_submit */
	char *last_prepared; /* of the last engine_prepare, "" for NULL, NULL before the first */
	int requests, prepared, opened;
	unsigned pinned; /* a bit for each pinned message of the last engine_submit */
	char *path;
	char *text; /* of the event taken last */
};

/* One at a time, found by the test through this. */
static struct engine *fake;
static int fake_opened;
static const char *fake_refuses; /* engine_open fails with this */

static inline void fake_push(struct engine_event event)
{
	event.text = event.text ? xstrndup(event.text, event.len) : NULL;
	fake->events[(fake->first + fake->count++) % FAKE_EVENTS] = event;
}

static inline void fake_ready(void)
{
	fake_push((struct engine_event){.type = ENGINE_READY});
}

static inline void fake_text(const char *text)
{
	fake_push((struct engine_event){.type = ENGINE_TEXT, .text = text, .len = strlen(text)});
}

static inline void fake_prompt(uint64_t done, uint64_t total, int left_out)
{
	fake_push((struct engine_event){
		.type = ENGINE_PROMPT, .done = done, .total = total, .left_out = left_out, .begins = left_out});
}

static inline void fake_done(enum engine_finish finish)
{
	struct engine_usage usage = {.prompt_tokens = 20,
				     .completion_tokens = 10,
				     .context_used = 30,
				     .prompt_ms = 100,
				     .predicted_ms = 500};
	fake_push((struct engine_event){.type = ENGINE_DONE, .finish = finish, .usage = usage});
}

static inline void fake_error(const char *text)
{
	fake_push((struct engine_event){.type = ENGINE_ERROR, .text = text, .len = strlen(text)});
}

int engine_open(struct engine **engine, const struct engine_options *options, char *err, size_t errlen)
{
	if (fake_refuses) {
		snprintf(err, errlen, "%s", fake_refuses);
		return -1;
	}
	fake = *engine = xcalloc(1, sizeof(**engine));
	fake->path = xstrdup(options->path);
	fake->model = (struct engine_model){.name = "Fake",
					    .architecture = "fake",
					    .file_type = "F32",
					    .license = "",
					    .chat_format = "chatml",
					    .chat_format_known = true,
					    .isa = "reference",
					    .warning = "",
					    .ctx_size = 1000,
					    .threads = 1,
					    .sampling = {.temp = 0.5f, .top_p = 1, .repeat_penalty = 1}};
	fake_opened++;
	return 0;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	while (engine->count--)
		free((char *)engine->events[engine->first++ % FAKE_EVENTS].text);
	free(engine->last_request);
	free(engine->last_prepared);
	free(engine->path);
	free(engine->text);
	fake = fake == engine ? NULL : fake;
	free(engine);
}

int engine_wait(struct engine *engine, char *err, size_t errlen)
{
	return 0;
}

const struct engine_model *engine_model(const struct engine *engine)
{
	return engine->loaded ? &engine->model : NULL;
}

static inline char *fake_describe(const struct engine_request *request)
{
	static const char *const names[] = {"system", "user", "assistant", "tool"};
	struct buffer text = {0};
	buffer_puts(&text, "");
	for (int i = 0; i < request->count; i++) {
		buffer_printf(&text, "%s: ", names[request->messages[i].role]);
		buffer_append(&text, request->messages[i].content, request->messages[i].len);
		buffer_puts(&text, "\n");
	}
	return buffer_take(&text);
}

int engine_submit(struct engine *engine, const struct engine_request *request, char *err, size_t errlen)
{
	if (engine->busy) {
		snprintf(err, errlen, "busy");
		return -1;
	}
	engine->pinned = 0;
	for (int i = 0; i < request->count && i < 32; i++)
		engine->pinned |= request->messages[i].pinned ? 1u << i : 0;
	free(engine->last_request);
	engine->last_request = fake_describe(request);
	engine->omitted = request->omitted;
	engine->requests++;
	engine->busy = true;
	engine->cancelled = false;
	return 0;
}

void engine_prepare(struct engine *engine, const struct engine_request *request)
{
	free(engine->last_prepared);
	engine->last_prepared = request ? fake_describe(request) : xstrdup("");
	engine->prepared++;
}

void engine_cancel(struct engine *engine)
{
	if (engine->busy && !engine->cancelled)
		fake_done(ENGINE_INTERRUPTED);
	engine->cancelled = true;
}

enum engine_event_type engine_poll(struct engine *engine, struct engine_event *event)
{
	free(engine->text);
	engine->text = NULL;
	*event = (struct engine_event){0};
	if (engine->count == 0)
		return ENGINE_NONE;
	*event = engine->events[engine->first++ % FAKE_EVENTS];
	engine->count--;
	engine->text = (char *)event->text;
	if (event->type == ENGINE_READY)
		engine->loaded = true;
	if (event->type == ENGINE_DONE || event->type == ENGINE_ERROR)
		engine->busy = false;
	return event->type;
}

int engine_wake_fd(const struct engine *engine)
{
	return -1;
}

bool engine_busy(const struct engine *engine)
{
	return engine->busy;
}

int engine_tokenize(const struct engine *engine, const char *text, size_t len, int flags, int32_t **ids, size_t *count,
		    char *err, size_t errlen)
{
	*count = len / 4 + 1;
	*ids = xcalloc(*count, sizeof(**ids));
	return 0;
}

int engine_detokenize(const struct engine *engine, const int32_t *ids, size_t count, char **bytes, size_t *len,
		      char *err, size_t errlen)
{
	*bytes = xstrdup("");
	*len = 0;
	return 0;
}

int engine_score(struct engine *engine, const int32_t *ids, size_t count, int top, engine_score_fn *fn, void *arg,
		 char *err, size_t errlen)
{
	return 0;
}

int engine_bench(struct engine *engine, int n_prompt, int n_gen, int n_depth, double *seconds, char *err, size_t errlen)
{
	return 0;
}

int engine_inspect(const char *path, struct engine_file *file, engine_inspect_fn *fn, void *arg, char *err,
		   size_t errlen)
{
	snprintf(err, errlen, "not here");
	return -1;
}

uint64_t engine_memory_free(void)
{
	return (uint64_t)8 << 30;
}

const char *const *engine_chat_formats(void)
{
	static const char *const formats[] = {"chatml", NULL};
	return formats;
}

const char *const *engine_isas(void)
{
	static const char *const isas[] = {"reference", NULL};
	return isas;
}

#endif
