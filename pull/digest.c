#include "digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *context;
};

struct digest *digest_create(void)
{
	struct digest *digest = xcalloc(1, sizeof(*digest));
	digest->context = EVP_MD_CTX_new();
	if (digest->context)
		EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL);
	return digest;
}

void digest_add(struct digest *digest, const void *bytes, size_t len)
{
	if (digest->context)
		EVP_DigestUpdate(digest->context, bytes, len);
}

/* Without a working library hex stays empty, which equals no digest. */
void digest_end(struct digest *digest, char hex[PULL_SHA256])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (hex)
		hex[0] = '\0';
	if (digest->context && EVP_DigestFinal_ex(digest->context, sum, &len) && len == 32 && hex)
		for (unsigned i = 0; i < len; i++)
			snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	EVP_MD_CTX_free(digest->context);
	free(digest);
}
