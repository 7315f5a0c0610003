#include "options.h"
#include "nearest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option_info option_table[OPTION_COUNT] = {
#define OPTION(id, name, letter, type, flags, value, low, high, fallback, group) \
	{OPTION_##id, name, letter, OPTION_##type, flags, value, low, high, fallback, GROUP_##group},
#include "options.def"
#undef OPTION
};

struct value {
	bool given;
	char *text;    /* of the last setting; NULL: none */
	double number; /* of INTEGER and REAL */
	char **list;   /* of LIST, NULL at the end */
	int count;
};

struct options {
	struct value value[SOURCE_COUNT][OPTION_COUNT]; /* the last source that gives one counts */
	char **rest;                                    /* borrowed from argv, NULL at the end */
	int rest_count;
	bool several; /* OPTION_SEVERAL holds */
	struct buffer warnings;
};

static void value_clear(struct value *value)
{
	free(value->text);
	for (int i = 0; i < value->count; i++)
		free(value->list[i]);
	free(value->list);
	*value = (struct value){0};
}

struct options *options_create(void)
{
	struct options *options = xcalloc(1, sizeof(*options));
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_info *info = &option_table[i];
		if (!*info->fallback)
			continue;
		options->value[SOURCE_DEFAULT][i].text = xstrdup(info->fallback);
		options->value[SOURCE_DEFAULT][i].number = strtod(info->fallback, NULL);
	}
	return options;
}

void options_clear(struct options *options, enum option_source source)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		value_clear(&options->value[source][i]);
}

void options_free(struct options *options)
{
	if (!options)
		return;
	for (int source = 0; source < SOURCE_COUNT; source++)
		options_clear(options, (enum option_source)source);
	buffer_free(&options->warnings);
	free(options->rest);
	free(options);
}

enum option_source option_source(const struct options *options, enum option_id id)
{
	int source = SOURCE_COUNT - 1;
	while (source > SOURCE_DEFAULT && !options->value[source][id].given)
		source--;
	return (enum option_source)source;
}

static const struct value *value_of(const struct options *options, enum option_id id)
{
	return &options->value[option_source(options, id)][id];
}

/* --- Setting one option ------------------------------------------------------ */

static bool choice_allows(const char *choices, const char *text)
{
	size_t len = strlen(text);
	for (const char *at = choices; len && *at; at += strcspn(at, "|"), at += *at == '|')
		if (strcspn(at, "|") == len && strncmp(at, text, len) == 0)
			return true;
	return false;
}

/* As it is written where it stands: settings have no dashes. */
static const char *dashes(enum option_source source)
{
	return source == SOURCE_FILE || source == SOURCE_CHAT ? "" : "--";
}

static int parse_number(const struct option_info *info, const char *dashes, const char *text, double *number, char *err,
			size_t errlen)
{
	char *end;
	errno = 0;
	double parsed = strtod(text, &end);
	bool whole = info->type != OPTION_INTEGER || parsed == floor(parsed);
	if (end == text || *end || errno || !isfinite(parsed) || !whole) {
		snprintf(err, errlen,
			 info->type == OPTION_INTEGER ? "%s%s needs a whole number, not '%s'"
						      : "%s%s needs a number, not '%s'",
			 dashes, info->name, text);
		return -1;
	}
	if (parsed < info->low || parsed > info->high) {
		snprintf(err, errlen, "%s%s must be between %.15g and %.15g, not %s", dashes, info->name, info->low,
			 info->high, text);
		return -1;
	}
	*number = parsed;
	return 0;
}

/* Several numbers with commas between; *number: the first. */
static int parse_numbers(const struct option_info *info, const char *dashes, const char *text, double *number,
			 char *err, size_t errlen)
{
	char *copy = xstrdup(text);
	int failed = 0;
	bool first = true;
	for (char *at = copy, *end; !failed && at; at = end) {
		double each;
		end = strchr(at, ',');
		if (end)
			*end++ = '\0';
		failed = parse_number(info, dashes, at, &each, err, errlen);
		if (!failed && first)
			*number = each;
		first = false;
	}
	free(copy);
	return failed;
}

static int parse_flag(const struct option_info *info, const char *text, bool *on, char *err, size_t errlen)
{
	static const char *const yes[] = {"yes", "on", "true", "1"}, *const no[] = {"no", "off", "false", "0"};
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (strcmp(text, yes[i]) == 0)
			return *on = true, 0;
		if (strcmp(text, no[i]) == 0)
			return *on = false, 0;
	}
	snprintf(err, errlen, "%s is either yes or no, not '%s'", info->name, text);
	return -1;
}

static void list_add(struct value *value, const char *text)
{
	value->list = xreallocarray(value->list, (size_t)value->count + 2, sizeof(*value->list));
	value->list[value->count++] = xstrdup(text);
	value->list[value->count] = NULL;
}

int options_set_from(struct options *options, enum option_source source, enum option_id id, const char *text, char *err,
		     size_t errlen)
{
	const struct option_info *info = &option_table[id];
	struct value *value = &options->value[source][id];
	bool on = true;
	double number = 0;
	switch (info->type) {
	case OPTION_INTEGER:
	case OPTION_REAL:
		if ((options->several && (info->flags & OPTION_SEVERAL) ? parse_numbers : parse_number)(
			    info, dashes(source), text, &number, err, errlen))
			return -1;
		break;
	case OPTION_CHOICE:
		if (!choice_allows(info->value, text)) {
			snprintf(err, errlen, "%s%s is one of %s, not '%s'", dashes(source), info->name, info->value,
				 text);
			return -1;
		}
		break;
	case OPTION_FLAG:
		if (parse_flag(info, text, &on, err, errlen))
			return -1;
		break;
	case OPTION_LIST:
		value->given = true;
		list_add(value, text);
		return 0;
	case OPTION_STRING: break;
	}
	char *copy = on ? xstrdup(text) : NULL;
	value_clear(value);
	*value = (struct value){.given = true, .text = copy, .number = number};
	return 0;
}

int options_set(struct options *options, enum option_id id, const char *text, char *err, size_t errlen)
{
	return options_set_from(options, SOURCE_CHAT, id, text, err, errlen);
}

void options_unset(struct options *options, enum option_id id)
{
	for (int source = SOURCE_DEFAULT + 1; source < SOURCE_COUNT; source++)
		value_clear(&options->value[source][id]);
}

/* --- The command line --------------------------------------------------------- */

static const struct option_info *find_name(const char *name, size_t len)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(option_table[i].name) == len && strncmp(option_table[i].name, name, len) == 0)
			return &option_table[i];
	return NULL;
}

const struct option_info *option_named(const char *name)
{
	return find_name(name, strlen(name));
}

const char *option_nearest(const char *name, int flags)
{
	struct nearest nearest = nearest_to(name);
	for (int i = 0; i < OPTION_COUNT; i++)
		if ((option_table[i].flags & flags) == flags)
			nearest_offer(&nearest, option_table[i].name);
	return nearest.best;
}

/* `bora bench -n 64` counts tokens, as llama-bench does; elsewhere -n is --no-save. */
static const struct option_info *find_letter(char letter, const char *command)
{
	if (letter == 'n' && command && strcmp(command, "bench") == 0)
		return &option_table[OPTION_GEN];
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].letter == letter)
			return &option_table[i];
	return NULL;
}

struct cursor {
	int argc, at;
	char **argv;
};

/* The value of an option: glued to it, or the next word. */
static int take_value(struct options *options, const struct option_info *info, const char *glued, struct cursor *cursor,
		      char *err, size_t errlen)
{
	enum option_source source = SOURCE_COMMAND_LINE;
	if (glued || (info->flags & OPTION_GLUED_VALUE))
		return options_set_from(options, source, info->id, glued ? glued : "", err, errlen);
	bool more = cursor->at + 1 < cursor->argc;
	if (info->flags & OPTION_OPTIONAL_VALUE) {
		bool word = more && cursor->argv[cursor->at + 1][0] != '-';
		return options_set_from(options, source, info->id, word ? cursor->argv[++cursor->at] : "", err, errlen);
	}
	if (!more) {
		snprintf(err, errlen, "--%s needs a value: %s", info->name, info->value);
		return -1;
	}
	return options_set_from(options, source, info->id, cursor->argv[++cursor->at], err, errlen);
}

static void unknown_option(const char *word, char *err, size_t errlen)
{
	char *name = xstrndup(word, strcspn(word, "="));
	const char *nearest = option_nearest(name, 0);
	if (nearest)
		snprintf(err, errlen, "unknown option '--%s'; did you mean --%s?", word, nearest);
	else
		snprintf(err, errlen, "unknown option '--%s'; bora --help lists them", word);
	free(name);
}

static int parse_long(struct options *options, struct cursor *cursor, char *err, size_t errlen)
{
	const char *word = cursor->argv[cursor->at] + 2;
	const char *equals = strchr(word, '=');
	const struct option_info *info = find_name(word, equals ? (size_t)(equals - word) : strlen(word));
	if (!info) {
		unknown_option(word, err, errlen);
		return -1;
	}
	if (info->type != OPTION_FLAG)
		return take_value(options, info, equals ? equals + 1 : NULL, cursor, err, errlen);
	return options_set_from(options, SOURCE_COMMAND_LINE, info->id, equals ? equals + 1 : "yes", err, errlen);
}

static int parse_letters(struct options *options, const char *command, struct cursor *cursor, char *err, size_t errlen)
{
	for (const char *at = cursor->argv[cursor->at] + 1; *at; at++) {
		const struct option_info *info = find_letter(*at, command);
		if (!info) {
			snprintf(err, errlen, "unknown option '-%c'; bora --help lists them", *at);
			return -1;
		}
		if (info->type != OPTION_FLAG)
			return take_value(options, info, at[1] ? at + 1 : NULL, cursor, err, errlen);
		if (options_set_from(options, SOURCE_COMMAND_LINE, info->id, "yes", err, errlen))
			return -1;
	}
	return 0;
}

int options_parse(struct options *options, const char *command, int argc, char **argv, char *err, size_t errlen)
{
	struct cursor cursor = {.argc = argc, .argv = argv};
	options->several = command && strcmp(command, "bench") == 0;
	options->rest = xcalloc((size_t)argc + 1, sizeof(*options->rest));
	bool only_words = false;
	for (; cursor.at < argc; cursor.at++) {
		char *word = argv[cursor.at];
		int failed = 0;
		if (only_words || word[0] != '-' || word[1] == '\0')
			options->rest[options->rest_count++] = word;
		else if (strcmp(word, "--") == 0)
			only_words = true;
		else if (word[1] == '-')
			failed = parse_long(options, &cursor, err, errlen);
		else
			failed = parse_letters(options, command, &cursor, err, errlen);
		if (failed)
			return -1;
	}
	return 0;
}

char **options_rest(const struct options *options, int *count)
{
	*count = options->rest_count;
	return options->rest;
}

/* --- Settings: "key = value" lines ----------------------------------------------- */

static char *trim(char *text)
{
	text += strspn(text, " \t");
	size_t len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	return text;
}

bool option_line(char *line, char **key, char **value)
{
	char *at = trim(line);
	*key = *value = NULL;
	if (!*at || *at == '#')
		return true;
	char *equals = strchr(at, '=');
	if (!equals)
		return false;
	*equals = '\0';
	*value = trim(equals + 1);
	*key = trim(at);
	return true;
}

/* What an older or newer bora knows is no reason not to start. */
static void warn_unknown(struct options *options, const char *path, int number, const char *key)
{
	char reason[256];
	const char *nearest = option_nearest(key, OPTION_IN_CONFIG);
	if (nearest)
		snprintf(reason, sizeof(reason), "there is no setting '%.60s'; did you mean %s?", key, nearest);
	else
		snprintf(reason, sizeof(reason), "there is no setting '%.60s'; bora config lists all", key);
	buffer_printf(&options->warnings, "%s%s: line %d: %s", options->warnings.len ? "\n" : "", path, number, reason);
}

static int config_line(struct options *options, const char *path, int number, char *line, char *err, size_t errlen)
{
	char *key, *value, reason[512];
	if (!option_line(line, &key, &value)) {
		snprintf(err, errlen, "%s: line %d: expected 'key = value', found '%.60s'", path, number, trim(line));
		return -1;
	}
	if (!key)
		return 0;
	const struct option_info *info = option_named(key);
	if (!info || !(info->flags & OPTION_IN_CONFIG)) {
		warn_unknown(options, path, number, key);
		return 0;
	}
	if (options_set_from(options, SOURCE_FILE, info->id, value, reason, sizeof(reason)) == 0)
		return 0;
	snprintf(err, errlen, "%s: line %d: %s", path, number, reason);
	return -1;
}

static int read_lines(struct options *options, FILE *file, const char *path, char *err, size_t errlen)
{
	char *line = NULL;
	size_t size = 0;
	int failed = 0;
	for (int number = 1; !failed && getline(&line, &size, file) >= 0; number++)
		failed = config_line(options, path, number, line, err, errlen);
	free(line);
	return failed;
}

int options_read_config(struct options *options, const char *path, char *err, size_t errlen)
{
	struct value before[OPTION_COUNT];
	FILE *file = fopen(path, "re");
	if (!file && errno != ENOENT) {
		snprintf(err, errlen, "%s: cannot read the configuration: %s", path, strerror(errno));
		return -1;
	}
	buffer_clear(&options->warnings);
	memcpy(before, options->value[SOURCE_FILE], sizeof(before));
	memset(options->value[SOURCE_FILE], 0, sizeof(before));
	int failed = file ? read_lines(options, file, path, err, errlen) : 0;
	if (failed) {
		options_clear(options, SOURCE_FILE);
		memcpy(options->value[SOURCE_FILE], before, sizeof(before));
	}
	for (int i = 0; i < OPTION_COUNT && !failed; i++)
		value_clear(&before[i]);
	if (file)
		fclose(file);
	return failed;
}

const char *options_warnings(const struct options *options)
{
	return options->warnings.len ? options->warnings.data : "";
}

/* --- Reading --------------------------------------------------------------------- */

bool option_given(const struct options *options, enum option_id id)
{
	return option_source(options, id) != SOURCE_DEFAULT;
}

bool option_flag(const struct options *options, enum option_id id)
{
	return value_of(options, id)->text != NULL;
}

const char *option_string(const struct options *options, enum option_id id)
{
	return value_of(options, id)->text;
}

int64_t option_integer(const struct options *options, enum option_id id)
{
	return (int64_t)value_of(options, id)->number;
}

double option_real(const struct options *options, enum option_id id)
{
	return value_of(options, id)->number;
}

const char *const *option_list(const struct options *options, enum option_id id, int *count)
{
	const struct value *value = value_of(options, id);
	*count = value->count;
	return (const char *const *)value->list;
}

struct engine_sampling options_sampling(const struct options *options, const struct engine_sampling *recommended)
{
	struct engine_sampling s = *recommended;
	if (option_given(options, OPTION_TEMP))
		s.temp = (float)option_real(options, OPTION_TEMP);
	if (option_given(options, OPTION_TOP_K))
		s.top_k = (int)option_integer(options, OPTION_TOP_K);
	if (option_given(options, OPTION_TOP_P))
		s.top_p = (float)option_real(options, OPTION_TOP_P);
	if (option_given(options, OPTION_MIN_P))
		s.min_p = (float)option_real(options, OPTION_MIN_P);
	if (option_given(options, OPTION_REPEAT_PENALTY))
		s.repeat_penalty = (float)option_real(options, OPTION_REPEAT_PENALTY);
	if (option_given(options, OPTION_SEED))
		s.seed = (uint64_t)option_integer(options, OPTION_SEED);
	return s;
}

void options_engine(const struct options *options, struct engine_options *out)
{
	static const char *const kv_names[] = {
		[ENGINE_KV_F16] = "f16", [ENGINE_KV_Q8_0] = "q8_0", [ENGINE_KV_F32] = "f32"};
	*out = (struct engine_options){
		.ctx_size = (int)option_integer(options, OPTION_CTX_SIZE),
		.threads = (int)option_integer(options, OPTION_THREADS),
		.batch = (int)option_integer(options, OPTION_BATCH),
		.chat_format = option_string(options, OPTION_CHAT_FORMAT),
		.isa = getenv("BORA_ISA"),
		.no_guess = strcmp(option_string(options, OPTION_GUESS), "off") == 0,
	};
	for (size_t i = 0; i < sizeof(kv_names) / sizeof(*kv_names); i++)
		if (strcmp(kv_names[i], option_string(options, OPTION_KV_TYPE)) == 0)
			out->kv_type = (enum engine_kv_type)i;
}
