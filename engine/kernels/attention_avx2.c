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

/* Which of the positions i..i + 7 lie in the span, all bits set. */
INLINE __m256 span_mask(struct span span, int i)
{
	return _mm256_castsi256_ps(_mm256_andnot_si256(mask_of(span.first - i), mask_of(span.last - i)));
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

/* Keys i..i + 7. The cells of four bytes become two steps: the even bytes, the odd bytes. */
static void build_keys_q8(const struct tile *t, int i, struct span all, __m256i *out)
{
	size_t bytes = kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_k);
	const uint8_t *row[8];
	for (int j = 0; j < 8; j++)
		row[j] = tile_row(t->a->keys, bytes, t, i + j, all) + 2;
	for (int g = 0; g < t->wide_k / GROUP; g++) {
		__m256i x[8];
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			x[j] = _mm256_loadu_si256((const void *)(row[j] + g * KV_Q8_BYTES));
		transpose_cells(x);
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++, out += 4) {
			out[0] = _mm256_srai_epi16(_mm256_slli_epi16(x[j], 8), 8);
			out[2] = _mm256_srai_epi16(x[j], 8);
		}
	}
}

INLINE __m256 load_element(int kv_type, const uint8_t *row, int i, int n)
{
	return load_floats(kv_type == ENGINE_KV_F32 ? TYPE_F32 : TYPE_F16, row, i, n - i);
}

INLINE void build_keys_floats(int kv_type, const struct tile *t, int i, struct span all, __m256i *out)
{
	int n = t->a->head_k;
	size_t bytes = kernels_kv_row_bytes(kv_type, n);
	const uint8_t *row[8];
	for (int j = 0; j < 8; j++)
		row[j] = tile_row(t->a->keys, bytes, t, i + j, all);
	for (int e = 0; e < n; e += 8) {
		__m256i x[8];
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			x[j] = _mm256_castps_si256(load_element(kv_type, row[j], e, n));
		transpose_cells(x);
		for (int j = 0; j < 8; j++, out += 2)
			*out = x[j];
	}
}

static void build_keys(const struct tile *t, struct span all)
{
	bool q8 = t->kv_type == ENGINE_KV_Q8_0;
	size_t steps = (size_t)t->wide_k / (q8 ? 2 : 1);
	if (q8)
		build_scales(t, t->a->keys, kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_k), t->wide_k / GROUP, all,
			     t->key_scale);
	for (int i = all.first / 8 * 8; i < all.last; i += 8) {
		__m256i *out = (__m256i *)t->keys + (size_t)(i / KEYS) * steps * 2 + i / 8 % 2;
		if (q8)
			build_keys_q8(t, i, all, out);
		else if (t->kv_type == ENGINE_KV_F16)
			build_keys_floats(ENGINE_KV_F16, t, i, all, out);
		else
			build_keys_floats(ENGINE_KV_F32, t, i, all, out);
	}
}

/* Which position comes first in pair `pair` of 16 positions: as packing integers to 16 bits leaves them. */
INLINE int first_of_pair(int pair)
{
	return pair / 4 * 4 + pair % 2 * 2 + pair % 4 / 2 * 8;
}

/* Positions i..i + 15 as pairs. Elements come as interleaving leaves them: those that are 0..3 and those that are
 * 4..7 by eights. */
static void build_values_q8(const struct tile *t, int i, struct span all)
{
	size_t bytes = kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_v);
	for (int pair = 0; pair < 8; pair++) {
		const uint8_t *a = tile_row(t->a->values, bytes, t, i + first_of_pair(pair), all) + 2,
			      *b = tile_row(t->a->values, bytes, t, i + first_of_pair(pair) + 1, all) + 2;
		__m256i *out = (__m256i *)t->values + i + 2 * pair;
		for (int e = 0; e < t->wide_v; e += HALF, out += ATTENTION_CHUNK) {
			int at = e / GROUP * KV_Q8_BYTES + e % GROUP;
			__m256i x = _mm256_cvtepi8_epi16(load16(a + at)), y = _mm256_cvtepi8_epi16(load16(b + at));
			out[0] = _mm256_unpacklo_epi16(x, y);
			out[1] = _mm256_unpackhi_epi16(x, y);
		}
	}
}

INLINE void build_values_floats(int kv_type, const struct tile *t, struct span all)
{
	int n = t->a->head_v;
	size_t bytes = kernels_kv_row_bytes(kv_type, n);
	for (int i = all.first; i < all.last; i++) {
		const uint8_t *row = tile_row(t->a->values, bytes, t, i, all);
		float *out = (float *)t->values + i * KEYS;
		for (int e = 0; e < t->wide_v; e += KEYS, out += ATTENTION_CHUNK * KEYS) {
			_mm256_store_ps(out, load_element(kv_type, row, e, n));
			_mm256_store_ps(out + 8, load_element(kv_type, row, e + 8, n));
		}
	}
}

static void build_values(const struct tile *t, struct span all)
{
	if (t->kv_type == ENGINE_KV_F16)
		build_values_floats(ENGINE_KV_F16, t, all);
	else if (t->kv_type == ENGINE_KV_F32)
		build_values_floats(ENGINE_KV_F32, t, all);
	else {
		for (int i = all.first / KEYS * KEYS; i < all.last; i += KEYS)
			build_values_q8(t, i, all);
		build_scales(t, t->a->values, kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_v), t->wide_v / GROUP,
			     all, t->value_scale);
	}
}

INLINE __m256i magnitude(__m256 x)
{
	return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
}

INLINE float largest_of_lanes(__m256i x)
{
	__m128i four = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
	__m128i two = _mm_max_epu32(four, _mm_unpackhi_epi64(four, four));
	return _mm_cvtss_f32(_mm_castsi128_ps(_mm_max_epu32(two, _mm_shuffle_epi32(two, 1))));
}

/* 16 floats from q on, of which n are left, as 16-bit integers. Of four neighbours, the even ones become a cell and the
 * odd ones another. */
INLINE __m256i quantize_cells(const float *q, int n, __m256 inverse)
{
	const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3,
					       6, 7, 8, 9, 12, 13, 10, 11, 14, 15);
	__m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(load_up_to(q, n), inverse));
	__m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(load_up_to(q + 8, n - 8), inverse));
	__m256i x = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
	return _mm256_shuffle_epi8(x, order);
}

static void build_query(const struct tile *t, int row)
{
	const float *q = attention_query(t->a, row);
	int n = t->a->head_k;
	float *out = (float *)t->queries + (size_t)row * (size_t)t->wide_k;
	if (t->kv_type != ENGINE_KV_Q8_0) {
		memcpy(out, q, (size_t)n * sizeof(*q));
		t->query_scale[row] = t->a->scale * ATTENTION_LOG2E;
		return;
	}
	__m256i most = _mm256_setzero_si256();
	for (int i = 0; i < n; i += 8)
		most = _mm256_max_epu32(most, magnitude(load_up_to(q + i, n - i)));
	float largest = largest_of_lanes(most);
	bool sound = largest >= ACT_SMALLEST && largest <= FLT_MAX;
	t->query_scale[row] = largest / QUERY_LARGEST * (t->a->scale * ATTENTION_LOG2E);
	for (int i = 0; i < t->wide_k; i += 16)
		_mm256_store_si256((void *)((int16_t *)(void *)out + i),
				   sound ? quantize_cells(q + i, n - i, _mm256_set1_ps(QUERY_LARGEST / largest))
					 : _mm256_setzero_si256());
}

/* --- Products -------------------------------------------------------------------------------------------- */

/* Sums of `steps` steps for `rows` rows of cells, `stride` cells apart. */
INLINE void dots_q8(int rows, const int32_t *cells, size_t stride, const __m256i *tile, int steps, __m256i (*sum)[2])
{
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = _mm256_setzero_si256();
	for (int i = 0; i < steps; i++, tile += 2) {
		__m256i a = _mm256_load_si256(tile), b = _mm256_load_si256(tile + 1);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			__m256i x = _mm256_set1_epi32(cells[(size_t)r * stride + (size_t)i]);
			sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(x, a));
			sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(x, b));
		}
	}
}

INLINE void dots_floats(int rows, const float *cells, size_t stride, const float *tile, int steps, __m256 (*sum)[2])
{
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = _mm256_setzero_ps();
	for (int i = 0; i < steps; i++, tile += KEYS) {
		__m256 a = _mm256_load_ps(tile), b = _mm256_load_ps(tile + 8);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			__m256 x = _mm256_set1_ps(cells[(size_t)r * stride + (size_t)i]);
			sum[r][0] = _mm256_fmadd_ps(x, a, sum[r][0]);
			sum[r][1] = _mm256_fmadd_ps(x, b, sum[r][1]);
		}
	}
}

/* Scores of KEYS keys before they are scaled by the query's scale: kept where the scores go. */
INLINE void score_keys_q8(int rows, const struct tile *t, int first, int key)
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

INLINE void score_keys_floats(int rows, const struct tile *t, int first, int key)
{
	__m256 sum[ROWS][2];
	dots_floats(rows, (const float *)t->queries + (size_t)first * (size_t)t->wide_k, (size_t)t->wide_k,
		    (const float *)t->keys + (size_t)key * (size_t)t->wide_k, t->a->head_k, sum);
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++) {
		__m256 scale = _mm256_set1_ps(t->query_scale[first + r]);
		float *out = t->scores + r * ATTENTION_CHUNK + key;
		_mm256_store_ps(out, _mm256_mul_ps(sum[r][0], scale));
		_mm256_store_ps(out + 8, _mm256_mul_ps(sum[r][1], scale));
	}
}

INLINE void score(int rows, const struct tile *t, int first, struct span span)
{
	for (int key = span.first / KEYS * KEYS; key < span.last; key += KEYS)
		if (t->kv_type == ENGINE_KV_Q8_0)
			score_keys_q8(rows, t, first, key);
		else
			score_keys_floats(rows, t, first, key);
}

/* --- Weights ---------------------------------------------------------------------------------------------- */

static void set_weights(const struct tile *t, struct span span)
{
	int first = span.first / KEYS * KEYS, last = (span.last + KEYS - 1) / KEYS * KEYS;
	for (int g = 0; g < t->wide_v / GROUP; g++) {
		const float *scale = t->value_scale + g * ATTENTION_CHUNK;
		float *out = t->weight_scale + g * ATTENTION_CHUNK;
		__m256i most = _mm256_setzero_si256();
		for (int i = first; i < last; i += 8)
			most = _mm256_max_epu32(
				most, magnitude(_mm256_and_ps(span_mask(span, i), _mm256_load_ps(scale + i))));
		float largest = largest_of_lanes(most);
		bool sound = largest <= FLT_MAX;
		__m256 inverse = _mm256_set1_ps(sound && largest > 0 ? WEIGHT_LARGEST / largest : 0);
		t->value_unit[g] = sound ? largest / WEIGHT_LARGEST : NAN;
		for (int i = first; i < last; i += 8)
			_mm256_store_ps(out + i, _mm256_and_ps(span_mask(span, i),
							       _mm256_mul_ps(_mm256_load_ps(scale + i), inverse)));
	}
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

/* Weights of positions i..i + 15 as integers, for every group of values. */
INLINE void pack_weights(const struct tile *t, int r, int i, __m256 a, __m256 b)
{
	const float *scale = t->weight_scale + i;
	int16_t *out = t->weights + r * ATTENTION_CHUNK + i;
	for (int g = 0; g < t->wide_v / GROUP; g++, scale += ATTENTION_CHUNK, out += KEPT_ROWS * ATTENTION_CHUNK) {
		__m256i x = _mm256_cvtps_epi32(_mm256_mul_ps(a, _mm256_load_ps(scale)));
		__m256i y = _mm256_cvtps_epi32(_mm256_mul_ps(b, _mm256_load_ps(scale + 8)));
		_mm256_store_si256((void *)out, _mm256_packs_epi32(x, y));
	}
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

static void weigh(const struct tile *t, int r, struct span span, float *state)
{
	float *scores = t->scores + r * ATTENTION_CHUNK, most = largest_score(scores, span);
	__m256 largest = _mm256_set1_ps(most), even = _mm256_setzero_ps(), odd = even;
	for (int i = span.first / KEYS * KEYS; i < span.last; i += KEYS) {
		__m256 a = power_of_two(_mm256_sub_ps(_mm256_load_ps(scores + i), largest));
		__m256 b = power_of_two(_mm256_sub_ps(_mm256_load_ps(scores + i + 8), largest));
		a = _mm256_and_ps(a, span_mask(span, i));
		b = _mm256_and_ps(b, span_mask(span, i + 8));
		even = _mm256_add_ps(even, a);
		odd = _mm256_add_ps(odd, b);
		if (t->kv_type == ENGINE_KV_Q8_0) {
			pack_weights(t, r, i, a, b);
		} else {
			_mm256_store_ps(scores + i, a);
			_mm256_store_ps(scores + i + 8, b);
		}
	}
	memset(state, 0, ATTENTION_SUMS * sizeof(*state));
	state[0] = most;
	state[1] = sum8(_mm256_add_ps(even, odd));
}

/* --- Values ------------------------------------------------------------------------------------------------ */

INLINE void sum_values_q8(int rows, const struct tile *t, struct span span, float *sums, size_t stride)
{
	int first = span.first / KEYS * KEYS, steps = ((span.last + KEYS - 1) / KEYS * KEYS - first) / 2;
	for (int e = 0; e < t->wide_v; e += HALF, sums += HALF) {
		const int16_t *weights = t->weights + e / GROUP * KEPT_ROWS * ATTENTION_CHUNK + first;
		const __m256i *tile = (const __m256i *)t->values + (size_t)(e / HALF) * ATTENTION_CHUNK + first;
		__m256 unit = _mm256_set1_ps(t->value_unit[e / GROUP]);
		__m256i sum[ROWS][2];
		dots_q8(rows, (const int32_t *)(const void *)weights, ATTENTION_CHUNK / 2, tile, steps, sum);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			float *out = sums + (size_t)r * stride;
			__m256i a = _mm256_permute2x128_si256(sum[r][0], sum[r][1], 0x20);
			__m256i b = _mm256_permute2x128_si256(sum[r][0], sum[r][1], 0x31);
			_mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(a), unit));
			_mm256_storeu_ps(out + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(b), unit));
		}
	}
}

INLINE void sum_values_floats(int rows, const struct tile *t, struct span span, float *sums, size_t stride)
{
	for (int e = 0; e < t->wide_v; e += KEYS, sums += KEYS) {
		const float *tile = (const float *)t->values + (size_t)e * ATTENTION_CHUNK + span.first * KEYS;
		__m256 sum[ROWS][2];
		dots_floats(rows, t->scores + span.first, ATTENTION_CHUNK, tile, span.last - span.first, sum);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			_mm256_storeu_ps(sums + (size_t)r * stride, sum[r][0]);
			_mm256_storeu_ps(sums + (size_t)r * stride + 8, sum[r][1]);
		}
	}
}

INLINE void sum_values(int rows, const struct tile *t, struct span span, float *sums, size_t stride)
{
	if (t->kv_type == ENGINE_KV_Q8_0)
		sum_values_q8(rows, t, span, sums, stride);
	else
		sum_values_floats(rows, t, span, sums, stride);
}

void avx2_attention(int kv_type, const struct attention *a, int64_t chunk, void *scratch, float *states)
{
	attend(kv_type, a, chunk, scratch, states);
}
#endif
