/* model.h: a model's hyperparameters and tensors, checked and bound.
 *
 * The struct is plain data describing a decoder-only transformer; arch/X.c
 * fills it for its family and forward.c walks it. A tensor pointer that is
 * NULL is a step that the family does not have. Tensors belong to the gguf. */
#ifndef MODEL_H
#define MODEL_H

#include "gguf.h"

enum rope_layout { ROPE_NORM, ROPE_NEOX }; /* pairs (2i, 2i+1); pairs (i, i + n_rot/2) */
enum rope_scaling { ROPE_PLAIN, ROPE_LINEAR, ROPE_YARN };
enum activation { ACTIVATION_SILU, ACTIVATION_GELU_TANH };

struct hparams {
	int vocab, ctx_trained, embd, layers, ffn;
	int heads, heads_kv; /* heads % heads_kv == 0 */
	int head_k, head_v;  /* width of one head's key and value */
	int rot;             /* rotated part of a head, even, <= head_k */
	float rms_eps;
	float attn_scale; /* on q·k */
	float embd_scale; /* on the input embedding; 1 for most */
	enum activation activation;
	enum rope_layout rope_layout;
	enum rope_scaling rope_scaling;
	float rope_base;
	float rope_base_local; /* for sliding layers (Gemma 3) */
	float rope_factor;     /* linear and YaRN: trained length is multiplied by this */
	int rope_ctx_original; /* YaRN */
	float yarn_ext, yarn_attn, yarn_beta_fast, yarn_beta_slow;
	int sliding_window;  /* tokens a sliding layer sees; 0: none slide */
	float logit_softcap; /* 0: none */
};

struct model_layer {
	bool sliding;
	const struct tensor *attn_norm, *attn_q, *attn_k, *attn_v, *attn_output;
	const struct tensor *attn_q_bias, *attn_k_bias, *attn_v_bias, *attn_output_bias;
	const struct tensor *attn_q_norm, *attn_k_norm; /* RMS norm over each head */
	const struct tensor *attn_post_norm, *ffn_norm, *ffn_post_norm;
	const struct tensor *ffn_gate, *ffn_up, *ffn_down;
};

struct model {
	struct gguf *gguf; /* owned */
	const char *arch;  /* "llama", "qwen2", … */
	struct hparams h;
	const struct tensor *token_embd, *output_norm, *output; /* output may be token_embd (tied) */
	const struct tensor *rope_freqs;                        /* F32 [rot/2] divisors, or NULL */
	struct model_layer *layer;                              /* [h.layers] */
	char name[256], file_type[32], license[64];
	char warning[256];    /* oddities that do not stop us; "" for none */
	char fingerprint[33]; /* hash of size, metadata, tensor table and sampled weights */
	uint64_t parameters;
};

/* Opens, checks every hyperparameter's range and every tensor's presence, type
 * and shape. With vocab_only, metadata and tokenizer keys alone are required. */
int model_open(struct model **, const char *path, bool vocab_only, char *err, size_t errlen);
void model_close(struct model *);

#endif
