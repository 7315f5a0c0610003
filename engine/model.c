#include "model.h"
#include "arch/arch.h"
#include "../xmalloc.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LAYERS_MAX = 512,
	WIDTH_MAX = 1 << 20,
	VOCAB_MAX = 1 << 24,
	CTX_MAX = 1 << 26,
	HEADS_MAX = 4096,
	HEAD_MAX = 4096
};

static const struct arch *const archs[] = {&arch_llama, &arch_qwen2, &arch_qwen3, &arch_gemma3};

/* What the steps below share. */
struct binder {
	struct model *model;
	const struct arch *arch;
	char *err;
	size_t errlen;
};

/* --- Metadata ------------------------------------------------------------------------ */

static int key_int(struct binder *b, const char *key, int64_t low, int64_t high, bool required, int *out)
{
	char name[128];
	int64_t value = *out;
	snprintf(name, sizeof(name), "%s.%s", b->arch->name, key);
	int found = gguf_int(b->model->gguf, name, low, high, &value, b->err, b->errlen);
	if (found < 0)
		return -1;
	if (!found && required) {
		snprintf(b->err, b->errlen, "%s: %s is missing; the file is not a whole model",
			 gguf_path(b->model->gguf), name);
		return -1;
	}
	*out = (int)value;
	return 0;
}

static int key_float(struct binder *b, const char *key, double low, double high, bool required, float *out)
{
	char name[128];
	double value = *out;
	snprintf(name, sizeof(name), "%s.%s", b->arch->name, key);
	int found = gguf_float(b->model->gguf, name, low, high, &value, b->err, b->errlen);
	if (found < 0)
		return -1;
	if (!found && required) {
		snprintf(b->err, b->errlen, "%s: %s is missing; the file is not a whole model",
			 gguf_path(b->model->gguf), name);
		return -1;
	}
	*out = (float)value;
	return 0;
}

/* Some files give these per layer; we compute with one value for all. */
static int key_int_or_array(struct binder *b, const char *key, int64_t low, int64_t high, bool required, int *out)
{
	char name[128];
	snprintf(name, sizeof(name), "%s.%s", b->arch->name, key);
	const struct gguf_value *value = gguf_find(b->model->gguf, name);
	if (!value || value->type != GGUF_ARRAY)
		return key_int(b, key, low, high, required, out);
	bool integers = value->element == GGUF_U32 || value->element == GGUF_I32;
	if (!integers || value->count == 0)
		return gguf_error(b->model->gguf, value->offset, b->err, b->errlen,
				  "%s is of type array, expected integer[]", name);
	int64_t first = gguf_int_at(value, 0);
	for (uint64_t i = 0; i < value->count; i++)
		if (gguf_int_at(value, i) != first || first < low || first > high)
			return gguf_error(
				b->model->gguf, value->offset, b->err, b->errlen,
				"%s differs from layer to layer or is out of range; such models are not supported",
				name);
	*out = (int)first;
	return 0;
}

static void copy_string(const struct gguf *gguf, const char *key, char *out, size_t size)
{
	struct gguf_string text;
	char ignored[1];
	if (gguf_string(gguf, key, &text, ignored, sizeof(ignored)) != 1)
		return;
	size_t len = text.len < size - 1 ? text.len : size - 1;
	memcpy(out, text.text, len);
	out[len] = '\0';
}

static const struct arch *find_arch(struct binder *b)
{
	struct gguf *gguf = b->model->gguf;
	struct gguf_string name;
	int found = gguf_string(gguf, "general.architecture", &name, b->err, b->errlen);
	if (found == 0)
		snprintf(b->err, b->errlen, "%s: general.architecture is missing; the file is not a model",
			 gguf_path(gguf));
	if (found != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
		if (strlen(archs[i]->name) == name.len && memcmp(archs[i]->name, name.text, name.len) == 0)
			return archs[i];
	gguf_error(gguf, gguf_find(gguf, "general.architecture")->offset, b->err, b->errlen,
		   "general.architecture: models of the family '%.*s' are not supported, only llama, qwen2, qwen3, "
		   "gemma3",
		   name.len > 40 ? 40 : (int)name.len, name.text);
	return NULL;
}

static int read_sizes(struct binder *b)
{
	struct hparams *h = &b->model->h;
	if (key_int(b, "block_count", 1, LAYERS_MAX, true, &h->layers) ||
	    key_int(b, "context_length", 1, CTX_MAX, true, &h->ctx_trained) ||
	    key_int(b, "embedding_length", 1, WIDTH_MAX, true, &h->embd) ||
	    key_int_or_array(b, "feed_forward_length", 1, WIDTH_MAX, true, &h->ffn) ||
	    key_int_or_array(b, "attention.head_count", 1, HEADS_MAX, true, &h->heads))
		return -1;
	h->heads_kv = h->heads;
	if (key_int_or_array(b, "attention.head_count_kv", 1, HEADS_MAX, false, &h->heads_kv))
		return -1;
	if (h->heads % h->heads_kv) {
		snprintf(b->err, b->errlen,
			 "%s: %s.attention.head_count: %d is not a multiple of %d (%s.attention.head_count_kv)",
			 gguf_path(b->model->gguf), b->arch->name, h->heads, h->heads_kv, b->arch->name);
		return -1;
	}
	h->head_k = h->embd / h->heads;
	if (key_int(b, "attention.key_length", 1, HEAD_MAX, h->head_k == 0, &h->head_k))
		return -1;
	h->head_v = h->head_k;
	if (key_int(b, "attention.value_length", 1, HEAD_MAX, false, &h->head_v))
		return -1;
	h->rot = h->head_k;
	if (key_int(b, "rope.dimension_count", 2, h->head_k, false, &h->rot))
		return -1;
	if (h->rot % 2) {
		snprintf(b->err, b->errlen, "%s: %s.rope.dimension_count: %d is not a multiple of 2",
			 gguf_path(b->model->gguf), b->arch->name, h->rot);
		return -1;
	}
	return key_float(b, "attention.layer_norm_rms_epsilon", 1e-12, 1, true, &h->rms_eps);
}

static int read_rope_scaling(struct binder *b)
{
	static const struct {
		const char *name;
		enum rope_scaling scaling;
	} kinds[] = {{"none", ROPE_PLAIN}, {"linear", ROPE_LINEAR}, {"yarn", ROPE_YARN}};
	struct hparams *h = &b->model->h;
	char key[128];
	struct gguf_string name;
	snprintf(key, sizeof(key), "%s.rope.scaling.type", b->arch->name);
	int found = gguf_string(b->model->gguf, key, &name, b->err, b->errlen);
	if (found < 0)
		return -1;
	bool known = !found;
	for (size_t i = 0; found && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strlen(kinds[i].name) == name.len && memcmp(kinds[i].name, name.text, name.len) == 0) {
			h->rope_scaling = kinds[i].scaling;
			known = true;
		}
	}
	if (!known)
		return gguf_error(b->model->gguf, gguf_find(b->model->gguf, key)->offset, b->err, b->errlen,
				  "%s: '%.*s' is not supported, only none, linear, yarn", key,
				  name.len > 40 ? 40 : (int)name.len, name.text);
	h->rope_factor = 1;
	h->rope_ctx_original = h->ctx_trained;
	h->yarn_ext = h->rope_scaling == ROPE_YARN ? 1 : 0;
	h->yarn_attn = 1;
	h->yarn_beta_fast = 32;
	h->yarn_beta_slow = 1;
	if (key_float(b, "rope.scaling.factor", 0, 1e6, false, &h->rope_factor) ||
	    key_int(b, "rope.scaling.original_context_length", 1, CTX_MAX, false, &h->rope_ctx_original) ||
	    key_float(b, "rope.scaling.attn_factor", 0, 1e3, false, &h->yarn_attn) ||
	    key_float(b, "rope.scaling.yarn_ext_factor", 0, 1e3, false, &h->yarn_ext) ||
	    key_float(b, "rope.scaling.yarn_attn_factor", 0, 1e3, false, &h->yarn_attn) ||
	    key_float(b, "rope.scaling.yarn_beta_fast", 0, 1e6, false, &h->yarn_beta_fast) ||
	    key_float(b, "rope.scaling.yarn_beta_slow", 0, 1e6, false, &h->yarn_beta_slow))
		return -1;
	if (h->rope_factor == 0) /* some converters write 0 for "no scaling" */
		h->rope_factor = 1;
	/* Older files: rope.scale_linear alone. */
	if (!found && key_float(b, "rope.scale_linear", 1e-3, 1e6, false, &h->rope_factor))
		return -1;
	if (h->rope_factor != 1 && h->rope_scaling == ROPE_PLAIN)
		h->rope_scaling = found ? ROPE_PLAIN : ROPE_LINEAR;
	return 0;
}

static int read_hparams(struct binder *b)
{
	struct hparams *h = &b->model->h;
	h->embd_scale = 1;
	h->activation = b->arch->activation;
	h->rope_layout = b->arch->rope_layout;
	h->rope_base = 10000;
	if (read_sizes(b) || key_float(b, "rope.freq_base", 1, 1e12, false, &h->rope_base) || read_rope_scaling(b))
		return -1;
	h->rope_base_local = h->rope_base;
	h->attn_scale = 1 / sqrtf((float)h->head_k);
	b->model->layer = xcalloc((size_t)h->layers, sizeof(*b->model->layer));
	return b->arch->adjust ? b->arch->adjust(b->model, b->err, b->errlen) : 0;
}

/* The vocabulary is what the tokenizer says it is. */
static int read_vocabulary(struct binder *b)
{
	const struct gguf_value *tokens;
	int found = gguf_array(b->model->gguf, "tokenizer.ggml.tokens", GGUF_STRING, &tokens, b->err, b->errlen);
	if (found < 0)
		return -1;
	if (!found) {
		snprintf(b->err, b->errlen, "%s: tokenizer.ggml.tokens is missing; the file has no vocabulary",
			 gguf_path(b->model->gguf));
		return -1;
	}
	if (tokens->count == 0 || tokens->count > VOCAB_MAX)
		return gguf_error(b->model->gguf, tokens->offset, b->err, b->errlen,
				  "tokenizer.ggml.tokens is %llu, possible are 1 to %d",
				  (unsigned long long)tokens->count, VOCAB_MAX);
	b->model->h.vocab = (int)tokens->count;
	return 0;
}

/* --- Tensors ------------------------------------------------------------------------------ */

enum { FLOAT_ONLY = 1, OPTIONAL = 2 };

/* A tensor by name with the shape it must have (ne1 0: a vector). */
static int bind(struct binder *b, const struct tensor **out, int64_t ne0, int64_t ne1, int flags, const char *name)
{
	struct gguf *gguf = b->model->gguf;
	const struct tensor *t = gguf_tensor(gguf, name);
	*out = t;
	if (!t && (flags & OPTIONAL))
		return 0;
	if (!t) {
		snprintf(b->err, b->errlen, "%s: tensor %s is missing; the file is not a whole model", gguf_path(gguf),
			 name);
		return -1;
	}
	int64_t want1 = ne1 ? ne1 : 1;
	if (t->ne[0] != ne0 || t->ne[1] != want1 || t->ne[2] != 1 || t->ne[3] != 1)
		return gguf_tensor_error(gguf, t, b->err, b->errlen,
					 "tensor %s is %lld×%lld, the metadata asks for %lld×%lld", name,
					 (long long)t->ne[0], (long long)t->ne[1], (long long)ne0, (long long)want1);
	if ((flags & FLOAT_ONLY) && t->type != TYPE_F32)
		return gguf_tensor_error(gguf, t, b->err, b->errlen, "%s is of type %s, expected F32", name,
					 type_name(t->type));
	b->model->parameters += (uint64_t)(t->ne[0] * t->ne[1]);
	return 0;
}

static int bind_layer_tensor(struct binder *b, int i, const struct tensor **out, int64_t ne0, int64_t ne1, int flags,
			     const char *what)
{
	char name[64];
	snprintf(name, sizeof(name), "blk.%d.%s", i, what);
	return bind(b, out, ne0, ne1, flags, name);
}

static int bind_attention(struct binder *b, int i)
{
	const struct hparams *h = &b->model->h;
	struct model_layer *l = &b->model->layer[i];
	int64_t q = (int64_t)h->heads * h->head_k, k = (int64_t)h->heads_kv * h->head_k,
		v = (int64_t)h->heads_kv * h->head_v;
	int bias = FLOAT_ONLY | (b->arch->tensors & ARCH_QKV_BIAS ? 0 : OPTIONAL);
	return bind_layer_tensor(b, i, &l->attn_norm, h->embd, 0, FLOAT_ONLY, "attn_norm.weight") ||
	       bind_layer_tensor(b, i, &l->attn_q, h->embd, q, 0, "attn_q.weight") ||
	       bind_layer_tensor(b, i, &l->attn_k, h->embd, k, 0, "attn_k.weight") ||
	       bind_layer_tensor(b, i, &l->attn_v, h->embd, v, 0, "attn_v.weight") ||
	       bind_layer_tensor(b, i, &l->attn_output, (int64_t)h->heads * h->head_v, h->embd, 0,
				 "attn_output.weight") ||
	       bind_layer_tensor(b, i, &l->attn_q_bias, q, 0, bias, "attn_q.bias") ||
	       bind_layer_tensor(b, i, &l->attn_k_bias, k, 0, bias, "attn_k.bias") ||
	       bind_layer_tensor(b, i, &l->attn_v_bias, v, 0, bias, "attn_v.bias") ||
	       bind_layer_tensor(b, i, &l->attn_output_bias, h->embd, 0, FLOAT_ONLY | OPTIONAL, "attn_output.bias");
}

static int bind_norms(struct binder *b, int i)
{
	const struct hparams *h = &b->model->h;
	struct model_layer *l = &b->model->layer[i];
	if ((b->arch->tensors & ARCH_QK_NORM) &&
	    (bind_layer_tensor(b, i, &l->attn_q_norm, h->head_k, 0, FLOAT_ONLY, "attn_q_norm.weight") ||
	     bind_layer_tensor(b, i, &l->attn_k_norm, h->head_k, 0, FLOAT_ONLY, "attn_k_norm.weight")))
		return -1;
	if ((b->arch->tensors & ARCH_POST_NORM) &&
	    (bind_layer_tensor(b, i, &l->attn_post_norm, h->embd, 0, FLOAT_ONLY, "post_attention_norm.weight") ||
	     bind_layer_tensor(b, i, &l->ffn_post_norm, h->embd, 0, FLOAT_ONLY, "post_ffw_norm.weight")))
		return -1;
	return bind_layer_tensor(b, i, &l->ffn_norm, h->embd, 0, FLOAT_ONLY, "ffn_norm.weight");
}

/* Steps that some relatives of a family have and we do not compute: leaving them out would answer wrongly. */
static int refuse_unknown_steps(struct binder *b, int i)
{
	static const char *const steps[] = {"ffn_gate.bias", "ffn_up.bias", "ffn_down.bias", "ffn_gate_inp.weight"};
	for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
		char name[64];
		snprintf(name, sizeof(name), "blk.%d.%s", i, steps[k]);
		const struct tensor *t = gguf_tensor(b->model->gguf, name);
		if (t)
			return gguf_tensor_error(b->model->gguf, t, b->err, b->errlen,
						 "tensor %s: models with this step are not supported", name);
	}
	return 0;
}

static int bind_ffn(struct binder *b, int i)
{
	const struct hparams *h = &b->model->h;
	struct model_layer *l = &b->model->layer[i];
	if (refuse_unknown_steps(b, i))
		return -1;
	return bind_layer_tensor(b, i, &l->ffn_gate, h->embd, h->ffn, 0, "ffn_gate.weight") ||
	       bind_layer_tensor(b, i, &l->ffn_up, h->embd, h->ffn, 0, "ffn_up.weight") ||
	       bind_layer_tensor(b, i, &l->ffn_down, h->ffn, h->embd, 0, "ffn_down.weight");
}

static int bind_tensors(struct binder *b)
{
	struct model *model = b->model;
	const struct hparams *h = &model->h;
	if (bind(b, &model->token_embd, h->embd, h->vocab, 0, "token_embd.weight") ||
	    bind(b, &model->output_norm, h->embd, 0, FLOAT_ONLY, "output_norm.weight") ||
	    bind(b, &model->output, h->embd, h->vocab, OPTIONAL, "output.weight") ||
	    bind(b, &model->rope_freqs, h->rot / 2, 0, FLOAT_ONLY | OPTIONAL, "rope_freqs.weight"))
		return -1;
	if (!model->output)
		model->output = model->token_embd;
	for (int i = 0; i < h->layers; i++)
		if (bind_attention(b, i) || bind_norms(b, i) || bind_ffn(b, i))
			return -1;
	return 0;
}

/* --- Labels -------------------------------------------------------------------------------- */

/* The file's own label by general.file_type (llama.cpp's public enum), else the commonest tensor type. */
static void name_file_type(struct model *model)
{
	static const char *const labels[] = {
		[0] = "F32",     [1] = "F16",     [2] = "Q4_0",    [3] = "Q4_1",    [7] = "Q8_0",
		[8] = "Q5_0",    [9] = "Q5_1",    [10] = "Q2_K",   [11] = "Q3_K_S", [12] = "Q3_K_M",
		[13] = "Q3_K_L", [14] = "Q4_K_S", [15] = "Q4_K_M", [16] = "Q5_K_S", [17] = "Q5_K_M",
		[18] = "Q6_K",   [25] = "IQ4_NL", [30] = "IQ4_XS", [32] = "BF16"};
	int64_t type = -1;
	char ignored[256];
	gguf_int(model->gguf, "general.file_type", 0, sizeof(labels) / sizeof(*labels) - 1, &type, ignored,
		 sizeof(ignored));
	const char *label = type >= 0 ? labels[type] : NULL;
	uint64_t bytes[TYPE_COUNT] = {0}, most = 0;
	for (size_t i = 0; !label && i < gguf_tensor_count(model->gguf); i++) {
		const struct tensor *t = gguf_tensor_at(model->gguf, i);
		bytes[t->type] += t->size;
	}
	for (uint32_t i = 0; !label && i < TYPE_COUNT; i++) {
		if (bytes[i] > most) {
			most = bytes[i];
			snprintf(model->file_type, sizeof(model->file_type), "%s", type_name(i));
		}
	}
	if (label)
		snprintf(model->file_type, sizeof(model->file_type), "%s", label);
}

static void name_model(struct model *model)
{
	copy_string(model->gguf, "general.name", model->name, sizeof(model->name));
	copy_string(model->gguf, "general.license", model->license, sizeof(model->license));
	if (*model->name)
		return;
	const char *path = gguf_path(model->gguf), *slash = strrchr(path, '/');
	snprintf(model->name, sizeof(model->name), "%s", slash ? slash + 1 : path);
	char *dot = strrchr(model->name, '.');
	if (dot && strcmp(dot, ".gguf") == 0)
		*dot = '\0';
}

/* --- Fingerprint ---------------------------------------------------------------------------- */

static void mix(uint64_t hash[2], const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	for (size_t i = 0; i < len; i++) {
		hash[0] = (hash[0] ^ p[i]) * 1099511628211u;
		hash[1] = (hash[1] ^ p[i]) * 0x9e3779b97f4a7c15u;
		hash[1] ^= hash[1] >> 31;
	}
}

/* Size, tensor table and a few hundred bytes of each tensor: cheap, and different
 * weights differ somewhere there. */
static void fingerprint(struct model *model)
{
	enum { SAMPLES = 4, SAMPLE_BYTES = 64 };
	uint64_t hash[2] = {14695981039346656037u, 0x2545f4914f6cdd1du}, size = gguf_file_bytes(model->gguf);
	mix(hash, &size, sizeof(size));
	for (size_t i = 0; i < gguf_tensor_count(model->gguf); i++) {
		const struct tensor *t = gguf_tensor_at(model->gguf, i);
		mix(hash, t->name.text, t->name.len);
		mix(hash, t->ne, sizeof(t->ne));
		mix(hash, &t->type, sizeof(t->type));
		for (uint64_t s = 0; t->size >= SAMPLE_BYTES && s < SAMPLES; s++)
			mix(hash, t->data + (t->size - SAMPLE_BYTES) / (SAMPLES - 1) * s, SAMPLE_BYTES);
	}
	snprintf(model->fingerprint, sizeof(model->fingerprint), "%016llx%016llx", (unsigned long long)hash[0],
		 (unsigned long long)hash[1]);
}

static void warn_unknown(struct model *model)
{
	size_t bound = 3 + (model->output != model->token_embd) - 1 + (model->rope_freqs != NULL);
	for (int i = 0; i < model->h.layers; i++) {
		const struct tensor *const *t = &model->layer[i].attn_norm;
		const struct tensor *const *end = &model->layer[i].ffn_down + 1;
		for (; t < end; t++)
			bound += *t != NULL;
	}
	size_t count = gguf_tensor_count(model->gguf);
	if (count > bound)
		snprintf(model->warning, sizeof(model->warning), "%zu tensors of the file are unknown and not used",
			 count - bound);
}

/* --- Opening --------------------------------------------------------------------------------- */

int model_open(struct model **out, const char *path, bool vocab_only, char *err, size_t errlen)
{
	struct model *model = xcalloc(1, sizeof(*model));
	struct binder b = {.model = model, .err = err, .errlen = errlen};
	if (gguf_open(&model->gguf, path, err, errlen) || read_vocabulary(&b))
		goto fail;
	b.arch = find_arch(&b);
	/* A vocabulary alone may be of any family. */
	if (!b.arch && !vocab_only)
		goto fail;
	model->arch = b.arch ? b.arch->name : "";
	if (!vocab_only && (read_hparams(&b) || bind_tensors(&b)))
		goto fail;
	name_model(model);
	name_file_type(model);
	if (!vocab_only) {
		fingerprint(model);
		warn_unknown(model);
	}
	*out = model;
	return 0;
fail:
	model_close(model);
	return -1;
}

void model_close(struct model *model)
{
	if (!model)
		return;
	gguf_close(model->gguf);
	free(model->layer);
	free(model);
}
