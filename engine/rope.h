/* rope.h: rotary position embedding: angles by position, and the rotation.
 *
 * Su et al., RoFormer (arXiv 2104.09864); YaRN: Peng et al. (arXiv 2309.00071). */
#ifndef ROPE_H
#define ROPE_H

#include "model.h"

/* Cosines and sines of one position. half = rot / 2. */
struct rope {
	int half;
	double *frequency; /* [half] radians a token, scaling included */
	double magnitude;  /* on cosine and sine: YaRN's attention factor */
};

/* local: for sliding layers, with their own base and no scaling. */
void rope_init(struct rope *, const struct model *, bool local);
void rope_free(struct rope *);
void rope_angles(const struct rope *, int position, float *cosine, float *sine); /* [half] each */
/* Rotates one head's x in place. */
void rope_rotate(enum rope_layout, const float *cosine, const float *sine, int half, float *x);

#endif
