/* source.h: what a path stands for, as text for a message: a file, a folder's files, a document.
 *
 * Documents are made into text by other programs, and git lists what is in a repository: both
 * take time, so a source is worked on step by step and never waited for. */
#ifndef SOURCE_H
#define SOURCE_H

#include "../i18n/i18n.h"

struct source;
enum source_state { SOURCE_READING, SOURCE_READY, SOURCE_FAILED };

/* Begins to read. tr is for what is said and must outlive the source. */
struct source *source_open(const struct i18n *tr, const char *path);
void source_free(struct source *); /* at any time */
enum source_state source_step(struct source *);
enum source_state source_finish(struct source *); /* waits, at most a minute or so */

/* Ready: named and fenced, as it goes into a message. */
const char *source_text(const struct source *, size_t *len);
int source_files(const struct source *);           /* of a folder that are in it; 1 for others */
const char *source_warning(const struct source *); /* what was left out and why, a line; "" nothing */
const char *source_error(const struct source *);   /* failed: a line */

/* What people call bytes that are no text: "PNG", "PDF", else "binary". */
const char *source_kind(const char *bytes, size_t len);
/* A name and a text in a fence that it cannot close; name NULL: none. */
void source_fence(struct buffer *out, const char *name, const char *text, size_t len);

#endif
