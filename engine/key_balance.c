#include "key_balance.h"
#include "../xmalloc.h"

#include <math.h>
#include <stdlib.h>

enum {
	PIECE = 256, /* weights of a row that are looked at together: every type has whole blocks of them */
	PIECES = 4,  /* of a row, evenly spread: enough to tell a large row from a small one */
	SHIFT_MOST = 24,
};

struct job {
	struct key_balance *balance;
	const struct model *model;
	const struct kernels *kernels;
};

static const float *floats(const struct tensor *tensor)
{
	return (const float *)(const void *)tensor->data;
}

static double squares_of_piece(const struct job *job, const struct model_layer *l, const uint8_t *row, int first, int n)
{
	const struct type_info *type = type_info(l->attn_k->type);
	float w[PIECE];
	double sum = 0;
	job->kernels->to_float(l->attn_k->type, row + (size_t)(first / type->block * type->bytes), n, w);
	for (int i = 0; i < n; i++) {
		double x = (double)w[i] * (double)floats(l->attn_norm)[first + i];
		sum += x * x;
	}
	return sum;
}

/* The mean square of element r of the layer's keys, for inputs of unit variance. */
static double mean_square(const struct job *job, const struct model_layer *l, int r)
{
	const struct hparams *h = &job->model->h;
	const uint8_t *row = l->attn_k->data + (size_t)r * l->attn_k->row_bytes;
	int pieces = h->embd / PIECE, seen = 0;
	double sum = 0;
	if (l->attn_k_norm) {
		double x = (double)floats(l->attn_k_norm)[r % h->head_k];
		return x * x;
	}
	for (int i = 0; i < PIECES && i < pieces; i++, seen += PIECE)
		sum += squares_of_piece(job, l, row, i * pieces / (PIECES < pieces ? PIECES : pieces) * PIECE, PIECE);
	if (pieces == 0) {
		sum = squares_of_piece(job, l, row, 0, h->embd);
		seen = h->embd;
	}
	sum *= (double)h->embd / seen;
	double bias = l->attn_k_bias ? (double)floats(l->attn_k_bias)[r] : 0;
	return sum + bias * bias;
}

/* The nearest power of two of a root mean square, as its exponent. 0 for what is no number. */
static int shift_of(double square)
{
	int shift;
	if (!(square > 0 && square <= 1e30))
		return 0;
	frexp(sqrt(2 * square), &shift);
	shift--;
	return shift > SHIFT_MOST ? SHIFT_MOST : shift < -SHIFT_MOST ? -SHIFT_MOST : shift;
}

static void layer_part(void *arg, int layer, int thread)
{
	const struct job *job = arg;
	const struct hparams *h = &job->model->h;
	const struct model_layer *l = &job->model->layer[layer];
	size_t first = (size_t)layer * (size_t)(h->heads_kv * h->head_k);
	double *square = xcalloc((size_t)h->head_k, sizeof(*square));
	for (int head = 0; head < h->heads_kv; head++, first += (size_t)h->head_k) {
		for (int i = 0; i < h->head_k; i++)
			square[i] = mean_square(job, l, head * h->head_k + i);
		for (int i = 0; i < h->rot / 2; i++) {
			bool pairs = h->rope_layout == ROPE_NORM;
			int a = pairs ? 2 * i : i, b = pairs ? a + 1 : i + h->rot / 2;
			square[a] = square[b] = (square[a] + square[b]) / 2;
		}
		for (int i = 0; i < h->head_k; i++) {
			int shift = shift_of(square[i]);
			job->balance->key[first + (size_t)i] = ldexpf(1, -shift);
			job->balance->query[first + (size_t)i] = ldexpf(1, shift);
		}
	}
	free(square);
}

void key_balance_init(struct key_balance *balance, const struct model *model, const struct kernels *kernels,
		      struct pool *pool)
{
	size_t count = (size_t)(model->h.layers * model->h.heads_kv * model->h.head_k);
	struct job job = {balance, model, kernels};
	balance->key = xcalloc(count, sizeof(*balance->key));
	balance->query = xcalloc(count, sizeof(*balance->query));
	/* In the pool even with one thread: only there is reading from the file guarded. */
	pool_run(pool, model->h.layers, layer_part, &job);
}

void key_balance_free(struct key_balance *balance)
{
	free(balance->key);
	free(balance->query);
	*balance = (struct key_balance){0};
}
