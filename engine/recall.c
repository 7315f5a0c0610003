#include "recall.h"
#include "answer.h"
#include "kv_writer.h"
#include "text_stream.h"
#include "../log.h"
#include "../xmalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACES = 2, TRIES = 4 };

struct kept {
	bool known;
	struct kv_slot slot;
	float *logits; /* [vocab] */
};

struct recall {
	struct tokens ids; /* marked; the same as context->read */
	struct kept kept[PLACES];
	int turn, rest_from, rest_to; /* positions of the prompt that end the model's last words */
	char *path;                   /* as attached; NULL: none */
	struct kv_file *file;
	struct kv_writer *writer; /* NULL: another process writes the file */
};

struct recall *recall_create(const struct context *c)
{
	struct recall *r = xcalloc(1, sizeof(*r));
	for (int i = 0; i < PLACES; i++)
		r->kept[i].logits = xcalloc((size_t)c->model->h.vocab, sizeof(float));
	return r;
}

/* --- The file --------------------------------------------------------------------------- */

static void detach(struct recall *r)
{
	kv_writer_stop(r->writer);
	kv_file_close(r->file);
	free(r->path);
	r->writer = NULL;
	r->file = NULL;
	r->path = NULL;
}

void recall_destroy(struct recall *r)
{
	if (!r)
		return;
	detach(r);
	for (int i = 0; i < PLACES; i++)
		free(r->kept[i].logits);
	tokens_free(&r->ids);
	free(r);
}

/* The logits that the file has, and where the conversation was cut when it had outgrown the context:
 * cut there again, its beginning is the same. */
static void read_slots(struct context *c)
{
	struct recall *r = c->recall;
	c->left_out = r->turn = 0;
	for (int i = 0; i < PLACES; i++) {
		struct kept *kept = &r->kept[i];
		kept->known = kv_file_read_slot(r->file, i, &kept->slot, kept->logits);
		if (kept->known && kept->slot.turn >= r->turn) {
			r->turn = kept->slot.turn;
			c->left_out = kept->slot.left_out;
		}
	}
}

void recall_attach(struct context *c, const char *path, uint64_t limit)
{
	struct recall *r = c->recall;
	char err[512];
	if (!r) /* a vocabulary alone has nothing to keep */
		return;
	if (path && r->writer && strcmp(path, r->path) == 0 && kv_file_current(r->file)) {
		kv_writer_limit(r->writer, limit);
		return;
	}
	detach(r);
	if (!path)
		return;
	struct kv_file_kind kind = {.shape = *kv_cache_shape(c->cache), .vocab = c->model->h.vocab};
	memcpy(kind.fingerprint, c->model->fingerprint, sizeof(kind.fingerprint));
	if (kv_file_open(&r->file, path, &kind, err, sizeof(err))) {
		log_write("%s; nothing is kept there", err);
		return;
	}
	r->path = xstrdup(path);
	read_slots(c);
	if (kv_file_writable(r->file))
		r->writer = kv_writer_start(r->file, c->cache, limit);
	if (!r->writer)
		log_write("%s: another program writes it, or nobody may; what is read now is not kept", path);
}

/* --- What was read agrees with a prompt so far ---------------------------------------------- */

struct match {
	int own, prompt; /* the first `own` ids that were read say what the first `prompt` ids of the prompt say */
	int exact;       /* that many are the same ids, too */
	/* What the model read ends within the last of those tokens of the prompt; this is left of it. */
	const char *rest;
	size_t rest_len;
};

struct side {
	const int32_t *ids;
	int at, count;
	const char *piece; /* what is left of the token before `at` */
	size_t len;
};

/* The bytes of the side's next token; false where no text goes on. */
static bool next_piece(const struct tokenizer *t, struct side *s, bool made)
{
	if (s->at >= s->count || (made && !(s->ids[s->at] & KV_MADE)) ||
	    (!made && tokenizer_is_control(t, s->ids[s->at])))
		return false;
	s->piece = tokenizer_piece(t, kv_id(s->ids[s->at++]), false, &s->len);
	return true;
}

static void skip_space(struct side *s)
{
	if (s->len && *s->piece == ' ')
		s->piece++, s->len--;
}

/* The prompt's words are over. So are the model's, if it said nothing more than half a character,
 * which is never passed on, or tokens without text. */
static bool words_end(const struct tokenizer *t, struct side *own)
{
	struct text_stream held = {0};
	bool over = true;
	do
		over &= text_stream_add(&held, own->piece, own->len) == 0;
	while (over && next_piece(t, own, true));
	buffer_free(&held.bytes);
	return over;
}

static bool answer_begins(const struct side *own)
{
	return own->at == 0 || !(own->ids[own->at - 1] & KV_MADE);
}

/* SentencePiece puts a space before a text and takes one off an answer, whether the model began with
 * one or not: at the beginning of an answer neither side's space counts. */
static bool begin_words(const struct tokenizer *t, struct side *own, struct side *prompt)
{
	own->len = prompt->len = 0;
	bool begins = answer_begins(own);
	if (!next_piece(t, own, true))
		return false;
	if (begins && tokenizer_strips_first_space(t) && next_piece(t, prompt, false)) {
		skip_space(own);
		skip_space(prompt);
	}
	return true;
}

/* The model need not spell as the tokeniser does: its own tokens may part from the prompt's and meet
 * again after the same bytes. Moves both to that place; false when there is none. */
static bool same_words(const struct tokenizer *t, struct side own, struct side prompt, struct match *m)
{
	size_t bytes = 0;
	bool agreed = !answer_begins(&own); /* on the words before */
	bool good = begin_words(t, &own, &prompt), over = false;
	/* Tokens without text prove nothing by themselves. */
	while (good && !over && (bytes == 0 || own.len != prompt.len || own.len)) {
		if (prompt.len == 0 && !next_piece(t, &prompt, false)) {
			good = words_end(t, &own);
			over = true;
		} else if (own.len == 0 && !next_piece(t, &own, true)) {
			good = over = own.at == own.count && (bytes || agreed);
			m->rest = good ? prompt.piece : NULL;
			m->rest_len = good ? prompt.len : 0;
		} else {
			size_t n = own.len < prompt.len ? own.len : prompt.len;
			good = memcmp(own.piece, prompt.piece, n) == 0;
			own.piece += n, own.len -= n;
			prompt.piece += n, prompt.len -= n;
			bytes += n;
		}
	}
	if (good) {
		m->own = own.at;
		m->prompt = prompt.at;
	}
	return good;
}

static struct match compare(const struct context *c, const struct tokens *own, const struct tokens *prompt)
{
	struct match m = {0};
	struct side o = {.ids = own->ids, .count = (int)own->count};
	struct side p = {.ids = prompt->ids, .count = (int)prompt->count};
	bool exact = true;
	for (;;) {
		while (m.own < o.count && m.prompt < p.count && kv_id(o.ids[m.own]) == p.ids[m.prompt])
			m.own++, m.prompt++;
		m.exact = exact ? m.own : m.exact;
		exact = false;
		o.at = m.own;
		p.at = m.prompt;
		if (m.own == o.count || m.prompt == p.count || !same_words(c->tokenizer, o, p, &m) || m.rest_len)
			return m;
	}
}

/* Which records go on in another one at their very end; all others end a branch. Caller frees. */
static bool *continued(const struct kv_file *file)
{
	int count = kv_file_count(file);
	bool *goes_on = xcalloc((size_t)count + 1, sizeof(*goes_on));
	for (int i = 0; i < count; i++) {
		const struct kv_record *r = kv_file_record(file, i);
		const struct kv_record *parent = r->parent >= 0 ? kv_file_record(file, r->parent) : NULL;
		if (parent && r->first == parent->first + parent->count)
			goes_on[r->parent] = true;
	}
	return goes_on;
}

/* The branch of the file that agrees with more of the prompt than the match has; -1: none. */
static int find_branch(const struct context *c, const struct tokens *prompt, struct match *best, struct tokens *ids)
{
	const struct kv_file *file = c->recall->file;
	int found = -1;
	struct tokens branch = {0};
	bool *goes_on = continued(file);
	for (int i = 0; i < kv_file_count(file); i++) {
		if (goes_on[i])
			continue;
		kv_file_branch(file, i, &branch);
		struct match m = compare(c, &branch, prompt);
		if (m.own <= best->own || m.own > c->size)
			continue;
		*best = m;
		found = i;
		struct tokens swap = *ids;
		*ids = branch;
		branch = swap;
	}
	tokens_free(&branch);
	free(goes_on);
	return found;
}

/* --- Taking over ---------------------------------------------------------------------------- */

enum outcome { LOADED, CANCELLED, DAMAGED };

struct load {
	struct context *c;
	const struct kv_file *file;
	const struct kv_record **records; /* [parts], from the last to the first */
	int *ends;                        /* [parts] where the next one branches off */
	enum outcome *outcome;            /* [parts] */
	int parts, from, to;
	uint8_t **scratch; /* [threads] */
	size_t bytes;      /* of each */
};

static void load_part(void *arg, int part, int thread)
{
	struct load *l = arg;
	const struct kv_record *r = l->records[part];
	if (atomic_load(l->c->cancel))
		return;
	if (!l->scratch[thread])
		l->scratch[thread] = xmalloc(l->bytes);
	l->outcome[part] = DAMAGED;
	if (kv_file_read(l->file, r, l->scratch[thread]))
		return;
	kv_file_scatter(l->file, r, l->scratch[thread], r->first > l->from ? r->first : l->from, l->ends[part],
			l->c->cache);
	l->outcome[part] = LOADED;
}

static void plan_load(struct load *l, int record)
{
	int count = kv_file_count(l->file);
	l->records = xcalloc((size_t)count, sizeof(*l->records));
	l->ends = xcalloc((size_t)count, sizeof(*l->ends));
	l->outcome = xcalloc((size_t)count, sizeof(*l->outcome));
	l->scratch = xcalloc((size_t)pool_threads(l->c->pool), sizeof(*l->scratch));
	record = kv_file_holder(l->file, record, l->to - 1);
	for (int end = l->to; end > l->from; record = kv_file_record(l->file, record)->parent) {
		const struct kv_record *r = kv_file_record(l->file, record);
		size_t bytes = kv_file_record_bytes(l->file, r->count);
		l->records[l->parts] = r;
		l->ends[l->parts] = end;
		l->outcome[l->parts++] = CANCELLED;
		l->bytes = bytes > l->bytes ? bytes : l->bytes;
		end = r->first;
	}
}

static void free_load(struct load *l)
{
	for (int i = 0; i < pool_threads(l->c->pool); i++)
		free(l->scratch[i]);
	free(l->scratch);
	free(l->outcome);
	free(l->ends);
	free(l->records);
}

static void drop_record(struct recall *r, const struct kv_record *record)
{
	int index = (int)(record - kv_file_record(r->file, 0));
	log_write("%s: damaged after %llu bytes; the rest is discarded", r->path, (unsigned long long)record->offset);
	if (r->writer)
		kv_writer_drop(r->writer, index);
	else
		kv_file_cut(r->file, index);
}

/* Brings positions up to `to` of the branch into the context. False when some of them were damaged, and
 * are in the file no more. */
static bool load(struct context *c, int record, const struct tokens *branch, int to)
{
	struct recall *r = c->recall;
	int from = 0, usable = to;
	while (from < to && from < (int)r->ids.count && kv_id(r->ids.ids[from]) == kv_id(branch->ids[from]))
		from++;
	context_truncate(c, from);
	struct load l = {.c = c, .file = r->file, .from = from, .to = to};
	double began = answer_clock_ms();
	const struct kv_record *damaged = NULL;
	plan_load(&l, record);
	pool_run(c->pool, l.parts, load_part, &l);
	for (int i = 0; i < l.parts; i++)
		if (l.outcome[i] != LOADED) {
			usable = l.records[i]->first;
			damaged = l.outcome[i] == DAMAGED ? l.records[i] : NULL;
		}
	for (int i = from; i < usable; i++) {
		tokens_append(&c->read, kv_id(branch->ids[i]));
		tokens_append(&r->ids, branch->ids[i]);
	}
	log_write("%s: %d tokens brought in, in %.0f ms", r->path, usable - from, answer_clock_ms() - began);
	if (damaged)
		drop_record(r, damaged);
	free_load(&l);
	return !damaged;
}

/* The match with what the context holds after loading what the file has more of; false to look again. */
static bool look(struct context *c, const struct tokens *prompt, struct match *best)
{
	struct recall *r = c->recall;
	struct tokens branch = {0};
	bool good = true;
	*best = compare(c, &r->ids, prompt);
	if (r->writer)
		kv_writer_lock(r->writer);
	int record = r->file ? find_branch(c, prompt, best, &branch) : -1;
	if (r->writer)
		kv_writer_unlock(r->writer);
	if (record >= 0) {
		/* The writer may have gone on; now it stands still. */
		if (r->writer)
			kv_writer_hold(r->writer);
		*best = compare(c, &r->ids, prompt);
		record = find_branch(c, prompt, best, &branch);
		good = record < 0 || load(c, record, &branch, best->own);
		if (r->writer)
			kv_writer_release(r->writer);
	}
	tokens_free(&branch);
	return good;
}

/* The prompt in the words of the match. */
static void adopt(struct context *c, struct tokens *prompt, const struct match *m)
{
	struct recall *r = c->recall;
	struct tokens spelled = {0};
	r->rest_from = r->rest_to = 0;
	if (m->own == m->exact)
		return;
	for (int i = 0; i < m->own; i++)
		tokens_append(&spelled, c->read.ids[i]);
	if (m->rest_len)
		tokenizer_encode(c->tokenizer, m->rest, m->rest_len, false, false, &spelled);
	r->rest_from = m->own;
	r->rest_to = (int)spelled.count;
	for (size_t i = (size_t)m->prompt; i < prompt->count; i++)
		tokens_append(&spelled, prompt->ids[i]);
	tokens_free(prompt);
	*prompt = spelled;
}

static bool logits_known(struct context *c, const struct tokens *prompt)
{
	const struct recall *r = c->recall;
	uint64_t sum = kv_file_sum(prompt->ids, (int)prompt->count);
	for (int i = 0; i < PLACES; i++) {
		const struct kept *kept = &r->kept[i];
		if (!kept->known || (size_t)kept->slot.tokens != prompt->count || kept->slot.ids_sum != sum)
			continue;
		c->logits = c->all_logits;
		memcpy(c->logits, kept->logits, (size_t)c->model->h.vocab * sizeof(*c->logits));
		return true;
	}
	return false;
}

void recall_take(struct context *c, struct tokens *prompt)
{
	struct recall *r = c->recall;
	struct match m;
	for (int tries = 0; !look(c, prompt, &m) && tries < TRIES; tries++)
		;
	m = compare(c, &r->ids, prompt);
	/* Other words must not make a prompt that fits one that does not. */
	if ((size_t)m.own + m.rest_len + prompt->count - (size_t)m.prompt >= (size_t)c->size)
		m = (struct match){m.exact, m.exact, m.exact, NULL, 0};
	adopt(c, prompt, &m);
	int have = m.own;
	if (have == (int)prompt->count && !logits_known(c, prompt))
		have--;
	context_truncate(c, have);
	if (r->writer)
		kv_writer_follow(r->writer, r->ids.ids, (int)r->ids.count);
}

/* --- Remembering ------------------------------------------------------------------------------ */

void recall_keep(struct context *c, enum recall_place place)
{
	struct recall *r = c->recall;
	struct kept *kept = &r->kept[place];
	int vocab = c->model->h.vocab;
	kept->known = true;
	kept->slot = (struct kv_slot){.ids_sum = kv_file_sum(r->ids.ids, (int)r->ids.count),
				      .tokens = (int)r->ids.count,
				      .left_out = c->left_out,
				      .turn = place == RECALL_PROMPT ? ++r->turn : r->turn};
	memcpy(kept->logits, c->logits, (size_t)vocab * sizeof(*kept->logits));
	if (r->writer)
		kv_writer_keep(r->writer, (int)place, &kept->slot, kept->logits, vocab);
}

void recall_forget(struct context *c)
{
	struct recall *r = c->recall;
	for (int i = 0; i < PLACES; i++)
		r->kept[i].known = false;
	context_truncate(c, 0);
	if (!r->file)
		return;
	log_write("%s: discarded: what it holds leads to values that are not numbers", r->path);
	if (r->writer && kv_file_current(r->file))
		unlink(r->path);
	detach(r);
}

void recall_added(struct context *c, const int32_t *ids, int count, bool made)
{
	struct recall *r = c->recall;
	size_t first = r->ids.count;
	for (int i = 0; i < count; i++) {
		int at = (int)r->ids.count;
		bool its_own = made || (at >= r->rest_from && at < r->rest_to);
		tokens_append(&r->ids, its_own ? ids[i] | KV_MADE : ids[i]);
	}
	if (r->writer)
		kv_writer_add(r->writer, r->ids.ids + first, count);
}

void recall_cut(struct context *c, int count)
{
	struct recall *r = c->recall;
	if (r->ids.count > (size_t)count)
		r->ids.count = (size_t)count;
	if (r->writer)
		kv_writer_cut(r->writer, count);
}
