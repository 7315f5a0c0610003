/* avx512.h: what the files of the AVX-512 set share. */
#ifndef AVX512_H
#define AVX512_H

#include "blocks.h"

#include <float.h>
#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* 512 activations as this set reads them. By lanes: act_lane(). */
struct act_wide {
	int8_t q[PAIR];               /* in their own order */
	float scale[SUMS], sum[SUMS]; /* sum: scale * sum of q */
	int32_t minus[SUMS];          /* -128 * sum of q */
	int32_t half_minus[2][SUMS];  /* -32 * sums of q in first and second halves of groups */
	int16_t half_sum[SUMS][2];    /* those sums */
};

enum { HALF_MINUS_BITS = 5 }; /* as MINUS_BITS, for types whose halves have scales */

/* The bytes once more in the order in which few columns meet them; these follow the blocks of a row. A register has a
 * quad, four neighbours, of every fourth of the groups, so that products of two registers add up in their lanes,
 * and neighbours in two such sums are the lanes of kernels.h. */
struct act_quads {
	int8_t q[PAIR]; /* quad i of a group is the wide_quad()th */
};
_Static_assert(sizeof(struct act_wide) + sizeof(struct act_quads) <= ACT_BYTES, "room");

/* Registers of 64 bytes: first half of the even groups, their second halves, the same of the odd ones; two registers
 * each, of two quads. Lane c of 128 bits: a quad of group 2c (or 2c + 1) of superblock 0 and of superblock 1, then
 * the next quad of both. */
static inline int wide_quad(int super, int group, int quad)
{
	return 16 * (4 * (group % 2) + quad / 2) + 4 * (group / 2) + 2 * (quad % 2) + super;
}

static inline struct act_quads *act_quads(const void *row, int64_t n)
{
	return (struct act_quads *)((struct act_wide *)row + act_blocks(n));
}

/* matmul() of kernels.h for quantised types. */
void avx512_multiply(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first, int64_t last,
		     const uint8_t *act, size_t act_stride, int k, float *y, size_t y_stride);
/* The same for F32, F16 and BF16. */
void avx512_float_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
			 int64_t last, const float *x, size_t x_stride, int k, float *y, size_t y_stride);
float avx512_dot_f32(const float *a, const float *b, int64_t n);
void avx512_kv_store(int kv_type, const float *x, int64_t n, void *out);
void avx512_attention(int kv_type, const struct attention *, int64_t chunk, void *scratch, float *states);

INLINE float half_at(const uint8_t *p)
{
	uint16_t half;
	memcpy(&half, p, sizeof(half));
	return _cvtsh_ss(half);
}

INLINE __m128i load_bytes16(const uint8_t *p)
{
	return _mm_loadu_si128((const void *)p);
}

INLINE __m512 bytes_to_float16(__m128i bytes)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

INLINE float sum8(__m256 x)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE float sum16(__m512 x)
{
	return sum8(_mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)));
}

INLINE __mmask16 mask_of(int64_t left)
{
	return left >= 16 ? 0xffff : left <= 0 ? 0 : (__mmask16)((1 << left) - 1);
}

INLINE __m512 exp16(__m512 x)
{
	/* The second operand of min is what a NaN leaves. */
	__m512 top = _mm512_min_ps(_mm512_set1_ps(EXP_HIGHEST), x);
	__m512 k = _mm512_roundscale_ps(_mm512_mul_ps(top, _mm512_set1_ps(EXP_LOG2E)), 8);
	__m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(EXP_LN2_HI), top);
	r = _mm512_fnmadd_ps(k, _mm512_set1_ps(EXP_LN2_LO), r);
	__m512 p = _mm512_fmadd_ps(_mm512_set1_ps(EXP_C7), r, _mm512_set1_ps(EXP_C6));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP_C5));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP_C4));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP_C3));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
	__mmask16 zero = _mm512_cmp_ps_mask(x, _mm512_set1_ps(EXP_LOWEST), _CMP_LT_OQ);
	return _mm512_mask_blend_ps(zero, _mm512_scalef_ps(p, k), _mm512_setzero_ps());
}

/* Of 32 floats; a NaN is larger than everything. */
INLINE float largest_of(__m512 a, __m512 b)
{
	const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
	__m512i x = _mm512_and_si512(_mm512_castps_si512(a), magnitude);
	uint32_t bits =
		_mm512_reduce_max_epu32(_mm512_max_epu32(x, _mm512_and_si512(_mm512_castps_si512(b), magnitude)));
	float value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

INLINE float inverse_scale(float largest)
{
	return largest >= ACT_SMALLEST && largest <= FLT_MAX ? 127 / largest : 0;
}

/* 16 floats times inverse, rounded to the nearest; zeros where the inverse is. */
INLINE __m512i quantize16(__m512 x, float inverse)
{
	return _mm512_maskz_cvtps_epi32(inverse > 0 ? 0xffff : 0, _mm512_mul_ps(x, _mm512_set1_ps(inverse)));
}

#endif
