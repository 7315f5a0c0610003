/* terminal_probe.h: what the terminal is, how wide it draws what no standard
 * settles, and who puts right-to-left rows in order.
 *
 * Sees bytes alone: the questions are written by whoever owns the terminal, and
 * answers are handed in as they come, however late and in whatever pieces keys.c
 * found them. Attributes are asked for last: nearly every terminal answers that,
 * so that its answer says that there is no other to wait for. */
#ifndef TERMINAL_PROBE_H
#define TERMINAL_PROBE_H

#include "../i18n/i18n.h"
#include "../options.h"

enum { TERMINAL_WAIT_MS = 150 }; /* for all answers together, once */

struct terminal_facts {
	char identity[192]; /* what its environment says, the key under which this is kept */
	char name[64];      /* what it calls itself: "tmux 3.3a"; "": it did not say */
	char outer[64];     /* inside tmux: what tmux's own terminal calls itself, or "" */
	/* Answers about modes: -1 none, 0 not known to it, 1 set, 2 reset, 3 always set, 4 never. */
	int implicit_bidi; /* it puts rows in order itself (ECMA-48 BDSM) */
	int synchronized;  /* frames are shown at once (2026) */
	int clustering;    /* it draws by clusters (2027) */
	int rgb;           /* it shows a colour by red, green and blue as told: -1 it did not say, 0 no, 1 yes */
	int background;    /* 0xRRGGBB; -1: it did not say */
	bool measured;
	int width[I18N_WIDTH_CLASSES]; /* cells of the samples; -1 unless measured */
};

/* Nothing known but the identity, from the environment. */
void terminal_facts_init(struct terminal_facts *);
/* Makes i18n lay out as the terminal draws; ambiguous > 0: the person has said how wide those are. */
void terminal_facts_apply(const struct terminal_facts *, struct i18n *, int ambiguous);
/* Who puts rows in order when the person leaves it to us. */
enum i18n_bidi terminal_facts_bidi(const struct terminal_facts *);
/* The same, when the person has a say (--bidi, --ambiguous; 0: left to us). */
enum i18n_bidi terminal_facts_choose(const struct terminal_facts *, const struct options *);
int terminal_facts_ambiguous(const struct options *);
/* It can be told to leave the order alone (CSI 8 l). */
bool terminal_facts_explicit(const struct terminal_facts *);
/* What to write so that rows stand where they are put, and what undoes it (begin false); NULL: nothing does. */
const char *terminal_facts_order(const struct terminal_facts *, enum i18n_bidi, bool begin);
bool terminal_facts_synchronized(const struct terminal_facts *);
/* Links (OSC 8): a terminal that is not known may print them. */
enum terminal_links { TERMINAL_LINKS_NONE, TERMINAL_LINKS_MAYBE, TERMINAL_LINKS_SHOWN };
enum terminal_links terminal_facts_links(const struct terminal_facts *);
/* How many colours to use (of struct screen_traits) when the person has a say
 * (--color-depth); by: what says so, in no language. */
int terminal_facts_colors(const struct terminal_facts *, const struct options *, const char **by);
bool terminal_facts_equal(const struct terminal_facts *, const struct terminal_facts *);

struct terminal_probe;

struct terminal_probe *terminal_probe_create(void);
void terminal_probe_free(struct terminal_probe *);
/* What to write, at the beginning of an empty row that is emptied afterwards. colors: those are asked about, too.
 * Caller frees. */
char *terminal_probe_questions(bool colors, size_t *len);
/* One whole answer (a CSI, DCS or OSC sequence). True: it was the last one. */
bool terminal_probe_answer(struct terminal_probe *, const char *bytes, size_t len);
bool terminal_probe_done(const struct terminal_probe *);
const struct terminal_facts *terminal_probe_facts(const struct terminal_probe *);

/* Asks the terminal on fd and waits for all it has to say, wait_ms at most. Uses its
 * first row; what is typed meanwhile is lost. False: it did not answer. */
bool terminal_ask(int fd, int wait_ms, struct terminal_facts *);

/* What tmux runs in is asked of tmux, by a child. NULL outside tmux. */
struct outer_terminal;
struct outer_terminal *outer_terminal_ask(void);
/* Takes the answer, or nothing after a moment, and ends the child. out NULL: only that. */
void outer_terminal_answer(struct outer_terminal *, char *out, size_t size);

/* --- Kept between starts, a line a terminal in dir/terminals ------------------ */

bool terminal_facts_load(struct terminal_facts *, const char *dir);       /* by its identity; false: not there */
void terminal_facts_save(const struct terminal_facts *, const char *dir); /* silent where it cannot */

#endif
