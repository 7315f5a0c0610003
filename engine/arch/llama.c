/* Llama 1 to 3, Mistral, SmolLM and relatives: the plain decoder. Query and key
 * rows are stored for rotation of adjacent pairs. The sliding_window key of old
 * Mistral 7B files is left unused, as the model's later versions do. */
#include "arch.h"

const struct arch arch_llama = {.name = "llama", .rope_layout = ROPE_NORM, .activation = ACTIVATION_SILU};
