/* chat_format.h: a conversation as token ids.
 *
 * Role and control tokens are spliced in as ids; the text of messages is
 * encoded by itself and can never forge them (Zephyr's and Mistral v1's roles
 * are plain text by design). Sources of each format stand with its table in
 * chat_format.c.
 *
 * A conversation without a system message gets the one that the model's own
 * template would put there: that is what "qwen2.5", "qwen2" and "smollm2" add
 * to "chatml". A tool's result becomes what the format has for it (ipython in
 * Llama 3, <tool_response> in Qwen), else a user's text. */
#ifndef CHAT_FORMAT_H
#define CHAT_FORMAT_H

#include "engine.h"
#include "tokenizer.h"

struct chat_format;

/* By the model's own template (tokenizer.chat_template) and vocabulary. *known
 * is false when the template matched nothing: then the format goes by the
 * vocabulary's tokens, ChatML first, and without any is "plain"
 * ("User: … Assistant:"), which every vocabulary can write. Never NULL. */
const struct chat_format *chat_format_detect(const char *chat_template, size_t len, const struct tokenizer *,
					     bool *known);
const struct chat_format *chat_format_named(const char *name); /* NULL: unknown */
const char *chat_format_name(const struct chat_format *);
const char *const *chat_format_names(void);

/* Appends the prompt for messages, ending where the assistant's answer begins
 * (or, with continue_last, where the last message stops). starts[i], if not
 * NULL, receives the number of tokens before message i; messages that the
 * format folds into another's turn start where that turn does, or where the
 * next message does. Fails when the vocabulary lacks a token that the format
 * needs. */
int chat_format_encode(const struct chat_format *, const struct tokenizer *, const struct engine_message *, int count,
		       bool continue_last, struct tokens *out, size_t *starts, char *err, size_t errlen);

/* Appends the tokens between an answer's text and the message after it; none where they depend on the text. */
void chat_format_closing(const struct chat_format *, const struct tokenizer *, struct tokens *out);

/* Does this token end the answer in this format (beyond tokenizer_is_end)? */
bool chat_format_is_end(const struct chat_format *, const struct tokenizer *, int32_t id);

#endif
