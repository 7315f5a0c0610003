/* completion.h: what Tab offers: commands, their arguments, and files after @. */
#ifndef COMPLETION_H
#define COMPLETION_H

#include <stddef.h>

/* An editor_complete_fn; arg is the struct app. */
char **completion_candidates(void *arg, const char *line, size_t *word_start, size_t cursor);

#endif
