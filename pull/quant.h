/* quant.h: the quantisation that a GGUF file's name speaks of. */
#ifndef QUANT_H
#define QUANT_H

#include <stdbool.h>
#include <stddef.h>

enum { QUANT_LABEL = 24 };
/* "qwen2.5-1.5b-instruct-q4_k_m.gguf" is Q4_K_M: the last such word. false: there is none, label is "". */
bool quant_of(const char *file, char label[QUANT_LABEL]);
/* 0 is taken first when nothing is asked for: Q4_K_M, else what comes nearest to it in quality, rather better and
 * larger than worse. -1: the engine does not compute with it. */
int quant_rank(const char *label);

#endif
