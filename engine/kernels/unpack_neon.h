/* unpack_neon.h: blocks of every quantised type in 128-bit registers.
 *
 * weights_TYPE() gives the groups 2v and 2v + 1 of a superblock as signed bytes, both halves of the first, then of the
 * second: what is to be multiplied by the group's scale, or the half's. scales_TYPE() gives what two superblocks multiply and add: register v is lanes
 * 4v..4v + 3, the two groups of the first superblock, then of the second. */
#ifndef UNPACK_NEON_H
#define UNPACK_NEON_H

#include "neon.h"

/* w = d q + m (where there are minimums), by lanes. Types whose halves have scales: d and m of superblocks (all four alike), and integers of
 * halves in their order, for either superblock. */
struct scales {
	float32x4_t d[4], m[4];
	int8x16_t a[2], min[2];
};

typedef void weights_fn(const uint8_t *b, int v, int8x16_t *w);
typedef void scales_fn(const uint8_t *b0, const uint8_t *b1, struct scales *s);

INLINE uint32_t load32(const uint8_t *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return value;
}

INLINE uint8x16_t masked(uint8x16_t x, uint8_t mask)
{
	return vandq_u8(x, vdupq_n_u8(mask));
}

/* Bits to the left, or to the right if negative. */
INLINE uint8x16_t moved(uint8x16_t x, int left)
{
	return vshlq_u8(x, vdupq_n_s8((int8_t)left));
}

INLINE int8x16_t low_nibbles(uint8x16_t x)
{
	return vreinterpretq_s8_u8(masked(x, 15));
}

INLINE int8x16_t high_nibbles(uint8x16_t x)
{
	return vreinterpretq_s8_u8(vshrq_n_u8(x, 4));
}

INLINE int8x16_t with_bits(int8x16_t x, uint8x16_t bits)
{
	return vorrq_s8(x, vreinterpretq_s8_u8(bits));
}

/* --- Types of 32 weights a block: low nibbles are a group's first half ------------------------------ */

/* Halves at p, p + stride, … of sixteen blocks, those of lanes 4v..4v + 3. */
INLINE float32x4_t halves_by_lane(const uint8_t *p, int stride, int v)
{
	uint16_t h[4];
	for (int i = 0; i < 4; i++)
		memcpy(&h[i], p + (8 * (i / 2) + 2 * v + i % 2) * stride, sizeof(*h));
	return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(h)));
}

INLINE void scales_alone(const uint8_t *p, int stride, struct scales *s)
{
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++)
		s->d[v] = halves_by_lane(p, stride, v);
}

INLINE void scales_minimum(const uint8_t *p, int stride, struct scales *s)
{
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++) {
		s->d[v] = halves_by_lane(p, stride, v);
		s->m[v] = halves_by_lane(p + 2, stride, v);
	}
}

/* Nibbles at p, p + stride, … of eight groups. */
INLINE void nibbles(const uint8_t *p, int stride, int v, int8x16_t *w)
{
#pragma GCC unroll 2
	for (int e = 0; e < 2; e++) {
		uint8x16_t x = vld1q_u8(p + (2 * v + e) * stride);
		w[2 * e] = low_nibbles(x);
		w[2 * e + 1] = high_nibbles(x);
	}
}

/* Adds 16 to the weights whose bits are set: 32 bits at p, p + stride, … of eight groups. */
INLINE void add_fifths(const uint8_t *p, int stride, int v, int8x16_t *w)
{
	const uint8x16_t which = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		const uint8_t *bits = p + (2 * v + i / 2) * stride + i % 2 * 2;
		uint8x16_t x = vcombine_u8(vdup_n_u8(bits[0]), vdup_n_u8(bits[1]));
		w[i] = with_bits(w[i], masked(vtstq_u8(x, which), 16));
	}
}

/* Weights that count from `offset`. */
INLINE void take_offset(int8_t offset, int8x16_t *w)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		w[i] = vsubq_s8(w[i], vdupq_n_s8(offset));
}

INLINE void weights_q4_0(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles(b + 2, 18, v, w);
	take_offset(8, w);
}

INLINE void scales_q4_0(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 18, s);
}

INLINE void weights_q4_1(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles(b + 4, 20, v, w);
}

INLINE void scales_q4_1(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_minimum(b0, 20, s);
}

INLINE void weights_q5_0(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles(b + 6, 22, v, w);
	add_fifths(b + 2, 22, v, w);
	take_offset(16, w);
}

INLINE void scales_q5_0(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 22, s);
}

INLINE void weights_q5_1(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles(b + 8, 24, v, w);
	add_fifths(b + 4, 24, v, w);
}

INLINE void scales_q5_1(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_minimum(b0, 24, s);
}

INLINE void weights_q8_0(const uint8_t *b, int v, int8x16_t *w)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		w[i] = vreinterpretq_s8_u8(vld1q_u8(b + 34 * (2 * v + i / 2) + 2 + HALF * (i % 2)));
}

INLINE void scales_q8_0(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 34, s);
}

INLINE void look_up_iq4(int8x16_t *w)
{
	static const int8_t values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
	const int8x16_t table = vld1q_s8(values);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		w[i] = vqtbl1q_s8(table, vreinterpretq_u8_s8(w[i]));
}

INLINE void weights_iq4_nl(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles(b + 2, 18, v, w);
	look_up_iq4(w);
}

INLINE void scales_iq4_nl(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 18, s);
}

INLINE void weights_iq4_xs(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles(b + 8, 16, v, w);
	look_up_iq4(w);
}

/* --- Types of 256 weights ------------------------------------------------------------------------------ */

/* The halves at p and q, by lanes. */
INLINE float32x4_t two_halves(const uint8_t *p, const uint8_t *q)
{
	return vcombine_f32(vdup_n_f32(half_at(p)), vdup_n_f32(half_at(q)));
}

/* Bytes of eight groups of two superblocks, by lanes. */
INLINE void bytes_by_lane(uint8x8_t first, uint8x8_t second, uint16x8_t *out)
{
	uint16x4_t x = vreinterpret_u16_u8(first), y = vreinterpret_u16_u8(second);
	out[0] = vmovl_u8(vreinterpret_u8_u16(vzip1_u16(x, y)));
	out[1] = vmovl_u8(vreinterpret_u8_u16(vzip2_u16(x, y)));
}

/* Four of them as floats. */
INLINE float32x4_t lane_floats(const uint16x8_t *x, int v)
{
	return vcvtq_f32_u32(vmovl_u16(v % 2 ? vget_high_u16(x[v / 2]) : vget_low_u16(x[v / 2])));
}

/* Six bits a group, plus 0: 32 is to be taken. */
INLINE uint8x8_t scales_of_iq4_xs(const uint8_t *b)
{
	uint32_t low = load32(b + 4), high = load32(b) >> 16;
	uint64_t x = 0;
	for (int i = 0; i < GROUPS; i++)
		x |= (uint64_t)((low >> 4 * i & 15) | (high >> 2 * i & 3) << 4) << 8 * i;
	return vcreate_u8(x);
}

INLINE void scales_iq4_xs(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	float32x4_t d = two_halves(b0, b1);
	uint16x8_t a[2];
	bytes_by_lane(scales_of_iq4_xs(b0), scales_of_iq4_xs(b1), a);
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++)
		s->d[v] = vmulq_f32(d, vsubq_f32(lane_floats(a, v), vdupq_n_f32(32)));
}

/* Eight 6-bit scales and mins in 12 bytes, as bytes. */
INLINE void unpack_scales_45k(const uint8_t *b, uint8x8_t *scales, uint8x8_t *mins)
{
	uint32_t x = load32(b), y = load32(b + 4), z = load32(b + 8);
	uint64_t scale_high = (z & 0x0f0f0f0f) | (x >> 6 & 0x03030303) << 4;
	uint64_t min_high = (z >> 4 & 0x0f0f0f0f) | (y >> 6 & 0x03030303) << 4;
	*scales = vcreate_u8(scale_high << 32 | (x & 0x3f3f3f3f));
	*mins = vcreate_u8(min_high << 32 | (y & 0x3f3f3f3f));
}

/* d, dmin, scales[12]. */
INLINE void scales_q4_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	float32x4_t d = two_halves(b0, b1), m = vnegq_f32(two_halves(b0 + 2, b1 + 2));
	uint8x8_t scales[2], mins[2];
	uint16x8_t a[2], c[2];
	unpack_scales_45k(b0 + 4, &scales[0], &mins[0]);
	unpack_scales_45k(b1 + 4, &scales[1], &mins[1]);
	bytes_by_lane(scales[0], scales[1], a);
	bytes_by_lane(mins[0], mins[1], c);
#pragma GCC unroll 4
	for (int v = 0; v < 4; v++) {
		s->d[v] = vmulq_f32(d, lane_floats(a, v));
		s->m[v] = vmulq_f32(m, lane_floats(c, v));
	}
}

#define scales_q5_k scales_q4_k

/* Chunks of 32 bytes: low nibbles are even groups, high ones odd groups. */
INLINE void nibbles_k(const uint8_t *p, int v, int8x16_t *w)
{
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		uint8x16_t x = vld1q_u8(p + 32 * v + HALF * half);
		w[half] = low_nibbles(x);
		w[2 + half] = high_nibbles(x);
	}
}

INLINE void weights_q4_k(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles_k(b + 16, v, w);
}

INLINE void weights_q5_k(const uint8_t *b, int v, int8x16_t *w)
{
	nibbles_k(b + 48, v, w);
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) { /* bits 2v and 2v + 1 */
		uint8x16_t bits = vld1q_u8(b + 16 + HALF * half);
		w[half] = with_bits(w[half], masked(moved(bits, 4 - 2 * v), 16));
		w[2 + half] = with_bits(w[2 + half], masked(moved(bits, 3 - 2 * v), 16));
	}
}

INLINE void one_scale(const uint8_t *p, const uint8_t *q, struct scales *s)
{
	s->d[0] = s->d[1] = s->d[2] = s->d[3] = two_halves(p, q);
}

INLINE void weights_q6_k(const uint8_t *b, int v, int8x16_t *w)
{
	const int right = v % 2 ? -4 : 0;
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) { /* half i % 2 of group i / 2 */
		uint8x16_t low = vld1q_u8(b + 64 * (v / 2) + HALF * i);
		uint8x16_t high = vld1q_u8(b + 128 + 32 * (v / 2) + HALF * (i % 2));
		high = masked(moved(high, 4 + right - 2 * (i / 2)), 0x30);
		low = masked(moved(low, right), 15);
		w[i] = vreinterpretq_s8_u8(vorrq_u8(low, high));
	}
	take_offset(32, w);
}

INLINE void scales_q6_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	one_scale(b0 + 208, b1 + 208, s);
	s->a[0] = vreinterpretq_s8_u8(vld1q_u8(b0 + 192));
	s->a[1] = vreinterpretq_s8_u8(vld1q_u8(b1 + 192));
}

/* Two bits a weight. */
INLINE void pairs_k(const uint8_t *p, int v, int8x16_t *w)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		uint8x16_t x = vld1q_u8(p + 32 * (v / 2) + HALF * (i % 2));
		w[i] = vreinterpretq_s8_u8(masked(moved(x, -4 * (v % 2) - 2 * (i / 2)), 3));
	}
}

INLINE void weights_q2_k(const uint8_t *b, int v, int8x16_t *w)
{
	pairs_k(b + 16, v, w);
}

INLINE void scales_q2_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	uint8x16_t x = vld1q_u8(b0), y = vld1q_u8(b1);
	one_scale(b0 + 80, b1 + 80, s);
	s->m[0] = s->m[1] = s->m[2] = s->m[3] = vnegq_f32(two_halves(b0 + 82, b1 + 82));
	s->a[0] = low_nibbles(x);
	s->a[1] = low_nibbles(y);
	s->min[0] = high_nibbles(x);
	s->min[1] = high_nibbles(y);
}

INLINE void weights_q3_k(const uint8_t *b, int v, int8x16_t *w)
{
	pairs_k(b + 32, v, w);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) { /* bits 2v and 2v + 1 */
		uint8x16_t bits = vld1q_u8(b + HALF * (i % 2));
		w[i] = with_bits(w[i], masked(moved(bits, 2 - 2 * v - i / 2), 4));
	}
	take_offset(4, w);
}

INLINE int8x16_t scales_of_q3_k(const uint8_t *b)
{
	static const int32_t right[4] = {0, -2, -4, -6};
	uint8x8_t first = vld1_u8(b + 96);
	uint32x4_t last = vshlq_u32(vdupq_n_u32(load32(b + 104)), vld1q_s32(right));
	uint8x16_t low = vcombine_u8(vand_u8(first, vdup_n_u8(15)), vshr_n_u8(first, 4));
	uint8x16_t high = vshlq_n_u8(masked(vreinterpretq_u8_u32(last), 3), 4);
	return vsubq_s8(vreinterpretq_s8_u8(vorrq_u8(low, high)), vdupq_n_s8(32));
}

INLINE void scales_q3_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	one_scale(b0 + 108, b1 + 108, s);
	s->a[0] = scales_of_q3_k(b0);
	s->a[1] = scales_of_q3_k(b1);
}

#endif
