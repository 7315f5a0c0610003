#include "tokenizer_private.h"
#include "unicode_classes.h"
#include "../xmalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VOCAB_MAX = 1 << 26,
	SPECIAL_MAX = 256,   /* bytes; longer control and user-defined tokens are not looked for in text */
	CHUNK_MAX = 1 << 28, /* bytes encoded at once */
};

/* --- Token lists ---------------------------------------------------------------------- */

void tokens_append(struct tokens *tokens, int32_t id)
{
	if (tokens->count == tokens->size) {
		tokens->size = tokens->size ? tokens->size * 2 : 64;
		tokens->ids = xreallocarray(tokens->ids, tokens->size, sizeof(*tokens->ids));
	}
	tokens->ids[tokens->count++] = id;
}

void tokens_free(struct tokens *tokens)
{
	free(tokens->ids);
	*tokens = (struct tokens){0};
}

/* --- Pieces by their bytes -------------------------------------------------------------- */

uint32_t tokenizer_hash(const char *bytes, size_t len)
{
	uint64_t hash = len * 0x9E3779B97F4A7C15u;
	for (uint64_t word; len >= 8; bytes += 8, len -= 8) {
		memcpy(&word, bytes, 8);
		hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
		hash ^= hash >> 32;
	}
	uint64_t rest = 0;
	memcpy(&rest, bytes, len);
	hash = (hash ^ rest) * 0xFF51AFD7ED558CCDu;
	return (uint32_t)(hash >> 32);
}

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static const char *bytes_of(const struct tokenizer *t, int32_t id)
{
	return t->bytes + t->pieces[id].at;
}

/* The slot that holds these bytes, or the free one where they belong. */
static size_t find_slot(const struct tokenizer *t, const char *bytes, size_t len)
{
	size_t slot = tokenizer_hash(bytes, len) & (t->slot_count - 1);
	for (; t->slots[slot] >= 0; slot = (slot + 1) & (t->slot_count - 1)) {
		const struct piece *piece = &t->pieces[t->slots[slot]];
		if (piece->len == len && !memcmp(t->bytes + piece->at, bytes, len))
			break;
	}
	return slot;
}

int32_t tokenizer_lookup(const struct tokenizer *t, const char *bytes, size_t len)
{
	return len > 0 && len <= t->longest ? t->slots[find_slot(t, bytes, len)] : -1;
}

/* --- Reading the vocabulary --------------------------------------------------------------- */

struct loader {
	struct tokenizer *t;
	const struct gguf_value *tokens, *scores, *types;
	size_t used; /* of t->bytes */
	int duplicates;
	char *err;
	size_t errlen;
};

#define FAIL(loader, offset, ...) gguf_error((loader)->t->gguf, offset, (loader)->err, (loader)->errlen, __VA_ARGS__)

static int read_kind(struct loader *l)
{
	struct gguf_string name;
	int found = gguf_string(l->t->gguf, "tokenizer.ggml.model", &name, l->err, l->errlen);
	if (found < 0)
		return -1;
	if (!found)
		return FAIL(l, 0, "tokenizer.ggml.model is missing; the file is not a whole model");
	static const char *const names[] = {"gpt2", "llama", "bert"};
	for (int i = 0; i < 3; i++)
		if (name.len == strlen(names[i]) && !memcmp(name.text, names[i], name.len)) {
			l->t->kind = (enum tokenizer_kind)i;
			return 0;
		}
	return FAIL(l, gguf_find(l->t->gguf, "tokenizer.ggml.model")->offset,
		    "tokenizer.ggml.model: '%.*s' is not supported, only gpt2, llama, bert",
		    (int)(name.len < 64 ? name.len : 64), name.text);
}

/* An array with one entry a token. */
static int read_array(struct loader *l, const char *key, enum gguf_type element, const struct gguf_value **value)
{
	int found = gguf_array(l->t->gguf, key, element, value, l->err, l->errlen);
	if (found <= 0)
		return found;
	if ((*value)->count != l->tokens->count)
		return FAIL(l, (*value)->offset,
			    "%s has %llu entries for %llu tokens; the file is damaged, fetch it again", key,
			    (unsigned long long)(*value)->count, (unsigned long long)l->tokens->count);
	return 1;
}

static int read_arrays(struct loader *l)
{
	struct tokenizer *t = l->t;
	int found = gguf_array(t->gguf, "tokenizer.ggml.tokens", GGUF_STRING, &l->tokens, l->err, l->errlen);
	if (found < 0)
		return -1;
	if (!found)
		return FAIL(l, 0, "tokenizer.ggml.tokens is missing; the file is not a whole model");
	if (l->tokens->count == 0 || l->tokens->count > VOCAB_MAX || l->tokens->bytes > INT32_MAX)
		return FAIL(l, l->tokens->offset, "tokenizer.ggml.tokens is %llu, possible are 1 to %d",
			    (unsigned long long)l->tokens->count, VOCAB_MAX);
	t->vocab = (int)l->tokens->count;
	const struct gguf_value *types = gguf_find(t->gguf, "tokenizer.ggml.token_type");
	bool is_unsigned = types && types->type == GGUF_ARRAY && types->element == GGUF_U32;
	if (read_array(l, "tokenizer.ggml.token_type", is_unsigned ? GGUF_U32 : GGUF_I32, &l->types) < 0)
		return -1;
	if (t->kind != TOKENIZER_SPM)
		return 0;
	found = read_array(l, "tokenizer.ggml.scores", GGUF_F32, &l->scores);
	if (found == 0)
		return FAIL(l, 0, "tokenizer.ggml.scores is missing; the file is not a whole model");
	return found < 0 ? -1 : 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* "<0x41>" and nothing else. */
static int parse_byte(struct gguf_string text)
{
	if (text.len != 6 || memcmp(text.text, "<0x", 3) || text.text[5] != '>')
		return -1;
	int high = hex_digit(text.text[3]), low = hex_digit(text.text[4]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static size_t decode_spaces(struct gguf_string text, char *out)
{
	size_t len = 0;
	for (size_t at = 0; at < text.len;) {
		bool mark = text.len - at >= 3 && !memcmp(text.text + at, "\xE2\x96\x81", 3);
		out[len++] = mark ? ' ' : text.text[at];
		at += mark ? 3 : 1;
	}
	return len;
}

static size_t decode_text(const struct tokenizer *t, enum token_type type, struct gguf_string text, char *out)
{
	size_t len;
	bool plain = type == TOKEN_NORMAL || type == TOKEN_UNUSED;
	if (plain && t->kind == TOKENIZER_BPE && tokenizer_bpe_decode(text.text, text.len, out, &len))
		return len;
	if (t->kind != TOKENIZER_BPE && (plain || type == TOKEN_USER))
		return decode_spaces(text, out);
	memcpy(out, text.text, text.len);
	return text.len;
}

static int read_token(struct loader *l, int32_t id, struct gguf_string text)
{
	struct tokenizer *t = l->t;
	int64_t type = l->types ? gguf_int_at(l->types, (uint64_t)id) : TOKEN_NORMAL;
	char *out = t->bytes + l->used;
	size_t len;
	t->types[id] = type >= TOKEN_NORMAL && type <= TOKEN_BYTE ? (uint8_t)type : TOKEN_NORMAL;
	if (t->types[id] == TOKEN_BYTE) {
		int byte = parse_byte(text);
		if (byte < 0)
			return FAIL(l, l->tokens->offset,
				    "token %d '%.*s' is of type byte, but none of <0x00> to <0xFF>", id,
				    (int)(text.len < 32 ? text.len : 32), text.text);
		*out = (char)byte;
		len = 1;
		t->byte_ids[byte] = id;
	} else {
		len = decode_text(t, (enum token_type)t->types[id], text, out);
	}
	t->has_unused |= t->types[id] == TOKEN_UNUSED;
	t->pieces[id] = (struct piece){(uint32_t)l->used, (uint32_t)len};
	l->used += len;
	return 0;
}

static int read_tokens(struct loader *l)
{
	struct tokenizer *t = l->t;
	struct gguf_string text;
	size_t cursor = 0;
	t->pieces = xcalloc((size_t)t->vocab, sizeof(*t->pieces));
	t->types = xcalloc((size_t)t->vocab, 1);
	t->ends = xcalloc((size_t)t->vocab, sizeof(*t->ends));
	t->bytes = xmalloc(l->tokens->bytes + 1);
	memset(t->byte_ids, -1, sizeof(t->byte_ids));
	for (int32_t id = 0; id < t->vocab && gguf_next_string(l->tokens, &cursor, &text); id++)
		if (read_token(l, id, text))
			return -1;
	return 0;
}

/* Higher scores first: an IEEE float's bits, turned so that they sort as numbers do. */
static uint32_t order_of(double score)
{
	float value = isnan(score) ? -INFINITY : (float)score + 0.0f;
	uint32_t bits;
	memcpy(&bits, &value, 4);
	return bits >> 31 ? bits : 0x7FFFFFFFu - bits;
}

static void read_scores(struct loader *l)
{
	if (!l->scores)
		return;
	l->t->order = xcalloc((size_t)l->t->vocab, sizeof(*l->t->order));
	for (int32_t id = 0; id < l->t->vocab; id++)
		l->t->order[id] = order_of(gguf_float_at(l->scores, (uint64_t)id));
}

/* --- Tables --------------------------------------------------------------------------------- */

static bool is_special(const struct tokenizer *t, int32_t id)
{
	return t->types[id] == TOKEN_CONTROL || t->types[id] == TOKEN_USER || t->types[id] == TOKEN_UNKNOWN;
}

static bool is_text(const struct tokenizer *t, int32_t id)
{
	bool unused =
		t->types[id] == TOKEN_UNUSED && t->kind == TOKENIZER_SPM; /* it helps to join, see tokenizer_spm.c */
	return t->types[id] == TOKEN_NORMAL || t->types[id] == TOKEN_USER || unused;
}

/* Of two tokens with the same bytes the later one counts, as in a JSON vocabulary; a plain one before a user-defined
 * one, which is found as special anyway. */
static void index_pieces(struct loader *l)
{
	struct tokenizer *t = l->t;
	t->slot_count = 16;
	while (t->slot_count < (size_t)t->vocab * 2)
		t->slot_count *= 2;
	t->slots = xreallocarray(NULL, t->slot_count, sizeof(*t->slots));
	memset(t->slots, -1, t->slot_count * sizeof(*t->slots));
	for (int32_t id = 0; id < t->vocab; id++) {
		size_t len = t->pieces[id].len;
		if (!is_text(t, id) || !len)
			continue;
		size_t slot = find_slot(t, bytes_of(t, id), len);
		if (t->slots[slot] >= 0 && t->types[t->slots[slot]] == t->types[id])
			l->duplicates++;
		if (t->slots[slot] < 0 || t->types[id] != TOKEN_USER)
			t->slots[slot] = id;
		if (len > t->longest)
			t->longest = len;
	}
	if (t->kind == TOKENIZER_BPE)
		for (int byte = 0; byte < 256; byte++)
			t->byte_ids[byte] = tokenizer_lookup(t, (const char[]){(char)byte}, 1);
}

static int compare_special(const void *a, const void *b, void *arg)
{
	const struct tokenizer *t = arg;
	int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
	int order = compare_bytes(bytes_of(t, left), t->pieces[left].len, bytes_of(t, right), t->pieces[right].len);
	return order ? order : (left < right) - (left > right);
}

static void index_special(struct loader *l)
{
	struct tokenizer *t = l->t;
	int kept = 0;
	for (int32_t id = 0; id < t->vocab; id++)
		t->special_count += is_special(t, id) && t->pieces[id].len;
	t->special = xcalloc((size_t)t->special_count + 1, sizeof(*t->special));
	for (int32_t id = 0, i = 0; id < t->vocab; id++)
		if (is_special(t, id) && t->pieces[id].len)
			t->special[i++] = id;
	qsort_r(t->special, (size_t)t->special_count, sizeof(*t->special), compare_special, t);
	for (int i = 0; i < t->special_count; i++) {
		const struct piece *piece = &t->pieces[t->special[i]];
		const struct piece *last = kept ? &t->pieces[t->special[kept - 1]] : NULL;
		bool same = last && last->len == piece->len &&
			    !memcmp(t->bytes + last->at, t->bytes + piece->at, last->len);
		l->duplicates += same;
		if (!same)
			t->special[kept++] = t->special[i];
	}
	t->special_count = kept;
	for (int byte = 0, i = 0; byte <= 256; byte++) {
		while (i < kept && (unsigned char)*bytes_of(t, t->special[i]) < byte)
			i++;
		t->special_from[byte] = i;
	}
}

/* --- Special ids -------------------------------------------------------------------------------- */

static int read_id(struct loader *l, const char *key, int32_t fallback, int32_t *id)
{
	int64_t value = fallback < l->t->vocab ? fallback : -1;
	if (gguf_int(l->t->gguf, key, 0, l->t->vocab - 1, &value, l->err, l->errlen) < 0)
		return -1;
	*id = (int32_t)value;
	return 0;
}

static int read_end(struct loader *l, const char *key)
{
	int32_t id;
	if (read_id(l, key, -1, &id))
		return -1;
	if (id >= 0)
		l->t->ends[id] = true;
	return 0;
}

/* Tokens that end an answer whatever else the file says: conversions often name only one of several. */
static const char *const end_names[] = {
	"<|im_end|>",
	"<|eot_id|>",
	"<|eom_id|>",
	"<|end|>",
	"<end_of_turn>",
	"<|endoftext|>",
	"<|end_of_text|>",
	"<|EOT|>",
	"<EOT>",
	"<|end_of_turn|>",
	"<|END_OF_TURN_TOKEN|>",
	"<｜end▁of▁sentence｜>",
};

/* Tokens that chat formats mark roles with. */
static const char *const role_names[] = {
	"<|im_start|>",      "<start_of_turn>",    "<|start_header_id|>",
	"<|end_header_id|>", "<|begin_of_text|>",  "<|system|>",
	"<|user|>",          "<|assistant|>",      "[INST]",
	"[/INST]",           "[SYSTEM_PROMPT]",    "[/SYSTEM_PROMPT]",
	"[TOOL_CALLS]",      "[TOOL_RESULTS]",     "[/TOOL_RESULTS]",
	"[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
};

/* A user-defined token is found in any text. Where a file calls a role's or an end's token that, it is a control token
 * all the same: text must not forge it. */
static void protect(struct tokenizer *t, int32_t id)
{
	if (id >= 0 && t->types[id] == TOKEN_USER)
		t->types[id] = TOKEN_CONTROL;
}

static void mark_ends(struct tokenizer *t)
{
	if (t->eos >= 0)
		t->ends[t->eos] = true;
	for (size_t i = 0; i < sizeof(end_names) / sizeof(end_names[0]); i++) {
		int32_t id = tokenizer_find(t, end_names[i]);
		if (id >= 0)
			t->ends[id] = true;
	}
	for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++)
		protect(t, tokenizer_find(t, role_names[i]));
	for (int32_t id = 0; id < t->vocab; id++)
		if (t->ends[id] || id == t->bos)
			protect(t, id);
}

static int read_ids(struct loader *l)
{
	struct tokenizer *t = l->t;
	bool spm = t->kind == TOKENIZER_SPM, bert = t->kind == TOKENIZER_WORDPIECE;
	int32_t separator;
	if (read_id(l, "tokenizer.ggml.bos_token_id", spm ? 1 : -1, &t->bos) ||
	    read_id(l, "tokenizer.ggml.eos_token_id", spm ? 2 : -1, &t->eos) ||
	    read_id(l, "tokenizer.ggml.unknown_token_id",
		    spm    ? 0
		    : bert ? 100
			   : -1,
		    &t->unknown) ||
	    read_id(l, "tokenizer.ggml.seperator_token_id", -1, &separator) ||
	    read_end(l, "tokenizer.ggml.eot_token_id") || read_end(l, "tokenizer.ggml.eom_token_id"))
		return -1;
	if (bert && t->bos < 0 && read_id(l, "tokenizer.ggml.cls_token_id", 101, &t->bos))
		return -1;
	if (bert && t->eos < 0)
		t->eos = separator;
	return 0;
}

static int read_flags(struct loader *l)
{
	struct tokenizer *t = l->t;
	t->adds_bos = t->kind == TOKENIZER_BPE ? pretokenizer_adds_bos(t->pre) : true;
	t->adds_eos = t->kind == TOKENIZER_WORDPIECE;
	t->adds_space = t->kind == TOKENIZER_SPM;
	if (gguf_bool(t->gguf, "tokenizer.ggml.add_bos_token", &t->adds_bos, l->err, l->errlen) < 0 ||
	    gguf_bool(t->gguf, "tokenizer.ggml.add_eos_token", &t->adds_eos, l->err, l->errlen) < 0 ||
	    gguf_bool(t->gguf, "tokenizer.ggml.add_space_prefix", &t->adds_space, l->err, l->errlen) < 0)
		return -1;
	t->adds_bos &= t->bos >= 0;
	t->adds_eos &= t->eos >= 0;
	t->adds_space &= t->kind == TOKENIZER_SPM;
	return 0;
}

static int load(struct loader *l)
{
	if (read_kind(l) || read_arrays(l) || read_tokens(l))
		return -1;
	read_scores(l);
	index_pieces(l);
	index_special(l);
	if (l->t->kind == TOKENIZER_BPE && tokenizer_bpe_open(l->t, l->err, l->errlen))
		return -1;
	if (read_ids(l) || read_flags(l))
		return -1;
	mark_ends(l->t);
	return 0;
}

int tokenizer_open(struct tokenizer **out, const struct gguf *gguf, char *warning, size_t warnlen, char *err,
		   size_t errlen)
{
	struct tokenizer *t = xcalloc(1, sizeof(*t));
	struct loader loader = {.t = t, .err = err, .errlen = errlen};
	t->gguf = gguf;
	*out = NULL;
	if (warnlen)
		*warning = '\0';
	if (load(&loader)) {
		tokenizer_close(t);
		return -1;
	}
	if (loader.duplicates)
		snprintf(warning, warnlen, "%d tokens of the vocabulary stand in it twice; the later ones are used",
			 loader.duplicates);
	*out = t;
	return 0;
}

void tokenizer_close(struct tokenizer *t)
{
	if (!t)
		return;
	free(t->pieces);
	free(t->bytes);
	free(t->types);
	free(t->order);
	free(t->ends);
	free(t->slots);
	free(t->special);
	free(t->merges);
	free(t);
}

/* --- Encoding -------------------------------------------------------------------------------------- */

static void encode_text(const struct tokenizer *t, const char *text, size_t len, bool first, struct tokens *out)
{
	for (size_t part; len > 0; text += part, len -= part, first = false) {
		part = len < CHUNK_MAX ? len : CHUNK_MAX;
		switch (t->kind) {
		case TOKENIZER_BPE: tokenizer_bpe_encode(t, text, part, out); break;
		case TOKENIZER_SPM: tokenizer_spm_encode(t, text, part, first, out); break;
		case TOKENIZER_WORDPIECE: tokenizer_wordpiece_encode(t, text, part, out); break;
		}
	}
}

/* The first special token in [low, high) whose byte at depth is at least value; all agree before depth. */
static int lower_bound(const struct tokenizer *t, int low, int high, size_t depth, int value)
{
	while (low < high) {
		int mid = low + (high - low) / 2;
		const struct piece *piece = &t->pieces[t->special[mid]];
		int byte = depth < piece->len ? (unsigned char)t->bytes[piece->at + depth] : -1;
		if (byte < value)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The longest special token that text begins with, -1. */
static int32_t match_special(const struct tokenizer *t, const char *text, size_t len, bool control)
{
	int first = (unsigned char)text[0], low = t->special_from[first], high = t->special_from[first + 1];
	int32_t best = -1;
	for (size_t depth = 1; low < high && depth <= SPECIAL_MAX; depth++) {
		int32_t id = t->special[low];
		if (t->pieces[id].len == depth && (control || t->types[id] == TOKEN_USER))
			best = id;
		if (depth == len)
			break;
		int byte = (unsigned char)text[depth];
		low = lower_bound(t, low, high, depth, byte);
		high = lower_bound(t, low, high, depth, byte + 1);
	}
	return best;
}

void tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, bool special, bool first,
		      struct tokens *out)
{
	size_t done = 0;
	for (size_t at = 0; at < len;) {
		int32_t id = match_special(t, text + at, len - at, special);
		if (id < 0) {
			at++;
			continue;
		}
		encode_text(t, text + done, at - done, first, out);
		tokens_append(out, id);
		at += t->pieces[id].len;
		done = at;
		first = t->types[id] == TOKEN_CONTROL;
	}
	encode_text(t, text + done, len - done, first, out);
}

/* --- Questions ------------------------------------------------------------------------------------- */

const char *tokenizer_piece(const struct tokenizer *t, int32_t id, bool special, size_t *len)
{
	*len = 0;
	if (id < 0 || id >= t->vocab)
		return "";
	if (!special && (t->types[id] == TOKEN_CONTROL || t->types[id] == TOKEN_UNKNOWN))
		return "";
	*len = t->pieces[id].len;
	return bytes_of(t, id);
}

bool tokenizer_strips_first_space(const struct tokenizer *t)
{
	return t->adds_space || t->kind == TOKENIZER_WORDPIECE;
}

int tokenizer_vocab_size(const struct tokenizer *t)
{
	return t->vocab;
}

int32_t tokenizer_find(const struct tokenizer *t, const char *piece)
{
	size_t len = strlen(piece);
	for (int low = 0, high = t->special_count; low < high;) {
		int mid = low + (high - low) / 2;
		int32_t id = t->special[mid];
		int order = compare_bytes(bytes_of(t, id), t->pieces[id].len, piece, len);
		if (!order)
			return id;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return tokenizer_lookup(t, piece, len);
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
	return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
	return t->eos;
}

bool tokenizer_adds_bos(const struct tokenizer *t)
{
	return t->adds_bos;
}

bool tokenizer_adds_eos(const struct tokenizer *t)
{
	return t->adds_eos;
}

bool tokenizer_is_end(const struct tokenizer *t, int32_t id)
{
	return id >= 0 && id < t->vocab && t->ends[id];
}

int32_t tokenizer_named(const struct tokenizer *t, const char *key)
{
	char ignored[256];
	int64_t id = -1;
	return gguf_int(t->gguf, key, 0, t->vocab - 1, &id, ignored, sizeof(ignored)) > 0 ? (int32_t)id : -1;
}

bool tokenizer_is_control(const struct tokenizer *t, int32_t id)
{
	return id >= 0 && id < t->vocab && (t->types[id] == TOKEN_CONTROL || t->types[id] == TOKEN_UNKNOWN);
}
