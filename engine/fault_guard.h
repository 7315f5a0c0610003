/* fault_guard.h: reading a mapped file that somebody cuts short raises SIGBUS;
 * here it ends a piece of work instead of the program. */
#ifndef FAULT_GUARD_H
#define FAULT_GUARD_H

#include <stdbool.h>

/* Catches SIGBUS from now on, in guarded work only: elsewhere it does what it did
 * before. Called once an engine; again is harmless. */
void fault_guard_install(void);

/* Runs fn(arg). False when it touched memory that is not there any more; what it
 * had written by then stays written. fn must hold no lock and free nothing. Nests
 * not at all. */
bool fault_guard_run(void (*fn)(void *arg), void *arg);

#endif
