#include "fim.h"

#include <stdio.h>
#include <string.h>

static const struct form {
	const char *before, *behind, *middle; /* middle NULL: what is behind comes first, and then what is before */
} forms[] = {
	{"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
	{"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
	{"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},
	{"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"},
	{"▁<PRE>", "▁<SUF>", "▁<MID>"},
	{"<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"},
	{"<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"},
	{"<PRE>", "<SUF>", "<MID>"},
	{"[PREFIX]", "[SUFFIX]", NULL},
};
enum { FORM_COUNT = sizeof(forms) / sizeof(*forms) };

/* What files say themselves, by the name of today and that of before. */
static const char *const before_keys[] = {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"},
			 *const behind_keys[] = {"tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id"},
			 *const middle_keys[] = {"tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id"},
			 *const end_keys[] = {"tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
					      "tokenizer.ggml.fim_sep_token_id"};

struct gap {
	int32_t before, behind, middle; /* middle -1: there is none, and what is behind comes first */
};

/* Conversions call these tokens control or user-defined; SentencePiece then has a space for the mark of one. */
static int32_t find(const struct tokenizer *tokenizer, const char *name)
{
	static const char space[] = "▁";
	char spaced[64];
	int32_t id = tokenizer_find(tokenizer, name);
	if (id >= 0 || strncmp(name, space, sizeof(space) - 1) != 0)
		return id;
	snprintf(spaced, sizeof(spaced), " %s", name + sizeof(space) - 1);
	return tokenizer_find(tokenizer, spaced);
}

static int32_t named(const struct tokenizer *tokenizer, const char *const keys[2])
{
	int32_t id = tokenizer_named(tokenizer, keys[0]);
	return id >= 0 ? id : tokenizer_named(tokenizer, keys[1]);
}

static bool find_gap(const struct tokenizer *tokenizer, struct gap *gap)
{
	for (int i = 0; i < FORM_COUNT; i++) {
		const struct form *form = &forms[i];
		*gap = (struct gap){find(tokenizer, form->before), find(tokenizer, form->behind),
				    form->middle ? find(tokenizer, form->middle) : -1};
		if (gap->before >= 0 && gap->behind >= 0 && (gap->middle >= 0 || !form->middle))
			return true;
	}
	*gap = (struct gap){named(tokenizer, before_keys), named(tokenizer, behind_keys),
			    named(tokenizer, middle_keys)};
	return gap->before >= 0 && gap->behind >= 0 && gap->middle >= 0;
}

int fim_encode(const struct tokenizer *tokenizer, const struct engine_request *r, struct tokens *ids, char *err,
	       size_t errlen)
{
	struct gap gap;
	if (!find_gap(tokenizer, &gap)) {
		snprintf(err, errlen, "this model cannot fill gaps; a coder model such as Qwen2.5-Coder can");
		return -1;
	}
	if (tokenizer_adds_bos(tokenizer) && tokenizer_bos(tokenizer) >= 0)
		tokens_append(ids, tokenizer_bos(tokenizer));
	if (gap.middle < 0) {
		tokens_append(ids, gap.behind);
		tokenizer_encode(tokenizer, r->suffix, r->suffix_len, false, false, ids);
	}
	tokens_append(ids, gap.before);
	tokenizer_encode(tokenizer, r->raw, r->raw_len, false, true, ids);
	if (gap.middle >= 0) {
		tokens_append(ids, gap.behind);
		tokenizer_encode(tokenizer, r->suffix, r->suffix_len, false, false, ids);
		tokens_append(ids, gap.middle);
	}
	return 0;
}

bool fim_ends(const struct tokenizer *tokenizer, int32_t id)
{
	static const char *const ends[] = {"<|fim_pad|>",   "<fim_pad>",          "<fim-pad>",    "▁<EOT>",
					   "<EOT>",         "<|file_separator|>", "<|file_sep|>", "<file_sep>",
					   "<|repo_name|>", "<repo_name>"};
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (find(tokenizer, ends[i]) == id)
			return true;
	for (size_t i = 0; i < sizeof(end_keys) / sizeof(*end_keys); i++)
		if (tokenizer_named(tokenizer, end_keys[i]) == id)
			return true;
	struct gap gap;
	return find_gap(tokenizer, &gap) && (id == gap.before || id == gap.behind || id == gap.middle);
}
