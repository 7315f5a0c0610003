/* Golden screens: every construct of Markdown, whole, half-written and raw, from the left
 * and from the right, in a light and a dark theme. Each row is followed by its styles, a letter a cell; the
 * end of a screen says what the letters look like in the theme.
 *
 * BORA_GOLDEN=write makes them anew: look at the difference before it is kept. */
#include "ui/theme.h"
#include "ui/transcript.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 140, COLUMNS = 60 };
enum view { WHOLE, RAW, HALF_WRITTEN };

static const char *const styles[STYLE_COUNT] = {
	[STYLE_TEXT] = "text",         [STYLE_TOP_HEADING] = "first heading",
	[STYLE_HEADING] = "heading",   [STYLE_STRONG] = "strong",
	[STYLE_EMPHASIS] = "emphasis", [STYLE_LINK] = "link",
	[STYLE_QUOTE] = "quote",       [STYLE_INLINE_CODE] = "inline code",
	[STYLE_BULLET] = "bullet",     [STYLE_CODE] = "code",
	[STYLE_CODE_FRAME] = "frame",  [STYLE_DIM] = "dim",
	[STYLE_KEYWORD] = "keyword",   [STYLE_TYPE_NAME] = "type",
	[STYLE_STRING] = "string",     [STYLE_COMMENT] = "comment",
	[STYLE_NUMBER] = "number",     [STYLE_FUNCTION] = "function",
	[STYLE_NAME] = "name",         [STYLE_MACRO] = "macro",
	[STYLE_INSERTED] = "inserted", [STYLE_DELETED] = "deleted",
};

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = xcalloc(1, 1 << 16);
	if (file) {
		assert_true(fread(text, 1, (1 << 16) - 1, file) < (1 << 16) - 1);
		fclose(file);
	}
	return text;
}

static void add_legend(struct buffer *out, const char *name)
{
	struct theme *theme = theme_open(name, -1, false);
	for (int i = 0; i < STYLE_COUNT; i++) {
		int color = theme_foreground(theme, (enum style)i, 1 << 24);
		if (!styles[i])
			continue;
		buffer_printf(out, "%s: ", styles[i]);
		buffer_printf(out, color < 0 ? "the terminal's own" : "#%06x", (unsigned)color);
		buffer_printf(out, ", %d of 256, %d of 16, %d of 8, attributes %u; without colours %u\n",
			      theme_foreground(theme, (enum style)i, 256), theme_foreground(theme, (enum style)i, 16),
			      theme_foreground(theme, (enum style)i, 8), theme->look[i].attributes,
			      theme->look[i].plain);
	}
	theme_free(theme);
}

/* Draws the entry on a screen of its own. Caller frees. */
static char *draw(struct transcript *t, int entry)
{
	struct screen *screen = screen_open_headless(ROWS, COLUMNS);
	assert_in_range(transcript_draw_entry(t, screen, entry, 0), 1, ROWS);
	char *drawn = screen_headless_dump(screen, true);
	size_t len = strlen(drawn);
	while (len > 1 && drawn[len - 1] == '\n' && drawn[len - 2] == '\n')
		drawn[--len] = '\0';
	screen->ops->close(screen);
	return drawn;
}

/* Messages that end in the middle of something and may go on; a line of four dashes stands between them. */
static void draw_half_written(struct transcript *t, char *source, struct buffer *out)
{
	static const char between[] = "\n----\n";
	source[strlen(source) - 1] = '\0';
	for (char *at = source; at;) {
		char *end = strstr(at, between);
		int entry = transcript_add(t, ENTRY_ASSISTANT, "", 0);
		transcript_append(t, entry, at, end ? (size_t)(end - at) : strlen(at));
		char *drawn = draw(t, entry);
		buffer_printf(out, "%s%s", at == source ? "" : "\n", drawn);
		free(drawn);
		at = end ? end + strlen(between) : NULL;
	}
}

static void draw_view(struct transcript *t, enum view view, char *source, struct buffer *out)
{
	if (view == HALF_WRITTEN) {
		draw_half_written(t, source, out);
		return;
	}
	transcript_raw(t, view == RAW);
	char *drawn = draw(t, transcript_add(t, ENTRY_ASSISTANT, source, strlen(source)));
	buffer_puts(out, drawn);
	free(drawn);
}

static void check_theme(const char *document, enum view view, const char *theme)
{
	char *source_path = xasprintf("tests/vectors/%s.md", document);
	char *golden_path = xasprintf("tests/vectors/%s-%s%s.screen", document, view == RAW ? "raw-" : "", theme);
	char *source = read_text(source_path);
	struct i18n *tr = i18n_open("en");
	struct transcript *t = transcript_create(tr, I18N_BIDI_APP);
	struct buffer text = {0};
	draw_view(t, view, source, &text);
	add_legend(&text, theme);
	const char *mode = getenv("BORA_GOLDEN");
	if (mode && strcmp(mode, "write") == 0) {
		FILE *file = fopen(golden_path, "w");
		assert_non_null(file);
		fwrite(text.data, 1, text.len, file);
		assert_int_equal(fclose(file), 0);
	}
	char *golden = read_text(golden_path);
	assert_string_equal(text.data, golden);
	free(golden);
	buffer_free(&text);
	transcript_free(t);
	i18n_close(tr);
	free(source);
	free(golden_path);
	free(source_path);
}

static void check(const char *document, enum view view)
{
	check_theme(document, view, "light");
	check_theme(document, view, "dark");
}

static void test_left_to_right(void **state)
{
	check("markdown", WHOLE);
}

static void test_right_to_left(void **state)
{
	check("markdown-rtl", WHOLE);
}

static void test_half_written(void **state)
{
	check("half-written", HALF_WRITTEN);
	check("half-written-rtl", HALF_WRITTEN);
}

static void test_raw(void **state)
{
	check("markdown", RAW);
	check("markdown-rtl", RAW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_to_right),
		cmocka_unit_test(test_right_to_left),
		cmocka_unit_test(test_half_written),
		cmocka_unit_test(test_raw),
	};
	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
