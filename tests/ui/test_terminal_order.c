/* Where the terminal puts rows in order: the rows that it gets, put in order as it does (UAX #9, each row from the
 * left), are those that the program draws where it does that itself. */
#include "app_fixture.h"

#include <unicode/ubidi.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

enum { ROW = 1024 };

/* Letters for presentation forms; one blank for several, and one line: rows that the terminal orders take a cell more. */
static char *plain(const UChar *text, int32_t len)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar composed[ROW * 2];
	char utf8[ROW * 6], *out = xcalloc(1, ROW * 6);
	const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&status);
	int32_t composed_len = unorm2_normalize(nfkc, text, len, composed, ROW * 2, &status), bytes = 0;
	u_strToUTF8(utf8, sizeof(utf8), &bytes, composed, composed_len, &status);
	assert_true(U_SUCCESS(status));
	size_t used = 0;
	for (int32_t i = 0; i < bytes; i++) {
		bool again = used >= 3 && strncmp(utf8 + i, "─", 3) == 0 && strncmp(out + used - 3, "─", 3) == 0;
		if (again)
			i += 2;
		else if (utf8[i] != ' ' || (used && out[used - 1] != ' '))
			out[used++] = utf8[i];
	}
	return out;
}

/* A lam-alef stands for two letters in visual order: NFKC gives them in logical order. */
static void turn_lam_alef(UChar *text, int32_t *len)
{
	UChar out[ROW];
	int32_t used = 0;
	for (int32_t i = 0; i < *len; i++) {
		static const UChar alefs[] = {0x0622, 0x0623, 0x0625, 0x0627};
		if (text[i] >= 0xFEF5 && text[i] <= 0xFEFC) {
			out[used++] = alefs[(text[i] - 0xFEF5) / 2];
			out[used++] = 0x0644;
		} else {
			out[used++] = text[i];
		}
	}
	memcpy(text, out, (size_t)used * sizeof(*out));
	*len = used;
}

static char *row_text(const char *row, size_t len, enum i18n_bidi order)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar logical[ROW], visual[ROW];
	int32_t units = 0;
	u_strFromUTF8(logical, ROW, &units, row, (int32_t)len, &status);
	if (i18n_terminal_orders(order)) {
		int mirroring = order == I18N_BIDI_TERMINAL ? UBIDI_DO_MIRRORING : 0;
		UBiDi *bidi = ubidi_open();
		ubidi_setPara(bidi, logical, units, 0, NULL, &status);
		units = ubidi_writeReordered(
			bidi, visual, ROW, mirroring | UBIDI_REMOVE_BIDI_CONTROLS | UBIDI_KEEP_BASE_COMBINING, &status);
		ubidi_close(bidi);
	} else {
		memcpy(visual, logical, sizeof(visual));
	}
	turn_lam_alef(visual, &units);
	assert_true(U_SUCCESS(status));
	return plain(visual, units);
}

static char *visible(const char *dump, enum i18n_bidi order)
{
	struct buffer out = {0};
	for (const char *at = dump; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		char *row = row_text(at, strcspn(at, "\n"), order);
		buffer_puts(&out, row);
		buffer_puts(&out, "\n");
		free(row);
	}
	return buffer_take(&out);
}

static void set_order(struct fixture *f, enum i18n_bidi bidi)
{
	i18n_set_order(f->tr, bidi);
	if (f->app->own_tr)
		i18n_set_order(f->app->own_tr, bidi);
	f->app->bidi = bidi;
	i18n_set_width((struct i18n *)f->app->tr, I18N_WIDTH_LAM_ALEF, bidi == I18N_BIDI_TERMINAL ? 1 : -1);
	transcript_reflow(f->app->transcript, f->app->tr, bidi);
	editor_retranslate(f->app->editor, f->app->tr, bidi);
}

static void compare(struct fixture *f, const char *what, enum i18n_bidi order)
{
	set_order(f, I18N_BIDI_APP);
	char *app = visible(screen(f), I18N_BIDI_APP);
	set_order(f, order);
	char *terminal = visible(screen(f), order);
	for (const char *a = app, *t = terminal; *a && *t; a += strcspn(a, "\n") + 1, t += strcspn(t, "\n") + 1) {
		size_t len = strcspn(a, "\n");
		while (len && a[len - 1] == ' ')
			len--;
		size_t other = strcspn(t, "\n");
		while (other && t[other - 1] == ' ')
			other--;
		/* "More below" stands on a row of its own where the terminal orders, else on the end of one. */
		bool more = memmem(t, other, "↓", strlen("↓")) && memmem(a, len, t, other);
		if (!more && (len != other || strncmp(a, t, len) != 0))
			fail_msg("%s: the program draws\n%.*s\nthe terminal shows\n%.*s", what, (int)len, a, (int)other,
				 t);
	}
	free(app);
	free(terminal);
}

static void same_screens(struct fixture *f, const char *what)
{
	compare(f, what, I18N_BIDI_TERMINAL);
	compare(f, what, I18N_BIDI_UNMIRRORED);
}

static void one_language(struct fixture *f, const char *command)
{
	keys(f, command);
	keys(f, "\r");
	same_screens(f, "the chat");
	keys(f, "\020"); /* Ctrl+P */
	same_screens(f, "the palette");
	keys(f, "عا");
	same_screens(f, "the palette, filtered");
	keys(f, "\033");
	keys(f, "\033OP");
	same_screens(f, "the help");
	for (int i = 0; i < 4; i++) {
		keys(f, "\033[6~");
		same_screens(f, "the help, further down");
	}
	keys(f, "\033");
	keys(f, "/\t");
	same_screens(f, "the commands");
	keys(f, "\025");
	keys(f, "\006سلام");
	same_screens(f, "finding");
	keys(f, "\033");
	keys(f, "\033>"); /* to the end again */
	keys(f, "/resume\r");
	same_screens(f, "the conversations");
	keys(f, "\033");
	keys(f, "ما معنى (abc) هنا؟");
	same_screens(f, "the input");
	keys(f, "\025");
}

static void test_screens_in_arabic_and_english(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "سلام يا عالم",
		 "# عنوان\n\nنص **عريض** مع `code -x` و https://a.b/c?x=1 هنا.\n\n- أول\n- ثان: 12.5%\n\n"
		 "| اسم | عدد |\n|---|---|\n| تفاح | 3 |\n| pear | 14 |\n\n```c\nint a = 1; // تعليق\n```\n");
	exchange(f, "and in English", "An **answer** that names שלום (abc) עולם! in passing.\n\n> quoted\n");
	one_language(f, "/lang en");
	one_language(f, "/lang ar");
}

/* Two names on one row keep their places, and what stands between them; so does a body behind a name. */
static void test_fields_of_a_row_stay_apart(void **state)
{
	static const struct {
		const char *left, *middle, *right, *shown;
	} rows[] = {
		{"שלום", "|", "עולם", "םולש | םלוע \n"},
		{"علي", ":", "hello!", "يلع : hello! \n"},
		{"a", "|", "ב!", "a | !ב \n"},
		{"12", "|", "ב (c)", "12 | (c) ב \n"},
	};
	struct i18n *tr = i18n_open("en");
	struct screen *screen = screen_open_headless(1, 40);
	i18n_set_order(tr, I18N_BIDI_TERMINAL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		screen->ops->clear_row(screen, 0);
		int column = screen_text(screen, tr, 0, 2, 12, rows[i].left, STYLE_TEXT) + 1;
		column = screen_text(screen, tr, 0, column, 40, rows[i].middle, STYLE_TEXT) + 1;
		screen_text(screen, tr, 0, column, 40, rows[i].right, STYLE_TEXT);
		char *dump = screen_headless_dump(screen, false), *shown = visible(dump, I18N_BIDI_TERMINAL);
		shown[strcspn(shown, "\n")] = '\0';
		char *line = xasprintf("%s%s\n", shown, shown[strlen(shown) - 1] == ' ' ? "" : " ");
		assert_string_equal(line, rows[i].shown);
		free(line);
		free(shown);
		free(dump);
	}
	screen->ops->close(screen);
	i18n_close(tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_of_a_row_stay_apart),
		cmocka_unit_test_setup_teardown(test_screens_in_arabic_and_english, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
