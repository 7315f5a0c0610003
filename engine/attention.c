#include "attention.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_TOKENS = 16,  /* a part has at most: their keys and values are prepared once */
	FEW_TOKENS = 4,     /* so many share the chunks' states */
	PARTS_A_THREAD = 4, /* to balance the threads */
};

struct attention_pass {
	const struct model *model;
	const struct kernels *k;
	struct pool *pool;
	const struct kv_cache *cache;
	const atomic_bool *cancel;
	int group, heads_kv;
	size_t state, scratch_bytes; /* floats of a state; bytes of a thread's scratch */
	uint8_t *scratch;            /* [threads]: the kernel's, then the states of a chunk and of all */
	float *chunk_states;         /* [chunk][KV head][token][head of the group], of few tokens */
	/* Of the run under way. */
	const struct attention_rows *rows;
	int block, blocks; /* tokens a part; parts of the tokens */
	int shares;        /* parts of a KV head's query heads */
	int first_chunk, chunks;
	int window;
};

static int min(int a, int b)
{
	return a < b ? a : b;
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static bool cancelled(const struct attention_pass *p)
{
	return p->cancel && atomic_load_explicit(p->cancel, memory_order_relaxed);
}

static void *aligned(size_t bytes)
{
	void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	return memory ? memory : xmalloc(SIZE_MAX); /* says so and ends */
}

struct attention_pass *attention_create(const struct model *model, const struct kernels *kernels, struct pool *pool,
					const struct kv_cache *cache, const atomic_bool *cancel)
{
	const struct hparams *h = &model->h;
	struct attention_pass *p = xcalloc(1, sizeof(*p));
	p->model = model;
	p->k = kernels;
	p->pool = pool;
	p->cache = cache;
	p->cancel = cancel;
	p->group = h->heads / h->heads_kv;
	p->heads_kv = h->heads_kv;
	p->state = kernels_attention_state(h->head_v);
	size_t rows = (size_t)p->group * BLOCK_TOKENS;
	size_t kernel = (kernels_attention_scratch(h->head_k, h->head_v, (int)rows) + 63) / 64 * 64;
	p->scratch_bytes = kernel + (2 * rows * p->state * sizeof(float) + 63) / 64 * 64;
	p->scratch = aligned((size_t)pool_threads(pool) * p->scratch_bytes);
	size_t chunks = (size_t)kv_cache_shape(cache)->positions / ATTENTION_CHUNK + 2;
	/* Not touched before it is used: a long context costs nothing while it is empty. */
	p->chunk_states = aligned(chunks * (size_t)h->heads * FEW_TOKENS * p->state * sizeof(float));
	return p;
}

void attention_destroy(struct attention_pass *p)
{
	if (!p)
		return;
	free(p->scratch);
	free(p->chunk_states);
	free(p);
}

/* Tokens first.. of the run with query heads from `head` on, of KV head kv. */
static struct attention rows_of(const struct attention_pass *p, int first, int tokens, int kv, int head, int heads)
{
	const struct hparams *h = &p->model->h;
	return (struct attention){
		.q = p->rows->q + (size_t)first * p->rows->q_stride + (size_t)(head * h->head_k),
		.q_stride = p->rows->q_stride,
		.tokens = tokens,
		.group = heads,
		.head_k = h->head_k,
		.head_v = h->head_v,
		.keys = kv_cache_key(p->cache, p->rows->layer, kv, 0),
		.values = kv_cache_value(p->cache, p->rows->layer, kv, 0),
		.position = p->rows->position + first,
		.window = p->window,
		.scale = h->attn_scale,
	};
}

static int chunk_of(int position)
{
	return max(position, 0) / ATTENTION_CHUNK;
}

/* The first chunk that a token sees. */
static int first_chunk(const struct attention_pass *p, int token)
{
	return p->window > 0 ? chunk_of(p->rows->position + token - p->window + 1) : 0;
}

static float *output(const struct attention_pass *p, int token, int head)
{
	return p->rows->out + (size_t)token * p->rows->out_stride + (size_t)(head * p->model->h.head_v);
}

/* --- All chunks in one part ------------------------------------------------------------------------------- */

static void block_part(void *arg, int part, int thread)
{
	const struct attention_pass *p = arg;
	int share = part % p->shares, kv = part / p->shares % p->heads_kv;
	/* The last tokens see the most: begin with them, so that no thread ends with a long part. */
	int block = p->blocks - 1 - part / p->shares / p->heads_kv;
	int first = block * p->block, tokens = min(p->block, p->rows->tokens - first);
	int from = p->group * share / p->shares, heads = p->group * (share + 1) / p->shares - from;
	struct attention a = rows_of(p, first, tokens, kv, kv * p->group + from, heads);
	int rows = tokens * heads, last = chunk_of((int)a.position + tokens - 1);
	uint8_t *scratch = p->scratch + (size_t)thread * p->scratch_bytes;
	float *total = (float *)(void *)(scratch + p->scratch_bytes) - (size_t)rows * p->state;
	float *states = total - (size_t)rows * p->state;
	memset(total, 0, (size_t)rows * p->state * sizeof(*total));
	for (int chunk = first_chunk(p, first); chunk <= last; chunk++) {
		if (cancelled(p))
			return;
		p->k->attention((int)kv_cache_shape(p->cache)->type, &a, chunk, scratch, states);
		for (int r = 0; r < rows; r++)
			kernels_attention_add(total + (size_t)r * p->state, states + (size_t)r * p->state, a.head_v);
	}
	for (int r = 0; r < rows; r++)
		kernels_attention_finish(total + (size_t)r * p->state, a.head_v,
					 output(p, first + r / heads, kv * p->group + from + r % heads));
}

/* --- A part a chunk ----------------------------------------------------------------------------------------- */

static float *chunk_states(const struct attention_pass *p, int index, int kv)
{
	size_t rows = (size_t)(p->rows->tokens * p->group);
	return p->chunk_states + (size_t)(index * p->heads_kv + kv) * rows * p->state;
}

static void chunk_part(void *arg, int part, int thread)
{
	const struct attention_pass *p = arg;
	int kv = part / p->chunks, index = part % p->chunks;
	struct attention a = rows_of(p, 0, p->rows->tokens, kv, kv * p->group, p->group);
	if (!cancelled(p))
		p->k->attention((int)kv_cache_shape(p->cache)->type, &a, p->first_chunk + index,
				p->scratch + (size_t)thread * p->scratch_bytes, chunk_states(p, index, kv));
}

static void add_chunks_part(void *arg, int kv, int thread)
{
	const struct attention_pass *p = arg;
	int head_v = p->model->h.head_v;
	for (int r = 0; r < p->rows->tokens * p->group; r++) {
		float *total = chunk_states(p, 0, kv) + (size_t)r * p->state;
		for (int i = 1; i < p->chunks; i++)
			kernels_attention_add(total, chunk_states(p, i, kv) + (size_t)r * p->state, head_v);
		kernels_attention_finish(total, head_v, output(p, r / p->group, kv * p->group + r % p->group));
	}
}

void attention_run(struct attention_pass *p, const struct attention_rows *rows)
{
	int parts = pool_threads(p->pool) * PARTS_A_THREAD;
	p->rows = rows;
	p->window = p->model->layer[rows->layer].sliding ? p->model->h.sliding_window : 0;
	p->first_chunk = first_chunk(p, 0);
	p->chunks = chunk_of(rows->position + rows->tokens - 1) - p->first_chunk + 1;
	if (rows->tokens <= FEW_TOKENS && p->chunks > 1) {
		pool_run(p->pool, p->heads_kv * p->chunks, chunk_part, p);
		pool_run(p->pool, p->heads_kv, add_chunks_part, p);
		return;
	}
	p->block = max(1, min(BLOCK_TOKENS, rows->tokens * p->heads_kv / parts));
	p->blocks = (rows->tokens + p->block - 1) / p->block;
	p->shares = p->blocks * p->heads_kv < pool_threads(p->pool) && p->group > 1 ? 2 : 1;
	pool_run(p->pool, p->blocks * p->heads_kv * p->shares, block_part, p);
}
