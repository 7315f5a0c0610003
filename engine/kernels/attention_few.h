/* attention_few.h: attention of one token's query heads. Keys and values meet them in registers as they come from the
 * cache, which is read once: no tile is prepared. Included once by each x86 set after attention_wide.h; it defines besides
 *
 *   FEW_SUMS                  rows whose sums of values the register file holds, two registers each
 *   add_dots_of()             add_dots() with 32 bits of memory as every x
 *   f_from(), f_as()          integers as floats; their bits as floats
 *   f_halves()                WIDTH halves as floats
 *   load_halves()             WIDTH elements of a row of halves as floats; zeros from its end on */
#ifndef ATTENTION_FEW_H
#define ATTENTION_FEW_H

enum { AHEAD = 128 }; /* positions that rows are fetched before they are read */

struct few {
	const struct tile *t;
	struct span span;
	size_t key_bytes, value_bytes;       /* a row's */
	const uint8_t *keys, *values;        /* the chunk's rows */
	uint8_t *key_end, *value_end;        /* the last KEYS rows, zeros after those that may be read */
	int32_t *queries;                    /* [group][row] of HALF cells; f16: [element / 8][row][8] */
	uint16_t *key_halves, *value_halves; /* q8_0: scales, [group][position] */
};

/* --- Rows ------------------------------------------------------------------------------------------------- */

/* KEYS rows, the first of which is i. */
INLINE const uint8_t *rows_at(const struct few *f, const uint8_t *rows, const uint8_t *end, size_t bytes, int i)
{
	return i + KEYS <= f->span.last ? rows + (size_t)i * bytes : end;
}

INLINE const uint8_t *keys_at(const struct few *f, int i)
{
	return rows_at(f, f->keys, f->key_end, f->key_bytes, i);
}

INLINE const uint8_t *values_at(const struct few *f, int i)
{
	return rows_at(f, f->values, f->value_end, f->value_bytes, i);
}

static void copy_end(const uint8_t *rows, size_t bytes, struct span span, uint8_t *end)
{
	int first = span.last / KEYS * KEYS;
	memset(end, 0, KEYS * bytes);
	memcpy(end, rows + (size_t)first * bytes, (size_t)(span.last - first) * bytes);
}

/* The rows of keys and values that are read AHEAD positions from here, `at` bytes further. Into the second-level cache:
 * the first one's queue of misses is too short for the memory's delay. Called among the products, a line at a time,
 * for the same reason. */
INLINE void fetch(const struct few *f, int i, int at)
{
	_mm_prefetch((const char *)f->keys + (size_t)(i + AHEAD) * f->key_bytes + at, _MM_HINT_T1);
	_mm_prefetch((const char *)f->values + (size_t)(i + AHEAD) * f->value_bytes + at, _MM_HINT_T1);
}

INLINE void gather_scales(const uint8_t *rows, size_t bytes, int groups, uint16_t *halves)
{
	for (int g = 0; g < groups; g++, halves += ATTENTION_CHUNK, rows += KV_Q8_BYTES) {
		const uint8_t *at = rows;
#pragma GCC unroll 32
		for (int j = 0; j < KEYS; j++, at += bytes)
			memcpy(halves + j, at, sizeof(*halves));
	}
}

/* --- Scores ------------------------------------------------------------------------------------------------ */

/* The keys of WIDTH positions side by side, sums of nothing. */
INLINE void begin_scores(int rows, const struct few *f, const uint8_t *keys, const uint8_t **row, floats *sum)
{
	for (int j = 0; j < WIDTH; j++)
		row[j] = keys + (size_t)j * f->key_bytes;
#pragma GCC unroll 8
	for (int r = 0; r < rows; r++)
		sum[r] = f_set(0);
}

INLINE void score_few_q8(int rows, const struct few *f, const uint8_t *keys, int i)
{
	const uint8_t *row[WIDTH];
	floats sum[KEPT_ROWS];
	begin_scores(rows, f, keys, row, sum);
	const int32_t *cells = f->queries;
	for (int g = 0; g < f->t->wide_k / GROUP; g++, cells += rows * HALF) {
		ints x[8], dot[KEPT_ROWS];
		load_cells_q8(row, g, x);
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++)
			dot[r] = i_set(0);
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++) {
			ints even = even_bytes(x[j]), odd = odd_bytes(x[j]);
			if (64 * j < WIDTH * KV_Q8_BYTES)
				fetch(f, i, g * WIDTH * KV_Q8_BYTES + 64 * j);
#pragma GCC unroll 8
			for (int r = 0; r < rows; r++)
				dot[r] = add_dots_of(dot[r], cells + r * HALF + 2 * j, even);
#pragma GCC unroll 8
			for (int r = 0; r < rows; r++)
				dot[r] = add_dots_of(dot[r], cells + r * HALF + 2 * j + 1, odd);
		}
		if (8 * 64 < WIDTH * KV_Q8_BYTES)
			fetch(f, i, g * WIDTH * KV_Q8_BYTES + 8 * 64);
		floats scale = f_halves(f->key_halves + g * ATTENTION_CHUNK + i);
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++)
			sum[r] = f_fma(f_from(dot[r]), scale, sum[r]);
	}
#pragma GCC unroll 8
	for (int r = 0; r < rows; r++)
		f_store(f->t->scores + r * ATTENTION_CHUNK + i, f_mul(sum[r], f_set(f->t->query_scale[r])));
}

/* Keys of whole eights of elements. */
INLINE void score_few_halves(int rows, const struct few *f, const uint8_t *keys, int i)
{
	const uint8_t *row[WIDTH];
	const float *cells = (const float *)f->queries;
	floats sum[KEPT_ROWS];
	begin_scores(rows, f, keys, row, sum);
	for (int e = 0; e < f->t->a->head_k; e += 8, cells += rows * 8) {
		ints x[8];
		load_cells_floats(ENGINE_KV_F16, row, e, e + 8, x);
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++) {
			if (64 * j < 8 * WIDTH * 2)
				fetch(f, i, e * WIDTH * 2 + 64 * j);
#pragma GCC unroll 8
			for (int r = 0; r < rows; r++)
				sum[r] = f_fma(f_set(cells[r * 8 + j]), f_as(x[j]), sum[r]);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < rows; r++)
		f_store(f->t->scores + r * ATTENTION_CHUNK + i, f_mul(sum[r], f_set(f->t->query_scale[r])));
}

INLINE void score_few(int rows, bool q8, const struct few *f)
{
	const struct tile *t = f->t;
	int groups_k = t->wide_k / GROUP, groups_v = t->wide_v / GROUP, first = f->span.first / KEYS * KEYS;
	/* Scales are gathered a step ahead of the products: neither then waits. */
	if (q8)
		gather_scales(keys_at(f, first), f->key_bytes, groups_k, f->key_halves + first);
	for (int i = first; i < f->span.last; i += KEYS) {
		if (q8 && i + KEYS < f->span.last)
			gather_scales(keys_at(f, i + KEYS), f->key_bytes, groups_k, f->key_halves + i + KEYS);
		if (q8)
			gather_scales(values_at(f, i), f->value_bytes, groups_v, f->value_halves + i);
		const uint8_t *keys = keys_at(f, i);
		for (int part = 0; part < KEYS; part += WIDTH, keys += WIDTH * f->key_bytes)
			if (q8)
				score_few_q8(rows, f, keys, i + part);
			else
				score_few_halves(rows, f, keys, i + part);
	}
}

/* --- Values ------------------------------------------------------------------------------------------------ */

/* The weights' cells lie as pack() leaves them: first_of_pair(). */
INLINE void sum_few_q8(int rows, const struct few *f, int first_row, float *sums, size_t stride)
{
	for (int e = 0; e < f->t->wide_v; e += KEYS, sums += KEYS) {
		int at = e / GROUP * KV_Q8_BYTES + 2 + e % GROUP;
		size_t bytes = f->value_bytes;
		ints sum[FEW_SUMS][2];
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++)
			sum[r][0] = sum[r][1] = i_set(0);
		for (int i = f->span.first / KEYS * KEYS; i < f->span.last; i += KEYS) {
			const int16_t *weights =
				f->t->weights + (e / GROUP * KEPT_ROWS + first_row) * ATTENTION_CHUNK + i;
			const uint8_t *values = values_at(f, i) + at;
			for (int four = 0; four < WIDTH; four += 4, weights += 8, values += 4 * bytes)
#pragma GCC unroll 4
				for (int pair = 0; pair < 4; pair++) {
					const uint8_t *row = values + (size_t)first_of_pair(pair) * bytes;
					ints x = widen(row), y = widen(row + bytes);
					ints low = low_pairs(x, y), high = high_pairs(x, y);
#pragma GCC unroll 8
					for (int r = 0; r < rows; r++) {
						ints p = i_set(*(const int32_t *)(const void *)(weights + 2 * pair +
												r * ATTENTION_CHUNK));
						sum[r][0] = add_dots(sum[r][0], p, low);
						sum[r][1] = add_dots(sum[r][1], p, high);
					}
				}
		}
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++)
			store_sums(sum[r][0], sum[r][1], f->t->value_unit[e / GROUP], sums + (size_t)r * stride);
	}
}

INLINE void sum_few_halves(int rows, const struct few *f, int first_row, float *sums, size_t stride)
{
	int n = f->t->a->head_v;
	for (int e = 0; e < f->t->wide_v; e += KEYS, sums += KEYS) {
		const uint8_t *row = f->values + (size_t)f->span.first * f->value_bytes;
		const float *weights = f->t->scores + first_row * ATTENTION_CHUNK;
		floats sum[FEW_SUMS][2];
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++)
			sum[r][0] = sum[r][1] = f_set(0);
		for (int i = f->span.first; i < f->span.last; i++, row += f->value_bytes) {
			floats low = load_halves(row, e, n), high = load_halves(row, e + WIDTH, n);
#pragma GCC unroll 8
			for (int r = 0; r < rows; r++) {
				floats p = f_set(weights[r * ATTENTION_CHUNK + i]);
				sum[r][0] = f_fma(p, low, sum[r][0]);
				sum[r][1] = f_fma(p, high, sum[r][1]);
			}
		}
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++) {
			f_storeu(sums + (size_t)r * stride, sum[r][0]);
			f_storeu(sums + (size_t)r * stride + WIDTH, sum[r][1]);
		}
	}
}

/* --- One token ---------------------------------------------------------------------------------------------- */

static inline size_t whole_lines(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

/* What the tile has for keys and values is free: the rows' ends and the scales lie there. */
static void few_init(struct few *f, const struct tile *t, struct span span)
{
	const struct attention *a = t->a;
	size_t first = (size_t)(t->chunk * ATTENTION_CHUNK);
	*f = (struct few){.t = t, .span = span};
	f->key_bytes = kernels_kv_row_bytes(t->kv_type, a->head_k);
	f->value_bytes = kernels_kv_row_bytes(t->kv_type, a->head_v);
	f->keys = (const uint8_t *)a->keys + first * f->key_bytes;
	f->values = (const uint8_t *)a->values + first * f->value_bytes;
	f->key_end = t->keys;
	f->key_halves = (void *)(f->key_end + whole_lines(KEYS * f->key_bytes));
	f->queries = (void *)(f->key_halves + t->wide_k / GROUP * ATTENTION_CHUNK);
	f->value_end = t->values;
	f->value_halves = (void *)(f->value_end + whole_lines(KEYS * f->value_bytes));
	copy_end(f->keys, f->key_bytes, span, f->key_end);
	copy_end(f->values, f->value_bytes, span, f->value_end);
}

static void build_queries(const struct few *f)
{
	const struct tile *t = f->t;
	bool q8 = t->kv_type == ENGINE_KV_Q8_0;
	int rows = t->a->group, piece = q8 ? HALF : 8, pieces = q8 ? t->wide_k / GROUP : t->a->head_k / 8;
	for (int r = 0; r < rows; r++) {
		build_query(t, r);
		for (int i = 0; i < pieces; i++)
			memcpy(f->queries + (i * rows + r) * piece, query_cells(t, r) + i * piece,
			       (size_t)piece * sizeof(*f->queries));
	}
}

static void set_few_weights(const struct few *f)
{
	const struct tile *t = f->t;
	for (int g = 0; g < t->wide_v / GROUP; g++)
		for (int i = f->span.first / KEYS * KEYS; i < f->span.last; i += WIDTH)
			f_store(t->value_scale + g * ATTENTION_CHUNK + i,
				f_halves(f->value_halves + g * ATTENTION_CHUNK + i));
	set_weights(t, f->span);
}

INLINE void sum_few(int rows, bool q8, const struct few *f, int first_row, float *states, size_t stride)
{
	float *sums = states + (size_t)first_row * stride + ATTENTION_SUMS;
	if (q8)
		sum_few_q8(rows, f, first_row, sums, stride);
	else
		sum_few_halves(rows, f, first_row, sums, stride);
}

INLINE void attend_few_rows(int rows, bool q8, const struct few *f, float *states)
{
	size_t stride = kernels_attention_state(f->t->a->head_v);
	score_few(rows, q8, f);
	if (q8)
		set_few_weights(f);
	for (int r = 0; r < rows; r++)
		weigh(f->t, r, f->span, states + (size_t)r * stride);
	if (rows <= FEW_SUMS) {
		sum_few(rows, q8, f, 0, states, stride);
	} else {
		sum_few(rows / 2, q8, f, 0, states, stride);
		sum_few(rows - rows / 2, q8, f, rows / 2, states, stride);
	}
}

INLINE void attend_few_type(bool q8, const struct few *f, float *states)
{
	switch (f->t->a->group) {
	case 1: attend_few_rows(1, q8, f, states); break;
	case 2: attend_few_rows(2, q8, f, states); break;
	case 3: attend_few_rows(3, q8, f, states); break;
	case 4: attend_few_rows(4, q8, f, states); break;
	case 5: attend_few_rows(5, q8, f, states); break;
	case 6: attend_few_rows(6, q8, f, states); break;
	case 7: attend_few_rows(7, q8, f, states); break;
	default: attend_few_rows(KEPT_ROWS, q8, f, states);
	}
}

static bool few_can(int kv_type, const struct attention *a)
{
	return a->tokens == 1 && a->group <= KEPT_ROWS &&
	       (kv_type == ENGINE_KV_Q8_0 || (kv_type == ENGINE_KV_F16 && a->head_k % 8 == 0));
}

static void attend_few(int kv_type, const struct attention *a, int64_t chunk, void *scratch, float *states)
{
	struct tile t;
	struct few f;
	struct span span = attention_span(a, 0, chunk);
	if (span.first >= span.last) {
		memset(states, 0, (size_t)a->group * kernels_attention_state(a->head_v) * sizeof(*states));
		return;
	}
	tile_init(&t, kv_type, a, chunk, scratch);
	few_init(&f, &t, span);
	build_queries(&f);
	if (kv_type == ENGINE_KV_Q8_0)
		attend_few_type(true, &f, states);
	else
		attend_few_type(false, &f, states);
}

#endif
