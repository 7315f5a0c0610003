#include "tests/engine/gguf_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

static char err[1024];

static void put_good_values(struct gguf_builder *g)
{
	put_text(g, "general.architecture", "llama");
	put_u32(g, "a.number", 7);
	put_array(g, "a.strings", GGUF_STRING, 2);
	put_string(&g->values, "one");
	put_string(&g->values, "zwei");
	put_array(g, "a.floats", GGUF_F32, 2);
	put_le(&g->values, 0x3f800000, 4);
	put_le(&g->values, 0xc0000000, 4);
	put_key(g, "a.bool", GGUF_BOOL);
	put_le(&g->values, 1, 1);
	put_key(g, "a.negative", GGUF_I16);
	put_le(&g->values, 0xfffe, 2);
}

static struct buffer good_file(void)
{
	struct gguf_builder g = {0};
	put_good_values(&g);
	put_tensor(&g, "x", 2, (uint64_t[]){8, 2}, TYPE_F32, 0);
	put_tensor(&g, "y", 1, (uint64_t[]){32}, TYPE_Q4_0, 64);
	for (int i = 0; i < 64 + 18; i++)
		put_le(&g.data, (uint64_t)i, 1);
	return gguf_bytes(&g);
}

static void test_a_good_file(void **state)
{
	struct buffer file = good_file();
	struct gguf *gguf;
	assert_int_equal(open_bytes(file.data, file.len, &gguf, err, sizeof(err)), 0);
	int64_t number = 0;
	double real;
	bool on;
	struct gguf_string text;
	const struct gguf_value *array;
	assert_int_equal(gguf_int(gguf, "a.number", 0, 10, &number, err, sizeof(err)), 1);
	assert_int_equal(number, 7);
	assert_int_equal(gguf_int(gguf, "a.negative", -5, 5, &number, err, sizeof(err)), 1);
	assert_int_equal(number, -2);
	assert_int_equal(gguf_int(gguf, "a.number", 8, 10, &number, err, sizeof(err)), -1);
	assert_int_equal(gguf_int(gguf, "none", 8, 10, &number, err, sizeof(err)), 0);
	assert_int_equal(gguf_float(gguf, "a.number", 0, 10, &real, err, sizeof(err)), -1);
	assert_int_equal(gguf_bool(gguf, "a.bool", &on, err, sizeof(err)), 1);
	assert_true(on);
	assert_int_equal(gguf_string(gguf, "general.architecture", &text, err, sizeof(err)), 1);
	assert_memory_equal(text.text, "llama", text.len);
	assert_int_equal(gguf_array(gguf, "a.strings", GGUF_STRING, &array, err, sizeof(err)), 1);
	size_t cursor = 0;
	assert_true(gguf_next_string(array, &cursor, &text));
	assert_true(gguf_next_string(array, &cursor, &text));
	assert_int_equal(text.len, 4);
	assert_memory_equal(text.text, "zwei", 4);
	assert_false(gguf_next_string(array, &cursor, &text));
	assert_int_equal(gguf_array(gguf, "a.floats", GGUF_F32, &array, err, sizeof(err)), 1);
	assert_true(gguf_float_at(array, 1) == -2.0);
	const struct tensor *y = gguf_tensor(gguf, "y");
	assert_non_null(y);
	assert_int_equal(y->size, 18);
	assert_int_equal(y->data[0], 64);
	assert_null(gguf_tensor(gguf, "z"));
	gguf_close(gguf);
	buffer_free(&file);
}

static void refused(const void *bytes, size_t len, const char *says)
{
	struct gguf *gguf;
	err[0] = '\0';
	if (open_bytes(bytes, len, &gguf, err, sizeof(err)) == 0) {
		gguf_close(gguf);
		fail_msg("a file was accepted that should be refused for: %s", says);
	}
	if (!strstr(err, says))
		fail_msg("'%s' does not say '%s'", err, says);
	for (const char *at = err; *at; at++)
		assert_true((unsigned char)*at >= 0x20);
}

static void refused_builder(struct gguf_builder *g, const char *says)
{
	struct buffer file = gguf_bytes(g);
	refused(file.data, file.len, says);
	buffer_free(&file);
}

/* Fault 1: cut at every byte of the header and the data. */
static void test_cut_anywhere(void **state)
{
	struct buffer file = good_file();
	for (size_t len = 0; len < file.len; len++)
		refused(file.data, len, "byte");
	buffer_free(&file);
}

static void patched(size_t at, uint64_t value, int bytes, const char *says)
{
	struct buffer file = good_file();
	for (int i = 0; i < bytes; i++)
		file.data[at + (size_t)i] = (char)(value >> (8 * i));
	refused(file.data, file.len, says);
	buffer_free(&file);
}

/* Faults 3 and 4. */
static void test_header_fields(void **state)
{
	static const uint64_t counts[] = {0x7fffffff,          0x80000000, 0x100000000,
					  UINT64_MAX / 32 + 1, 1ull << 63, UINT64_MAX};
	patched(0, 0x46554748, 4, "not a GGUF file");
	patched(4, 1, 4, "version 1");
	patched(4, 4, 4, "version 4");
	patched(4, 0x03000000, 4, "big-endian");
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		patched(8, counts[i], 8, "n_tensors");
		patched(16, counts[i], 8, "n_kv");
	}
}

/* Fault 5: a length of a string, at the first key. */
static void test_string_lengths(void **state)
{
	struct buffer file = good_file();
	uint64_t left = file.len - 32;
	buffer_free(&file);
	patched(24, left + 1, 8, "bytes long");
	patched(24, 1ull << 63, 8, "bytes long");
	patched(24, UINT64_MAX, 8, "bytes long");
	patched(24, 0, 8, "a name of 0 bytes");
}

static void test_values(void **state)
{
	struct gguf_builder g = {0};
	put_array(&g, "a", GGUF_U8, 1ull << 62);
	refused_builder(&g, "more than a file can hold");
	put_array(&g, "a", GGUF_F64, UINT64_MAX / 8 + 2);
	refused_builder(&g, "more than a file can hold");
	put_array(&g, "a", GGUF_STRING, 1ull << 61);
	refused_builder(&g, "more than a file can hold");
	put_array(&g, "a", GGUF_ARRAY, 1);
	refused_builder(&g, "array of type 9");
	put_array(&g, "a", 77, 1);
	refused_builder(&g, "array of type 77");
	put_key(&g, "a", 13);
	refused_builder(&g, "unknown value type 13");
	put_u32(&g, "same", 1);
	put_u32(&g, "same", 2);
	refused_builder(&g, "'same' occurs twice");
	put_u32(&g, "bad\033[31m", 1);
	refused_builder(&g, "\\x1b[31m");
	put_u32(&g,
		"bad\xc2\x9b"
		"31m",
		1); /* CSI as a C1 control */
	refused_builder(&g, "\\u009b31m");
}

/* Fault 9. */
static void test_alignment(void **state)
{
	static const uint32_t bad[] = {0, 1, 2, 3, 4, 13, 48, 1u << 21, 1u << 31};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct gguf_builder g = {0};
		put_u32(&g, "general.alignment", bad[i]);
		refused_builder(&g, "general.alignment");
	}
	struct gguf_builder g = {0};
	put_key(&g, "general.alignment", GGUF_I32);
	put_le(&g.values, 32, 4);
	refused_builder(&g, "of type i32, expected u32");
}

/* Faults 10, 11, 12 and 13. */
static void test_tensors(void **state)
{
	static const struct {
		uint32_t dims, type;
		uint64_t ne[5], offset;
		const char *says;
	} bad[] = {
		{0, TYPE_F32, {0}, 0, "n_dims is 0, possible are 1 to 4"},
		{5, TYPE_F32, {1, 1, 1, 1, 1}, 0, "n_dims is 5, possible are 1 to 4"},
		{0xffffffff, TYPE_F32, {0}, 0, "n_dims is 4294967295"},
		{1, TYPE_F32, {0}, 0, "impossible size"},
		{1, TYPE_F32, {1ull << 63}, 0, "impossible size"},
		{2, TYPE_F32, {1ull << 32, 1ull << 32}, 0, "impossible size"},
		{2, TYPE_F32, {(1ull << 42) + 1, 1ull << 21}, 0, "impossible size"},
		{1, TYPE_F32, {1ull << 61}, 0, "cut short"},
		{1, TYPE_F32, {1ull << 62}, 0, "impossible size"},
		{2, TYPE_F32, {4, 1ull << 60}, 0, "impossible size"},
		{1, TYPE_Q4_K, {255}, 0, "not a multiple of 256 (Q4_K)"},
		{1, 24, {0x7fffffffffffffc0}, 0, "type 24 (I8)"},
		{1, 4711, {32}, 0, "type 4711"},
		{1, TYPE_F32, {8}, 1, "offset: 1 is not a multiple of"},
		{1, TYPE_F32, {8}, 64, "cut short"},
		{1, TYPE_F32, {8}, 1ull << 62, "cut short"},
		{1, TYPE_F32, {9}, 32, "cut short"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct gguf_builder g = {0};
		put_tensor(&g, "t", bad[i].dims < 5 ? bad[i].dims : 5, bad[i].ne, bad[i].type, bad[i].offset);
		if (bad[i].dims > 5)
			memset(g.tensors.data + 9, 0xff, 4);
		for (int byte = 0; byte < 64; byte++)
			put_le(&g.data, 0, 1);
		refused_builder(&g, bad[i].says);
	}
}

static void test_tensor_places(void **state)
{
	struct gguf_builder g = {0};
	put_tensor(&g, "a", 1, (uint64_t[]){16}, TYPE_F32, 0);
	put_tensor(&g, "b", 1, (uint64_t[]){8}, TYPE_F32, 32);
	for (int byte = 0; byte < 128; byte++)
		put_le(&g.data, 0, 1);
	refused_builder(&g, "overlap");
	put_tensor(&g, "a", 1, (uint64_t[]){8}, TYPE_F32, 0);
	put_tensor(&g, "a", 1, (uint64_t[]){8}, TYPE_F32, 32);
	for (int byte = 0; byte < 128; byte++)
		put_le(&g.data, 0, 1);
	refused_builder(&g, "'a' occurs twice");
}

/* Fault 2: what is no regular file is refused at once. */
static void test_strange_files(void **state)
{
	struct gguf *gguf;
	char fifo[] = "/tmp/bora-test-fifo-XXXXXX";
	int fd = mkstemp(fifo);
	close(fd);
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(gguf_open(&gguf, fifo, err, sizeof(err)), -1);
	unlink(fifo);
	assert_int_equal(gguf_open(&gguf, "/tmp", err, sizeof(err)), -1);
	assert_int_equal(gguf_open(&gguf, "/dev/zero", err, sizeof(err)), -1);
	assert_int_equal(gguf_open(&gguf, "/nowhere/at/all", err, sizeof(err)), -1);
	assert_non_null(strstr(err, "/nowhere/at/all"));
}

/* Fault 4 and 6 in a file of a tebibyte that takes no room on disk. */
static void test_holes(void **state)
{
	static const struct {
		int at;
		uint64_t count;
		const char *says;
	} cases[] = {{8, 1ull << 34, "n_tensors"}, {16, 1ull << 36, "n_kv"}};
	char path[] = "/tmp/bora-test-holes-XXXXXX";
	struct gguf *gguf;
	int fd = mkstemp(path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t header[24] = "GGUF\3";
		for (int b = 0; b < 8; b++)
			header[cases[i].at + b] = (uint8_t)(cases[i].count >> (8 * b));
		assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
		if (ftruncate(fd, 1ll << 40) != 0) {
			close(fd);
			unlink(path);
			skip(); /* a file system without such files */
		}
		assert_int_equal(gguf_open(&gguf, path, err, sizeof(err)), -1);
		assert_non_null(strstr(err, cases[i].says));
	}
	struct gguf_builder g = {0};
	put_array(&g, "a", GGUF_STRING, 1ull << 36);
	struct buffer file = gguf_bytes(&g);
	assert_int_equal(pwrite(fd, file.data, file.len, 0), (ssize_t)file.len);
	assert_int_equal(gguf_open(&gguf, path, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "entries, more than a file can hold"));
	buffer_free(&file);
	close(fd);
	unlink(path);
}

/* Every byte of a small file set to every of a few values: refused or read, never worse. */
static void test_every_byte_changed(void **state)
{
	static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	struct buffer file = good_file();
	int fd = memfd_create("gguf", 0);
	char path[64];
	assert_int_equal(write(fd, file.data, file.len), (ssize_t)file.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t at = 0; at < file.len; at++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			struct gguf *gguf;
			assert_int_equal(pwrite(fd, &values[v], 1, (off_t)at), 1);
			if (gguf_open(&gguf, path, err, sizeof(err)) == 0)
				gguf_close(gguf);
			else
				assert_non_null(strchr(err, ':'));
		}
		assert_int_equal(pwrite(fd, file.data + at, 1, (off_t)at), 1);
	}
	close(fd);
	buffer_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_file),   cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_header_fields), cmocka_unit_test(test_string_lengths),
		cmocka_unit_test(test_values),        cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_tensors),       cmocka_unit_test(test_tensor_places),
		cmocka_unit_test(test_strange_files), cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_holes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
