#include "output.h"
#include "extract.h"
#include "tidy.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct output {
	const struct i18n *tr;
	enum role_output role;
	bool json, stream, raw;  /* one object at the end; an object a line; no newline added */
	int block;               /* of --extract; 0: all blocks */
	struct extract *extract; /* NULL: everything */
	struct buffer extracted;
	char *session, *model;
	int error;
};

/* --- Writing ------------------------------------------------------------------------------ */

static void write_bytes(struct output *o, const char *text, size_t len)
{
	if (o->error || len == 0)
		return;
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)
		o->error = errno;
}

static void write_json(struct output *o, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	write_bytes(o, text, strlen(text));
	write_bytes(o, "\n", 1);
	cJSON_free(text);
	cJSON_Delete(json);
}

/* JSON is UTF-8 whatever the model wrote. */
static void add_text(cJSON *json, const char *key, const char *text, size_t len)
{
	struct buffer clean = {0};
	i18n_repair(text, len, &clean);
	cJSON_AddStringToObject(json, key, clean.data ? clean.data : "");
	buffer_free(&clean);
}

static cJSON *event(const char *type)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "type", type);
	return json;
}

static void add_names(const struct output *o, cJSON *json)
{
	if (o->session)
		cJSON_AddStringToObject(json, "session", o->session);
	else
		cJSON_AddNullToObject(json, "session");
	add_text(json, "model", o->model ? o->model : "", o->model ? strlen(o->model) : 0);
}

/* --- Life ------------------------------------------------------------------------------------ */

static int read_block(const char *text, int *block, char *err, size_t errlen)
{
	char *end;
	errno = 0;
	long number = strtol(text, &end, 10);
	*block = (int)number;
	if (*text == '\0' || (*end == '\0' && !errno && number >= 1 && number <= INT_MAX))
		return 0;
	snprintf(err, errlen, "--extract takes the number of a code block, from 1, not '%s'", text);
	return -1;
}

struct output *output_create(const struct cli *cli, enum role_output role, char *err, size_t errlen)
{
	const struct options *options = cli->options;
	const char *block = option_string(options, OPTION_EXTRACT);
	int number = 0;
	if (block && read_block(block, &number, err, errlen))
		return NULL;
	struct output *o = xcalloc(1, sizeof(*o));
	o->tr = cli->tr;
	o->role = role;
	o->block = number;
	o->stream = option_flag(options, OPTION_STREAM_JSON);
	o->json = !o->stream && option_flag(options, OPTION_JSON);
	o->raw = option_flag(options, OPTION_RAW);
	o->extract = block ? extract_create(number) : NULL;
	return o;
}

void output_free(struct output *o)
{
	if (!o)
		return;
	extract_free(o->extract);
	buffer_free(&o->extracted);
	free(o->session);
	free(o->model);
	free(o);
}

/* --- The answer --------------------------------------------------------------------------------- */

void output_start(struct output *o, const char *session, const char *model)
{
	o->session = session ? xstrdup(session) : NULL;
	o->model = xstrdup(model);
	if (!o->stream)
		return;
	cJSON *json = event("start");
	add_names(o, json);
	write_json(o, json);
}

/* What has been cut out since. */
static void write_extracted(struct output *o, size_t before)
{
	if (o->extracted.len > before)
		write_bytes(o, o->extracted.data + before, o->extracted.len - before);
}

/* Text goes out as it comes, unless it is to be tidied as a whole. */
static bool goes_out(const struct output *o)
{
	return !o->json && !o->stream && o->role == ROLE_TEXT;
}

void output_text(struct output *o, const char *text, size_t len)
{
	if (o->stream) {
		cJSON *json = event("delta");
		add_text(json, "text", text, len);
		write_json(o, json);
	}
	size_t before = o->extracted.len;
	if (o->extract)
		extract_add(o->extract, text, len, &o->extracted);
	if (!goes_out(o))
		return;
	if (o->extract)
		write_extracted(o, before);
	else
		write_bytes(o, text, len);
}

static double per_second(int tokens, double ms)
{
	return ms > 0 ? tokens * 1000.0 / ms : 0;
}

static void add_figures(cJSON *json, const struct engine_usage *u)
{
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
}

static void write_result(struct output *o, const struct output_result *result, const char *extracted, bool found)
{
	static const char *const reasons[] = {
		[ENGINE_STOP] = "stop", [ENGINE_LENGTH] = "length", [ENGINE_INTERRUPTED] = "interrupted"};
	cJSON *json = o->stream ? event("done") : cJSON_CreateObject();
	add_names(o, json);
	add_text(json, "content", result->answer, result->len);
	if (extracted && found)
		add_text(json, "extracted", extracted, strlen(extracted));
	else if (extracted)
		cJSON_AddNullToObject(json, "extracted");
	cJSON_AddStringToObject(json, "finish_reason", reasons[result->finish]);
	add_figures(json, result->usage);
	write_json(o, json);
}

/* What is asked for, out of the answer; NULL: all of it is. */
static char *wanted_text(struct output *o, const struct output_result *result)
{
	const char *text = o->extract ? o->extracted.data : result->answer;
	size_t len = o->extract ? o->extracted.len : result->len;
	if (o->role != ROLE_TEXT)
		return tidy_answer(o->tr, o->role, text ? text : "", len);
	return o->extract ? xstrndup(text ? text : "", len) : NULL;
}

static int no_block(const struct output *o, char *err, size_t errlen)
{
	char *text = i18n_format(o->tr, "cli.no-block", I18N_I(o->block), I18N_I(extract_count(o->extract)));
	snprintf(err, errlen, "%s", text);
	free(text);
	return -1;
}

int output_done(struct output *o, const struct output_result *result, char *err, size_t errlen)
{
	size_t before = o->extracted.len;
	if (o->extract)
		extract_end(o->extract, &o->extracted);
	bool found = !o->extract || extract_found(o->extract);
	char *wanted = wanted_text(o, result);
	if (o->json || o->stream) {
		write_result(o, result, wanted, found);
	} else if (goes_out(o)) {
		write_extracted(o, before);
		const char *all = wanted ? wanted : result->answer;
		size_t len = wanted ? strlen(wanted) : result->len;
		if (len && all[len - 1] != '\n' && !o->raw)
			write_bytes(o, "\n", 1);
	} else if (wanted[0]) {
		write_bytes(o, wanted, strlen(wanted));
		write_bytes(o, "\n", 1);
	}
	free(wanted);
	return found ? 0 : no_block(o, err, errlen);
}

void output_fail(struct output *o, const char *line)
{
	if (!o->stream)
		return;
	cJSON *json = event("error");
	add_text(json, "message", line, strlen(line));
	write_json(o, json);
}

int output_error(const struct output *o)
{
	return o->error;
}
