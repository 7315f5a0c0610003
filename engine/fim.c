#include "fim.h"

#include <stdio.h>

static const struct form {
	const char *before, *behind, *middle; /* middle NULL: what is behind comes first, and then what is before */
} forms[] = {
	{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
	{"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
	{"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},
	{"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"},
	{"▁<PRE>", "▁<SUF>", "▁<MID>"},
	{"<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"},
	{"[PREFIX]", "[SUFFIX]", NULL},
};
enum { FORM_COUNT = sizeof(forms) / sizeof(*forms) };

static bool has(const struct tokenizer *tokenizer, const char *name)
{
	int32_t id = tokenizer_find(tokenizer, name);
	return id >= 0 && tokenizer_is_control(tokenizer, id);
}

static const struct form *form_of(const struct tokenizer *tokenizer)
{
	for (int i = 0; i < FORM_COUNT; i++)
		if (has(tokenizer, forms[i].before) && has(tokenizer, forms[i].behind) &&
		    (!forms[i].middle || has(tokenizer, forms[i].middle)))
			return &forms[i];
	return NULL;
}

static void add_token(const struct tokenizer *tokenizer, const char *name, struct tokens *ids)
{
	tokens_append(ids, tokenizer_find(tokenizer, name));
}

int fim_encode(const struct tokenizer *tokenizer, const struct engine_request *r, struct tokens *ids, char *err,
	       size_t errlen)
{
	const struct form *form = form_of(tokenizer);
	if (!form) {
		snprintf(err, errlen, "this model cannot fill gaps; a coder model such as Qwen2.5-Coder can");
		return -1;
	}
	if (tokenizer_adds_bos(tokenizer) && tokenizer_bos(tokenizer) >= 0)
		tokens_append(ids, tokenizer_bos(tokenizer));
	if (!form->middle) {
		add_token(tokenizer, form->behind, ids);
		tokenizer_encode(tokenizer, r->suffix, r->suffix_len, false, false, ids);
	}
	add_token(tokenizer, form->before, ids);
	tokenizer_encode(tokenizer, r->raw, r->raw_len, false, true, ids);
	if (form->middle) {
		add_token(tokenizer, form->behind, ids);
		tokenizer_encode(tokenizer, r->suffix, r->suffix_len, false, false, ids);
		add_token(tokenizer, form->middle, ids);
	}
	return 0;
}

bool fim_ends(const struct tokenizer *tokenizer, int32_t id)
{
	static const char *const ends[] = {"<|fim_pad|>", "<fim_pad>",          "<fim-pad>",
					   "▁<EOT>",      "<|file_separator|>", "<|file_sep|>",
					   "<file_sep>",  "<|repo_name|>",      "<repo_name>"};
	if (!tokenizer_is_control(tokenizer, id))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (tokenizer_find(tokenizer, ends[i]) == id)
			return true;
	for (int i = 0; i < FORM_COUNT; i++)
		if (tokenizer_find(tokenizer, forms[i].before) == id ||
		    tokenizer_find(tokenizer, forms[i].behind) == id ||
		    (forms[i].middle && tokenizer_find(tokenizer, forms[i].middle) == id))
			return true;
	return false;
}
