/* two_passes.h: columns that are too many for one unpacking and too few to be worth a tile meet the rows in two passes of
 * few columns, the second while the rows are still in the second-level cache. Included where struct matrix, product_fn
 * and FEW are known. */
#ifndef TWO_PASSES_H
#define TWO_PASSES_H

enum { PASS_BYTES = 64 << 10 };

static void two_passes(product_fn *few, const struct matrix *m, int64_t first, int64_t last, int k)
{
	int64_t rows = (PASS_BYTES / (int64_t)m->row_bytes + 8) / 8 * 8;
	struct matrix second = *m;
	int half = (k + 1) / 2;
	second.act += (size_t)half * m->act_stride;
	second.y += (size_t)half * m->y_stride;
	for (int64_t r = first; r < last; r += rows) {
		int64_t end = last - r < rows ? last : r + rows;
		few(m, r, end, half);
		few(&second, r, end, k - half);
	}
}

#endif
