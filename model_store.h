/* model_store.h: find GGUF files by name in every place where they are kept:
 * our own folder, Ollama's store, the Hugging Face cache, llama.cpp's cache. */
#ifndef MODEL_STORE_H
#define MODEL_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stored_model {
	char *name; /* what -m takes: "qwen2.5-coder-1.5b-instruct-q4_k_m", "llama3:8b" */
	char *path;
	const char *store; /* "bora", "ollama", "huggingface", "llama.cpp" */
	int parts;         /* files that it is in; path is the first, split_name_of() names the others */
	uint64_t bytes;    /* of all of them */
	dev_t device;      /* which file the first is */
	ino_t inode;
};

int model_store_list(struct stored_model **out, size_t *count); /* by name; model_store_free */
void model_store_free(struct stored_model *, size_t count);
/* A path that exists, or a name: of the known models ("default", "small"…), exact, then unique prefix.
 * NULL name: the default model. Caller frees *path. */
int model_store_find(const char *name, char **path, char *err, size_t errlen);

#endif
