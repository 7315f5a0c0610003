#include "xmalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char message[] = "bora: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);
	(void)ignored;
	abort();
}

void *xmalloc(size_t size)
{
	void *memory = malloc(size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory();
	void *memory = realloc(old, total ? total : 1);
	if (!memory)
		out_of_memory();
	return memory;
}

char *xstrndup(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *xvasprintf(const char *format, va_list args)
{
	char *text;
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	return text;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	return text;
}

static void buffer_reserve(struct buffer *buffer, size_t more)
{
	if (more >= SIZE_MAX / 2 - buffer->len)
		out_of_memory();
	size_t need = buffer->len + more + 1;
	if (need <= buffer->size)
		return;
	size_t size = buffer->size ? buffer->size : 64;
	while (size < need)
		size *= 2;
	buffer->data = xreallocarray(buffer->data, size, 1);
	buffer->size = size;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t len)
{
	buffer_reserve(buffer, len);
	if (len)
		memcpy(buffer->data + buffer->len, bytes, len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
}

void buffer_puts(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, text, strlen(text));
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	buffer_puts(buffer, text);
	free(text);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->len = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

char *buffer_take(struct buffer *buffer)
{
	char *text = buffer->data ? buffer->data : xstrdup("");
	*buffer = (struct buffer){0};
	return text;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}
