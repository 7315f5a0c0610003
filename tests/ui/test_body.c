/* Markdown to rows: every construct, half-written ones, and the price of a long message. */
#include "ui/body.h"
#include "ui/inline.h"
#include "ui/ui.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct i18n *tr;

static int setup(void **state)
{
	setlocale(LC_ALL, "C.UTF-8");
	tr = i18n_open("en");
	return 0;
}

static int teardown(void **state)
{
	i18n_close(tr);
	return 0;
}

/* Of a reply that is being written. Caller frees. */
static char *rows_of(const char *text, size_t len, int width)
{
	struct buffer out = {0};
	ui_print_markdown(tr, text, len, width, I18N_BIDI_APP, &out);
	return buffer_take(&out);
}

static void check(const char *text, const char *expected)
{
	char *rows = rows_of(text, strlen(text), 30);
	assert_string_equal(rows, expected);
	free(rows);
}

static void test_blocks(void **state)
{
	check("# One\n## Two ##\ntext", "One\nTwo\ntext\n");
	check("Title\n=====\ntext", "Title\ntext\n");
	check("a **b** *c* ***d*** ~~e~~ `f` \\*g\\* &amp;", "a b c d e f *g* &\n");
	check("one\n\n\n\ntwo", "one\n\ntwo\n");
	check("line\nline", "line\nline\n");
	check("a\n\n---\n\nb", "a\n\n──────────────────────────────\n\nb\n");
	check("> q\n> > r\n\nend", "│ q\n│ │ r\n\nend\n");
	check("<b>bold</b> a<br>b", "<b>bold</b> a\nb\n");
	check("[1]: https://example.com", "[1]: https://example.com\n");
}

static void test_lists(void **state)
{
	check("- a\n  - b\n    - c\n      - d\n- e", "• a\n  ◦ b\n    ▪ c\n      • d\n• e\n");
	check("- [ ] to do\n- [x] done", "☐ to do\n☑ done\n");
	check("9. a\n1. b\n1. c", "9. a\n10. b\n11. c\n");
	check("1) a\n2) b", "1) a\n2) b\n");
	check("1. a\n\n   more\n2. b", "1. a\n\n   more\n2. b\n");
	check("- a long item that goes on over the end", "• a long item that goes on\n  over the end\n");
	check("2. x\n   ```sh\n   ls\n   ```\n   then\n3. y\n\nend",
	      "2. x\n   ▌ ```sh  [1]\n   ▌ ls\n   ▌ ```\n   then\n3. y\n\nend\n");
	check("- a\n\n  > q\n- b", "• a\n\n  │ q\n• b\n");
}

/* Code in a quote is code with a number as well; it ends where the quote ends. */
static void test_code_in_quotes(void **state)
{
	check("> q\n>\n> ```sh\n> ls\n>\n> - x\n> ```\n>\n> then\n\nend",
	      "│ q\n│\n│ ▌ ```sh  [1]\n│ ▌ ls\n│ ▌\n│ ▌ - x\n│ ▌ ```\n│\n│ then\n\nend\n");
	check("> > ```\n> > > a\n> b\n```\nc\n```", "│ │ ▌ ```  [1]\n│ │ ▌ > a\n│ b\n▌ ```  [2]\n▌ c\n▌ ```\n");
	check("> ```\n> a\n\nend", "│ ▌ ```  [1]\n│ ▌ a\n\nend\n");
	check(">```c\n>\tint x;\n>```\n>", "│ ▌ ```c  [1]\n│ ▌     int x;\n│ ▌ ```\n");
	check("1. x\n\n   > ```c\n   >   y\n   > ```\n2. z",
	      "1. x\n\n   │ ▌ ```c  [1]\n   │ ▌   y\n   │ ▌ ```\n2. z\n");
}

/* Code that begins on an item's first line keeps the item's mark before its frame. */
static void test_code_on_an_items_first_line(void **state)
{
	check("- ```py\n  x = 1\n  ```\n- b", "• ▌ ```py  [1]\n  ▌ x = 1\n  ▌ ```\n• b\n");
	check("> - ```py\n>   if a:\n>       b\n>   ```\n> - c\n\nend",
	      "│ • ▌ ```py  [1]\n│   ▌ if a:\n│   ▌     b\n│   ▌ ```\n│ • c\n\nend\n");
	check("> text\n> 1. ~~~\n>    x\n>    ~~~", "│ text\n│ 1. ▌ ~~~  [1]\n│    ▌ x\n│    ▌ ~~~\n");
	check("- a\n  - ```c\n    int x;\n    ```\n  - b\n- c",
	      "• a\n  • ▌ ```c  [1]\n    ▌ int x;\n    ▌ ```\n  • b\n• c\n");
	check("- > ```\n  > x\n  > ```", "• │ ▌ ```  [1]\n  │ ▌ x\n  │ ▌ ```\n");
	check("1. a\n2. ```\n   x\n   ```\n3. b\n1. c", "1. a\n2. ▌ ```  [1]\n   ▌ x\n   ▌ ```\n3. b\n4. c\n");
	check("- - ```\n    x\n    ```", "• ◦ ▌ ```  [1]\n    ▌ x\n    ▌ ```\n");
	check("- a\n  - b\n    1. c\n       ```sh\n       ls\n       ```\n       d",
	      "• a\n  ◦ b\n    1. c\n       ▌ ```sh  [1]\n       ▌ ls\n       ▌ ```\n       d\n");
	check("- [ ] ```x``` y", "☐ x y\n");
}

static void test_tables(void **state)
{
	check("| a | b |\n|---|--:|\n| long | 1 |\n| x | 22 |", "a    │  b\n─────┼───\nlong │  1\nx    │ 22\n");
	check("| 名 | x |\n|:-:|---|\n| 東京都 | 1 |", "  名   │ x\n───────┼──\n東京都 │ 1\n");
	check("| الاسم | ق |\n|---|---|\n| س | 1 |",
	      "                      ﻕ │ ﻢﺳﻻﺍ\n                      ──┼─────\n                      1 │    ﺱ\n");
	check("| one | two |\n|---|---|\n| a b c d e f g h i j | k l m n o p q r s |",
	      "one           │ two\n──────────────┼──────────────\na b c d e f g │ k l m n o p q\nh i j         │ r "
	      "s\n");
	check("text\n| a | b |\n|---|---|\n| `x\\|y` | *z* |\nafter",
	      "text\na     │ b\n──────┼──\nx|y   │ z\nafter │\n");
	check("|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n|first|second|third|fourth|fifth|sixth|",
	      "a: first\nb: second\nc: third\nd: fourth\ne: fifth\nf: sixth\n──────────────────────────────\n");
}

/* LaTeX is plain text where it can be, while it comes too; else it stays as it was written. Code and escapes are as ever. */
static void test_formulas(void **state)
{
	check("so \\(e^{i\\pi}*a_1*b\\) **is**", "so e^(iπ)*a₁*b is\n");
	check("\\[\nx^2\\,dx\n\\]", "x² dx\n");
	check("$$a_1*b*c$$ and *d*", "a₁*b*c and d\n");
	check("cost $$ and *d* \\*e\\*\n\nx", "cost $$ and d *e*\n\nx\n");
	check("`\\(a*b*c\\)` \\(a*b", "\\(a*b*c\\) a*b\n");
	check("| f | g |\n|---|---|\n| \\(|x|\\) | *y* |", "f   │ g\n────┼──\n|x| │ y\n");
	check("- a\n  ```\n  \\(x\\)\n  ```", "• a\n  ▌ ```  [1]\n  ▌ \\(x\\)\n  ▌ ```\n");
	check("\\(\\unknown{x*y*z}\\) *d*\n\nx", "\\(\\unknown{x*y*z}\\) d\n\nx\n");
	check("\\(\\begin{array}1\\end{array}\\)\n\nx", "\\(\\begin{array}1\\end{array}\\)\n\nx\n");
	check("$$\\begin{aligned} a &= b \\\\ &= c^2 \\end{aligned}$$", "a = b\n= c²\n");
	check("so $n$ and $O(n \\log n)$ or $x_i$", "so n and O(n log n) or xᵢ\n");
	check("$5 or $10, $HOME and $PATH", "$5 or $10, $HOME and $PATH\n");
	check("US$5-$10 $x\n\n", "US$5-$10 $x\n");
	check("طول $x^2$ هنا", "                    ﺎﻨﻫ x² ﻝﻮﻃ\n");
}

static void test_links(void **state)
{
	check("[t](https://a.b/c)", "t (https://a.b/c)\n");
	check("<https://a.b> https://c.d", "https://a.b https://c.d\n");
	check("<me@a.b>", "me@a.b\n");
	check("[x](javascript:alert)", "x (javascript:alert)\n");
	assert_true(inline_safe_url("https://example.com/?q=1"));
	assert_true(inline_safe_url("MAILTO:a@b.c"));
	assert_false(inline_safe_url("file:///etc/passwd"));
	assert_false(inline_safe_url("https://a/\033]0;x\a"));
	assert_false(inline_safe_url("https://a/\xC3\xA9"));
}

/* Text from the right has its marks on the right, code inside it stays in order. */
static void test_right_to_left(void **state)
{
	check("- بند\n1. واحد", "                         ﺪﻨﺑ •\n                       ﺪﺣﺍﻭ .1\n");
	check("> نص", "                          ﺺﻧ │\n");
	check("اكتب `a + b` هنا", "                ﺎﻨﻫ a + b ﺐﺘﻛﺍ\n");
	/* What has no letters of its own stands where the text before it does. */
	check("- بند\n- 1", "                         ﺪﻨﺑ •\n                           1 •\n");
	check("بند\n\n1 + 1", "                           ﺪﻨﺑ\n\n                         1 + 1\n");
	check("نص\n\na\n\n1", "                            ﺺﻧ\n\na\n\n1\n");
}

static void test_half_written(void **state)
{
	check("a **bo", "a bo\n");
	check("1. a\n2", "1. a\n");
	check("9) a\n10)", "9) a\n");
	check("1. a\n2. b\n   3", "1. a\n2. b\n");
	check("a\n2", "a\n2\n");
	check("1. a\n2 b", "1. a\n   2 b\n");
	check("a **bo*", "a bo\n");
	check("a **", "a\n");
	check("a **bold** and *i", "a bold and i\n");
	check("a `co", "a co\n");
	check("a ``co`", "a co\n");
	check("a ~~st", "a st\n");
	check("***x* y", "x y\n");
	check("see [the tex", "see the tex\n");
	check("see [text]", "see text\n");
	check("see [text](https://ex", "see text (https://ex)\n");
	check("| a | b", "a │ b\n──┼──\n");
	check("| a | b |\n|--", "a │ b\n──┼──\n");
	check("| a | b |\n|---|---|\n| **x", "a │ b\n──┼──\nx │\n");
	check("text\n-", "text\n");
	check("text\n--", "text\n");
	check("- a\n- ", "• a\n•\n");
	check("- [", "•\n");
	check("#", "");
	check("``", "");
	check("```c\nint x;\n``", "▌ ```c  [1]\n▌ int x;\n");
	check("2 * 3 and a[i and snake_case", "2 * 3 and a[i and snake_case\n");
	check("5*4", "5*4\n");
}

static const char document[] =
	"# Title\n\nSome **bold**, *it*, ***both***, ~~gone~~, `co de` [link](https://e.x/a) end.\n\n- one\n- two "
	"**b**\n"
	"  - nested `x`\n- [x] done\n\n1. first\n   ```py\n   def f():\n\n       return 1\n   ```\n   after\n2. "
	"second\n\n"
	"   more\n\n> quote *e*\n> > inner\n>\n> ```py\n> x = 1\n> ```\n>\n> out\n\n| Name | 値段 |\n|:--|--:|\n| "
	"りんご | **1** |\n\n---\n\nهذه **فقرة** مع "
	"`code`.\n\n"
	"- بند\n\n```c\nint main(void)\n{\n}\n```\n```\n\nText\n* star\n+ plus\n\nend ``a ` b`` [x] a_b_c\n";

/* No prefix shows signs that will be gone when the rest has come. */
static void test_signs_never_show(void **state)
{
	static const char *const signs[] = {"**", "~~", "](", "|-", "-|", "| ", "[li", " `c", "``"};
	char *whole = rows_of(document, sizeof(document) - 1, 40);
	for (size_t len = 1; len < sizeof(document); len++) {
		char *rows = rows_of(document, len, 40);
		for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
			const char *at = strstr(rows, signs[i]);
			/* The frame of code shows its fence. */
			if (at && !strncmp(signs[i], "``", 2))
				continue;
			if (at)
				print_message("after %zu bytes: %s\n%s\n", len, signs[i], rows);
			assert_null(at);
		}
		free(rows);
	}
	free(whole);
}

static char *rows_of_body(struct body *b, const char *text, size_t len, int width)
{
	struct body_options options = {.tr = tr, .bidi = I18N_BIDI_APP, .width = width};
	struct buffer out = {0};
	body_update(b, text, len);
	body_lay(b, text, len, &options);
	for (int row = 0; row < b->rows; row++) {
		int within = 0;
		const struct body_chunk *chunk;
		const struct piece *piece = body_row(b, row, &within, &chunk);
		buffer_printf(&out, "%d:", piece ? piece->indent : -1);
		for (int i = 0; piece && i < piece->part_count; i++) {
			const struct part *part = &piece->parts[i];
			if (within >= part->layout.count)
				continue;
			const struct layout_row *r = &part->layout.rows[within];
			for (int c = 0; c < r->count; c++) {
				const char *link;
				buffer_printf(&out, "%d,%x,", r->cells[c].column,
					      piece_style(piece, part, r->cells[c].source, &link));
				buffer_append(&out, r->cells[c].text, r->cells[c].text_len);
			}
		}
		buffer_puts(&out, "\n");
	}
	return buffer_take(&out);
}

/* Text that comes in pieces of any size ends in the cells of text that comes at once. */
static void test_streaming_equals_at_once(void **state)
{
	size_t len = sizeof(document) - 1;
	struct body whole = {.mode = BODY_MARKDOWN, .open = true};
	char *expected = rows_of_body(&whole, document, len, 33);
	for (size_t piece = 1; piece < 40; piece += piece < 8 ? 1 : 7) {
		struct body b = {.mode = BODY_MARKDOWN, .open = true};
		for (size_t at = piece; at < len; at += piece)
			free(rows_of_body(&b, document, at, 33));
		char *rows = rows_of_body(&b, document, len, 33);
		assert_string_equal(rows, expected);
		assert_int_equal(b.blocks, whole.blocks);
		free(rows);
		body_free(&b);
	}
	free(expected);
	body_free(&whole);
}

/* Whatever a model writes without end, what is looked at again stays small. */
static void test_chunks_are_bounded(void **state)
{
	static const char *const units[] = {"word ",       "字", "x",      "> quote\n",  "- item\n  - more\n",
					    "| a | b |\n", "**", "text\n", "   - a\n\n", "```\nx"};
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct buffer text = {0};
		if (units[i][0] == '|')
			buffer_puts(&text, "| h | h |\n|---|---|\n");
		while (text.len < 100000)
			buffer_puts(&text, units[i]);
		struct body b = {.mode = BODY_MARKDOWN};
		body_update(&b, text.data, text.len);
		size_t covered = 0;
		for (int c = 0; c < b.count; c++) {
			assert_in_range(b.chunks[c].at.end - b.chunks[c].at.start, 1, MARKDOWN_MOST);
			assert_true(b.chunks[c].at.start >= covered);
			covered = b.chunks[c].at.end;
		}
		assert_true(covered + 2 >= text.len);
		body_free(&b);
		buffer_free(&text);
	}
}

/* Finished text is taken at its word: a lone star is a star. */
static void test_finished_text(void **state)
{
	struct body b = {.mode = BODY_MARKDOWN, .open = true};
	static const char text[] = "prices *vary";
	char *rows = rows_of_body(&b, text, strlen(text), 30);
	assert_null(strchr(rows, '*'));
	free(rows);
	body_close(&b);
	rows = rows_of_body(&b, text, strlen(text), 30);
	assert_non_null(strchr(rows, '*'));
	free(rows);
	body_free(&b);
}

static void test_source_of_blocks(void **state)
{
	static const char text[] = "1. a\n   ```py\n   if x:\n       y\n   ```\n~~~\nz\n";
	struct body b = {.mode = BODY_MARKDOWN};
	struct buffer code = {0};
	char *language;
	body_update(&b, text, strlen(text));
	assert_int_equal(b.blocks, 2);
	assert_true(body_block(&b, text, strlen(text), 1, &code, &language));
	assert_string_equal(code.data, "if x:\n    y\n");
	assert_string_equal(language, "py");
	free(language);
	buffer_clear(&code);
	assert_true(body_block(&b, text, strlen(text), 2, &code, &language));
	assert_string_equal(code.data, "z\n");
	free(language);
	buffer_free(&code);
	body_free(&b);
}

/* Any bytes at any width are drawn without going out of the row. */
static void test_any_bytes(void **state)
{
	unsigned seed = 1;
	static const char signs[] = "*_`~[]()|>-+#1. \n\n\\!<&:=ab\t\r";
	for (int round = 0; round < 400; round++) {
		char text[160];
		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1103515245u + 12345u;
			unsigned pick = seed >> 16;
			text[i] = pick % 23 == 0 ? (char)(pick >> 5) : signs[pick % (sizeof(signs) - 1)];
		}
		char *rows = rows_of(text, sizeof(text), 1 + round % 50);
		for (char *row = rows; *row; row = strchr(row, '\n') + 1)
			assert_true(i18n_width(tr, row, strcspn(row, "\n")) <= 1 + round % 50);
		free(rows);
	}
}

static bool begins_on_the_right(const struct i18n *language, enum body_mode mode, const char *text)
{
	struct body body = {.mode = mode};
	struct body_options options = {.tr = language, .bidi = I18N_BIDI_APP, .width = 40};
	body_update(&body, text, strlen(text));
	body_lay(&body, text, strlen(text), &options);
	int within;
	const struct body_chunk *chunk;
	const struct piece *piece = body_row(&body, 0, &within, &chunk);
	bool rtl = piece->parts[0].layout.rows[0].rtl;
	body_free(&body);
	return rtl;
}

/* A sentence of the Arabic interface that begins with a key's name; its letters alone decide in what people say. */
static void test_notes_have_the_interfaces_direction(void **state)
{
	struct i18n *arabic = i18n_open("ar");
	assert_true(begins_on_the_right(arabic, BODY_PLAIN, "F3 المحادثات"));
	assert_false(begins_on_the_right(arabic, BODY_PLAIN, "/tmp/notes"));
	assert_false(begins_on_the_right(arabic, BODY_TYPED, "F3 المحادثات"));
	assert_false(begins_on_the_right(tr, BODY_PLAIN, "F3 المحادثات"));
	i18n_close(arabic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_code_in_quotes),
		cmocka_unit_test(test_code_on_an_items_first_line),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_notes_have_the_interfaces_direction),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_right_to_left),
		cmocka_unit_test(test_half_written),
		cmocka_unit_test(test_signs_never_show),
		cmocka_unit_test(test_streaming_equals_at_once),
		cmocka_unit_test(test_chunks_are_bounded),
		cmocka_unit_test(test_finished_text),
		cmocka_unit_test(test_source_of_blocks),
		cmocka_unit_test(test_any_bytes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
