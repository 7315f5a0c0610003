/* pretokenizer.h: cut text into the words that byte-level BPE merges within.
 *
 * Each maker published a regular expression (they stand in pretokenizer.c
 * beside the code); these are hand-written matchers for them, linear in the
 * length of the text whatever the text, without recursion over it. Bytes that
 * are not UTF-8 count as U+FFFD, one each. */
#ifndef PRETOKENIZER_H
#define PRETOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

enum { PRETOKENIZER_STAGES = 6 };

struct pretokenizer;
const struct pretokenizer *pretokenizer_named(const char *name,
					      size_t len);     /* as tokenizer.ggml.pre spells it; NULL: unknown */
const char *pretokenizer_name(const struct pretokenizer *);    /* of its family: "llama-bpe" for "llama3" */
bool pretokenizer_ignores_merges(const struct pretokenizer *); /* a word that is a token is that token */
bool pretokenizer_adds_bos(const struct pretokenizer *);       /* unless the file says otherwise */

/* Walks the words of text in order; they cover it without gaps. */
struct pretokenizer_walk {
	const struct pretokenizer *pre;
	const char *text;
	struct pretokenizer_span {
		size_t start, at, end; /* the fragment that the stage before found, and how far it is cut */
		size_t from, to;       /* a match found behind a gap, to be given next; from == to: none */
	} stage[PRETOKENIZER_STAGES];
};
void pretokenizer_start(struct pretokenizer_walk *, const struct pretokenizer *, const char *text, size_t len);
bool pretokenizer_next(struct pretokenizer_walk *, size_t *start, size_t *end); /* false at the end */

#endif
