#include "ui/status_bar.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct i18n *tr;
	struct screen *screen;
	char *text;
};

static const struct status_bar sample = {
	.model = "qwen2.5-coder-1.5b",
	.title = "Reisepläne für Kyoto",
	.context_used = 12400,
	.context_size = 32768,
	.per_second = 31.2,
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	setlocale(LC_ALL, "C.UTF-8");
	f->tr = i18n_open("en");
	f->screen = screen_open_headless(1, 80);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	free(f->text);
	f->screen->ops->close(f->screen);
	i18n_close(f->tr);
	free(f);
	return 0;
}

typedef void bar_fn(struct screen *, const struct i18n *, int row, const struct status_bar *);

static const char *bar(struct fixture *f, bar_fn *draw, const struct status_bar *status, int columns)
{
	screen_headless_resize(f->screen, 1, columns);
	draw(f->screen, f->tr, 0, status);
	free(f->text);
	f->text = screen_headless_dump(f->screen, false);
	f->text[strcspn(f->text, "\n")] = '\0';
	return f->text;
}

static const char *progress(struct fixture *f, const struct status_progress *p, int columns)
{
	screen_headless_resize(f->screen, 1, columns);
	status_bar_progress(f->screen, f->tr, 0, p);
	free(f->text);
	f->text = screen_headless_dump(f->screen, false);
	f->text[strcspn(f->text, "\n")] = '\0';
	return f->text;
}

static void test_status(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(bar(f, status_bar_draw, &sample, 80),
			    " 12.4k/32k context ▕███     ▏  31.2 tok/s              F1 help  Ctrl+P commands");
	struct status_bar s = {.model = "m", .title = "", .context_used = 850, .context_size = 1000};
	assert_int_equal(strncmp(bar(f, status_bar_draw, &s, 80), " 850/1.0k context ", 18), 0);
	s.context_size = 0;
	assert_null(strstr(bar(f, status_bar_draw, &s, 80), "context"));
	s.unsaved = true;
	assert_non_null(strstr(bar(f, status_bar_draw, &s, 80), "not saved"));
	s.unsaved = false;
	s.saved_at = 1700000000;
	assert_non_null(strstr(bar(f, status_bar_draw, &s, 80), "saved "));
}

static void test_title(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(bar(f, status_bar_title, &sample, 80),
			    " bora · qwen2.5-coder-1.5b                                 Reisepläne für Kyoto");
	assert_string_equal(bar(f, status_bar_title, &sample, 38), " bora · qwen2.5-coder-1.5b  Reiseplä…");
	struct status_bar s = {.model = "m", .title = "a\033]0;b\a"};
	assert_null(strchr(bar(f, status_bar_title, &s, 80), '\033'));
}

/* Parts are dropped whole as it gets narrow; no row exceeds the screen. */
static void test_narrow(void **state)
{
	struct fixture *f = *state;
	for (int columns = 1; columns < 80; columns++) {
		const char *text = bar(f, status_bar_draw, &sample, columns);
		assert_true(i18n_width(f->tr, text, strlen(text)) <= columns);
		text = bar(f, status_bar_title, &sample, columns);
		assert_true(i18n_width(f->tr, text, strlen(text)) <= columns);
	}
}

static void test_progress(void **state)
{
	struct fixture *f = *state;
	struct status_progress p = {.done = 12288, .total = 30110, .seconds = 30};
	assert_string_equal(progress(f, &p, 80),
			    " reading the prompt 12,288/30,110 · 410 tok/s · about 44 s · Esc stops");
	p = (struct status_progress){.loading = true, .done = 50, .total = 100};
	assert_string_equal(progress(f, &p, 80), " loading the model · 50%");
	p = (struct status_progress){0};
	for (int columns = 1; columns < 40; columns++)
		progress(f, &p, columns);
}

static void test_interface_from_the_right(void **state)
{
	struct fixture *f = *state;
	i18n_close(f->tr);
	f->tr = i18n_open("ar");
	const char *text = bar(f, status_bar_title, &sample, 80);
	assert_true(strstr(text, "Kyoto") < strstr(text, "qwen"));
}

#define WITH_SCREEN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCREEN(test_status),
		WITH_SCREEN(test_title),
		WITH_SCREEN(test_narrow),
		WITH_SCREEN(test_progress),
		WITH_SCREEN(test_interface_from_the_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
