#include "forward.h"
#include "attention.h"
#include "key_balance.h"
#include "rope.h"
#include "../xmalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A step of a layer is one pool_run(): its parts are row ranges, tokens, or heads.
 * For one token the steps over tokens have one part, which the pool runs on the
 * caller without a barrier, so that a layer costs five barriers: QKV, attention,
 * attention output, gate and up, down. */
enum {
	ROW_GROUP = 32,         /* rows are split at multiples of this: kernels keep their tiles */
	PART_BYTES = 128 << 10, /* of weights, at least, that a part is worth */
	PARTS_A_THREAD = 8,
	PART_PRODUCTS = 256 << 20, /* multiplications a part at most: a cancel is noticed in time */
};

struct forward {
	const struct model *model;
	const struct kernels *k;
	struct pool *pool;
	struct kv_cache *cache;
	const atomic_bool *cancel;
	int batch, kv_type;
	int q_width, k_width, v_width, out_width; /* floats a token */
	struct rope rope, rope_local;
	struct attention_pass *attention;
	struct key_balance balance; /* of a q8_0 cache */
	/* Of the pass under way: tokens lo..count-1 are computed, the first at position `first`. */
	int lo, count, first, layer;
	/* Scratch, a row a token. */
	float *x;               /* [batch][embd] the residual stream */
	float *norm;            /* [batch][wide] input of the next matrix, but for the FFN's last */
	float *q, *key, *value; /* [batch][q_width] … */
	float *out;             /* [batch][embd] what attention and FFN add */
	float *gate;            /* [batch][ffn] */
	float *up;              /* [threads][up_size] rows of a part, joined with those of gate at once */
	uint8_t *act;           /* [batch][act_stride] input of the next matrix, quantised */
	size_t wide, act_stride, up_size;
	float *angles; /* [batch][global cos, sin, local cos, sin][half] */
	void *scratch; /* all of it */
	size_t scratch_size;
};

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int min(int a, int b)
{
	return a < b ? a : b;
}

static const float *floats(const struct tensor *tensor)
{
	return tensor ? (const float *)(const void *)tensor->data : NULL;
}

static bool is_float(enum tensor_type type)
{
	return type == TYPE_F32 || type == TYPE_F16 || type == TYPE_BF16;
}

static bool cancelled(const struct forward *f)
{
	return f->cancel && atomic_load_explicit(f->cancel, memory_order_relaxed);
}

static const struct model_layer *this_layer(const struct forward *f)
{
	return &f->model->layer[f->layer];
}

/* --- Creating ---------------------------------------------------------------------------- */

/* Rows of so many bytes at *at in the scratch memory, if there is any yet. */
static void *take_rows(const struct forward *f, size_t *at, size_t rows, size_t bytes)
{
	uint8_t *taken = f->scratch ? (uint8_t *)f->scratch + *at : NULL;
	*at += (rows * bytes + 63) / 64 * 64;
	return taken;
}

static size_t lay_out(struct forward *f)
{
	const struct hparams *h = &f->model->h;
	size_t rows = (size_t)f->batch, at = 0;
	f->x = take_rows(f, &at, rows, (size_t)h->embd * sizeof(float));
	f->norm = take_rows(f, &at, rows, f->wide * sizeof(float));
	f->q = take_rows(f, &at, rows, (size_t)f->q_width * sizeof(float));
	f->key = take_rows(f, &at, rows, (size_t)f->k_width * sizeof(float));
	f->value = take_rows(f, &at, rows, (size_t)f->v_width * sizeof(float));
	f->out = take_rows(f, &at, rows, (size_t)h->embd * sizeof(float));
	f->gate = take_rows(f, &at, rows, (size_t)h->ffn * sizeof(float));
	f->act = take_rows(f, &at, rows, f->act_stride);
	f->angles = take_rows(f, &at, rows, 4 * (size_t)f->rope.half * sizeof(float));
	f->up = take_rows(f, &at, (size_t)pool_threads(f->pool), f->up_size * sizeof(float));
	return at;
}

/* Not touched before it is used: a large batch costs nothing while only small ones are read. */
static void allocate(struct forward *f)
{
	const struct hparams *h = &f->model->h;
	size_t rows = (size_t)f->batch, wide = (size_t)max(h->embd, f->out_width);
	f->wide = wide;
	f->act_stride = (kernels_activation_bytes(max((int)wide, h->ffn)) + 63) / 64 * 64;
	/* See choose_chunk(): tokens times rows of one part. Whole cache lines keep threads apart. */
	f->up_size = (size_t)(PART_PRODUCTS / h->embd) + ROW_GROUP * rows;
	f->up_size = ((f->up_size < rows * (size_t)h->ffn ? f->up_size : rows * (size_t)h->ffn) + 15) / 16 * 16;
	f->scratch_size = lay_out(f);
	f->scratch = mmap(NULL, f->scratch_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f->scratch == MAP_FAILED)
		f->scratch = xmalloc(SIZE_MAX); /* says so and ends */
	lay_out(f);
}

struct forward *forward_create(const struct model *model, const struct kernels *kernels, struct pool *pool,
			       struct kv_cache *cache, int batch, const atomic_bool *cancel)
{
	const struct hparams *h = &model->h;
	struct forward *f = xcalloc(1, sizeof(*f));
	f->model = model;
	f->k = kernels;
	f->pool = pool;
	f->cache = cache;
	f->cancel = cancel;
	f->batch = max(1, batch);
	f->kv_type = (int)kv_cache_shape(cache)->type;
	f->q_width = h->heads * h->head_k;
	f->k_width = h->heads_kv * h->head_k;
	f->v_width = h->heads_kv * h->head_v;
	f->out_width = h->heads * h->head_v;
	rope_init(&f->rope, model, false);
	rope_init(&f->rope_local, model, true);
	f->attention = attention_create(model, kernels, pool, cache, cancel);
	if (f->kv_type == ENGINE_KV_Q8_0)
		key_balance_init(&f->balance, model, kernels, pool);
	allocate(f);
	return f;
}

void forward_destroy(struct forward *f)
{
	if (!f)
		return;
	attention_destroy(f->attention);
	key_balance_free(&f->balance);
	rope_free(&f->rope);
	rope_free(&f->rope_local);
	munmap(f->scratch, f->scratch_size);
	free(f);
}

int forward_batch(const struct forward *f)
{
	return f->batch;
}

/* --- Matrices ------------------------------------------------------------------------------ */

struct product {
	const struct tensor *w;
	float *y; /* row 0 of the tokens computed */
	size_t stride;
};

/* Matrices that share an input: rows are numbered through all of them. */
struct matmul {
	struct forward *f;
	const float *input; /* row 0; NULL: norm */
	size_t input_stride;
	struct product product[3];
	int products, chunk, tokens, first_token;
	int parts[3]; /* of each product */
	bool gated;   /* product 0 becomes act(0) * 1, row by row */
};

static int rows_of(const struct tensor *w)
{
	return (int)w->ne[1];
}

/* Rows a part: enough parts to balance the threads, none too small to be worth a turn or
 * too long to notice a cancel. */
static int choose_chunk(const struct forward *f, const struct product *p, int products, int tokens)
{
	int64_t rows = 0, bytes = 0;
	for (int i = 0; i < products; i++) {
		rows += rows_of(p[i].w);
		bytes += rows_of(p[i].w) * (int64_t)p[i].w->row_bytes;
	}
	int64_t parts = (int64_t)pool_threads(f->pool) * PARTS_A_THREAD;
	if (tokens == 1 && bytes / PART_BYTES < parts)
		parts = bytes / PART_BYTES > pool_threads(f->pool) ? bytes / PART_BYTES : pool_threads(f->pool);
	int64_t chunk = (rows + parts - 1) / parts, most = PART_PRODUCTS / (p[0].w->ne[0] * tokens);
	chunk = chunk < most ? chunk : most;
	return chunk <= ROW_GROUP ? ROW_GROUP : (int)((chunk + ROW_GROUP - 1) / ROW_GROUP * ROW_GROUP);
}

/* Rows first..last - 1, to y + row 0 of the first token. */
static void multiply(const struct matmul *m, const struct product *p, int first, int last, float *y, size_t stride)
{
	const struct forward *f = m->f;
	size_t t = (size_t)m->first_token;
	f->k->matmul(p->w->type, p->w->data + (size_t)first * p->w->row_bytes, p->w->row_bytes, p->w->ne[0], 0,
		     last - first, f->act + t * f->act_stride, f->act_stride, m->input + t * m->input_stride,
		     m->input_stride, m->tokens, y, stride);
}

static void gate_rows(const struct matmul *m, int first, int last, int thread)
{
	const struct forward *f = m->f;
	void (*mul)(const float *, const float *, int64_t, float *) =
		f->model->h.activation == ACTIVATION_SILU ? f->k->silu_mul : f->k->gelu_mul;
	float *up = f->up + (size_t)thread * f->up_size;
	int rows = last - first;
	multiply(m, &m->product[1], first, last, up, (size_t)rows);
	for (int t = 0; t < m->tokens; t++) {
		float *gate = m->product[0].y + (size_t)t * m->product[0].stride + first;
		mul(gate, up + (size_t)t * (size_t)rows, rows, gate);
	}
}

static void matmul_part(void *arg, int part, int thread)
{
	const struct matmul *m = arg;
	int i = 0;
	if (cancelled(m->f))
		return;
	while (part >= m->parts[i])
		part -= m->parts[i++];
	int first = part * m->chunk, last = min(first + m->chunk, rows_of(m->product[i].w));
	const struct product *p = &m->product[i];
	multiply(m, p, first, last, p->y + first, p->stride);
	if (m->gated)
		gate_rows(m, first, last, thread);
}

static void run_matmul(struct forward *f, struct matmul *m, int first_token, int tokens)
{
	int parts = 0, split = m->gated ? 1 : m->products;
	m->f = f;
	if (!m->input) {
		m->input = f->norm;
		m->input_stride = f->wide;
	}
	m->first_token = first_token;
	m->tokens = tokens;
	m->chunk = choose_chunk(f, m->product, split, tokens);
	for (int i = 0; i < split; i++) {
		m->parts[i] = (rows_of(m->product[i].w) + m->chunk - 1) / m->chunk;
		parts += m->parts[i];
	}
	pool_run(f->pool, parts, matmul_part, m);
}

/* x [n] of token t becomes input for matrices of these types. */
static void prepare_input(const struct forward *f, int t, const float *x, int64_t n, const struct tensor *const *w,
			  int count)
{
	for (int i = 0; i < count; i++)
		if (w[i] && !is_float(w[i]->type)) {
			f->k->quantize(x, n, f->act + (size_t)t * f->act_stride);
			return;
		}
}

/* --- Steps over tokens: part = token ---------------------------------------------------------- */

static void add(float *x, const float *y, int n)
{
	for (int i = 0; i < n; i++)
		x[i] += y[i];
}

static void add_bias(float *x, const struct tensor *bias)
{
	if (bias)
		add(x, floats(bias), (int)bias->ne[0]);
}

static float *row(float *base, size_t width, int t)
{
	return base + (size_t)t * width;
}

static void normalize(const struct forward *f, const float *x, const struct tensor *weight, float *out)
{
	const struct hparams *h = &f->model->h;
	f->k->rms_norm(x, floats(weight), h->rms_eps, h->embd, out);
}

static void prepare_attention(const struct forward *f, int t)
{
	const struct model_layer *l = this_layer(f);
	normalize(f, row(f->x, (size_t)f->model->h.embd, t), l->attn_norm, row(f->norm, f->wide, t));
	const struct tensor *const w[] = {l->attn_q, l->attn_k, l->attn_v};
	prepare_input(f, t, row(f->norm, f->wide, t), f->model->h.embd, w, 3);
}

static void input_part(void *arg, int part, int thread)
{
	struct forward *f = arg;
	prepare_attention(f, f->lo + part);
}

static void rotate_heads(const struct forward *f, float *x, int heads, const struct tensor *norm, const float *angles)
{
	const struct hparams *h = &f->model->h;
	for (int i = 0; i < heads; i++, x += h->head_k) {
		if (norm)
			f->k->rms_norm(x, floats(norm), h->rms_eps, h->head_k, x);
		rope_rotate(h->rope_layout, angles, angles + f->rope.half, f->rope.half, x);
	}
}

/* Keys times 2^-e and queries times 2^e, element by element: what the cache keeps well. */
static void balance_heads(const struct forward *f, float *q, float *key)
{
	const struct hparams *h = &f->model->h;
	size_t width = (size_t)f->k_width, first = (size_t)f->layer * width;
	const float *by = f->balance.key + first;
	int group = h->heads / h->heads_kv;
	for (size_t i = 0; i < width; i++)
		key[i] *= by[i];
	for (int head = 0; head < h->heads; head++, q += h->head_k) {
		by = f->balance.query + first + (size_t)(head / group * h->head_k);
		for (int i = 0; i < h->head_k; i++)
			q[i] *= by[i];
	}
}

/* Biases, norms of queries and keys, rotation, and the token's rows of the cache. */
static void position_part(void *arg, int part, int thread)
{
	struct forward *f = arg;
	int t = f->lo + part;
	const struct hparams *h = &f->model->h;
	const struct model_layer *l = this_layer(f);
	float *q = row(f->q, (size_t)f->q_width, t), *key = row(f->key, (size_t)f->k_width, t),
	      *value = row(f->value, (size_t)f->v_width, t);
	const float *angles = f->angles + (size_t)t * 4 * (size_t)f->rope.half + (l->sliding ? 2 * f->rope.half : 0);
	if (cancelled(f))
		return;
	add_bias(q, l->attn_q_bias);
	add_bias(key, l->attn_k_bias);
	add_bias(value, l->attn_v_bias);
	rotate_heads(f, q, h->heads, l->attn_q_norm, angles);
	rotate_heads(f, key, h->heads_kv, l->attn_k_norm, angles);
	if (f->balance.key)
		balance_heads(f, q, key);
	for (int i = 0; i < h->heads_kv; i++) {
		f->k->kv_store(f->kv_type, key + i * h->head_k, h->head_k,
			       kv_cache_key(f->cache, f->layer, i, f->first + t));
		f->k->kv_store(f->kv_type, value + i * h->head_v, h->head_v,
			       kv_cache_value(f->cache, f->layer, i, f->first + t));
	}
}

static void heads_part(void *arg, int part, int thread)
{
	struct forward *f = arg;
	const struct tensor *const w[] = {this_layer(f)->attn_output};
	prepare_input(f, f->lo + part, row(f->norm, f->wide, f->lo + part), f->out_width, w, 1);
}

/* Adds what attention computed to the residual stream; normalises for the FFN. */
static void attended_part(void *arg, int part, int thread)
{
	struct forward *f = arg;
	int t = f->lo + part, embd = f->model->h.embd;
	const struct model_layer *l = this_layer(f);
	float *x = row(f->x, (size_t)embd, t), *out = row(f->out, (size_t)embd, t);
	add_bias(out, l->attn_output_bias);
	if (l->attn_post_norm)
		normalize(f, out, l->attn_post_norm, out);
	add(x, out, embd);
	normalize(f, x, l->ffn_norm, row(f->norm, f->wide, t));
	const struct tensor *const w[] = {l->ffn_gate, l->ffn_up};
	prepare_input(f, t, row(f->norm, f->wide, t), embd, w, 2);
}

static void gated_part(void *arg, int part, int thread)
{
	struct forward *f = arg;
	int t = f->lo + part, ffn = f->model->h.ffn;
	const struct tensor *const w[] = {this_layer(f)->ffn_down};
	prepare_input(f, t, row(f->gate, (size_t)ffn, t), ffn, w, 1);
}

static void layer_end_part(void *arg, int part, int thread)
{
	struct forward *f = arg;
	int t = f->lo + part, embd = f->model->h.embd;
	const struct model_layer *l = this_layer(f);
	float *out = row(f->out, (size_t)embd, t);
	if (l->ffn_post_norm)
		normalize(f, out, l->ffn_post_norm, out);
	add(row(f->x, (size_t)embd, t), out, embd);
}

static void token_step(struct forward *f, pool_fn *step)
{
	pool_run(f->pool, f->count - f->lo, step, f);
}

static void attention_step(struct forward *f)
{
	struct attention_rows rows = {.layer = f->layer,
				      .tokens = f->count - f->lo,
				      .position = f->first + f->lo,
				      .q = row(f->q, (size_t)f->q_width, f->lo),
				      .q_stride = (size_t)f->q_width,
				      .out = row(f->norm, f->wide, f->lo),
				      .out_stride = f->wide};
	attention_run(f->attention, &rows);
}

/* --- The pass ------------------------------------------------------------------------------------- */

static void run_layer(struct forward *f, int wanted)
{
	const struct model_layer *l = this_layer(f);
	size_t lo = (size_t)f->lo, embd = (size_t)f->model->h.embd, ffn = (size_t)f->model->h.ffn;
	struct matmul qkv = {.products = 3,
			     .product = {{l->attn_q, row(f->q, (size_t)f->q_width, f->lo), (size_t)f->q_width},
					 {l->attn_k, row(f->key, (size_t)f->k_width, f->lo), (size_t)f->k_width},
					 {l->attn_v, row(f->value, (size_t)f->v_width, f->lo), (size_t)f->v_width}}};
	token_step(f, input_part);
	run_matmul(f, &qkv, f->lo, f->count - f->lo);
	token_step(f, position_part);
	/* Nothing reads the last layer's results of tokens whose logits nobody wants. */
	if (f->layer == f->model->h.layers - 1)
		lo = (size_t)(f->lo = min(max(f->lo, wanted), f->count));
	if (f->lo == f->count)
		return;
	attention_step(f);
	token_step(f, heads_part);
	struct matmul output = {.products = 1, .product = {{l->attn_output, f->out + lo * embd, embd}}};
	run_matmul(f, &output, f->lo, f->count - f->lo);
	token_step(f, attended_part);
	struct matmul gate_up = {.products = 2,
				 .gated = true,
				 .product = {{l->ffn_gate, f->gate + lo * ffn, ffn}, {l->ffn_up, NULL, 0}}};
	run_matmul(f, &gate_up, f->lo, f->count - f->lo);
	token_step(f, gated_part);
	struct matmul down = {.input = f->gate,
			      .input_stride = ffn,
			      .products = 1,
			      .product = {{l->ffn_down, f->out + lo * embd, embd}}};
	run_matmul(f, &down, f->lo, f->count - f->lo);
	token_step(f, layer_end_part);
}

struct embedding {
	struct forward *f;
	const int32_t *ids;
};

static void embedding_part(void *arg, int part, int thread)
{
	const struct embedding *e = arg;
	struct forward *f = e->f;
	const struct hparams *h = &f->model->h;
	const struct tensor *w = f->model->token_embd;
	float *x = row(f->x, (size_t)h->embd, part), *angles = f->angles + (size_t)part * 4 * (size_t)f->rope.half;
	f->k->to_float(w->type, w->data + (size_t)e->ids[part] * w->row_bytes, h->embd, x);
	if (h->embd_scale != 1)
		for (int i = 0; i < h->embd; i++)
			x[i] *= h->embd_scale;
	rope_angles(&f->rope, f->first + part, angles, angles + f->rope.half);
	if (h->sliding_window > 0)
		rope_angles(&f->rope_local, f->first + part, angles + 2 * f->rope.half, angles + 3 * f->rope.half);
}

int forward_read(struct forward *f, const int32_t *ids, int count, int first, int wanted)
{
	struct embedding embedding = {f, ids};
	f->first = first;
	f->count = count;
	f->lo = 0;
	pool_run(f->pool, count, embedding_part, &embedding);
	for (f->layer = 0; f->layer < f->model->h.layers; f->layer++) {
		run_layer(f, wanted);
		if (cancelled(f))
			return -1;
	}
	return 0;
}

struct output {
	struct forward *f;
	int first;
};

static void output_part(void *arg, int part, int thread)
{
	const struct output *o = arg;
	const struct forward *f = o->f;
	int t = o->first + part, embd = f->model->h.embd;
	normalize(f, row(f->x, (size_t)embd, t), f->model->output_norm, row(f->norm, f->wide, t));
	prepare_input(f, t, row(f->norm, f->wide, t), embd, &f->model->output, 1);
}

int forward_logits(struct forward *f, int index, int count, float *out)
{
	const struct hparams *h = &f->model->h;
	/* In the pool even for one token: only there is reading from the file guarded. */
	pool_run(f->pool, count, output_part, &(struct output){f, index});
	struct matmul output = {.products = 1, .product = {{f->model->output, out, (size_t)h->vocab}}};
	run_matmul(f, &output, index, count);
	if (h->logit_softcap > 0)
		for (size_t i = 0; i < (size_t)count * (size_t)h->vocab; i++)
			out[i] = h->logit_softcap * tanhf(out[i] / h->logit_softcap);
	return cancelled(f) ? -1 : 0;
}
