/* Bytes in, keys out. */
#include "ui/keys.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum keys_code only(struct keys *keys, const char *bytes, size_t len, struct key *key)
{
	keys_feed(keys, bytes, len, 1000);
	return keys_next(keys, 1000, key);
}

struct named {
	const char *bytes, *name;
};

static const struct named named[] = {
	{"a", "a"},
	{"\r", "Enter"},
	{"\n", "Ctrl+J"},
	{"\t", "Tab"},
	{"\177", "Backspace"},
	{"\b", "Backspace"},
	{"\x10", "Ctrl+P"},
	{"\x1a", "Ctrl+Z"},
	{"\033a", "Alt+a"},
	{"\033m", "Alt+M"},
	{"\033\r", "Alt+Enter"},
	{"\033[13;2u", "Shift+Enter"},
	{"\033[13;5u", "Ctrl+Enter"},
	{"\033[27;2;13~", "Shift+Enter"},
	{"\033[27;5;13~", "Ctrl+Enter"},
	{"\033[112;5u", "Ctrl+P"},
	{"\033[27u", "Esc"},
	{"\033[A", "Up"},
	{"\033OA", "Up"},
	{"\033[1;5H", "Ctrl+Home"},
	{"\033[1;5F", "Ctrl+End"},
	{"\033[1~", "Home"},
	{"\033[7~", "Home"},
	{"\033OF", "End"},
	{"\033[5~", "PgUp"},
	{"\033[6~", "PgDn"},
	{"\033[3~", "Delete"},
	{"\033OP", "F1"},
	{"\033[11~", "F1"},
	{"\033[[A", "F1"},
	{"\033[24~", "F12"},
	{"\033[Z", "Shift+Tab"},
	{"\033<", "Alt+<"},
};

static void assert_key(const struct key *key, const char *name)
{
	struct key expected;
	assert_true(keys_parse(name, strlen(name), &expected));
	if (key->code != expected.code || key->mods != expected.mods || key->ch != expected.ch)
		fail_msg("%s: code %d mods %u ch %u", name, key->code, key->mods, key->ch);
}

static void test_named_keys(void **state)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		struct keys *keys = keys_create();
		struct key key;
		assert_int_not_equal(only(keys, named[i].bytes, strlen(named[i].bytes), &key), KEYS_NONE);
		assert_key(&key, named[i].name);
		assert_int_equal(keys_next(keys, 1000, &key), KEYS_NONE);
		assert_int_equal(keys_timeout(keys, 1000), -1);
		keys_free(keys);
	}
}

/* Every sequence gives the same key when its bytes come one at a time. */
static void test_named_keys_byte_by_byte(void **state)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		struct keys *keys = keys_create();
		struct key key = {0};
		size_t len = strlen(named[i].bytes);
		for (size_t b = 0; b < len; b++) {
			assert_int_equal(keys_next(keys, 1000, &key), KEYS_NONE);
			keys_feed(keys, named[i].bytes + b, 1, 1000);
		}
		assert_int_not_equal(keys_next(keys, 1000, &key), KEYS_NONE);
		assert_key(&key, named[i].name);
		keys_free(keys);
	}
}

static void test_escape_alone_waits(void **state)
{
	struct keys *keys = keys_create();
	struct key key;
	keys_feed(keys, "\033", 1, 1000);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_NONE);
	assert_int_equal(keys_timeout(keys, 1010), 40);
	assert_int_equal(keys_next(keys, 1049, &key), KEYS_NONE);
	assert_int_equal(keys_next(keys, 1050, &key), KEYS_ESC);
	keys_free(keys);
}

/* The terminal's answers are never keys that one could type; keys_next() tells them apart. */
static const struct {
	const char *bytes;
	bool told; /* to whoever asked; the others are dropped */
} replies[] = {
	{"\033[?62;c", true},      {"\033[12;40R", true},        {"\033[?2026;2$y", true},
	{"\033[8;1$y", true},      {"\033[>0;276;0c", true},     {"\033]11;rgb:0000/0000/0000\a", true},
	{"\033]10;x\033\\", true}, {"\033P>|xterm\033\\", true}, {"\033_Gi=1;OK\033\\", true},
	{"\033[M !!", false},
};
enum { REPLIES = sizeof(replies) / sizeof(replies[0]) };

static void test_replies_are_not_typed(void **state)
{
	for (size_t i = 0; i < REPLIES; i++) {
		struct keys *keys = keys_create();
		struct key key;
		keys_feed(keys, replies[i].bytes, strlen(replies[i].bytes), 1000);
		keys_feed(keys, "x", 1, 1000);
		enum keys_code code = keys_next(keys, 1000, &key);
		if (replies[i].told) {
			assert_int_equal(code, KEYS_REPLY);
			assert_int_equal(key.len, strlen(replies[i].bytes));
			assert_memory_equal(key.bytes, replies[i].bytes, key.len);
			assert_int_equal(keys_action(&key), ACTION_NONE);
			code = keys_next(keys, 1000, &key);
		}
		assert_int_equal(code, KEYS_CHAR);
		assert_int_equal(key.ch, 'x');
		assert_int_equal(keys_next(keys, 1000, &key), KEYS_NONE);
		keys_free(keys);
	}
}

/* Over a slow link answers come late and in pieces: while they are expected they are put together. */
static void test_replies_in_pieces(void **state)
{
	for (size_t i = 0; i < REPLIES; i++) {
		struct keys *keys = keys_create();
		struct key key;
		int64_t now = 1000;
		size_t len = strlen(replies[i].bytes);
		if (!replies[i].told || replies[i].bytes[1] == ']' || replies[i].bytes[1] == '_')
			goto next;
		keys_expect_replies(keys, 100000);
		keys_feed(keys, replies[i].bytes, 2, now);
		for (size_t b = 2; b < len; b++) {
			now += 300;
			assert_int_equal(keys_next(keys, now, &key), KEYS_NONE);
			keys_feed(keys, replies[i].bytes + b, 1, now);
		}
		assert_int_equal(keys_next(keys, now, &key), KEYS_REPLY);
		assert_int_equal(key.len, len);
		assert_int_equal(keys_next(keys, now, &key), KEYS_NONE);
	next:
		keys_free(keys);
	}
}

static void test_focus(void **state)
{
	struct keys *keys = keys_create();
	struct key key;
	keys_feed(keys, "a\033[O\033[Ib", 8, 1000);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_CHAR);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_FOCUS);
	assert_int_equal(key.ch, 0);
	assert_int_equal(keys_action(&key), ACTION_NONE);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_FOCUS);
	assert_int_equal(key.ch, 1);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_CHAR);
	assert_int_equal(key.ch, 'b');
	keys_free(keys);
}

static void test_utf8(void **state)
{
	struct keys *keys = keys_create();
	struct key key;
	assert_int_equal(only(keys, "\xE4\xBD", 2, &key), KEYS_NONE);
	assert_int_equal(only(keys, "\xA0", 1, &key), KEYS_CHAR);
	assert_int_equal(key.ch, 0x4F60);
	assert_int_equal(key.len, 3);
	assert_int_equal(only(keys, "\xC3(", 2, &key), KEYS_CHAR);
	assert_int_equal(key.ch, 0xFFFD);
	assert_memory_equal(key.bytes, "\xEF\xBF\xBD", 3);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_CHAR);
	assert_int_equal(key.ch, '(');
	assert_int_equal(only(keys, "\xF0\x9F\x98\x80", 4, &key), KEYS_CHAR);
	assert_int_equal(key.ch, 0x1F600);
	keys_free(keys);
}

static void test_paste(void **state)
{
	struct keys *keys = keys_create();
	struct key key;
	static const char text[] = "\033[200~a\rb\r\nc\033[Ad\033[201~e";
	for (size_t split = 0; split < sizeof(text); split++) {
		keys_feed(keys, text, split, 1000);
		size_t got = 0;
		struct key first = {0};
		if (keys_next(keys, 1000, &key) != KEYS_NONE)
			first = key, got++;
		if (!got) {
			keys_feed(keys, text + split, sizeof(text) - 1 - split, 1000);
			assert_int_equal(keys_next(keys, 1000, &first), KEYS_PASTE);
		} else {
			keys_feed(keys, text + split, sizeof(text) - 1 - split, 1000);
		}
		assert_int_equal(first.code, KEYS_PASTE);
		if (!got) {
			assert_int_equal(first.len, 9);
			assert_memory_equal(first.bytes, "a\nb\nc\033[Ad", 9);
		}
		if (split < sizeof(text) - 1) {
			assert_int_equal(keys_next(keys, 1000, &key), KEYS_CHAR);
			assert_int_equal(key.ch, 'e');
		}
		while (keys_next(keys, 1000, &key) != KEYS_NONE)
			;
	}
	keys_free(keys);
}

static void test_unterminated_paste_ends(void **state)
{
	struct keys *keys = keys_create();
	struct key key;
	keys_feed(keys, "\033[200~hello", 11, 1000);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_NONE);
	assert_true(keys_pasting(keys));
	assert_true(keys_timeout(keys, 1000) > 0);
	assert_int_equal(keys_next(keys, 9000, &key), KEYS_PASTE);
	assert_int_equal(key.len, 5);
	assert_false(keys_pasting(keys));
	assert_int_equal(only(keys, "x", 1, &key), KEYS_CHAR);
	keys_free(keys);
}

static void test_huge_paste(void **state)
{
	enum { SIZE = 10 << 20, PART = 4096 };
	struct keys *keys = keys_create();
	struct key key;
	char *part = xmalloc(PART);
	memset(part, 'x', PART);
	keys_feed(keys, "\033[200~", 6, 1000);
	for (int i = 0; i < SIZE / PART; i++) {
		keys_feed(keys, part, PART, 1000);
		assert_int_equal(keys_next(keys, 1000, &key), KEYS_NONE);
	}
	keys_feed(keys, "\033[201~", 6, 1000);
	assert_int_equal(keys_next(keys, 1000, &key), KEYS_PASTE);
	assert_int_equal(key.len, SIZE);
	free(part);
	keys_free(keys);
}

/* Any bytes at all: always an end, never a key from outside the table. */
static void test_noise_ends(void **state)
{
	unsigned seed = 1;
	for (int round = 0; round < 2000; round++) {
		struct keys *keys = keys_create();
		struct key key;
		char bytes[40];
		for (size_t i = 0; i < sizeof(bytes); i++) {
			static const char likely[] = "\033[]OPM;?0123456789~uR\\\a";
			seed = seed * 1103515245 + 12345;
			bytes[i] = seed >> 30 ? likely[(seed >> 16) % (sizeof(likely) - 1)] : (char)(seed >> 16);
		}
		keys_feed(keys, bytes, sizeof(bytes), 0);
		int count = 0;
		while (keys_next(keys, 100000, &key) != KEYS_NONE)
			assert_true(++count <= 40);
		assert_int_equal(keys_timeout(keys, 100000), -1);
		keys_free(keys);
	}
}

static void test_actions(void **state)
{
	struct key key;
	assert_true(keys_parse("Ctrl+P", 6, &key));
	assert_int_equal(keys_action(&key), ACTION_PALETTE);
	assert_true(keys_parse("F2", 2, &key));
	assert_int_equal(keys_action(&key), ACTION_PALETTE);
	assert_true(keys_parse("Shift+Enter", 11, &key));
	assert_int_equal(keys_action(&key), ACTION_NEWLINE);
	assert_true(keys_parse("p", 1, &key));
	assert_int_equal(keys_action(&key), ACTION_NONE);
}

/* The table names only keys that exist, and no key twice. */
static void test_table_is_sound(void **state)
{
	struct key seen[100];
	int count = 0;
	for (int id = ACTION_NONE + 1; id < ACTION_COUNT; id++) {
		const char *at = action_table[id].keys;
		while (*at) {
			size_t len = strcspn(at, " ");
			struct key *key = &seen[count];
			assert_true(keys_parse(at, len, key));
			for (int i = 0; i < count; i++)
				assert_false(seen[i].code == key->code && seen[i].mods == key->mods &&
					     seen[i].ch == key->ch);
			count++;
			at += len + strspn(at + len, " ");
		}
	}
	assert_true(count > 20);
	/* What has Ctrl keys alone is reached through the palette, which has a key on every keyboard. */
	assert_non_null(strstr(action_table[ACTION_PALETTE].keys, " F2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_keys),
		cmocka_unit_test(test_named_keys_byte_by_byte),
		cmocka_unit_test(test_escape_alone_waits),
		cmocka_unit_test(test_replies_are_not_typed),
		cmocka_unit_test(test_replies_in_pieces),
		cmocka_unit_test(test_focus),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_paste),
		cmocka_unit_test(test_unterminated_paste_ends),
		cmocka_unit_test(test_huge_paste),
		cmocka_unit_test(test_noise_ends),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_table_is_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
