/* merger.h: join neighbouring symbols, best pair first, until no pair is left.
 *
 * The heart of BPE and of SentencePiece: only what a pair is worth differs.
 * n symbols cost O(n log n), whatever they are. */
#ifndef MERGER_H
#define MERGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint32_t at, len;   /* bytes of the text; len 0: merged away */
	int32_t id;         /* -1: no token yet */
	int32_t prev, next; /* -1: none */
};

struct pair {
	uint32_t order; /* lower is merged first; ties go left to right */
	int32_t left;   /* index of the left symbol */
	uint32_t len;   /* of both together, to see that nothing changed since */
	int32_t result;
};

struct merger { /* zero-initialise; merger_free; reuse for many words */
	struct symbol *symbols;
	size_t count, size;
	struct pair *heap;
	size_t heap_count, heap_size;
};

/* Fills order and result of a pair; false when the two do not merge. */
typedef bool merger_fn(void *arg, const struct symbol *left, const struct symbol *right, struct pair *);

void merger_clear(struct merger *);
void merger_add(struct merger *, uint32_t at, uint32_t len, int32_t id);
void merger_run(struct merger *, merger_fn *, void *arg); /* then walk symbols from 0 by next */
void merger_free(struct merger *);

#endif
