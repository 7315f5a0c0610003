/* No model is here yet: what to type, and on a terminal the question whether to fetch one. */
#include "cli.h"
#include "../known_models.h"
#include "../model_store.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_MOST = 5, COMMAND_CELLS = 24 };

static void print_row(const struct i18n *tr, const char *command, const char *about)
{
	char *line = i18n_sanitize_line(command, strlen(command)), *clean = i18n_sanitize_line(about, strlen(about));
	int gap = COMMAND_CELLS - i18n_width(tr, line, strlen(line));
	fprintf(stderr, "  %s%*s  %s\n", line, gap > 0 ? gap : 0, "", clean);
	free(clean);
	free(line);
}

/* Models that are fit for talking, of the table's order; the tests have others. */
static void print_known(const struct i18n *tr)
{
	struct known_model known;
	for (size_t i = 0; known_models_at(i, &known); i++) {
		if (strstr(known.licence, "tests only"))
			continue;
		char *command = xasprintf("bora pull %s", known.name);
		char *about = i18n_format(tr, "pull.what", I18N_S(known.file), I18N_R((double)known.bytes / 1e6),
					  I18N_S(known.licence));
		print_row(tr, command, about);
		free(about);
		free(command);
	}
}

static void print_stored(const struct i18n *tr)
{
	struct stored_model *models;
	size_t count;
	model_store_list(&models, &count);
	for (size_t i = 0; i < count && i < SHOWN_MOST; i++) {
		char *command = xasprintf("bora -m %s", models[i].name);
		char *about = i18n_format(tr, "offer.here", I18N_S(models[i].store));
		print_row(tr, command, about);
		free(about);
		free(command);
	}
	model_store_free(models, count);
}

int cli_offer_model(struct cli *cli)
{
	const struct i18n *tr = cli->tr;
	struct known_model known;
	fprintf(stderr, "%s\n\n", i18n_text(tr, "offer.none"));
	print_known(tr);
	print_stored(tr);
	print_row(tr, "bora -m FILE.gguf", i18n_text(tr, "offer.own"));
	fputs("\n", stderr);
	if (!known_models_find("default", &known))
		return 1;
	char *question = i18n_format(tr, "offer.ask", I18N_R((double)known.bytes / 1e6), I18N_S(known.licence));
	bool yes = cli_ask(cli, question);
	free(question);
	return yes ? cli_pull_model(cli, known.name) : 1;
}
