#include "cli.h"
#include "../known_models.h"
#include "../model_fit.h"
#include "../model_store.h"
#include "../split_name.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Text that came from a file: as it stands into a pipe, made safe for a terminal. */
static char *shown(const char *text, size_t len)
{
	return isatty(STDOUT_FILENO) ? i18n_sanitize_line(text, len) : xstrndup(text, len);
}

static void print_json(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(json);
}

/* --- ls ----------------------------------------------------------------------------- */

/* JSON is UTF-8, whatever the file holds. */
static void add_text(cJSON *json, const char *key, const char *text, size_t len)
{
	struct buffer clean = {0};
	i18n_repair(text, len, &clean);
	cJSON_AddStringToObject(json, key, clean.data);
	buffer_free(&clean);
}

/* What the file itself says; false: it cannot be used. */
static bool look_at(const struct stored_model *model, struct engine_file *file)
{
	char err[512];
	return engine_inspect(model->path, file, NULL, NULL, err, sizeof(err)) == 0;
}

static void list_json(const struct stored_model *models, size_t count)
{
	cJSON *array = cJSON_CreateArray();
	for (size_t i = 0; i < count; i++) {
		struct engine_file file = {0};
		struct known_model known;
		cJSON *model = cJSON_CreateObject();
		add_text(model, "name", models[i].name, strlen(models[i].name));
		add_text(model, "path", models[i].path, strlen(models[i].path));
		cJSON_AddStringToObject(model, "store", models[i].store);
		cJSON_AddNumberToObject(model, "bytes", (double)models[i].bytes);
		cJSON_AddBoolToObject(model, "usable", look_at(&models[i], &file));
		add_text(model, "quantization", file.file_type, strlen(file.file_type));
		const char *license = known_models_licence(models[i].path, file.license, &known);
		add_text(model, "license", license, strlen(license));
		cJSON_AddNumberToObject(model, "context_length", file.ctx_trained);
		cJSON_AddItemToArray(array, model);
	}
	print_json(array);
}

enum { COLUMNS = 6 };

struct table {
	const struct i18n *tr;
	char *(*rows)[COLUMNS];
	size_t count;
	int width[COLUMNS];
};

/* Takes the cells. */
static void add_row(struct table *table, char *const cells[COLUMNS])
{
	table->rows = xreallocarray(table->rows, table->count + 1, sizeof(*table->rows));
	for (int i = 0; i < COLUMNS; i++) {
		int width = i18n_width(table->tr, cells[i], strlen(cells[i]));
		table->rows[table->count][i] = cells[i];
		table->width[i] = width > table->width[i] ? width : table->width[i];
	}
	table->count++;
}

static void add_heading(struct table *table)
{
	char *cells[COLUMNS];
	const char *at = i18n_text(table->tr, "models.columns");
	for (int i = 0; i < COLUMNS; i++) {
		size_t len = strcspn(at, "|");
		size_t used = len;
		while (used && at[used - 1] == ' ')
			used--;
		cells[i] = xstrndup(at, used);
		at += len + (at[len] == '|');
		at += strspn(at, " ");
	}
	add_row(table, cells);
}

static void add_model(struct table *table, const struct stored_model *model)
{
	struct engine_file file = {0};
	struct known_model known;
	bool usable = look_at(model, &file);
	const char *license = known_models_licence(model->path, file.license, &known);
	char *cells[COLUMNS] = {
		shown(model->name, strlen(model->name)),
		i18n_format(table->tr, "models.size", I18N_R((double)model->bytes / 1e6)),
		usable ? shown(file.file_type, strlen(file.file_type))
		       : xstrdup(i18n_text(table->tr, "models.unusable")),
		file.ctx_trained ? i18n_format(table->tr, "models.tokens", I18N_I(file.ctx_trained)) : xstrdup(""),
		shown(license, strlen(license)),
		xstrdup(model->store),
	};
	add_row(table, cells);
}

/* Numbers end where their column ends. */
static void print_table(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		for (int j = 0; j < COLUMNS; j++) {
			char *cell = table->rows[i][j];
			int gap = table->width[j] - i18n_width(table->tr, cell, strlen(cell));
			bool number = j == 1 || j == 3;
			printf("%s%*s%s%*s", j ? "  " : "", number ? gap : 0, "", cell,
			       number || j == COLUMNS - 1 ? 0 : gap, "");
			free(cell);
		}
		puts("");
	}
	free(table->rows);
}

static int list(struct cli *cli)
{
	struct stored_model *models;
	size_t count;
	struct table table = {.tr = cli->tr};
	model_store_list(&models, &count);
	if (option_flag(cli->options, OPTION_JSON)) {
		list_json(models, count);
	} else if (!count) {
		cli_tell(i18n_text(cli->tr, "models.none"));
	} else {
		add_heading(&table);
		for (size_t i = 0; i < count; i++)
			add_model(&table, &models[i]);
		print_table(&table);
	}
	model_store_free(models, count);
	return 0;
}

/* --- show ------------------------------------------------------------------------------ */

static void add_metadata(void *arg, const char *key, const char *type, const char *value, size_t len)
{
	cJSON *json = arg;
	(void)type;
	add_text(json, key, value, len);
}

static void print_metadata(void *arg, const char *key, const char *type, const char *value, size_t len)
{
	struct cli *cli = arg;
	(void)type;
	char *text = shown(value, len),
	     *cut = isatty(STDOUT_FILENO) ? i18n_truncate(cli->tr, text, 100) : xstrdup(text);
	printf("%s = %s\n", key, cut);
	free(cut);
	free(text);
}

static void show_json(const struct engine_file *file, const char *path, cJSON *metadata)
{
	cJSON *json = cJSON_CreateObject();
	add_text(json, "name", file->name, strlen(file->name));
	add_text(json, "path", path, strlen(path));
	cJSON_AddStringToObject(json, "architecture", file->architecture);
	cJSON_AddStringToObject(json, "file_type", file->file_type);
	add_text(json, "license", file->license, strlen(file->license));
	cJSON_AddStringToObject(json, "chat_format", file->chat_format);
	add_text(json, "warning", file->warning, strlen(file->warning));
	cJSON_AddNumberToObject(json, "bytes", (double)file->file_bytes);
	cJSON_AddNumberToObject(json, "parameters", (double)file->parameters);
	cJSON_AddNumberToObject(json, "tensors", file->tensors);
	cJSON_AddNumberToObject(json, "context_length", file->ctx_trained);
	cJSON_AddNumberToObject(json, "layers", file->layers);
	cJSON_AddNumberToObject(json, "embedding_length", file->embedding);
	cJSON_AddNumberToObject(json, "kv_values_per_token", (double)file->kv_values);
	cJSON_AddNumberToObject(json, "vocab_size", file->vocab_size);
	cJSON_AddItemToObject(json, "metadata", metadata);
	print_json(json);
}

static void print_need(const struct cli *cli, const struct engine_file *file)
{
	struct engine_options options;
	struct model_need need;
	options_engine(cli->options, &options);
	model_fit(file, &options, &need);
	char *text =
		i18n_format(cli->tr, "models.memory", I18N_R((double)need.weights / 1e6),
			    I18N_R((double)need.context / 1e6), I18N_I(need.ctx), I18N_R((double)need.free / 1e6),
			    I18N_S(i18n_text(cli->tr, model_fit_fits(&need) ? "models.fits" : "models.too-large")));
	if (file->tensors && need.free)
		puts(text);
	free(text);
}

static void show_text(struct cli *cli, const struct engine_file *file, const char *path)
{
	char *size = i18n_format(cli->tr, "models.size", I18N_R((double)file->file_bytes / 1e6));
	struct known_model known;
	const char *said = known_models_licence(path, file->license, &known);
	char *name = shown(file->name, strlen(file->name)), *license = shown(said, strlen(said));
	char *facts = i18n_format(cli->tr, "models.facts", I18N_S(file->architecture), I18N_S(file->file_type),
				  I18N_R((double)file->parameters / 1e6), I18N_I(file->ctx_trained),
				  I18N_I(file->layers), I18N_I(file->vocab_size), I18N_S(file->chat_format));
	char *place = shown(path, strlen(path));
	printf("%s\n%s\n%s  %s  %s\n", name, place, size, facts, license);
	print_need(cli, file);
	if (*file->warning)
		cli_fail(cli, "%s", file->warning);
	free(place);
	free(facts);
	free(license);
	free(name);
	free(size);
}

static int show(struct cli *cli, const char *name)
{
	char err[1024];
	char *path;
	struct engine_file file;
	if (model_store_find(name, &path, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	bool json = option_flag(cli->options, OPTION_JSON);
	cJSON *metadata = json ? cJSON_CreateObject() : NULL;
	/* The whole file is checked before a line of it is shown. */
	int failed = engine_inspect(path, &file, json ? add_metadata : NULL, metadata, err, sizeof(err));
	if (failed) {
		cJSON_Delete(metadata);
		cli_fail(cli, "%s", err);
	} else if (json) {
		show_json(&file, path, metadata);
	} else {
		show_text(cli, &file, path);
		engine_inspect(path, &file, print_metadata, cli, err, sizeof(err));
	}
	free(path);
	return failed ? 1 : 0;
}

/* --- rm ----------------------------------------------------------------------------------- */

/* Whose names are whole: nothing is removed by the beginning of its name. */
static const struct stored_model *find_exactly(const struct stored_model *models, size_t count, const char *name)
{
	const struct stored_model *found = NULL;
	for (size_t i = 0; i < count; i++)
		if (strcmp(models[i].name, name) == 0 && (!found || strcmp(models[i].store, "bora") == 0))
			found = &models[i];
	return found;
}

static int refuse_others(const struct cli *cli, const struct stored_model *model)
{
	if (strcmp(model->store, "ollama") == 0)
		return cli_fail(cli, "%s: it belongs to Ollama, where names share files; remove it there: ollama rm %s",
				model->name, model->name);
	if (strcmp(model->store, "huggingface") == 0)
		return cli_fail(cli,
				"%s: it lies in the Hugging Face cache, which other programs share; remove it there: "
				"huggingface-cli delete-cache",
				model->name);
	return cli_fail(cli, "%s: it lies in llama.cpp's cache; if no other program needs it, remove this file: %s",
			model->name, model->path);
}

static bool agreed(const struct cli *cli, const struct stored_model *model)
{
	if (option_flag(cli->options, OPTION_YES) || !isatty(STDIN_FILENO))
		return true;
	char *name = shown(model->name, strlen(model->name));
	char *question = i18n_format(cli->tr, "models.ask", I18N_S(name), I18N_R((double)model->bytes / 1e6));
	bool yes = cli_ask(cli, question);
	free(question);
	free(name);
	return yes;
}

static int remove_own(const struct cli *cli, const struct stored_model *model)
{
	if (!agreed(cli, model)) {
		fprintf(stderr, "%s\n", i18n_text(cli->tr, "models.kept"));
		return 1;
	}
	for (int i = model->parts; i > 0; i--) { /* the first last: without it the others would not be found again */
		char *path = i > 1 ? split_name_of(model->path, i) : xstrdup(model->path);
		bool gone = unlink(path) == 0 || (errno == ENOENT && i > 1);
		if (!gone)
			cli_fail(cli, "%s: cannot remove: %s", path, strerror(errno));
		free(path);
		if (!gone)
			return 1;
	}
	char *name = shown(model->name, strlen(model->name));
	char *text = i18n_format(cli->tr, "models.removed", I18N_S(name), I18N_R((double)model->bytes / 1e6));
	fprintf(stderr, "%s\n", text);
	free(text);
	free(name);
	return 0;
}

/* Only files of our own folder: other programs' models are theirs. */
static int remove_model(const struct cli *cli, const char *what)
{
	struct stored_model *models;
	struct known_model known;
	size_t count;
	int code;
	model_store_list(&models, &count);
	char *name = known_models_find(what, &known) ? xstrndup(known.file, strlen(known.file) - strlen(".gguf"))
						     : xstrdup(what);
	const struct stored_model *model = find_exactly(models, count, name);
	if (!model)
		code = cli_fail(cli, "there is no model '%s'; `bora models` lists those that were found", what);
	else if (strcmp(model->store, "bora") != 0)
		code = refuse_others(cli, model);
	else
		code = remove_own(cli, model);
	free(name);
	model_store_free(models, count);
	return code;
}

int cli_models(struct cli *cli)
{
	const char *what = cli->argc ? cli->argv[0] : "ls";
	if (strcmp(what, "ls") == 0 && cli->argc <= 1)
		return list(cli);
	if (strcmp(what, "show") == 0 && cli->argc == 2)
		return show(cli, cli->argv[1]);
	if (strcmp(what, "rm") == 0 && cli->argc == 2)
		return remove_model(cli, cli->argv[1]);
	cli_fail(cli, "usage: bora models [ls] | show NAME|FILE | rm NAME [--yes]");
	return 2;
}
