#include "terminal_probe.h"

#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ESC = 27 };

struct terminal_probe {
	struct terminal_facts facts;
	int reports; /* of the cursor's place, so far */
	bool done;
};

/* --- What is asked ---------------------------------------------------------------- */

static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

/* A colour no palette has is set, and which one that has become is asked (DECRQSS); then the
 * background's (OSC 11). Screen would pass the first on to its own terminal, and old Linux
 * consoles print them. */
static void ask_colors(struct buffer *out)
{
	if (!*environment("STY") && strcmp(environment("TERM"), "linux") != 0)
		buffer_puts(out, "\033[38;2;1;2;3m\033P$qm\033\\\033[39m\033]11;?\033\\");
}

/* Samples are written unseen (SGR 8), each on an empty row from its first column. */
char *terminal_probe_questions(bool colors, size_t *len)
{
	struct buffer out = {0};
	buffer_puts(&out, "\033[>0q\033[8$p\033[?2026$p\033[?2027$p\033[1;1H\033[8m");
	if (colors)
		ask_colors(&out);
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		buffer_printf(&out, "\r\033[K%s\033[6n", i18n_width_sample((enum i18n_width_class)i));
	buffer_puts(&out, "\033[m\r\033[2K\033[c");
	*len = out.len;
	return buffer_take(&out);
}

/* --- What it answers ------------------------------------------------------------------ */

/* The numbers of "ESC [ ? 1 ; 2 c": their count. */
static int numbers(const char *bytes, size_t len, int *out, int most)
{
	int count = 0;
	bool inside = false;
	for (size_t i = 2; i + 1 < len; i++) {
		if (bytes[i] >= '0' && bytes[i] <= '9') {
			if (!inside && count == most)
				return count;
			if (!inside)
				out[count++] = 0;
			inside = true;
			if (out[count - 1] < 100000)
				out[count - 1] = out[count - 1] * 10 + bytes[i] - '0';
		} else {
			inside = false;
		}
	}
	return count;
}

static void take_report(struct terminal_probe *p, const char *bytes, size_t len)
{
	int place[2];
	if (numbers(bytes, len, place, 2) != 2 || place[0] != 1 || place[1] < 1 || p->reports >= I18N_WIDTH_CLASSES)
		return;
	p->facts.width[p->reports++] = place[1] - 1;
}

static void take_mode(struct terminal_facts *facts, const char *bytes, size_t len)
{
	int mode[2];
	if (numbers(bytes, len, mode, 2) != 2 || mode[1] > 4)
		return;
	if (bytes[2] != '?' && mode[0] == 8)
		facts->implicit_bidi = mode[1];
	else if (bytes[2] == '?' && mode[0] == 2026)
		facts->synchronized = mode[1];
	else if (bytes[2] == '?' && mode[0] == 2027)
		facts->clustering = mode[1];
}

/* Keeps what can be printed: names come from outside. */
static void copy_name(char *out, size_t size, const char *from, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len && n + 1 < size; i++)
		if (from[i] >= ' ' && from[i] < 127)
			out[n++] = from[i];
	out[n] = '\0';
}

/* "ESC P > | NAME ESC \" */
static void take_name(struct terminal_facts *facts, const char *bytes, size_t len)
{
	if (len < 6 || memcmp(bytes + 1, "P>|", 3) != 0)
		return;
	size_t end = 4;
	while (end < len && bytes[end] != ESC && bytes[end] != 7)
		end++;
	copy_name(facts->name, sizeof(facts->name), bytes + 4, end - 4);
}

/* "ESC P 1 $ r 0;8;38:2::1:2:3 m ESC \": what is set. Some leave the colour space out, some write semicolons. */
static void take_setting(struct terminal_facts *facts, const char *bytes, size_t len)
{
	static const char *const kept[] = {"38:2::1:2:3", "38:2:1:2:3", "38;2;1;2;3"};
	char setting[64];
	if (len < 6 || memcmp(bytes + 1, "P1$r", 4) != 0)
		return;
	copy_name(setting, sizeof(setting), bytes + 5, len - 5);
	char *end = strchr(setting, 'm');
	if (!end)
		return;
	*end = '\0';
	facts->rgb = 0;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		facts->rgb |= strstr(setting, kept[i]) != NULL;
}

/* "ESC ] 11;rgb:RRRR/GGGG/BBBB": one to four digits each; some add a fourth part. */
static void take_background(struct terminal_facts *facts, const char *bytes, size_t len)
{
	char text[48], *at = text;
	int color = 0;
	if (len < 6 || memcmp(bytes + 1, "]11;", 4) != 0)
		return;
	copy_name(text, sizeof(text), bytes + 5, len - 5);
	if (strncmp(text, "rgb:", 4) != 0 && strncmp(text, "rgba:", 5) != 0)
		return;
	for (int i = 0; i < 3; i++) {
		char *start = at + strcspn(at, i ? "/" : ":") + 1;
		if (start > text + strlen(text))
			return;
		long value = strtol(start, &at, 16), most = (1L << 4 * (at - start)) - 1;
		if (at == start || at - start > 4 || value < 0)
			return;
		color = color << 8 | (int)((value * 255 + most / 2) / most);
	}
	facts->background = color;
}

/* A width is what a cursor can do from the first column: else none of them counts. */
static bool plausible(const struct terminal_facts *facts)
{
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		if (facts->width[i] < 0 || facts->width[i] > 16)
			return false;
	return facts->width[I18N_WIDTH_AMBIGUOUS] >= 1 && facts->width[I18N_WIDTH_AMBIGUOUS] <= 2;
}

static void finish(struct terminal_probe *p)
{
	p->done = true;
	p->facts.measured = p->reports == I18N_WIDTH_CLASSES && plausible(&p->facts);
	for (int i = 0; !p->facts.measured && i < I18N_WIDTH_CLASSES; i++)
		p->facts.width[i] = -1;
}

bool terminal_probe_answer(struct terminal_probe *p, const char *bytes, size_t len)
{
	if (p->done || len < 3 || bytes[0] != ESC)
		return false;
	if (bytes[1] == 'P') {
		take_name(&p->facts, bytes, len);
		take_setting(&p->facts, bytes, len);
	} else if (bytes[1] == ']')
		take_background(&p->facts, bytes, len);
	else if (bytes[1] == '[' && bytes[len - 1] == 'R')
		take_report(p, bytes, len);
	else if (bytes[1] == '[' && bytes[len - 1] == 'y')
		take_mode(&p->facts, bytes, len);
	else if (bytes[1] == '[' && bytes[len - 1] == 'c')
		finish(p);
	return p->done;
}

struct terminal_probe *terminal_probe_create(void)
{
	struct terminal_probe *p = xcalloc(1, sizeof(*p));
	terminal_facts_init(&p->facts);
	return p;
}

void terminal_probe_free(struct terminal_probe *p)
{
	free(p);
}

bool terminal_probe_done(const struct terminal_probe *p)
{
	return p->done;
}

const struct terminal_facts *terminal_probe_facts(const struct terminal_probe *p)
{
	return &p->facts;
}

/* --- What follows from it --------------------------------------------------------------- */

void terminal_facts_init(struct terminal_facts *facts)
{
	static const char *const names[] = {"TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "VTE_VERSION",
					    "KONSOLE_VERSION"};
	struct buffer identity = {0};
	*facts = (struct terminal_facts){
		.implicit_bidi = -1, .synchronized = -1, .clustering = -1, .rgb = -1, .background = -1};
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		facts->width[i] = -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		buffer_printf(&identity, "%s%s", i ? "|" : "", environment(names[i]));
	buffer_printf(&identity, "|%s%s", *environment("TMUX") ? "tmux" : "", *environment("STY") ? "screen" : "");
	copy_name(facts->identity, sizeof(facts->identity), identity.data, identity.len);
	buffer_free(&identity);
}

void terminal_facts_apply(const struct terminal_facts *facts, struct i18n *tr, int ambiguous)
{
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		i18n_set_width(tr, (enum i18n_width_class)i, facts->width[i]);
	if (ambiguous > 0)
		i18n_set_width(tr, I18N_WIDTH_AMBIGUOUS, ambiguous);
}

bool terminal_facts_explicit(const struct terminal_facts *facts)
{
	return facts->implicit_bidi == 1 || facts->implicit_bidi == 2;
}

bool terminal_facts_synchronized(const struct terminal_facts *facts)
{
	return facts->synchronized == 1 || facts->synchronized == 2;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool begins_one(const char *text, const char *const *with, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (begins(text, with[i]))
			return true;
	return false;
}

/* By what they call themselves. VTE and Konsole show links where their user has switched them on. */
enum terminal_links terminal_facts_links(const struct terminal_facts *facts)
{
	static const char *const sure[] = {"kitty(", "WezTerm ", "foot(", "iTerm2 ", "ghostty ", "contour "},
				 *const maybe[] = {"VTE(", "Konsole "};
	if (*environment("STY") || *environment("TMUX"))
		return TERMINAL_LINKS_NONE;
	if (begins_one(facts->name, sure, sizeof(sure) / sizeof(*sure)))
		return TERMINAL_LINKS_SHOWN;
	return begins_one(facts->name, maybe, sizeof(maybe) / sizeof(*maybe)) ? TERMINAL_LINKS_MAYBE
									      : TERMINAL_LINKS_NONE;
}

/* Terminals that put rows in order and cannot be told not to, by what they call themselves. */
static bool insists(const char *name)
{
	return begins(name, "Konsole") || begins(name, "mlterm");
}

/* mlterm gives controls cells of their own and moves rows that begin with a right-to-left letter, so that nothing
 * can be kept in its place; but it can be told to leave rows alone, unless something stands in between. */
static bool leaves_order(const struct terminal_facts *facts)
{
	bool inside = *environment("TMUX") || *environment("STY");
	return !inside && (begins(facts->name, "mlterm") || begins(environment("TERM"), "mlterm"));
}

/* kitty draws the letters of a word from the right, and words from the left. */
static bool turns_words(const struct terminal_facts *facts)
{
	bool named = facts->name[0] && !*environment("TMUX") && !*environment("STY");
	return begins(facts->name, "kitty") || begins(facts->outer, "kitty") ||
	       (!named && begins(environment("TERM"), "xterm-kitty"));
}

/* Konsole sends brackets about as they are, and leaves a gap behind a lam-alef. */
static enum i18n_bidi ordered_by_terminal(const struct terminal_facts *facts)
{
	bool named = facts->name[0] && !*environment("TMUX") && !*environment("STY");
	bool konsole = begins(facts->name, "Konsole") || begins(facts->outer, "Konsole") ||
		       (!named && (*environment("KONSOLE_VERSION") || begins(environment("TERM"), "konsole")));
	return konsole ? I18N_BIDI_UNMIRRORED : I18N_BIDI_TERMINAL;
}

enum i18n_bidi terminal_facts_bidi(const struct terminal_facts *facts)
{
	const char *term = environment("TERM");
	if (terminal_facts_explicit(facts) || leaves_order(facts))
		return I18N_BIDI_APP;
	if (turns_words(facts))
		return I18N_BIDI_WORDS;
	bool inside = *environment("TMUX") || *environment("STY");
	bool terminal = insists(facts->name) || insists(facts->outer);
	/* tmux and screen cannot pass CSI 8 l on, so that even a terminal that obeys it insists. */
	if (inside && (begins(facts->outer, "VTE") || *environment("VTE_VERSION")))
		terminal = true;
	if (!facts->name[0] || inside)
		terminal = terminal || begins(term, "mlterm") || begins(term, "konsole") ||
			   *environment("KONSOLE_VERSION") ||
			   strcmp(environment("TERM_PROGRAM"), "Apple_Terminal") == 0;
	return terminal ? ordered_by_terminal(facts) : I18N_BIDI_APP;
}

const char *terminal_facts_order(const struct terminal_facts *facts, enum i18n_bidi bidi, bool begin)
{
	if (bidi == I18N_BIDI_APP && facts->implicit_bidi == 1)
		return begin ? "\033[8l" : "\033[8h";
	if (bidi == I18N_BIDI_APP && leaves_order(facts))
		return begin ? "\033]5379;use_ctl=false\a" : "\033]5379;use_ctl=true\a";
	return NULL;
}

enum i18n_bidi terminal_facts_choose(const struct terminal_facts *facts, const struct options *options)
{
	const char *name = option_string(options, OPTION_BIDI);
	if (strcmp(name, "auto") == 0)
		return terminal_facts_bidi(facts);
	return strcmp(name, "terminal") == 0 ? ordered_by_terminal(facts)
	       : strcmp(name, "off") == 0    ? I18N_BIDI_OFF
					     : I18N_BIDI_APP;
}

int terminal_facts_ambiguous(const struct options *options)
{
	return option_given(options, OPTION_AMBIGUOUS) ? atoi(option_string(options, OPTION_AMBIGUOUS)) : 0;
}

/* tmux takes any colour and makes of it what its own terminal has. What screen runs in is not known. */
int terminal_facts_colors(const struct terminal_facts *facts, const struct options *options, const char **by)
{
	/* Some that do not say what has become of the colour. */
	static const char *const known[] = {"Konsole ", "VTE(", "WezTerm ", "iTerm2 ", "foot(", "ghostty ", "contour "};
	const char *setting = option_string(options, OPTION_COLOR_DEPTH), *says = environment("COLORTERM");
	bool auto_depth = strcmp(setting, "auto") == 0;
	*by = "TERM";
	if (!auto_depth)
		*by = "--color-depth";
	else if (*environment("STY"))
		return 0;
	else if (*environment("TMUX"))
		*by = "tmux";
	else if (facts->rgb == 1)
		*by = "DECRQSS";
	else if (facts->rgb < 0 && begins_one(facts->name, known, sizeof(known) / sizeof(*known)))
		*by = "XTVERSION";
	else if (facts->rgb < 0 && (strcmp(says, "truecolor") == 0 || strcmp(says, "24bit") == 0))
		*by = "COLORTERM";
	else
		return 0;
	return auto_depth || strcmp(setting, "truecolor") == 0 ? SCREEN_RGB : atoi(setting);
}

bool terminal_facts_equal(const struct terminal_facts *a, const struct terminal_facts *b)
{
	for (int i = 0; i < I18N_WIDTH_CLASSES; i++)
		if (a->width[i] != b->width[i])
			return false;
	return strcmp(a->name, b->name) == 0 && strcmp(a->outer, b->outer) == 0 && a->measured == b->measured &&
	       a->implicit_bidi == b->implicit_bidi && a->synchronized == b->synchronized &&
	       a->clustering == b->clustering && a->rgb == b->rgb && a->background == b->background;
}
