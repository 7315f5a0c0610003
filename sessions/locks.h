/* locks.h: who may write, across processes.
 *
 * sessions.lock holds no data worth keeping. Byte ranges of it are locked by the
 * kernel, so that a killed process leaves nothing behind: bytes 0..7 shared by
 * everybody who has the store open, alone by who repairs it; bytes 8*row.. alone
 * by the writer of that session, who also writes its process id there. */
#ifndef LOCKS_H
#define LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int locks_open(const char *dir); /* a descriptor, or -1 */
/* 0, or -1 when others have it (waits a moment for a repair to end). */
int locks_store(int fd, bool alone);
/* 0, or -1 with the holder's process id, 0 when that is unknown. */
int locks_session(int fd, int64_t row, int64_t *pid);
bool locks_session_free(int fd, int64_t row); /* nobody else writes it */
void locks_release(int fd, int64_t row);      /* row 0: the store's */

#endif
