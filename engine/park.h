/* park.h: threads that wait for a word to change, asleep.
 *
 * On Linux a futex; elsewhere, or with PARK_PORTABLE defined, a lock and a
 * condition variable. Both ways a thread that finds the word changed already
 * does not sleep, and sleeping costs nothing. */
#ifndef PARK_H
#define PARK_H

#include <stdatomic.h>
#include <stdint.h>

#if !defined(__linux__) && !defined(PARK_PORTABLE)
#define PARK_PORTABLE
#endif

#ifdef PARK_PORTABLE
#include <pthread.h>
#endif

struct park {
	_Atomic uint32_t word;
#ifdef PARK_PORTABLE
	pthread_mutex_t lock;
	pthread_cond_t changed;
#endif
};

void park_init(struct park *); /* word 0 */
void park_destroy(struct park *);
void park_wait(struct park *, uint32_t value); /* returns at once unless the word is value; may return early */
void park_wake_one(struct park *);             /* after the word was changed */
void park_wake_all(struct park *);

#endif
