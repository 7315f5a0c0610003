/* nearest.h: what somebody who made a slip may have meant. */
#ifndef NEAREST_H
#define NEAREST_H

struct nearest {
	const char *word; /* what was written */
	const char *best; /* the nearest so far, or NULL: none is near */
	int distance;
};

struct nearest nearest_to(const char *word); /* word must outlive it */
void nearest_offer(struct nearest *, const char *candidate);
int nearest_distance(const char *a, const char *b); /* UTF-8; letters to change, add, drop or swap with the next */

#endif
