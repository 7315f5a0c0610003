/* Attention and the rows of the KV cache with AVX2. */
#if defined(__x86_64__)
#include "../engine.h"
#include "avx2.h"

enum { KEYS = 16 };

#include "attention_tiles.h"

#include <math.h>
#include <string.h>

/* --- Rows of the cache ----------------------------------------------------------------------------- */

static void store_q8(const float *x, int64_t n, uint8_t *out)
{
	for (int64_t i = 0; i < n; i += GROUP, out += KV_Q8_BYTES) {
		__m256 group[4];
		for (int part = 0; part < 4; part++)
			group[part] = load_up_to(x + i + 8 * part, n - i - 8 * part);
		float largest = largest_of(group);
		uint16_t half = _cvtss_sh(largest / 127, 0);
		memcpy(out, &half, sizeof(half));
		_mm256_storeu_si256((void *)(out + 2), quantize_group(group, largest));
	}
}

static void store_halves(const float *x, int64_t n, uint8_t *out)
{
	for (int64_t i = 0; i < n; i += 8) {
		__m128i halves = _mm256_cvtps_ph(load_up_to(x + i, n - i), 0);
		memcpy(out + 2 * i, &halves, n - i < 8 ? (size_t)(n - i) * 2 : sizeof(halves));
	}
}

void avx2_kv_store(int kv_type, const float *x, int64_t n, void *out)
{
	if (kv_type == ENGINE_KV_F32)
		memcpy(out, x, (size_t)n * sizeof(*x));
	else if (kv_type == ENGINE_KV_Q8_0)
		store_q8(x, n, out);
	else
		store_halves(x, n, out);
}

/* --- Tiles ------------------------------------------------------------------------------------------- */

typedef __m256 floats;
typedef __m256i ints;
enum { WIDTH = 8 };

#define f_load(p)        _mm256_load_ps(p)
#define f_store(p, x)    _mm256_store_ps(p, x)
#define f_storeu(p, x)   _mm256_storeu_ps(p, x)
#define f_set(x)         _mm256_set1_ps(x)
#define f_mul(x, y)      _mm256_mul_ps(x, y)
#define f_sub(x, y)      _mm256_sub_ps(x, y)
#define f_fma(x, y, z)   _mm256_fmadd_ps(x, y, z)
#define f_some(p, left)  load_up_to(p, left)
#define i_load(p)        _mm256_load_si256(p)
#define i_set(x)         _mm256_set1_epi32(x)
#define i_and(x, y)      _mm256_and_si256(x, y)
#define i_max(x, y)      _mm256_max_epu32(x, y)
#define i_bits(x)        _mm256_castps_si256(x)
#define i_of(x)          _mm256_cvtps_epi32(x)
#define even_bytes(x)    _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8)
#define odd_bytes(x)     _mm256_srai_epi16(x, 8)
#define low_pairs(x, y)  _mm256_unpacklo_epi16(x, y)
#define high_pairs(x, y) _mm256_unpackhi_epi16(x, y)
#define pack(x, y)       _mm256_packs_epi32(x, y)
#define widen(p)         _mm256_cvtepi8_epi16(load16(p))

/* sum + x * y by pairs. The empty instruction keeps gcc from adding many products in a tree, which no registers hold. */
INLINE __m256i add_dots(__m256i sum, __m256i x, __m256i y)
{
	sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
	__asm__("" : "+x"(sum));
	return sum;
}

/* Which of the positions i..i + 7 lie in the span, all bits set. */
INLINE __m256 span_mask(struct span span, int i)
{
	return _mm256_castsi256_ps(_mm256_andnot_si256(mask_of(span.first - i), mask_of(span.last - i)));
}

INLINE __m256 within(struct span span, int i, __m256 x)
{
	bool whole = span.first <= i && i + 8 <= span.last;
	return whole ? x : _mm256_and_ps(span_mask(span, i), x);
}

/* Eight rows of eight cells: register j becomes cell j of all rows. */
INLINE void transpose_cells(__m256i *x)
{
	__m256i t[8];
#pragma GCC unroll 4
	for (int i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_epi32(x[i], x[i + 1]);
		t[i + 1] = _mm256_unpackhi_epi32(x[i], x[i + 1]);
	}
#pragma GCC unroll 2
	for (int i = 0; i < 8; i += 4) {
		x[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
		x[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
		x[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
		x[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		__m256i a = x[i], b = x[i + 4];
		x[i] = _mm256_permute2x128_si256(a, b, 0x20);
		x[i + 4] = _mm256_permute2x128_si256(a, b, 0x31);
	}
}

/* The scales of the rows' groups as floats. */
static void build_scales(const struct tile *t, const void *rows, size_t bytes, int groups, struct span all,
			 float *scale)
{
	uint16_t halves[ATTENTION_CHUNK];
	memset(halves, 0, sizeof(halves));
	for (int g = 0; g < groups; g++, scale += ATTENTION_CHUNK) {
		const uint8_t *row = tile_row(rows, bytes, t, all.first, all) + g * KV_Q8_BYTES;
		for (int i = all.first; i < all.last; i++, row += bytes)
			memcpy(&halves[i], row, sizeof(*halves));
		for (int i = all.first / 8 * 8; i < all.last; i += 8)
			_mm256_store_ps(scale + i, _mm256_cvtph_ps(load16((const void *)(halves + i))));
	}
}

INLINE void load_cells_q8(const uint8_t *const *row, int g, __m256i *x)
{
#pragma GCC unroll 8
	for (int j = 0; j < 8; j++)
		x[j] = _mm256_loadu_si256((const void *)(row[j] + g * KV_Q8_BYTES + 2));
	transpose_cells(x);
}

/* Elements i..i + 7 of a row of floats; zeros from n on. */
INLINE __m256 load_eight(int kv_type, const uint8_t *row, int i, int n)
{
	return load_floats(kv_type == ENGINE_KV_F32 ? TYPE_F32 : TYPE_F16, row, i, n - i);
}

INLINE void load_cells_floats(int kv_type, const uint8_t *const *row, int e, int n, __m256i *x)
{
#pragma GCC unroll 8
	for (int j = 0; j < 8; j++)
		x[j] = _mm256_castps_si256(load_eight(kv_type, row[j], e, n));
	transpose_cells(x);
}

INLINE float largest_of_lanes(__m256i x)
{
	__m128i four = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
	__m128i two = _mm_max_epu32(four, _mm_unpackhi_epi64(four, four));
	return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epu32(two, _mm_shuffle_epi32(two, 1))));
}

/* 16 floats from q on, of which n are left, as 16-bit integers. Of four neighbours, the even ones become a cell and the
 * odd ones another. */
INLINE __m256i quantize_cells(const float *q, int n, float scale)
{
	const __m256 inverse = _mm256_set1_ps(scale);
	const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3,
					       6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
	__m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(load_up_to(q, n), inverse));
	__m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(load_up_to(q + 8, n - 8), inverse));
	__m256i x = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
	return _mm256_shuffle_epi8(x, order);
}

/* 2^x for x <= 0. The second operand of max is what a NaN leaves. */
INLINE __m256 power_of_two(__m256 x)
{
	x = _mm256_max_ps(_mm256_set1_ps(EXP2_LOWEST), x);
	__m256 k = _mm256_round_ps(x, 8), r = _mm256_sub_ps(x, k), p = _mm256_set1_ps(EXP2_C5);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP2_C4));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP2_C3));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP2_C2));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(EXP2_C1));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
	__m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127)), 23);
	return _mm256_mul_ps(p, _mm256_castsi256_ps(power));
}

static float largest_score(const float *scores, struct span span)
{
	__m256 largest = _mm256_set1_ps(-INFINITY);
	float lane[8], most = -INFINITY;
	for (int i = span.first / 8 * 8; i < span.last; i += 8) {
		__m256 x = _mm256_max_ps(_mm256_load_ps(scores + i), largest);
		largest = _mm256_blendv_ps(largest, x, span_mask(span, i));
	}
	_mm256_storeu_ps(lane, largest);
	for (int i = 0; i < 8; i++)
		most = lane[i] > most ? lane[i] : most;
	return most;
}

INLINE void add_weights(__m256 *sum, __m256 a, __m256 b)
{
	sum[0] = _mm256_add_ps(sum[0], a);
	sum[1] = _mm256_add_ps(sum[1], b);
}

INLINE float sum_weights(const __m256 *sum)
{
	return sum8(_mm256_add_ps(sum[0], sum[1]));
}

/* Two registers' sums, in the order of elements and as floats. */
INLINE void store_sums(__m256i a, __m256i b, float unit, float *out)
{
	__m256 x = _mm256_cvtepi32_ps(_mm256_permute2x128_si256(a, b, 0x20));
	__m256 y = _mm256_cvtepi32_ps(_mm256_permute2x128_si256(a, b, 0x31));
	_mm256_storeu_ps(out, _mm256_mul_ps(x, _mm256_set1_ps(unit)));
	_mm256_storeu_ps(out + 8, _mm256_mul_ps(y, _mm256_set1_ps(unit)));
}

#include "attention_wide.h"

/* Scores of KEYS keys before they are scaled by the query's scale: kept where the scores go. */
INLINE void score_q8(int rows, const struct tile *t, int first, int key)
{
	int groups = t->wide_k / GROUP;
	const int32_t *cells = t->queries + (size_t)first * (size_t)t->wide_k;
	const __m256i *tile = (const __m256i *)t->keys + (size_t)(key / KEYS * groups) * GROUP;
	for (int g = 0; g < groups; g++, cells += HALF, tile += GROUP) {
		const float *scale = t->key_scale + g * ATTENTION_CHUNK + key;
		__m256i dot[ROWS][2];
		dots_q8(rows, cells, (size_t)t->wide_k, tile, HALF, dot);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
			for (int i = 0; i < 2; i++) {
				float *out = t->scores + r * ATTENTION_CHUNK + key + 8 * i;
				__m256 sum = g ? _mm256_load_ps(out) : _mm256_setzero_ps();
				sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[r][i]), _mm256_load_ps(scale + 8 * i),
						      sum);
				if (g + 1 == groups)
					sum = _mm256_mul_ps(sum, _mm256_set1_ps(t->query_scale[first + r]));
				_mm256_store_ps(out, sum);
			}
	}
}

/* --- Few rows ------------------------------------------------------------------------------------------------ */

enum { FEW_SUMS = 6 };

#define f_from(x)            _mm256_cvtepi32_ps(x)
#define f_as(x)              _mm256_castsi256_ps(x)
#define f_halves(p)          _mm256_cvtph_ps(load16((const void *)(p)))
#define add_dots_of(s, p, x) add_dots(s, _mm256_set1_epi32(*(p)), x)

INLINE __m256 load_halves(const uint8_t *row, int e, int n)
{
	return load_floats(TYPE_F16, row, e, n - e);
}

#include "attention_few.h"

void avx2_attention(int kv_type, const struct attention *a, int64_t chunk, void *scratch, float *states)
{
	if (few_can(kv_type, a))
		attend_few(kv_type, a, chunk, scratch, states);
	else
		attend(kv_type, a, chunk, scratch, states);
}
#endif
