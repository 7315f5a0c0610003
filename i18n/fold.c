/* Folding for comparison and search: compatibility decomposition, case folding,
 * then what people leave out when they type: marks, harakat, tatweel; and letters
 * that stand for one another in Arabic and German. */
#include "handle.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

/* 0: the letter falls away. */
static UChar32 fold_letter(UChar32 c)
{
	switch (c) {
	case 0x0622:
	case 0x0623:
	case 0x0625:
	case 0x0671: return 0x0627; /* alef forms */
	case 0x0649:
	case 0x06CC: return 0x064A; /* alef maksura, Persian ya */
	case 0x0629: return 0x0647; /* ta marbuta */
	case 0x06A9: return 0x0643; /* Persian kaf */
	case 0x0640: return 0;      /* tatweel */
	case 0x093C: return 0;      /* nukta: often left out */
	default: break;
	}
	if (c >= 0x30A1 && c <= 0x30F6) /* katakana to hiragana */
		return c - 0x60;
	bool indic_vowel = U_GET_GC_MASK(c) & U_GC_MN_MASK && c >= 0x0900 && c < 0x0E80;
	bool kana_voice = c == 0x3099 || c == 0x309A;
	return (U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CF_MASK)) && !indic_vowel && !kana_voice ? 0 : c;
}

/* Letters that Unicode takes for whole and people for others with something to them. */
static const char *as_others(UChar32 c)
{
	switch (c) {
	case 0x00E6: return "ae";
	case 0x0153: return "oe";
	case 0x00F8: return "o";
	case 0x0142: return "l";
	case 0x0111: return "d";
	case 0x0131: return "i";
	default: return NULL;
	}
}

/* One character at a time: folding never looks further than a character's own decomposition. */
static void fold_char(const UNormalizer2 *nfkd, UChar32 c, struct buffer *out)
{
	UChar text[64], folded[128];
	int32_t len = 0;
	UErrorCode status = U_ZERO_ERROR;
	if (c < 0x80) {
		char byte = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		buffer_append(out, &byte, 1);
		return;
	}
	if (c >= 0xAC00 && c <= 0xD7A3) { /* whole syllables compare as they are */
		char bytes[4];
		int32_t n = 0;
		U8_APPEND_UNSAFE(bytes, n, c);
		buffer_append(out, bytes, (size_t)n);
		return;
	}
	len = unorm2_getDecomposition(nfkd, c, text, 64, &status);
	if (len < 0 || U_FAILURE(status)) {
		len = 0;
		U16_APPEND_UNSAFE(text, len, c);
		status = U_ZERO_ERROR;
	}
	len = u_strFoldCase(folded, 128, text, len, U_FOLD_CASE_DEFAULT, &status);
	for (int32_t i = 0; U_SUCCESS(status) && i < len;) {
		UChar32 part;
		char bytes[4];
		int32_t n = 0;
		U16_NEXT(folded, i, len, part);
		part = fold_letter(part);
		const char *others = as_others(part);
		if (others)
			buffer_puts(out, others);
		if (others || !part)
			continue;
		U8_APPEND_UNSAFE(bytes, n, part);
		buffer_append(out, bytes, (size_t)n);
	}
}

void i18n_fold(const struct i18n *tr, const char *text, size_t len, struct buffer *out)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&status);
	for (size_t at = 0; at < len;) {
		UChar32 c;
		U8_NEXT_OR_FFFD(text, at, len, c);
		fold_char(nfkd, c, out);
	}
	buffer_append(out, "", 0);
}

/* --- Terms ------------------------------------------------------------------------- */

enum { TERM_MAX = 256 };

struct terms {
	const struct i18n *tr;
	const char *text;
	i18n_term_fn *fn;
	void *arg;
	struct buffer folded;
};

/* Scripts written without spaces, and Hangul, whose particles hang on to words. */
static bool is_paired(UChar32 c)
{
	UErrorCode status = U_ZERO_ERROR;
	switch (uscript_getScript(c, &status)) {
	case USCRIPT_HAN:
	case USCRIPT_HIRAGANA:
	case USCRIPT_KATAKANA:
	case USCRIPT_HANGUL:
	case USCRIPT_THAI:
	case USCRIPT_LAO:
	case USCRIPT_KHMER:
	case USCRIPT_MYANMAR: return true;
	default: return c == 0x30FC;
	}
}

static bool is_wordy(UChar32 c)
{
	return u_isalnum(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK) || c == 0x200C || c == 0x200D || c == 0x0640;
}

static void give(struct terms *t, size_t start, size_t end)
{
	buffer_clear(&t->folded);
	i18n_fold(t->tr, t->text + start, end - start, &t->folded);
	size_t len = t->folded.len < TERM_MAX ? t->folded.len : TERM_MAX;
	while (len < t->folded.len && len > 0 && ((unsigned char)t->folded.data[len] & 0xC0) == 0x80)
		len--;
	if (len)
		t->fn(t->arg, t->folded.data, len, start, end);
}

/* Arabic writes "and", "the", "with", "as" and "for" as one word with what follows:
 * the word without them is a term as well. */
static void give_arabic_stem(struct terms *t, size_t start, size_t end)
{
	static const char *const prefixes[] = {"وال", "بال", "كال", "فال", "لل", "ال", "و", "ب", "ل", "ك", "ف"};
	enum { STEM_MIN = 6 }; /* three letters */
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		if (end - start >= len + STEM_MIN && memcmp(t->text + start, prefixes[i], len) == 0) {
			give(t, start + len, end);
			return;
		}
	}
}

static void give_word(struct terms *t, size_t start, size_t end)
{
	give(t, start, end);
	if ((unsigned char)t->text[start] >= 0xD8 && (unsigned char)t->text[start] <= 0xDB)
		give_arabic_stem(t, start, end);
}

/* A run of paired letters: every letter pair, or the letter alone when it stands alone. */
static size_t give_pairs(struct terms *t, size_t start, size_t len)
{
	size_t previous = start, at = start;
	UChar32 c;
	int letters = 0;
	while (at < len) {
		size_t next = at;
		U8_NEXT_OR_FFFD(t->text, next, len, c);
		bool mark = U_GET_GC_MASK(c) & U_GC_M_MASK;
		if (!is_paired(c) && !mark)
			break;
		if (!mark && letters++)
			give(t, previous, next);
		if (!mark)
			previous = at;
		at = next;
	}
	if (letters == 1)
		give(t, start, at);
	return at;
}

void i18n_terms(const struct i18n *tr, const char *text, size_t len, i18n_term_fn *fn, void *arg)
{
	struct terms t = {.tr = tr, .text = text, .fn = fn, .arg = arg};
	size_t word = SIZE_MAX;
	for (size_t at = 0; at < len;) {
		size_t next = at;
		UChar32 c;
		U8_NEXT_OR_FFFD(text, next, len, c);
		bool paired = is_paired(c), wordy = is_wordy(c) && !paired;
		if (word != SIZE_MAX && !wordy) {
			give_word(&t, word, at);
			word = SIZE_MAX;
		} else if (word == SIZE_MAX && wordy) {
			word = at;
		}
		at = paired ? give_pairs(&t, at, len) : next;
	}
	if (word != SIZE_MAX)
		give_word(&t, word, len);
	buffer_free(&t.folded);
}
