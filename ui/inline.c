#include "inline.h"

#include <cmark-gfm-core-extensions.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MOST = 64, URL_MOST = 2000 };

struct inlines {
	const struct inline_options *o;
	struct rich *out;
};

bool inline_safe_url(const char *url)
{
	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0 &&
	    strncasecmp(url, "mailto:", 7) != 0)
		return false;
	size_t len = strlen(url);
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] > '~')
			return false;
	return len <= URL_MOST;
}

static void add_isolated(const struct inlines *in, const char *text, unsigned style, uint32_t link)
{
	if (in->o->isolate)
		rich_add(in->out, LEFT_TO_RIGHT_ISOLATE, 3, style, link);
	rich_add(in->out, text, strlen(text), style, link);
	if (in->o->isolate)
		rich_add(in->out, POP_ISOLATE, 3, style, link);
}

static void add_children(const struct inlines *in, cmark_node *node, unsigned style, uint32_t link, int depth);

/* The address is written out where the terminal cannot show it, unless the text says it. */
static void add_link(const struct inlines *in, cmark_node *node, unsigned style, int depth)
{
	const char *url = cmark_node_get_url(node);
	url = url ? url : "";
	bool safe = inline_safe_url(url), linked = safe && in->o->hyperlinks;
	size_t from = in->out->text.len;
	unsigned look = STYLE_LINK | (style & STYLE_ADDITIONS);
	add_children(in, node, look, safe ? rich_link(in->out, url) : 0, depth);
	size_t len = in->out->text.len - from;
	const char *text = in->out->text.data ? in->out->text.data + from : "";
	bool mail = strncasecmp(url, "mailto:", 7) == 0 && strlen(url + 7) == len && memcmp(url + 7, text, len) == 0;
	size_t url_len = strlen(url);
	bool same = (url_len == len && memcmp(url, text, len) == 0) ||
		    (url_len == len + 7 && strncmp(url, "http://", 7) == 0 && memcmp(url + 7, text, len) == 0);
	if (linked || mail || same || !url[0])
		return;
	if (len == 0) {
		add_isolated(in, url, look, 0);
		return;
	}
	rich_add(in->out, " (", 2, STYLE_DIM, 0);
	add_isolated(in, url, STYLE_DIM, 0);
	rich_add(in->out, ")", 1, STYLE_DIM, 0);
}

static bool is_break(const char *html)
{
	return strncasecmp(html, "<br", 3) == 0 && strspn(html + 3, " />") == strlen(html + 3);
}

static void add_node(const struct inlines *in, cmark_node *node, unsigned style, uint32_t link, int depth)
{
	cmark_node_type type = cmark_node_get_type(node);
	const char *literal = cmark_node_get_literal(node);
	literal = literal ? literal : "";
	if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK)
		rich_add(in->out, "\n", 1, style, link);
	else if (type == CMARK_NODE_CODE)
		add_isolated(in, literal, STYLE_INLINE_CODE | (style & STYLE_ADDITIONS), link);
	else if (type == CMARK_NODE_HTML_INLINE && is_break(literal))
		rich_add(in->out, "\n", 1, style, link);
	else if (type == CMARK_NODE_EMPH)
		add_children(in, node, style | STYLE_ADD_EMPHASIS, link, depth);
	else if (type == CMARK_NODE_STRONG)
		add_children(in, node, style | STYLE_ADD_STRONG, link, depth);
	else if (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE)
		add_link(in, node, style, depth);
	else if (cmark_node_first_child(node)) /* strikethrough: a type that only its extension knows */
		add_children(in, node, style | STYLE_ADD_STRIKE, link, depth);
	else
		rich_add(in->out, literal, strlen(literal), style, link);
}

static void add_children(const struct inlines *in, cmark_node *node, unsigned style, uint32_t link, int depth)
{
	if (depth > DEPTH_MOST)
		return;
	for (cmark_node *child = cmark_node_first_child(node); child; child = cmark_node_next(child))
		add_node(in, child, style, link, depth + 1);
}

void inline_render(const struct inline_options *o, cmark_node *node, unsigned style, struct rich *out)
{
	struct inlines in = {o, out};
	add_children(&in, node, style, 0, 0);
}

cmark_node *inline_parse(const char *source, size_t len)
{
	static const char *const extensions[] = {"table", "strikethrough", "autolink", "tasklist"};
	cmark_gfm_core_extensions_ensure_registered();
	cmark_parser *parser = cmark_parser_new(CMARK_OPT_VALIDATE_UTF8);
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++) {
		cmark_syntax_extension *extension = cmark_find_syntax_extension(extensions[i]);
		if (extension)
			cmark_parser_attach_syntax_extension(parser, extension);
	}
	cmark_parser_feed(parser, source, len);
	cmark_node *document = cmark_parser_finish(parser);
	cmark_parser_free(parser);
	return document;
}

/* Right-to-left letters: U+0590 to U+08FF and the forms from U+FB1D on. */
bool inline_has_rtl(const char *text, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		unsigned char a = (unsigned char)text[i], b = (unsigned char)text[i + 1];
		if ((a >= 0xD6 && a <= 0xDF) || (a == 0xE0 && b >= 0xA0 && b <= 0xA3) ||
		    (a == 0xEF && b >= 0xAC && b <= 0xBB))
			return true;
	}
	return false;
}
