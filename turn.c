#include "turn.h"
#include "cache_store.h"
#include "log.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAVE_EVERY_MS = 1000 };

struct turn {
	struct turn_options o;
	char *model_name, *system, *settings, *cache;
	struct message answer; /* id 0 until it is in the store */
	struct buffer text;
	int64_t user_message;
	struct engine_usage usage;
	enum engine_finish finish;
	int64_t saved_at;          /* ms, of the last save */
	bool unsaved, over, ahead; /* ahead: nothing of it is stored or sent yet */
	char storage_error[512], error[512];
	bool has_storage_error, has_error;
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- Messages that wait for a store that takes them ------------------------------- */

struct backlog {
	struct message *messages;
	int count;
};

struct backlog *backlog_create(void)
{
	return xcalloc(1, sizeof(struct backlog));
}

void backlog_free(struct backlog *backlog)
{
	if (!backlog)
		return;
	for (int i = 0; i < backlog->count; i++)
		message_free(&backlog->messages[i]);
	free(backlog->messages);
	free(backlog);
}

int backlog_count(const struct backlog *backlog)
{
	return backlog->count;
}

void backlog_truncate(struct backlog *backlog, int count)
{
	while (backlog->count > count)
		message_free(&backlog->messages[--backlog->count]);
}

static void backlog_add(struct backlog *backlog, const struct message *message)
{
	backlog->messages = xreallocarray(backlog->messages, (size_t)backlog->count + 1, sizeof(*backlog->messages));
	struct message *copy = &backlog->messages[backlog->count++];
	*copy = *message;
	copy->content = xstrndup(message->content, message->len);
	copy->model = xstrdup(message->model ? message->model : "");
	copy->settings = xstrdup(message->settings ? message->settings : "");
}

int backlog_retry(struct backlog *backlog, struct sessions *sessions, int64_t session, char *err, size_t errlen)
{
	while (backlog->count) {
		struct message *oldest = &backlog->messages[0];
		int failed = oldest->id ? message_update(sessions, oldest, err, errlen)
					: message_append(sessions, session, oldest, err, errlen);
		if (failed)
			return -1;
		message_free(&backlog->messages[0]);
		backlog->count--;
		memmove(backlog->messages, backlog->messages + 1, (size_t)backlog->count * sizeof(*backlog->messages));
	}
	return 0;
}

/* A stored message whose newest content still waits: its index, or -1. */
static int backlog_find(const struct backlog *backlog, int64_t id)
{
	for (int i = 0; backlog && i < backlog->count; i++)
		if (backlog->messages[i].id == id)
			return i;
	return -1;
}

/* --- Storing ------------------------------------------------------------------------ */

static void storage_failed(struct turn *turn, const char *err)
{
	turn->has_storage_error = true;
	snprintf(turn->storage_error, sizeof(turn->storage_error), "%s", err);
	log_write("not stored: %s", err);
}

static bool stores(const struct turn *turn)
{
	return turn->o.sessions != NULL && !turn->o.aside;
}

/* Appends to the store, or to the backlog when the store will not take it. */
static void store_message(struct turn *turn, struct message *message)
{
	char err[512];
	bool waiting = turn->o.backlog && turn->o.backlog->count;
	if (stores(turn) && !waiting &&
	    message_append(turn->o.sessions, turn->o.session, message, err, sizeof(err)) == 0)
		return;
	if (stores(turn) && !waiting)
		storage_failed(turn, err);
	if (turn->o.backlog)
		backlog_add(turn->o.backlog, message);
}

static void store_question(struct turn *turn, const char *text, size_t len)
{
	struct message message = {
		.role = MESSAGE_USER,
		.status = MESSAGE_COMPLETE,
		.content = (char *)text,
		.len = len,
		.model = "",
		.settings = "",
	};
	store_message(turn, &message);
	turn->user_message = message.id;
}

static void fill_answer(struct turn *turn, enum message_status status)
{
	struct message *answer = &turn->answer;
	answer->status = status;
	answer->content = turn->text.data ? turn->text.data : "";
	answer->len = turn->text.len;
	answer->prompt_tokens = turn->usage.prompt_tokens;
	answer->completion_tokens = turn->usage.completion_tokens;
	answer->first_token_ms = turn->usage.first_token_ms;
	answer->predicted_ms = turn->usage.predicted_ms;
}

/* The reply so far, while it streams: a failure is remembered and tried again. */
static void store_partial(struct turn *turn)
{
	char err[512];
	turn->saved_at = now_ms();
	if (!stores(turn) || (turn->o.backlog && turn->o.backlog->count))
		return;
	fill_answer(turn, MESSAGE_PARTIAL);
	int failed = turn->answer.id
			     ? message_update(turn->o.sessions, &turn->answer, err, sizeof(err))
			     : message_append(turn->o.sessions, turn->o.session, &turn->answer, err, sizeof(err));
	if (failed)
		storage_failed(turn, err);
	turn->unsaved = failed != 0;
}

static void store_whole(struct turn *turn)
{
	char err[512];
	bool complete = !turn->has_error && turn->finish != ENGINE_INTERRUPTED;
	turn->unsaved = false;
	if (turn->o.aside || (!stores(turn) && !turn->o.backlog) || (!turn->answer.id && turn->text.len == 0))
		return;
	fill_answer(turn, complete ? MESSAGE_COMPLETE : MESSAGE_PARTIAL);
	if (!turn->answer.id) {
		store_message(turn, &turn->answer);
		return;
	}
	if (message_update(turn->o.sessions, &turn->answer, err, sizeof(err)) == 0)
		return;
	storage_failed(turn, err);
	if (turn->o.backlog)
		backlog_add(turn->o.backlog, &turn->answer);
}

/* --- What the engine is given --------------------------------------------------------- */

static enum engine_role engine_role_of(enum message_role role)
{
	static const enum engine_role roles[] = {
		[MESSAGE_SYSTEM] = ENGINE_SYSTEM,
		[MESSAGE_USER] = ENGINE_USER,
		[MESSAGE_ASSISTANT] = ENGINE_ASSISTANT,
		[MESSAGE_TOOL] = ENGINE_TOOL,
	};
	return roles[role];
}

static char *settings_json(const struct engine_sampling *s, int max_tokens)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, "temp", s->temp);
	cJSON_AddNumberToObject(json, "top_k", s->top_k);
	cJSON_AddNumberToObject(json, "top_p", s->top_p);
	cJSON_AddNumberToObject(json, "min_p", s->min_p);
	cJSON_AddNumberToObject(json, "repeat_penalty", s->repeat_penalty);
	cJSON_AddNumberToObject(json, "seed", (double)s->seed);
	cJSON_AddNumberToObject(json, "max_tokens", max_tokens);
	char *text = cJSON_PrintUnformatted(json), *copy = xstrdup(text ? text : "");
	cJSON_free(text);
	cJSON_Delete(json);
	return copy;
}

static void add_message(struct engine_message *messages, int *count, enum engine_role role, const char *text,
			size_t len)
{
	messages[(*count)++] = (struct engine_message){.role = role, .content = text, .len = len};
}

static void add_stored(struct engine_message *messages, int *count, const struct message *m)
{
	add_message(messages, count, engine_role_of(m->role), m->content, m->len);
	messages[*count - 1].pinned = m->pinned;
}

/* What is read of a conversation at first, from its end on; and how little its messages and bytes can be worth, in
 * tokens: what is longer by this count than the context is not all needed. */
enum { BATCH = 500, MESSAGE_LEAST = 2, TOKEN_MOST = 64 };

/* Puts what the earlier end holds before the later one. */
static void put_before(struct message_end *later, struct message_end *earlier)
{
	size_t count = later->count + earlier->count;
	earlier->messages = xreallocarray(earlier->messages, count + 1, sizeof(*earlier->messages));
	if (later->count)
		memcpy(earlier->messages + earlier->count, later->messages, later->count * sizeof(*later->messages));
	free(later->messages);
	later->messages = earlier->messages;
	later->count = count;
	later->earlier = earlier->earlier;
	later->pins_earlier = earlier->pins_earlier;
}

/* The end of the stored path: all of it, or as much as can be of use. */
static int read_path(const struct turn *turn, struct message_end *path, char *err, size_t errlen)
{
	const struct engine_model *model = engine_model(turn->o.engine);
	size_t worth = 0;
	struct message_end more;
	*path = (struct message_end){0};
	if (!turn->o.sessions || (turn->o.aside && !turn->o.seen))
		return 0;
	do {
		if (message_path_end(turn->o.sessions, turn->o.session, path->count ? path->messages[0].id : 0,
				     path->count ? path->count : BATCH, &more, err, errlen)) {
			message_end_free(path);
			return -1;
		}
		for (size_t i = 0; i < more.count; i++)
			worth += MESSAGE_LEAST + more.messages[i].len / TOKEN_MOST;
		put_before(path, &more);
	} while (path->earlier && (!model || worth <= (size_t)model->ctx_size));
	/* A pinned message is shown however old it is. */
	if (!path->earlier || !path->pins_earlier)
		return 0;
	message_end_free(path);
	return message_path_end(turn->o.sessions, turn->o.session, 0, SIZE_MAX, path, err, errlen);
}

/* The system prompt, the stored path, what waits to be stored, and, when nothing
 * is stored at all, the question itself. */
static int submit(struct turn *turn, const char *text, size_t len, char *err, size_t errlen)
{
	struct message_end path;
	if (read_path(turn, &path, err, errlen))
		return -1;
	int waiting = turn->o.backlog ? turn->o.backlog->count : 0, count = 0;
	struct engine_message *messages = xcalloc(path.count + (size_t)waiting + 2, sizeof(*messages));
	if (turn->system[0])
		add_message(messages, &count, ENGINE_SYSTEM, turn->system, strlen(turn->system));
	for (size_t i = 0; i < path.count; i++) {
		int newer = backlog_find(turn->o.backlog, path.messages[i].id);
		const struct message *m = newer < 0 ? &path.messages[i] : &turn->o.backlog->messages[newer];
		add_stored(messages, &count, m);
		messages[count - 1].pinned = path.messages[i].pinned;
	}
	for (int i = 0; i < waiting; i++)
		if (!turn->o.backlog->messages[i].id)
			add_stored(messages, &count, &turn->o.backlog->messages[i]);
	int seen = turn->o.seen - (int)path.earlier + (turn->system[0] != '\0');
	if (turn->o.aside && count > seen)
		count = seen > 0 ? seen : 0;
	if (text && (turn->ahead || turn->o.aside || (!turn->user_message && !waiting)))
		add_message(messages, &count, ENGINE_USER, text, len);
	struct engine_request request = {
		.messages = messages,
		.count = count,
		.omitted = (int)path.earlier,
		.sampling = turn->o.sampling,
		.max_tokens = turn->o.max_tokens,
		.cache = turn->cache,
		.cache_limit = turn->o.cache_limit,
	};
	int failed = 0;
	if (turn->ahead)
		engine_prepare(turn->o.engine, &request);
	else
		failed = engine_submit(turn->o.engine, &request, err, errlen);
	message_end_free(&path);
	free(messages);
	return failed;
}

/* --- The turn ---------------------------------------------------------------------------- */

int turn_start(struct turn **out, const struct turn_options *options, const char *text, size_t len, char *err,
	       size_t errlen)
{
	char reason[512];
	struct turn *turn = xcalloc(1, sizeof(*turn));
	turn->o = *options;
	turn->model_name = xstrdup(options->model_name ? options->model_name : "");
	turn->system = xstrdup(options->system ? options->system : "");
	if (options->cache_id && options->cache_limit)
		turn->cache = cache_path(options->cache_id);
	turn->settings = settings_json(&options->sampling, options->max_tokens);
	turn->answer =
		(struct message){.role = MESSAGE_ASSISTANT, .model = turn->model_name, .settings = turn->settings};
	if (stores(turn) && options->backlog &&
	    backlog_retry(options->backlog, options->sessions, options->session, reason, sizeof(reason)))
		storage_failed(turn, reason);
	if (text && !turn->o.aside)
		store_question(turn, text, len);
	if (submit(turn, text, len, err, errlen)) {
		turn->over = true;
		turn_free(turn);
		return -1;
	}
	*out = turn;
	return 0;
}

void turn_prepare(const struct turn_options *options, const char *text, size_t len)
{
	char err[512];
	struct turn turn = {.o = *options, .system = (char *)options->system, .ahead = true};
	if (!turn.system)
		turn.system = "";
	if (options->cache_id && options->cache_limit)
		turn.cache = cache_path(options->cache_id);
	if (submit(&turn, text, len, err, sizeof(err)))
		log_write("not read ahead: %s", err);
	free(turn.cache);
}

bool turn_event(struct turn *turn, const struct engine_event *event)
{
	switch (event->type) {
	case ENGINE_TEXT:
		buffer_append(&turn->text, event->text, event->len);
		turn->unsaved = true;
		if (!turn->saved_at)
			store_partial(turn);
		else
			turn_tick(turn);
		break;
	case ENGINE_DONE:
		turn->usage = event->usage;
		turn->finish = event->finish;
		turn->over = true;
		store_whole(turn);
		break;
	case ENGINE_ERROR:
		turn->has_error = turn->over = true;
		snprintf(turn->error, sizeof(turn->error), "%.*s", (int)event->len, event->text);
		store_whole(turn);
		break;
	default: break;
	}
	return turn->over;
}

int turn_next_save_ms(const struct turn *turn)
{
	if (!turn->unsaved || !stores(turn) || turn->over)
		return -1;
	int64_t left = turn->saved_at + SAVE_EVERY_MS - now_ms();
	return left > 0 ? (int)left : 0;
}

void turn_tick(struct turn *turn)
{
	if (turn_next_save_ms(turn) == 0)
		store_partial(turn);
}

const char *turn_answer(const struct turn *turn, size_t *len)
{
	if (len)
		*len = turn->text.len;
	return turn->text.data ? turn->text.data : "";
}

int64_t turn_user_message(const struct turn *turn)
{
	return turn->user_message;
}

int64_t turn_answer_message(const struct turn *turn)
{
	return turn->answer.id;
}

const char *turn_storage_error(const struct turn *turn)
{
	return turn->has_storage_error ? turn->storage_error : NULL;
}

const char *turn_error(const struct turn *turn)
{
	return turn->has_error ? turn->error : NULL;
}

const struct engine_usage *turn_usage(const struct turn *turn)
{
	return &turn->usage;
}

enum engine_finish turn_finish(const struct turn *turn)
{
	return turn->finish;
}

void turn_free(struct turn *turn)
{
	if (!turn)
		return;
	if (!turn->over) {
		turn->finish = ENGINE_INTERRUPTED;
		store_whole(turn);
	}
	buffer_free(&turn->text);
	free(turn->model_name);
	free(turn->system);
	free(turn->settings);
	if (turn->cache)
		cache_trim(turn->o.cache_limit);
	free(turn->cache);
	free(turn);
}
