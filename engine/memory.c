#include "memory.h"

#include <stdio.h>

static uint64_t read_number(const char *path)
{
	unsigned long long number = 0;
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &number) != 1) /* "max" */
		number = 0;
	fclose(file);
	return number;
}

static uint64_t machine_has(void)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

/* A container may have less than the machine. Its own files in memory count as used there, so this errs on the side of
 * too little. */
uint64_t memory_available(void)
{
	uint64_t bytes = machine_has(), limit = read_number("/sys/fs/cgroup/memory.max");
	uint64_t used = read_number("/sys/fs/cgroup/memory.current");
	uint64_t room = limit > used ? limit - used : 0;
	return limit && room < bytes ? room : bytes;
}
