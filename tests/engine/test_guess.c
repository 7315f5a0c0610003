/* When to guess: with costs and texts that the test decides. */
#include "engine/guess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LENGTH = 4000 };

struct course {
	double ms, plain_ms; /* with guessing, and without */
	int guessed, right, last_guess, longest;
};

/* Makes an answer of the given tokens; a pass with n guesses costs 1 + n * each. */
static struct course follow(struct guess *g, const int32_t *answer, int count, double each)
{
	struct course c = {0};
	for (int at = 0; at < count;) {
		int32_t ids[GUESS_MAX];
		int n = guess_next(g, GUESS_MAX, ids), right = 0;
		assert_in_range(n, 0, GUESS_MAX);
		while (right < n && at + right + 1 < count && ids[right] == answer[at + right])
			right++;
		for (int i = 0; i <= right && at < count; i++)
			guess_append(g, answer[at++]);
		guess_learn(g, n, right, 1 + n * each);
		c.ms += 1 + n * each;
		c.plain_ms += 1 + right;
		c.guessed += n;
		c.right += right;
		c.longest = n > c.longest ? n : c.longest;
		if (n)
			c.last_guess = at;
	}
	return c;
}

static int32_t prompt[LENGTH], copy[LENGTH], unlike[LENGTH];

static int setup(void **state)
{
	uint32_t random = 7;
	for (int i = 0; i < LENGTH; i++) {
		random = random * 1664525u + 1013904223u;
		prompt[i] = copy[i] = (int32_t)(random >> 20);
		random = random * 1664525u + 1013904223u;
		unlike[i] = (int32_t)(random >> 20);
	}
	/* Pairs of it stand in the prompt, but never go on as they did there. */
	for (int i = 0; i + 2 < LENGTH; i += 3) {
		int at = (int)((uint32_t)unlike[i] % (LENGTH - 2));
		unlike[i] = prompt[at];
		unlike[i + 1] = prompt[at + 1];
		unlike[i + 2] = 5000 + i;
	}
	return 0;
}

static void test_copy(void **state)
{
	struct guess *g = guess_create();
	guess_begin(g, prompt, LENGTH);
	struct course c = follow(g, copy, LENGTH, 0.1);
	assert_int_equal(c.longest, GUESS_MAX);
	assert_true(c.plain_ms / c.ms > 3);
	/* As expensive as reading them one by one: not done. */
	guess_destroy(g);
	g = guess_create();
	guess_begin(g, prompt, LENGTH);
	c = follow(g, copy, LENGTH, 1.5);
	assert_true(c.plain_ms / c.ms > 0.98);
	guess_destroy(g);
}

static void test_wrong_guesses_end(void **state)
{
	struct guess *g = guess_create();
	for (int i = 0; i < 3; i++) {
		guess_begin(g, prompt, LENGTH);
		struct course c = follow(g, unlike, 600, 0.3);
		assert_true(c.guessed > 0);
		if (c.plain_ms / c.ms < 0.98)
			fail_msg("%.3f times as fast as without guessing", c.plain_ms / c.ms);
	}
	/* Still tried now and then, so that a change of the text is noticed. */
	guess_begin(g, prompt, LENGTH);
	struct course c = follow(g, unlike, LENGTH, 0.3);
	assert_true(c.plain_ms / c.ms > 0.98);
	assert_true(c.last_guess > LENGTH / 2);
	c = follow(g, copy, 1000, 0.3);
	assert_true(c.plain_ms / c.ms > 1.5);
	guess_destroy(g);
}

/* An answer asked for again, and a conversation that went on, are known. */
static void test_begin(void **state)
{
	struct guess *g = guess_create();
	guess_begin(g, prompt, 100);
	struct course c = follow(g, unlike, 300, 0.1);
	guess_begin(g, prompt, 100);
	c = follow(g, unlike, 300, 0.1);
	assert_true(c.right > 200);
	memcpy(unlike + 300, prompt, 100 * sizeof(*prompt));
	guess_begin(g, unlike, 0);
	guess_begin(g, unlike, 400);
	c = follow(g, prompt, 50, 0.1);
	guess_destroy(g);
}

/* No more than there is room for, nothing before a pass was timed. */
static void test_limits(void **state)
{
	struct guess *g = guess_create();
	int32_t ids[GUESS_MAX];
	guess_begin(g, prompt, LENGTH);
	for (int i = 0; i < 50; i++)
		guess_append(g, copy[i]);
	assert_int_equal(guess_next(g, GUESS_MAX, ids), 0);
	guess_learn(g, 0, 0, 1);
	assert_int_equal(guess_next(g, 0, ids), 0);
	assert_int_equal(guess_next(g, -1, ids), 0);
	assert_int_equal(guess_next(g, 2, ids), 2);
	assert_int_equal(guess_next(g, 100, ids), GUESS_MAX);
	assert_memory_equal(ids, copy + 50, sizeof(ids));
	guess_destroy(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_wrong_guesses_end),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
