/* float_rows.h: float matrices times few columns, for sets without masks. Included by the file of a set after what
 * float_tile.h wants and FEW, load_floats() and load_up_to() (zeros after what is left), and
 *     fetch_floats(p)      bytes that the next steps will read, where fetching them ahead helps. */
#include "float_tile.h"

INLINE void convert(enum tensor_type type, const uint8_t *row, int64_t i, int64_t count, float *out)
{
	int64_t j = 0;
	for (; j + WIDTH <= count; j += WIDTH)
		vec_store(out + j, load_floats(type, row, i + j, WIDTH));
	for (; j % LANES || j < count; j += WIDTH)
		vec_store(out + j, load_floats(type, row, i + j, count - j));
}

/* Lanes of one row times some columns, from element i on; `left` elements, or LANES where whole. */
INLINE void add_lanes(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t i,
		      int64_t left, bool whole, int columns, vec (*acc)[PARTS])
{
#pragma GCC unroll 8
	for (int part = 0; part < PARTS; part++) {
		int64_t at = WIDTH * part;
		if (!whole && at >= left)
			break;
		vec w = load_floats(type, row, i + at, whole ? WIDTH : left - at);
#pragma GCC unroll 2
		for (int c = 0; c < columns; c++) {
			const float *column = x + (size_t)c * x_stride + i + at;
			vec b = whole ? vec_load(column) : load_up_to(column, left - at);
			acc[c][part] = vec_fma(w, b, acc[c][part]);
		}
	}
}

/* One row times one or two columns, whose sums fit in registers. */
INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n,
			int columns, bool ahead, float *y, size_t y_stride)
{
	const int size = type == TYPE_F32 ? 4 : 2;
	vec acc[2][PARTS];
	int64_t i = 0;
#pragma GCC unroll 2
	for (int c = 0; c < columns; c++)
#pragma GCC unroll 8
		for (int part = 0; part < PARTS; part++)
			acc[c][part] = vec_zero();
	for (; i + LANES <= n; i += LANES) {
		if (ahead)
			fetch_floats(row + i * size, LANES * size);
		add_lanes(type, row, x, x_stride, i, LANES, true, columns, acc);
	}
	if (i < n)
		add_lanes(type, row, x, x_stride, i, n - i, false, columns, acc);
#pragma GCC unroll 2
	for (int c = 0; c < columns; c++)
		y[(size_t)c * y_stride] = vec_sum(acc[c]);
}

/* A row is read once: for later columns it lies in the cache. Fetching ahead helps where one column's arithmetic takes
 * longer than reading, and harms (Zen 4) where it does not. */
INLINE void few_floats(enum tensor_type type, const struct floats *m, int64_t first, int64_t last, int k)
{
	for (int64_t r = first; r < last; r++) {
		const uint8_t *row = m->w + (size_t)r * m->row_bytes;
		int c = 0;
		for (; c + 2 <= k; c += 2)
			dot_columns(type, row, m->x + (size_t)c * m->x_stride, m->x_stride, m->n, 2, k > 2,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
		if (c < k)
			dot_columns(type, row, m->x + (size_t)c * m->x_stride, m->x_stride, m->n, 1, k > 2,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
	}
}
