/* bora terminal: what the terminal was found to be, and a page to see whether it is so. */
#include "screen.h"
#include "terminal_probe.h"
#include "theme.h"
#include "ui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 1000, BAR_COLUMN = 30 };

static const char *const class_names[I18N_WIDTH_CLASSES] = {
	"ambiguous", "ZWJ", "skin tone", "VS16",     "keycap",  "flag",     "half flag", "tags",     "vowel sign",
	"conjunct",  "AM",  "jamo",      "lam-alef", "isolate", "emoji 13", "emoji 14",  "emoji 15", "emoji 16",
};

/* A line in each language of the interface, then what terminals disagree about. */
static const char *const page[] = {
	"Hello, world!",
	"Bonjour, ça va ?",
	"Grüß Gott, Straße",
	"¡Hola, señor!",
	"Perché no? Città",
	"Não há coração",
	"Één café, geïnd",
	"Привет, мир!",
	"你好，世界！",
	"これは「テスト」です。ｶﾞ",
	"안녕하세요 세계",
	"مرحبا بالعالم سلام",
	"नमस्ते दुनिया, क्षितिज",
	"שָׁלוֹם עולם (abc) 123!",
	"สวัสดีชาวโลก น้ำ",
	"e\u0301 か\u3099 \u1112\u1161\u11AB a\u0300\u0301",
	"👨\u200D👩\u200D👧 👍🏽 ❤\uFE0F 1\uFE0F\u20E3 🇯🇵",
	"🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F ❤\uFE0F\u200D🔥",
	"\U0001FAE0 \U0001FAE8 \U0001FAE9",
};

static void print_sample(const struct i18n *tr, const char *text, enum i18n_bidi bidi)
{
	struct layout_options options = {.width = BAR_COLUMN - 1, .bidi = bidi};
	struct layout layout;
	int column = 0;
	i18n_layout(tr, text, strlen(text), &options, &layout);
	const struct layout_row *row = &layout.rows[0];
	for (int i = 0; i < row->count; i++) {
		for (; column < row->cells[i].column; column++)
			putchar(' ');
		fwrite(row->cells[i].text, 1, row->cells[i].text_len, stdout);
		column += row->cells[i].width;
	}
	for (; column < BAR_COLUMN; column++)
		putchar(' ');
	puts("|");
	layout_free(&layout);
}

static void print_widths(const struct i18n *tr, const struct terminal_facts *facts)
{
	printf("\n%s\n", i18n_text(tr, "terminal.widths"));
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		printf("  %-11s %d%s", class_names[i], facts->width[i], i % 3 == 2 ? "\n" : "   ");
}

static void print_modes(const struct i18n *tr, const struct terminal_facts *facts, enum i18n_bidi bidi)
{
	puts(i18n_text(tr, i18n_terminal_orders(bidi) ? "terminal.order-by-terminal"
			   : bidi == I18N_BIDI_OFF    ? "terminal.order-off"
						      : "terminal.order-by-bora"));
	puts(i18n_text(tr, terminal_facts_synchronized(facts) ? "terminal.frames-whole" : "terminal.frames-plain"));
}

static void print_colors(const struct ui_options *ui, const struct terminal_facts *facts)
{
	const struct i18n *tr = ui->tr;
	const char *by;
	char background[16] = "?";
	int colors = terminal_facts_colors(facts, ui->options, &by);
	struct theme *theme = theme_open(option_string(ui->options, OPTION_THEME), facts->background,
					 option_flag(ui->options, OPTION_NO_COLOR));
	colors = colors ? colors : screen_described_colors();
	char *count = i18n_format(tr, "terminal.colors", I18N_I(colors), I18N_S(by));
	puts(theme->colors && colors ? count : i18n_text(tr, "terminal.no-colors"));
	if (facts->background >= 0)
		snprintf(background, sizeof(background), "#%06x", (unsigned)facts->background);
	char *chosen = i18n_format(tr, "terminal.background", I18N_S(background), I18N_S(theme->name));
	puts(chosen);
	free(chosen);
	free(count);
	theme_free(theme);
}

int ui_terminal(const struct ui_options *ui)
{
	struct terminal_facts facts;
	const struct i18n *tr = ui->tr;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -1;
	bool answered = terminal_ask(STDIN_FILENO, WAIT_MS, &facts);
	enum i18n_bidi bidi = terminal_facts_choose(&facts, ui->options);
	const char *begin = terminal_facts_order(&facts, bidi, true), *end = terminal_facts_order(&facts, bidi, false);
	const char *term = getenv("TERM");
	char *name =
		i18n_format(tr, "terminal.name", I18N_S(facts.name[0] ? facts.name : "?"), I18N_S(term ? term : "?"));
	printf("%s%s%s\n", name, facts.outer[0] ? " ← " : "", facts.outer);
	if (!answered || !facts.measured)
		puts(i18n_text(tr, "terminal.silent"));
	print_modes(tr, &facts, bidi);
	print_colors(ui, &facts);
	terminal_facts_apply(&facts, ui->tr, terminal_facts_ambiguous(ui->options));
	if (facts.measured)
		print_widths(tr, &facts);
	printf("\n%s%s\n", i18n_text(tr, "terminal.samples"), begin ? begin : "");
	for (size_t i = 0; i < sizeof(page) / sizeof(*page); i++)
		print_sample(tr, page[i], bidi);
	fputs(end ? end : "", stdout);
	return 0;
}
