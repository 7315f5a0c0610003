/* Qwen3: no biases; query and key are normalised head by head before rotation. */
#include "arch.h"

const struct arch arch_qwen3 = {
	.name = "qwen3", .tensors = ARCH_QK_NORM, .rope_layout = ROPE_NEOX, .activation = ACTIVATION_SILU};
