/* unpack256.h: blocks of every quantised type in 256-bit registers.
 *
 * weights_TYPE() gives the groups 4k..4k + 3 of a superblock as unsigned bytes (signed ones of types
 * that count from -128, where `minus`), in the order of activations (act_byte): the first halves of the
 * even groups, their second halves, the same of the odd groups. scales_TYPE() gives what two superblocks
 * multiply and add, by lanes. */
#ifndef UNPACK256_H
#define UNPACK256_H

#include "avx2.h"

enum { WIDE = 255 }; /* largest unsigned weight of types that count from -128 */

/* w = d q + m (where there are minimums), by lanes 0..7 and 8..15. Types whose halves have scales: d and m of superblocks (d[0] is d[1]) and
 * integers a and min of halves, for either superblock: groups 0, 1, 4, 5, then 2, 3, 6, 7. */
struct scales {
	__m256 d[2], m[2];
	__m256i a[2], min[2];
};

typedef void weights_fn(const uint8_t *b, int k, bool minus, __m256i *w);
typedef void scales_fn(const uint8_t *b0, const uint8_t *b1, struct scales *s);

INLINE uint32_t load32(const uint8_t *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return value;
}

INLINE __m256i load_two(const uint8_t *low, const uint8_t *high)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(low)), load16(high), 1);
}

/* 16 bytes twice; the upper ones shifted to the right. */
INLINE __m256i load_twice(const uint8_t *p, int shift)
{
	return _mm256_srlv_epi64(_mm256_broadcastsi128_si256(load16(p)), _mm256_setr_epi64x(0, 0, shift, shift));
}

INLINE __m256i masked(__m256i x, char mask)
{
	return _mm256_and_si256(x, _mm256_set1_epi8(mask));
}

INLINE __m256i high_nibbles(__m256i x)
{
	return masked(_mm256_srli_epi16(x, 4), 15);
}

/* --- Types of 32 weights a block: low nibbles are a group's first half ------------------------------ */

/* Halves at p, p + stride, … of 16 blocks, those of lanes 8k..8k + 7. */
INLINE __m256 halves_by_lane(const uint8_t *p, int stride, int k)
{
	uint16_t h[8];
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		memcpy(&h[i], p + (8 * (i / 2 % 2) + 4 * k + 2 * (i / 4) + i % 2) * stride, sizeof(*h));
	__m128i x = _mm_cvtsi32_si128(h[0]);
	x = _mm_insert_epi16(x, h[1], 1);
	x = _mm_insert_epi16(x, h[2], 2);
	x = _mm_insert_epi16(x, h[3], 3);
	x = _mm_insert_epi16(x, h[4], 4);
	x = _mm_insert_epi16(x, h[5], 5);
	x = _mm_insert_epi16(x, h[6], 6);
	return _mm256_cvtph_ps(_mm_insert_epi16(x, h[7], 7));
}

/* Nibbles at p, p + stride, … of eight groups. */
INLINE void nibbles(const uint8_t *p, int stride, int k, __m256i *w)
{
#pragma GCC unroll 2
	for (int e = 0; e < 2; e++) {
		__m256i x = load_two(p + (4 * k + e) * stride, p + (4 * k + e + 2) * stride);
		w[2 * e] = masked(x, 15);
		w[2 * e + 1] = high_nibbles(x);
	}
}

INLINE void scales_alone(const uint8_t *p, int stride, struct scales *s)
{
	s->d[0] = halves_by_lane(p, stride, 0);
	s->d[1] = halves_by_lane(p, stride, 1);
}

INLINE void scales_minimum(const uint8_t *p, int stride, struct scales *s)
{
	scales_alone(p, stride, s);
	s->m[0] = halves_by_lane(p + 2, stride, 0);
	s->m[1] = halves_by_lane(p + 2, stride, 1);
}

INLINE void weights_q4_0(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles(b + 2, 18, k, w);
}

INLINE void scales_q4_0(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 18, s);
}

INLINE void weights_q4_1(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles(b + 4, 20, k, w);
}

INLINE void scales_q4_1(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_minimum(b0, 20, s);
}

/* Adds 16 to the weights whose bits are set: 32 bits at p, p + stride, … of eight groups. */
INLINE void add_fifths(const uint8_t *p, int stride, int k, __m256i *w)
{
	const __m256i which = _mm256_set1_epi64x((int64_t)0x8040201008040201);
	const __m256i first = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0404040404040404, 0x0505050505050505);
	const __m256i second = _mm256_add_epi8(first, _mm256_set1_epi8(2));
#pragma GCC unroll 2
	for (int e = 0; e < 2; e++) {
		uint64_t low = load32(p + (4 * k + e) * stride), high = load32(p + (4 * k + e + 2) * stride);
		__m256i bits = _mm256_set1_epi64x((int64_t)(low | high << 32));
		__m256i x = _mm256_and_si256(_mm256_shuffle_epi8(bits, first), which);
		__m256i y = _mm256_and_si256(_mm256_shuffle_epi8(bits, second), which);
		w[2 * e] = _mm256_or_si256(w[2 * e], masked(_mm256_cmpeq_epi8(x, which), 16));
		w[2 * e + 1] = _mm256_or_si256(w[2 * e + 1], masked(_mm256_cmpeq_epi8(y, which), 16));
	}
}

INLINE void weights_q5_0(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles(b + 6, 22, k, w);
	add_fifths(b + 2, 22, k, w);
}

INLINE void scales_q5_0(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 22, s);
}

INLINE void weights_q5_1(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles(b + 8, 24, k, w);
	add_fifths(b + 4, 24, k, w);
}

INLINE void scales_q5_1(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_minimum(b0, 24, s);
}

INLINE void weights_q8_0(const uint8_t *b, int k, bool minus, __m256i *w)
{
	const __m256i flip = _mm256_set1_epi8(minus ? 0 : -128);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) { /* half i % 2 of groups i / 2 and i / 2 + 2 */
		const uint8_t *p = b + 34 * (4 * k + i / 2) + 2 + HALF * (i % 2);
		w[i] = _mm256_xor_si256(load_two(p, p + 68), flip);
	}
}

INLINE void scales_q8_0(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 34, s);
}

/* IQ4's sixteen values; plus 128 unless `minus`. */
INLINE void look_up_iq4(bool minus, __m256i *w)
{
	const __m256i values = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113));
	const __m256i table = _mm256_xor_si256(values, _mm256_set1_epi8(minus ? 0 : -128));
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		w[i] = _mm256_shuffle_epi8(table, w[i]);
}

INLINE void weights_iq4_nl(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles(b + 2, 18, k, w);
	look_up_iq4(minus, w);
}

INLINE void scales_iq4_nl(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	scales_alone(b0, 18, s);
}

INLINE void weights_iq4_xs(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles(b + 8, 16, k, w);
	look_up_iq4(minus, w);
}

/* --- Types of 256 weights ------------------------------------------------------------------------------ */

/* The f16 pair at p of one superblock and at q of the next: for lanes, what comes first and what comes second. */
INLINE void half_pairs(const uint8_t *p, const uint8_t *q, __m256 *first, __m256 *second)
{
	__m128 x = _mm_cvtph_ps(_mm_cvtsi64_si128((int64_t)((uint64_t)load32(q) << 32 | load32(p))));
	__m256 both = _mm256_insertf128_ps(_mm256_castps128_ps256(x), x, 1);
	*first = _mm256_moveldup_ps(both);
	*second = _mm256_movehdup_ps(both);
}

INLINE __m256 two_halves(const uint8_t *p, const uint8_t *q)
{
	uint16_t a, b;
	memcpy(&a, p, sizeof(a));
	memcpy(&b, q, sizeof(b));
	__m128 x = _mm_cvtph_ps(_mm_cvtsi64_si128((int64_t)((uint64_t)b << 32 | a)));
	return _mm256_moveldup_ps(_mm256_insertf128_ps(_mm256_castps128_ps256(x), x, 1));
}

/* Groups 0, 1, 4, 5, 2, 3, 6, 7 of two superblocks, by lanes. */
INLINE __m256i by_lanes(__m256i a, __m256i b, int k)
{
	return k ? _mm256_unpackhi_epi64(a, b) : _mm256_unpacklo_epi64(a, b);
}

INLINE __m256i scales_of_iq4_xs(const uint8_t *b)
{
	const __m256i by_four = _mm256_setr_epi32(0, 4, 16, 20, 8, 12, 24, 28);
	const __m256i by_two = _mm256_setr_epi32(0, 2, 8, 10, 4, 6, 12, 14);
	__m256i low = _mm256_srlv_epi32(_mm256_set1_epi32((int)load32(b + 4)), by_four);
	__m256i high = _mm256_srlv_epi32(_mm256_set1_epi32((int)(load32(b) >> 16)), by_two);
	low = _mm256_and_si256(low, _mm256_set1_epi32(15));
	high = _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4);
	return _mm256_sub_epi32(_mm256_or_si256(low, high), _mm256_set1_epi32(32));
}

INLINE void scales_iq4_xs(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	__m256i a = scales_of_iq4_xs(b0), b = scales_of_iq4_xs(b1);
	__m256 d = two_halves(b0, b1);
	s->d[0] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(by_lanes(a, b, 0)));
	s->d[1] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(by_lanes(a, b, 1)));
}

/* Eight 6-bit scales and mins in 12 bytes, as bytes. */
INLINE void unpack_scales_45k(const uint8_t *b, __m128i *scales, __m128i *mins)
{
	uint32_t x = load32(b), y = load32(b + 4), z = load32(b + 8);
	uint64_t scale_high = (z & 0x0f0f0f0f) | (x >> 6 & 0x03030303) << 4;
	uint64_t min_high = (z >> 4 & 0x0f0f0f0f) | (y >> 6 & 0x03030303) << 4;
	*scales = _mm_cvtsi64_si128((int64_t)(scale_high << 32 | (x & 0x3f3f3f3f)));
	*mins = _mm_cvtsi64_si128((int64_t)(min_high << 32 | (y & 0x3f3f3f3f)));
}

INLINE __m256 bytes_to_floats(__m128i x)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(x));
}

/* d, dmin, scales[12]. */
INLINE void scales_q4_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	__m128i scales[2], mins[2];
	__m256 d, m;
	half_pairs(b0, b1, &d, &m);
	m = _mm256_xor_ps(m, _mm256_set1_ps(-0.0f));
	unpack_scales_45k(b0 + 4, &scales[0], &mins[0]);
	unpack_scales_45k(b1 + 4, &scales[1], &mins[1]);
	__m128i a = _mm_unpacklo_epi16(scales[0], scales[1]), c = _mm_unpacklo_epi16(mins[0], mins[1]);
	s->d[0] = _mm256_mul_ps(d, bytes_to_floats(a));
	s->m[0] = _mm256_mul_ps(m, bytes_to_floats(c));
	s->d[1] = _mm256_mul_ps(d, bytes_to_floats(_mm_unpackhi_epi64(a, a)));
	s->m[1] = _mm256_mul_ps(m, bytes_to_floats(_mm_unpackhi_epi64(c, c)));
}

#define scales_q5_k scales_q4_k

/* Chunks of 32 bytes: low nibbles are even groups, high ones odd groups. */
INLINE void nibbles_k(const uint8_t *p, int k, __m256i *w)
{
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		__m256i x = load_two(p + 64 * k + HALF * half, p + 64 * k + HALF * half + 32);
		w[half] = masked(x, 15);
		w[2 + half] = high_nibbles(x);
	}
}

INLINE void weights_q4_k(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles_k(b + 16, k, w);
}

INLINE __m256i moved(__m256i x, int left)
{
	return left < 0 ? _mm256_srli_epi16(x, -left) : _mm256_slli_epi16(x, left);
}

INLINE void weights_q5_k(const uint8_t *b, int k, bool minus, __m256i *w)
{
	nibbles_k(b + 48, k, w);
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) { /* bits 4k + e of the lower bytes, 4k + e + 2 of the upper ones */
		__m256i bits = load_twice(b + 16 + HALF * half, 2);
		w[half] = _mm256_or_si256(w[half], masked(moved(bits, 4 - 4 * k), 16));
		w[2 + half] = _mm256_or_si256(w[2 + half], masked(moved(bits, 3 - 4 * k), 16));
	}
}

INLINE void weights_q6_k(const uint8_t *b, int k, bool minus, __m256i *w)
{
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		const uint8_t *low = b + 64 * k + HALF * half;
		__m256i high = load_twice(b + 128 + 32 * k + HALF * half, 4);
		w[half] = masked(load_twice(low, 4), 15);
		w[2 + half] = masked(load_twice(low + 32, 4), 15);
		w[half] = _mm256_or_si256(w[half], masked(_mm256_slli_epi16(high, 4), 0x30));
		w[2 + half] = _mm256_or_si256(w[2 + half], masked(_mm256_slli_epi16(high, 2), 0x30));
	}
}

/* Bytes of 16 halves as 16-bit integers, in the order of struct scales. */
INLINE __m256i widen_halves(__m128i bytes)
{
	return _mm256_cvtepi8_epi16(_mm_shuffle_epi32(bytes, 0xd8));
}

INLINE void scales_q6_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	s->d[0] = s->d[1] = two_halves(b0 + 208, b1 + 208);
	s->a[0] = widen_halves(load16(b0 + 192));
	s->a[1] = widen_halves(load16(b1 + 192));
}

INLINE void weights_q2_k(const uint8_t *b, int k, bool minus, __m256i *w)
{
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		__m256i x = load_twice(b + 16 + 32 * k + HALF * half, 4);
		w[half] = masked(x, 3);
		w[2 + half] = masked(_mm256_srli_epi16(x, 2), 3);
	}
}

INLINE void scales_q2_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	const __m128i low = _mm_set1_epi8(15);
	__m128i x = load16(b0), y = load16(b1);
	half_pairs(b0 + 80, b1 + 80, &s->d[0], &s->m[0]);
	s->m[0] = s->m[1] = _mm256_xor_ps(s->m[0], _mm256_set1_ps(-0.0f));
	s->d[1] = s->d[0];
	s->a[0] = widen_halves(_mm_and_si128(x, low));
	s->a[1] = widen_halves(_mm_and_si128(y, low));
	s->min[0] = widen_halves(_mm_and_si128(_mm_srli_epi16(x, 4), low));
	s->min[1] = widen_halves(_mm_and_si128(_mm_srli_epi16(y, 4), low));
}

INLINE void weights_q3_k(const uint8_t *b, int k, bool minus, __m256i *w)
{
	weights_q2_k(b + 16, k, false, w);
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) { /* bits as in weights_q5_k() */
		__m256i bits = load_twice(b + HALF * half, 2);
		w[half] = _mm256_or_si256(w[half], masked(moved(bits, 2 - 4 * k), 4));
		w[2 + half] = _mm256_or_si256(w[2 + half], masked(moved(bits, 1 - 4 * k), 4));
	}
}

INLINE __m256i scales_of_q3_k(const uint8_t *b)
{
	uint64_t first = (uint64_t)load32(b + 100) << 32 | load32(b + 96);
	__m128i low = _mm_set_epi64x((int64_t)(first >> 4), (int64_t)first);
	__m128i top = _mm_srlv_epi32(_mm_set1_epi32((int)load32(b + 104)), _mm_setr_epi32(0, 2, 4, 6));
	low = _mm_and_si128(low, _mm_set1_epi8(15));
	top = _mm_slli_epi16(_mm_and_si128(top, _mm_set1_epi8(3)), 4);
	return widen_halves(_mm_sub_epi8(_mm_or_si128(low, top), _mm_set1_epi8(32)));
}

INLINE void scales_q3_k(const uint8_t *b0, const uint8_t *b1, struct scales *s)
{
	s->d[0] = s->d[1] = two_halves(b0 + 108, b1 + 108);
	s->a[0] = scales_of_q3_k(b0);
	s->a[1] = scales_of_q3_k(b1);
}

#endif
