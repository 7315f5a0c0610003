/* limits.h: what one core of this machine does at best, so that kernels can be held against it: bytes read from memory
 * that is in no cache, and the products that a kernel set is built of, with nothing around them. */
#ifndef LIMITS_H
#define LIMITS_H

#include "engine/kernels/kernels.h"

#include <string.h>
#include <time.h>

/* Gbyte/s and Goperation/s (a multiplication and its addition are two); 0: not known for this set. */
struct limits {
	double read, bytes, words, floats; /* products of 8-bit and 16-bit integers and of floats */
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Ten sums that do not wait for each other hide what one product takes from its beginning to its end. */
enum { PEAK_ROUNDS = 1000 * 1000, PEAK_SUMS = 10 };

#define PEAK(name, isa, type, constraint, ops, text)                                                \
	static __attribute__((target(isa), noinline)) double name(void)                             \
	{                                                                                           \
		type x = {0}, a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x; \
		double start = now();                                                               \
		for (int round = 0; round < PEAK_ROUNDS; round++) {                                 \
			__asm__ volatile(text : "+" constraint(a) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(b) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(c) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(d) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(e) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(f) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(g) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(h) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(i) : constraint(x) : PEAK_SPARE);    \
			__asm__ volatile(text : "+" constraint(j) : constraint(x) : PEAK_SPARE);    \
		}                                                                                   \
		return (double)(ops)*PEAK_SUMS * PEAK_ROUNDS / (now() - start) * 1e-9;              \
	}

typedef double peak_fn(void);

#if defined(__x86_64__)
#include <immintrin.h>

#define PEAK_SPARE "xmm15"
PEAK(peak_bytes_avx2, "avx2", __m256i, "x", 64,
     "vpmaddubsw %1, %1, %%ymm15\n\tvpaddw %%ymm15, %0, %0") /* into 16 bits */
PEAK(peak_words_avx2, "avx2", __m256i, "x", 32, "vpmaddwd %1, %1, %%ymm15\n\tvpaddd %%ymm15, %0, %0")
PEAK(peak_floats_avx2, "avx2,fma", __m256, "x", 16, "vfmadd231ps %1, %1, %0")
PEAK(peak_bytes_avxvnni, "avx2", __m256i, "x", 64, "%{vex%} vpdpbusd %1, %1, %0")
PEAK(peak_bytes_avx512vl, "avx512f,avx512vl,avx512vnni", __m256i, "v", 64, "vpdpbusd %1, %1, %0")
PEAK(peak_bytes_avx512, "avx512f,avx512vnni", __m512i, "v", 128, "vpdpbusd %1, %1, %0")
PEAK(peak_words_avx512, "avx512f,avx512vnni", __m512i, "v", 64, "vpdpwssd %1, %1, %0")
PEAK(peak_floats_avx512, "avx512f", __m512, "v", 32, "vfmadd231ps %1, %1, %0")
#elif defined(__aarch64__)
#include <arm_neon.h>

#define PEAK_SPARE "v31"
PEAK(peak_bytes_neon, "+simd", int8x16_t, "w", 16, "smlal %0.8h, %1.8b, %1.8b")
PEAK(peak_bytes_neon_dot, "arch=armv8.2-a+dotprod", int8x16_t, "w", 32, "sdot %0.4s, %1.16b, %1.16b")
PEAK(peak_words_neon, "+simd", int16x8_t, "w", 8, "smlal %0.4s, %1.4h, %1.4h")
PEAK(peak_floats_neon, "+simd", float32x4_t, "w", 8, "fmla %0.4s, %1.4s, %1.4s")
#endif

/* What a set's products are made of. */
static const struct {
	const char *set;
	peak_fn *bytes, *words, *floats;
} peaks[] = {
#if defined(__x86_64__)
	{"avx512vnni", peak_bytes_avx512, peak_words_avx512, peak_floats_avx512},
	{"avx512vl", peak_bytes_avx512vl, peak_words_avx2, peak_floats_avx2},
	{"avxvnni", peak_bytes_avxvnni, peak_words_avx2, peak_floats_avx2},
	{"avx2", peak_bytes_avx2, peak_words_avx2, peak_floats_avx2},
#elif defined(__aarch64__)
	{"neon_dot", peak_bytes_neon_dot, peak_words_neon, peak_floats_neon},
	{"neon", peak_bytes_neon, peak_words_neon, peak_floats_neon},
#endif
	{"", NULL, NULL, NULL},
};

static double read_speed(const uint8_t *memory, size_t bytes)
{
	typedef uint64_t __attribute__((vector_size(16))) piece;
	piece sum[8] = {{0}};
	double start = now();
	for (size_t i = 0; i + sizeof(sum) <= bytes; i += sizeof(sum))
		for (int j = 0; j < 8; j++)
			sum[j] ^= *(const piece *)(const void *)(memory + i + (size_t)j * sizeof(piece));
	for (int j = 0; j < 8; j++)
		__asm__ volatile("" : : "m"(sum[j]));
	return (double)bytes / (now() - start) * 1e-9;
}

static double better(double best, double speed)
{
	return speed > best ? speed : best;
}

/* The better of what is known and another few tries: what disturbs the machine only ever takes away. */
static void limits_measure(struct limits *l, const char *set, const uint8_t *memory, size_t bytes)
{
	for (int i = 0; i < 3; i++)
		l->read = better(l->read, read_speed(memory, bytes));
	for (size_t p = 0; p < sizeof(peaks) / sizeof(*peaks); p++)
		for (int i = 0; i < 3 && strcmp(peaks[p].set, set) == 0; i++) {
			l->bytes = better(l->bytes, peaks[p].bytes());
			l->words = better(l->words, peaks[p].words());
			l->floats = better(l->floats, peaks[p].floats());
		}
}

#endif
