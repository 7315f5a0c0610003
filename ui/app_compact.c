/* /compact: the model sums up the conversation, and it goes on from there in a
 * branch of its own, with what is pinned and the last exchange as they were. The
 * original stays beside it.
 *
 * The last exchange is kept and not summed up, and the room of that exchange is left
 * for the summary: what the model has seen so far fitted before. What has left its
 * context does not: such a conversation is summed up as a text, in parts, each with
 * the summary of all parts before it. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

enum {
	SUMMARY_LEAST = 128,
	SUMMARY_MOST = 1024,
	MESSAGE_COST = 8, /* tokens that a chat format adds to a message, at most */
	PART_LEAST = 32,
	SLACK = 32,
};

struct compact {
	struct buffer text; /* all but the last exchange */
	size_t at, end;     /* the part that is being summed up now */
	char *summary;      /* of all before it; NULL: it is the first */
	int part;
};

static void say_key(struct app *app, enum style style, const char *key)
{
	app_banner(app, style, false, xstrdup(i18n_text(app->tr, key)));
}

void app_compact_forget(struct app *app)
{
	if (!app->compact)
		return;
	buffer_free(&app->compact->text);
	free(app->compact->summary);
	free(app->compact);
	app->compact = NULL;
}

static int summary_tokens(const struct app *app)
{
	int tokens = engine_model(app->engine)->ctx_size / 8;
	return tokens < SUMMARY_LEAST ? SUMMARY_LEAST : tokens > SUMMARY_MOST ? SUMMARY_MOST : tokens;
}

static int count_tokens(const struct app *app, const char *text, size_t len)
{
	char err[512];
	int32_t *ids = NULL;
	size_t count = 0;
	if (len && engine_tokenize(app->engine, text, len, 0, &ids, &count, err, sizeof(err)) == 0)
		free(ids);
	return (int)count;
}

static int count_text(const struct app *app, const char *text)
{
	return count_tokens(app, text, strlen(text));
}

/* Tokens of a prompt besides what is to be summed up. */
static int room(const struct app *app, const char *request)
{
	return engine_model(app->engine)->ctx_size - summary_tokens(app) - count_text(app, app->system) -
	       count_text(app, request) - 2 * MESSAGE_COST - SLACK;
}

/* The first `count` messages are together what the model can be shown. */
static bool fits(struct app *app, int count)
{
	int left = room(app, i18n_text(app->tr, "compact.request"));
	if (app->left_out)
		return false;
	for (int i = count - 1; i >= 0 && left >= 0; i--) {
		size_t len;
		const char *text = transcript_text(app->transcript, app->messages[i].entry, &len);
		left -= count_tokens(app, text, len) + MESSAGE_COST;
	}
	return left >= 0;
}

/* --- In parts ---------------------------------------------------------------------------------- */

static void begin_parts(struct app *app, int count)
{
	app->compact = xcalloc(1, sizeof(*app->compact));
	for (int i = 0; i < count; i++) {
		size_t len;
		const char *text = transcript_text(app->transcript, app->messages[i].entry, &len);
		buffer_printf(&app->compact->text, "[%s]\n", message_role_name(app->messages[i].role));
		buffer_append(&app->compact->text, text, len);
		buffer_puts(&app->compact->text, "\n\n");
	}
}

/* Where a part of so many tokens ends: at the end of a line, if there is one in its last quarter. */
static size_t end_of_part(const struct app *app, int tokens)
{
	const struct compact *c = app->compact;
	const char *text = c->text.data + c->at;
	size_t rest = c->text.len - c->at, len = rest;
	int count = tokens + 1;
	if (len / 8 > (size_t)tokens)
		len = (size_t)tokens * 8;
	while (len > 1 && (count = count_tokens(app, text, len)) > tokens)
		len = len * (size_t)tokens / (size_t)count * 49 / 50;
	if (len >= rest)
		return c->text.len;
	size_t line = len;
	while (line > len / 4 * 3 && text[line - 1] != '\n')
		line--;
	if (line <= len / 4 * 3)
		line = i18n_cluster_prev(app->tr, text, rest, len + 1);
	return c->at + (line ? line : len + 1);
}

void app_compact_tell(struct app *app)
{
	const struct compact *c = app->compact;
	if (!c) {
		say_key(app, STYLE_DIM, "compact.working");
		return;
	}
	int more = c->end > c->at ? (int)((c->text.len - c->end + c->end - c->at - 1) / (c->end - c->at)) : 0;
	app_banner(app, STYLE_DIM, false,
		   i18n_format(app->tr, "compact.working-part", I18N_I(c->part), I18N_I(c->part + more)));
}

/* Asks for the next part's summary. */
static void next_part(struct app *app)
{
	struct compact *c = app->compact;
	struct buffer request = {0};
	buffer_printf(&request, "%s\n\n", i18n_text(app->tr, "compact.part"));
	if (c->summary)
		buffer_printf(&request, "%s\n%s\n\n", i18n_text(app->tr, "compact.so-far"), c->summary);
	buffer_puts(&request, "---\n\n");
	c->at = c->end;
	int left = room(app, request.data);
	c->end = end_of_part(app, left < PART_LEAST ? PART_LEAST : left);
	c->part++;
	buffer_append(&request, c->text.data + c->at, c->end - c->at);
	app_compact_tell(app);
	if (!app_turn_aside(app, request.data, 0, summary_tokens(app)))
		app_compact_forget(app);
	buffer_free(&request);
}

/* The running turn has summed up a part; false: it was the last. */
static bool took_part(struct app *app, const char *summary, size_t len)
{
	struct compact *c = app->compact;
	if (!c || c->end == c->text.len)
		return false;
	free(c->summary);
	c->summary = xstrndup(summary, len);
	return true;
}

void app_compact(struct app *app)
{
	int last = app_session_last(app, MESSAGE_USER);
	if (!app_turn_possible(app)) {
		say_key(app, STYLE_WARNING, app->ready ? "chat.busy" : "chat.no-model-yet");
		return;
	}
	if (!app->stored || backlog_count(app->backlog)) {
		say_key(app, STYLE_WARNING, app->stored ? "chat.save-first" : "chat.nothing-kept");
		return;
	}
	if (last < 2) {
		say_key(app, STYLE_WARNING, "compact.little");
		return;
	}
	if (fits(app, last)) {
		app_turn_aside(app, i18n_text(app->tr, "compact.request"), last, summary_tokens(app));
		return;
	}
	begin_parts(app, last);
	next_part(app);
}

/* --- The branch ------------------------------------------------------------------------------ */

/* What goes on after the summary: pinned turns, and all from the last question on. */
static size_t take_rest(const struct message *path, size_t count, struct message *branch)
{
	size_t last = count, taken = 0;
	while (last > 0 && path[last - 1].role != MESSAGE_USER)
		last--;
	last -= last > 0;
	for (size_t i = 0, end; i < last; i = end) {
		bool pinned = path[i].pinned;
		for (end = i + 1; end < last && path[end].role != MESSAGE_USER; end++)
			pinned |= path[end].pinned;
		for (size_t k = i; k < end && pinned; k++)
			branch[taken++] = path[k];
	}
	for (size_t i = last; i < count; i++)
		branch[taken++] = path[i];
	return taken;
}

static int store(struct app *app, const char *summary, size_t len, char *err, size_t errlen)
{
	const char *request = i18n_text(app->tr, "compact.request");
	struct message *path;
	size_t count;
	if (message_path(app->o.sessions, app->session.row, &path, &count, err, errlen))
		return -1;
	struct message *branch = xcalloc(count + 2, sizeof(*branch));
	branch[0] = (struct message){
		.role = MESSAGE_USER, .content = (char *)request, .len = strlen(request), .model = "", .settings = ""};
	branch[1] = (struct message){.role = MESSAGE_ASSISTANT,
				     .content = (char *)summary,
				     .len = len,
				     .model = app->model_name,
				     .settings = ""};
	size_t rest = take_rest(path, count, branch + 2);
	int code = tree_branch(app->o.sessions, app->session.row, branch, rest + 2, err, errlen);
	free(branch);
	for (size_t i = 0; i < count; i++)
		message_free(&path[i]);
	free(path);
	return code;
}

bool app_compact_finish(struct app *app)
{
	char err[512];
	size_t len;
	const char *summary = turn_answer(app->turn, &len);
	int64_t leaf = app->messages[app->message_count - 1].id;
	const char *error = turn_error(app->turn);
	if (error || turn_finish(app->turn) == ENGINE_INTERRUPTED || len == 0) {
		char *line = error ? i18n_sanitize_line(error, strlen(error)) : NULL;
		app_banner(app, line ? STYLE_ERROR : STYLE_WARNING, false,
			   line ? line : xstrdup(i18n_text(app->tr, "compact.stopped")));
		app_compact_forget(app);
		return false;
	}
	if (took_part(app, summary, len))
		return true;
	app_compact_forget(app);
	if (store(app, summary, len, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, i18n_sanitize_line(err, strlen(err)));
		return false;
	}
	app_session_reload(app);
	transcript_scroll_end(app->transcript);
	app->compacted_from = leaf;
	say_key(app, STYLE_ACCENT, "compact.done");
	return false;
}

void app_compact_go_on(struct app *app)
{
	int64_t began = app->turn_began;
	next_part(app);
	app->turn_began = began;
}
