/* attach.h: files, folders and documents that go along with a message, fenced and named.
 *
 * Some were attached (/file, -f, /output), others are named in the message itself, @PATH or
 * @"PATH WITH SPACES". All are read and their tokens counted while one types; nothing waits. */
#ifndef ATTACH_H
#define ATTACH_H

#include "app.h"

void attach_file(struct app *, const char *path);
void attach_text(struct app *, const char *name, const char *text, size_t len); /* the output of a program */
void attach_remove(struct app *, int number);                                   /* of those attached, from 0 */
void attach_clear(struct app *);
int attach_count(const struct app *);               /* those attached, without those named in the message */
bool attach_any(const struct app *);                /* those named in the message, too */
char *attach_label(const struct app *, int number); /* "notes.txt (312 tokens)"; caller frees */
char *attach_line(const struct app *);              /* all of them, for the screen; NULL: none; caller frees */

void attach_input_changed(struct app *); /* other files may be named in it now */
void attach_recount(struct app *);       /* before the model is closed, for another */
void attach_tick(struct app *);
int attach_timeout(const struct app *); /* ms until the tick has something to do, -1: never */
/* Whether all that the message names, and what is attached, has been read. */
bool attach_ready(struct app *, const char *text, size_t len);
/* The message's text with all of that; what cannot be attached is said. Then nothing is attached any more. */
void attach_expand(struct app *, const char *text, size_t len, struct buffer *out);

/* The path that @ at pos names, without its punctuation when only that is there; *end gets where it ends. NULL:
 * none. Caller frees. */
char *attach_mentioned(const char *text, size_t len, size_t pos, size_t *end);

/* A whole regular file of at most most bytes. -1 with a line in err. */
int attach_read_file(const char *path, size_t most, struct buffer *out, char *err, size_t errlen);
char *attach_expand_home(const char *path); /* caller frees */

#endif
