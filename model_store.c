/* Where GGUF files are kept on people's machines:
 *   bora       our models folder: *.gguf
 *   ollama     $OLLAMA_MODELS or ~/.ollama/models, and the service's: manifests/HOST/OWNER/NAME/TAG is JSON whose
 *              model layer names blobs/sha256-DIGEST
 *   huggingface  $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub,
 *              ~/.cache/huggingface/hub: models--USER--REPO/snapshots/COMMIT/…, files ending in .gguf
 *   llama.cpp  $LLAMA_CACHE, as either of these two; $XDG_CACHE_HOME/llama.cpp or ~/.cache/llama.cpp: *.gguf
 * A file that several names lead to is listed once, and so is a model in several files, as its first. Projectors of
 * pictures are no models. */
#include "model_store.h"
#include "known_models.h"
#include "nearest.h"
#include "paths.h"
#include "split_name.h"
#include "xmalloc.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 6, MANIFEST_MAX = 1 << 20, NAMED_MOST = 5 };

struct list {
	struct stored_model *models;
	size_t count;
	const char *root; /* of the store that is walked */
	bool twins;       /* every name of a file counts */
};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);
	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static void add(struct list *list, char *name, char *path, const char *store)
{
	struct stat st;
	bool good = stat(path, &st) == 0 && S_ISREG(st.st_mode);
	for (size_t i = 0; i < list->count && good && !list->twins; i++) /* Ollama's names of one file are all of use */
		good = list->models[i].device != st.st_dev || list->models[i].inode != st.st_ino ||
		       strcmp(store, "ollama") == 0;
	if (!good) {
		free(name);
		free(path);
		return;
	}
	list->models = xreallocarray(list->models, list->count + 1, sizeof(*list->models));
	list->models[list->count++] = (struct stored_model){.name = name,
							    .path = path,
							    .store = store,
							    .parts = 1,
							    .bytes = (uint64_t)st.st_size,
							    .device = st.st_dev,
							    .inode = st.st_ino};
}

/* Calls fn for every entry below dir, folders first asked with is_dir. */
typedef void walk_fn(struct list *, const char *path, const char *name, const char *store);

static void walk(struct list *list, const char *dir, const char *store, int depth, walk_fn *fn)
{
	DIR *handle = depth ? opendir(dir) : NULL;
	if (!handle)
		return;
	for (struct dirent *entry; (entry = readdir(handle));) {
		struct stat st;
		if (entry->d_name[0] == '.')
			continue;
		char *path = path_join(dir, entry->d_name);
		bool there = stat(path, &st) == 0;
		if (there && S_ISDIR(st.st_mode))
			walk(list, path, store, depth - 1, fn);
		else if (there && S_ISREG(st.st_mode)) /* opening a FIFO would wait for ever */
			fn(list, path, entry->d_name, store);
		free(path);
	}
	closedir(handle);
}

/* Those that are missing, the engine misses too. */
static void add_parts(struct stored_model *model, int count)
{
	model->parts = count;
	for (int i = 2; i <= count; i++) {
		struct stat st;
		char *path = split_name_of(model->path, i);
		model->bytes += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
		free(path);
	}
}

static void take_gguf(struct list *list, const char *path, const char *name, const char *store)
{
	int number = 1, of = 1;
	bool split = split_name(name, &number, &of);
	if (!ends_with(name, ".gguf") || number != 1 || strncmp(name, "mmproj", strlen("mmproj")) == 0)
		return;
	size_t before = list->count;
	add(list, xstrndup(name, strlen(name) - (split ? SPLIT_TAIL : strlen(".gguf"))), xstrdup(path), store);
	if (split && list->count > before)
		add_parts(&list->models[before], of);
}

/* --- Ollama ---------------------------------------------------------------------- */

/* "sha256:" and 64 hexadecimal digits: nothing else becomes part of a path. */
static bool good_digest(const char *digest)
{
	const char *hex = digest + strlen("sha256:");
	return strncmp(digest, "sha256:", strlen("sha256:")) == 0 && strspn(hex, "0123456789abcdef") == 64 &&
	       hex[64] == '\0';
}

static char *read_small(const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	char *text = xmalloc(MANIFEST_MAX + 1);
	text[fread(text, 1, MANIFEST_MAX, file)] = '\0';
	fclose(file);
	return text;
}

static const char *model_digest(const cJSON *manifest)
{
	const cJSON *layer;
	cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(manifest, "layers"))
	{
		const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "mediaType"));
		const char *digest = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "digest"));
		if (type && digest && strcmp(type, "application/vnd.ollama.image.model") == 0 && good_digest(digest))
			return digest;
	}
	return NULL;
}

/* .../manifests/registry.ollama.ai/library/llama3/8b is called llama3:8b, another owner's owner/llama3:8b. */
static char *ollama_name(const char *path)
{
	const char *part[3] = {NULL};
	const char *at = path + strlen(path);
	for (int i = 2; i >= 0; i--) {
		while (at > path && at[-1] != '/')
			at--;
		part[i] = at;
		at -= at > path;
	}
	int owner = (int)strcspn(part[0], "/"), model = (int)strcspn(part[1], "/");
	if (strncmp(part[0], "library/", strlen("library/")) == 0)
		return xasprintf("%.*s:%s", model, part[1], part[2]);
	return xasprintf("%.*s/%.*s:%s", owner, part[0], model, part[1], part[2]);
}

static char *blob_path(const char *root, const char *digest)
{
	char *blobs = path_join(root, "blobs"), *path = xasprintf("%s/sha256-%s", blobs, digest + strlen("sha256:"));
	free(blobs);
	return path;
}

static void take_manifest(struct list *list, const char *path, const char *name, const char *store)
{
	(void)name;
	char *text = read_small(path);
	cJSON *manifest = text ? cJSON_Parse(text) : NULL;
	const char *digest = manifest ? model_digest(manifest) : NULL;
	if (digest)
		add(list, ollama_name(path), blob_path(list->root, digest), store);
	cJSON_Delete(manifest);
	free(text);
}

/* --- The places --------------------------------------------------------------------- */

static char *below(const char *variable, const char *rest)
{
	const char *value = getenv(variable);
	return value && *value ? path_join(value, rest) : NULL;
}

static char *first_of(char *a, char *b)
{
	if (!a)
		return b;
	free(b);
	return a;
}

static void list_ollama(struct list *list)
{
	const char *variable = getenv("OLLAMA_MODELS");
	char *named = variable && *variable ? xstrdup(variable) : NULL;
	char *roots[] = {named ? named : below("HOME", ".ollama/models"),
			 named ? NULL : xstrdup("/usr/share/ollama/.ollama/models")};
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		char *manifests = roots[i] ? path_join(roots[i], "manifests") : NULL;
		list->root = roots[i];
		if (manifests)
			walk(list, manifests, "ollama", DEPTH_MAX, take_manifest);
		free(manifests);
		free(roots[i]);
	}
	list->root = NULL;
}

static void list_hugging_face(struct list *list)
{
	char *dir = first_of(below("HF_HUB_CACHE", ""), below("HUGGINGFACE_HUB_CACHE", ""));
	dir = first_of(dir, below("HF_HOME", "hub"));
	dir = first_of(dir, below("XDG_CACHE_HOME", "huggingface/hub"));
	dir = first_of(dir, below("HOME", ".cache/huggingface/hub"));
	if (dir)
		walk(list, dir, "huggingface", DEPTH_MAX, take_gguf);
	free(dir);
}

static void list_llama_cpp(struct list *list)
{
	char *named = below("LLAMA_CACHE", "");
	char *usual = first_of(below("XDG_CACHE_HOME", "llama.cpp"), below("HOME", ".cache/llama.cpp"));
	if (named)
		walk(list, named, "llama.cpp", DEPTH_MAX, take_gguf);
	if (usual)
		walk(list, usual, "llama.cpp", 1, take_gguf);
	free(named);
	free(usual);
}

static int by_name(const void *a, const void *b)
{
	const struct stored_model *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->path, y->path);
}

static void list_all(struct list *list)
{
	char *own = path_dir(PATH_MODELS);
	walk(list, own, "bora", 2, take_gguf);
	free(own);
	list_ollama(list);
	list_hugging_face(list);
	list_llama_cpp(list);
	if (list->count)
		qsort(list->models, list->count, sizeof(*list->models), by_name);
}

int model_store_list(struct stored_model **out, size_t *count)
{
	struct list list = {0};
	list_all(&list);
	*out = list.models;
	*count = list.count;
	return 0;
}

void model_store_free(struct stored_model *models, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(models[i].name);
		free(models[i].path);
	}
	free(models);
}

/* --- Finding one ----------------------------------------------------------------------- */

static char *find_alias(const char *name)
{
	struct known_model known;
	if (!known_models_find(name, &known))
		return NULL;
	char *dir = path_dir(PATH_MODELS), *path = path_join(dir, known.file);
	free(dir);
	return path;
}

/* "a, b, c…": names that hold word, at their beginning or anywhere; a file once. Returns how many there are, and *first
 * of them. */
static int name_those(const struct list *list, const char *word, bool anywhere, const struct stored_model **first,
		      struct buffer *names)
{
	int found = 0;
	const struct stored_model *last = NULL;
	for (size_t i = 0; i < list->count; i++) {
		const struct stored_model *model = &list->models[i];
		const char *at = strcasestr(model->name, word);
		if (!at || (!anywhere && at != model->name) ||
		    (last && last->device == model->device && last->inode == model->inode))
			continue;
		if (found == 0)
			*first = model;
		if (found < NAMED_MOST)
			buffer_printf(names, "%s%s", found ? ", " : "", model->name);
		else if (found == NAMED_MOST)
			buffer_puts(names, "…");
		last = model;
		found++;
	}
	return found;
}

/* The one whose name, or its beginning, is nearly that; NULL: none. */
static const char *nearly(const struct list *list, const char *name)
{
	int least = nearest_to(name).distance;
	const char *best = NULL;
	for (size_t i = 0; i < list->count; i++) {
		char *beginning = xstrndup(list->models[i].name, strnlen(list->models[i].name, strlen(name)));
		int distance = nearest_distance(name, beginning);
		if (distance < least) {
			least = distance;
			best = list->models[i].name;
		}
		free(beginning);
	}
	return best;
}

static void say_none(const struct list *list, const char *name, char *err, size_t errlen)
{
	const struct stored_model *first;
	struct buffer meant = {0};
	const char *near = nearly(list, name);
	if (!name_those(list, name, true, &first, &meant) && near)
		buffer_puts(&meant, near);
	if (meant.len)
		snprintf(err, errlen, "there is no model '%s'; did you mean %s?", name, meant.data);
	else
		snprintf(err, errlen, "there is no model '%s'; `bora models` lists those that were found", name);
	buffer_free(&meant);
}

static char *find_stored(const char *given, char *err, size_t errlen)
{
	struct list list = {.twins = true};
	const struct stored_model *found = NULL;
	struct buffer names = {0};
	int number, of;
	size_t end = split_name(given, &number, &of) ? SPLIT_TAIL : ends_with(given, ".gguf") ? strlen(".gguf") : 0;
	char *name = xstrndup(given, strlen(given) - end), *path = NULL;
	list_all(&list);
	for (size_t i = 0; i < list.count && !found; i++)
		if (strcmp(list.models[i].name, name) == 0)
			found = &list.models[i];
	int several = found ? 1 : name_those(&list, name, false, &found, &names);
	if (several == 1)
		path = xstrdup(found->path);
	else if (several)
		snprintf(err, errlen, "%d models begin with '%s' (%s); type more of the name", several, name,
			 names.data);
	else
		say_none(&list, given, err, errlen);
	buffer_free(&names);
	free(name);
	model_store_free(list.models, list.count);
	return path;
}

int model_store_find(const char *name, char **path, char *err, size_t errlen)
{
	const char *wanted = name && *name ? name : "default";
	if (name && (strchr(name, '/') || ends_with(name, ".gguf")) && access(name, F_OK) == 0) {
		*path = xstrdup(name);
		return 0;
	}
	*path = find_alias(wanted);
	if (*path && access(*path, F_OK) == 0)
		return 0;
	if (*path) {
		free(*path);
		*path = name ? find_stored(name, err, errlen) : NULL;
		if (*path)
			return 0;
		snprintf(err, errlen,
			 "the model '%s' is not here yet; `bora pull %s` fetches it, or name another with -m", wanted,
			 wanted);
		return -1;
	}
	if (strchr(name, '/') && ends_with(name, ".gguf")) {
		snprintf(err, errlen, "%s: there is no such file", name);
		return -1;
	}
	*path = find_stored(name, err, errlen);
	return *path ? 0 : -1;
}
