/* measure.h: log-probabilities of a text, and speed. On the generator thread. */
#ifndef MEASURE_H
#define MEASURE_H

#include "context.h"

/* Scores ids [count] in steps: each call computes the next few positions from `next` on. */
struct score {
	const int32_t *ids;
	int count, top;
	int next;                    /* first position not scored yet */
	int read_first, read_end;    /* positions whose hidden states are at hand */
	int done;                    /* positions scored by the last step */
	float *logits;               /* [step][vocab] */
	struct engine_score *result; /* [step] */
	int32_t *top_ids;            /* [step][top] */
	float *top_logprobs;
	struct candidate *candidates;
};

int score_begin(struct context *, void *score, char *err, size_t errlen);
int score_step(struct context *, void *score, char *err, size_t errlen);
void score_free(struct score *);

struct bench {
	int n_prompt, n_gen, n_depth;
	double seconds;
};
int bench_run(struct context *, void *bench, char *err, size_t errlen);

#endif
