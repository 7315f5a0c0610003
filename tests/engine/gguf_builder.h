/* gguf_builder.h: GGUF files byte by byte, right or wrong on purpose. */
#ifndef GGUF_BUILDER_H
#define GGUF_BUILDER_H

#include "engine/gguf.h"
#include "xmalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct gguf_builder {
	struct buffer values, tensors, data;
	uint64_t value_count, tensor_count;
};

static inline void put_le(struct buffer *b, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++, value >>= 8) {
		char byte = (char)value;
		buffer_append(b, &byte, 1);
	}
}

static inline void put_string(struct buffer *b, const char *text)
{
	put_le(b, strlen(text), 8);
	buffer_puts(b, text);
}

static inline void put_key(struct gguf_builder *g, const char *key, uint32_t type)
{
	put_string(&g->values, key);
	put_le(&g->values, type, 4);
	g->value_count++;
}

static inline void put_u32(struct gguf_builder *g, const char *key, uint32_t value)
{
	put_key(g, key, GGUF_U32);
	put_le(&g->values, value, 4);
}

static inline void put_text(struct gguf_builder *g, const char *key, const char *value)
{
	put_key(g, key, GGUF_STRING);
	put_string(&g->values, value);
}

static inline void put_array(struct gguf_builder *g, const char *key, uint32_t element, uint64_t count)
{
	put_key(g, key, GGUF_ARRAY);
	put_le(&g->values, element, 4);
	put_le(&g->values, count, 8);
}

/* A tensor's entry; its data is the caller's to add. */
static inline void put_tensor(struct gguf_builder *g, const char *name, uint32_t dims, const uint64_t *ne,
			      uint32_t type, uint64_t offset)
{
	put_string(&g->tensors, name);
	put_le(&g->tensors, dims, 4);
	for (uint32_t i = 0; i < dims; i++)
		put_le(&g->tensors, ne[i], 8);
	put_le(&g->tensors, type, 4);
	put_le(&g->tensors, offset, 8);
	g->tensor_count++;
}

/* The file's bytes; the builder is emptied. Counts can be overridden after it: they stand at 8 and 16. */
static inline struct buffer gguf_bytes(struct gguf_builder *g)
{
	struct buffer out = {0};
	buffer_puts(&out, "GGUF");
	put_le(&out, 3, 4);
	put_le(&out, g->tensor_count, 8);
	put_le(&out, g->value_count, 8);
	buffer_append(&out, g->values.data, g->values.len);
	buffer_append(&out, g->tensors.data, g->tensors.len);
	while (out.len % 32)
		put_le(&out, 0, 1);
	buffer_append(&out, g->data.data, g->data.len);
	buffer_free(&g->values);
	buffer_free(&g->tensors);
	buffer_free(&g->data);
	*g = (struct gguf_builder){0};
	return out;
}

/* Writes bytes to a fresh temporary file and opens it; the file is gone afterwards. */
static inline int open_bytes(const void *bytes, size_t len, struct gguf **gguf, char *err, size_t errlen)
{
	char path[] = "/tmp/bora-test-gguf-XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	close(fd);
	int code = gguf_open(gguf, path, err, errlen);
	unlink(path);
	return code;
}

#endif
