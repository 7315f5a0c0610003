/* tokenizer.h: text to token ids and back, exactly as the model's maker does.
 *
 * File                  | What it does
 * ----------------------|---------------------------------------------------
 * tokenizer.c           | opens the right kind; special tokens; pieces
 * tokenizer_bpe.c       | byte-level BPE: merges by rank
 * tokenizer_spm.c       | SentencePiece: best score first, byte fallback
 * tokenizer_wordpiece.c | BERT's longest match
 * merger.c              | the queue behind BPE and SentencePiece
 * pretokenizer.c        | hand-written splitters (gpt-2, llama-bpe, qwen2, …)
 * unicode.c             | UTF-8, classes and foldings of characters, from
 * unicode_classes.c     |   frozen tables (generated, as unicode_foldings.c is)
 *
 * Time is linear (up to a logarithm) in the length of the text, whatever the
 * text. A tokenizer is immutable after opening: any thread may use it. */
#ifndef TOKENIZER_H
#define TOKENIZER_H

#include "gguf.h"

struct tokenizer;

struct tokens { /* zero-initialise; tokens_free */
	int32_t *ids;
	size_t count, size;
};
void tokens_append(struct tokens *, int32_t id);
void tokens_free(struct tokens *);

/* Unknown models and pre-tokenisers are refused by name. warning (may be "")
 * tells of duplicates. The gguf must outlive the tokenizer. */
int tokenizer_open(struct tokenizer **, const struct gguf *, char *warning, size_t warnlen, char *err, size_t errlen);
void tokenizer_close(struct tokenizer *);

/* Appends the ids of text. special: text that spells a control token becomes
 * that token (for --special only; chat text is never parsed so). first: the
 * text begins the sequence or follows a control token (SentencePiece then adds
 * its space prefix). */
void tokenizer_encode(const struct tokenizer *, const char *text, size_t len, bool special, bool first,
		      struct tokens *out);

/* The raw bytes a token stands for; control tokens give their name only if
 * special. Not NUL-terminated; valid while the tokenizer lives; *len 0 if none. */
const char *tokenizer_piece(const struct tokenizer *, int32_t id, bool special, size_t *len);
bool tokenizer_strips_first_space(const struct tokenizer *); /* SentencePiece: detokenised text drops its prefix */

int tokenizer_vocab_size(const struct tokenizer *);
int32_t tokenizer_find(const struct tokenizer *, const char *piece); /* a token by its exact text, -1 */
int32_t tokenizer_named(const struct tokenizer *, const char *key);  /* whose id is that value of the file, -1 */
int32_t tokenizer_bos(const struct tokenizer *);                     /* -1: none */
int32_t tokenizer_eos(const struct tokenizer *);
bool tokenizer_adds_bos(const struct tokenizer *);
bool tokenizer_adds_eos(const struct tokenizer *);
bool tokenizer_is_end(const struct tokenizer *, int32_t id); /* any token that ends an answer */
bool tokenizer_is_control(const struct tokenizer *, int32_t id);

#endif
