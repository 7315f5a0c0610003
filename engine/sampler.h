/* sampler.h: choose the next token from logits. Owned by the generator thread. */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "engine.h"

struct sampler;

struct sampler *sampler_create(int vocab);
void sampler_destroy(struct sampler *);
void sampler_start(struct sampler *, const struct engine_sampling *);   /* a new request; seeds the generator */
void sampler_accept(struct sampler *, int32_t id);                      /* prompt and answer tokens, for repeat_penalty */
int32_t sampler_pick(struct sampler *, const float *logits);            /* [vocab]; temp 0: the lowest id of the largest logit */

#endif
