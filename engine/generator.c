#include "generator.h"
#include "ahead.h"
#include "answer.h"
#include "recall.h"
#include "../log.h"
#include "../xmalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRESS_MS = 100 };

enum load_state { LOADING, LOADED, LOAD_FAILED };

struct generator {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* anything below, up to the blank line */
	bool stop;
	enum load_state state;
	struct answer_request *request; /* waits or runs */
	struct answer_request *ahead;   /* to be read ahead when there is nothing else to do */
	bool ahead_runs;
	bool cancelled;     /* the request that waits or runs */
	generator_fn *call; /* waits or runs */
	void *call_arg;
	int call_result;
	char call_err[512], load_err[512];

	_Atomic(struct context *) context;
	atomic_bool cancel; /* what runs is to end; written with the lock */
	struct event_queue *queue;
	struct engine_options options;
	double load_ms;
};

/* --- Bringing in weights --------------------------------------------------------------- */

static void post_loading(struct generator *g, uint64_t done, uint64_t total)
{
	struct engine_event event = {.type = ENGINE_LOADING, .done = done, .total = total};
	event_queue_post(g->queue, &event);
}

static struct weights *weights_of(struct generator *g)
{
	return &atomic_load(&g->context)->weights;
}

/* Before a job that computes: the file's pages, with progress when it takes long. Copies of them come later. */
static void bring_in_all(struct generator *g)
{
	struct weights *w = weights_of(g);
	double told = answer_clock_ms();
	while (!atomic_load(&g->cancel) && weights_bring_in(w)) {
		if (answer_clock_ms() - told > PROGRESS_MS) {
			post_loading(g, w->total - w->file_left, w->total);
			told = answer_clock_ms();
		}
	}
}

/* Before a measurement: as everything will be in the long run. */
static void settle_weights(struct generator *g)
{
	bring_in_all(g);
	while (!atomic_load(&g->cancel) && weights_copy(weights_of(g)))
		;
}

/* --- The thread --------------------------------------------------------------------------- */

static void post_error(struct generator *g, const char *text)
{
	struct engine_event event = {.type = ENGINE_ERROR, .text = text, .len = strlen(text)};
	event_queue_post(g->queue, &event);
}

static void load(struct generator *g)
{
	double start = answer_clock_ms();
	struct context *context;
	post_loading(g, 0, 0);
	int failed = context_open(&context, &g->options, &g->cancel, g->load_err, sizeof(g->load_err));
	g->load_ms = answer_clock_ms() - start;
	if (!failed) {
		weights_plan(&context->weights, context->model->gguf);
		atomic_store(&g->context, context);
		log_write("model %s loaded in %.0f ms: %s, %s, %d threads, context %d", context->about.name, g->load_ms,
			  context->about.file_type, context->about.isa, context->about.threads, context->size);
	}
	pthread_mutex_lock(&g->lock);
	g->state = failed ? LOAD_FAILED : LOADED;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	if (failed) {
		post_error(g, g->load_err);
	} else {
		struct engine_event ready = {.type = ENGINE_READY};
		event_queue_post(g->queue, &ready);
	}
}

static void run_request(struct generator *g, struct answer_request *request)
{
	bring_in_all(g);
	answer_run(g->context, request, g->queue, g->load_ms);
}

/* Runs the job that waits, if any, with the lock let go. */
static bool run_job(struct generator *g)
{
	struct answer_request *request = g->request;
	generator_fn *call = g->call;
	if (!request && !call)
		return false;
	pthread_mutex_unlock(&g->lock);
	if (call) {
		settle_weights(g);
		recall_attach(g->context, NULL, 0); /* what is measured is no conversation */
		g->call_result = call(g->context, g->call_arg, g->call_err, sizeof(g->call_err));
	} else {
		/* The end is posted by then, and the owner may submit again: */
		pthread_mutex_lock(&g->lock);
		g->request = NULL;
		pthread_mutex_unlock(&g->lock);
		run_request(g, request);
		answer_request_free(request);
	}
	pthread_mutex_lock(&g->lock);
	if (call) {
		g->call = NULL;
		pthread_cond_broadcast(&g->changed);
	}
	return true;
}

/* What was to be read ahead, with the lock let go. */
static bool run_ahead(struct generator *g)
{
	struct answer_request *ahead = g->ahead;
	if (!ahead)
		return false;
	g->ahead = NULL;
	g->ahead_runs = true;
	atomic_store(&g->cancel, false);
	pthread_mutex_unlock(&g->lock);
	ahead_read(g->context, &ahead->r);
	answer_request_free(ahead);
	pthread_mutex_lock(&g->lock);
	g->ahead_runs = false;
	atomic_store(&g->cancel, g->cancelled || g->stop);
	return true;
}

/* A chunk of the weights, with the lock let go. */
static bool run_weights(struct generator *g)
{
	struct weights *w = weights_of(g);
	if (!w->file_left && !w->copy_left)
		return false;
	pthread_mutex_unlock(&g->lock);
	if (!weights_bring_in(w))
		weights_copy(w);
	pthread_mutex_lock(&g->lock);
	return true;
}

static void *generate(void *arg)
{
	struct generator *g = arg;
	load(g);
	pthread_mutex_lock(&g->lock);
	while (!g->stop && g->state == LOADED) {
		if (run_job(g))
			continue;
		if (!run_weights(g) && !run_ahead(g))
			pthread_cond_wait(&g->changed, &g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

/* --- Called by the owner --------------------------------------------------------------------- */

static char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void free_generator(struct generator *g)
{
	context_close(g->context);
	answer_request_free(g->request);
	answer_request_free(g->ahead);
	free((char *)g->options.path);
	free((char *)g->options.chat_format);
	free((char *)g->options.isa);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

int generator_create(struct generator **out, const struct engine_options *options, struct event_queue *queue, char *err,
		     size_t errlen)
{
	struct generator *g = xcalloc(1, sizeof(*g));
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->queue = queue;
	g->options = *options;
	g->options.path = xstrdup(options->path);
	g->options.chat_format = copy_or_null(options->chat_format);
	g->options.isa = copy_or_null(options->isa);
	int failed = pthread_create(&g->thread, NULL, generate, g);
	if (failed) {
		snprintf(err, errlen, "cannot start a thread: %s", strerror(failed));
		free_generator(g);
		return -1;
	}
	*out = g;
	return 0;
}

void generator_destroy(struct generator *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	atomic_store(&g->cancel, true);
	g->stop = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->thread, NULL);
	free_generator(g);
}

int generator_wait(struct generator *g, char *err, size_t errlen)
{
	pthread_mutex_lock(&g->lock);
	while (g->state == LOADING)
		pthread_cond_wait(&g->changed, &g->lock);
	int failed = g->state == LOAD_FAILED ? -1 : 0;
	if (failed)
		snprintf(err, errlen, "%s", g->load_err);
	pthread_mutex_unlock(&g->lock);
	return failed;
}

const struct context *generator_context(const struct generator *g)
{
	return g->context;
}

/* Before a job is put down: reading ahead makes room for it. */
static void begin_job(struct generator *g)
{
	g->cancelled = false;
	atomic_store(&g->cancel, g->ahead_runs);
	answer_request_free(g->ahead);
	g->ahead = NULL;
}

int generator_submit(struct generator *g, const struct engine_request *request, char *err, size_t errlen)
{
	pthread_mutex_lock(&g->lock);
	int failed = g->state == LOAD_FAILED ? -1 : 0;
	if (failed)
		snprintf(err, errlen, "%s", g->load_err);
	pthread_mutex_unlock(&g->lock);
	if (failed)
		return -1;
	struct answer_request *copy = answer_request_copy(request);
	pthread_mutex_lock(&g->lock);
	begin_job(g);
	g->request = copy;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	return 0;
}

void generator_cancel(struct generator *g)
{
	pthread_mutex_lock(&g->lock);
	g->cancelled = true;
	atomic_store(&g->cancel, true);
	pthread_mutex_unlock(&g->lock);
}

void generator_prepare(struct generator *g, const struct engine_request *request)
{
	struct answer_request *copy = request ? answer_request_copy(request) : NULL;
	pthread_mutex_lock(&g->lock);
	answer_request_free(g->ahead);
	g->ahead = copy;
	if (g->ahead_runs)
		atomic_store(&g->cancel, true);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

int generator_call(struct generator *g, generator_fn *fn, void *arg, char *err, size_t errlen)
{
	if (generator_wait(g, err, errlen))
		return -1;
	pthread_mutex_lock(&g->lock);
	begin_job(g);
	g->call_arg = arg;
	g->call = fn;
	pthread_cond_broadcast(&g->changed);
	while (g->call)
		pthread_cond_wait(&g->changed, &g->lock);
	int result = g->call_result;
	if (result)
		snprintf(err, errlen, "%s", g->call_err);
	pthread_mutex_unlock(&g->lock);
	return result;
}
