/* answer.h: one request from its messages to its end, on the generator thread. */
#ifndef ANSWER_H
#define ANSWER_H

#include "context.h"
#include "event_queue.h"

/* A request that owns its texts. */
struct answer_request {
	struct engine_request r;
	double submitted_ms; /* monotonic clock */
};

struct answer_request *answer_request_copy(const struct engine_request *);
void answer_request_free(struct answer_request *);

/* Posts ENGINE_PROMPT and ENGINE_TEXT, then ENGINE_DONE or ENGINE_ERROR. load_ms goes into the usage. */
void answer_run(struct context *, const struct answer_request *, struct event_queue *, double load_ms);

struct answer_cut {   /* what did not fit */
	int left_out; /* messages */
	int begins;   /* the first message behind those, by its index in the request; 0: nothing is left out */
};

/* The ids to read for a request. */
int answer_prompt(struct context *, const struct engine_request *, struct tokens *ids, struct answer_cut *, char *err,
		  size_t errlen);

double answer_clock_ms(void);

#endif
