/* weights.h: brings a model's weights into memory, in chunks between other work: first the file's pages, so that a prompt
 * can be read at once, then copies of them in huge pages, which take some seconds and make what follows quicker. */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "gguf.h"

struct weights {
	const uint8_t *file; /* the next of the file's pages that is not brought in */
	size_t file_left, total;
	uint8_t *copy; /* the next page without a copy */
	size_t copy_left;
};

void weights_plan(struct weights *, const struct gguf *);
/* One chunk of the file's pages. False: all are there, or cannot be had before they are used. */
bool weights_bring_in(struct weights *);
/* One chunk of copies, of pages that have been brought in; nobody may be reading weights. False: nothing is left to do. */
bool weights_copy(struct weights *);

#endif
