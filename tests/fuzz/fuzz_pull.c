/* Any bytes as what a hub or a registry says: refused, or files with names and addresses that are fit to be used. */
#include "pull/source.h"

#include <stdlib.h>
#include <string.h>

#define PLACE "https://example.org"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct pull_source *source)
{
	size_t digits = strlen(source->sha256);
	if (!source->name || !pull_good_name(source->name) || !source->url ||
	    strncmp(source->url, PLACE "/", sizeof(PLACE)) != 0 ||
	    (digits && (digits != 64 || !pull_good_sha256(source->sha256))))
		abort();
	for (const char *at = source->url; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			abort();
	for (int i = 0; i < source->part_count; i++)
		check(&source->parts[i]);
}

/* A line that says what is wanted, "!" the registry; then the answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	if (!end)
		return 0;
	char *wanted = xstrndup((const char *)data, (size_t)(end - data)), err[512], license[DIGEST_MAX] = "";
	/* In memory of exactly its size, so that a byte too far is seen. */
	size_t len = size - (size_t)(end + 1 - data);
	char *json = xmalloc(len ? len : 1);
	memcpy(json, end + 1, len);
	struct pull_source source = {0};
	int result = wanted[0] == '!' ? registry_take(json, len, "what", PLACE "/v2", "a.gguf", &source, license, err,
						      sizeof(err))
				      : hub_take(json, len, "me/model", wanted, PLACE, &source, err, sizeof(err));
	if (result == PULL_OK)
		check(&source);
	if (*license && (strlen(license) != DIGEST_MAX - 1 || strchr(license, '/')))
		abort();
	pull_source_free(&source);
	free(json);
	free(wanted);
	return 0;
}
