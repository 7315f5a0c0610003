#include "kv_cache.h"
#include "kernels/kernels.h"
#include "../xmalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct kv_cache {
	struct kv_shape shape;
	size_t key_row, value_row;   /* bytes */
	size_t key_head, value_head; /* bytes of one head's positions, whole pages */
	uint8_t *memory;
	size_t size, keys; /* bytes in all; of the keys, which come first */
};

static size_t whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (bytes + page - 1) / page * page;
}

int kv_cache_create(struct kv_cache **out, const struct kv_shape *shape, char *err, size_t errlen)
{
	struct kv_cache *cache = xcalloc(1, sizeof(*cache));
	cache->shape = *shape;
	cache->key_row = kernels_kv_row_bytes((int)shape->type, shape->head_k);
	cache->value_row = kernels_kv_row_bytes((int)shape->type, shape->head_v);
	cache->key_head = whole_pages(cache->key_row * (size_t)shape->positions);
	cache->value_head = whole_pages(cache->value_row * (size_t)shape->positions);
	size_t heads = (size_t)shape->layers * (size_t)shape->heads, both;
	if (__builtin_mul_overflow(heads, cache->key_head + cache->value_head, &both))
		both = SIZE_MAX;
	cache->keys = heads * cache->key_head;
	cache->size = both;
	cache->memory = MAP_FAILED;
	errno = ENOMEM;
	if (both != SIZE_MAX)
		cache->memory =
			mmap(NULL, both, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (cache->memory == MAP_FAILED) {
		snprintf(err, errlen, "no room for a context of %d tokens (%zu MiB): %s; choose a smaller --ctx-size",
			 shape->positions, both >> 20, strerror(errno));
		free(cache);
		return -1;
	}
	*out = cache;
	return 0;
}

void kv_cache_destroy(struct kv_cache *cache)
{
	if (!cache)
		return;
	munmap(cache->memory, cache->size);
	free(cache);
}

const struct kv_shape *kv_cache_shape(const struct kv_cache *cache)
{
	return &cache->shape;
}

uint8_t *kv_cache_key(const struct kv_cache *cache, int layer, int head, int position)
{
	size_t row = (size_t)layer * (size_t)cache->shape.heads + (size_t)head;
	return cache->memory + row * cache->key_head + (size_t)position * cache->key_row;
}

uint8_t *kv_cache_value(const struct kv_cache *cache, int layer, int head, int position)
{
	size_t row = (size_t)layer * (size_t)cache->shape.heads + (size_t)head;
	return cache->memory + cache->keys + row * cache->value_head + (size_t)position * cache->value_row;
}

static void release_rows(uint8_t *head, size_t row, size_t size, int first)
{
	size_t kept = whole_pages((size_t)first * row);
	if (kept < size)
		madvise(head + kept, size - kept, MADV_DONTNEED);
}

void kv_cache_release(struct kv_cache *cache, int first)
{
	for (int layer = 0; layer < cache->shape.layers; layer++)
		for (int head = 0; head < cache->shape.heads; head++) {
			release_rows(kv_cache_key(cache, layer, head, 0), cache->key_row, cache->key_head, first);
			release_rows(kv_cache_value(cache, layer, head, 0), cache->value_row, cache->value_head, first);
		}
}
