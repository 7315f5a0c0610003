#include "counter.h"

#include "../xmalloc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 32768 }; /* bytes between two looks at whether to stop */

struct counter {
	const struct engine *engine;
	const char *text;
	size_t len;
	pthread_t thread;
	bool joined;
	atomic_bool stop, done;
	int64_t tokens; /* the thread's own until it is done */
};

/* Ends between lines, before a letter: no tokenizer joins what stands on both sides. */
static size_t piece_end(const char *text, size_t len, size_t from)
{
	size_t end = from + AT_ONCE;
	if (end >= len)
		return len;
	for (size_t at = end; at > from + 1; at--)
		if (text[at - 1] == '\n' && !strchr(" \t\r\n", text[at]))
			return at;
	while (end < len && ((unsigned char)text[end] & 0xC0) == 0x80)
		end++;
	return end;
}

static void *count(void *arg)
{
	struct counter *c = arg;
	char err[256];
	for (size_t from = 0, end; from < c->len && !atomic_load(&c->stop); from = end) {
		int32_t *ids = NULL;
		size_t count = 0;
		end = piece_end(c->text, c->len, from);
		if (engine_tokenize(c->engine, c->text + from, end - from, 0, &ids, &count, err, sizeof(err)) == 0)
			c->tokens += (int64_t)count;
		free(ids);
	}
	atomic_store(&c->done, true);
	return NULL;
}

struct counter *counter_start(const struct engine *engine, const char *text, size_t len)
{
	struct counter *c = xcalloc(1, sizeof(*c));
	sigset_t all, before;
	c->engine = engine;
	c->text = text;
	c->len = len;
	sigfillset(&all); /* signals are for the main thread */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&c->thread, NULL, count, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed)
		return c;
	free(c);
	return NULL;
}

static void join(struct counter *c)
{
	if (!c->joined)
		pthread_join(c->thread, NULL);
	c->joined = true;
}

void counter_free(struct counter *c)
{
	if (!c)
		return;
	atomic_store(&c->stop, true);
	join(c);
	free(c);
}

bool counter_done(const struct counter *c, int64_t *tokens)
{
	if (!atomic_load(&c->done))
		return false;
	*tokens = c->tokens;
	return true;
}

int64_t counter_wait(struct counter *c)
{
	join(c);
	return c->tokens;
}
