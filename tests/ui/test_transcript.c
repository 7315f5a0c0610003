/* Conversations in, rows out: golden screens in several scripts and widths. */
#include "ui/transcript.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 36 };

struct fixture {
	struct i18n *tr;
	struct transcript *t;
	struct screen *screen;
	char *text;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	setlocale(LC_ALL, "C.UTF-8");
	f->tr = i18n_open("en");
	f->t = transcript_create(f->tr, I18N_BIDI_APP);
	f->screen = screen_open_headless(ROWS, 40);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	free(f->text);
	f->screen->ops->close(f->screen);
	transcript_free(f->t);
	i18n_close(f->tr);
	free(f);
	return 0;
}

static int add(struct fixture *f, enum entry_kind kind, const char *text)
{
	return transcript_add(f->t, kind, text, strlen(text));
}

/* The view as text, empty rows at the end cut. */
static const char *drawn(struct fixture *f, bool styled)
{
	int rows, columns;
	f->screen->ops->size(f->screen, &rows, &columns);
	transcript_draw(f->t, f->screen, 0, rows);
	free(f->text);
	f->text = screen_headless_dump(f->screen, styled);
	size_t len = strlen(f->text);
	while (len > 1 && f->text[len - 1] == '\n' && f->text[len - 2] == '\n')
		f->text[--len] = '\0';
	return f->text;
}

static void resize(struct fixture *f, int rows, int columns)
{
	screen_headless_resize(f->screen, rows, columns);
}

static const struct {
	enum entry_kind kind;
	const char *text;
} conversation[] = {
	{ENTRY_USER, "Hello there, how are you today?"},
	{ENTRY_ASSISTANT, "# A heading\nFine.\n```c\nint main(void)\n{\n\treturn 0;\n}\n```\nDone."},
	{ENTRY_USER, "北京和上海哪个城市的人口更多？"},
	{ENTRY_ASSISTANT, "上海的人口比北京多，大约两千四百万。"},
	{ENTRY_USER, "ما هي عاصمة فرنسا؟"},
	{ENTRY_ASSISTANT, "عاصمة فرنسا هي (باريس) منذ 987."},
	{ENTRY_USER, "नमस्ते दुनिया"},
	{ENTRY_ASSISTANT, "क्षितिज पर स्त्री की कि ताब"},
};
enum { ENTRIES = sizeof(conversation) / sizeof(conversation[0]) };

static void add_conversation(struct fixture *f)
{
	for (int i = 0; i < ENTRIES; i++)
		add(f, conversation[i].kind, conversation[i].text);
}

static const char at_20[] = "› Hello there, how\n"
			    "  are you today?\n"
			    "\n"
			    "A heading\n"
			    "Fine.\n"
			    "▌ ```c  [1]\n"
			    "▌ int main(void)\n"
			    "▌ {\n"
			    "▌     return 0;\n"
			    "▌ }\n"
			    "▌ ```\n"
			    "Done.\n"
			    "\n"
			    "› 北京和上海哪个城市\n"
			    "  的人口更多？\n"
			    "\n"
			    "上海的人口比北京多，\n"
			    "大约两千四百万。\n"
			    "\n"
			    "؟ﺎﺴﻧﺮﻓ ﺔﻤﺻﺎﻋ ﻲﻫ ﺎﻣ ‹\n"
			    "\n"
			    "      ﻲﻫ ﺎﺴﻧﺮﻓ ﺔﻤﺻﺎﻋ\n"
			    "    .987 ﺬﻨﻣ (ﺲﻳﺭﺎﺑ)\n"
			    "\n"
			    "› नमस्ते दुनिया\n"
			    "\n"
			    "क्षितिज पर स्त्री की कि\n"
			    "ताब\n";

static const char at_40[] = "› Hello there, how are you today?\n"
			    "\n"
			    "A heading\n"
			    "Fine.\n"
			    "▌ ```c  [1]\n"
			    "▌ int main(void)\n"
			    "▌ {\n"
			    "▌     return 0;\n"
			    "▌ }\n"
			    "▌ ```\n"
			    "Done.\n"
			    "\n"
			    "› 北京和上海哪个城市的人口更多？\n"
			    "\n"
			    "上海的人口比北京多，大约两千四百万。\n"
			    "\n"
			    "                    ؟ﺎﺴﻧﺮﻓ ﺔﻤﺻﺎﻋ ﻲﻫ ﺎﻣ ‹\n"
			    "\n"
			    "         .987 ﺬﻨﻣ (ﺲﻳﺭﺎﺑ) ﻲﻫ ﺎﺴﻧﺮﻓ ﺔﻤﺻﺎﻋ\n"
			    "\n"
			    "› नमस्ते दुनिया\n"
			    "\n"
			    "क्षितिज पर स्त्री की कि ताब\n";

static const char at_80[] = "› Hello there, how are you today?\n"
			    "\n"
			    "A heading\n"
			    "Fine.\n"
			    "▌ ```c  [1]\n"
			    "▌ int main(void)\n"
			    "▌ {\n"
			    "▌     return 0;\n"
			    "▌ }\n"
			    "▌ ```\n"
			    "Done.\n"
			    "\n"
			    "› 北京和上海哪个城市的人口更多？\n"
			    "\n"
			    "上海的人口比北京多，大约两千四百万。\n"
			    "\n"
			    "                                                            ؟ﺎﺴﻧﺮﻓ ﺔﻤﺻﺎﻋ ﻲﻫ ﺎﻣ ‹\n"
			    "\n"
			    "                                                 .987 ﺬﻨﻣ (ﺲﻳﺭﺎﺑ) ﻲﻫ ﺎﺴﻧﺮﻓ ﺔﻤﺻﺎﻋ\n"
			    "\n"
			    "› नमस्ते दुनिया\n"
			    "\n"
			    "क्षितिज पर स्त्री की कि ताब\n";

static void test_golden_screens(void **state)
{
	struct fixture *f = *state;
	add_conversation(f);
	resize(f, ROWS, 20);
	assert_string_equal(drawn(f, false), at_20);
	resize(f, ROWS, 40);
	assert_string_equal(drawn(f, false), at_40);
	resize(f, ROWS, 80);
	assert_string_equal(drawn(f, false), at_80);
	resize(f, ROWS, 40);
	assert_string_equal(drawn(f, false), at_40);
}

/* A reply that comes in pieces of any size is drawn as if it had come at once. */
static void test_streaming_equals_at_once(void **state)
{
	struct fixture *f = *state;
	for (size_t piece = 1; piece < 8; piece++) {
		transcript_clear(f->t);
		for (int i = 0; i < ENTRIES; i++) {
			const char *text = conversation[i].text;
			size_t len = strlen(text);
			int entry = transcript_add(f->t, conversation[i].kind, "", 0);
			for (size_t at = 0; at < len; at += piece) {
				transcript_append(f->t, entry, text + at, len - at < piece ? len - at : piece);
				drawn(f, false);
			}
		}
		assert_string_equal(drawn(f, false), at_40);
	}
}

static void test_styles(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_USER, "Hi");
	add(f, ENTRY_ASSISTANT, "# Title\n```c\nx;\n```\nok");
	add(f, ENTRY_ERROR, "broken");
	assert_string_equal(drawn(f, true), "› Hi\n"
					    "p.uu\n"
					    "\n"
					    "Title\n"
					    "11111\n"
					    "▌ ```c  [1]\n"
					    "f.fffffffff\n"
					    "▌ x;\n"
					    "f.cc\n"
					    "▌ ```\n"
					    "f.fff\n"
					    "ok\n"
					    "..\n"
					    "\n"
					    "broken\n"
					    "EEEEEE\n");
}

static void test_an_open_fence_looks_as_it_will(void **state)
{
	struct fixture *f = *state;
	int entry = add(f, ENTRY_ASSISTANT, "```py\nprint(1)");
	char *open = xstrdup(drawn(f, true));
	assert_non_null(strstr(open, "print(1)"));
	transcript_append(f->t, entry, "\n```", 4);
	assert_int_equal(strncmp(drawn(f, true), open, strlen(open) - 1), 0);
	free(open);
}

static void test_code_blocks(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_ASSISTANT, "```c\nint x;\n```\nand\n~~~\ny\n\tz\n~~~");
	add(f, ENTRY_USER, "mine:\n```sh\nls\n```");
	add(f, ENTRY_ASSISTANT, "text\n```python title\nprint('ü')\n");
	assert_int_equal(transcript_block_count(f->t), 4);
	static const char *const sources[] = {"int x;\n", "y\n\tz\n", "ls\n", "print('ü')\n"};
	static const char *const languages[] = {"c", "", "sh", "python"};
	for (int i = 0; i < 4; i++) {
		struct buffer code = {0};
		char *language;
		assert_true(transcript_block(f->t, i + 1, &code, &language));
		assert_string_equal(code.data, sources[i]);
		assert_string_equal(language, languages[i]);
		buffer_free(&code);
		free(language);
	}
	struct buffer none = {0};
	char *language;
	assert_false(transcript_block(f->t, 0, &none, &language));
	assert_false(transcript_block(f->t, 5, &none, &language));
}

static void add_numbered(struct fixture *f, int count)
{
	for (int i = 0; i < count; i++) {
		char *text = xasprintf("message %d", i);
		add(f, i % 2 ? ENTRY_ASSISTANT : ENTRY_USER, text);
		free(text);
	}
}

static void test_scrolling(void **state)
{
	struct fixture *f = *state;
	resize(f, 6, 40);
	add_numbered(f, 20);
	assert_non_null(strstr(drawn(f, false), "message 19"));
	assert_true(transcript_at_end(f->t));
	transcript_scroll(f->t, -4);
	assert_false(transcript_at_end(f->t));
	char *before = xstrdup(drawn(f, false));
	assert_null(strstr(before, "message 19"));
	assert_non_null(strstr(before, "more below"));
	add(f, ENTRY_ASSISTANT, "new\nwords\nbelow");
	assert_string_equal(drawn(f, false), before);
	free(before);
	transcript_scroll_home(f->t);
	assert_non_null(strstr(drawn(f, false), "message 0"));
	transcript_scroll(f->t, -1000);
	assert_non_null(strstr(drawn(f, false), "message 0"));
	transcript_scroll(f->t, 100000);
	assert_true(transcript_at_end(f->t));
	assert_non_null(strstr(drawn(f, false), "below"));
	transcript_show_entry(f->t, 5);
	assert_int_equal(strncmp(drawn(f, false), "message 5\n", 10), 0);
}

static void test_marks_and_memory(void **state)
{
	struct fixture *f = *state;
	add_numbered(f, 4);
	transcript_mark(f->t, 1, "chat.interrupted");
	transcript_memory_line(f->t, 2, "memory begins here");
	const char *text = drawn(f, false);
	const char *mark = strstr(text, "interrupted"), *memory = strstr(text, "memory begins here");
	assert_true(mark && memory && strstr(text, "message 1") < mark && mark < memory);
	assert_true(memory < strstr(text, "message 2"));
	transcript_mark(f->t, 1, NULL);
	transcript_memory_line(f->t, -1, NULL);
	assert_null(strstr(drawn(f, false), "interrupted"));
	assert_null(strstr(drawn(f, false), "memory begins"));
}

static void test_matches_are_marked(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_ASSISTANT, "a Café here");
	transcript_highlight(f->t, "cafe");
	assert_string_equal(drawn(f, true), "a Café here\n..MMMM.....\n");
	transcript_highlight(f->t, NULL);
	assert_null(strstr(drawn(f, true), "M"));
}

static void test_words_are_marked_each(void **state)
{
	struct fixture *f = *state;
	screen_headless_resize(f->screen, 6, 10);
	add(f, ENTRY_ASSISTANT, "we met at the tower in Kyoto, the old 東京 of old");
	drawn(f, false);
	transcript_highlight(f->t, "Old  kyoto");
	assert_int_equal(transcript_matches(f->t, 0), 3);
	transcript_highlight(f->t, "東京");
	assert_int_equal(transcript_matches(f->t, 0), 1);
	transcript_highlight(f->t, "nothing");
	assert_int_equal(transcript_matches(f->t, 0), 0);
}

/* The view goes to the row, not merely to the message. */
static void test_going_to_a_match(void **state)
{
	struct fixture *f = *state;
	struct buffer text = {0};
	for (int i = 0; i < 200; i++)
		buffer_printf(&text, "line %d%s\n", i, i % 50 == 7 ? " needle" : "");
	add(f, ENTRY_ASSISTANT, text.data);
	add_numbered(f, 30);
	drawn(f, false);
	transcript_highlight(f->t, "needle");
	assert_int_equal(transcript_matches(f->t, 0), 4);
	transcript_show_match(f->t, 0, 2);
	assert_non_null(strstr(drawn(f, false), "line 107 needle"));
	transcript_show_match(f->t, 0, 3);
	assert_non_null(strstr(drawn(f, false), "line 157 needle"));
	transcript_show_match(f->t, 25, 0); /* nothing marked in it: the message itself */
	assert_non_null(strstr(drawn(f, false), "message 24"));
	buffer_free(&text);
}

static void test_tags(void **state)
{
	struct fixture *f = *state;
	add_numbered(f, 40);
	transcript_tag(f->t, 39, "‹2/3›", false);
	assert_non_null(strstr(drawn(f, false), "‹2/3›")); /* also below the very last */
	transcript_mark(f->t, 39, "chat.interrupted");
	const char *screen = drawn(f, false), *mark = strstr(screen, "interrupted");
	assert_true(mark && strstr(screen, "‹2/3›") > mark);
	transcript_tag(f->t, 39, NULL, false);
	assert_null(strstr(drawn(f, false), "‹2/3›"));
	transcript_reveal(f->t, 3);
	assert_non_null(strstr(drawn(f, false), "message 3"));
	transcript_reveal(f->t, 39);
	assert_non_null(strstr(drawn(f, false), "message 39"));
}

static void test_truncate(void **state)
{
	struct fixture *f = *state;
	size_t len;
	add_numbered(f, 6);
	drawn(f, false);
	transcript_truncate(f->t, 3);
	assert_int_equal(transcript_count(f->t), 3);
	assert_null(strstr(drawn(f, false), "message 3"));
	assert_string_equal(transcript_text(f->t, 2, &len), "message 2");
	assert_int_equal(len, 9);
	transcript_clear(f->t);
	assert_string_equal(drawn(f, false), "\n");
}

static void test_hostile_text_is_inert(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_ASSISTANT, "a\033]0;x\a\033[2J\xE2\x80\xAEtxt.exe\r\xC3(");
	const char *text = drawn(f, false);
	assert_null(strpbrk(text, "\033\a\r"));
	assert_non_null(strstr(text, "␛"));
	assert_non_null(strstr(text, "<U+202E>"));
	assert_non_null(strstr(text, "txt.exe"));
}

static void test_any_size(void **state)
{
	struct fixture *f = *state;
	add_conversation(f);
	for (int columns = 1; columns < 30; columns++)
		for (int rows = 1; rows < 8; rows++) {
			resize(f, rows, columns);
			transcript_scroll(f->t, -2);
			drawn(f, false);
			transcript_scroll(f->t, 3);
			drawn(f, false);
		}
}

static void test_raw_view(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_ASSISTANT, "# A **b**\n- c");
	assert_string_equal(drawn(f, false), "A b\n• c\n");
	transcript_raw(f->t, true);
	assert_string_equal(drawn(f, false), "# A **b**\n- c\n");
	transcript_raw(f->t, false);
	assert_string_equal(drawn(f, false), "A b\n• c\n");
}

/* Long code is cut short, also while it grows; short code and what follows stay. */
static void test_folding(void **state)
{
	struct fixture *f = *state;
	int entry = add(f, ENTRY_ASSISTANT, "```\nshort\n```\n```c\n");
	transcript_fold(f->t, true);
	for (int i = 1; i <= 20; i++) {
		char *line = xasprintf("line%d;\n", i);
		transcript_append(f->t, entry, line, strlen(line));
		free(line);
		drawn(f, false);
	}
	transcript_append(f->t, entry, "```\nend", 7);
	static const char folded[] =
		"▌ ```  [1]\n▌ short\n▌ ```\n▌ ```c  [2]  ⋯ 16\n▌ line1;\n▌ line2;\n▌ line3;\n▌ line4;\n▌ ```\nend\n";
	assert_string_equal(drawn(f, false), folded);
	transcript_fold(f->t, false);
	assert_non_null(strstr(drawn(f, false), "line20;"));
	assert_null(strstr(drawn(f, false), "⋯"));
	transcript_fold(f->t, true);
	assert_string_equal(drawn(f, false), folded);
	struct buffer code = {0};
	char *language;
	assert_true(transcript_block(f->t, 2, &code, &language));
	assert_non_null(strstr(code.data, "line20;"));
	free(language);
	buffer_free(&code);
}

static void assert_selected(struct fixture *f, const char *expected)
{
	struct buffer text = {0};
	transcript_selected(f->t, &text);
	assert_string_equal(text.data ? text.data : "", expected);
	buffer_free(&text);
}

/* As attach.c puts them into a message. */
static const char sent[] = "Compare these.\n\nsrc/a.c:\n```c\nint a;\nint needle;\n```\n\nmy notes.md:\n"
			   "````md\n```\nx\n```\n````\n\nMakefile:\n```\nall:\n```\n\n```\n$ ls\nb.txt\n```";

static int count(const char *text, const char *what)
{
	int n = 0;
	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* What was attached is one row each: its name, its kind, its size. */
static void test_attached_files(void **state)
{
	struct fixture *f = *state;
	struct buffer code = {0};
	char *language;
	add(f, ENTRY_USER, sent);
	add(f, ENTRY_ASSISTANT, "Same.");
	assert_string_equal(drawn(f, false), "› Compare these.\n"
					     "\n"
					     "  ▌ src/a.c · 0.1 kB  [1]  ⋯ 2\n"
					     "\n"
					     "  ▌ my notes.md · 0.1 kB  [2]  ⋯ 3\n"
					     "\n"
					     "  ▌ Makefile · 0.1 kB  [3]  ⋯ 1\n"
					     "\n"
					     "  ▌ $ ls · 0.1 kB  [4]  ⋯ 2\n"
					     "\n"
					     "Same.\n");
	assert_true(transcript_fold_block(f->t, 1));
	assert_non_null(strstr(drawn(f, false), "  src/a.c:\n  ▌ ```c  [1]\n  ▌ int a;\n  ▌ int needle;\n  ▌ ```\n"));
	assert_true(transcript_fold_block(f->t, 1));
	assert_int_equal(count(drawn(f, false), "⋯"), 4);
	assert_true(transcript_block(f->t, 4, &code, &language));
	assert_string_equal(code.data, "$ ls\nb.txt\n");
	transcript_fold(f->t, true); /* Alt+Z twice: all is unfolded */
	transcript_fold(f->t, false);
	assert_int_equal(count(drawn(f, false), "⋯"), 0);
	assert_non_null(strstr(f->text, "b.txt"));
	free(language);
	buffer_free(&code);
}

/* What a person types is no file. */
static void test_not_attached(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_USER, "Look at this:\n```c\nint a;\n```\n\nAnd that here:\n```\nx\n```\nend:\n```c\ny\n```");
	add(f, ENTRY_ASSISTANT, "So:\n\na.c:\n```c\nint b;\n```");
	assert_int_equal(count(drawn(f, false), "⋯"), 0);
	transcript_raw(f->t, true);
	assert_int_equal(count(drawn(f, false), "⋯"), 0);
}

/* A word in a folded file is found, and seen for as long as it is looked for. */
static void test_found_in_an_attached_file(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_USER, sent);
	drawn(f, false);
	transcript_highlight(f->t, "needle");
	assert_int_equal(transcript_matches(f->t, 0), 1);
	transcript_show_match(f->t, 0, 0);
	assert_non_null(strstr(drawn(f, false), "int needle;"));
	assert_non_null(strstr(f->text, "my notes.md ·"));
	transcript_highlight(f->t, "nothing");
	assert_int_equal(transcript_matches(f->t, 0), 0);
	assert_null(strstr(drawn(f, false), "int needle;"));
	transcript_highlight(f->t, "needle");
	transcript_matches(f->t, 0);
	transcript_highlight(f->t, NULL);
	assert_null(strstr(drawn(f, false), "int needle;"));
	transcript_fold(f->t, true); /* code of an answer is found in the same way */
	add(f, ENTRY_ASSISTANT, "```\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\nfound\n```");
	assert_null(strstr(drawn(f, false), "found"));
	transcript_highlight(f->t, "found");
	assert_int_equal(transcript_matches(f->t, 1), 1);
	transcript_show_match(f->t, 1, 0);
	assert_non_null(strstr(drawn(f, false), "found"));
}

/* Whether answers are shown as they were written has nothing to do with what is folded. */
static void test_raw_view_keeps_folds(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_USER, sent);
	add(f, ENTRY_ASSISTANT,
	    "- a\n\n  ```c\n  1;\n  2;\n  3;\n  4;\n  5;\n  6;\n  7;\n  ```\n\n```\n1\n2\n3\n4\n5\n6\n7\n```");
	assert_true(transcript_fold_block(f->t, 1));
	assert_true(transcript_fold_block(f->t, 6));
	assert_int_equal(count(drawn(f, false), "⋯"), 4);
	for (int i = 0; i < 2; i++) {
		transcript_raw(f->t, i == 0);
		assert_int_equal(count(drawn(f, false), "⋯"), 4);
		assert_non_null(strstr(f->text, "[6]  ⋯ 3"));
		assert_non_null(strstr(f->text, "int needle"));
	}
	transcript_raw(f->t, true);
	assert_true(transcript_fold_block(f->t, 6));
	transcript_raw(f->t, false);
	assert_int_equal(count(drawn(f, false), "⋯"), 3);
}

static void moves(struct fixture *f, enum select_move move, int times)
{
	while (times-- > 0)
		transcript_select_move(f->t, move);
}

/* The caret stands here on the screen. */
static void assert_caret(struct fixture *f, int row, int column)
{
	int at_row, at_column;
	drawn(f, false);
	assert_true(transcript_caret(f->t, &at_row, &at_column));
	if (at_row != row || at_column != column)
		fail_msg("the caret is at %d, %d, not %d, %d\n%s", at_row, at_column, row, column, f->text);
}

/* In a question and an answer with a heading, a list and code. */
static void begin_selecting(struct fixture *f)
{
	add(f, ENTRY_USER, "ask **this**");
	add(f, ENTRY_ASSISTANT, "# Title\n\n- one **b**\n- two\n\n```c\nint x;\nint y;\n```");
	drawn(f, false);
	assert_true(transcript_select(f->t, true));
}

/* Without a mark, the part one is in is copied as it was written. */
static void test_selecting(void **state)
{
	struct fixture *f = *state;
	assert_false(transcript_select(f->t, true));
	begin_selecting(f);
	assert_selected(f, "```");
	moves(f, SELECT_UP, 1);
	assert_selected(f, "int y;");
	moves(f, SELECT_UP, 4);
	assert_selected(f, "- one **b**");
	moves(f, SELECT_UP, 100);
	assert_selected(f, "ask **this**");
	transcript_select(f->t, false);
	assert_selected(f, "");
	assert_null(strstr(drawn(f, true), "qqqqq"));
}

/* What is chosen is copied as it reads, over messages too; fences are what was written. */
static void test_selecting_letters(void **state)
{
	struct fixture *f = *state;
	begin_selecting(f);
	moves(f, SELECT_FIRST, 1);
	assert_caret(f, 0, 2);
	moves(f, SELECT_WORD_RIGHT, 1);
	moves(f, SELECT_RIGHT, 1);
	transcript_select_mark(f->t, true);
	assert_selected(f, "");
	moves(f, SELECT_RIGHT, 2);
	assert_selected(f, "**");
	moves(f, SELECT_ROW_END, 1);
	assert_selected(f, "**this**");
	assert_caret(f, 0, 14);
	moves(f, SELECT_RIGHT, 3);
	assert_selected(f, "**this**\n\nTi");
	assert_caret(f, 2, 2);
	moves(f, SELECT_DOWN, 1);
	assert_caret(f, 4, 2);
	assert_selected(f, "**this**\n\nTitle\n\n");
	moves(f, SELECT_RIGHT, 2);
	assert_selected(f, "**this**\n\nTitle\n\n• on");
	moves(f, SELECT_LAST, 1);
	assert_selected(f, "**this**\n\nTitle\n\n• one b\n• two\n\n```c\nint x;\nint y;\n```");
	moves(f, SELECT_ROW_START, 1);
	assert_selected(f, "**this**\n\nTitle\n\n• one b\n• two\n\n```c\nint x;\nint y;\n");
	assert_non_null(strstr(drawn(f, true), "qqq"));
	moves(f, SELECT_WORD_LEFT, 1);
	moves(f, SELECT_WORD_LEFT, 2);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_LEFT, 2); /* to the end of the row above, and one letter on */
	assert_selected(f, ";\n");
}

/* Rows that are broken for the width are one text; a cluster is one step, however many cells or bytes it has. */
static void test_selecting_clusters(void **state)
{
	struct fixture *f = *state;
	resize(f, 12, 20);
	add(f, ENTRY_ASSISTANT,
	    "one two three four five six seven e\xcc\x81"
	    "t\n\n日本語👨‍👩‍👧語");
	drawn(f, false);
	assert_true(transcript_select(f->t, true));
	assert_caret(f, 3, 0);
	moves(f, SELECT_RIGHT, 3);
	assert_caret(f, 3, 6);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_RIGHT, 1);
	assert_selected(f, "👨‍👩‍👧");
	moves(f, SELECT_FIRST, 1);
	assert_selected(f, "one two three four five six seven e\xcc\x81"
			   "t\n\n日本語");
	transcript_select_mark(f->t, true);
	moves(f, SELECT_DOWN, 1);
	assert_selected(f, "one two three four ");
	moves(f, SELECT_UP, 1);
	moves(f, SELECT_ROW_END, 1);
	moves(f, SELECT_RIGHT, 1);
	assert_caret(f, 1, 0);
	moves(f, SELECT_RIGHT, 1);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_LEFT, 1);
	resize(f, 12, 60); /* the same place in another row */
	drawn(f, false);
	moves(f, SELECT_ROW_START, 1);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_ROW_END, 1);
	assert_selected(f, "one two three four five six seven e\xcc\x81"
			   "t");
}

/* Left is what is seen on the left; what is copied is in the order that it is read in. */
static void test_selecting_from_the_right(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_ASSISTANT, "مرحبا ab عالم\n\nlast");
	drawn(f, false);
	assert_true(transcript_select(f->t, true));
	moves(f, SELECT_FIRST, 1);
	assert_caret(f, 0, 39); /* the first letter, on the right edge */
	transcript_select_mark(f->t, true);
	moves(f, SELECT_LEFT, 1);
	assert_caret(f, 0, 38);
	assert_selected(f, "م");
	moves(f, SELECT_WORD_LEFT, 1);
	assert_selected(f, "مرحبا");
	moves(f, SELECT_LEFT, 1); /* over the space; the next on the left is the b of ab */
	assert_caret(f, 0, 33);
	assert_selected(f, "مرحبا a");
	moves(f, SELECT_LEFT, 1);
	assert_selected(f, "مرحبا ");
	moves(f, SELECT_ROW_END, 1);
	assert_selected(f, "مرحبا ab عالم");
	moves(f, SELECT_LEFT, 1); /* on into the next row */
	assert_caret(f, 2, 0);
	moves(f, SELECT_LEFT, 1);
	assert_caret(f, 0, 26);
	moves(f, SELECT_UP, 1);
	moves(f, SELECT_ROW_START, 1);
	assert_caret(f, 0, 39);
}

/* Cells are gone through one by one, and come apart with a tab. */
static void test_selecting_in_tables(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_ASSISTANT, "| a | b |\n|---|--:|\n| one | 1 |\n| two | 22 |");
	drawn(f, false);
	assert_true(transcript_select(f->t, true));
	moves(f, SELECT_ROW_START, 1);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_ROW_END, 1);
	assert_selected(f, "two\t22");
	moves(f, SELECT_LEFT, 3);
	assert_selected(f, "two");
	moves(f, SELECT_ROW_END, 1);
	moves(f, SELECT_FIRST, 1);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_LAST, 1);
	assert_non_null(strstr(drawn(f, true), "qqq"));
}

/* A file that is one row is copied whole; part of its row is what is read there. */
static void test_selecting_attached_files(void **state)
{
	struct fixture *f = *state;
	add(f, ENTRY_USER, sent);
	drawn(f, false);
	assert_true(transcript_select(f->t, true));
	moves(f, SELECT_FIRST, 1);
	moves(f, SELECT_DOWN, 2);
	assert_selected(f, "src/a.c:\n```c\nint a;\nint needle;\n```");
	moves(f, SELECT_ROW_START, 1);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_WORD_RIGHT, 2);
	assert_selected(f, "src/a.c");
	moves(f, SELECT_FIRST, 1);
	transcript_select_mark(f->t, true);
	moves(f, SELECT_LAST, 1);
	assert_selected(f, sent);
}

/* The view goes along with the caret, and what comes or goes meanwhile does no harm. */
static void test_selecting_scrolls(void **state)
{
	struct fixture *f = *state;
	resize(f, 6, 40);
	add_numbered(f, 20);
	drawn(f, false);
	assert_true(transcript_select(f->t, true));
	moves(f, SELECT_UP, 12);
	assert_selected(f, "message 7");
	assert_non_null(strstr(drawn(f, false), "message 7"));
	moves(f, SELECT_PAGE_UP, 1);
	assert_selected(f, "message 3");
	moves(f, SELECT_DOWN, 100);
	assert_selected(f, "message 19");
	assert_non_null(strstr(drawn(f, false), "message 19"));
	int last = add(f, ENTRY_ASSISTANT, "a\n\nb\n\nc");
	moves(f, SELECT_LAST, 1);
	transcript_select_mark(f->t, true);
	transcript_set(f->t, last, "x", 1);
	drawn(f, false);
	moves(f, SELECT_LEFT, 1);
	transcript_set(f->t, last, "", 0);
	drawn(f, true);
	moves(f, SELECT_RIGHT, 3);
	moves(f, SELECT_WORD_LEFT, 3);
	transcript_truncate(f->t, 3);
	assert_selected(f, "");
	drawn(f, false);
}

#define WITH_SCREEN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCREEN(test_golden_screens),
		WITH_SCREEN(test_streaming_equals_at_once),
		WITH_SCREEN(test_styles),
		WITH_SCREEN(test_an_open_fence_looks_as_it_will),
		WITH_SCREEN(test_code_blocks),
		WITH_SCREEN(test_scrolling),
		WITH_SCREEN(test_marks_and_memory),
		WITH_SCREEN(test_matches_are_marked),
		WITH_SCREEN(test_truncate),
		WITH_SCREEN(test_hostile_text_is_inert),
		WITH_SCREEN(test_any_size),
		WITH_SCREEN(test_raw_view),
		WITH_SCREEN(test_folding),
		WITH_SCREEN(test_attached_files),
		WITH_SCREEN(test_not_attached),
		WITH_SCREEN(test_found_in_an_attached_file),
		WITH_SCREEN(test_raw_view_keeps_folds),
		WITH_SCREEN(test_selecting),
		WITH_SCREEN(test_selecting_letters),
		WITH_SCREEN(test_selecting_clusters),
		WITH_SCREEN(test_selecting_from_the_right),
		WITH_SCREEN(test_selecting_in_tables),
		WITH_SCREEN(test_selecting_attached_files),
		WITH_SCREEN(test_selecting_scrolls),
		WITH_SCREEN(test_words_are_marked_each),
		WITH_SCREEN(test_going_to_a_match),
		WITH_SCREEN(test_tags),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
