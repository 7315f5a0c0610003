/* Attention and the rows of the KV cache with AVX-512. */
#if defined(__x86_64__)
#include "../engine.h"
#include "avx512.h"

enum { KEYS = 32 };

#include "attention_tiles.h"

#include <math.h>
#include <string.h>

/* --- Rows of the cache ----------------------------------------------------------------------------- */

static void store_q8(const float *x, int64_t n, uint8_t *out)
{
	for (int64_t i = 0; i < n; i += GROUP, out += KV_Q8_BYTES) {
		__m512 low = _mm512_maskz_loadu_ps(mask_of(n - i), x + i);
		__m512 high = _mm512_maskz_loadu_ps(mask_of(n - i - 16), x + i + 16);
		float largest = largest_of(low, high), inverse = inverse_scale(largest);
		uint16_t half = _cvtss_sh(largest / 127, 0);
		memcpy(out, &half, sizeof(half));
		_mm_storeu_si128((void *)(out + 2), _mm512_cvtepi32_epi8(quantize16(low, inverse)));
		_mm_storeu_si128((void *)(out + 18), _mm512_cvtepi32_epi8(quantize16(high, inverse)));
	}
}

void avx512_kv_store(int kv_type, const float *x, int64_t n, void *out)
{
	if (kv_type == ENGINE_KV_F32) {
		memcpy(out, x, (size_t)n * sizeof(*x));
	} else if (kv_type == ENGINE_KV_Q8_0) {
		store_q8(x, n, out);
	} else {
		for (int64_t i = 0; i < n; i += 16)
			_mm256_mask_storeu_epi16((uint16_t *)out + i, mask_of(n - i),
						 _mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask_of(n - i), x + i), 0));
	}
}

/* --- Tiles ------------------------------------------------------------------------------------------- */

typedef __m512 floats;
typedef __m512i ints;
enum { WIDTH = 16 };

#define f_load(p)        _mm512_load_ps(p)
#define f_store(p, x)    _mm512_store_ps(p, x)
#define f_storeu(p, x)   _mm512_storeu_ps(p, x)
#define f_set(x)         _mm512_set1_ps(x)
#define f_mul(x, y)      _mm512_mul_ps(x, y)
#define f_sub(x, y)      _mm512_sub_ps(x, y)
#define f_fma(x, y, z)   _mm512_fmadd_ps(x, y, z)
#define f_some(p, left)  _mm512_maskz_loadu_ps(mask_of(left), p)
#define i_load(p)        _mm512_load_si512(p)
#define i_set(x)         _mm512_set1_epi32(x)
#define i_and(x, y)      _mm512_and_si512(x, y)
#define i_max(x, y)      _mm512_max_epu32(x, y)
#define i_bits(x)        _mm512_castps_si512(x)
#define i_of(x)          _mm512_cvtps_epi32(x)
#define even_bytes(x)    _mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8)
#define odd_bytes(x)     _mm512_srai_epi16(x, 8)
#define low_pairs(x, y)  _mm512_unpacklo_epi16(x, y)
#define high_pairs(x, y) _mm512_unpackhi_epi16(x, y)
#define pack(x, y)       _mm512_packs_epi32(x, y)
#define widen(p)         _mm512_cvtepi8_epi16(_mm256_loadu_si256((const void *)(p)))

/* Which of the positions i..i + 15 lie in the span. */
INLINE __mmask16 span_mask(struct span span, int i)
{
	return mask_of(span.last - i) & (__mmask16)~mask_of(span.first - i);
}

INLINE __m512 within(struct span span, int i, __m512 x)
{
	bool whole = span.first <= i && i + 16 <= span.last;
	return whole ? x : _mm512_maskz_mov_ps(span_mask(span, i), x);
}

/* Sixteen rows of eight cells, two rows in a register: i and i + 4 for i below 4, then i + 4 and i + 8. Register j
 * becomes cell j of all rows. */
INLINE void transpose_cells(__m512i *x)
{
	__m512i t[8];
#pragma GCC unroll 4
	for (int i = 0; i < 8; i += 2) {
		t[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
	}
	for (int i = 0; i < 8; i += 4) {
		x[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		x[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		x[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		x[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		__m512i a = x[i], b = x[i + 4];
		x[i] = _mm512_shuffle_i32x4(a, b, 0x88);
		x[i + 4] = _mm512_shuffle_i32x4(a, b, 0xdd);
	}
}

/* The scales of the rows' groups as floats. */
INLINE void build_scales(const struct tile *t, const void *rows, size_t bytes, int groups, struct span all,
			 float *scale)
{
	uint16_t halves[ATTENTION_CHUNK];
	for (int g = 0; g < groups; g++, scale += ATTENTION_CHUNK) {
		const uint8_t *row = tile_row(rows, bytes, t, all.first, all) + g * KV_Q8_BYTES;
		for (int i = all.first; i < all.last; i++, row += bytes)
			memcpy(&halves[i], row, sizeof(*halves));
		for (int i = all.first / 16 * 16; i < all.last; i += 16)
			_mm512_store_ps(scale + i,
					_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(span_mask(all, i), halves + i)));
	}
}

INLINE __m512i two_rows(__m256i a, __m256i b)
{
	return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}

/* Group g of sixteen keys, whose first groups begin at row[]: register j has byte quad j of each. */
INLINE void load_cells_q8(const uint8_t *const *row, int g, __m512i *x)
{
#pragma GCC unroll 8
	for (int j = 0; j < 8; j++) {
		int first = j < 4 ? j : j + 4;
		x[j] = two_rows(_mm256_loadu_si256((const void *)(row[first] + g * KV_Q8_BYTES + 2)),
				_mm256_loadu_si256((const void *)(row[first + 4] + g * KV_Q8_BYTES + 2)));
	}
	transpose_cells(x);
}

/* Elements i..i + 7 of a row of floats; zeros from n on. */
INLINE __m256 load_eight(int kv_type, const uint8_t *row, int i, int n)
{
	__mmask8 mask = (__mmask8)mask_of(n - i);
	return kv_type == ENGINE_KV_F32 ? _mm256_maskz_loadu_ps(mask, row + 4 * i)
					: _mm256_cvtph_ps(_mm_maskz_loadu_epi16(mask, row + 2 * i));
}

INLINE void load_cells_floats(int kv_type, const uint8_t *const *row, int e, int n, __m512i *x)
{
#pragma GCC unroll 8
	for (int j = 0; j < 8; j++) {
		int first = j < 4 ? j : j + 4;
		x[j] = two_rows(_mm256_castps_si256(load_eight(kv_type, row[first], e, n)),
				_mm256_castps_si256(load_eight(kv_type, row[first + 4], e, n)));
	}
	transpose_cells(x);
}

INLINE float largest_of_lanes(__m512i x)
{
	return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)_mm512_reduce_max_epu32(x))));
}

/* 16 floats from q on, of which n are left, as 16-bit integers. Of four neighbours, the even ones become a cell and the
 * odd ones another. */
INLINE __m256i quantize_cells(const float *q, int n, float inverse)
{
	const __m256i order = _mm256_set_epi8(15, 14, 11, 10, 13, 12, 9, 8, 7, 6, 3, 2, 5, 4, 1, 0, 15, 14, 11, 10, 13,
					      12, 9, 8, 7, 6, 3, 2, 5, 4, 1, 0);
	__m512i x = quantize16(_mm512_maskz_loadu_ps(mask_of(n), q), inverse);
	return _mm256_shuffle_epi8(_mm512_cvtepi32_epi16(x), order);
}

/* --- Products -------------------------------------------------------------------------------------------- */

/* sum + x * y by pairs. Not the intrinsic: gcc 12 copies the sums from register to register around it. */
INLINE __m512i add_dots(__m512i sum, __m512i x, __m512i y)
{
	__asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));
	return sum;
}

/* The same with 32 bits of memory as every x. */
INLINE __m512i add_dots_of(__m512i sum, const int32_t *x, __m512i y)
{
	__asm__("vpdpwssd %1%{1to16%}, %2, %0" : "+v"(sum) : "m"(*x), "v"(y));
	return sum;
}

/* 2^x for x <= 0. The second operand of max is what a NaN leaves. */
INLINE __m512 power_of_two(__m512 x)
{
	x = _mm512_max_ps(_mm512_set1_ps(EXP2_LOWEST), x);
	__m512 k = _mm512_roundscale_ps(x, 8), r = _mm512_sub_ps(x, k), p = _mm512_set1_ps(EXP2_C5);
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP2_C4));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP2_C3));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP2_C2));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXP2_C1));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
	return _mm512_scalef_ps(p, k);
}

static float largest_score(const float *scores, struct span span)
{
	__m512 largest = _mm512_set1_ps(-INFINITY);
	for (int i = span.first / 16 * 16; i < span.last; i += 16)
		largest = _mm512_mask_max_ps(largest, span_mask(span, i), _mm512_load_ps(scores + i), largest);
	return _mm512_reduce_max_ps(largest);
}

INLINE void add_weights(__m512 *sum, __m512 a, __m512 b)
{
	sum[0] = _mm512_add_ps(_mm512_add_ps(sum[0], a), b);
}

INLINE float sum_weights(const __m512 *sum)
{
	return sum16(sum[0]);
}

/* --- Values ------------------------------------------------------------------------------------------------ */

/* A group's sums, in the order of elements and as floats. */
INLINE void store_sums(__m512i a, __m512i b, float unit, float *out)
{
	const __m512i low = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
	const __m512i high = _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
	__m512 x = _mm512_cvtepi32_ps(_mm512_permutex2var_epi32(a, low, b));
	__m512 y = _mm512_cvtepi32_ps(_mm512_permutex2var_epi32(a, high, b));
	_mm512_storeu_ps(out, _mm512_mul_ps(x, _mm512_set1_ps(unit)));
	_mm512_storeu_ps(out + 16, _mm512_mul_ps(y, _mm512_set1_ps(unit)));
}

#include "attention_wide.h"

INLINE void score_q8(int rows, const struct tile *t, int first, int key)
{
	__m512 sum[ROWS][2];
	int groups = t->wide_k / GROUP;
	const int32_t *cells = t->queries + (size_t)first * (size_t)t->wide_k;
	const __m512i *tile = (const __m512i *)t->keys + (size_t)(key / KEYS * groups) * GROUP;
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = _mm512_setzero_ps();
	for (int g = 0; g < groups; g++, cells += HALF, tile += GROUP) {
		const float *scale = t->key_scale + g * ATTENTION_CHUNK + key;
		__m512 low = _mm512_load_ps(scale), high = _mm512_load_ps(scale + 16);
		__m512i dot[ROWS][2];
		dots_q8(rows, cells, (size_t)t->wide_k, tile, HALF, dot);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			sum[r][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[r][0]), low, sum[r][0]);
			sum[r][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[r][1]), high, sum[r][1]);
		}
	}
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++) {
		__m512 scale = _mm512_set1_ps(t->query_scale[first + r]);
		float *out = t->scores + r * ATTENTION_CHUNK + key;
		_mm512_store_ps(out, _mm512_mul_ps(sum[r][0], scale));
		_mm512_store_ps(out + 16, _mm512_mul_ps(sum[r][1], scale));
	}
}

/* --- Few rows ------------------------------------------------------------------------------------------------ */

enum { FEW_SUMS = KEPT_ROWS };

#define f_from(x)   _mm512_cvtepi32_ps(x)
#define f_as(x)     _mm512_castsi512_ps(x)
#define f_halves(p) _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(p)))

INLINE __m512 load_halves(const uint8_t *row, int e, int n)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask_of(n - e), row + 2 * e));
}

#include "attention_few.h"

void avx512_attention(int kv_type, const struct attention *a, int64_t chunk, void *scratch, float *states)
{
	if (few_can(kv_type, a))
		attend_few(kv_type, a, chunk, scratch, states);
	else
		attend(kv_type, a, chunk, scratch, states);
}
#endif
