/* bora fim: what belongs between two texts, from models that were taught to fill gaps. */
#include "cli.h"
#include "output.h"
#include "../signals.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_INTERRUPTED = 130, USAGE = 2 };

struct gap {
	struct cli *cli;
	struct engine *engine;
	struct output *output;
	struct buffer before, behind, middle;
	size_t written; /* of middle */
	int signals;
	bool interrupted, repeated; /* repeated: what is behind has come, so that nothing belongs between any more */
};

static int read_text(const char *path, struct buffer *out, char *err, size_t errlen)
{
	char reason[256];
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int failed = fd < 0;
	if (failed)
		snprintf(err, errlen, "%s: cannot open: %s", path, strerror(errno));
	else if ((failed = cli_read_all(fd, 0, out, reason, sizeof(reason))))
		snprintf(err, errlen, "%s: %s", path, reason);
	if (fd >= 0 && !standard)
		close(fd);
	return failed ? -1 : 0;
}

/* How much of the end of middle is the beginning of what is behind. */
static size_t overlap(const struct gap *gap)
{
	size_t most = gap->middle.len < gap->behind.len ? gap->middle.len : gap->behind.len;
	for (size_t len = most; len > 0; len--)
		if (memcmp(gap->middle.data + gap->middle.len - len, gap->behind.data, len) == 0)
			return len;
	return 0;
}

/* A model that does not stop repeats what is behind. A bracket alone may well belong on both sides: only an overlap
 * with the whole of the first line that says something is one. */
static bool repeats(const struct gap *gap, size_t len)
{
	const char *text = gap->behind.data;
	size_t at = 0, said = 0;
	while (at < gap->behind.len && isspace((unsigned char)text[at]))
		at++;
	for (; at < gap->behind.len && text[at] != '\n'; at++)
		said += !isspace((unsigned char)text[at]);
	return said > 1 && len >= at;
}

/* So much of what is behind that it is no chance: two lines that say something, or all there is. */
static bool goes_on_behind(const struct gap *gap, size_t len)
{
	size_t all = gap->behind.len, lines = 0, said = 0;
	while (all && isspace((unsigned char)gap->behind.data[all - 1]))
		all--;
	for (size_t i = 0; i < len; i++) {
		bool end = gap->behind.data[i] == '\n';
		lines += end && said > 0;
		said = end ? 0 : said + !isspace((unsigned char)gap->behind.data[i]);
	}
	return repeats(gap, len) && (lines > 1 || len >= all);
}

static void write_middle(struct gap *gap, size_t end)
{
	if (end > gap->written)
		output_text(gap->output, gap->middle.data + gap->written, end - gap->written);
	gap->written = end > gap->written ? end : gap->written;
	if (output_error(gap->output))
		engine_cancel(gap->engine);
}

static int done(struct gap *gap, const struct engine_event *event)
{
	char err[256];
	size_t held = gap->middle.len - gap->written, len = held ? overlap(gap) : 0;
	write_middle(gap, gap->middle.len - (len <= held && repeats(gap, len) ? len : 0));
	struct output_result result = {.answer = gap->middle.data ? gap->middle.data : "",
				       .len = gap->written,
				       .finish = gap->repeated ? ENGINE_STOP : event->finish,
				       .usage = &event->usage};
	if (output_done(gap->output, &result, err, sizeof(err)))
		cli_tell(err);
	cli_keep_speed(gap->cli, event->usage.completion_tokens, event->usage.predicted_ms);
	return gap->interrupted ? EXIT_INTERRUPTED : output_error(gap->output) ? 1 : 0;
}

/* Letter by letter: a piece may hold the end of a repetition and more. */
static void take_text(struct gap *gap, const char *text, size_t len)
{
	size_t held = 0;
	for (size_t i = 0; i < len && !gap->repeated; i++) {
		buffer_append(&gap->middle, text + i, 1);
		held = overlap(gap);
		gap->repeated = goes_on_behind(gap, held);
	}
	write_middle(gap, gap->middle.len - held); /* what is held may turn out to be a repetition */
	if (gap->repeated)
		engine_cancel(gap->engine);
}

/* -1: it goes on; else the exit code. */
static int take_event(struct gap *gap, const struct engine_event *event)
{
	if (event->type == ENGINE_TEXT) {
		take_text(gap, event->text, event->len);
	} else if (event->type == ENGINE_DONE) {
		return done(gap, event);
	} else if (event->type == ENGINE_ERROR) {
		char *line = xstrndup(event->text, event->len);
		output_fail(gap->output, line);
		cli_fail(gap->cli, "%s", line);
		free(line);
		return 1;
	}
	return -1;
}

static int wait_for_middle(struct gap *gap)
{
	for (;;) {
		struct engine_event event;
		while (engine_poll(gap->engine, &event) != ENGINE_NONE) {
			int code = take_event(gap, &event);
			if (code >= 0)
				return code;
		}
		struct pollfd fds[] = {{.fd = engine_wake_fd(gap->engine), .events = POLLIN},
				       {.fd = gap->signals, .events = POLLIN}};
		poll(fds, 2, -1);
		while (fds[1].revents && signals_next(gap->signals)) {
			gap->interrupted = true;
			engine_cancel(gap->engine);
		}
	}
}

static int fill(struct gap *gap)
{
	char err[512];
	struct cli *cli = gap->cli;
	if (cli_open_engine(cli, false, &gap->engine))
		return 1;
	const struct engine_model *model = engine_model(gap->engine);
	output_start(gap->output, NULL, model->name);
	struct engine_request request = {
		.raw = gap->before.data ? gap->before.data : "",
		.raw_len = gap->before.len,
		.suffix = gap->behind.data ? gap->behind.data : "",
		.suffix_len = gap->behind.len,
		.sampling = options_sampling(cli->options, &model->sampling),
		.max_tokens = (int)option_integer(cli->options, OPTION_MAX_TOKENS),
	};
	if (engine_submit(gap->engine, &request, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	return wait_for_middle(gap);
}

/* What suits gaps, where nobody asked for something else: the likeliest tokens, not too many. */
static int prepare(struct gap *gap, char *err, size_t errlen)
{
	struct options *options = gap->cli->options;
	const char *before = option_string(options, OPTION_PREFIX), *behind = option_string(options, OPTION_SUFFIX);
	if (options_set_from(options, SOURCE_ROLE, OPTION_TEMP, "0", err, errlen) ||
	    options_set_from(options, SOURCE_ROLE, OPTION_MAX_TOKENS, "256", err, errlen) ||
	    options_set_from(options, SOURCE_ROLE, OPTION_RAW, "yes", err, errlen))
		return -1;
	if (before && behind && strcmp(before, "-") == 0 && strcmp(behind, "-") == 0) {
		snprintf(err, errlen, "standard input can be either --prefix or --suffix, not both");
		return -1;
	}
	gap->output = output_create(gap->cli, ROLE_TEXT, err, errlen);
	return !gap->output || (before && read_text(before, &gap->before, err, errlen)) ||
			       (behind && read_text(behind, &gap->behind, err, errlen))
		       ? -1
		       : 0;
}

int cli_fim(struct cli *cli)
{
	char err[512];
	struct gap gap = {.cli = cli};
	if (cli->argc || (!option_string(cli->options, OPTION_PREFIX) && !option_string(cli->options, OPTION_SUFFIX))) {
		cli_fail(cli, "usage: bora fim --prefix FILE --suffix FILE");
		return USAGE;
	}
	gap.signals = signals_open((int[]){SIGINT, SIGTERM, SIGHUP, 0});
	int code = prepare(&gap, err, sizeof(err)) ? cli_fail(cli, "%s", err) : fill(&gap);
	engine_close(gap.engine);
	output_free(gap.output);
	buffer_free(&gap.before);
	buffer_free(&gap.behind);
	buffer_free(&gap.middle);
	signals_close();
	return code;
}
