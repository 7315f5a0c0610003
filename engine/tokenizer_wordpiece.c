/* WordPiece as BERT has it (google-research/bert, tokenization.py), uncased: words and punctuation apart, accents and
 * case away, then the longest piece that fits, from the left. In files a word's first piece begins with U+2581, kept
 * as a space here. */
#include "tokenizer_private.h"
#include "unicode_classes.h"
#include "../xmalloc.h"

enum { WORD_MAX = 100 }; /* characters; a longer word is unknown (max_input_chars_per_word) */

struct word {
	struct buffer bytes; /* begins with a space */
	int characters;
};

static void finish_word(const struct tokenizer *t, struct word *word, struct tokens *out)
{
	size_t before = out->count, len = word->bytes.len, at = 0;
	bool fits = word->characters <= WORD_MAX;
	while (fits && at < len) {
		size_t end = len - at < t->longest ? len : at + t->longest;
		int32_t id = -1;
		for (; end > at && (id = tokenizer_lookup(t, word->bytes.data + at, end - at)) < 0; end--)
			;
		fits = id >= 0;
		if (fits)
			tokens_append(out, id);
		at = end;
	}
	if (!fits) {
		out->count = before;
		if (t->unknown >= 0)
			tokens_append(out, t->unknown);
	}
}

static void end_word(const struct tokenizer *t, struct word *word, struct tokens *out)
{
	if (word->characters)
		finish_word(t, word, out);
	buffer_clear(&word->bytes);
	word->characters = 0;
}

static void add_character(struct word *word, uint32_t cp)
{
	char utf8[4];
	if (!word->characters)
		buffer_append(&word->bytes, " ", 1);
	if (word->characters++ < WORD_MAX)
		buffer_append(&word->bytes, utf8, unicode_encode(cp, utf8));
}

/* The blocks that BERT takes for CJK ideographs. */
static bool is_ideograph(uint32_t cp)
{
	return (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0x3400 && cp <= 0x4DBF) || (cp >= 0x20000 && cp <= 0x2A6DF) ||
	       (cp >= 0x2A700 && cp <= 0x2B81F) || (cp >= 0x2B820 && cp <= 0x2CEAF) || (cp >= 0xF900 && cp <= 0xFAFF) ||
	       (cp >= 0x2F800 && cp <= 0x2FA1F);
}

static bool stands_alone(uint32_t cp, enum unicode_class class)
{
	return class == UNICODE_PUNCT || (cp < 0x7F && class == UNICODE_SYMBOL) || is_ideograph(cp);
}

static void take(const struct tokenizer *t, struct word *word, uint32_t cp, struct tokens *out)
{
	uint32_t folded[3];
	enum unicode_class class = unicode_class(cp);
	if (unicode_is_space(cp)) {
		end_word(t, word, out);
		return;
	}
	if (cp == 0 || cp == 0xFFFD || class == UNICODE_CONTROL)
		return;
	bool alone = stands_alone(cp, class);
	if (alone)
		end_word(t, word, out);
	int count = unicode_fold(cp, folded);
	for (int i = 0; i < count; i++)
		add_character(word, folded[i]);
	if (alone)
		end_word(t, word, out);
}

void tokenizer_wordpiece_encode(const struct tokenizer *t, const char *text, size_t len, struct tokens *out)
{
	struct word word = {0};
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		at += unicode_decode(text + at, len - at, &cp);
		take(t, &word, cp, out);
	}
	end_word(t, &word, out);
	buffer_free(&word.bytes);
}
