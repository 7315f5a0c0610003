/* Products of float matrices with NEON. */
#if defined(__aarch64__)
#include "neon.h"

typedef float32x4_t vec;
enum { WIDTH = 4, ROWS_AT_ONCE = 6, FEW = 4 };

INLINE vec vec_zero(void)
{
	return vdupq_n_f32(0);
}

INLINE vec vec_load(const float *x)
{
	return vld1q_f32(x);
}

INLINE void vec_store(float *to, vec x)
{
	vst1q_f32(to, x);
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

INLINE void fetch_floats(const uint8_t *p, int bytes)
{
	(void)p, (void)bytes; /* left to the processor until one has been measured */
}

#include "float_rows.h"

FLOAT_MATMUL(neon_float_matmul)

float neon_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, false, &y, 0);
	return y;
}
#endif
