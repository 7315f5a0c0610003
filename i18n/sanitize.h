/* sanitize.h: the filter with a map back to the source; for this folder alone. */
#ifndef SANITIZE_H
#define SANITIZE_H

#include "i18n.h"

/* As i18n_sanitize; *map (caller frees) gets, for every byte of out and its end,
 * the source byte that it stands for. */
void sanitize_mapped(const char *text, size_t len, struct buffer *out, uint32_t **map);

#endif
