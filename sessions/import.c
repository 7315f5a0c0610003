#include "import.h"
#include "codec.h"
#include "export.h"
#include "messages.h"
#include "session_id.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Limits of a file: a parsed JSON value takes some eighty bytes. */
#define IMPORT_BYTES_MAX  ((size_t)1 << 30)
#define IMPORT_VALUES_MAX ((size_t)16 << 20)
enum { IMPORT_DEPTH_MAX = 200 };

int import_fail(struct import *import, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *problem = xvasprintf(format, args);
	va_end(args);
	snprintf(import->err, import->errlen, "%s: %s; nothing was imported", import->name, problem);
	free(problem);
	return -1;
}

struct import_conversation *import_conversation(struct import *import)
{
	import->conversations = xreallocarray(import->conversations, import->count + 1, sizeof(*import->conversations));
	struct import_conversation *c = &import->conversations[import->count++];
	*c = (struct import_conversation){0};
	c->session.title = xstrdup("");
	c->session.model = xstrdup("");
	c->session.system = xstrdup("");
	return c;
}

struct message *import_message(struct import_conversation *c)
{
	if (c->count == c->size)
		c->messages = xreallocarray(c->messages, c->size = c->size ? c->size * 2 : 16, sizeof(*c->messages));
	struct message *m = &c->messages[c->count];
	*m = (struct message){.number = (int64_t)++c->count};
	m->content = xstrdup("");
	m->model = xstrdup("");
	m->settings = xstrdup("");
	return m;
}

void import_content(struct message *m, char *content, size_t len)
{
	free(m->content);
	m->content = content;
	m->len = len;
}

static void import_free(struct import *import)
{
	for (size_t i = 0; i < import->count; i++) {
		struct import_conversation *c = &import->conversations[i];
		for (size_t k = 0; k < c->count; k++)
			message_free(&c->messages[k]);
		free(c->messages);
		session_free(&c->session);
	}
	free(import->conversations);
}

/* --- JSON values ------------------------------------------------------------- */

const char *import_string(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

const cJSON *import_first(const cJSON *list)
{
	return list ? list->child : NULL;
}

double import_number(const cJSON *object, const char *key, double missing)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : missing;
}

int64_t import_time(const cJSON *object, const char *key)
{
	double value = import_number(object, key, 0);
	return value > 0 && value < 1e12 ? (int64_t)value : 0;
}

/* Bounds depth and number of values before the parser spends memory on them. */
static int check_shape(struct import *import, const char *text, size_t len)
{
	size_t values = 0, depth = 0;
	bool string = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (string) {
			i += c == '\\';
			string = c != '"';
			continue;
		}
		string = c == '"';
		values += c == ',' || c == '[' || c == '{';
		if (c == '[' || c == '{')
			depth++;
		if ((c == ']' || c == '}') && depth)
			depth--;
		if (depth > IMPORT_DEPTH_MAX)
			return import_fail(import, "byte %zu: nested deeper than %d", i, IMPORT_DEPTH_MAX);
		if (values > IMPORT_VALUES_MAX)
			return import_fail(import, "byte %zu: more than %zu values; split the file", i,
					   IMPORT_VALUES_MAX);
	}
	return 0;
}

static int hex4(const char *p)
{
	char digits[5] = {p[0], p[1], p[2], p[3], '\0'};
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (int)strtol(digits, NULL, 16) : -1;
}

/* The parser cannot hold \u0000 nor half of a surrogate pair, which others do
 * write (texts cut in the middle of an emoji): they become U+FFFD, in place. */
static void mend_escapes(char *text, size_t len)
{
	for (size_t i = 0; i + 6 <= len; i++) {
		if (text[i] != '\\')
			continue;
		int code = text[i + 1] == 'u' ? hex4(text + i + 2) : -1;
		bool paired = code >= 0xd800 && code <= 0xdbff && i + 12 <= len && text[i + 6] == '\\' &&
			      text[i + 7] == 'u' && hex4(text + i + 8) >= 0xdc00 && hex4(text + i + 8) <= 0xdfff;
		if (code == 0 || (code >= 0xd800 && code <= 0xdfff && !paired))
			memcpy(text + i + 2, "fffd", 4);
		i += paired ? 11 : code >= 0 ? 5 : 1;
	}
}

/* --- Our JSON ---------------------------------------------------------------- */

/* The string of a key, or its exact bytes where the file has them. -1: neither is well. */
static int read_bytes(struct import *import, const cJSON *object, const char *where, const char *key, bool needed,
		      char **out, size_t *len)
{
	char exact_key[40];
	struct buffer exact = {0};
	snprintf(exact_key, sizeof(exact_key), "%s_base64", key);
	const cJSON *coded = cJSON_GetObjectItemCaseSensitive(object, exact_key);
	const char *text = import_string(object, key);
	if (coded) {
		if (!cJSON_IsString(coded) || codec_unbase64(coded->valuestring, strlen(coded->valuestring), &exact)) {
			buffer_free(&exact);
			return import_fail(import, "%s%s: expected base64", where, exact_key);
		}
		*len = exact.len;
		*out = buffer_take(&exact);
		return 0;
	}
	if (!text && (needed || cJSON_GetObjectItemCaseSensitive(object, key)))
		return import_fail(import, "%s%s: expected string", where, key);
	*len = text ? strlen(text) : 0;
	*out = xstrdup(text ? text : "");
	return 0;
}

static int read_text(struct import *import, const cJSON *object, const char *where, const char *key, char **out)
{
	char *text;
	size_t len;
	if (read_bytes(import, object, where, key, false, &text, &len))
		return -1;
	free(*out);
	*out = text;
	return 0;
}

static int read_count(struct import *import, const cJSON *object, const char *where, const char *key, double most,
		      double *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	*out = import_number(object, key, 0);
	if ((item && !cJSON_IsNull(item) && !cJSON_IsNumber(item)) || !(*out >= 0 && *out <= most) ||
	    *out != floor(*out))
		return import_fail(import, "%s%s: expected 0…%.0f", where, key, most);
	return 0;
}

static int read_figures(struct import *import, const cJSON *object, const char *where, struct message *m)
{
	double created, prompt, completion;
	if (read_count(import, object, where, "created", 9007199254740992.0, &created) ||
	    read_count(import, object, where, "prompt_tokens", INT32_MAX, &prompt) ||
	    read_count(import, object, where, "completion_tokens", INT32_MAX, &completion))
		return -1;
	m->created = (int64_t)created;
	m->prompt_tokens = (int)prompt;
	m->completion_tokens = (int)completion;
	m->first_token_ms = import_number(object, "first_token_ms", 0);
	m->predicted_ms = import_number(object, "predicted_ms", 0);
	return 0;
}

static int by_number(const void *key, const void *element)
{
	int64_t wanted = *(const int64_t *)key, number = ((const struct message *)element)->number;
	return (wanted > number) - (wanted < number);
}

static bool has_message(const struct import_conversation *c, size_t count, int64_t number)
{
	return count && bsearch(&number, c->messages, count, sizeof(*c->messages), by_number);
}

static int read_place(struct import *import, const cJSON *object, const char *where, struct import_conversation *c,
		      struct message *m)
{
	const double most = 9007199254740992.0;
	double number, parent;
	if (read_count(import, object, where, "id", most, &number) ||
	    read_count(import, object, where, "parent", most, &parent))
		return -1;
	if (number < 1 || (c->count > 1 && (int64_t)number <= m[-1].number))
		return import_fail(import, "%sid: it is not greater than the one before", where);
	m->number = (int64_t)number;
	m->parent = (int64_t)parent;
	if (m->parent && !has_message(c, c->count - 1, m->parent))
		return import_fail(import, "%sparent: no message %.0f stands before it", where, parent);
	return 0;
}

static int read_message(struct import *import, struct import_conversation *c, const cJSON *object, size_t index)
{
	char where[48], *content;
	size_t len;
	snprintf(where, sizeof(where), "messages[%zu].", index);
	if (!cJSON_IsObject(object))
		return import_fail(import, "messages[%zu]: expected object", index);
	struct message *m = import_message(c);
	if (message_role_parse(import_string(object, "role"), &m->role))
		return import_fail(import, "%srole: expected system, user, assistant, tool", where);
	if (message_status_parse(import_string(object, "status"), &m->status))
		return import_fail(import, "%sstatus: expected complete, partial", where);
	m->pinned = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "pinned"));
	if (read_place(import, object, where, c, m) || read_figures(import, object, where, m) ||
	    read_text(import, object, where, "model", &m->model) ||
	    read_text(import, object, where, "settings", &m->settings) ||
	    read_bytes(import, object, where, "content", true, &content, &len))
		return -1;
	import_content(m, content, len);
	if (len > SESSIONS_MESSAGE_MAX)
		return import_fail(import, "%scontent: a message of %zu bytes is longer than a session can hold (%zu)",
				   where, len, SESSIONS_MESSAGE_MAX);
	return 0;
}

static bool is_ours(const cJSON *json)
{
	const char *format = import_string(json, "format");
	return format && strcmp(format, EXPORT_JSON_FORMAT) == 0;
}

static int read_ours(struct import *import, const cJSON *json)
{
	struct import_conversation *c = import_conversation(import);
	struct session *session = &c->session;
	const cJSON *messages = cJSON_GetObjectItemCaseSensitive(json, "messages"), *object;
	const char *id = import_string(json, "id");
	double created, updated, leaf;
	size_t index = 0;
	double version = import_number(json, "version", 0);
	if (version > 1)
		return import_fail(import, "written by a newer bora (its version %.0f, ours 1): update bora", version);
	if (version != 1)
		return import_fail(import, "version: expected 1");
	if (!cJSON_IsArray(messages))
		return import_fail(import, "messages: expected array");
	if (id && session_id_valid(id))
		snprintf(session->id, sizeof(session->id), "%s", id);
	if (read_text(import, json, "", "title", &session->title) ||
	    read_text(import, json, "", "model", &session->model) ||
	    read_text(import, json, "", "system", &session->system) ||
	    read_count(import, json, "", "created", 9007199254740992.0, &created) ||
	    read_count(import, json, "", "updated", 9007199254740992.0, &updated) ||
	    read_count(import, json, "", "leaf", 9007199254740992.0, &leaf))
		return -1;
	session->created = (int64_t)created;
	session->updated = (int64_t)updated;
	session->pinned = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "pinned"));
	for (object = import_first(messages); object; object = object->next) {
		if (read_message(import, c, object, index++))
			return -1;
	}
	c->leaf = (int64_t)leaf;
	if (c->leaf && !has_message(c, c->count, c->leaf))
		return import_fail(import, "leaf: no message %.0f stands before it", leaf);
	return 0;
}

/* --- Any JSON ---------------------------------------------------------------- */

static int read_conversation(struct import *import, const cJSON *json, const char *where)
{
	if (is_ours(json))
		return read_ours(import, json);
	if (import_is_chatgpt(json))
		return import_chatgpt(import, json, where);
	if (import_is_messages(json))
		return import_messages(import, json, where);
	return import_fail(import,
			   "%s%snot a conversation bora knows: its own JSON, ChatGPT's conversations.json,"
			   " or messages with role and content",
			   where, *where ? ": " : "");
}

static int read_json_value(struct import *import, const cJSON *json)
{
	char where[32];
	const cJSON *item;
	size_t index = 0;
	if (!cJSON_IsArray(json) || import_is_messages(json))
		return read_conversation(import, json, "");
	for (item = import_first(json); item; item = item->next) {
		snprintf(where, sizeof(where), "[%zu]", index++);
		if (read_conversation(import, item, where))
			return -1;
	}
	return 0;
}

static int read_json(struct import *import, const char *text, size_t len)
{
	const char *end = NULL;
	if (check_shape(import, text, len))
		return -1;
	char *mended = xstrndup(text, len);
	mend_escapes(mended, len);
	text = mended;
	cJSON *json = cJSON_ParseWithLengthOpts(text, len, &end, 0);
	int code = 0;
	if (!json) {
		code = import_fail(import, "byte %zu: not valid JSON", end ? (size_t)(end - text) : 0);
		goto out;
	}
	while (end < text + len && strchr(" \t\r\n", *end) && *end)
		end++;
	if (end < text + len)
		code = import_fail(import, "byte %zu: more text after the JSON", (size_t)(end - text));
	if (code == 0)
		code = read_json_value(import, json);
	cJSON_Delete(json);
out:
	free(mended);
	return code;
}

/* --- Our Markdown ------------------------------------------------------------ */

static int64_t parse_iso(const char *text)
{
	struct tm tm = {0};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	time_t when = end && !*end ? timegm(&tm) : 0;
	return when < 0 ? 0 : (int64_t)when;
}

static void set_field(struct import_conversation *c, const char *key, const char *value)
{
	struct session *session = &c->session;
	char **text = strcmp(key, "title") == 0    ? &session->title
		      : strcmp(key, "model") == 0  ? &session->model
		      : strcmp(key, "system") == 0 ? &session->system
						   : NULL;
	if (text) {
		free(*text);
		*text = xstrdup(value);
	} else if (strcmp(key, "id") == 0 && session_id_valid(value)) {
		snprintf(session->id, sizeof(session->id), "%s", value);
	} else if (strcmp(key, "created") == 0) {
		session->created = parse_iso(value);
	} else if (strcmp(key, "updated") == 0) {
		session->updated = parse_iso(value);
	}
}

/* One "key: JSON string" line of the front matter. */
static int read_field(struct import *import, struct import_conversation *c, const char *line, size_t len, size_t offset)
{
	char key[32];
	const char *colon = memchr(line, ':', len);
	if (!colon || (size_t)(colon - line) >= sizeof(key))
		return import_fail(import, "byte %zu: a line between the --- is not “key: value”", offset);
	snprintf(key, sizeof(key), "%.*s", (int)(colon - line), line);
	cJSON *value = cJSON_ParseWithLength(colon + 1, len - (size_t)(colon + 1 - line));
	if (cJSON_IsString(value))
		set_field(c, key, value->valuestring);
	cJSON_Delete(value);
	return 0;
}

static size_t line_end(const char *text, size_t len, size_t at)
{
	while (at < len && text[at] != '\n')
		at++;
	return at < len ? at : len;
}

/* Past the front matter's closing line; 0: err. */
static size_t read_front_matter(struct import *import, struct import_conversation *c, const char *text, size_t len)
{
	for (size_t at = line_end(text, len, 0) + 1, end; at < len; at = end + 1) {
		end = line_end(text, len, at);
		if (end - at == 3 && memcmp(text + at, "---", 3) == 0)
			return end + 1;
		if (read_field(import, c, text + at, end - at, at))
			return 0;
	}
	import_fail(import, "byte %zu: the --- that ends the settings is missing", len);
	return 0;
}

static bool starts(const char *text, size_t len, size_t at, const char *with)
{
	size_t n = strlen(with);
	return at <= len && len - at >= n && memcmp(text + at, with, n) == 0;
}

/* The content between two marks: without the empty line that ends it, and with
 * escaped openings as they were. */
static void read_content(struct message *m, const char *text, size_t len)
{
	struct buffer content = {0};
	const size_t opening = strlen("<!--");
	for (int i = 0; i < 2 && len && text[len - 1] == '\n'; i++)
		len--;
	for (size_t at = 0, end; at < len; at = end) {
		end = line_end(text, len, at);
		end += end < len;
		if (starts(text, end, at, EXPORT_MARK_ESCAPE)) {
			buffer_append(&content, text + at, opening);
			at += strlen(EXPORT_MARK_ESCAPE);
		}
		buffer_append(&content, text + at, end - at);
	}
	size_t total = content.len;
	import_content(m, buffer_take(&content), total);
}

static int read_mark(struct import *import, const char *line, size_t len, size_t offset, struct message *m)
{
	const size_t opening = strlen(EXPORT_MARK), closing = strlen(" -->");
	cJSON *mark = len > opening + closing ? cJSON_ParseWithLength(line + opening, len - opening - closing) : NULL;
	const char *status = import_string(mark, "status"), *model = import_string(mark, "model");
	int code = 0;
	if (message_role_parse(import_string(mark, "role"), &m->role) ||
	    (status && message_status_parse(status, &m->status)))
		code = import_fail(import, "byte %zu: the beginning of a message is damaged", offset);
	m->created = parse_iso(import_string(mark, "created"));
	m->pinned = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(mark, "pinned"));
	if (model) {
		free(m->model);
		m->model = xstrdup(model);
	}
	cJSON_Delete(mark);
	return code;
}

/* The start of the next line that is a mark, or len. */
static size_t next_mark(const char *text, size_t len, size_t at)
{
	while (at < len && !starts(text, len, at, EXPORT_MARK))
		at = line_end(text, len, at) + 1;
	return at < len ? at : len;
}

static int read_markdown(struct import *import, const char *text, size_t len)
{
	struct import_conversation *c = import_conversation(import);
	size_t at = read_front_matter(import, c, text, len);
	if (at == 0)
		return -1;
	at = next_mark(text, len, at);
	while (at < len) {
		struct message *m = import_message(c);
		size_t end = line_end(text, len, at);
		if (read_mark(import, text + at, end - at, at, m))
			return -1;
		m->parent = m->number - 1;
		/* The heading and the empty line after it are ours. */
		size_t start = line_end(text, len, line_end(text, len, end + 1) + 1) + 1;
		size_t next = next_mark(text, len, end + 1);
		if (start > next)
			return import_fail(import, "byte %zu: the beginning of a message is damaged", at);
		read_content(m, text + start, next - start);
		at = next;
	}
	c->leaf = (int64_t)c->count;
	return 0;
}

/* --- Storing ------------------------------------------------------------------ */

static int keep_id(struct sessions *s, struct session *session, char *err, size_t errlen)
{
	int64_t taken;
	if (store_number(s, &taken, 0, err, errlen, "SELECT count(*) FROM sessions WHERE id = ?", "t", session->id))
		return -1;
	if (taken)
		session->id[0] = '\0';
	return 0;
}

static int store_conversation(struct sessions *s, struct import_conversation *c, char *err, size_t errlen)
{
	struct session *session = &c->session;
	int64_t row, id;
	if (!session->created)
		session->created = c->count && c->messages[0].created ? c->messages[0].created : store_now();
	if (!session->updated)
		session->updated = c->count && c->messages[c->count - 1].created ? c->messages[c->count - 1].created
										 : session->created;
	if (keep_id(s, session, err, errlen))
		return -1;
	if (!*session->id) {
		/* Issued by the time of import: old conversations do not get in among later ones. */
		if (session_id_make(s, store_now(), session->id, err, errlen))
			return -1;
	}
	if (session_insert(s, session, &row, err, errlen))
		return -1;
	for (size_t i = 0; i < c->count; i++)
		if (message_insert(s, row, &c->messages[i], c->messages[i].parent, &id, err, errlen))
			return -1;
	return store_change(s, err, errlen, "UPDATE sessions SET leaf = ? WHERE row = ?", "ki", c->leaf, row);
}

static int by_updated(const void *a, const void *b)
{
	const struct import_conversation *x = a, *y = b;
	return (x->session.updated > y->session.updated) - (x->session.updated < y->session.updated);
}

static int store_all(struct sessions *s, struct import *import, char *err, size_t errlen)
{
	if (import->count)
		qsort(import->conversations, import->count, sizeof(*import->conversations), by_updated);
	if (store_begin(s, err, errlen))
		return -1;
	int code = 0;
	for (size_t i = 0; i < import->count && code == 0; i++)
		code = store_conversation(s, &import->conversations[i], err, errlen);
	return store_end(s, code, err, errlen);
}

static int read_text_file(struct import *import, const char *text, size_t len)
{
	if (len > IMPORT_BYTES_MAX)
		return import_fail(import, "%zu bytes; files up to %zu can be imported", len, IMPORT_BYTES_MAX);
	size_t skip = starts(text, len, 0, "\xef\xbb\xbf") ? 3 : 0;
	while (skip < len && strchr(" \t\r\n", text[skip]) && text[skip])
		skip++;
	if (skip < len && (text[skip] == '{' || text[skip] == '['))
		return read_json(import, text + skip, len - skip);
	if (starts(text, len, skip, "---\nbora: 1\n"))
		return read_markdown(import, text + skip, len - skip);
	return import_fail(import, "byte %zu: neither JSON nor Markdown written by bora", skip);
}

int session_import(struct sessions *s, const char *text, size_t len, const char *name, int *imported, char *err,
		   size_t errlen)
{
	struct import import = {.name = name, .err = err, .errlen = errlen};
	int code = read_text_file(&import, text, len);
	if (code == 0)
		code = store_all(s, &import, err, errlen);
	*imported = code == 0 ? (int)import.count : 0;
	import_free(&import);
	return code;
}
