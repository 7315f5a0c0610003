#include "ui/picker.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct i18n *tr;
	struct picker *picker;
	struct screen *screen;
	char *text;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	setlocale(LC_ALL, "C.UTF-8");
	f->tr = i18n_open("en");
	f->screen = screen_open_headless(6, 30);
	f->picker = picker_create(f->tr, "Fruit");
	picker_add(f->picker, "Apple", "red");
	picker_add(f->picker, "Crème brûlée", "no fruit");
	picker_add(f->picker, "Москва", "a city");
	picker_add(f->picker, "مُحَمَّد", "a name");
	picker_add(f->picker, "北京", "a city");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	free(f->text);
	picker_free(f->picker);
	f->screen->ops->close(f->screen);
	i18n_close(f->tr);
	free(f);
	return 0;
}

static enum picker_result press(struct fixture *f, const char *name)
{
	struct key key;
	assert_true(keys_parse(name, strlen(name), &key));
	key.bytes = name;
	key.len = strlen(name);
	return picker_key(f->picker, &key);
}

static void type(struct fixture *f, const char *text)
{
	struct key key = {.code = KEYS_PASTE, .bytes = text, .len = strlen(text)};
	assert_int_equal(picker_key(f->picker, &key), PICKER_OPEN);
}

static const char *drawn(struct fixture *f)
{
	int rows, columns;
	f->screen->ops->size(f->screen, &rows, &columns);
	picker_draw(f->picker, f->screen, 0, rows);
	free(f->text);
	return f->text = screen_headless_dump(f->screen, false);
}

static void test_choosing(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(picker_chosen(f->picker), 0);
	assert_int_equal(press(f, "Down"), PICKER_OPEN);
	assert_int_equal(press(f, "Down"), PICKER_OPEN);
	assert_int_equal(press(f, "Up"), PICKER_OPEN);
	assert_int_equal(press(f, "Enter"), PICKER_CHOSEN);
	assert_int_equal(picker_chosen(f->picker), 1);
	assert_int_equal(press(f, "Esc"), PICKER_CLOSED);
}

/* Typing narrows the list without regard to case, accents or vowel marks. */
static void test_filter_in_every_script(void **state)
{
	static const struct {
		const char *typed;
		int chosen;
	} cases[] = {{"creme", 1}, {"APP", 0}, {"моск", 2}, {"محمد", 3}, {"京", 4}, {"zzz", -1}};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		press(f, "Ctrl+U");
		type(f, cases[i].typed);
		assert_int_equal(picker_chosen(f->picker), cases[i].chosen);
	}
	assert_int_equal(press(f, "Enter"), PICKER_OPEN);
	for (int i = 0; i < 3; i++)
		press(f, "Backspace");
	assert_int_equal(picker_chosen(f->picker), 0);
}

/* Words at the beginning before words within, whatever the order of adding; letters apart when nothing else fits. */
static void test_the_best_comes_first(void **state)
{
	struct fixture *f = *state;
	picker_add(f->picker, "pineapple", "");
	picker_add(f->picker, "an apple a day", "");
	picker_add(f->picker, "ＡＰＰＬＥ pie", ""); /* full-width */
	type(f, "apple");
	assert_int_equal(picker_chosen(f->picker), 0);
	press(f, "Down");
	assert_int_equal(picker_chosen(f->picker), 7);
	press(f, "Down");
	assert_int_equal(picker_chosen(f->picker), 6);
	press(f, "Down");
	assert_int_equal(picker_chosen(f->picker), 5);
	press(f, "Ctrl+U");
	type(f, "мсв");
	assert_int_equal(picker_chosen(f->picker), 2);
	press(f, "Ctrl+U");
	type(f, "北北");
	assert_int_equal(picker_chosen(f->picker), -1);
}

static void test_drawing(void **state)
{
	struct fixture *f = *state;
	const char *text = drawn(f);
	assert_non_null(strstr(text, "Fruit"));
	assert_non_null(strstr(text, "Apple"));
	assert_non_null(strstr(text, "red"));
	press(f, "End");
	assert_non_null(strstr(drawn(f), "北京"));
	for (int rows = 1; rows < 6; rows++)
		for (int columns = 1; columns < 30; columns++) {
			screen_headless_resize(f->screen, rows, columns);
			drawn(f);
		}
}

static void test_hostile_labels(void **state)
{
	struct fixture *f = *state;
	picker_add(f->picker, "\033[2Jzz", "\033]0;x\a");
	type(f, "zz");
	assert_null(strpbrk(drawn(f), "\033\a"));
}

#define WITH_PICKER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* However long a detail is, its beginning is there, and so is the label's. */
static void test_long_detail(void **state)
{
	struct fixture *f = *state;
	picker_add(f->picker, "Conversation", "ready, yesterday, a model with a long name");
	type(f, "conv");
	assert_non_null(strstr(drawn(f), "Conver"));
	assert_non_null(strstr(f->text, "ready, yesterday"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PICKER(test_choosing),
		WITH_PICKER(test_filter_in_every_script),
		WITH_PICKER(test_the_best_comes_first),
		WITH_PICKER(test_drawing),
		WITH_PICKER(test_hostile_labels),
		WITH_PICKER(test_long_detail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
