/* generator.h: the one thread that owns model and context.
 *
 * Its jobs: load, answer one request, or run one function for a caller who
 * waits. Between jobs it brings the weights into memory, reads ahead what the
 * next request will begin with, then sleeps. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include "context.h"
#include "event_queue.h"

struct generator;

/* Starts the thread, which begins to load. The queue is borrowed. */
int generator_create(struct generator **, const struct engine_options *, struct event_queue *, char *err,
		     size_t errlen);
void generator_destroy(struct generator *);                        /* cancels and joins */
int generator_wait(struct generator *, char *err, size_t errlen);  /* until loaded */
const struct context *generator_context(const struct generator *); /* NULL until loaded */
/* Queues a request. One at a time: the caller knows that none is under way. */
int generator_submit(struct generator *, const struct engine_request *, char *err, size_t errlen);
void generator_cancel(struct generator *);
/* Has this read ahead (ahead.h) in place of what was before; NULL: nothing any more. */
void generator_prepare(struct generator *, const struct engine_request *);

/* Runs fn on the generator thread once loaded and returns what it returned. */
typedef int generator_fn(struct context *, void *arg, char *err, size_t errlen);
int generator_call(struct generator *, generator_fn *, void *arg, char *err, size_t errlen);

#endif
