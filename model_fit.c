#include "model_fit.h"

enum { CTX_USUAL = 32768 };

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
				    .free = engine_memory_free()};
}

bool model_fit_fits(const struct model_need *need)
{
	return !need->free || need->weights + need->context <= need->free;
}
