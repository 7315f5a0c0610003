/* Products of quantised matrices for x86-64 with AVX-512 and its byte dot products (VNNI).
 *
 * Few columns: whole rows are streamed as they lie in the file, and what is unpacked of them
 * serves every column. Many columns: sixteen rows are unpacked into a tile (lane = row) that
 * stays in the second-level cache, and every column passes over it without horizontal sums.
 * Both add in the order of kernels.h.
 *
 * Unpacked bytes are in the order of struct act_quads. Formats hold 16 neighbours (a half of a
 * group) together; four such pieces of a superblock are chosen for a register, and the quads of
 * two superblocks then interleaved. */
#if defined(__x86_64__)
#include "avx512.h"

#include <stddef.h>

enum {
	FEW = 4,          /* columns that one unpacking serves without a tile */
	NEAR = 24 << 10,  /* bytes of columns that stay in the first-level cache */
	TOGETHER = 8,     /* rows that share a block of columns which do not */
	ROWS = 16,        /* of a tile */
	HIGH = 2,         /* tiles that a column meets at once */
	COLUMNS = 8,      /* whose accumulators stay in the first-level cache */
	TILE_PAIRS = 18,  /* blocks of 512 weights in a tile: it stays in the second-level cache */
	MOST = 256,       /* columns whose sums are kept while the tile moves along longer rows */
	AHEAD = 8192,     /* bytes that few columns fetch ahead, into the second-level cache */
	BLOCK_MOST = 272, /* bytes of a superblock of any type */
};

/* --- Unpacking: 512 weights -------------------------------------------------------------------------- */

/* Registers of q[odd][half] in the order of act_quads. */
struct pair {
	__m512i q[2][2][2];
	__m512 d, m;   /* by lanes; m where there are minimums */
	__m512 sub[2]; /* integers of first and second halves, by lanes: Q2_K, Q3_K, Q6_K */
	__m512i min;   /* of both halves, pairs of 16-bit integers by lanes: Q2_K */
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

/* The pieces of superblocks a and b, by quads. */
INLINE void interleave(__m512i a, __m512i b, __m512i *q)
{
	q[0] = _mm512_unpacklo_epi32(a, b);
	q[1] = _mm512_unpackhi_epi32(a, b);
}

/* The same of 16 bytes, for every lane of 128 bits. */
INLINE void interleave16(const uint8_t *a, const uint8_t *b, __m512i *q)
{
	__m128i x = load_bytes16(a), y = load_bytes16(b);
	q[0] = _mm512_broadcast_i32x4(_mm_unpacklo_epi32(x, y));
	q[1] = _mm512_broadcast_i32x4(_mm_unpackhi_epi32(x, y));
}

INLINE void split_nibbles(const __m512i *both, __m512i *low, __m512i *high)
{
#pragma GCC unroll 2
	for (int j = 0; j < 2; j++) {
		low[j] = low_nibbles(both[j]);
		high[j] = high_nibbles(both[j]);
	}
}

/* Legacy types: blocks of a group, `bytes` each. A piece at `at` of the even or the odd ones of superblock s. */
INLINE __m512i blocks_piece(const uint8_t *b, int bytes, int at, int s, int odd)
{
	return four_pieces(b + (8 * s + odd) * bytes + at, 2 * bytes);
}

/* Nibbles: the first half of a group is in the low ones. Without a second superblock there is nothing to read of it. */
INLINE void nibble_blocks(const uint8_t *b, int supers, int bytes, int at, struct pair *p)
{
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++) {
		__m512i second = supers > 1 ? blocks_piece(b, bytes, at, 1, odd) : _mm512_setzero_si512(), both[2];
		interleave(blocks_piece(b, bytes, at, 0, odd), second, both);
		split_nibbles(both, p->q[odd][0], p->q[odd][1]);
	}
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

INLINE void unpack_q4_0(const uint8_t *b, int supers, struct pair *p)
{
	nibble_blocks(b, supers, 18, 2, p);
	p->d = lane_halves(b, 18);
}

INLINE void unpack_q4_1(const uint8_t *b, int supers, struct pair *p)
{
	nibble_blocks(b, supers, 20, 4, p);
	p->d = lane_halves(b, 20);
	p->m = lane_halves(b + 2, 20);
}

/* Adds the fifth bits of the pieces at p, p + stride… (16 of them each) to their bytes. */
INLINE __m512i add_fifth(__m512i q, const uint8_t *p, int stride)
{
	__mmask64 bits = load16(p) | load16(p + stride) << 16 | (uint64_t)load16(p + 2 * stride) << 32 |
			 (uint64_t)load16(p + 3 * stride) << 48;
	return _mm512_mask_add_epi8(q, bits, q, _mm512_set1_epi8(16));
}

/* Nibbles as above after four bytes of fifth bits, which begin at `at`. */
INLINE void fifth_blocks(const uint8_t *b, int supers, int bytes, int at, struct pair *p)
{
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++) {
		__m512i half[2][2] = {{_mm512_setzero_si512(), _mm512_setzero_si512()},
				      {_mm512_setzero_si512(), _mm512_setzero_si512()}};
#pragma GCC unroll 2
		for (int s = 0; s < supers; s++) {
			const uint8_t *bits = b + (8 * s + odd) * bytes + at;
			__m512i both = blocks_piece(b, bytes, at + 4, s, odd);
			half[0][s] = add_fifth(low_nibbles(both), bits, 2 * bytes);
			half[1][s] = add_fifth(high_nibbles(both), bits + 2, 2 * bytes);
		}
		interleave(half[0][0], half[0][1], p->q[odd][0]);
		interleave(half[1][0], half[1][1], p->q[odd][1]);
	}
}

INLINE void unpack_q5_0(const uint8_t *b, int supers, struct pair *p)
{
	fifth_blocks(b, supers, 22, 2, p);
	p->d = lane_halves(b, 22);
}

INLINE void unpack_q5_1(const uint8_t *b, int supers, struct pair *p)
{
	fifth_blocks(b, supers, 24, 4, p);
	p->d = lane_halves(b, 24);
	p->m = lane_halves(b + 2, 24);
}

INLINE void unpack_q8_0(const uint8_t *b, int supers, struct pair *p)
{
	const __m512i sign = _mm512_set1_epi8(-128);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		int odd = i / 2, at = 2 + HALF * (i % 2);
		__m512i second = supers > 1 ? blocks_piece(b, 34, at, 1, odd) : _mm512_setzero_si512();
		__m512i first = _mm512_xor_si512(blocks_piece(b, 34, at, 0, odd), sign);
		interleave(first, _mm512_xor_si512(second, sign), p->q[odd][i % 2]);
	}
	p->d = lane_halves(b, 34);
}

INLINE void look_up_iq4(struct pair *p)
{
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		p->q[i / 4][i / 2 % 2][i % 2] = iq4_values(p->q[i / 4][i / 2 % 2][i % 2]);
}

INLINE void unpack_iq4_nl(const uint8_t *b, int supers, struct pair *p)
{
	nibble_blocks(b, supers, 18, 2, p);
	look_up_iq4(p);
	p->d = lane_halves(b, 18);
}

/* K-quants: superblocks of `bytes` each. 128 of them at b, 16 of a half of two groups together: the first of every
 * two pieces, and the second. */
INLINE void two_pieces(const uint8_t *b, __m512i *even, __m512i *odd)
{
	__m512i x = load_once(b), y = load_once(b + 64);
	*even = _mm512_shuffle_i32x4(x, y, 0x88);
	*odd = _mm512_shuffle_i32x4(x, y, 0xdd);
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
	__m512i piece[2][2], both[2];
	two_pieces(b + 8, &piece[0][0], &piece[0][1]);
	two_pieces(second + 8, &piece[1][0], &piece[1][1]);
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++) {
		interleave(piece[0][odd], piece[1][odd], both);
		split_nibbles(both, p->q[odd][0], p->q[odd][1]);
	}
	look_up_iq4(p);
	p->d = _mm512_mul_ps(lane_d(b, second), _mm512_cvtepi32_ps(scale));
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

/* Low nibbles are even groups, high ones odd groups. */
INLINE void nibbles_45k(const uint8_t *qs, int bytes, struct pair *p)
{
	__m512i piece[2][2], both[2];
	two_pieces(qs, &piece[0][0], &piece[0][1]);
	two_pieces(qs + bytes, &piece[1][0], &piece[1][1]);
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		interleave(piece[0][half], piece[1][half], both);
		split_nibbles(both, p->q[0][half], p->q[1][half]);
	}
}

INLINE void unpack_q4_k(const uint8_t *b, int supers, struct pair *p)
{
	nibbles_45k(b + 16, 144, p);
	set_scales_45k(b, 144, p);
}

INLINE void unpack_q5_k(const uint8_t *b, int supers, struct pair *p)
{
	const __m512i fifth = _mm512_set1_epi8(16);
	nibbles_45k(b + 48, 176, p);
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		__m512i bits[2];
		interleave16(b + 16 + HALF * half, b + 192 + HALF * half, bits);
#pragma GCC unroll 2
		for (int j = 0; j < 2; j++) { /* bit g of a byte is of group g: lane c has 2c and 2c + 1 */
			__m512i *even = &p->q[0][half][j], *odd = &p->q[1][half][j];
			*even = or_masked(*even, rotate_lanes(bits[j], 4, 2, 0, 62), fifth);
			*odd = or_masked(*odd, rotate_lanes(bits[j], 3, 1, 63, 61), fifth);
		}
	}
	set_scales_45k(b, 176, p);
}

/* Types whose halves have scales. */

/* 64 bytes are a half of a superblock's bits, 32 after 32: every lane of 128 bits of both halves' first (or second)
 * 16 bytes twice. */
INLINE __m512i half_twice(__m512i x, int half)
{
	return half ? _mm512_shuffle_i32x4(x, x, 0xf5) : _mm512_shuffle_i32x4(x, x, 0xa0);
}

/* Bits for group g of four in each half of a superblock, from a register of 64 such bytes: rotated to the left by
 * `left` less `each` for every group. */
INLINE __m512i group_bits(__m512i x, int half, int odd, int left, int each)
{
	int low = (left - odd * each) & 63, high = (left - (odd + 2) * each) & 63;
	return rotate_lanes(half_twice(x, half), low, high, low, high);
}

/* Sixteen bytes of each superblock are of halves in their order: of first halves in *low, of second ones in *high. */
INLINE __m512i by_halves(__m128i a, __m128i b)
{
	__m256i x = _mm256_set_m128i(_mm_unpackhi_epi32(a, b), _mm_unpacklo_epi32(a, b));
	return _mm512_cvtepi16_epi32(x);
}

INLINE void set_signed_scales(__m128i a, __m128i b, struct pair *p)
{
	__m512i x = by_halves(a, b);
	p->sub[0] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(x, 24), 24));
	p->sub[1] = _mm512_cvtepi32_ps(_mm512_srai_epi32(x, 8));
}

INLINE __m512 nibbles_to_float16(__m512i x, int shift)
{
	return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(x, (unsigned)shift), _mm512_set1_epi32(15)));
}

/* Four low bits of groups 0 and 1, then four of groups 2 and 3, in 64 bytes: those of both halves of a superblock. */
INLINE __m512i nibble_groups(__m512i x, __m512i y, int half, int odd)
{
	__m512i both;
	switch (2 * odd + half) {
	case 0: both = _mm512_shuffle_i32x4(x, y, 0x00); break;
	case 1: both = _mm512_shuffle_i32x4(x, y, 0x55); break;
	case 2: both = _mm512_shuffle_i32x4(x, y, 0xaa); break;
	default: both = _mm512_shuffle_i32x4(x, y, 0xff);
	}
	return low_nibbles(rotate_lanes(both, 0, 60, 0, 60));
}

INLINE __m512i piece_q6_k(const uint8_t *b, int half, int odd)
{
	__m512i low = nibble_groups(load_once(b), load_once(b + 64), half, odd);
	return or_masked(low, group_bits(load_once(b + 128), half, odd, 4, 2), _mm512_set1_epi8(0x30));
}

INLINE void unpack_q6_k(const uint8_t *b, int supers, struct pair *p)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		interleave(piece_q6_k(b, i % 2, i / 2), piece_q6_k(b + 210, i % 2, i / 2), p->q[i / 2][i % 2]);
	set_signed_scales(load_bytes16(b + 192), load_bytes16(b + 402), p);
	p->d = lane_d(b + 208, b + 418);
}

/* Two bits a weight. */
INLINE void crumbs(const uint8_t *qs, int bytes, struct pair *p)
{
	const __m512i two = _mm512_set1_epi8(3);
	__m512i first = load_once(qs), second = load_once(qs + bytes);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		interleave(_mm512_and_si512(group_bits(first, i % 2, i / 2, 0, 2), two),
			   _mm512_and_si512(group_bits(second, i % 2, i / 2, 0, 2), two), p->q[i / 2][i % 2]);
}

INLINE void unpack_q2_k(const uint8_t *b, int supers, struct pair *p)
{
	crumbs(b + 16, 84, p);
	__m512i x = by_halves(load_bytes16(b), load_bytes16(b + 84));
	__m512i first_min = _mm512_and_si512(_mm512_srli_epi32(x, 4), _mm512_set1_epi32(15));
	p->sub[0] = nibbles_to_float16(x, 0);
	p->sub[1] = nibbles_to_float16(x, 8);
	p->min = or_masked(first_min, _mm512_slli_epi32(x, 4), _mm512_set1_epi32(15 << 16));
	set_d_dmin(_mm_unpacklo_epi16(_mm_cvtsi32_si128((int)load32(b + 80)), _mm_cvtsi32_si128((int)load32(b + 164))),
		   p);
}

/* Sixteen 6-bit scales, from -32, in 12 bytes. */
INLINE __m128i scales_3k(const uint8_t *b)
{
	uint64_t first = (uint64_t)load32(b + 4) << 32 | load32(b);
	__m128i low = _mm_set_epi64x((int64_t)(first >> 4), (int64_t)first);
	__m128i top = _mm_srlv_epi32(_mm_set1_epi32((int)load32(b + 8)), _mm_setr_epi32(0, 2, 4, 6));
	low = _mm_and_si128(low, _mm_set1_epi8(15));
	top = _mm_slli_epi16(_mm_and_si128(top, _mm_set1_epi8(3)), 4);
	return _mm_sub_epi8(_mm_or_si128(low, top), _mm_set1_epi8(32));
}

INLINE void unpack_q3_k(const uint8_t *b, int supers, struct pair *p)
{
	const __m512i third = _mm512_set1_epi8(4);
	crumbs(b + 32, 110, p);
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		__m512i bits[2];
		interleave16(b + HALF * half, b + 110 + HALF * half, bits);
#pragma GCC unroll 2
		for (int j = 0; j < 2; j++) {
			__m512i *even = &p->q[0][half][j], *odd = &p->q[1][half][j];
			*even = or_masked(*even, rotate_lanes(bits[j], 2, 0, 62, 60), third);
			*odd = or_masked(*odd, rotate_lanes(bits[j], 1, 63, 61, 59), third);
		}
	}
	set_signed_scales(scales_3k(b + 96), scales_3k(b + 206), p);
	p->d = lane_d(b + 108, b + 218);
}

/* --- How a type is summed --------------------------------------------------------------------------- */

typedef void unpack_fn(const uint8_t *b, int supers, struct pair *p); /* 1: superblock 0 is all */

struct layout {
	int bytes;         /* of a superblock */
	bool halves, mins; /* halves have scales; there are minimums */
	bool multiplied;   /* tiles hold products of weights and the scales of halves */
	unsigned offset;   /* what weights count from: 2 to this power, or 0 for nothing */
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
		if (t.mins)
			p->m = _mm512_maskz_mov_ps(m->last_lanes, p->m);
	} else {
		memset(whole, 0, sizeof(whole));
		memcpy(whole, row + at, m->row_bytes - at);
		unpack(whole, supers, p);
	}
}

/* --- Few columns: one row at a time ---------------------------------------------------------------- */

INLINE __m512i dot(__m512i sum, __m512i w, const int8_t *x)
{
	return _mm512_dpbusd_epi32(sum, w, _mm512_load_si512(x));
}

/* Products of half `half` of the even or odd groups, by quads of both superblocks, added to `sum`. */
INLINE __m512i add_half(__m512i sum, const struct pair *w, const struct act_quads *x, int half, int odd)
{
	const int8_t *q = x->q + 256 * odd + 128 * half;
	return dot(dot(sum, w->q[odd][half][0], q), w->q[odd][half][1], q + 64);
}

/* Sums of the quads of even and of odd groups become sums by lanes. */
INLINE __m512i lane_sums(__m512i even, __m512i odd)
{
	return _mm512_add_epi32(_mm512_unpacklo_epi32(even, odd), _mm512_unpackhi_epi32(even, odd));
}

/* Adds what minimums come to: times the sums of groups, or of their halves. */
INLINE __m512 add_minimums(struct layout t, __m512 m, __m512i min, __m512 scale, __m512 sum, __m512i half_sum,
			   __m512 acc)
{
	if (!t.halves)
		return _mm512_fmadd_ps(m, sum, acc);
	__m512i x = _mm512_dpwssd_epi32(_mm512_setzero_si512(), min, half_sum);
	return _mm512_fmadd_ps(_mm512_cvtepi32_ps(x), _mm512_mul_ps(m, scale), acc);
}

/* Sums of products of groups by lanes. */
INLINE __m512 group_sums(struct layout t, const struct pair *w, const struct act_wide *a, const struct act_quads *x)
{
	__m512i sum[2];
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++)
		sum[odd] = add_half(add_half(_mm512_setzero_si512(), w, x, 0, odd), w, x, 1, odd);
	sum[0] = lane_sums(sum[0], sum[1]);
	if (t.offset)
		sum[0] =
			_mm512_add_epi32(sum[0], _mm512_srai_epi32(_mm512_load_si512(a->minus), MINUS_BITS - t.offset));
	return _mm512_cvtepi32_ps(sum[0]);
}

/* The same with halves times their scales: exact, though in floats. */
INLINE __m512 half_sums(struct layout t, const struct pair *w, const struct act_wide *a, const struct act_quads *x)
{
	const __m512i zero = _mm512_setzero_si512();
	__m512 sum[2];
#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		__m512i p = lane_sums(add_half(zero, w, x, i, 0), add_half(zero, w, x, i, 1));
		if (t.offset)
			p = _mm512_add_epi32(
				p, _mm512_srai_epi32(_mm512_load_si512(a->half_minus[i]), HALF_MINUS_BITS - t.offset));
		sum[i] = _mm512_cvtepi32_ps(p);
	}
	return _mm512_fmadd_ps(sum[1], w->sub[1], _mm512_mul_ps(sum[0], w->sub[0]));
}

INLINE __m512 add_block(struct layout t, const struct pair *w, const struct act_wide *a, const struct act_quads *x,
			__m512 acc)
{
	__m512 sums = t.halves ? half_sums(t, w, a, x) : group_sums(t, w, a, x), scale = _mm512_load_ps(a->scale);
	acc = _mm512_fmadd_ps(sums, _mm512_mul_ps(w->d, scale), acc);
	if (!t.mins)
		return acc;
	return add_minimums(t, w->m, w->min, scale, _mm512_load_ps(a->sum), _mm512_load_si512(a->half_sum), acc);
}

INLINE const struct act_wide *act_at(const struct matrix *m, int64_t block, int column)
{
	return (const struct act_wide *)(const void *)(m->act + (size_t)column * m->act_stride) + block;
}

INLINE const struct act_quads *quads_at(const struct matrix *m, int64_t block, int column)
{
	return act_quads(m->act + (size_t)column * m->act_stride, m->n) + block;
}

/* Block i of row r, times k columns. Weights `ahead` bytes further on are fetched. */
INLINE void few_block(unpack_fn *unpack, struct layout t, int k, int supers, const struct matrix *m, int64_t r,
		      bool last_row, int64_t i, size_t ahead, __m512 *acc)
{
	const uint8_t *row = m->w + (size_t)r * m->row_bytes;
	const char *next = (const char *)row + (size_t)(2 * t.bytes) * (size_t)i + ahead;
	struct pair p;
#pragma GCC unroll 16
	for (int at = 0; at < supers * t.bytes; at += 64)
		_mm_prefetch(next + at, _MM_HINT_T2);
	unpack_block(unpack, t, m, row, i, supers, last_row, &p);
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		acc[c] = add_block(t, &p, act_at(m, i, c), quads_at(m, i, c), acc[c]);
}

/* `rows` rows from r on, block by block together. */
INLINE void few_rows(unpack_fn *unpack, struct layout t, int k, const struct matrix *m, int64_t r, int64_t last,
		     int rows, size_t ahead)
{
	int64_t whole = act_blocks(m->n) - (m->n % PAIR > 0 && m->n % PAIR <= SUPER);
	__m512 acc[TOGETHER][FEW];
	for (int j = 0; j < rows; j++)
#pragma GCC unroll 4
		for (int c = 0; c < k; c++)
			acc[j][c] = _mm512_setzero_ps();
	for (int64_t i = 0; i < whole; i++)
		for (int j = 0; j < rows; j++)
			few_block(unpack, t, k, 2, m, r + j, r + j + 1 == last, i, ahead, acc[j]);
	for (int j = 0; j < rows && whole < act_blocks(m->n); j++)
		few_block(unpack, t, k, 1, m, r + j, r + j + 1 == last, whole, ahead, acc[j]);
	for (int j = 0; j < rows; j++)
#pragma GCC unroll 4
		for (int c = 0; c < k; c++)
			m->y[(size_t)c * m->y_stride + (size_t)(r + j)] = sum16(acc[j][c]);
}

/* Columns that do not stay in the first-level cache are read once for several rows. */
INLINE void few_columns(unpack_fn *unpack, struct layout t, int k, const struct matrix *m, int64_t first, int64_t last)
{
	size_t group = TOGETHER * m->row_bytes, columns = (size_t)(k * act_blocks(m->n)) * sizeof(struct act_wide);
	int64_t r = first;
	for (; k > 1 && columns > NEAR && r + TOGETHER <= last; r += TOGETHER)
		few_rows(unpack, t, k, m, r, last, TOGETHER, (AHEAD + group - 1) / group * group);
	for (; r < last; r++)
		few_rows(unpack, t, k, m, r, last, 1, AHEAD);
}

/* --- Many columns: tiles of sixteen rows ------------------------------------------------------------ */

/* 512 weights of sixteen rows. */
struct tile {
	__m512i q[PAIR / 4];     /* quads of every row: wide_quad() */
	__m512 d[SUMS], m[SUMS]; /* by lanes, and so the rest: as struct pair has it */
	__m512 sub[2][SUMS];
	__m512i min[SUMS];
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
		transpose_rows(rows, offsetof(struct pair, q) + q * sizeof(__m512i), &tile->q[16 * q]);
	transpose_rows(rows, offsetof(struct pair, d), tile->d);
	if (t.mins)
		transpose_rows(rows, offsetof(struct pair, m), tile->m);
	for (size_t s = 0; s < 2 && t.halves && !t.multiplied; s++)
		transpose_rows(rows, offsetof(struct pair, sub) + s * sizeof(__m512), tile->sub[s]);
	if (t.halves && t.mins)
		transpose_rows(rows, offsetof(struct pair, min), tile->min);
}

/* Weights q times the scales a of halves, where bytes hold them: a q, or 128 - a (q - o), which fits where
 * 128 + a (q - o) does not, with -d. Two bytes are multiplied as one word, for they have one scale. */
INLINE void multiply_halves(struct layout t, struct pair *p)
{
	const __m128i first = _mm_setr_epi8(0, 1, 0, 1, 8, 9, 8, 9, 0, 1, 0, 1, 8, 9, 8, 9);
	const __m512i from = _mm512_set1_epi8((char)(1 << t.offset)), high = _mm512_set1_epi8(-128);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++) {
		int odd = i / 4, half = i / 2 % 2;
		__m512i which = _mm512_broadcast_i32x4(_mm_add_epi8(first, _mm_set1_epi8((char)(4 * odd))));
		__m512i a = _mm512_shuffle_epi8(_mm512_cvtps_epi32(p->sub[half]), which);
		__m512i *q = &p->q[odd][half][i % 2];
		if (t.offset)
			*q = _mm512_add_epi16(high, _mm512_mullo_epi16(_mm512_sub_epi16(from, *q), a));
		else
			*q = _mm512_mullo_epi16(*q, a);
	}
	if (t.offset)
		p->d = _mm512_xor_ps(p->d, _mm512_set1_ps(-0.0f));
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
		for (int64_t j = 0; j < ROWS; j++) {
			unpack_block(unpack, t, m, tile_row(m, r, last, j), first + i, 2, r + j + 1 >= last, &rows[j]);
			if (t.multiplied)
				multiply_halves(t, &rows[j]);
		}
		transpose_pairs(t, rows, &tiles[i][at]);
	}
}

INLINE const struct act_wide *next_column(const struct act_wide *a, size_t stride)
{
	return (const void *)((const char *)a + stride);
}

/* The eight quads of group j in superblock s. */
INLINE void load_group(int high, const struct tile *tile, int s, int j, __m512i (*w)[8])
{
#pragma GCC unroll 2
	for (int h = 0; h < high; h++)
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			w[h][i] = tile[h].q[wide_quad(s, j, i)];
}

/* Products of half a group with that half of a column, added to p. */
INLINE void half_dots(int high, const __m512i (*w)[8], const struct act_wide *a, int s, int j, int half, __m512i *p)
{
#pragma GCC unroll 4
	for (int i = 4 * half; i < 4 * half + 4; i++) {
		__m512i quad = _mm512_set1_epi32((int)load32((const uint8_t *)a->q + SUPER * s + GROUP * j + 4 * i));
#pragma GCC unroll 2
		for (int h = 0; h < high; h++)
			p[h] = _mm512_dpbusd_epi32(p[h], w[h][i], quad);
	}
}

/* Adds what a tile's minimums come to in a lane. */
INLINE __m512 add_tile_minimums(struct layout t, const struct tile *tile, const struct act_wide *a, int lane,
				__m512 scale, __m512 acc)
{
	int32_t half_sum;
	if (!t.mins)
		return acc;
	memcpy(&half_sum, a->half_sum[lane], sizeof(half_sum));
	return add_minimums(t, tile->m[lane], tile->min[lane], scale, _mm512_set1_ps(a->sum[lane]),
			    _mm512_set1_epi32(half_sum), acc);
}

/* Group j of superblock s of `high` tiles, times `columns` columns: where it is one sum. */
INLINE void tile_group(int high, struct layout t, const struct tile *tile, int s, int j, const struct act_wide *a,
		       size_t stride, int columns, bool fresh, __m512 (*acc)[COLUMNS])
{
	const unsigned bits = t.multiplied ? MINUS_BITS : t.offset;
	int lane = act_lane(s, j);
	__m512i w[HIGH][8];
	load_group(high, tile, s, j, w);
	for (int c = 0; c < columns; c++, a = next_column(a, stride)) {
		__m512 scale = _mm512_set1_ps(a->scale[lane]);
		__m512i p[HIGH];
		p[0] = p[1] = t.offset ? _mm512_srai_epi32(_mm512_set1_epi32(a->minus[lane]), MINUS_BITS - bits)
				       : _mm512_setzero_si512();
		half_dots(high, w, a, s, j, 0, p);
		half_dots(high, w, a, s, j, 1, p);
#pragma GCC unroll 2
		for (int h = 0; h < high; h++) {
			__m512 sum = fresh ? _mm512_setzero_ps() : acc[h][c];
			sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(p[h]), _mm512_mul_ps(tile[h].d[lane], scale), sum);
			acc[h][c] = add_tile_minimums(t, &tile[h], a, lane, scale, sum);
		}
	}
}

/* Adds both halves of a group, p[half], of sixteen rows. */
INLINE __m512 add_tile_halves(const struct tile *tile, const struct act_wide *a, int lane, const __m512i *p, __m512 acc)
{
	__m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(p[0]), tile->sub[0][lane]);
	x = _mm512_fmadd_ps(_mm512_cvtepi32_ps(p[1]), tile->sub[1][lane], x);
	return _mm512_fmadd_ps(x, _mm512_mul_ps(tile->d[lane], _mm512_set1_ps(a->scale[lane])), acc);
}

/* The same where halves are two, which count from 32: Q6_K. */
INLINE void tile_halves(int high, const struct tile *tile, int s, int j, const struct act_wide *a, size_t stride,
			int columns, bool fresh, __m512 (*acc)[COLUMNS])
{
	int lane = act_lane(s, j);
	__m512i w[HIGH][8];
	load_group(high, tile, s, j, w);
	for (int c = 0; c < columns; c++, a = next_column(a, stride)) {
		__m512i p[2][HIGH];
#pragma GCC unroll 2
		for (int i = 0; i < 2; i++) {
			p[i][0] = p[i][1] = _mm512_set1_epi32(a->half_minus[i][lane]);
			half_dots(high, w, a, s, j, i, p[i]);
		}
#pragma GCC unroll 2
		for (int h = 0; h < high; h++)
			acc[h][c] = add_tile_halves(&tile[h], a, lane, (const __m512i[]){p[0][h], p[1][h]},
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
	const struct act_wide *a = act_at(m, i, c);
	for (int s = 0; s < 2 && i * PAIR + s * SUPER < m->n; s++)
		for (int j = 0; j < GROUPS; j++)
			if (t.halves && !t.multiplied)
				tile_halves(high, tile, s, j, a, m->act_stride, columns, fresh, acc[act_lane(s, j)]);
			else
				tile_group(high, t, tile, s, j, a, m->act_stride, columns, fresh, acc[act_lane(s, j)]);
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

PRODUCT(q4_0, .bytes = 144, .offset = 3)
PRODUCT(q4_1, .bytes = 160, .mins = true)
PRODUCT(q5_0, .bytes = 176, .offset = 4)
PRODUCT(q5_1, .bytes = 192, .mins = true)
PRODUCT(q8_0, .bytes = 272, .offset = 7)
PRODUCT(iq4_nl, .bytes = 144, .offset = 7)
PRODUCT(q2_k, .bytes = 84, .halves = true, .multiplied = true, .mins = true)
PRODUCT(q3_k, .bytes = 110, .halves = true, .multiplied = true, .offset = 2)
PRODUCT(q4_k, .bytes = 144, .mins = true)
PRODUCT(q5_k, .bytes = 176, .mins = true)
PRODUCT(q6_k, .bytes = 210, .halves = true, .offset = 5)
PRODUCT(iq4_xs, .bytes = 136, .offset = 7)

#include "product_table.h"

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
		product(type, &m, first, last, columns);
	}
}
#endif
