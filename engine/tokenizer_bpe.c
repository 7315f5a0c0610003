/* Byte-level BPE as GPT-2 introduced it: words of bytes, merged by rank. In files each byte stands as one printable
 * character (openai/gpt-2, encoder.py: bytes_to_unicode): printable Latin-1 as itself, the others from U+0100 on. */
#include "merger.h"
#include "tokenizer_private.h"
#include "unicode_classes.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>

enum { ALPHABET_SHIFT = 0x100 };

static bool stands_for_itself(uint32_t cp)
{
	return (cp >= '!' && cp <= '~') || (cp >= 0xA1 && cp <= 0xAC) || (cp >= 0xAE && cp <= 0xFF);
}

/* The byte that a character of the alphabet means, -1 for others. */
static int byte_of(uint32_t cp)
{
	if (cp < ALPHABET_SHIFT)
		return stands_for_itself(cp) ? (int)cp : -1;
	uint32_t index = cp - ALPHABET_SHIFT; /* among the bytes that do not: 0..32, 127..160, 173 */
	if (index <= 32)
		return (int)index;
	if (index <= 33 + 33)
		return (int)(index - 33 + 127);
	return index == 67 ? 173 : -1;
}

bool tokenizer_bpe_decode(const char *text, size_t len, char *out, size_t *out_len)
{
	*out_len = 0;
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		at += unicode_decode(text + at, len - at, &cp);
		int byte = byte_of(cp);
		if (byte < 0)
			return false;
		out[(*out_len)++] = (char)byte;
	}
	return true;
}

/* --- The table of merges ------------------------------------------------------------ */

static size_t merge_slot(const struct tokenizer *t, int32_t left, int32_t right)
{
	uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
	return (size_t)((key * 0x9E3779B97F4A7C15u) >> 20) & (t->merge_slots - 1);
}

static struct merge *find_merge(const struct tokenizer *t, int32_t left, int32_t right)
{
	size_t slot = merge_slot(t, left, right);
	while (t->merges[slot].result >= 0 && (t->merges[slot].left != left || t->merges[slot].right != right))
		slot = (slot + 1) & (t->merge_slots - 1);
	return &t->merges[slot];
}

/* "left right": the first space behind the first byte parts them. A merge of pieces that are no tokens is of no use
 * and left out, as the makers' own libraries refuse it. */
static void add_merge(struct tokenizer *t, struct gguf_string line, uint32_t rank, struct buffer *decoded)
{
	const char *space = line.len > 1 ? memchr(line.text + 1, ' ', line.len - 1) : NULL;
	if (!space || line.len > UINT32_MAX)
		return;
	size_t left_len = (size_t)(space - line.text), left_bytes, right_bytes;
	buffer_clear(decoded);
	buffer_append(decoded, line.text, line.len);
	if (!tokenizer_bpe_decode(line.text, left_len, decoded->data, &left_bytes) ||
	    !tokenizer_bpe_decode(space + 1, line.len - left_len - 1, decoded->data + left_bytes, &right_bytes))
		return;
	int32_t left = tokenizer_lookup(t, decoded->data, left_bytes);
	int32_t right = tokenizer_lookup(t, decoded->data + left_bytes, right_bytes);
	int32_t result = tokenizer_lookup(t, decoded->data, left_bytes + right_bytes);
	if (left < 0 || right < 0 || result < 0)
		return;
	struct merge *merge = find_merge(t, left, right);
	if (merge->result < 0)
		*merge = (struct merge){left, right, result, rank};
}

static void read_merges(struct tokenizer *t, const struct gguf_value *value)
{
	struct buffer decoded = {0};
	struct gguf_string line;
	size_t cursor = 0;
	t->merge_slots = 16;
	while (t->merge_slots < value->count * 3 / 2)
		t->merge_slots *= 2;
	t->merges = xreallocarray(NULL, t->merge_slots, sizeof(*t->merges));
	for (size_t i = 0; i < t->merge_slots; i++)
		t->merges[i] = (struct merge){.result = -1};
	for (uint32_t rank = 0; gguf_next_string(value, &cursor, &line); rank++)
		add_merge(t, line, rank, &decoded);
	buffer_free(&decoded);
}

int tokenizer_bpe_open(struct tokenizer *t, char *err, size_t errlen)
{
	const struct gguf *gguf = t->gguf;
	const struct gguf_value *merges;
	struct gguf_string name = {"default", 7};
	if (gguf_string(gguf, "tokenizer.ggml.pre", &name, err, errlen) < 0)
		return -1;
	t->pre = pretokenizer_named(name.text, name.len);
	if (!t->pre) {
		const struct gguf_value *value = gguf_find(gguf, "tokenizer.ggml.pre");
		return gguf_error(
			gguf, value ? value->offset : 0, err, errlen,
			"tokenizer.ggml.pre: the pre-tokenizer \"%.*s\" is unknown here; tokens would be guessed. "
			"Convert the model anew, or use another",
			(int)(name.len < 64 ? name.len : 64), name.text);
	}
	int found = gguf_array(gguf, "tokenizer.ggml.merges", GGUF_STRING, &merges, err, errlen);
	if (found < 0)
		return -1;
	if (!found)
		return gguf_error(gguf, 0, err, errlen,
				  "tokenizer.ggml.merges is missing; the file is not a whole model");
	if (merges->count > INT32_MAX / 4)
		return gguf_error(gguf, merges->offset, err, errlen,
				  "tokenizer.ggml.merges: %llu entries, more than a file can hold",
				  (unsigned long long)merges->count);
	read_merges(t, merges);
	return 0;
}

/* --- Encoding -------------------------------------------------------------------------- */

static bool rank_pair(void *arg, const struct symbol *left, const struct symbol *right, struct pair *pair)
{
	const struct tokenizer *t = arg;
	if (left->id < 0 || right->id < 0)
		return false;
	const struct merge *merge = find_merge(t, left->id, right->id);
	pair->order = merge->rank;
	pair->result = merge->result;
	return merge->result >= 0;
}

static void encode_word(const struct tokenizer *t, const char *word, size_t len, struct merger *m, struct tokens *out)
{
	int32_t whole = len == 1 || pretokenizer_ignores_merges(t->pre) ? tokenizer_lookup(t, word, len) : -1;
	if (whole >= 0) {
		tokens_append(out, whole);
		return;
	}
	merger_clear(m);
	for (size_t i = 0; i < len; i++)
		merger_add(m, (uint32_t)i, 1, t->byte_ids[(unsigned char)word[i]]);
	merger_run(m, rank_pair, (void *)(uintptr_t)t);
	for (int32_t i = 0; i >= 0; i = m->symbols[i].next) {
		int32_t id = m->symbols[i].id >= 0 ? m->symbols[i].id : t->unknown;
		if (id >= 0)
			tokens_append(out, id);
	}
}

void tokenizer_bpe_encode(const struct tokenizer *t, const char *text, size_t len, struct tokens *out)
{
	struct pretokenizer_walk walk;
	struct merger merger = {0};
	size_t start, end;
	pretokenizer_start(&walk, t->pre, text, len);
	while (pretokenizer_next(&walk, &start, &end))
		encode_word(t, text + start, end - start, &merger, out);
	merger_free(&merger);
}
