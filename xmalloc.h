/* xmalloc.h: allocation that does not fail.
 *
 * Every function ends the program with a line on standard error when there is
 * no memory, so callers need no checks. Sizes taken from files must be bounded
 * by the caller before they come here. Memory is released with free(). */
#ifndef XMALLOC_H
#define XMALLOC_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);                  /* zeroed; count * size is checked */
void *xreallocarray(void *old, size_t count, size_t size); /* checked likewise */
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len); /* copies len bytes, adds NUL */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* A growing run of bytes. Always NUL-terminated after the first append, the
 * NUL not counted in len. Zero-initialise; buffer_free() leaves it zeroed. */
struct buffer {
	char *data;
	size_t len, size;
};

void buffer_append(struct buffer *, const void *bytes, size_t len);
void buffer_puts(struct buffer *, const char *text);
void buffer_printf(struct buffer *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_clear(struct buffer *);
char *buffer_take(struct buffer *); /* the text, "" if empty; caller frees */
void buffer_free(struct buffer *);

#endif
