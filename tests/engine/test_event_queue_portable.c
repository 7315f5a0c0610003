/* The queue as it is built where there is no eventfd. */
#define EVENT_QUEUE_PORTABLE
#include "engine/event_queue.c"

#include "tests/engine/test_event_queue.c"
