/* tiny_model.h: small models with random weights, the same on every machine, as GGUF files. */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include "engine/types.h"
#include "xmalloc.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TINY_VOCAB = 320, TINY_TENSORS = 256 };

struct tiny {
	const char *name, *arch;
	enum tensor_type type; /* of the matrices */
	int embd, heads, heads_kv, head, ffn, layers;
	const char *scaling; /* "linear", "yarn", or NULL */
	float factor;
	int original, window;
	bool freqs, untied;
	bool broken; /* the last norm holds a value that is no number */
};

struct tiny_file {
	struct buffer kv, infos, data;
	int kvs, tensors;
	uint32_t random;
	const struct tiny *tiny;
};

/* --- Metadata ---------------------------------------------------------------- */

static inline void tiny_put(struct buffer *b, const void *bytes, size_t len)
{
	buffer_append(b, bytes, len);
}

static inline void tiny_string(struct buffer *b, const char *text)
{
	uint64_t len = strlen(text);
	tiny_put(b, &len, 8);
	tiny_put(b, text, len);
}

static inline void tiny_key(struct tiny_file *f, const char *key, uint32_t type)
{
	tiny_string(&f->kv, key);
	tiny_put(&f->kv, &type, 4);
	f->kvs++;
}

static inline void tiny_u32(struct tiny_file *f, const char *key, uint32_t value)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s", *key == '.' ? f->tiny->arch : "", key);
	tiny_key(f, name, 4);
	tiny_put(&f->kv, &value, 4);
}

static inline void tiny_float(struct tiny_file *f, const char *key, float value)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s", *key == '.' ? f->tiny->arch : "", key);
	tiny_key(f, name, 6);
	tiny_put(&f->kv, &value, 4);
}

static inline void tiny_text(struct tiny_file *f, const char *key, const char *value)
{
	char name[128];
	snprintf(name, sizeof(name), "%s%s", *key == '.' ? f->tiny->arch : "", key);
	tiny_key(f, name, 8);
	tiny_string(&f->kv, value);
}

static inline void tiny_array(struct tiny_file *f, const char *key, uint32_t type)
{
	uint64_t count = TINY_VOCAB;
	tiny_key(f, key, 9);
	tiny_put(&f->kv, &type, 4);
	tiny_put(&f->kv, &count, 8);
}

/* <unk> <s> </s>, the 256 bytes, ChatML's two control tokens, then two-letter words "▁a" "▁b" … */
static inline void tiny_token(int id, char out[16], uint32_t *type)
{
	static const char *const special[] = {"<unk>", "<s>", "</s>"};
	*type = id < 3 ? (id ? 3 : 2) : id < 259 ? 6 : id < 261 ? 3 : 1;
	if (id < 3)
		snprintf(out, 16, "%s", special[id]);
	else if (id < 259)
		snprintf(out, 16, "<0x%02X>", (unsigned)(id - 3) & 255);
	else if (id < 261)
		snprintf(out, 16, "%s", id == 259 ? "<|im_start|>" : "<|im_end|>");
	else
		snprintf(out, 16, "%s%c", id % 2 ? "\xe2\x96\x81" : "", '0' + (id - 261) / 2);
}

static inline void tiny_vocabulary(struct tiny_file *f)
{
	char text[16];
	uint32_t type;
	tiny_text(f, "tokenizer.ggml.model", "llama");
	tiny_array(f, "tokenizer.ggml.tokens", 8);
	for (int i = 0; i < TINY_VOCAB; i++) {
		tiny_token(i, text, &type);
		tiny_string(&f->kv, text);
	}
	tiny_array(f, "tokenizer.ggml.scores", 6);
	for (int i = 0; i < TINY_VOCAB; i++)
		tiny_put(&f->kv, &(float){(float)-i}, 4);
	tiny_array(f, "tokenizer.ggml.token_type", 5);
	for (int i = 0; i < TINY_VOCAB; i++) {
		tiny_token(i, text, &type);
		tiny_put(&f->kv, &type, 4);
	}
	tiny_u32(f, "tokenizer.ggml.bos_token_id", 1);
	tiny_u32(f, "tokenizer.ggml.eos_token_id", 2);
	tiny_u32(f, "tokenizer.ggml.unknown_token_id", 0);
}

static inline void tiny_metadata(struct tiny_file *f)
{
	const struct tiny *t = f->tiny;
	tiny_text(f, "general.architecture", t->arch);
	tiny_text(f, "general.name", t->name);
	tiny_u32(f, ".block_count", (uint32_t)t->layers);
	tiny_u32(f, ".context_length", 512);
	tiny_u32(f, ".embedding_length", (uint32_t)t->embd);
	tiny_u32(f, ".feed_forward_length", (uint32_t)t->ffn);
	tiny_u32(f, ".attention.head_count", (uint32_t)t->heads);
	tiny_u32(f, ".attention.head_count_kv", (uint32_t)t->heads_kv);
	tiny_u32(f, ".attention.key_length", (uint32_t)t->head);
	tiny_u32(f, ".attention.value_length", (uint32_t)t->head);
	tiny_u32(f, ".rope.dimension_count", (uint32_t)t->head);
	tiny_float(f, ".attention.layer_norm_rms_epsilon", 1e-5f);
	tiny_float(f, ".rope.freq_base", 100000);
	if (t->window)
		tiny_u32(f, ".attention.sliding_window", (uint32_t)t->window);
	if (t->scaling) {
		tiny_text(f, ".rope.scaling.type", t->scaling);
		tiny_float(f, ".rope.scaling.factor", t->factor);
		tiny_u32(f, ".rope.scaling.original_context_length", (uint32_t)t->original);
	}
	tiny_vocabulary(f);
}

/* --- Tensors -------------------------------------------------------------------- */

static inline uint32_t tiny_random(struct tiny_file *f)
{
	f->random = f->random * 1664525u + 1013904223u;
	return f->random >> 8;
}

static inline float tiny_uniform(struct tiny_file *f)
{
	return (float)((int)(tiny_random(f) & 0xffff) - 0x8000) / 32768.0f;
}

static inline uint16_t tiny_half(float x) /* normal numbers only, truncated */
{
	uint32_t bits;
	memcpy(&bits, &x, 4);
	return (uint16_t)((bits >> 16 & 0x8000) | ((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 0x3ff));
}

/* Where the block's half-precision scales lie, and what weights of about `size` need there. */
static inline void tiny_scales(enum tensor_type type, float size, uint8_t *block)
{
	static const struct {
		enum tensor_type type;
		int d, m;
		float range, offset; /* d = size / range, m = d * offset */
	} table[] = {
		{TYPE_Q4_0, 0, -1, 8, 0},      {TYPE_Q4_1, 0, 2, 8, -8},     {TYPE_Q5_0, 0, -1, 16, 0},
		{TYPE_Q5_1, 0, 2, 16, -16},    {TYPE_Q8_0, 0, -1, 128, 0},   {TYPE_Q2_K, 80, 82, 20, 1},
		{TYPE_Q3_K, 108, -1, 60, 0},   {TYPE_Q4_K, 0, 2, 300, 8},    {TYPE_Q5_K, 0, 2, 600, 16},
		{TYPE_Q6_K, 208, -1, 2000, 0}, {TYPE_IQ4_NL, 0, -1, 120, 0}, {TYPE_IQ4_XS, 0, -1, 2000, 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		uint16_t d = tiny_half(size / table[i].range), m = tiny_half(size / table[i].range * table[i].offset);
		if (table[i].type != type)
			continue;
		memcpy(block + table[i].d, &d, 2);
		if (table[i].m >= 0)
			memcpy(block + table[i].m, &m, 2);
	}
}

static inline void tiny_block(struct tiny_file *f, enum tensor_type type, float size)
{
	uint8_t block[512];
	const struct type_info *info = type_info(type);
	float x = tiny_uniform(f) * size;
	uint32_t bits;
	memcpy(&bits, &x, 4);
	if (type == TYPE_F32)
		memcpy(block, &x, 4);
	else if (type == TYPE_F16)
		memcpy(block, &(uint16_t){fabsf(x) < 1e-4f ? 0 : tiny_half(x)}, 2);
	else if (type == TYPE_BF16)
		memcpy(block, &(uint16_t){(uint16_t)(bits >> 16)}, 2);
	else
		for (int i = 0; i < info->bytes; i++)
			block[i] = (uint8_t)tiny_random(f);
	tiny_scales(type, size, block);
	tiny_put(&f->data, block, (size_t)info->bytes);
}

/* rows 0: a vector, values around `middle`. */
static inline void tiny_tensor(struct tiny_file *f, const char *name, int n, int rows, float middle, float size)
{
	uint32_t dims = rows ? 2 : 1, type = rows ? (uint32_t)f->tiny->type : TYPE_F32;
	uint64_t ne[2] = {(uint64_t)n, (uint64_t)rows}, offset = f->data.len;
	tiny_string(&f->infos, name);
	tiny_put(&f->infos, &dims, 4);
	tiny_put(&f->infos, ne, (size_t)dims * 8);
	tiny_put(&f->infos, &type, 4);
	tiny_put(&f->infos, &offset, 8);
	f->tensors++;
	for (int i = 0; !rows && i < n; i++)
		tiny_put(&f->data, &(float){middle + tiny_uniform(f) * size}, 4);
	for (int i = 0; i < rows * n / type_info(type)->block; i++)
		tiny_block(f, (enum tensor_type)type, size);
	while (f->data.len % 32)
		tiny_put(&f->data, "", 1);
}

static inline void tiny_layer(struct tiny_file *f, int layer)
{
	const struct tiny *t = f->tiny;
	char name[64];
	int q = t->heads * t->head, kv = t->heads_kv * t->head;
	bool gemma = strcmp(t->arch, "gemma3") == 0, qk_norm = gemma || strcmp(t->arch, "qwen3") == 0;
	const struct {
		const char *name;
		int n, rows;
		bool wanted;
	} tensors[] = {
		{"attn_norm.weight", t->embd, 0, true},
		{"attn_q.weight", t->embd, q, true},
		{"attn_k.weight", t->embd, kv, true},
		{"attn_v.weight", t->embd, kv, true},
		{"attn_output.weight", q, t->embd, true},
		{"ffn_norm.weight", t->embd, 0, true},
		{"ffn_gate.weight", t->embd, t->ffn, true},
		{"ffn_up.weight", t->embd, t->ffn, true},
		{"ffn_down.weight", t->ffn, t->embd, true},
		{"attn_q_norm.weight", t->head, 0, qk_norm},
		{"attn_k_norm.weight", t->head, 0, qk_norm},
		{"post_attention_norm.weight", t->embd, 0, gemma},
		{"post_ffw_norm.weight", t->embd, 0, gemma},
		{"attn_q.bias", q, 0, strcmp(t->arch, "qwen2") == 0},
		{"attn_k.bias", kv, 0, strcmp(t->arch, "qwen2") == 0},
		{"attn_v.bias", kv, 0, strcmp(t->arch, "qwen2") == 0},
	};
	for (size_t i = 0; i < sizeof(tensors) / sizeof(*tensors); i++) {
		bool bias = strstr(tensors[i].name, "bias");
		snprintf(name, sizeof(name), "blk.%d.%s", layer, tensors[i].name);
		if (tensors[i].wanted)
			tiny_tensor(f, name, tensors[i].n, tensors[i].rows, bias ? 0 : 1,
				    tensors[i].rows ? 3 / sqrtf((float)tensors[i].n) : 0.3f);
	}
}

static inline void tiny_tensors(struct tiny_file *f)
{
	const struct tiny *t = f->tiny;
	tiny_tensor(f, "token_embd.weight", t->embd, TINY_VOCAB, 0, strcmp(t->arch, "gemma3") ? 0.6f : 0.3f);
	tiny_tensor(f, "output_norm.weight", t->embd, 0, t->broken ? NAN : 1, 0.3f);
	if (t->untied)
		tiny_tensor(f, "output.weight", t->embd, TINY_VOCAB, 0, 4 / sqrtf((float)t->embd));
	if (t->freqs)
		tiny_tensor(f, "rope_freqs.weight", t->head / 2, 0, 2.5f, 1.5f);
	for (int i = 0; i < t->layers; i++)
		tiny_layer(f, i);
}

/* Writes the model; the caller removes it. */
static inline bool tiny_write(const struct tiny *tiny, const char *path)
{
	struct tiny_file f = {.random = 1, .tiny = tiny};
	struct buffer head = {0};
	tiny_metadata(&f);
	tiny_tensors(&f);
	tiny_put(&head, "GGUF", 4);
	tiny_put(&head, &(uint32_t){3}, 4);
	tiny_put(&head, &(uint64_t){(uint64_t)f.tensors}, 8);
	tiny_put(&head, &(uint64_t){(uint64_t)f.kvs}, 8);
	tiny_put(&head, f.kv.data, f.kv.len);
	tiny_put(&head, f.infos.data, f.infos.len);
	while (head.len % 32)
		tiny_put(&head, "", 1);
	FILE *file = fopen(path, "wb");
	bool good = file && fwrite(head.data, 1, head.len, file) == head.len &&
		    fwrite(f.data.data, 1, f.data.len, file) == f.data.len;
	good = file && fclose(file) == 0 && good;
	buffer_free(&head);
	buffer_free(&f.kv);
	buffer_free(&f.infos);
	buffer_free(&f.data);
	return good;
}

/* --- The models that tests compute with ------------------------------------------------ */

#define TINY_F32(label, family, width, ...)                                                                            \
	{                                                                                                              \
		.name = label, .arch = family, .type = TYPE_F32, .embd = width, .heads = 4, .heads_kv = 2, .head = 32, \
		.ffn = 96, .layers = 2, __VA_ARGS__                                                                    \
	}

/* F32: held against llama.cpp (tests/vectors/tiny.bin). */
static const struct tiny tiny_f32[] = {
	TINY_F32("llama", "llama", 64, .untied = true),
	TINY_F32("llama-linear", "llama", 64, .scaling = "linear", .factor = 4, .original = 128),
	TINY_F32("llama-yarn", "llama", 64, .scaling = "yarn", .factor = 8, .original = 64),
	TINY_F32("llama-freqs", "llama", 64, .freqs = true),
	TINY_F32("qwen2", "qwen2", 128, .untied = false),
	TINY_F32("qwen2-yarn", "qwen2", 128, .scaling = "yarn", .factor = 4, .original = 32, .untied = true),
	TINY_F32("qwen3", "qwen3", 64, .untied = true),
	{.name = "gemma3",
	 .arch = "gemma3",
	 .type = TYPE_F32,
	 .embd = 64,
	 .heads = 4,
	 .heads_kv = 1,
	 .head = 32,
	 .ffn = 96,
	 .layers = 6,
	 .window = 9},
	{.name = "gemma3-linear",
	 .arch = "gemma3",
	 .type = TYPE_F32,
	 .embd = 64,
	 .heads = 4,
	 .heads_kv = 2,
	 .head = 32,
	 .ffn = 96,
	 .layers = 6,
	 .window = 16,
	 .scaling = "linear",
	 .factor = 8,
	 .original = 64},
};
enum { TINY_F32_COUNT = sizeof(tiny_f32) / sizeof(*tiny_f32) };

/* Token i of the test text: every id, in no order. */
static inline int32_t tiny_id(int i)
{
	return (int32_t)((i * 131 + 7) % TINY_VOCAB);
}

/* A model of one's own among temporary files, its place in path; the caller removes it. */
static inline bool tiny_write_temporary(const struct tiny *tiny, const char *name, char *path, size_t size)
{
	const char *dir = getenv("TMPDIR");
	snprintf(path, size, "%s/bora-tiny-%s-%d.gguf", dir ? dir : "/tmp", name, (int)getpid());
	return tiny_write(tiny, path);
}

#endif
