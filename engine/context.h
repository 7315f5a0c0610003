/* context.h: a loaded model and the tokens it has read and can see.
 *
 * Opened and used by the generator thread; the model, tokenizer and chat format
 * are immutable once open and may be looked at by others. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "chat_format.h"
#include "forward.h"
#include "guess.h"
#include "sampler.h"
#include "tokenizer.h"
#include "weights.h"

struct recall;

struct context {
	struct model *model;
	struct tokenizer *tokenizer;
	const struct chat_format *format;
	const struct kernels *kernels;
	struct pool *pool; /* this and all below: NULL when only the vocabulary was opened */
	struct kv_cache *cache;
	struct forward *forward;
	struct weights weights;
	struct sampler *sampler;
	struct guess *guess; /* NULL: nothing is guessed */
	float *logits;       /* [vocab] of the last token read */
	float *all_logits;   /* [GUESS_MAX + 1][vocab] of which logits is a row */
	struct tokens read;  /* what the cache holds: ids by position */
	/* Tokens computed after those read, in case they come next; [guess_next..guess_count - 1] may still come. */
	int32_t guessed[GUESS_MAX];
	int guess_count, guess_next;
	int size, batch; /* tokens */
	int left_out;    /* messages the last conversation was cut by */
	bool making;     /* what is read now are the model's own words */
	struct recall *recall;
	const atomic_bool *cancel;
	struct engine_model about; /* what engine_model() shows; strings live as long as the context */
	char warning[600];
};

int context_open(struct context **, const struct engine_options *, const atomic_bool *cancel, char *err, size_t errlen);
void context_close(struct context *);

void context_truncate(struct context *, int count);
enum { CONTEXT_FAULT = -2 }; /* the model's file has been cut short under us */

/* Reads up to a batch of ids after what is there and returns how many, -1 when cancelled, or CONTEXT_FAULT. With
 * logits, those of the last token read are in context->logits afterwards. */
int context_read(struct context *, const int32_t *ids, int count, bool logits);
/* As context_read() of one token with logits, and computes with it those of what may follow, at most GUESS_MAX. */
int context_read_guessing(struct context *, int32_t id, const int32_t *guesses, int count);
/* True when id is what was guessed to come next: it has then been read, and context->logits are its own. */
bool context_take_guess(struct context *, int32_t id);
/* After CONTEXT_FAULT: says so in err; nothing read counts any more. Always returns -1. */
int context_fault(struct context *, char *err, size_t errlen);
/* The logits are numbers, as a sound model's are. */
bool context_logits_sound(const struct context *);

#endif
