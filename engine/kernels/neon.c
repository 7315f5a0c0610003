/* Kernels for 64-bit ARM with NEON, which every such CPU has: quantised products without byte dot products, and the
 * small operations that both sets share. Rows become floats (for embeddings, one row a token) by the reference's
 * function, as in the other sets: it takes no time worth a second version. */
#if defined(__aarch64__)
#include "../engine.h"

#define PRODUCT_NEON neon_matmul
#include "product_neon.h"

/* --- Small operations ---------------------------------------------------------------------------------------- */

void neon_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out)
{
	float scale = 1 / sqrtf(neon_dot_f32(x, x, n) / (float)n + eps);
	for (int64_t i = 0; i < n; i += 4) {
		float32x4_t y = vmulq_n_f32(load_up_to(x + i, n - i), scale);
		store_up_to(out + i, n - i, vmulq_f32(y, load_up_to(weight + i, n - i)));
	}
}

INLINE float32x4_t exp4(float32x4_t x)
{
	float32x4_t top = vminq_f32(x, vdupq_n_f32(EXP_HIGHEST)); /* a NaN stays one */
	float32x4_t k = vrndnq_f32(vmulq_f32(top, vdupq_n_f32(EXP_LOG2E)));
	float32x4_t r = vfmsq_f32(top, k, vdupq_n_f32(EXP_LN2_HI));
	r = vfmsq_f32(r, k, vdupq_n_f32(EXP_LN2_LO));
	float32x4_t p = vfmaq_f32(vdupq_n_f32(EXP_C6), vdupq_n_f32(EXP_C7), r);
	p = vfmaq_f32(vdupq_n_f32(EXP_C5), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXP_C4), p, r);
	p = vfmaq_f32(vdupq_n_f32(EXP_C3), p, r);
	p = vfmaq_f32(vdupq_n_f32(0.5f), p, r);
	p = vfmaq_f32(vdupq_n_f32(1), p, r);
	p = vfmaq_f32(vdupq_n_f32(1), p, r);
	int32x4_t power = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(k), vdupq_n_s32(127)), 23);
	uint32x4_t y = vreinterpretq_u32_f32(vmulq_f32(p, vreinterpretq_f32_s32(power)));
	return vreinterpretq_f32_u32(vbicq_u32(y, vcltq_f32(x, vdupq_n_f32(EXP_LOWEST))));
}

INLINE float32x4_t over_one_plus_exp(float32x4_t x, float32x4_t exponent)
{
	return vdivq_f32(x, vaddq_f32(vdupq_n_f32(1), exp4(exponent)));
}

void neon_silu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 4) {
		float32x4_t x = load_up_to(gate + i, n - i);
		float32x4_t y = vmulq_f32(over_one_plus_exp(x, vnegq_f32(x)), load_up_to(up + i, n - i));
		store_up_to(out + i, n - i, y);
	}
}

void neon_gelu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 4) {
		float32x4_t x = load_up_to(gate + i, n - i);
		float32x4_t cube = vfmaq_f32(vdupq_n_f32(1), vmulq_n_f32(x, GELU_CUBE), x);
		float32x4_t twice = vmulq_n_f32(vmulq_f32(x, cube), GELU_SCALE);
		float32x4_t y = vmulq_f32(over_one_plus_exp(x, vnegq_f32(twice)), load_up_to(up + i, n - i));
		store_up_to(out + i, n - i, y);
	}
}

/* Sixteen bytes as floats times x, and added to sum[4]. */
INLINE void add_products(int8x16_t q, const float32x4_t *x, bool first, float32x4_t *sum)
{
	const int16x8_t part[2] = {vmovl_s8(vget_low_s8(q)), vmovl_s8(vget_high_s8(q))};
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		int16x4_t four = i % 2 ? vget_high_s16(part[i / 2]) : vget_low_s16(part[i / 2]);
		float32x4_t f = vcvtq_f32_s32(vmovl_s16(four));
		sum[i] = first ? vmulq_f32(f, x[i]) : vfmaq_f32(sum[i], f, x[i]);
	}
}

/* The scale that leaves the smallest squares of errors; largest / 127 where all bytes are zero. */
INLINE float best_scale(const float32x4_t *x, const int8x16_t *q, float largest)
{
	int32x4_t squares = dot16(dot16(vdupq_n_s32(0), q[0], q[0]), q[1], q[1]);
	int sum = vaddvq_s32(squares);
	float32x4_t lanes[4];
	add_products(q[0], x, true, lanes);
	add_products(q[1], x + 4, false, lanes);
	return sum ? sum_of_8(vaddq_f32(lanes[0], lanes[2]), vaddq_f32(lanes[1], lanes[3])) / (float)sum
		   : largest / 127;
}

void neon_quantize(const float *x, int64_t n, void *out)
{
	struct act_block *block = out;
	clear_last(out, n);
	for (int64_t i = 0; i < n; i += GROUP) {
		struct act_block *b = &block[i / PAIR];
		int super = (int)(i / SUPER % 2), j = (int)(i % SUPER / GROUP), sums[2];
		float32x4_t group[8];
		int8x16_t q[2];
		for (int part = 0; part < 8; part++)
			group[part] = vld1q_f32(x + i + 4 * part);
		float largest = largest_of_group(group);
		quantize_32(group, largest, q);
		for (int half = 0; half < 2; half++) {
			vst1q_s8(b->q[super] + act_byte(j * GROUP) + 64 * half, q[half]);
			sums[half] = vaddlvq_s8(q[half]);
		}
		b->scale[act_lane(super, j)] = best_scale(group, q, largest);
		set_sums(b, super, j, sums);
	}
}

const struct kernels kernels_neon = {
	.name = "neon",
	.quantize = neon_quantize,
	.matmul = neon_matmul,
	.to_float = reference_to_float,
	.rms_norm = neon_rms_norm,
	.dot_f32 = neon_dot_f32,
	.silu_mul = neon_silu_mul,
	.gelu_mul = neon_gelu_mul,
	.attention = neon_attention,
	.kv_store = neon_kv_store,
};
#endif
