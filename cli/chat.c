/* One answer on standard output: bora -p TEXT, bora TEXT…, echo TEXT | bora. */
#include "cli.h"
#include "../cache_store.h"
#include "../model_store.h"
#include "../signals.h"
#include "../turn.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_INTERRUPTED = 130, ATTACHMENT_MAX = 64 << 20 };

struct chat {
	struct cli *cli;
	struct engine *engine;
	struct sessions *sessions; /* NULL: not kept */
	struct session session;
	char *system;
	struct turn *turn;
	int signals; /* readable after SIGINT, SIGTERM, SIGHUP */
	bool interrupted, json, progress_shown;
	int out_error; /* errno of a failed write to standard output */
	struct engine_usage usage;
	enum engine_finish finish;
	struct buffer raw_answer; /* of --raw, which is no turn */
};

/* --- The prompt ---------------------------------------------------------------------- */

/* The longest run of backquotes in text plus one: a fence that it cannot close. */
static int fence_length(const char *text, size_t len)
{
	int longest = 2, run = 0;
	for (size_t i = 0; i < len; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest + 1;
}

static void add_fenced(struct buffer *prompt, const char *name, const char *text, size_t len)
{
	char fence[80];
	int ticks = fence_length(text, len);
	ticks = ticks < (int)sizeof(fence) - 1 ? ticks : (int)sizeof(fence) - 1;
	memset(fence, '`', (size_t)ticks);
	fence[ticks] = '\0';
	if (prompt->len)
		buffer_puts(prompt, "\n\n");
	if (name)
		buffer_printf(prompt, "%s:\n", name);
	buffer_printf(prompt, "%s\n", fence);
	buffer_append(prompt, text, len);
	if (!len || text[len - 1] != '\n')
		buffer_puts(prompt, "\n");
	buffer_puts(prompt, fence);
}

static int add_file(struct buffer *prompt, const char *path, char *err, size_t errlen)
{
	struct buffer text = {0};
	char reason[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int failed = fd < 0;
	if (failed)
		snprintf(err, errlen, "%s: cannot open: %s", path, strerror(errno));
	else if ((failed = cli_read_all(fd, &text, reason, sizeof(reason))))
		snprintf(err, errlen, "%s: %s", path, reason);
	else if (text.len > ATTACHMENT_MAX)
		failed = -1, snprintf(err, errlen, "%s: too large to attach (%zu bytes; at most %d)", path, text.len,
				      ATTACHMENT_MAX);
	else if (memchr(text.data ? text.data : "", '\0', text.len))
		failed = -1, snprintf(err, errlen, "%s: not a text file; attach text", path);
	else
		add_fenced(prompt, path, text.data ? text.data : "", text.len);
	if (fd >= 0)
		close(fd);
	buffer_free(&text);
	return failed ? -1 : 0;
}

static void add_words(struct buffer *prompt, const struct cli *cli)
{
	const char *text = option_string(cli->options, OPTION_PROMPT);
	if (text)
		buffer_puts(prompt, text);
	for (int i = 0; i < cli->argc; i++) {
		if (prompt->len)
			buffer_puts(prompt, " ");
		buffer_puts(prompt, cli->argv[i]);
	}
}

/* Words first, then what was piped in (fenced, unless it is all there is), then files. */
static int build_prompt(const struct cli *cli, struct buffer *prompt, char *err, size_t errlen)
{
	struct buffer piped = {0};
	int count;
	const char *const *files = option_list(cli->options, OPTION_FILE, &count);
	add_words(prompt, cli);
	if (!isatty(STDIN_FILENO) && cli_read_all(STDIN_FILENO, &piped, err, errlen)) {
		buffer_free(&piped);
		return -1;
	}
	bool raw = option_flag(cli->options, OPTION_RAW);
	if (piped.len && (prompt->len == 0 || raw))
		buffer_append(prompt, piped.data, piped.len);
	else if (piped.len)
		add_fenced(prompt, NULL, piped.data, piped.len);
	buffer_free(&piped);
	for (int i = 0; i < count; i++)
		if (add_file(prompt, files[i], err, errlen))
			return -1;
	if (prompt->len == 0) {
		snprintf(err, errlen, "there is nothing to answer; give a prompt with -p TEXT or on standard input");
		return -1;
	}
	return 0;
}

/* --- Events ----------------------------------------------------------------------------- */

static void write_answer(struct chat *chat, const char *text, size_t len)
{
	if (chat->json || chat->out_error)
		return;
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0) {
		chat->out_error = errno;
		engine_cancel(chat->engine);
	}
}

static void show_progress(struct chat *chat, const struct engine_event *event)
{
	if (!isatty(STDERR_FILENO) || event->total - (uint64_t)event->cached < 256)
		return;
	char *text =
		i18n_format(chat->cli->tr, "cli.reading", I18N_I((int64_t)event->done), I18N_I((int64_t)event->total));
	fprintf(stderr, "\r\033[K%s", text);
	free(text);
	chat->progress_shown = true;
}

static void hide_progress(struct chat *chat)
{
	if (chat->progress_shown)
		fputs("\r\033[K", stderr);
	chat->progress_shown = false;
}

static void tell_left_out(struct chat *chat, int count)
{
	char *text = i18n_format(chat->cli->tr, "cli.left-out", I18N_I(count));
	fprintf(stderr, "bora: %s\n", text);
	free(text);
}

/* True when the answer is over; an engine error is told here. */
static bool handle_event(struct chat *chat, const struct engine_event *event, bool *failed)
{
	if (chat->turn)
		turn_event(chat->turn, event);
	switch (event->type) {
	case ENGINE_PROMPT:
		if (event->done == (uint64_t)event->cached && event->left_out)
			tell_left_out(chat, event->left_out);
		show_progress(chat, event);
		return false;
	case ENGINE_TEXT:
		hide_progress(chat);
		if (!chat->turn)
			buffer_append(&chat->raw_answer, event->text, event->len);
		write_answer(chat, event->text, event->len);
		return false;
	case ENGINE_DONE:
		hide_progress(chat);
		chat->usage = event->usage;
		chat->finish = event->finish;
		return true;
	case ENGINE_ERROR:
		hide_progress(chat);
		cli_fail(chat->cli, "%.*s", (int)event->len, event->text);
		*failed = true;
		return true;
	default: return false;
	}
}

static void take_signals(struct chat *chat)
{
	while (signals_next(chat->signals)) {
		chat->interrupted = true;
		engine_cancel(chat->engine);
	}
}

/* Runs until the answer is over. Returns -1 after an error was told. */
static int wait_for_answer(struct chat *chat)
{
	bool failed = false;
	for (;;) {
		struct engine_event event;
		while (engine_poll(chat->engine, &event) != ENGINE_NONE)
			if (handle_event(chat, &event, &failed))
				return failed ? -1 : 0;
		struct pollfd fds[] = {{.fd = engine_wake_fd(chat->engine), .events = POLLIN},
				       {.fd = chat->signals, .events = POLLIN}};
		poll(fds, 2, chat->turn ? turn_next_save_ms(chat->turn) : -1);
		if (chat->turn)
			turn_tick(chat->turn);
		if (fds[1].revents)
			take_signals(chat);
	}
}

/* --- The result ---------------------------------------------------------------------------- */

static double per_second(int tokens, double ms)
{
	return ms > 0 ? tokens * 1000.0 / ms : 0;
}

static void print_json(struct chat *chat, const char *answer, size_t len)
{
	static const char *const reasons[] = {
		[ENGINE_STOP] = "stop", [ENGINE_LENGTH] = "length", [ENGINE_INTERRUPTED] = "interrupted"};
	const struct engine_usage *u = &chat->usage;
	struct buffer clean = {0};
	i18n_repair(answer, len, &clean);
	cJSON *json = cJSON_CreateObject();
	if (chat->sessions)
		cJSON_AddStringToObject(json, "session", chat->session.id);
	else
		cJSON_AddNullToObject(json, "session");
	cJSON_AddStringToObject(json, "model", engine_model(chat->engine)->name);
	cJSON_AddStringToObject(json, "content", clean.data);
	cJSON_AddStringToObject(json, "finish_reason", reasons[chat->finish]);
	cJSON *usage = cJSON_AddObjectToObject(json, "usage");
	cJSON_AddNumberToObject(usage, "prompt_tokens", u->prompt_tokens);
	cJSON_AddNumberToObject(usage, "cached_tokens", u->cached_tokens);
	cJSON_AddNumberToObject(usage, "completion_tokens", u->completion_tokens);
	cJSON *timings = cJSON_AddObjectToObject(json, "timings");
	cJSON_AddNumberToObject(timings, "load_ms", u->load_ms);
	cJSON_AddNumberToObject(timings, "prompt_ms", u->prompt_ms);
	cJSON_AddNumberToObject(timings, "prompt_per_second",
				per_second(u->prompt_tokens - u->cached_tokens, u->prompt_ms));
	cJSON_AddNumberToObject(timings, "first_token_ms", u->first_token_ms);
	cJSON_AddNumberToObject(timings, "predicted_ms", u->predicted_ms);
	cJSON_AddNumberToObject(timings, "predicted_per_second", per_second(u->completion_tokens, u->predicted_ms));
	char *text = cJSON_PrintUnformatted(json);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(json);
	buffer_free(&clean);
}

static void print_result(struct chat *chat)
{
	size_t len = chat->raw_answer.len;
	const char *answer = chat->turn              ? turn_answer(chat->turn, &len)
			     : chat->raw_answer.data ? chat->raw_answer.data
						     : "";
	if (chat->json)
		print_json(chat, answer, len);
	else if (len && answer[len - 1] != '\n' && !option_flag(chat->cli->options, OPTION_RAW))
		write_answer(chat, "\n", 1);
	cli_keep_speed(chat->cli, chat->usage.completion_tokens, chat->usage.predicted_ms);
	if (!option_flag(chat->cli->options, OPTION_VERBOSE))
		return;
	const struct engine_usage *u = &chat->usage;
	int read = u->prompt_tokens - u->cached_tokens;
	char *text =
		i18n_format(chat->cli->tr, "cli.timings", I18N_I(read), I18N_R(per_second(read, u->prompt_ms)),
			    I18N_I(u->completion_tokens), I18N_R(per_second(u->completion_tokens, u->predicted_ms)));
	fprintf(stderr, "%s\n", text);
	free(text);
	if (u->guessed_tokens == 0)
		return;
	text = i18n_format(chat->cli->tr, "cli.guesses", I18N_I(u->guessed_tokens), I18N_I(u->guessed_right));
	fprintf(stderr, "%s\n", text);
	free(text);
}

static void tell_unsaved(struct chat *chat, const char *why)
{
	char *text = i18n_format(chat->cli->tr, "cli.unsaved", I18N_E(why));
	cli_tell(text);
	free(text);
}

/* --- Running --------------------------------------------------------------------------------- */

/* Where the turn goes. A store that cannot be used is told, and the answer given all the same. */
static int open_store(struct chat *chat)
{
	char err[512];
	struct cli *cli = chat->cli;
	const char *id = option_string(cli->options, OPTION_SESSION);
	if (option_flag(cli->options, OPTION_NO_SAVE) || option_flag(cli->options, OPTION_RAW))
		return 0;
	if (cli_open_sessions(cli, &chat->sessions)) {
		chat->sessions = NULL;
		return 0;
	}
	if (sessions_notice(chat->sessions))
		cli_fail(chat->cli, "%s", sessions_notice(chat->sessions));
	bool latest = option_flag(cli->options, OPTION_CONTINUE), existing = latest || (id && strcmp(id, "new") != 0);
	if (existing && session_find(chat->sessions, latest ? "" : id, &chat->session, err, sizeof(err)))
		return cli_fail(chat->cli, "%s", err);
	const char *why = sessions_read_only(chat->sessions);
	if (why && !existing) {
		tell_unsaved(chat, why);
		sessions_close(chat->sessions);
		chat->sessions = NULL;
		return 0;
	}
	if (existing) {
		if (session_lock(chat->sessions, chat->session.row, err, sizeof(err)))
			return cli_fail(chat->cli, "%s", err);
		return 0;
	}
	if (session_create(chat->sessions, engine_model(chat->engine)->name, chat->system, &chat->session, err,
			   sizeof(err)) == 0)
		return 0;
	tell_unsaved(chat, err);
	sessions_close(chat->sessions);
	chat->sessions = NULL;
	return 0;
}

/* A one-shot's conversation is named after its question, as in the chat. */
static void name_session(struct chat *chat, const struct buffer *prompt)
{
	char err[256];
	if (chat->session.title && *chat->session.title)
		return;
	char *line = i18n_sanitize_line(prompt->data, strcspn(prompt->data, "\n")),
	     *title = i18n_truncate(chat->cli->tr, line, 40);
	session_rename(chat->sessions, chat->session.row, title, err, sizeof(err));
	free(title);
	free(line);
}

/* A conversation keeps the one that it began with, as in the chat, unless another is asked for. */
static const char *system_prompt(const struct chat *chat)
{
	const struct options *options = chat->cli->options;
	bool other = option_given(options, OPTION_SYSTEM) || option_given(options, OPTION_ROLE);
	return chat->session.system && !other ? chat->session.system : chat->system;
}

static int start(struct chat *chat, const struct buffer *prompt, char *err, size_t errlen)
{
	struct cli *cli = chat->cli;
	const struct engine_model *model = engine_model(chat->engine);
	struct engine_sampling sampling = options_sampling(cli->options, &model->sampling);
	int max_tokens = (int)option_integer(cli->options, OPTION_MAX_TOKENS);
	if (option_flag(cli->options, OPTION_RAW)) {
		struct engine_request request = {
			.raw = prompt->data, .raw_len = prompt->len, .sampling = sampling, .max_tokens = max_tokens};
		return engine_submit(chat->engine, &request, err, errlen);
	}
	struct turn_options options = {
		.engine = chat->engine,
		.sessions = chat->sessions,
		.session = chat->session.row,
		.model_name = model->name,
		.system = system_prompt(chat),
		.sampling = sampling,
		.max_tokens = max_tokens,
		.cache_id = chat->sessions ? chat->session.id : NULL,
		.cache_limit = cache_limit(cli->options),
	};
	return turn_start(&chat->turn, &options, prompt->data, prompt->len, err, errlen);
}

static int answer(struct chat *chat)
{
	char err[512];
	struct buffer prompt = {0};
	int code = 1;
	chat->system = options_system(chat->cli->options, err, sizeof(err));
	if (!chat->system || build_prompt(chat->cli, &prompt, err, sizeof(err))) {
		cli_fail(chat->cli, "%s", err);
		goto out;
	}
	if (cli_open_engine(chat->cli, false, &chat->engine) || open_store(chat))
		goto out;
	if (start(chat, &prompt, err, sizeof(err))) {
		cli_fail(chat->cli, "%s", err);
		goto out;
	}
	if (wait_for_answer(chat) == 0) {
		print_result(chat);
		code = chat->interrupted ? EXIT_INTERRUPTED : chat->out_error ? 1 : 0;
		if (chat->out_error && chat->out_error != EPIPE)
			cli_fail(chat->cli, "standard output: %s", strerror(chat->out_error));
	}
	if (chat->turn && turn_storage_error(chat->turn))
		tell_unsaved(chat, turn_storage_error(chat->turn));
	if (chat->sessions)
		name_session(chat, &prompt);
out:
	buffer_free(&prompt);
	return code;
}

int cli_chat(struct cli *cli)
{
	struct chat chat = {.cli = cli, .json = option_flag(cli->options, OPTION_JSON)};
	chat.signals = signals_open((int[]){SIGINT, SIGTERM, SIGHUP, 0});
	int code = answer(&chat);
	turn_free(chat.turn);
	engine_close(chat.engine);
	session_free(&chat.session);
	if (chat.sessions)
		sessions_close(chat.sessions);
	buffer_free(&chat.raw_answer);
	free(chat.system);
	signals_close();
	return code;
}
