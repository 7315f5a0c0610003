/* counter.h: how many tokens a text has, counted on a thread of its own: megabytes take a while, and the screen never
 * waits for them. */
#ifndef COUNTER_H
#define COUNTER_H

#include "../engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counter;

/* Begins to count, by the model's own tokenizer. The engine, its model loaded, and the text must outlive the counter.
 * NULL: there is no thread to be had now. */
struct counter *counter_start(const struct engine *, const char *text, size_t len);
void counter_free(struct counter *);                        /* at any time; waits for a piece of 32 kB at most */
bool counter_done(const struct counter *, int64_t *tokens); /* false: not yet */
int64_t counter_wait(struct counter *);                     /* until it is done; the tokens */

#endif
