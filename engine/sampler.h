/* sampler.h: choose the next token from logits. Owned by the generator thread.
 *
 * Order: repeat penalty, top-k, top-p, min-p, temperature, draw. The same seed
 * and the same logits give the same tokens. */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "engine.h"

struct sampler;

struct sampler *sampler_create(int vocab);
void sampler_destroy(struct sampler *);
void sampler_start(struct sampler *, const struct engine_sampling *); /* a new request; seeds the generator */
void sampler_accept(struct sampler *, int32_t id);                    /* prompt and answer tokens, for repeat_penalty */
int32_t sampler_pick(struct sampler *, const float *logits); /* [vocab]; temp 0: the lowest id of the largest logit */

struct candidate {
	float logit;
	int32_t id;
};
/* The count largest of logits [n] by falling logit, then rising id. count <= n. */
void sampler_top(const float *logits, int n, int count, struct candidate *out);

#endif
