/* SentencePiece's BPE (google/sentencepiece, bpe_model.cc): characters, joined to the piece of the best score first;
 * what is no piece falls back to bytes. Spaces stand for U+2581 here: pieces are kept decoded. */
#include "merger.h"
#include "tokenizer_private.h"
#include "unicode_classes.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>

static const char meta_space[] = "\xE2\x96\x81"; /* U+2581; in text it means a space too */

struct run {
	const struct tokenizer *t;
	const char *text;
	uint32_t *split; /* [vocab] of unused pieces: bytes of the left part; made when one appears */
	struct tokens *out;
};

static bool score_pair(void *arg, const struct symbol *left, const struct symbol *right, struct pair *pair)
{
	struct run *run = arg;
	if (pair->len > run->t->longest)
		return false;
	pair->result = tokenizer_lookup(run->t, run->text + left->at, pair->len);
	if (pair->result < 0)
		return false;
	pair->order = run->t->order[pair->result];
	if (run->t->types[pair->result] == TOKEN_UNUSED) {
		if (!run->split)
			run->split = xcalloc((size_t)run->t->vocab, sizeof(*run->split));
		run->split[pair->result] = left->len;
	}
	return true;
}

static void emit_bytes(struct run *run, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int32_t id = run->t->byte_ids[(unsigned char)text[i]];
		if (id < 0)
			id = run->t->unknown;
		if (id >= 0)
			tokens_append(run->out, id);
		if (id == run->t->unknown)
			return; /* one unknown token for the whole character */
	}
}

/* A piece may be unused: it helped to join but is not given out; the parts it was joined from are. Each part is
 * shorter, so the parts still to do (right ones, on a stack) are fewer than the bytes. */
static void emit_piece(struct run *run, const char *text, size_t len)
{
	const char *end = text + len;
	struct buffer lengths = {0};
	while (text < end) {
		int32_t id = tokenizer_lookup(run->t, text, len);
		bool unused = id >= 0 && run->t->types[id] == TOKEN_UNUSED;
		size_t left = unused && run->split ? run->split[id] : 0;
		if (left > 0 && left < len) {
			size_t right = len - left;
			buffer_append(&lengths, &right, sizeof(right));
			len = left;
			continue;
		}
		if (id >= 0)
			tokens_append(run->out, id);
		else
			emit_bytes(run, text, len);
		text += len;
		if (lengths.len >= sizeof(len)) {
			lengths.len -= sizeof(len);
			memcpy(&len, lengths.data + lengths.len, sizeof(len));
		}
	}
	buffer_free(&lengths);
}

static void encode_plain(const struct tokenizer *t, const char *text, size_t len, struct tokens *out)
{
	struct merger merger = {0};
	struct run run = {.t = t, .text = text, .out = out};
	for (size_t at = 0, step; at < len; at += step) {
		uint32_t cp;
		step = unicode_decode(text + at, len - at, &cp);
		merger_add(&merger, (uint32_t)at, (uint32_t)step, -1);
	}
	merger_run(&merger, score_pair, &run);
	for (int32_t i = 0; i >= 0 && merger.count; i = merger.symbols[i].next)
		emit_piece(&run, text + merger.symbols[i].at, merger.symbols[i].len);
	free(run.split);
	merger_free(&merger);
}

void tokenizer_spm_encode(const struct tokenizer *t, const char *text, size_t len, bool first, struct tokens *out)
{
	struct buffer plain = {0};
	if (first && t->adds_space && len > 0)
		buffer_append(&plain, " ", 1);
	for (const char *end = text + len; text < end;) {
		const char *mark = memmem(text, (size_t)(end - text), meta_space, 3);
		buffer_append(&plain, text, (size_t)((mark ? mark : end) - text));
		if (mark)
			buffer_append(&plain, " ", 1);
		text = mark ? mark + 3 : end;
	}
	encode_plain(t, plain.data, plain.len, out);
	buffer_free(&plain);
}
