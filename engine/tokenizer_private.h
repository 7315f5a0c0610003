/* tokenizer_private.h: what the tokenizer's files share. Not for others. */
#ifndef TOKENIZER_PRIVATE_H
#define TOKENIZER_PRIVATE_H

#include "pretokenizer.h"
#include "tokenizer.h"

/* tokenizer.ggml.token_type */
enum token_type {
	TOKEN_NORMAL = 1,
	TOKEN_UNKNOWN = 2,
	TOKEN_CONTROL = 3,
	TOKEN_USER = 4,
	TOKEN_UNUSED = 5,
	TOKEN_BYTE = 6,
};

enum tokenizer_kind { TOKENIZER_BPE, TOKENIZER_SPM, TOKENIZER_WORDPIECE };

struct piece {
	uint32_t at, len; /* into tokenizer.bytes */
};

struct merge { /* a slot of the table of merges; result < 0: free */
	int32_t left, right, result;
	uint32_t rank;
};

struct tokenizer {
	const struct gguf *gguf;
	enum tokenizer_kind kind;
	int vocab;
	struct piece *pieces; /* [vocab] decoded: the bytes that text has */
	char *bytes;
	uint8_t *types;  /* [vocab] enum token_type */
	uint32_t *order; /* [vocab] SentencePiece: lower for a higher score; NULL otherwise */
	bool *ends;      /* [vocab] tokens that end an answer */

	int32_t *slots;    /* hash table of the pieces that text can become; id or -1 */
	size_t slot_count; /* a power of two */
	size_t longest;    /* piece in the table, in bytes */
	int32_t *special;  /* matched before anything else, sorted by bytes */
	int special_count;
	int special_from[257]; /* where each first byte's begin in special */
	int32_t byte_ids[256]; /* the token of a single byte, -1 */

	int32_t bos, eos, unknown;
	bool adds_bos, adds_eos, adds_space;
	bool has_unused;

	const struct pretokenizer *pre;
	struct merge *merges;
	size_t merge_slots; /* a power of two */
};

/* A normal, user-defined or unused piece by its bytes, -1. Control tokens are never found here. */
int32_t tokenizer_lookup(const struct tokenizer *, const char *bytes, size_t len);
uint32_t tokenizer_hash(const char *bytes, size_t len);

/* Reads merges and the pre-tokeniser's name. */
int tokenizer_bpe_open(struct tokenizer *, char *err, size_t errlen);
/* GPT-2's printable alphabet back to bytes; out holds len bytes. False: text is not of that alphabet. */
bool tokenizer_bpe_decode(const char *text, size_t len, char *out, size_t *out_len);
void tokenizer_bpe_encode(const struct tokenizer *, const char *text, size_t len, struct tokens *);
void tokenizer_spm_encode(const struct tokenizer *, const char *text, size_t len, bool first, struct tokens *);
void tokenizer_wordpiece_encode(const struct tokenizer *, const char *text, size_t len, struct tokens *);

#endif
