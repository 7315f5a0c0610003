/* kv_writer.h: a thread that brings the rows of a context into its file while the model goes on.
 *
 * Nothing is queued or copied for it: the rows lie in the cache, and the writer follows at its own
 * pace, a record at a time, half a second behind at most as long as the disk keeps up. A slow disk
 * makes it fall behind, a full one makes it stop, with a line in the log; the model never waits.
 * The one thing the owner of the cache must do is to call kv_writer_cut() before rows change.
 *
 * All functions are for the generator thread. */
#ifndef KV_WRITER_H
#define KV_WRITER_H

#include "kv_file.h"

struct kv_writer;

/* File and cache are borrowed. limit: bytes that the file may have; 0: any. NULL when no thread can be had. */
struct kv_writer *kv_writer_start(struct kv_file *, const struct kv_cache *, uint64_t limit);
/* Writes what waits, unless that takes more than a moment, and ends the thread. */
void kv_writer_stop(struct kv_writer *);
void kv_writer_limit(struct kv_writer *, uint64_t limit);

/* The cache now holds these ids (marked) and no others; what the file has of them is not written again. */
void kv_writer_follow(struct kv_writer *, const int32_t *ids, int count);
/* The rows of the next positions are in the cache. */
void kv_writer_add(struct kv_writer *, const int32_t *ids, int count);
/* Positions >= count are about to be overwritten or given back. */
void kv_writer_cut(struct kv_writer *, int count);
/* The logits [vocab] that follow slot->tokens, copied; a later call for the same number replaces an earlier one. */
void kv_writer_keep(struct kv_writer *, int number, const struct kv_slot *, const float *logits, int vocab);

/* In between the file's index may be looked at. */
void kv_writer_lock(struct kv_writer *);
void kv_writer_unlock(struct kv_writer *);
/* In between nothing is written. Waits for the write that is under way. */
void kv_writer_hold(struct kv_writer *);
void kv_writer_release(struct kv_writer *);
/* Drops this record, which is damaged, and all after it. Only while held. */
void kv_writer_drop(struct kv_writer *, int index);

#endif
