/* lookup.h: what followed the last few tokens when they stood here before.
 *
 * A log of the tokens that an engine has read and said, over all of its
 * conversations, with an index of its pairs and fours of tokens: adding a token
 * and asking cost well under a microsecond. Asked, it finds the earlier place
 * whose past is most like the present and says what followed there, with the
 * edits that were made to that text so far (a name that was changed each time)
 * made again. Old tokens drop out of a full log. One thread. */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stdint.h>

struct lookup;

struct lookup *lookup_create(int size); /* tokens at most, >= 64 */
void lookup_destroy(struct lookup *);
void lookup_append(struct lookup *, int32_t id); /* >= 0 */
void lookup_break(struct lookup *);              /* what follows does not follow what was before */

/* What speaks for a proposal, the weakest first. */
enum lookup_kind {
	LOOKUP_PAIR, /* two tokens of the past agree */
	LOOKUP_THREE,
	LOOKUP_SWAP, /* a text was followed until just now: the last token stands for another there, or is found close by */
	LOOKUP_NEAR, /* it was left a few tokens ago, and the newest agree again */
	LOOKUP_FOUR, /* four tokens or more */
	LOOKUP_SIX,
	LOOKUP_TEN,
	LOOKUP_TWENTY,
	LOOKUP_KINDS,
};

/* Writes up to `most` tokens that may come next and returns how many. */
int lookup_next(struct lookup *, int most, int32_t *ids, enum lookup_kind *);

#endif
