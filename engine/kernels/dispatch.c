#include "blocks.h"

#include <string.h>

/* Best first; a CPU that runs one runs all that follow. */
static const struct kernels *const sets[] = {
#if defined(__x86_64__)
	&kernels_avx512,
	&kernels_avx2,
#endif
	&kernels_reference,
};
static const char *const names[] = {
#if defined(__x86_64__)
	"avx512vnni",
	"avx2",
#endif
	"reference",
	NULL,
};
enum { SETS = sizeof(sets) / sizeof(*sets) };

/* Sets that this CPU cannot run. */
static size_t skipped(void)
{
#if defined(__x86_64__)
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) /* what has these converts halves */
		return 2;
	return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
			       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni")
		       ? 0
		       : 1;
#else
	return 0;
#endif
}

const struct kernels *kernels_choose(const char *name)
{
	for (size_t i = skipped(); i < SETS; i++)
		if (!name || strcmp(sets[i]->name, name) == 0)
			return sets[i];
	return NULL;
}

const char *const *kernels_names(void)
{
	return names + skipped();
}
