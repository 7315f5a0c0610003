#include "acceptance.h"
#include "i18n/i18n.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The rows as a terminal would show them: cells in columns' order, gaps as spaces, rows ended by |. */
static char *drawn(const struct i18n *tr, const char *text, size_t len, const struct layout_options *options,
		   int *cells)
{
	struct layout layout;
	struct buffer out = {0};
	i18n_layout(tr, text, len, options, &layout);
	*cells = 0;
	for (int r = 0; r < layout.count; r++) {
		int column = 0;
		for (int i = 0; i < layout.rows[r].count; i++) {
			const struct layout_cell *cell = &layout.rows[r].cells[i];
			assert_true(cell->column >= column);
			for (; column < cell->column; column++)
				buffer_puts(&out, " ");
			buffer_append(&out, cell->text, cell->text_len);
			column += cell->width;
			*cells += cell->width;
		}
		assert_true(column <= options->width);
		buffer_puts(&out, "|");
	}
	layout_free(&layout);
	return buffer_take(&out);
}

static const struct acceptance own_cases[] = {
	{0, "", 10, 0, "|", NULL},
	{0, "a\n\nb", 10, 2, "a||b|", NULL},
	{0, "a\r\nb\rc", 10, 4, "a|b␍c|", NULL},
	{0, "a\tb\tccccc\td", 20, 17, "a   b   ccccc   d|", NULL},
	{0, "한국어 문장은 띄어쓰기", 14, 21, "한국어 문장은|띄어쓰기|", NULL},
	{0, "hello  world again", 7, 15, "hello|world|again|", NULL},
	{0, "abcdefghij", 4, 10, "abcd|efgh|ij|", NULL},
	{0, "世", 1, 1, "\uFFFD|", NULL},
	{0, "한국어문장", 6, 10, "한국어|문장|", NULL},
	{0, "アチャ", 4, 6, "ア|チャ|", NULL}, /* no small kana at a row's start */
	{0, "\tb", 3, 1, "|b|", NULL},
	{0, "ab  ", 4, 4, "ab  |", NULL},
	{0, "א(ב)", 4, 4, "(ב)א|", NULL},
	{0, "\u0301a", 4, 2, "\u00A0\u0301a|", NULL},
	{0, "ab    \u2067\u2069", 3, 3, "ab |", NULL}, /* no row for what takes no cell */
	{0, "1\tمُلا", 8, 6, "  \uFEFC\uFEE3\u064F   1|", NULL},
};

static void run_case(const struct i18n *tr, const struct acceptance *c, enum i18n_bidi bidi)
{
	struct layout_options options = {.width = c->width, .bidi = bidi};
	const char *expected = bidi == I18N_BIDI_TERMINAL && c->terminal ? c->terminal : c->app;
	int cells;
	char *rows = drawn(tr, c->text, strlen(c->text), &options, &cells);
	if (strcmp(rows, expected) != 0 || (cells != c->cells && bidi == I18N_BIDI_APP))
		fail_msg("case %d: %s\n  drawn    %s (%d cells)\n  expected %s (%d cells)", c->number, c->text, rows,
			 cells, expected, c->cells);
	free(rows);
}

static void test_acceptance_cases(void **state)
{
	struct i18n *tr = i18n_open("en");
	for (int i = 0; i < ACCEPTANCE_CASES; i++)
		run_case(tr, &acceptance_cases[i], I18N_BIDI_APP);
	for (size_t i = 0; i < sizeof(own_cases) / sizeof(*own_cases); i++)
		run_case(tr, &own_cases[i], I18N_BIDI_APP);
	i18n_close(tr);
}

static void test_acceptance_cases_for_a_terminal_that_reorders(void **state)
{
	struct i18n *tr = i18n_open("en");
	for (int i = 0; i < ACCEPTANCE_CASES; i++)
		if (acceptance_cases[i].terminal || acceptance_cases[i].number)
			run_case(tr, &acceptance_cases[i], I18N_BIDI_TERMINAL);
	run_case(tr, &(struct acceptance){0, "plain", 80, 5, "plain|", NULL}, I18N_BIDI_TERMINAL);
	run_case(tr, &(struct acceptance){0, "ש", 1, 1, "ש" LRM "|", NULL}, I18N_BIDI_TERMINAL);
	run_case(tr, &(struct acceptance){16, "שלום (abc) עולם!", 20, 16, "שלום (abc) עולם!|", NULL}, I18N_BIDI_OFF);
	/* A terminal that turns the letters of words about gets them so, joined, the words in their places. */
	run_case(tr, &(struct acceptance){16, "שלום (abc) עולם!", 18, 16, "  !עולם (abc) שלום|", NULL},
		 I18N_BIDI_WORDS);
	run_case(tr, &(struct acceptance){12, "سلام، 12", 8, 7, " 12 \uFEB3\uFEFC\uFEE1،|", NULL}, I18N_BIDI_WORDS);
	/* A terminal that moves brackets without mirroring them gets them mirrored, each held in its run; words with a
	 * lam-alef joined, others as they are. */
	run_case(tr, &(struct acceptance){0, "a שלום (עולם) b", 15, 15, "a שלום )" RLM "עולם(" RLM " b" LRM "|", NULL},
		 I18N_BIDI_UNMIRRORED);
	run_case(tr,
		 &(struct acceptance){12, "سلام (على)", 12, 10,
				      "   " RLI "\uFEB3\uFEFC\uFEE1 )" RLM "على(" RLM PDI LRM "|", NULL},
		 I18N_BIDI_UNMIRRORED);
	/* Where isolates take cells of their own there are none; where a lam and its alef take one, they are one. */
	i18n_set_width(tr, I18N_WIDTH_ISOLATE, 1);
	i18n_set_width(tr, I18N_WIDTH_LAM_ALEF, 1);
	run_case(tr, &(struct acceptance){12, "سلام", 8, 3, "     سلام" LRM "|", NULL}, I18N_BIDI_TERMINAL);
	i18n_close(tr);
}

/* Every byte of the text belongs to at most one cell: what is copied by cells is the text. */
static void test_cells_tell_their_source(void **state)
{
	struct i18n *tr = i18n_open("en");
	for (int i = 0; i < ACCEPTANCE_CASES; i++)
		for (int bidi = 0; bidi < 3; bidi++) {
			const struct acceptance *c = &acceptance_cases[i];
			struct layout_options options = {.width = c->width, .bidi = (enum i18n_bidi)bidi};
			struct layout layout;
			size_t len = strlen(c->text);
			char *seen = xcalloc(len + 1, 1);
			i18n_layout(tr, c->text, len, &options, &layout);
			for (int r = 0; r < layout.count; r++)
				for (int k = 0; k < layout.rows[r].count; k++) {
					const struct layout_cell *cell = &layout.rows[r].cells[k];
					bool new = cell->source_len && !seen[cell->source];
					for (uint32_t at = 0; new &&at < cell->source_len; at++) {
						assert_false(seen[cell->source + at]);
						seen[cell->source + at] = 1;
					}
				}
			/* All of it but newlines, isolates and the spaces that hang. */
			for (size_t at = 0; at < len; at++)
				if (!seen[at] && !strchr(" \n", c->text[at]) && (unsigned char)c->text[at] < 0x80)
					fail_msg("case %d: byte %zu of '%s' is in no cell", c->number, at, c->text);
			layout_free(&layout);
			free(seen);
		}
	i18n_close(tr);
}

/* A paragraph of a megabyte takes a moment whatever it is made of: were any step to
 * look at all the rest each time, this would take minutes. */
static void test_long_paragraphs(void **state)
{
	static const char *const pieces[] = {"\t", " ", "世", "سلام ", "\u2067\u2069", "a", "e\u0301"};
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct layout_options options = {.width = 80, .bidi = I18N_BIDI_APP};
		struct buffer text = {0};
		struct layout layout;
		while (text.len < 1 << 20)
			buffer_puts(&text, pieces[i]);
		i18n_layout(tr, text.data, text.len, &options, &layout);
		assert_int_equal(layout.rows[0].start, 0);
		assert_int_equal(layout.rows[layout.count - 1].end, text.len);
		layout_free(&layout);
		buffer_free(&text);
	}
	i18n_close(tr);
}

static void test_ambiguous_width(void **state)
{
	struct i18n *tr = i18n_open("en");
	i18n_set_width(tr, I18N_WIDTH_AMBIGUOUS, 2);
	assert_int_equal(i18n_width(tr, "±×α①", strlen("±×α①")), 8);
	i18n_close(tr);
}

static void test_code_is_verbatim(void **state)
{
	struct i18n *tr = i18n_open("en");
	struct layout_options options = {.width = 12, .bidi = I18N_BIDI_APP, .code = true};
	int cells;
	const char *code = "if (x)   y = \"שלום\"; ";
	char *rows = drawn(tr, code, strlen(code), &options, &cells);
	assert_string_equal(rows, "if (x)   y =| \"םולש\"; |");
	free(rows);
	/* Strings and comments are in order by themselves, Arabic is joined, and nothing changes places. */
	code = "f(\"שלום\", 1, \"سلام\"); // تعليق 3.5 (x) هنا.";
	options.width = 60;
	rows = drawn(tr, code, strlen(code), &options, &cells);
	assert_string_equal(rows, "f(\"םולש\", 1, \"\uFEE1\uFEFC\uFEB3\"); // "
				  "\uFE8E\uFEE8\uFEEB (x) 3.5 \uFED6\uFEF4\uFEE0\uFECC\uFE97.|");
	free(rows);
	options.bidi = I18N_BIDI_TERMINAL;
	rows = drawn(tr, "a=\"שלום\"; ב", strlen("a=\"שלום\"; ב"), &options, &cells);
	assert_string_equal(rows, "a=\"" RLI "שלום" PDI "\"; " RLI "ב" PDI LRM "|");
	free(rows);
	rows = drawn(tr, "ש = 1", strlen("ש = 1"), &options, &cells);
	assert_string_equal(rows, "ש" LRM " = 1" LRM "|");
	free(rows);
	i18n_close(tr);
}

static void test_indents(void **state)
{
	struct i18n *tr = i18n_open("en");
	struct layout_options options = {.width = 8, .bidi = I18N_BIDI_APP, .indent_first = 2, .indent_rest = 4};
	int cells;
	char *rows = drawn(tr, "one two", 7, &options, &cells);
	assert_string_equal(rows, "  one|    two|");
	free(rows);
	i18n_close(tr);
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Any bytes at any width: no row is too wide, cells do not overlap, the sources of
 * the rows cover the text in order, and nothing that steers a terminal is drawn. */
static void test_any_text_fits(void **state)
{
	static const char *const pieces[] = {"a",      " ",       "世",     "لا",
					     "مُ",      "ש",       "क्षि",    "👨\u200D👩\u200D👧",
					     "🇯🇵",     "\t",      "\n",     "한글",
					     "ภาษา",   "\033[2J", "\u202E", "\xff",
					     "(",      ")",       "123",    "https://a.b/c",
					     "\u200B", "e\u0301", "-",      "。",
					     "「",     "\u2067",  "\u2069"};
	struct i18n *tr = i18n_open("en");
	unsigned seed = 1;
	for (int round = 0; round < 3000; round++) {
		struct buffer text = {0};
		for (int i = (int)(next_random(&seed) % 30); i >= 0; i--)
			buffer_puts(&text, pieces[next_random(&seed) % (sizeof(pieces) / sizeof(*pieces))]);
		struct layout_options options = {.width = 1 + (int)(next_random(&seed) % 40),
						 .bidi = (enum i18n_bidi)(next_random(&seed) % 3),
						 .code = next_random(&seed) % 4 == 0};
		struct layout layout;
		i18n_layout(tr, text.data, text.len, &options, &layout);
		uint32_t end = 0;
		for (int r = 0; r < layout.count; r++) {
			const struct layout_row *row = &layout.rows[r];
			int column = 0;
			assert_true(row->start >= end && row->end >= row->start && row->end <= text.len);
			end = row->end;
			for (int i = 0; i < row->count; i++) {
				assert_true(row->cells[i].column >= column && row->cells[i].width >= 1);
				column = row->cells[i].column + row->cells[i].width;
				if (row->cells[i].source < row->start ||
				    row->cells[i].source + row->cells[i].source_len > row->end)
					fail_msg("'%s', row %d of bytes %u to %u: a cell of bytes %u to %u", text.data,
						 r, row->start, row->end, row->cells[i].source,
						 row->cells[i].source + row->cells[i].source_len);
				for (int k = 0; k < row->cells[i].text_len; k++)
					if ((unsigned char)row->cells[i].text[k] < 0x20 ||
					    row->cells[i].text[k] == 0x7f)
						fail_msg("'%s' at width %d: row %d draws the control character %d",
							 text.data, options.width, r, row->cells[i].text[k]);
			}
			assert_true(column <= options.width);
		}
		layout_free(&layout);
		buffer_free(&text);
	}
	i18n_close(tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acceptance_cases),
		cmocka_unit_test(test_acceptance_cases_for_a_terminal_that_reorders),
		cmocka_unit_test(test_cells_tell_their_source),
		cmocka_unit_test(test_long_paragraphs),
		cmocka_unit_test(test_ambiguous_width),
		cmocka_unit_test(test_code_is_verbatim),
		cmocka_unit_test(test_indents),
		cmocka_unit_test(test_any_text_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
