/* Products of float matrices with AVX-512. */
#if defined(__x86_64__)
#include "avx512.h"

typedef __m512 vec;
enum {
	WIDTH = 16,
	ROWS_AT_ONCE = 6,
	FEW = 4,      /* columns that meet a row at once */
	AHEAD = 8192, /* bytes fetched ahead, into the second-level cache */
};

INLINE vec vec_load(const float *x)
{
	return _mm512_loadu_ps(x);
}

INLINE vec vec_fma(vec a, vec b, vec c)
{
	return _mm512_fmadd_ps(a, b, c);
}

INLINE float vec_sum(const vec *x)
{
	return sum16(_mm512_add_ps(x[0], x[1]));
}

INLINE __m512 load_floats(enum tensor_type type, const uint8_t *row, int64_t i, __mmask16 mask)
{
	if (type == TYPE_F32)
		return _mm512_maskz_loadu_ps(mask, row + 4 * i);
	__m256i x = _mm256_maskz_loadu_epi16(mask, row + 2 * i);
	if (type == TYPE_F16)
		return _mm512_cvtph_ps(x);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

#include "float_tile.h"

INLINE void convert(enum tensor_type type, const uint8_t *row, int64_t i, int64_t count, float *out)
{
	for (int64_t j = 0; j < count || j % LANES; j += WIDTH)
		_mm512_store_ps(out + j, load_floats(type, row, i + j, mask_of(count - j)));
}

INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n, int k,
			float *y, size_t y_stride)
{
	const int size = type == TYPE_F32 ? 4 : 2;
	vec even[FEW], odd[FEW];
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		even[c] = odd[c] = _mm512_setzero_ps();
	for (int64_t i = 0; i < n; i += LANES) {
		__mmask16 low = mask_of(n - i), high = mask_of(n - i - 16);
		for (int at = 0; at < LANES * size; at += 64)
			_mm_prefetch((const char *)row + i * size + AHEAD + at, _MM_HINT_T2);
		vec a = load_floats(type, row, i, low), b = load_floats(type, row, i + 16, high);
#pragma GCC unroll 4
		for (int c = 0; c < k; c++) {
			const float *column = x + (size_t)c * x_stride + i;
			even[c] = _mm512_fmadd_ps(a, _mm512_maskz_loadu_ps(low, column), even[c]);
			odd[c] = _mm512_fmadd_ps(b, _mm512_maskz_loadu_ps(high, column + 16), odd[c]);
		}
	}
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		y[(size_t)c * y_stride] = vec_sum((const vec[]){even[c], odd[c]});
}

INLINE void few_floats(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k)
{
	for (int64_t r = first; r < last; r++) {
		const uint8_t *row = m->w + (size_t)r * m->row_bytes;
		float *y = m->y + r;
		switch (k) {
		case 1: dot_columns(type, row, m->x, m->x_stride, m->n, 1, y, m->y_stride); break;
		case 2: dot_columns(type, row, m->x, m->x_stride, m->n, 2, y, m->y_stride); break;
		case 3: dot_columns(type, row, m->x, m->x_stride, m->n, 3, y, m->y_stride); break;
		default: dot_columns(type, row, m->x, m->x_stride, m->n, FEW, y, m->y_stride);
		}
	}
}

FLOAT_MATMUL(avx512_float_matmul)

float avx512_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, &y, 0);
	return y;
}
#endif
