/* Conversations as other programs write them.
 *
 * ChatGPT's conversations.json: an array of {"title", "create_time",
 * "update_time", "current_node", "mapping": {NODE: {"id", "parent", "children",
 * "message": null or {"author": {"role"}, "create_time", "content": {"content_type",
 * "parts": [...]}, "metadata": {"model_slug"}}}}}. Nodes without words (the root,
 * hidden settings) are left out, their children handed up; branches are kept.
 *
 * Ollama, llama.cpp and the many that took after OpenAI: [{"role", "content"}] or
 * {"model", "messages": [...]}, content a string or [{"type": "text", "text"}]. */
#include "import.h"
#include "messages.h"

#include <stdlib.h>
#include <string.h>

static void set_text(char **text, const char *value)
{
	if (!value)
		return;
	free(*text);
	*text = xstrdup(value);
}

/* --- Content ------------------------------------------------------------------ */

/* One part: a string, an object with a text, or something that is not text. */
static void add_part(struct buffer *out, const cJSON *part)
{
	const char *text = cJSON_IsString(part) ? part->valuestring : import_string(part, "text");
	if (text && !*text)
		return;
	if (out->len)
		buffer_puts(out, "\n");
	if (text) {
		buffer_puts(out, text);
		return;
	}
	const char *type = import_string(part, "content_type");
	if (!type)
		type = import_string(part, "type");
	buffer_printf(out, "[%s]", type ? type : "attachment");
}

static void add_parts(struct buffer *out, const cJSON *parts)
{
	const cJSON *part;
	for (part = import_first(parts); part; part = part->next) {
		add_part(out, part);
	}
}

static bool take_content(struct message *m, struct buffer *content)
{
	size_t len = content->len;
	if (len == 0) {
		buffer_free(content);
		return false;
	}
	import_content(m, buffer_take(content), len);
	return true;
}

/* --- ChatGPT ------------------------------------------------------------------- */

struct node {
	const char *id;
	const cJSON *json;
	size_t parent, first_child, last_child, next; /* indexes + 1 into nodes, 0: none */
	int64_t kept;                                 /* number of this message, or of the nearest kept one above */
};

struct nodes {
	struct node *nodes; /* in the file's order */
	size_t *by_id;      /* indexes, sorted by id */
	size_t count;
};

bool import_is_chatgpt(const cJSON *json)
{
	return cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "mapping"));
}

static int compare_ids(const void *a, const void *b, void *nodes)
{
	const struct node *list = nodes;
	return strcmp(list[*(const size_t *)a].id, list[*(const size_t *)b].id);
}

/* Index + 1 of the node with the id, 0: none. */
static size_t find_node(const struct nodes *n, const char *id)
{
	size_t low = 0, high = n->count;
	while (id && low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(n->nodes[n->by_id[middle]].id, id);
		if (order == 0)
			return n->by_id[middle] + 1;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

static void add_child(struct nodes *n, size_t parent, size_t child)
{
	struct node *p = &n->nodes[parent - 1];
	n->nodes[child - 1].parent = parent;
	if (p->last_child)
		n->nodes[p->last_child - 1].next = child;
	else
		p->first_child = child;
	p->last_child = child;
}

/* Children in the order their parent gives, then those it does not mention. */
static void link_nodes(struct nodes *n)
{
	for (size_t i = 0; i < n->count; i++) {
		const cJSON *child;
		for (child = import_first(cJSON_GetObjectItemCaseSensitive(n->nodes[i].json, "children")); child;
		     child = child->next) {
			size_t at = find_node(n, cJSON_GetStringValue(child));
			const char *parent = at ? import_string(n->nodes[at - 1].json, "parent") : NULL;
			if (parent && strcmp(parent, n->nodes[i].id) == 0 && !n->nodes[at - 1].parent)
				add_child(n, i + 1, at);
		}
	}
	for (size_t i = 0; i < n->count; i++) {
		size_t parent = find_node(n, import_string(n->nodes[i].json, "parent"));
		if (parent && !n->nodes[i].parent)
			add_child(n, parent, i + 1);
	}
}

static void read_nodes(const cJSON *mapping, struct nodes *n)
{
	const cJSON *item;
	*n = (struct nodes){0};
	n->nodes = xcalloc((size_t)cJSON_GetArraySize(mapping), sizeof(*n->nodes));
	for (item = import_first(mapping); item; item = item->next) {
		n->nodes[n->count++] = (struct node){.id = item->string ? item->string : "", .json = item};
	}
	n->by_id = xcalloc(n->count, sizeof(*n->by_id));
	for (size_t i = 0; i < n->count; i++)
		n->by_id[i] = i;
	qsort_r(n->by_id, n->count, sizeof(*n->by_id), compare_ids, n->nodes);
	link_nodes(n);
}

/* Stores the node's words as the conversation's next message, if it has any. */
static void keep_node(struct import_conversation *c, struct node *node, int64_t above)
{
	const cJSON *message = cJSON_GetObjectItemCaseSensitive(node->json, "message");
	const cJSON *content = cJSON_GetObjectItemCaseSensitive(message, "content");
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(message, "metadata");
	const cJSON *parts = cJSON_GetObjectItemCaseSensitive(content, "parts");
	struct buffer text = {0};
	enum message_role role;
	node->kept = above;
	if (parts)
		add_parts(&text, parts);
	else if (import_string(content, "text"))
		buffer_puts(&text, import_string(content, "text"));
	if (text.len == 0) {
		buffer_free(&text);
		return;
	}
	message_role_parse(import_string(cJSON_GetObjectItemCaseSensitive(message, "author"), "role"), &role);
	struct message *m = import_message(c);
	take_content(m, &text);
	m->role = role;
	m->parent = above;
	m->created = import_time(message, "create_time");
	if (!m->created)
		m->created = above ? c->messages[above - 1].created : c->session.created;
	set_text(&m->model, import_string(metadata, "model_slug"));
	const char *status = import_string(message, "status");
	if (role == MESSAGE_ASSISTANT && status && strcmp(status, "in_progress") == 0)
		m->status = MESSAGE_PARTIAL;
	node->kept = m->number;
}

/* Walks the trees from their roots, parents first. Returns the nodes met. */
static size_t walk(struct import_conversation *c, struct nodes *n)
{
	size_t met = 0;
	for (size_t root = 1; root <= n->count; root++) {
		if (n->nodes[root - 1].parent)
			continue;
		for (size_t at = root; at;) {
			struct node *node = &n->nodes[at - 1];
			keep_node(c, node, node->parent ? n->nodes[node->parent - 1].kept : 0);
			met++;
			if (node->first_child) {
				at = node->first_child;
				continue;
			}
			while (at && at != root && !n->nodes[at - 1].next)
				at = n->nodes[at - 1].parent;
			at = at == root ? 0 : at ? n->nodes[at - 1].next : 0;
		}
	}
	return met;
}

int import_chatgpt(struct import *import, const cJSON *json, const char *where)
{
	struct nodes nodes;
	struct import_conversation *c = import_conversation(import);
	set_text(&c->session.title, import_string(json, "title"));
	set_text(&c->session.model, import_string(json, "default_model_slug"));
	c->session.created = import_time(json, "create_time");
	c->session.updated = import_time(json, "update_time");
	read_nodes(cJSON_GetObjectItemCaseSensitive(json, "mapping"), &nodes);
	size_t met = walk(c, &nodes);
	size_t current = find_node(&nodes, import_string(json, "current_node"));
	c->leaf = current ? nodes.nodes[current - 1].kept : 0;
	if (!c->leaf)
		c->leaf = (int64_t)c->count;
	int code = met == nodes.count ? 0 : import_fail(import, "%s.mapping: its messages go round in a circle", where);
	free(nodes.by_id);
	free(nodes.nodes);
	return code;
}

/* --- [{"role", "content"}] ------------------------------------------------------ */

bool import_is_messages(const cJSON *json)
{
	const cJSON *list = cJSON_IsArray(json) ? json : cJSON_GetObjectItemCaseSensitive(json, "messages");
	const cJSON *first = cJSON_IsArray(list) ? list->child : NULL;
	return import_string(first, "role") && cJSON_HasObjectItem(first, "content");
}

int import_messages(struct import *import, const cJSON *json, const char *where)
{
	struct import_conversation *c = import_conversation(import);
	const cJSON *list = cJSON_IsArray(json) ? json : cJSON_GetObjectItemCaseSensitive(json, "messages"), *item;
	size_t index = 0;
	set_text(&c->session.model, import_string(json, "model"));
	set_text(&c->session.title, import_string(json, "title"));
	set_text(&c->session.system, import_string(json, "system"));
	for (item = import_first(list); item; item = item->next) {
		const char *role_name = import_string(item, "role");
		const cJSON *content = cJSON_GetObjectItemCaseSensitive(item, "content");
		struct buffer text = {0};
		enum message_role role;
		if (role_name && strcmp(role_name, "developer") == 0)
			role_name = "system";
		if (message_role_parse(role_name, &role))
			return import_fail(import, "%s[%zu].role: expected system, user, assistant, tool", where,
					   index);
		if (!cJSON_IsString(content) && !cJSON_IsArray(content) && !cJSON_IsNull(content))
			return import_fail(import, "%s[%zu].content: expected string", where, index);
		index++;
		if (cJSON_IsArray(content))
			add_parts(&text, content);
		else if (cJSON_IsString(content))
			buffer_puts(&text, content->valuestring);
		/* A system message at the start is the session's own system prompt. */
		if (role == MESSAGE_SYSTEM && c->count == 0 && !*c->session.system) {
			set_text(&c->session.system, text.data);
			buffer_free(&text);
			continue;
		}
		struct message *m = import_message(c);
		take_content(m, &text);
		m->role = role;
		m->parent = m->number - 1;
		m->created = import_time(item, "created");
		if (!m->created)
			m->created = store_now();
	}
	c->leaf = (int64_t)c->count;
	return 0;
}
