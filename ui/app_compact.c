/* /compact: the model sums up the conversation, and it goes on from there in a
 * branch of its own, with what is pinned and the last exchange as they were. The
 * original stays beside it.
 *
 * The last exchange is kept and not summed up: what the model is shown fitted its
 * context in the turn before, and the room of that exchange is left for the summary. */
#include "app.h"

#include <stdlib.h>
#include <string.h>

enum { SUMMARY_LEAST = 128, SUMMARY_MOST = 1024 }; /* tokens */

static void say_key(struct app *app, enum style style, const char *key)
{
	app_banner(app, style, false, xstrdup(i18n_text(app->tr, key)));
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
	int tokens = engine_model(app->engine)->ctx_size / 8;
	tokens = tokens < SUMMARY_LEAST ? SUMMARY_LEAST : tokens > SUMMARY_MOST ? SUMMARY_MOST : tokens;
	app_turn_aside(app, i18n_text(app->tr, "compact.request"), last, tokens);
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

void app_compact_finish(struct app *app)
{
	char err[512];
	size_t len;
	const char *summary = turn_answer(app->turn, &len);
	int64_t leaf = app->messages[app->message_count - 1].id;
	const char *error = turn_error(app->turn);
	if (error || turn_finish(app->turn) == ENGINE_INTERRUPTED || len == 0) {
		char *line = error ? app_error(app, error) : NULL;
		app_banner(app, line ? STYLE_ERROR : STYLE_WARNING, false,
			   line ? line : xstrdup(i18n_text(app->tr, "compact.stopped")));
		return;
	}
	if (store(app, summary, len, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		return;
	}
	app_session_reload(app);
	transcript_scroll_end(app->transcript);
	app->compacted_from = leaf;
	say_key(app, STYLE_ACCENT, "compact.done");
}
