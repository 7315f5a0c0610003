#include "measure.h"
#include "answer.h"
#include "../xmalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP = 8 }; /* positions whose logits are computed at once */

static int stopped(struct context *c, int code, char *err, size_t errlen)
{
	if (code == CONTEXT_FAULT)
		return context_fault(c, err, errlen);
	snprintf(err, errlen, "stopped");
	return -1;
}

/* --- Scoring --------------------------------------------------------------------------- */

int score_begin(struct context *c, void *arg, char *err, size_t errlen)
{
	struct score *s = arg;
	int vocab = c->model->h.vocab;
	for (int i = 0; i < s->count; i++)
		if (s->ids[i] < 0 || s->ids[i] >= vocab) {
			snprintf(err, errlen, "id %d at position %d: not in the vocabulary of %d tokens", s->ids[i], i,
				 vocab);
			return -1;
		}
	if (s->count > c->size) {
		snprintf(err, errlen, "the text has %d tokens and the context %d; give --ctx-size %d", s->count,
			 c->size, s->count);
		return -1;
	}
	s->top = s->top < 0 ? 0 : s->top > vocab ? vocab : s->top;
	s->logits = xcalloc((size_t)STEP * (size_t)vocab, sizeof(*s->logits));
	s->result = xcalloc(STEP, sizeof(*s->result));
	s->top_ids = xcalloc((size_t)STEP * (size_t)s->top + 1, sizeof(*s->top_ids));
	s->top_logprobs = xcalloc((size_t)STEP * (size_t)s->top + 1, sizeof(*s->top_logprobs));
	s->candidates = xcalloc((size_t)STEP * (size_t)s->top + 1, sizeof(*s->candidates));
	context_truncate(c, 0);
	return 0;
}

struct score_job {
	struct context *c;
	struct score *s;
};

static double log_sum_exp(const float *logits, int n)
{
	double sum = 0;
	float largest = -INFINITY;
	for (int i = 0; i < n; i++)
		largest = logits[i] > largest ? logits[i] : largest;
	for (int i = 0; i < n; i++)
		sum += exp((double)logits[i] - (double)largest);
	return (double)largest + log(sum);
}

/* Position s->next + part from its row of logits. */
static void score_part(void *arg, int part, int thread)
{
	const struct score_job *job = arg;
	struct score *s = job->s;
	int vocab = job->c->model->h.vocab, pos = s->next + part;
	const float *logits = s->logits + (size_t)part * (size_t)vocab;
	struct candidate *candidates = s->candidates + (size_t)part * (size_t)s->top;
	int32_t *ids = s->top_ids + (size_t)part * (size_t)s->top;
	float *logprobs = s->top_logprobs + (size_t)part * (size_t)s->top;
	double total = log_sum_exp(logits, vocab);
	sampler_top(logits, vocab, s->top, candidates);
	for (int i = 0; i < s->top; i++) {
		ids[i] = candidates[i].id;
		logprobs[i] = (float)((double)candidates[i].logit - total);
	}
	bool has_next = pos + 1 < s->count;
	s->result[part] =
		(struct engine_score){.pos = pos,
				      .id = s->ids[pos],
				      .has_next = has_next,
				      .next_logprob = has_next ? (float)((double)logits[s->ids[pos + 1]] - total) : 0,
				      .top = s->top,
				      .next_ids = ids,
				      .next_logprobs = logprobs};
}

static bool sound(const float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (values[i] != values[i])
			return false;
	return true;
}

/* 0 when all of it was computed, else why not. */
static int outcome(struct context *c, int cancelled)
{
	return pool_faulted(c->pool) ? CONTEXT_FAULT : cancelled;
}

int score_step(struct context *c, void *arg, char *err, size_t errlen)
{
	struct score *s = arg;
	struct score_job job = {c, s};
	if (s->next == s->read_end) {
		int n = s->count - s->next < c->batch ? s->count - s->next : c->batch;
		int failed = outcome(c, forward_read(c->forward, s->ids + s->next, n, s->next, 0));
		if (failed)
			return stopped(c, failed, err, errlen);
		s->read_first = s->next;
		s->read_end = s->next + n;
	}
	s->done = s->read_end - s->next < STEP ? s->read_end - s->next : STEP;
	int failed = outcome(c, forward_logits(c->forward, s->next - s->read_first, s->done, s->logits));
	if (failed)
		return stopped(c, failed, err, errlen);
	if (!sound(s->logits, (size_t)s->done * (size_t)c->model->h.vocab)) {
		snprintf(err, errlen,
			 "the model computed a value that is not a number at token %d; "
			 "the file may be damaged: fetch it again",
			 s->next);
		return -1;
	}
	pool_run(c->pool, s->done, score_part, &job);
	s->next += s->done;
	return 0;
}

void score_free(struct score *s)
{
	free(s->logits);
	free(s->result);
	free(s->top_ids);
	free(s->top_logprobs);
	free(s->candidates);
}

/* --- Speed -------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static int read_random(struct context *c, uint32_t *state, int count, bool one_by_one)
{
	int32_t *ids = xcalloc((size_t)count + 1, sizeof(*ids));
	int done = 0, step = 0;
	for (int i = 0; i < count; i++)
		ids[i] = (int32_t)(next_random(state) % (uint32_t)c->model->h.vocab);
	while (done < count && step >= 0) {
		int left = one_by_one ? 1 : count - done;
		step = context_read(c, ids + done, left, one_by_one || left <= c->batch);
		done += step;
	}
	free(ids);
	return step < 0 ? step : 0;
}

int bench_run(struct context *c, void *arg, char *err, size_t errlen)
{
	struct bench *b = arg;
	uint32_t state = 1;
	int64_t all = (int64_t)b->n_depth + b->n_prompt + b->n_gen;
	if (all > c->size) {
		snprintf(err, errlen, "the test needs %lld tokens and the context has %d; raise --ctx-size",
			 (long long)all, c->size);
		return -1;
	}
	/* A depth that a test before has read already is as good as one read now. */
	context_truncate(c, (int)c->read.count > b->n_depth ? b->n_depth : (int)c->read.count);
	int failed = read_random(c, &state, b->n_depth - (int)c->read.count, false);
	if (failed)
		return stopped(c, failed, err, errlen);
	double start = answer_clock_ms();
	failed = read_random(c, &state, b->n_prompt, false);
	if (!failed)
		failed = read_random(c, &state, b->n_gen, true);
	if (failed)
		return stopped(c, failed, err, errlen);
	b->seconds = (answer_clock_ms() - start) / 1e3;
	return 0;
}
