/* One answer on standard output: bora -p TEXT, bora TEXT…, echo TEXT | bora. */
#include "cli.h"
#include "output.h"
#include "../cache_store.h"
#include "../signals.h"
#include "../turn.h"
#include "../ui/ui.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_INTERRUPTED = 130, PIPED_MOST = 16 << 20 };

struct chat {
	struct cli *cli;
	struct engine *engine;
	struct sessions *sessions; /* NULL: not kept */
	struct session session;
	char *system;
	struct turn *turn;
	struct output *output;
	struct role role;
	int signals; /* readable after SIGINT, SIGTERM, SIGHUP */
	bool interrupted, progress_shown;
	struct engine_usage usage;
	enum engine_finish finish;
	struct buffer raw_answer; /* of --raw, which is no turn */
};

/* --- The prompt ---------------------------------------------------------------------- */

static void begin_part(struct buffer *prompt)
{
	if (prompt->len)
		buffer_puts(prompt, "\n\n");
}

static void end_part(struct buffer *prompt)
{
	while (prompt->len && prompt->data[prompt->len - 1] == '\n')
		prompt->data[--prompt->len] = '\0';
}

static int add_file(const struct cli *cli, struct buffer *prompt, const char *path, char *err, size_t errlen)
{
	char *warning, *error;
	begin_part(prompt);
	if (ui_read_attachment(cli->tr, path, prompt, &warning, &error)) {
		snprintf(err, errlen, "%s", error);
		free(error);
		return -1;
	}
	end_part(prompt);
	if (warning)
		fprintf(stderr, "bora: %s: %s\n", path, warning);
	free(warning);
	return 0;
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

/* Words first, then what was piped in (fenced, unless it is all there is), then files. ask, if not NULL, stands
 * for words that are not given. */
static void add_piped(struct buffer *prompt, const struct buffer *piped)
{
	begin_part(prompt);
	ui_fence(prompt, piped->data, piped->len);
	end_part(prompt);
}

/* A role that works on what is piped in, words of one's own, but nothing to work on: the model would make it up. */
static void tell_nothing_piped(const struct cli *cli)
{
	struct stat st;
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
		cli_tell(i18n_text(cli->tr, "cli.nothing-piped"));
}

/* Text in whatever encoding, as files are read; with --raw it stays as it is. */
static int read_piped(const struct cli *cli, bool raw, struct buffer *piped, char *err, size_t errlen)
{
	struct buffer bytes = {0};
	char *error = NULL;
	int failed = cli_read_all(STDIN_FILENO, PIPED_MOST, &bytes, err, errlen);
	if (!failed && raw)
		buffer_append(piped, bytes.data ? bytes.data : "", bytes.len);
	else if (!failed && (failed = ui_read_piped(cli->tr, bytes.data ? bytes.data : "", bytes.len, piped, &error)))
		snprintf(err, errlen, "%s", error);
	free(error);
	buffer_free(&bytes);
	return failed;
}

static int build_prompt(const struct cli *cli, const char *ask, struct buffer *prompt, char *err, size_t errlen)
{
	struct buffer piped = {0};
	int count;
	const char *const *files = option_list(cli->options, OPTION_FILE, &count);
	bool raw = option_flag(cli->options, OPTION_RAW), pipe = !isatty(STDIN_FILENO);
	add_words(prompt, cli);
	if (pipe && read_piped(cli, raw, &piped, err, errlen)) {
		buffer_free(&piped);
		return -1;
	}
	if (pipe && ask && !piped.len && prompt->len)
		tell_nothing_piped(cli);
	if (ask && !raw && prompt->len == 0 && (piped.len || count))
		buffer_puts(prompt, ask);
	if (piped.len && (prompt->len == 0 || raw))
		buffer_append(prompt, piped.data, piped.len);
	else if (piped.len)
		add_piped(prompt, &piped);
	buffer_free(&piped);
	for (int i = 0; i < count; i++)
		if (add_file(cli, prompt, files[i], err, errlen))
			return -1;
	if (prompt->len == 0) {
		snprintf(err, errlen, "there is nothing to answer; give a prompt with -p TEXT or on standard input");
		return -1;
	}
	return 0;
}

/* --- Events ----------------------------------------------------------------------------- */

/* One line on standard error, and to whoever reads a stream of objects. Returns the exit code. */
static int fail(struct chat *chat, const char *line)
{
	output_fail(chat->output, line);
	return cli_fail(chat->cli, "%s", line);
}

static void write_answer(struct chat *chat, const char *text, size_t len)
{
	if (output_error(chat->output))
		return;
	output_text(chat->output, text, len);
	if (output_error(chat->output))
		engine_cancel(chat->engine);
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
	case ENGINE_ERROR: {
		char *line = xstrndup(event->text, event->len);
		hide_progress(chat);
		fail(chat, line);
		free(line);
		*failed = true;
		return true;
	}
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

static void print_timings(const struct chat *chat)
{
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

static int print_result(struct chat *chat)
{
	char err[256];
	struct output_result result = {.finish = chat->finish, .usage = &chat->usage, .len = chat->raw_answer.len};
	result.answer = chat->turn              ? turn_answer(chat->turn, &result.len)
			: chat->raw_answer.data ? chat->raw_answer.data
						: "";
	int failed = output_done(chat->output, &result, err, sizeof(err));
	if (failed)
		cli_tell(err);
	cli_keep_speed(chat->cli, chat->usage.completion_tokens, chat->usage.predicted_ms);
	if (option_flag(chat->cli->options, OPTION_VERBOSE))
		print_timings(chat);
	return failed ? 1 : 0;
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
		return fail(chat, err);
	const char *why = sessions_read_only(chat->sessions);
	if (why && !existing) {
		tell_unsaved(chat, why);
		sessions_close(chat->sessions);
		chat->sessions = NULL;
		return 0;
	}
	if (existing) {
		if (session_lock(chat->sessions, chat->session.row, err, sizeof(err)))
			return fail(chat, err);
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

/* The exit code, all things considered. */
static int finish(struct chat *chat)
{
	int code = print_result(chat), error = output_error(chat->output);
	if (error && error != EPIPE)
		cli_fail(chat->cli, "standard output: %s", strerror(error));
	return chat->interrupted ? EXIT_INTERRUPTED : error ? 1 : code;
}

static int answer(struct chat *chat, const struct buffer *prompt)
{
	char err[512];
	int code = 1;
	if (cli_open_engine(chat->cli, false, &chat->engine)) {
		output_fail(chat->output, "the model could not be opened");
		return 1;
	}
	if (open_store(chat))
		return 1;
	output_start(chat->output, chat->sessions ? chat->session.id : NULL, engine_model(chat->engine)->name);
	if (start(chat, prompt, err, sizeof(err)))
		return fail(chat, err);
	if (wait_for_answer(chat) == 0)
		code = finish(chat);
	if (chat->turn && turn_storage_error(chat->turn))
		tell_unsaved(chat, turn_storage_error(chat->turn));
	if (chat->sessions)
		name_session(chat, prompt);
	return code;
}

/* The role first: it sets what the others go by. */
static int prepare(struct chat *chat, struct buffer *prompt)
{
	char err[512];
	if (role_apply(chat->cli->options, false, &chat->role, err, sizeof(err)) ||
	    !(chat->output = output_create(chat->cli, chat->role.output, err, sizeof(err))) ||
	    !(chat->system = role_system(chat->cli->options, err, sizeof(err)))) {
		cli_fail(chat->cli, "%s", err);
		return EXIT_USAGE;
	}
	return build_prompt(chat->cli, chat->role.ask, prompt, err, sizeof(err)) ? fail(chat, err) : 0;
}

int cli_chat(struct cli *cli)
{
	struct chat chat = {.cli = cli};
	struct buffer prompt = {0};
	chat.signals = signals_open((int[]){SIGINT, SIGTERM, SIGHUP, 0});
	int code = prepare(&chat, &prompt);
	if (code == 0)
		code = answer(&chat, &prompt);
	turn_free(chat.turn);
	engine_close(chat.engine);
	session_free(&chat.session);
	if (chat.sessions)
		sessions_close(chat.sessions);
	output_free(chat.output);
	role_free(&chat.role);
	buffer_free(&chat.raw_answer);
	buffer_free(&prompt);
	free(chat.system);
	signals_close();
	return code;
}
