/* Products of float matrices with AVX2. */
#if defined(__x86_64__)
#include "avx2.h"

struct matrix {
	const uint8_t *w, *act;
	size_t row_bytes, act_stride, y_stride;
	int64_t n;
	float *y;
};

INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n, int k,
			float *y, size_t y_stride)
{
	__m256 acc[2][4];
	for (int c = 0; c < k; c++)
		acc[c][0] = acc[c][1] = acc[c][2] = acc[c][3] = _mm256_setzero_ps();
	for (int64_t i = 0; i < n; i += LANES)
#pragma GCC unroll 4
		for (int part = 0; part < 4; part++) {
			int64_t at = i + 8 * part, left = n - at;
			if (left <= 0)
				break;
			__m256 w = load_floats(type, row, at, left);
#pragma GCC unroll 2
			for (int c = 0; c < k; c++)
				acc[c][part] = _mm256_fmadd_ps(w, load_up_to(x + (size_t)c * x_stride + at, left),
							       acc[c][part]);
		}
	for (int c = 0; c < k; c++)
		y[(size_t)c * y_stride] =
			sum8(_mm256_add_ps(_mm256_add_ps(acc[c][0], acc[c][2]), _mm256_add_ps(acc[c][1], acc[c][3])));
}

/* Not OpenBLAS: see float_avx512.c. */
INLINE void float_rows(enum tensor_type type, const struct matrix *m, const float *x, size_t x_stride, int64_t first,
		       int64_t last, int k)
{
	int c = 0;
	for (; c + 2 <= k; c += 2)
		for (int64_t r = first; r < last; r++)
			dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n, 2,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
	for (int64_t r = first; r < last && c < k; r++)
		dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n, 1,
			    m->y + (size_t)c * m->y_stride + r, m->y_stride);
}

void avx2_float_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
		       int64_t last, const float *x, size_t x_stride, int k, float *y, size_t y_stride)
{
	struct matrix m = {w, NULL, row_bytes, 0, y_stride, n, y};
	switch (type) {
	case TYPE_F32: float_rows(TYPE_F32, &m, x, x_stride, first, last, k); break;
	case TYPE_F16: float_rows(TYPE_F16, &m, x, x_stride, first, last, k); break;
	default: float_rows(TYPE_BF16, &m, x, x_stride, first, last, k);
	}
}

float avx2_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, &y, 0);
	return y;
}

#endif
