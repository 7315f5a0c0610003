#include "park.h"

#ifdef PARK_PORTABLE

void park_init(struct park *park)
{
	atomic_init(&park->word, 0);
	pthread_mutex_init(&park->lock, NULL);
	pthread_cond_init(&park->changed, NULL);
}

void park_destroy(struct park *park)
{
	pthread_cond_destroy(&park->changed);
	pthread_mutex_destroy(&park->lock);
}

void park_wait(struct park *park, uint32_t value)
{
	pthread_mutex_lock(&park->lock);
	if (atomic_load(&park->word) == value)
		pthread_cond_wait(&park->changed, &park->lock);
	pthread_mutex_unlock(&park->lock);
}

/* With the lock, so that nobody is between looking at the word and sleeping. */
void park_wake_one(struct park *park)
{
	pthread_mutex_lock(&park->lock);
	pthread_cond_signal(&park->changed);
	pthread_mutex_unlock(&park->lock);
}

void park_wake_all(struct park *park)
{
	pthread_mutex_lock(&park->lock);
	pthread_cond_broadcast(&park->changed);
	pthread_mutex_unlock(&park->lock);
}

#else

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void park_init(struct park *park)
{
	atomic_init(&park->word, 0);
}

void park_destroy(struct park *park)
{
}

void park_wait(struct park *park, uint32_t value)
{
	syscall(SYS_futex, &park->word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(struct park *park, int count)
{
	syscall(SYS_futex, &park->word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void park_wake_one(struct park *park)
{
	wake(park, 1);
}

void park_wake_all(struct park *park)
{
	wake(park, INT_MAX);
}

#endif
