/* /set: what can be changed while one talks. The list of settings shows what holds now;
 * the next answer follows it. */
#include "app.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNBOUNDED = 1000000 }; /* a limit from here on is none to people */

static bool can_set(enum option_id id)
{
	return option_table[id].flags & OPTION_IN_SET;
}

enum option_id app_settings_find(const char *name)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (can_set(id) && strcmp(option_table[id].name, name) == 0)
			return (enum option_id)id;
	return OPTION_COUNT;
}

static char *number_text(double number)
{
	return xasprintf("%.6g", number);
}

/* What the model's own file recommends, NULL when it has nothing to say about it. */
static char *recommended(const struct app *app, enum option_id id)
{
	const struct engine_model *model = app->ready ? engine_model(app->engine) : NULL;
	if (!model)
		return NULL;
	switch (id) {
	case OPTION_TEMP: return number_text(model->sampling.temp);
	case OPTION_TOP_K: return number_text(model->sampling.top_k);
	case OPTION_TOP_P: return number_text(model->sampling.top_p);
	case OPTION_MIN_P: return number_text(model->sampling.min_p);
	case OPTION_REPEAT_PENALTY: return number_text(model->sampling.repeat_penalty);
	default: return NULL;
	}
}

static char *own_value(const struct app *app, enum option_id id)
{
	char *own = recommended(app, id);
	return own ? own : xstrdup(option_table[id].fallback);
}

char *app_settings_value(const struct app *app, enum option_id id)
{
	if (option_given(app->o.options, id))
		return xstrdup(option_string(app->o.options, id));
	return own_value(app, id);
}

char *app_settings_range(const struct app *app, enum option_id id)
{
	const struct option_info *info = &option_table[id];
	if (info->type != OPTION_INTEGER && info->type != OPTION_REAL)
		return xstrdup(info->value);
	char *low = number_text(info->low), *high = number_text(info->high);
	char *text = info->high >= UNBOUNDED ? xasprintf("≥ %s", low) : xasprintf("%s – %s", low, high);
	free(low);
	free(high);
	return text;
}

char *app_settings_about(const struct app *app, enum option_id id)
{
	char *key = xasprintf("option.%s", option_table[id].name), *text = xstrdup(i18n_text(app->tr, key));
	free(key);
	return text;
}

char *app_settings_origin(const struct app *app, enum option_id id)
{
	char *own = recommended(app, id);
	const char *key = own ? "set.model" : "set.default", *value = own ? own : option_table[id].fallback;
	char *text = i18n_format_args(app->tr, key, &I18N_S(value), 1);
	free(own);
	return text;
}

/* --- Changing ------------------------------------------------------------------------------ */

/* A step that is of use at this size: 0.05 of a share, 0.1 of a factor, 1 up to 20, 10 up to 200 and so on. */
static double step_of(const struct option_info *info, double now)
{
	if (info->type == OPTION_REAL)
		return info->high <= 1 ? 0.05 : 0.1;
	return now < 20 ? 1 : pow(10, floor(log10(now / 2)));
}

static char *next_number(const struct option_info *info, const char *now_text, int direction)
{
	double now = strtod(now_text, NULL), step = step_of(info, now);
	double next = round((now + direction * step) / step) * step;
	next = next < info->low ? info->low : next > info->high ? info->high : next;
	return number_text(next);
}

static char *next_choice(const char *choices, const char *now, int direction)
{
	const char *found = choices, *before = NULL, *last = choices;
	size_t len = strlen(now);
	for (const char *at = choices; *at; at += strcspn(at, "|"), at += *at == '|') {
		if (strcspn(at, "|") == len && strncmp(at, now, len) == 0) {
			found = at;
			before = at > choices ? last : NULL;
		}
		last = at;
	}
	const char *after = found + strcspn(found, "|");
	const char *next = direction > 0 ? (*after ? after + 1 : choices) : before ? before : last;
	return xstrndup(next, strcspn(next, "|"));
}

void app_settings_step(struct app *app, enum option_id id, int direction)
{
	const struct option_info *info = &option_table[id];
	char err[256], *now = app_settings_value(app, id);
	char *next = info->type == OPTION_CHOICE ? next_choice(info->value, now, direction)
						 : next_number(info, now, direction);
	options_set(app->o.options, id, next, err, sizeof(err));
	free(next);
	free(now);
}

static void tell(struct app *app, enum option_id id)
{
	char *value = app_settings_value(app, id);
	app_banner(app, STYLE_DIM, false,
		   i18n_format(app->tr, "chat.set", I18N_S(option_table[id].name), I18N_S(value)));
	free(value);
}

/* A name alone asks: what it is, what it may be, what it does. */
static void explain(struct app *app, enum option_id id)
{
	char *value = app_settings_value(app, id), *range = app_settings_range(app, id);
	char *about = app_settings_about(app, id), *origin = app_settings_origin(app, id);
	app_note(app, ENTRY_NOTE,
		 xasprintf("%s = %s  (%s)\n%s\n%s", option_table[id].name, value, range, about, origin));
	free(value);
	free(range);
	free(about);
	free(origin);
}

void app_settings_command(struct app *app, const char *name, const char *value)
{
	char err[512];
	enum option_id id = name ? app_settings_find(name) : OPTION_COUNT;
	if (!name) {
		app_overlay_settings(app);
	} else if (id == OPTION_COUNT) {
		char *shown = i18n_sanitize_line(name, strlen(name));
		app_banner(app, STYLE_ERROR, false, i18n_format(app->tr, "chat.no-setting", I18N_S(shown)));
		free(shown);
	} else if (!value) {
		explain(app, id);
	} else if (strcmp(value, "default") == 0) {
		options_unset(app->o.options, id);
		tell(app, id);
	} else if (options_set(app->o.options, id, value, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
	} else {
		tell(app, id);
	}
}
