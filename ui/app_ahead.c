#include "app.h"
#include "attach.h"
#include "command.h"
#include "../cache_store.h"

#include <stdlib.h>
#include <string.h>

/* A pause in typing after which what stands in the input is read ahead. */
enum { PAUSE_MS = 400, SLOW_MS = 25 };

static bool wanted(const struct app *app)
{
	return app->ready && !app->turn && !app->stray && app->waiting_count == 0 &&
	       strcmp(option_string(app->o.options, OPTION_READ_AHEAD), "on") == 0;
}

/* The input is no message (yet): nothing of it will be sent. */
static bool no_message(const struct app *app, const char *text, size_t len)
{
	struct command command;
	return len == 0 || text[0] == '!' || command_parse(app->tr, text, len, &command);
}

void app_ahead_conversation(struct app *app)
{
	free(app->ahead_text);
	app->ahead_text = NULL;
	app->ahead_due = app->now;
}

void app_ahead_input(struct app *app)
{
	size_t len;
	const char *text = editor_text(app->editor, &len);
	/* More of the same text needs no stop: what is being read still is its beginning. */
	size_t before = app->ahead_text ? strlen(app->ahead_text) : 0;
	if (app->ahead_text && (len < before || memcmp(text, app->ahead_text, before) != 0) && wanted(app)) {
		engine_prepare(app->engine, NULL);
		free(app->ahead_text);
		app->ahead_text = NULL;
	}
	if (!app->ahead_slow)
		app->ahead_due = app->now + PAUSE_MS;
}

void app_ahead_tick(struct app *app)
{
	size_t len;
	if (!app->ahead_due || app->now < app->ahead_due)
		return;
	app->ahead_due = 0;
	const char *text = editor_text(app->editor, &len);
	if (!wanted(app) || (app->ahead_text && strcmp(app->ahead_text, text) == 0))
		return;
	free(app->ahead_text);
	app->ahead_text = xstrndup(text, len);
	struct turn_options options = {.engine = app->engine,
				       .sessions = app->stored ? app->o.sessions : NULL,
				       .backlog = app->backlog,
				       .session = app->session.row,
				       .system = app->system,
				       .cache_id = app_session_kept(app) ? app->session.id : NULL,
				       .cache_limit = cache_limit(app->o.options)};
	int64_t begun = loop_now();
	if (no_message(app, text, len))
		turn_prepare(&options, NULL, 0);
	else
		turn_prepare(&options, text, len);
	/* A conversation so long that looking it up can be felt while typing is looked up once a turn. */
	app->ahead_slow = loop_now() - begun > SLOW_MS;
}
