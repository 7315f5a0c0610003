/* Attention and the rows of the KV cache with AVX2. */
#if defined(__x86_64__)
#include "../engine.h"
#include "avx2.h"

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

/* Elements i..i + 7 of a cache row of n; i is a multiple of 8. */
INLINE __m256 load_kv(int kv_type, const uint8_t *row, int i, int n)
{
	if (kv_type != ENGINE_KV_Q8_0)
		return load_floats(kv_type == ENGINE_KV_F32 ? TYPE_F32 : TYPE_F16, row, i, n - i);
	const uint8_t *block = row + i / GROUP * KV_Q8_BYTES;
	__m128i bytes = _mm_loadl_epi64((const void *)(block + 2 + i % GROUP));
	return _mm256_mul_ps(_mm256_set1_ps(half_at(block)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)));
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
	HEAD_MOST = 512, /* elements of a key that are converted once for all its queries */
	HEADS = 4,       /* whose sums of values stay in registers */
};

INLINE void score_keys(int kv_type, const struct heads *h)
{
	float key[HEAD_MOST];
	for (int64_t t = 0; t < h->count; t++) {
		const uint8_t *row = h->keys + (size_t)t * h->key_bytes;
		const float *k = key;
		if (kv_type == ENGINE_KV_F32)
			k = (const float *)(const void *)row;
		else
			for (int i = 0; i < h->head_k; i += 8)
				store_up_to(key + i, h->head_k - i, load_kv(kv_type, row, i, h->head_k));
		for (int g = 0; g < h->group; g++)
			h->scores[g * h->count + t] =
				avx2_dot_f32(k, h->q + (size_t)g * (size_t)h->head_k, h->head_k) * h->scale;
	}
}

static float largest_score(const float *x, int64_t count)
{
	float largest = x[0];
	for (int64_t i = 1; i < count; i++)
		largest = x[i] > largest ? x[i] : largest;
	return largest;
}

static float softmax(float *x, int64_t count)
{
	__m256 largest = _mm256_set1_ps(largest_score(x, count)), sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
	for (int64_t i = 0; i < count; i += 8) {
		__m256 e = exp8(_mm256_sub_ps(load_up_to(x + i, count - i), largest));
		store_up_to(x + i, count - i, e);
		e = _mm256_and_ps(e, _mm256_castsi256_ps(mask_of(count - i)));
		sum[i / 8 % 2] = _mm256_add_ps(sum[i / 8 % 2], e);
	}
	return sum8(_mm256_add_ps(sum[0], sum[1]));
}

/* Elements i..i + 15 of the outputs of up to `group` heads, each value read once. */
INLINE void sum_values(int kv_type, const struct heads *h, int i, int first, int group, const float *sums)
{
	__m256 a[HEADS], b[HEADS];
	bool two = h->head_v > i + 8;
	for (int g = 0; g < group; g++)
		a[g] = b[g] = _mm256_setzero_ps();
	const uint8_t *row = h->values;
	const float *score = h->scores + first * h->count;
	for (int64_t t = 0; t < h->count; t++, row += h->value_bytes) {
		__m256 x = load_kv(kv_type, row, i, h->head_v), y = two ? load_kv(kv_type, row, i + 8, h->head_v) : x;
#pragma GCC unroll 4
		for (int g = 0; g < group; g++) {
			__m256 p = _mm256_set1_ps(score[g * h->count + t]);
			a[g] = _mm256_fmadd_ps(p, x, a[g]);
			b[g] = _mm256_fmadd_ps(p, y, b[g]);
		}
	}
	for (int g = 0; g < group; g++) {
		float *out = h->out + (size_t)(first + g) * (size_t)h->head_v + i;
		store_up_to(out, h->head_v - i, _mm256_div_ps(a[g], _mm256_set1_ps(sums[g])));
		if (two)
			store_up_to(out + 8, h->head_v - i - 8, _mm256_div_ps(b[g], _mm256_set1_ps(sums[g])));
	}
}

INLINE void attend(int kv_type, const struct heads *h)
{
	score_keys(kv_type, h);
	for (int first = 0; first < h->group; first += HEADS) {
		int group = h->group - first < HEADS ? h->group - first : HEADS;
		float sums[HEADS];
		for (int g = 0; g < group; g++)
			sums[g] = softmax(h->scores + (first + g) * h->count, h->count);
		for (int i = 0; i < h->head_v; i += 16)
			switch (group) {
			case 1: sum_values(kv_type, h, i, first, 1, sums); break;
			case 2: sum_values(kv_type, h, i, first, 2, sums); break;
			case 3: sum_values(kv_type, h, i, first, 3, sums); break;
			default: sum_values(kv_type, h, i, first, HEADS, sums);
			}
	}
}

void avx2_attention(int kv_type, const float *q, int group, int head_k, int head_v, const void *keys,
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
		attend(ENGINE_KV_F32, &h);
	else if (head_k > HEAD_MOST)
		kernels_reference.attention(kv_type, q, group, head_k, head_v, keys, values, count, scale, scratch,
					    out);
	else if (kv_type == ENGINE_KV_F16)
		attend(ENGINE_KV_F16, &h);
	else
		attend(ENGINE_KV_Q8_0, &h);
}
#endif
