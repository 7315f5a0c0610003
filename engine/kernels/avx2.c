/* Kernels for x86-64 with AVX2, FMA and F16C.
 *
 * As avx512.c, with eight rows a tile. Byte products add in pairs in 16 bits (maddubs), which
 * holds only while the weight is at most 127: larger ones (types that count from -128) are
 * multiplied in two parts, their low seven bits and their top bit. */
#if defined(__x86_64__)
#include "avx2.h"

#include <math.h>
#include <string.h>

enum {
	FEW = 4,          /* columns that one unpacking serves without a tile */
	ROWS = 8,         /* of a tile */
	COLUMNS = 32,     /* whose accumulators stay in the first-level cache */
	TILE_BLOCKS = 40, /* superblocks of a tile */
	AHEAD = 4096,     /* bytes that few columns fetch ahead */
	WIDE = 255,       /* largest unsigned weight of types that count from -128 */
};

/* --- Unpacking: 256 weights as unsigned bytes in order, w = d q + m ------------------------------- */

struct super {
	__m256i q[GROUPS];
	__m256 d[2], m[2]; /* of 8 groups, or of 16 halves */
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

/* Halves at p, p + stride, … of eight blocks. */
INLINE __m256 eight_halves(const uint8_t *p, int stride)
{
	uint16_t h[8];
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		memcpy(&h[i], p + i * stride, sizeof(*h));
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)h));
}

/* 16 bytes: the low nibbles, then the high ones. */
INLINE __m256i nibbles_of(const uint8_t *p)
{
	__m128i x = load16(p);
	return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(x, 4), x), _mm256_set1_epi8(15));
}

INLINE void set_offset(struct super *s, int part, __m256 d, float offset)
{
	s->d[part] = d;
	s->m[part] = _mm256_mul_ps(d, _mm256_set1_ps(-offset));
}

INLINE void unpack_q4_0(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = nibbles_of(b + 18 * i + 2);
	set_offset(s, 0, eight_halves(b, 18), 8);
}

INLINE void unpack_q4_1(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = nibbles_of(b + 20 * i + 4);
	s->d[0] = eight_halves(b, 20);
	s->m[0] = eight_halves(b + 2, 20);
}

/* `value` in the bytes whose bit of `which` is set. */
INLINE __m256i where_set(__m256i bits, __m256i which, char value)
{
	return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bits, which), which), _mm256_set1_epi8(value));
}

/* Bit i of 32 as 16 in byte i. */
INLINE __m256i fifth_bits(const uint8_t *p)
{
	const __m256i byte = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	__m256i bits = _mm256_shuffle_epi8(_mm256_set1_epi32((int)load32(p)), byte);
	return where_set(bits, _mm256_set1_epi64x((int64_t)0x8040201008040201), 16);
}

INLINE void unpack_q5_0(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = _mm256_or_si256(nibbles_of(b + 22 * i + 6), fifth_bits(b + 22 * i + 2));
	set_offset(s, 0, eight_halves(b, 22), 16);
}

INLINE void unpack_q5_1(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = _mm256_or_si256(nibbles_of(b + 24 * i + 8), fifth_bits(b + 24 * i + 4));
	s->d[0] = eight_halves(b, 24);
	s->m[0] = eight_halves(b + 2, 24);
}

INLINE void unpack_q8_0(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = _mm256_xor_si256(load32_bytes(b + 34 * i + 2), _mm256_set1_epi8(-128));
	set_offset(s, 0, eight_halves(b, 34), 128);
}

/* IQ4's sixteen values, plus 128. */
INLINE __m256i iq4_values(__m256i index)
{
	const __m128i values =
		_mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), index);
}

INLINE void unpack_iq4_nl(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = iq4_values(nibbles_of(b + 18 * i + 2));
	set_offset(s, 0, eight_halves(b, 18), 128);
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
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = iq4_values(nibbles_of(b + 8 + 16 * i));
	set_offset(s, 0, _mm256_mul_ps(_mm256_set1_ps(half_at(b)), _mm256_cvtepi32_ps(scale)), 128);
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
	s->d[0] = _mm256_mul_ps(d, bytes_to_float8(x & 0x3f3f3f3f, scale_high));
	s->m[0] = _mm256_mul_ps(dmin, bytes_to_float8(y & 0x3f3f3f3f, min_high));
}

/* Bits shift.. of every byte under the mask. */
INLINE __m256i bits_of(__m256i x, int shift, char mask)
{
	return _mm256_and_si256(_mm256_srli_epi16(x, shift), _mm256_set1_epi8(mask));
}

INLINE void unpack_q4_k(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = bits_of(load32_bytes(b + 16 + 32 * (i / 2)), i % 2 * 4, 15);
	set_scales_45k(b, s);
}

INLINE void unpack_q5_k(const uint8_t *b, struct super *s)
{
	__m256i high = load32_bytes(b + 16);
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = _mm256_or_si256(bits_of(load32_bytes(b + 48 + 32 * (i / 2)), i % 2 * 4, 15),
					  where_set(high, _mm256_set1_epi8((char)(1 << i)), 16));
	set_scales_45k(b, s);
}

/* Sixteen signed bytes times d as the scales of halves; they count from -offset. */
INLINE void set_halves(struct super *s, float d, __m128i scales, float offset)
{
	__m256 factor = _mm256_set1_ps(d);
	set_offset(s, 0, _mm256_mul_ps(factor, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(scales))), offset);
	scales = _mm_srli_si128(scales, 8);
	set_offset(s, 1, _mm256_mul_ps(factor, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(scales))), offset);
}

INLINE void unpack_q6_k(const uint8_t *b, struct super *s)
{
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++) {
		int half = i / 4, part = i % 4;
		__m256i low = bits_of(load32_bytes(b + 64 * half + part % 2 * 32), part / 2 * 4, 15);
		__m256i high = bits_of(load32_bytes(b + 128 + 32 * half), 2 * part, 3);
		s->q[i] = _mm256_or_si256(low, _mm256_slli_epi16(high, 4));
	}
	set_halves(s, half_at(b + 208), load16(b + 192), 32);
}

INLINE void unpack_q2_k(const uint8_t *b, struct super *s)
{
	__m128i low = _mm_set1_epi8(15), scales = load16(b);
	__m256 m[2];
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = bits_of(load32_bytes(b + 16 + 32 * (i / 4)), i % 4 * 2, 3);
	set_halves(s, -half_at(b + 82), _mm_and_si128(_mm_srli_epi16(scales, 4), low), 0);
	m[0] = s->d[0];
	m[1] = s->d[1];
	set_halves(s, half_at(b + 80), _mm_and_si128(scales, low), 0);
	s->m[0] = m[0];
	s->m[1] = m[1];
}

INLINE void unpack_q3_k(const uint8_t *b, struct super *s)
{
	__m256i high = load32_bytes(b);
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		s->q[i] = _mm256_or_si256(bits_of(load32_bytes(b + 32 + 32 * (i / 4)), i % 4 * 2, 3),
					  where_set(high, _mm256_set1_epi8((char)(1 << i)), 4));
	uint64_t first = (uint64_t)load32(b + 100) << 32 | load32(b + 96);
	__m128i low = _mm_set_epi64x((int64_t)(first >> 4), (int64_t)first);
	__m128i top = _mm_srlv_epi32(_mm_set1_epi32((int)load32(b + 104)), _mm_setr_epi32(0, 2, 4, 6));
	low = _mm_and_si128(low, _mm_set1_epi8(15));
	top = _mm_slli_epi16(_mm_and_si128(top, _mm_set1_epi8(3)), 4);
	set_halves(s, half_at(b + 108), _mm_sub_epi8(_mm_or_si128(low, top), _mm_set1_epi8(32)), 4);
}

/* --- Sums -------------------------------------------------------------------------------------- */

INLINE __m256i pair_sums(__m256i x)
{
	return _mm256_madd_epi16(x, _mm256_set1_epi16(1));
}

/* Sums of four neighbouring products of weights 0..largest and signed bytes. */
INLINE __m256i dot4(__m256i w, __m256i x, int largest)
{
	if (largest != WIDE)
		return pair_sums(_mm256_maddubs_epi16(w, x));
	__m256i low = _mm256_and_si256(w, _mm256_set1_epi8(127));
	__m256i top = _mm256_srli_epi16(_mm256_and_si256(w, _mm256_set1_epi8(-128)), 1);
	__m256i twice = _mm256_slli_epi32(pair_sums(_mm256_maddubs_epi16(top, x)), 1);
	return _mm256_add_epi32(pair_sums(_mm256_maddubs_epi16(low, x)), twice);
}

/* --- Few columns: one row at a time ---------------------------------------------------------------- */

INLINE __m256i add_neighbours(__m256i a, __m256i b, __m256i c, __m256i d)
{
	return _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
}

/* Adds a superblock to the accumulator: lane j is group j, or half j. */
INLINE void add_super(const struct super *s, bool halves, int largest, const struct act_block *a, __m256 acc[2])
{
	__m256i p[GROUPS];
#pragma GCC unroll 8
	for (int i = 0; i < GROUPS; i++)
		p[i] = dot4(s->q[i], _mm256_load_si256((const void *)(a->q + GROUP * i)), largest);
	__m256i x = add_neighbours(p[0], p[1], p[2], p[3]), y = add_neighbours(p[4], p[5], p[6], p[7]);
	__m256 scale = _mm256_load_ps(a->scale);
	if (!halves) {
		__m256i sums =
			_mm256_add_epi32(_mm256_permute2x128_si256(x, y, 0x20), _mm256_permute2x128_si256(x, y, 0x31));
		acc[0] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(s->d[0], scale), acc[0]);
		acc[0] = _mm256_fmadd_ps(s->m[0], _mm256_load_ps(a->sum), acc[0]);
		return;
	}
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
	__m256 d = _mm256_mul_ps(s->d[0], _mm256_permutevar8x32_ps(scale, twice));
	acc[0] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_permutevar8x32_epi32(x, order)), d, acc[0]);
	acc[0] = _mm256_fmadd_ps(s->m[0], _mm256_load_ps(a->half_sum), acc[0]);
	scale = _mm256_permutevar8x32_ps(scale, _mm256_add_epi32(twice, _mm256_set1_epi32(4)));
	d = _mm256_mul_ps(s->d[1], scale);
	acc[1] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_permutevar8x32_epi32(y, order)), d, acc[1]);
	acc[1] = _mm256_fmadd_ps(s->m[1], _mm256_load_ps(a->half_sum + 8), acc[1]);
}

typedef void unpack_fn(const uint8_t *b, struct super *s);

struct matrix {
	const uint8_t *w, *act;
	size_t row_bytes, act_stride, y_stride;
	int64_t n;
	float *y;
};

/* How a type lies: its blocks' bytes, whether they are small (32 weights), whether halves have
 * scales of their own, the largest unsigned weight. */
struct layout {
	int bytes, largest;
	bool small, halves;
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

INLINE void few_columns(unpack_fn *unpack, struct layout l, int k, const struct matrix *m, int64_t first, int64_t last)
{
	int step = l.small ? GROUPS * l.bytes : l.bytes;
	for (int64_t r = first; r < last; r++) {
		const uint8_t *b = m->w + (size_t)r * m->row_bytes, *a = m->act;
		__m256 acc[FEW][2];
		struct super s;
		for (int c = 0; c < k; c++)
			acc[c][0] = acc[c][1] = _mm256_setzero_ps();
		for (int64_t left = m->n; left > 0; left -= SUPER, b += step, a += sizeof(struct act_block)) {
			fetch_ahead(b, step);
			if (l.small && left < SUPER)
				unpack_tail(unpack, b, left, l.bytes, &s);
			else
				unpack(b, &s);
#pragma GCC unroll 4
			for (int c = 0; c < k; c++)
				add_super(&s, l.halves, l.largest, (const void *)(a + (size_t)c * m->act_stride),
					  acc[c]);
		}
		for (int c = 0; c < k; c++)
			m->y[(size_t)c * m->y_stride + (size_t)r] =
				sum8(l.halves ? _mm256_add_ps(acc[c][0], acc[c][1]) : acc[c][0]);
	}
}

/* --- Many columns: tiles of eight rows ------------------------------------------------------------ */

/* 256 weights of eight rows: q[step] holds byte quad `step` of every row. */
struct tile {
	__m256i q[SUPER / 4];
	__m256 d[HALVES], m[HALVES];
};

INLINE void transpose8(const __m256i *x, void *out)
{
	__m256i t[8], u[8], *to = out;
#pragma GCC unroll 4
	for (int i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_epi32(x[i], x[i + 1]);
		t[i + 1] = _mm256_unpackhi_epi32(x[i], x[i + 1]);
	}
#pragma GCC unroll 2
	for (int i = 0; i < 8; i += 4) {
		u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
		u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
		u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
		u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		to[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
		to[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
	}
}

static void transpose_tile(const struct super *rows, struct tile *tile)
{
	__m256i x[ROWS];
	for (int j = 0; j < GROUPS; j++) {
		for (int r = 0; r < ROWS; r++)
			x[r] = rows[r].q[j];
		transpose8(x, &tile->q[8 * j]);
	}
	for (int part = 0; part < 2; part++) {
		for (int r = 0; r < ROWS; r++)
			x[r] = _mm256_castps_si256(rows[r].d[part]);
		transpose8(x, &tile->d[8 * part]);
		for (int r = 0; r < ROWS; r++)
			x[r] = _mm256_castps_si256(rows[r].m[part]);
		transpose8(x, &tile->m[8 * part]);
	}
}

/* Superblocks first..first + count - 1 of rows r.. (the last row again where there are no eight). */
INLINE void fill_tile(unpack_fn *unpack, struct layout l, const struct matrix *m, int64_t r, int64_t last,
		      int64_t first, int64_t count, struct tile *tile)
{
	int step = l.small ? GROUPS * l.bytes : l.bytes;
	struct super rows[ROWS];
	memset(rows, 0, sizeof(rows));
	for (int64_t i = first; i < first + count; i++) {
		for (int64_t j = 0; j < ROWS; j++) {
			const uint8_t *b = m->w + (size_t)(r + j < last ? r + j : last - 1) * m->row_bytes + i * step;
			if (l.small && (i + 1) * SUPER > m->n)
				unpack_tail(unpack, b, m->n % SUPER, l.bytes, &rows[j]);
			else
				unpack(b, &rows[j]);
		}
		transpose_tile(rows, &tile[i - first]);
	}
}

/* Half a group: four quads of every row. Weights up to 31 leave room for four sums in 16 bits, up to 63 for two. */
INLINE __m256i half_dots(const __m256i *w, const int8_t *q, int largest)
{
	__m256i x[4], p[4];
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		x[i] = _mm256_set1_epi32((int)load32((const uint8_t *)q + 4 * i));
	if (largest == WIDE)
		return _mm256_add_epi32(_mm256_add_epi32(dot4(w[0], x[0], largest), dot4(w[1], x[1], largest)),
					_mm256_add_epi32(dot4(w[2], x[2], largest), dot4(w[3], x[3], largest)));
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		p[i] = _mm256_maddubs_epi16(w[i], x[i]);
	__m256i a = _mm256_add_epi16(p[0], p[1]), b = _mm256_add_epi16(p[2], p[3]);
	if (largest <= 31)
		return pair_sums(_mm256_add_epi16(a, b));
	return _mm256_add_epi32(pair_sums(a), pair_sums(b));
}

INLINE __m256 add_unit(__m256 acc, __m256i dots, __m256 d, __m256 m, float scale, float sum)
{
	acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), _mm256_mul_ps(d, _mm256_set1_ps(scale)), acc);
	return _mm256_fmadd_ps(m, _mm256_set1_ps(sum), acc);
}

/* One superblock of eight rows times `columns` columns. acc[unit][column]. */
INLINE void tile_columns(struct layout l, const struct tile *tile, const uint8_t *act, size_t stride, int columns,
			 __m256 (*acc)[COLUMNS])
{
	for (int j = 0; j < GROUPS; j++) {
		const __m256i *w = &tile->q[8 * j];
		const uint8_t *column = act;
		for (int c = 0; c < columns; c++, column += stride) {
			const struct act_block *a = (const void *)column;
			const int8_t *q = a->q + j * GROUP;
			__m256i x = half_dots(w, q, l.largest), y = half_dots(w + 4, q + HALF, l.largest);
			if (l.halves) {
				int u = 2 * j, v = u + 1;
				acc[u][c] = add_unit(acc[u][c], x, tile->d[u], tile->m[u], a->scale[j], a->half_sum[u]);
				acc[v][c] = add_unit(acc[v][c], y, tile->d[v], tile->m[v], a->scale[j], a->half_sum[v]);
			} else {
				acc[j][c] = add_unit(acc[j][c], _mm256_add_epi32(x, y), tile->d[j], tile->m[j],
						     a->scale[j], a->sum[j]);
			}
		}
	}
}

INLINE void finish_columns(bool halves, __m256 (*acc)[COLUMNS], int columns, int64_t rows, float *y, size_t stride)
{
	for (int c = 0; c < columns; c++) {
		__m256 x[8];
		float sums[ROWS];
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			x[i] = halves ? _mm256_add_ps(acc[i][c], acc[i + 8][c]) : acc[i][c];
		__m256 even = _mm256_add_ps(_mm256_add_ps(x[0], x[4]), _mm256_add_ps(x[2], x[6]));
		__m256 odd = _mm256_add_ps(_mm256_add_ps(x[1], x[5]), _mm256_add_ps(x[3], x[7]));
		_mm256_storeu_ps(sums, _mm256_add_ps(even, odd));
		memcpy(y + (size_t)c * stride, sums, (size_t)(rows < ROWS ? rows : ROWS) * sizeof(*sums));
	}
}

INLINE void many_columns(unpack_fn *unpack, struct layout l, int k, const struct matrix *m, int64_t first, int64_t last)
{
	struct tile tile[TILE_BLOCKS];
	__m256 acc[HALVES][COLUMNS];
	int64_t blocks = superblocks(m->n);
	for (int64_t r = first; r < last; r += ROWS) {
		if (blocks <= TILE_BLOCKS)
			fill_tile(unpack, l, m, r, last, 0, blocks, tile);
		for (int c = 0; c < k; c += COLUMNS) {
			int columns = k - c < COLUMNS ? k - c : COLUMNS;
			const uint8_t *act = m->act + (size_t)c * m->act_stride;
			memset(acc, 0, sizeof(acc) / (l.halves ? 1 : 2));
			for (int64_t i = 0; i < blocks; i++, act += sizeof(struct act_block)) {
				int64_t left = blocks - i;
				if (blocks > TILE_BLOCKS && i % TILE_BLOCKS == 0)
					fill_tile(unpack, l, m, r, last, i, left < TILE_BLOCKS ? left : TILE_BLOCKS,
						  tile);
				tile_columns(l, &tile[i % TILE_BLOCKS], act, m->act_stride, columns, acc);
			}
			finish_columns(l.halves, acc, columns, last - r, m->y + (size_t)c * m->y_stride + r,
				       m->y_stride);
		}
	}
}

/* --- Dispatch by type ---------------------------------------------------------------------------------- */

typedef void product_fn(const struct matrix *m, int64_t first, int64_t last, int k);

#define PRODUCT(name, ...)                                                                                            \
	static __attribute__((noinline)) void few_##name(const struct matrix *m, int64_t first, int64_t last, int k)  \
	{                                                                                                             \
		const struct layout l = {__VA_ARGS__};                                                                \
		switch (k) {                                                                                          \
		case 1: few_columns(unpack_##name, l, 1, m, first, last); break;                                      \
		case 2: few_columns(unpack_##name, l, 2, m, first, last); break;                                      \
		case 3: few_columns(unpack_##name, l, 3, m, first, last); break;                                      \
		default: few_columns(unpack_##name, l, FEW, m, first, last);                                          \
		}                                                                                                     \
	}                                                                                                             \
	static __attribute__((noinline)) void many_##name(const struct matrix *m, int64_t first, int64_t last, int k) \
	{                                                                                                             \
		const struct layout l = {__VA_ARGS__};                                                                \
		many_columns(unpack_##name, l, k, m, first, last);                                                    \
	}

PRODUCT(q4_0, 18, 15, .small = true)
PRODUCT(q4_1, 20, 15, .small = true)
PRODUCT(q5_0, 22, 31, .small = true)
PRODUCT(q5_1, 24, 31, .small = true)
PRODUCT(q8_0, 34, WIDE, .small = true)
PRODUCT(iq4_nl, 18, WIDE, .small = true)
PRODUCT(q2_k, 84, 3, .halves = true)
PRODUCT(q3_k, 110, 7, .halves = true)
PRODUCT(q4_k, 144, 15, .halves = false)
PRODUCT(q5_k, 176, 31, .halves = false)
PRODUCT(q6_k, 210, 63, .halves = true)
PRODUCT(iq4_xs, 136, WIDE, .halves = false)

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

INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n, int k,
			float *y, size_t y_stride)
{
	__m256 acc[2][4];
	for (int c = 0; c < k; c++)
		acc[c][0] = acc[c][1] = acc[c][2] = acc[c][3] = _mm256_setzero_ps();
	for (int64_t i = 0; i < n; i += LANES)
#pragma GCC unroll 4
		for (int part = 0; part < 4; part++) {
			int64_t at = i + 8 * part, left = n - at;
			if (left <= 0)
				break;
			__m256 w = load_floats(type, row, at, left);
#pragma GCC unroll 2
			for (int c = 0; c < k; c++)
				acc[c][part] = _mm256_fmadd_ps(w, load_up_to(x + (size_t)c * x_stride + at, left),
							       acc[c][part]);
		}
	for (int c = 0; c < k; c++)
		y[(size_t)c * y_stride] =
			sum8(_mm256_add_ps(_mm256_add_ps(acc[c][0], acc[c][2]), _mm256_add_ps(acc[c][1], acc[c][3])));
}

/* Not OpenBLAS: see avx512.c. */
INLINE void float_rows(enum tensor_type type, const struct matrix *m, const float *x, size_t x_stride, int64_t first,
		       int64_t last, int k)
{
	int c = 0;
	for (; c + 2 <= k; c += 2)
		for (int64_t r = first; r < last; r++)
			dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n, 2,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
	for (int64_t r = first; r < last && c < k; r++)
		dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n, 1,
			    m->y + (size_t)c * m->y_stride + r, m->y_stride);
}

static void avx2_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
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

float avx2_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, &y, 0);
	return y;
}

/* --- Small operations ---------------------------------------------------------------------------------------- */

static void avx2_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out)
{
	__m256 scale = _mm256_set1_ps(1 / sqrtf(avx2_dot_f32(x, x, n) / (float)n + eps));
	for (int64_t i = 0; i < n; i += 8) {
		__m256 y = _mm256_mul_ps(load_up_to(x + i, n - i), scale);
		store_up_to(out + i, n - i, _mm256_mul_ps(y, load_up_to(weight + i, n - i)));
	}
}

INLINE __m256 over_one_plus_exp(__m256 x, __m256 exponent)
{
	return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1), exp8(exponent)));
}

INLINE __m256 negative(__m256 x)
{
	return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
}

static void avx2_silu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 8) {
		__m256 x = load_up_to(gate + i, n - i);
		__m256 y = _mm256_mul_ps(over_one_plus_exp(x, negative(x)), load_up_to(up + i, n - i));
		store_up_to(out + i, n - i, y);
	}
}

static void avx2_gelu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 8) {
		__m256 x = load_up_to(gate + i, n - i);
		__m256 cube = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_set1_ps(GELU_CUBE), x), x, _mm256_set1_ps(1));
		__m256 twice = _mm256_mul_ps(_mm256_set1_ps(GELU_SCALE), _mm256_mul_ps(x, cube));
		__m256 y = _mm256_mul_ps(over_one_plus_exp(x, negative(twice)), load_up_to(up + i, n - i));
		store_up_to(out + i, n - i, y);
	}
}

INLINE int sum_bytes(__m128i q)
{
	__m128i x = _mm_madd_epi16(_mm_maddubs_epi16(_mm_set1_epi8(1), q), _mm_set1_epi16(1));
	x = _mm_add_epi32(x, _mm_unpackhi_epi64(x, x));
	return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 1)));
}

/* The scale that leaves the smallest squares of errors; largest / 127 where all bytes are zero. */
INLINE float best_scale(const __m256 *x, __m256i q, float largest)
{
	__m256i magnitudes = _mm256_abs_epi8(q), squares = pair_sums(_mm256_maddubs_epi16(magnitudes, magnitudes));
	__m128i four = _mm_add_epi32(_mm256_castsi256_si128(squares), _mm256_extracti128_si256(squares, 1));
	__m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
	int sum = _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
	__m128i low = _mm256_castsi256_si128(q), high = _mm256_extracti128_si256(q, 1);
	__m256 a = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low)), x[0]);
	__m256 b = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(low, 8))), x[1]);
	a = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high)), x[2], a);
	b = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(high, 8))), x[3], b);
	return sum ? sum8(_mm256_add_ps(a, b)) / (float)sum : largest / 127;
}

static void avx2_quantize(const float *x, int64_t n, void *out)
{
	struct act_block *block = out;
	if (n % SUPER)
		memset(&block[n / SUPER], 0, sizeof(*block));
	for (int64_t i = 0; i < n; i += GROUP) {
		struct act_block *b = &block[i / SUPER];
		int j = (int)(i % SUPER / GROUP);
		const __m256 group[4] = {_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i + 8),
					 _mm256_loadu_ps(x + i + 16), _mm256_loadu_ps(x + i + 24)};
		float largest = largest_of(group);
		__m256i q = quantize_group(group, largest);
		float scale = best_scale(group, q, largest);
		_mm256_store_si256((void *)(b->q + j * GROUP), q);
		int first = sum_bytes(_mm256_castsi256_si128(q)), second = sum_bytes(_mm256_extracti128_si256(q, 1));
		b->scale[j] = scale;
		b->sum[j] = scale * (float)(first + second);
		b->half_sum[2 * j] = scale * (float)first;
		b->half_sum[2 * j + 1] = scale * (float)second;
	}
}

const struct kernels kernels_avx2 = {
	.name = "avx2",
	.quantize = avx2_quantize,
	.matmul = avx2_matmul,
	.to_float = reference_to_float,
	.rms_norm = avx2_rms_norm,
	.dot_f32 = avx2_dot_f32,
	.silu_mul = avx2_silu_mul,
	.gelu_mul = avx2_gelu_mul,
	.attention = avx2_attention,
	.kv_store = avx2_kv_store,
};
#endif
