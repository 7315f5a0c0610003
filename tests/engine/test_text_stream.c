#include "engine/text_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct text_stream stream;

/* Adds bytes; expects that what may go out is exactly this, and lets it go. */
static void expect(const char *bytes, const char *ready)
{
	size_t len = text_stream_add(&stream, bytes, strlen(bytes));
	assert_int_equal(len, strlen(ready));
	assert_memory_equal(stream.bytes.data, ready, len);
	text_stream_drop(&stream, len);
}

static void test_characters_stay_whole(void **state)
{
	stream = (struct text_stream){0};
	expect("ab\xc3", "ab");
	expect("\xa9", "é");
	expect("\xf0", "");
	expect("\x9f", "");
	expect("\x98", "");
	expect("\x80!", "😀!");
	expect("\xe4\xb8", "");
	expect("\xad\xe6", "中");
	expect("\x96\x87", "文");
	buffer_free(&stream.bytes);
}

static void test_invalid_bytes_pass(void **state)
{
	stream = (struct text_stream){0};
	expect("\xff", "\xff");
	expect("\x80", "\x80");
	expect("\xc3", "");
	expect("x", "\xc3x");
	expect("\xf5\x80", "\xf5\x80");
	expect("\xc3", ""); /* at the end it is still there, to be passed on as it is */
	assert_int_equal(stream.bytes.len, 1);
	buffer_free(&stream.bytes);
}

static void test_first_space(void **state)
{
	stream = (struct text_stream){.skip_space = true};
	expect("", "");
	expect(" Hello", "Hello");
	expect(" world", " world");
	buffer_free(&stream.bytes);
	stream = (struct text_stream){.skip_space = true};
	expect("Hello", "Hello");
	expect(" ", " ");
	buffer_free(&stream.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_characters_stay_whole),
		cmocka_unit_test(test_invalid_bytes_pass),
		cmocka_unit_test(test_first_space),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
