/* The kernel sets that run here, best first, on one line. */
#include "engine/engine.h"

#include <stdio.h>

int main(void)
{
	for (const char *const *name = engine_isas(); *name; name++)
		printf("%s%s", *name, name[1] ? " " : "\n");
	return 0;
}
