/* Kernels for x86-64 with AVX-512 and its byte dot products, in 256-bit registers: for CPUs that gain nothing from
 * wider ones. avx2.c with vpdpbusd and thirty-two registers. */
#if defined(__x86_64__)
#define PRODUCT256              avx512vl_matmul
#define DOT4(sums, bytes, with) _mm256_dpbusd_epi32(sums, bytes, with)
#define AHEAD                   0
#include "product256.h"

const struct kernels kernels_avx512vl = {
	.name = "avx512vl",
	.quantize = avx2_quantize,
	.matmul = avx512vl_matmul,
	.to_float = reference_to_float,
	.rms_norm = avx2_rms_norm,
	.dot_f32 = avx2_dot_f32,
	.silu_mul = avx2_silu_mul,
	.gelu_mul = avx2_gelu_mul,
	.attention = avx2_attention,
	.kv_store = avx2_kv_store,
};
#endif
