/* http.h: requests over libcurl.
 *
 * Redirects are followed here, not by the library: at most eight, never from https to http, and a token goes to the
 * host that it was given for and to no other. Proxies and certificates come from the environment as other programs
 * take them (https_proxy, no_proxy, SSL_CERT_FILE, CURL_CA_BUNDLE). */
#ifndef HTTP_H
#define HTTP_H

#include "pull.h"

struct http;
struct http *http_open(const struct pull_hooks *); /* keeps its connections until http_close() */
void http_close(struct http *);

struct http_reply {
	long status;
	uint64_t length;       /* of this body; UINT64_MAX: not said */
	uint64_t first, total; /* of a 206: where it begins, and of the whole file; UINT64_MAX: not said */
	int retry_after;       /* seconds, 0: not said */
	char etag[256];        /* with its quotes; "": none, or a weak one */
	char error_code[64];   /* X-Error-Code of the hub: "GatedRepo" */
	/* What the hub says about a file before it redirects (X-Linked-Etag, X-Linked-Size): "" and 0: nothing */
	char linked_sha256[PULL_SHA256];
	uint64_t linked_bytes;
};

struct http_request {
	const char *url, *token, *accept; /* token, accept: NULL for none */
	uint64_t from;                    /* first byte wanted */
	const char *if_range;             /* etag that the range is good for, "" for none */
	void *arg;
	/* Gets the bodies of successes, in pieces; not 0 ends the request with PULL_FAILED. */
	int (*body)(void *arg, const struct http_reply *, const char *bytes, size_t len, char *err, size_t errlen);
};

enum { HTTP_DROPPED = -10 }; /* a further result: worth another attempt */
/* One exchange and its redirects. PULL_OK says that there is an answer, whatever its status. */
int http_get(struct http *, const struct http_request *, struct http_reply *, char *err, size_t errlen);

/* How often, and how long after one another. */
struct http_patience {
	int failures;  /* since something was last achieved */
	bool received; /* anything yet: a network that was there is waited for */
};
/* After a result or a status that may pass (a drop, 408, 429, 5xx): waits and returns true to try again; false: give
 * up. A status that it gives up on, and any other, is left to the caller. */
bool http_again(struct http *, struct http_patience *, int *result, const struct http_reply *, const char *why);

/* A whole text of at most 16 MiB, tried several times. */
int http_text(struct http *, const char *url, const char *token, const char *accept, struct buffer *,
	      struct http_reply *, char *err, size_t errlen);
char *http_escape(const char *path); /* for a URL; slashes stay. Caller frees. */
bool http_same_origin(const char *a, const char *b);
bool http_private(const char *url); /* https, or to this machine: a token may be sent */

#endif
