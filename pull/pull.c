#include "digest.h"
#include "source.h"
#include "../split_name.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 200 };

bool pull_good_sha256(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF") >= 64;
}

bool source_good_word(const char *word, size_t len)
{
	if (!len || len > NAME_MAX_BYTES || !isalnum((unsigned char)word[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)word[i]) && !strchr("._-", word[i]))
			return false;
	return true;
}

bool pull_good_name(const char *name)
{
	size_t len = strlen(name), end = strlen(".gguf");
	if (len <= end || len > NAME_MAX_BYTES || name[0] == '.' || name[0] == '-' ||
	    strcasecmp(name + len - end, ".gguf") != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f || strchr("/\\:", name[i]))
			return false;
	return true;
}

char *source_endpoint(const char *variable, const char *fallback)
{
	const char *value = getenv(variable);
	char *endpoint = xstrdup(value && *value ? value : fallback);
	for (size_t len = strlen(endpoint); len && endpoint[len - 1] == '/'; len--)
		endpoint[len - 1] = '\0';
	return endpoint;
}

void pull_source_free(struct pull_source *source)
{
	free(source->name);
	free(source->url);
	free(source->token);
	free(source->license);
	for (int i = 0; i < source->part_count; i++)
		pull_source_free(&source->parts[i]);
	free(source->parts);
	*source = (struct pull_source){0};
}

uint64_t pull_bytes(const struct pull_source *source)
{
	uint64_t bytes = source->bytes;
	for (int i = 0; i < source->part_count && bytes; i++)
		bytes = source->parts[i].bytes ? bytes + source->parts[i].bytes : 0;
	return bytes;
}

uint64_t source_bytes(const cJSON *number)
{
	static const double most = 1e15; /* far more than any file has, and a double holds it exactly */
	return cJSON_IsNumber(number) && number->valuedouble > 0 && number->valuedouble < most
		       ? (uint64_t)number->valuedouble
		       : 0;
}

void source_add_parts(struct pull_source *source, int count)
{
	source->part_count = count - 1;
	source->parts = xcalloc((size_t)count, sizeof(*source->parts));
	for (int i = 0; i < source->part_count; i++)
		source->parts[i].name = split_name_of(source->name, i + 2);
}

/* --- A plain address ------------------------------------------------------------------- */

/* The hub's pages show a file at …/blob/…; the file itself is at …/resolve/…. */
static char *hub_file(const char *url)
{
	const char *blob = strstr(url, "/blob/");
	return blob ? xasprintf("%.*s/resolve/%s", (int)(blob - url), url, blob + strlen("/blob/")) : xstrdup(url);
}

static char *unescape(const char *text, size_t len)
{
	char *out = xmalloc(len + 1);
	size_t used = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned byte;
		if (text[i] == '%' && i + 2 < len && sscanf(text + i + 1, "%2x", &byte) == 1) {
			out[used++] = (char)byte;
			i += 2;
		} else {
			out[used++] = text[i];
		}
	}
	out[used] = '\0';
	return out;
}

/* The address of any of its files stands for the model. */
static void take_url_parts(struct pull_source *source, int count)
{
	size_t len = strcspn(source->url, "?#");
	char *file = xstrndup(source->url, len), *rest = xstrdup(source->url + len), *name = source->name;
	source->name = split_name_of(name, 1);
	source_add_parts(source, count);
	for (int i = 0; i < count; i++) {
		char *each = split_name_of(file, i + 1), **url = i ? &source->parts[i - 1].url : &source->url;
		free(*url);
		*url = xasprintf("%s%s", each, rest);
		free(each);
	}
	free(name);
	free(rest);
	free(file);
}

static int take_url(const char *url, struct pull_source *source, char *err, size_t errlen)
{
	char *endpoint = source_endpoint("HF_ENDPOINT", "https://huggingface.co");
	bool hub = http_same_origin(url, endpoint);
	size_t len = strcspn(url, "?#"), start = len;
	while (start && url[start - 1] != '/')
		start--;
	source->url = hub ? hub_file(url) : xstrdup(url);
	source->name = unescape(url + start, len - start);
	source->token = hub ? hub_token() : NULL;
	free(endpoint);
	int number, of;
	char *file = xstrndup(source->url, strcspn(source->url, "?#"));
	bool split = split_name(file, &number, &of) && split_name(source->name, &number, &of);
	free(file);
	if (pull_good_name(source->name)) {
		if (split && of > 1)
			take_url_parts(source, of);
		return PULL_OK;
	}
	snprintf(err, errlen, "%s: the address does not end in the name of a .gguf file", url);
	return PULL_FAILED;
}

int pull_find(const char *what, const struct pull_hooks *hooks, struct pull_source *source, char *err, size_t errlen)
{
	static const char hub[] = "hf:", registry[] = "ollama:";
	int result = PULL_FAILED;
	*source = (struct pull_source){0};
	if (strncasecmp(what, "http://", 7) == 0 || strncasecmp(what, "https://", 8) == 0) {
		result = take_url(what, source, err, errlen);
	} else if (strncmp(what, hub, strlen(hub)) == 0 || strncmp(what, registry, strlen(registry)) == 0) {
		struct http *http = http_open(hooks);
		result = what[0] == 'h' ? hub_find(http, what + strlen(hub), source, err, errlen)
					: registry_find(http, what + strlen(registry), source, err, errlen);
		http_close(http);
	} else {
		snprintf(err, errlen, "%s: write hf:%s for Hugging Face, or ollama:%s for Ollama's registry", what,
			 what, what);
	}
	if (result != PULL_OK)
		pull_source_free(source);
	return result;
}

int pull_sha256(const char *path, char hex[PULL_SHA256], char *err, size_t errlen)
{
	char block[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct digest *digest = fd >= 0 ? digest_create() : NULL;
	ssize_t got = -1;
	while (digest && ((got = read(fd, block, sizeof(block))) > 0 || (got < 0 && errno == EINTR)))
		digest_add(digest, block, got > 0 ? (size_t)got : 0);
	if (digest)
		digest_end(digest, hex);
	if (got < 0)
		snprintf(err, errlen, "%s: cannot read: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return got < 0 ? PULL_FAILED : PULL_OK;
}
