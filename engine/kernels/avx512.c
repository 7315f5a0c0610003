/* Kernels for x86-64 with AVX-512 and its byte dot products (VNNI).
 *
 * One column at a time streams whole rows as they lie in the file. From MANY_COLUMNS on,
 * sixteen rows are unpacked into an interleaved tile of bytes (lane = row), which every
 * column then passes over without horizontal sums. Both add in the order of kernels.h. */
#if defined(__x86_64__)
#include "avx512.h"

#include <math.h>
#include <string.h>

enum {
	FEW = 4,          /* columns that one unpacking serves without a tile */
	ROWS = 16,        /* of a tile */
	COLUMNS = 32,     /* whose accumulators stay in the first-level cache */
	TILE_BLOCKS = 40, /* superblocks of a tile: it stays in the second-level cache */
	AHEAD = 4096,     /* bytes that few columns fetch ahead: half as fast again as without */
};

/* --- Unpacking: 256 weights as unsigned bytes in order, w = d q + m ------------------------------- */

struct super {
	__m512i q[4];
	__m512 d, m; /* of 8 groups, or of 16 halves */
};

INLINE uint32_t load32(const uint8_t *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return value;
}

INLINE __m256i load32_bytes(const uint8_t *p)
{
	return _mm256_loadu_si256((const void *)p);
}

INLINE __m512 widen8(__m256 x)
{
	return _mm512_castps256_ps512(x);
}

/* Halves at p, p + stride, … of eight blocks. */
INLINE __m256 eight_halves(const uint8_t *p, int stride)
{
	uint16_t h[8];
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		memcpy(&h[i], p + i * stride, sizeof(*h));
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)h));
}

/* 16 bytes a and 16 bytes b: the low nibbles of a, its high ones, those of b. */
INLINE __m512i nibbles_of_two(__m128i a, __m128i b)
{
	__m512i both = _mm512_castsi256_si512(_mm256_set_m128i(b, a));
	both = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 0, 1, 2, 3, 2, 3), both);
	both = _mm512_srlv_epi64(both, _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4));
	return _mm512_and_si512(both, _mm512_set1_epi8(15));
}

/* 32 bytes: the low nibbles, then the high ones. */
INLINE __m512i nibbles_of(const uint8_t *p)
{
	__m512i both = _mm512_broadcast_i64x4(load32_bytes(p));
	both = _mm512_srlv_epi64(both, _mm512_setr_epi64(0, 0, 0, 0, 4, 4, 4, 4));
	return _mm512_and_si512(both, _mm512_set1_epi8(15));
}

INLINE void set_offset(struct super *s, __m256 d, float offset)
{
	s->d = widen8(d);
	s->m = widen8(_mm256_mul_ps(d, _mm256_set1_ps(-offset)));
}

INLINE void unpack_q4_0(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = nibbles_of_two(load16(b + 36 * i + 2), load16(b + 36 * i + 20));
	set_offset(s, eight_halves(b, 18), 8);
}

INLINE void unpack_q4_1(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = nibbles_of_two(load16(b + 40 * i + 4), load16(b + 40 * i + 24));
	s->d = widen8(eight_halves(b, 20));
	s->m = widen8(eight_halves(b + 2, 20));
}

INLINE __m512i add_fifth(__m512i q, const uint8_t *a, const uint8_t *b)
{
	__mmask64 bits = (uint64_t)load32(b) << 32 | load32(a);
	return _mm512_mask_add_epi8(q, bits, q, _mm512_set1_epi8(16));
}

INLINE void unpack_q5_0(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		const uint8_t *p = b + 44 * i;
		s->q[i] = add_fifth(nibbles_of_two(load16(p + 6), load16(p + 28)), p + 2, p + 24);
	}
	set_offset(s, eight_halves(b, 22), 16);
}

INLINE void unpack_q5_1(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		const uint8_t *p = b + 48 * i;
		s->q[i] = add_fifth(nibbles_of_two(load16(p + 8), load16(p + 32)), p + 4, p + 28);
	}
	s->d = widen8(eight_halves(b, 24));
	s->m = widen8(eight_halves(b + 2, 24));
}

INLINE void unpack_q8_0(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		__m512i q = _mm512_castsi256_si512(load32_bytes(b + 68 * i + 2));
		q = _mm512_inserti64x4(q, load32_bytes(b + 68 * i + 36), 1);
		s->q[i] = _mm512_xor_si512(q, _mm512_set1_epi8(-128));
	}
	set_offset(s, eight_halves(b, 34), 128);
}

/* IQ4's sixteen values, plus 128. */
INLINE __m512i iq4_values(__m512i index)
{
	const __m128i values =
		_mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
	return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), index);
}

INLINE void unpack_iq4_nl(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = iq4_values(nibbles_of_two(load16(b + 36 * i + 2), load16(b + 36 * i + 20)));
	set_offset(s, eight_halves(b, 18), 128);
}

INLINE void unpack_iq4_xs(const uint8_t *b, struct super *s)
{
	const __m256i by_four = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
	const __m256i by_two = _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14);
	__m256i low = _mm256_srlv_epi32(_mm256_set1_epi32((int)load32(b + 4)), by_four);
	__m256i high = _mm256_srlv_epi32(_mm256_set1_epi32((int)(load32(b) >> 16)), by_two);
	low = _mm256_and_si256(low, _mm256_set1_epi32(15));
	high = _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4);
	__m256i scale = _mm256_sub_epi32(_mm256_or_si256(low, high), _mm256_set1_epi32(32));
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = iq4_values(nibbles_of_two(load16(b + 8 + 32 * i), load16(b + 24 + 32 * i)));
	set_offset(s, _mm256_mul_ps(_mm256_set1_ps(half_at(b)), _mm256_cvtepi32_ps(scale)), 128);
}

INLINE __m256 bytes_to_float8(uint32_t low, uint32_t high)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)((uint64_t)high << 32 | low))));
}

/* d, dmin and eight 6-bit scales and mins in 12 bytes (Q4_K, Q5_K). */
INLINE void set_scales_45k(const uint8_t *b, struct super *s)
{
	uint32_t x = load32(b + 4), y = load32(b + 8), z = load32(b + 12);
	uint32_t scale_high = (z & 0x0f0f0f0f) | (x >> 6 & 0x03030303) << 4;
	uint32_t min_high = (z >> 4 & 0x0f0f0f0f) | (y >> 6 & 0x03030303) << 4;
	__m256 d = _mm256_set1_ps(half_at(b)), dmin = _mm256_set1_ps(-half_at(b + 2));
	s->d = widen8(_mm256_mul_ps(d, bytes_to_float8(x & 0x3f3f3f3f, scale_high)));
	s->m = widen8(_mm256_mul_ps(dmin, bytes_to_float8(y & 0x3f3f3f3f, min_high)));
}

INLINE void unpack_q4_k(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = nibbles_of(b + 16 + 32 * i);
	set_scales_45k(b, s);
}

/* Adds `value` to the bytes of two groups whose bits 2i and 2i + 1 are set. */
INLINE __m512i add_high_bit(__m512i q, __m512i bits, int i, char value)
{
	__m512i which =
		_mm512_inserti64x4(_mm512_set1_epi8((char)(1 << 2 * i)), _mm256_set1_epi8((char)(2 << 2 * i)), 1);
	return _mm512_mask_add_epi8(q, _mm512_test_epi8_mask(bits, which), q, _mm512_set1_epi8(value));
}

INLINE void unpack_q5_k(const uint8_t *b, struct super *s)
{
	__m512i high = _mm512_broadcast_i64x4(load32_bytes(b + 16));
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = add_high_bit(nibbles_of(b + 48 + 32 * i), high, i, 16);
	set_scales_45k(b, s);
}

INLINE void unpack_q6_k(const uint8_t *b, struct super *s)
{
	const __m512i low4 = _mm512_set1_epi8(15), top = _mm512_set1_epi8(0x30);
#pragma GCC unroll 2
	for (int h = 0; h < 2; h++) {
		__m512i low = _mm512_loadu_si512(b + 64 * h);
		__m512i high = _mm512_broadcast_i64x4(load32_bytes(b + 128 + 32 * h));
		__m512i left = _mm512_rolv_epi64(high, _mm512_setr_epi64(4, 4, 4, 4, 2, 2, 2, 2));
		__m512i right = _mm512_rorv_epi64(high, _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2));
		s->q[2 * h] = _mm512_or_si512(_mm512_and_si512(low, low4), _mm512_and_si512(left, top));
		low = _mm512_and_si512(_mm512_srli_epi16(low, 4), low4);
		s->q[2 * h + 1] = _mm512_or_si512(low, _mm512_and_si512(right, top));
	}
	s->d = _mm512_mul_ps(_mm512_set1_ps(half_at(b + 208)), bytes_to_float16(load16(b + 192)));
	s->m = _mm512_mul_ps(s->d, _mm512_set1_ps(-32));
}

/* Crumbs 2(j % 4) of 32 bytes for groups j = 2i and 2i + 1 (Q2_K, Q3_K). */
INLINE __m512i crumbs_of(const uint8_t *qs, int i)
{
	__m512i q = _mm512_broadcast_i64x4(load32_bytes(qs + 32 * (i / 2)));
	int shift = 4 * (i % 2);
	q = _mm512_srlv_epi64(q, _mm512_inserti64x4(_mm512_set1_epi64(shift), _mm256_set1_epi64x(shift + 2), 1));
	return _mm512_and_si512(q, _mm512_set1_epi8(3));
}

INLINE void unpack_q2_k(const uint8_t *b, struct super *s)
{
	__m128i scales = load16(b), low = _mm_set1_epi8(15);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = crumbs_of(b + 16, i);
	s->d = _mm512_mul_ps(_mm512_set1_ps(half_at(b + 80)), bytes_to_float16(_mm_and_si128(scales, low)));
	scales = _mm_and_si128(_mm_srli_epi16(scales, 4), low);
	s->m = _mm512_mul_ps(_mm512_set1_ps(-half_at(b + 82)), bytes_to_float16(scales));
}

INLINE void unpack_q3_k(const uint8_t *b, struct super *s)
{
	__m512i high = _mm512_broadcast_i64x4(load32_bytes(b));
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s->q[i] = add_high_bit(crumbs_of(b + 32, i), high, i, 4);
	uint64_t first = (uint64_t)load32(b + 100) << 32 | load32(b + 96);
	__m128i low = _mm_set_epi64x((int64_t)(first >> 4), (int64_t)first);
	__m128i top = _mm_srlv_epi32(_mm_set1_epi32((int)load32(b + 104)), _mm_setr_epi32(0, 2, 4, 6));
	low = _mm_and_si128(low, _mm_set1_epi8(15));
	top = _mm_slli_epi16(_mm_and_si128(top, _mm_set1_epi8(3)), 4);
	__m128i scale = _mm_sub_epi8(_mm_or_si128(low, top), _mm_set1_epi8(32));
	s->d = _mm512_mul_ps(_mm512_set1_ps(half_at(b + 108)), bytes_to_float16(scale));
	s->m = _mm512_mul_ps(s->d, _mm512_set1_ps(-4));
}

/* --- Few columns: one row at a time ---------------------------------------------------------------- */

/* Sums of four neighbours, 16 of them: lane 4i + e is the sum of quad i of p[e]. */
INLINE __m512i quad_sums(const __m512i *p)
{
	__m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(p[0], p[1]), _mm512_unpackhi_epi32(p[0], p[1]));
	__m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(p[2], p[3]), _mm512_unpackhi_epi32(p[2], p[3]));
	return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/* Adds a superblock to the accumulator: lane j is group j, or half j. */
INLINE __m512 add_super(const struct super *s, bool halves, const struct act_block *a, __m512 acc)
{
	__m512i p[4];
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		p[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), s->q[i], _mm512_load_si512(a->q + 64 * i));
	__m512i sums = quad_sums(p);
	__m256 scale = _mm256_load_ps(a->scale);
	if (halves) {
		const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
		const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
		__m512 d = _mm512_mul_ps(s->d, _mm512_permutexvar_ps(twice, widen8(scale)));
		acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_permutexvar_epi32(order, sums)), d, acc);
		return _mm512_fmadd_ps(s->m, _mm512_load_ps(a->half_sum), acc);
	}
	const __m512i order = _mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 0, 8, 1, 9, 2, 10, 3, 11);
	sums = _mm512_add_epi32(sums, _mm512_shuffle_i32x4(sums, sums, 0xb1));
	__m256 dots = _mm256_cvtepi32_ps(_mm512_castsi512_si256(_mm512_permutexvar_epi32(order, sums)));
	__m256 d = _mm256_mul_ps(_mm512_castps512_ps256(s->d), scale);
	__m256 eight = _mm256_fmadd_ps(dots, d, _mm512_castps512_ps256(acc));
	return widen8(_mm256_fmadd_ps(_mm512_castps512_ps256(s->m), _mm256_load_ps(a->sum), eight));
}

typedef void unpack_fn(const uint8_t *b, struct super *s);

struct matrix {
	const uint8_t *w, *act;
	size_t row_bytes, act_stride, y_stride;
	int64_t n;
	float *y;
};

/* The last superblock of a row whose length is no multiple of it, completed with zeros. */
INLINE void unpack_tail(unpack_fn *unpack, const uint8_t *b, int64_t rest, int bytes, struct super *s)
{
	uint8_t whole[GROUPS * KV_Q8_BYTES] = {0};
	memcpy(whole, b, (size_t)(rest / GROUP * bytes));
	unpack(whole, s);
}

INLINE void fetch_ahead(const uint8_t *p, int bytes)
{
	for (int i = 0; i < bytes; i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
}

/* bytes: of a block of the type; of the eight blocks that make a superblock where blocks are small. */
INLINE void few_columns(unpack_fn *unpack, int bytes, bool halves, bool small, int k, const struct matrix *m,
			int64_t first, int64_t last)
{
	int64_t whole = m->n / SUPER, rest = m->n % SUPER;
	int step = small ? GROUPS * bytes : bytes;
	for (int64_t r = first; r < last; r++) {
		const uint8_t *b = m->w + (size_t)r * m->row_bytes;
		const struct act_block *a = (const void *)m->act;
		__m512 acc[FEW];
		struct super s;
#pragma GCC unroll 4
		for (int c = 0; c < k; c++)
			acc[c] = _mm512_setzero_ps();
		for (int64_t i = 0; i < whole; i++, b += step, a++) {
			fetch_ahead(b, step);
			unpack(b, &s);
#pragma GCC unroll 4
			for (int c = 0; c < k; c++)
				acc[c] = add_super(&s, halves,
						   (const void *)((const char *)a + (size_t)c * m->act_stride), acc[c]);
		}
		if (small && rest) {
			unpack_tail(unpack, b, rest, bytes, &s);
#pragma GCC unroll 4
			for (int c = 0; c < k; c++)
				acc[c] = add_super(&s, halves,
						   (const void *)((const char *)a + (size_t)c * m->act_stride), acc[c]);
		}
#pragma GCC unroll 4
		for (int c = 0; c < k; c++)
			m->y[(size_t)c * m->y_stride + (size_t)r] =
				halves ? sum16(acc[c]) : sum8(_mm512_castps512_ps256(acc[c]));
	}
}

/* --- Many columns: tiles of sixteen rows ------------------------------------------------------------ */

/* 256 weights of sixteen rows: q[step] holds byte quad `step` of every row. */
struct tile {
	__m512i q[SUPER / 4];
	__m512 d[HALVES], m[HALVES];
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
#pragma GCC unroll 4
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

static void transpose_tile(const struct super *rows, struct tile *tile)
{
	__m512i x[16];
	for (int part = 0; part < 4; part++) {
		for (int r = 0; r < ROWS; r++)
			x[r] = rows[r].q[part];
		transpose16(x);
		memcpy(&tile->q[16 * part], x, sizeof(x));
	}
	for (int r = 0; r < ROWS; r++)
		x[r] = _mm512_castps_si512(rows[r].d);
	transpose16(x);
	memcpy(tile->d, x, sizeof(x));
	for (int r = 0; r < ROWS; r++)
		x[r] = _mm512_castps_si512(rows[r].m);
	transpose16(x);
	memcpy(tile->m, x, sizeof(x));
}

/* Superblocks first..first + count - 1 of rows r.. (the last row again where there are no sixteen). */
INLINE void fill_tile(unpack_fn *unpack, int bytes, bool small, const struct matrix *m, int64_t r, int64_t last,
		      int64_t first, int64_t count, struct tile *tile)
{
	int step = small ? GROUPS * bytes : bytes;
	struct super rows[ROWS];
	for (int64_t i = first; i < first + count; i++) {
		for (int64_t j = 0; j < ROWS; j++) {
			const uint8_t *b = m->w + (size_t)(r + j < last ? r + j : last - 1) * m->row_bytes + i * step;
			if (small && (i + 1) * SUPER > m->n)
				unpack_tail(unpack, b, m->n % SUPER, bytes, &rows[j]);
			else
				unpack(b, &rows[j]);
		}
		transpose_tile(rows, &tile[i - first]);
	}
}

INLINE __m512i quad_dots(const __m512i *w, const int8_t *q, int steps)
{
	__m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
	for (int i = 0; i < steps; i++)
		sum = _mm512_dpbusd_epi32(sum, w[i], _mm512_set1_epi32((int)load32((const uint8_t *)q + 4 * i)));
	return sum;
}

INLINE __m512 add_unit(__m512 acc, __m512i dots, __m512 d, __m512 m, float scale, float sum)
{
	acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dots), _mm512_mul_ps(d, _mm512_set1_ps(scale)), acc);
	return _mm512_fmadd_ps(m, _mm512_set1_ps(sum), acc);
}

/* One superblock of sixteen rows times `columns` columns. acc[unit][column]. */
INLINE void tile_columns(bool halves, const struct tile *tile, const uint8_t *act, size_t stride, int columns,
			 __m512 (*acc)[COLUMNS])
{
	for (int j = 0; j < GROUPS; j++) {
		const __m512i w0 = tile->q[8 * j], w1 = tile->q[8 * j + 1], w2 = tile->q[8 * j + 2],
			      w3 = tile->q[8 * j + 3], w4 = tile->q[8 * j + 4], w5 = tile->q[8 * j + 5],
			      w6 = tile->q[8 * j + 6], w7 = tile->q[8 * j + 7];
		const __m512i low[4] = {w0, w1, w2, w3}, high[4] = {w4, w5, w6, w7};
		const __m512 d = tile->d[halves ? 2 * j : j], m = tile->m[halves ? 2 * j : j];
		const __m512 d2 = tile->d[2 * j + 1], m2 = tile->m[2 * j + 1];
		const uint8_t *column = act;
		for (int c = 0; c < columns; c++, column += stride) {
			const struct act_block *a = (const void *)column;
			__m512i x = quad_dots(low, a->q + j * GROUP, 4),
				y = quad_dots(high, a->q + j * GROUP + HALF, 4);
			if (halves) {
				acc[2 * j][c] = add_unit(acc[2 * j][c], x, d, m, a->scale[j], a->half_sum[2 * j]);
				acc[2 * j + 1][c] =
					add_unit(acc[2 * j + 1][c], y, d2, m2, a->scale[j], a->half_sum[2 * j + 1]);
			} else {
				acc[j][c] = add_unit(acc[j][c], _mm512_add_epi32(x, y), d, m, a->scale[j], a->sum[j]);
			}
		}
	}
}

INLINE void finish_columns(bool halves, __m512 (*acc)[COLUMNS], int columns, __mmask16 rows, float *y, size_t stride)
{
	for (int c = 0; c < columns; c++) {
		__m512 x[8];
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			x[i] = halves ? _mm512_add_ps(acc[i][c], acc[i + 8][c]) : acc[i][c];
		__m512 even = _mm512_add_ps(_mm512_add_ps(x[0], x[4]), _mm512_add_ps(x[2], x[6]));
		__m512 odd = _mm512_add_ps(_mm512_add_ps(x[1], x[5]), _mm512_add_ps(x[3], x[7]));
		_mm512_mask_storeu_ps(y + (size_t)c * stride, rows, _mm512_add_ps(even, odd));
	}
}

INLINE void many_columns(unpack_fn *unpack, int bytes, bool halves, bool small, int k, const struct matrix *m,
			 int64_t first, int64_t last)
{
	struct tile tile[TILE_BLOCKS];
	__m512 acc[HALVES][COLUMNS];
	int64_t blocks = superblocks(m->n);
	for (int64_t r = first; r < last; r += ROWS) {
		__mmask16 rows = last - r < ROWS ? (__mmask16)((1 << (last - r)) - 1) : 0xffff;
		if (blocks <= TILE_BLOCKS)
			fill_tile(unpack, bytes, small, m, r, last, 0, blocks, tile);
#pragma GCC unroll 4
		for (int c = 0; c < k; c += COLUMNS) {
			int columns = k - c < COLUMNS ? k - c : COLUMNS;
			const uint8_t *act = m->act + (size_t)c * m->act_stride;
			memset(acc, 0, sizeof(acc) / (halves ? 1 : 2));
			for (int64_t i = 0; i < blocks; i++, act += sizeof(struct act_block)) {
				int64_t left = blocks - i;
				if (blocks > TILE_BLOCKS && i % TILE_BLOCKS == 0)
					fill_tile(unpack, bytes, small, m, r, last, i,
						  left < TILE_BLOCKS ? left : TILE_BLOCKS, tile);
				tile_columns(halves, &tile[i % TILE_BLOCKS], act, m->act_stride, columns, acc);
			}
			finish_columns(halves, acc, columns, rows, m->y + (size_t)c * m->y_stride + r, m->y_stride);
		}
	}
}

/* --- Dispatch by type ---------------------------------------------------------------------------------- */

typedef void product_fn(const struct matrix *m, int64_t first, int64_t last, int k);

#define PRODUCT(name, bytes, halves, small)                                                                           \
	static __attribute__((noinline)) void few_##name(const struct matrix *m, int64_t first, int64_t last, int k)  \
	{                                                                                                             \
		switch (k) {                                                                                          \
		case 1: few_columns(unpack_##name, bytes, halves, small, 1, m, first, last); break;                   \
		case 2: few_columns(unpack_##name, bytes, halves, small, 2, m, first, last); break;                   \
		case 3: few_columns(unpack_##name, bytes, halves, small, 3, m, first, last); break;                   \
		default: few_columns(unpack_##name, bytes, halves, small, 4, m, first, last);                         \
		}                                                                                                     \
	}                                                                                                             \
	static __attribute__((noinline)) void many_##name(const struct matrix *m, int64_t first, int64_t last, int k) \
	{                                                                                                             \
		many_columns(unpack_##name, bytes, halves, small, k, m, first, last);                                 \
	}

PRODUCT(q4_0, 18, false, true)
PRODUCT(q4_1, 20, false, true)
PRODUCT(q5_0, 22, false, true)
PRODUCT(q5_1, 24, false, true)
PRODUCT(q8_0, 34, false, true)
PRODUCT(iq4_nl, 18, false, true)
PRODUCT(q2_k, 84, true, false)
PRODUCT(q3_k, 110, true, false)
PRODUCT(q4_k, 144, false, false)
PRODUCT(q5_k, 176, false, false)
PRODUCT(q6_k, 210, true, false)
PRODUCT(iq4_xs, 136, false, false)

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

/* --- Float products: 32 lanes, whatever the number of columns --------------------------------------------- */

INLINE __m512 load_floats(enum tensor_type type, const uint8_t *row, int64_t i, __mmask16 mask)
{
	if (type == TYPE_F32)
		return _mm512_maskz_loadu_ps(mask, row + 4 * i);
	__m256i x = _mm256_maskz_loadu_epi16(mask, row + 2 * i);
	if (type == TYPE_F16)
		return _mm512_cvtph_ps(x);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n, int k,
			float *y, size_t y_stride)
{
	__m512 even[FEW], odd[FEW];
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		even[c] = odd[c] = _mm512_setzero_ps();
	for (int64_t i = 0; i < n; i += LANES) {
		__mmask16 low = mask_of(n - i), high = mask_of(n - i - 16);
		fetch_ahead(row + (size_t)i * (type == TYPE_F32 ? 4 : 2), type == TYPE_F32 ? 128 : 64);
		__m512 a = load_floats(type, row, i, low), b = load_floats(type, row, i + 16, high);
#pragma GCC unroll 4
		for (int c = 0; c < k; c++) {
			const float *column = x + (size_t)c * x_stride + i;
			even[c] = _mm512_fmadd_ps(a, _mm512_maskz_loadu_ps(low, column), even[c]);
			odd[c] = _mm512_fmadd_ps(b, _mm512_maskz_loadu_ps(high, column + 16), odd[c]);
		}
	}
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		y[(size_t)c * y_stride] = sum16(_mm512_add_ps(even[c], odd[c]));
}

/* OpenBLAS would be quicker for many columns, but it sums in another order for every shape: a token's
 * bits would then depend on the tokens beside it. */
INLINE void float_rows(enum tensor_type type, const struct matrix *m, const float *x, size_t x_stride, int64_t first,
		       int64_t last, int k)
{
	int c = 0;
	for (; c + FEW <= k; c += FEW)
		for (int64_t r = first; r < last; r++)
			dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n,
				    FEW, m->y + (size_t)c * m->y_stride + r, m->y_stride);
	for (; c < k; c++)
		for (int64_t r = first; r < last; r++)
			dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n, 1,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
}

static void avx512_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
			  int64_t last, const uint8_t *act, size_t act_stride, const float *x, size_t x_stride, int k,
			  float *y, size_t y_stride)
{
	struct matrix m = {w, act, row_bytes, act_stride, y_stride, n, y};
	switch (type) {
	case TYPE_F32: float_rows(TYPE_F32, &m, x, x_stride, first, last, k); break;
	case TYPE_F16: float_rows(TYPE_F16, &m, x, x_stride, first, last, k); break;
	case TYPE_BF16: float_rows(TYPE_BF16, &m, x, x_stride, first, last, k); break;
	default: (k <= FEW ? few : many)[type](&m, first, last, k);
	}
}

float avx512_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, &y, 0);
	return y;
}

/* --- Small operations ---------------------------------------------------------------------------------------- */

static void avx512_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out)
{
	__m512 scale = _mm512_set1_ps(1 / sqrtf(avx512_dot_f32(x, x, n) / (float)n + eps));
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 y = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), scale);
		_mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(y, _mm512_maskz_loadu_ps(mask, weight + i)));
	}
}

INLINE __m512 over_one_plus_exp(__m512 x, __m512 exponent)
{
	return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1), exp16(exponent)));
}

INLINE __m512 negative(__m512 x)
{
	return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}

static void avx512_silu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
		__m512 y = _mm512_mul_ps(over_one_plus_exp(x, negative(x)), _mm512_maskz_loadu_ps(mask, up + i));
		_mm512_mask_storeu_ps(out + i, mask, y);
	}
}

static void avx512_gelu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
		__m512 cube = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_set1_ps(GELU_CUBE), x), x, _mm512_set1_ps(1));
		__m512 twice = _mm512_mul_ps(_mm512_set1_ps(GELU_SCALE), _mm512_mul_ps(x, cube));
		__m512 y = _mm512_mul_ps(over_one_plus_exp(x, negative(twice)), _mm512_maskz_loadu_ps(mask, up + i));
		_mm512_mask_storeu_ps(out + i, mask, y);
	}
}

/* The scale that leaves the smallest squares of errors; largest / 127 where all bytes are zero. */
INLINE float best_scale(__m512 low, __m512 high, __m512i a, __m512i b, float largest)
{
	int squares = _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_mullo_epi32(a, a), _mm512_mullo_epi32(b, b)));
	__m512 products = _mm512_mul_ps(_mm512_cvtepi32_ps(a), low);
	products = _mm512_fmadd_ps(_mm512_cvtepi32_ps(b), high, products);
	return squares ? sum16(products) / (float)squares : largest / 127;
}

static void avx512_quantize(const float *x, int64_t n, void *out)
{
	struct act_block *block = out;
	if (n % SUPER)
		memset(&block[n / SUPER], 0, sizeof(*block));
	for (int64_t i = 0; i < n; i += GROUP) {
		struct act_block *b = &block[i / SUPER];
		int j = (int)(i % SUPER / GROUP);
		__m512 low = _mm512_loadu_ps(x + i), high = _mm512_loadu_ps(x + i + 16);
		float largest = largest_of(low, high), inverse = inverse_scale(largest);
		__m512i a = quantize16(low, inverse), c = quantize16(high, inverse);
		float scale = best_scale(low, high, a, c, largest);
		_mm_store_si128((void *)(b->q + j * GROUP), _mm512_cvtepi32_epi8(a));
		_mm_store_si128((void *)(b->q + j * GROUP + HALF), _mm512_cvtepi32_epi8(c));
		int first = _mm512_reduce_add_epi32(a), second = _mm512_reduce_add_epi32(c);
		b->scale[j] = scale;
		b->sum[j] = scale * (float)(first + second);
		b->half_sum[2 * j] = scale * (float)first;
		b->half_sum[2 * j + 1] = scale * (float)second;
	}
}

const struct kernels kernels_avx512 = {
	.name = "avx512vnni",
	.quantize = avx512_quantize,
	.matmul = avx512_matmul,
	.to_float = reference_to_float,
	.rms_norm = avx512_rms_norm,
	.dot_f32 = avx512_dot_f32,
	.silu_mul = avx512_silu_mul,
	.gelu_mul = avx512_gelu_mul,
	.attention = avx512_attention,
	.kv_store = avx512_kv_store,
};
#endif
