#include "export.h"
#include "codec.h"
#include "messages.h"

#include <cjson/cJSON.h>
#include <cmark-gfm.h>
#include <cmark-gfm-core-extensions.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct conversation {
	struct session session;
	struct message *messages;
	size_t count;
};

static int load(struct sessions *s, int64_t row, bool tree, struct conversation *c, char *err, size_t errlen)
{
	*c = (struct conversation){0};
	if (session_load(s, row, &c->session, err, errlen))
		return -1;
	int code = tree ? message_tree(s, row, &c->messages, &c->count, err, errlen)
			: message_path(s, row, &c->messages, &c->count, err, errlen);
	if (code)
		session_free(&c->session);
	return code;
}

static void unload(struct conversation *c)
{
	for (size_t i = 0; i < c->count; i++)
		message_free(&c->messages[i]);
	free(c->messages);
	session_free(&c->session);
}

/* --- JSON ------------------------------------------------------------------- */

static void add_bytes(cJSON *object, const char *key, const char *bytes, size_t len)
{
	if (codec_is_text(bytes, len)) {
		cJSON_AddStringToObject(object, key, bytes);
		return;
	}
	char *repaired = codec_repair(bytes, len), *exact = codec_base64(bytes, len);
	char *exact_key = xasprintf("%s_base64", key);
	cJSON_AddStringToObject(object, key, repaired);
	cJSON_AddStringToObject(object, exact_key, exact);
	free(exact_key);
	free(exact);
	free(repaired);
}

static void add_text(cJSON *object, const char *key, const char *text)
{
	add_bytes(object, key, text, strlen(text));
}

static int64_t number_of(const struct conversation *c, int64_t id)
{
	size_t low = 0, high = c->count;
	while (id && low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->messages[middle].id == id)
			return c->messages[middle].number;
		if (c->messages[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

static void add_link(cJSON *object, const char *key, int64_t number)
{
	if (number)
		cJSON_AddNumberToObject(object, key, (double)number);
	else
		cJSON_AddNullToObject(object, key);
}

static void add_message(const struct conversation *c, const struct message *m, cJSON *messages)
{
	cJSON *object = cJSON_CreateObject();
	cJSON_AddNumberToObject(object, "id", (double)m->number);
	add_link(object, "parent", number_of(c, m->parent));
	cJSON_AddStringToObject(object, "role", message_role_name(m->role));
	add_bytes(object, "content", m->content, m->len);
	cJSON_AddStringToObject(object, "status", message_status_name(m->status));
	add_text(object, "model", m->model);
	cJSON_AddNumberToObject(object, "created", (double)m->created);
	if (m->pinned)
		cJSON_AddTrueToObject(object, "pinned");
	if (*m->settings)
		add_text(object, "settings", m->settings);
	if (m->prompt_tokens || m->completion_tokens) {
		cJSON_AddNumberToObject(object, "prompt_tokens", m->prompt_tokens);
		cJSON_AddNumberToObject(object, "completion_tokens", m->completion_tokens);
	}
	if (m->first_token_ms != 0 || m->predicted_ms != 0) {
		cJSON_AddNumberToObject(object, "first_token_ms", m->first_token_ms);
		cJSON_AddNumberToObject(object, "predicted_ms", m->predicted_ms);
	}
	cJSON_AddItemToArray(messages, object);
}

/* -1: more than the writer of JSON can hold, two gigabytes. */
static int export_json(const struct conversation *c, struct buffer *out)
{
	const struct session *session = &c->session;
	cJSON *object = cJSON_CreateObject();
	cJSON_AddStringToObject(object, "format", EXPORT_JSON_FORMAT);
	cJSON_AddNumberToObject(object, "version", 1);
	cJSON_AddStringToObject(object, "id", session->id);
	add_text(object, "title", session->title);
	add_text(object, "model", session->model);
	add_text(object, "system", session->system);
	cJSON_AddNumberToObject(object, "created", (double)session->created);
	cJSON_AddNumberToObject(object, "updated", (double)session->updated);
	cJSON_AddBoolToObject(object, "pinned", session->pinned);
	add_link(object, "leaf", number_of(c, session->leaf));
	cJSON *messages = cJSON_AddArrayToObject(object, "messages");
	for (size_t i = 0; i < c->count; i++)
		add_message(c, &c->messages[i], messages);
	char *text = cJSON_Print(object);
	cJSON_Delete(object);
	if (!text)
		return -1;
	buffer_puts(out, text);
	buffer_puts(out, "\n");
	free(text);
	return 0;
}

/* --- Markdown --------------------------------------------------------------- */

static void iso_time(int64_t seconds, char out[40])
{
	time_t when = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&when, &tm) || strftime(out, 40, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, 40, "1970-01-01T00:00:00Z");
}

/* A JSON value that can stand in an HTML comment: no "-->" in it. */
static void put_json(struct buffer *out, cJSON *value)
{
	char *text = cJSON_PrintUnformatted(value);
	for (const char *c = text ? text : ""; *c; c++) {
		if (*c == '>')
			buffer_puts(out, "\\u003e");
		else
			buffer_append(out, c, 1);
	}
	free(text);
	cJSON_Delete(value);
}

static void put_field(struct buffer *out, const char *key, const char *text)
{
	char *repaired = codec_repair(text, strlen(text));
	buffer_printf(out, "%s: ", key);
	put_json(out, cJSON_CreateString(repaired));
	buffer_puts(out, "\n");
	free(repaired);
}

static void put_time(struct buffer *out, const char *key, int64_t seconds)
{
	char when[40];
	iso_time(seconds, when);
	put_field(out, key, when);
}

/* Content as it stands, but for lines that would read as marks. */
static void put_content(struct buffer *out, const char *content, size_t len)
{
	const size_t opening = strlen("<!--");
	for (size_t i = 0; i < len;) {
		const char *newline = memchr(content + i, '\n', len - i);
		size_t end = newline ? (size_t)(newline - content) + 1 : len;
		if (end - i > opening && memcmp(content + i, "<!--", opening) == 0 &&
		    (content[i + opening] == '\\' ||
		     (end - i >= strlen(EXPORT_MARK) && memcmp(content + i, EXPORT_MARK, strlen(EXPORT_MARK)) == 0))) {
			buffer_puts(out, EXPORT_MARK_ESCAPE);
			i += opening;
		}
		buffer_append(out, content + i, end - i);
		i = end;
	}
}

static void put_message(struct buffer *out, const struct message *m)
{
	char when[40];
	iso_time(m->created, when);
	cJSON *mark = cJSON_CreateObject();
	cJSON_AddStringToObject(mark, "role", message_role_name(m->role));
	cJSON_AddStringToObject(mark, "created", when);
	if (m->status == MESSAGE_PARTIAL)
		cJSON_AddStringToObject(mark, "status", "partial");
	if (m->pinned)
		cJSON_AddTrueToObject(mark, "pinned");
	if (*m->model)
		add_text(mark, "model", m->model);
	buffer_puts(out, EXPORT_MARK);
	put_json(out, mark);
	buffer_printf(out, " -->\n## %s\n\n", message_role_name(m->role));
	put_content(out, m->content, m->len);
	buffer_puts(out, "\n\n");
}

static void export_markdown(const struct conversation *c, struct buffer *out)
{
	const struct session *session = &c->session;
	buffer_puts(out, "---\nbora: 1\n");
	put_field(out, "id", session->id);
	put_field(out, "title", session->title);
	put_field(out, "model", session->model);
	put_field(out, "system", session->system);
	put_time(out, "created", session->created);
	put_time(out, "updated", session->updated);
	buffer_puts(out, "---\n\n");
	for (size_t i = 0; i < c->count; i++)
		put_message(out, &c->messages[i]);
}

/* --- Text ------------------------------------------------------------------- */

static void export_text(const struct conversation *c, struct buffer *out)
{
	if (*c->session.title)
		buffer_printf(out, "%s\n\n", c->session.title);
	for (size_t i = 0; i < c->count; i++) {
		const struct message *m = &c->messages[i];
		buffer_printf(out, "%s%s:\n", message_role_name(m->role),
			      m->status == MESSAGE_PARTIAL ? " (partial)" : "");
		buffer_append(out, m->content, m->len);
		buffer_puts(out, "\n\n");
	}
}

/* --- HTML ------------------------------------------------------------------- */

/* Complete in itself; the policy keeps images a model linked to from being fetched.
 * "plaintext" gives each paragraph the direction of its own first letter. */
static const char html_head[] =
	"<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"generator\" content=\"bora\">\n"
	"<style>\n"
	":root { color-scheme: light dark; }\n"
	"body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; }\n"
	"h1 { font-size: 1.4rem; }\n"
	"article { margin-block: 1.5rem; }\n"
	"article.user { padding: .2rem 1rem; border-inline-start: 3px solid #4a80c0; }\n"
	"header { font-size: .8rem; opacity: .7; }\n"
	"p, li, h1, h2, h3, h4, h5, h6, td, th, .plain { unicode-bidi: plaintext; text-align: start; }\n"
	".plain { white-space: pre-wrap; overflow-wrap: anywhere; }\n"
	"pre, code { direction: ltr; unicode-bidi: isolate; font-family: ui-monospace, monospace; }\n"
	"pre { text-align: left; overflow-x: auto; padding: .7rem; border: 1px solid #8886; border-radius: .3rem; }\n"
	"table { border-collapse: collapse; }\ntd, th { border: 1px solid #8886; padding: .2rem .6rem; }\n"
	"</style>\n";

static void put_html(struct buffer *out, const char *bytes, size_t len)
{
	char *text = codec_repair(bytes, len);
	for (const char *c = text; *c; c++) {
		switch (*c) {
		case '&': buffer_puts(out, "&amp;"); break;
		case '<': buffer_puts(out, "&lt;"); break;
		case '>': buffer_puts(out, "&gt;"); break;
		case '"': buffer_puts(out, "&quot;"); break;
		default: buffer_append(out, c, 1);
		}
	}
	free(text);
}

/* Markdown as HTML; raw HTML and dangerous links are left out by cmark itself. */
static void put_markdown(struct buffer *out, const char *bytes, size_t len)
{
	static const char *const extensions[] = {"table", "strikethrough", "autolink", "tasklist"};
	const int options = CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_DEFAULT;
	cmark_gfm_core_extensions_ensure_registered();
	cmark_parser *parser = cmark_parser_new(options);
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		cmark_syntax_extension *extension = cmark_find_syntax_extension(extensions[i]);
		if (extension)
			cmark_parser_attach_syntax_extension(parser, extension);
	}
	cmark_parser_feed(parser, bytes, len);
	cmark_node *document = cmark_parser_finish(parser);
	char *html = cmark_render_html(document, options, cmark_parser_get_syntax_extensions(parser));
	buffer_puts(out, html);
	free(html);
	cmark_node_free(document);
	cmark_parser_free(parser);
}

static void put_article(struct buffer *out, const struct message *m)
{
	char when[40];
	iso_time(m->created, when);
	buffer_printf(out, "<article class=\"%s\" dir=\"auto\">\n<header dir=\"ltr\">%s · <time>%s</time>",
		      message_role_name(m->role), message_role_name(m->role), when);
	if (*m->model) {
		buffer_puts(out, " · ");
		put_html(out, m->model, strlen(m->model));
	}
	buffer_printf(out, "%s</header>\n", m->status == MESSAGE_PARTIAL ? " · partial" : "");
	if (m->role == MESSAGE_ASSISTANT) {
		put_markdown(out, m->content, m->len);
	} else {
		buffer_puts(out, "<div class=\"plain\" dir=\"auto\">");
		put_html(out, m->content, m->len);
		buffer_puts(out, "</div>\n");
	}
	buffer_puts(out, "</article>\n");
}

static void export_html(const struct conversation *c, struct buffer *out)
{
	const char *title = *c->session.title ? c->session.title : c->session.id;
	buffer_puts(out, html_head);
	buffer_puts(out, "<title>");
	put_html(out, title, strlen(title));
	buffer_puts(out, "</title>\n</head>\n<body>\n<h1 dir=\"auto\">");
	put_html(out, title, strlen(title));
	buffer_puts(out, "</h1>\n");
	for (size_t i = 0; i < c->count; i++)
		put_article(out, &c->messages[i]);
	buffer_puts(out, "</body>\n</html>\n");
}

int session_export(struct sessions *s, int64_t row, enum export_format format, struct buffer *out, char *err,
		   size_t errlen)
{
	struct conversation c;
	int code = 0;
	if (load(s, row, format == EXPORT_JSON, &c, err, errlen))
		return -1;
	switch (format) {
	case EXPORT_MARKDOWN: export_markdown(&c, out); break;
	case EXPORT_JSON:
	case EXPORT_JSON_PATH: code = export_json(&c, out); break;
	case EXPORT_HTML: export_html(&c, out); break;
	case EXPORT_TEXT: export_text(&c, out); break;
	}
	unload(&c);
	return code ? store_error(s, err, errlen, "a session of more than 2 GB cannot be written as JSON") : 0;
}
