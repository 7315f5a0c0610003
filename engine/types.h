/* types.h: the tensor types of GGUF: how many weights a block holds, in how
 * many bytes. Numbers are those of the file format (ggml's public enum). */
#ifndef TYPES_H
#define TYPES_H

#include <stddef.h>
#include <stdint.h>

enum tensor_type {
	TYPE_F32 = 0,
	TYPE_F16 = 1,
	TYPE_Q4_0 = 2,
	TYPE_Q4_1 = 3,
	TYPE_Q5_0 = 6,
	TYPE_Q5_1 = 7,
	TYPE_Q8_0 = 8,
	TYPE_Q8_1 = 9,
	TYPE_Q2_K = 10,
	TYPE_Q3_K = 11,
	TYPE_Q4_K = 12,
	TYPE_Q5_K = 13,
	TYPE_Q6_K = 14,
	TYPE_Q8_K = 15,
	TYPE_IQ4_NL = 20,
	TYPE_IQ4_XS = 23,
	TYPE_BF16 = 30,
	TYPE_COUNT = 40,
};

/* NULL name: a number we do not know or cannot compute with. */
struct type_info {
	const char *name; /* "Q4_K" */
	int block;        /* weights a block */
	int bytes;        /* bytes a block */
};
const struct type_info *type_info(uint32_t type); /* NULL when unsupported */
const char *type_name(uint32_t type);             /* names known types even when unsupported, else "?" */

#endif
