/* event_queue.h: what the generator thread has to say to the engine's owner.
 *
 * One thread posts, one takes. Progress is merged when the reader is slow and
 * text is joined, so the queue stays small however long nobody reads; text,
 * READY, DONE and ERROR are never dropped. */
#ifndef EVENT_QUEUE_H
#define EVENT_QUEUE_H

#include "engine.h"

struct event_queue;

int event_queue_create(struct event_queue **, char *err, size_t errlen);
void event_queue_destroy(struct event_queue *);
void event_queue_post(struct event_queue *, const struct engine_event *); /* text is copied */
enum engine_event_type event_queue_take(struct event_queue *, struct engine_event *);
int event_queue_fd(const struct event_queue *); /* readable while events wait */

#endif
