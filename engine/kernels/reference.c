/* The plain twins of every kernel: what the fast ones are held against.
 *
 * All quantised types are seen as groups of 32 weights, w_i = d[i / 16] q_i + m[i / 16]
 * with small integers q. Block layouts are those of GGUF's public definition
 * (ggml-common.h): the numbers below are byte offsets within a block. */
#include "reference.h"

#include <math.h>
#include <string.h>

struct group {
	int8_t q[GROUP];
	float d[2], m[2]; /* per 16 weights */
	/* Q2_K, Q3_K, Q6_K: d[i] = super_d scale[i], m[i] = super_m min[i]. */
	float super_d, super_m;
	int scale[2], min[2];
};

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static void set_scale(struct group *g, float d, float m)
{
	g->d[0] = g->d[1] = d;
	g->m[0] = g->m[1] = m;
}

static void set_halves(struct group *g, float d, float m)
{
	g->super_d = d;
	g->super_m = m;
	for (int i = 0; i < 2; i++) {
		g->d[i] = d * (float)g->scale[i];
		g->m[i] = m * (float)g->min[i];
	}
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
	for (int i = 0; i < 2; i++) {
		g->scale[i] = b[2 * j + i] & 15;
		g->min[i] = b[2 * j + i] >> 4;
	}
	set_halves(g, half_to_float(b + 80), -half_to_float(b + 82));
	for (int i = 0; i < GROUP; i++)
		g->q[i] = (int8_t)(qs[i] >> (2 * (j % 4)) & 3);
}

/* Q3_K: hmask[32], qs[64], scales[12] (sixteen of 6 bits), d. A clear bit j of
 * hmask[i] takes 4 from weight i of group j. */
static void unpack_3k(const uint8_t *b, int j, struct group *g)
{
	const uint8_t *qs = b + 32 + j / 4 * GROUP, *s = b + 96;
	for (int i = 0; i < 2; i++) {
		int k = 2 * j + i, low = k < 8 ? s[k] & 15 : s[k - 8] >> 4, high = s[8 + k % 4] >> (2 * (k / 4)) & 3;
		g->scale[i] = (low | high << 4) - 32;
		g->min[i] = 0;
	}
	set_halves(g, half_to_float(b + 108), 0);
	for (int i = 0; i < GROUP; i++)
		g->q[i] = (int8_t)((qs[i] >> (2 * (j % 4)) & 3) - (b[i] >> j & 1 ? 0 : 4));
}

/* Q6_K: ql[128], qh[64], scales[16] (signed, per 16 weights), d. Groups 0..3 of
 * each half of the block: low nibbles of ql[0..31], ql[32..63], then the high ones. */
static void unpack_6k(const uint8_t *b, int j, struct group *g)
{
	int half = j / 4, part = j % 4;
	const uint8_t *ql = b + half * 64 + part % 2 * GROUP, *qh = b + 128 + half * GROUP;
	for (int i = 0; i < 2; i++) {
		g->scale[i] = (int8_t)b[192 + 2 * j + i];
		g->min[i] = 0;
	}
	set_halves(g, half_to_float(b + 208), 0);
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

/* --- Activations ------------------------------------------------------------------------------ */

size_t kernels_activation_bytes(int64_t n)
{
	return (size_t)act_blocks(n) * ACT_BYTES;
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

static void quantize_group(const float *x, struct act_block *block, int super, int group)
{
	float largest = largest_of(x, GROUP), inverse = inverse_scale(largest);
	int8_t q[GROUP];
	int sums[2] = {0};
	for (int i = 0; i < GROUP; i++) {
		q[i] = (int8_t)(inverse > 0 ? lrintf(x[i] * inverse) : 0);
		sums[i / HALF] += q[i];
		block->q[super][act_byte(group * GROUP + i)] = q[i];
	}
	block->scale[act_lane(super, group)] = best_scale(x, q, largest / 127);
	set_sums(block, super, group, sums);
}

static void reference_quantize(const float *x, int64_t n, void *out)
{
	struct act_block *blocks = out;
	clear_last(out, n);
	for (int64_t g = 0; g < n / GROUP; g++)
		quantize_group(x + g * GROUP, &blocks[g / GROUPS / 2], (int)(g / GROUPS % 2), (int)(g % GROUPS));
}

/* --- Products -------------------------------------------------------------------------------- */

static bool has_halves(enum tensor_type type)
{
	return type == TYPE_Q2_K || type == TYPE_Q3_K || type == TYPE_Q6_K;
}

static bool has_minimums(enum tensor_type type)
{
	return type == TYPE_Q4_1 || type == TYPE_Q5_1 || type == TYPE_Q2_K || type == TYPE_Q4_K || type == TYPE_Q5_K;
}

/* One group's part of its lane: what `act` holds there. */
static float add_group(float lane, enum tensor_type type, const struct group *g, const struct act_block *act, int super,
		       int group)
{
	const int8_t *q = act->q[super];
	float scale = act->scale[act_lane(super, group)];
	int dot[2] = {0}, sum[2] = {0};
	for (int i = 0; i < GROUP; i++) {
		int x = q[act_byte(group * GROUP + i)];
		dot[i / HALF] += g->q[i] * x;
		sum[i / HALF] += x;
	}
	if (has_halves(type)) {
		lane = fmaf((float)(g->scale[0] * dot[0] + g->scale[1] * dot[1]), g->super_d * scale, lane);
		float min = (float)(g->min[0] * sum[0] + g->min[1] * sum[1]);
		return has_minimums(type) ? fmaf(min, g->super_m * scale, lane) : lane;
	}
	lane = fmaf((float)(dot[0] + dot[1]), g->d[0] * scale, lane);
	return has_minimums(type) ? fmaf(g->m[0], scale * (float)(sum[0] + sum[1]), lane) : lane;
}

static float dot_row(enum tensor_type type, const uint8_t *row, int64_t n, const void *act)
{
	const struct act_block *blocks = act;
	float lanes[SUMS] = {0};
	struct group g;
	for (int64_t i = 0; i < n / GROUP; i++) {
		int64_t block = i / GROUPS / 2;
		int super = (int)(i / GROUPS % 2), group = (int)(i % GROUPS), lane = act_lane(super, group);
		unpack(type, row, i, &g);
		lanes[lane] = add_group(lanes[lane], type, &g, &blocks[block], super, group);
	}
	return lanes_sum(lanes, SUMS);
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
