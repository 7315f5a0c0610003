/* The pool as it is built where there is no futex. */
#define PARK_PORTABLE
#include "engine/park.c"
#include "engine/pool.c"

#include "tests/engine/test_pool.c"
