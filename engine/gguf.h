/* gguf.h: a GGUF file (v2, v3), mapped read-only and checked before use. A model in several files is opened by the
 * name of its first; they are mapped one behind the other, and their tensors are one table.
 *
 * Nothing read here is trusted: counts are bounded by the bytes that remain,
 * products are checked, types are checked. Errors name the file, the field and
 * the byte offset. Pointers into the file live until gguf_close(). */
#ifndef GGUF_H
#define GGUF_H

#include "types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gguf;

enum gguf_type {
	GGUF_U8,
	GGUF_I8,
	GGUF_U16,
	GGUF_I16,
	GGUF_U32,
	GGUF_I32,
	GGUF_F32,
	GGUF_BOOL,
	GGUF_STRING,
	GGUF_ARRAY,
	GGUF_U64,
	GGUF_I64,
	GGUF_F64,
};

struct gguf_string {
	const char *text; /* not NUL-terminated */
	size_t len;
};

/* One metadata entry. For arrays type is GGUF_ARRAY and element/count say what. */
struct gguf_value {
	struct gguf_string key;
	enum gguf_type type, element;
	uint64_t count;      /* of an array; else 1 */
	const uint8_t *data; /* the first element, unaligned, little endian */
	uint64_t offset;     /* of the value in the file */
	uint64_t bytes;      /* of all elements */
};

struct tensor {
	struct gguf_string name;
	enum tensor_type type;
	int dims;
	int64_t ne[4];         /* ne[0] weights a row, ne[1] rows, …; unused are 1 */
	size_t row_bytes;      /* of one row of ne[0] */
	uint64_t offset, size; /* in its file, in bytes */
	const uint8_t *data;   /* aligned to general.alignment */
};

int gguf_open(struct gguf **, const char *path, char *err, size_t errlen);
void gguf_close(struct gguf *);

const char *gguf_path(const struct gguf *);
uint64_t gguf_file_bytes(const struct gguf *); /* of all files */
size_t gguf_value_count(const struct gguf *);
const struct gguf_value *gguf_value_at(const struct gguf *, size_t index);
const struct gguf_value *gguf_find(const struct gguf *, const char *key); /* NULL: absent */
size_t gguf_tensor_count(const struct gguf *);
const struct tensor *gguf_tensor_at(const struct gguf *, size_t index);
const struct tensor *gguf_tensor(const struct gguf *, const char *name); /* NULL: absent */

/* Typed reads. Return 1 when present and good, 0 when absent (*value is left
 * alone), -1 when of the wrong type or out of range, with err filled. Integers
 * of any width are accepted when the value fits. */
int gguf_int(const struct gguf *, const char *key, int64_t low, int64_t high, int64_t *value, char *err, size_t errlen);
int gguf_float(const struct gguf *, const char *key, double low, double high, double *value, char *err, size_t errlen);
int gguf_bool(const struct gguf *, const char *key, bool *value, char *err, size_t errlen);
int gguf_string(const struct gguf *, const char *key, struct gguf_string *value, char *err, size_t errlen);

/* Arrays: the value when it is an array of that element type, else as above. */
int gguf_array(const struct gguf *, const char *key, enum gguf_type element, const struct gguf_value **value, char *err,
	       size_t errlen);
/* String arrays are walked in order: start with *cursor = 0. False at the end. */
bool gguf_next_string(const struct gguf_value *, size_t *cursor, struct gguf_string *out);
int64_t gguf_int_at(const struct gguf_value *, uint64_t index);  /* integer arrays and scalars, any width */
double gguf_float_at(const struct gguf_value *, uint64_t index); /* F32, F64 */

/* An error line in the house style: "PATH: FIELD at byte N: what". Control bytes
 * in field are escaped. Always returns -1. */
int gguf_error(const struct gguf *, uint64_t offset, char *err, size_t errlen, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The same about a tensor, in whichever file it is. */
int gguf_tensor_error(const struct gguf *, const struct tensor *, char *err, size_t errlen, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif
