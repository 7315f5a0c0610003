/* search.h: the index, kept by those who change messages. All within a transaction. */
#ifndef SEARCH_H
#define SEARCH_H

#include "store.h"

int search_add(struct sessions *, int64_t message, const char *content, size_t len, char *err, size_t errlen);
/* Indexes a message as it is stored, and marks it so. */
int search_index_stored(struct sessions *, int64_t message, char *err, size_t errlen);
int search_remove(struct sessions *, int64_t message, char *err, size_t errlen); /* one that is not indexed: nothing */
int search_forget(struct sessions *, int64_t session_row, char *err, size_t errlen); /* all of a session's */
/* Notes by which rules terms are made, in a store that has none yet. */
int search_stamp(struct sessions *, char *err, size_t errlen);

#endif
