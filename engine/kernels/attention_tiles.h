/* attention_tiles.h: how the SIMD sets go through a chunk. Included once by each, which defines
 *
 *   KEYS                          positions (and elements) that two registers hold, before,
 *   build_keys, build_values      a chunk's rows become a tile
 *   build_query                   a query row becomes what keys are multiplied by
 *   set_weights                   what turns p into integers (q8_0)
 *   score, weigh, sum_values      up to ROWS query rows at once; `rows` is a constant where they are inlined.
 *
 * A tile of keys is [group of KEYS positions][step][KEYS] cells of four bytes, one of values is
 * [group of KEYS elements][step][KEYS]. A step of q8_0 is two elements (or positions) as 16-bit integers, one of
 * the float types a single one. So both products are the same loop: a cell of the query row (or of its weights)
 * is broadcast and multiplied into KEYS sums. */
#ifndef ATTENTION_TILES_H
#define ATTENTION_TILES_H

#include "attention_chunk.h"

enum { ROWS = 6 }; /* times two registers of sums: what the register file holds */

struct tile {
	const struct attention *a;
	int kv_type, wide_k, wide_v; /* heads in whole groups */
	int64_t chunk;
	void *keys, *values;
	float *key_scale, *value_scale; /* q8_0: [group][position] */
	float *weight_scale;            /* [group][position], times p is an integer */
	float *value_unit;              /* [group] what one of these integers times one of a byte is */
	float *scores;                  /* [KEPT_ROWS][position]; the float types' weights */
	int16_t *weights;               /* q8_0: [group][KEPT_ROWS][position] */
	int32_t *queries;               /* [row][wide_k] cells, half of them used by q8_0 */
	float *query_scale;             /* [row] */
};

static void build_keys(const struct tile *t, struct span all);
static void build_values(const struct tile *t, struct span all);
static void build_query(const struct tile *t, int row);
static void set_weights(const struct tile *t, struct span span);
static void weigh(const struct tile *t, int r, struct span span, float *state);
INLINE void score(int rows, const struct tile *t, int first, struct span span);
INLINE void sum_values(int rows, const struct tile *t, struct span span, float *sums, size_t stride);

static void tile_init(struct tile *t, int kv_type, const struct attention *a, int64_t chunk, void *scratch)
{
	size_t k = (size_t)whole_groups(a->head_k), v = (size_t)whole_groups(a->head_v);
	char *at = scratch;
	*t = (struct tile){.a = a, .kv_type = kv_type, .wide_k = (int)k, .wide_v = (int)v, .chunk = chunk};
	t->keys = at;
	t->values = at += ATTENTION_CHUNK * k * 4;
	t->key_scale = (void *)(at += ATTENTION_CHUNK * v * 4);
	t->value_scale = (void *)(at += ATTENTION_CHUNK * k / GROUP * 4);
	t->weight_scale = (void *)(at += ATTENTION_CHUNK * v / GROUP * 4);
	t->scores = (void *)(at += ATTENTION_CHUNK * v / GROUP * 4);
	t->weights = (void *)(at += ATTENTION_CHUNK * KEPT_ROWS * 4);
	t->queries = (void *)(at += ATTENTION_CHUNK * KEPT_ROWS * v / GROUP * 2);
	t->query_scale = (void *)(at += (size_t)(a->tokens * a->group) * k * 4);
	t->value_unit = t->query_scale + a->tokens * a->group;
}

/* Row `position` of the chunk, but not beyond what may be read. */
static inline const uint8_t *tile_row(const void *rows, size_t bytes, const struct tile *t, int position,
				      struct span all)
{
	int last = position < all.last ? position : all.last - 1;
	return (const uint8_t *)rows + (size_t)(t->chunk * ATTENTION_CHUNK + last) * bytes;
}

static inline int32_t *query_cells(const struct tile *t, int row)
{
	return t->queries + (size_t)row * (size_t)t->wide_k;
}

/* For caches of floats queries stay as they are; false for others. */
static inline bool copy_query(const struct tile *t, int row)
{
	if (t->kv_type == ENGINE_KV_Q8_0)
		return false;
	memcpy(query_cells(t, row), attention_query(t->a, row), (size_t)t->a->head_k * sizeof(float));
	t->query_scale[row] = t->a->scale * ATTENTION_LOG2E;
	return true;
}

INLINE void attend_rows(int rows, const struct tile *t, int first, struct span span, float *states)
{
	size_t stride = kernels_attention_state(t->a->head_v);
	score(rows, t, first, span);
	for (int r = 0; r < rows; r++)
		weigh(t, r, span, states + (size_t)(first + r) * stride);
	sum_values(rows, t, span, states + (size_t)first * stride + ATTENTION_SUMS, stride);
}

/* Rows first..last - 1, which see the same positions. */
static void attend_span(const struct tile *t, int first, int last, struct span span, float *states)
{
	int blocks = (last - first + ROWS - 1) / ROWS, count = last - first;
	if (t->kv_type == ENGINE_KV_Q8_0)
		set_weights(t, span);
	for (int i = 0; i < blocks; i++) {
		int row = first + count * i / blocks;
		switch (first + count * (i + 1) / blocks - row) {
		case 1: attend_rows(1, t, row, span, states); break;
		case 2: attend_rows(2, t, row, span, states); break;
		case 3: attend_rows(3, t, row, span, states); break;
		case 4: attend_rows(4, t, row, span, states); break;
		case 5: attend_rows(5, t, row, span, states); break;
		default: attend_rows(ROWS, t, row, span, states);
		}
	}
}

static void attend(int kv_type, const struct attention *a, int64_t chunk, void *scratch, float *states)
{
	struct tile t;
	struct span begin = attention_span(a, 0, chunk), end = attention_span(a, a->tokens - 1, chunk),
		    all = {begin.first, end.last};
	int group = a->group;
	tile_init(&t, kv_type, a, chunk, scratch);
	if (all.first < all.last) {
		build_keys(&t, all);
		build_values(&t, all);
		for (int r = 0; r < a->tokens * group; r++)
			build_query(&t, r);
	}
	if (begin.first == end.first && begin.last == end.last && begin.first < begin.last) {
		attend_span(&t, 0, a->tokens * group, begin, states);
		return;
	}
	for (int i = 0; i < a->tokens; i++) {
		struct span span = attention_span(a, i, chunk);
		size_t stride = kernels_attention_state(a->head_v);
		if (span.first < span.last)
			attend_span(&t, i * group, (i + 1) * group, span, states);
		else
			memset(states + (size_t)(i * group) * stride, 0, (size_t)group * stride * sizeof(*states));
	}
}

#endif
