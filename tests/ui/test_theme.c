/* Themes: what must be told apart is, for any number of colours. */
#include "ui/theme.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"default",          "light",          "dark", "contrast", "colorblind",
				    "colorblind-light", "colorblind-dark"};
enum { THEMES = sizeof(names) / sizeof(*names) };

static const int depths[] = {1 << 24, 256, 16, 8};
enum { DEPTHS = sizeof(depths) / sizeof(*depths) };

static bool same(const struct theme *theme, enum style a, enum style b, int colors)
{
	return theme_foreground(theme, a, colors) == theme_foreground(theme, b, colors) &&
	       theme->look[a].attributes == theme->look[b].attributes;
}

static void test_code_is_told_apart(void **state)
{
	static const enum style styles[] = {STYLE_KEYWORD, STYLE_STRING, STYLE_COMMENT, STYLE_NUMBER, STYLE_CODE};
	for (int i = 0; i < THEMES; i++) {
		struct theme *theme = theme_open(names[i], -1, false);
		assert_string_equal(theme->name, names[i]);
		for (int a = 0; a < 5; a++)
			for (int b = a + 1; b < 5; b++)
				for (int depth = 0; depth < DEPTHS; depth++)
					assert_false(same(theme, styles[a], styles[b], depths[depth]));
		/* The terminal's own background is left alone under text and code. */
		for (int style = STYLE_KEYWORD; style <= STYLE_DELETED; style++)
			assert_int_equal(theme->look[style].background, -1);
		assert_int_equal(theme->look[STYLE_TEXT].color, -1);
		theme_free(theme);
	}
}

/* --- Contrast: WCAG 2.1's ratio ------------------------------------------------------------ */

static double luminance(int rgb)
{
	static const double weights[] = {0.2126, 0.7152, 0.0722};
	double sum = 0;
	for (int i = 0; i < 3; i++) {
		double part = (rgb >> (16 - 8 * i) & 255) / 255.0;
		sum += weights[i] * (part <= 0.03928 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4));
	}
	return sum;
}

static double ratio(int a, int b)
{
	double left = luminance(a), right = luminance(b);
	return (fmax(left, right) + 0.05) / (fmin(left, right) + 0.05);
}

/* The least that any text of the theme has on any of the backgrounds; the frame of code is no text. */
static double least(const struct theme *theme, const int *backgrounds, int count, int colors)
{
	double found = 21;
	for (int style = 0; style < STYLE_COUNT; style++) {
		int color = theme_foreground(theme, (enum style)style, colors);
		if (color < 0 || style == STYLE_CODE_FRAME)
			continue;
		int rgb = theme_rgb(colors > 256 ? color | THEME_RGB : color);
		int own = theme_background(theme, (enum style)style, colors);
		for (int i = 0; i < count; i++) {
			int under = own < 0 ? backgrounds[i] : theme_rgb(colors > 256 ? own | THEME_RGB : own);
			found = fmin(found, ratio(rgb, under));
		}
	}
	return found;
}

/* Backgrounds that terminals come with and that people choose: black, VS Code, One Dark,
 * Ubuntu, Solarized, Nord; white, Fedora's and Gruvbox' paper, Solarized, Catppuccin. */
static const int dark_grounds[] = {0x000000, 0x1E1E1E, 0x282C34, 0x300A24, 0x002B36, 0x2E3440};
static const int light_grounds[] = {0xFFFFFF, 0xFAFAFA, 0xFBF1C7, 0xFDF6E3, 0xEFF1F5};
static const int both_grounds[] = {0x000000, 0xFFFFFF};

static void test_contrast(void **state)
{
	static const struct {
		const char *theme;
		const int *grounds;
		int count;
		double least, least_of_256;
	} rows[] = {
		{"dark", dark_grounds, 6, 4.5, 4.5},
		{"light", light_grounds, 5, 4.5, 4.5},
		{"colorblind-dark", dark_grounds, 6, 4.5, 4.5},
		{"colorblind-light", light_grounds, 5, 4.5, 4.5},
		/* No colour has more than 4.58 on both black and white. */
		{"default", both_grounds, 2, 4.5, 3.5},
		{"colorblind", both_grounds, 2, 4.5, 3.5},
		{"contrast", both_grounds, 2, 7, 7},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct theme *theme = theme_open(rows[i].theme, -1, false);
		double rgb = least(theme, rows[i].grounds, rows[i].count, 1 << 24);
		double palette = least(theme, rows[i].grounds, rows[i].count, 256);
		print_message("%s: at least %.2f, of 256 colours %.2f\n", rows[i].theme, rgb, palette);
		assert_true(rgb >= rows[i].least);
		assert_true(palette >= rows[i].least_of_256);
		theme_free(theme);
	}
}

/* What is chosen for a background that is known. */
static void test_background(void **state)
{
	static const struct {
		const char *name;
		int background;
		const char *found;
	} rows[] = {
		{"default", -1, "default"},           {"default", 0, "dark"},
		{"default", 0xFFFFFF, "light"},       {"default", 0x300A24, "dark"},
		{"default", 0xFBF1C7, "light"},       {"light", 0, "light"},
		{"dark", 0xFFFFFF, "dark"},           {"contrast", 0, "contrast"},
		{"colorblind", 0, "colorblind-dark"}, {"colorblind", 0xFDF6E3, "colorblind-light"},
		{"colorblind", -1, "colorblind"},     {"no such", 0, "dark"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct theme *theme = theme_open(rows[i].name, rows[i].background, false);
		assert_string_equal(theme->name, rows[i].found);
		theme_free(theme);
	}
}

/* Without colours nothing but attributes is left, and a keyword still stands out. */
static void test_no_color(void **state)
{
	setenv("NO_COLOR", "1", 1);
	struct theme *theme = theme_open("dark", -1, false);
	assert_false(theme->colors);
	assert_int_equal(theme->look[STYLE_KEYWORD].plain, THEME_BOLD);
	assert_int_equal(theme->look[STYLE_COMMENT].plain, THEME_DIM);
	theme_free(theme);
	unsetenv("NO_COLOR");
	theme = theme_open("dark", -1, true);
	assert_false(theme->colors);
	theme_free(theme);
}

static void test_own_colors(void **state)
{
	char err[256];
	struct theme *theme = theme_open("default", -1, false);
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
		cmocka_unit_test(test_code_is_told_apart), cmocka_unit_test(test_contrast),
		cmocka_unit_test(test_background),         cmocka_unit_test(test_no_color),
		cmocka_unit_test(test_own_colors),         cmocka_unit_test(test_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
