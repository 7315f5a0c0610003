/* Attention of several tokens at once with AVX-512: what a long prompt spends its time on.
 *
 * Keys are converted to floats in tiles that stay in the first-level cache and meet all
 * queries there; the values' sums of eight queries stay in registers. The order of sums is
 * that of kernels.h, so the bits are those of attention() token by token. */
#if defined(__x86_64__)
#include "../engine.h"
#include "avx512.h"

#include <math.h>
#include <string.h>

/* --- One token ------------------------------------------------------------------------------------ */

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

/* Elements i..i + 15 of a cache row; i is a multiple of 16. */
INLINE __m512 one_load_kv(int kv_type, const uint8_t *row, int i, __mmask16 mask)
{
	if (kv_type == ENGINE_KV_F32)
		return _mm512_maskz_loadu_ps(mask, row + 4 * i);
	if (kv_type == ENGINE_KV_F16)
		return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, row + 2 * i));
	const uint8_t *block = row + i / GROUP * KV_Q8_BYTES;
	__m512 d = _mm512_maskz_mov_ps(mask, _mm512_set1_ps(half_at(block)));
	return _mm512_mul_ps(d, bytes_to_float16(load16(block + 2 + i % GROUP)));
}

struct heads {
	const float *q;
	const uint8_t *keys, *values;
	size_t key_bytes, value_bytes;
	int group, head_k, head_v;
	int64_t count;
	float scale, *scores, *out;
};

enum {
	ONE_HEAD_MOST = 512, /* elements of a key that are converted once for all its queries */
	ONE_HEADS = 4,       /* whose sums of values stay in registers */
};

INLINE void one_score_keys(int kv_type, const struct heads *h)
{
	float key[ONE_HEAD_MOST];
	for (int64_t t = 0; t < h->count; t++) {
		const uint8_t *row = h->keys + (size_t)t * h->key_bytes;
		const float *k = key;
		if (kv_type == ENGINE_KV_F32)
			k = (const float *)(const void *)row;
		else
			for (int i = 0; i < h->head_k; i += 16)
				_mm512_mask_storeu_ps(key + i, mask_of(h->head_k - i),
						      one_load_kv(kv_type, row, i, mask_of(h->head_k - i)));
		for (int g = 0; g < h->group; g++)
			h->scores[g * h->count + t] =
				avx512_dot_f32(k, h->q + (size_t)g * (size_t)h->head_k, h->head_k) * h->scale;
	}
}

static float softmax(float *x, int64_t count)
{
	__m512 largest = _mm512_set1_ps(-INFINITY), sum = _mm512_setzero_ps();
	for (int64_t i = 0; i < count; i += 16)
		largest = _mm512_max_ps(largest, _mm512_mask_loadu_ps(largest, mask_of(count - i), x + i));
	largest = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
	for (int64_t i = 0; i < count; i += 16) {
		__mmask16 mask = mask_of(count - i);
		__m512 e = exp16(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), largest));
		_mm512_mask_storeu_ps(x + i, mask, e);
		sum = _mm512_mask_add_ps(sum, mask, sum, e);
	}
	return sum16(sum);
}

/* Elements i..i + 31 of the outputs of up to `group` heads, each value read once. */
INLINE void one_sum_values(int kv_type, const struct heads *h, int i, int first, int group, const float *sums)
{
	__m512 a[ONE_HEADS], b[ONE_HEADS];
	__mmask16 low = mask_of(h->head_v - i), high = mask_of(h->head_v - i - 16);
#pragma GCC unroll 4
	for (int g = 0; g < group; g++)
		a[g] = b[g] = _mm512_setzero_ps();
	const uint8_t *row = h->values;
	const float *score = h->scores + first * h->count;
	for (int64_t t = 0; t < h->count; t++, row += h->value_bytes) {
		__m512 x = one_load_kv(kv_type, row, i, low), y = one_load_kv(kv_type, row, high ? i + 16 : i, high);
#pragma GCC unroll 4
		for (int g = 0; g < group; g++) {
			__m512 p = _mm512_set1_ps(score[g * h->count + t]);
			a[g] = _mm512_fmadd_ps(p, x, a[g]);
			b[g] = _mm512_fmadd_ps(p, y, b[g]);
		}
	}
#pragma GCC unroll 4
	for (int g = 0; g < group; g++) {
		float *out = h->out + (size_t)(first + g) * (size_t)h->head_v + i;
		_mm512_mask_storeu_ps(out, low, _mm512_div_ps(a[g], _mm512_set1_ps(sums[g])));
		_mm512_mask_storeu_ps(out + 16, high, _mm512_div_ps(b[g], _mm512_set1_ps(sums[g])));
	}
}

INLINE void one_attend(int kv_type, const struct heads *h)
{
	one_score_keys(kv_type, h);
	for (int first = 0; first < h->group; first += ONE_HEADS) {
		int group = h->group - first < ONE_HEADS ? h->group - first : ONE_HEADS;
		float sums[ONE_HEADS];
#pragma GCC unroll 4
		for (int g = 0; g < group; g++)
			sums[g] = softmax(h->scores + (first + g) * h->count, h->count);
		for (int i = 0; i < h->head_v; i += 32)
			switch (group) {
			case 1: one_sum_values(kv_type, h, i, first, 1, sums); break;
			case 2: one_sum_values(kv_type, h, i, first, 2, sums); break;
			case 3: one_sum_values(kv_type, h, i, first, 3, sums); break;
			default: one_sum_values(kv_type, h, i, first, ONE_HEADS, sums);
			}
	}
}

void avx512_attention(int kv_type, const float *q, int group, int head_k, int head_v, const void *keys,
		      const void *values, int64_t count, float scale, float *scratch, float *out)
{
	struct heads h = {q,
			  keys,
			  values,
			  kernels_kv_row_bytes(kv_type, head_k),
			  kernels_kv_row_bytes(kv_type, head_v),
			  group,
			  head_k,
			  head_v,
			  count,
			  scale,
			  scratch,
			  out};
	if (kv_type == ENGINE_KV_F32)
		one_attend(ENGINE_KV_F32, &h);
	else if (head_k > ONE_HEAD_MOST)
		kernels_reference.attention(kv_type, q, group, head_k, head_v, keys, values, count, scale, scratch,
					    out);
	else if (kv_type == ENGINE_KV_F16)
		one_attend(ENGINE_KV_F16, &h);
	else
		one_attend(ENGINE_KV_Q8_0, &h);
}

/* --- Several tokens ------------------------------------------------------------------------------- */

enum {
	TILE_KEYS = 32,  /* keys converted at once */
	HEAD_MOST = 256, /* elements: the tile has 32 KiB at most */
	KEYS = 4,        /* keys and */
	QUERIES = 2,     /* queries whose dot products are summed at once */
	VALUE_ROWS = 8,  /* queries whose sums of values are */
};

/* Elements i..i + 15 of a cache row; i is a multiple of 16. */
INLINE __m512 load_kv(int kv_type, const uint8_t *row, int i)
{
	uint16_t half;
	if (kv_type == ENGINE_KV_F32)
		return _mm512_loadu_ps(row + 4 * i);
	if (kv_type == ENGINE_KV_F16)
		return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(row + 2 * i)));
	const uint8_t *block = row + i / GROUP * KV_Q8_BYTES;
	memcpy(&half, block, sizeof(half));
	__m128i bytes = _mm_loadu_si128((const void *)(block + 2 + i % GROUP));
	return _mm512_mul_ps(_mm512_set1_ps(_cvtsh_ss(half)), _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)));
}

static int row_count(const struct attention_block *a)
{
	return a->tokens * a->group;
}

/* Query row r = token * group + head of the group. */
static const float *query(const struct attention_block *a, int r)
{
	return a->q + (size_t)(r / a->group) * a->q_stride + (size_t)(r % a->group) * (size_t)a->head_k;
}

static size_t score_stride(const struct attention_block *a)
{
	return (size_t)(a->count + a->tokens - 1 + ATTENTION_PAD) / 16 * 16;
}

/* Eight sums of sixteen lanes each, added in the order of kernels.h. */
INLINE __m256 sum_each(const __m512 v[8])
{
	__m256 y[8], a[4], b[2];
	for (int i = 0; i < 8; i++)
		y[i] = _mm256_add_ps(_mm512_castps512_ps256(v[i]), _mm512_extractf32x8_ps(v[i], 1));
	for (int i = 0; i < 4; i++)
		a[i] = _mm256_add_ps(_mm256_permute2f128_ps(y[i], y[i + 4], 0x20),
				     _mm256_permute2f128_ps(y[i], y[i + 4], 0x31));
	for (int i = 0; i < 2; i++)
		b[i] = _mm256_add_ps(_mm256_shuffle_ps(a[2 * i], a[2 * i + 1], 0x44),
				     _mm256_shuffle_ps(a[2 * i], a[2 * i + 1], 0xee));
	return _mm256_add_ps(_mm256_shuffle_ps(b[0], b[1], 0x88), _mm256_shuffle_ps(b[0], b[1], 0xdd));
}

/* Dot products of two queries with four keys of the tile: lanes 0..3 of the first, 4..7 of the second. */
INLINE __m256 dot_products(const float *q0, const float *q1, const float *keys, int n)
{
	__m512 even[8], odd[8];
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		even[i] = odd[i] = _mm512_setzero_ps();
	for (int i = 0; i < n; i += LANES) {
		bool more = i + 16 < n;
		__m512 a0 = _mm512_loadu_ps(q0 + i), a1 = _mm512_loadu_ps(q1 + i);
		__m512 b0 = more ? _mm512_loadu_ps(q0 + i + 16) : _mm512_setzero_ps();
		__m512 b1 = more ? _mm512_loadu_ps(q1 + i + 16) : _mm512_setzero_ps();
#pragma GCC unroll 4
		for (int k = 0; k < KEYS; k++) {
			const float *key = keys + k * n + i;
			__m512 low = _mm512_load_ps(key), high = more ? _mm512_load_ps(key + 16) : low;
			even[k] = _mm512_fmadd_ps(low, a0, even[k]);
			even[k + KEYS] = _mm512_fmadd_ps(low, a1, even[k + KEYS]);
			odd[k] = _mm512_fmadd_ps(high, b0, odd[k]);
			odd[k + KEYS] = _mm512_fmadd_ps(high, b1, odd[k + KEYS]);
		}
	}
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		even[i] = _mm512_add_ps(even[i], odd[i]);
	return sum_each(even);
}

/* Scores of keys first..first + TILE_KEYS - 1, which lie in the tile, with every query. */
static void score_tile(const struct attention_block *a, const float *tile, int64_t first, int keys)
{
	int rows = row_count(a);
	size_t stride = score_stride(a);
	__m256 scale = _mm256_set1_ps(a->scale);
	for (int r = 0; r < rows; r += QUERIES) {
		int second = r + 1 < rows ? r + 1 : r;
		const float *q0 = query(a, r), *q1 = query(a, second);
		float *s0 = a->scratch + (size_t)r * stride + first, *s1 = a->scratch + (size_t)second * stride + first;
		for (int k = 0; k < keys; k += KEYS) {
			__m256 s = _mm256_mul_ps(dot_products(q0, q1, tile + k * a->head_k, a->head_k), scale);
			_mm_storeu_ps(s0 + k, _mm256_castps256_ps128(s));
			_mm_storeu_ps(s1 + k, _mm256_extractf128_ps(s, 1));
		}
	}
}

INLINE void score_keys(int kv_type, const struct attention_block *a)
{
	float tile[TILE_KEYS * HEAD_MOST] __attribute__((aligned(64)));
	int64_t total = a->count + a->tokens - 1;
	size_t bytes = kernels_kv_row_bytes(kv_type, a->head_k);
	for (int64_t first = 0; first < total; first += TILE_KEYS) {
		int keys = total - first < TILE_KEYS ? (int)(total - first) : TILE_KEYS;
		for (int k = 0; k < keys; k++)
			for (int i = 0; i < a->head_k; i += 16)
				_mm512_store_ps(
					tile + k * a->head_k + i,
					load_kv(kv_type, (const uint8_t *)a->keys + (size_t)(first + k) * bytes, i));
		for (int k = keys; k % KEYS; k++)
			memset(tile + k * a->head_k, 0, (size_t)a->head_k * sizeof(*tile));
		score_tile(a, tile, first, keys);
	}
}

/* Each row becomes e^(score - largest) where its token may look, and 0 after that. */
static void weigh(const struct attention_block *a, float *sums)
{
	int64_t total = a->count + a->tokens - 1;
	for (int r = 0; r < row_count(a); r++) {
		float *row = a->scratch + (size_t)r * score_stride(a);
		int64_t count = a->count + r / a->group;
		sums[r] = softmax(row, count);
		memset(row + count, 0, (size_t)(total - count) * sizeof(*row));
	}
}

/* Elements i..i + 31 of the outputs of eight rows. */
INLINE void sum_values(int kv_type, const struct attention_block *a, int i, int first, const float *sums)
{
	__m512 x[VALUE_ROWS], y[VALUE_ROWS];
	const float *weight[VALUE_ROWS];
	int rows = row_count(a), row[VALUE_ROWS];
	size_t bytes = kernels_kv_row_bytes(kv_type, a->head_v);
	bool more = i + 16 < a->head_v;
	for (int r = 0; r < VALUE_ROWS; r++) {
		row[r] = first + r < rows ? first + r : rows - 1;
		weight[r] = a->scratch + (size_t)row[r] * score_stride(a);
		x[r] = y[r] = _mm512_setzero_ps();
	}
	const uint8_t *value = a->values;
	for (int64_t t = 0; t < a->count + a->tokens - 1; t++, value += bytes) {
		__m512 low = load_kv(kv_type, value, i), high = load_kv(kv_type, value, more ? i + 16 : i);
#pragma GCC unroll 8
		for (int r = 0; r < VALUE_ROWS; r++) {
			__m512 w = _mm512_set1_ps(weight[r][t]);
			x[r] = _mm512_fmadd_ps(w, low, x[r]);
			y[r] = _mm512_fmadd_ps(w, high, y[r]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < VALUE_ROWS; r++) {
		float *out = a->out + (size_t)(row[r] / a->group) * a->out_stride +
			     (size_t)(row[r] % a->group) * (size_t)a->head_v + i;
		__m512 sum = _mm512_set1_ps(sums[row[r]]);
		_mm512_storeu_ps(out, _mm512_div_ps(x[r], sum));
		if (more)
			_mm512_storeu_ps(out + 16, _mm512_div_ps(y[r], sum));
	}
}

INLINE void attend(int kv_type, const struct attention_block *a)
{
	float *sums = a->scratch + (size_t)row_count(a) * score_stride(a);
	score_keys(kv_type, a);
	weigh(a, sums);
	for (int first = 0; first < row_count(a); first += VALUE_ROWS)
		for (int i = 0; i < a->head_v; i += 32)
			sum_values(kv_type, a, i, first, sums);
}

bool avx512_attention_block(int kv_type, const struct attention_block *a)
{
	if (a->head_k % 16 || a->head_v % 16 || a->head_k > HEAD_MOST)
		return false;
	if (kv_type == ENGINE_KV_F32)
		attend(ENGINE_KV_F32, a);
	else if (kv_type == ENGINE_KV_F16)
		attend(ENGINE_KV_F16, a);
	else
		attend(ENGINE_KV_Q8_0, a);
	return true;
}
#endif
