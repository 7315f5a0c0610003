/* attention_wide.h: what the x86 sets do with the tiles of attention_tiles.h, in registers of any width. Included once by
 * each, which defines before:
 *
 *   floats, ints, WIDTH, KEYS     a register of WIDTH floats or integers; two of them are KEYS positions (or elements)
 *   f_load(), f_store(), f_storeu(), f_set(), f_mul(), f_sub(), f_fma(), i_load(), i_set(), i_and(), i_max()
 *   i_bits(), i_of()              floats' bits; floats rounded to integers
 *   f_some()                      up to WIDTH floats; zeros after them
 *   within()                      zeros for positions outside a span
 *   add_dots()                    sums of products of pairs of 16-bit integers
 *   even_bytes(), odd_bytes()     as 16-bit integers
 *   load_eight()                  eight elements of a row of floats
 *   load_cells_q8(), load_cells_floats()   eight cells of WIDTH keys, transposed
 *   widen(), low_pairs(), high_pairs()     KEYS bytes to 16 bits; neighbours of two registers
 *   pack(), store_sums()          to 16 bits as instructions do it; undoes the order of low_pairs() and high_pairs()
 *   largest_of_lanes(), largest_score(), add_weights(), sum_weights(), power_of_two(), quantize_cells(), build_scales()
 *
 * and after, as sets have few registers or many: score_q8(), the scores of KEYS keys. */
#ifndef ATTENTION_WIDE_H
#define ATTENTION_WIDE_H

INLINE void score_q8(int rows, const struct tile *t, int first, int key);

/* --- Tiles ------------------------------------------------------------------------------------------- */

/* Keys i..i + WIDTH - 1. The cells of four bytes become two steps: the even bytes, the odd bytes. */
static void build_keys_q8(const struct tile *t, int i, struct span all, ints *out)
{
	size_t bytes = kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_k);
	const uint8_t *row[WIDTH];
	for (int j = 0; j < WIDTH; j++)
		row[j] = tile_row(t->a->keys, bytes, t, i + j, all);
	for (int g = 0; g < t->wide_k / GROUP; g++) {
		ints x[8];
		load_cells_q8(row, g, x);
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++, out += 4) {
			out[0] = even_bytes(x[j]);
			out[2] = odd_bytes(x[j]);
		}
	}
}

INLINE void build_keys_floats(int kv_type, const struct tile *t, int i, struct span all, ints *out)
{
	int n = t->a->head_k;
	size_t bytes = kernels_kv_row_bytes(kv_type, n);
	const uint8_t *row[WIDTH];
	for (int j = 0; j < WIDTH; j++)
		row[j] = tile_row(t->a->keys, bytes, t, i + j, all);
	for (int e = 0; e < n; e += 8) {
		ints x[8];
		load_cells_floats(kv_type, row, e, n, x);
		for (int j = 0; j < 8; j++, out += 2)
			*out = x[j];
	}
}

static void build_keys(const struct tile *t, struct span all)
{
	bool q8 = t->kv_type == ENGINE_KV_Q8_0;
	size_t steps = (size_t)t->wide_k / (q8 ? 2 : 1);
	if (q8)
		build_scales(t, t->a->keys, kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_k), t->wide_k / GROUP, all,
			     t->key_scale);
	for (int i = all.first / WIDTH * WIDTH; i < all.last; i += WIDTH) {
		ints *out = (ints *)t->keys + (size_t)(i / KEYS) * steps * 2 + i / WIDTH % 2;
		if (q8)
			build_keys_q8(t, i, all, out);
		else if (t->kv_type == ENGINE_KV_F16)
			build_keys_floats(ENGINE_KV_F16, t, i, all, out);
		else
			build_keys_floats(ENGINE_KV_F32, t, i, all, out);
	}
}

/* Which position comes first in pair `pair` of KEYS positions: as packing integers to 16 bits leaves them. */
INLINE int first_of_pair(int pair)
{
	return pair / 4 * 4 + pair % 2 * 2 + pair % 4 / 2 * WIDTH;
}

/* Positions i..i + KEYS - 1 as pairs. Elements come as interleaving leaves them: those that are 0..3 and those that are
 * 4..7 by eights. */
static void build_values_q8(const struct tile *t, int i, struct span all)
{
	size_t bytes = kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_v);
	for (int pair = 0; pair < WIDTH; pair++) {
		const uint8_t *a = tile_row(t->a->values, bytes, t, i + first_of_pair(pair), all) + 2,
			      *b = tile_row(t->a->values, bytes, t, i + first_of_pair(pair) + 1, all) + 2;
		ints *out = (ints *)t->values + i + 2 * pair;
		for (int e = 0; e < t->wide_v; e += KEYS, out += ATTENTION_CHUNK) {
			int at = e / GROUP * KV_Q8_BYTES + e % GROUP;
			ints x = widen(a + at), y = widen(b + at);
			out[0] = low_pairs(x, y);
			out[1] = high_pairs(x, y);
		}
	}
}

INLINE void build_values_floats(int kv_type, const struct tile *t, struct span all)
{
	int n = t->a->head_v;
	size_t bytes = kernels_kv_row_bytes(kv_type, n);
	for (int i = all.first; i < all.last; i++) {
		const uint8_t *row = tile_row(t->a->values, bytes, t, i, all);
		float *out = (float *)t->values + i * KEYS;
		for (int e = 0; e < t->wide_v; e += KEYS, out += ATTENTION_CHUNK * KEYS)
#pragma GCC unroll 4
			for (int j = 0; j < KEYS; j += 8)
				_mm256_store_ps(out + j, load_eight(kv_type, row, e + j, n));
	}
}

static void build_values(const struct tile *t, struct span all)
{
	if (t->kv_type == ENGINE_KV_F16)
		build_values_floats(ENGINE_KV_F16, t, all);
	else if (t->kv_type == ENGINE_KV_F32)
		build_values_floats(ENGINE_KV_F32, t, all);
	else {
		for (int i = all.first / KEYS * KEYS; i < all.last; i += KEYS)
			build_values_q8(t, i, all);
		build_scales(t, t->a->values, kernels_kv_row_bytes(ENGINE_KV_Q8_0, t->a->head_v), t->wide_v / GROUP,
			     all, t->value_scale);
	}
}

INLINE ints magnitude(floats x)
{
	return i_and(i_bits(x), i_set(0x7fffffff));
}

static void build_query(const struct tile *t, int row)
{
	const float *q = attention_query(t->a, row);
	int n = t->a->head_k;
	int16_t *out = (int16_t *)query_cells(t, row);
	if (copy_query(t, row))
		return;
	ints most = i_set(0);
	for (int i = 0; i < n; i += WIDTH)
		most = i_max(most, magnitude(f_some(q + i, n - i)));
	float largest = largest_of_lanes(most);
	bool sound = largest >= ACT_SMALLEST && largest <= FLT_MAX;
	t->query_scale[row] = largest / QUERY_LARGEST * (t->a->scale * ATTENTION_LOG2E);
	for (int i = 0; i < t->wide_k; i += 16)
		_mm256_store_si256((void *)(out + i), sound ? quantize_cells(q + i, n - i, QUERY_LARGEST / largest)
							    : _mm256_setzero_si256());
}

/* --- Products -------------------------------------------------------------------------------------------- */

/* Sums of `steps` steps for `rows` rows of cells, `stride` cells apart. */
INLINE void dots_q8(int rows, const int32_t *cells, size_t stride, const ints *tile, int steps, ints (*sum)[2])
{
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = i_set(0);
	for (int i = 0; i < steps; i++, tile += 2) {
		ints a = i_load(tile), b = i_load(tile + 1);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			ints x = i_set(cells[(size_t)r * stride + (size_t)i]);
			sum[r][0] = add_dots(sum[r][0], x, a);
			sum[r][1] = add_dots(sum[r][1], x, b);
		}
	}
}

INLINE void dots_floats(int rows, const float *cells, size_t stride, const float *tile, int steps, floats (*sum)[2])
{
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++)
		sum[r][0] = sum[r][1] = f_set(0);
	for (int i = 0; i < steps; i++, tile += KEYS) {
		floats a = f_load(tile), b = f_load(tile + WIDTH);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			floats x = f_set(cells[(size_t)r * stride + (size_t)i]);
			sum[r][0] = f_fma(x, a, sum[r][0]);
			sum[r][1] = f_fma(x, b, sum[r][1]);
		}
	}
}

INLINE void score_floats(int rows, const struct tile *t, int first, int key)
{
	floats sum[ROWS][2];
	dots_floats(rows, (const float *)t->queries + (size_t)first * (size_t)t->wide_k, (size_t)t->wide_k,
		    (const float *)t->keys + (size_t)key * (size_t)t->wide_k, t->a->head_k, sum);
#pragma GCC unroll 6
	for (int r = 0; r < rows; r++) {
		floats scale = f_set(t->query_scale[first + r]);
		float *out = t->scores + r * ATTENTION_CHUNK + key;
		f_store(out, f_mul(sum[r][0], scale));
		f_store(out + WIDTH, f_mul(sum[r][1], scale));
	}
}

INLINE void score(int rows, const struct tile *t, int first, struct span span)
{
	for (int key = span.first / KEYS * KEYS; key < span.last; key += KEYS)
		if (t->kv_type == ENGINE_KV_Q8_0)
			score_q8(rows, t, first, key);
		else
			score_floats(rows, t, first, key);
}

/* --- Weights ---------------------------------------------------------------------------------------------- */

static void set_weights(const struct tile *t, struct span span)
{
	int first = span.first / KEYS * KEYS, last = (span.last + KEYS - 1) / KEYS * KEYS;
	for (int g = 0; g < t->wide_v / GROUP; g++) {
		const float *scale = t->value_scale + g * ATTENTION_CHUNK;
		float *out = t->weight_scale + g * ATTENTION_CHUNK;
		ints most = i_set(0);
		for (int i = first; i < last; i += WIDTH)
			most = i_max(most, magnitude(within(span, i, f_load(scale + i))));
		float largest = largest_of_lanes(most);
		bool sound = largest <= FLT_MAX;
		floats inverse = f_set(sound && largest > 0 ? WEIGHT_LARGEST / largest : 0);
		t->value_unit[g] = sound ? largest / WEIGHT_LARGEST : NAN;
		for (int i = first; i < last; i += WIDTH)
			f_store(out + i, within(span, i, f_mul(f_load(scale + i), inverse)));
	}
}

/* Weights of positions i..i + KEYS - 1 as integers, for every group of values. */
INLINE void pack_weights(const struct tile *t, int r, int i, floats a, floats b)
{
	const float *scale = t->weight_scale + i;
	int16_t *out = t->weights + r * ATTENTION_CHUNK + i;
	for (int g = 0; g < t->wide_v / GROUP; g++, scale += ATTENTION_CHUNK, out += KEPT_ROWS * ATTENTION_CHUNK)
		*(ints *)(void *)out = pack(i_of(f_mul(a, f_load(scale))), i_of(f_mul(b, f_load(scale + WIDTH))));
}

static void weigh(const struct tile *t, int r, struct span span, float *state)
{
	float *scores = t->scores + r * ATTENTION_CHUNK, most = largest_score(scores, span);
	floats largest = f_set(most), sums[2] = {f_set(0), f_set(0)};
	for (int i = span.first / KEYS * KEYS; i < span.last; i += KEYS) {
		floats a = within(span, i, power_of_two(f_sub(f_load(scores + i), largest)));
		floats b = within(span, i + WIDTH, power_of_two(f_sub(f_load(scores + i + WIDTH), largest)));
		add_weights(sums, a, b);
		if (t->kv_type == ENGINE_KV_Q8_0) {
			pack_weights(t, r, i, a, b);
		} else {
			f_store(scores + i, a);
			f_store(scores + i + WIDTH, b);
		}
	}
	memset(state, 0, ATTENTION_SUMS * sizeof(*state));
	state[0] = most;
	state[1] = sum_weights(sums);
}

/* --- Values ------------------------------------------------------------------------------------------------ */

INLINE void sum_values_q8(int rows, const struct tile *t, struct span span, float *sums, size_t stride)
{
	int first = span.first / KEYS * KEYS, steps = ((span.last + KEYS - 1) / KEYS * KEYS - first) / 2;
	for (int e = 0; e < t->wide_v; e += KEYS, sums += KEYS) {
		const int16_t *weights = t->weights + e / GROUP * KEPT_ROWS * ATTENTION_CHUNK + first;
		const ints *tile = (const ints *)t->values + (size_t)(e / KEYS) * ATTENTION_CHUNK + first;
		ints sum[ROWS][2];
		dots_q8(rows, (const int32_t *)(const void *)weights, ATTENTION_CHUNK / 2, tile, steps, sum);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++)
			store_sums(sum[r][0], sum[r][1], t->value_unit[e / GROUP], sums + (size_t)r * stride);
	}
}

INLINE void sum_values_floats(int rows, const struct tile *t, struct span span, float *sums, size_t stride)
{
	for (int e = 0; e < t->wide_v; e += KEYS, sums += KEYS) {
		const float *tile = (const float *)t->values + (size_t)e * ATTENTION_CHUNK + span.first * KEYS;
		floats sum[ROWS][2];
		dots_floats(rows, t->scores + span.first, ATTENTION_CHUNK, tile, span.last - span.first, sum);
#pragma GCC unroll 6
		for (int r = 0; r < rows; r++) {
			f_storeu(sums + (size_t)r * stride, sum[r][0]);
			f_storeu(sums + (size_t)r * stride + WIDTH, sum[r][1]);
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

#endif
