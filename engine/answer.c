#include "answer.h"
#include "fim.h"
#include "recall.h"
#include "text_stream.h"
#include "../log.h"
#include "../xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct answer {
	struct context *c;
	const struct answer_request *request;
	struct event_queue *queue;
	struct tokens ids; /* the prompt */
	struct text_stream text;
	struct engine_usage usage;
	struct answer_cut cut;
	int guesses, right; /* of the last pass: tokens guessed; those that have come true so far */
	double pass_ms;     /* 0: there was none */
	char err[512];
};

enum outcome { GOES_ON = -2, FAILED = -1 }; /* else an enum engine_finish */
enum { COPIES_A_TOKEN = 4 };                /* chunks of weights: some ten milliseconds */

double answer_clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* --- Requests ------------------------------------------------------------------------ */

struct answer_request *answer_request_copy(const struct engine_request *request)
{
	struct answer_request *copy = xcalloc(1, sizeof(*copy));
	struct engine_message *messages = xcalloc((size_t)request->count + 1, sizeof(*messages));
	copy->r = *request;
	for (int i = 0; i < request->count; i++) {
		messages[i] = request->messages[i];
		messages[i].content = xstrndup(request->messages[i].content, request->messages[i].len);
	}
	copy->r.messages = messages;
	copy->r.raw = request->raw ? xstrndup(request->raw, request->raw_len) : NULL;
	copy->r.suffix = request->suffix ? xstrndup(request->suffix, request->suffix_len) : NULL;
	copy->r.cache = request->cache ? xstrdup(request->cache) : NULL;
	copy->submitted_ms = answer_clock_ms();
	return copy;
}

void answer_request_free(struct answer_request *request)
{
	if (!request)
		return;
	for (int i = 0; i < request->r.count; i++)
		free((char *)request->r.messages[i].content);
	free((struct engine_message *)request->r.messages);
	free((char *)request->r.raw);
	free((char *)request->r.suffix);
	free((char *)request->r.cache);
	free(request);
}

/* --- The prompt ----------------------------------------------------------------------- */

static void encode_raw(const struct context *c, const struct engine_request *r, struct tokens *ids)
{
	if (tokenizer_adds_bos(c->tokenizer) && tokenizer_bos(c->tokenizer) >= 0)
		tokens_append(ids, tokenizer_bos(c->tokenizer));
	tokenizer_encode(c->tokenizer, r->raw, r->raw_len, false, true, ids);
	if (ids->count == 0 && tokenizer_bos(c->tokenizer) >= 0)
		tokens_append(ids, tokenizer_bos(c->tokenizer));
}

static int has_system(const struct engine_request *r)
{
	return r->count > 0 && r->messages[0].role == ENGINE_SYSTEM;
}

/* The end of the turn that message i is of, at most `most`; *pinned: something in it is. */
static int turn_end(const struct engine_request *r, int i, int most, bool *pinned)
{
	*pinned = r->messages[i].pinned;
	for (i++; i < most && r->messages[i].role != ENGINE_USER; i++)
		*pinned |= r->messages[i].pinned;
	return i;
}

/* The conversation without `cut` messages after the system message, but with the pinned turns among them. */
static int keep(const struct engine_request *r, int cut, struct engine_message *kept)
{
	int system = has_system(r), count = 0;
	if (system)
		kept[count++] = r->messages[0];
	for (int i = system, end; i < system + cut; i = end) {
		bool pinned;
		end = turn_end(r, i, system + cut, &pinned);
		for (int k = i; k < end && pinned; k++)
			kept[count++] = r->messages[k];
	}
	for (int i = system + cut; i < r->count; i++)
		kept[count++] = r->messages[i];
	return count;
}

static int encode_cut(const struct context *c, const struct engine_request *r, int cut, struct tokens *ids, char *err,
		      size_t errlen)
{
	struct engine_message *kept = xcalloc((size_t)r->count + 1, sizeof(*kept));
	int count = keep(r, cut, kept);
	ids->count = 0;
	int failed = chat_format_encode(c->format, c->tokenizer, kept, count, r->continue_last, ids, NULL, err, errlen);
	free(kept);
	return failed;
}

/* The next larger cut: whole turns, so that what is kept begins with the user again. -1: nothing
 * more can go; the last question always stays. */
static int larger_cut(const struct engine_request *r, int cut)
{
	int system = has_system(r), last = r->count - 1;
	while (last > system && r->messages[last].role != ENGINE_USER)
		last--;
	for (int i = system + cut + 1; i <= last; i++)
		if (r->messages[i].role == ENGINE_USER)
			return i - system;
	return -1;
}

/* Every place where the conversation may be cut, ascending, 0 first; caller frees. */
static int *all_cuts(const struct engine_request *r, int *count)
{
	int *cuts = xcalloc((size_t)r->count + 1, sizeof(*cuts));
	*count = 1;
	for (int cut = 0; (cut = larger_cut(r, cut)) > 0;)
		cuts[(*count)++] = cut;
	return cuts;
}

/* The smallest cut whose conversation has at most `room` tokens, by its index in cuts; the last one
 * when none has. Looked for from the end, so that a long conversation costs what is kept of it. */
static int fitting_cut(const struct context *c, const struct engine_request *r, const int *cuts, int count, int room,
		       struct tokens *ids, char *err, size_t errlen)
{
	int fits = count - 1, over = -1;
	for (int step = 1; fits > 0 && over < 0; step *= 2) {
		int probe = fits > step ? fits - step : 0;
		if (encode_cut(c, r, cuts[probe], ids, err, errlen))
			return -1;
		if ((int)ids->count > room)
			over = probe;
		else
			fits = probe;
	}
	while (fits - over > 1) {
		int probe = over + (fits - over) / 2;
		if (encode_cut(c, r, cuts[probe], ids, err, errlen))
			return -1;
		if ((int)ids->count > room)
			over = probe;
		else
			fits = probe;
	}
	return encode_cut(c, r, cuts[fits], ids, err, errlen) ? -1 : fits;
}

/* Where the conversation was cut last, when it can be cut there again and still fits; else -1. */
static int same_cut(const struct context *c, const struct engine_request *r, const int *cuts, int count, int fit)
{
	for (int i = fit; i < count; i++)
		if (r->omitted + cuts[i] == c->left_out)
			return i;
	return -1;
}

static struct answer_cut what_is_cut(const struct engine_request *r, int cut)
{
	struct engine_message *kept = xcalloc((size_t)r->count + 1, sizeof(*kept));
	struct answer_cut result = {.left_out = r->omitted + r->count - keep(r, cut, kept)};
	result.begins = result.left_out ? has_system(r) + r->omitted + cut : 0;
	free(kept);
	return result;
}

static bool has_pinned(const struct engine_request *r)
{
	for (int i = 0; i < r->count; i++)
		if (r->messages[i].pinned)
			return true;
	return false;
}

/* When the conversation has outgrown the context, a quarter of it is freed at once: were it only as
 * much as needed, every turn would leave out one more and all would have to be read again. */
static int encode_chat(struct context *c, const struct engine_request *r, struct tokens *ids, struct answer_cut *cut,
		       char *err, size_t errlen)
{
	int answer = c->size / 4, count, result = -1;
	if (r->max_tokens > 0 && r->max_tokens < answer)
		answer = r->max_tokens;
	int room = c->size - answer, *cuts = all_cuts(r, &count);
	int fit = fitting_cut(c, r, cuts, count, room, ids, err, errlen);
	if (fit > 0) {
		int same = same_cut(c, r, cuts, count, fit);
		if (same < 0)
			fit = fitting_cut(c, r, cuts, count, room / 4 * 3, ids, err, errlen);
		else if (same != fit)
			fit = encode_cut(c, r, cuts[same], ids, err, errlen) ? -1 : same;
	}
	if (fit >= 0) {
		*cut = what_is_cut(r, cuts[fit]);
		c->left_out = r->omitted + cuts[fit];
		result = 0;
	}
	free(cuts);
	return result;
}

int answer_prompt(struct context *c, const struct engine_request *r, struct tokens *ids, struct answer_cut *cut,
		  char *err, size_t errlen)
{
	*cut = (struct answer_cut){0};
	if (r->suffix) {
		if (fim_encode(c->tokenizer, r, ids, err, errlen))
			return -1;
	} else if (r->raw)
		encode_raw(c, r, ids);
	else if (encode_chat(c, r, ids, cut, err, errlen))
		return -1;
	if (ids->count == 0) {
		snprintf(err, errlen, "there is no text to continue; give the model at least one word");
		return -1;
	}
	if (ids->count >= (size_t)c->size) {
		snprintf(err, errlen,
			 has_pinned(r)
				 ? "the message and the pinned ones have %zu tokens and the context %d; shorten it, "
				   "take a pin off or raise --ctx-size"
				 : "the message has %zu tokens and the context %d; shorten it or raise --ctx-size",
			 ids->count, c->size);
		return -1;
	}
	return 0;
}

static void post_progress(const struct answer *a)
{
	struct engine_event event = {.type = ENGINE_PROMPT,
				     .done = a->c->read.count,
				     .total = a->ids.count,
				     .cached = a->usage.cached_tokens,
				     .left_out = a->cut.left_out,
				     .begins = a->cut.begins};
	event_queue_post(a->queue, &event);
}

/* Why reading ended before its end. */
static int stopped(struct answer *a, int code)
{
	if (code != CONTEXT_FAULT)
		return ENGINE_INTERRUPTED;
	context_fault(a->c, a->err, sizeof(a->err));
	return FAILED;
}

/* Reads what the context does not hold yet. */
static int read_prompt(struct answer *a)
{
	struct context *c = a->c;
	double start = answer_clock_ms();
	recall_take(c, &a->ids);
	int total = (int)a->ids.count;
	a->usage.prompt_tokens = total;
	a->usage.cached_tokens = (int)c->read.count;
	post_progress(a);
	while ((int)c->read.count < total) {
		int done = (int)c->read.count, left = total - done;
		int got = context_read(c, a->ids.ids + done, left, left <= c->batch);
		if (got < 0)
			return stopped(a, got);
		a->usage.prompt_ms = answer_clock_ms() - start;
		post_progress(a);
	}
	recall_keep(c, RECALL_PROMPT);
	return GOES_ON;
}

/* --- The answer -------------------------------------------------------------------------- */

static void post_text(struct answer *a, size_t len)
{
	struct engine_event event = {.type = ENGINE_TEXT, .text = a->text.bytes.data, .len = len};
	if (len)
		event_queue_post(a->queue, &event);
	text_stream_drop(&a->text, len);
}

static bool ends(const struct answer *a, int32_t id)
{
	const struct context *c = a->c;
	return tokenizer_is_end(c->tokenizer, id) || (a->request->r.suffix && fim_ends(c->tokenizer, id)) ||
	       (!a->request->r.raw && chat_format_is_end(c->format, c->tokenizer, id));
}

static int next_token(struct answer *a, int32_t *id)
{
	struct context *c = a->c;
	if (atomic_load(c->cancel))
		return ENGINE_INTERRUPTED;
	if (!context_logits_sound(c)) {
		snprintf(a->err, sizeof(a->err),
			 "the model computed a value that is not a number at token %zu; "
			 "the file may be damaged: fetch it again",
			 c->read.count);
		recall_forget(c);
		return FAILED;
	}
	*id = sampler_pick(c->sampler, c->logits);
	return ends(a, *id) ? ENGINE_STOP : GOES_ON;
}

static void say(struct answer *a, int32_t id)
{
	size_t len;
	const char *piece = tokenizer_piece(a->c->tokenizer, id, false, &len);
	if (len)
		post_text(a, text_stream_add(&a->text, piece, len));
	sampler_accept(a->c->sampler, id);
	if (a->c->guess)
		guess_append(a->c->guess, id);
	if (a->usage.completion_tokens++ == 0)
		a->usage.first_token_ms = answer_clock_ms() - a->request->submitted_ms;
}

/* Tokens that may follow the newest, which itself has to be read. */
static int guess(struct answer *a, int32_t *guesses)
{
	struct context *c = a->c;
	int max_tokens = a->request->r.max_tokens, most = c->batch - 1, room = c->size - (int)c->read.count - 1;
	most = room < most ? room : most;
	if (max_tokens > 0 && max_tokens - a->usage.completion_tokens - 1 < most)
		most = max_tokens - a->usage.completion_tokens - 1;
	if (a->pass_ms > 0)
		guess_learn(c->guess, a->guesses, a->right, a->pass_ms);
	return guess_next(c->guess, most, guesses);
}

/* Makes the logits after id: by a pass, if it was not guessed in the last one. */
static int read_token(struct answer *a, int32_t id)
{
	int32_t guesses[GUESS_MAX];
	if (!a->c->guess)
		return context_read(a->c, &id, 1, true);
	if (context_take_guess(a->c, id)) {
		a->right++;
		a->usage.guessed_right++;
		return 1;
	}
	a->guesses = guess(a, guesses);
	a->right = 0;
	a->usage.guessed_tokens += a->guesses;
	double start = answer_clock_ms();
	int got = context_read_guessing(a->c, id, guesses, a->guesses);
	a->pass_ms = answer_clock_ms() - start;
	return got;
}

/* No token follows this one, but the conversation will. */
static int read_last(struct answer *a, int32_t id)
{
	int got = context_take_guess(a->c, id) ? 1 : context_read(a->c, &id, 1, true);
	return got < 0 ? stopped(a, got) : ENGINE_LENGTH;
}

static int say_all(struct answer *a)
{
	struct context *c = a->c;
	int max_tokens = a->request->r.max_tokens;
	for (;;) {
		int32_t id = 0;
		int outcome = next_token(a, &id);
		if (outcome != GOES_ON)
			return outcome;
		say(a, id);
		for (int i = 0; i < COPIES_A_TOKEN && weights_copy(&c->weights); i++)
			;
		if ((int)c->read.count >= c->size)
			return ENGINE_LENGTH;
		if (max_tokens > 0 && a->usage.completion_tokens >= max_tokens)
			return read_last(a, id);
		int got = read_token(a, id);
		if (got < 0)
			return stopped(a, got);
	}
}

static void start_sampler(struct answer *a)
{
	const struct engine_request *r = &a->request->r;
	sampler_start(a->c->sampler, &r->sampling);
	for (size_t i = a->ids.count > 64 ? a->ids.count - 64 : 0; i < a->ids.count; i++)
		sampler_accept(a->c->sampler, a->ids.ids[i]);
	a->text.skip_space = !r->raw && !r->continue_last && tokenizer_strips_first_space(a->c->tokenizer);
}

/* Reads what the next prompt will have between this answer and its own message, so that nothing but that is new
 * to it then. */
static void close_turn(struct answer *a)
{
	struct context *c = a->c;
	struct tokens closing = {0};
	char err[512];
	if (!a->request->r.raw && !a->request->r.continue_last)
		chat_format_closing(c->format, c->tokenizer, &closing);
	if (closing.count && (int)(c->read.count + closing.count) <= c->size &&
	    context_read(c, closing.ids, (int)closing.count, false) == CONTEXT_FAULT)
		context_fault(c, err, sizeof(err)); /* the next answer will say so */
	tokens_free(&closing);
}

static int answer(struct answer *a)
{
	recall_attach(a->c, a->request->r.cache, a->request->r.cache_limit);
	if (answer_prompt(a->c, &a->request->r, &a->ids, &a->cut, a->err, sizeof(a->err)))
		return FAILED;
	int outcome = read_prompt(a);
	if (outcome != GOES_ON)
		return outcome;
	start_sampler(a);
	if (a->c->guess)
		guess_begin(a->c->guess, a->ids.ids, (int)a->ids.count);
	double start = answer_clock_ms();
	a->c->making = true;
	outcome = say_all(a);
	a->c->making = false;
	/* What is held back now is half a character that nothing will complete. */
	a->usage.predicted_ms = answer_clock_ms() - start;
	if (outcome == ENGINE_STOP || outcome == ENGINE_LENGTH) {
		recall_keep(a->c, RECALL_ANSWER);
		close_turn(a);
	}
	return outcome;
}

void answer_run(struct context *c, const struct answer_request *request, struct event_queue *queue, double load_ms)
{
	struct answer a = {.c = c, .request = request, .queue = queue, .usage = {.load_ms = load_ms}};
	struct engine_event event = {.type = ENGINE_DONE};
	int outcome = answer(&a);
	a.usage.context_used = (int)c->read.count;
	event.usage = a.usage;
	if (outcome == FAILED) {
		event.type = ENGINE_ERROR;
		event.text = a.err;
		event.len = strlen(a.err);
	} else {
		event.finish = (enum engine_finish)outcome;
	}
	log_write("answered: %d tokens, %d of them cached, then %d made, %d guessed, %d rightly; first after %.0f ms",
		  a.usage.prompt_tokens, a.usage.cached_tokens, a.usage.completion_tokens, a.usage.guessed_tokens,
		  a.usage.guessed_right, a.usage.first_token_ms);
	event_queue_post(queue, &event);
	tokens_free(&a.ids);
	buffer_free(&a.text.bytes);
}
