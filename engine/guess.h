/* guess.h: tokens that may come next, to be verified together with the one that is known.
 *
 * Reading two to GUESS_MAX + 1 tokens at once costs little more than reading one, and
 * whatever is guessed the answer has the same bytes, so guessing is worth it whenever
 * guesses come true often enough. What both cost is measured as the answer is made:
 * times of passes by their number of tokens, and how often guesses of each kind came
 * true. Guesses that do not pay are not made, but tried again now and then, and the
 * trials are limited so that an answer which cannot be guessed loses about a hundredth. */
#ifndef GUESS_H
#define GUESS_H

#include <stdint.h>

struct guess;

enum { GUESS_MAX = 7 };

struct guess *guess_create(void);
void guess_destroy(struct guess *);

/* A request: the prompt that is about to be read. What it shares with the last one and its answer is known already. */
void guess_begin(struct guess *, const int32_t *ids, int count);
void guess_append(struct guess *, int32_t id); /* a token of the answer */

/* Up to `most` (at most GUESS_MAX) tokens worth verifying after what has been appended; 0: none. */
int guess_next(struct guess *, int most, int32_t *ids);

/* What became of them: a pass with `guessed` tokens more than the known one took ms, and the first `right` came
 * true. To be called after passes without guesses as well. */
void guess_learn(struct guess *, int guessed, int right, double ms);

#endif
