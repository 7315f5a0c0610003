/* bora tokenize, bora detokenize: text to ids on one line, and back to the raw bytes. */
#include "cli.h"
#include "ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_words(const struct cli *cli, const char *command)
{
	if (cli->argc == 0 || (cli->argc == 1 && strcmp(cli->argv[0], "-") == 0))
		return 0;
	cli_fail(cli, "%s: “%s” is one word too many; it reads standard input", command, cli->argv[0]);
	return 2;
}

static int finish_output(const struct cli *cli)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : cli_fail(cli, "standard output: %s", strerror(errno));
}

static int token_flags(const struct cli *cli)
{
	return (option_flag(cli->options, OPTION_NO_BOS) ? 0 : ENGINE_TOKENS_BOS) |
	       (option_flag(cli->options, OPTION_SPECIAL) ? ENGINE_TOKENS_SPECIAL : 0);
}

int cli_tokenize(struct cli *cli)
{
	char err[512];
	struct buffer text = {0};
	struct engine *engine = NULL;
	int32_t *ids = NULL;
	size_t count;
	int code = check_words(cli, "tokenize");
	if (code || (code = cli_open_engine(cli, true, &engine)))
		return code;
	code = 1;
	if (cli_read_all(STDIN_FILENO, 0, &text, err, sizeof(err)) ||
	    engine_tokenize(engine, text.data ? text.data : "", text.len, token_flags(cli), &ids, &count, err,
			    sizeof(err))) {
		cli_fail(cli, "%s", err);
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		printf("%s%d", i ? " " : "", ids[i]);
	putchar('\n');
	code = finish_output(cli);
out:
	free(ids);
	buffer_free(&text);
	engine_close(engine);
	return code;
}

int cli_detokenize(struct cli *cli)
{
	char err[512], *bytes = NULL;
	struct buffer text = {0};
	struct engine *engine = NULL;
	int32_t *ids = NULL;
	size_t count, len;
	int code = check_words(cli, "detokenize");
	if (code || (code = cli_open_engine(cli, true, &engine)))
		return code;
	code = 1;
	if (cli_read_all(STDIN_FILENO, 0, &text, err, sizeof(err)) ||
	    ids_parse(text.data ? text.data : "", text.len, &ids, &count, err, sizeof(err)) ||
	    engine_detokenize(engine, ids, count, &bytes, &len, err, sizeof(err))) {
		cli_fail(cli, "%s", err);
		goto out;
	}
	fwrite(bytes, 1, len, stdout);
	code = finish_output(cli);
out:
	free(bytes);
	free(ids);
	buffer_free(&text);
	engine_close(engine);
	return code;
}
