/* Attention and the rows of the KV cache with NEON. A lane of a register multiplies whole registers here, so that a
 * step of a tile is one element (or position): eight floats, or eight integers of 16 bits. */
#if defined(__aarch64__)
#include "../engine.h"
#include "neon.h"

enum { KEYS = 8 };

#include "attention_tiles.h"

/* --- Rows of the cache ----------------------------------------------------------------------------- */

static void store_q8(const float *x, int64_t n, uint8_t *out)
{
	for (int64_t i = 0; i < n; i += GROUP, out += KV_Q8_BYTES) {
		float32x4_t group[8];
		int8x16_t q[2];
		for (int part = 0; part < 8; part++)
			group[part] = load_up_to(x + i + 4 * part, n - i - 4 * part);
		float largest = largest_of_group(group);
		uint16_t half = float_to_half(largest / 127);
		quantize_32(group, largest, q);
		memcpy(out, &half, sizeof(half));
		vst1q_s8((int8_t *)out + 2, q[0]);
		vst1q_s8((int8_t *)out + 18, q[1]);
	}
}

static void store_halves(const float *x, int64_t n, uint8_t *out)
{
	for (int64_t i = 0; i < n; i += 4) {
		uint16x4_t halves = vreinterpret_u16_f16(vcvt_f16_f32(load_up_to(x + i, n - i)));
		memcpy(out + 2 * i, &halves, n - i < 4 ? (size_t)(n - i) * 2 : sizeof(halves));
	}
}

void neon_kv_store(int kv_type, const float *x, int64_t n, void *out)
{
	if (kv_type == ENGINE_KV_F32)
		memcpy(out, x, (size_t)n * sizeof(*x));
	else if (kv_type == ENGINE_KV_Q8_0)
		store_q8(x, n, out);
	else
		store_halves(x, n, out);
}

/* --- Tiles ------------------------------------------------------------------------------------------- */

/* Which of the positions i..i + 3 lie in the span, all bits set. */
INLINE uint32x4_t span_mask(struct span span, int i)
{
	static const int32_t steps[4] = {0, 1, 2, 3};
	int32x4_t at = vaddq_s32(vdupq_n_s32(i), vld1q_s32(steps));
	return vandq_u32(vcgeq_s32(at, vdupq_n_s32(span.first)), vcltq_s32(at, vdupq_n_s32(span.last)));
}

INLINE float32x4_t only(uint32x4_t mask, float32x4_t x)
{
	return vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(x)));
}

/* Four rows of four cells: register i becomes cell i of all rows. */
INLINE void transpose4(uint32x4_t *x)
{
	uint64x2_t a = vreinterpretq_u64_u32(vtrn1q_u32(x[0], x[1])), b = vreinterpretq_u64_u32(vtrn2q_u32(x[0], x[1]));
	uint64x2_t c = vreinterpretq_u64_u32(vtrn1q_u32(x[2], x[3])), d = vreinterpretq_u64_u32(vtrn2q_u32(x[2], x[3]));
	x[0] = vreinterpretq_u32_u64(vtrn1q_u64(a, c));
	x[1] = vreinterpretq_u32_u64(vtrn1q_u64(b, d));
	x[2] = vreinterpretq_u32_u64(vtrn2q_u64(a, c));
	x[3] = vreinterpretq_u32_u64(vtrn2q_u64(b, d));
}

/* The same of eight rows of eight 16-bit integers: neighbours change places first, then as cells of two. */
INLINE void transpose8(int16x8_t *x)
{
	uint32x4_t even[4], odd[4];
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		even[i] = vreinterpretq_u32_s16(vtrn1q_s16(x[2 * i], x[2 * i + 1]));
		odd[i] = vreinterpretq_u32_s16(vtrn2q_s16(x[2 * i], x[2 * i + 1]));
	}
	transpose4(even);
	transpose4(odd);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		x[2 * i] = vreinterpretq_s16_u32(even[i]);
		x[2 * i + 1] = vreinterpretq_s16_u32(odd[i]);
	}
}

/* The scales of the rows' groups as floats. */
static void build_scales(const struct tile *t, const void *rows, size_t bytes, int groups, struct span all,
			 float *scale)
{
	for (int g = 0; g < groups; g++, scale += ATTENTION_CHUNK) {
		const uint8_t *row = tile_row(rows, bytes, t, all.first, all) + g * KV_Q8_BYTES;
		for (int i = all.first; i < all.last; i++, row += bytes)
			scale[i] = half_at(row);
	}
}

/* Keys i..i + 7. */
static void build_keys_q8(const struct tile *t, int i, struct span all, int16_t *out)
{
	size_t bytes = kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_k);
	const uint8_t *row[KEYS];
	for (int j = 0; j < KEYS; j++)
		row[j] = tile_row(t->a->keys, bytes, t, i + j, all) + 2;
	for (int e = 0; e < t->wide_k; e += 8, out += 8 * KEYS) {
		int at = e / GROUP * KV_Q8_BYTES + e % GROUP;
		int16x8_t x[KEYS];
#pragma GCC unroll 8
		for (int j = 0; j < KEYS; j++)
			x[j] = vmovl_s8(vld1_s8((const int8_t *)row[j] + at));
		transpose8(x);
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			vst1q_s16(out + j * KEYS, x[j]);
	}
}

INLINE float32x4_t load_element(int kv_type, const uint8_t *row, int i, int n)
{
	return load_floats(kv_type == ENGINE_KV_F32 ? TYPE_F32 : TYPE_F16, row, i, n - i);
}

INLINE void build_keys_floats(int kv_type, const struct tile *t, int i, struct span all, float *out)
{
	int n = t->a->head_k;
	size_t bytes = kernels_kv_row_bytes(kv_type, n);
	for (int four = 0; four < KEYS; four += 4)
		for (int e = 0; e < n; e += 4) {
			uint32x4_t x[4];
#pragma GCC unroll 4
			for (int j = 0; j < 4; j++) {
				const uint8_t *row = tile_row(t->a->keys, bytes, t, i + four + j, all);
				x[j] = vreinterpretq_u32_f32(load_element(kv_type, row, e, n));
			}
			transpose4(x);
#pragma GCC unroll 4
			for (int j = 0; j < 4; j++)
				vst1q_f32(out + (e + j) * KEYS + four, vreinterpretq_f32_u32(x[j]));
		}
}

static void build_keys(const struct tile *t, struct span all)
{
	size_t wide = (size_t)t->wide_k;
	if (t->kv_type == ENGINE_KV_Q8_0)
		build_scales(t, t->a->keys, kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_k), t->wide_k / GROUP, all,
			     t->key_scale);
	for (int i = all.first / KEYS * KEYS; i < all.last; i += KEYS)
		if (t->kv_type == ENGINE_KV_Q8_0)
			build_keys_q8(t, i, all, (int16_t *)t->keys + (size_t)i * wide);
		else if (t->kv_type == ENGINE_KV_F16)
			build_keys_floats(ENGINE_KV_F16, t, i, all, (float *)t->keys + (size_t)i * wide);
		else
			build_keys_floats(ENGINE_KV_F32, t, i, all, (float *)t->keys + (size_t)i * wide);
}

static void build_values_q8(const struct tile *t, struct span all)
{
	size_t bytes = kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_v);
	int last = (all.last + KEYS - 1) / KEYS * KEYS;
	for (int i = all.first / KEYS * KEYS; i < last; i++) {
		const int8_t *row = (const int8_t *)tile_row(t->a->values, bytes, t, i, all) + 2;
		int16_t *out = (int16_t *)t->values + i * 8;
		for (int e = 0; e < t->wide_v; e += 8, out += ATTENTION_CHUNK * 8)
			vst1q_s16(out, vmovl_s8(vld1_s8(row + e / GROUP * KV_Q8_BYTES + e % GROUP)));
	}
	build_scales(t, t->a->values, bytes, t->wide_v / GROUP, all, t->value_scale);
}

INLINE void build_values_floats(int kv_type, const struct tile *t, struct span all)
{
	int n = t->a->head_v;
	size_t bytes = kernels_kv_row_bytes(kv_type, n);
	for (int i = all.first; i < all.last; i++) {
		const uint8_t *row = tile_row(t->a->values, bytes, t, i, all);
		float *out = (float *)t->values + i * 8;
		for (int e = 0; e < t->wide_v; e += 8, out += ATTENTION_CHUNK * 8) {
			vst1q_f32(out, load_element(kv_type, row, e, n));
			vst1q_f32(out + 4, load_element(kv_type, row, e + 4, n));
		}
	}
}

static void build_values(const struct tile *t, struct span all)
{
	if (t->kv_type == ENGINE_KV_F16)
		build_values_floats(ENGINE_KV_F16, t, all);
	else if (t->kv_type == ENGINE_KV_F32)
		build_values_floats(ENGINE_KV_F32, t, all);
	else
		build_values_q8(t, all);
}

static void build_query(const struct tile *t, int row)
{
	const float *q = attention_query(t->a, row);
	int n = t->a->head_k;
	int16_t *out = (int16_t *)query_cells(t, row);
	if (copy_query(t, row))
		return;
	uint32x4_t most = vdupq_n_u32(0);
	for (int i = 0; i < n; i += 4)
		most = vmaxq_u32(most, magnitude(load_up_to(q + i, n - i)));
	float largest = largest_of_lanes(most), inverse = inverse_scale(largest) > 0 ? QUERY_LARGEST / largest : 0;
	t->query_scale[row] = largest / QUERY_LARGEST * (t->a->scale * ATTENTION_LOG2E);
	for (int i = 0; i < t->wide_k; i += 4) {
		float32x4_t x = inverse > 0 ? vmulq_n_f32(load_up_to(q + i, n - i), inverse) : vdupq_n_f32(0);
		vst1_s16(out + i, vmovn_s32(vcvtnq_s32_f32(x)));
	}
}

/* --- Products -------------------------------------------------------------------------------------------- */

/* One step for all rows: `i` is a constant of the instruction. */
#define STEP_Q8(i)                                                                            \
	{                                                                                     \
		int16x8_t cells = vld1q_s16(tile + 8 * (i));                                  \
		_Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                        \
		{                                                                             \
			sum[r][0] = vmlal_laneq_s16(sum[r][0], vget_low_s16(cells), x[r], i); \
			sum[r][1] = vmlal_high_laneq_s16(sum[r][1], cells, x[r], i);          \
		}                                                                             \
	}

/* Sums of `steps` steps (a multiple of eight) for `rows` rows of integers, `stride` apart. */
INLINE void dots_q8(int rows, const int16_t *cell, size_t stride, const int16_t *tile, int steps, int32x4_t (*sum)[2])
{
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = vdupq_n_s32(0);
	for (int i = 0; i < steps; i += 8, tile += 64) {
		int16x8_t x[ROWS];
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++)
			x[r] = vld1q_s16(cell + (size_t)r * stride + (size_t)i);
		STEP_Q8(0)
		STEP_Q8(1)
		STEP_Q8(2)
		STEP_Q8(3)
		STEP_Q8(4)
		STEP_Q8(5)
		STEP_Q8(6)
		STEP_Q8(7)
	}
}

INLINE void add_step(int rows, const float *tile, const float *cell, size_t stride, float32x4_t (*sum)[2])
{
	float32x4_t low = vld1q_f32(tile), high = vld1q_f32(tile + 4);
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++) {
		sum[r][0] = vfmaq_n_f32(sum[r][0], low, cell[(size_t)r * stride]);
		sum[r][1] = vfmaq_n_f32(sum[r][1], high, cell[(size_t)r * stride]);
	}
}

#define STEP_FLOATS(i)                                                                             \
	{                                                                                          \
		float32x4_t low = vld1q_f32(tile + 8 * (i)), high = vld1q_f32(tile + 8 * (i) + 4); \
		_Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)                             \
		{                                                                                  \
			sum[r][0] = vfmaq_laneq_f32(sum[r][0], low, x[r], i);                      \
			sum[r][1] = vfmaq_laneq_f32(sum[r][1], high, x[r], i);                     \
		}                                                                                  \
	}

INLINE void dots_floats(int rows, const float *cell, size_t stride, const float *tile, int steps, float32x4_t (*sum)[2])
{
	int i = 0;
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = vdupq_n_f32(0);
	for (; i + 4 <= steps; i += 4, tile += 32) {
		float32x4_t x[ROWS];
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++)
			x[r] = vld1q_f32(cell + (size_t)r * stride + (size_t)i);
		STEP_FLOATS(0)
		STEP_FLOATS(1)
		STEP_FLOATS(2)
		STEP_FLOATS(3)
	}
	for (; i < steps; i++, tile += 8)
		add_step(rows, tile, cell + i, stride, sum);
}

INLINE void score_keys_q8(int rows, const struct tile *t, int first, int key, float32x4_t (*sum)[2])
{
	const int16_t *cell = (const int16_t *)(const void *)(t->queries + (size_t)first * (size_t)t->wide_k);
	const int16_t *tile = (const int16_t *)t->keys + (size_t)key * (size_t)t->wide_k;
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = vdupq_n_f32(0);
	for (int g = 0; g < t->wide_k / GROUP; g++, cell += GROUP, tile += GROUP * KEYS) {
		const float *scale = t->key_scale + g * ATTENTION_CHUNK + key;
		float32x4_t low = vld1q_f32(scale), high = vld1q_f32(scale + 4);
		int32x4_t dot[ROWS][2];
		dots_q8(rows, cell, 2 * (size_t)t->wide_k, tile, GROUP, dot);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			sum[r][0] = vfmaq_f32(sum[r][0], vcvtq_f32_s32(dot[r][0]), low);
			sum[r][1] = vfmaq_f32(sum[r][1], vcvtq_f32_s32(dot[r][1]), high);
		}
	}
}

INLINE void score(int rows, const struct tile *t, int first, struct span span)
{
	for (int key = span.first / KEYS * KEYS; key < span.last; key += KEYS) {
		float32x4_t sum[ROWS][2];
		if (t->kv_type == ENGINE_KV_Q8_0)
			score_keys_q8(rows, t, first, key, sum);
		else
			dots_floats(rows, (const float *)t->queries + (size_t)first * (size_t)t->wide_k,
				    (size_t)t->wide_k, (const float *)t->keys + (size_t)key * (size_t)t->wide_k,
				    t->a->head_k, sum);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			float *out = t->scores + r * ATTENTION_CHUNK + key;
			vst1q_f32(out, vmulq_n_f32(sum[r][0], t->query_scale[first + r]));
			vst1q_f32(out + 4, vmulq_n_f32(sum[r][1], t->query_scale[first + r]));
		}
	}
}

/* --- Weights ---------------------------------------------------------------------------------------------- */

static void set_weights(const struct tile *t, struct span span)
{
	int first = span.first / HALF * HALF, last = (span.last + HALF - 1) / HALF * HALF;
	for (int g = 0; g < t->wide_v / GROUP; g++) {
		const float *scale = t->value_scale + g * ATTENTION_CHUNK;
		float *out = t->weight_scale + g * ATTENTION_CHUNK;
		uint32x4_t most = vdupq_n_u32(0);
		for (int i = first; i < last; i += 4)
			most = vmaxq_u32(most, magnitude(only(span_mask(span, i), vld1q_f32(scale + i))));
		float largest = largest_of_lanes(most);
		bool sound = largest <= FLT_MAX;
		float inverse = sound && largest > 0 ? WEIGHT_LARGEST / largest : 0;
		t->value_unit[g] = sound ? largest / WEIGHT_LARGEST : NAN;
		for (int i = first; i < last; i += 4)
			vst1q_f32(out + i, only(span_mask(span, i), vmulq_n_f32(vld1q_f32(scale + i), inverse)));
	}
}

/* 2^x for x <= 0. A NaN stays one. */
INLINE float32x4_t power_of_two(float32x4_t x)
{
	x = vmaxq_f32(x, vdupq_n_f32(EXP2_LOWEST));
	float32x4_t k = vrndnq_f32(x), r = vsubq_f32(x, k), p = vdupq_n_f32(EXP2_C5);
	p = vfmaq_f32(vdupq_n_f32(EXP2_C4), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXP2_C3), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXP2_C2), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXP2_C1), p, r);
	p = vfmaq_f32(vdupq_n_f32(1), p, r);
	int32x4_t power = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(k), vdupq_n_s32(127)), 23);
	return vmulq_f32(p, vreinterpretq_f32_s32(power));
}

/* Weights of positions i..i + 15 as integers, for every group of values. */
INLINE void pack_weights(const struct tile *t, int r, int i, const float32x4_t *p)
{
	const float *scale = t->weight_scale + i;
	int16_t *out = t->weights + r * ATTENTION_CHUNK + i;
	for (int g = 0; g < t->wide_v / GROUP; g++, scale += ATTENTION_CHUNK, out += KEPT_ROWS * ATTENTION_CHUNK)
#pragma GCC unroll 4
		for (int j = 0; j < 4; j++)
			vst1_s16(out + 4 * j, vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(p[j], vld1q_f32(scale + 4 * j)))));
}

/* Not counting those that are none. */
static float largest_score(const float *scores, struct span span)
{
	float32x4_t lowest = vdupq_n_f32(-INFINITY), largest = lowest;
	for (int i = span.first / 4 * 4; i < span.last; i += 4)
		largest = vmaxnmq_f32(largest, vbslq_f32(span_mask(span, i), vld1q_f32(scores + i), lowest));
	return vmaxnmvq_f32(largest);
}

static void weigh(const struct tile *t, int r, struct span span, float *state)
{
	float *scores = t->scores + r * ATTENTION_CHUNK, most = largest_score(scores, span);
	float32x4_t largest = vdupq_n_f32(most), sum[4], p[4];
	sum[0] = sum[1] = sum[2] = sum[3] = vdupq_n_f32(0);
	for (int i = span.first / HALF * HALF; i < span.last; i += HALF) {
#pragma GCC unroll 4
		for (int j = 0; j < 4; j++) {
			p[j] = power_of_two(vsubq_f32(vld1q_f32(scores + i + 4 * j), largest));
			p[j] = only(span_mask(span, i + 4 * j), p[j]);
			sum[j] = vaddq_f32(sum[j], p[j]);
			if (t->kv_type != ENGINE_KV_Q8_0)
				vst1q_f32(scores + i + 4 * j, p[j]);
		}
		if (t->kv_type == ENGINE_KV_Q8_0)
			pack_weights(t, r, i, p);
	}
	memset(state, 0, ATTENTION_SUMS * sizeof(*state));
	state[0] = most;
	state[1] = sum_of_8(vaddq_f32(sum[0], sum[2]), vaddq_f32(sum[1], sum[3]));
}

/* --- Values ------------------------------------------------------------------------------------------------ */

INLINE void sum_values_q8(int rows, const struct tile *t, struct span span, float *sums, size_t stride)
{
	int first = span.first / KEYS * KEYS, steps = (span.last + KEYS - 1) / KEYS * KEYS - first;
	for (int e = 0; e < t->wide_v; e += 8, sums += 8) {
		const int16_t *weights = t->weights + e / GROUP * KEPT_ROWS * ATTENTION_CHUNK + first;
		const int16_t *tile = (const int16_t *)t->values + (size_t)e * ATTENTION_CHUNK + first * 8;
		int32x4_t sum[ROWS][2];
		dots_q8(rows, weights, ATTENTION_CHUNK, tile, steps, sum);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			float *out = sums + (size_t)r * stride, unit = t->value_unit[e / GROUP];
			vst1q_f32(out, vmulq_n_f32(vcvtq_f32_s32(sum[r][0]), unit));
			vst1q_f32(out + 4, vmulq_n_f32(vcvtq_f32_s32(sum[r][1]), unit));
		}
	}
}

INLINE void sum_values_floats(int rows, const struct tile *t, struct span span, float *sums, size_t stride)
{
	for (int e = 0; e < t->wide_v; e += 8, sums += 8) {
		const float *tile = (const float *)t->values + (size_t)e * ATTENTION_CHUNK + span.first * 8;
		float32x4_t sum[ROWS][2];
		dots_floats(rows, t->scores + span.first, ATTENTION_CHUNK, tile, span.last - span.first, sum);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			vst1q_f32(sums + (size_t)r * stride, sum[r][0]);
			vst1q_f32(sums + (size_t)r * stride + 4, sum[r][1]);
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

void neon_attention(int kv_type, const struct attention *a, int64_t chunk, void *scratch, float *states)
{
	attend(kv_type, a, chunk, scratch, states);
}
#endif
