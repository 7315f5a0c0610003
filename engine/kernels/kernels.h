/* kernels.h: the inner loops, one table of functions per instruction set.
 *
 * Every table computes the same bits: for any split of rows over threads, any number of
 * columns at once, on any CPU. That holds because the order of float sums is part of this
 * agreement:
 * - Quantised matrices are multiplied in 8-bit integers. A row of activations x[n] becomes
 *   groups of 32 bytes q_x, rounded by largest / 127, with the float scale s that leaves the
 *   smallest squares of errors (lower KL divergence than largest / 127 itself). Weights are
 *   d (q_w - o) + m, with unsigned bytes q_w, an offset o of the type's (8 of Q4_0, 16 of Q5_0, 128 of
 *   Q8_0 and IQ4) and floats d and m that a group of 32 shares. With the exact integer
 *   P = sum((q_w - o) q_x) over a group, sixteen lanes, a group of 512 weights each, are
 *       lane = fma(P, d s, lane), then of types with minimums m lane = fma(m, s sum(q_x), lane).
 * - Q2_K, Q3_K and Q6_K have an integer scale a for every half of a group. There P, the sum of
 *   a sum((q_w - o) q_x) over both halves, is exact too (below 2^24), lane = fma(P, d s, lane),
 *   and in Q2_K, with M the sum of a half's minimum times sum(q_x), lane = fma(M, m s, lane).
 * - Group g of superblock p (of 256 weights, counted in the row) belongs to lane
 *   4 (g / 2) + 2 (p % 2) + g % 2: where adding neighbours in registers leaves it.
 * - Float dot products have 32 lanes, lane i % 32 = fma(a[i], b[i], lane).
 * - Lanes are added in halves, i to i + half, until 8 are left: ((0+4)+(2+6))+((1+5)+(3+7)).
 * - Attention takes positions in chunks of ATTENTION_CHUNK, counted from position 0. A query
 *   row leaves in each chunk the largest score m of the positions that it sees there (scores
 *   in powers of two), the sum s of p = 2^(score - m), in 16 lanes by position, and the sums
 *   o of p times the values. Chunks are added in their order by kernels_attention_add().
 *   - Floats (f32, f16): score = fma chain over the elements, times scale log2(e);
 *     o = fma chain over the positions.
 *   - q8_0: the query becomes 16-bit integers by largest / QUERY_LARGEST, one scale for the
 *     row; the exact dot product of each group of 32 times the key's scale is added by fma in
 *     the groups' order; then times query scale times scale log2(e). For values, p times the
 *     scale of the position's group becomes an integer up to WEIGHT_LARGEST for the largest
 *     scale that the row sees in the chunk; sums of integers are exact.
 * Split work by rows, never along n. */
#ifndef KERNELS_H
#define KERNELS_H

#include "../types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One KV head's attention for consecutive tokens. Each token sees the positions up to its own. */
struct attention {
	const float *q;  /* [tokens][group][head_k] */
	size_t q_stride; /* floats from token to token */
	int tokens, group, head_k, head_v;
	const void *keys, *values; /* the head's rows of position 0; the others follow, packed */
	int64_t position;          /* of the first token */
	int64_t window;            /* positions that a token sees at most; 0: all */
	float scale;
};

/* A state: largest score, sum of weights, and from ATTENTION_SUMS on the sums of weighted values. */
enum { ATTENTION_CHUNK = 512, ATTENTION_SUMS = 16 };

struct kernels {
	const char *name; /* as BORA_ISA names it: "reference", "avx2", "avx512vl", "neon", … */

	/* x [n] -> the quantised row at out, kernels_activation_bytes(n) long, 64-byte aligned.
	 * The order of its bytes is the set's own: only its matmul() reads it.
	 * n: a multiple of 32. NaN and infinity become a scale that is none: the product is NaN. */
	void (*quantize)(const float *x, int64_t n, void *out);

	/* y[c * y_stride + r] = sum_i w[r][i] x[c][i]  for rows first <= r < last and columns c < k.
	 * w: the first row of the matrix (row 0), row_bytes apart. act: k quantised rows act_stride
	 * bytes (a multiple of 64) apart (quantised types), x: k float rows x_stride floats apart (F32 F16 BF16). */
	void (*matmul)(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
		       int64_t last, const uint8_t *act, size_t act_stride, const float *x, size_t x_stride, int k,
		       float *y, size_t y_stride);

	void (*to_float)(enum tensor_type type, const uint8_t *row, int64_t n,
			 float *out); /* one row, for embeddings */
	void (*rms_norm)(const float *x, const float *weight, float eps, int64_t n, float *out);
	float (*dot_f32)(const float *a, const float *b, int64_t n);
	void (*silu_mul)(const float *gate, const float *up, int64_t n, float *out); /* silu(gate) * up */
	void (*gelu_mul)(const float *gate, const float *up, int64_t n, float *out); /* tanh form */

	/* The chunk's positions chunk * ATTENTION_CHUNK …: states [tokens][group], each kernels_attention_state()
	 * floats long. scratch: kernels_attention_scratch() bytes, 64-byte aligned. */
	void (*attention)(int kv_type, const struct attention *, int64_t chunk, void *scratch, float *states);
	void (*kv_store)(int kv_type, const float *x, int64_t n, void *out); /* floats to one cache row */
};

size_t kernels_activation_bytes(int64_t n);
size_t kernels_kv_row_bytes(int kv_type, int64_t n);                /* kv_type: enum engine_kv_type */
size_t kernels_attention_scratch(int head_k, int head_v, int rows); /* rows: tokens * group */
size_t kernels_attention_state(int head_v);
void kernels_attention_add(float *total, const float *state, int head_v); /* total: zeros at first */
void kernels_attention_finish(const float *total, int head_v, float *out);
const struct kernels *kernels_choose(const char *name); /* NULL: best for this CPU; unknown or unrunnable name: NULL */
const char *const *kernels_names(void);                 /* runnable here, best first, NULL at the end */

extern const struct kernels kernels_reference;

#endif
