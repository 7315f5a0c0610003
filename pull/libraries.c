/* libcurl and libcrypto are loaded when something is first asked of the network, not with every start of the program:
 * they and what they need themselves take as long to load as all the rest. Their functions as http.c and digest.c know
 * them are here, and pass on to the real ones; without a library nothing comes of a call, and of what it returns. */
#include "libraries.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stddef.h>

/* A loaded library is the process's own, and stays: the two handles are all that there is to keep. */
static void *curl_handle, *crypto_handle;

static void *load(void **handle, const char *const *names)
{
	for (; !*handle && *names; names++)
		*handle = dlopen(*names, RTLD_LAZY | RTLD_LOCAL);
	return *handle;
}

static void *curl_symbol(const char *name)
{
	static const char *const names[] = {LIBRARY_CURL, "libcurl-gnutls.so.4", NULL};
	void *handle = load(&curl_handle, names);
	return handle ? dlsym(handle, name) : NULL;
}

static void *crypto_symbol(const char *name)
{
	static const char *const names[] = {LIBRARY_CRYPTO, "libcrypto.so.1.1", NULL};
	void *handle = load(&crypto_handle, names);
	return handle ? dlsym(handle, name) : NULL;
}

/* result name(parameters): calls the library's with arguments, else gives missing. */
#define PASS_ON(find, result, name, parameters, arguments, missing)          \
	result(name) parameters                                              \
	{                                                                    \
		__typeof__(&(name)) real = (__typeof__(&(name)))find(#name); \
		return real ? real arguments : missing;                      \
	}
#define PASS_ON_VOID(find, name, parameters, arguments)                      \
	void(name) parameters                                                \
	{                                                                    \
		__typeof__(&(name)) real = (__typeof__(&(name)))find(#name); \
		if (real)                                                    \
			real arguments;                                      \
	}

/* --- libcurl ---------------------------------------------------------------------------- */

PASS_ON(curl_symbol, CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)
PASS_ON_VOID(curl_symbol, curl_global_cleanup, (void), ())
PASS_ON(curl_symbol, CURL *, curl_easy_init, (void), (), NULL)
PASS_ON_VOID(curl_symbol, curl_easy_cleanup, (CURL * curl), (curl))
PASS_ON_VOID(curl_symbol, curl_easy_reset, (CURL * curl), (curl))
PASS_ON(curl_symbol, CURLcode, curl_easy_perform, (CURL * curl), (curl), CURLE_FAILED_INIT)
PASS_ON(curl_symbol, const char *, curl_easy_strerror, (CURLcode code), (code), "")
PASS_ON_VOID(curl_symbol, curl_free, (void *text), (text))
PASS_ON(curl_symbol, struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *line), (list, line),
	NULL)
PASS_ON_VOID(curl_symbol, curl_slist_free_all, (struct curl_slist * list), (list))
PASS_ON(curl_symbol, CURLU *, curl_url, (void), (), NULL)
PASS_ON_VOID(curl_symbol, curl_url_cleanup, (CURLU * url), (url))
PASS_ON(curl_symbol, CURLUcode, curl_url_set, (CURLU * url, CURLUPart part, const char *text, unsigned flags),
	(url, part, text, flags), CURLUE_BAD_HANDLE)
#if LIBCURL_VERSION_NUM >= 0x080200
#define READ_ONLY const
#else
#define READ_ONLY
#endif
PASS_ON(curl_symbol, CURLUcode, curl_url_get, (READ_ONLY CURLU * url, CURLUPart part, char **text, unsigned flags),
	(url, part, text, flags), CURLUE_BAD_HANDLE)

/* The option's number tells what its value is. */
CURLcode(curl_easy_setopt)(CURL *curl, CURLoption option, ...)
{
	__typeof__(&(curl_easy_setopt)) real = (__typeof__(&(curl_easy_setopt)))curl_symbol("curl_easy_setopt");
	CURLcode code = CURLE_FAILED_INIT;
	va_list args;
	va_start(args, option);
	if (real && (int)option < CURLOPTTYPE_OBJECTPOINT)
		code = real(curl, option, va_arg(args, long));
	else if (real && (int)option >= CURLOPTTYPE_OFF_T && (int)option < CURLOPTTYPE_BLOB)
		code = real(curl, option, va_arg(args, curl_off_t));
	else if (real)
		code = real(curl, option, va_arg(args, void *));
	va_end(args);
	return code;
}

CURLcode(curl_easy_getinfo)(CURL *curl, CURLINFO info, ...)
{
	__typeof__(&(curl_easy_getinfo)) real = (__typeof__(&(curl_easy_getinfo)))curl_symbol("curl_easy_getinfo");
	va_list args;
	va_start(args, info);
	CURLcode code = real ? real(curl, info, va_arg(args, void *)) : CURLE_FAILED_INIT;
	va_end(args);
	return code;
}

/* --- libcrypto ------------------------------------------------------------------------------ */

PASS_ON(crypto_symbol, EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL)
PASS_ON_VOID(crypto_symbol, EVP_MD_CTX_free, (EVP_MD_CTX * context), (context))
PASS_ON(crypto_symbol, const EVP_MD *, EVP_sha256, (void), (), NULL)
PASS_ON(crypto_symbol, int, EVP_DigestInit_ex, (EVP_MD_CTX * context, const EVP_MD *type, ENGINE *engine),
	(context, type, engine), 0)
PASS_ON(crypto_symbol, int, EVP_DigestUpdate, (EVP_MD_CTX * context, const void *bytes, size_t len),
	(context, bytes, len), 0)
PASS_ON(crypto_symbol, int, EVP_DigestFinal_ex, (EVP_MD_CTX * context, unsigned char *sum, unsigned *len),
	(context, sum, len), 0)
