#include "model_list.h"
#include "../known_models.h"
#include "../model_fit.h"
#include "../model_speeds.h"

#include <stdlib.h>
#include <string.h>

char *model_list_label(const struct stored_model *model, bool in_use)
{
	char *name = i18n_sanitize_line(model->name, strlen(model->name));
	char *label = in_use ? xasprintf("● %s", name) : xstrdup(name);
	free(name);
	return label;
}

char *model_list_detail(const struct i18n *tr, const struct stored_model *model)
{
	struct buffer out = {0};
	double speed = model_speeds_last(model->path);
	uint64_t free_bytes = engine_memory_free();
	char *size = i18n_format(tr, "overlay.model-detail", I18N_R((double)model->bytes / 1e6), I18N_S(model->store));
	buffer_puts(&out, size);
	if (speed > 0) {
		char *text = i18n_format(tr, "status.speed", I18N_R(speed));
		buffer_printf(&out, " · %s", text);
		free(text);
	}
	if (free_bytes && model->bytes > free_bytes)
		buffer_printf(&out, " · %s", i18n_text(tr, "models.too-large"));
	free(size);
	return buffer_take(&out);
}

void model_list_preview(const struct i18n *tr, const struct options *options, const struct stored_model *model,
			char **above, char **below)
{
	char err[512];
	struct engine_file file;
	struct engine_options wanted;
	struct known_model known;
	struct model_need need;
	if (engine_inspect(model->path, &file, NULL, NULL, err, sizeof(err))) {
		char *translated = i18n_error(tr, err);
		*above = i18n_sanitize_line(translated, strlen(translated));
		*below = xstrdup("");
		free(translated);
		return;
	}
	const char *said = known_models_licence(model->path, file.license, &known);
	char *license = i18n_sanitize_line(*said ? said : i18n_text(tr, "pull.unknown"),
					   strlen(*said ? said : i18n_text(tr, "pull.unknown")));
	char *type = i18n_sanitize_line(file.file_type, strlen(file.file_type));
	options_engine(options, &wanted);
	model_fit(&file, &wanted, &need);
	*above = i18n_format(tr, "models.glance", I18N_S(type), I18N_S(license), I18N_I(file.ctx_trained));
	*below =
		need.free
			? i18n_format(tr, "models.memory", I18N_R((double)need.weights / 1e6),
				      I18N_R((double)need.context / 1e6), I18N_I(need.ctx),
				      I18N_R((double)need.free / 1e6),
				      I18N_S(i18n_text(tr, model_fit_fits(&need) ? "models.fits" : "models.too-large")))
			: xstrdup("");
	free(type);
	free(license);
}
