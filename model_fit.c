#include "model_fit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CTX_USUAL = 32768 };

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

static uint64_t available(void)
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
uint64_t model_fit_free(void)
{
	uint64_t bytes = available(), limit = read_number("/sys/fs/cgroup/memory.max");
	uint64_t used = read_number("/sys/fs/cgroup/memory.current");
	uint64_t room = limit > used ? limit - used : 0;
	return limit && room < bytes ? room : bytes;
}

static uint64_t context_bytes(const struct engine_file *file, enum engine_kv_type type, int ctx)
{
	uint64_t values = file->kv_values * (uint64_t)ctx;
	switch (type) {
	case ENGINE_KV_F32: return values * 4;
	case ENGINE_KV_Q8_0: return values * 34 / 32;
	case ENGINE_KV_F16: break;
	}
	return values * 2;
}

void model_fit(const struct engine_file *file, const struct engine_options *options, struct model_need *need)
{
	int ctx = options->ctx_size;
	if (!ctx)
		ctx = file->ctx_trained < CTX_USUAL ? file->ctx_trained : CTX_USUAL;
	*need = (struct model_need){.ctx = ctx,
				    .weights = file->file_bytes,
				    .context = context_bytes(file, options->kv_type, ctx),
				    .free = model_fit_free()};
}

bool model_fit_fits(const struct model_need *need)
{
	return !need->free || need->weights + need->context <= need->free;
}
