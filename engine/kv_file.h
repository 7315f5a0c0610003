/* kv_file.h: keys and values of read tokens in a file, so that nobody computes them twice.
 *
 * The file is a header, two slots, and records up to its end, all little endian:
 *
 *   header  "BORA-KV\n", u32 version, u32 KV type, char fingerprint[32] of the model, u32 layers,
 *           KV heads, head_k, head_v, bytes of a key row, of a value row, vocabulary, u32 0, u64 sum;
 *           zeros up to KV_FILE_PAGE
 *   slot    u64 sum, u64 sum of the ids, u32 tokens, u32 messages left out, u32 turn, u32 0, u64 0[4],
 *           float logits[vocabulary]; zeros to a multiple of KV_FILE_PAGE
 *   record  u32 "KVR1", u32 count, u32 first, u32 parent, u64 its own offset, u64 sum of the rows,
 *           u64 sum of all this and the ids, u32 id[count], zeros to a multiple of 8,
 *           rows: keys [layer][head][count], then values [layer][head][count]
 *
 * A record holds the rows of positions first..first+count-1 for the ids it names. Records form a
 * tree: what stands before `first` is in the parent (the number of an earlier record), the parent's
 * parent and so on; a record may branch off in the middle of its parent. So regenerated and edited
 * turns add branches, and the old ones stay. Bit 31 of an id: the model made this token itself.
 * Rows are the same bits with any kernel set, thread count and batch, so they are right for all.
 *
 * Nothing in a file is trusted: numbers are bounded by the file's size and the model's shape before
 * they are used, records that do not add up end the file. A file of another model, KV type or
 * version is emptied. One process at a time may write; it holds a lock on the file. Changing the
 * index (kv_file_commit, _cut) and looking at it must not happen at once; reading rows may. */
#ifndef KV_FILE_H
#define KV_FILE_H

#include "kv_cache.h"
#include "tokenizer.h"

#include <stdbool.h>

enum { KV_FILE_VERSION = 1, KV_FILE_PAGE = 4096, KV_FILE_SLOTS = 2, KV_RECORD_MOST = 4096 };

/* Ids carry a mark when the model made them. */
#define KV_MADE INT32_MIN
static inline int32_t kv_id(int32_t marked)
{
	return marked & INT32_MAX;
}

struct kv_file;

/* What a file must have been written for. */
struct kv_file_kind {
	char fingerprint[33];
	struct kv_shape shape; /* positions does not matter */
	int vocab;
};

struct kv_record {
	uint64_t offset, rows_sum;
	int first, count;
	int parent; /* -1: none */
	size_t ids; /* where its ids begin, for kv_file_ids() */
};

struct kv_slot {
	uint64_t ids_sum; /* kv_file_sum() of the tokens that the logits follow */
	int tokens, left_out, turn;
};

/* Opens or makes the file, takes the lock, reads the index. -1 when there can be no such file; what
 * is wrong with one that is there goes to the log, and it is emptied. */
int kv_file_open(struct kv_file **, const char *path, const struct kv_file_kind *, char *err, size_t errlen);
void kv_file_close(struct kv_file *);          /* a file without records is removed */
bool kv_file_writable(const struct kv_file *); /* false: another process writes it, or nobody may */
bool kv_file_current(const struct kv_file *);  /* the path still leads to this file */
const char *kv_file_path(const struct kv_file *);
uint64_t kv_file_bytes(const struct kv_file *);

int kv_file_count(const struct kv_file *); /* of records */
const struct kv_record *kv_file_record(const struct kv_file *, int index);
/* The marked ids from position 0 to the end of a record. */
void kv_file_branch(const struct kv_file *, int index, struct tokens *out);
/* How many of the first ids are in the file, and the record that holds the last of them (-1: none). */
int kv_file_find(const struct kv_file *, const int32_t *ids, int count, int *record);
/* The record that holds position last of the branch that ends in index; -1 for last < 0. */
int kv_file_holder(const struct kv_file *, int index, int last);
uint64_t kv_file_sum(const int32_t *ids, int count); /* marks do not count */

/* --- Rows ------------------------------------------------------------------------------------ */

int kv_file_useful_count(const struct kv_file *);               /* positions a record is best written with */
size_t kv_file_record_bytes(const struct kv_file *, int count); /* of a record in memory and file */
/* Rows of the cache into a record in memory, and of positions from..to-1 of one back into the cache. */
void kv_file_gather(const struct kv_file *, const struct kv_cache *, int first, int count, uint8_t *record);
void kv_file_scatter(const struct kv_file *, const struct kv_record *, const uint8_t *record, int from, int to,
		     struct kv_cache *);
/* Reads and checks a record's rows into kv_file_record_bytes() at record. -1: not what was written. */
int kv_file_read(const struct kv_file *, const struct kv_record *, uint8_t *record);

/* --- Writing. On failure the file is as it was. ------------------------------------------------ */

/* Completes and writes a gathered record at the end of the file; kv_file_commit() then makes it part of the index. */
int kv_file_write(struct kv_file *, struct kv_record *, const int32_t *ids, uint8_t *record, char *err, size_t errlen);
int kv_file_commit(struct kv_file *, const struct kv_record *, const int32_t *ids); /* its number */
void kv_file_cut(struct kv_file *, int index); /* drops this record and all that were written after it */
int kv_file_sync(struct kv_file *);

/* logits [vocabulary]. Reading: false when nothing sound is there. */
int kv_file_write_slot(struct kv_file *, int number, const struct kv_slot *, const float *logits, char *err,
		       size_t errlen);
bool kv_file_read_slot(const struct kv_file *, int number, struct kv_slot *, float *logits);

#endif
