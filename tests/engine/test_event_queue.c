#include "engine/event_queue.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char err[256];

static bool readable(struct event_queue *queue)
{
	struct pollfd fd = {.fd = event_queue_fd(queue), .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

static void post(struct event_queue *queue, enum engine_event_type type, const char *text, uint64_t done)
{
	struct engine_event event = {.type = type, .text = text, .len = text ? strlen(text) : 0, .done = done};
	event_queue_post(queue, &event);
}

static void test_merging(void **state)
{
	struct event_queue *queue;
	struct engine_event event;
	assert_int_equal(event_queue_create(&queue, err, sizeof(err)), 0);
	assert_false(readable(queue));
	for (int i = 0; i < 1000; i++)
		post(queue, ENGINE_LOADING, NULL, (uint64_t)i);
	post(queue, ENGINE_READY, NULL, 0);
	for (int i = 0; i <= 1000; i++)
		post(queue, ENGINE_PROMPT, NULL, (uint64_t)i); /* cached is 0: the first one stays */
	for (int i = 0; i < 1000; i++)
		post(queue, ENGINE_TEXT, "né", 0);
	post(queue, ENGINE_DONE, NULL, 0);
	assert_true(readable(queue));
	assert_int_equal(event_queue_take(queue, &event), ENGINE_LOADING);
	assert_int_equal(event.done, 999);
	assert_int_equal(event_queue_take(queue, &event), ENGINE_READY);
	assert_int_equal(event_queue_take(queue, &event), ENGINE_PROMPT);
	assert_int_equal(event.done, 0);
	assert_int_equal(event_queue_take(queue, &event), ENGINE_PROMPT);
	assert_int_equal(event.done, 1000);
	assert_int_equal(event_queue_take(queue, &event), ENGINE_TEXT);
	assert_int_equal(event.len, 3000);
	assert_memory_equal(event.text, "nénéné", 9);
	assert_int_equal(event_queue_take(queue, &event), ENGINE_DONE);
	assert_true(readable(queue));
	assert_int_equal(event_queue_take(queue, &event), ENGINE_NONE);
	assert_false(readable(queue));
	event_queue_destroy(queue);
}

static void *post_numbers(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%d ", i);
		post(arg, ENGINE_TEXT, text, 0);
	}
	post(arg, ENGINE_DONE, NULL, 0);
	return NULL;
}

/* Sleeping on the descriptor, the reader gets every byte in order and misses no wake-up. */
static void test_two_threads(void **state)
{
	struct event_queue *queue;
	struct engine_event event = {0};
	pthread_t thread;
	int next = 0, partial = 0;
	assert_int_equal(event_queue_create(&queue, err, sizeof(err)), 0);
	assert_int_equal(pthread_create(&thread, NULL, post_numbers, queue), 0);
	while (event.type != ENGINE_DONE) {
		struct pollfd fd = {.fd = event_queue_fd(queue), .events = POLLIN};
		assert_int_equal(poll(&fd, 1, 10000), 1);
		while (event_queue_take(queue, &event) != ENGINE_NONE && event.type != ENGINE_DONE)
			for (size_t i = 0; i < event.len; i++) {
				if (event.text[i] != ' ') {
					partial = partial * 10 + (event.text[i] - '0');
					continue;
				}
				assert_int_equal(partial, next++);
				partial = 0;
			}
	}
	assert_int_equal(next, 20000);
	pthread_join(thread, NULL);
	event_queue_destroy(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merging),
		cmocka_unit_test(test_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
