/* Qwen2 and Qwen2.5: as Llama, with biases on query, key and value. */
#include "arch.h"

const struct arch arch_qwen2 = {
	.name = "qwen2", .tensors = ARCH_QKV_BIAS, .rope_layout = ROPE_NEOX, .activation = ACTIVATION_SILU};
