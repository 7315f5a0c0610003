/* product256.h: quantised products in 256-bit registers, compiled once for every way to multiply bytes.
 *
 * The file that includes this names a function PRODUCT256, perhaps defines AHEAD and, where the CPU has
 * byte dot products, DOT4(sums, unsigned, signed). Without them bytes are multiplied in pairs (maddubs), whose sums
 * fit 16 bits for weights up to 127: larger ones are multiplied by their magnitude (few columns) or in
 * two nibbles (many).
 *
 * Few columns stream whole rows as they lie in the file. Many pass over a tile of sixteen rows, unpacked
 * so that a lane is a row: no sums across lanes. */
#include "unpack256.h"

#ifndef AHEAD
#define AHEAD 4096 /* bytes that few columns fetch ahead */
#endif

enum {
	FEW = 4,   /* columns that one unpacking serves without a tile */
	ROWS = 16, /* of a tile */
	PARTS = 2, /* registers of eight of them */
	MOST_BYTES = 34 * GROUPS,
};

#ifdef DOT4
enum { VNNI = 1 };
#else
enum { VNNI = 0 };
#define DOT4(sums, u, s) ((void)(u), (void)(s), (sums))
#endif

struct matrix {
	const uint8_t *w, *act;
	size_t row_bytes, act_stride, y_stride;
	int64_t n;
	float *y;
};

/* How a type lies: its blocks' bytes, the largest unsigned weight, what it counts from (2 to this power, 0 for
 * nothing), whether its blocks are small (32 weights), whether halves have scales of their own, and minimums. */
struct layout {
	int bytes, largest, offset;
	bool small, halves, mins;
};

/* With DOT4, tiles hold products of weights and the scales of halves where these fit a byte. */
INLINE bool multiplied(struct layout l)
{
	return VNNI && l.halves && l.largest <= 7;
}

INLINE __m256i pair_sums(__m256i x)
{
	return _mm256_madd_epi16(x, _mm256_set1_epi16(1));
}

INLINE __m256i load_q(const int8_t *q)
{
	return _mm256_load_si256((const void *)q);
}

/* --- Few columns: one row at a time ---------------------------------------------------------------- */

/* Products of both halves of two groups, in lanes of 32 bits; of 16 where DOT4 is missing and weights are small. */
INLINE __m256i group_products(const __m256i *w, const int8_t *q, int largest)
{
	__m256i x = load_q(q), y = load_q(q + 64);
	if (VNNI)
		return DOT4(DOT4(_mm256_setzero_si256(), w[0], x), w[1], y);
	if (largest != WIDE)
		return _mm256_add_epi16(_mm256_maddubs_epi16(w[0], x), _mm256_maddubs_epi16(w[1], y));
	x = _mm256_maddubs_epi16(_mm256_abs_epi8(w[0]), _mm256_sign_epi8(x, w[0]));
	y = _mm256_maddubs_epi16(_mm256_abs_epi8(w[1]), _mm256_sign_epi8(y, w[1]));
	return _mm256_add_epi32(pair_sums(x), pair_sums(y));
}

/* The same with the integer scales of halves: a[0] of the first (with DOT4: of both), a[1] of the second. */
INLINE __m256i half_products(const __m256i *w, const int8_t *q, const __m256i *a)
{
	__m256i x = load_q(q), y = load_q(q + 64), zero = _mm256_setzero_si256();
	if (VNNI)
		return _mm256_madd_epi16(_mm256_packs_epi32(DOT4(zero, w[0], x), DOT4(zero, w[1], y)), a[0]);
	return _mm256_add_epi32(_mm256_madd_epi16(_mm256_maddubs_epi16(w[0], x), a[0]),
				_mm256_madd_epi16(_mm256_maddubs_epi16(w[1], y), a[1]));
}

INLINE void set_half_scales(const struct scales *s, int k, __m256i a[2][2][2])
{
#pragma GCC unroll 2
	for (int p = 0; p < 2; p++)
#pragma GCC unroll 2
		for (int e = 0; e < 2; e++) {
			const int first = 0x0100 + 0x0202 * (4 * k + 2 * e), second = first + 0x0202;
			const __m256i one = _mm256_set1_epi16((short)first), two = _mm256_set1_epi16((short)second);
			if (VNNI) {
				a[p][e][0] = _mm256_shuffle_epi8(s->a[p], _mm256_unpacklo_epi64(one, two));
				continue;
			}
			a[p][e][0] = _mm256_shuffle_epi8(s->a[p], one);
			a[p][e][1] = _mm256_shuffle_epi8(s->a[p], two);
		}
}

/* Neighbours are added until a lane is a group. */
INLINE __m256i by_32(__m256i a, __m256i b)
{
	return _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
}

INLINE __m256i by_64(__m256i a, __m256i b)
{
	return _mm256_add_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

INLINE __m256i lane_sums(__m256i p[2][2], bool halves, int largest)
{
	if (VNNI || halves || largest == WIDE)
		return by_64(by_32(p[0][0], p[0][1]), by_32(p[1][0], p[1][1]));
	__m256i a = _mm256_add_epi16(_mm256_unpacklo_epi32(p[0][0], p[0][1]), _mm256_unpackhi_epi32(p[0][0], p[0][1]));
	__m256i b = _mm256_add_epi16(_mm256_unpacklo_epi32(p[1][0], p[1][1]), _mm256_unpackhi_epi32(p[1][0], p[1][1]));
	if (largest > 15)
		return by_64(pair_sums(a), pair_sums(b));
	return pair_sums(_mm256_add_epi16(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b)));
}

/* Sums of halves in the order of struct scales. */
INLINE __m256i half_sums(const struct act_block *a, int p)
{
	return _mm256_permute4x64_epi64(_mm256_load_si256((const void *)a->half_sum[p]), 0xd8);
}

/* Minus the sum of the activations of groups, times what weights count from: 128 where halves are multiplied. */
INLINE __m256i minus_offset(struct layout l, __m256i minus)
{
	return _mm256_srai_epi32(minus, l.halves ? 0 : MINUS_BITS - l.offset);
}

/* Adds the groups of lanes 8k..8k + 7. */
INLINE __m256 add_groups(const __m256i w[2][4], struct layout l, const struct scales *s, __m256i a[2][2][2], int k,
			 const struct act_block *act, __m256 acc)
{
	__m256i p[2][2];
	__m256 scale = _mm256_load_ps(act->scale + 8 * k);
#pragma GCC unroll 2
	for (int i = 0; i < 2; i++)
#pragma GCC unroll 2
		for (int e = 0; e < 2; e++) {
			const int8_t *q = act->q[i] + 128 * e + 32 * k;
			p[i][e] = l.halves ? half_products(&w[i][2 * e], q, a[i][e])
					   : group_products(&w[i][2 * e], q, l.largest);
		}
	__m256i sums = lane_sums(p, l.halves, l.largest);
	if (!l.halves) {
		if (l.offset && (VNNI || l.largest != WIDE)) /* else weights are signed */
			sums = _mm256_add_epi32(sums,
						minus_offset(l, _mm256_load_si256((const void *)(act->minus + 8 * k))));
		acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(s->d[k], scale), acc);
		return l.mins ? _mm256_fmadd_ps(s->m[k], _mm256_load_ps(act->sum + 8 * k), acc) : acc;
	}
	__m256i x = half_sums(act, 0), y = half_sums(act, 1);
	if (l.offset) {
		__m256i over = by_lanes(_mm256_madd_epi16(s->a[0], x), _mm256_madd_epi16(s->a[1], y), k);
		sums = _mm256_sub_epi32(sums, _mm256_slli_epi32(over, l.offset));
	}
	acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(s->d[k], scale), acc);
	if (!l.mins)
		return acc;
	sums = by_lanes(_mm256_madd_epi16(s->min[0], x), _mm256_madd_epi16(s->min[1], y), k);
	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(s->m[k], scale), acc);
}

INLINE void add_pair(weights_fn *weights, scales_fn *scales, struct layout l, int columns, const uint8_t *b0,
		     const uint8_t *b1, const uint8_t *act, size_t stride, __m256 acc[FEW][2])
{
	struct scales s;
	scales(b0, b1, &s);
#pragma GCC unroll 2
	for (int k = 0; k < 2; k++) {
		__m256i w[2][4], a[2][2][2];
		weights(b0, k, !VNNI, w[0]);
		weights(b1, k, !VNNI, w[1]);
		if (l.halves)
			set_half_scales(&s, k, a);
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++)
			acc[c][k] = add_groups(w, l, &s, a, k, (const void *)(act + (size_t)c * stride), acc[c][k]);
	}
}

/* AHEAD: some CPUs read half as fast again with it, others (Zen 4) a quarter slower: those have 0. */
INLINE void fetch_ahead(const uint8_t *p, int bytes)
{
	for (int i = 0; i < (AHEAD ? bytes : 0); i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
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
		__m256 acc[FEW][2];
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++)
			acc[c][0] = acc[c][1] = _mm256_setzero_ps();
		int64_t left = m->n;
		for (; left >= PAIR; left -= PAIR, b += 2 * step, act += sizeof(struct act_block)) {
			fetch_ahead(b, 2 * step);
			add_pair(weights, scales, l, columns, b, b + step, act, m->act_stride, acc);
		}
		if (left) {
			uint8_t tail[2 * MOST_BYTES];
			copy_tail(l, b, left, tail);
			add_pair(weights, scales, l, columns, tail, tail + step, act, m->act_stride, acc);
		}
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++)
			m->y[(size_t)c * m->y_stride + (size_t)r] = sum8(_mm256_add_ps(acc[c][0], acc[c][1]));
	}
}

/* --- Many columns: tiles of sixteen rows ------------------------------------------------------------ */

/* 512 weights of sixteen rows. q[lane][i]: byte quad i of the lane's group. Where halves have scales, d and m are
 * those of lanes 0..7, and a and min hold pairs of 16-bit integers. */
struct tile {
	__m256i q[SUMS][8][2];
	__m256 d[SUMS][2], m[SUMS][2];
	__m256i a[SUMS][2], min[SUMS][2];
};

/* Dword i of eight rows becomes register i. */
INLINE void transpose8(const __m256i *x, __m256i *out)
{
	__m256i t[8], u[8];
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
		out[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
		out[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
	}
}

/* A row's part of a tile before rows are transposed. w[p][k]: as weights_TYPE() gives them. */
struct row {
	__m256i w[2][2][4];
	struct scales s;
};

static void transpose_weights(const struct row *rows, int part, struct tile *tile)
{
	for (int i = 0; i < 16; i++) {
		int p = i / 8, k = i / 4 % 2, e = i / 2 % 2, half = i % 2, lane = 8 * k + 2 * p + e;
		__m256i x[8], out[8];
#pragma GCC unroll 8
		for (int r = 0; r < 8; r++)
			x[r] = rows[r].w[p][k][2 * e + half];
		transpose8(x, out);
#pragma GCC unroll 4
		for (int quad = 0; quad < 4; quad++) {
			tile->q[lane][4 * half + quad][part] = out[quad];
			tile->q[lane + 4][4 * half + quad][part] = out[quad + 4];
		}
	}
}

/* Lanes 8k..8k + 7 of eight rows' floats. */
INLINE void transpose_floats(const __m256 *first, int part, __m256 (*to)[2])
{
	__m256i x[8], out[8];
#pragma GCC unroll 8
	for (int r = 0; r < 8; r++)
		x[r] = _mm256_castps_si256(
			*(const __m256 *)(const void *)((const char *)first + (size_t)r * sizeof(struct row)));
	transpose8(x, out);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		to[i][part] = _mm256_castsi256_ps(out[i]);
}

/* Pairs of integers of superblock p: groups 0, 1, 4, 5, 2, 3, 6, 7. */
INLINE void transpose_pairs(const __m256i *first, int p, int part, __m256i (*to)[2])
{
	__m256i x[8], out[8];
#pragma GCC unroll 8
	for (int r = 0; r < 8; r++)
		x[r] = *(const __m256i *)(const void *)((const char *)first + (size_t)r * sizeof(struct row));
	transpose8(x, out);
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		to[act_lane(p, i % 2 + 4 * (i / 2 % 2) + 2 * (i / 4))][part] = out[i];
}

INLINE void transpose_scales(struct layout l, const struct row *rows, int part, struct tile *tile)
{
	for (int k = 0; k < (l.halves ? 1 : 2); k++) {
		transpose_floats(&rows->s.d[k], part, &tile->d[8 * k]);
		if (l.mins)
			transpose_floats(&rows->s.m[k], part, &tile->m[8 * k]);
	}
	for (int p = 0; p < 2 && l.halves; p++) {
		if (!multiplied(l))
			transpose_pairs(&rows->s.a[p], p, part, tile->a);
		if (l.mins)
			transpose_pairs(&rows->s.min[p], p, part, tile->min);
	}
}

INLINE void unpack_row(weights_fn *weights, scales_fn *scales, const uint8_t *b0, const uint8_t *b1, struct row *row)
{
	scales(b0, b1, &row->s);
#pragma GCC unroll 2
	for (int k = 0; k < 2; k++) {
		weights(b0, k, false, row->w[0][k]);
		weights(b1, k, false, row->w[1][k]);
	}
}

/* Weights q times the scales a of halves: a q, or 128 - a (q - o), which fits where 128 + a (q - o) does not, with -d.
 * Two bytes are multiplied as one word, for they have one scale. */
INLINE void multiply_halves(struct layout l, struct row *row)
{
	const __m256i from = _mm256_set1_epi8((char)(1 << l.offset)), high = _mm256_set1_epi8(-128);
#pragma GCC unroll 16
	for (int i = 0; i < 16; i++) { /* half i % 2 of the even or odd groups i / 2 % 2 */
		const short at = (short)(0x0100 + 0x0202 * (i % 8));
		__m256i a = _mm256_shuffle_epi8(row->s.a[i / 8], _mm256_set1_epi16(at));
		__m256i *q = &row->w[i / 8][i / 4 % 2][i % 4];
		if (l.offset)
			*q = _mm256_add_epi16(high, _mm256_mullo_epi16(_mm256_sub_epi16(from, *q), a));
		else
			*q = _mm256_mullo_epi16(*q, a);
	}
	if (l.offset)
		row->s.d[0] = _mm256_xor_ps(row->s.d[0], _mm256_set1_ps(-0.0f));
}

/* Pairs first..first + count - 1 of rows r.. (the last row again where there are no sixteen). */
INLINE void fill_tile(weights_fn *weights, scales_fn *scales, struct layout l, const struct matrix *m, int64_t r,
		      int64_t last, int64_t first, int64_t count, struct tile *tile)
{
	int step = l.small ? GROUPS * l.bytes : l.bytes;
	struct row rows[8];
	for (int64_t i = first; i < first + count; i++, tile++)
		for (int part = 0; part < 2; part++) {
			for (int64_t j = 0; j < 8; j++) {
				int64_t at = r + 8 * part + j < last ? r + 8 * part + j : last - 1;
				const uint8_t *b = m->w + (size_t)at * m->row_bytes + i * 2 * step;
				uint8_t tail[2 * MOST_BYTES];
				if ((i + 1) * PAIR > m->n) {
					copy_tail(l, b, m->n % PAIR, tail);
					b = tail;
				}
				unpack_row(weights, scales, b, b + step, &rows[j]);
				if (multiplied(l))
					multiply_halves(l, &rows[j]);
			}
			transpose_weights(rows, part, tile);
			transpose_scales(l, rows, part, tile);
		}
}

/* gcc would add in trees, for which sixteen registers are too few. */
#define IN_ORDER(x) __asm__("" : "+x"(x))

INLINE __m256i four_bytes(const int8_t *q)
{
	return _mm256_set1_epi32((int)load32((const uint8_t *)q));
}

/* Quad i of a group lies at q + quad_at(i). */
INLINE int quad_at(int i)
{
	return 64 * (i / 4) + 4 * (i % 4);
}

/* Adds quads of a group of sixteen rows for some columns; with DOT4. */
INLINE void dots_vnni(const __m256i (*w)[2], const int8_t *const *q, int columns, int first, int count,
		      __m256i (*sums)[2])
{
#pragma GCC unroll 8
	for (int i = first; i < first + count; i++)
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++) {
			__m256i x = four_bytes(q[c] + quad_at(i));
#pragma GCC unroll 2
			for (int part = 0; part < 2; part++)
				sums[c][part] = DOT4(sums[c][part], w[i][part], x);
		}
}

/* Without: quads first..first + count - 1 in 16 bits, as they are, their low nibbles (nibble 0) or their high ones (1). */
INLINE void dots_16(const __m256i (*w)[2], const int8_t *const *q, int columns, int first, int count, int nibble,
		    __m256i (*sums)[2])
{
#pragma GCC unroll 8
	for (int i = first; i < first + count; i++) {
		__m256i part[2];
#pragma GCC unroll 2
		for (int j = 0; j < 2; j++)
			part[j] = nibble < 0 ? w[i][j] : nibble ? high_nibbles(w[i][j]) : masked(w[i][j], 15);
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++) {
			__m256i x = four_bytes(q[c] + quad_at(i));
#pragma GCC unroll 2
			for (int j = 0; j < 2; j++) {
				__m256i p = _mm256_maddubs_epi16(part[j], x);
				sums[c][j] = i == first ? p : _mm256_add_epi16(sums[c][j], p);
				IN_ORDER(sums[c][j]);
			}
		}
	}
}

INLINE void add_scaled(int columns, __m256i (*part)[2], __m256i a, __m256i b, bool first, __m256i (*sums)[2])
{
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++) {
		__m256i x = _mm256_madd_epi16(part[c][0], a), y = _mm256_madd_epi16(part[c][1], b);
		sums[c][0] = first ? x : _mm256_add_epi32(sums[c][0], x);
		sums[c][1] = first ? y : _mm256_add_epi32(sums[c][1], y);
	}
}

/* The sums of a group of sixteen rows; with DOT4 they begin at what `sums` holds. */
INLINE void group_dots(const __m256i (*w)[2], int largest, const int8_t *const *q, int columns, __m256i (*sums)[2])
{
	const __m256i one = _mm256_set1_epi16(1), sixteen = _mm256_set1_epi16(16);
	__m256i part[FEW][2];
	if (VNNI) {
		dots_vnni(w, q, columns, 0, 8, sums);
		return;
	}
	if (largest == WIDE) {
		dots_16(w, q, columns, 0, 8, 0, part);
		add_scaled(columns, part, one, one, true, sums);
		dots_16(w, q, columns, 0, 8, 1, part);
		add_scaled(columns, part, sixteen, sixteen, false, sums);
		return;
	}
	int most = largest <= 15 ? 8 : 4;
#pragma GCC unroll 2
	for (int i = 0; i < 8; i += most) {
		dots_16(w, q, columns, i, most, -1, part);
		add_scaled(columns, part, one, one, i == 0, sums);
	}
}

/* The scale of a half from pairs, as a 32-bit integer. */
INLINE __m256i one_of(__m256i pairs, int half)
{
	return _mm256_srai_epi32(half ? pairs : _mm256_slli_epi32(pairs, 16), 16);
}

/* The same twice in 16 bits. */
INLINE __m256i two_of(__m256i pairs, int half)
{
	return half ? _mm256_blend_epi16(pairs, _mm256_srli_epi32(pairs, 16), 0x55)
		    : _mm256_blend_epi16(pairs, _mm256_slli_epi32(pairs, 16), 0xaa);
}

/* The same of both halves times their scales. */
INLINE void half_dots(const __m256i (*w)[2], int largest, const __m256i *a, const int8_t *const *q, int columns,
		      __m256i (*sums)[2])
{
	__m256i part[FEW][2];
#pragma GCC unroll 2
	for (int half = 0; half < 2; half++) {
		if (VNNI) {
#pragma GCC unroll 4
			for (int c = 0; c < columns; c++)
				part[c][0] = part[c][1] = _mm256_setzero_si256();
			dots_vnni(w, q, columns, 4 * half, 4, part);
#pragma GCC unroll 4
			for (int c = 0; c < columns; c++)
#pragma GCC unroll 2
				for (int j = 0; j < 2; j++) {
					__m256i x = _mm256_mullo_epi32(part[c][j], one_of(a[j], half));
					sums[c][j] = half ? _mm256_add_epi32(sums[c][j], x) : x;
				}
			continue;
		}
		int most = largest <= 31 ? 4 : 2;
#pragma GCC unroll 2
		for (int i = 0; i < 4; i += most) {
			dots_16(w, q, columns, 4 * half + i, most, -1, part);
			add_scaled(columns, part, two_of(a[0], half), two_of(a[1], half), half + i == 0, sums);
		}
	}
}

/* One group of sixteen rows times some columns: lane `lane` of acc[column]. */
INLINE void tile_lane(struct layout l, const struct tile *tile, int lane, const uint8_t *act, size_t stride,
		      int columns, __m256 (*acc)[SUMS][2])
{
	const bool halves = l.halves && !multiplied(l), counts = l.offset && !halves;
	int p = lane / 2 % 2, e = lane % 2, k = lane / 4, at = lane & (l.halves ? 7 : 15);
	const struct act_block *a[FEW];
	const int8_t *q[FEW];
	__m256i sums[FEW][2];
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++) {
		a[c] = (const void *)(act + (size_t)c * stride);
		q[c] = a[c]->q[p] + 128 * e + 16 * k;
		sums[c][0] =
			counts && VNNI ? minus_offset(l, _mm256_set1_epi32(a[c]->minus[lane])) : _mm256_setzero_si256();
		sums[c][1] = sums[c][0];
		__asm__("" : "+r"(q[c])); /* a register for each, not one for every distance */
	}
	if (halves)
		half_dots(tile->q[lane], l.largest, tile->a[lane], q, columns, sums);
	else
		group_dots(tile->q[lane], l.largest, q, columns, sums);
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++) {
		__m256 scale = _mm256_set1_ps(a[c]->scale[lane]), sum = _mm256_set1_ps(a[c]->sum[lane]);
		__m256i pair = _mm256_set1_epi32((int)load32((const uint8_t *)&a[c]->half_sum[p][2 * (2 * k + e)]));
#pragma GCC unroll 2
		for (int j = 0; j < 2; j++) {
			__m256i x = sums[c][j];
			if (counts && !VNNI)
				x = _mm256_add_epi32(x, minus_offset(l, _mm256_set1_epi32(a[c]->minus[lane])));
			if (l.offset && halves) {
				__m256i over = _mm256_madd_epi16(tile->a[lane][j], pair);
				x = _mm256_sub_epi32(x, _mm256_slli_epi32(over, l.offset));
			}
			__m256 y = acc[c][lane][j];
			y = _mm256_fmadd_ps(_mm256_cvtepi32_ps(x), _mm256_mul_ps(tile->d[at][j], scale), y);
			if (l.mins && l.halves) {
				x = _mm256_madd_epi16(tile->min[lane][j], pair);
				y = _mm256_fmadd_ps(_mm256_cvtepi32_ps(x), _mm256_mul_ps(tile->m[at][j], scale), y);
			} else if (l.mins) {
				y = _mm256_fmadd_ps(tile->m[at][j], sum, y);
			}
			acc[c][lane][j] = y;
		}
	}
}

INLINE void tile_some(struct layout l, const struct tile *tile, const uint8_t *act, size_t stride, int columns,
		      __m256 (*acc)[SUMS][2])
{
	for (int lane = 0; lane < SUMS; lane++)
		tile_lane(l, tile, lane, act, stride, columns, acc);
}

typedef __m256 vec;

INLINE vec vec_add(vec a, vec b)
{
	return _mm256_add_ps(a, b);
}

INLINE void vec_store(float *to, vec x)
{
	_mm256_storeu_ps(to, x);
}

#include "product_tiles.h"

/* --- By type ------------------------------------------------------------------------------------------- */

#define PRODUCT(name, ...)                                                                                            \
	static __attribute__((noinline)) void few_##name(const struct matrix *m, int64_t first, int64_t last, int k)  \
	{                                                                                                             \
		const struct layout l = {__VA_ARGS__};                                                                \
		switch (k) {                                                                                          \
		case 1: few_columns(weights_##name, scales_##name, l, 1, m, first, last); break;                      \
		case 2: few_columns(weights_##name, scales_##name, l, 2, m, first, last); break;                      \
		case 3: few_columns(weights_##name, scales_##name, l, 3, m, first, last); break;                      \
		default: few_columns(weights_##name, scales_##name, l, FEW, m, first, last);                          \
		}                                                                                                     \
	}                                                                                                             \
	static __attribute__((noinline)) void fill_##name(const struct matrix *m, int64_t r, int64_t last,            \
							  int64_t first, int64_t count, struct tile *tile)            \
	{                                                                                                             \
		const struct layout l = {__VA_ARGS__};                                                                \
		fill_tile(weights_##name, scales_##name, l, m, r, last, first, count, tile);                          \
	}                                                                                                             \
	static __attribute__((noinline)) void tile_##name(const struct tile *tile, const uint8_t *act, size_t stride, \
							  int columns, vec(*acc)[SUMS][PARTS])                        \
	{                                                                                                             \
		const struct layout l = {__VA_ARGS__};                                                                \
		tile_columns(l, tile, act, stride, columns, acc);                                                     \
	}                                                                                                             \
	static void many_##name(const struct matrix *m, int64_t first, int64_t last, int k)                           \
	{                                                                                                             \
		many_columns(fill_##name, tile_##name, m, first, last, k);                                            \
	}

PRODUCT(q4_0, 18, 15, .small = true, .offset = 3)
PRODUCT(q4_1, 20, 15, .small = true, .mins = true)
PRODUCT(q5_0, 22, 31, .small = true, .offset = 4)
PRODUCT(q5_1, 24, 31, .small = true, .mins = true)
PRODUCT(q8_0, 34, WIDE, .small = true, .offset = 7)
PRODUCT(iq4_nl, 18, WIDE, .small = true, .offset = 7)
PRODUCT(iq4_xs, 136, WIDE, .offset = 7)
PRODUCT(q4_k, 144, 15, .mins = true)
PRODUCT(q5_k, 176, 31, .mins = true)
PRODUCT(q2_k, 84, 3, .halves = true, .mins = true)
PRODUCT(q3_k, 110, 7, .halves = true, .offset = 2)
PRODUCT(q6_k, 210, 63, .halves = true, .offset = 5)

#include "product_table.h"

static void PRODUCT256(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
		       int64_t last, const uint8_t *act, size_t act_stride, const float *x, size_t x_stride, int k,
		       float *y, size_t y_stride)
{
	const struct matrix m = {w, act, row_bytes, act_stride, y_stride, n, y};
	if (!few[type])
		avx2_float_matmul(type, w, row_bytes, n, first, last, x, x_stride, k, y, y_stride);
	else
		product(type, &m, first, last, k);
}
