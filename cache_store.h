/* cache_store.h: where what a model has read of each conversation is kept: one file a session, in the
 * folder cache beside the store. Only ever a cache: without it, the model reads again.
 *
 * Nothing here fails: what cannot be done is a line in the log. */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "options.h"

/* Bytes that all files may have together; 0: none are to be made. */
uint64_t cache_limit(const struct options *);
char *cache_path(const char *session_id);          /* caller frees; NULL: nothing can be kept */
uint64_t cache_bytes(const char *session_id);      /* 0: the session is cold */
void cache_remove(const char *session_id);         /* with its session */
void cache_fork(const char *from, const char *to); /* a fork has what its parent had, at no cost */
/* Removes what was used longest ago until the rest fits. Files that a program has open stay. */
void cache_trim(uint64_t limit);

#endif
