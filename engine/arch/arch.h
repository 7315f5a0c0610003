/* arch.h: what a model family adds to the plain decoder.
 *
 * model.c reads what all families share (names in GGUF: "ARCH.block_count"…,
 * "blk.N.attn_q.weight"…); a family changes defaults and says which tensors it
 * has beyond the common ones. */
#ifndef ARCH_H
#define ARCH_H

#include "../model.h"

enum {
	ARCH_QKV_BIAS = 1,  /* attn_q.bias, attn_k.bias, attn_v.bias are required */
	ARCH_QK_NORM = 2,   /* attn_q_norm, attn_k_norm are required */
	ARCH_POST_NORM = 4, /* post_attention_norm, post_ffw_norm are required */
};

struct arch {
	const char *name; /* general.architecture */
	int tensors;      /* ARCH_… */
	enum rope_layout rope_layout;
	enum activation activation;
	/* After the shared keys: family keys and values. 0, or -1 with err filled. */
	int (*adjust)(struct model *, char *err, size_t errlen);
};

extern const struct arch arch_llama, arch_qwen2, arch_qwen3, arch_gemma3;

#endif
