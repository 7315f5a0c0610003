/* Products of float matrices with NEON. */
#if defined(__aarch64__)
#include "neon.h"

typedef float32x4_t vec;
enum { WIDTH = 4, ROWS_AT_ONCE = 6, FEW = 4 };

INLINE vec vec_load(const float *x)
{
	return vld1q_f32(x);
}

INLINE vec vec_fma(vec a, vec b, vec c)
{
	return vfmaq_f32(c, a, b);
}

/* Thirty-two lanes: halves are added until eight are left. */
INLINE float vec_sum(const vec *x)
{
	vec four[4];
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		four[i] = vaddq_f32(x[i], x[i + 4]);
	return sum_of_8(vaddq_f32(four[0], four[2]), vaddq_f32(four[1], four[3]));
}

/* Elements i..i + count - 1 of a row as floats, and zeros to a whole number of LANES. */
INLINE void convert(enum tensor_type type, const uint8_t *row, int64_t i, int64_t count, float *out)
{
	int64_t j = 0;
	for (; j + WIDTH <= count; j += WIDTH)
		vst1q_f32(out + j, load_floats(type, row, i + j, WIDTH));
	for (; j % LANES || j < count; j += WIDTH)
		vst1q_f32(out + j, load_floats(type, row, i + j, count - j));
}

#include "float_tile.h"

/* Lanes of one row times some columns, from element i on; `left` elements, or LANES where whole. */
INLINE void add_lanes(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t i,
		      int64_t left, bool whole, int columns, vec (*acc)[PARTS])
{
#pragma GCC unroll 8
	for (int part = 0; part < PARTS; part++) {
		int64_t at = WIDTH * part;
		if (!whole && at >= left)
			break;
		vec w = load_floats(type, row, i + at, whole ? WIDTH : left - at);
#pragma GCC unroll 2
		for (int c = 0; c < columns; c++) {
			const float *column = x + (size_t)c * x_stride + i + at;
			acc[c][part] = vec_fma(w, load_up_to(column, whole ? WIDTH : left - at), acc[c][part]);
		}
	}
}

/* One row times one or two columns, whose sums fit in registers. */
INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n,
			int columns, float *y, size_t y_stride)
{
	vec acc[2][PARTS];
	int64_t i = 0;
#pragma GCC unroll 2
	for (int c = 0; c < columns; c++)
#pragma GCC unroll 8
		for (int part = 0; part < PARTS; part++)
			acc[c][part] = vdupq_n_f32(0);
	for (; i + LANES <= n; i += LANES)
		add_lanes(type, row, x, x_stride, i, LANES, true, columns, acc);
	if (i < n)
		add_lanes(type, row, x, x_stride, i, n - i, false, columns, acc);
#pragma GCC unroll 2
	for (int c = 0; c < columns; c++)
		y[(size_t)c * y_stride] = vec_sum(acc[c]);
}

/* A row is read once: for later columns it lies in the cache. */
INLINE void few_floats(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k)
{
	for (int64_t r = first; r < last; r++) {
		const uint8_t *row = m->w + (size_t)r * m->row_bytes;
		int c = 0;
		for (; c + 2 <= k; c += 2)
			dot_columns(type, row, m->x + (size_t)c * m->x_stride, m->x_stride, m->n, 2,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
		if (c < k)
			dot_columns(type, row, m->x + (size_t)c * m->x_stride, m->x_stride, m->n, 1,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
	}
}

INLINE void multiply(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k)
{
	if (k > FEW)
		tile_floats(type, m, first, last, k);
	else
		few_floats(type, m, first, last, k);
}

void neon_float_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
		       int64_t last, const float *x, size_t x_stride, int k, float *y, size_t y_stride)
{
	const struct floats m = {w, row_bytes, x_stride, y_stride, n, x, y};
	if (type == TYPE_F32)
		multiply(TYPE_F32, &m, first, last, k);
	else if (type == TYPE_F16)
		multiply(TYPE_F16, &m, first, last, k);
	else
		multiply(TYPE_BF16, &m, first, last, k);
}

float neon_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, &y, 0);
	return y;
}
#endif
