/* Products of float matrices with AVX2. */
#if defined(__x86_64__)
#include "avx2.h"

typedef __m256 vec;
enum { WIDTH = 8, ROWS_AT_ONCE = 3, FEW = 4, AHEAD = 4096 };

INLINE vec vec_zero(void)
{
	return _mm256_setzero_ps();
}

INLINE vec vec_load(const float *x)
{
	return _mm256_loadu_ps(x);
}

INLINE void vec_store(float *to, vec x)
{
	_mm256_store_ps(to, x);
}

INLINE vec vec_fma(vec a, vec b, vec c)
{
	return _mm256_fmadd_ps(a, b, c);
}

INLINE float vec_sum(const vec *x)
{
	return sum8(_mm256_add_ps(_mm256_add_ps(x[0], x[2]), _mm256_add_ps(x[1], x[3])));
}

INLINE void fetch_floats(const uint8_t *p, int bytes)
{
	_mm_prefetch((const char *)p + AHEAD, _MM_HINT_T0);
	_mm_prefetch((const char *)p + AHEAD + bytes - 1, _MM_HINT_T0);
}

#include "float_rows.h"

FLOAT_MATMUL(avx2_float_matmul)

float avx2_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, false, &y, 0);
	return y;
}
#endif
