/* Ollama's registry. A manifest is at ENDPOINT/v2/OWNER/NAME/manifests/TAG:
 *   {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:…", "size": …}, …]}
 * and a layer at ENDPOINT/v2/OWNER/NAME/blobs/DIGEST, which redirects to a store elsewhere. The owner of models without
 * one is "library", their tag "latest". Source: ollama's server/internal/client/ollama/registry.go. */
#include "source.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LICENSE_MAX = 200 };

struct reference {
	char *owner, *name, *tag;
};

static int parse(const char *what, struct reference *out, char *err, size_t errlen)
{
	size_t slash = strcspn(what, "/"), len = strlen(what);
	bool owned = slash < len;
	const char *name = owned ? what + slash + 1 : what, *colon = strchr(name, ':');
	size_t name_len = colon ? (size_t)(colon - name) : strlen(name);
	if ((owned && !source_good_word(what, slash)) || !source_good_word(name, name_len) ||
	    (colon && !source_good_word(colon + 1, strlen(colon + 1)))) {
		snprintf(err, errlen, "%s: write ollama:NAME, ollama:NAME:TAG or ollama:OWNER/NAME:TAG", what);
		return PULL_FAILED;
	}
	out->owner = owned ? xstrndup(what, slash) : xstrdup("library");
	out->name = xstrndup(name, name_len);
	out->tag = xstrdup(colon ? colon + 1 : "latest");
	return PULL_OK;
}

static const cJSON *layer_of(const cJSON *manifest, const char *type, int *count)
{
	const cJSON *layer, *found = NULL;
	*count = 0;
	cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(manifest, "layers"))
	{
		const char *media = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "mediaType"));
		if (media && strcmp(media, type) == 0 && (*count)++ == 0)
			found = layer;
	}
	return found;
}

static const char *digest_of(const cJSON *layer)
{
	const char *digest = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "digest"));
	bool good = digest && strncmp(digest, "sha256:", strlen("sha256:")) == 0 &&
		    pull_good_sha256(digest + strlen("sha256:")) && !digest[strlen("sha256:") + 64];
	return good ? digest : NULL;
}

int registry_take(const char *json, size_t len, const char *what, const char *base, const char *file,
		  struct pull_source *source, char license[DIGEST_MAX], char *err, size_t errlen)
{
	int count, ignored;
	cJSON *manifest = cJSON_ParseWithLength(json, len);
	const cJSON *layer = layer_of(manifest, "application/vnd.ollama.image.model", &count);
	const char *digest = digest_of(layer),
		   *license_digest = digest_of(layer_of(manifest, "application/vnd.ollama.image.license", &ignored));
	bool good = count == 1 && digest;
	snprintf(license, DIGEST_MAX, "%s", good && license_digest ? license_digest : "");
	if (good) {
		source->name = xstrdup(file);
		source->url = xasprintf("%s/blobs/%s", base, digest);
		snprintf(source->sha256, sizeof(source->sha256), "%s", digest + strlen("sha256:"));
		source->bytes = source_bytes(cJSON_GetObjectItemCaseSensitive(layer, "size"));
	} else {
		snprintf(err, errlen, "%s: there is no model in one GGUF file behind this name", what);
	}
	cJSON_Delete(manifest);
	return good ? PULL_OK : PULL_FAILED;
}

/* The first line of the licence's text: "Apache License". */
static char *fetch_license(struct http *http, const char *base, const char *digest)
{
	char err[512], *url = xasprintf("%s/blobs/%s", base, digest), *line = NULL;
	struct buffer text = {0};
	struct http_reply reply;
	if (http_text(http, url, NULL, NULL, &text, &reply, err, sizeof(err)) == PULL_OK && reply.status == 200 &&
	    text.len) {
		const char *start = text.data + strspn(text.data, " \t\r\n");
		size_t len = strcspn(start, "\r\n");
		line = xstrndup(start, len < LICENSE_MAX ? len : LICENSE_MAX);
	}
	buffer_free(&text);
	free(url);
	return line;
}

static int take_manifest(struct http *http, const char *base, const char *what, const struct reference *reference,
			 const struct buffer *text, struct pull_source *source, char *err, size_t errlen)
{
	bool library = strcmp(reference->owner, "library") == 0;
	char license[DIGEST_MAX], *file = xasprintf("%s%s%s-%s.gguf", library ? "" : reference->owner,
						    library ? "" : "-", reference->name, reference->tag);
	int result =
		registry_take(text->data ? text->data : "", text->len, what, base, file, source, license, err, errlen);
	if (result == PULL_OK && *license)
		source->license = fetch_license(http, base, license);
	free(file);
	return result;
}

int registry_find(struct http *http, const char *what, struct pull_source *source, char *err, size_t errlen)
{
	struct reference reference = {0};
	if (parse(what, &reference, err, errlen))
		return PULL_FAILED;
	char *endpoint = source_endpoint("OLLAMA_REGISTRY", "https://registry.ollama.ai");
	char *base = xasprintf("%s/v2/%s/%s", endpoint, reference.owner, reference.name);
	char *url = xasprintf("%s/manifests/%s", base, reference.tag);
	struct buffer text = {0};
	struct http_reply reply;
	int result = http_text(http, url, NULL, "application/vnd.docker.distribution.manifest.v2+json", &text, &reply,
			       err, errlen);
	if (result == PULL_OK && reply.status != 200) {
		if (reply.status == 404 || reply.status == 401 || reply.status == 403)
			snprintf(err, errlen, "%s: Ollama's registry has no such model", what);
		else
			snprintf(err, errlen, "%s: the server answers with HTTP %ld; try again later", endpoint,
				 reply.status);
		result = PULL_FAILED;
	} else if (result == PULL_OK) {
		result = take_manifest(http, base, what, &reference, &text, source, err, errlen);
	}
	buffer_free(&text);
	free(url);
	free(base);
	free(endpoint);
	free(reference.owner);
	free(reference.name);
	free(reference.tag);
	return result;
}
