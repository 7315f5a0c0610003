/* pull.h: get models from the network, when asked. The folder's public face; nothing else in the program connects.
 *
 * File         | What it does
 * -------------|---------------------------------------------------------------
 * pull.c       | what is asked for to a file at an address
 * hub.c        | Hugging Face: the files of a repository
 * registry.c   | Ollama's registry: the layers of a manifest
 * quant.c      | names of quantisations, and which one to take
 * download.c   | a file at an address to a file here: resumed, checked, renamed
 * packages.c   | a known model as Python packages, by pip
 * http.c       | the only file that knows libcurl: requests, redirects, retries * digest.c     | the only file that knows libcrypto: SHA-256
 * libraries.c  | loads both when they are first needed
*
 * Functions that can fail return PULL_OK, or another result with one line in err. */
#ifndef PULL_H
#define PULL_H

#include "../xmalloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pull_result {
	PULL_OK = 0,
	PULL_FAILED = -1,
	PULL_STOPPED = -2,     /* hooks.stopped() said so; what has come stays */
	PULL_UNREACHABLE = -3, /* there is no way to the server: another source may do */
};

enum pull_phase { PULL_LOADING, PULL_CHECKING };
enum { PULL_SHA256 = 65 }; /* hexadecimal digits and NUL */

struct pull_hooks { /* what the caller wants to know, and may decide; any may be NULL */
	void *arg;
	bool (*stopped)(void *arg);
	void (*progress)(void *arg, enum pull_phase, uint64_t done, uint64_t total); /* total 0: not known */
	void (*waiting)(void *arg, const char *why, int seconds);                    /* before the next attempt */
	/* Is the file of any use? Refused with a line, it is removed again. */
	int (*check)(void *arg, const char *path, char *err, size_t errlen);
};

struct pull_source {               /* a file somewhere */
	char *name;                /* as which it is stored: plain, ends in .gguf */
	char *url;                 /* http or https */
	char *token;               /* for the host of url alone, or NULL */
	char *license;             /* what the source says, or NULL */
	uint64_t bytes;            /* 0: not known before */
	char sha256[PULL_SHA256];  /* "": not known before */
	bool here;                 /* set by pull_download(): the same file was there already */
	struct pull_source *parts; /* the other files of a model in several; only name, url, bytes and sha256 are set */
	int part_count;
};
void pull_source_free(struct pull_source *);

/* hf:USER/REPO[:QUANT|:FILE], ollama:[OWNER/]NAME[:TAG], http://… and https://… Asks the network for the first two. */
int pull_find(const char *what, const struct pull_hooks *, struct pull_source *, char *err, size_t errlen);
/* Brings it to dir, under its name, a model in several files with its first file last; source->sha256 and bytes are known afterwards. An interrupted download goes on
 * where it stopped. Caller frees *path. */
int pull_download(struct pull_source *, const char *dir, const struct pull_hooks *, char **path, char *err,
		  size_t errlen);
/* A model of the table at `table` by the script that knows it (models/fetch.py), with progress on standard error. */
int pull_packages(const char *script, const char *table, const char *name, const char *dir, const struct pull_hooks *,
		  char *err, size_t errlen);
uint64_t pull_bytes(const struct pull_source *); /* of all files; 0: not known */
bool pull_good_name(const char *name);           /* fit to be stored: a plain file name ending in .gguf */
bool pull_good_sha256(const char *text);         /* 64 hexadecimal digits */
int pull_sha256(const char *path, char hex[PULL_SHA256], char *err, size_t errlen);

#endif
