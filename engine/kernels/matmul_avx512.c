/* Products of quantised matrices for x86-64 with AVX-512 and its byte dot products (VNNI).
 *
 * Few columns: whole rows are streamed as they lie in the file, and what is unpacked of them
 * serves every column. Many columns: sixteen rows are unpacked into a tile (lane = row) that
 * stays in the second-level cache, and every column passes over it without horizontal sums.
 * Both add in the order of kernels.h.
 *
 * Unpacked bytes are in the order of struct act_block: a register holds 16 weights (a half of a
 * group) of four groups. Most formats hold them like that but for a choice of 128-bit lanes. */
#if defined(__x86_64__)
#include "avx512.h"

#include <stddef.h>

enum {
	FEW = 4,          /* columns that one unpacking serves without a tile */
	ROWS = 16,        /* of a tile */
	HIGH = 2,         /* tiles that a column meets at once */
	COLUMNS = 8,      /* whose accumulators stay in the first-level cache */
	TILE_PAIRS = 18,  /* blocks of 512 weights in a tile: it stays in the second-level cache */
	MOST = 256,       /* columns whose sums are kept while the tile moves along longer rows */
	AHEAD = 8192,     /* bytes that few columns fetch ahead, into the second-level cache */
	BLOCK_MOST = 272, /* bytes of a superblock of any type */
};

/* --- Unpacking: 512 weights -------------------------------------------------------------------------- */

struct pair {
	__m512i q[2][4];       /* of each superblock, as act_block's q; where halves have scales, as its plain */
	__m512 d, m;           /* by lanes */
	__m512 sub[2], min[2]; /* integers, by act_quad: Q2_K, Q3_K, Q6_K */
};

INLINE uint32_t load32(const uint8_t *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return value;
}

INLINE uint32_t load16(const uint8_t *p)
{
	uint16_t value;
	memcpy(&value, p, sizeof(value));
	return value;
}

/* 64 bytes that are used twice: left to itself, the compiler would load them twice, and loads are what decoding
 * has least of. */
INLINE __m512i load_once(const uint8_t *p)
{
	__m512i x = _mm512_loadu_si512(p);
	__asm__("" : "+v"(x));
	return x;
}

INLINE __m512i low_nibbles(__m512i x)
{
	return _mm512_and_si512(x, _mm512_set1_epi8(15));
}

INLINE __m512i high_nibbles(__m512i x)
{
	return low_nibbles(_mm512_srli_epi16(x, 4));
}

/* a | (b & c) */
INLINE __m512i or_masked(__m512i a, __m512i b, __m512i c)
{
	return _mm512_ternarylogic_epi64(a, b, c, 0xf8);
}

/* Rotates the four lanes of 128 bits to the left, each by its own number of bits. */
INLINE __m512i rotate_lanes(__m512i x, int a, int b, int c, int d)
{
	return _mm512_rolv_epi64(x, _mm512_setr_epi64(a, a, b, b, c, c, d, d));
}

/* Sixteen bytes each at p, p + stride, … p + 3 stride. */
INLINE __m512i four_pieces(const uint8_t *p, int stride)
{
	__m512i x = _mm512_castsi128_si512(load_bytes16(p));
	x = _mm512_mask_broadcast_i32x4(x, 0x00f0, load_bytes16(p + stride));
	x = _mm512_mask_broadcast_i32x4(x, 0x0f00, load_bytes16(p + 2 * stride));
	return _mm512_mask_broadcast_i32x4(x, 0xf000, load_bytes16(p + 3 * stride));
}

/* IQ4's sixteen values, plus 128. */
INLINE __m512i iq4_values(__m512i index)
{
	const __m128i values =
		_mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
	return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), index);
}

INLINE void nibble_halves(__m512i even, __m512i odd, __m512i *q)
{
	q[0] = low_nibbles(even);
	q[1] = high_nibbles(even);
	q[2] = low_nibbles(odd);
	q[3] = high_nibbles(odd);
}

/* Eight blocks of a legacy type, `bytes` each, whose nibbles begin at `at`. */
INLINE void nibble_blocks(const uint8_t *b, int bytes, int at, __m512i *q)
{
	nibble_halves(four_pieces(b + at, 2 * bytes), four_pieces(b + bytes + at, 2 * bytes), q);
}

/* Halves (f16) of sixteen blocks, by lanes. */
INLINE __m512 lane_halves(const uint8_t *p, int bytes)
{
#define WORD(i) (short)load16(p + (i)*bytes)
	return _mm512_cvtph_ps(_mm256_setr_epi16(WORD(0), WORD(1), WORD(8), WORD(9), WORD(2), WORD(3), WORD(10),
						 WORD(11), WORD(4), WORD(5), WORD(12), WORD(13), WORD(6), WORD(7),
						 WORD(14), WORD(15)));
#undef WORD
}

INLINE void set_offset(struct pair *p, __m512 d, float offset)
{
	p->d = d;
	p->m = _mm512_mul_ps(d, _mm512_set1_ps(-offset));
}

INLINE void unpack_q4_0(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++)
		nibble_blocks(b + 144 * s, 18, 2, p->q[s]);
	set_offset(p, lane_halves(b, 18), 8);
}

INLINE void unpack_q4_1(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++)
		nibble_blocks(b + 160 * s, 20, 4, p->q[s]);
	p->d = lane_halves(b, 20);
	p->m = lane_halves(b + 2, 20);
}

/* Adds the fifth bits of the blocks at p, p + stride… (16 of them each) to their bytes. */
INLINE __m512i add_fifth(__m512i q, const uint8_t *p, int stride)
{
	__mmask64 bits = load16(p) | load16(p + stride) << 16 | (uint64_t)load16(p + 2 * stride) << 32 |
			 (uint64_t)load16(p + 3 * stride) << 48;
	return _mm512_mask_add_epi8(q, bits, q, _mm512_set1_epi8(16));
}

INLINE void fifth_blocks(const uint8_t *b, int bytes, int at, __m512i *q)
{
	nibble_blocks(b, bytes, at + 4, q);
#pragma GCC unroll 16
	for (int i = 0; i < 4; i++)
		q[i] = add_fifth(q[i], b + i / 2 * bytes + at + i % 2 * 2, 2 * bytes);
}

INLINE void unpack_q5_0(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++)
		fifth_blocks(b + 176 * s, 22, 2, p->q[s]);
	set_offset(p, lane_halves(b, 22), 16);
}

INLINE void unpack_q5_1(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++)
		fifth_blocks(b + 192 * s, 24, 4, p->q[s]);
	p->d = lane_halves(b, 24);
	p->m = lane_halves(b + 2, 24);
}

INLINE void unpack_q8_0(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int i = 0; i < 4 * supers; i++) {
		const uint8_t *first = b + 272 * (i / 4) + 34 * (i % 4 / 2) + 2 + 16 * (i % 2);
		p->q[i / 4][i % 4] = _mm512_xor_si512(four_pieces(first, 68), _mm512_set1_epi8(-128));
	}
	set_offset(p, lane_halves(b, 34), 128);
}

INLINE void unpack_iq4_nl(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++) {
		nibble_blocks(b + 144 * s, 18, 2, p->q[s]);
#pragma GCC unroll 16
		for (int i = 0; i < 4; i++)
			p->q[s][i] = iq4_values(p->q[s][i]);
	}
	set_offset(p, lane_halves(b, 18), 128);
}

/* Two words of superblock a and two of b, a a b b in every 128 bits. */
INLINE __m512i lane_words(uint32_t a, uint32_t b)
{
	__m128i x = _mm_unpacklo_epi32(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b));
	return _mm512_broadcast_i32x4(_mm_unpacklo_epi32(x, x));
}

INLINE __m512 lane_d(const uint8_t *a, const uint8_t *b)
{
	__m128i x = _mm_cvtsi32_si128((int)(load16(a) | load16(b) << 16));
	__m128 d = _mm_cvtph_ps(_mm_unpacklo_epi16(x, x));
	return _mm512_broadcast_f32x4(d);
}

INLINE void unpack_iq4_xs(const uint8_t *b, int supers, struct pair *p)
{
	const __m512i group = _mm512_setr_epi32(0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7);
	const uint8_t *second = b + 136;
	__m512i low = lane_words(load32(b + 4), load32(second + 4));
	__m512i high = lane_words(load16(b + 2), load16(second + 2));
	low = _mm512_and_si512(_mm512_srlv_epi32(low, _mm512_slli_epi32(group, 2)), _mm512_set1_epi32(15));
	high = _mm512_srlv_epi32(high, _mm512_slli_epi32(group, 1));
	high = _mm512_slli_epi32(_mm512_and_si512(high, _mm512_set1_epi32(3)), 4);
	__m512i scale = _mm512_sub_epi32(_mm512_or_si512(low, high), _mm512_set1_epi32(32));
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++) {
		const uint8_t *qs = b + 136 * s + 8;
		__m512i x = load_once(qs), y = load_once(qs + 64);
		nibble_halves(_mm512_shuffle_i32x4(x, y, 0x88), _mm512_shuffle_i32x4(x, y, 0xdd), p->q[s]);
#pragma GCC unroll 16
		for (int i = 0; i < 4; i++)
			p->q[s][i] = iq4_values(p->q[s][i]);
	}
	set_offset(p, _mm512_mul_ps(lane_d(b, second), _mm512_cvtepi32_ps(scale)), 128);
}

INLINE __m512 unsigned_to_float16(__m128i bytes)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

/* The halves d, d, dmin, dmin of superblocks a and b (the low ones of x) give d and -dmin by lanes. */
INLINE void set_d_dmin(__m128i x, struct pair *p)
{
	__m128 d = _mm_xor_ps(_mm_cvtph_ps(x), _mm_setr_ps(0, 0, -0.0f, -0.0f));
	__m512 both = _mm512_broadcast_f32x4(d);
	p->d = _mm512_permute_ps(both, 0x50);
	p->m = _mm512_permute_ps(both, 0xfa);
}

/* d, dmin and eight 6-bit scales and mins in 12 bytes x, y, z (Q4_K, Q5_K): scales are x & 63, then z & 15 with
 * the top bits of x; mins are y & 63, then z >> 4 with those of y. Words of a and b in turn are in lanes' order. */
INLINE void set_scales_45k(const uint8_t *b, int bytes, struct pair *p)
{
	const __m128i low6 = _mm_set_epi64x(0x3030303030303030, 0x3f3f3f3f3f3f3f3f), shift = _mm_set_epi64x(2, 0);
	const __m128i low4 = _mm_set_epi64x(0x0f0f0f0f0f0f0f0f, 0);
	__m128i first = load_bytes16(b), second = load_bytes16(b + bytes);
	__m128i d_x = _mm_unpacklo_epi16(first, second), y_z = _mm_unpackhi_epi16(first, second);
	__m128i x = _mm_srlv_epi64(_mm_unpackhi_epi64(d_x, d_x), shift);
	__m128i y = _mm_srlv_epi64(_mm_unpacklo_epi64(y_z, y_z), shift);
	__m128i scale = _mm_or_si128(_mm_and_si128(x, low6), _mm_and_si128(y_z, low4));
	__m128i min = _mm_or_si128(_mm_and_si128(y, low6), _mm_and_si128(_mm_srli_epi64(y_z, 4), low4));
	set_d_dmin(d_x, p);
	p->d = _mm512_mul_ps(p->d, unsigned_to_float16(scale));
	p->m = _mm512_mul_ps(p->m, unsigned_to_float16(min));
}

INLINE void nibbles_45k(const uint8_t *qs, __m512i *q)
{
	__m512i x = load_once(qs), y = load_once(qs + 64);
	__m512i first = _mm512_shuffle_i32x4(x, y, 0x88), second = _mm512_shuffle_i32x4(x, y, 0xdd);
	q[0] = low_nibbles(first);
	q[1] = low_nibbles(second);
	q[2] = high_nibbles(first);
	q[3] = high_nibbles(second);
}

INLINE void unpack_q4_k(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++)
		nibbles_45k(b + 144 * s + 16, p->q[s]);
	set_scales_45k(b, 144, p);
}

/* Adds bit 2k of lane k of `bits` to the even groups and bit 2k + 1 to the odd ones, as 16. */
INLINE void add_fifth_bits(const uint8_t *bits, __m512i *q)
{
	const __m512i fifth = _mm512_set1_epi8(16);
	__m512i first = _mm512_broadcast_i32x4(load_bytes16(bits));
	__m512i second = _mm512_broadcast_i32x4(load_bytes16(bits + 16));
	q[0] = or_masked(q[0], rotate_lanes(first, 4, 2, 0, 62), fifth);
	q[1] = or_masked(q[1], rotate_lanes(second, 4, 2, 0, 62), fifth);
	q[2] = or_masked(q[2], rotate_lanes(first, 3, 1, 63, 61), fifth);
	q[3] = or_masked(q[3], rotate_lanes(second, 3, 1, 63, 61), fifth);
}

INLINE void unpack_q5_k(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++) {
		nibbles_45k(b + 176 * s + 48, p->q[s]);
		add_fifth_bits(b + 176 * s + 16, p->q[s]);
	}
	set_scales_45k(b, 176, p);
}

/* Types whose halves have scales: bytes in their own order, two groups a register. */

/* 32 bytes twice, each copy rotated to the right by its own number of bits. */
INLINE __m512i rotate_twice(const uint8_t *p, int low, int high)
{
	__m512i x = _mm512_broadcast_i64x4(_mm256_loadu_si256((const void *)p));
	return _mm512_rorv_epi64(x, _mm512_setr_epi64(low, low, low, low, high, high, high, high));
}

/* Sixteen scales by act_quad. */
INLINE __m128i quad_order(__m128i x)
{
	return _mm_shuffle_epi8(x, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
}

INLINE void unpack_q6_k(const uint8_t *b, int supers, struct pair *p)
{
	const __m512i top = _mm512_set1_epi8(0x30);
#pragma GCC unroll 4
	for (int i = 0; i < 2 * supers; i++) { /* half i % 2 of superblock i / 2 */
		const uint8_t *half = b + 210 * (i / 2), *high = half + 128 + 32 * (i % 2);
		__m512i x = load_once(half + 64 * (i % 2)), *q = &p->q[i / 2][2 * (i % 2)];
		q[0] = or_masked(low_nibbles(x), rotate_twice(high, 60, 62), top);
		q[1] = or_masked(high_nibbles(x), rotate_twice(high, 0, 2), top);
	}
#pragma GCC unroll 2
	for (int s = 0; s < supers; s++)
		p->sub[s] = bytes_to_float16(quad_order(load_bytes16(b + 210 * s + 192)));
	p->d = lane_d(b + 208, b + 418);
}

/* Two bits a weight (Q2_K, Q3_K): group 4h + c is bits 2c of the h-th 32 bytes. */
INLINE void crumbs(const uint8_t *qs, __m512i *q)
{
	const __m512i two = _mm512_set1_epi8(3);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		q[i] = _mm512_and_si512(rotate_twice(qs + 32 * (i / 2), 4 * (i % 2), 4 * (i % 2) + 2), two);
}

INLINE void unpack_q2_k(const uint8_t *b, int supers, struct pair *p)
{
	const __m128i low = _mm_set1_epi8(15);
#pragma GCC unroll 2
	for (int s = 0; s < supers; s++) {
		__m128i scales = quad_order(load_bytes16(b + 84 * s));
		crumbs(b + 84 * s + 16, p->q[s]);
		p->sub[s] = bytes_to_float16(_mm_and_si128(scales, low));
		p->min[s] = bytes_to_float16(_mm_and_si128(_mm_srli_epi16(scales, 4), low));
	}
	set_d_dmin(_mm_unpacklo_epi16(_mm_cvtsi32_si128((int)load32(b + 80)), _mm_cvtsi32_si128((int)load32(b + 164))),
		   p);
}

/* Sixteen 6-bit scales, from -32, in 12 bytes. */
INLINE __m512 scales_3k(const uint8_t *b)
{
	uint64_t first = (uint64_t)load32(b + 4) << 32 | load32(b);
	__m128i low = _mm_set_epi64x((int64_t)(first >> 4), (int64_t)first);
	__m128i top = _mm_srlv_epi32(_mm_set1_epi32((int)load32(b + 8)), _mm_setr_epi32(0, 2, 4, 6));
	low = _mm_and_si128(low, _mm_set1_epi8(15));
	top = _mm_slli_epi16(_mm_and_si128(top, _mm_set1_epi8(3)), 4);
	return bytes_to_float16(quad_order(_mm_sub_epi8(_mm_or_si128(low, top), _mm_set1_epi8(32))));
}

INLINE void unpack_q3_k(const uint8_t *b, int supers, struct pair *p)
{
	const __m512i third = _mm512_set1_epi8(4);
#pragma GCC unroll 2
	for (int s = 0; s < supers; s++) {
		const uint8_t *high = b + 110 * s;
		crumbs(high + 32, p->q[s]);
		p->q[s][0] = or_masked(p->q[s][0], rotate_twice(high, 62, 63), third);
		p->q[s][1] = or_masked(p->q[s][1], rotate_twice(high, 0, 1), third);
		p->q[s][2] = or_masked(p->q[s][2], rotate_twice(high, 2, 3), third);
		p->q[s][3] = or_masked(p->q[s][3], rotate_twice(high, 4, 5), third);
		p->sub[s] = scales_3k(high + 96);
	}
	p->d = lane_d(b + 108, b + 218);
}

/* --- How a type is summed --------------------------------------------------------------------------- */

typedef void unpack_fn(const uint8_t *b, int supers, struct pair *p); /* 1: of superblock 0 alone */

/* How large sums of products in a register of decoding get: what narrow adds hold. */
enum reach {
	FOUR_FIT, /* four of them in 16 bits */
	ONE_FITS, /* one */
	WIDE,
};

struct layout {
	int bytes;         /* of a superblock */
	bool halves, mins; /* scales of halves; minimums of halves too (Q2_K) */
	float offset;      /* that weights of such types count from */
	enum reach reach;
};

struct matrix {
	const uint8_t *w, *act;
	size_t row_bytes, act_stride, y_stride;
	int64_t n;
	float *y;
	__mmask16 last_lanes; /* of a row's last block, where that is not whole */
};

/* The lanes that the last block of a row of n weights has. */
INLINE __mmask16 lanes_of_last(int64_t n)
{
	uint32_t lanes = 0;
	for (int g = 0; g < (int)(n % PAIR / GROUP); g++)
		lanes |= 1u << act_lane(g / GROUPS, g % GROUPS);
	return (__mmask16)lanes;
}

/* Block i of a row. What the row lacks of it counts as zero: activations there are zero, and so d and m become,
 * whatever stands in the next row. After the last row there may be nothing to read. */
INLINE void unpack_block(unpack_fn *unpack, struct layout t, const struct matrix *m, const uint8_t *row, int64_t i,
			 int supers, bool last_row, struct pair *p)
{
	uint8_t whole[2 * BLOCK_MOST];
	size_t at = (size_t)(2 * t.bytes) * (size_t)i;
	if ((i + 1) * PAIR <= m->n) {
		unpack(row + at, supers, p);
	} else if (!last_row && (size_t)(2 * t.bytes) <= 2 * m->row_bytes - at) {
		unpack(row + at, supers, p);
		p->d = _mm512_maskz_mov_ps(m->last_lanes, p->d);
		if (!t.halves || t.mins)
			p->m = _mm512_maskz_mov_ps(m->last_lanes, p->m);
	} else {
		memset(whole, 0, sizeof(whole));
		memcpy(whole, row + at, m->row_bytes - at);
		unpack(whole, supers, p);
	}
}

/* --- Few columns: one row at a time ---------------------------------------------------------------- */

/* Neighbours of two registers added: a01 a23 b01 b23 in every 128 bits. */
INLINE __m512i pair_sums(__m512i a, __m512i b, enum reach reach)
{
	if (reach == WIDE)
		return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
	return _mm512_madd_epi16(_mm512_packs_epi32(a, b), _mm512_set1_epi16(1));
}

/* Sums of four neighbours, 16 of them: lane 4i + e is the sum of quad i of p[e]. */
INLINE __m512i quad_sums(const __m512i *p, enum reach reach)
{
	__m512i a = pair_sums(p[0], p[1], reach), b = pair_sums(p[2], p[3], reach);
	if (reach == FOUR_FIT)
		return pair_sums(a, b, reach);
	if (reach == WIDE)
		return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
	__m512 x = _mm512_castsi512_ps(a), y = _mm512_castsi512_ps(b);
	return _mm512_add_epi32(_mm512_castps_si512(_mm512_shuffle_ps(x, y, 0x88)),
				_mm512_castps_si512(_mm512_shuffle_ps(x, y, 0xdd)));
}

INLINE __m512i dots(__m512i sum, __m512i w, const int8_t *x)
{
	return _mm512_dpbusd_epi32(sum, w, _mm512_load_si512(x));
}

INLINE __m512 add_groups(struct layout t, int supers, const struct pair *w, const struct act_block *a, __m512 acc)
{
	__m512i p[4];
	p[2] = p[3] = _mm512_setzero_si512();
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++)
#pragma GCC unroll 16
		for (int odd = 0; odd < 2; odd++) {
			__m512i first = dots(_mm512_setzero_si512(), w->q[s][2 * odd], a->q[s] + 128 * odd);
			p[2 * s + odd] = dots(first, w->q[s][2 * odd + 1], a->q[s] + 128 * odd + 64);
		}
	__m512 sums = _mm512_cvtepi32_ps(quad_sums(p, t.reach));
	acc = _mm512_fmadd_ps(sums, _mm512_mul_ps(w->d, _mm512_load_ps(a->scale)), acc);
	return _mm512_fmadd_ps(w->m, _mm512_load_ps(a->sum), acc);
}

/* Sums of halves by act_quad become sums of groups by lanes. */
INLINE __m512 both_halves(const __m512 *x)
{
	const __m512i lanes = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
	__m512 sums = _mm512_add_ps(_mm512_shuffle_f32x4(x[0], x[1], 0x88), _mm512_shuffle_f32x4(x[0], x[1], 0xdd));
	return _mm512_permutexvar_ps(lanes, sums);
}

INLINE __m512 add_halves(struct layout t, int supers, const struct pair *w, const struct act_block *a,
			 const struct act_plain *plain, __m512 acc)
{
	__m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, min[2] = {sum[0], sum[1]};
	__m512 scale = _mm512_load_ps(a->scale);
#pragma GCC unroll 16
	for (int s = 0; s < supers; s++) {
		__m512i p[4];
#pragma GCC unroll 16
		for (int i = 0; i < 4; i++)
			p[i] = dots(_mm512_setzero_si512(), w->q[s][i], plain->q[s] + 64 * i);
		__m512 half = _mm512_load_ps(plain->half_sum[s]);
		sum[s] = _mm512_cvtepi32_ps(quad_sums(p, t.reach));
		if (t.offset != 0)
			sum[s] = _mm512_fnmadd_ps(_mm512_set1_ps(t.offset), half, sum[s]);
		sum[s] = _mm512_mul_ps(sum[s], w->sub[s]);
		if (t.mins)
			min[s] = _mm512_mul_ps(w->min[s], half);
	}
	acc = _mm512_fmadd_ps(both_halves(sum), _mm512_mul_ps(w->d, scale), acc);
	return t.mins ? _mm512_fmadd_ps(both_halves(min), _mm512_mul_ps(w->m, scale), acc) : acc;
}

INLINE void fetch_ahead(const uint8_t *p, int bytes)
{
#pragma GCC unroll 16
	for (int i = 0; i < bytes; i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T2);
}

INLINE const struct act_block *act_at(const struct matrix *m, int64_t block, int column)
{
	return (const struct act_block *)(const void *)(m->act + (size_t)column * m->act_stride) + block;
}

INLINE const struct act_plain *plain_at(const struct matrix *m, int64_t block, int column)
{
	return act_plain(m->act + (size_t)column * m->act_stride, m->n) + block;
}

/* Block i of row r, times k columns. */
INLINE void few_block(unpack_fn *unpack, struct layout t, int k, int supers, const struct matrix *m, int64_t r,
		      bool last_row, int64_t i, __m512 *acc)
{
	const uint8_t *row = m->w + (size_t)r * m->row_bytes;
	struct pair p;
	fetch_ahead(row + (size_t)(2 * t.bytes) * (size_t)i, supers * t.bytes);
	unpack_block(unpack, t, m, row, i, supers, last_row, &p);
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		acc[c] = t.halves ? add_halves(t, supers, &p, act_at(m, i, c), plain_at(m, i, c), acc[c])
				  : add_groups(t, supers, &p, act_at(m, i, c), acc[c]);
}

INLINE void few_columns(unpack_fn *unpack, struct layout t, int k, const struct matrix *m, int64_t first, int64_t last)
{
	int64_t whole = act_blocks(m->n) - (m->n % PAIR > 0 && m->n % PAIR <= SUPER);
	for (int64_t r = first; r < last; r++) {
		__m512 acc[FEW];
#pragma GCC unroll 4
		for (int c = 0; c < k; c++)
			acc[c] = _mm512_setzero_ps();
		for (int64_t i = 0; i < whole; i++)
			few_block(unpack, t, k, 2, m, r, r + 1 == last, i, acc);
		if (whole < act_blocks(m->n))
			few_block(unpack, t, k, 1, m, r, r + 1 == last, whole, acc);
#pragma GCC unroll 4
		for (int c = 0; c < k; c++)
			m->y[(size_t)c * m->y_stride + (size_t)r] = sum16(acc[c]);
	}
}

/* --- Many columns: tiles of sixteen rows ------------------------------------------------------------ */

/* 512 weights of sixteen rows: q[s][i] holds bytes 4i… of struct pair's order of every row. */
struct tile {
	__m512i q[2][SUPER / 4];
	__m512 d[SUMS], m[SUMS];               /* by lanes */
	__m512 sub[2][HALVES], min[2][HALVES]; /* by act_quad */
};

INLINE void transpose16(__m512i *x)
{
	__m512i t[16];
#pragma GCC unroll 16
	for (int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
	}
#pragma GCC unroll 16
	for (int i = 0; i < 16; i += 4) {
		x[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		x[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		x[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		x[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
#pragma GCC unroll 16
	for (int i = 0; i < 4; i++) {
		__m512i a = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88),
			b = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
		__m512i c = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd),
			d = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
		t[i] = _mm512_shuffle_i32x4(a, b, 0x88);
		t[i + 8] = _mm512_shuffle_i32x4(a, b, 0xdd);
		t[i + 4] = _mm512_shuffle_i32x4(c, d, 0x88);
		t[i + 12] = _mm512_shuffle_i32x4(c, d, 0xdd);
	}
#pragma GCC unroll 16
	for (int i = 0; i < 16; i++)
		x[i] = t[i];
}

/* out[lane] = that lane of the register at `from` of each of the sixteen rows. */
static void transpose_rows(const struct pair *rows, size_t from, void *out)
{
	__m512i x[ROWS];
#pragma GCC unroll 16
	for (int r = 0; r < ROWS; r++)
		x[r] = _mm512_load_si512((const char *)&rows[r] + from);
	transpose16(x);
	memcpy(out, x, sizeof(x));
}

/* Row j of the tile that begins at row r: the last one again where there are no sixteen. */
INLINE const uint8_t *tile_row(const struct matrix *m, int64_t r, int64_t last, int64_t j)
{
	return m->w + (size_t)(r + j < last ? r + j : last - 1) * m->row_bytes;
}

/* Sixteen rows are more than the processor recognises by itself as reading forwards. */
INLINE void fetch_rows(struct layout t, const struct matrix *m, int64_t r, int64_t last, int64_t block)
{
	for (int64_t j = 0; j < ROWS; j++) {
		const char *p = (const char *)tile_row(m, r, last, j) + 2 * t.bytes * block;
#pragma GCC unroll 16
		for (int i = 0; i < 2 * t.bytes; i += 64)
			_mm_prefetch(p + i, _MM_HINT_T0);
	}
}

INLINE void transpose_pairs(struct layout t, const struct pair *rows, struct tile *tile)
{
	for (size_t q = 0; q < 8; q++)
		transpose_rows(rows, offsetof(struct pair, q) + q * sizeof(__m512i), &tile->q[q / 4][q % 4 * 16]);
	transpose_rows(rows, offsetof(struct pair, d), tile->d);
	if (!t.halves || t.mins)
		transpose_rows(rows, offsetof(struct pair, m), tile->m);
	for (size_t s = 0; s < 2 && t.halves; s++) {
		transpose_rows(rows, offsetof(struct pair, sub) + s * sizeof(__m512), tile->sub[s]);
		if (t.mins)
			transpose_rows(rows, offsetof(struct pair, min) + s * sizeof(__m512), tile->min[s]);
	}
}

/* Blocks first..first + count - 1 of rows r.. into tiles [..][at]. */
INLINE void fill_tile(unpack_fn *unpack, struct layout t, const struct matrix *m, int64_t r, int64_t last,
		      int64_t first, int64_t count, int at, struct tile (*tiles)[HIGH])
{
	struct pair rows[ROWS];
	fetch_rows(t, m, r, last, first);
	for (int64_t i = 0; i < count; i++) {
		if (i + 1 < count)
			fetch_rows(t, m, r, last, first + i + 1);
		for (int64_t j = 0; j < ROWS; j++)
			unpack_block(unpack, t, m, tile_row(m, r, last, j), first + i, 2, r + j + 1 >= last, &rows[j]);
		transpose_pairs(t, rows, &tiles[i][at]);
	}
}

INLINE const struct act_block *next_column(const struct act_block *a, size_t stride)
{
	return (const void *)((const char *)a + stride);
}

/* Products of a half's 16 bytes at x with quads w[i] of `high` tiles, added to p. */
INLINE void quad_dots(int high, const __m512i (*w)[8], int first, const int8_t *x, __m512i *p)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		__m512i quad = _mm512_set1_epi32((int)load32((const uint8_t *)x + 4 * i));
#pragma GCC unroll 2
		for (int h = 0; h < high; h++)
			p[h] = _mm512_dpbusd_epi32(p[h], w[h][first + i], quad);
	}
}

/* The eight quads of group j in superblock s. In a group that is split by halves they are neighbours. */
INLINE void load_group(int high, bool halves, const struct tile *tile, int s, int j, __m512i (*w)[8])
{
	int first = halves ? j * GROUP / 4 : act_byte(j * GROUP) / 4, second = first + (halves ? 4 : 16);
#pragma GCC unroll 2
	for (int h = 0; h < high; h++)
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			w[h][i] = tile[h].q[s][(i < 4 ? first : second) + i % 4];
}

/* Group j of superblock s of `high` tiles, times `columns` columns: types of one scale a group. */
INLINE void tile_group(int high, const struct tile *tile, int s, int j, const struct act_block *a, size_t stride,
		       int columns, bool fresh, __m512 (*acc)[COLUMNS])
{
	int lane = act_lane(s, j), at = act_byte(j * GROUP);
	__m512i w[HIGH][8];
	load_group(high, false, tile, s, j, w);
	for (int c = 0; c < columns; c++, a = next_column(a, stride)) {
		__m512i p[HIGH] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
		quad_dots(high, w, 0, a->q[s] + at, p);
		quad_dots(high, w, 4, a->q[s] + at + 64, p);
#pragma GCC unroll 2
		for (int h = 0; h < high; h++) {
			__m512 scaled = _mm512_mul_ps(tile[h].d[lane], _mm512_set1_ps(a->scale[lane]));
			__m512 sum = fresh ? _mm512_setzero_ps() : acc[h][c];
			sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(p[h]), scaled, sum);
			acc[h][c] = _mm512_fmadd_ps(tile[h].m[lane], _mm512_set1_ps(a->sum[lane]), sum);
		}
	}
}

/* Adds the two halves of a group, p[half][tile], of sixteen rows each. */
INLINE __m512 add_tile_halves(struct layout t, const struct tile *tile, int s, int j, const __m512i *p,
			      const float *half, float scale, __m512 acc)
{
	int lane = act_lane(s, j), low = act_quad(2 * j), high = act_quad(2 * j + 1);
	__m512 x = _mm512_cvtepi32_ps(p[0]), y = _mm512_cvtepi32_ps(p[1]);
	if (t.offset != 0) {
		x = _mm512_fnmadd_ps(_mm512_set1_ps(t.offset), _mm512_set1_ps(half[0]), x);
		y = _mm512_fnmadd_ps(_mm512_set1_ps(t.offset), _mm512_set1_ps(half[1]), y);
	}
	x = _mm512_fmadd_ps(y, tile->sub[s][high], _mm512_mul_ps(x, tile->sub[s][low]));
	acc = _mm512_fmadd_ps(x, _mm512_mul_ps(tile->d[lane], _mm512_set1_ps(scale)), acc);
	if (t.mins) {
		x = _mm512_mul_ps(tile->min[s][low], _mm512_set1_ps(half[0]));
		x = _mm512_fmadd_ps(tile->min[s][high], _mm512_set1_ps(half[1]), x);
		acc = _mm512_fmadd_ps(x, _mm512_mul_ps(tile->m[lane], _mm512_set1_ps(scale)), acc);
	}
	return acc;
}

/* The same for types whose halves have scales. */
INLINE void tile_halves(int high, struct layout t, const struct tile *tile, int s, int j, const struct act_block *a,
			size_t stride, int columns, bool fresh, __m512 (*acc)[COLUMNS])
{
	int at = act_byte(j * GROUP), lane = act_lane(s, j);
	__m512i w[HIGH][8];
	load_group(high, true, tile, s, j, w);
	for (int c = 0; c < columns; c++, a = next_column(a, stride)) {
		__m512i first[HIGH] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
		__m512i second[HIGH] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
		quad_dots(high, w, 0, a->q[s] + at, first);
		quad_dots(high, w, 4, a->q[s] + at + 64, second);
#pragma GCC unroll 2
		for (int h = 0; h < high; h++)
			acc[h][c] = add_tile_halves(t, &tile[h], s, j, (const __m512i[]){first[h], second[h]},
						    &a->half_sum[s][2 * j], a->scale[lane],
						    fresh ? _mm512_setzero_ps() : acc[h][c]);
	}
}

INLINE void finish_columns(const __m512 (*acc)[HIGH][COLUMNS], int tile, int columns, __mmask16 rows, float *y,
			   size_t stride)
{
	for (int c = 0; c < columns; c++) {
		__m512 x[8];
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			x[i] = _mm512_add_ps(acc[i][tile][c], acc[i + 8][tile][c]);
		__m512 even = _mm512_add_ps(_mm512_add_ps(x[0], x[4]), _mm512_add_ps(x[2], x[6]));
		__m512 odd = _mm512_add_ps(_mm512_add_ps(x[1], x[5]), _mm512_add_ps(x[3], x[7]));
		_mm512_mask_storeu_ps(y + (size_t)c * stride, rows, _mm512_add_ps(even, odd));
	}
}

/* Block i, which the tiles hold, times columns c... `fresh`: nothing has been summed yet. */
INLINE void tile_block(int high, struct layout t, const struct tile *tile, const struct matrix *m, int64_t i, int c,
		       int columns, bool fresh, __m512 (*acc)[HIGH][COLUMNS])
{
	const struct act_block *a = act_at(m, i, c);
	for (int s = 0; s < 2 && i * PAIR + s * SUPER < m->n; s++)
		for (int j = 0; j < GROUPS; j++)
			if (t.halves)
				tile_halves(high, t, tile, s, j, a, m->act_stride, columns, fresh, acc[act_lane(s, j)]);
			else
				tile_group(high, tile, s, j, a, m->act_stride, columns, fresh, acc[act_lane(s, j)]);
}

/* Blocks first..first + count - 1. */
INLINE void tile_columns(int high, struct layout t, const struct tile (*tile)[HIGH], const struct matrix *m,
			 int64_t first, int64_t count, int c, int columns, __m512 (*acc)[HIGH][COLUMNS])
{
	int64_t i = 0;
	if (first == 0 && m->n >= PAIR)
		tile_block(high, t, tile[i++], m, 0, c, columns, true, acc);
	else if (first == 0)
		memset(acc, 0, SUMS * sizeof(*acc));
	for (; i < count; i++)
		tile_block(high, t, tile[i], m, first + i, c, columns, false, acc);
}

INLINE __mmask16 rows_mask(int64_t left)
{
	return left < ROWS ? (__mmask16)((1 << left) - 1) : 0xffff;
}

/* Rows r.. of `high` tiles. Rows that need several tiles one after the other keep their sums between them. */
INLINE void tile_rows(int high, unpack_fn *unpack, struct layout t, int k, const struct matrix *m, int64_t r,
		      int64_t last, struct tile (*tile)[HIGH], __m512 (*sums)[SUMS][HIGH][COLUMNS])
{
	int64_t blocks = act_blocks(m->n);
	for (int64_t i = 0; i < blocks; i += TILE_PAIRS) {
		int64_t count = blocks - i < TILE_PAIRS ? blocks - i : TILE_PAIRS;
		for (int h = 0; h < high; h++)
			fill_tile(unpack, t, m, r + h * ROWS, last, i, count, h, tile);
		for (int c = 0; c < k; c += COLUMNS) {
			int columns = k - c < COLUMNS ? k - c : COLUMNS;
			__m512(*acc)[HIGH][COLUMNS] = sums[blocks > TILE_PAIRS ? c / COLUMNS : 0];
			tile_columns(high, t, tile, m, i, count, c, columns, acc);
			for (int h = 0; h < high && i + count == blocks; h++)
				finish_columns(acc, h, columns, rows_mask(last - r - h * ROWS),
					       m->y + (size_t)c * m->y_stride + r + h * ROWS, m->y_stride);
		}
	}
}

INLINE void many_columns(unpack_fn *unpack, struct layout t, int k, const struct matrix *m, int64_t first, int64_t last)
{
	struct tile tile[TILE_PAIRS][HIGH];
	__m512 sums[MOST / COLUMNS][SUMS][HIGH][COLUMNS];
	int64_t r = first;
	for (; last - r > ROWS; r += HIGH * ROWS)
		tile_rows(HIGH, unpack, t, k, m, r, last, tile, sums);
	if (r < last)
		tile_rows(1, unpack, t, k, m, r, last, tile, sums);
}

/* --- Dispatch by type ---------------------------------------------------------------------------------- */

typedef void product_fn(const struct matrix *m, int64_t first, int64_t last, int k);

#define PRODUCT(name, ...)                                                                                            \
	static __attribute__((noinline)) void few_##name(const struct matrix *m, int64_t first, int64_t last, int k)  \
	{                                                                                                             \
		const struct layout t = {__VA_ARGS__};                                                                \
		switch (k) {                                                                                          \
		case 1: few_columns(unpack_##name, t, 1, m, first, last); break;                                      \
		case 2: few_columns(unpack_##name, t, 2, m, first, last); break;                                      \
		case 3: few_columns(unpack_##name, t, 3, m, first, last); break;                                      \
		default: few_columns(unpack_##name, t, 4, m, first, last);                                            \
		}                                                                                                     \
	}                                                                                                             \
	static __attribute__((noinline)) void many_##name(const struct matrix *m, int64_t first, int64_t last, int k) \
	{                                                                                                             \
		const struct layout t = {__VA_ARGS__};                                                                \
		many_columns(unpack_##name, t, k, m, first, last);                                                    \
	}

PRODUCT(q4_0, .bytes = 144, .reach = FOUR_FIT)
PRODUCT(q4_1, .bytes = 160, .reach = FOUR_FIT)
PRODUCT(q5_0, .bytes = 176, .reach = ONE_FITS)
PRODUCT(q5_1, .bytes = 192, .reach = ONE_FITS)
PRODUCT(q8_0, .bytes = 272, .reach = WIDE)
PRODUCT(iq4_nl, .bytes = 144, .reach = WIDE)
PRODUCT(q2_k, .bytes = 84, .reach = FOUR_FIT, .halves = true, .mins = true)
PRODUCT(q3_k, .bytes = 110, .reach = FOUR_FIT, .halves = true, .offset = 4)
PRODUCT(q4_k, .bytes = 144, .reach = FOUR_FIT)
PRODUCT(q5_k, .bytes = 176, .reach = ONE_FITS)
PRODUCT(q6_k, .bytes = 210, .reach = ONE_FITS, .halves = true, .offset = 32)
PRODUCT(iq4_xs, .bytes = 136, .reach = WIDE)

static product_fn *const few[TYPE_COUNT] = {
	[TYPE_Q4_0] = few_q4_0, [TYPE_Q4_1] = few_q4_1,     [TYPE_Q5_0] = few_q5_0,     [TYPE_Q5_1] = few_q5_1,
	[TYPE_Q8_0] = few_q8_0, [TYPE_IQ4_NL] = few_iq4_nl, [TYPE_IQ4_XS] = few_iq4_xs, [TYPE_Q2_K] = few_q2_k,
	[TYPE_Q3_K] = few_q3_k, [TYPE_Q4_K] = few_q4_k,     [TYPE_Q5_K] = few_q5_k,     [TYPE_Q6_K] = few_q6_k,
};
static product_fn *const many[TYPE_COUNT] = {
	[TYPE_Q4_0] = many_q4_0, [TYPE_Q4_1] = many_q4_1,     [TYPE_Q5_0] = many_q5_0,     [TYPE_Q5_1] = many_q5_1,
	[TYPE_Q8_0] = many_q8_0, [TYPE_IQ4_NL] = many_iq4_nl, [TYPE_IQ4_XS] = many_iq4_xs, [TYPE_Q2_K] = many_q2_k,
	[TYPE_Q3_K] = many_q3_k, [TYPE_Q4_K] = many_q4_k,     [TYPE_Q5_K] = many_q5_k,     [TYPE_Q6_K] = many_q6_k,
};

void avx512_multiply(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first, int64_t last,
		     const uint8_t *act, size_t act_stride, int k, float *y, size_t y_stride)
{
	for (int c = 0; c < k; c += MOST) {
		int columns = k - c < MOST ? k - c : MOST;
		struct matrix m = {.w = w,
				   .act = act + (size_t)c * act_stride,
				   .row_bytes = row_bytes,
				   .act_stride = act_stride,
				   .y_stride = y_stride,
				   .n = n,
				   .y = y + (size_t)c * y_stride,
				   .last_lanes = lanes_of_last(n)};
		(columns <= FEW ? few : many)[type](&m, first, last, columns);
	}
}
#endif
