/* float_tile.h: float matrices times many columns, compiled for every width of registers.
 *
 * The 32 lanes of a product never meet before its end, so that a register's lanes of several rows and
 * columns are summed over a stretch of the rows, then the next register's lanes. Rows are converted to
 * floats once for ACROSS columns. Not OpenBLAS: it sums in another order for every shape, and a token's
 * bits would depend on the tokens beside it.
 *
 * The file that includes this gives vec, WIDTH (its floats), ROWS_AT_ONCE (whose sums fit in registers, four columns
 * each), FEW (columns that need no tile), vec_load(), vec_fma() and vec_sum(), and afterwards
 *     convert()         elements i..i + count - 1 of a row as floats, and zeros to a whole number of LANES
 *     few_floats()      rows first..last - 1 times up to FEW columns. */
enum {
	PARTS = LANES / WIDTH,
	TILE_ROWS = 6,
	AT_ONCE = 4, /* columns */
	STRETCH = 512,
	ACROSS = 32, /* columns */
};

struct floats {
	const uint8_t *w;
	size_t row_bytes, x_stride, y_stride;
	int64_t n;
	const float *x;
	float *y;
};

struct tile {
	_Alignas(64) float w[TILE_ROWS][STRETCH];
	_Alignas(64) float x[AT_ONCE]
			    [STRETCH]; /* the end of columns that are no whole number of lanes, completed with zeros */
	vec sums[ACROSS][TILE_ROWS][PARTS];
};

INLINE void convert(enum tensor_type type, const uint8_t *row, int64_t i, int64_t count, float *out);
INLINE void few_floats(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k);

INLINE void add_part(const struct tile *t, int first_row, const float *const *x, int64_t count, int columns, int part,
		     vec (*sums)[TILE_ROWS][PARTS])
{
	vec acc[AT_ONCE][ROWS_AT_ONCE], w[ROWS_AT_ONCE];
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++)
#pragma GCC unroll 8
		for (int r = 0; r < ROWS_AT_ONCE; r++)
			acc[c][r] = sums[c][first_row + r][part];
	for (int64_t i = WIDTH * part; i < count; i += LANES) {
#pragma GCC unroll 8
		for (int r = 0; r < ROWS_AT_ONCE; r++)
			w[r] = vec_load(&t->w[first_row + r][i]);
#pragma GCC unroll 4
		for (int c = 0; c < columns; c++) {
			vec b = vec_load(x[c] + i);
#pragma GCC unroll 8
			for (int r = 0; r < ROWS_AT_ONCE; r++)
				acc[c][r] = vec_fma(w[r], b, acc[c][r]);
		}
	}
#pragma GCC unroll 4
	for (int c = 0; c < columns; c++)
#pragma GCC unroll 8
		for (int r = 0; r < ROWS_AT_ONCE; r++)
			sums[c][first_row + r][part] = acc[c][r];
}

INLINE void add_columns(const struct tile *t, const float *const *x, int64_t count, int columns,
			vec (*sums)[TILE_ROWS][PARTS])
{
	for (int r = 0; r < TILE_ROWS; r += ROWS_AT_ONCE)
#pragma GCC unroll 4
		for (int part = 0; part < PARTS; part++)
			add_part(t, r, x, count, columns, part, sums);
}

/* Elements i..i + count - 1 of up to four columns; count is made a multiple of LANES with zeros. */
static void add_stretch(struct tile *t, const struct floats *m, const float *x, int64_t count, int columns,
			vec (*sums)[TILE_ROWS][PARTS])
{
	const float *column[AT_ONCE];
	int64_t padded = (count + LANES - 1) / LANES * LANES;
	for (int c = 0; c < columns; c++) {
		column[c] = x + (size_t)c * m->x_stride;
		if (padded > count) {
			memcpy(t->x[c], column[c], (size_t)count * sizeof(float));
			memset(t->x[c] + count, 0, (size_t)(padded - count) * sizeof(float));
			column[c] = t->x[c];
		}
	}
	if (columns == AT_ONCE)
		add_columns(t, column, padded, AT_ONCE, sums);
	else if (columns >= 2)
		add_columns(t, column, padded, 2, sums);
	if (columns == 1 || columns == 3)
		add_columns(t, column + columns - 1, padded, 1, sums + columns - 1);
}

INLINE void tile_rows(enum tensor_type type, struct tile *t, const struct floats *m, int64_t r, int64_t last, int first,
		      int columns)
{
	memset(t->sums, 0, (size_t)columns * sizeof(*t->sums));
	for (int64_t i = 0; i < m->n; i += STRETCH) {
		int64_t count = m->n - i < STRETCH ? m->n - i : STRETCH;
		for (int j = 0; j < TILE_ROWS; j++)
			convert(type, m->w + (size_t)(r + j < last ? r + j : last - 1) * m->row_bytes, i, count,
				t->w[j]);
		for (int c = 0; c < columns; c += AT_ONCE)
			add_stretch(t, m, m->x + (size_t)(first + c) * m->x_stride + i, count,
				    columns - c < AT_ONCE ? columns - c : AT_ONCE, t->sums + c);
	}
	for (int c = 0; c < columns; c++)
		for (int j = 0; j < TILE_ROWS && r + j < last; j++)
			m->y[(size_t)(first + c) * m->y_stride + (size_t)(r + j)] = vec_sum(t->sums[c][j]);
}

/* Columns outside: a block of them stays in the second-level cache while the weights pass. */
INLINE void tile_floats(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k)
{
	struct tile t;
	for (int c = 0; c < k; c += ACROSS)
		for (int64_t r = first; r < last; r += TILE_ROWS)
			tile_rows(type, &t, m, r, last, c, k - c < ACROSS ? k - c : ACROSS);
}

INLINE void multiply_floats(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k)
{
	if (k <= FEW)
		few_floats(type, m, first, last, k);
	else
		tile_floats(type, m, first, last, k);
}

/* matmul() of kernels.h for F32, F16 and BF16: each compiled by itself. */
#define FLOAT_MATMUL(name)                                                                                           \
	void name(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first, int64_t last, \
		  const float *x, size_t x_stride, int k, float *y, size_t y_stride)                                 \
	{                                                                                                            \
		const struct floats m = {w, row_bytes, x_stride, y_stride, n, x, y};                                 \
		if (type == TYPE_F32)                                                                                \
			multiply_floats(TYPE_F32, &m, first, last, k);                                               \
		else if (type == TYPE_F16)                                                                           \
			multiply_floats(TYPE_F16, &m, first, last, k);                                               \
		else                                                                                                 \
			multiply_floats(TYPE_BF16, &m, first, last, k);                                              \
	}
