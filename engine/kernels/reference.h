/* reference.h: what the files of the plain set share. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include "blocks.h"

#include <float.h>
#include <math.h>
#include <string.h>

void reference_kv_store(int kv_type, const float *x, int64_t n, void *out);
void reference_attention(int kv_type, const struct attention *, int64_t chunk, void *scratch, float *states);

static inline float half_to_float(const uint8_t *p)
{
	uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8, sign = (h & 0x8000) << 16, exponent = h >> 10 & 31,
		 mantissa = h & 1023;
	if (exponent == 0) {
		float small = (float)mantissa * 0x1p-24f;
		return sign ? -small : small;
	}
	uint32_t bits = sign | (exponent == 31 ? 0xff : exponent + 112) << 23 | mantissa << 13;
	float value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline uint16_t float_to_half(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
	if (magnitude > 0x7f800000)
		return (uint16_t)(sign | 0x7e00);
	if (magnitude >= 0x477ff000) /* rounds to 65536 or more */
		return (uint16_t)(sign | 0x7c00);
	if (magnitude < 0x38800000) { /* subnormal half: steps of 2^-24, to nearest even */
		float scaled;
		memcpy(&scaled, &magnitude, sizeof(scaled));
		return (uint16_t)(sign | (uint32_t)lrintf(scaled * 0x1p24f));
	}
	uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
	return (uint16_t)(sign | ((rounded >> 13) - (112 << 10)));
}

static inline float float_at(enum tensor_type type, const uint8_t *row, int64_t i)
{
	float value;
	if (type == TYPE_F16)
		return half_to_float(row + 2 * i);
	if (type == TYPE_BF16) {
		uint32_t bits = (uint32_t)row[2 * i] << 16 | (uint32_t)row[2 * i + 1] << 24;
		memcpy(&value, &bits, sizeof(value));
		return value;
	}
	memcpy(&value, row + 4 * i, sizeof(value));
	return value;
}

static inline float sum8(const float *lane)
{
	return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* Halves are added until eight lanes are left. */
static inline float lanes_sum(float *lane, int lanes)
{
	for (; lanes > 8; lanes /= 2)
		for (int i = 0; i < lanes / 2; i++)
			lane[i] += lane[i + lanes / 2];
	return sum8(lane);
}

/* The largest magnitude; a NaN is larger than everything. */
static inline float largest_of(const float *x, int64_t count)
{
	uint32_t largest = 0, bits;
	float value;
	for (int64_t i = 0; i < count; i++) {
		memcpy(&bits, &x[i], sizeof(bits));
		bits &= 0x7fffffff;
		largest = bits > largest ? bits : largest;
	}
	memcpy(&value, &largest, sizeof(value));
	return value;
}

/* NaN and infinity go on as a scale that is none: the logits show it. */
static inline float inverse_scale(float largest)
{
	return largest >= ACT_SMALLEST && largest <= FLT_MAX ? 127 / largest : 0;
}

static inline float reference_exp(float x)
{
	if (x != x || x < EXP_LOWEST)
		return x != x ? x : 0;
	x = x > EXP_HIGHEST ? EXP_HIGHEST : x;
	float k = rintf(x * EXP_LOG2E), r = fmaf(k, -EXP_LN2_LO, fmaf(k, -EXP_LN2_HI, x)), p = EXP_C7, power;
	p = fmaf(p, r, EXP_C6);
	p = fmaf(p, r, EXP_C5);
	p = fmaf(p, r, EXP_C4);
	p = fmaf(p, r, EXP_C3);
	p = fmaf(p, r, 0.5f);
	p = fmaf(p, r, 1);
	p = fmaf(p, r, 1);
	uint32_t bits = (uint32_t)((int)k + 127) << 23;
	memcpy(&power, &bits, sizeof(power));
	return p * power;
}

#endif
