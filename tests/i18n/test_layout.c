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

struct acceptance {
	int number; /* of the project's list of acceptance cases; 0: our own */
	const char *text;
	int width, cells;
	const char *rows; /* in visual order */
};

/* Right-to-left paragraphs stand at the right edge: their rows begin with spaces. */
static const struct acceptance cases[] = {
	{1, "e\u0301", 80, 1, "e\u0301|"},
	{2, "你好世界", 7, 8, "你好世|界|"},
	{3, "か\u3099", 80, 2, "か\u3099|"},
	{3, "ｶﾞ", 80, 2, "ｶﾞ|"},
	{4, "\u1112\u1161\u11AB", 80, 2, "\u1112\u1161\u11AB|"},
	{5, "±×α①", 80, 4, "±×α①|"},
	{6, "ที่นี่", 80, 2, "ที่นี่|"},
	{7, "น้ำ", 80, 2, "น้ำ|"},
	{8, "สวัสดีชาวโลก", 5, 10, "สวัสดี|ชาว|โลก|"},
	{9, "कि", 80, 2, "कि|"},
	{10, "क्षि", 80, 3, "क्षि|"},
	{11, "नमस्ते", 80, 4, "नमस्ते|"},
	{12, "سلام", 3, 3, "\uFEE1\uFEFC\uFEB3|"},
	{13, "\u0645\u064F\u062D\u064E\u0645\u0651\u064E\u062F", 4, 4,
	 "\uFEAA\uFEE4\u0651\u064E\uFEA4\u064E\uFEE3\u064F|"},
	{14, "ש\u05C1\u05B8לו\u05B9ם", 4, 4, "םו\u05B9לש\u05C1\u05B8|"},
	{15, "abc שלום 123 def", 80, 16, "abc 123 םולש def|"},
	{16, "שלום (abc) עולם!", 16, 16, "!םלוע (abc) םולש|"},
	{17, "السعر 123.45 ريال", 17, 17, "\uFEDD\uFE8E\uFEF3\uFEAD 123.45 \uFEAE\uFECC\uFEB4\uFEDF\uFE8D|"},
	{20, "ראו https://a.b/c?x=1 עכשיו", 27, 27, "וישכע https://a.b/c?x=1 ואר|"},
	{21, "👨\u200D👩\u200D👧", 80, 2, "👨\u200D👩\u200D👧|"},
	{22, "👍🏽", 80, 2, "👍🏽|"},
	{23, "🇯🇵", 80, 2, "🇯🇵|"},
	{24, "❤\uFE0F", 80, 1, "❤\uFE0F|"},
	{25, "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", 80, 2,
	 "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F|"},
	{26, "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307", 80, 1, "a\u0300\u0301\u0302\u0303|"},
	{27, "これは「テスト」です。", 8, 22, "これは|「テス|ト」で|す。|"},
	{28, "a\033]0;t\a\033[2J", 80, 11, "a␛]0;t␇␛[2J|"},
	{29, "a\u202Etxt.exe", 80, 16, "a<U+202E>txt.exe|"},
	{30, "\xC3(", 80, 2, "\uFFFD(|"},
	{0, "", 10, 0, "|"},
	{0, "a\n\nb", 10, 2, "a||b|"},
	{0, "a\r\nb\rc", 10, 4, "a|b␍c|"},
	{0, "a\tb\tccccc\td", 20, 17, "a   b   ccccc   d|"},
	{0, "한국어 문장은 띄어쓰기", 14, 21, "한국어 문장은|띄어쓰기|"},
	{0, "hello  world again", 7, 15, "hello|world|again|"},
	{0, "abcdefghij", 4, 10, "abcd|efgh|ij|"},
	{0, "世", 1, 1, "\uFFFD|"},
	{0, "한국어문장", 6, 10, "한국어|문장|"},
	{0, "アチャ", 4, 6, "ア|チャ|"}, /* no small kana at a row's start */
	{0, "\tb", 3, 1, "|b|"},
	{0, "ab  ", 4, 4, "ab  |"},
	{0, "א(ב)", 4, 4, "(ב)א|"},
	{0, "می\u200Cخواهم", 7, 7, "\uFEE2\uFEEB\uFE8D\uFEEE\uFEA7\uFBFD\uFEE3|"},
	{0, "\u0301a", 4, 2, "\u00A0\u0301a|"},
	{0, "ab    \u2067\u2069", 3, 3, "ab |"}, /* no row for what takes no cell */
	{18, "علي\nhello!", 6, 9, "   \uFEF2\uFEE0\uFECB|hello!|"},
	{0, "1\tمُلا", 8, 6, "  \uFEFC\uFEE3\u064F   1|"},
	{0, "سلام", 8, 3, "     \uFEE1\uFEFC\uFEB3|"},
};

static void run_case(const struct i18n *tr, const struct acceptance *c, enum i18n_bidi bidi)
{
	struct layout_options options = {.width = c->width, .bidi = bidi};
	int cells;
	char *rows = drawn(tr, c->text, strlen(c->text), &options, &cells);
	if (strcmp(rows, c->rows) != 0 || cells != c->cells)
		fail_msg("case %d: %s\n  drawn    %s (%d cells)\n  expected %s (%d cells)", c->number, c->text, rows,
			 cells, c->rows, c->cells);
	free(rows);
}

static void test_acceptance_cases(void **state)
{
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		run_case(tr, &cases[i], I18N_BIDI_APP);
	i18n_close(tr);
}

#define LRM "\u200E"
#define RLI "\u2067"
#define PDI "\u2069"

/* The terminal reorders: letters come as they are, unjoined, in logical order. U+200E
 * ends what it may move; a right-to-left row is an isolate that begins on a blank. */
static const struct acceptance terminal_cases[] = {
	{0, "plain", 80, 5, "plain|"},
	{12, "سلام", 6, 5, "  " RLI "سلام" PDI LRM "|"},
	{13, "مُحَمَّد", 5, 5, " " RLI "مُحَمَّد" PDI LRM "|"},
	{15, "abc שלום 123 def", 80, 16, "abc שלום 123 def" LRM "|"},
	{16, "שלום (abc) עולם!", 17, 17, " " RLI "שלום (abc) עולם!" PDI LRM "|"},
	{19, "שלום עולם", 5, 10, " " RLI "שלום" PDI LRM "| " RLI "עולם" PDI LRM "|"},
	{0, "ש", 1, 1, "ש" LRM "|"},
};

static void test_terminal_mode_is_logical_and_fenced(void **state)
{
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(terminal_cases) / sizeof(*terminal_cases); i++)
		run_case(tr, &terminal_cases[i], I18N_BIDI_TERMINAL);
	run_case(tr, &(struct acceptance){16, "שלום (abc) עולם!", 20, 16, "שלום (abc) עולם!|"}, I18N_BIDI_OFF);
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
	assert_string_equal(rows, "if (x)   y =| \"שלום\"; |");
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
		cmocka_unit_test(test_acceptance_cases), cmocka_unit_test(test_terminal_mode_is_logical_and_fenced),
		cmocka_unit_test(test_long_paragraphs),  cmocka_unit_test(test_ambiguous_width),
		cmocka_unit_test(test_code_is_verbatim), cmocka_unit_test(test_indents),
		cmocka_unit_test(test_any_text_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
