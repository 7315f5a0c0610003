/* source.h: the places that pull_find() looks in; what they find fills a pull_source. */
#ifndef SOURCE_H
#define SOURCE_H

#include "http.h"

#include <cjson/cJSON.h>

/* what: USER/REPO[:QUANT|:FILE] */
int hub_find(struct http *, const char *what, struct pull_source *, char *err, size_t errlen);
/* The token of $HF_TOKEN or the hub's own token file, or NULL; caller frees. */
char *hub_token(void);
/* what: [OWNER/]NAME[:TAG] */
int registry_find(struct http *, const char *what, struct pull_source *, char *err, size_t errlen);

/* Makes source, with a name, the first of count files, and names the others. */
void source_add_parts(struct pull_source *source, int count);
/* What the servers say, as bytes that may be anything. hub_take: of the repository name at endpoint, the file that is
 * wanted, "" the best. registry_take: of the manifest whose layers are below base; file is the name to store it by, and
 * license gets the digest of its licence's layer, or "". */
int hub_take(const char *json, size_t len, const char *name, const char *wanted, const char *endpoint,
	     struct pull_source *, char *err, size_t errlen);
enum { DIGEST_MAX = sizeof("sha256:") + 64 };
int registry_take(const char *json, size_t len, const char *what, const char *base, const char *file,
		  struct pull_source *, char license[DIGEST_MAX], char *err, size_t errlen);
uint64_t source_bytes(const cJSON *number); /* 0: it cannot be a file's size */

/* A part of an address: letters, digits, and ._- inside. */
bool source_good_word(const char *word, size_t len);
char *source_endpoint(const char *variable, const char *fallback); /* without slashes at its end; caller frees */

#endif
