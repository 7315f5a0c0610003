/* attach.h: files that go along with a message, fenced and named. */
#ifndef ATTACH_H
#define ATTACH_H

#include "app.h"

/* Reads a text file and keeps it for the next message; says so, with its size in
 * tokens when the model is there to count. A failure becomes a note. */
void attach_file(struct app *, const char *path);
/* text, then what has been attached, then each file that a word @FILE names. */
void attach_expand(struct app *, const char *text, size_t len, struct buffer *out);

/* One file's text as it goes into a message. -1 with a line in err. */
int attach_read(const char *path, struct buffer *out, char *err, size_t errlen);
/* A whole regular file of at most most bytes. */
int attach_read_file(const char *path, size_t most, struct buffer *out, char *err, size_t errlen);

/* Text that goes along with the next message, in a fence. */
void attach_text(struct app *, const char *text, size_t len);

#endif
