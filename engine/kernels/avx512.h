/* avx512.h: what the files of the AVX-512 set share. */
#ifndef AVX512_H
#define AVX512_H

#include "kernels.h"

/* x becomes e^(x - largest), in place; returns the sum. */
float avx512_softmax(float *x, int64_t count);
bool avx512_attention_block(int kv_type, const struct attention_block *);

#endif
