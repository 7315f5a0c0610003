/* Kernels for x86-64 with AVX-512 and its byte dot products (VNNI): the table, products of float
 * matrices and the small operations. Quantised products and attention have files of their own. */
#if defined(__x86_64__)
#include "avx512.h"

#include <math.h>
#include <string.h>

enum {
	FEW = 4,      /* columns that meet a row at once */
	AHEAD = 4096, /* bytes fetched ahead */
};

/* --- Float products: 32 lanes, whatever the number of columns --------------------------------------------- */

struct matrix {
	const uint8_t *w;
	size_t row_bytes, y_stride;
	int64_t n;
	float *y;
};

INLINE void fetch_ahead(const uint8_t *p, int bytes)
{
	for (int i = 0; i < bytes; i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
}

INLINE __m512 load_floats(enum tensor_type type, const uint8_t *row, int64_t i, __mmask16 mask)
{
	if (type == TYPE_F32)
		return _mm512_maskz_loadu_ps(mask, row + 4 * i);
	__m256i x = _mm256_maskz_loadu_epi16(mask, row + 2 * i);
	if (type == TYPE_F16)
		return _mm512_cvtph_ps(x);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

INLINE void dot_columns(enum tensor_type type, const uint8_t *row, const float *x, size_t x_stride, int64_t n, int k,
			float *y, size_t y_stride)
{
	__m512 even[FEW], odd[FEW];
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		even[c] = odd[c] = _mm512_setzero_ps();
	for (int64_t i = 0; i < n; i += LANES) {
		__mmask16 low = mask_of(n - i), high = mask_of(n - i - 16);
		fetch_ahead(row + (size_t)i * (type == TYPE_F32 ? 4 : 2), type == TYPE_F32 ? 128 : 64);
		__m512 a = load_floats(type, row, i, low), b = load_floats(type, row, i + 16, high);
#pragma GCC unroll 4
		for (int c = 0; c < k; c++) {
			const float *column = x + (size_t)c * x_stride + i;
			even[c] = _mm512_fmadd_ps(a, _mm512_maskz_loadu_ps(low, column), even[c]);
			odd[c] = _mm512_fmadd_ps(b, _mm512_maskz_loadu_ps(high, column + 16), odd[c]);
		}
	}
#pragma GCC unroll 4
	for (int c = 0; c < k; c++)
		y[(size_t)c * y_stride] = sum16(_mm512_add_ps(even[c], odd[c]));
}

/* OpenBLAS would be quicker for many columns, but it sums in another order for every shape: a token's
 * bits would then depend on the tokens beside it. */
INLINE void float_rows(enum tensor_type type, const struct matrix *m, const float *x, size_t x_stride, int64_t first,
		       int64_t last, int k)
{
	int c = 0;
	for (; c + FEW <= k; c += FEW)
		for (int64_t r = first; r < last; r++)
			dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n,
				    FEW, m->y + (size_t)c * m->y_stride + r, m->y_stride);
	for (; c < k; c++)
		for (int64_t r = first; r < last; r++)
			dot_columns(type, m->w + (size_t)r * m->row_bytes, x + (size_t)c * x_stride, x_stride, m->n, 1,
				    m->y + (size_t)c * m->y_stride + r, m->y_stride);
}

static void avx512_matmul(enum tensor_type type, const uint8_t *w, size_t row_bytes, int64_t n, int64_t first,
			  int64_t last, const uint8_t *act, size_t act_stride, const float *x, size_t x_stride, int k,
			  float *y, size_t y_stride)
{
	struct matrix m = {w, row_bytes, y_stride, n, y};
	switch (type) {
	case TYPE_F32: float_rows(TYPE_F32, &m, x, x_stride, first, last, k); break;
	case TYPE_F16: float_rows(TYPE_F16, &m, x, x_stride, first, last, k); break;
	case TYPE_BF16: float_rows(TYPE_BF16, &m, x, x_stride, first, last, k); break;
	default: avx512_multiply(type, w, row_bytes, n, first, last, act, act_stride, k, y, y_stride);
	}
}

float avx512_dot_f32(const float *a, const float *b, int64_t n)
{
	float y;
	dot_columns(TYPE_F32, (const uint8_t *)a, b, 0, n, 1, &y, 0);
	return y;
}

/* --- Small operations ---------------------------------------------------------------------------------------- */

static void avx512_rms_norm(const float *x, const float *weight, float eps, int64_t n, float *out)
{
	__m512 scale = _mm512_set1_ps(1 / sqrtf(avx512_dot_f32(x, x, n) / (float)n + eps));
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 y = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), scale);
		_mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(y, _mm512_maskz_loadu_ps(mask, weight + i)));
	}
}

INLINE __m512 over_one_plus_exp(__m512 x, __m512 exponent)
{
	return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1), exp16(exponent)));
}

INLINE __m512 negative(__m512 x)
{
	return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}

static void avx512_silu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
		__m512 y = _mm512_mul_ps(over_one_plus_exp(x, negative(x)), _mm512_maskz_loadu_ps(mask, up + i));
		_mm512_mask_storeu_ps(out + i, mask, y);
	}
}

static void avx512_gelu_mul(const float *gate, const float *up, int64_t n, float *out)
{
	for (int64_t i = 0; i < n; i += 16) {
		__mmask16 mask = mask_of(n - i);
		__m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
		__m512 cube = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_set1_ps(GELU_CUBE), x), x, _mm512_set1_ps(1));
		__m512 twice = _mm512_mul_ps(_mm512_set1_ps(GELU_SCALE), _mm512_mul_ps(x, cube));
		__m512 y = _mm512_mul_ps(over_one_plus_exp(x, negative(twice)), _mm512_maskz_loadu_ps(mask, up + i));
		_mm512_mask_storeu_ps(out + i, mask, y);
	}
}

/* The scale that leaves the smallest squares of errors; largest / 127 where all bytes are zero. */
INLINE float best_scale(__m512 low, __m512 high, __m512i a, __m512i b, float largest)
{
	int squares = _mm512_reduce_add_epi32(_mm512_add_epi32(_mm512_mullo_epi32(a, a), _mm512_mullo_epi32(b, b)));
	__m512 products = _mm512_mul_ps(_mm512_cvtepi32_ps(a), low);
	products = _mm512_fmadd_ps(_mm512_cvtepi32_ps(b), high, products);
	return squares ? sum16(products) / (float)squares : largest / 127;
}

static void quantize_group(const float *x, struct act_block *block, struct act_plain *plain, int super, int group)
{
	__m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + HALF);
	float largest = largest_of(low, high), inverse = inverse_scale(largest);
	__m512i a = quantize16(low, inverse), b = quantize16(high, inverse);
	float scale = best_scale(low, high, a, b, largest);
	__m128i first = _mm512_cvtepi32_epi8(a), second = _mm512_cvtepi32_epi8(b);
	int sum[2] = {_mm512_reduce_add_epi32(a), _mm512_reduce_add_epi32(b)}, lane = act_lane(super, group);
	int8_t *q = block->q[super] + act_byte(group * GROUP), *own = plain->q[super] + group * GROUP;
	_mm_store_si128((void *)q, first);
	_mm_store_si128((void *)(q + 64), second);
	_mm_store_si128((void *)own, first);
	_mm_store_si128((void *)(own + HALF), second);
	block->scale[lane] = scale;
	block->sum[lane] = scale * (float)(sum[0] + sum[1]);
	for (int i = 2 * group; i < 2 * group + 2; i++)
		block->half_sum[super][i] = plain->half_sum[super][act_quad(i)] = (float)sum[i % 2];
}

static void avx512_quantize(const float *x, int64_t n, void *out)
{
	struct act_block *blocks = out;
	struct act_plain *plain = act_plain(out, n);
	clear_last(out, n);
	for (int64_t g = 0; g < n / GROUP; g++)
		quantize_group(x + g * GROUP, &blocks[g / GROUPS / 2], &plain[g / GROUPS / 2], (int)(g / GROUPS % 2),
			       (int)(g % GROUPS));
}

const struct kernels kernels_avx512 = {
	.name = "avx512vnni",
	.quantize = avx512_quantize,
	.matmul = avx512_matmul,
	.to_float = reference_to_float,
	.rms_norm = avx512_rms_norm,
	.dot_f32 = avx512_dot_f32,
	.silu_mul = avx512_silu_mul,
	.gelu_mul = avx512_gelu_mul,
	.attention = avx512_attention,
	.kv_store = avx512_kv_store,
};
#endif
