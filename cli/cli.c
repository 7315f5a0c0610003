#include "cli.h"
#include "../model_speeds.h"
#include "../model_store.h"
#include "../paths.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct cli_command cli_commands[] = {
	{"sessions", cli_sessions,
	 "[ls] | show ID | search QUERY | export ID | import FILE… | rename ID TITLE | rm ID… | "
	 "fork ID | pin ID | unpin ID | check"},
	{"models", cli_models, "[ls] | show NAME|FILE | rm NAME [--yes]"},
	{"roles", cli_roles, "[ls] | show NAME"},
	{"fim", cli_fim, "--prefix FILE --suffix FILE"},
	{"config", cli_config, "[ls] | get KEY | set KEY VALUE | path | edit | --init | --print"},
	{"completion", cli_completion, "bash | zsh | fish"},
	{"pull", cli_pull, "NAME | hf:USER/REPO[:QUANT] | ollama:NAME[:TAG] | URL"},
	{"tokenize", cli_tokenize, "-m MODEL [--no-bos] [--special]"},
	{"detokenize", cli_detokenize, "-m MODEL"},
	{"score", cli_score, "-m MODEL [--ids] [--top N]"},
	{"bench", cli_bench, "-m MODEL [-p N,…] [-n N,…] [-d N,…] [-t N,…] [-b N,…] [-r N] | --languages"},
	{"render", cli_render, "[--width N] [--markdown]"},
	{"terminal", cli_terminal, ""},
	{NULL, NULL, NULL},
};

void cli_tell(const char *text)
{
	char *line = i18n_sanitize_line(text, strlen(text));
	fprintf(stderr, "bora: %s\n", line);
	free(line);
}

int cli_fail(const struct cli *cli, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *english = xvasprintf(format, args);
	va_end(args);
	char *text = i18n_error(cli->tr, english);
	cli_tell(text);
	free(text);
	free(english);
	return 1;
}

bool cli_ask(const struct cli *cli, const char *question)
{
	char line[64] = "";
	fprintf(stderr, "%s ", question);
	fflush(stderr);
	if (!fgets(line, sizeof(line), stdin)) {
		fputs("\n", stderr);
		return false;
	}
	const char *yes = i18n_text(cli->tr, "models.yes"), *answer = line + strspn(line, " \t");
	struct buffer folded = {0};
	i18n_fold(cli->tr, answer, strcspn(answer, "\r\n"), &folded);
	bool agreed = folded.len && (folded.data[0] == 'y' || strncmp(folded.data, yes, strlen(yes)) == 0);
	buffer_free(&folded);
	return agreed;
}

void cli_warnings(const struct cli *cli)
{
	const char *line = options_warnings(cli->options);
	for (; *line; line += strcspn(line, "\n"), line += *line == '\n')
		cli_fail(cli, "%.*s", (int)strcspn(line, "\n"), line);
}

int cli_open_sessions(struct cli *cli, struct sessions **sessions)
{
	char err[512];
	char *dir = path_dir(PATH_DATA);
	int failed = sessions_open(sessions, dir, cli->tr, err, sizeof(err));
	free(dir);
	return failed ? cli_fail(cli, "%s", err) : 0;
}

int cli_open_engine(struct cli *cli, bool vocab_only, struct engine **engine)
{
	char err[512];
	char *path;
	if (model_store_find(option_string(cli->options, OPTION_MODEL), &path, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	struct engine_options options;
	options_engine(cli->options, &options);
	options.path = path;
	options.vocab_only = vocab_only;
	int failed = engine_open(engine, &options, err, sizeof(err));
	free(path);
	if (failed)
		return cli_fail(cli, "%s", err);
	if (engine_wait(*engine, err, sizeof(err)) == 0)
		return 0;
	engine_close(*engine);
	*engine = NULL; /* callers close what they got */
	return cli_fail(cli, "%s", err);
}

void cli_keep_speed(const struct cli *cli, int tokens, double ms)
{
	char err[512], *path;
	if (option_flag(cli->options, OPTION_NO_SAVE) ||
	    model_store_find(option_string(cli->options, OPTION_MODEL), &path, err, sizeof(err)))
		return;
	model_speeds_keep(path, tokens, ms);
	free(path);
}

int cli_read_all(int fd, size_t most, struct buffer *out, char *err, size_t errlen)
{
	char block[65536];
	for (;;) {
		ssize_t got = read(fd, block, sizeof(block));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			snprintf(err, errlen, "cannot read: %s", strerror(errno));
			return -1;
		}
		if (got == 0)
			return 0;
		buffer_append(out, block, (size_t)got);
		if (most && out->len > most) {
			snprintf(err, errlen, "more than %zu MiB came in, which no model reads; pass on a part of it",
				 most >> 20);
			return -1;
		}
	}
}
