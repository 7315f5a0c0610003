#include "blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif
#include <string.h>

static const struct kernels *const sets[] = {
#if defined(__x86_64__)
	&kernels_avx512,    &kernels_avx512vl, &kernels_avxvnni, &kernels_avx2,
#elif defined(__aarch64__)
	&kernels_neon_dot,
	&kernels_neon,
#endif
	&kernels_reference,
};
enum { SETS = sizeof(sets) / sizeof(*sets) };

/* What kinds of CPUs run, best first. */
enum cpu { PLAIN, AVX2, AVX_VNNI, AVX512, AVX512_AND_VNNI, NEON, NEON_DOT, CPUS };
static const char *const names[CPUS][SETS + 1] = {
	[PLAIN] = {"reference"},
#if defined(__x86_64__)
	[AVX2] = {"avx2", "reference"},
	[AVX_VNNI] = {"avxvnni", "avx2", "reference"},
	[AVX512] = {"avx512vnni", "avx512vl", "avx2", "reference"},
	[AVX512_AND_VNNI] = {"avx512vnni", "avx512vl", "avxvnni", "avx2", "reference"},
#elif defined(__aarch64__)
	[NEON] = {"neon", "reference"},
	[NEON_DOT] = {"neon_dot", "neon", "reference"},
#endif
};

#if defined(__x86_64__)
/* The system saves the registers of AVX (asked before): only the CPU need be asked for the 256-bit form. */
static bool has_avx_vnni(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1;
}

static enum cpu this_cpu(void)
{
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) /* what has these converts halves */
		return PLAIN;
	if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni"))
		return has_avx_vnni() ? AVX512_AND_VNNI : AVX512;
	return has_avx_vnni() ? AVX_VNNI : AVX2;
}
#elif defined(__aarch64__)
static enum cpu this_cpu(void)
{
#if defined(__APPLE__) /* every Mac has them */
	return NEON_DOT;
#elif defined(__linux__)
	return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? NEON_DOT : NEON;
#else
	return NEON;
#endif
}
#else
static enum cpu this_cpu(void)
{
	return PLAIN;
}
#endif

const struct kernels *kernels_choose(const char *name)
{
	for (const char *const *runnable = kernels_names(); *runnable; runnable++)
		for (size_t i = 0; i < SETS && (!name || strcmp(name, *runnable) == 0); i++)
			if (strcmp(sets[i]->name, *runnable) == 0)
				return sets[i];
	return NULL;
}

const char *const *kernels_names(void)
{
	return names[this_cpu()];
}
