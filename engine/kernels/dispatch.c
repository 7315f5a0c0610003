#include "kernels.h"

#include <string.h>

static const struct kernels *const sets[] = {&kernels_reference};

const struct kernels *kernels_choose(const char *name)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		if (!name || strcmp(sets[i]->name, name) == 0)
			return sets[i];
	return NULL;
}

const char *const *kernels_names(void)
{
	static const char *const names[] = {"reference", NULL};
	return names;
}
