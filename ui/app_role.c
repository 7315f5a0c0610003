#include "app.h"
#include "../role.h"

#include <stdlib.h>
#include <string.h>

/* What holds without a role. */
static const char none[] = "default";

static void change_system(struct app *app, char *system)
{
	char err[512];
	free(app->system);
	app->system = system;
	app_ahead_conversation(app);
	if (app->stored && session_set_system(app->o.sessions, app->session.row, system, err, sizeof(err)))
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
}

void app_role(struct app *app, const char *name)
{
	char err[512];
	struct options *options = app->o.options;
	bool leave = strcmp(name, none) == 0;
	const char *now = option_string(options, OPTION_ROLE);
	char *before = xstrdup(now ? now : ""), *system = NULL;
	if (options_set(options, OPTION_ROLE, leave ? "" : name, err, sizeof(err)) ||
	    role_apply(options, true, NULL, err, sizeof(err)) || !(system = role_system(options, err, sizeof(err)))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		options_set(options, OPTION_ROLE, before, err, sizeof(err));
		role_apply(options, true, NULL, err, sizeof(err));
	} else {
		char *shown = i18n_sanitize_line(name, strlen(name));
		app_banner(app, STYLE_DIM, false,
			   leave ? xstrdup(i18n_text(app->tr, "chat.no-role"))
				 : i18n_format(app->tr, "chat.role", I18N_S(shown)));
		free(shown);
		change_system(app, system);
	}
	free(before);
}
