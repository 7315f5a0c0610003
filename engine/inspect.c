/* Looking into a file without loading it: bora models show. */
#include "chat_format.h"
#include "engine.h"
#include "model.h"
#include "tokenizer.h"
#include "../xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
					 "bool", "string", "array", "u64", "i64", "f64"};
enum { ARRAY_SHOWN = 6 };

static void print_scalar(struct buffer *out, const struct gguf_value *value, uint64_t index)
{
	if (value->element == GGUF_F32 || value->element == GGUF_F64)
		buffer_printf(out, "%g", gguf_float_at(value, index));
	else if (value->element == GGUF_BOOL)
		buffer_puts(out, gguf_int_at(value, index) ? "true" : "false");
	else
		buffer_printf(out, "%lld", (long long)gguf_int_at(value, index));
}

static void print_array(struct buffer *out, const struct gguf_value *value)
{
	size_t cursor = 0;
	struct gguf_string text;
	buffer_printf(out, "[%s; %llu]", type_names[value->element], (unsigned long long)value->count);
	for (uint64_t i = 0; i < value->count && i < ARRAY_SHOWN; i++) {
		buffer_puts(out, " ");
		if (value->element != GGUF_STRING)
			print_scalar(out, value, i);
		else if (gguf_next_string(value, &cursor, &text))
			buffer_append(out, text.text, text.len);
	}
	if (value->count > ARRAY_SHOWN)
		buffer_puts(out, " …");
}

static void give_value(const struct gguf_value *value, engine_inspect_fn *fn, void *arg)
{
	struct buffer out = {0};
	size_t cursor = 0;
	struct gguf_string text;
	char *key = xstrndup(value->key.text, value->key.len);
	if (value->type == GGUF_ARRAY)
		print_array(&out, value);
	else if (value->type == GGUF_STRING && gguf_next_string(value, &cursor, &text))
		buffer_append(&out, text.text, text.len);
	else
		print_scalar(&out, value, 0);
	buffer_append(&out, "", 0);
	fn(arg, key, type_names[value->type], out.data, out.len);
	buffer_free(&out);
	free(key);
}

static int look_at_tokenizer(const struct model *model, struct engine_file *file, char *err, size_t errlen)
{
	struct tokenizer *tokenizer;
	struct gguf_string template = {"", 0};
	char warning[256] = "";
	bool known;
	if (gguf_string(model->gguf, "tokenizer.chat_template", &template, err, errlen) < 0 ||
	    tokenizer_open(&tokenizer, model->gguf, warning, sizeof(warning), err, errlen))
		return -1;
	const struct chat_format *format = chat_format_detect(template.text, template.len, tokenizer, &known);
	snprintf(file->chat_format, sizeof(file->chat_format), "%s%s", chat_format_name(format),
		 known ? "" : " (assumed)");
	snprintf(file->warning, sizeof(file->warning), "%s", *model->warning ? model->warning : warning);
	tokenizer_close(tokenizer);
	return 0;
}

int engine_inspect(const char *path, struct engine_file *file, engine_inspect_fn *fn, void *arg, char *err,
		   size_t errlen)
{
	struct model *model;
	*file = (struct engine_file){0};
	if (model_open(&model, path, false, err, errlen)) {
		/* A vocabulary without tensors is a file of its own kind. */
		char ignored[512];
		if (model_open(&model, path, true, ignored, sizeof(ignored)))
			return -1;
		if (gguf_tensor_count(model->gguf)) {
			model_close(model);
			return -1;
		}
	}
	if (look_at_tokenizer(model, file, err, errlen)) {
		model_close(model);
		return -1;
	}
	snprintf(file->name, sizeof(file->name), "%s", model->name);
	snprintf(file->architecture, sizeof(file->architecture), "%s", model->arch);
	snprintf(file->file_type, sizeof(file->file_type), "%s", model->file_type);
	snprintf(file->license, sizeof(file->license), "%s", model->license);
	file->file_bytes = gguf_file_bytes(model->gguf);
	file->parameters = model->parameters;
	file->tensors = (int)gguf_tensor_count(model->gguf);
	file->ctx_trained = model->h.ctx_trained;
	file->layers = model->h.layers;
	file->kv_values =
		(uint64_t)model->h.layers * (uint64_t)model->h.heads_kv * (uint64_t)(model->h.head_k + model->h.head_v);
	file->embedding = model->h.embd;
	file->vocab_size = model->h.vocab;
	for (size_t i = 0; fn && i < gguf_value_count(model->gguf); i++)
		give_value(gguf_value_at(model->gguf, i), fn, arg);
	model_close(model);
	return 0;
}
