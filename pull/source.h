/* source.h: the places that pull_find() looks in; what they find fills a pull_source. */
#ifndef SOURCE_H
#define SOURCE_H

#include "http.h"

/* what: USER/REPO[:QUANT|:FILE] */
int hub_find(struct http *, const char *what, struct pull_source *, char *err, size_t errlen);
/* The token of $HF_TOKEN or the hub's own token file, or NULL; caller frees. */
char *hub_token(void);
/* what: [OWNER/]NAME[:TAG] */
int registry_find(struct http *, const char *what, struct pull_source *, char *err, size_t errlen);

/* Makes source, with a name, the first of count files, and names the others. */
void source_add_parts(struct pull_source *source, int count);
/* A part of an address: letters, digits, and ._- inside. */
bool source_good_word(const char *word, size_t len);
char *source_endpoint(const char *variable, const char *fallback); /* without slashes at its end; caller frees */

#endif
