#include "lookup.h"
#include "../xmalloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAIR = 2,
	FOUR = 4,
	HASH_BITS = 15,
	CANDIDATES = 16, /* earlier places looked at for each question */
	BREAK = -1,
	EDITS = 32, /* remembered */
	PHRASE = 8, /* tokens of an edit, at most */
	DRIFT = 16, /* tokens after which a text that was left is not looked for any more */
	ALIKE = 32, /* tokens of the past that are compared */
};

/* Earlier places that end in the same few tokens, by a hash of these, newest first. */
struct index {
	int order;
	int32_t *head; /* [1 << HASH_BITS] the newest place, -1: none */
	int32_t *prev; /* [size] the next older place of the same hash */
};

/* Tokens first..first + len - 1 of the log. */
struct phrase {
	int first, len;
};

struct edit {
	struct phrase from, to;
};

struct lookup {
	int size, count;
	int32_t *ids; /* [size] */
	struct index pair, four;
	/* The text that is being followed: the token expected next stands at `source`, -1: none. Where it was left,
	 * left_source and left_at (the first token that was not the expected one) say so; left_at -1: it was not. */
	int source, left_source, left_at;
	struct edit edit[EDITS]; /* a ring */
	int edits;
};

static void clear_index(struct index *index)
{
	memset(index->head, 0xff, sizeof(*index->head) << HASH_BITS);
}

static void create_index(struct index *index, int order, int size)
{
	index->order = order;
	index->head = xcalloc((size_t)1 << HASH_BITS, sizeof(*index->head));
	index->prev = xcalloc((size_t)size, sizeof(*index->prev));
	clear_index(index);
}

struct lookup *lookup_create(int size)
{
	struct lookup *l = xcalloc(1, sizeof(*l));
	l->size = size < 64 ? 64 : size;
	l->ids = xcalloc((size_t)l->size, sizeof(*l->ids));
	create_index(&l->pair, PAIR, l->size);
	create_index(&l->four, FOUR, l->size);
	l->source = l->left_at = -1;
	return l;
}

void lookup_destroy(struct lookup *l)
{
	if (!l)
		return;
	free(l->pair.head);
	free(l->pair.prev);
	free(l->four.head);
	free(l->four.prev);
	free(l->ids);
	free(l);
}

/* --- The index ------------------------------------------------------------------------ */

/* Of the tokens that end at `last`; -1 when there are not that many, or a break is among them. */
static int hash_at(const struct lookup *l, const struct index *index, int last)
{
	uint64_t hash = 0;
	if (last + 1 < index->order)
		return -1;
	for (int i = last - index->order + 1; i <= last; i++) {
		if (l->ids[i] == BREAK)
			return -1;
		hash = (hash ^ (uint32_t)l->ids[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return (int)(hash * 0x9e3779b97f4a7c15u >> (64 - HASH_BITS));
}

static void note(struct lookup *l, struct index *index, int last)
{
	int hash = hash_at(l, index, last);
	index->prev[last] = hash < 0 ? -1 : index->head[hash];
	if (hash >= 0)
		index->head[hash] = last;
}

/* Places are noted one token late, when something has followed them. */
static void note_before(struct lookup *l, int last)
{
	if (last > 0) {
		note(l, &l->pair, last - 1);
		note(l, &l->four, last - 1);
	}
}

static void drop_older_half(struct lookup *l)
{
	int gone = l->count / 2;
	l->count -= gone;
	memmove(l->ids, l->ids + gone, (size_t)l->count * sizeof(*l->ids));
	clear_index(&l->pair);
	clear_index(&l->four);
	for (int i = 0; i < l->count; i++)
		note_before(l, i);
	l->source = l->left_at = -1;
	l->edits = 0;
}

/* --- Following a text and its edits ------------------------------------------------------- */

static bool stands_at(const struct lookup *l, struct phrase phrase, int at)
{
	return phrase.len > 0 && at + phrase.len <= l->count &&
	       memcmp(l->ids + phrase.first, l->ids + at, (size_t)phrase.len * sizeof(*l->ids)) == 0;
}

/* What stands at `at` was not edited this time: then it need not be the next time. */
static void forget_edits(struct lookup *l, int at)
{
	for (int i = 0; i < EDITS; i++)
		if (stands_at(l, l->edit[i].from, at))
			l->edit[i].from.len = 0;
}

static void follow(struct lookup *l, int32_t id, int at)
{
	if (l->source >= at)
		l->source = -1; /* it has caught up with the present */
	if (l->source < 0 || l->left_at >= 0)
		return;
	if (l->ids[l->source] == id) {
		forget_edits(l, l->source++);
	} else {
		l->left_source = l->source;
		l->left_at = at;
	}
}

/* The text is followed again: the newest `same` tokens stand at ..last as well. What lies between is an edit. */
static void meet(struct lookup *l, int last, int same)
{
	if (l->left_at >= 0 && last >= l->left_source && last < l->left_source + DRIFT) {
		int in_source = last + 1 - l->left_source, in_log = l->count - l->left_at;
		same = same < in_source ? same : in_source;
		same = same < in_log ? same : in_log;
		struct edit edit = {{l->left_source, in_source - same}, {l->left_at, in_log - same}};
		if (edit.from.len > 0 && edit.from.len <= PHRASE && edit.to.len > 0 && edit.to.len <= PHRASE)
			l->edit[l->edits++ % EDITS] = edit;
	}
	l->left_at = -1;
	l->source = last + 1;
}

/* The newest edit that was made to what stands at `at`. */
static const struct edit *edit_at(const struct lookup *l, int at)
{
	int known = l->edits < EDITS ? l->edits : EDITS;
	for (int i = 1; i <= known; i++) {
		const struct edit *edit = &l->edit[(l->edits - i) % EDITS];
		if (stands_at(l, edit->from, at))
			return edit;
	}
	return NULL;
}

static int copy_edited(const struct lookup *l, int at, int most, int32_t *ids)
{
	int n = 0;
	/* What repeats itself up to the present goes on with what is proposed here. */
	while (n < most && at < l->count + n) {
		int32_t id = at < l->count ? l->ids[at] : ids[at - l->count];
		const struct edit *edit = edit_at(l, at);
		if (id == BREAK)
			break;
		for (int i = 0; edit && i < edit->to.len && n < most; i++)
			ids[n++] = l->ids[edit->to.first + i];
		if (!edit)
			ids[n++] = id;
		at += edit ? edit->from.len : 1;
	}
	return n;
}

/* --- Asking --------------------------------------------------------------------------------- */

void lookup_append(struct lookup *l, int32_t id)
{
	if (l->count == l->size)
		drop_older_half(l);
	follow(l, id, l->count);
	l->ids[l->count++] = id;
	note_before(l, l->count - 1);
}

void lookup_break(struct lookup *l)
{
	if (l->count && l->ids[l->count - 1] != BREAK)
		lookup_append(l, BREAK);
	l->source = l->left_at = -1;
	l->edits = 0;
}

/* How many tokens before and at `last` are those at the end of the log. */
static int alike(const struct lookup *l, int last, int most)
{
	int same = 0;
	while (same < most && same <= last && l->ids[last - same] == l->ids[l->count - 1 - same] &&
	       l->ids[last - same] != BREAK)
		same++;
	return same;
}

struct match {
	int last, same;
};

static struct match best_match(const struct lookup *l, const struct index *index)
{
	struct match best = {-1, 0};
	int hash = l->count ? hash_at(l, index, l->count - 1) : -1, at = hash < 0 ? -1 : index->head[hash];
	for (int i = 0; i < CANDIDATES && at >= 0 && best.same < ALIKE; i++, at = index->prev[at]) {
		int same = alike(l, at, ALIKE);
		if (same > best.same)
			best = (struct match){at, same};
	}
	return best.same >= index->order ? best : (struct match){-1, 0};
}

/* The text that is followed may be too old for the index to find among others like it. */
static struct match followed_match(const struct lookup *l)
{
	if (l->source < 1 || l->source >= l->count || l->left_at >= 0)
		return (struct match){-1, 0};
	return (struct match){l->source - 1, alike(l, l->source - 1, ALIKE)};
}

/* Shortly after the followed text was left: where in it the newest tokens may stand. */
static struct match near_match(const struct lookup *l)
{
	struct match best = {-1, 0};
	int age = l->left_at < 0 ? 0 : l->count - l->left_at;
	if (age == 0 || age > DRIFT)
		return best;
	for (int i = 0; i < DRIFT && l->left_source + i < l->left_at; i++) {
		int same = alike(l, l->left_source + i, age < i + 1 ? age : i + 1);
		if (same > best.same)
			best = (struct match){l->left_source + i, same};
	}
	/* At first it is taken for granted that one token stands for another. */
	if (best.same == 0 && age == 1)
		best.last = l->left_source;
	return best;
}

/* The text was left for an edit that was made before: the rest of it, and what follows. */
static int finish_edit(const struct lookup *l, int most, int32_t *ids)
{
	int age = l->left_at < 0 ? 0 : l->count - l->left_at, known = l->edits < EDITS ? l->edits : EDITS;
	for (int i = 1; age > 0 && i <= known; i++) {
		const struct edit *edit = &l->edit[(l->edits - i) % EDITS];
		int n = 0;
		if (age > edit->to.len || !stands_at(l, edit->from, l->left_source) ||
		    !stands_at(l, (struct phrase){edit->to.first, age}, l->left_at))
			continue;
		while (n < most && age + n < edit->to.len) {
			ids[n] = l->ids[edit->to.first + age + n];
			n++;
		}
		return n + copy_edited(l, l->left_source + edit->from.len, most - n, ids + n);
	}
	return 0;
}

static enum lookup_kind kind_of(int same)
{
	static const int least[] = {20, 10, 6, 4, 3};
	static const enum lookup_kind kinds[] = {LOOKUP_TWENTY, LOOKUP_TEN, LOOKUP_SIX, LOOKUP_FOUR, LOOKUP_THREE};
	for (size_t i = 0; i < sizeof(least) / sizeof(*least); i++)
		if (same >= least[i])
			return kinds[i];
	return LOOKUP_PAIR;
}

int lookup_next(struct lookup *l, int most, int32_t *ids, enum lookup_kind *kind)
{
	int n = finish_edit(l, most, ids);
	*kind = LOOKUP_NEAR;
	if (n)
		return n;
	struct match match = best_match(l, &l->four), followed = followed_match(l), near = near_match(l);
	if (match.last < 0)
		match = best_match(l, &l->pair);
	if (followed.same >= FOUR && followed.same >= match.same)
		match = followed;
	*kind = kind_of(match.same);
	/* A token that agrees close to where the text was left says more than one anywhere. */
	if (near.last >= 0 && near.same + 2 >= match.same) {
		match = near;
		*kind = near.same >= PAIR ? LOOKUP_NEAR : LOOKUP_SWAP;
	}
	if (match.last < 0)
		return 0;
	if (*kind >= LOOKUP_NEAR)
		meet(l, match.last, match.same);
	return copy_edited(l, match.last + 1, most, ids);
}
