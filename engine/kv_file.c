#include "kv_file.h"
#include "checksum.h"
#include "kernels/kernels.h"
#include "../log.h"
#include "../xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	RECORD_MAGIC = 0x3152564b, /* "KVR1" */
	USEFUL_BYTES = 1 << 20,    /* a record of this size stays in the processor's cache */
	USEFUL_MOST = 512,
};
static const uint64_t record_bytes_most = (uint64_t)256 << 20;
static const char magic[8] = {'B', 'O', 'R', 'A', '-', 'K', 'V', '\n'};

struct header {
	char magic[8];
	uint32_t version, type;
	char fingerprint[32];
	uint32_t layers, heads, head_k, head_v, key_row, value_row, vocab, zero;
	uint64_t sum;
};

struct record_head {
	uint32_t magic, count, first, parent;
	uint64_t offset, rows_sum, head_sum;
};

struct slot_head {
	uint64_t sum, ids_sum;
	uint32_t tokens, left_out, turn, zero;
	uint64_t more[4];
};

struct kv_file {
	char *path;
	int fd;
	bool writable;
	struct header expected;
	size_t key_row, value_row, rows; /* bytes; rows: all of one position */
	int streams;                     /* layers x heads */
	uint64_t end;                    /* of the last good record */
	struct kv_record *records;
	int count, size;
	struct tokens ids;
};

/* --- Bytes --------------------------------------------------------------------------------- */

/* 0, or -1 when that many bytes are not there. */
static int read_at(int fd, void *bytes, size_t len, uint64_t offset)
{
	uint8_t *p = bytes;
	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_at(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const uint8_t *p = bytes;
	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return -1;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static size_t slot_bytes(const struct kv_file *f)
{
	size_t bytes = sizeof(struct slot_head) + (size_t)f->expected.vocab * sizeof(float);
	return (bytes + KV_FILE_PAGE - 1) / KV_FILE_PAGE * KV_FILE_PAGE;
}

static uint64_t records_start(const struct kv_file *f)
{
	return KV_FILE_PAGE + KV_FILE_SLOTS * (uint64_t)slot_bytes(f);
}

/* --- The index ------------------------------------------------------------------------------- */

static size_t rows_offset(int count)
{
	return (sizeof(struct record_head) + (size_t)count * sizeof(uint32_t) + 7) / 8 * 8;
}

size_t kv_file_record_bytes(const struct kv_file *f, int count)
{
	return rows_offset(count) + (size_t)count * f->rows;
}

static uint64_t head_sum(const struct record_head *head, const int32_t *ids)
{
	uint64_t sum = checksum(head, offsetof(struct record_head, head_sum), 0);
	return checksum(ids, head->count * sizeof(*ids), sum);
}

int kv_file_count(const struct kv_file *f)
{
	return f->count;
}

const struct kv_record *kv_file_record(const struct kv_file *f, int index)
{
	return &f->records[index];
}

int kv_file_commit(struct kv_file *f, const struct kv_record *record, const int32_t *ids)
{
	if (f->count == f->size) {
		f->size = f->size ? 2 * f->size : 64;
		f->records = xreallocarray(f->records, (size_t)f->size, sizeof(*f->records));
	}
	f->records[f->count] = *record;
	f->records[f->count].ids = f->ids.count;
	for (int i = 0; i < record->count; i++)
		tokens_append(&f->ids, ids[i]);
	f->end = record->offset + kv_file_record_bytes(f, record->count);
	return f->count++;
}

/* The head at offset is one that we would write there. ids [KV_RECORD_MOST]. */
static bool read_head(const struct kv_file *f, uint64_t offset, uint64_t size, struct kv_record *out, int32_t *ids)
{
	struct record_head head;
	if (size - offset < sizeof(head) || read_at(f->fd, &head, sizeof(head), offset))
		return false;
	if (head.magic != RECORD_MAGIC || head.offset != offset || head.count < 1 || head.count > KV_RECORD_MOST)
		return false;
	uint64_t bytes = kv_file_record_bytes(f, (int)head.count);
	if (bytes > size - offset || bytes > record_bytes_most)
		return false;
	if (read_at(f->fd, ids, head.count * sizeof(*ids), offset + sizeof(head)) ||
	    head.head_sum != head_sum(&head, ids))
		return false;
	bool root = head.parent == UINT32_MAX && head.first == 0;
	if (!root && head.parent >= (uint32_t)f->count)
		return false;
	const struct kv_record *parent = root ? NULL : &f->records[head.parent];
	if (parent &&
	    (head.first <= (uint32_t)parent->first || head.first > (uint32_t)parent->first + (uint32_t)parent->count))
		return false;
	for (uint32_t i = 0; i < head.count; i++)
		if ((uint32_t)kv_id(ids[i]) >= f->expected.vocab)
			return false;
	*out = (struct kv_record){.offset = offset,
				  .rows_sum = head.rows_sum,
				  .first = (int)head.first,
				  .count = (int)head.count,
				  .parent = parent ? (int)head.parent : -1};
	/* Positions are ints elsewhere: */
	return head.first < INT32_MAX / 2;
}

static void read_index(struct kv_file *f, uint64_t size)
{
	int32_t *ids = xcalloc(KV_RECORD_MOST, sizeof(*ids));
	struct kv_record record;
	f->end = records_start(f);
	while (f->end < size && read_head(f, f->end, size, &record, ids))
		kv_file_commit(f, &record, ids);
	free(ids);
}

void kv_file_branch(const struct kv_file *f, int index, struct tokens *out)
{
	const struct kv_record *r = &f->records[index];
	int end = r->first + r->count;
	out->count = 0;
	while (out->count < (size_t)end)
		tokens_append(out, 0);
	for (; index >= 0; end = r->first, index = r->parent) {
		r = &f->records[index];
		memcpy(out->ids + r->first, f->ids.ids + r->ids, (size_t)(end - r->first) * sizeof(*out->ids));
	}
}

int kv_file_find(const struct kv_file *f, const int32_t *ids, int count, int *record)
{
	/* How far the ids agree with each record's branch; 0 when they part before it. */
	int *reach = xcalloc((size_t)f->count + 1, sizeof(*reach)), best = 0;
	*record = -1;
	for (int i = 0; i < f->count; i++) {
		const struct kv_record *r = &f->records[i];
		const int32_t *own = f->ids.ids + r->ids;
		if (r->parent >= 0 && reach[r->parent] < r->first)
			continue;
		int same = 0;
		while (same < r->count && r->first + same < count && kv_id(own[same]) == kv_id(ids[r->first + same]))
			same++;
		reach[i] = same ? r->first + same : 0;
		if (reach[i] > best) {
			best = reach[i];
			*record = i;
		}
	}
	free(reach);
	return best;
}

int kv_file_holder(const struct kv_file *f, int index, int last)
{
	while (index >= 0 && f->records[index].first > last)
		index = f->records[index].parent;
	return index;
}

uint64_t kv_file_sum(const int32_t *ids, int count)
{
	uint64_t sum = (uint64_t)count;
	int32_t plain[256];
	for (int at = 0, n; at < count; at += n) {
		n = count - at < 256 ? count - at : 256;
		for (int i = 0; i < n; i++)
			plain[i] = kv_id(ids[at + i]);
		sum = checksum(plain, (size_t)n * sizeof(*plain), sum);
	}
	return sum;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static void describe(struct kv_file *f, const struct kv_file_kind *kind)
{
	const struct kv_shape *s = &kind->shape;
	struct header *h = &f->expected;
	f->key_row = kernels_kv_row_bytes((int)s->type, s->head_k);
	f->value_row = kernels_kv_row_bytes((int)s->type, s->head_v);
	f->streams = s->layers * s->heads;
	f->rows = (size_t)f->streams * (f->key_row + f->value_row);
	*h = (struct header){.version = KV_FILE_VERSION,
			     .type = (uint32_t)s->type,
			     .layers = (uint32_t)s->layers,
			     .heads = (uint32_t)s->heads,
			     .head_k = (uint32_t)s->head_k,
			     .head_v = (uint32_t)s->head_v,
			     .key_row = (uint32_t)f->key_row,
			     .value_row = (uint32_t)f->value_row,
			     .vocab = (uint32_t)kind->vocab};
	memcpy(h->magic, magic, sizeof(magic));
	memcpy(h->fingerprint, kind->fingerprint, sizeof(h->fingerprint));
	h->sum = checksum(h, offsetof(struct header, sum), 0);
}

/* Why the file is none of ours, or NULL. */
static const char *foreign(const struct kv_file *f, uint64_t size)
{
	struct header h;
	const struct header *e = &f->expected;
	if (size < records_start(f) || read_at(f->fd, &h, sizeof(h), 0))
		return "too short";
	if (memcmp(h.magic, magic, sizeof(magic)) != 0)
		return "not a file of this kind";
	if (h.version != e->version)
		return h.version > e->version ? "written by a newer version" : "written by an older version";
	if (h.sum != checksum(&h, offsetof(struct header, sum), 0))
		return "damaged";
	if (memcmp(h.fingerprint, e->fingerprint, sizeof(h.fingerprint)) != 0)
		return "of another model";
	if (h.type != e->type)
		return "of another KV type";
	return memcmp(&h, e, sizeof(h)) != 0 ? "of another shape" : NULL;
}

static int start_anew(struct kv_file *f)
{
	f->count = 0;
	f->ids.count = 0;
	f->end = records_start(f);
	if (!f->writable)
		return 0;
	return ftruncate(f->fd, 0) || write_at(f->fd, &f->expected, sizeof(f->expected), 0) ||
			       ftruncate(f->fd, (off_t)f->end)
		       ? -1
		       : 0;
}

/* The lock is on the open file, so that two handles in one process exclude each other too. */
static bool lock_file(int fd)
{
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_OFD_SETLK, &range) == 0;
}

bool kv_file_current(const struct kv_file *f)
{
	struct stat there, ours;
	return lstat(f->path, &there) == 0 && fstat(f->fd, &ours) == 0 && there.st_dev == ours.st_dev &&
	       there.st_ino == ours.st_ino;
}

/* Whoever removes a file holds its lock: once we hold it, the file either is where it was or is gone. */
static int open_locked(struct kv_file *f)
{
	for (int tries = 0; tries < 10; tries++) {
		f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		f->writable = f->fd >= 0 && lock_file(f->fd);
		if (f->fd < 0)
			f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (f->fd < 0)
			return -1;
		if (kv_file_current(f))
			return 0;
		close(f->fd);
	}
	f->fd = -1;
	errno = EBUSY;
	return -1;
}

/* A file that a fork shares is not emptied for the fork's sake: the name gets a file of its own. */
static int leave_shared(struct kv_file *f)
{
	if (!f->writable)
		return 0;
	unlink(f->path);
	close(f->fd);
	return open_locked(f);
}

static int open_file(struct kv_file *f)
{
	struct stat st;
	if (open_locked(f) || fstat(f->fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	if (f->writable && (st.st_mode & 077))
		fchmod(f->fd, 0600);
	const char *why = st.st_size ? foreign(f, (uint64_t)st.st_size) : "";
	if (why) {
		if (*why)
			log_write("%s: discarded: %s", f->path, why);
		return (st.st_nlink > 1 && leave_shared(f)) || start_anew(f) ? -1 : 0;
	}
	read_index(f, (uint64_t)st.st_size);
	if (f->end < (uint64_t)st.st_size && f->writable) {
		log_write("%s: the last %llu bytes were not written to their end; cut off", f->path,
			  (unsigned long long)st.st_size - f->end);
		return ftruncate(f->fd, (off_t)f->end);
	}
	return 0;
}

int kv_file_open(struct kv_file **out, const char *path, const struct kv_file_kind *kind, char *err, size_t errlen)
{
	struct kv_file *f = xcalloc(1, sizeof(*f));
	f->path = xstrdup(path);
	f->fd = -1;
	describe(f, kind);
	if (open_file(f)) {
		snprintf(err, errlen, "%s: cannot be used: %s", path, strerror(errno));
		kv_file_close(f);
		return -1;
	}
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_WILLNEED);
	*out = f;
	return 0;
}

void kv_file_close(struct kv_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0) {
		if (f->writable && f->count == 0 && kv_file_current(f))
			unlink(f->path);
		close(f->fd);
	}
	free(f->path);
	free(f->records);
	tokens_free(&f->ids);
	free(f);
}

bool kv_file_writable(const struct kv_file *f)
{
	return f->writable;
}

const char *kv_file_path(const struct kv_file *f)
{
	return f->path;
}

uint64_t kv_file_bytes(const struct kv_file *f)
{
	return f->end;
}

/* --- Rows -------------------------------------------------------------------------------------- */

int kv_file_useful_count(const struct kv_file *f)
{
	size_t count = USEFUL_BYTES / f->rows;
	return count < 1 ? 1 : count > USEFUL_MOST ? USEFUL_MOST : (int)count;
}

void kv_file_gather(const struct kv_file *f, const struct kv_cache *cache, int first, int count, uint8_t *record)
{
	const struct kv_shape *s = kv_cache_shape(cache);
	uint8_t *to = record + rows_offset(count);
	for (int i = 0; i < f->streams; i++, to += (size_t)count * f->key_row)
		memcpy(to, kv_cache_key(cache, i / s->heads, i % s->heads, first), (size_t)count * f->key_row);
	for (int i = 0; i < f->streams; i++, to += (size_t)count * f->value_row)
		memcpy(to, kv_cache_value(cache, i / s->heads, i % s->heads, first), (size_t)count * f->value_row);
}

void kv_file_scatter(const struct kv_file *f, const struct kv_record *r, const uint8_t *record, int from, int to,
		     struct kv_cache *cache)
{
	const struct kv_shape *s = kv_cache_shape(cache);
	const uint8_t *rows = record + rows_offset(r->count);
	size_t skip = (size_t)(from - r->first), count = (size_t)(to - from), all = (size_t)r->count;
	for (int i = 0; i < f->streams; i++, rows += all * f->key_row)
		memcpy(kv_cache_key(cache, i / s->heads, i % s->heads, from), rows + skip * f->key_row,
		       count * f->key_row);
	for (int i = 0; i < f->streams; i++, rows += all * f->value_row)
		memcpy(kv_cache_value(cache, i / s->heads, i % s->heads, from), rows + skip * f->value_row,
		       count * f->value_row);
}

int kv_file_read(const struct kv_file *f, const struct kv_record *r, uint8_t *record)
{
	size_t start = rows_offset(r->count), bytes = kv_file_record_bytes(f, r->count) - start;
	if (read_at(f->fd, record + start, bytes, r->offset + start))
		return -1;
	return checksum(record + start, bytes, 0) == r->rows_sum ? 0 : -1;
}

/* --- Writing ------------------------------------------------------------------------------------- */

int kv_file_write(struct kv_file *f, struct kv_record *r, const int32_t *ids, uint8_t *record, char *err, size_t errlen)
{
	size_t start = rows_offset(r->count), bytes = kv_file_record_bytes(f, r->count);
	r->offset = f->end;
	r->rows_sum = checksum(record + start, bytes - start, 0);
	struct record_head head = {.magic = RECORD_MAGIC,
				   .count = (uint32_t)r->count,
				   .first = (uint32_t)r->first,
				   .parent = r->parent < 0 ? UINT32_MAX : (uint32_t)r->parent,
				   .offset = r->offset,
				   .rows_sum = r->rows_sum};
	head.head_sum = head_sum(&head, ids);
	memset(record, 0, start);
	memcpy(record, &head, sizeof(head));
	memcpy(record + sizeof(head), ids, (size_t)r->count * sizeof(*ids));
	if (write_at(f->fd, record, bytes, f->end) == 0)
		return 0;
	snprintf(err, errlen, "%s: %s", f->path, strerror(errno));
	if (ftruncate(f->fd, (off_t)f->end))
		log_write("%s: cannot be cut: %s", f->path, strerror(errno));
	return -1;
}

void kv_file_cut(struct kv_file *f, int index)
{
	if (index >= f->count)
		return;
	f->end = f->records[index].offset;
	f->ids.count = f->records[index].ids;
	f->count = index;
	if (f->writable && ftruncate(f->fd, (off_t)f->end))
		log_write("%s: cannot be cut: %s", f->path, strerror(errno));
}

int kv_file_sync(struct kv_file *f)
{
	return fdatasync(f->fd);
}

/* --- Slots --------------------------------------------------------------------------------------- */

static uint64_t slot_sum(const struct slot_head *head, const float *logits, size_t vocab)
{
	uint64_t sum = checksum(&head->ids_sum, sizeof(*head) - offsetof(struct slot_head, ids_sum), 0);
	return checksum(logits, vocab * sizeof(*logits), sum);
}

static uint64_t slot_offset(const struct kv_file *f, int number)
{
	return KV_FILE_PAGE + (uint64_t)number * slot_bytes(f);
}

int kv_file_write_slot(struct kv_file *f, int number, const struct kv_slot *slot, const float *logits, char *err,
		       size_t errlen)
{
	size_t vocab = f->expected.vocab;
	struct slot_head head = {.ids_sum = slot->ids_sum,
				 .tokens = (uint32_t)slot->tokens,
				 .left_out = (uint32_t)slot->left_out,
				 .turn = (uint32_t)slot->turn};
	head.sum = slot_sum(&head, logits, vocab);
	if (write_at(f->fd, logits, vocab * sizeof(*logits), slot_offset(f, number) + sizeof(head)) == 0 &&
	    write_at(f->fd, &head, sizeof(head), slot_offset(f, number)) == 0)
		return 0;
	snprintf(err, errlen, "%s: %s", f->path, strerror(errno));
	return -1;
}

bool kv_file_read_slot(const struct kv_file *f, int number, struct kv_slot *slot, float *logits)
{
	size_t vocab = f->expected.vocab;
	struct slot_head head;
	if (read_at(f->fd, &head, sizeof(head), slot_offset(f, number)) ||
	    read_at(f->fd, logits, vocab * sizeof(*logits), slot_offset(f, number) + sizeof(head)) ||
	    head.sum != slot_sum(&head, logits, vocab) || head.tokens > INT32_MAX || head.left_out > INT32_MAX ||
	    head.turn > INT32_MAX)
		return false;
	*slot = (struct kv_slot){.ids_sum = head.ids_sum,
				 .tokens = (int)head.tokens,
				 .left_out = (int)head.left_out,
				 .turn = (int)head.turn};
	return true;
}
