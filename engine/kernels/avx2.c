/* Kernels for x86-64 with AVX2, FMA and F16C: quantised products without byte dot products, and the small
 * operations that the other 256-bit sets share. */
#if defined(__x86_64__)
#include "../engine.h"

#include <math.h>

#define PRODUCT256 avx2_matmul
#include "product256.h"

/* --- Small operations ---------------------------------------------------------------------------------------- */

void avx2_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out)
{
	__m256 scale = _mm256_set1_ps(1 / sqrtf(avx2_dot_f32(x, x, n) / (float)n + eps));
	for (int64_t i = 0; i < n; i += 8) {
		__m256 y = _mm256_mul_ps(load_up_to(x + i, n - i), scale);
		store_up_to(out + i, n - i, _mm256_mul_ps(y, load_up_to(weight + i, n - i)));
	}
}

INLINE __m256 over_one_plus_exp(__m256 x, __m256 exponent)
{
	return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1), exp8(exponent)));
}

INLINE __m256 negative(__m256 x)
{
	return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
}

void avx2_silu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 8) {
		__m256 x = load_up_to(gate + i, n - i);
		__m256 y = _mm256_mul_ps(over_one_plus_exp(x, negative(x)), load_up_to(up + i, n - i));
		store_up_to(out + i, n - i, y);
	}
}

void avx2_gelu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 8) {
		__m256 x = load_up_to(gate + i, n - i);
		__m256 cube = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_set1_ps(GELU_CUBE), x), x, _mm256_set1_ps(1));
		__m256 twice = _mm256_mul_ps(_mm256_set1_ps(GELU_SCALE), _mm256_mul_ps(x, cube));
		__m256 y = _mm256_mul_ps(over_one_plus_exp(x, negative(twice)), load_up_to(up + i, n - i));
		store_up_to(out + i, n - i, y);
	}
}

INLINE int sum_bytes(__m128i q)
{
	__m128i x = _mm_madd_epi16(_mm_maddubs_epi16(_mm_set1_epi8(1), q), _mm_set1_epi16(1));
	x = _mm_add_epi32(x, _mm_unpackhi_epi64(x, x));
	return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 1)));
}

/* The scale that leaves the smallest squares of errors; largest / 127 where all bytes are zero. */
INLINE float best_scale(const __m256 *x, __m256i q, float largest)
{
	__m256i magnitudes = _mm256_abs_epi8(q), squares = pair_sums(_mm256_maddubs_epi16(magnitudes, magnitudes));
	__m128i four = _mm_add_epi32(_mm256_castsi256_si128(squares), _mm256_extracti128_si256(squares, 1));
	__m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
	int sum = _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
	__m128i low = _mm256_castsi256_si128(q), high = _mm256_extracti128_si256(q, 1);
	__m256 a = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low)), x[0]);
	__m256 b = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(low, 8))), x[1]);
	a = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high)), x[2], a);
	b = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(high, 8))), x[3], b);
	return sum ? sum8(_mm256_add_ps(a, b)) / (float)sum : largest / 127;
}

void avx2_quantize(const float *x, int64_t n, void *out)
{
	struct act_block *block = out;
	clear_last(out, n);
	for (int64_t i = 0; i < n; i += GROUP) {
		struct act_block *b = &block[i / PAIR];
		int super = (int)(i / SUPER % 2), j = (int)(i % SUPER / GROUP);
		const __m256 group[4] = {_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i + 8),
					 _mm256_loadu_ps(x + i + 16), _mm256_loadu_ps(x + i + 24)};
		float largest = largest_of(group);
		__m256i q = quantize_group(group, largest);
		int8_t *to = b->q[super] + act_byte(j * GROUP);
		_mm_store_si128((void *)to, _mm256_castsi256_si128(q));
		_mm_store_si128((void *)(to + 64), _mm256_extracti128_si256(q, 1));
		b->scale[act_lane(super, j)] = best_scale(group, q, largest);
		set_sums(b, super, j,
			 (int[]){sum_bytes(_mm256_castsi256_si128(q)), sum_bytes(_mm256_extracti128_si256(q, 1))});
	}
}

const struct kernels kernels_avx2 = {
	.name = "avx2",
	.quantize = avx2_quantize,
	.matmul = avx2_matmul,
	.to_float = reference_to_float,
	.rms_norm = avx2_rms_norm,
	.dot_f32 = avx2_dot_f32,
	.silu_mul = avx2_silu_mul,
	.gelu_mul = avx2_gelu_mul,
	.attention = avx2_attention,
	.kv_store = avx2_kv_store,
};
#endif
