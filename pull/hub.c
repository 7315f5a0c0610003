/* Hugging Face. What a repository holds is at ENDPOINT/api/models/USER/REPO?blobs=true:
 *   {"sha": COMMIT, "gated": false|"auto"|"manual", "cardData": {"license": …},
 *    "siblings": [{"rfilename": "x-q4_k_m.gguf", "size": …, "lfs": {"sha256": …, "size": …}}, …]}
 * and a file at ENDPOINT/USER/REPO/resolve/COMMIT/FILE, which redirects to a store elsewhere. Some servers of the same
 * interface call the checksum lfs.oid. Refusals carry X-Error-Code: GatedRepo, RepoNotFound (also with 401, so that
 * private names do not show), and so on. Source: huggingface_hub's hf_api.py, file_download.py, utils/_http.py, and
 * constants.py for $HF_ENDPOINT, $HF_TOKEN, $HF_TOKEN_PATH and $HF_HOME. */
#include "quant.h"
#include "source.h"
#include "../split_name.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_MAX = 512, LISTED_MAX = 300 };
/* --- The token ------------------------------------------------------------------------ */

static char *token_file(void)
{
	const char *path = getenv("HF_TOKEN_PATH"), *hub = getenv("HF_HOME"), *cache = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");
	if (path && *path)
		return xstrdup(path);
	if (hub && *hub)
		return xasprintf("%s/token", hub);
	if (cache && cache[0] == '/')
		return xasprintf("%s/huggingface/token", cache);
	return home && *home ? xasprintf("%s/.cache/huggingface/token", home) : NULL;
}

/* One word without spaces or line ends: more would become headers of its own. */
static char *clean_token(const char *text)
{
	text += strspn(text, " \t\r\n");
	size_t len = 0;
	while (text[len] > ' ' && text[len] < 0x7f)
		len++;
	return len ? xstrndup(text, len) : NULL;
}

char *hub_token(void)
{
	const char *given = getenv("HF_TOKEN");
	char text[TOKEN_MAX] = "", *path = NULL;
	if (given && *given)
		return clean_token(given);
	path = token_file();
	FILE *file = path ? fopen(path, "re") : NULL;
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	free(path);
	return clean_token(text);
}

/* --- Which file --------------------------------------------------------------------------- */

struct candidate {
	const char *path;
	const cJSON *entry;
	char label[QUANT_LABEL];
	int parts; /* 0: the file is whole */
};

struct repo {
	const char *name; /* USER/REPO */
	struct candidate *files;
	size_t count;
};

static const char *text_of(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Projectors of pictures and tables of importance are no models. */
static bool is_model(const char *path)
{
	const char *base = base_of(path);
	size_t len = strlen(base);
	return len > 5 && strcasecmp(base + len - 5, ".gguf") == 0 && strncasecmp(base, "mmproj", 6) != 0 &&
	       !strcasestr(base, "imatrix");
}

static void add_file(struct repo *repo, const cJSON *entry)
{
	const char *path = text_of(entry, "rfilename");
	int number = 0, of = 0;
	if (!path || !is_model(path) || (split_name(path, &number, &of) && number != 1))
		return;
	repo->files = xreallocarray(repo->files, repo->count + 1, sizeof(*repo->files));
	struct candidate *file = &repo->files[repo->count++];
	*file = (struct candidate){.path = path, .parts = of};
	quant_of(path, file->label);
	file->entry = entry;
}

/* "Q4_K_M, Q8_0 (in 2 parts)" */
static char *list_files(const struct repo *repo)
{
	struct buffer out = {0};
	for (size_t i = 0; i < repo->count && out.len < LISTED_MAX; i++) {
		const struct candidate *file = &repo->files[i];
		buffer_printf(&out, "%s%s", i ? ", " : "", file->label[0] ? file->label : base_of(file->path));
		if (file->parts)
			buffer_printf(&out, " (in %d parts)", file->parts);
	}
	return buffer_take(&out);
}

/* The wanted one: by its file's name, else by its label. */
static const struct candidate *find_wanted(const struct repo *repo, const char *wanted, char *err, size_t errlen)
{
	const struct candidate *found = NULL;
	for (size_t i = 0; i < repo->count; i++) {
		const struct candidate *file = &repo->files[i];
		if (strcmp(file->path, wanted) == 0 || strcasecmp(base_of(file->path), wanted) == 0)
			return file;
		if (strcasecmp(file->label, wanted) != 0)
			continue;
		if (found) {
			snprintf(err, errlen, "%s: several files are %s; name one of them: hf:%s:%s or hf:%s:%s",
				 repo->name, wanted, repo->name, base_of(found->path), repo->name, base_of(file->path));
			return NULL;
		}
		found = file;
	}
	if (!found) {
		char *listed = list_files(repo);
		snprintf(err, errlen, "%s: there is no %s; there are: %s", repo->name, wanted, listed);
		free(listed);
	}
	return found;
}

/* Nothing is asked for: the best rank, whole files before those in parts, the shorter name before the longer. */
static const struct candidate *find_best(const struct repo *repo, char *err, size_t errlen)
{
	const struct candidate *best = NULL;
	for (size_t i = 0; i < repo->count; i++) {
		const struct candidate *file = &repo->files[i];
		int rank = file->label[0] ? quant_rank(file->label) : 1000;
		if (rank < 0)
			continue;
		int best_rank = !best ? 0 : best->label[0] ? quant_rank(best->label) : 1000;
		if (!best || !file->parts > !best->parts ||
		    (!file->parts == !best->parts &&
		     (rank < best_rank || (rank == best_rank && strlen(file->path) < strlen(best->path)))))
			best = file;
	}
	if (!best) {
		char *listed = list_files(repo);
		snprintf(err, errlen, "%s: the engine does not compute with %s", repo->name, listed);
		free(listed);
	}
	return best;
}

static const struct candidate *choose(const struct repo *repo, const char *wanted, char *err, size_t errlen)
{
	if (!repo->count) {
		snprintf(err, errlen, "%s: there is no GGUF file; look for a repository with GGUF in its name",
			 repo->name);
		return NULL;
	}
	const struct candidate *file = *wanted ? find_wanted(repo, wanted, err, errlen) : find_best(repo, err, errlen);
	if (!file)
		return NULL;
	if (file->label[0] && quant_rank(file->label) < 0) {
		snprintf(err, errlen, "%s: the engine does not compute with %s", repo->name, file->label);
	} else if (!pull_good_name(base_of(file->path))) {
		snprintf(err, errlen, "%s: the name of the file is not fit to be stored", repo->name);
	} else {
		return file;
	}
	return NULL;
}

/* --- The repository ---------------------------------------------------------------------------- */

static void refuse(const struct http_reply *reply, const char *repo, const char *endpoint, bool token, char *err,
		   size_t errlen)
{
	if (strcmp(reply->error_code, "GatedRepo") == 0 && !token)
		snprintf(err, errlen,
			 "%s: its licence must be accepted first: open %s/%s, accept it there, and set HF_TOKEN to a "
			 "token of yours",
			 repo, endpoint, repo);
	else if (strcmp(reply->error_code, "GatedRepo") == 0)
		snprintf(err, errlen,
			 "%s: the account of your token has not been given access; open %s/%s and accept the licence "
			 "there",
			 repo, endpoint, repo);
	else if (reply->status == 401 && token)
		snprintf(err, errlen, "%s: your token was not accepted; make a new one at %s/settings/tokens", repo,
			 endpoint);
	else if (reply->status == 401 || reply->status == 403 || reply->status == 404)
		snprintf(err, errlen,
			 "%s: there is no such repository, or it is private: check its name, and set HF_TOKEN if it is "
			 "yours",
			 repo);
	else if (reply->status == 429)
		snprintf(err, errlen, "%s: too many requests; try again later", endpoint);
	else
		snprintf(err, errlen, "%s: the server answers with HTTP %ld; try again later", endpoint, reply->status);
}

static char *license_of(const cJSON *info)
{
	const char *license = text_of(cJSON_GetObjectItemCaseSensitive(info, "cardData"), "license");
	const cJSON *tag;
	if (license)
		return xstrdup(license);
	cJSON_ArrayForEach(tag, cJSON_GetObjectItemCaseSensitive(info, "tags"))
	{
		const char *text = cJSON_GetStringValue(tag);
		if (text && strncmp(text, "license:", strlen("license:")) == 0)
			return xstrdup(text + strlen("license:"));
	}
	return NULL;
}

/* The file of an entry: where it is, how long, and its checksum. */
static void take_file(const cJSON *entry, const char *place, struct pull_source *source)
{
	const cJSON *lfs = cJSON_GetObjectItemCaseSensitive(entry, "lfs"),
		    *size = cJSON_GetObjectItemCaseSensitive(entry, "size");
	const char *sha256 = text_of(lfs, "sha256") ? text_of(lfs, "sha256") : text_of(lfs, "oid");
	char *path = http_escape(text_of(entry, "rfilename"));
	source->url = xasprintf("%s/%s", place, path);
	size = cJSON_IsNumber(size) ? size : cJSON_GetObjectItemCaseSensitive(lfs, "size");
	source->bytes = source_bytes(size);
	if (sha256 && pull_good_sha256(sha256) && !sha256[64])
		snprintf(source->sha256, sizeof(source->sha256), "%s", sha256);
	free(path);
}

static const cJSON *find_entry(const cJSON *siblings, const char *path)
{
	const cJSON *entry;
	cJSON_ArrayForEach(entry, siblings)
	{
		const char *name = text_of(entry, "rfilename");
		if (name && strcmp(name, path) == 0)
			return entry;
	}
	return NULL;
}

static int take_parts(const cJSON *siblings, const struct candidate *first, const char *place,
		      struct pull_source *source, char *err, size_t errlen)
{
	if (first->parts <= 1)
		return PULL_OK;
	source_add_parts(source, first->parts);
	for (int i = 0; i < source->part_count; i++) {
		char *path = split_name_of(first->path, i + 2);
		const cJSON *entry = find_entry(siblings, path);
		if (entry)
			take_file(entry, place, &source->parts[i]);
		else
			snprintf(err, errlen,
				 "%s: the repository has only a part of this model; name another of its files",
				 base_of(path));
		free(path);
		if (!entry)
			return PULL_FAILED;
	}
	return PULL_OK;
}

static int take_info(const cJSON *info, const char *name, const char *wanted, const char *endpoint,
		     struct pull_source *source, char *err, size_t errlen)
{
	struct repo repo = {.name = name};
	int result = PULL_FAILED;
	const char *commit = text_of(info, "sha");
	const cJSON *entry;
	if (!cJSON_IsObject(info)) {
		snprintf(err, errlen, "%s: not valid JSON", name);
		return PULL_FAILED;
	}
	const cJSON *siblings = cJSON_GetObjectItemCaseSensitive(info, "siblings");
	cJSON_ArrayForEach(entry, siblings) add_file(&repo, entry);
	const struct candidate *file = choose(&repo, wanted, err, errlen);
	if (file) {
		bool good_commit = commit && source_good_word(commit, strlen(commit));
		char *place = xasprintf("%s/%s/resolve/%s", endpoint, name, good_commit ? commit : "main");
		source->name = xstrdup(base_of(file->path));
		source->license = license_of(info);
		take_file(file->entry, place, source);
		result = take_parts(siblings, file, place, source, err, errlen);
		free(place);
	}
	free(repo.files);
	return result;
}

int hub_take(const char *json, size_t len, const char *name, const char *wanted, const char *endpoint,
	     struct pull_source *source, char *err, size_t errlen)
{
	cJSON *info = cJSON_ParseWithLength(json, len);
	int result = take_info(info, name, wanted, endpoint, source, err, errlen);
	cJSON_Delete(info);
	return result;
}

static bool good_repo(const char *name)
{
	const char *slash = strchr(name, '/');
	return slash && source_good_word(name, (size_t)(slash - name)) &&
	       source_good_word(slash + 1, strlen(slash + 1));
}

int hub_find(struct http *http, const char *what, struct pull_source *source, char *err, size_t errlen)
{
	size_t len = strcspn(what, ":");
	const char *wanted = what[len] ? what + len + 1 : "";
	char *name = xstrndup(what, len), *endpoint = source_endpoint("HF_ENDPOINT", "https://huggingface.co");
	char *url = xasprintf("%s/api/models/%s?blobs=true", endpoint, name), *token = hub_token();
	struct buffer text = {0};
	struct http_reply reply = {0};
	int result = PULL_FAILED;
	if (!good_repo(name))
		snprintf(err, errlen, "%s: write hf:USER/REPO or hf:USER/REPO:QUANT", what);
	else
		result = http_text(http, url, token, "application/json", &text, &reply, err, errlen);
	if (result == PULL_OK && reply.status != 200) {
		refuse(&reply, name, endpoint, token != NULL, err, errlen);
		result = PULL_FAILED;
	} else if (result == PULL_OK) {
		result = hub_take(text.data ? text.data : "", text.len, name, wanted, endpoint, source, err, errlen);
	}
	if (result == PULL_OK && token)
		source->token = xstrdup(token);
	buffer_free(&text);
	free(token);
	free(url);
	free(endpoint);
	free(name);
	return result;
}
