/* recall.h: what of a prompt need not be read, since this context or its file has it.
 *
 * A context remembers which tokens it holds, which of them the model made itself, and the logits at
 * two places: the end of the last prompt and of the last answer. With a file (kv_file.h) attached,
 * all that is written down as well, and every branch of the conversation that is in the file can be
 * taken over, in this process or a later one. For the generator thread. */
#ifndef RECALL_H
#define RECALL_H

#include "context.h"

struct recall;

struct recall *recall_create(const struct context *);
void recall_destroy(struct recall *); /* writes what waits */

/* The file that goes with the coming prompts; NULL: none. limit: bytes it may have, 0: any. Never
 * fails: what is wrong goes to the log, and the context does without. */
void recall_attach(struct context *, const char *path, uint64_t limit);
/* Makes the context hold as much of the prompt as is known, and no more. What is left to read is
 * prompt from context->read.count on; nothing is left when the logits at its end are known too (they
 * are in context->logits then). Where the model spelled its own words with other tokens than the
 * prompt has, the prompt is changed to what it did read. */
void recall_take(struct context *, struct tokens *prompt);

enum recall_place { RECALL_PROMPT, RECALL_ANSWER };
void recall_keep(struct context *, enum recall_place); /* context->logits follow what was read */
/* What is known leads to values that are no numbers: the context is emptied, the file removed. */
void recall_forget(struct context *);

/* For context.c: tokens have been read (made: by the model's own choice); tokens from count on are about to go. */
void recall_added(struct context *, const int32_t *ids, int count, bool made);
void recall_cut(struct context *, int count);

#endif
