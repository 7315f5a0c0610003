/* Kernels for 64-bit ARM with byte dot products (sdot): neon.c's, multiplied by them. */
#if defined(__aarch64__)
#include "../engine.h"

#define PRODUCT_NEON neon_dot_matmul
#define SDOT         1
#include "product_neon.h"

const struct kernels kernels_neon_dot = {
	.name = "neon_dot",
	.quantize = neon_quantize,
	.matmul = neon_dot_matmul,
	.to_float = reference_to_float,
	.rms_norm = neon_rms_norm,
	.dot_f32 = neon_dot_f32,
	.silu_mul = neon_silu_mul,
	.gelu_mul = neon_gelu_mul,
	.attention = neon_attention,
	.kv_store = neon_kv_store,
};
#endif
