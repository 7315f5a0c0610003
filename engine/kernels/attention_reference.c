/* Attention and the rows of the KV cache, plainly: what the fast ones are held against. */
#include "../engine.h"
#include "attention_chunk.h"
#include "reference.h"
#include "../../xmalloc.h"

#include <stdlib.h>

static void store_q8(const float *x, int64_t n, uint8_t *out)
{
	for (int64_t b = 0; b < n; b += GROUP, out += KV_Q8_BYTES) {
		int64_t count = n - b < GROUP ? n - b : GROUP;
		float largest = largest_of(x + b, count), inverse = inverse_scale(largest);
		uint16_t half = float_to_half(largest / 127);
		memcpy(out, &half, sizeof(half));
		memset(out + 2, 0, GROUP);
		for (int64_t i = 0; i < count && inverse > 0; i++)
			out[2 + i] = (uint8_t)(int8_t)lrintf(x[b + i] * inverse);
	}
}

void reference_kv_store(int kv_type, const float *x, int64_t n, void *out)
{
	if (kv_type == ENGINE_KV_F32)
		memcpy(out, x, (size_t)n * sizeof(*x));
	else if (kv_type == ENGINE_KV_Q8_0)
		store_q8(x, n, out);
	else
		for (int64_t i = 0; i < n; i++)
			((uint16_t *)out)[i] = float_to_half(x[i]);
}

static float kv_at(int kv_type, const uint8_t *row, int i)
{
	if (kv_type == ENGINE_KV_F32)
		return float_at(TYPE_F32, row, i);
	if (kv_type == ENGINE_KV_F16)
		return half_to_float(row + 2 * i);
	const uint8_t *block = row + i / GROUP * KV_Q8_BYTES;
	return half_to_float(block) * (float)(int8_t)block[2 + i % GROUP];
}

/* --- One query row and one chunk ------------------------------------------------------------------------- */

static float power_of_two(float x)
{
	x = x < EXP2_LOWEST ? EXP2_LOWEST : x;
	float k = rintf(x), r = x - k, p = EXP2_C5, power;
	p = fmaf(p, r, EXP2_C4);
	p = fmaf(p, r, EXP2_C3);
	p = fmaf(p, r, EXP2_C2);
	p = fmaf(p, r, EXP2_C1);
	p = fmaf(p, r, 1);
	uint32_t bits = (uint32_t)((k == k ? (int)k : 0) + 127) << 23;
	memcpy(&power, &bits, sizeof(power));
	return p * power;
}

static float block_scale(const uint8_t *row, int block)
{
	return half_to_float(row + block * KV_Q8_BYTES);
}

static float dot_q8(const int *q, const uint8_t *key, int n)
{
	float score = 0;
	for (int b = 0; b * GROUP < n; b++) {
		const int8_t *bytes = (const int8_t *)key + b * KV_Q8_BYTES + 2;
		int dot = 0;
		for (int i = b * GROUP; i < n && i < (b + 1) * GROUP; i++)
			dot += q[i] * bytes[i % GROUP];
		score = fmaf((float)dot, block_scale(key, b), score);
	}
	return score;
}

static void score_q8(const struct attention *a, const float *q, const uint8_t *keys, int count, float *score)
{
	float largest = largest_of(q, a->head_k);
	float inverse = inverse_scale(largest) > 0 ? QUERY_LARGEST / largest : 0;
	float scale = largest / QUERY_LARGEST * (a->scale * ATTENTION_LOG2E);
	int *integers = xcalloc((size_t)a->head_k, sizeof(*integers));
	for (int i = 0; i < a->head_k && inverse > 0; i++)
		integers[i] = (int)lrintf(q[i] * inverse);
	for (int t = 0; t < count; t++, keys += kernels_kv_row_bytes(ENGINE_KV_Q8_0, a->head_k))
		score[t] = dot_q8(integers, keys, a->head_k) * scale;
	free(integers);
}

static void score_floats(int kv_type, const struct attention *a, const float *q, const uint8_t *keys, int count,
			 float *score)
{
	for (int t = 0; t < count; t++, keys += kernels_kv_row_bytes(kv_type, a->head_k)) {
		float dot = 0;
		for (int i = 0; i < a->head_k; i++)
			dot = fmaf(q[i], kv_at(kv_type, keys, i), dot);
		score[t] = dot * (a->scale * ATTENTION_LOG2E);
	}
}

/* Scores become weights; the sum is in lanes by position. */
static void weigh(float *score, struct span span, float *state)
{
	float largest = -INFINITY, lane[HALF] = {0};
	int count = span.last - span.first;
	for (int t = 0; t < count; t++)
		largest = score[t] > largest ? score[t] : largest;
	for (int t = 0; t < count; t++)
		lane[(span.first + t) % HALF] += score[t] = power_of_two(score[t] - largest);
	state[0] = largest;
	state[1] = lanes_sum(lane, HALF);
}

/* Elements of one group. Sums that are none stay none. */
static void sum_q8(const float *weight, const uint8_t *values, size_t row, int block, int count, int elements,
		   float *out)
{
	uint32_t largest_bits = 0, bits;
	int sum[GROUP] = {0};
	for (int t = 0; t < count; t++) {
		float d = block_scale(values + (size_t)t * row, block);
		memcpy(&bits, &d, sizeof(bits));
		bits &= 0x7fffffff;
		largest_bits = bits > largest_bits ? bits : largest_bits;
	}
	float largest, total = 0;
	memcpy(&largest, &largest_bits, sizeof(largest));
	if (!(largest <= FLT_MAX)) {
		for (int i = 0; i < elements; i++)
			out[i] = NAN;
		return;
	}
	for (int t = 0; t < count; t++)
		total += weight[t];
	float inverse = largest > 0 ? WEIGHT_LARGEST / largest : 0;
	for (int t = 0; t < count && total == total; t++) {
		const uint8_t *value = values + (size_t)t * row;
		int p = (int)lrintf(weight[t] * (block_scale(value, block) * inverse));
		for (int i = 0; i < elements; i++)
			sum[i] += p * (int8_t)value[block * KV_Q8_BYTES + 2 + i];
	}
	for (int i = 0; i < elements; i++)
		out[i] = (float)sum[i] * (largest / WEIGHT_LARGEST);
}

static void sum_values(int kv_type, const float *weight, const uint8_t *values, int n, int count, float *out)
{
	size_t row = kernels_kv_row_bytes(kv_type, n);
	if (kv_type == ENGINE_KV_Q8_0) {
		for (int b = 0; b * GROUP < n; b++)
			sum_q8(weight, values, row, b, count, n - b * GROUP < GROUP ? n - b * GROUP : GROUP,
			       out + b * GROUP);
		return;
	}
	for (int t = 0; t < count; t++)
		for (int i = 0; i < n; i++)
			out[i] = fmaf(weight[t], kv_at(kv_type, values + (size_t)t * row, i), out[i]);
}

void reference_attention(int kv_type, const struct attention *a, int64_t chunk, void *scratch, float *states)
{
	float score[ATTENTION_CHUNK];
	for (int r = 0; r < a->tokens * a->group; r++) {
		float *state = states + (size_t)r * kernels_attention_state(a->head_v);
		struct span span = attention_span(a, r / a->group, chunk);
		size_t first = (size_t)chunk * ATTENTION_CHUNK + (size_t)span.first;
		int count = span.last - span.first;
		memset(state, 0, kernels_attention_state(a->head_v) * sizeof(*state));
		if (count <= 0)
			continue;
		const uint8_t *keys = (const uint8_t *)a->keys + first * kernels_kv_row_bytes(kv_type, a->head_k);
		const uint8_t *values = (const uint8_t *)a->values + first * kernels_kv_row_bytes(kv_type, a->head_v);
		if (kv_type == ENGINE_KV_Q8_0)
			score_q8(a, attention_query(a, r), keys, count, score);
		else
			score_floats(kv_type, a, attention_query(a, r), keys, count, score);
		weigh(score, span, state);
		sum_values(kv_type, score, values, a->head_v, count, state + ATTENTION_SUMS);
	}
}
