#include "app.h"
#include "config_watch.h"
#include "../paths.h"
#include "../role.h"

#include <stdlib.h>
#include <string.h>

/* One line, without the folder: there is little room. */
static void say(struct app *app, enum style style, const char *lines)
{
	char *line = xstrndup(lines, strcspn(lines, "\n")), *dir = path_dir(PATH_CONFIG);
	size_t skip = strncmp(line, dir, strlen(dir)) == 0 ? strlen(dir) : 0;
	skip += skip && line[skip] == '/';
	app_banner(app, style, false, app_error(app, line + skip));
	free(dir);
	free(line);
}

void app_reload_watch(struct app *app)
{
	char *dir = path_dir(PATH_CONFIG);
	app->config = config_watch_open(dir, "config");
	if (*options_warnings(app->o.options))
		say(app, STYLE_WARNING, options_warnings(app->o.options));
	free(dir);
}

int app_reload_fd(const struct app *app)
{
	return app->config ? config_watch_fd(app->config) : -1;
}

/* What takes effect without a new start: what is asked for each time it is needed, and what is shown. */
static bool is_live(int id)
{
	return option_table[id].flags & OPTION_IN_SET || id == OPTION_THEME || id == OPTION_COLORS ||
	       id == OPTION_LANG || id == OPTION_SYSTEM || id == OPTION_ROLE || id == OPTION_CACHE_LIMIT;
}

static char *value(const struct app *app, int id)
{
	const char *text = option_string(app->o.options, (enum option_id)id);
	return xstrdup(text ? text : "");
}

static void show_changes(struct app *app, const bool *changed)
{
	char err[512];
	if (changed[OPTION_THEME] || changed[OPTION_COLORS])
		app_show_theme(app);
	const char *language = option_string(app->o.options, OPTION_LANG);
	if (changed[OPTION_LANG] && language && i18n_speaks(language))
		app_speak(app, language);
	if (!changed[OPTION_ROLE] && !changed[OPTION_SYSTEM])
		return;
	char *system = app->message_count ? NULL : role_system(app->o.options, err, sizeof(err));
	if (system) { /* one that has begun keeps its own */
		free(app->system);
		app->system = system;
		app_ahead_conversation(app);
	}
}

static void tell(struct app *app, const bool *changed)
{
	struct buffer live = {0}, later = {0}, text = {0};
	for (int i = 0; i < OPTION_COUNT; i++) {
		struct buffer *names = is_live(i) ? &live : &later;
		if (changed[i])
			buffer_printf(names, "%s%s", names->len ? ", " : "", option_table[i].name);
	}
	char *now = live.len ? i18n_format(app->tr, "chat.settings-read", I18N_S(live.data)) : NULL;
	char *then = later.len ? i18n_format(app->tr, "chat.settings-restart", I18N_S(later.data)) : NULL;
	buffer_printf(&text, "%s%s%s", now ? now : "", now && then ? " · " : "", then ? then : "");
	if (now || then)
		app_banner(app, STYLE_DIM, false, buffer_take(&text));
	free(now);
	free(then);
	buffer_free(&text);
	buffer_free(&live);
	buffer_free(&later);
}

static void reload(struct app *app)
{
	char err[512], *before[OPTION_COUNT], *dir = path_dir(PATH_CONFIG), *path = path_join(dir, "config");
	bool changed[OPTION_COUNT] = {false};
	for (int i = 0; i < OPTION_COUNT; i++)
		before[i] = value(app, i);
	int failed = options_read_config(app->o.options, path, err, sizeof(err)) ||
		     role_apply(app->o.options, true, NULL, err, sizeof(err));
	for (int i = 0; i < OPTION_COUNT; i++) {
		char *after = value(app, i);
		changed[i] = option_table[i].flags & OPTION_IN_CONFIG && strcmp(before[i], after) != 0;
		free(after);
		free(before[i]);
	}
	const char *warnings = options_warnings(app->o.options);
	show_changes(app, changed);
	tell(app, changed);
	if (failed || *warnings)
		say(app, failed ? STYLE_ERROR : STYLE_WARNING, failed ? err : warnings);
	free(path);
	free(dir);
}

void app_reload_tick(struct app *app)
{
	if (app->config && config_watch_changed(app->config))
		reload(app);
}
