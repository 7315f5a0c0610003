/* session_id.h: the IDs people type.
 *
 * Ten characters of 0-9 a-z without i l o u, five bits each: seven of the second
 * of creation, three drawn at random. They sort by age, and a store never issues
 * one that is not greater than the one before, whatever the clock does. */
#ifndef SESSION_ID_H
#define SESSION_ID_H

#include "store.h"

enum { SESSION_ID_LENGTH = 10 };

/* A new ID; within a transaction. */
int session_id_make(struct sessions *, int64_t now, char out[SESSION_ID_SIZE], char *err, size_t errlen);
/* An ID or the beginning of one as typed: capitals, o for 0, i and l for 1. -1: it is none. */
int session_id_normalise(const char *typed, char out[SESSION_ID_SIZE]);
bool session_id_valid(const char *id); /* whole, as issued */

#endif
