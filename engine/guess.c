#include "guess.h"
#include "lookup.h"
#include "../xmalloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOG_TOKENS = 1 << 17,
	TIMES = 5,        /* passes of each size remembered: their median counts */
	TRIAL_FIRST = 48, /* chances left out before a kind that does not pay is tried again: doubled after */
	TRIAL_LAST = 768, /* each failure up to this */
};

/* Guessing must promise this much, since costs and chances are estimates. */
static const double WORTH = 1.03;
/* The share of an answer's time that trials may have cost it. */
static const double TRIALS_SHARE = 0.01;
/* A pass of n tokens costs about this much of a pass of one for each more, before it was measured. */
static const double COST_EACH = 0.15;
static const double LEARNING = 0.08;

struct chance {
	double right; /* that the next token of a guess comes true */
	int left_out, trial_after;
};

struct guess {
	struct lookup *lookup;
	struct {
		int32_t *ids;
		int count, size;
	} now; /* the prompt and the answer so far */
	double ms[GUESS_MAX + 1][TIMES];
	int times[GUESS_MAX + 1];
	struct chance chance[LOOKUP_KINDS];
	enum lookup_kind kind; /* of the last guess */
	bool trial;            /* it was made to see whether that kind pays again */
	double spent, gained;  /* ms, of this answer: all of it; by guessing, negative when it lost */
};

static const double chance_first[LOOKUP_KINDS] = {0.2, 0.3, 0.5, 0.6, 0.6, 0.7, 0.85, 0.9};

struct guess *guess_create(void)
{
	struct guess *g = xcalloc(1, sizeof(*g));
	g->lookup = lookup_create(LOG_TOKENS);
	for (int i = 0; i < LOOKUP_KINDS; i++)
		g->chance[i] = (struct chance){chance_first[i], 0, TRIAL_FIRST};
	return g;
}

void guess_destroy(struct guess *g)
{
	if (!g)
		return;
	lookup_destroy(g->lookup);
	free(g->now.ids);
	free(g);
}

/* --- What has been seen ------------------------------------------------------------------ */

static void append_now(struct guess *g, int32_t id)
{
	if (g->now.count == g->now.size) {
		g->now.size = g->now.size ? g->now.size * 2 : 1024;
		g->now.ids = xreallocarray(g->now.ids, (size_t)g->now.size, sizeof(*g->now.ids));
	}
	g->now.ids[g->now.count++] = id;
	lookup_append(g->lookup, id);
}

void guess_append(struct guess *g, int32_t id)
{
	append_now(g, id);
}

/* A conversation that goes on elsewhere keeps the end of what both share, so that what follows it can be found. */
void guess_begin(struct guess *g, const int32_t *ids, int count)
{
	enum { SHARED = 8 };
	int same = 0;
	while (same < count && same < g->now.count && ids[same] == g->now.ids[same])
		same++;
	bool goes_on = same == g->now.count;
	g->now.count = same;
	g->spent = g->gained = 0;
	if (!goes_on) {
		lookup_break(g->lookup);
		g->now.count = same > SHARED ? same - SHARED : 0;
	}
	while (g->now.count < count)
		append_now(g, ids[g->now.count]);
	/* It may be another kind of text. */
	for (int i = 0; i < LOOKUP_KINDS; i++) {
		g->chance[i].right += (chance_first[i] - g->chance[i].right) / 4;
		g->chance[i].trial_after = TRIAL_FIRST;
	}
}

/* --- What it costs ------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The median time of passes with this many guesses; 0: there was none yet. */
static double typical_ms(const struct guess *g, int guessed)
{
	double sorted[TIMES];
	int known = g->times[guessed] < TIMES ? g->times[guessed] : TIMES;
	if (!known)
		return 0;
	memcpy(sorted, g->ms[guessed], sizeof(sorted));
	qsort(sorted, (size_t)known, sizeof(*sorted), by_size);
	return sorted[known / 2];
}

/* Times a pass of one token. A number that was not measured costs more than the next smaller one that was. */
static double cost(const struct guess *g, int guessed, double one)
{
	int known = guessed;
	while (known > 0 && !g->times[known])
		known--;
	return (known ? typical_ms(g, known) / one : 1) + COST_EACH * (guessed - known);
}

/* Tokens for the price of one, when each guess comes true with this chance. */
static double worth(const struct guess *g, int guessed, double right, double one)
{
	double tokens = 1, all = 1;
	for (int i = 0; i < guessed; i++)
		tokens += all *= right;
	return tokens / cost(g, guessed, one);
}

/* How many guesses promise most; 0: none is worth it. */
static int best_number(const struct guess *g, int most, double right, double one)
{
	double best = WORTH;
	int number = 0;
	for (int n = 1; n <= most; n++) {
		double value = worth(g, n, right, one);
		if (value > best) {
			best = value;
			number = n;
		}
	}
	return number;
}

/* A kind that does not pay is tried with one guess from time to time: the text may have changed. */
static bool try_again(struct guess *g, struct chance *chance, double one)
{
	if (++chance->left_out < chance->trial_after || g->gained < -TRIALS_SHARE * g->spent - one / 4)
		return false;
	chance->left_out = 0;
	return true;
}

int guess_next(struct guess *g, int most, int32_t *ids)
{
	double one = typical_ms(g, 0);
	most = most < GUESS_MAX ? most : GUESS_MAX;
	if (most < 1 || one <= 0)
		return 0;
	int found = lookup_next(g->lookup, most, ids, &g->kind);
	if (!found)
		return 0;
	struct chance *chance = &g->chance[g->kind];
	int number = best_number(g, found, chance->right, one);
	g->trial = !number && try_again(g, chance, one);
	return g->trial ? 1 : number;
}

void guess_learn(struct guess *g, int guessed, int right, double ms)
{
	double one = typical_ms(g, 0);
	g->ms[guessed][g->times[guessed]++ % TIMES] = ms;
	g->spent += ms;
	if (!guessed)
		return;
	struct chance *chance = &g->chance[g->kind];
	g->gained += one * (right + 1) - ms;
	for (int i = 0; i < guessed && i <= right; i++)
		chance->right += ((i < right) - chance->right) * LEARNING;
	if (right)
		chance->trial_after = TRIAL_FIRST;
	else if (g->trial && chance->trial_after < TRIAL_LAST)
		chance->trial_after *= 2;
}
