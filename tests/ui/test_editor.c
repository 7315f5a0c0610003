/* Keys in, text and caret out. */
#include "ui/editor.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEFT   "\033[D"
#define RIGHT  "\033[C"
#define UP     "\033[A"
#define DOWN   "\033[B"
#define HOME   "\001"
#define END    "\005"
#define RUBOUT "\177"
#define FAMILY "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7"

struct fixture {
	struct i18n *tr;
	struct editor *ed;
	struct screen *screen;
};

/* Readline reads it once: keys that a person has bound to readline's own names. */
static const char *inputrc(void)
{
	static const char path[] = "/tmp/bora-test-inputrc";
	FILE *file = fopen(path, "w");
	fputs("\"\\C-o\": forward-char\n\"\\eq\": backward-kill-word\n\"\\ez\": \"\\C-a<\\C-e>\"\n", file);
	fclose(file);
	return path;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	setenv("INPUTRC", inputrc(), 1);
	setlocale(LC_ALL, "C.UTF-8");
	f->tr = i18n_open("en");
	f->ed = editor_create(f->tr, I18N_BIDI_APP);
	f->screen = screen_open_headless(10, 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	editor_free(f->ed);
	f->screen->ops->close(f->screen);
	i18n_close(f->tr);
	free(f);
	return 0;
}

/* Feeds one key after another, as keys.c would. */
static enum editor_result type(struct editor *ed, const char *keys)
{
	enum editor_result result = EDITOR_NOTHING;
	size_t len = strlen(keys);
	for (size_t i = 0; i < len;) {
		size_t n = 1;
		if (keys[i] == '\033')
			n = i + 1 < len && keys[i + 1] == '[' ? 3 : 2;
		else
			while (i + n < len && ((unsigned char)keys[i + n] & 0xC0) == 0x80)
				n++;
		n = i + n > len ? len - i : n;
		result = editor_feed(ed, keys + i, n);
		i += n;
	}
	return result;
}

static void assert_text(struct editor *ed, const char *expected)
{
	size_t len;
	const char *text = editor_text(ed, &len);
	assert_string_equal(text, expected);
	assert_int_equal(len, strlen(expected));
}

struct scenario {
	const char *keys, *text;
	size_t cursor;
};

static const struct scenario scenarios[] = {
	{"hello", "hello", 5},
	{"hello" LEFT LEFT "X", "helXlo", 4},
	{"hello" HOME "X" END "Y", "XhelloY", 7},
	{"a" FAMILY "b" LEFT RUBOUT, "ab", 1},
	{"a" FAMILY "b" LEFT LEFT, "a" FAMILY "b", 1},
	{"e\xCC\x81x" LEFT RUBOUT, "x", 0},
	{"\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\xB7\xE0\xA4\xBF" LEFT, "\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\xB7\xE0\xA4\xBF",
	 0},
	{"one two"
	 "\027",
	 "one ", 4},
	{"one two"
	 "\025",
	 "", 0},
	{"one two"
	 "\025\031",
	 "one two", 7},
	{"abc" HOME "\004", "bc", 0},
	{"one two"
	 "\033b"
	 "X",
	 "one Xtwo", 5},
	{"\xE4\xBD\xA0\xE5\xA5\xBD" RUBOUT, "\xE4\xBD\xA0", 3},
};

#define WORD_LEFT  "\033b"
#define WORD_RIGHT "\033f"
#define KILL_WORD  "\033d"
#define RUBOUT_RUN "\027"
#define TRANSPOSE  "\024"

/* Letters and words in every script: the caret never stands in a cluster, words are those of the language. */
static const struct scenario scripts[] = {
	{"สวัสดีชาวโลก" WORD_LEFT, "สวัสดีชาวโลก", sizeof("สวัสดีชาว") - 1},
	{"สวัสดีชาวโลก" HOME WORD_RIGHT "x", "สวัสดีxชาวโลก", sizeof("สวัสดีx") - 1},
	{"สวัสดีชาวโลก" RUBOUT_RUN, "สวัสดีชาว", sizeof("สวัสดีชาว") - 1},
	{"ที่นี่" RUBOUT, "ที่", sizeof("ที่") - 1},
	{"กำ" RUBOUT, "", 0},
	{"नमस्ते दुनिया" WORD_LEFT, "नमस्ते दुनिया", sizeof("नमस्ते ") - 1},
	{"नमस्ते" RUBOUT, "नम", sizeof("नम") - 1},
	{"नमस्ते दुनिया" HOME KILL_WORD, " दुनिया", 0},
	{"你好世界" WORD_LEFT, "你好世界", sizeof("你好") - 1},
	{"你好世界" RUBOUT_RUN, "你好", sizeof("你好") - 1},
	{"hello世界" RUBOUT_RUN, "hello", 5},
	{"これはテスト" RUBOUT_RUN, "これは", sizeof("これは") - 1},
	{"你好　世界" RUBOUT_RUN RUBOUT_RUN, "", 0},
	{"한국어 문장" RUBOUT_RUN, "한국어 ", sizeof("한국어 ") - 1},
	{"\u1112\u1161\u11AB" RUBOUT, "", 0},
	{"مرحبا بالعالم" WORD_LEFT, "مرحبا بالعالم", sizeof("مرحبا ") - 1},
	{"مُحَمَّد" RUBOUT RUBOUT, "مُحَ", sizeof("مُحَ") - 1},
	{"سلام" LEFT "x", "سلاxم", sizeof("سلاx") - 1},
	{"ls /tmp/foo-bar" RUBOUT_RUN, "ls ", 3},
	{"x 🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F" RUBOUT, "x ", 2},
	{"🇯🇵🇫🇷" LEFT RUBOUT, "🇫🇷", 0},
	{"👍🏽❤️" RUBOUT, "👍🏽", sizeof("👍🏽") - 1},
	{"a" FAMILY TRANSPOSE, FAMILY "a", sizeof(FAMILY)},
	{"ab" HOME RIGHT TRANSPOSE, "ba", 2},
	{"a" TRANSPOSE, "a", 1},
	{"один два"
	 "\033t",
	 "два один", sizeof("два один") - 1},
	{"cafe\u0301s x" HOME "\033u", "CAFE\u0301S x", sizeof("CAFE\u0301S") - 1},
	{"a" FAMILY "b" HOME "\017\017x", "a" FAMILY "xb", sizeof("a" FAMILY)},
	{"สวัสดีชาวโลก"
	 "\033q",
	 "สวัสดีชาว", sizeof("สวัสดีชาว") - 1},
	{"世\033z", "<世>", 5},
	{"ÉCOLE X" HOME "\033l", "école X", sizeof("école") - 1},
};

static void test_scripts(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		editor_clear(f->ed);
		type(f->ed, scripts[i].keys);
		assert_text(f->ed, scripts[i].text);
		if (editor_cursor(f->ed) != scripts[i].cursor)
			fail_msg("%s: the caret is at %zu, expected %zu", scripts[i].text, editor_cursor(f->ed),
				 scripts[i].cursor);
	}
}

/* The same commands in vi mode; each text is typed, then Esc and the keys. */
static const struct scenario vi_scripts[] = {
	{"cafe\u0301 x\0330de", " x", 0},
	{"cafe\u0301 x\0330dw", "x", 0},
	{"cafe\u0301 x\0330e", "cafe\u0301 x", 3},
	{"x cafe\u0301\033b~~~~", "x CAFE\u0301", 5},
	{"e\u0301b\0330xp", "be\u0301", 1},
	{"ab" FAMILY "\0330a-", "a-b" FAMILY, 2},
	{FAMILY "b\0330a-", FAMILY "-b", sizeof(FAMILY)},
	{"a" FAMILY "c\0333|", "a" FAMILY "c", sizeof("a" FAMILY) - 1},
	{"a" FAMILY "c\0330lDay", "ay", 2},
	{"a" FAMILY "c\0330lrx", "axc", 1},
	{"abc\0330rx", "xbc", 0},
	{"a" FAMILY "cd\0330l2rx", "axxd", 2},
	{"e\u0301b\0330r\001", "e\u0301b", 0},
	{"你好世界\033x", "你好世", sizeof("你好") - 1},
};

static void test_scripts_in_vi_mode(void **state)
{
	struct fixture *f = *state;
	type(f->ed, "\033\012");
	for (size_t i = 0; i < sizeof(vi_scripts) / sizeof(vi_scripts[0]); i++) {
		const char *escape = strchr(vi_scripts[i].keys, '\033');
		char *text = xstrndup(vi_scripts[i].keys, (size_t)(escape - vi_scripts[i].keys));
		editor_clear(f->ed);
		type(f->ed, text);
		editor_feed(f->ed, "\033", 1);
		type(f->ed, escape + 1);
		assert_text(f->ed, vi_scripts[i].text);
		if (editor_cursor(f->ed) != vi_scripts[i].cursor)
			fail_msg("%s: the caret is at %zu, expected %zu", vi_scripts[i].text, editor_cursor(f->ed),
				 vi_scripts[i].cursor);
		free(text);
	}
	editor_clear(f->ed);
	editor_feed(f->ed, "\033", 1);
	type(f->ed, "\005");
}

/* Any keys in any text: the caret never ends inside a cluster, the text is whole UTF-8, and undo gives it back. */
static void test_caret_between_clusters(void **state)
{
	static const char *const keys[] = {LEFT,     RIGHT,  RUBOUT,     "\004",    WORD_LEFT, WORD_RIGHT, KILL_WORD,
					   HOME,     END,    RUBOUT_RUN, TRANSPOSE, "\033t",   "\033u",    "\033l",
					   "\033c",  "\013", "\031",     "\037",    "\033\\",  "x",        "e\u0301",
					   FAMILY,   "क्षि",  "世",       "لا",      "🇯🇵",      "\u200D",   " ",
					   "\u0301", "ำ",    "\uFE0F",   "\u1161",  "🏽"};
	struct fixture *f = *state;
	unsigned seed = 7;
	for (int round = 0; round < 60; round++) {
		editor_clear(f->ed);
		for (int i = 0; i < 60; i++) {
			seed = seed * 1664525u + 1013904223u;
			const char *key = keys[(seed >> 8) % (sizeof(keys) / sizeof(*keys))];
			type(f->ed, key);
			size_t len, at = 0, cursor = editor_cursor(f->ed);
			const char *text = editor_text(f->ed, &len);
			while (at < cursor)
				at = i18n_cluster_next(f->tr, text, len, at);
			struct buffer repaired = {0};
			i18n_repair(text, len, &repaired);
			assert_string_equal(repaired.data ? repaired.data : "", text);
			buffer_free(&repaired);
			bool letter = (unsigned char)key[0] >= ' ' && key[0] != 127;
			if (at != cursor && !letter)
				fail_msg("'%s', after key %d (%02x): the caret is at %zu, inside a cluster", text, i,
					 key[0], cursor);
		}
	}
}

static void test_editing(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		editor_clear(f->ed);
		type(f->ed, scenarios[i].keys);
		assert_text(f->ed, scenarios[i].text);
		assert_int_equal(editor_cursor(f->ed), scenarios[i].cursor);
	}
}

static void test_results(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(type(f->ed, "a"), EDITOR_CHANGED);
	assert_int_equal(type(f->ed, LEFT), EDITOR_NOTHING);
	assert_int_equal(type(f->ed, "\r"), EDITOR_SUBMIT);
	assert_text(f->ed, "a");
	editor_clear(f->ed);
	assert_true(editor_empty(f->ed));
	assert_int_equal(type(f->ed, "b"), EDITOR_CHANGED);
	assert_text(f->ed, "b");
}

static void test_prefix_keeps_the_next_key(void **state)
{
	struct fixture *f = *state;
	type(f->ed, "abc");
	type(f->ed, "\030"); /* Ctrl+X */
	assert_true(editor_in_command(f->ed));
	type(f->ed, "\177"); /* Rubout: Ctrl+X Rubout kills the line */
	assert_false(editor_in_command(f->ed));
	assert_text(f->ed, "");
}

static void test_newline_and_rows(void **state)
{
	struct fixture *f = *state;
	type(f->ed, "one");
	editor_newline(f->ed);
	type(f->ed, "two");
	assert_text(f->ed, "one\ntwo");
	assert_int_equal(editor_rows(f->ed, 20, 5), 2);
	type(f->ed, UP "X");
	assert_text(f->ed, "oneX\ntwo");
	type(f->ed, DOWN HOME "Y");
	assert_text(f->ed, "oneX\nYtwo");
	type(f->ed, UP END "\013");
	assert_text(f->ed, "oneXYtwo");
}

static void test_history_at_the_edges(void **state)
{
	struct fixture *f = *state;
	editor_history_add(f->ed, "first");
	editor_history_add(f->ed, "second");
	type(f->ed, "typed");
	editor_newline(f->ed);
	type(f->ed, "more" UP);
	assert_text(f->ed, "typed\nmore");
	type(f->ed, UP);
	assert_text(f->ed, "second");
	type(f->ed, UP);
	assert_text(f->ed, "first");
	type(f->ed, DOWN DOWN);
	assert_text(f->ed, "typed\nmore");
}

static void test_history_search(void **state)
{
	struct fixture *f = *state;
	editor_history_add(f->ed, "tell me about Kyoto");
	editor_history_add(f->ed, "something else");
	type(f->ed, "\022");
	assert_true(editor_searching(f->ed));
	type(f->ed, "abou"
		    "t" END);
	assert_false(editor_searching(f->ed));
	assert_text(f->ed, "tell me about Kyoto");
}

static void test_paste(void **state)
{
	struct fixture *f = *state;
	editor_paste(f->ed, "a\nb\n", 4);
	assert_text(f->ed, "a\nb\n");
	editor_clear(f->ed);
	char big[2500];
	memset(big, 'x', sizeof(big));
	big[1000] = '\n';
	type(f->ed, "see ");
	editor_paste(f->ed, big, sizeof(big));
	type(f->ed, " ok");
	size_t len;
	const char *text = editor_text(f->ed, &len);
	assert_int_equal(len, 4 + sizeof(big) + 3);
	assert_memory_equal(text, "see ", 4);
	assert_memory_equal(text + 4, big, sizeof(big));
	assert_memory_equal(text + 4 + sizeof(big), " ok", 3);
	assert_true(editor_rows(f->ed, 80, 10) == 1);
	type(f->ed, LEFT LEFT LEFT RUBOUT); /* the fold goes at one stroke */
	assert_text(f->ed, "see  ok");
}

static void test_hostile_paste(void **state)
{
	struct fixture *f = *state;
	editor_paste(f->ed,
		     "a\0b\xF4\x8F\x80\x80"
		     "c",
		     8);
	assert_text(f->ed, "a\xEF\xBF\xBD"
			   "b\xEF\xBF\xBD"
			   "c");
	editor_clear(f->ed);
	editor_paste(f->ed, "x\xFF\xED\xA0\x80y\xC3", 7); /* a broken byte, a lone surrogate, half a letter */
	assert_text(f->ed, "x\uFFFD\uFFFD\uFFFD\uFFFDy\uFFFD");
	editor_clear(f->ed);
	editor_paste(f->ed, "x\xFF\033[201~\r", 9); /* inserted; nothing is run */
	assert_false(editor_empty(f->ed));
	int row, column;
	editor_draw(f->ed, f->screen, 0, 3, &row, &column);
}

static char **candidates_fn(void *arg, const char *line, size_t *word_start, size_t cursor)
{
	static const char *const words[] = {"/rename", "/regen", "/resume", "/exit"};
	char **list = calloc(5, sizeof(*list));
	int n = 0;
	for (int i = 0; i < 4; i++)
		if (strncmp(words[i], line + *word_start, cursor - *word_start) == 0)
			list[n++] = strdup(words[i]);
	return list;
}

static void test_completion(void **state)
{
	struct fixture *f = *state;
	int selected;
	editor_on_complete(f->ed, candidates_fn, NULL);
	type(f->ed, "/e");
	editor_complete(f->ed);
	assert_text(f->ed, "/exit ");
	assert_null(editor_candidates(f->ed, &selected));
	editor_clear(f->ed);
	type(f->ed, "/r");
	editor_complete(f->ed);
	assert_text(f->ed, "/re");
	char *const *list = editor_candidates(f->ed, &selected);
	assert_string_equal(list[2], "/resume");
	assert_int_equal(selected, -1);
	editor_complete(f->ed);
	assert_text(f->ed, "/rename");
	editor_complete(f->ed);
	assert_text(f->ed, "/regen");
	type(f->ed, "x");
	assert_null(editor_candidates(f->ed, &selected));
	assert_text(f->ed, "/regenx");
}

static void assert_caret(struct fixture *f, int height, int row, int column)
{
	int r, c;
	editor_draw(f->ed, f->screen, 0, height, &r, &c);
	assert_int_equal(r, row);
	assert_int_equal(c, column);
}

static void test_caret(void **state)
{
	struct fixture *f = *state;
	assert_caret(f, 3, 0, 2);
	type(f->ed, "abc");
	assert_caret(f, 3, 0, 5);
	type(f->ed, "\xE4\xBD\xA0");
	assert_caret(f, 3, 0, 7);
	type(f->ed, LEFT LEFT);
	assert_caret(f, 3, 0, 4);
	editor_clear(f->ed);
	type(f->ed, "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D"); /* Hebrew: the row stands on the right */
	assert_caret(f, 3, 0, 20 - 2 - 4 - 1);
	type(f->ed, LEFT LEFT LEFT LEFT);
	assert_caret(f, 3, 0, 20 - 2 - 1);
	editor_clear(f->ed);
	for (int i = 0; i < 9; i++)
		editor_newline(f->ed);
	assert_caret(f, 3, 2, 2);
	assert_int_equal(editor_rows(f->ed, 20, 3), 3);
}

/* Twenty columns: two for the prompt, the last for the caret, seventeen for text. */
static void test_caret_at_the_edge(void **state)
{
	struct fixture *f = *state;
	type(f->ed, "世世世世世世世世");
	assert_caret(f, 3, 0, 18);
	type(f->ed, "世"); /* has no room: a row of its own */
	assert_caret(f, 3, 1, 4);
	type(f->ed, LEFT);
	assert_caret(f, 3, 1, 2);
	type(f->ed, RUBOUT "a");
	assert_caret(f, 3, 0, 17);
	editor_clear(f->ed);
	type(f->ed, "12345678901234567");
	assert_caret(f, 3, 0, 19);
	type(f->ed, "8");
	assert_caret(f, 3, 1, 3);
	/* Mixed directions: the caret stands beside the letter that was typed last, on the side where the next goes. */
	editor_clear(f->ed);
	type(f->ed, "abc ");
	assert_caret(f, 3, 0, 6);
	type(f->ed, "ש");
	assert_caret(f, 3, 0, 5);
	type(f->ed, "לום");
	assert_caret(f, 3, 0, 5);
	type(f->ed, " d");
	assert_caret(f, 3, 0, 12);
	editor_clear(f->ed);
	type(f->ed, "سلا"); /* the lam-alef is one cell */
	assert_caret(f, 3, 0, 20 - 2 - 2 - 1);
	type(f->ed, "م");
	assert_caret(f, 3, 0, 20 - 2 - 3 - 1);
	editor_clear(f->ed);
	type(f->ed, "שלום ab");
	assert_caret(f, 3, 0, 20 - 2 - 5);
}

static void test_tiny_screens(void **state)
{
	struct fixture *f = *state;
	type(f->ed, "hello " FAMILY " \xE4\xBD\xA0 \xD7\xA9\xD7\x9C");
	for (int columns = 1; columns < 8; columns++) {
		int row, column;
		screen_headless_resize(f->screen, 1, columns);
		assert_int_equal(editor_rows(f->ed, columns, 1), 1);
		editor_draw(f->ed, f->screen, 0, 1, &row, &column);
		assert_int_equal(row, 0);
		assert_in_range(column, 0, columns - 1);
	}
}

static void test_vi_mode(void **state)
{
	struct fixture *f = *state;
	type(f->ed, "\033\012"); /* Alt+Ctrl+J: readline's way into vi mode */
	assert_true(editor_wants_escape(f->ed));
	type(f->ed, "a" FAMILY "b");
	editor_feed(f->ed, "\033", 1);
	assert_false(editor_wants_escape(f->ed));
	type(f->ed, "hx");
	assert_text(f->ed, "ab");
	type(f->ed, "A"
		    "c");
	assert_text(f->ed, "abc");
	editor_feed(f->ed, "\033", 1);
	editor_clear(f->ed);
	assert_true(editor_wants_escape(f->ed)); /* the next message begins with typing again */
	editor_feed(f->ed, "\033", 1);
	type(f->ed, "\005"); /* back to emacs mode */
}

static void test_prefix_in_a_search(void **state)
{
	struct fixture *f = *state;
	editor_history_add(f->ed, "earlier words");
	type(f->ed, "\022");
	type(f->ed, "ear");
	assert_true(editor_searching(f->ed));
	type(f->ed, "\030"); /* Ctrl+X: readline would fall over the next key */
	type(f->ed, "/");
	type(f->ed, "\a");
	assert_false(editor_in_command(f->ed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_editing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scripts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scripts_in_vi_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caret_between_clusters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_results, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefix_keeps_the_next_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newline_and_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_history_at_the_edges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_history_search, setup, teardown),
		cmocka_unit_test_setup_teardown(test_paste, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_paste, setup, teardown),
		cmocka_unit_test_setup_teardown(test_completion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caret_at_the_edge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tiny_screens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vi_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_prefix_in_a_search, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
