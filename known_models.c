#include "known_models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Column `column` of the line at text. */
static void take(const char *text, int column, char *out, size_t size)
{
	while (column-- && *text && *text != '\n') {
		text += strcspn(text, "\t\n");
		text += *text == '\t';
	}
	snprintf(out, size, "%.*s", (int)strcspn(text, "\t\n"), text);
}

bool known_models_at(size_t index, struct known_model *model)
{
	char bytes[24];
	for (const char *line = known_models_table; *line;) {
		if (*line != '#' && index-- == 0) {
			take(line, 0, model->name, sizeof(model->name));
			take(line, 1, model->file, sizeof(model->file));
			take(line, 2, bytes, sizeof(bytes));
			take(line, 3, model->sha256, sizeof(model->sha256));
			take(line, 7, model->licence, sizeof(model->licence));
			take(line, 8, model->source, sizeof(model->source));
			model->bytes = strtoull(bytes, NULL, 10);
			return true;
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

bool known_models_find(const char *name, struct known_model *model)
{
	for (size_t i = 0; known_models_at(i, model); i++)
		if (strcmp(model->name, name) == 0)
			return true;
	return false;
}

const char *known_models_licence(const char *path, const char *said, struct known_model *model)
{
	const char *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	for (size_t i = 0; !said[0] && known_models_at(i, model); i++)
		if (strcmp(model->file, base) == 0)
			return model->licence;
	return said;
}
