/* document.h: the text of a document, made by whichever program for its kind is installed.
 *
 * It runs in the sandbox, on a copy, without a shell: a document is made by whoever. */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "../xmalloc.h"

#include <stdbool.h>
#include <stddef.h>

struct document;

bool document_known(const char *path);  /* by its ending */
char *document_wants(const char *path); /* "poppler-utils (pdftotext)": any of these would do; caller frees */

/* -1: no program for it is installed (*out NULL, err ""), or err says what failed. */
int document_start(struct document **out, const char *path, char *err, size_t errlen);
/* Whether it has ended, well or not. */
bool document_step(struct document *);
/* Its text, when it has ended well; else NULL with err filled: what the program said. */
const char *document_text(const struct document *, size_t *len);
const char *document_error(const struct document *);
void document_free(struct document *); /* at any time */

#endif
