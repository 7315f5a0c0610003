/* engine_inspect(): what a GGUF file says of itself, checked as loading would check it. */
#include "chat_format.h"
#include "model.h"
#include "tokenizer.h"
#include "../xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 8 }; /* elements of an array */

static const char *const type_names[] = {
	[GGUF_U8] = "u8",   [GGUF_I8] = "i8",   [GGUF_U16] = "u16",   [GGUF_I16] = "i16",       [GGUF_U32] = "u32",
	[GGUF_I32] = "i32", [GGUF_F32] = "f32", [GGUF_BOOL] = "bool", [GGUF_STRING] = "string", [GGUF_ARRAY] = "array",
	[GGUF_U64] = "u64", [GGUF_I64] = "i64", [GGUF_F64] = "f64",
};

static void print_element(struct buffer *out, const struct gguf_value *value, enum gguf_type type, uint64_t i)
{
	switch (type) {
	case GGUF_F32:
	case GGUF_F64: buffer_printf(out, "%.9g", gguf_float_at(value, i)); break;
	case GGUF_BOOL: buffer_puts(out, value->data[i] ? "true" : "false"); break;
	case GGUF_U64: {
		uint64_t number;
		memcpy(&number, value->data + i * sizeof(number), sizeof(number));
		buffer_printf(out, "%llu", (unsigned long long)number);
		break;
	}
	case GGUF_STRING:
	case GGUF_ARRAY: break;
	default: buffer_printf(out, "%lld", (long long)gguf_int_at(value, i)); break;
	}
}

static void print_array(struct buffer *out, const struct gguf_value *value)
{
	size_t cursor = 0;
	buffer_printf(out, "[%s; %llu]", type_names[value->element], (unsigned long long)value->count);
	for (uint64_t i = 0; i < value->count && i < SHOWN && value->element != GGUF_ARRAY; i++) {
		struct gguf_string text;
		buffer_puts(out, " ");
		if (value->element != GGUF_STRING)
			print_element(out, value, value->element, i);
		else if (gguf_next_string(value, &cursor, &text))
			buffer_append(out, text.text, text.len);
	}
	if (value->count > SHOWN)
		buffer_puts(out, " …");
}

static void show(const struct gguf *gguf, const struct gguf_value *value, engine_inspect_fn *fn, void *arg)
{
	char ignored[256];
	struct buffer out = {0};
	struct gguf_string text;
	char *key = xstrndup(value->key.text, value->key.len);
	if (value->type == GGUF_ARRAY) {
		print_array(&out, value);
	} else if (value->type == GGUF_STRING) {
		if (gguf_string(gguf, key, &text, ignored, sizeof(ignored)) > 0)
			buffer_append(&out, text.text, text.len);
	} else {
		print_element(&out, value, value->type, 0);
	}
	fn(arg, key, type_names[value->type], out.data ? out.data : "", out.len);
	buffer_free(&out);
	free(key);
}

static void show_all(const struct gguf *gguf, engine_inspect_fn *fn, void *arg)
{
	char count[24];
	for (size_t i = 0; i < gguf_value_count(gguf); i++)
		show(gguf, gguf_value_at(gguf, i), fn, arg);
	int len = snprintf(count, sizeof(count), "%zu", gguf_tensor_count(gguf));
	fn(arg, "tensors", "count", count, (size_t)len);
}

static void describe(struct engine_file *file, const struct model *model, const struct tokenizer *tokenizer,
		     const char *chat_format, const char *warning)
{
	snprintf(file->name, sizeof(file->name), "%s", model->name);
	snprintf(file->architecture, sizeof(file->architecture), "%s", model->arch);
	snprintf(file->file_type, sizeof(file->file_type), "%s", model->file_type);
	snprintf(file->license, sizeof(file->license), "%s", model->license);
	snprintf(file->chat_format, sizeof(file->chat_format), "%s", chat_format);
	snprintf(file->warning, sizeof(file->warning), "%s", *model->warning ? model->warning : warning);
	file->file_bytes = gguf_file_bytes(model->gguf);
	file->parameters = model->parameters;
	file->tensors = (int)gguf_tensor_count(model->gguf);
	file->ctx_trained = model->h.ctx_trained;
	file->layers = model->h.layers;
	file->embedding = model->h.embd;
	file->vocab_size = tokenizer_vocab_size(tokenizer);
}

/* A file without tensors is a vocabulary, and good as one. */
static int has_tensors(const char *path, bool *has, char *err, size_t errlen)
{
	struct gguf *gguf;
	if (gguf_open(&gguf, path, err, errlen))
		return -1;
	*has = gguf_tensor_count(gguf) > 0;
	gguf_close(gguf);
	return 0;
}

int engine_inspect(const char *path, struct engine_file *file, engine_inspect_fn *fn, void *arg, char *err,
		   size_t errlen)
{
	struct model *model = NULL;
	struct tokenizer *tokenizer = NULL;
	struct gguf_string template = {"", 0};
	char warning[256] = "";
	bool whole, known = false;
	int failed = -1;
	if (has_tensors(path, &whole, err, errlen) || model_open(&model, path, !whole, err, errlen) ||
	    tokenizer_open(&tokenizer, model->gguf, warning, sizeof(warning), err, errlen) ||
	    gguf_string(model->gguf, "tokenizer.chat_template", &template, err, errlen) < 0)
		goto out;
	const struct chat_format *format = chat_format_detect(template.text, template.len, tokenizer, &known);
	if (file)
		describe(file, model, tokenizer, known ? chat_format_name(format) : "", warning);
	if (fn)
		show_all(model->gguf, fn, arg);
	failed = 0;
out:
	if (tokenizer)
		tokenizer_close(tokenizer);
	if (model)
		model_close(model);
	return failed;
}
