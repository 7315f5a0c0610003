/* pool.h: workers that compute rows in parallel with their caller.
 *
 * One pool per engine; only the generator thread calls pool_run(). Workers
 * spin a few microseconds, then sleep (park.h): an idle pool costs nothing,
 * and when other programs hold the cores nothing collapses. */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>

struct pool;

/* Called once for every part 0..parts-1, on some thread. thread: 0..threads-1,
 * for scratch memory. Parts are handed out dynamically, so results must not
 * depend on who computes what. */
typedef void pool_fn(void *arg, int part, int thread);

struct pool *pool_create(int threads); /* threads >= 1, the caller counts as one */
void pool_destroy(struct pool *);
int pool_threads(const struct pool *);
void pool_run(struct pool *, int parts, pool_fn *, void *arg); /* returns when all parts are done */
/* True when a part since the last call read from a file that has been cut short; what it was to compute is garbage. */
bool pool_faulted(struct pool *);
int pool_default_threads(void); /* cores.h */

#endif
