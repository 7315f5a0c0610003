/* Any bytes as a model file: refused with one line, or opened and looked at. */
#include "engine/engine.h"

#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void look(void *arg, const char *key, const char *type, const char *value, size_t len)
{
	*(size_t *)arg += len + (size_t)(key[0] != 0) + (size_t)(type[0] != 0) + (len ? (size_t)value[len - 1] & 1 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], err[512];
	size_t sum = 0;
	struct engine_file file;
	int fd = memfd_create("fuzz", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err[0] = '\0';
	if (engine_inspect(path, &file, look, &sum, err, sizeof(err)) != 0 && err[0] == '\0')
		abort();
	close(fd);
	return 0;
}
