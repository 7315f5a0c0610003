/* digest.h: SHA-256 over libcrypto. */
#ifndef DIGEST_H
#define DIGEST_H

#include "pull.h"

struct digest;
struct digest *digest_create(void);
void digest_add(struct digest *, const void *bytes, size_t len);
void digest_end(struct digest *, char hex[PULL_SHA256]); /* frees it; hex may be NULL */

#endif
