/* bora bench: tokens a second, with the tests and field names of llama-bench. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { VALUES_MAX = 64, TOKENS_MAX = 1 << 24 };

struct values {
	int count, value[VALUES_MAX];
};

struct tests {
	struct values prompt, gen, depth;
};

struct test {
	int prompt, gen, depth;
	bool several; /* there are more numbers of threads or batches than one */
};

struct samples {
	int count;
	double *per_second, mean, deviation;
};

static int parse_values(const struct cli *cli, const char *option, const char *text, struct values *values)
{
	values->count = 0;
	for (const char *at = text;; at++) {
		char *end;
		errno = 0;
		long number = strtol(at, &end, 10);
		if (end == at || errno || number < 0 || number > TOKENS_MAX || (*end && *end != ',')) {
			cli_fail(cli, "%s: “%s” is no list of numbers; write for example 128,512", option, text);
			return 2;
		}
		if (values->count == VALUES_MAX) {
			cli_fail(cli, "%s: more than %d values; give fewer", option, VALUES_MAX);
			return 2;
		}
		values->value[values->count++] = (int)number;
		at = end;
		if (!*at)
			return 0;
	}
}

static void compute_statistics(struct samples *s)
{
	double sum = 0, squares = 0;
	for (int i = 0; i < s->count; i++)
		sum += s->per_second[i];
	s->mean = sum / s->count;
	for (int i = 0; i < s->count; i++)
		squares += (s->per_second[i] - s->mean) * (s->per_second[i] - s->mean);
	s->deviation = s->count > 1 ? sqrt(squares / (s->count - 1)) : 0;
}

static int64_t peak_memory(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

static char *test_name(const struct test *test)
{
	char *name = test->prompt ? xasprintf("pp%d", test->prompt) : xasprintf("tg%d", test->gen);
	if (test->depth) {
		char *deep = xasprintf("%s @ d%d", name, test->depth);
		free(name);
		name = deep;
	}
	return name;
}

static void print_json(const struct engine_model *model, const struct test *test, const struct samples *s)
{
	char *name = test_name(test);
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "test", name);
	cJSON_AddStringToObject(json, "model", model->name);
	cJSON_AddNumberToObject(json, "n_prompt", test->prompt);
	cJSON_AddNumberToObject(json, "n_gen", test->gen);
	cJSON_AddNumberToObject(json, "n_depth", test->depth);
	cJSON_AddNumberToObject(json, "n_threads", model->threads);
	cJSON_AddNumberToObject(json, "n_batch", model->batch);
	cJSON_AddNumberToObject(json, "avg_ts", s->mean);
	cJSON_AddNumberToObject(json, "stddev_ts", s->deviation);
	cJSON_AddItemToObject(json, "samples_ts", cJSON_CreateDoubleArray(s->per_second, s->count));
	cJSON_AddNumberToObject(json, "peak_rss", (double)peak_memory());
	char *text = cJSON_PrintUnformatted(json);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(json);
	free(name);
}

static void print_row(const struct engine_model *model, const struct test *test, const struct samples *s)
{
	char *name = test_name(test);
	printf("%-18s ", name);
	if (test->several)
		printf("t%-3d b%-5d", model->threads, model->batch);
	printf("%10.2f ± %.2f\n", s->mean, s->deviation);
	free(name);
}

static int run_test(struct cli *cli, struct engine *engine, const struct test *test)
{
	char err[512];
	double seconds;
	struct samples s = {.count = (int)option_integer(cli->options, OPTION_REPEATS)};
	int code = 0, tokens = test->prompt + test->gen;
	s.per_second = xcalloc((size_t)s.count, sizeof(*s.per_second));
	/* One run, or a few tokens, to bring everything into the caches. */
	if (engine_bench(engine, test->prompt, test->gen < 2 ? test->gen : 2, test->depth, &seconds, err, sizeof(err)))
		code = cli_fail(cli, "%s", err);
	for (int i = 0; i < s.count && !code; i++) {
		if (engine_bench(engine, test->prompt, test->gen, test->depth, &seconds, err, sizeof(err)))
			code = cli_fail(cli, "%s", err);
		s.per_second[i] = seconds > 0 ? tokens / seconds : 0;
	}
	if (!code) {
		compute_statistics(&s);
		if (test->gen && !test->depth)
			cli_keep_speed(cli, test->gen, test->gen * 1000.0 / s.mean);
		bool json = option_flag(cli->options, OPTION_JSON);
		(json ? print_json : print_row)(engine_model(engine), test, &s);
		if (fflush(stdout) != 0)
			code = cli_fail(cli, "standard output: %s", strerror(errno));
	}
	free(s.per_second);
	return code;
}

static int run_tests(struct cli *cli, struct engine *engine, bool several, const struct tests *tests)
{
	const struct values *prompt = &tests->prompt, *gen = &tests->gen, *depth = &tests->depth;
	int code = 0;
	for (int d = 0; d < depth->count; d++) {
		for (int i = 0; i < prompt->count && !code; i++)
			if (prompt->value[i])
				code = run_test(cli, engine,
						&(struct test){prompt->value[i], 0, depth->value[d], several});
		for (int i = 0; i < gen->count && !code; i++)
			if (gen->value[i])
				code = run_test(cli, engine,
						&(struct test){0, gen->value[i], depth->value[d], several});
	}
	return code;
}

/* All tests with one number of threads and one batch. */
static int run_with(struct cli *cli, int threads, int batch, bool several, const struct tests *tests)
{
	char err[512], number[24];
	struct engine *engine;
	snprintf(number, sizeof(number), "%d", threads);
	if (options_set(cli->options, OPTION_THREADS, number, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	snprintf(number, sizeof(number), "%d", batch);
	if (options_set(cli->options, OPTION_BATCH, number, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	int code = cli_open_engine(cli, false, &engine);
	if (code)
		return code;
	code = run_tests(cli, engine, several, tests);
	engine_close(engine);
	return code;
}

static int largest(const struct values *values)
{
	int most = 0;
	for (int i = 0; i < values->count; i++)
		most = values->value[i] > most ? values->value[i] : most;
	return most;
}

int cli_bench(struct cli *cli)
{
	char err[512], number[24];
	struct tests tests;
	struct values threads, batch;
	if (option_flag(cli->options, OPTION_LANGUAGES))
		return cli_bench_languages(cli);
	const char *asked = option_string(cli->options, OPTION_PROMPT);
	if (parse_values(cli, "-p", asked && *asked ? asked : "512", &tests.prompt) ||
	    parse_values(cli, "-n", option_string(cli->options, OPTION_GEN), &tests.gen) ||
	    parse_values(cli, "-d", option_string(cli->options, OPTION_DEPTH), &tests.depth) ||
	    parse_values(cli, "-t", option_string(cli->options, OPTION_THREADS), &threads) ||
	    parse_values(cli, "-b", option_string(cli->options, OPTION_BATCH), &batch))
		return 2;
	int prompt = largest(&tests.prompt), gen = largest(&tests.gen);
	snprintf(number, sizeof(number), "%d", largest(&tests.depth) + (prompt > gen ? prompt : gen) + 1);
	if (!option_given(cli->options, OPTION_CTX_SIZE) &&
	    options_set(cli->options, OPTION_CTX_SIZE, number, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	int code = 0;
	bool several = threads.count > 1 || batch.count > 1;
	for (int t = 0; t < threads.count; t++)
		for (int b = 0; b < batch.count && !code; b++)
			code = run_with(cli, threads.value[t], batch.value[b], several, &tests);
	return code;
}
