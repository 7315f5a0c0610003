/* attention_chunk.h: what the files of attention share: the bounds of a chunk and the constants of kernels.h. */
#ifndef ATTENTION_CHUNK_H
#define ATTENTION_CHUNK_H

#include "blocks.h"

enum {
	QUERY_LARGEST = 16256,  /* 128 times 127: also what two bytes hold */
	KEPT_ROWS = 8,          /* query rows whose scores and weights a set keeps at once */
	WEIGHT_LARGEST = 32767, /* ATTENTION_CHUNK of these times -128 fit into 32 bits */
};

#define ATTENTION_LOG2E 0x1.715476p+0f

/* 2^x is 2^k 2^r, |r| <= 1/2, by an economised polynomial of degree 5 (2e-7 of the value at most). Below
 * EXP2_LOWEST it stays 2^EXP2_LOWEST, which no sum notices. */
#define EXP2_LOWEST -120.0f
#define EXP2_C1     0x1.62e43p-1f
#define EXP2_C2     0x1.ebf908p-3f
#define EXP2_C3     0x1.c6aee8p-5f
#define EXP2_C4     0x1.3d1046p-7f
#define EXP2_C5     0x1.5f3e52p-10f

/* Positions first..last - 1, counted from the beginning of a chunk. */
struct span {
	int first, last;
};

static inline int within_chunk(int64_t x)
{
	return x < 0 ? 0 : x > ATTENTION_CHUNK ? ATTENTION_CHUNK : (int)x;
}

/* What a token sees of a chunk. */
static inline struct span attention_span(const struct attention *a, int token, int64_t chunk)
{
	int64_t end = a->position + token + 1, begin = a->window > 0 ? end - a->window : 0;
	return (struct span){within_chunk(begin - chunk * ATTENTION_CHUNK),
			     within_chunk(end - chunk * ATTENTION_CHUNK)};
}

static inline int whole_groups(int n)
{
	return (n + GROUP - 1) / GROUP * GROUP;
}

static inline const float *attention_query(const struct attention *a, int row)
{
	return a->q + (size_t)(row / a->group) * a->q_stride + (size_t)(row % a->group) * (size_t)a->head_k;
}

#endif
