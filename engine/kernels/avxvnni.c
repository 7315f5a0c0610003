/* Kernels for x86-64 with byte dot products in 256-bit registers but no AVX-512: avx2.c's, multiplied by vpdpbusd. */
#if defined(__x86_64__)
#define PRODUCT256              avxvnni_matmul
#define DOT4(sums, bytes, with) _mm256_dpbusd_avx_epi32(sums, bytes, with)
#include "product256.h"

const struct kernels kernels_avxvnni = {
	.name = "avxvnni",
	.quantize = avx2_quantize,
	.matmul = avxvnni_matmul,
	.to_float = reference_to_float,
	.rms_norm = avx2_rms_norm,
	.dot_f32 = avx2_dot_f32,
	.silu_mul = avx2_silu_mul,
	.gelu_mul = avx2_gelu_mul,
	.attention = avx2_attention,
	.kv_store = avx2_kv_store,
};
#endif
