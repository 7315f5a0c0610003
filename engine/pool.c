#include "pool.h"
#include "cores.h"
#include "fault_guard.h"
#include "park.h"
#include "../xmalloc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* About 20 microseconds of pauses before a thread sleeps: longer than the caller
 * needs between two runs of one layer, far shorter than a scheduler's slice. */
enum { SPINS = 1000, THREADS_MAX = 1024 };

/* One run is a countdown of parts. The word `left` holds the run's number and the
 * parts nobody has taken yet; a part is taken by a compare-and-swap of both, so a
 * worker that wakes too late for its run cannot take part in it, and no run waits
 * for workers that the system has not scheduled. fn, arg and parts are stable
 * while a taken part is unfinished. */
struct pool {
	int threads;
	pthread_t *worker; /* [threads - 1] */
	pool_fn *fn;
	void *arg;
	int parts;
	_Atomic uint64_t left;     /* run number << 32 | parts not taken */
	struct park unfinished;    /* parts not finished; the caller sleeps on it */
	struct park signal;        /* counts runs; workers sleep on it */
	_Atomic uint32_t sleepers; /* workers that sleep or are about to */
	_Atomic bool caller_sleeps, stop, faulted;
};

struct worker_start {
	struct pool *pool;
	int thread;
};

static inline void pause_briefly(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* The next part of the current run, or -1 when all are taken. */
static int take_part(struct pool *pool)
{
	uint64_t left = atomic_load_explicit(&pool->left, memory_order_acquire);
	while ((uint32_t)left) {
		if (atomic_compare_exchange_weak_explicit(&pool->left, &left, left - 1, memory_order_acq_rel,
							  memory_order_acquire))
			return pool->parts - (int)(uint32_t)left;
	}
	return -1;
}

struct one_part {
	pool_fn *fn;
	void *arg;
	int part, thread;
};

static void run_part(void *arg)
{
	const struct one_part *one = arg;
	one->fn(one->arg, one->part, one->thread);
}

static void guarded_part(struct pool *pool, pool_fn *fn, void *arg, int part, int thread)
{
	struct one_part one = {fn, arg, part, thread};
	if (!fault_guard_run(run_part, &one))
		atomic_store(&pool->faulted, true);
}

bool pool_faulted(struct pool *pool)
{
	return atomic_exchange(&pool->faulted, false);
}

static void compute(struct pool *pool, int thread)
{
	for (int part; (part = take_part(pool)) >= 0;) {
		guarded_part(pool, pool->fn, pool->arg, part, thread);
		if (atomic_fetch_sub(&pool->unfinished.word, 1) == 1 && atomic_load(&pool->caller_sleeps))
			park_wake_one(&pool->unfinished);
	}
}

/* Returns when a run newer than `seen` has begun, or the pool stops. */
static void wait_for_run(struct pool *pool, uint32_t seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&pool->signal.word, memory_order_acquire) != seen)
			return;
		pause_briefly();
	}
	atomic_fetch_add(&pool->sleepers, 1);
	while (atomic_load(&pool->signal.word) == seen)
		park_wait(&pool->signal, seen);
	atomic_fetch_sub(&pool->sleepers, 1);
}

static void *work(void *arg)
{
	struct worker_start start = *(struct worker_start *)arg;
	free(arg);
	uint32_t seen = 0;
	for (;;) {
		wait_for_run(start.pool, seen);
		seen = atomic_load(&start.pool->signal.word);
		if (atomic_load(&start.pool->stop))
			return NULL;
		compute(start.pool, start.thread);
	}
}

static void announce(struct pool *pool)
{
	atomic_fetch_add(&pool->signal.word, 1);
	if (atomic_load(&pool->sleepers))
		park_wake_all(&pool->signal);
}

struct pool *pool_create(int threads)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));
	threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
	park_init(&pool->unfinished);
	park_init(&pool->signal);
	pool->threads = 1;
	pool->worker = xcalloc((size_t)threads, sizeof(*pool->worker));
	while (pool->threads < threads) {
		struct worker_start *start = xmalloc(sizeof(*start));
		*start = (struct worker_start){pool, pool->threads};
		if (pthread_create(&pool->worker[pool->threads - 1], NULL, work, start) != 0) {
			free(start);
			break; /* fewer threads than asked for still compute the same */
		}
		pool->threads++;
	}
	return pool;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	atomic_store(&pool->stop, true);
	announce(pool);
	for (int i = 0; i < pool->threads - 1; i++)
		pthread_join(pool->worker[i], NULL);
	park_destroy(&pool->unfinished);
	park_destroy(&pool->signal);
	free(pool->worker);
	free(pool);
}

int pool_threads(const struct pool *pool)
{
	return pool->threads;
}

static void wait_until_finished(struct pool *pool)
{
	uint32_t unfinished;
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&pool->unfinished.word, memory_order_acquire) == 0)
			return;
		pause_briefly();
	}
	atomic_store(&pool->caller_sleeps, true);
	while ((unfinished = atomic_load(&pool->unfinished.word)) != 0)
		park_wait(&pool->unfinished, unfinished);
	atomic_store(&pool->caller_sleeps, false);
}

void pool_run(struct pool *pool, int parts, pool_fn *fn, void *arg)
{
	if (pool->threads == 1 || parts <= 1) {
		for (int part = 0; part < parts; part++)
			guarded_part(pool, fn, arg, part, 0);
		return;
	}
	pool->fn = fn;
	pool->arg = arg;
	pool->parts = parts;
	atomic_store(&pool->unfinished.word, (uint32_t)parts);
	uint64_t run = (atomic_load_explicit(&pool->left, memory_order_relaxed) >> 32) + 1;
	atomic_store(&pool->left, run << 32 | (uint32_t)parts);
	announce(pool);
	compute(pool, 0);
	wait_until_finished(pool);
}

int pool_default_threads(void)
{
	int threads = cores_useful();
	return threads > THREADS_MAX ? THREADS_MAX : threads;
}
