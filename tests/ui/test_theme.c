/* Themes: what must be told apart is, for any number of colours. */
#include "ui/theme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"default", "light", "dark", "contrast", "colorblind"};
enum { THEMES = sizeof(names) / sizeof(*names) };

static bool same(const struct look *a, const struct look *b, bool many)
{
	int left = many ? a->color : a->basic, right = many ? b->color : b->basic;
	return left == right && a->attributes == b->attributes;
}

static void test_code_is_told_apart(void **state)
{
	static const enum style styles[] = {STYLE_KEYWORD, STYLE_STRING, STYLE_COMMENT, STYLE_NUMBER, STYLE_CODE};
	for (int i = 0; i < THEMES; i++) {
		struct theme *theme = theme_open(names[i], false);
		assert_string_equal(theme->name, names[i]);
		for (int a = 0; a < 5; a++)
			for (int b = a + 1; b < 5; b++) {
				assert_false(same(&theme->look[styles[a]], &theme->look[styles[b]], true));
				assert_false(same(&theme->look[styles[a]], &theme->look[styles[b]], false));
			}
		/* The terminal's own background is left alone under text and code. */
		for (int style = STYLE_KEYWORD; style <= STYLE_DELETED; style++)
			assert_int_equal(theme->look[style].background, -1);
		assert_int_equal(theme->look[STYLE_TEXT].color, -1);
		theme_free(theme);
	}
}

/* Without colours nothing but attributes is left, and a keyword still stands out. */
static void test_no_color(void **state)
{
	setenv("NO_COLOR", "1", 1);
	struct theme *theme = theme_open("dark", false);
	assert_false(theme->colors);
	assert_int_equal(theme->look[STYLE_KEYWORD].plain, THEME_BOLD);
	assert_int_equal(theme->look[STYLE_COMMENT].plain, THEME_DIM);
	theme_free(theme);
	unsetenv("NO_COLOR");
	theme = theme_open("dark", true);
	assert_false(theme->colors);
	theme_free(theme);
}

static void test_own_colors(void **state)
{
	char err[256];
	struct theme *theme = theme_open("default", false);
	assert_int_equal(
		theme_set(theme, "keyword=#ff8700+bold,comment=244+italic+dim,string=default", err, sizeof(err)), 0);
	assert_int_equal(theme->look[STYLE_KEYWORD].color, THEME_RGB | 0xFF8700);
	assert_int_equal(theme->look[STYLE_KEYWORD].attributes, THEME_BOLD);
	assert_int_equal(theme_nearest(theme->look[STYLE_KEYWORD].color, 256), 208);
	assert_int_equal(theme->look[STYLE_COMMENT].color, 244);
	assert_int_equal(theme->look[STYLE_COMMENT].attributes, THEME_ITALIC | THEME_DIM);
	assert_int_equal(theme->look[STYLE_STRING].color, -1);
	static const char *const bad[] = {"keyword",         "nothing=1", "keyword=256",
					  "keyword=#12345g", "=1",        "keyword=blau"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(theme_set(theme, bad[i], err, sizeof(err)), -1);
	theme_free(theme);
}

static void test_nearest(void **state)
{
	assert_int_equal(theme_nearest(-1, 8), -1);
	assert_int_equal(theme_nearest(3, 8), 3);
	assert_int_equal(theme_nearest(THEME_RGB | 0xFF0000, 256), 196);
	assert_int_equal(theme_nearest(THEME_RGB | 0xFF0000, 16), 9);
	assert_int_equal(theme_nearest(THEME_RGB | 0x900000, 8), 1);
	assert_int_equal(theme_nearest(244, 8), theme_nearest(THEME_RGB | 0x808080, 8));
	assert_int_equal(theme_rgb(231), 0xFFFFFF);
	assert_int_equal(theme_rgb(232), 0x080808);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_is_told_apart),
		cmocka_unit_test(test_no_color),
		cmocka_unit_test(test_own_colors),
		cmocka_unit_test(test_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
