/* A message that arrives in pieces ends in the same cells as one that comes at once. */
#include "tests/i18n/acceptance.h"
#include "ui/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 24 };

struct view {
	struct transcript *transcript;
	struct screen *screen;
};

static struct view open_view(const struct i18n *tr, enum i18n_bidi bidi, int columns)
{
	struct view v = {transcript_create(tr, bidi), screen_open_headless(ROWS, columns)};
	return v;
}

static void close_view(struct view *v)
{
	transcript_free(v->transcript);
	v->screen->ops->close(v->screen);
}

static char *shown(struct view *v)
{
	transcript_draw(v->transcript, v->screen, 0, ROWS);
	return screen_headless_dump(v->screen, true);
}

static char *at_once(const struct i18n *tr, enum i18n_bidi bidi, int columns, const char *text, size_t len)
{
	struct view v = open_view(tr, bidi, columns);
	transcript_add(v.transcript, ENTRY_ASSISTANT, text, len);
	transcript_finish(v.transcript, 0);
	char *dump = shown(&v);
	close_view(&v);
	return dump;
}

/* Draws after each piece: what is drawn in between must leave nothing behind. */
static char *in_pieces(const struct i18n *tr, enum i18n_bidi bidi, int columns, const char *text, size_t len,
		       size_t first, size_t piece)
{
	struct view v = open_view(tr, bidi, columns);
	transcript_add(v.transcript, ENTRY_ASSISTANT, text, first);
	for (size_t at = first; at < len; at += piece) {
		free(shown(&v));
		transcript_append(v.transcript, 0, text + at, len - at < piece ? len - at : piece);
	}
	free(shown(&v));
	transcript_finish(v.transcript, 0);
	char *dump = shown(&v);
	close_view(&v);
	return dump;
}

static void check(const struct i18n *tr, enum i18n_bidi bidi, int columns, const char *text, bool every_split)
{
	size_t len = strlen(text);
	char *whole = at_once(tr, bidi, columns, text, len);
	for (size_t split = 0; split <= len; split++) {
		char *parts = in_pieces(tr, bidi, columns, text, len, split, split == 0 ? 1 : len);
		if (strcmp(whole, parts) != 0)
			fail_msg("'%s' cut at byte %zu:\n%s\ninstead of\n%s", text, split, parts, whole);
		free(parts);
		if (!every_split && split)
			break;
	}
	free(whole);
}

static void test_acceptance_cases_at_every_split(void **state)
{
	struct i18n *tr = i18n_open("en");
	for (int i = 0; i < ACCEPTANCE_CASES; i++)
		for (int bidi = 0; bidi < 3; bidi++)
			check(tr, (enum i18n_bidi)bidi, acceptance_cases[i].width, acceptance_cases[i].text, true);
	i18n_close(tr);
}

/* Longer ones, with Markdown, whose direction is only known late and whose rows are wrapped. */
static void test_messages_at_every_split(void **state)
{
	static const char *const messages[] = {
		"123: \xE2\x80\x94 \"...\" (1) שלום and more words, עולם!",
		"السلام عليكم **ورحمة** الله `./run -x/` ثم https://a.b/c/ والسلام\n\n- واحد\n- اثنان\n",
		"| اسم | قيمة |\n|---|---|\n| سلام | 1 |\n| 你好 | 👨\u200D👩\u200D👧 |\n",
		"so \\(e^{i\\pi} * a_1*b\\) **is** \\[x\\] $$y*z*$$ left",
		"```c\nint x = \"שלום\";\n```\nend 🇯🇵🇯🇵🇯 मैं ठीक हूँ क्षत्रिय สวัสดีชาวโลก",
		"한국어 문장은 띄어쓰기에서만 나뉩니다. これは「テスト」です。中文也要换行吗？",
	};
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		for (int columns = 9; columns < 60; columns += 25) {
			check(tr, I18N_BIDI_APP, columns, messages[i], true);
			check(tr, I18N_BIDI_TERMINAL, columns, messages[i], true);
		}
	i18n_close(tr);
}

/* Arabic joins anew as it grows, in place: a letter that arrives changes the form of the one
 * before it, and no other cell but its own. */
static void test_arabic_grows_without_flicker(void **state)
{
	static const char *const letters[] = {"ا", "ل", "س", "ل", "ا", "م",      " ", "ع",      "ل", "ي",
					      "ك", "م", "،", " ", "م", "\u064F", "ح", "\u064E", "م", "\u0651\u064E",
					      "د", ".", " ", "ه"};
	struct i18n *tr = i18n_open("en");
	struct buffer text = {0};
	struct layout before = {0};
	struct layout_options options = {.width = 60, .bidi = I18N_BIDI_APP};
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
		struct layout now;
		buffer_puts(&text, letters[i]);
		i18n_layout(tr, text.data, text.len, &options, &now);
		assert_int_equal(now.count, 1);
		/* Cells from the right: all that were there but the leftmost, the last letter, are as they were. */
		for (int k = 1; before.count && k < before.rows[0].count; k++) {
			const struct layout_cell *old = &before.rows[0].cells[before.rows[0].count - k];
			const struct layout_cell *new = &now.rows[0].cells[now.rows[0].count - k];
			if (old->column != new->column || old->text_len != new->text_len ||
			    memcmp(old->text, new->text, old->text_len) != 0)
				fail_msg("'%s': the cell in column %d has changed", text.data, old->column);
		}
		layout_free(&before);
		before = now;
	}
	layout_free(&before);
	buffer_free(&text);
	i18n_close(tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acceptance_cases_at_every_split),
		cmocka_unit_test(test_messages_at_every_split),
		cmocka_unit_test(test_arabic_grows_without_flicker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
