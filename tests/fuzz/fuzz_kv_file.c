/* Cache files that are almost right: the index is read, every branch walked, every record loaded, and more written.
 *
 * The input is a list of changes to a good file, since no chance finds checksums: u16 offset, u8 kind, then
 * 1 << (kind & 3) bytes to put there. Bit 2 of the kind: the file ends there instead. Bit 3: all checksums are made
 * right again afterwards, so that what a checksum would have caught has to be caught by itself. An input that begins
 * with "BORA" is a file as it is. */
#include "engine/checksum.h"
#include "engine/kv_file.h"
#include "xmalloc.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CUT = 4, RIGHT = 8, VOCAB = 50, POSITIONS = 40, HEAD = 40 };

static const struct kv_file_kind kind = {.fingerprint = "0123456789abcdef0123456789abcdef",
					 .shape = {1, 2, 32, 32, POSITIONS, ENGINE_KV_Q8_0},
					 .vocab = VOCAB};

/* Made once; libFuzzer has no place for it but this. */
static struct good {
	char path[64];
	uint8_t *bytes;
	size_t size, first_record;
} good;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void append(struct kv_file *file, const struct kv_cache *cache, int parent, int first, int count)
{
	char err[256];
	int32_t ids[POSITIONS];
	struct kv_record record = {.first = first, .count = count, .parent = parent};
	uint8_t *memory = xmalloc(kv_file_record_bytes(file, count));
	for (int i = 0; i < count; i++)
		ids[i] = (first + i + kv_file_count(file)) % VOCAB | (i % 2 ? KV_MADE : 0);
	kv_file_gather(file, cache, first, count, memory);
	if (kv_file_write(file, &record, ids, memory, err, sizeof(err)) == 0)
		kv_file_commit(file, &record, ids);
	free(memory);
}

static void put_file(const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(good.path, "wb");
	if (!file || (size && fwrite(bytes, 1, size, file) != size) || fclose(file))
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char err[256];
	struct kv_file *file;
	struct kv_cache *cache;
	(void)argc;
	(void)argv;
	snprintf(good.path, sizeof(good.path), "/tmp/bora-fuzz-%d.kv", (int)getpid());
	if (kv_cache_create(&cache, &kind.shape, err, sizeof(err)) ||
	    kv_file_open(&file, good.path, &kind, err, sizeof(err)))
		abort();
	good.first_record = kv_file_bytes(file);
	append(file, cache, -1, 0, 8);
	append(file, cache, 0, 8, 4);
	append(file, cache, 0, 3, 5);
	append(file, cache, 1, 10, 1);
	good.size = kv_file_bytes(file);
	kv_file_close(file);
	kv_cache_destroy(cache);
	good.bytes = xmalloc(good.size);
	FILE *made = fopen(good.path, "rb");
	if (!made || fread(good.bytes, 1, good.size, made) != good.size)
		abort();
	fclose(made);
	unlink(good.path);
	return 0;
}

/* The sums of the header and of the records as they now stand. */
static void make_right(uint8_t *bytes, size_t size)
{
	uint64_t sum;
	if (size < 80)
		return;
	sum = checksum(bytes, 80, 0);
	memcpy(bytes + 80, &sum, 8);
	for (size_t at = good.first_record; at + HEAD <= size;) {
		uint32_t count;
		memcpy(&count, bytes + at + 4, 4);
		size_t head = (HEAD + (size_t)count * 4 + 7) / 8 * 8, row = 34;
		if (count > 4096 || head > size - at)
			return;
		size_t rows = (size_t)count * 2 * 2 * row;
		if (rows <= size - at - head) {
			sum = checksum(bytes + at + head, rows, 0);
			memcpy(bytes + at + 24, &sum, 8);
		}
		sum = checksum(bytes + at, 32, 0);
		sum = checksum(bytes + at + HEAD, (size_t)count * 4, sum);
		memcpy(bytes + at + 32, &sum, 8);
		at += head + rows;
	}
}

static void change(const uint8_t *data, size_t size)
{
	uint8_t *bytes = xmalloc(good.size);
	size_t len = good.size;
	bool right = false;
	memcpy(bytes, good.bytes, good.size);
	while (size >= 3) {
		size_t at = (size_t)(data[0] | data[1] << 8) % good.size, what = data[2], n = (size_t)1 << (what & 3);
		data += 3, size -= 3;
		right |= what & RIGHT;
		if (what & CUT) {
			len = at;
			continue;
		}
		n = n < size ? n : size;
		n = n < good.size - at ? n : good.size - at;
		memcpy(bytes + at, data, n);
		data += n, size -= n;
	}
	if (right)
		make_right(bytes, len);
	put_file(bytes, len);
	free(bytes);
}

static void load(const struct kv_file *file, struct kv_cache *cache, int index)
{
	const struct kv_record *r = kv_file_record(file, index);
	uint8_t *memory = xmalloc(kv_file_record_bytes(file, r->count));
	int end = r->first + r->count < POSITIONS ? r->first + r->count : POSITIONS;
	if (kv_file_read(file, r, memory) == 0 && r->first < end)
		kv_file_scatter(file, r, memory, r->first, end, cache);
	free(memory);
}

static void use(void)
{
	char err[256] = "";
	struct kv_file *file;
	struct kv_cache *cache;
	struct tokens ids = {0};
	struct kv_slot slot;
	float logits[VOCAB];
	int tip = -1;
	if (kv_file_open(&file, good.path, &kind, err, sizeof(err))) {
		if (!err[0])
			abort();
		return;
	}
	if (kv_cache_create(&cache, &kind.shape, err, sizeof(err)))
		abort();
	for (int i = 0; i < KV_FILE_SLOTS; i++)
		kv_file_read_slot(file, i, &slot, logits);
	for (int i = 0; i < kv_file_count(file); i++) {
		kv_file_branch(file, i, &ids);
		/* A branch is found again by its own ids, whichever of several that begin alike it is. */
		if (kv_file_find(file, ids.ids, (int)ids.count, &tip) != (int)ids.count || tip < 0)
			abort();
		load(file, cache, i);
	}
	int end = tip < 0 ? 0 : kv_file_record(file, tip)->first + kv_file_record(file, tip)->count;
	if (end < POSITIONS)
		append(file, cache, tip, end, 1);
	if (kv_file_count(file) > 1)
		kv_file_cut(file, kv_file_count(file) / 2);
	kv_file_close(file);
	kv_cache_destroy(cache);
	tokens_free(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 4 && memcmp(data, "BORA", 4) == 0)
		put_file(data, size);
	else
		change(data, size);
	use();
	unlink(good.path);
	return 0;
}
