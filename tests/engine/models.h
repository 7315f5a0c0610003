/* models.h: the real models that tests use, where they are installed. */
#ifndef TEST_MODELS_H
#define TEST_MODELS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODEL_SMOLLM2   "smollm2-135m-instruct-q4_1.gguf"
#define MODEL_QWEN_HALF "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
#define MODEL_QWEN      "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
#define MODEL_GEMMA     "gemma-3-270m-q4_k_m.gguf"

/* The file in $BORA_TEST_MODELS or the user's model folder; NULL when it is not there. */
static inline const char *find_model(const char *file, char *path, size_t size)
{
	const char *dir = getenv("BORA_TEST_MODELS"), *home = getenv("HOME");
	if (dir && *dir)
		snprintf(path, size, "%s/%s", dir, file);
	else
		snprintf(path, size, "%s/.local/share/bora/models/%s", home ? home : "", file);
	return access(path, R_OK) == 0 ? path : NULL;
}

#endif
