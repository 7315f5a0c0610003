/* kernels.h: the inner loops, one table of functions per instruction set.
 *
 * Every table computes the same numbers as reference.c up to the order of float
 * sums; within one table a result is the same bits for any split of rows over
 * threads and any number of columns at once.
 *
 * Quantised matrices are multiplied in 8-bit integers: the activation row x[n]
 * becomes blocks of 32 bytes with one float scale each, so that
 *     sum_i w_i x_i = sum_blocks scale_w scale_x sum_i q_w q_x - min terms,
 * where the inner sums are exact. Min terms use the blocks' sums of q_x. */
#ifndef KERNELS_H
#define KERNELS_H

#include "../types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ACT_BLOCK = 32 };

/* Activation columns ready for a matrix: k columns of n values. For quantised
 * matrices q, scale and sums are used, for float ones x. */
struct activation_row;           /* layout private to kernels/, see activation_bytes */

struct kernels {
	const char *name;            /* "reference", "avx2", "avx2vnni", "avx512vnni", "neon" */

	/* x [n] -> the quantised row at out, kernels_activation_bytes(n) long, 64-byte aligned. */
	void (*quantize)(const float *x, int64_t n, void *out);

	/* y[c * y_stride + r] = sum_i w[r][i] x[c][i]  for rows first <= r < last and columns c < k.
	 * w: the first row of the matrix (row 0), row_bytes apart. act: k quantised rows act_stride
	 * bytes apart (quantised types), x: k float rows x_stride floats apart (F32 F16 BF16). */
	void (*matmul)(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first, int64_t last,
	               const uint8_t *act, size_t act_stride, const float *x, size_t x_stride, int k, float *y, size_t y_stride);

	void (*to_float)(enum tensor_type type, const uint8_t *row, int64_t n, float *out);  /* one row, for embeddings */
	void (*rms_norm)(const float *x, const float *weight, float eps, int64_t n, float *out);
	float (*dot_f32)(const float *a, const float *b, int64_t n);
	void (*silu_mul)(const float *gate, const float *up, int64_t n, float *out);       /* silu(gate) * up */
	void (*gelu_mul)(const float *gate, const float *up, int64_t n, float *out);       /* tanh form */

	/* One KV group's attention for one token. q: [group][head_k] floats. keys, values: rows of
	 * head_k and head_v elements of kv_type, packed, for positions 0..count-1 of one KV head
	 * (head-major). scratch: group * count floats. out: [group][head_v]. Online or two-pass, but
	 * always in the same order. */
	void (*attention)(int kv_type, const float *q, int group, int head_k, int head_v, const void *keys, const void *values,
	                  int64_t count, float scale, float *scratch, float *out);
	void (*kv_store)(int kv_type, const float *x, int64_t n, void *out);               /* floats to one cache row */
};

size_t kernels_activation_bytes(int64_t n);
size_t kernels_kv_row_bytes(int kv_type, int64_t n);     /* kv_type: enum engine_kv_type */
const struct kernels *kernels_choose(const char *name);  /* NULL: best for this CPU; unknown or unrunnable name: NULL */
const char *const *kernels_names(void);                  /* runnable here, best first, NULL at the end */

extern const struct kernels kernels_reference;

#endif
