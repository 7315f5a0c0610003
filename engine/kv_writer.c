#include "kv_writer.h"
#include "../log.h"
#include "../xmalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	GATHER_MS = 500, /* tokens come one by one: as many as this brings share a record */
	SYNC_MS = 1000,  /* written is on the disk after this */
	STOP_MS = 2000,  /* what a slow disk may still take when the program ends */
};

struct pending_slot {
	bool waits;
	struct kv_slot slot;
	float *logits;
};

struct kv_writer {
	pthread_t thread;
	struct kv_file *file; /* its index: under lock, but for reading by the writer */
	const struct kv_cache *cache;
	int most; /* positions a record */

	pthread_mutex_t rows; /* held while rows are copied out of the cache; taken after lock */
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake, idle;
	bool stop, failed, writing, hold;
	uint64_t limit;
	struct tokens ids; /* marked, of all positions in the cache */
	int written;       /* of them */
	int tip;           /* the record that holds the last written one; -1: none */
	unsigned branch;   /* counts changes of what was there before */
	struct pending_slot slot[KV_FILE_SLOTS];
	int64_t waiting_since, unsynced_since, stop_at; /* ms; 0: nothing is */
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

/* --- The thread, with the lock held between steps ------------------------------------------------ */

static int waiting(const struct kv_writer *w)
{
	return (int)w->ids.count - w->written;
}

static void give_up(struct kv_writer *w, const char *why)
{
	log_write("%s; what is read from now on is not kept", why);
	w->failed = true;
	pthread_cond_broadcast(&w->idle);
}

/* Records from index on go; what is still in the cache of them is written again. */
static void drop(struct kv_writer *w, int index)
{
	while (w->tip >= index) {
		const struct kv_record *r = kv_file_record(w->file, w->tip);
		w->written = r->first;
		w->tip = r->parent;
	}
	w->branch++;
	kv_file_cut(w->file, index);
}

/* The first record that the conversation does not go through from its beginning to its end. */
static int first_left_behind(const struct kv_writer *w)
{
	int count = kv_file_count(w->file), at = w->tip, end = w->written, first = 0;
	bool *whole = xcalloc((size_t)count + 1, sizeof(*whole));
	while (at >= 0) {
		const struct kv_record *r = kv_file_record(w->file, at);
		whole[at] = r->first + r->count == end;
		end = r->first;
		at = r->parent;
	}
	while (first < count && whole[first])
		first++;
	free(whole);
	return first;
}

/* The file has reached its limit: branches that nobody is on make room, and what was written after
 * the first of them is written again. False when there are none. */
static bool make_room(struct kv_writer *w)
{
	int first = first_left_behind(w);
	if (first == kv_file_count(w->file))
		return false;
	drop(w, first);
	log_write("%s: at its limit; branches left behind are dropped", kv_file_path(w->file));
	return true;
}

static void write_record(struct kv_writer *w)
{
	char err[512];
	int count = waiting(w) < w->most ? waiting(w) : w->most;
	size_t bytes = kv_file_record_bytes(w->file, count);
	if (w->limit && kv_file_bytes(w->file) + bytes > w->limit) {
		if (!make_room(w)) {
			snprintf(err, sizeof(err), "%s: at its limit of %llu MiB", kv_file_path(w->file),
				 (unsigned long long)(w->limit >> 20));
			give_up(w, err);
		}
		return;
	}
	struct kv_record record = {.first = w->written, .count = count, .parent = w->tip};
	unsigned branch = w->branch;
	int32_t *ids = xmalloc((size_t)count * sizeof(*ids));
	memcpy(ids, w->ids.ids + w->written, (size_t)count * sizeof(*ids));
	uint8_t *memory = xmalloc(bytes);
	pthread_mutex_lock(&w->rows);
	pthread_mutex_unlock(&w->lock);
	kv_file_gather(w->file, w->cache, record.first, count, memory);
	pthread_mutex_unlock(&w->rows);
	int failed = kv_file_write(w->file, &record, ids, memory, err, sizeof(err));
	pthread_mutex_lock(&w->lock);
	if (failed) {
		give_up(w, err);
	} else {
		int number = kv_file_commit(w->file, &record, ids);
		if (w->branch == branch) {
			w->tip = number;
			w->written += count;
		}
	}
	free(memory);
	free(ids);
}

static struct pending_slot *waiting_slot(struct kv_writer *w)
{
	for (int i = 0; i < KV_FILE_SLOTS; i++)
		if (w->slot[i].waits)
			return &w->slot[i];
	return NULL;
}

static void write_slot(struct kv_writer *w, struct pending_slot *pending)
{
	char err[512];
	struct kv_slot slot = pending->slot;
	float *logits = pending->logits;
	pending->waits = false;
	pending->logits = NULL;
	pthread_mutex_unlock(&w->lock);
	int failed = kv_file_write_slot(w->file, (int)(pending - w->slot), &slot, logits, err, sizeof(err));
	free(logits);
	pthread_mutex_lock(&w->lock);
	if (failed)
		give_up(w, err);
}

static void sync_file(struct kv_writer *w)
{
	w->unsynced_since = 0;
	pthread_mutex_unlock(&w->lock);
	int failed = kv_file_sync(w->file), problem = errno;
	pthread_mutex_lock(&w->lock);
	if (failed)
		give_up(w, strerror(problem));
}

static void sleep_until(struct kv_writer *w, int64_t when)
{
	if (!when) {
		pthread_cond_wait(&w->wake, &w->lock);
		return;
	}
	when--;
	struct timespec t = {.tv_sec = when / 1000, .tv_nsec = when % 1000 * 1000000};
	pthread_cond_timedwait(&w->wake, &w->lock, &t);
}

/* One thing that is due, or a sleep until something is. False: the end. */
static bool step(struct kv_writer *w)
{
	int64_t now = now_ms(), records_due = waiting(w) ? w->waiting_since + GATHER_MS : 0;
	int64_t sync_due = w->unsynced_since ? w->unsynced_since + SYNC_MS : 0;
	struct pending_slot *slot = waiting_slot(w);
	if (w->hold) {
		sleep_until(w, 0);
		return true;
	}
	if (w->failed || (w->stop && now > w->stop_at)) {
		if (w->stop)
			return false;
		sleep_until(w, 0);
		return true;
	}
	bool record = waiting(w) && (w->stop || slot || waiting(w) >= w->most || now >= records_due);
	w->writing = true;
	if (record || slot) {
		if (!w->unsynced_since)
			w->unsynced_since = now;
		if (record) {
			write_record(w);
			w->waiting_since = now_ms();
		} else {
			write_slot(w, slot);
		}
	} else if (sync_due && (w->stop || now >= sync_due)) {
		sync_file(w);
	} else if (w->stop) {
		return false;
	} else {
		w->writing = false;
		pthread_cond_broadcast(&w->idle);
		sleep_until(w, records_due && (!sync_due || records_due < sync_due) ? records_due : sync_due);
	}
	w->writing = false;
	pthread_cond_broadcast(&w->idle);
	return true;
}

static void *write_all(void *arg)
{
	struct kv_writer *w = arg;
	pthread_mutex_lock(&w->lock);
	while (step(w))
		;
	if (waiting(w) && !w->failed)
		log_write("%s: the disk is too slow: %d tokens are not kept", kv_file_path(w->file), waiting(w));
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- Called by the generator -------------------------------------------------------------------- */

static void free_writer(struct kv_writer *w)
{
	for (int i = 0; i < KV_FILE_SLOTS; i++)
		free(w->slot[i].logits);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->rows);
	tokens_free(&w->ids);
	free(w);
}

struct kv_writer *kv_writer_start(struct kv_file *file, const struct kv_cache *cache, uint64_t limit)
{
	struct kv_writer *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_cond_init(&w->idle, NULL);
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->rows, NULL);
	w->file = file;
	w->cache = cache;
	w->limit = limit;
	w->tip = -1;
	w->most = kv_file_useful_count(file);
	if (pthread_create(&w->thread, NULL, write_all, w)) {
		free_writer(w);
		return NULL;
	}
	return w;
}

void kv_writer_stop(struct kv_writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	w->stop_at = now_ms() + STOP_MS;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	free_writer(w);
}

void kv_writer_limit(struct kv_writer *w, uint64_t limit)
{
	pthread_mutex_lock(&w->lock);
	w->limit = limit;
	pthread_mutex_unlock(&w->lock);
}

static bool same_ids(const struct kv_writer *w, const int32_t *ids, int count)
{
	return w->ids.count == (size_t)count &&
	       (count == 0 || memcmp(w->ids.ids, ids, (size_t)count * sizeof(*ids)) == 0);
}

void kv_writer_follow(struct kv_writer *w, const int32_t *ids, int count)
{
	pthread_mutex_lock(&w->lock);
	if (!same_ids(w, ids, count)) {
		w->branch++;
		w->ids.count = 0;
		for (int i = 0; i < count; i++)
			tokens_append(&w->ids, ids[i]);
		w->written = kv_file_find(w->file, ids, count, &w->tip);
		w->waiting_since = now_ms();
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
}

/* The writer is woken to look at the clock, and again when there is a record's worth. */
void kv_writer_add(struct kv_writer *w, const int32_t *ids, int count)
{
	pthread_mutex_lock(&w->lock);
	int before = waiting(w);
	for (int i = 0; i < count; i++)
		tokens_append(&w->ids, ids[i]);
	if (before == 0)
		w->waiting_since = now_ms();
	if (before == 0 || (before < w->most && waiting(w) >= w->most))
		pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void kv_writer_cut(struct kv_writer *w, int count)
{
	pthread_mutex_lock(&w->lock);
	if (w->ids.count > (size_t)count) {
		w->branch++;
		w->ids.count = (size_t)count;
		if (w->written > count) {
			w->written = count;
			w->tip = kv_file_holder(w->file, w->tip, count - 1);
		}
	}
	pthread_mutex_unlock(&w->lock);
	/* Rows may be on their way out of the cache: */
	pthread_mutex_lock(&w->rows);
	pthread_mutex_unlock(&w->rows);
}

void kv_writer_keep(struct kv_writer *w, int number, const struct kv_slot *slot, const float *logits, int vocab)
{
	struct pending_slot *pending = &w->slot[number];
	float *copy = xmalloc((size_t)vocab * sizeof(*copy));
	memcpy(copy, logits, (size_t)vocab * sizeof(*copy));
	pthread_mutex_lock(&w->lock);
	free(pending->logits);
	*pending = (struct pending_slot){true, *slot, copy};
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void kv_writer_lock(struct kv_writer *w)
{
	pthread_mutex_lock(&w->lock);
}

void kv_writer_unlock(struct kv_writer *w)
{
	pthread_mutex_unlock(&w->lock);
}

void kv_writer_hold(struct kv_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->hold = true;
	while (w->writing)
		pthread_cond_wait(&w->idle, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void kv_writer_release(struct kv_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->hold = false;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void kv_writer_drop(struct kv_writer *w, int index)
{
	pthread_mutex_lock(&w->lock);
	drop(w, index);
	pthread_mutex_unlock(&w->lock);
}
