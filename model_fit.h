/* model_fit.h: the memory that a model needs, and whether this machine has it. */
#ifndef MODEL_FIT_H
#define MODEL_FIT_H

#include "engine/engine.h"

struct model_need {
	int ctx;          /* tokens of context that would be used */
	uint64_t weights; /* bytes */
	uint64_t context; /* bytes, when it is full */
	uint64_t free;    /* bytes; 0: not known */
};
void model_fit(const struct engine_file *, const struct engine_options *, struct model_need *);
bool model_fit_fits(const struct model_need *);

#endif
