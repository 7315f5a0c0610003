/* neon.h: what the files of the NEON sets share. */
#ifndef NEON_H
#define NEON_H

#include "reference.h"

#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))

void neon_float_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
		       int64_t last, const float *x, size_t x_stride, int k, float *y, size_t y_stride);
void neon_quantize(const float *x, int64_t n, void *out);
void neon_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out);
void neon_silu_mul(const float *gate, const float *up, int64_t n, float *out);
void neon_gelu_mul(const float *gate, const float *up, int64_t n, float *out);
float neon_dot_f32(const float *a, const float *b, int64_t n);
void neon_kv_store(int kv_type, const float *x, int64_t n, void *out);
void neon_attention(int kv_type, const struct attention *, int64_t chunk, void *scratch, float *states);

INLINE float half_at(const uint8_t *p)
{
	uint16_t half;
	memcpy(&half, p, sizeof(half));
	return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

/* Eight lanes, 0..3 and 4..7. */
INLINE float sum_of_8(float32x4_t low, float32x4_t high)
{
	float32x4_t four = vaddq_f32(low, high);
	float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
	return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/* Up to four floats; zeros after them. */
INLINE float32x4_t load_up_to(const float *x, int64_t left)
{
	float rest[4] = {0};
	if (left >= 4)
		return vld1q_f32(x);
	for (int i = 0; i < left; i++)
		rest[i] = x[i];
	return vld1q_f32(rest);
}

INLINE void store_up_to(float *out, int64_t left, float32x4_t x)
{
	float rest[4];
	if (left >= 4) {
		vst1q_f32(out, x);
		return;
	}
	vst1q_f32(rest, x);
	for (int i = 0; i < left; i++)
		out[i] = rest[i];
}

INLINE float32x4_t load_floats(enum tensor_type type, const uint8_t *row, int64_t i, int64_t left)
{
	if (type == TYPE_F32)
		return load_up_to((const float *)(const void *)row + i, left);
	uint16_t four[4] = {0};
	if (left >= 4)
		memcpy(four, row + 2 * i, sizeof(four));
	else if (left > 0)
		memcpy(four, row + 2 * i, (size_t)left * 2);
	uint16x4_t x = vld1_u16(four);
	if (type == TYPE_F16)
		return vcvt_f32_f16(vreinterpret_f16_u16(x));
	return vreinterpretq_f32_u32(vshll_n_u16(x, 16));
}

INLINE uint32x4_t magnitude(float32x4_t x)
{
	return vandq_u32(vreinterpretq_u32_f32(x), vdupq_n_u32(0x7fffffff));
}

INLINE float largest_of_lanes(uint32x4_t magnitudes)
{
	return vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(vmaxvq_u32(magnitudes))), 0);
}

/* Of 32 floats; a NaN is larger than everything. */
INLINE float largest_of_group(const float32x4_t *x)
{
	uint32x4_t largest = vdupq_n_u32(0);
	for (int i = 0; i < 8; i++)
		largest = vmaxq_u32(largest, magnitude(x[i]));
	return largest_of_lanes(largest);
}

/* 32 floats as bytes by a common scale, largest / 127; zeros where that has no finite inverse. */
INLINE void quantize_32(const float32x4_t *x, float largest, int8x16_t *q)
{
	const float inverse = inverse_scale(largest);
	q[0] = q[1] = vdupq_n_s8(0);
	for (int i = 0; i < 2 && inverse > 0; i++) {
		int16x4_t part[4];
#pragma GCC unroll 4
		for (int j = 0; j < 4; j++)
			part[j] = vmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(x[4 * i + j], inverse)));
		q[i] = vcombine_s8(vmovn_s16(vcombine_s16(part[0], part[1])),
				   vmovn_s16(vcombine_s16(part[2], part[3])));
	}
}

#endif
