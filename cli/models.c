#include "cli.h"
#include "../model_store.h"
#include "../paths.h"

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

static void list_json(const struct stored_model *models, size_t count)
{
	cJSON *array = cJSON_CreateArray();
	for (size_t i = 0; i < count; i++) {
		cJSON *model = cJSON_CreateObject();
		add_text(model, "name", models[i].name, strlen(models[i].name));
		add_text(model, "path", models[i].path, strlen(models[i].path));
		cJSON_AddStringToObject(model, "store", models[i].store);
		cJSON_AddNumberToObject(model, "bytes", (double)models[i].bytes);
		cJSON_AddItemToArray(array, model);
	}
	print_json(array);
}

static int list(struct cli *cli)
{
	struct stored_model *models;
	size_t count;
	int widest = 0;
	model_store_list(&models, &count);
	if (option_flag(cli->options, OPTION_JSON)) {
		list_json(models, count);
		model_store_free(models, count);
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		int width = i18n_width(cli->tr, models[i].name, strlen(models[i].name));
		widest = width > widest ? width : widest;
	}
	for (size_t i = 0; i < count; i++) {
		char *name = shown(models[i].name, strlen(models[i].name));
		char *size = i18n_format(cli->tr, "models.size", I18N_R((double)models[i].bytes / 1e6));
		printf("%s%*s  %10s  %s\n", name, widest - i18n_width(cli->tr, name, strlen(name)), "", size,
		       models[i].store);
		free(size);
		free(name);
	}
	if (!count)
		fprintf(stderr, "bora: %s\n", i18n_text(cli->tr, "models.none"));
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
	cJSON_AddNumberToObject(json, "vocab_size", file->vocab_size);
	cJSON_AddItemToObject(json, "metadata", metadata);
	print_json(json);
}

static void show_text(struct cli *cli, const struct engine_file *file, const char *path)
{
	char *size = i18n_format(cli->tr, "models.size", I18N_R((double)file->file_bytes / 1e6));
	char *name = shown(file->name, strlen(file->name)), *license = shown(file->license, strlen(file->license));
	char *facts = i18n_format(cli->tr, "models.facts", I18N_S(file->architecture), I18N_S(file->file_type),
				  I18N_R((double)file->parameters / 1e6), I18N_I(file->ctx_trained),
				  I18N_I(file->layers), I18N_I(file->vocab_size), I18N_S(file->chat_format));
	char *place = shown(path, strlen(path));
	printf("%s\n%s\n%s  %s  %s\n", name, place, size, facts, license);
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

/* Only files of our own folder, only by their whole name: other programs' models are theirs. */
static int remove_model(const struct cli *cli, const char *name)
{
	char *dir = path_dir(PATH_MODELS), *file = xasprintf("%s.gguf", name), *path = path_join(dir, file);
	int code = 0;
	if (strchr(name, '/') || name[0] == '.')
		code = cli_fail(cli, "'%s' is not the name of a model in %s", name, dir);
	else if (unlink(path) != 0)
		code = cli_fail(cli, "%s: cannot remove: %s; only whole names of bora's own models can be removed",
				path, strerror(errno));
	free(path);
	free(file);
	free(dir);
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
	cli_fail(cli, "usage: bora models [ls] | show NAME|FILE | rm NAME");
	return 2;
}
