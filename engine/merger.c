#include "merger.h"
#include "../xmalloc.h"

#include <stdlib.h>

void merger_clear(struct merger *m)
{
	m->count = m->heap_count = 0;
}

void merger_free(struct merger *m)
{
	free(m->symbols);
	free(m->heap);
	*m = (struct merger){0};
}

void merger_add(struct merger *m, uint32_t at, uint32_t len, int32_t id)
{
	if (m->count == m->size) {
		m->size = m->size ? m->size * 2 : 64;
		m->symbols = xreallocarray(m->symbols, m->size, sizeof(*m->symbols));
	}
	int32_t index = (int32_t)m->count++;
	m->symbols[index] = (struct symbol){at, len, id, index - 1, -1};
	if (index > 0)
		m->symbols[index - 1].next = index;
}

static bool before(const struct pair *a, const struct pair *b)
{
	return a->order != b->order ? a->order < b->order : a->left < b->left;
}

static void push(struct merger *m, struct pair pair)
{
	if (m->heap_count == m->heap_size) {
		m->heap_size = m->heap_size ? m->heap_size * 2 : 64;
		m->heap = xreallocarray(m->heap, m->heap_size, sizeof(*m->heap));
	}
	size_t i = m->heap_count++;
	while (i > 0 && before(&pair, &m->heap[(i - 1) / 2])) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = pair;
}

static struct pair pop(struct merger *m)
{
	struct pair best = m->heap[0], last = m->heap[--m->heap_count];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < m->heap_count; i = child) {
		if (child + 1 < m->heap_count && before(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (!before(&m->heap[child], &last))
			break;
		m->heap[i] = m->heap[child];
	}
	m->heap[i] = last;
	return best;
}

static void consider(struct merger *m, int32_t left, merger_fn *fn, void *arg)
{
	if (left < 0 || m->symbols[left].next < 0)
		return;
	const struct symbol *a = &m->symbols[left], *b = &m->symbols[a->next];
	struct pair pair = {.left = left, .len = a->len + b->len};
	if (fn(arg, a, b, &pair))
		push(m, pair);
}

static void join(struct merger *m, const struct pair *pair)
{
	struct symbol *left = &m->symbols[pair->left], *right = &m->symbols[left->next];
	left->len = pair->len;
	left->id = pair->result;
	left->next = right->next;
	right->len = 0;
	if (left->next >= 0)
		m->symbols[left->next].prev = pair->left;
}

void merger_run(struct merger *m, merger_fn *fn, void *arg)
{
	for (size_t i = 0; i + 1 < m->count; i++)
		consider(m, (int32_t)i, fn, arg);
	while (m->heap_count) {
		struct pair pair = pop(m);
		const struct symbol *left = &m->symbols[pair.left];
		if (!left->len || left->next < 0 || left->len + m->symbols[left->next].len != pair.len)
			continue;
		join(m, &pair);
		consider(m, m->symbols[pair.left].prev, fn, arg);
		consider(m, pair.left, fn, arg);
	}
}
