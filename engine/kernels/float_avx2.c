/* Products of float matrices with AVX2. */
#if defined(__x86_64__)
#include "avx2.h"

typedef __m256 vec;
enum { WIDTH = 8, ROWS_AT_ONCE = 3, FEW = 4, AHEAD = 4096 };

INLINE vec vec_load(const float *x)
{
	return _mm256_loadu_ps(x);
}

INLINE vec vec_fma(vec a, vec b, vec c)
{
	return _mm256_fmadd_ps(a, b, c);
}

INLINE float vec_sum(const vec *x)
{
	return sum8(_mm256_add_ps(_mm256_add_ps(x[0], x[2]), _mm256_add_ps(x[1], x[3])));
}

/* Elements i..i + count - 1 of a row as floats, and zeros to a whole number of LANES. */
INLINE void convert(enum tensor_type type, const uint8_t *row, int64_t i, int64_t count, float *out)
{
	int64_t j = 0;
	for (; j + WIDTH <= count; j += WIDTH)
		_mm256_store_ps(out + j, load_floats(type, row, i + j, WIDTH));
	for (; j % LANES || j < count; j += WIDTH)
		_mm256_store_ps(out + j, load_floats(type, row, i + j, count - j));
}

#include "float_tile.h"

/* Lanes of one row times some columns, from element i on; `left` elements, or LANES where whole. */
INLINE void add_lanes(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t i,
		      int64_t left, bool whole, int columns, vec (*acc)[PARTS])
{
#pragma GCC unroll 4
	for (int part = 0; part < PARTS; part++) {
		int64_t at = WIDTH * part;
		if (!whole && at >= left)
			break;
		vec w = load_floats(type, row, i + at, whole ? WIDTH : left - at);
#pragma GCC unroll 2
		for (int c = 0; c < columns; c++) {
			const float *column = x + (size_t)c * x_stride + i + at;
			acc[c][part] =
				vec_fma(w, whole ? vec_load(column) : load_up_to(column, left - at), acc[c][part]);
		}
	}
}

/* One row times one or two columns, whose sums fit in registers. */
INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n,
			int columns, bool ahead, float *y, size_t y_stride)
{
	const int size = type == TYPE_F32 ? 4 : 2;
	vec acc[2][PARTS];
	int64_t i = 0;
#pragma GCC unroll 2
	for (int c = 0; c < columns; c++)
		acc[c][0] = acc[c][1] = acc[c][2] = acc[c][3] = _mm256_setzero_ps();
	for (; i + LANES <= n; i += LANES) {
		if (ahead) {
			_mm_prefetch((const char *)row + i * size + AHEAD, _MM_HINT_T0);
			_mm_prefetch((const char *)row + i * size + AHEAD + LANES * size - 1, _MM_HINT_T0);
		}
		add_lanes(type, row, x, x_stride, i, LANES, true, columns, acc);
	}
	if (i < n)
		add_lanes(type, row, x, x_stride, i, n - i, false, columns, acc);
#pragma GCC unroll 2
	for (int c = 0; c < columns; c++)
		y[(size_t)c * y_stride] = vec_sum(acc[c]);
}

/* A row is read once: for later columns it lies in the cache. Fetching ahead helps where one column's arithmetic takes
 * longer than reading, and harms (Zen 4) where it does not. */
INLINE void few_floats(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k)
{
	for (int64_t r = first; r < last; r++) {
		const uint8_t *row = m->w + (size_t)r * m->row_bytes;
		int c = 0;
		for (; c + 2 <= k; c += 2)
			dot_columns(type, row, m->x + (size_t)c * m->x_stride, m->x_stride, m->n, 2, k > 2,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
		if (c < k)
			dot_columns(type, row, m->x + (size_t)c * m->x_stride, m->x_stride, m->n, 1, k > 2,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
	}
}

static __attribute__((noinline)) void tile_f32(const struct floats *m, int64_t first, int64_t last, int k)
{
	tile_floats(TYPE_F32, m, first, last, k);
}

static __attribute__((noinline)) void tile_f16(const struct floats *m, int64_t first, int64_t last, int k)
{
	tile_floats(TYPE_F16, m, first, last, k);
}

static __attribute__((noinline)) void tile_bf16(const struct floats *m, int64_t first, int64_t last, int k)
{
	tile_floats(TYPE_BF16, m, first, last, k);
}

void avx2_float_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
		       int64_t last, const float *x, size_t x_stride, int k, float *y, size_t y_stride)
{
	const struct floats m = {w, row_bytes, x_stride, y_stride, n, x, y};
	if (k > FEW)
		(type == TYPE_F32 ? tile_f32 : type == TYPE_F16 ? tile_f16 : tile_bf16)(&m, first, last, k);
	else if (type == TYPE_F32)
		few_floats(TYPE_F32, &m, first, last, k);
	else if (type == TYPE_F16)
		few_floats(TYPE_F16, &m, first, last, k);
	else
		few_floats(TYPE_BF16, &m, first, last, k);
}

float avx2_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, false, &y, 0);
	return y;
}
#endif
