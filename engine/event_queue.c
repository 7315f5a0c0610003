#include "event_queue.h"
#include "../xmalloc.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if !defined(__linux__) && !defined(EVENT_QUEUE_PORTABLE)
#define EVENT_QUEUE_PORTABLE
#endif
#ifndef EVENT_QUEUE_PORTABLE
#include <sys/eventfd.h>
#endif

/* Between two ends of requests at most LOADING, READY, LOADING, the first PROMPT, a
 * later PROMPT, TEXT and the end wait, because equal neighbours merge. The owner
 * takes the end before it submits again. */
enum { QUEUE_SIZE = 16 };

struct queued {
	struct engine_event event;
	struct buffer text;
};

struct event_queue {
	pthread_mutex_t lock;
	int fd, write_fd; /* an eventfd: both the same; or the ends of a pipe */
	bool signalled;   /* fd is readable */
	struct queued queued[QUEUE_SIZE];
	int first, count;
	struct buffer taken; /* the text handed out last */
};

static int open_descriptors(struct event_queue *queue)
{
#ifdef EVENT_QUEUE_PORTABLE
	int ends[2];
	if (pipe(ends) != 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		fcntl(ends[i], F_SETFD, FD_CLOEXEC);
		fcntl(ends[i], F_SETFL, O_NONBLOCK);
	}
	queue->fd = ends[0];
	queue->write_fd = ends[1];
	return 0;
#else
	queue->fd = queue->write_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return queue->fd < 0 ? -1 : 0;
#endif
}

int event_queue_create(struct event_queue **out, char *err, size_t errlen)
{
	struct event_queue *queue = xcalloc(1, sizeof(*queue));
	if (open_descriptors(queue)) {
		snprintf(err, errlen, "no descriptor for events: %s; close some files", strerror(errno));
		free(queue);
		return -1;
	}
	pthread_mutex_init(&queue->lock, NULL);
	*out = queue;
	return 0;
}

void event_queue_destroy(struct event_queue *queue)
{
	if (!queue)
		return;
	for (int i = 0; i < QUEUE_SIZE; i++)
		buffer_free(&queue->queued[i].text);
	buffer_free(&queue->taken);
	close(queue->fd);
	if (queue->write_fd != queue->fd)
		close(queue->write_fd);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

/* The first ENGINE_PROMPT of a request tells how much is reused and left out: it stays. */
static bool merges(const struct engine_event *last, const struct engine_event *next)
{
	if (last->type != next->type)
		return false;
	if (last->type == ENGINE_PROMPT)
		return last->done != (uint64_t)last->cached;
	return last->type == ENGINE_TEXT || last->type == ENGINE_LOADING;
}

static void wake(struct event_queue *queue)
{
	uint64_t one = 1;
	if (queue->signalled)
		return;
	queue->signalled = true;
	while (write(queue->write_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void event_queue_post(struct event_queue *queue, const struct engine_event *event)
{
	pthread_mutex_lock(&queue->lock);
	struct queued *last = NULL;
	if (queue->count)
		last = &queue->queued[(queue->first + queue->count - 1) % QUEUE_SIZE];
	if (!last || !merges(&last->event, event)) {
		assert(queue->count < QUEUE_SIZE);
		last = &queue->queued[(queue->first + queue->count++) % QUEUE_SIZE];
		buffer_clear(&last->text);
	}
	last->event = *event;
	if (event->text)
		buffer_append(&last->text, event->text, event->len);
	wake(queue);
	pthread_mutex_unlock(&queue->lock);
}

static void calm(struct event_queue *queue)
{
	uint64_t count;
	if (!queue->signalled)
		return;
	queue->signalled = false;
	while (read(queue->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

enum engine_event_type event_queue_take(struct event_queue *queue, struct engine_event *event)
{
	*event = (struct engine_event){.type = ENGINE_NONE};
	pthread_mutex_lock(&queue->lock);
	if (queue->count) {
		struct queued *next = &queue->queued[queue->first];
		struct buffer reuse = queue->taken;
		*event = next->event;
		queue->taken = next->text;
		next->text = reuse;
		event->text = queue->taken.data ? queue->taken.data : "";
		event->len = queue->taken.len;
		queue->first = (queue->first + 1) % QUEUE_SIZE;
		queue->count--;
	} else {
		calm(queue);
	}
	pthread_mutex_unlock(&queue->lock);
	return event->type;
}

int event_queue_fd(const struct event_queue *queue)
{
	return queue->fd;
}
