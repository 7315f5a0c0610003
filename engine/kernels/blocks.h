/* blocks.h: what the kernel sets share among themselves: the layout of quantised
 * activations and the canonical order of float sums. See kernels.h. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "kernels.h"

#include <string.h>

enum {
	GROUP = 32,  /* weights that share an activation scale */
	HALF = 16,   /* weights that share a scale in Q2_K, Q3_K and Q6_K */
	SUPER = 256, /* weights a superblock */
	GROUPS = SUPER / GROUP,
	HALVES = SUPER / HALF,
	PAIR = 2 * SUPER, /* weights that meet the sums once */
	SUMS = 16,        /* lanes of a quantised product */
	KV_Q8_BYTES = 34, /* cache rows of q8_0: an f16 scale and 32 bytes, as in GGUF */
	LANES = 32,       /* of a float dot product */
	ACT_BYTES = 1408, /* of 512 activations, in whatever form a set has them */
	MINUS_BITS = 7,   /* sums of activations are kept as weights need them that count from 2 to this power */
};

/* 512 activations. A row of them is padded with zeros to whole blocks. */
struct act_block {
	int8_t q[2][SUPER];          /* halves of the even groups, then of the odd ones: act_byte() */
	float scale[SUMS];           /* by lanes: act_lane() */
	float sum[SUMS];             /* scale * sum of q */
	int32_t minus[SUMS];         /* -128 * sum of q: MINUS_BITS */
	int16_t half_sum[2][HALVES]; /* sum of q, by halves in their order */
};
_Static_assert(sizeof(struct act_block) <= ACT_BYTES, "room");

/* Where activation i of a superblock lies in its q. Sixteen neighbours stay together. */
static inline int act_byte(int i)
{
	int group = i / GROUP, half = i % GROUP / HALF;
	return 128 * (group % 2) + 64 * half + 16 * (group / 2) + i % HALF;
}

/* The lane that sums a group of the first or second superblock of a block. */
static inline int act_lane(int super, int group)
{
	return 4 * (group / 2) + 2 * super + group % 2;
}

/* Smaller activations than this become zero: their inverse would not be finite. */
#define ACT_SMALLEST 0x1p-100f

/* e^x is 2^k e^r, |r| <= ln 2 / 2, by the Taylor polynomial of degree 7 (below 1.5 units in
 * the last place). Below EXP_LOWEST it is 0; above EXP_HIGHEST it stays e^EXP_HIGHEST. */
#define EXP_LOWEST  -87.0f
#define EXP_HIGHEST 88.0f
#define EXP_LOG2E   0x1.715476p+0f
#define EXP_LN2_HI  0x1.62e4p-1f /* 15 bits: k times this is exact */
#define EXP_LN2_LO  0x1.7f7d1cp-20f
#define EXP_C7      (1.0f / 5040)
#define EXP_C6      (1.0f / 720)
#define EXP_C5      (1.0f / 120)
#define EXP_C4      (1.0f / 24)
#define EXP_C3      (1.0f / 6)

/* gelu(x) = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3). */
#define GELU_SCALE 0x1.988454p+0f /* 2 sqrt(2 / pi) */
#define GELU_CUBE  0.044715f

void reference_to_float(enum tensor_type type, const uint8_t *row, int64_t n, float *out);

static inline int64_t act_blocks(int64_t n)
{
	return (n + PAIR - 1) / PAIR;
}

/* Zeros where a row of n activations is no whole number of blocks. */
static inline void clear_last(struct act_block *row, int64_t n)
{
	if (n % PAIR)
		memset(row + n / PAIR, 0, sizeof(*row));
}

/* What a block keeps of the sums of both halves of a group. */
static inline void set_sums(struct act_block *block, int super, int group, const int *half_sums)
{
	int sum = half_sums[0] + half_sums[1], lane = act_lane(super, group);
	block->sum[lane] = block->scale[lane] * (float)sum;
	block->minus[lane] = -sum * (1 << MINUS_BITS);
	for (int half = 0; half < 2; half++)
		block->half_sum[super][2 * group + half] = (int16_t)half_sums[half];
}

#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avxvnni, kernels_avx512vl, kernels_avx512;
#elif defined(__aarch64__)
extern const struct kernels kernels_neon, kernels_neon_dot;
#endif

#endif
