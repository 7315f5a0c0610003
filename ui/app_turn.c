#include "app.h"
#include "attach.h"
#include "notify.h"
#include "../cache_store.h"
#include "../log.h"
#include "../model_speeds.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- The model --------------------------------------------------------------------- */

static char *name_of(const char *path)
{
	const char *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	size_t len = strlen(base);
	if (len > 5 && strcmp(base + len - 5, ".gguf") == 0)
		len -= 5;
	char *line = i18n_sanitize_line(base, len);
	return line;
}

static void set_phase(struct app *app, enum engine_event_type phase)
{
	if (app->progress.phase != phase) {
		memset(&app->progress, 0, sizeof(app->progress));
		app->progress.phase = phase;
		app->progress.since = app->now;
	}
	app->dirty = true;
}

static void no_model(struct app *app, const char *err)
{
	free(app->engine_error);
	app->engine_error = xstrdup(err);
	app->ready = false;
	set_phase(app, ENGINE_NONE);
	char *line = i18n_sanitize_line(err, strlen(err));
	app_note(app, ENTRY_ERROR, i18n_format(app->tr, "chat.no-model", I18N_E(line)));
	free(line);
}

/* A model that cannot be used leaves the one that was there. */
static void model_kept(struct app *app, const char *path, const char *err, const char *kept)
{
	char *line = i18n_sanitize_line(err, strlen(err)), *name = name_of(path), *stays = name_of(kept);
	app_note(app, ENTRY_ERROR, i18n_format(app->tr, "chat.model-kept", I18N_S(name), I18N_E(line), I18N_S(stays)));
	free(line);
	free(name);
	free(stays);
}

static void take_model(struct app *app, struct engine *engine, const char *path)
{
	char *copy = xstrdup(path);
	attach_recount(app);
	engine_close(app->engine);
	app->engine = engine;
	app->ready = app->stray = false;
	free(app->engine_error);
	app->engine_error = NULL;
	free(app->model_path);
	free(app->model_name);
	app->model_path = copy;
	app->model_name = name_of(copy);
}

void app_turn_open_model(struct app *app, const char *path)
{
	char err[512], *before = app->ready ? xstrdup(app->model_path) : NULL;
	struct engine_options options = {0};
	struct engine *engine = NULL;
	app_turn_end(app);
	options_engine(app->o.options, &options);
	options.path = path;
	int failed = engine_open(&engine, &options, err, sizeof(err));
	if (failed && before) {
		model_kept(app, path, err, before);
		free(before);
		return;
	}
	take_model(app, failed ? NULL : engine, path);
	free(app->model_before);
	app->model_before = before;
	if (failed)
		no_model(app, err);
	else
		set_phase(app, ENGINE_LOADING);
}

static void loading_failed(struct app *app, const char *err)
{
	char *before = app->model_before;
	app->model_before = NULL;
	if (before) {
		model_kept(app, app->model_path, err, before);
		app_turn_open_model(app, before);
	} else {
		no_model(app, err);
	}
	free(before);
}

/* A store names its files by hash (Ollama's blobs): the model's own name says more. */
static void model_ready(struct app *app)
{
	const struct engine_model *model = engine_model(app->engine);
	app->ready = true;
	if (app->model_before && app->message_count)
		app_note(app, ENTRY_NOTE, i18n_format(app->tr, "chat.model-is", I18N_S(app->model_name)));
	free(app->model_before);
	app->model_before = NULL;
	app_ahead_conversation(app);
	set_phase(app, ENGINE_NONE);
	if (strncmp(app->model_name, "sha256-", 7) == 0) {
		free(app->model_name);
		app->model_name = i18n_sanitize_line(model->name, strlen(model->name));
	}
	if (model->warning[0])
		app_note(app, ENTRY_NOTE, app_error(app, model->warning));
	if (!model->chat_format_known)
		app_note(app, ENTRY_NOTE, i18n_format(app->tr, "chat.unknown-template", I18N_S(model->chat_format)));
}

/* A request that was given up still has to end before the next begins. */
static bool model_free(const struct app *app)
{
	return app->ready && !app->turn && !app->stray;
}

bool app_turn_possible(const struct app *app)
{
	return model_free(app) && !app->waiting_count;
}

/* --- Messages that wait ---------------------------------------------------------------- */

void app_turn_show_waiting(struct app *app)
{
	transcript_truncate(app->transcript, app->waiting_entry);
	for (int i = 0; i < app->waiting_count; i++) {
		int entry = transcript_add(app->transcript, ENTRY_USER, app->waiting[i].text, app->waiting[i].len);
		transcript_mark(app->transcript, entry, "chat.waiting");
	}
	transcript_scroll_end(app->transcript);
	app->dirty = true;
}

static void wait_for_model(struct app *app, const char *text, size_t len)
{
	if (app->waiting_count == 0)
		app->waiting_entry = transcript_count(app->transcript);
	app->waiting = xreallocarray(app->waiting, (size_t)app->waiting_count + 1, sizeof(*app->waiting));
	app->waiting[app->waiting_count++] = (struct app_waiting){xstrndup(text, len), len};
	app_turn_show_waiting(app);
	app_session_save_draft(app);
}

static struct app_waiting take_waiting(struct app *app)
{
	struct app_waiting first = app->waiting[0];
	app->waiting_count--;
	memmove(app->waiting, app->waiting + 1, (size_t)app->waiting_count * sizeof(*app->waiting));
	return first;
}

/* What waits goes back into the input, before what stands there. */
static bool waiting_to_input(struct app *app)
{
	if (app->waiting_count == 0)
		return false;
	struct buffer text = {0};
	transcript_truncate(app->transcript, app->waiting_entry);
	while (app->waiting_count) {
		struct app_waiting w = take_waiting(app);
		buffer_append(&text, w.text, w.len);
		buffer_puts(&text, app->waiting_count || !editor_empty(app->editor) ? "\n" : "");
		free(w.text);
	}
	size_t len;
	const char *typed = editor_text(app->editor, &len);
	buffer_append(&text, typed, len);
	editor_set_text(app->editor, text.data, text.len);
	buffer_free(&text);
	app_changed_input(app);
	return true;
}

/* --- A turn -------------------------------------------------------------------------------- */

static void report_storage(struct app *app)
{
	const char *error = turn_storage_error(app->turn);
	if (!error)
		return;
	char *line = i18n_sanitize_line(error, strlen(error));
	app_banner(app, STYLE_ERROR, true, i18n_format(app->tr, "chat.not-saved", I18N_E(line)));
	free(line);
}

static struct turn_options turn_options(struct app *app)
{
	const struct engine_model *model = engine_model(app->engine);
	bool stored = app_session_ensure(app);
	return (struct turn_options){
		.engine = app->engine,
		.sessions = stored ? app->o.sessions : NULL,
		.backlog = app->backlog,
		.session = app->session.row,
		.model_name = app->model_name,
		.system = app->system,
		.sampling = options_sampling(app->o.options, &model->sampling),
		.max_tokens = (int)option_integer(app->o.options, OPTION_MAX_TOKENS),
		.cache_id = app_session_kept(app) ? app->session.id : NULL,
		.cache_limit = cache_limit(app->o.options),
	};
}

static bool start(struct app *app, const char *text, size_t len, char *err, size_t errlen)
{
	struct turn_options options = turn_options(app);
	if (turn_start(&app->turn, &options, text, len, err, errlen)) {
		app->turn = NULL;
		return false;
	}
	app->turn_began = app->now;
	app->answer_entry = -1;
	app->answer_mark = NULL;
	app->undone_count = 0;
	app->compacted_from = 0;
	set_phase(app, ENGINE_PROMPT);
	report_storage(app);
	return true;
}

/* Tokens of a prompt from which on the engine leaves messages out: an answer needs room, too. */
static int prompt_room(const struct app *app)
{
	int size = engine_model(app->engine)->ctx_size, answer = size / 4;
	int most = (int)option_integer(app->o.options, OPTION_MAX_TOKENS);
	return size - (most > 0 && most < answer ? most : answer);
}

static void warn(struct app *app, int used)
{
	char *line =
		i18n_format(app->tr, "chat.nearly-full", I18N_I(used), I18N_I(engine_model(app->engine)->ctx_size));
	app->warned_full = true;
	app_banner(app, STYLE_WARNING, false, xasprintf("%s · %s", i18n_text(app->tr, "compact.hint"), line));
	free(line);
}

/* Before anything drops out of the context, while something can be done about it. */
static void warn_when_full(struct app *app)
{
	int used = app->usage.context_used;
	if (used * 5LL < prompt_room(app) * 4LL)
		app->warned_full = false;
	else if (!app->warned_full && app->left_out == 0)
		warn(app, used);
}

/* A message may be so long that there was no time for the warning after the turn before. */
static void warn_of_message(struct app *app, const char *text, size_t len)
{
	enum { SHORT = 256 };
	char err[512];
	int32_t *ids = NULL;
	size_t count = 0;
	if (len < SHORT || app->warned_full || app->left_out || !app->usage.context_used ||
	    engine_tokenize(app->engine, text, len, 0, &ids, &count, err, sizeof(err)) != 0)
		return;
	free(ids);
	if ((int64_t)count + app->usage.context_used > prompt_room(app))
		warn(app, app->usage.context_used + (int)count);
}

static int64_t last_id(const struct app *app)
{
	return app->message_count ? app->messages[app->message_count - 1].id : 0;
}

static void start_with(struct app *app, const char *text, size_t len)
{
	char err[512];
	int64_t parent = last_id(app);
	int entry = transcript_add(app->transcript, ENTRY_USER, text, len);
	transcript_scroll_end(app->transcript);
	warn_of_message(app, text, len);
	bool started = start(app, text, len, err, sizeof(err));
	app_session_add(app, MESSAGE_USER, started ? turn_user_message(app->turn) : 0, parent, entry);
	app_tree_place(app, app->message_count - 1);
	if (!started)
		app_note(app, ENTRY_ERROR, app_error(app, err));
}

/* The next message that waits, when the model can take it. */
static void start_waiting(struct app *app)
{
	if (!model_free(app) || app->waiting_count == 0)
		return;
	struct app_waiting w = take_waiting(app);
	transcript_truncate(app->transcript, app->waiting_entry);
	start_with(app, w.text, w.len);
	free(w.text);
	app->waiting_entry = transcript_count(app->transcript);
	app_turn_show_waiting(app);
	app_session_save_draft(app);
}

void app_turn_send(struct app *app, const char *text, size_t len)
{
	if (!model_free(app) || app->waiting_count)
		wait_for_model(app, text, len);
	else
		start_with(app, text, len);
	if (app->engine_error)
		app_banner(app, STYLE_ERROR, false, i18n_format(app->tr, "chat.choose-model", I18N_S("/model")));
	app->dirty = true;
}

void app_turn_regenerate(struct app *app, int keep)
{
	char err[512];
	if (!model_free(app)) {
		app_banner(app, STYLE_WARNING, false, xstrdup(i18n_text(app->tr, "chat.busy")));
		return;
	}
	if (!app_session_cut(app, keep))
		return;
	transcript_scroll_end(app->transcript);
	if (!start(app, NULL, 0, err, sizeof(err)))
		app_note(app, ENTRY_ERROR, app_error(app, err));
}

bool app_turn_aside(struct app *app, const char *question, int seen, int max_tokens)
{
	char err[512];
	struct turn_options options = turn_options(app);
	options.aside = true;
	options.seen = seen;
	options.max_tokens = max_tokens;
	if (!seen) /* nothing of the conversation itself: its file is for that */
		options.cache_id = NULL;
	if (turn_start(&app->turn, &options, question, strlen(question), err, sizeof(err))) {
		app->turn = NULL;
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		return false;
	}
	app->aside = true;
	app->turn_began = app->now;
	app->answer_entry = -1;
	set_phase(app, ENGINE_PROMPT);
	return true;
}

/* --- Events -------------------------------------------------------------------------------- */

static void answer_text(struct app *app, const struct engine_event *event)
{
	if (app->answer_entry < 0) {
		if (app->waiting_count)
			transcript_truncate(app->transcript, app->waiting_entry);
		app->answer_entry = transcript_add(app->transcript, ENTRY_ASSISTANT, "", 0);
		app->waiting_entry = transcript_count(app->transcript);
		if (app->waiting_count)
			app_turn_show_waiting(app);
		app_session_add(app, MESSAGE_ASSISTANT, 0, last_id(app), app->answer_entry);
	}
	transcript_append(app->transcript, app->answer_entry, event->text, event->len);
	set_phase(app, ENGINE_TEXT);
	app->progress.tokens++;
}

/* The line in the transcript before which the model remembers nothing but what is pinned. */
static void memory_begins(struct app *app, int left_out, int begins)
{
	begins -= app->system[0] != '\0';
	if (left_out <= 0 || begins <= 0 || begins >= app->message_count) {
		transcript_memory_line(app->transcript, -1, NULL);
		app->left_out = app->memory_begins = 0;
		return;
	}
	if (left_out > app->left_out) {
		char *warning = i18n_format(app->tr, "chat.dropped", I18N_I(left_out));
		app_banner(app, STYLE_WARNING, false, warning);
	}
	app->left_out = left_out;
	app->memory_begins = begins;
	char *line = i18n_format(app->tr, "chat.memory-begins", I18N_I(left_out));
	transcript_memory_line(app->transcript, app->messages[begins].entry, line);
	free(line);
}

void app_turn_translate(struct app *app)
{
	memory_begins(app, app->left_out, app->memory_begins + (app->system[0] != '\0'));
	for (int i = 0; i < app->message_count; i++)
		if (app->messages[i].siblings > 1 || app->messages[i].pinned)
			app_tree_tag(app, i);
}

static void prompt_progress(struct app *app, const struct engine_event *event)
{
	set_phase(app, ENGINE_PROMPT);
	app->progress.done = event->done;
	app->progress.total = event->total;
	app->prompt_tokens = (int)event->total;
	app->progress.cached = event->cached;
	if (!app->aside)
		memory_begins(app, event->left_out, event->begins);
}

static void mark_answer(struct app *app)
{
	const char *key = NULL;
	if (turn_error(app->turn) || turn_finish(app->turn) == ENGINE_INTERRUPTED)
		key = "chat.interrupted";
	else if (turn_finish(app->turn) == ENGINE_LENGTH)
		key = "chat.length";
	if (!key || app->answer_entry < 0)
		return;
	transcript_mark(app->transcript, app->answer_entry, key);
	app->answer_mark = key;
}

static void finish(struct app *app)
{
	struct turn *turn = app->turn;
	mark_answer(app);
	if (app->answer_entry >= 0) {
		app->messages[app->message_count - 1].id = turn_answer_message(turn);
		app_tree_place(app, app->message_count - 1);
		if (!turn_error(turn) && turn_finish(turn) != ENGINE_INTERRUPTED)
			transcript_finish(app->transcript, app->answer_entry);
	}
	app->usage = *turn_usage(turn);
	app_stats_add(&app->tally, &app->usage);
	app_stats_add(&app->tally_all, &app->usage);
	if (app_session_kept(app))
		model_speeds_keep(app->model_path, app->usage.completion_tokens, app->usage.predicted_ms);
	report_storage(app);
	if (!turn_storage_error(turn) && app_session_kept(app) && !backlog_count(app->backlog)) {
		app->saved_at = time(NULL);
		if (app->banner_stays)
			app_banner(app, STYLE_DIM, false, NULL);
	}
	if (turn_error(turn)) {
		app_note(app, ENTRY_ERROR, app_error(app, turn_error(turn)));
	} else {
		app_session_name(app);
		warn_when_full(app);
	}
	if (turn_error(turn) || turn_finish(turn) != ENGINE_INTERRUPTED)
		notify(app, app->now - app->turn_began, i18n_text(app->tr, "chat.notify"));
	turn_free(turn);
	app->turn = NULL;
	app_ahead_conversation(app);
	set_phase(app, ENGINE_NONE);
	start_waiting(app);
}

/* What is asked beside the conversation: only that something happens is shown. */
static void aside_text(struct app *app)
{
	if (app->progress.phase != ENGINE_TEXT)
		app_compact_tell(app);
	set_phase(app, ENGINE_TEXT);
	app->progress.tokens++;
}

static void finish_aside(struct app *app)
{
	struct turn *turn = app->turn;
	app->aside = false;
	bool more = app_compact_finish(app);
	turn_free(turn);
	app->turn = NULL;
	set_phase(app, ENGINE_NONE);
	if (more) {
		app_compact_go_on(app);
		return;
	}
	notify(app, app->now - app->turn_began, i18n_text(app->tr, "chat.notify"));
	start_waiting(app);
}

static void outside_turn(struct app *app, const struct engine_event *event)
{
	if (event->type == ENGINE_LOADING) {
		set_phase(app, ENGINE_LOADING);
		app->progress.done = event->done;
		app->progress.total = event->total;
	} else if (event->type == ENGINE_READY) {
		model_ready(app);
		start_waiting(app);
	} else if (app->stray && (event->type == ENGINE_DONE || event->type == ENGINE_ERROR)) {
		app->stray = false;
		app_ahead_conversation(app);
		start_waiting(app);
	} else if (event->type == ENGINE_ERROR && !app->ready) {
		char *err = xstrndup(event->text, event->len);
		loading_failed(app, err);
		free(err);
	}
}

void app_turn_events(struct app *app)
{
	struct engine_event event;
	while (app->engine && engine_poll(app->engine, &event) != ENGINE_NONE) {
		app->dirty = true;
		if (!app->turn) {
			outside_turn(app, &event);
			continue;
		}
		bool over = turn_event(app->turn, &event);
		if (event.type == ENGINE_TEXT && app->aside)
			aside_text(app);
		else if (event.type == ENGINE_TEXT)
			answer_text(app, &event);
		else if (event.type == ENGINE_PROMPT)
			prompt_progress(app, &event);
		if (over && app->aside)
			finish_aside(app);
		else if (over)
			finish(app);
	}
}

bool app_turn_interrupt(struct app *app)
{
	if (!app->turn)
		return waiting_to_input(app);
	waiting_to_input(app);
	engine_cancel(app->engine);
	return true;
}

void app_turn_end(struct app *app)
{
	waiting_to_input(app);
	if (!app->turn)
		return;
	engine_cancel(app->engine);
	if (app->answer_entry >= 0)
		transcript_mark(app->transcript, app->answer_entry, "chat.interrupted");
	turn_free(app->turn); /* stores the answer so far */
	app->turn = NULL;
	app->aside = false;
	app_compact_forget(app);
	app->stray = true;
	set_phase(app, ENGINE_NONE);
}
