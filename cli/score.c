/* bora score: the log-probability of each token of a text, and of the likeliest alternatives. */
#include "cli.h"
#include "ids.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* JSON has no infinity. */
static double json_number(float logprob)
{
	return isfinite(logprob) ? (double)logprob : -1e30;
}

static void print_score(void *arg, const struct engine_score *score)
{
	printf("{\"pos\":%d,\"id\":%d", score->pos, score->id);
	if (score->has_next)
		printf(",\"next_logprob\":%.9g", json_number(score->next_logprob));
	fputs(",\"next\":[", stdout);
	for (int i = 0; i < score->top; i++)
		printf("%s[%d,%.9g]", i ? "," : "", score->next_ids[i], json_number(score->next_logprobs[i]));
	puts("]}");
}

/* A context as long as the text at most can be, unless the person chose: unused room costs nothing. */
static int make_room(const struct cli *cli, size_t bytes, char *err, size_t errlen)
{
	char number[24];
	if (option_given(cli->options, OPTION_CTX_SIZE))
		return 0;
	size_t most = bytes + 16 < (16u << 20) ? bytes + 16 : 16u << 20;
	snprintf(number, sizeof(number), "%zu", most);
	return options_set(cli->options, OPTION_CTX_SIZE, number, err, errlen);
}

static int get_ids(const struct cli *cli, struct engine *engine, const struct buffer *text, int32_t **ids,
		   size_t *count, char *err, size_t errlen)
{
	const char *data = text->data ? text->data : "";
	if (option_flag(cli->options, OPTION_IDS))
		return ids_parse(data, text->len, ids, count, err, errlen);
	int flags = (option_flag(cli->options, OPTION_NO_BOS) ? 0 : ENGINE_TOKENS_BOS) |
		    (option_flag(cli->options, OPTION_SPECIAL) ? ENGINE_TOKENS_SPECIAL : 0);
	return engine_tokenize(engine, data, text->len, flags, ids, count, err, errlen);
}

int cli_score(struct cli *cli)
{
	char err[512];
	struct buffer text = {0};
	struct engine *engine = NULL;
	int32_t *ids = NULL;
	size_t count;
	int code = 1, top = (int)option_integer(cli->options, OPTION_TOP);
	if (cli_read_all(STDIN_FILENO, 0, &text, err, sizeof(err)) || make_room(cli, text.len, err, sizeof(err))) {
		cli_fail(cli, "%s", err);
		goto out;
	}
	if ((code = cli_open_engine(cli, false, &engine)))
		goto out;
	if (get_ids(cli, engine, &text, &ids, &count, err, sizeof(err)) ||
	    engine_score(engine, ids, count, top, print_score, NULL, err, sizeof(err)))
		code = cli_fail(cli, "%s", err);
	else if (fflush(stdout) != 0 || ferror(stdout))
		code = cli_fail(cli, "standard output: %s", strerror(errno));
out:
	free(ids);
	buffer_free(&text);
	engine_close(engine);
	return code;
}
