/* kernels.h: the inner loops, one table of functions per instruction set.
 *
 * Every table computes the same bits: for any split of rows over threads, any number of
 * columns at once, on any CPU. That holds because the order of float sums is part of this
 * agreement:
 * - Quantised matrices are multiplied in 8-bit integers. A row of activations x[n] becomes
 *   groups of 32 bytes q_x, rounded by largest / 127, with the float scale s that leaves the
 *   smallest squares of errors (lower KL divergence than largest / 127 itself); weights are
 *   d q_w + m with unsigned bytes q_w, where d and m are shared by a unit: a group, or half a
 *   group in Q2_K, Q3_K and Q6_K. The integer sum P over a unit is exact. Lane j sums unit j
 *   of every 256 weights:
 *       lane = fma(P, d s, lane), then lane = fma(m, s sum(q_x), lane).
 *   Types that count from -o are taken as m = -o d.
 * - Float dot products have 32 lanes, lane i % 32 = fma(a[i], b[i], lane).
 * - Lanes are added in halves, i to i + half, until 8 are left: ((0+4)+(2+6))+((1+5)+(3+7)).
 * - Attention: keys as above; e^x by the polynomial in blocks.h, summed in 16 lanes; values
 *   in the order of positions.
 * Split work by rows, never along n. */
#ifndef KERNELS_H
#define KERNELS_H

#include "../types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One KV head's attention for a block of tokens: token t, whose queries are at q + t * q_stride and
 * whose result goes to out + t * out_stride, sees positions 0..count - 1 + t. */
struct attention_block {
	const float *q;  /* [tokens][group][head_k] */
	size_t q_stride; /* floats */
	int tokens, group, head_k, head_v;
	const void *keys, *values;
	int64_t count;
	float scale;
	float *scratch; /* tokens * group * (count + tokens + ATTENTION_PAD) floats */
	float *out;     /* [tokens][group][head_v] */
	size_t out_stride;
};
enum { ATTENTION_PAD = 32 };

struct kernels {
	const char *name; /* "reference", "avx2", "avx512vnni" */

	/* x [n] -> the quantised row at out, kernels_activation_bytes(n) long, 64-byte aligned.
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

	/* One KV group's attention for one token. q: [group][head_k] floats. keys, values: rows of
	 * head_k and head_v elements of kv_type, packed, for positions 0..count-1 of one KV head
	 * (head-major). scratch: group * count floats. out: [group][head_v]. Online or two-pass, but
	 * always in the same order. */
	void (*attention)(int kv_type, const float *q, int group, int head_k, int head_v, const void *keys,
			  const void *values, int64_t count, float scale, float *scratch, float *out);
	/* The same bits for several tokens at once. False: not for such heads, nothing is done. May be NULL. */
	bool (*attention_block)(int kv_type, const struct attention_block *);
	void (*kv_store)(int kv_type, const float *x, int64_t n, void *out); /* floats to one cache row */
};

size_t kernels_activation_bytes(int64_t n);
size_t kernels_kv_row_bytes(int kv_type, int64_t n);    /* kv_type: enum engine_kv_type */
const struct kernels *kernels_choose(const char *name); /* NULL: best for this CPU; unknown or unrunnable name: NULL */
const char *const *kernels_names(void);                 /* runnable here, best first, NULL at the end */

extern const struct kernels kernels_reference;

#endif
