#include "weights.h"
#include "huge_pages.h"

#include <sys/mman.h>
#include <unistd.h>

enum { CHUNK = 8 << 20 /* bytes */ };

/* The system reads a mapped file much faster from front to back than in the order of page
 * faults. Not worth it when the file does not fit into memory: then reading evicts. */
void weights_plan(struct weights *w, const struct gguf *gguf)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = gguf_tensor_count(gguf);
	uintptr_t first = UINTPTR_MAX, last = 0;
	*w = (struct weights){0};
	if (count == 0 || gguf_file_bytes(gguf) > memory / 10 * 9)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct tensor *t = gguf_tensor_at(gguf, i);
		uintptr_t start = (uintptr_t)t->data, end = start + t->size;
		first = start < first ? start : first;
		last = end > last ? end : last;
	}
	first = first / page * page;
	w->file = (const uint8_t *)first;
	w->file_left = w->total = last - first;
	uintptr_t begin = (first + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, end = last / HUGE_PAGE * HUGE_PAGE;
	if (begin < end && huge_pages_worth(end - begin)) {
		w->copy = (uint8_t *)begin;
		w->copy_left = end - begin;
	}
}

static size_t chunk_of(size_t left)
{
	return left < CHUNK ? left : CHUNK;
}

/* A failure is no harm: what is missing comes in when it is used. */
bool weights_bring_in(struct weights *w)
{
	size_t n = chunk_of(w->file_left), next = chunk_of(w->file_left - n);
	if (n == 0)
		return false;
	if (next)
		madvise((void *)(uintptr_t)(w->file + n), next, MADV_WILLNEED);
#ifdef MADV_POPULATE_READ
	if (madvise((void *)(uintptr_t)w->file, n, MADV_POPULATE_READ) != 0) {
		n = w->file_left;
		w->copy_left = 0;
	}
#else
	madvise((void *)(uintptr_t)w->file, n, MADV_WILLNEED);
#endif
	w->file += n;
	w->file_left -= n;
	return true;
}

bool weights_copy(struct weights *w)
{
	size_t n = chunk_of(w->copy_left);
	if (n == 0 || w->file < w->copy + n)
		return false;
	if (!huge_pages_replace(w->copy, n))
		w->copy_left = n = 0;
	w->copy += n;
	w->copy_left -= n;
	return n > 0;
}
