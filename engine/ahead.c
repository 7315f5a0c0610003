#include "ahead.h"
#include "answer.h"
#include "recall.h"
#include "../log.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Tokens read at once: a cancel may lose the work of as many, but more at once are read faster. */
	STEP = 32,
	STEP_LONG = 128,
	LONG = 512,     /* tokens left to read from which on the long step is taken */
	WORD_MOST = 64, /* bytes without a space after which the text counts as written without spaces */
	WORD_KEPT = 24, /* bytes of such a text that may still change */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

size_t ahead_stable(const char *text, size_t len)
{
	size_t at = len;
	while (at > 0 && len - at < WORD_MOST && !is_space(text[at - 1]))
		at--;
	if (at > 0 && !is_space(text[at - 1])) {
		at = len - WORD_KEPT;
		while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
			at--;
		return at;
	}
	while (at > 0 && is_space(text[at - 1]))
		at--;
	return at;
}

/* The ids of the conversation when its unfinished message ends in `ending`. */
static bool encode(struct context *c, const struct engine_request *r, const char *ending, struct tokens *ids)
{
	char err[256];
	struct answer_cut cut;
	struct engine_request whole = *r;
	struct engine_message *messages = xcalloc((size_t)r->count + 1, sizeof(*messages));
	struct buffer text = {0};
	if (r->count)
		memcpy(messages, r->messages, (size_t)r->count * sizeof(*messages));
	if (!r->count || messages[r->count - 1].role != ENGINE_USER)
		messages[whole.count++] = (struct engine_message){.role = ENGINE_USER, .content = ""};
	struct engine_message *last = &messages[whole.count - 1];
	buffer_append(&text, last->content, ahead_stable(last->content, last->len));
	buffer_puts(&text, ending);
	last->content = text.data;
	last->len = text.len;
	whole.messages = messages;
	bool encoded = answer_prompt(c, &whole, ids, &cut, err, sizeof(err)) == 0;
	buffer_free(&text);
	free(messages);
	return encoded;
}

static size_t common(const struct tokens *a, const struct tokens *b)
{
	size_t same = 0, most = a->count < b->count ? a->count : b->count;
	while (same < most && a->ids[same] == b->ids[same])
		same++;
	return same;
}

/* Two conversations that go on differently have the same tokens as far as nothing that follows changes them. */
static size_t stable_tokens(struct context *c, const struct engine_request *r, struct tokens *ids)
{
	struct tokens other = {0};
	size_t same = 0;
	if (encode(c, r, " a", ids) && !atomic_load(c->cancel) && encode(c, r, "\n1", &other))
		same = common(ids, &other);
	tokens_free(&other);
	return same;
}

void ahead_read(struct context *c, const struct engine_request *r)
{
	struct tokens ids = {0};
	char err[256];
	int got = 0;
	recall_attach(c, r->cache, r->cache_limit);
	ids.count = r->raw ? 0 : stable_tokens(c, r, &ids);
	if (ids.count)
		recall_take(c, &ids);
	size_t begun = c->read.count;
	while (got >= 0 && c->read.count < ids.count && !atomic_load(c->cancel)) {
		size_t left = ids.count - c->read.count, step = left >= LONG ? STEP_LONG : STEP;
		got = context_read(c, ids.ids + c->read.count, (int)(left < step ? left : step), false);
	}
	if (got == CONTEXT_FAULT)
		context_fault(c, err, sizeof(err)); /* the next answer will say so */
	else if (c->read.count > begun)
		log_write("read ahead: %zu tokens, %zu of them now", c->read.count, c->read.count - begun);
	tokens_free(&ids);
}
