#include "context.h"
#include "fault_guard.h"
#include "recall.h"
#include "../xmalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_CONTEXT = 32768, DEFAULT_BATCH = 256, BATCH_MAX = 4096, KEEP_PAGES = 1024 };

/* --- Opening ------------------------------------------------------------------------- */

static int open_format(struct context *c, const char *name, char *err, size_t errlen)
{
	struct gguf_string template = {"", 0};
	c->about.chat_format_known = true;
	if (name && *name) {
		c->format = chat_format_named(name);
		if (c->format)
			return 0;
		snprintf(err, errlen, "--chat-format: no chat format is called “%s”; see bora(1) for the names", name);
		return -1;
	}
	if (gguf_string(c->model->gguf, "tokenizer.chat_template", &template, err, errlen) < 0)
		return -1;
	c->format = chat_format_detect(template.text, template.len, c->tokenizer, &c->about.chat_format_known);
	return 0;
}

static int read_setting(const struct gguf *gguf, const char *key, double low, double high, float *value, char *err,
			size_t errlen)
{
	double number;
	int found = gguf_float(gguf, key, low, high, &number, err, errlen);
	if (found > 0)
		*value = (float)number;
	return found;
}

/* What the model's maker recommends; a value that makes no sense is not followed. */
static void read_sampling(const struct gguf *gguf, struct engine_sampling *s)
{
	char ignored[256];
	int64_t top_k;
	*s = (struct engine_sampling){.temp = 0.7f, .top_p = 0.95f, .min_p = 0.05f, .repeat_penalty = 1};
	read_setting(gguf, "general.sampling.temp", 0, 100, &s->temp, ignored, sizeof(ignored));
	read_setting(gguf, "general.sampling.top_p", 0, 1, &s->top_p, ignored, sizeof(ignored));
	read_setting(gguf, "general.sampling.min_p", 0, 1, &s->min_p, ignored, sizeof(ignored));
	read_setting(gguf, "general.sampling.penalty_repeat", 0.01, 100, &s->repeat_penalty, ignored, sizeof(ignored));
	if (gguf_int(gguf, "general.sampling.top_k", 0, 1 << 24, &top_k, ignored, sizeof(ignored)) > 0)
		s->top_k = (int)top_k;
}

static void describe(struct context *c)
{
	const struct model *model = c->model;
	struct engine_model *about = &c->about;
	about->name = model->name;
	about->architecture = model->arch;
	about->file_type = model->file_type;
	about->license = model->license;
	about->chat_format = c->format ? chat_format_name(c->format) : "";
	about->isa = c->kernels->name;
	about->warning = c->warning;
	memcpy(about->fingerprint, model->fingerprint, sizeof(about->fingerprint));
	about->parameters = model->parameters;
	about->file_bytes = gguf_file_bytes(model->gguf);
	about->vocab_size = tokenizer_vocab_size(c->tokenizer);
	about->ctx_size = c->size;
	about->ctx_trained = model->h.ctx_trained;
	about->embedding = model->h.embd;
	about->layers = model->h.layers;
	about->batch = c->batch;
	about->threads = c->pool ? pool_threads(c->pool) : 0;
	read_sampling(model->gguf, &about->sampling);
}

static int choose_kernels(struct context *c, const char *isa, char *err, size_t errlen)
{
	c->kernels = kernels_choose(isa && *isa ? isa : NULL);
	if (c->kernels)
		return 0;
	size_t at = 0;
	char names[128] = "";
	for (const char *const *name = kernels_names(); *name && at < sizeof(names); name++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", at ? ", " : "", *name);
	snprintf(err, errlen, "this processor has no kernel set called “%s”; leave BORA_ISA unset, or choose from: %s",
		 isa ? isa : "", names);
	return -1;
}

/* The memory and threads that computing needs. */
static int open_compute(struct context *c, const struct engine_options *options, char *err, size_t errlen)
{
	const struct hparams *h = &c->model->h;
	int trained = h->ctx_trained > 0 ? h->ctx_trained : DEFAULT_CONTEXT;
	c->size = options->ctx_size > 0 ? options->ctx_size : trained < DEFAULT_CONTEXT ? trained : DEFAULT_CONTEXT;
	c->batch = options->batch > 0 ? options->batch : DEFAULT_BATCH;
	c->batch = c->batch > BATCH_MAX ? BATCH_MAX : c->batch;
	struct kv_shape shape = {h->layers, h->heads_kv, h->head_k, h->head_v, c->size, options->kv_type};
	if (kv_cache_create(&c->cache, &shape, err, errlen))
		return -1;
	fault_guard_install();
	c->pool = pool_create(options->threads > 0 ? options->threads : pool_default_threads());
	int batch = c->batch < c->size ? c->batch : c->size;
	c->forward = forward_create(c->model, c->kernels, c->pool, c->cache, batch, c->cancel);
	c->batch = forward_batch(c->forward);
	c->sampler = sampler_create(h->vocab);
	c->all_logits = xcalloc((size_t)h->vocab * (GUESS_MAX + 1), sizeof(*c->all_logits));
	c->logits = c->all_logits;
	c->guess = options->no_guess ? NULL : guess_create();
	c->recall = recall_create(c);
	return 0;
}

int context_open(struct context **out, const struct engine_options *options, const atomic_bool *cancel, char *err,
		 size_t errlen)
{
	struct context *c = xcalloc(1, sizeof(*c));
	char warning[256] = "";
	c->cancel = cancel;
	if (choose_kernels(c, options->isa, err, errlen) ||
	    model_open(&c->model, options->path, options->vocab_only, err, errlen) ||
	    tokenizer_open(&c->tokenizer, c->model->gguf, warning, sizeof(warning), err, errlen) ||
	    open_format(c, options->chat_format, err, errlen) ||
	    (!options->vocab_only && open_compute(c, options, err, errlen))) {
		context_close(c);
		return -1;
	}
	snprintf(c->warning, sizeof(c->warning), "%s%s%s", c->model->warning,
		 *c->model->warning && *warning ? "; " : "", warning);
	describe(c);
	*out = c;
	return 0;
}

void context_close(struct context *c)
{
	if (!c)
		return;
	recall_destroy(c->recall);
	forward_destroy(c->forward);
	sampler_destroy(c->sampler);
	pool_destroy(c->pool);
	kv_cache_destroy(c->cache);
	if (c->tokenizer)
		tokenizer_close(c->tokenizer);
	if (c->model)
		model_close(c->model);
	tokens_free(&c->read);
	guess_destroy(c->guess);
	free(c->all_logits);
	free(c);
}

/* --- Reading tokens ------------------------------------------------------------------- */

void context_truncate(struct context *c, int count)
{
	int had = (int)c->read.count;
	c->guess_count = c->guess_next = 0;
	if (had <= count)
		return;
	recall_cut(c, count);
	c->read.count = (size_t)count;
	if (had - count > KEEP_PAGES)
		kv_cache_release(c->cache, count);
}

int context_read(struct context *c, const int32_t *ids, int count, bool logits)
{
	int n = count < c->batch ? count : c->batch;
	c->logits = c->all_logits;
	c->guess_count = c->guess_next = 0;
	bool cancelled = forward_read(c->forward, ids, n, (int)c->read.count, logits ? n - 1 : n) ||
			 (logits && forward_logits(c->forward, n - 1, 1, c->logits));
	if (pool_faulted(c->pool))
		return CONTEXT_FAULT;
	if (cancelled)
		return -1;
	for (int i = 0; i < n; i++)
		tokens_append(&c->read, ids[i]);
	recall_added(c, ids, n, c->making);
	return n;
}

int context_read_guessing(struct context *c, int32_t id, const int32_t *guesses, int count)
{
	int32_t ids[GUESS_MAX + 1] = {id};
	memcpy(ids + 1, guesses, (size_t)count * sizeof(*ids));
	memcpy(c->guessed, guesses, (size_t)count * sizeof(*ids));
	c->logits = c->all_logits;
	c->guess_count = c->guess_next = 0;
	bool cancelled = forward_read(c->forward, ids, count + 1, (int)c->read.count, 0) ||
			 forward_logits(c->forward, 0, count + 1, c->logits);
	if (pool_faulted(c->pool))
		return CONTEXT_FAULT;
	if (cancelled)
		return -1;
	tokens_append(&c->read, id);
	recall_added(c, &id, 1, c->making);
	c->guess_count = count;
	return 1;
}

bool context_take_guess(struct context *c, int32_t id)
{
	if (c->guess_next == c->guess_count || c->guessed[c->guess_next] != id)
		return false;
	c->guess_next++;
	c->logits += c->model->h.vocab;
	tokens_append(&c->read, id);
	recall_added(c, &id, 1, c->making);
	return true;
}

int context_fault(struct context *c, char *err, size_t errlen)
{
	snprintf(err, errlen, "%s: the file was cut short while it was in use; fetch it again",
		 gguf_path(c->model->gguf));
	context_truncate(c, 0);
	return -1;
}

bool context_logits_sound(const struct context *c)
{
	float largest = -INFINITY;
	bool sound = true;
	for (int i = 0; i < c->model->h.vocab; i++) {
		sound &= c->logits[i] == c->logits[i];
		largest = c->logits[i] > largest ? c->logits[i] : largest;
	}
	return sound && isfinite(largest);
}
