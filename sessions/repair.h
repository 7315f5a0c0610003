/* repair.h: from a damaged store to a sound one. */
#ifndef REPAIR_H
#define REPAIR_H

#include "store.h"

/* With the store locked alone and disconnected: sets sessions.db aside under a
 * name of its own and puts what could be read of it in its place. Each loss is a
 * line. *notice: one line for the person. The old file is never written to. */
int repair_salvage(struct sessions *, sessions_line_fn *line, void *arg, char **notice, char *err, size_t errlen);

/* A name that nothing has yet: sessions.db.WHAT-20260131-140200, with -2, -3… Caller frees. */
char *repair_aside_name(const char *path, const char *what);
/* With the store locked alone and disconnected: the file at `fresh` takes its place, and it the name `aside`. */
int repair_swap(struct sessions *, const char *fresh, const char *aside, char *err, size_t errlen);

/* Whether file, references and trees of messages are in order; the first fault decides. */
bool repair_looks_sound(struct sessions *);

#endif
