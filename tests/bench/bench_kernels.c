/* Speed of the kernels on one thread, by processor time, beside what the machine does at best:
 *
 *   bench_kernels [SET [TYPE|attention]]
 *
 * A line a type and number of columns, then one a cache type, shape of heads (query heads of a KV head x their size)
 * and number of tokens, 16,384 tokens deep. GB/s are weights or cache read, Gop/s twice the multiplications; their
 * shares are of the machine's limits, measured first. Matrices are larger than caches. */
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "limits.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 2048, COLUMNS = 256, MATRIX = 96 << 20, PREFILL_ROWS = 512, DEPTH = 16384, TOKENS = 16 };

static void print_limit(const char *set, const char *what, const char *gb, const char *gop, double limit)
{
	char speed[16];
	snprintf(speed, sizeof(speed), "%.1f", limit);
	printf("%-12s %-24s %3s %8s %6s %8s %6s\n", set, what, "-", gb ? gb : speed, "-", gop ? gop : speed, "-");
}

static void print_limits(const char *set, const struct limits *l)
{
	printf("%-12s %-24s %3s %8s %6s %8s %6s\n", "set", "work", "k", "GB/s", "share", "Gop/s", "share");
	print_limit(set, "limit-read", NULL, "-", l->read);
	print_limit(set, "limit-8-bit-products", "-", NULL, l->bytes);
	print_limit(set, "limit-16-bit-products", "-", NULL, l->words);
	print_limit(set, "limit-float-products", "-", NULL, l->floats);
}

/* "-" where there is no limit to hold it against. */
static void share(double speed, double limit, char text[8])
{
	if (limit > 0)
		snprintf(text, 8, "%.0f%%", 100 * speed / limit);
	else
		memcpy(text, "-", 2);
}

static void print_speed(const char *set, const char *work, int columns, double gb, double read, double gop, double peak)
{
	char of_read[8], of_peak[8];
	share(gb, read, of_read);
	share(gop, peak, of_peak);
	printf("%-12s %-24s %3d %8.2f %6s %8.1f %6s\n", set, work, columns, gb, of_read, gop, of_peak);
	fflush(stdout);
}

static void measure(const struct kernels *k, const struct limits *l, enum tensor_type type, const uint8_t *w,
		    const uint8_t *act, const float *x, float *y, int columns)
{
	const struct type_info *info = type_info(type);
	size_t row_bytes = (size_t)(N / info->block * info->bytes);
	int64_t rows = columns > 8 ? PREFILL_ROWS : (int64_t)(MATRIX / row_bytes);
	double best = 1e9;
	for (int i = 0; i < 3; i++) {
		double start = now();
		k->matmul(type, w, row_bytes, N, 0, rows, act, kernels_activation_bytes(N), x, N, columns, y,
			  (size_t)rows);
		double took = now() - start;
		best = took < best ? took : best;
	}
	print_speed(k->name, info->name, columns, (double)rows * (double)row_bytes / best * 1e-9, l->read,
		    2.0 * N * (double)rows * columns / best * 1e-9, info->block == 1 ? l->floats : l->bytes);
}

static void fill(const struct kernels *k, uint8_t *w, float *x, uint8_t *act)
{
	for (size_t i = 0; i < MATRIX; i++)
		w[i] = ((uint8_t)(i * 2654435761u >> 24) & 0x1b) |
		       0x20; /* no scale of these is infinite or subnormal */
	for (int c = 0; c < COLUMNS; c++) {
		for (int i = 0; i < N; i++)
			x[(size_t)c * N + (size_t)i] = (float)((i * 7919 + c) % 201 - 100) / 100;
		k->quantize(x + (size_t)c * N, N, act + (size_t)c * kernels_activation_bytes(N));
	}
}

/* The states of one KV head after another, so that what is read lies in no cache. */
static void measure_attention(const struct kernels *k, const struct limits *l, int kv_type, struct attention a,
			      int heads, const uint8_t *cache)
{
	char work[32];
	int rows = a.tokens * a.group;
	size_t head =
		(size_t)DEPTH * (kernels_kv_row_bytes(kv_type, a.head_k) + kernels_kv_row_bytes(kv_type, a.head_v));
	size_t scratch_bytes = (kernels_attention_scratch(a.head_k, a.head_v, rows) + 63) / 64 * 64;
	void *scratch = aligned_alloc(64, scratch_bytes);
	float *states = xcalloc((size_t)rows * kernels_attention_state(a.head_v), sizeof(*states));
	double best = 1e9, operations = 2.0 * DEPTH * rows * (a.head_k + a.head_v) * heads;
	for (int i = 0; i < 3; i++) {
		double start = now();
		for (int h = 0; h < heads; h++) {
			a.keys = cache + (size_t)h * head;
			a.values = (const uint8_t *)a.keys + (size_t)DEPTH * kernels_kv_row_bytes(kv_type, a.head_k);
			for (int64_t chunk = 0; chunk < DEPTH / ATTENTION_CHUNK; chunk++)
				k->attention(kv_type, &a, chunk, scratch, states);
		}
		double took = now() - start;
		best = took < best ? took : best;
	}
	bool q8 = kv_type == ENGINE_KV_Q8_0;
	snprintf(work, sizeof(work), "attention-%s-%dx%d", q8 ? "q8_0" : "f16", a.group, a.head_k);
	print_speed(k->name, work, a.tokens, (double)heads * (double)head / best * 1e-9, l->read,
		    operations / best * 1e-9, q8 ? l->words : l->floats);
	free(scratch);
	free(states);
}

static void measure_attentions(const struct kernels *k, const struct limits *l, uint8_t *cache, const float *x)
{
	static const int shapes[][2] = {{7, 64}, {6, 128}, {4, 128}, {1, 64}},
			 types[] = {ENGINE_KV_Q8_0, ENGINE_KV_F16};
	for (int type = 0; type < 2; type++)
		for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
			for (int tokens = 1; tokens <= TOKENS; tokens += TOKENS - 1) {
				int group = shapes[s][0], head = shapes[s][1],
				    row = (int)kernels_kv_row_bytes(types[type], head);
				for (int i = 0; i < MATRIX / row; i++)
					k->kv_store(types[type], x + i % COLUMNS * N, head,
						    cache + (size_t)i * (size_t)row);
				struct attention a = {.q = x + N,
						      .q_stride = N,
						      .tokens = tokens,
						      .group = group,
						      .head_k = head,
						      .head_v = head,
						      .position = DEPTH,
						      .scale = 0.1f};
				measure_attention(k, l, types[type], a, tokens > 1 ? 1 : MATRIX / DEPTH / row / 2,
						  cache);
			}
}

int main(int argc, char **argv)
{
	static const int columns[] = {1, 2, 3, 4, 8, COLUMNS};
	const struct kernels *k = kernels_choose(argc > 1 ? argv[1] : NULL);
	struct limits limits = {0};
	uint8_t *w = aligned_alloc(64, MATRIX), *act = aligned_alloc(64, kernels_activation_bytes(N) * COLUMNS);
	float *x = xcalloc((size_t)N * COLUMNS, sizeof(*x)), *y = xmalloc((size_t)MATRIX);
	if (!k || !w || !act) {
		fprintf(stderr, "bench_kernels: this set does not run here\n");
		return 1;
	}
	fill(k, w, x, act);
	limits_measure(&limits, k->name, w, MATRIX);
	print_limits(k->name, &limits);
	for (uint32_t type = 0; type < TYPE_COUNT; type++)
		for (size_t i = 0; type_info(type) && i < sizeof(columns) / sizeof(*columns); i++)
			if (argc < 3 || strcmp(argv[2], type_info(type)->name) == 0)
				measure(k, &limits, (enum tensor_type)type, w, act, x, y, columns[i]);
	if (argc < 3 || strcmp(argv[2], "attention") == 0)
		measure_attentions(k, &limits, w, x);
	free(w);
	free(act);
	free(x);
	free(y);
	return 0;
}
