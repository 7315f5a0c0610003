/* The file of keys and values: what is written is read, and nothing that a file says is taken on trust. */
#include "engine/kv_file.h"
#include "engine/checksum.h"
#include "engine/kernels/kernels.h"
#include "xmalloc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { VOCAB = 100, POSITIONS = 64, HEAD = 40 };

static char path[4096], err[512];
static const struct kv_file_kind kind = {.fingerprint = "0123456789abcdef0123456789abcdef",
					 .shape = {3, 2, 64, 32, POSITIONS, ENGINE_KV_F16},
					 .vocab = VOCAB};

static struct kv_file *open_kind(const struct kv_file_kind *which)
{
	struct kv_file *file;
	if (kv_file_open(&file, path, which, err, sizeof(err)))
		fail_msg("%s", err);
	return file;
}

static struct kv_file *open_file(void)
{
	return open_kind(&kind);
}

/* A cache whose every byte says where it is. */
static struct kv_cache *filled_cache(int salt)
{
	struct kv_cache *cache;
	const struct kv_shape *s = &kind.shape;
	assert_int_equal(kv_cache_create(&cache, s, err, sizeof(err)), 0);
	for (int i = 0; i < s->layers * s->heads * POSITIONS; i++) {
		int stream = i / POSITIONS, at = i % POSITIONS;
		memset(kv_cache_key(cache, stream / s->heads, stream % s->heads, at), i * 7 + salt,
		       kernels_kv_row_bytes((int)s->type, s->head_k));
		memset(kv_cache_value(cache, stream / s->heads, stream % s->heads, at), i * 13 + 1 + salt,
		       kernels_kv_row_bytes((int)s->type, s->head_v));
	}
	return cache;
}

static int append(struct kv_file *file, const struct kv_cache *cache, int parent, int first, int count,
		  const int32_t *ids)
{
	struct kv_record record = {.first = first, .count = count, .parent = parent};
	uint8_t *memory = xmalloc(kv_file_record_bytes(file, count));
	kv_file_gather(file, cache, first, count, memory);
	assert_int_equal(kv_file_write(file, &record, ids, memory, err, sizeof(err)), 0);
	free(memory);
	return kv_file_commit(file, &record, ids);
}

/* "0 1 2 3 4 5 6 7", going on as "8 9 10" or, after the 3, as "50 51". */
static void make_tree(void)
{
	static const int32_t trunk[] = {0, 1, 2, 3, 4 | KV_MADE, 5 | KV_MADE, 6, 7}, left[] = {8, 9, 10},
			     right[] = {50, 51};
	struct kv_file *file = open_file();
	struct kv_cache *cache = filled_cache(0);
	assert_int_equal(append(file, cache, -1, 0, 8, trunk), 0);
	assert_int_equal(append(file, cache, 0, 8, 3, left), 1);
	assert_int_equal(append(file, cache, 0, 4, 2, right), 2);
	kv_cache_destroy(cache);
	kv_file_close(file);
}

static int remove_file(void **state)
{
	unlink(path);
	return 0;
}

static size_t file_size(void)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_size;
}

static void poke(size_t offset, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, (off_t)offset), len);
	close(fd);
}

static void peek(size_t offset, void *bytes, size_t len)
{
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, len, (off_t)offset), len);
	close(fd);
}

/* --- Reading what was written -------------------------------------------------------------- */

static void test_branches_come_back(void **state)
{
	struct tokens ids = {0};
	int record;
	make_tree();
	struct kv_file *file = open_file();
	assert_true(kv_file_writable(file));
	assert_int_equal(kv_file_count(file), 3);
	kv_file_branch(file, 2, &ids);
	assert_int_equal(ids.count, 6);
	assert_int_equal(ids.ids[3], 3);
	assert_int_equal(ids.ids[5], 51);
	kv_file_branch(file, 1, &ids);
	assert_int_equal(ids.count, 11);
	assert_int_equal(ids.ids[4], 4 | KV_MADE);
	static const int32_t wanted[] = {0, 1, 2, 3, 50, 99}, all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	assert_int_equal(kv_file_find(file, wanted, 6, &record), 5);
	assert_int_equal(record, 2);
	assert_int_equal(kv_file_find(file, all, 12, &record), 11);
	assert_int_equal(record, 1);
	assert_int_equal(kv_file_find(file, all + 1, 11, &record), 0);
	assert_int_equal(record, -1);
	assert_int_equal(kv_file_holder(file, 2, 3), 0);
	assert_int_equal(kv_file_holder(file, 2, 4), 2);
	assert_int_equal(kv_file_holder(file, 1, -1), -1);
	tokens_free(&ids);
	kv_file_close(file);
}

/* All rows of a part of a record are where they were, and no others were touched. */
static void test_rows_come_back(void **state)
{
	const struct kv_shape *s = &kind.shape;
	make_tree();
	struct kv_file *file = open_file();
	struct kv_cache *was = filled_cache(0), *now = filled_cache(99);
	const struct kv_record *r = kv_file_record(file, 0);
	uint8_t *memory = xmalloc(kv_file_record_bytes(file, r->count));
	assert_int_equal(kv_file_read(file, r, memory), 0);
	kv_file_scatter(file, r, memory, 2, 6, now);
	for (int i = 0; i < s->layers * s->heads * POSITIONS; i++) {
		int layer = i / POSITIONS / s->heads, head = i / POSITIONS % s->heads, at = i % POSITIONS;
		int difference = at >= 2 && at < 6 ? 0 : 99;
		assert_int_equal((uint8_t)(kv_cache_key(was, layer, head, at)[127] + difference),
				 kv_cache_key(now, layer, head, at)[127]);
		assert_int_equal((uint8_t)(kv_cache_value(was, layer, head, at)[0] + difference),
				 kv_cache_value(now, layer, head, at)[0]);
	}
	free(memory);
	kv_cache_destroy(was);
	kv_cache_destroy(now);
	kv_file_close(file);
}

static void test_slots(void **state)
{
	float logits[VOCAB], back[VOCAB];
	struct kv_slot slot = {.ids_sum = 42, .tokens = 11, .left_out = 3, .turn = 7}, got;
	make_tree();
	struct kv_file *file = open_file();
	for (int i = 0; i < VOCAB; i++)
		logits[i] = (float)i / 7;
	assert_false(kv_file_read_slot(file, 1, &got, back));
	assert_int_equal(kv_file_write_slot(file, 1, &slot, logits, err, sizeof(err)), 0);
	kv_file_close(file);
	file = open_file();
	assert_int_equal(kv_file_count(file), 3);
	assert_false(kv_file_read_slot(file, 0, &got, back));
	assert_true(kv_file_read_slot(file, 1, &got, back));
	assert_true(got.ids_sum == slot.ids_sum && got.tokens == slot.tokens && got.left_out == slot.left_out &&
		    got.turn == slot.turn);
	assert_memory_equal(back, logits, sizeof(logits));
	kv_file_close(file);
	float other = 5;
	poke((size_t)2 * KV_FILE_PAGE + 64 + 40, &other, sizeof(other));
	file = open_file();
	assert_false(kv_file_read_slot(file, 1, &got, back));
	kv_file_close(file);
}

static void test_cut_and_go_on(void **state)
{
	static const int32_t more[] = {60};
	make_tree();
	struct kv_file *file = open_file();
	struct kv_cache *cache = filled_cache(0);
	kv_file_cut(file, 1);
	assert_int_equal(kv_file_bytes(file), file_size());
	assert_int_equal(append(file, cache, 0, 8, 1, more), 1);
	kv_file_close(file);
	file = open_file();
	assert_int_equal(kv_file_count(file), 2);
	kv_file_cut(file, 0);
	kv_file_close(file);
	assert_int_equal(access(path, F_OK), -1); /* nothing left to keep */
	kv_cache_destroy(cache);
}

static void test_only_one_writes(void **state)
{
	make_tree();
	struct kv_file *one = open_file(), *two = open_file();
	assert_true(kv_file_writable(one));
	assert_false(kv_file_writable(two));
	assert_int_equal(kv_file_count(two), 3);
	kv_file_close(two);
	assert_true(kv_file_current(one));
	unlink(path);
	assert_false(kv_file_current(one));
	kv_file_close(one);
}

/* --- Files of other kinds ---------------------------------------------------------------------- */

static void test_foreign_files_are_emptied(void **state)
{
	for (int i = 0; i < 6; i++) {
		struct kv_file_kind other = kind;
		make_tree();
		if (i == 0)
			other.fingerprint[31] = '0';
		other.shape.type = i == 1 ? ENGINE_KV_F32 : kind.shape.type;
		other.shape.layers += i == 2;
		other.shape.head_k += i == 3 ? 32 : 0;
		other.vocab += i == 4;
		if (i == 5)
			poke(8, &(uint32_t){KV_FILE_VERSION + 1}, 4);
		struct kv_file *file = open_kind(&other);
		assert_int_equal(kv_file_count(file), 0);
		kv_file_close(file);
		assert_int_equal(access(path, F_OK), -1);
	}
	/* More or fewer positions are no other kind. */
	struct kv_file_kind longer = kind;
	longer.shape.positions = 1000;
	make_tree();
	struct kv_file *file = open_kind(&longer);
	assert_int_equal(kv_file_count(file), 3);
	kv_file_close(file);
}

/* A file that a fork shares stays as it is for the other. */
static void test_a_shared_file_is_not_emptied(void **state)
{
	char shared[4200];
	struct kv_file_kind other = kind;
	make_tree();
	size_t size = file_size();
	snprintf(shared, sizeof(shared), "%s.fork", path);
	assert_int_equal(link(path, shared), 0);
	other.fingerprint[0] = 'f';
	struct kv_file *file = open_kind(&other);
	assert_true(kv_file_writable(file));
	assert_int_equal(kv_file_count(file), 0);
	kv_file_close(file);
	assert_int_equal(rename(shared, path), 0);
	assert_int_equal(file_size(), size);
	file = open_file();
	assert_int_equal(kv_file_count(file), 3);
	kv_file_close(file);
}

/* --- Hostile files: every checksum is right ------------------------------------------------------ */

static size_t record_offset(int index)
{
	struct kv_file *file = open_file();
	size_t offset = kv_file_record(file, index)->offset;
	kv_file_close(file);
	return offset;
}

/* Puts a number into the head of a record and makes its checksum right. */
static void forge(int index, size_t field, uint64_t value, size_t bytes)
{
	size_t at = record_offset(index);
	uint8_t head[HEAD + 4 * 4096] = {0};
	uint32_t count;
	poke(at + field, &value, bytes);
	peek(at, head, HEAD);
	memcpy(&count, head + 4, 4);
	uint64_t sum = checksum(head, 32, 0);
	if (count <= 8) {
		peek(at + HEAD, head + HEAD, count * 4);
		sum = checksum(head + HEAD, count * 4, sum);
	}
	poke(at + 32, &sum, 8);
}

static void expect_records(int count)
{
	struct kv_file *file = open_file();
	assert_int_equal(kv_file_count(file), count);
	kv_file_close(file);
	unlink(path);
}

static void test_absurd_numbers_end_the_file(void **state)
{
	static const struct {
		size_t field;
		uint64_t value;
		size_t bytes;
	} bad[] = {
		{4, 0, 4},           /* no tokens */
		{4, 0x80000000u, 4}, /* 2^31 tokens */
		{4, UINT32_MAX, 4},
		{4, 4096, 4},       /* as many as there may be, but not in this file */
		{8, UINT32_MAX, 4}, /* first */
		{8, 0x7fffffff, 4},
		{8, 0, 4},           /* first of all, with a parent */
		{8, 12, 4},          /* after the end of its parent */
		{12, UINT32_MAX, 4}, /* no parent, but not the first */
		{12, 1, 4},          /* its own parent */
		{12, 0x7fffffff, 4}, /* a parent that is not there */
		{16, 4096, 8},       /* written for another place */
		{0, 0, 4},           /* no record at all */
		{HEAD, VOCAB, 4},    /* an id that is none */
		{HEAD, 0xffffffff, 4},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make_tree();
		forge(1, bad[i].field, bad[i].value, bad[i].bytes);
		expect_records(1);
	}
	make_tree();
	forge(2, 12, UINT32_MAX, 4);
	expect_records(2);
	make_tree();
	forge(1, HEAD, 77, 4); /* the same forgery with a token that could be */
	expect_records(3);
}

/* Cut off at every byte of the last record: the others are there, and the next one goes where it was. */
static void test_torn_last_record(void **state)
{
	static const int32_t more[] = {60};
	struct kv_cache *cache = filled_cache(0);
	make_tree();
	size_t whole = file_size(), last = record_offset(2);
	for (size_t size = last; size < whole; size += 3) {
		assert_int_equal(truncate(path, (off_t)size), 0);
		struct kv_file *file = open_file();
		assert_int_equal(kv_file_count(file), 2);
		assert_int_equal(file_size(), last);
		assert_int_equal(append(file, cache, 1, 11, 1, more), 2);
		kv_file_close(file);
		file = open_file();
		assert_int_equal(kv_file_count(file), 3);
		kv_file_close(file);
		unlink(path);
		make_tree();
	}
	kv_cache_destroy(cache);
}

static void test_damaged_rows_are_found(void **state)
{
	make_tree();
	size_t at = record_offset(1);
	uint8_t *memory = xmalloc(1 << 16);
	poke(at + 200, "x", 1);
	struct kv_file *file = open_file();
	assert_int_equal(kv_file_count(file), 3);
	assert_int_equal(kv_file_read(file, kv_file_record(file, 0), memory), 0);
	assert_int_equal(kv_file_read(file, kv_file_record(file, 1), memory), -1);
	assert_int_equal(kv_file_read(file, kv_file_record(file, 2), memory), 0);
	free(memory);
	kv_file_close(file);
}

static void test_holes_and_noise(void **state)
{
	uint8_t noise[3000];
	uint32_t random = 3;
	make_tree();
	assert_int_equal(truncate(path, (off_t)1 << 40), 0); /* a terabyte that is not there */
	expect_records(3);
	for (int i = 0; i < 200; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (uint8_t)((random = random * 1664525u + 1013904223u) >> 24);
		FILE *out = fopen(path, "wb");
		assert_non_null(out);
		fwrite(noise, 1, (size_t)i * 15, out);
		fclose(out);
		expect_records(0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_branches_come_back, remove_file),
		cmocka_unit_test_teardown(test_rows_come_back, remove_file),
		cmocka_unit_test_teardown(test_slots, remove_file),
		cmocka_unit_test_teardown(test_cut_and_go_on, remove_file),
		cmocka_unit_test_teardown(test_only_one_writes, remove_file),
		cmocka_unit_test_teardown(test_foreign_files_are_emptied, remove_file),
		cmocka_unit_test_teardown(test_a_shared_file_is_not_emptied, remove_file),
		cmocka_unit_test_teardown(test_absurd_numbers_end_the_file, remove_file),
		cmocka_unit_test_teardown(test_torn_last_record, remove_file),
		cmocka_unit_test_teardown(test_damaged_rows_are_found, remove_file),
		cmocka_unit_test_teardown(test_holes_and_noise, remove_file),
	};
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	snprintf(path, sizeof(path), "%s/bora-kv-file-%d.kv", dir, (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
