/* The plain twins of every kernel: what the fast ones are held against.
 *
 * All quantised types are seen as groups of 32 weights, w_i = d[i / 16] q_i + m[i / 16]
 * with small integers q. Block layouts are those of GGUF's public definition
 * (ggml-common.h): the numbers below are byte offsets within a block. */
#include "../engine.h"
#include "blocks.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct group {
	int8_t q[GROUP];
	float d[2], m[2]; /* per 16 weights */
};

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static float half_to_float(const uint8_t *p)
{
	uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8, sign = (h & 0x8000) << 16, exponent = h >> 10 & 31,
		 mantissa = h & 1023;
	if (exponent == 0) {
		float small = (float)mantissa * 0x1p-24f;
		return sign ? -small : small;
	}
	uint32_t bits = sign | (exponent == 31 ? 0xff : exponent + 112) << 23 | mantissa << 13;
	float value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static uint16_t float_to_half(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
	if (magnitude > 0x7f800000)
		return (uint16_t)(sign | 0x7e00);
	if (magnitude >= 0x477ff000) /* rounds to 65536 or more */
		return (uint16_t)(sign | 0x7c00);
	if (magnitude < 0x38800000) { /* subnormal half: steps of 2^-24, to nearest even */
		float scaled;
		memcpy(&scaled, &magnitude, sizeof(scaled));
		return (uint16_t)(sign | (uint32_t)lrintf(scaled * 0x1p24f));
	}
	uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
	return (uint16_t)(sign | ((rounded >> 13) - (112 << 10)));
}

static void set_scale(struct group *g, float d, float m)
{
	g->d[0] = g->d[1] = d;
	g->m[0] = g->m[1] = m;
}

/* Legacy types: 32 weights a block; low nibbles are weights 0..15, high ones 16..31. */
static void unpack_nibbles(const uint8_t *qs, const uint8_t *fifth, int offset, int8_t *q)
{
	uint32_t bits = fifth ? (uint32_t)fifth[0] | (uint32_t)fifth[1] << 8 | (uint32_t)fifth[2] << 16 |
					(uint32_t)fifth[3] << 24
			      : 0;
	for (int i = 0; i < HALF; i++) {
		q[i] = (int8_t)((int)((qs[i] & 15) | (bits >> i & 1) << 4) - offset);
		q[i + HALF] = (int8_t)((int)(qs[i] >> 4 | (bits >> (i + HALF) & 1) << 4) - offset);
	}
}

static void unpack_legacy(enum tensor_type type, const uint8_t *b, struct group *g)
{
	float d = half_to_float(b);
	set_scale(g, d, 0);
	switch (type) {
	case TYPE_Q4_0: unpack_nibbles(b + 2, NULL, 8, g->q); break;
	case TYPE_Q4_1:
		set_scale(g, d, half_to_float(b + 2));
		unpack_nibbles(b + 4, NULL, 0, g->q);
		break;
	case TYPE_Q5_0: unpack_nibbles(b + 6, b + 2, 16, g->q); break;
	case TYPE_Q5_1:
		set_scale(g, d, half_to_float(b + 2));
		unpack_nibbles(b + 8, b + 4, 0, g->q);
		break;
	case TYPE_Q8_0: memcpy(g->q, b + 2, GROUP); break;
	default: /* IQ4_NL */
		unpack_nibbles(b + 2, NULL, 0, g->q);
		for (int i = 0; i < GROUP; i++)
			g->q[i] = iq4_values[g->q[i]];
	}
}

/* Eight 6-bit scales and mins in 12 bytes (Q4_K, Q5_K). */
static void scale_min(const uint8_t *s, int j, int *scale, int *min)
{
	if (j < 4) {
		*scale = s[j] & 63;
		*min = s[j + 4] & 63;
	} else {
		*scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
		*min = s[j + 4] >> 4 | (s[j] >> 6) << 4;
	}
}

/* Q4_K: d, dmin, scales[12], qs[128]. Q5_K: d, dmin, scales[12], qh[32], qs[128].
 * Groups 2k and 2k+1 are the low and high nibbles of qs[32k..]; bit j of qh[i] is
 * the fifth bit of weight i of group j. */
static void unpack_45k(const uint8_t *b, int j, bool five, struct group *g)
{
	const uint8_t *qs = b + (five ? 48 : 16) + j / 2 * GROUP, *qh = b + 16;
	int scale, min;
	scale_min(b + 4, j, &scale, &min);
	set_scale(g, half_to_float(b) * (float)scale, -half_to_float(b + 2) * (float)min);
	for (int i = 0; i < GROUP; i++)
		g->q[i] = (int8_t)((j & 1 ? qs[i] >> 4 : qs[i] & 15) + (five ? (qh[i] >> j & 1) << 4 : 0));
}

/* Q2_K: scales[16] (scale, min nibbles per 16 weights), qs[64], d, dmin. Group j
 * is bits 2(j % 4) of qs[32 (j / 4)..]. */
static void unpack_2k(const uint8_t *b, int j, struct group *g)
{
	const uint8_t *qs = b + 16 + j / 4 * GROUP;
	float d = half_to_float(b + 80), dmin = half_to_float(b + 82);
	for (int i = 0; i < 2; i++) {
		g->d[i] = d * (float)(b[2 * j + i] & 15);
		g->m[i] = -dmin * (float)(b[2 * j + i] >> 4);
	}
	for (int i = 0; i < GROUP; i++)
		g->q[i] = (int8_t)(qs[i] >> (2 * (j % 4)) & 3);
}

/* Q3_K: hmask[32], qs[64], scales[12] (sixteen of 6 bits), d. A clear bit j of
 * hmask[i] takes 4 from weight i of group j. */
static void unpack_3k(const uint8_t *b, int j, struct group *g)
{
	const uint8_t *qs = b + 32 + j / 4 * GROUP, *s = b + 96;
	float d = half_to_float(b + 108);
	for (int i = 0; i < 2; i++) {
		int k = 2 * j + i, low = k < 8 ? s[k] & 15 : s[k - 8] >> 4, high = s[8 + k % 4] >> (2 * (k / 4)) & 3;
		g->d[i] = d * (float)((low | high << 4) - 32);
		g->m[i] = 0;
	}
	for (int i = 0; i < GROUP; i++)
		g->q[i] = (int8_t)((qs[i] >> (2 * (j % 4)) & 3) - (b[i] >> j & 1 ? 0 : 4));
}

/* Q6_K: ql[128], qh[64], scales[16] (signed, per 16 weights), d. Groups 0..3 of
 * each half of the block: low nibbles of ql[0..31], ql[32..63], then the high ones. */
static void unpack_6k(const uint8_t *b, int j, struct group *g)
{
	int half = j / 4, part = j % 4;
	const uint8_t *ql = b + half * 64 + part % 2 * GROUP, *qh = b + 128 + half * GROUP;
	float d = half_to_float(b + 208);
	for (int i = 0; i < 2; i++) {
		g->d[i] = d * (float)(int8_t)b[192 + 2 * j + i];
		g->m[i] = 0;
	}
	for (int i = 0; i < GROUP; i++)
		g->q[i] = (int8_t)(((part < 2 ? ql[i] & 15 : ql[i] >> 4) | (qh[i] >> (2 * part) & 3) << 4) - 32);
}

/* IQ4_XS: d, scales_h (2 bits a group), scales_l[4] (4 bits a group), qs[128]. */
static void unpack_iq4_xs(const uint8_t *b, int j, struct group *g)
{
	int high = (b[2] | b[3] << 8) >> (2 * j) & 3, low = b[4 + j / 2] >> (4 * (j % 2)) & 15;
	set_scale(g, half_to_float(b) * (float)((low | high << 4) - 32), 0);
	unpack_nibbles(b + 8 + HALF * j, NULL, 0, g->q);
	for (int i = 0; i < GROUP; i++)
		g->q[i] = iq4_values[g->q[i]];
}

/* Group number `index` of a row. */
static void unpack(enum tensor_type type, const uint8_t *row, int64_t index, struct group *g)
{
	const struct type_info *info = type_info(type);
	if (info->block == GROUP) {
		unpack_legacy(type, row + index * info->bytes, g);
		return;
	}
	const uint8_t *b = row + index / GROUPS * info->bytes;
	int j = (int)(index % GROUPS);
	switch (type) {
	case TYPE_Q2_K: unpack_2k(b, j, g); break;
	case TYPE_Q3_K: unpack_3k(b, j, g); break;
	case TYPE_Q4_K: unpack_45k(b, j, false, g); break;
	case TYPE_Q5_K: unpack_45k(b, j, true, g); break;
	case TYPE_Q6_K: unpack_6k(b, j, g); break;
	default: unpack_iq4_xs(b, j, g);
	}
}

static float float_at(enum tensor_type type, const uint8_t *row, int64_t i)
{
	float value;
	if (type == TYPE_F16)
		return half_to_float(row + 2 * i);
	if (type == TYPE_BF16) {
		uint32_t bits = (uint32_t)row[2 * i] << 16 | (uint32_t)row[2 * i + 1] << 24;
		memcpy(&value, &bits, sizeof(value));
		return value;
	}
	memcpy(&value, row + 4 * i, sizeof(value));
	return value;
}

void reference_to_float(enum tensor_type type, const uint8_t *row, int64_t n, float *out)
{
	struct group g;
	if (type_info(type)->block == 1) {
		for (int64_t i = 0; i < n; i++)
			out[i] = float_at(type, row, i);
		return;
	}
	for (int64_t index = 0; index < n / GROUP; index++, out += GROUP) {
		unpack(type, row, index, &g);
		for (int i = 0; i < GROUP; i++)
			out[i] = g.d[i / HALF] * (float)g.q[i] + g.m[i / HALF];
	}
}

/* --- Sums ------------------------------------------------------------------------------------------------- */

static float sum8(const float *lane)
{
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Halves are added until eight lanes are left. */
static float lanes_sum(float *lane, int lanes)
{
	for (; lanes > 8; lanes /= 2)
		for (int i = 0; i < lanes / 2; i++)
			lane[i] += lane[i + lanes / 2];
	return sum8(lane);
}

/* --- Activations ------------------------------------------------------------------------------ */

size_t kernels_activation_bytes(int64_t n)
{
	return (size_t)superblocks(n) * sizeof(struct act_block);
}

/* The largest magnitude; a NaN is larger than everything. */
static float largest_of(const float *x, int64_t count)
{
	uint32_t largest = 0, bits;
	float value;
	for (int64_t i = 0; i < count; i++) {
		memcpy(&bits, &x[i], sizeof(bits));
		bits &= 0x7fffffff;
		largest = bits > largest ? bits : largest;
	}
	memcpy(&value, &largest, sizeof(value));
	return value;
}

/* NaN and infinity go on as a scale that is none: the logits show it. */
static float inverse_scale(float largest)
{
	return largest >= ACT_SMALLEST && largest <= FLT_MAX ? 127 / largest : 0;
}

/* The scale that leaves the smallest squares of errors: sum x q / sum q^2. `otherwise` where all bytes are zero. */
static float best_scale(const float *x, const int8_t *q, float otherwise)
{
	float lane[HALF];
	int squares = 0;
	for (int i = 0; i < HALF; i++) {
		lane[i] = fmaf(q[i + HALF], x[i + HALF], (float)q[i] * x[i]);
		squares += q[i] * q[i] + q[i + HALF] * q[i + HALF];
	}
	return squares ? lanes_sum(lane, HALF) / (float)squares : otherwise;
}

static void quantize_group(const float *x, struct act_block *block, int group)
{
	float largest = largest_of(x, GROUP), inverse = inverse_scale(largest);
	int8_t *q = block->q + group * GROUP;
	int sum[2] = {0};
	for (int i = 0; i < GROUP; i++) {
		q[i] = (int8_t)(inverse > 0 ? lrintf(x[i] * inverse) : 0);
		sum[i / HALF] += q[i];
	}
	float scale = best_scale(x, q, largest / 127);
	block->scale[group] = scale;
	block->sum[group] = scale * (float)(sum[0] + sum[1]);
	block->half_sum[2 * group] = scale * (float)sum[0];
	block->half_sum[2 * group + 1] = scale * (float)sum[1];
}

static void reference_quantize(const float *x, int64_t n, void *out)
{
	struct act_block *blocks = out;
	if (n % SUPER)
		memset(&blocks[n / SUPER], 0, sizeof(*blocks));
	for (int64_t g = 0; g < n / GROUP; g++)
		quantize_group(x + g * GROUP, &blocks[g / GROUPS], (int)(g % GROUPS));
}

/* --- Products -------------------------------------------------------------------------------- */

static bool has_halves(enum tensor_type type)
{
	return type == TYPE_Q2_K || type == TYPE_Q3_K || type == TYPE_Q6_K;
}

/* Weights are multiplied as unsigned bytes q + offset, minus the offset times the sum of activations. */
static int offset_of(enum tensor_type type)
{
	switch (type) {
	case TYPE_Q4_0: return 8;
	case TYPE_Q5_0: return 16;
	case TYPE_Q3_K: return 4;
	case TYPE_Q6_K: return 32;
	case TYPE_Q8_0:
	case TYPE_IQ4_NL:
	case TYPE_IQ4_XS: return 128;
	default: return 0;
	}
}

static void add_unit(float *lane, const struct group *g, int first, int last, int offset, const int8_t *q, float scale,
		     float sum)
{
	int dot = 0, part = first / HALF;
	float d = g->d[part], m = offset ? (float)-offset * d : g->m[part];
	for (int i = first; i < last; i++)
		dot += (g->q[i] + offset) * q[i];
	*lane = fmaf((float)dot, d * scale, *lane);
	*lane = fmaf(m, sum, *lane);
}

static float dot_row(enum tensor_type type, const uint8_t *row, int64_t n, const struct act_block *act)
{
	float lane[HALVES] = {0};
	int offset = offset_of(type);
	bool halves = has_halves(type);
	struct group g;
	for (int64_t i = 0; i < n / GROUP; i++) {
		const struct act_block *a = &act[i / GROUPS];
		int j = (int)(i % GROUPS);
		const int8_t *q = a->q + j * GROUP;
		unpack(type, row, i, &g);
		if (halves) {
			add_unit(&lane[2 * j], &g, 0, HALF, offset, q, a->scale[j], a->half_sum[2 * j]);
			add_unit(&lane[2 * j + 1], &g, HALF, GROUP, offset, q, a->scale[j], a->half_sum[2 * j + 1]);
		} else {
			add_unit(&lane[j], &g, 0, GROUP, offset, q, a->scale[j], a->sum[j]);
		}
	}
	return lanes_sum(lane, halves ? HALVES : GROUPS);
}

static float dot_float_row(enum tensor_type type, const uint8_t *row, const float *x, int64_t n)
{
	float lane[LANES] = {0};
	for (int64_t i = 0; i < n; i++)
		lane[i % LANES] = fmaf(float_at(type, row, i), x[i], lane[i % LANES]);
	return lanes_sum(lane, LANES);
}

static float reference_dot_f32(const float *a, const float *b, int64_t n)
{
	return dot_float_row(TYPE_F32, (const uint8_t *)a, b, n);
}

static void reference_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
			     int64_t last, const uint8_t *act, size_t act_stride, const float *x, size_t x_stride,
			     int k, float *y, size_t y_stride)
{
	bool is_float = type_info(type)->block == 1;
	for (int64_t r = first; r < last; r++)
		for (size_t c = 0; c < (size_t)k; c++) {
			const uint8_t *row = w + (size_t)r * row_bytes;
			const void *column = act + c * act_stride;
			y[c * y_stride + (size_t)r] = is_float ? dot_float_row(type, row, x + c * x_stride, n)
							       : dot_row(type, row, n, column);
		}
}

/* --- Small operations ---------------------------------------------------------------------------- */

static float reference_exp(float x)
{
	if (x != x || x < EXP_LOWEST)
		return x != x ? x : 0;
	x = x > EXP_HIGHEST ? EXP_HIGHEST : x;
	float k = rintf(x * EXP_LOG2E), r = fmaf(k, -EXP_LN2_LO, fmaf(k, -EXP_LN2_HI, x)), p = EXP_C7, power;
	p = fmaf(p, r, EXP_C6);
	p = fmaf(p, r, EXP_C5);
	p = fmaf(p, r, EXP_C4);
	p = fmaf(p, r, EXP_C3);
	p = fmaf(p, r, 0.5f);
	p = fmaf(p, r, 1);
	p = fmaf(p, r, 1);
	uint32_t bits = (uint32_t)((int)k + 127) << 23;
	memcpy(&power, &bits, sizeof(power));
	return p * power;
}

static void reference_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out)
{
	float scale = 1 / sqrtf(reference_dot_f32(x, x, n) / (float)n + eps);
	for (int64_t i = 0; i < n; i++)
		out[i] = x[i] * scale * weight[i];
}

static void reference_silu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i++)
		out[i] = gate[i] / (1 + reference_exp(-gate[i])) * up[i];
}

static void reference_gelu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i++) {
		float x = gate[i], twice = GELU_SCALE * (x * fmaf(GELU_CUBE * x, x, 1));
		out[i] = x / (1 + reference_exp(-twice)) * up[i];
	}
}

/* --- Attention -------------------------------------------------------------------------------------- */

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

static void reference_kv_store(int kv_type, const float *x, int64_t n, void *out)
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

static void reference_attention(int kv_type, const float *q, int group, int head_k, int head_v, const void *keys,
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

const struct kernels kernels_reference = {
	.name = "reference",
	.quantize = reference_quantize,
	.matmul = reference_matmul,
	.to_float = reference_to_float,
	.rms_norm = reference_rms_norm,
	.dot_f32 = reference_dot_f32,
	.silu_mul = reference_silu_mul,
	.gelu_mul = reference_gelu_mul,
	.attention = reference_attention,
	.kv_store = reference_kv_store,
};
