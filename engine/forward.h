/* forward.h: tokens in, logits out: one pass through the transformer.
 *
 * A pass reads up to forward_batch() tokens at consecutive positions, writes
 * their keys and values to the cache and keeps their last hidden states, from
 * which logits are computed on demand. A token's logits are the same bits for
 * any number of threads and any split into batches: rows are split, sums never.
 * Owned by the generator thread. */
#ifndef FORWARD_H
#define FORWARD_H

#include "kv_cache.h"
#include "kernels/kernels.h"
#include "model.h"
#include "pool.h"

#include <stdatomic.h>

struct forward;

/* Everything given is borrowed. batch: tokens a pass at most, 1..4096. cancel: looked at between
 * row groups; true ends a pass early. */
struct forward *forward_create(const struct model *, const struct kernels *, struct pool *, struct kv_cache *,
			       int batch, const atomic_bool *cancel);
void forward_destroy(struct forward *);
int forward_batch(const struct forward *);

/* Reads ids [count] at positions first, first + 1, …; hidden states are kept of the
 * tokens from index `wanted` on. Positions before first must have been read. Returns -1
 * when cancelled: the positions are then unread. count <= forward_batch(). */
int forward_read(struct forward *, const int32_t *ids, int count, int first, int wanted);

/* Logits of tokens index..index + count - 1 of the last pass, index >= wanted. out: [count][vocab].
 * Returns -1 when cancelled. */
int forward_logits(struct forward *, int index, int count, float *out);

#endif
