#include "rope.h"
#include "../xmalloc.h"

#include <math.h>
#include <stdlib.h>

/* The dimension pair that turns `turns` times within the trained context. */
static double yarn_pair(const struct hparams *h, double base, double turns)
{
	return h->rot * log(h->rope_ctx_original / (turns * 2 * M_PI)) / (2 * log(base));
}

/* How far pair i keeps its own frequency: 1 for those that turn fast, 0 for those that turn slowly. */
static double yarn_kept(const struct hparams *h, double base, int i)
{
	double low = floor(yarn_pair(h, base, h->yarn_beta_fast)), high = ceil(yarn_pair(h, base, h->yarn_beta_slow));
	low = fmax(low, 0);
	high = fmin(high, h->rot - 1);
	double ramp = (i - low) / fmax(0.001, high - low);
	return 1 - fmin(1, fmax(0, ramp));
}

void rope_init(struct rope *rope, const struct model *model, bool local)
{
	const struct hparams *h = &model->h;
	const float *divisor = model->rope_freqs ? (const float *)(const void *)model->rope_freqs->data : NULL;
	double base = local ? h->rope_base_local : h->rope_base;
	double scale = local || h->rope_scaling == ROPE_PLAIN || h->rope_factor <= 0 ? 1 : 1 / (double)h->rope_factor;
	bool yarn = !local && h->rope_scaling == ROPE_YARN;
	rope->half = h->rot / 2;
	rope->frequency = xcalloc((size_t)rope->half + 1, sizeof(*rope->frequency));
	rope->magnitude = yarn ? h->yarn_attn : 1;
	if (yarn && h->yarn_ext != 0)
		rope->magnitude *= 1 + 0.1 * log(1 / scale);
	for (int i = 0; i < rope->half; i++) {
		double plain = pow(base, -2.0 * i / h->rot);
		if (divisor)
			plain /= divisor[i];
		double kept = yarn ? yarn_kept(h, base, i) * h->yarn_ext : 0;
		rope->frequency[i] = plain * scale * (1 - kept) + plain * kept;
	}
}

void rope_free(struct rope *rope)
{
	free(rope->frequency);
	rope->frequency = NULL;
}

void rope_angles(const struct rope *rope, int position, float *cosine, float *sine)
{
	for (int i = 0; i < rope->half; i++) {
		double angle = position * rope->frequency[i];
		cosine[i] = (float)(cos(angle) * rope->magnitude);
		sine[i] = (float)(sin(angle) * rope->magnitude);
	}
}

static void rotate_pairs(const float *cosine, const float *sine, int half, float *x)
{
	for (int i = 0; i < half; i++) {
		float a = x[2 * i], b = x[2 * i + 1];
		x[2 * i] = a * cosine[i] - b * sine[i];
		x[2 * i + 1] = a * sine[i] + b * cosine[i];
	}
}

static void rotate_halves(const float *cosine, const float *sine, int half, float *x)
{
	for (int i = 0; i < half; i++) {
		float a = x[i], b = x[half + i];
		x[i] = a * cosine[i] - b * sine[i];
		x[half + i] = a * sine[i] + b * cosine[i];
	}
}

void rope_rotate(enum rope_layout layout, const float *cosine, const float *sine, int half, float *x)
{
	if (layout == ROPE_NORM)
		rotate_pairs(cosine, sine, half, x);
	else
		rotate_halves(cosine, sine, half, x);
}
