/* attention.h: attention of a pass's tokens over the KV cache, spread over the pool.
 *
 * Many tokens are split into blocks of tokens and KV heads; few tokens with a long past are split into chunks of
 * positions as well. Chunks and the order in which they are added are those of kernels.h, so the bits are the same
 * for any split. Owned by the generator thread. */
#ifndef ATTENTION_H
#define ATTENTION_H

#include "kernels/kernels.h"
#include "kv_cache.h"
#include "model.h"
#include "pool.h"

#include <stdatomic.h>

struct attention_pass;

/* Everything given is borrowed. cancel: looked at between chunks; true leaves the output unfinished. */
struct attention_pass *attention_create(const struct model *, const struct kernels *, struct pool *,
					const struct kv_cache *, const atomic_bool *cancel);
void attention_destroy(struct attention_pass *);

struct attention_rows {
	int layer, tokens, position; /* position of the first token; its keys and values are in the cache already */
	const float *q;              /* [tokens] rows of all heads' queries */
	float *out;                  /* [tokens] rows of all heads' values */
	size_t q_stride, out_stride; /* floats from token to token */
};
void attention_run(struct attention_pass *, const struct attention_rows *);

#endif
