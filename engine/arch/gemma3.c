/* Gemma 3: embeddings scaled by sqrt(embd), norms before and after each half of
 * a layer, GELU. Five layers in six see a sliding window and rotate with base
 * 10,000 unscaled; every sixth sees everything, with the model's own base. */
#include "arch.h"

#include <math.h>

enum { GLOBAL_EVERY = 6, LAYERS_27B = 62 };

static int adjust(struct model *model, char *err, size_t errlen)
{
	struct hparams *h = &model->h;
	int64_t window = 1024;
	double softcap = 0;
	if (gguf_int(model->gguf, "gemma3.attention.sliding_window", 1, 1 << 24, &window, err, errlen) < 0 ||
	    gguf_float(model->gguf, "gemma3.final_logit_softcapping", 0, 1e6, &softcap, err, errlen) < 0)
		return -1;
	h->sliding_window = (int)window;
	h->logit_softcap = (float)softcap;
	h->embd_scale = sqrtf((float)h->embd);
	h->rope_base_local = 10000;
	/* The 27B model alone scales by the width that its heads would have if they filled the embedding. */
	h->attn_scale =
		h->layers == LAYERS_27B ? 1 / sqrtf((float)h->embd / (float)h->heads) : 1 / sqrtf((float)h->head_k);
	for (int i = 0; i < h->layers; i++)
		model->layer[i].sliding = i % GLOBAL_EVERY != GLOBAL_EVERY - 1;
	return 0;
}

const struct arch arch_gemma3 = {.name = "gemma3",
				 .tensors = ARCH_QK_NORM | ARCH_POST_NORM,
				 .rope_layout = ROPE_NEOX,
				 .activation = ACTIVATION_GELU_TANH,
				 .adjust = adjust};
