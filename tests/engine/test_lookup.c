/* Finding what followed before: longest past first, edits made again, nothing across a break. */
#include "engine/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 7 };

static void append_all(struct lookup *l, const char *text)
{
	for (; *text; text++)
		lookup_append(l, *text);
}

/* What is proposed after the text, as text. */
static const char *proposed(struct lookup *l, int most)
{
	static char text[MOST + 1];
	int32_t ids[MOST];
	enum lookup_kind kind;
	int n = lookup_next(l, most, ids, &kind);
	assert_in_range(n, 0, most);
	for (int i = 0; i < n; i++)
		text[i] = (char)ids[i];
	text[n] = '\0';
	return text;
}

static void expect(const char *log, int most, const char *next)
{
	struct lookup *l = lookup_create(1000);
	append_all(l, log);
	assert_string_equal(proposed(l, most), next);
	lookup_destroy(l);
}

static void test_nothing_known(void **state)
{
	expect("", 3, "");
	expect("a", 3, "");
	expect("abcdefg", 7, "");
	expect("abxa", 3, ""); /* one token is no past */
}

static void test_what_followed(void **state)
{
	expect("hello world. hel", 7, "lo worl");
	expect("hello world. hel", 2, "lo");
	expect("ab1 ab2 ab", 1, "2");             /* the newest of equals */
	expect("xxab1 yyab2 zzab3 xxab", 1, "1"); /* a longer past is more */
	expect("a longer past 1, past 2, past 3, a longer past ", 1, "1");
}

/* What repeats itself goes on beyond what there is. */
static void test_repetition(void **state)
{
	expect("=====", 7, "=======");
	expect("-+-+-+", 5, "-+-+-");
}

static void test_break(void **state)
{
	struct lookup *l = lookup_create(1000);
	append_all(l, "abcdef");
	lookup_break(l);
	lookup_break(l);
	assert_string_equal(proposed(l, 3), "");
	append_all(l, "ef");
	assert_string_equal(proposed(l, 3), ""); /* nothing has followed */
	append_all(l, "bcd");
	assert_string_equal(proposed(l, 7), "ef"); /* and no further */
	lookup_destroy(l);
}

/* Feeds text token by token and counts the tokens that a guess of one had right. */
static int count_right(struct lookup *l, const char *text)
{
	int right = 0;
	for (; *text; text++) {
		right += *proposed(l, 1) == *text;
		lookup_append(l, *text);
	}
	return right;
}

#define SOURCE "int sum = 0; for (i of list) { sum += i; print(sum, i); } return sum; /* the sum */ done"

/* A name that was changed is changed again; the text in between is found again at once. */
static void test_edits(void **state)
{
	static const char *const edited[] = {
		"int all = 0; for (i of list) { all += i; print(all, i); } return all; /* the all */ done",
		"int total = 0; for (i of list) { total += i; print(total, i); } return total; /* the total */ done",
		"int s = 0; for (i of list) { s += i; print(s, i); } return s; /* the s */ done"};
	for (size_t i = 0; i < sizeof(edited) / sizeof(*edited); i++) {
		struct lookup *l = lookup_create(1000);
		append_all(l, SOURCE);
		append_all(l, " -> ");
		int right = count_right(l, edited[i]), count = (int)strlen(edited[i]);
		/* Beginning, first change, and one token of each later change may go wrong. */
		if (right < count - 16)
			fail_msg("%d of %d: %s", right, count, edited[i]);
		lookup_destroy(l);
	}
}

/* The third change is proposed before its first token is known. */
static void test_edit_is_proposed(void **state)
{
	struct lookup *l = lookup_create(1000);
	append_all(l, SOURCE);
	append_all(l, " -> ");
	count_right(l, "int total = 0; for (i of list) { total += i; print(");
	assert_string_equal(proposed(l, 7), "total, ");
	/* Not made once, it is not expected either. */
	count_right(l, "sum, i); } return ");
	assert_string_equal(proposed(l, 7), "sum; /*");
	lookup_destroy(l);
}

static void test_kinds(void **state)
{
	struct lookup *l = lookup_create(1000);
	int32_t id;
	enum lookup_kind kind, before = LOOKUP_PAIR;
	append_all(l, "abcdefghijklmnopqrstuvwxyz 01");
	for (const char *p = "abcdefghijklmnopqrstuvwxy"; *p; p++) {
		lookup_append(l, *p);
		if (*p == 'a')
			continue;
		assert_int_equal(lookup_next(l, 1, &id, &kind), 1);
		assert_int_equal(id, *p + 1);
		assert_true(kind >= before && kind < LOOKUP_KINDS);
		before = kind;
	}
	assert_int_equal(kind, LOOKUP_TWENTY);
	lookup_append(l, '!');
	assert_int_equal(lookup_next(l, 1, &id, &kind), 1);
	assert_int_equal(id, ' '); /* in place of z */
	assert_int_equal(kind, LOOKUP_SWAP);
	lookup_destroy(l);
}

/* A full log forgets its older half, and works on. */
static void test_full(void **state)
{
	enum { SIZE = 64 };
	struct lookup *l = lookup_create(SIZE);
	uint32_t random = 1;
	append_all(l, "old");
	for (int i = 0; i < 20 * SIZE; i++) {
		int32_t ids[MOST];
		enum lookup_kind kind;
		random = random * 1664525u + 1013904223u;
		lookup_append(l, (int32_t)(random >> 30));
		if (random % 97 == 0)
			lookup_break(l);
		int n = lookup_next(l, MOST, ids, &kind);
		for (int j = 0; j < n; j++)
			assert_in_range(ids[j], 0, 3);
	}
	append_all(l, "what is new; ol");
	assert_string_equal(proposed(l, 1), "");
	append_all(l, " what is ");
	assert_string_equal(proposed(l, 3), "new");
	lookup_destroy(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known), cmocka_unit_test(test_what_followed),
		cmocka_unit_test(test_repetition),    cmocka_unit_test(test_break),
		cmocka_unit_test(test_edits),         cmocka_unit_test(test_edit_is_proposed),
		cmocka_unit_test(test_kinds),         cmocka_unit_test(test_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
