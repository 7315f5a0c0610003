/* fim.h: filling a gap between two texts, for models that were taught to.
 *
 * Such a model has tokens that say: this stands before the gap, this behind it, now
 * write what belongs between. Families differ in their names and order:
 *
 *   Qwen-Coder, CodeGemma     <|fim_prefix|> before <|fim_suffix|> behind <|fim_middle|>
 *   StarCoder, Granite Code   <fim_prefix> before <fim_suffix> behind <fim_middle>
 *   DeepSeek-Coder            <｜fim▁begin｜> before <｜fim▁hole｜> behind <｜fim▁end｜>
 *   Code Llama                ▁<PRE> before ▁<SUF> behind ▁<MID>
 *   Codestral                 [SUFFIX] behind [PREFIX] before
 *
 * and others that their files name in tokenizer.ggml.fim_pre_token_id and so on. Sources: the models' cards, and
 * llama.cpp's llama-vocab.cpp for the keys. */
#ifndef FIM_H
#define FIM_H

#include "engine.h"
#include "tokenizer.h"

/* Appends the ids of the prompt that asks for what belongs between r->raw and r->suffix. -1: the model cannot. */
int fim_encode(const struct tokenizer *, const struct engine_request *r, struct tokens *ids, char *err, size_t errlen);
bool fim_ends(const struct tokenizer *, int32_t id); /* the gap is full, or the model goes on elsewhere */

#endif
