/* product_tiles.h: quantised matrices times many columns, for registers that hold the sums of half a tile's rows.
 *
 * Columns pass over a tile of ROWS rows, unpacked so that a lane is a row: no sums across lanes. The file that includes
 * this gives FEW, ROWS, PARTS (registers of sums that they take), vec (one of these), vec_add(), vec_store(), struct layout and struct tile
 * (of 512 weights), and
 *     tile_some(layout, tile, act, stride, columns, acc)      up to FEW columns, a constant, times one tile. */
#ifndef PRODUCT_TILES_H
#define PRODUCT_TILES_H

enum {
	COLUMNS = 8,      /* that a block of a tile serves while it is in the first-level cache */
	ACROSS = 64,      /* columns that part of a long row serves before the next part is unpacked */
	TILE_BLOCKS = 20, /* pairs of superblocks in a tile: it stays in the second-level cache */
};

/* What fills tiles with blocks first..first + count - 1 of rows r.., and what multiplies one by up to COLUMNS columns. */
typedef void fill_fn(const struct matrix *m, int64_t r, int64_t last, int64_t first, int64_t count, struct tile *tile);
typedef void columns_fn(const struct tile *tile, const uint8_t *act, size_t stride, int columns,
			vec (*acc)[SUMS][PARTS]);

INLINE void tile_columns(struct layout l, const struct tile *tile, const uint8_t *act, size_t stride, int columns,
			 vec (*acc)[SUMS][PARTS])
{
	int c = 0;
	for (; c + FEW <= columns; c += FEW)
		tile_some(l, tile, act + (size_t)c * stride, stride, FEW, acc + c);
	if (c + 2 <= columns) {
		tile_some(l, tile, act + (size_t)c * stride, stride, 2, acc + c);
		c += 2;
	}
	if (c < columns)
		tile_some(l, tile, act + (size_t)c * stride, stride, 1, acc + c);
}

static void finish_column(const vec (*acc)[PARTS], int64_t rows, float *y)
{
	float sums[ROWS];
	for (int j = 0; j < PARTS; j++) {
		vec x[8];
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			x[i] = vec_add(acc[i][j], acc[i + 8][j]);
		vec even = vec_add(vec_add(x[0], x[4]), vec_add(x[2], x[6]));
		vec odd = vec_add(vec_add(x[1], x[5]), vec_add(x[3], x[7]));
		vec_store(sums + ROWS / PARTS * j, vec_add(even, odd));
	}
	memcpy(y, sums, (size_t)(rows < ROWS ? rows : ROWS) * sizeof(*sums));
}

/* ROWS rows from r times up to ACROSS columns; `filled`: the tile holds whole rows. */
static void tile_rows(fill_fn *fill, columns_fn *multiply, int columns, const struct matrix *m, int64_t r, int64_t last,
		      bool filled, const uint8_t *act, float *y, struct tile *tile)
{
	vec acc[ACROSS][SUMS][PARTS];
	int64_t blocks = act_blocks(m->n);
	memset(acc, 0, (size_t)columns * sizeof(*acc));
	for (int64_t first = 0; first < blocks; first += TILE_BLOCKS) {
		int64_t count = blocks - first < TILE_BLOCKS ? blocks - first : TILE_BLOCKS;
		if (!filled)
			fill(m, r, last, first, count, tile);
		for (int c = 0; c < columns; c += COLUMNS) {
			const uint8_t *at = act + (size_t)c * m->act_stride + (size_t)first * sizeof(struct act_block);
			for (int64_t i = 0; i < count; i++, at += sizeof(struct act_block))
				multiply(&tile[i], at, m->act_stride, columns - c < COLUMNS ? columns - c : COLUMNS,
					 acc + c);
		}
	}
	for (int c = 0; c < columns; c++)
		finish_column(acc[c], last - r, y + (size_t)c * m->y_stride + r);
}

static void many_columns(fill_fn *fill, columns_fn *multiply, const struct matrix *m, int64_t first, int64_t last,
			 int k)
{
	struct tile tile[TILE_BLOCKS];
	int64_t blocks = act_blocks(m->n);
	bool whole = blocks <= TILE_BLOCKS;
	for (int64_t r = first; r < last; r += ROWS) {
		if (whole)
			fill(m, r, last, 0, blocks, tile);
		for (int c = 0; c < k; c += ACROSS)
			tile_rows(fill, multiply, k - c < ACROSS ? k - c : ACROSS, m, r, last, whole,
				  m->act + (size_t)c * m->act_stride, m->y + (size_t)c * m->y_stride, tile);
	}
}

#endif
