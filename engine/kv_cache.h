/* kv_cache.h: keys and values of the tokens in the context.
 *
 * Laid out [layer][KV head][position][element], so that one head's keys lie in
 * one run and a group of query heads reads them once. The address space of the
 * whole context is reserved at once, but memory is used only for positions that
 * were written. Owned by the generator thread; kernel workers write and read
 * different rows. */
#ifndef KV_CACHE_H
#define KV_CACHE_H

#include "engine.h"

#include <stdint.h>

struct kv_cache;

struct kv_shape {
	int layers, heads, head_k, head_v, positions;
	enum engine_kv_type type;
};

/* Fails when the address space or the memory limit does not allow it. */
int kv_cache_create(struct kv_cache **, const struct kv_shape *, char *err, size_t errlen);
void kv_cache_destroy(struct kv_cache *);
const struct kv_shape *kv_cache_shape(const struct kv_cache *);
/* Row of a position; the rows of later positions of the same head follow. */
uint8_t *kv_cache_key(const struct kv_cache *, int layer, int head, int position);
uint8_t *kv_cache_value(const struct kv_cache *, int layer, int head, int position);
void kv_cache_release(struct kv_cache *, int first); /* gives back the memory of positions >= first */

#endif
