/* avx2.h: what the files of the AVX2 set share. */
#ifndef AVX2_H
#define AVX2_H

#include "blocks.h"

#include <float.h>
#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

void avx2_float_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
		       int64_t last, const float *x, size_t x_stride, int k, float *y, size_t y_stride);
void avx2_quantize(const float *x, int64_t n, void *out);
void avx2_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out);
void avx2_silu_mul(const float *gate, const float *up, int64_t n, float *out);
void avx2_gelu_mul(const float *gate, const float *up, int64_t n, float *out);
float avx2_dot_f32(const float *a, const float *b, int64_t n);
void avx2_kv_store(int kv_type, const float *x, int64_t n, void *out);
void avx2_attention(int kv_type, const struct attention *, int64_t chunk, void *scratch, float *states);

INLINE float half_at(const uint8_t *p)
{
	uint16_t half;
	memcpy(&half, p, sizeof(half));
	return _cvtsh_ss(half);
}

INLINE __m128i load16(const uint8_t *p)
{
	return _mm_loadu_si128((const void *)p);
}

INLINE float sum8(__m256 x)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The first `left` of eight lanes, all bits set. */
INLINE __m256i mask_of(int64_t left)
{
	int count = left > 8 ? 8 : left < 0 ? 0 : (int)left;
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Up to eight floats; zeros after them. */
INLINE __m256 load_up_to(const float *x, int64_t left)
{
	return left >= 8 ? _mm256_loadu_ps(x) : _mm256_maskload_ps(x, mask_of(left));
}

INLINE __m256 load_floats(enum tensor_type type, const uint8_t *row, int64_t i, int64_t left)
{
	if (type == TYPE_F32)
		return load_up_to((const float *)(const void *)row + i, left);
	uint16_t rest[8] = {0};
	const uint8_t *at = row + 2 * i;
	if (left < 8)
		at = memcpy(rest, at, left > 0 ? (size_t)left * 2 : 0);
	__m128i x = load16(at);
	if (type == TYPE_F16)
		return _mm256_cvtph_ps(x);
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}

INLINE __m256 exp8(__m256 x)
{
	/* The second operand of min is what a NaN leaves. */
	__m256 top = _mm256_min_ps(_mm256_set1_ps(EXP_HIGHEST), x);
	__m256 k = _mm256_round_ps(_mm256_mul_ps(top, _mm256_set1_ps(EXP_LOG2E)), 8);
	__m256 r = _mm256_fnmadd_ps(k, _mm256_set1_ps(EXP_LN2_HI), top);
	r = _mm256_fnmadd_ps(k, _mm256_set1_ps(EXP_LN2_LO), r);
	__m256 p = _mm256_fmadd_ps(_mm256_set1_ps(EXP_C7), r, _mm256_set1_ps(EXP_C6));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C5));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C4));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP_C3));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
	__m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127)), 23);
	__m256 zero = _mm256_cmp_ps(x, _mm256_set1_ps(EXP_LOWEST), _CMP_LT_OQ);
	return _mm256_andnot_ps(zero, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
}

INLINE void store_up_to(float *out, int64_t left, __m256 x)
{
	if (left >= 8)
		_mm256_storeu_ps(out, x);
	else
		_mm256_maskstore_ps(out, mask_of(left), x);
}

/* Of 32 floats; a NaN is larger than everything. */
INLINE float largest_of(const __m256 *x)
{
	__m256i largest = _mm256_setzero_si256();
	for (int i = 0; i < 4; i++)
		largest = _mm256_max_epu32(largest,
					   _mm256_and_si256(_mm256_castps_si256(x[i]), _mm256_set1_epi32(0x7fffffff)));
	__m128i four = _mm_max_epu32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
	__m128i two = _mm_max_epu32(four, _mm_unpackhi_epi64(four, four));
	return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epu32(two, _mm_shuffle_epi32(two, 1))));
}

/* 32 floats as bytes by a common scale, largest / 127; zeros where that has no finite inverse. */
INLINE __m256i quantize_group(const __m256 *x, float largest)
{
	if (!(largest >= ACT_SMALLEST && largest <= FLT_MAX))
		return _mm256_setzero_si256();
	const __m256 inverse = _mm256_set1_ps(127 / largest);
	__m256i q[4];
	for (int i = 0; i < 4; i++)
		q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], inverse));
	__m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
	return _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

#endif
