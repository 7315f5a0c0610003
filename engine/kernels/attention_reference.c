/* Attention and the rows of the KV cache, plainly: what the fast ones are held against. */
#include "../engine.h"
#include "reference.h"

size_t kernels_kv_row_bytes(int kv_type, int64_t n)
{
	size_t blocks = (size_t)(n + GROUP - 1) / GROUP;
	return kv_type == ENGINE_KV_F32   ? (size_t)n * 4
	       : kv_type == ENGINE_KV_F16 ? (size_t)n * 2
					  : blocks * KV_Q8_BYTES;
}

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

/* x becomes e^(x - largest); the sum of that, in HALF lanes. */
static float softmax(float *x, int64_t count)
{
	float largest = x[0], lane[HALF] = {0};
	for (int64_t i = 1; i < count; i++)
		largest = x[i] > largest ? x[i] : largest;
	for (int64_t i = 0; i < count; i++)
		lane[i % HALF] += x[i] = reference_exp(x[i] - largest);
	return lanes_sum(lane, HALF);
}

static float dot_key(int kv_type, const float *q, const uint8_t *key, int n)
{
	float lane[LANES] = {0};
	for (int i = 0; i < n; i++)
		lane[i % LANES] = fmaf(kv_at(kv_type, key, i), q[i], lane[i % LANES]);
	return lanes_sum(lane, LANES);
}

void reference_attention(int kv_type, const float *q, int group, int head_k, int head_v, const void *keys,
			 const void *values, int64_t count, float scale, float *scratch, float *out)
{
	size_t key_bytes = kernels_kv_row_bytes(kv_type, head_k), value_bytes = kernels_kv_row_bytes(kv_type, head_v);
	for (int g = 0; g < group; g++, q += head_k, out += head_v) {
		float *score = scratch + (size_t)g * (size_t)count;
		for (int64_t t = 0; t < count; t++)
			score[t] = dot_key(kv_type, q, (const uint8_t *)keys + (size_t)t * key_bytes, head_k) * scale;
		float sum = softmax(score, count);
		memset(out, 0, (size_t)head_v * sizeof(*out));
		for (int64_t t = 0; t < count; t++) {
			const uint8_t *value = (const uint8_t *)values + (size_t)t * value_bytes;
			for (int i = 0; i < head_v; i++)
				out[i] = fmaf(score[t], kv_at(kv_type, value, i), out[i]);
		}
		for (int i = 0; i < head_v; i++)
			out[i] /= sum;
	}
}
