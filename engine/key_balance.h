/* key_balance.h: powers of two that even out the elements of a head's keys.
 *
 * A q8_0 cache keeps 32 elements with one scale. Where some elements of a model's keys are always a thousand times
 * larger than others (Qwen2's biases), the small ones are rounded away, and the queries meet exactly those with large
 * numbers. So keys are stored times 2^-e and queries are multiplied by 2^e, with e by element from the weights that
 * make the keys: the products are the same, and all elements are kept to eight bits. Both elements of a rotated
 * pair have the same e. */
#ifndef KEY_BALANCE_H
#define KEY_BALANCE_H

#include "kernels/kernels.h"
#include "model.h"
#include "pool.h"

struct key_balance {
	float *key, *query; /* [layer][KV head][head_k] factors; NULL: none are wanted */
};

/* Reads a sample of the key matrices, in the pool. */
void key_balance_init(struct key_balance *, const struct model *, const struct kernels *, struct pool *);
void key_balance_free(struct key_balance *);

#endif
