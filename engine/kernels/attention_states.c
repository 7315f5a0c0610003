/* Attention's plain parts: sizes, and adding the chunks' states. Only products and sums, each rounded once:
 * the compiler may use what registers it likes. */
#include "attention_chunk.h"
#include "../engine.h"

#include <math.h>
#include <string.h>

size_t kernels_kv_row_bytes(int kv_type, int64_t n)
{
	size_t blocks = (size_t)(n + GROUP - 1) / GROUP;
	return kv_type == ENGINE_KV_F32   ? (size_t)n * 4
	       : kv_type == ENGINE_KV_F16 ? (size_t)n * 2
					  : blocks * KV_Q8_BYTES;
}

/* Four bytes an element and position, for keys and values; four for their groups' scales; scores and weights. */
size_t kernels_attention_scratch(int head_k, int head_v, int rows)
{
	size_t k = (size_t)whole_groups(head_k), v = (size_t)whole_groups(head_v), n = (size_t)rows;
	size_t a_position = 4 * (k + v) + 4 * (k + 2 * v) / GROUP + 4 * KEPT_ROWS + 2 * KEPT_ROWS * v / GROUP;
	return ATTENTION_CHUNK * a_position + 4 * n * (k + 1) + 4 * v + 1024;
}

size_t kernels_attention_state(int head_v)
{
	return ATTENTION_SUMS + (size_t)whole_groups(head_v);
}

/* 2^x for x <= 0. */
static float power_of_two(float x)
{
	const float rounder = 0x1.8p23f;
	float top = x < EXP2_LOWEST ? EXP2_LOWEST : x, power;
	float k = (top + rounder) - rounder, r = top - k;
	float p = 1 + r * (EXP2_C1 + r * (EXP2_C2 + r * (EXP2_C3 + r * (EXP2_C4 + r * EXP2_C5))));
	uint32_t bits = (uint32_t)((k == k ? (int)k : 0) + 127) << 23;
	memcpy(&power, &bits, sizeof(power));
	return p * power;
}

void kernels_attention_add(float *restrict total, const float *restrict state, int head_v)
{
	size_t count = kernels_attention_state(head_v);
	if (state[1] == 0) /* saw nothing */
		return;
	if (total[1] == 0) {
		memcpy(total, state, count * sizeof(*total));
		return;
	}
	float largest = state[0] > total[0] ? state[0] : total[0];
	float a = power_of_two(total[0] - largest), b = power_of_two(state[0] - largest);
	total[0] = largest;
	total[1] = total[1] * a + state[1] * b;
	for (size_t i = ATTENTION_SUMS; i < count; i++)
		total[i] = total[i] * a + state[i] * b;
}

void kernels_attention_finish(const float *total, int head_v, float *out)
{
	for (int i = 0; i < head_v; i++)
		out[i] = total[ATTENTION_SUMS + i] / total[1];
}
