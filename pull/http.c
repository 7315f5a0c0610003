#include "http.h"
#include "libraries.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	REDIRECTS_MAX = 8,
	ATTEMPTS = 5,
	TEXT_MAX = 16 << 20,
	CONNECT_SECONDS = 10,
	STALL_SECONDS = 30,
	WAIT_MOST = 60,
	SLICE_MS = 50, /* how soon a wait notices that it is to stop */
};

struct http {
	CURL *curl;
	const struct pull_hooks *hooks;
	long stall_seconds;
};

struct exchange { /* one request on its way */
	struct http *http;
	const struct http_request *request;
	struct http_reply *reply;
	bool refused; /* by request->body */
	bool stalled;
	int64_t moved; /* ms, when the last byte came */
	curl_off_t seen;
	char *err;
	size_t errlen;
};

/* $BORA_PULL_TIMEOUT: seconds without a byte until a connection counts as dropped; nothing is waited for longer. */
static long stall_seconds(void)
{
	const char *text = getenv("BORA_PULL_TIMEOUT");
	long seconds = text ? strtol(text, NULL, 10) : 0;
	return seconds > 0 && seconds <= 3600 ? seconds : STALL_SECONDS;
}

struct http *http_open(const struct pull_hooks *hooks)
{
	struct http *http = xcalloc(1, sizeof(*http));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->curl = curl_easy_init();
	http->hooks = hooks;
	http->stall_seconds = stall_seconds();
	return http;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	curl_global_cleanup();
	free(http);
}

/* --- Addresses -------------------------------------------------------------------------- */

static char *url_part(const char *url, CURLUPart part)
{
	CURLU *parsed = curl_url();
	char *text = NULL, *copy;
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
		curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT);
	copy = xstrdup(text ? text : "");
	curl_free(text);
	curl_url_cleanup(parsed);
	return copy;
}

static bool same_part(const char *a, const char *b, CURLUPart part)
{
	char *x = url_part(a, part), *y = url_part(b, part);
	bool same = *x && strcasecmp(x, y) == 0;
	free(x);
	free(y);
	return same;
}

bool http_same_origin(const char *a, const char *b)
{
	return same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) && same_part(a, b, CURLUPART_PORT);
}

bool http_private(const char *url)
{
	char *host = url_part(url, CURLUPART_HOST);
	bool here = strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0;
	free(host);
	return here || strncasecmp(url, "https:", strlen("https:")) == 0;
}

char *http_escape(const char *path)
{
	struct buffer out = {0};
	buffer_puts(&out, "");
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     strchr("-._~/", c);
		buffer_printf(&out, plain ? "%c" : "%%%02X", c);
	}
	return buffer_take(&out);
}

/* --- What comes back -------------------------------------------------------------------------- */

static void take_range(struct http_reply *reply, const char *value)
{
	unsigned long long first, last, total;
	int found = sscanf(value, "bytes %llu-%llu/%llu", &first, &last, &total);
	if (found >= 2)
		reply->first = first;
	if (found == 3)
		reply->total = total;
}

static void take_quoted_sha256(char out[PULL_SHA256], const char *value)
{
	char hex[PULL_SHA256];
	value += *value == '"';
	snprintf(hex, sizeof(hex), "%s", value);
	if (pull_good_sha256(hex) && (value[64] == '\0' || value[64] == '"'))
		memcpy(out, hex, sizeof(hex));
}

static void take_header(struct http_reply *reply, const char *name, const char *value)
{
	if (strcasecmp(name, "content-length") == 0)
		reply->length = strtoull(value, NULL, 10);
	else if (strcasecmp(name, "content-range") == 0)
		take_range(reply, value);
	else if (strcasecmp(name, "retry-after") == 0) /* a date counts as not said */
		reply->retry_after = atoi(value);
	else if (strcasecmp(name, "etag") == 0 && value[0] == '"' && strlen(value) < sizeof(reply->etag))
		snprintf(reply->etag, sizeof(reply->etag), "%s", value);
	else if (strcasecmp(name, "x-error-code") == 0)
		snprintf(reply->error_code, sizeof(reply->error_code), "%s", value);
	else if (strcasecmp(name, "x-linked-etag") == 0)
		take_quoted_sha256(reply->linked_sha256, value);
	else if (strcasecmp(name, "x-linked-size") == 0)
		reply->linked_bytes = strtoull(value, NULL, 10);
}

/* Every hop's headers come here; those of the last count, but for what the hub linked. */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	struct http_reply *reply = exchange->reply;
	char *line = xstrndup(bytes, size * count), *colon = strchr(line, ':');
	if (strncmp(line, "HTTP/", strlen("HTTP/")) == 0) {
		struct http_reply fresh = {.length = UINT64_MAX, .first = UINT64_MAX, .total = UINT64_MAX};
		memcpy(fresh.linked_sha256, reply->linked_sha256, sizeof(fresh.linked_sha256));
		fresh.linked_bytes = reply->linked_bytes;
		const char *status = strchr(line, ' ');
		fresh.status = status ? strtol(status, NULL, 10) : 0;
		*reply = fresh;
	} else if (colon) {
		*colon = '\0';
		char *value = colon + 1 + strspn(colon + 1, " \t");
		value[strcspn(value, "\r\n")] = '\0';
		take_header(reply, line, value);
	}
	free(line);
	return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	const struct http_request *request = exchange->request;
	size_t len = size * count;
	if (exchange->reply->status / 100 != 2)
		return len;
	if (request->body(request->arg, exchange->reply, bytes, len, exchange->err, exchange->errlen) == 0)
		return len;
	exchange->refused = true;
	return len + 1; /* not what was given: the library ends the request */
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Called at least once a second. The library's own limit of speed would look at an average. */
static int on_progress(void *arg, curl_off_t total, curl_off_t done, curl_off_t to_send, curl_off_t sent)
{
	struct exchange *exchange = arg;
	const struct pull_hooks *hooks = exchange->http->hooks;
	(void)total, (void)to_send, (void)sent;
	if (done != exchange->seen || !exchange->moved) {
		exchange->seen = done;
		exchange->moved = now_ms();
	}
	exchange->stalled = now_ms() - exchange->moved >= exchange->http->stall_seconds * 1000;
	return exchange->stalled || (hooks->stopped && hooks->stopped(hooks->arg));
}

/* --- One exchange -------------------------------------------------------------------------------- */

static struct curl_slist *make_headers(const struct http_request *request, const char *url)
{
	struct curl_slist *list = NULL;
	struct buffer line = {0};
	if (request->accept) {
		buffer_printf(&line, "Accept: %s", request->accept);
		list = curl_slist_append(list, line.data);
		buffer_clear(&line);
	}
	if (request->token && http_private(url) && http_same_origin(url, request->url)) {
		buffer_printf(&line, "Authorization: Bearer %s", request->token);
		list = curl_slist_append(list, line.data);
		buffer_clear(&line);
	}
	if (request->from && request->if_range[0]) {
		buffer_printf(&line, "If-Range: %s", request->if_range);
		list = curl_slist_append(list, line.data);
	}
	buffer_free(&line);
	return list;
}

static void set_up(CURL *curl, struct exchange *exchange, const char *url, struct curl_slist *headers, char *reason)
{
	const char *authorities = getenv("CURL_CA_BUNDLE");
	char range[32];
	authorities = authorities && *authorities ? authorities : getenv("SSL_CERT_FILE");
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "bora/" BORA_VERSION);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
	if (authorities && *authorities)
		curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
	if (exchange->request->from) {
		snprintf(range, sizeof(range), "%llu-", (unsigned long long)exchange->request->from);
		curl_easy_setopt(curl, CURLOPT_RANGE, range);
	}
}

static int judge(CURLcode code, const struct exchange *exchange, const char *url, const char *reason)
{
	if (code == CURLE_OK)
		return PULL_OK;
	if (exchange->refused)
		return PULL_FAILED;
	char *host = url_part(url, CURLUPART_HOST);
	const char *why = exchange->stalled ? "nothing came any more" : *reason ? reason : curl_easy_strerror(code);
	int result = PULL_FAILED;
	double connected = 0;
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK: result = exchange->stalled ? HTTP_DROPPED : PULL_STOPPED; break;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT: result = PULL_UNREACHABLE; break;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM: result = HTTP_DROPPED; break;
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(exchange->http->curl, CURLINFO_CONNECT_TIME, &connected);
		result = connected > 0 ? HTTP_DROPPED : PULL_UNREACHABLE;
		break;
	default: break;
	}
	if (result == PULL_UNREACHABLE)
		snprintf(exchange->err, exchange->errlen, "%s: the server cannot be reached (%s)", host, why);
	else
		snprintf(exchange->err, exchange->errlen, "%s: %s", *host ? host : url, why);
	free(host);
	return result;
}

/* Where a redirect leads, or NULL with a line. */
static char *next_hop(struct http *http, const char *url, char *err, size_t errlen)
{
	char *target = NULL, *host = url_part(url, CURLUPART_HOST);
	curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &target);
	char *copy = target ? xstrdup(target) : NULL;
	if (!copy) {
		snprintf(err, errlen, "%s: the server redirects, and does not say where to", host);
	} else if (strncasecmp(copy, "https:", strlen("https:")) != 0 &&
		   (strncasecmp(copy, "http:", strlen("http:")) != 0 ||
		    strncasecmp(url, "https:", strlen("https:")) == 0)) {
		snprintf(err, errlen, "%s: the server redirects to an unprotected address, which is not followed",
			 host);
		free(copy);
		copy = NULL;
	}
	free(host);
	return copy;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

int http_get(struct http *http, const struct http_request *request, struct http_reply *reply, char *err, size_t errlen)
{
	char *url = xstrdup(request->url);
	int result = PULL_FAILED;
	*reply = (struct http_reply){.length = UINT64_MAX};
	if (!http->curl) {
		snprintf(err, errlen, "%s is not installed; bora pull needs it", LIBRARY_CURL);
		free(url);
		return PULL_FAILED;
	}
	for (int hop = 0; url; hop++) {
		char reason[CURL_ERROR_SIZE] = "";
		struct exchange exchange = {
			.http = http, .request = request, .reply = reply, .err = err, .errlen = errlen};
		struct curl_slist *headers = make_headers(request, url);
		set_up(http->curl, &exchange, url, headers, reason);
		CURLcode code = curl_easy_perform(http->curl);
		curl_slist_free_all(headers);
		result = judge(code, &exchange, url, reason);
		if (result != PULL_OK || !is_redirect(reply->status))
			break;
		result = PULL_FAILED;
		char *next = next_hop(http, url, err, errlen);
		if (next && hop == REDIRECTS_MAX) {
			char *host = url_part(url, CURLUPART_HOST);
			snprintf(err, errlen, "%s: the server redirects without end", host);
			free(host);
			free(next);
			next = NULL;
		}
		free(url);
		url = next;
	}
	free(url);
	return result;
}

/* --- Again ------------------------------------------------------------------------------------------ */

static bool may_pass(long status)
{
	return status == 408 || status == 429 || status / 100 == 5;
}

static bool wait_ms(struct http *http, int ms)
{
	const struct pull_hooks *hooks = http->hooks;
	for (; ms > 0; ms -= SLICE_MS) {
		if (hooks->stopped && hooks->stopped(hooks->arg))
			return false;
		nanosleep(&(struct timespec){.tv_nsec = SLICE_MS * 1000000L}, NULL);
	}
	return true;
}

bool http_again(struct http *http, struct http_patience *patience, int *result, const struct http_reply *reply,
		const char *why)
{
	bool answered = *result == PULL_OK;
	if (answered ? !may_pass(reply->status)
		     : *result != HTTP_DROPPED && (*result != PULL_UNREACHABLE || !patience->received))
		return false;
	if (++patience->failures >= ATTEMPTS) {
		if (!answered)
			*result = *result == PULL_UNREACHABLE ? PULL_UNREACHABLE : PULL_FAILED;
		return false;
	}
	int ms = 250 << patience->failures, most = (int)http->stall_seconds * 1000;
	ms = ms < most ? ms : most;
	if (answered && reply->retry_after > 0)
		ms = 1000 * (reply->retry_after < WAIT_MOST ? reply->retry_after : WAIT_MOST);
	char status[64];
	snprintf(status, sizeof(status), "HTTP %ld", reply->status);
	if (http->hooks->waiting)
		http->hooks->waiting(http->hooks->arg, answered ? status : why, (ms + 999) / 1000);
	if (wait_ms(http, ms))
		return true;
	*result = PULL_STOPPED;
	return false;
}

static int add_text(void *arg, const struct http_reply *reply, const char *bytes, size_t len, char *err, size_t errlen)
{
	struct buffer *text = arg;
	(void)reply;
	if (text->len + len > TEXT_MAX) {
		snprintf(err, errlen, "the server's answer is too long");
		return -1;
	}
	buffer_append(text, bytes, len);
	return 0;
}

int http_text(struct http *http, const char *url, const char *token, const char *accept, struct buffer *text,
	      struct http_reply *reply, char *err, size_t errlen)
{
	struct http_patience patience = {0};
	const struct http_request request = {
		.url = url, .token = token, .accept = accept, .if_range = "", .arg = text, .body = add_text};
	int result;
	do {
		buffer_clear(text);
		buffer_puts(text, "");
		result = http_get(http, &request, reply, err, errlen);
	} while (http_again(http, &patience, &result, reply, err));
	return result;
}
