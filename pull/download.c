/* A file at an address to a file here. What has come lies in NAME.part, locked while somebody writes to it, and
 * NAME.part.json says what it is a part of: {"url", "etag", "sha256"}. A part goes on (Range, If-Range) only while it
 * is sure to be of the same file: the same checksum, or the same address with the same strong ETag. Whole, it is
 * checked by size, checksum and hooks.check, and renamed. */
#include "digest.h"
#include "http.h"
#include "libraries.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { RECORD_MAX = 1 << 16, SPARE = 64 << 20 /* bytes that stay free */, BLOCK = 1 << 20 };
static const char magic[] = {'G', 'G', 'U', 'F'};

struct download {
	struct pull_source *source;
	const struct pull_hooks *hooks;
	struct http *http;
	const char *dir;
	char *goal, *part, *record;
	int fd;
	uint64_t have, total; /* total 0: not known yet */
	uint64_t later;       /* bytes of other files of the model that are still to come */
	bool keep_record;     /* until all files of the model are here */
	char etag[256];
	bool begun, over; /* the answer on its way has been looked at; it does not go on from what there is */
};

static int cannot_write(const struct download *d, char *err, size_t errlen)
{
	snprintf(err, errlen, "%s: cannot write: %s", d->part, strerror(errno));
	return -1;
}

static int cannot_read(const struct download *d, char *err, size_t errlen)
{
	snprintf(err, errlen, "%s: cannot read: %s", d->part, strerror(errno));
	return -1;
}

/* --- The part --------------------------------------------------------------------------- */

static int start_over(struct download *d, char *err, size_t errlen)
{
	d->have = 0;
	d->etag[0] = '\0';
	if (ftruncate(d->fd, 0) != 0 || lseek(d->fd, 0, SEEK_SET) != 0)
		return cannot_write(d, err, errlen);
	return 0;
}

static int write_record(const struct download *d, char *err, size_t errlen)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "url", d->source->url);
	cJSON_AddStringToObject(json, "etag", d->etag);
	cJSON_AddStringToObject(json, "sha256", d->source->sha256);
	char *text = cJSON_PrintUnformatted(json);
	FILE *file = fopen(d->record, "we");
	bool good = file && fputs(text, file) >= 0;
	if (file && fclose(file) != 0)
		good = false;
	cJSON_free(text);
	cJSON_Delete(json);
	if (!good)
		snprintf(err, errlen, "%s: cannot write: %s", d->record, strerror(errno));
	return good ? 0 : -1;
}

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
	return text ? text : "";
}

/* Whether what is there is of the file that is wanted. */
static bool read_record(struct download *d)
{
	char text[RECORD_MAX];
	FILE *file = fopen(d->record, "re");
	if (!file)
		return false;
	cJSON *json = cJSON_ParseWithLength(text, fread(text, 1, sizeof(text), file));
	const char *etag = text_of(json, "etag"), *sha256 = text_of(json, "sha256");
	bool same_url = strcmp(text_of(json, "url"), d->source->url) == 0;
	bool same = d->source->sha256[0] ? strcasecmp(d->source->sha256, sha256) == 0 : same_url && etag[0];
	if (same && same_url && strlen(etag) < sizeof(d->etag))
		snprintf(d->etag, sizeof(d->etag), "%s", etag);
	if (same && !d->source->sha256[0] && pull_good_sha256(sha256))
		snprintf(d->source->sha256, sizeof(d->source->sha256), "%.64s", sha256);
	cJSON_Delete(json);
	fclose(file);
	return same;
}

static int open_part(struct download *d, char *err, size_t errlen)
{
	struct stat st;
	d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (d->fd < 0 || fstat(d->fd, &st) != 0)
		return cannot_write(d, err, errlen);
	if (!S_ISREG(st.st_mode)) {
		snprintf(err, errlen, "%s: not a file", d->part);
		return -1;
	}
	if (flock(d->fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(err, errlen, "%s: another bora is downloading this model", d->part);
		return -1;
	}
	d->have = (uint64_t)st.st_size;
	if ((d->have && !read_record(d)) || (d->source->bytes && d->have > d->source->bytes))
		return start_over(d, err, errlen);
	d->total = d->source->bytes;
	return lseek(d->fd, 0, SEEK_END) < 0 ? cannot_read(d, err, errlen) : 0;
}

/* --- What comes -------------------------------------------------------------------------------- */

static int check_space(const struct download *d, char *err, size_t errlen)
{
	struct statvfs fs;
	if (!d->total || fstatvfs(d->fd, &fs) != 0)
		return 0;
	uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize, need = d->total - d->have + d->later + SPARE;
	if (room >= need)
		return 0;
	snprintf(err, errlen, "%s: %.1f GB more are needed, and %.1f GB are free", d->dir, (double)need / 1e9,
		 (double)room / 1e9);
	return -1;
}

/* The first look at an answer: does it go on from what there is, and is it the file that was announced? */
static int begin(struct download *d, const struct http_reply *reply, char *err, size_t errlen)
{
	struct pull_source *source = d->source;
	uint64_t said = reply->status == 206 ? reply->total : reply->length;
	if (!source->sha256[0])
		memcpy(source->sha256, reply->linked_sha256, sizeof(source->sha256));
	if (!source->bytes)
		source->bytes = reply->linked_bytes;
	bool other = d->etag[0] && reply->etag[0] && strcmp(d->etag, reply->etag) != 0;
	if (reply->status == 206 && (reply->first != d->have || (other && !source->sha256[0]))) {
		d->over = true;
		snprintf(err, errlen, "it is another file now");
		return -1;
	}
	if (reply->status != 206 && d->have && start_over(d, err, errlen))
		return -1;
	if (source->bytes && said != UINT64_MAX && said != source->bytes) {
		snprintf(err, errlen, "%s: the server offers %llu bytes, and %llu were announced", source->name,
			 (unsigned long long)said, (unsigned long long)source->bytes);
		return -1;
	}
	d->total = source->bytes ? source->bytes : said != UINT64_MAX ? said : 0;
	snprintf(d->etag, sizeof(d->etag), "%s", reply->etag);
	return check_space(d, err, errlen) ? -1 : write_record(d, err, errlen);
}

static bool is_gguf(const struct download *d, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && d->have + i < sizeof(magic); i++)
		if (bytes[i] != magic[d->have + i])
			return false;
	return true;
}

static int write_all(struct download *d, const char *bytes, size_t len, char *err, size_t errlen)
{
	while (len) {
		ssize_t done = write(d->fd, bytes, len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return cannot_write(d, err, errlen);
		bytes += done;
		len -= (size_t)done;
		d->have += (uint64_t)done;
	}
	return 0;
}

static int take(void *arg, const struct http_reply *reply, const char *bytes, size_t len, char *err, size_t errlen)
{
	struct download *d = arg;
	if (!d->begun && begin(d, reply, err, errlen))
		return -1;
	d->begun = true;
	if (!is_gguf(d, bytes, len)) {
		snprintf(err, errlen, "%s: what the server sends is no GGUF model", d->source->name);
		return -1;
	}
	if (d->total && len > d->total - d->have) {
		snprintf(err, errlen, "%s: the server offers %llu bytes, and %llu were announced", d->source->name,
			 (unsigned long long)(d->have + len), (unsigned long long)d->total);
		return -1;
	}
	if (write_all(d, bytes, len, err, errlen))
		return -1;
	if (d->hooks->progress)
		d->hooks->progress(d->hooks->arg, PULL_LOADING, d->have, d->total);
	return 0;
}

/* --- As often as it takes -------------------------------------------------------------------------- */

static void refuse(const struct download *d, const struct http_reply *reply, char *err, size_t errlen)
{
	const char *name = d->source->name, *page = strstr(d->source->url, "/resolve/");
	if (strcmp(reply->error_code, "GatedRepo") == 0)
		snprintf(err, errlen,
			 "%s: its licence must be accepted first: open %.*s, accept it there, and set HF_TOKEN to a "
			 "token of yours",
			 name, (int)(page ? page - d->source->url : 0), d->source->url);
	else if (reply->status == 401 || reply->status == 403)
		snprintf(err, errlen, "%s: the server does not give it to you (HTTP %ld)", name, reply->status);
	else if (reply->status == 404 || reply->status == 410)
		snprintf(err, errlen, "%s: there is no such file at this address", name);
	else if (reply->status == 429)
		snprintf(err, errlen, "%s: too many requests; try again later", name);
	else
		snprintf(err, errlen, "%s: the server answers with HTTP %ld; try again later", name, reply->status);
}

static int once(struct download *d, struct http_reply *reply, char *err, size_t errlen)
{
	if (d->have && !d->etag[0] && !d->source->sha256[0] && start_over(d, err, errlen))
		return PULL_FAILED;
	d->begun = d->over = false;
	const struct http_request request = {.url = d->source->url,
					     .token = d->source->token,
					     .from = d->have,
					     .if_range = d->etag,
					     .arg = d,
					     .body = take};
	int result = http_get(d->http, &request, reply, err, errlen);
	if (d->over || (result == PULL_OK && reply->status == 416))
		return start_over(d, err, errlen) ? PULL_FAILED : HTTP_DROPPED;
	if (result == PULL_OK && reply->status / 100 == 2 && (!d->have || (d->total && d->have < d->total))) {
		snprintf(err, errlen, "the server sent less than it said");
		return HTTP_DROPPED;
	}
	return result;
}

static int transfer(struct download *d, char *err, size_t errlen)
{
	struct http_patience patience = {0};
	struct http_reply reply = {0};
	uint64_t most = d->have;
	int result = PULL_OK;
	while (!d->total || d->have < d->total) {
		result = once(d, &reply, err, errlen);
		if (result == PULL_OK && reply.status / 100 == 2)
			break;
		if (d->have > most)
			patience = (struct http_patience){.received = true};
		most = d->have > most ? d->have : most;
		if (http_again(d->http, &patience, &result, &reply, err))
			continue;
		if (result == PULL_OK) {
			refuse(d, &reply, err, errlen);
			result = PULL_FAILED;
		}
		break;
	}
	return result;
}

/* --- Whole ------------------------------------------------------------------------------------------------ */

static int hash(struct download *d, char hex[PULL_SHA256], char *err, size_t errlen)
{
	char *block = xmalloc(BLOCK);
	struct digest *digest = digest_create();
	int result = PULL_OK;
	uint64_t done = 0;
	while (result == PULL_OK && done < d->have) {
		ssize_t got = pread(d->fd, block, BLOCK, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			cannot_read(d, err, errlen);
			result = PULL_FAILED;
			break;
		}
		digest_add(digest, block, (size_t)got);
		done += (uint64_t)got;
		if (d->hooks->progress)
			d->hooks->progress(d->hooks->arg, PULL_CHECKING, done, d->have);
		if (d->hooks->stopped && d->hooks->stopped(d->hooks->arg))
			result = PULL_STOPPED;
	}
	digest_end(digest, hex);
	if (result == PULL_OK && !hex[0]) {
		snprintf(err, errlen, "%s is not installed; bora pull needs it", LIBRARY_CRYPTO);
		result = PULL_FAILED;
	}
	free(block);
	return result;
}

static void forget(const struct download *d)
{
	unlink(d->part);
	unlink(d->record);
}

static int finish(struct download *d, char *err, size_t errlen)
{
	struct pull_source *source = d->source;
	const struct pull_hooks *hooks = d->hooks;
	char hex[PULL_SHA256];
	int result = hash(d, hex, err, errlen);
	if (result != PULL_OK)
		return result;
	if (source->sha256[0] && strcasecmp(source->sha256, hex) != 0) {
		forget(d);
		snprintf(
			err, errlen,
			"%s: what came is not what was announced (sha256 %s in place of %s) and was removed; try again",
			source->name, hex, source->sha256);
		return PULL_FAILED;
	}
	if (hooks->check && hooks->check(hooks->arg, d->part, err, errlen)) {
		forget(d);
		return PULL_FAILED;
	}
	if (fsync(d->fd) != 0 || rename(d->part, d->goal) != 0)
		return cannot_write(d, err, errlen);
	memcpy(source->sha256, hex, sizeof(hex));
	source->bytes = d->have;
	if (d->keep_record)
		return write_record(d, err, errlen) ? PULL_FAILED : PULL_OK;
	unlink(d->record);
	return PULL_OK;
}

/* A file of that name is there already: the same one, or one that must not be lost. */
static int already(struct download *d, char *err, size_t errlen)
{
	struct pull_source *source = d->source;
	struct stat st;
	char hex[PULL_SHA256];
	if (d->keep_record && !source->sha256[0])
		read_record(d);
	if (stat(d->goal, &st) == 0 && source->sha256[0] && (!source->bytes || (uint64_t)st.st_size == source->bytes)) {
		if (pull_sha256(d->goal, hex, err, errlen) != PULL_OK)
			return PULL_FAILED;
		if (strcasecmp(hex, source->sha256) == 0) {
			source->here = true;
			return PULL_OK;
		}
	}
	snprintf(err, errlen,
		 "%s: there is a file of this name already; remove it first, or give another name with -o FILE",
		 d->goal);
	return PULL_FAILED;
}

static int one_file(struct pull_source *source, const char *dir, const struct pull_hooks *hooks, bool keep_record,
		    uint64_t later, char **path, char *err, size_t errlen)
{
	struct download d = {
		.source = source, .hooks = hooks, .dir = dir, .fd = -1, .later = later, .keep_record = keep_record};
	d.goal = xasprintf("%s/%s", dir, source->name);
	d.part = xasprintf("%s.part", d.goal);
	d.record = xasprintf("%s.json", d.part);
	int result = PULL_FAILED;
	if (access(d.goal, F_OK) == 0) {
		result = already(&d, err, errlen);
	} else if (open_part(&d, err, errlen) == 0 && check_space(&d, err, errlen) == 0) {
		d.http = http_open(hooks);
		result = transfer(&d, err, errlen);
		if (result == PULL_OK)
			result = finish(&d, err, errlen);
		http_close(d.http);
		if (result != PULL_OK && d.have == 0)
			forget(&d);
	}
	if (d.fd >= 0)
		close(d.fd);
	*path = result == PULL_OK ? xstrdup(d.goal) : NULL;
	free(d.goal);
	free(d.part);
	free(d.record);
	return result;
}

/* --- A model in several files ------------------------------------------------------------------------------ */

static struct pull_source *file_of(struct pull_source *source, int number)
{
	return number ? &source->parts[number - 1] : source;
}

/* What of the files before that number is not here yet. */
static uint64_t still_to_come(struct pull_source *source, const char *dir, int number)
{
	static const char *const ends[] = {"", ".part"};
	uint64_t bytes = 0;
	for (int i = 0; i < number; i++) {
		const struct pull_source *file = file_of(source, i);
		uint64_t have = 0;
		for (size_t k = 0; k < sizeof(ends) / sizeof(*ends); k++) {
			struct stat st;
			char *path = xasprintf("%s/%s%s", dir, file->name, ends[k]);
			have += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
			free(path);
		}
		bytes += file->bytes > have ? file->bytes - have : 0;
	}
	return bytes;
}

/* The records that say what each file is, and, where it is of no use, the files that came. */
static void clear(struct pull_source *source, const char *dir, bool files)
{
	for (int i = source->part_count; i >= 0; i--) {
		const struct pull_source *file = file_of(source, i);
		char *path = xasprintf("%s/%s", dir, file->name), *record = xasprintf("%s.part.json", path);
		unlink(record);
		if (files && !file->here)
			unlink(path);
		free(record);
		free(path);
	}
}

static int all_files(struct pull_source *source, const char *dir, const struct pull_hooks *hooks, char **path,
		     char *err, size_t errlen)
{
	struct pull_hooks each = *hooks;
	bool here = true;
	each.check = NULL;
	for (int i = source->part_count; i >= 0; i--) { /* the first, by which the model is found, last */
		struct pull_source *file = file_of(source, i);
		free(*path);
		if (i && source->token && !file->token)
			file->token = xstrdup(source->token);
		int result = one_file(file, dir, &each, true, still_to_come(source, dir, i), path, err, errlen);
		if (result != PULL_OK)
			return result;
		here = here && file->here;
	}
	bool bad = hooks->check && hooks->check(hooks->arg, *path, err, errlen);
	clear(source, dir, bad);
	source->here = here;
	if (!bad)
		return PULL_OK;
	free(*path);
	*path = NULL;
	return PULL_FAILED;
}

int pull_download(struct pull_source *source, const char *dir, const struct pull_hooks *hooks, char **path, char *err,
		  size_t errlen)
{
	*path = NULL;
	if (source->part_count)
		return all_files(source, dir, hooks, path, err, errlen);
	return one_file(source, dir, hooks, false, 0, path, err, errlen);
}
