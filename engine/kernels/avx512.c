/* Kernels for x86-64 with AVX-512 and its byte dot products (VNNI): the table and the small operations.
 * Products and attention have files of their own. */
#if defined(__x86_64__)
#include "avx512.h"

#include <math.h>
#include <string.h>

static void avx512_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
			  int64_t last, const uint8_t *act, size_t act_stride, const float *x, size_t x_stride, int k,
			  float *y, size_t y_stride)
{
	if (type_info(type)->block == 1)
		avx512_float_matmul(type, w, row_bytes, n, first, last, x, x_stride, k, y, y_stride);
	else
		avx512_multiply(type, w, row_bytes, n, first, last, act, act_stride, k, y, y_stride);
}

/* --- Small operations ---------------------------------------------------------------------------------------- */

static void avx512_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out)
{
	__m512 scale = _mm512_set1_ps(1 / sqrtf(avx512_dot_f32(x, x, n) / (float)n + eps));
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 y = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), scale);
		_mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(y, _mm512_maskz_loadu_ps(mask, weight + i)));
	}
}

INLINE __m512 over_one_plus_exp(__m512 x, __m512 exponent)
{
	return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1), exp16(exponent)));
}

INLINE __m512 negative(__m512 x)
{
	return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}

static void avx512_silu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
		__m512 y = _mm512_mul_ps(over_one_plus_exp(x, negative(x)), _mm512_maskz_loadu_ps(mask, up + i));
		_mm512_mask_storeu_ps(out + i, mask, y);
	}
}

static void avx512_gelu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
		__m512 cube = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_set1_ps(GELU_CUBE), x), x, _mm512_set1_ps(1));
		__m512 twice = _mm512_mul_ps(_mm512_set1_ps(GELU_SCALE), _mm512_mul_ps(x, cube));
		__m512 y = _mm512_mul_ps(over_one_plus_exp(x, negative(twice)), _mm512_maskz_loadu_ps(mask, up + i));
		_mm512_mask_storeu_ps(out + i, mask, y);
	}
}

/* The scale that leaves the smallest squares of errors; largest / 127 where all bytes are zero. */
INLINE float best_scale(__m512 low, __m512 high, __m512i a, __m512i b, float largest)
{
	int squares = _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_mullo_epi32(a, a), _mm512_mullo_epi32(b, b)));
	__m512 products = _mm512_mul_ps(_mm512_cvtepi32_ps(a), low);
	products = _mm512_fmadd_ps(_mm512_cvtepi32_ps(b), high, products);
	return squares ? sum16(products) / (float)squares : largest / 127;
}

static void quantize_group(const float *x, struct act_wide *block, struct act_quads *quads, int super, int group)
{
	__m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + HALF);
	float largest = largest_of(low, high), inverse = inverse_scale(largest);
	__m512i a = quantize16(low, inverse), b = quantize16(high, inverse);
	float scale = best_scale(low, high, a, b, largest);
	int sum[2] = {_mm512_reduce_add_epi32(a), _mm512_reduce_add_epi32(b)}, lane = act_lane(super, group);
	int8_t *q = block->q + SUPER * super + GROUP * group;
	_mm_store_si128((void *)q, _mm512_cvtepi32_epi8(a));
	_mm_store_si128((void *)(q + HALF), _mm512_cvtepi32_epi8(b));
	for (int i = 0; i < GROUP / 4; i++)
		memcpy(quads->q + 4 * wide_quad(super, group, i), q + 4 * i, 4);
	block->scale[lane] = scale;
	block->sum[lane] = scale * (float)(sum[0] + sum[1]);
	block->minus[lane] = -(sum[0] + sum[1]) * (1 << MINUS_BITS);
	for (int half = 0; half < 2; half++) {
		block->half_minus[half][lane] = -sum[half] * (1 << HALF_MINUS_BITS);
		block->half_sum[lane][half] = (int16_t)sum[half];
	}
}

static void avx512_quantize(const float *x, int64_t n, void *out)
{
	struct act_wide *blocks = out;
	struct act_quads *quads = act_quads(out, n);
	if (n % PAIR) {
		memset(&blocks[n / PAIR], 0, sizeof(*blocks));
		memset(&quads[n / PAIR], 0, sizeof(*quads));
	}
	for (int64_t g = 0; g < n / GROUP; g++)
		quantize_group(x + g * GROUP, &blocks[g / GROUPS / 2], &quads[g / GROUPS / 2], (int)(g / GROUPS % 2),
			       (int)(g % GROUPS));
}

const struct kernels kernels_avx512 = {
	.name = "avx512vnni",
	.quantize = avx512_quantize,
	.matmul = avx512_matmul,
	.to_float = reference_to_float,
	.rms_norm = avx512_rms_norm,
	.dot_f32 = avx512_dot_f32,
	.silu_mul = avx512_silu_mul,
	.gelu_mul = avx512_gelu_mul,
	.attention = avx512_attention,
	.kv_store = avx512_kv_store,
};
#endif
