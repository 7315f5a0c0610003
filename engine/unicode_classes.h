/* unicode_classes.h: character classes for tokenizers, frozen in the tree.
 *
 * Token ids must not change with the system's Unicode library, so the engine
 * carries its own tables: unicode_classes.c and unicode_foldings.c are written by
 * make_unicode_classes.py; the functions are in unicode.c. */
#ifndef UNICODE_CLASSES_H
#define UNICODE_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* General categories, as far as tokenizers tell them apart. */
enum unicode_class {
	UNICODE_LU,
	UNICODE_LL,
	UNICODE_LT,
	UNICODE_LM,
	UNICODE_LO, /* letters */
	UNICODE_MN,
	UNICODE_MARK, /* marks: nonspacing; the others */
	UNICODE_NUMBER,
	UNICODE_PUNCT,
	UNICODE_SYMBOL,
	UNICODE_SEPARATOR,
	UNICODE_CONTROL, /* Cc Cf Co Cs Cn */
};

struct unicode_folding {
	uint32_t from, to[3]; /* zeros at the end */
};

extern const uint32_t unicode_class_runs[];
extern const int unicode_class_run_count;
extern const struct unicode_folding unicode_foldings[];
extern const int unicode_folding_count;

enum unicode_class unicode_class(uint32_t cp);
static inline bool unicode_is_letter(enum unicode_class c)
{
	return c <= UNICODE_LO;
}
bool unicode_is_space(uint32_t cp); /* the White_Space property */

/* The character at text[0..len), len > 0: its bytes. A byte that begins no
 * well-formed character (shortest form, no surrogates) counts as U+FFFD of length 1. */
size_t unicode_decode(const char *text, size_t len, uint32_t *cp);
size_t unicode_encode(uint32_t cp, char out[4]);

/* Lower case, decomposed, without nonspacing marks; returns how many (0..3). */
int unicode_fold(uint32_t cp, uint32_t out[3]);

#endif
