/* product_table.h: quantised products by type. Included by a set's file after FEW (columns that one unpacking serves),
 * struct matrix, and for every quantised type few_TYPE() for up to FEW columns and many_TYPE() for any more. */
#ifndef PRODUCT_TABLE_H
#define PRODUCT_TABLE_H

enum { PASS_BYTES = 64 << 10 };

typedef void product_fn(const struct matrix *m, int64_t first, int64_t last, int k);

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

/* Columns that are too many for one unpacking and too few to be worth a tile meet the rows in two passes of few
 * columns, the second while the rows are still in the second-level cache. */
static void two_passes(product_fn *multiply, const struct matrix *m, int64_t first, int64_t last, int k)
{
	int64_t rows = (PASS_BYTES / (int64_t)m->row_bytes + 8) / 8 * 8;
	struct matrix second = *m;
	int half = (k + 1) / 2;
	second.act += (size_t)half * m->act_stride;
	second.y += (size_t)half * m->y_stride;
	for (int64_t r = first; r < last; r += rows) {
		int64_t end = last - r < rows ? last : r + rows;
		multiply(m, r, end, half);
		multiply(&second, r, end, k - half);
	}
}

/* Rows first..last - 1 times k columns. */
static void product(enum tensor_type type, const struct matrix *m, int64_t first, int64_t last, int k)
{
	if (k <= FEW)
		few[type](m, first, last, k);
	else if (k <= 2 * FEW)
		two_passes(few[type], m, first, last, k);
	else
		many[type](m, first, last, k);
}

#endif
