/* ahead.h: reading a conversation before it is sent.
 *
 * While nothing else is to be done, the generator thread reads what the next
 * request will surely begin with: the conversation so far and, of a message that
 * is being typed, the tokens that no continuation of it can change. */
#ifndef AHEAD_H
#define AHEAD_H

#include "context.h"

/* Reads in small steps until done or cancelled; what was read by then stays. The request's last message, if it is
 * the user's, is taken to be unfinished. */
void ahead_read(struct context *, const struct engine_request *);

/* How many bytes at the start of an unfinished text keep their tokens whatever follows: up to the last word. */
size_t ahead_stable(const char *text, size_t len);

#endif
