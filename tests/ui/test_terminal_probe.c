/* What is made of a terminal's answers: whole, missing, late, false. */
#include "ui/screen.h"
#include "ui/terminal_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const variables[] = {
	"TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "VTE_VERSION", "KONSOLE_VERSION", "TMUX", "STY", "COLORTERM"};

static int clean(void **state)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		unsetenv(variables[i]);
	setenv("TERM", "xterm-256color", 1);
	return 0;
}

static bool answer(struct terminal_probe *p, const char *bytes)
{
	return terminal_probe_answer(p, bytes, strlen(bytes));
}

/* The cursor's reports for these widths, in the order of the classes. */
static void report(struct terminal_probe *p, const int *widths, int count)
{
	char bytes[32];
	for (int i = 0; i < count; i++) {
		snprintf(bytes, sizeof(bytes), "\033[1;%dR", widths[i] + 1);
		assert_false(answer(p, bytes));
	}
}

static const int joined[I18N_WIDTH_CLASSES] = {1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 1, 0, 2, 2, 2, 2};
static const int added_up[I18N_WIDTH_CLASSES] = {1, 6, 4, 1, 1, 2, 1, 2, 2, 2, 2, 2, 2, 0, 2, 2, 1, 1};

static void test_questions(void **state)
{
	size_t len;
	char *questions = terminal_probe_questions(true, &len);
	assert_int_equal(len, strlen(questions));
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		assert_non_null(strstr(questions, i18n_width_sample((enum i18n_width_class)i)));
	assert_string_equal(questions + len - 3, "\033[c"); /* the fence comes last */
	free(questions);
}

static void test_a_terminal_that_answers_all(void **state)
{
	struct terminal_probe *p = terminal_probe_create();
	assert_false(answer(p, "\033P>|VTE(7000)\033\\"));
	assert_false(answer(p, "\033[8;1$y"));
	assert_false(answer(p, "\033[?2026;2$y"));
	assert_false(answer(p, "\033[?2027;0$y"));
	report(p, joined, I18N_WIDTH_CLASSES);
	assert_false(terminal_probe_done(p));
	assert_true(answer(p, "\033[?62;1;4c"));
	assert_true(terminal_probe_done(p));
	const struct terminal_facts *facts = terminal_probe_facts(p);
	assert_string_equal(facts->name, "VTE(7000)");
	assert_true(facts->measured);
	assert_memory_equal(facts->width, joined, sizeof(joined));
	assert_true(terminal_facts_synchronized(facts));
	assert_int_equal(facts->clustering, 0);
	assert_true(terminal_facts_explicit(facts));
	assert_int_equal(terminal_facts_bidi(facts), I18N_BIDI_APP);
	/* What comes after the fence is nobody's. */
	assert_false(answer(p, "\033[1;9R"));
	assert_false(answer(p, "\033P>|other\033\\"));
	assert_string_equal(facts->name, "VTE(7000)");
	terminal_probe_free(p);
}

/* Reports that are missing, too many or impossible leave the tables in force. */
static void test_widths_that_cannot_be_believed(void **state)
{
	int broken[I18N_WIDTH_CLASSES];
	memcpy(broken, joined, sizeof(broken));
	broken[I18N_WIDTH_ZWJ] = 79;
	for (int round = 0; round < 4; round++) {
		struct terminal_probe *p = terminal_probe_create();
		report(p, round == 1 ? broken : joined, round ? I18N_WIDTH_CLASSES : I18N_WIDTH_CLASSES - 1);
		if (round == 2) { /* one of another row instead of the last */
			terminal_probe_free(p);
			p = terminal_probe_create();
			report(p, joined, I18N_WIDTH_CLASSES - 1);
			answer(p, "\033[7;1R");
		}
		if (round == 3)
			answer(p, "\033[1;99R"); /* a key, or noise */
		assert_true(answer(p, "\033[?1;2c"));
		assert_int_equal(terminal_probe_facts(p)->measured, round == 3);
		for (int i = 0; round < 3 && i < I18N_WIDTH_CLASSES; i++)
			assert_int_equal(terminal_probe_facts(p)->width[i], -1);
		terminal_probe_free(p);
	}
}

static enum i18n_bidi bidi_of(const char *name, const char *outer, int mode)
{
	struct terminal_facts facts;
	terminal_facts_init(&facts);
	snprintf(facts.name, sizeof(facts.name), "%s", name);
	snprintf(facts.outer, sizeof(facts.outer), "%s", outer);
	facts.implicit_bidi = mode;
	return terminal_facts_bidi(&facts);
}

static void test_who_puts_rows_in_order(void **state)
{
	assert_int_equal(bidi_of("", "", -1), I18N_BIDI_APP);
	assert_int_equal(bidi_of("XTerm(379)", "", 0), I18N_BIDI_APP);
	assert_int_equal(bidi_of("WezTerm 20240203", "", -1), I18N_BIDI_APP);
	assert_int_equal(bidi_of("VTE(7000)", "", 1), I18N_BIDI_APP); /* told so by CSI 8 l */
	assert_int_equal(bidi_of("Konsole 22.12.3", "", -1), I18N_BIDI_UNMIRRORED);
	assert_int_equal(bidi_of("mlterm(3.9.2)", "", -1), I18N_BIDI_APP); /* told so in its own way */
	assert_int_equal(bidi_of("kitty(0.26.5)", "", 0), I18N_BIDI_WORDS);
	setenv("TERM", "xterm-kitty", 1);
	assert_int_equal(bidi_of("", "", -1), I18N_BIDI_WORDS);
	clean(state);
	setenv("TERM_PROGRAM", "Apple_Terminal", 1);
	assert_int_equal(bidi_of("", "", -1), I18N_BIDI_TERMINAL);
	clean(state);
	setenv("TMUX", "/tmp/tmux,1,0", 1);
	assert_int_equal(bidi_of("tmux 3.3a", "XTerm(379) xterm-256color", -1), I18N_BIDI_APP);
	assert_int_equal(bidi_of("tmux 3.3a", "kitty(0.26.5) xterm-kitty", -1), I18N_BIDI_WORDS);
	assert_int_equal(bidi_of("tmux 3.3a", "mlterm(3.9.2) xterm-256color", -1), I18N_BIDI_TERMINAL);
	assert_int_equal(bidi_of("tmux 3.3a", "Konsole 22.12.3 xterm-256color", -1), I18N_BIDI_UNMIRRORED);
	/* It would obey, but tmux does not pass the order on. */
	assert_int_equal(bidi_of("tmux 3.3a", "VTE(7000) xterm-256color", -1), I18N_BIDI_TERMINAL);
	clean(state);
}

static void test_what_tells_it_to_leave_the_order_alone(void **state)
{
	struct terminal_facts facts;
	terminal_facts_init(&facts);
	assert_null(terminal_facts_order(&facts, I18N_BIDI_APP, true));
	facts.implicit_bidi = 1;
	assert_string_equal(terminal_facts_order(&facts, I18N_BIDI_APP, true), "\033[8l");
	assert_string_equal(terminal_facts_order(&facts, I18N_BIDI_APP, false), "\033[8h");
	assert_null(terminal_facts_order(&facts, I18N_BIDI_TERMINAL, true));
	setenv("TERM", "mlterm", 1);
	terminal_facts_init(&facts);
	assert_string_equal(terminal_facts_order(&facts, I18N_BIDI_APP, true), "\033]5379;use_ctl=false\a");
	assert_string_equal(terminal_facts_order(&facts, I18N_BIDI_APP, false), "\033]5379;use_ctl=true\a");
	assert_null(terminal_facts_order(&facts, I18N_BIDI_OFF, true));
	setenv("TMUX", "/tmp/tmux,1,0", 1);
	assert_null(terminal_facts_order(&facts, I18N_BIDI_APP, true));
	clean(state);
}

static int rgb_of(const char *bytes)
{
	struct terminal_probe *p = terminal_probe_create();
	answer(p, bytes);
	int rgb = terminal_probe_facts(p)->rgb;
	terminal_probe_free(p);
	return rgb;
}

static int background_of(const char *bytes)
{
	struct terminal_probe *p = terminal_probe_create();
	answer(p, bytes);
	int background = terminal_probe_facts(p)->background;
	terminal_probe_free(p);
	return background;
}

static void test_colors_told(void **state)
{
	assert_int_equal(rgb_of("\033P1$r0;8;38:2::1:2:3m\033\\"), 1); /* xterm */
	assert_int_equal(rgb_of("\033P1$r0;8;38:2:1:2:3m\033\\"), 1);  /* kitty */
	assert_int_equal(rgb_of("\033P1$r0;8;38;2;1;2;3m\033\\"), 1);
	assert_int_equal(rgb_of("\033P1$r0;8;38;5;16m\033\\"), 0); /* of its palette */
	assert_int_equal(rgb_of("\033P1$r0;8;30m\033\\"), 0);
	assert_int_equal(rgb_of("\033P0$r\033\\"), -1);
	assert_int_equal(rgb_of("\033P1$r2 q\033\\"), -1);
	assert_int_equal(rgb_of("\033P1$r"), -1);
	assert_int_equal(background_of("\033]11;rgb:ffff/ffff/ffff\033\\"), 0xFFFFFF);
	assert_int_equal(background_of("\033]11;rgb:fdfd/f6f6/e3e3\a"), 0xFDF6E3);
	assert_int_equal(background_of("\033]11;rgb:1e/20/ff\033\\"), 0x1E20FF);
	assert_int_equal(background_of("\033]11;rgb:f/0/8\033\\"), 0xFF0088);
	assert_int_equal(background_of("\033]11;rgba:0000/8080/ffff/ffff\033\\"), 0x0080FF);
	static const char *const bad[] = {"\033]11;rgb:ffff/ffff\033\\", "\033]11;rgb:fffff/0/0\033\\",
					  "\033]11;rgb://\033\\",        "\033]11;white\033\\",
					  "\033]10;rgb:0/0/0\033\\",     "\033]11;rgb:-1/0/0\033\\",
					  "\033]11;rgb:g/0/0\033\\",     "\033]11;\a"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(background_of(bad[i]), -1);
}

static int colors_of_name(struct options *options, const char *name, const char *says)
{
	struct terminal_facts facts;
	const char *by;
	terminal_facts_init(&facts);
	snprintf(facts.name, sizeof(facts.name), "%s", name);
	int colors = terminal_facts_colors(&facts, options, &by);
	assert_string_equal(by, says);
	return colors;
}

static int colors_of(struct options *options, int rgb, const char *says)
{
	struct terminal_facts facts;
	const char *by;
	terminal_facts_init(&facts);
	facts.rgb = rgb;
	int colors = terminal_facts_colors(&facts, options, &by);
	assert_string_equal(by, says);
	return colors;
}

static void test_how_many_colors(void **state)
{
	char err[256];
	struct options *options = options_create();
	assert_int_equal(colors_of(options, -1, "TERM"), 0);
	assert_int_equal(colors_of(options, 0, "TERM"), 0);
	assert_int_equal(colors_of(options, 1, "DECRQSS"), SCREEN_RGB);
	assert_int_equal(colors_of_name(options, "Konsole 22.12.3", "XTVERSION"), SCREEN_RGB);
	assert_int_equal(colors_of_name(options, "Something 1", "TERM"), 0);
	setenv("COLORTERM", "truecolor", 1);
	assert_int_equal(colors_of(options, -1, "COLORTERM"), SCREEN_RGB);
	assert_int_equal(colors_of(options, 0, "TERM"), 0); /* it knows better */
	setenv("STY", "1.pts", 1);
	assert_int_equal(colors_of(options, -1, "TERM"), 0);
	unsetenv("STY");
	setenv("COLORTERM", "yes", 1);
	assert_int_equal(colors_of(options, -1, "TERM"), 0);
	setenv("TMUX", "/tmp/tmux,1,0", 1);
	assert_int_equal(colors_of(options, -1, "tmux"), SCREEN_RGB);
	assert_int_equal(options_set(options, OPTION_COLOR_DEPTH, "256", err, sizeof(err)), 0);
	assert_int_equal(colors_of(options, 1, "--color-depth"), 256);
	assert_int_equal(options_set(options, OPTION_COLOR_DEPTH, "truecolor", err, sizeof(err)), 0);
	clean(state);
	assert_int_equal(colors_of(options, 0, "--color-depth"), SCREEN_RGB);
	assert_int_not_equal(options_set(options, OPTION_COLOR_DEPTH, "17", err, sizeof(err)), 0);
	options_free(options);
}

/* Screen would hand the question to the terminal that it runs in. */
static void test_who_is_not_asked_about_colors(void **state)
{
	size_t len;
	char *questions = terminal_probe_questions(true, &len);
	assert_non_null(strstr(questions, "\033P$qm\033\\"));
	assert_non_null(strstr(questions, "\033]11;?"));
	free(questions);
	setenv("STY", "1.pts", 1);
	questions = terminal_probe_questions(true, &len);
	assert_null(strstr(questions, "\033P"));
	free(questions);
	unsetenv("STY");
	questions = terminal_probe_questions(false, &len);
	assert_null(strstr(questions, "\033P"));
	assert_null(strstr(questions, "\033]11"));
	free(questions);
	clean(state);
}

static void test_widths_rule_the_layout(void **state)
{
	static const struct {
		const char *text;
		int unknown, joined, added_up;
	} texts[] = {
		{"👨\u200D👩\u200D👧", 2, 2, 6},
		{"👨\u200D👩\u200D👧\u200D👦", 2, 2, 8},
		{"👍🏽", 2, 2, 4},
		{"⛹🏽\u200D♀\uFE0F", 1, 2, 4},
		{"❤\uFE0F", 1, 2, 1},
		{"❤\uFE0F\u200D🔥", 1, 2, 3},
		{"1\uFE0F\u20E3", 1, 2, 1},
		{"🇯🇵", 2, 2, 2},
		{"🇯🇵🇩", 3, 4, 3},
		{"कि", 2, 1, 2},
		{"क्षि", 3, 1, 3},
		{"กำ", 2, 1, 2},
		{"\u1112\u1161\u11AB", 2, 2, 2},
		{"\U0001FAE8", 2, 2, 1},
		{"a", 1, 1, 1},
		{"(\uFE0F", 1, 1, 1},
	};
	struct terminal_facts facts;
	struct i18n *tr = i18n_open("en");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *text = texts[i].text;
		terminal_facts_init(&facts);
		terminal_facts_apply(&facts, tr, 0);
		int unknown = i18n_width(tr, text, strlen(text));
		memcpy(facts.width, joined, sizeof(joined));
		terminal_facts_apply(&facts, tr, 0);
		int whole = i18n_width(tr, text, strlen(text));
		memcpy(facts.width, added_up, sizeof(added_up));
		terminal_facts_apply(&facts, tr, 0);
		int parts = i18n_width(tr, text, strlen(text));
		if (unknown != texts[i].unknown || whole != texts[i].joined || parts != texts[i].added_up)
			fail_msg("%s: %d %d %d, expected %d %d %d", text, unknown, whole, parts, texts[i].unknown,
				 texts[i].joined, texts[i].added_up);
	}
	terminal_facts_apply(&facts, tr, 2);
	assert_int_equal(i18n_width(tr, "±", 2), 2);
	i18n_close(tr);
}

static void test_kept_between_starts(void **state)
{
	char dir[] = "/tmp/bora-terminal-XXXXXX", path[64];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/terminals", dir);
	struct terminal_facts saved, loaded;
	terminal_facts_init(&saved);
	assert_false(terminal_facts_load(&saved, dir));
	snprintf(saved.name, sizeof(saved.name), "XTerm(379)");
	saved.synchronized = 2;
	saved.rgb = 1;
	saved.background = 0xFDF6E3;
	saved.measured = true;
	memcpy(saved.width, added_up, sizeof(added_up));
	terminal_facts_save(&saved, dir);
	terminal_facts_init(&loaded);
	assert_true(terminal_facts_load(&loaded, dir));
	assert_true(terminal_facts_equal(&saved, &loaded));
	/* Another terminal has a line of its own; saving again replaces the old one. */
	setenv("TERM", "foot", 1);
	terminal_facts_init(&loaded);
	assert_false(terminal_facts_load(&loaded, dir));
	terminal_facts_save(&loaded, dir);
	terminal_facts_save(&loaded, dir);
	clean(state);
	terminal_facts_init(&loaded);
	assert_true(terminal_facts_load(&loaded, dir));
	FILE *file = fopen(path, "r");
	int lines = 0;
	for (int c; (c = fgetc(file)) != EOF;)
		lines += c == '\n';
	fclose(file);
	assert_int_equal(lines, 2);
	/* Whatever else stands there is as if nothing did. */
	file = fopen(path, "w");
	fprintf(file, "%s\tname\t\t-1\t-1\t-1\t1\t16777216\t1,2\n%s\n\t\t\n", saved.identity, saved.identity);
	fclose(file);
	terminal_facts_init(&loaded);
	assert_false(terminal_facts_load(&loaded, dir));
	assert_false(loaded.measured);
	unlink(path);
	rmdir(dir);
	terminal_facts_save(&saved, dir); /* nowhere to save it: nothing happens */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_questions, clean),
		cmocka_unit_test_setup(test_a_terminal_that_answers_all, clean),
		cmocka_unit_test_setup(test_widths_that_cannot_be_believed, clean),
		cmocka_unit_test_setup(test_who_puts_rows_in_order, clean),
		cmocka_unit_test_setup(test_what_tells_it_to_leave_the_order_alone, clean),
		cmocka_unit_test_setup(test_colors_told, clean),
		cmocka_unit_test_setup(test_how_many_colors, clean),
		cmocka_unit_test_setup(test_who_is_not_asked_about_colors, clean),
		cmocka_unit_test_setup(test_widths_rule_the_layout, clean),
		cmocka_unit_test_setup(test_kept_between_starts, clean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
