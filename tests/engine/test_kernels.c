/* Every kernel set gives the bits of reference.c, for every type, shape and number of columns;
 * reference.c itself is held against the format's own package and against exact sums. */
#include "engine/engine.h"
#include "engine/kernels/kernels.h"
#include "xmalloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum tensor_type types[] = {TYPE_F32,  TYPE_F16,  TYPE_BF16, TYPE_Q4_0,   TYPE_Q4_1,
					 TYPE_Q5_0, TYPE_Q5_1, TYPE_Q8_0, TYPE_Q2_K,   TYPE_Q3_K,
					 TYPE_Q4_K, TYPE_Q5_K, TYPE_Q6_K, TYPE_IQ4_NL, TYPE_IQ4_XS};
enum { TYPES = sizeof(types) / sizeof(*types), COLUMNS = 33 };

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* About normal. */
static float next_float(uint64_t *state)
{
	float sum = 0;
	for (int i = 0; i < 6; i++)
		sum += (float)(next_random(state) % 65536) / 65536 - 0.5f;
	return sum * 1.4f;
}

static void *aligned(size_t bytes)
{
	void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	assert_non_null(memory);
	return memory;
}

static float *random_floats(size_t n, uint64_t seed)
{
	float *x = aligned(n * sizeof(*x));
	for (size_t i = 0; i < n; i++)
		x[i] = next_float(&seed);
	return x;
}

/* Where a block's f16 scales lie; -1 ends. */
static void scale_offsets(enum tensor_type type, int at[2])
{
	at[0] = type == TYPE_Q2_K ? 80 : type == TYPE_Q3_K ? 108 : type == TYPE_Q6_K ? 208 : 0;
	at[1] = type == TYPE_Q2_K                                                                  ? 82
		: type == TYPE_Q4_1 || type == TYPE_Q5_1 || type == TYPE_Q4_K || type == TYPE_Q5_K ? 2
												   : -1;
}

static void fill_block(enum tensor_type type, uint8_t *block, int bytes, uint64_t *state)
{
	int at[2];
	if (type == TYPE_F32) {
		float value = next_float(state);
		memcpy(block, &value, sizeof(value));
		return;
	}
	for (int i = 0; i < bytes; i++)
		block[i] = (uint8_t)next_random(state);
	scale_offsets(type, at);
	if (type == TYPE_BF16)
		block[1] = (uint8_t)((block[1] & 0x80) | 0x3e);
	for (int i = 0; i < 2 && type != TYPE_BF16; i++)
		if (at[i] >= 0) /* magnitudes about 2^-8 .. 2^-1, either sign */
			block[at[i] + 1] = (uint8_t)((block[at[i] + 1] & 0x83) | (0x1c + next_random(state) % 7 * 4));
}

static size_t row_bytes(enum tensor_type type, int64_t n)
{
	const struct type_info *info = type_info(type);
	return (size_t)(n / info->block * info->bytes);
}

static uint8_t *random_matrix(enum tensor_type type, int64_t n, int64_t rows, uint64_t seed)
{
	const struct type_info *info = type_info(type);
	size_t bytes = row_bytes(type, n) * (size_t)rows;
	uint8_t *w = xmalloc(bytes);
	for (size_t i = 0; i < bytes; i += (size_t)info->bytes)
		fill_block(type, w + i, info->bytes, &seed);
	return w;
}

struct inputs {
	int64_t n;
	float *x;
	uint8_t *act;
	size_t act_stride;
};

static struct inputs make_inputs(const struct kernels *k, int64_t n, uint64_t seed)
{
	struct inputs in = {n, random_floats((size_t)n * COLUMNS, seed), NULL, 0};
	in.act_stride = (kernels_activation_bytes(n) + 63) / 64 * 64;
	in.act = aligned(in.act_stride * COLUMNS);
	memset(in.act, 0, in.act_stride * COLUMNS);
	for (int c = 0; c < COLUMNS && n % 32 == 0; c++) /* other lengths are of float matrices */
		k->quantize(in.x + c * n, n, in.act + (size_t)c * in.act_stride);
	return in;
}

static void free_inputs(struct inputs *in)
{
	free(in->x);
	free(in->act);
}

static void multiply(const struct kernels *k, enum tensor_type type, const uint8_t *w, const struct inputs *in,
		     int64_t first, int64_t last, int column, int columns, float *y, size_t stride)
{
	k->matmul(type, w, row_bytes(type, in->n), in->n, first, last, in->act + (size_t)column * in->act_stride,
		  in->act_stride, in->x + column * in->n, (size_t)in->n, columns, y + (size_t)column * stride, stride);
}

/* --- The format ------------------------------------------------------------------------------ */

static void test_to_float(void **state)
{
	FILE *file = fopen("tests/vectors/dequantize.bin", "rb");
	uint32_t head[3], records = 0;
	assert_non_null(file);
	while (fread(head, sizeof(head), 1, file) == 1) {
		uint8_t *bytes = xmalloc(head[2]);
		float *expected = xmalloc(head[1] * sizeof(float)), *got = xmalloc(head[1] * sizeof(float));
		assert_int_equal(fread(bytes, 1, head[2], file), head[2]);
		assert_int_equal(fread(expected, sizeof(float), head[1], file), head[1]);
		for (const char *const *name = kernels_names(); *name; name++) {
			kernels_choose(*name)->to_float((enum tensor_type)head[0], bytes, head[1], got);
			for (uint32_t i = 0; i < head[1]; i++)
				if (!(got[i] == expected[i] || (got[i] != got[i] && expected[i] != expected[i])))
					fail_msg("%s %s: weight %u is %a, not %a", *name, type_name(head[0]), i,
						 (double)got[i], (double)expected[i]);
		}
		free(bytes);
		free(expected);
		free(got);
		records++;
	}
	fclose(file);
	assert_int_equal(records, 14);
}

/* --- Products --------------------------------------------------------------------------------- */

/* The reference's products lie as near to the exact ones as 8-bit activations allow. */
static void check_exact(enum tensor_type type, int64_t n)
{
	struct inputs in = make_inputs(&kernels_reference, n, 5);
	uint8_t *w = random_matrix(type, n, 3, 6);
	float y[3 * COLUMNS], *row = xmalloc((size_t)n * sizeof(*row));
	multiply(&kernels_reference, type, w, &in, 0, 3, 0, COLUMNS, y, 3);
	double bound = type_info(type)->block == 1 ? 2e-6 : 6e-3;
	for (int r = 0; r < 3; r++) {
		kernels_reference.to_float(type, w + (size_t)r * row_bytes(type, n), n, row);
		for (int c = 0; c < COLUMNS; c++) {
			double exact = 0, squares = 0;
			for (int64_t i = 0; i < n; i++) {
				double product = (double)row[i] * (double)in.x[c * n + i];
				exact += product;
				squares += product * product;
			}
			if (!(fabs((double)y[c * 3 + r] - exact) <= 6 * bound * sqrt(squares)))
				fail_msg("%s n %d: %g, exactly %g", type_name(type), (int)n, (double)y[c * 3 + r],
					 exact);
		}
	}
	free(row);
	free(w);
	free_inputs(&in);
}

static void test_exact(void **state)
{
	for (int i = 0; i < TYPES; i++) {
		check_exact(types[i], 512);
		if (type_info(types[i])->block <= 32)
			check_exact(types[i], 288);
	}
}

static void assert_same(const char *what, enum tensor_type type, int64_t n, int k, const float *a, const float *b,
			size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&a[i], &b[i], sizeof(*a)) != 0)
			fail_msg("%s %s n %d k %d: value %zu is %a, not %a", what, type_name(type), (int)n, k, i,
				 (double)a[i], (double)b[i]);
}

/* Any number of columns at once and any split of the rows: the bits of the reference, and nothing
 * written outside the rows asked for. */
static void check_bits(const struct kernels *k, enum tensor_type type, int64_t n, int64_t rows)
{
	struct inputs in = make_inputs(k, n, (uint64_t)n), plain = make_inputs(&kernels_reference, n, (uint64_t)n);
	uint8_t *w = random_matrix(type, n, rows, (uint64_t)rows);
	size_t count = (size_t)rows * COLUMNS;
	float *expected = xmalloc(count * sizeof(float)), *y = xmalloc(count * sizeof(float));
	multiply(&kernels_reference, type, w, &plain, 0, rows, 0, COLUMNS, expected, (size_t)rows);
	for (int columns = 1; columns <= COLUMNS; columns = columns == 16 ? COLUMNS : columns + 1) {
		int64_t split = (columns * 7) % (rows + 1);
		memset(y, 0xff, count * sizeof(float));
		for (int c = 0; c < COLUMNS; c += columns) {
			int now = COLUMNS - c < columns ? COLUMNS - c : columns;
			multiply(k, type, w, &in, split, rows, c, now, y, (size_t)rows);
			for (int i = c; i < c + now && split; i++)
				assert_true(isnan(y[(size_t)i * (size_t)rows + (size_t)split - 1]));
			multiply(k, type, w, &in, 0, split, c, now, y, (size_t)rows);
		}
		assert_same(k->name, type, n, columns, y, expected, count);
	}
	free(expected);
	free(y);
	free(w);
	free_inputs(&in);
	free_inputs(&plain);
}

static void test_bits(void **state)
{
	static const int64_t lengths[] = {1, 17, 32, 47, 96, 256, 288, 576, 1024};
	for (const char *const *name = kernels_names(); *name; name++)
		for (int i = 0; i < TYPES; i++)
			for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++)
				if (lengths[l] % type_info(types[i])->block == 0)
					check_bits(kernels_choose(*name), types[i], lengths[l], l % 2 ? 19 : 37);
}

/* Rows longer than a tile holds. */
static void test_long_rows(void **state)
{
	static const enum tensor_type some[] = {TYPE_Q4_0, TYPE_Q4_K, TYPE_Q6_K};
	for (const char *const *name = kernels_names(); *name; name++)
		for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
			check_bits(kernels_choose(*name), some[i], 256 * 83, 2);
}

/* Sets store quantised rows each in its own order: what a matrix that picks single values gives shows them. */
static void picked_values(const struct kernels *k, int64_t n, const float *x, float *out)
{
	size_t bytes = (size_t)n / 32 * 34;
	void *act = aligned(kernels_activation_bytes(n));
	uint8_t *w = xcalloc((size_t)n, bytes);
	for (int64_t i = 0; i < n; i++) {
		uint8_t *block = w + (size_t)i * bytes + i / 32 * 34;
		block[1] = 0x3c; /* 1 in f16 */
		block[2 + i % 32] = 1;
	}
	k->quantize(x, n, act);
	k->matmul(TYPE_Q8_0, w, bytes, n, 0, n, act, kernels_activation_bytes(n), x, (size_t)n, 1, out, (size_t)n);
	free(w);
	free(act);
}

static void test_quantize(void **state)
{
	static const int64_t lengths[] = {32, 256, 480};
	static const float odd[] = {NAN, INFINITY, -INFINITY, 1e-40f, 3e38f, 0, -0.0f};
	for (const char *const *name = kernels_names(); *name; name++)
		for (size_t l = 0; l < 3; l++)
			for (size_t o = 0; o <= sizeof(odd) / sizeof(*odd); o++) {
				int64_t n = lengths[l];
				float *x = random_floats((size_t)n, o + 1), a[480], b[480];
				if (o)
					for (int64_t i = 0; i<32; i += o> 3 ? 1 : 32)
						x[i] = odd[o - 1];
				picked_values(&kernels_reference, n, x, a);
				picked_values(kernels_choose(*name), n, x, b);
				for (int64_t i = 0; i < n; i++)
					assert_true(memcmp(&a[i], &b[i], sizeof(*a)) == 0 ||
						    (isnan(a[i]) && isnan(b[i])));
				assert_true(isnan(a[1]) || o == 0 || o > 3);
				free(x);
			}
}

/* A number that is none reaches the product: the engine can see it there. */
static void test_nan(void **state)
{
	for (const char *const *name = kernels_names(); *name; name++)
		for (int i = 0; i < TYPES; i++) {
			const struct kernels *k = kernels_choose(*name);
			struct inputs in = make_inputs(k, 256, 9);
			uint8_t *w = random_matrix(types[i], 256, 20, 8);
			float y[20 * COLUMNS];
			in.x[40] = NAN;
			k->quantize(in.x, 256, in.act);
			multiply(k, types[i], w, &in, 0, 20, 0, 1, y, 20);
			assert_true(isnan(y[19]));
			multiply(k, types[i], w, &in, 0, 20, 0, COLUMNS, y, 20);
			assert_true(isnan(y[19]));
			assert_false(isnan(y[20]));
			free(w);
			free_inputs(&in);
		}
}

/* --- Small operations -------------------------------------------------------------------------------- */

static void test_activations(void **state)
{
	enum { N = 1003 };
	float *up = random_floats(N, 1), gate[N], a[N], b[N];
	for (int i = 0; i < N; i++)
		gate[i] = (float)(i - 500) * 0.21f;
	gate[7] = NAN;
	gate[8] = -INFINITY;
	for (const char *const *name = kernels_names(); *name; name++) {
		const struct kernels *k = kernels_choose(*name);
		kernels_reference.silu_mul(gate, up, N, a);
		k->silu_mul(gate, up, N, b);
		assert_memory_equal(a + 9, b + 9, sizeof(a) - 9 * sizeof(*a));
		assert_true(isnan(b[7]));
		for (int i = 9; i < N; i++) {
			double x = (double)gate[i], exact = x / (1 + exp(-x)) * (double)up[i];
			assert_true(fabs((double)b[i] - exact) <= 4e-7 * fabs(exact) + 1e-35);
		}
		kernels_reference.gelu_mul(gate, up, N, a);
		k->gelu_mul(gate, up, N, b);
		assert_memory_equal(a + 9, b + 9, sizeof(a) - 9 * sizeof(*a));
		for (int i = 9; i < N; i++) {
			double x = (double)gate[i], u = sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
			double exact = x / (1 + exp(-2 * u)) * (double)up[i];
			/* e^-2u carries the relative error of u times u. */
			assert_true(fabs((double)b[i] - exact) <= (4e-7 + 3e-7 * fabs(u)) * fabs(exact) + 1e-35);
		}
	}
	free(up);
}

static void test_rms_norm(void **state)
{
	static const int64_t lengths[] = {1, 31, 64, 100, 576, 1536};
	for (const char *const *name = kernels_names(); *name; name++)
		for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++) {
			int64_t n = lengths[l];
			float *x = random_floats((size_t)n, 3), *w = random_floats((size_t)n, 4), a[1536], b[1536];
			double squares = 0;
			for (int64_t i = 0; i < n; i++)
				squares += (double)x[i] * (double)x[i];
			kernels_reference.rms_norm(x, w, 1e-6f, n, a);
			kernels_choose(*name)->rms_norm(x, w, 1e-6f, n, b);
			assert_memory_equal(a, b, (size_t)n * sizeof(*a));
			for (int64_t i = 0; i < n; i++) {
				double exact = (double)x[i] * (double)w[i] / sqrt(squares / (double)n + 1e-6);
				assert_true(fabs((double)b[i] - exact) <= 1e-6 * fabs(exact));
			}
			free(x);
			free(w);
		}
}

/* --- Attention --------------------------------------------------------------------------------------------- */

struct cache {
	uint8_t *keys, *values;
	size_t key_bytes, value_bytes;
};

static struct cache make_cache(const struct kernels *k, int kv_type, int head_k, int head_v, int64_t count)
{
	struct cache cache = {.key_bytes = kernels_kv_row_bytes(kv_type, head_k),
			      .value_bytes = kernels_kv_row_bytes(kv_type, head_v)};
	float *x = random_floats((size_t)count * (size_t)(head_k + head_v), 11);
	cache.keys = xmalloc((size_t)count * cache.key_bytes);
	cache.values = xmalloc((size_t)count * cache.value_bytes);
	for (int64_t t = 0; t < count; t++) {
		const float *row = x + t * (head_k + head_v);
		k->kv_store(kv_type, row, head_k, cache.keys + (size_t)t * cache.key_bytes);
		k->kv_store(kv_type, row + head_k, head_v, cache.values + (size_t)t * cache.value_bytes);
	}
	free(x);
	return cache;
}

static void free_cache(struct cache *cache)
{
	free(cache->keys);
	free(cache->values);
}

/* Room for the states of all rows, and the kernel's scratch. */
struct room {
	float *states;
	void *scratch;
	size_t state;
};

static struct room make_room(const struct attention *a)
{
	size_t rows = (size_t)(a->tokens * a->group), state = kernels_attention_state(a->head_v);
	size_t scratch = kernels_attention_scratch(a->head_k, a->head_v, (int)rows);
	struct room room = {aligned(rows * state * sizeof(float)), aligned(scratch), state};
	memset(room.scratch, 0xff, scratch); /* what is left there counts for nothing */
	return room;
}

static void free_room(struct room *room)
{
	free(room->states);
	free(room->scratch);
}

static struct attention attention_over(const struct cache *cache, const int *shape, const float *q)
{
	return (struct attention){.q = q,
				  .q_stride = (size_t)(shape[0] * shape[1] + 3),
				  .tokens = shape[3],
				  .group = shape[0],
				  .head_k = shape[1],
				  .head_v = shape[2],
				  .keys = cache->keys,
				  .values = cache->values,
				  .position = shape[4],
				  .window = shape[5],
				  .scale = 0.1f};
}

/* A chunk's states are those of the reference, for all tokens at once as for each by itself. */
static void check_chunk(const struct kernels *k, int kv_type, const struct attention *a, int64_t chunk)
{
	struct room expected = make_room(a), got = make_room(a), single = make_room(a);
	size_t token = (size_t)a->group * got.state;
	kernels_reference.attention(kv_type, a, chunk, expected.scratch, expected.states);
	k->attention(kv_type, a, chunk, got.scratch, got.states);
	for (int t = 0; t < a->tokens; t++) {
		struct attention one = *a;
		one.q += (size_t)t * a->q_stride;
		one.tokens = 1;
		one.position += t;
		k->attention(kv_type, &one, chunk, single.scratch, single.states + (size_t)t * token);
	}
	for (size_t i = 0; i < (size_t)a->tokens * token; i++)
		if (memcmp(&got.states[i], &expected.states[i], sizeof(float)) != 0 ||
		    memcmp(&single.states[i], &expected.states[i], sizeof(float)) != 0)
			fail_msg("%s cache %d group %d heads %d %d position %d window %d chunk %d row %zu value %zu: "
				 "%a and %a, not %a",
				 k->name, kv_type, a->group, a->head_k, a->head_v, (int)a->position, (int)a->window,
				 (int)chunk, i / got.state, i % got.state, (double)got.states[i],
				 (double)single.states[i], (double)expected.states[i]);
	free_room(&expected);
	free_room(&got);
	free_room(&single);
}

static void check_attention(const struct kernels *k, int kv_type, const int *shape)
{
	int64_t count = shape[4] + shape[3];
	struct cache cache = make_cache(k, kv_type, shape[1], shape[2], count);
	struct cache same = make_cache(&kernels_reference, kv_type, shape[1], shape[2], count);
	float *q = random_floats((size_t)(shape[3] * (shape[0] * shape[1] + 3)), 12);
	struct attention a = attention_over(&cache, shape, q);
	assert_memory_equal(cache.keys, same.keys, (size_t)count * cache.key_bytes);
	assert_memory_equal(cache.values, same.values, (size_t)count * cache.value_bytes);
	for (int64_t chunk = 0; chunk * ATTENTION_CHUNK < count; chunk++)
		check_chunk(k, kv_type, &a, chunk);
	free(q);
	free_cache(&cache);
	free_cache(&same);
}

/* group, head_k, head_v, tokens, first position, window */
static const int attention_shapes[][6] = {
	{1, 64, 64, 1, 0, 0},    {6, 128, 128, 3, 76, 0}, {7, 64, 64, 5, 510, 0},  {4, 256, 256, 2, 39, 17},
	{3, 80, 48, 19, 0, 7},   {2, 100, 40, 5, 3, 0},   {9, 32, 32, 2, 1022, 0}, {2, 64, 64, 9, 1000, 500},
	{13, 64, 64, 1, 513, 0}, {1, 48, 20, 40, 0, 0},   {5, 8, 8, 4, 600, 60},   {8, 72, 160, 2, 1060, 0},
};
static const int caches[] = {ENGINE_KV_F32, ENGINE_KV_F16, ENGINE_KV_Q8_0};

static void test_attention(void **state)
{
	for (const char *const *name = kernels_names(); *name; name++)
		for (size_t i = 0; i < sizeof(attention_shapes) / sizeof(*attention_shapes); i++)
			for (size_t c = 0; c < 3; c++)
				check_attention(kernels_choose(*name), caches[c], attention_shapes[i]);
}

/* Element i of a row as the cache holds it. */
static double cached(int kv_type, const uint8_t *row, int i)
{
	float value;
	enum tensor_type type = kv_type == ENGINE_KV_F32 ? TYPE_F32 : kv_type == ENGINE_KV_F16 ? TYPE_F16 : TYPE_Q8_0;
	float whole[512];
	kernels_reference.to_float(type, row, i / 32 * 32 + 32, whole);
	value = whole[i];
	return (double)value;
}

static void exact_attention(int kv_type, const struct attention *a, int row, double *out)
{
	const float *q = a->q + row / a->group * (int64_t)a->q_stride + row % a->group * a->head_k;
	size_t key = kernels_kv_row_bytes(kv_type, a->head_k), value = kernels_kv_row_bytes(kv_type, a->head_v);
	int64_t end = a->position + row / a->group + 1, begin = a->window > 0 && end > a->window ? end - a->window : 0;
	double sum = 0;
	memset(out, 0, (size_t)a->head_v * sizeof(*out));
	for (int64_t t = begin; t < end; t++) {
		double p = 0;
		for (int i = 0; i < a->head_k; i++)
			p += (double)q[i] * cached(kv_type, (const uint8_t *)a->keys + (size_t)t * key, i);
		sum += p = exp(p * (double)a->scale);
		for (int i = 0; i < a->head_v; i++)
			out[i] += p * cached(kv_type, (const uint8_t *)a->values + (size_t)t * value, i);
	}
	for (int i = 0; i < a->head_v; i++)
		out[i] /= sum;
}

/* All chunks added are the formula in double precision, over what the cache holds. */
static void test_attention_exact(void **state)
{
	static const int shape[] = {2, 64, 96, 3, 1100, 700};
	for (size_t c = 0; c < 3; c++) {
		struct cache cache = make_cache(&kernels_reference, caches[c], shape[1], shape[2], shape[4] + shape[3]);
		float *q = random_floats((size_t)(shape[3] * (shape[0] * shape[1] + 3)), 13), out[96], total[6][112];
		struct attention a = attention_over(&cache, shape, q);
		struct room room = make_room(&a);
		double exact[96], tolerance = caches[c] == ENGINE_KV_Q8_0 ? 1e-4 : 2e-6;
		assert_int_equal(room.state, 112);
		memset(total, 0, sizeof(total));
		for (int64_t chunk = 0; chunk < 3; chunk++) {
			kernels_choose(NULL)->attention(caches[c], &a, chunk, room.scratch, room.states);
			for (int r = 0; r < 6; r++)
				kernels_attention_add(total[r], room.states + (size_t)r * room.state, a.head_v);
		}
		for (int r = 0; r < 6; r++) {
			kernels_attention_finish(total[r], a.head_v, out);
			exact_attention(caches[c], &a, r, exact);
			for (int i = 0; i < a.head_v; i++)
				if (!(fabs((double)out[i] - exact[i]) < tolerance))
					fail_msg("cache %d row %d: %g, exactly %g", caches[c], r, (double)out[i],
						 exact[i]);
		}
		free(q);
		free_room(&room);
		free_cache(&cache);
	}
}

/* A number that is none, in a key or a value, reaches the tokens that see it and no others. */
static void test_attention_nan(void **state)
{
	static const int shape[] = {3, 64, 64, 2, 30, 0};
	for (const char *const *name = kernels_names(); *name; name++)
		for (size_t i = 0; i < 6; i++) {
			const struct kernels *k = kernels_choose(*name);
			int kv_type = caches[i / 2];
			struct cache cache = make_cache(k, kv_type, 64, 64, 32);
			float *q = random_floats(2 * (3 * 64 + 3), 14), bad[64] = {0}, out[64];
			struct attention a = attention_over(&cache, shape, q);
			struct room room = make_room(&a);
			bad[5] = NAN;
			if (i % 2)
				k->kv_store(kv_type, bad, 64, cache.keys + 31 * cache.key_bytes);
			else
				k->kv_store(kv_type, bad, 64, cache.values + 31 * cache.value_bytes);
			k->attention(kv_type, &a, 0, room.scratch, room.states);
			for (size_t r = 0; r < 6; r++) {
				kernels_attention_finish(room.states + r * room.state, 64, out);
				assert_true(isnan(out[5]) == (r >= 3));
			}
			free(q);
			free_room(&room);
			free_cache(&cache);
		}
}

static void test_choose(void **state)
{
	assert_ptr_equal(kernels_choose("reference"), &kernels_reference);
	assert_null(kernels_choose("pentium"));
	assert_string_equal(kernels_choose(NULL)->name, kernels_names()[0]);
	for (const char *const *name = kernels_names(); *name; name++)
		assert_string_equal(kernels_choose(*name)->name, *name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_float),      cmocka_unit_test(test_exact),
		cmocka_unit_test(test_bits),          cmocka_unit_test(test_long_rows),
		cmocka_unit_test(test_quantize),      cmocka_unit_test(test_nan),
		cmocka_unit_test(test_activations),   cmocka_unit_test(test_rms_norm),
		cmocka_unit_test(test_attention),     cmocka_unit_test(test_attention_exact),
		cmocka_unit_test(test_attention_nan), cmocka_unit_test(test_choose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
