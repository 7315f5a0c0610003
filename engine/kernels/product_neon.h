/* product_neon.h: quantised products in 128-bit registers, compiled once with byte dot products and once without.
 *
 * The file that includes this names a function PRODUCT_NEON and defines SDOT where the CPU has them. Without, bytes
 * are multiplied to 16 bits, of which two products fit for any weight.
 *
 * Few columns stream whole rows as they lie in the file. Many pass over a tile of eight rows, unpacked so that a lane
 * is a row: no sums across lanes. */
#ifndef PRODUCT_NEON_H
#define PRODUCT_NEON_H

#include "unpack_neon.h"

enum {
	FEW = 4,   /* columns that one unpacking serves without a tile, and that meet a tile at once */
	ROWS = 8,  /* of a tile */
	PARTS = 2, /* registers of four of them */
	MOST_BYTES = 34 * GROUPS,
};

struct matrix {
	const uint8_t *w, *act;
	size_t row_bytes, act_stride, y_stride;
	int64_t n;
	float *y;
};

/* How a type lies: its blocks' bytes, whether these are small (32 weights), whether weights take all eight bits,
 * whether halves have scales of their own, and minimums. */
struct layout {
	int bytes;
	bool small, wide, halves, mins;
	bool multiplied; /* tiles hold products of weights and the scales of halves */
};

/* Adds products of sixteen bytes; which ones meet in a lane does not matter. */
INLINE int32x4_t dot16(int32x4_t sum, int8x16_t w, int8x16_t x)
{
#ifdef SDOT
	return vdotq_s32(sum, w, x);
#else
	int16x8_t pairs = vmull_s8(vget_low_s8(w), vget_low_s8(x));
	return vpadalq_s16(sum, vmlal_s8(pairs, vget_high_s8(w), vget_high_s8(x)));
#endif
}

/* Four of sixteen bytes as 32-bit integers. */
INLINE int32x4_t four_of(int8x16_t bytes, int v)
{
	int16x8_t eight = vmovl_s8(v / 2 ? vget_high_s8(bytes) : vget_low_s8(bytes));
	return vmovl_s16(v % 2 ? vget_high_s16(eight) : vget_low_s16(eight));
}

/* --- Few columns: one row at a time ---------------------------------------------------------------- */

/* Products of the groups of lanes 4v..4v + 3. */
INLINE int32x4_t group_products(const int8x16_t w[2][4], const struct act_block *act, int v)
{
	const int32x4_t zero = vdupq_n_s32(0);
	int32x4_t sum[4];
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) { /* lane i: group i % 2 of superblock i / 2 */
		const int8_t *q = act->q[i / 2] + 128 * (i % 2) + 16 * v;
		const int8x16_t *x = &w[i / 2][i % 2 * 2];
		sum[i] = dot16(dot16(zero, x[0], vld1q_s8(q)), x[1], vld1q_s8(q + 64));
	}
	return vpaddq_s32(vpaddq_s32(sum[0], sum[1]), vpaddq_s32(sum[2], sum[3]));
}

/* The same with halves times their scales. */
INLINE int32x4_t half_products(const int8x16_t w[2][4], const struct scales *s, const struct act_block *act, int v)
{
	const int32x4_t zero = vdupq_n_s32(0);
	int32x4_t sum[2];
#pragma GCC unroll 2
	for (int p = 0; p < 2; p++) {
		const int8_t *q = act->q[p] + 16 * v;
		int32x4_t even = vpaddq_s32(dot16(zero, w[p][0], vld1q_s8(q)), dot16(zero, w[p][1], vld1q_s8(q + 64)));
		int32x4_t odd =
			vpaddq_s32(dot16(zero, w[p][2], vld1q_s8(q + 128)), dot16(zero, w[p][3], vld1q_s8(q + 192)));
		sum[p] = vmulq_s32(vpaddq_s32(even, odd), four_of(s->a[p], v));
	}
	return vpaddq_s32(sum[0], sum[1]);
}

/* Sums of the activations of halves times their minimums, by lanes of groups. */
INLINE int32x4_t half_minimums(const struct act_block *act, const int8x16_t *min, int v)
{
	int32x4_t x = vmulq_s32(vmovl_s16(vld1_s16(act->half_sum[0] + 4 * v)), four_of(min[0], v));
	int32x4_t y = vmulq_s32(vmovl_s16(vld1_s16(act->half_sum[1] + 4 * v)), four_of(min[1], v));
	return vpaddq_s32(x, y);
}

INLINE float32x4_t add_groups(const int8x16_t w[2][4], struct layout l, const struct scales *s, int v,
			      const struct act_block *act, float32x4_t acc)
{
	float32x4_t scale = vld1q_f32(act->scale + 4 * v);
	int32x4_t dots = l.halves ? half_products(w, s, act, v) : group_products(w, act, v);
	acc = vfmaq_f32(acc, vcvtq_f32_s32(dots), vmulq_f32(s->d[v], scale));
	if (!l.mins)
		return acc;
	if (!l.halves)
		return vfmaq_f32(acc, s->m[v], vld1q_f32(act->sum + 4 * v));
	return vfmaq_f32(acc, vcvtq_f32_s32(half_minimums(act, s->min, v)), vmulq_f32(s->m[v], scale));
}

INLINE void add_pair(weights_fn *weights, scales_fn *scales, struct layout l, int columns, const uint8_t *b0,
		     const uint8_t *b1, const uint8_t *act, size_t stride, float32x4_t acc[FEW][4])
{
	struct scales s;
	scales(b0, b1, &s);
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++) {
		int8x16_t w[2][4];
		weights(b0, v, w[0]);
		weights(b1, v, w[1]);
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++)
			acc[c][v] = add_groups(w, l, &s, v, (const void *)(act + (size_t)c * stride), acc[c][v]);
	}
}

/* The end of a row whose length is no multiple of 512, completed with zeros. */
INLINE void copy_tail(struct layout l, const uint8_t *b, int64_t rest, uint8_t *to)
{
	memset(to, 0, 2 * MOST_BYTES);
	memcpy(to, b, (size_t)(rest / (l.small ? GROUP : SUPER) * l.bytes));
}

INLINE void few_columns(weights_fn *weights, scales_fn *scales, struct layout l, int columns, const struct matrix *m,
			int64_t first, int64_t last)
{
	int step = l.small ? GROUPS * l.bytes : l.bytes;
	for (int64_t r = first; r < last; r++) {
		const uint8_t *b = m->w + (size_t)r * m->row_bytes, *act = m->act;
		float32x4_t acc[FEW][4];
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++)
			acc[c][0] = acc[c][1] = acc[c][2] = acc[c][3] = vdupq_n_f32(0);
		int64_t left = m->n;
		for (; left >= PAIR; left -= PAIR, b += 2 * step, act += sizeof(struct act_block))
			add_pair(weights, scales, l, columns, b, b + step, act, m->act_stride, acc);
		if (left) {
			uint8_t tail[2 * MOST_BYTES];
			copy_tail(l, b, left, tail);
			add_pair(weights, scales, l, columns, tail, tail + step, act, m->act_stride, acc);
		}
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++)
			m->y[(size_t)c * m->y_stride + (size_t)r] =
				sum_of_8(vaddq_f32(acc[c][0], acc[c][2]), vaddq_f32(acc[c][1], acc[c][3]));
	}
}

/* --- Many columns: tiles of eight rows --------------------------------------------------------------- */

/* 512 weights of eight rows. q[lane][i]: byte quad i of the lane's group. Where halves have scales, d and m are those
 * of lanes 0..3, and a and min those of the lane's halves. */
struct tile {
	int8x16_t q[SUMS][8][PARTS];
	float32x4_t d[SUMS][PARTS], m[SUMS][PARTS];
	int32x4_t a[SUMS][2][PARTS], min[SUMS][2][PARTS];
};

/* A row's part of a tile before rows are transposed. w[p][v]: as weights_TYPE() gives them. */
struct row {
	int8x16_t w[2][4][4];
	struct scales s;
};

/* Dword i of four rows becomes register i. */
INLINE void transpose4(const int32x4_t *x, int32x4_t *out)
{
	int64x2_t a = vreinterpretq_s64_s32(vtrn1q_s32(x[0], x[1])), b = vreinterpretq_s64_s32(vtrn2q_s32(x[0], x[1]));
	int64x2_t c = vreinterpretq_s64_s32(vtrn1q_s32(x[2], x[3])), d = vreinterpretq_s64_s32(vtrn2q_s32(x[2], x[3]));
	out[0] = vreinterpretq_s32_s64(vtrn1q_s64(a, c));
	out[1] = vreinterpretq_s32_s64(vtrn1q_s64(b, d));
	out[2] = vreinterpretq_s32_s64(vtrn2q_s64(a, c));
	out[3] = vreinterpretq_s32_s64(vtrn2q_s64(b, d));
}

static void transpose_weights(const struct row *rows, int part, struct tile *tile)
{
	for (int i = 0; i < 32; i++) {
		int p = i / 16, v = i / 4 % 4, e = i / 2 % 2, half = i % 2;
		int32x4_t x[4], out[4];
#pragma GCC unroll 4
		for (int r = 0; r < 4; r++)
			x[r] = vreinterpretq_s32_s8(rows[r].w[p][v][2 * e + half]);
		transpose4(x, out);
#pragma GCC unroll 4
		for (int quad = 0; quad < 4; quad++)
			tile->q[4 * v + 2 * p + e][4 * half + quad][part] = vreinterpretq_s8_s32(out[quad]);
	}
}

/* Lanes 4v..4v + 3 of four rows' floats. */
INLINE void transpose_floats(const float32x4_t *first, int part, float32x4_t (*to)[PARTS])
{
	int32x4_t x[4], out[4];
#pragma GCC unroll 4
	for (int r = 0; r < 4; r++)
		x[r] = vreinterpretq_s32_f32(
			*(const float32x4_t *)(const void *)((const char *)first + (size_t)r * sizeof(struct row)));
	transpose4(x, out);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		to[i][part] = vreinterpretq_f32_s32(out[i]);
}

/* Integers of the halves 4v..4v + 3 of a superblock: of two lanes. */
INLINE void transpose_halves(const int8x16_t *first, int v, int part, int32x4_t (*to)[2][PARTS])
{
	int32x4_t x[4], out[4];
#pragma GCC unroll 4
	for (int r = 0; r < 4; r++)
		x[r] = four_of(*(const int8x16_t *)(const void *)((const char *)first + (size_t)r * sizeof(struct row)),
			       v);
	transpose4(x, out);
#pragma GCC unroll 4
	for (int half = 0; half < 4; half++)
		to[half / 2][half % 2][part] = out[half];
}

INLINE void transpose_scales(struct layout l, const struct row *rows, int part, struct tile *tile)
{
	for (int v = 0; v < (l.halves ? 1 : 4); v++) {
		transpose_floats(&rows->s.d[v], part, &tile->d[4 * v]);
		if (l.mins)
			transpose_floats(&rows->s.m[v], part, &tile->m[4 * v]);
	}
	for (int i = 0; i < 8; i++) {
		int p = i / 4, v = i % 4;
		if (l.halves && !l.multiplied)
			transpose_halves(&rows->s.a[p], v, part, tile->a + 4 * v + 2 * p);
		if (l.halves && l.mins)
			transpose_halves(&rows->s.min[p], v, part, tile->min + 4 * v + 2 * p);
	}
}

INLINE void unpack_row(weights_fn *weights, scales_fn *scales, const uint8_t *b0, const uint8_t *b1, struct row *row)
{
	scales(b0, b1, &row->s);
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++) {
		weights(b0, v, row->w[0][v]);
		weights(b1, v, row->w[1][v]);
	}
}

/* Weights times minus the scales of halves, with -d: -32 * -4 does not fit a byte, minus that does. */
INLINE void multiply_halves(struct row *row)
{
#pragma GCC unroll 2
	for (int p = 0; p < 2; p++) {
		const int8x16_t minus = vnegq_s8(row->s.a[p]);
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++) {
			int8x16_t *w = &row->w[p][i / 4][i % 4];
			*w = vmulq_s8(*w, vqtbl1q_s8(minus, vdupq_n_u8((uint8_t)i)));
		}
	}
	row->s.d[0] = vnegq_f32(row->s.d[0]);
}

/* Pairs first..first + count - 1 of rows r.. (the last row again where there are no eight). */
INLINE void fill_tile(weights_fn *weights, scales_fn *scales, struct layout l, const struct matrix *m, int64_t r,
		      int64_t last, int64_t first, int64_t count, struct tile *tile)
{
	int step = l.small ? GROUPS * l.bytes : l.bytes;
	struct row rows[4];
	for (int64_t i = first; i < first + count; i++, tile++)
		for (int part = 0; part < PARTS; part++) {
			for (int64_t j = 0; j < 4; j++) {
				int64_t at = r + 4 * part + j < last ? r + 4 * part + j : last - 1;
				const uint8_t *b = m->w + (size_t)at * m->row_bytes + i * 2 * step;
				uint8_t tail[2 * MOST_BYTES];
				if ((i + 1) * PAIR > m->n) {
					copy_tail(l, b, m->n % PAIR, tail);
					b = tail;
				}
				unpack_row(weights, scales, b, b + step, &rows[j]);
				if (l.multiplied)
					multiply_halves(&rows[j]);
			}
			transpose_weights(rows, part, tile);
			transpose_scales(l, rows, part, tile);
		}
}

#ifdef SDOT
/* One quad of a half times some columns: `i` is a constant of the instruction. */
#define DOT_QUAD(i)                                                         \
	_Pragma("GCC unroll 4") for (int c = 0; c < columns; c++)           \
	{                                                                   \
		sums[c][0] = vdotq_laneq_s32(sums[c][0], w[i][0], x[c], i); \
		sums[c][1] = vdotq_laneq_s32(sums[c][1], w[i][1], x[c], i); \
	}

/* Adds the sums of half a group of eight rows for some columns. */
INLINE void add_half(const int8x16_t (*w)[PARTS], bool wide, const int8_t *const *q, int columns,
		     int32x4_t (*sums)[PARTS])
{
	int8x16_t x[FEW];
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++)
		x[c] = vld1q_s8(q[c]);
	DOT_QUAD(0)
	DOT_QUAD(1)
	DOT_QUAD(2)
	DOT_QUAD(3)
}
#else
/* Adds the sums of half a group of eight rows for some columns: of all four quads in 16 bits, or of two. */
INLINE void add_half(const int8x16_t (*w)[PARTS], bool wide, const int8_t *const *q, int columns,
		     int32x4_t (*sums)[PARTS])
{
	const int most = wide ? 2 : 4;
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++)
#pragma GCC unroll 2
		for (int i = 0; i < 4; i += most) {
			int16x8_t low[PARTS] = {vdupq_n_s16(0), vdupq_n_s16(0)}, high[PARTS] = {low[0], low[0]};
#pragma GCC unroll 4
			for (int quad = i; quad < i + most; quad++) {
				int8x8_t x = vreinterpret_s8_u32(vdup_n_u32(load32((const uint8_t *)q[c] + 4 * quad)));
#pragma GCC unroll 2
				for (int j = 0; j < PARTS; j++) {
					low[j] = vmlal_s8(low[j], vget_low_s8(w[quad][j]), x);
					high[j] = vmlal_s8(high[j], vget_high_s8(w[quad][j]), x);
				}
			}
#pragma GCC unroll 2
			for (int j = 0; j < PARTS; j++)
				sums[c][j] =
					vaddq_s32(sums[c][j], vpaddq_s32(vpaddlq_s16(low[j]), vpaddlq_s16(high[j])));
		}
}
#endif

/* The sums of a group of eight rows for some columns; `a`: of both halves times their scales. */
INLINE void tile_dots(const int8x16_t (*w)[PARTS], struct layout l, const int32x4_t (*a)[PARTS], const int8_t *const *q,
		      int columns, int32x4_t (*sums)[PARTS])
{
	const int8_t *second[FEW];
	int32x4_t part[FEW][PARTS];
	for (int c = 0; c < columns; c++) {
		second[c] = q[c] + 64;
		sums[c][0] = sums[c][1] = part[c][0] = part[c][1] = vdupq_n_s32(0);
	}
	add_half(w, l.wide, q, columns, sums);
	if (!l.halves || l.multiplied) {
		add_half(w + 4, l.wide, second, columns, sums);
		return;
	}
	add_half(w + 4, l.wide, second, columns, part);
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++)
#pragma GCC unroll 2
		for (int j = 0; j < PARTS; j++)
			sums[c][j] = vmlaq_s32(vmulq_s32(sums[c][j], a[0][j]), part[c][j], a[1][j]);
}

/* One group of eight rows times some columns: lane `lane` of acc[column]. */
INLINE void tile_lane(struct layout l, const struct tile *tile, int lane, const uint8_t *act, size_t stride,
		      int columns, float32x4_t (*acc)[SUMS][PARTS])
{
	int p = lane / 2 % 2, e = lane % 2, v = lane / 4, at = lane & (l.halves ? 3 : 15);
	const int8_t *q[FEW];
	int32x4_t sums[FEW][PARTS];
	for (int c = 0; c < columns; c++)
		q[c] = ((const struct act_block *)(const void *)(act + (size_t)c * stride))->q[p] + 128 * e + 16 * v;
	tile_dots(tile->q[lane], l, tile->a[lane], q, columns, sums);
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++) {
		const struct act_block *block = (const void *)(act + (size_t)c * stride);
		const int16_t *half = block->half_sum[p] + 2 * (2 * v + e);
		float scale = block->scale[lane];
#pragma GCC unroll 2
		for (int j = 0; j < PARTS; j++) {
			float32x4_t y = acc[c][lane][j];
			y = vfmaq_f32(y, vcvtq_f32_s32(sums[c][j]), vmulq_n_f32(tile->d[at][j], scale));
			if (l.mins && !l.halves)
				y = vfmaq_n_f32(y, tile->m[at][j], block->sum[lane]);
			if (l.mins && l.halves) {
				int32x4_t sum = vmulq_n_s32(tile->min[lane][0][j], half[0]);
				sum = vmlaq_n_s32(sum, tile->min[lane][1][j], half[1]);
				y = vfmaq_f32(y, vcvtq_f32_s32(sum), vmulq_n_f32(tile->m[at][j], scale));
			}
			acc[c][lane][j] = y;
		}
	}
}

INLINE void tile_some(struct layout l, const struct tile *tile, const uint8_t *act, size_t stride, int columns,
		      float32x4_t (*acc)[SUMS][PARTS])
{
	for (int lane = 0; lane < SUMS; lane++)
		tile_lane(l, tile, lane, act, stride, columns, acc);
}

typedef float32x4_t vec;

INLINE vec vec_add(vec a, vec b)
{
	return vaddq_f32(a, b);
}

INLINE void vec_store(float *to, vec x)
{
	vst1q_f32(to, x);
}

#include "product_tiles.h"

/* --- By type ------------------------------------------------------------------------------------------- */

/* Products of Q3_K take all eight bits. */
#ifdef SDOT
enum { MULTIPLIED = 1 };
#else
enum { MULTIPLIED = 0 };
#endif

/* Tiles of several types are alike. */
#define TILE(name, ...)                                                                                               \
	static __attribute__((noinline)) void tile_##name(const struct tile *tile, const uint8_t *act, size_t stride, \
							  int columns, float32x4_t(*acc)[SUMS][PARTS])                \
	{                                                                                                             \
		const struct layout l = {__VA_ARGS__};                                                                \
		tile_columns(l, tile, act, stride, columns, acc);                                                     \
	}

TILE(groups, .wide = false)
TILE(wide, .wide = true)
TILE(group_mins, .mins = true)
TILE(halves, .halves = true)
TILE(small_halves, .halves = true, .multiplied = MULTIPLIED)
TILE(half_mins, .halves = true, .mins = true, .multiplied = true)

#define PRODUCT(name, alike, ...)                                                                                    \
	static __attribute__((noinline)) void few_##name(const struct matrix *m, int64_t first, int64_t last, int k) \
	{                                                                                                            \
		const struct layout l = {__VA_ARGS__};                                                               \
		switch (k) {                                                                                         \
		case 1: few_columns(weights_##name, scales_##name, l, 1, m, first, last); break;                     \
		case 2: few_columns(weights_##name, scales_##name, l, 2, m, first, last); break;                     \
		case 3: few_columns(weights_##name, scales_##name, l, 3, m, first, last); break;                     \
		default: few_columns(weights_##name, scales_##name, l, FEW, m, first, last);                         \
		}                                                                                                    \
	}                                                                                                            \
	static __attribute__((noinline)) void fill_##name(const struct matrix *m, int64_t r, int64_t last,           \
							  int64_t first, int64_t count, struct tile *tile)           \
	{                                                                                                            \
		const struct layout l = {__VA_ARGS__};                                                               \
		fill_tile(weights_##name, scales_##name, l, m, r, last, first, count, tile);                         \
	}                                                                                                            \
	static void many_##name(const struct matrix *m, int64_t first, int64_t last, int k)                          \
	{                                                                                                            \
		many_columns(fill_##name, tile_##alike, m, first, last, k);                                          \
	}

PRODUCT(q4_0, groups, 18, .small = true)
PRODUCT(q4_1, group_mins, 20, .small = true, .mins = true)
PRODUCT(q5_0, groups, 22, .small = true)
PRODUCT(q5_1, group_mins, 24, .small = true, .mins = true)
PRODUCT(q8_0, wide, 34, .small = true, .wide = true)
PRODUCT(iq4_nl, wide, 18, .small = true, .wide = true)
PRODUCT(iq4_xs, wide, 136, .wide = true)
PRODUCT(q4_k, group_mins, 144, .mins = true)
PRODUCT(q5_k, group_mins, 176, .mins = true)
PRODUCT(q2_k, half_mins, 84, .halves = true, .mins = true, .multiplied = true)
PRODUCT(q3_k, small_halves, 110, .halves = true, .multiplied = MULTIPLIED)
PRODUCT(q6_k, halves, 210, .halves = true)

#include "product_table.h"

static void PRODUCT_NEON(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
			 int64_t last, const uint8_t *act, size_t act_stride, const float *x, size_t x_stride, int k,
			 float *y, size_t y_stride)
{
	const struct matrix m = {w, act, row_bytes, act_stride, y_stride, n, y};
	if (!few[type])
		neon_float_matmul(type, w, row_bytes, n, first, last, x, x_stride, k, y, y_stride);
	else
		product(type, &m, first, last, k);
}

#endif
