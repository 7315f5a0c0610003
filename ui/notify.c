#include "notify.h"

#include <stdlib.h>
#include <string.h>

enum way { WAY_AUTO, WAY_BELL, WAY_OSC9, WAY_OSC777, WAY_OFF };

static enum way wanted(const struct app *app)
{
	static const char *const names[] = {"auto", "bell", "osc9", "osc777", "off"};
	const char *name = option_string(app->o.options, OPTION_NOTIFY);
	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum way)i;
	return WAY_AUTO;
}

/* Terminals that are known to show such messages; any other might print or drop them, but has a bell. */
static enum way of_terminal(void)
{
	static const struct {
		const char *variable, *begins;
		enum way way;
	} known[] = {
		{"TERM_PROGRAM", "iTerm", WAY_OSC9},     {"TERM_PROGRAM", "WezTerm", WAY_OSC9},
		{"TERM_PROGRAM", "ghostty", WAY_OSC777}, {"TERM", "xterm-kitty", WAY_OSC9},
		{"TERM", "xterm-ghostty", WAY_OSC777},   {"TERM", "foot", WAY_OSC777},
		{"TERM", "rxvt-unicode", WAY_OSC777},
	};
	if (getenv("TMUX") || getenv("STY"))
		return WAY_BELL;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const char *value = getenv(known[i].variable);
		if (value && strncmp(value, known[i].begins, strlen(known[i].begins)) == 0)
			return known[i].way;
	}
	return WAY_BELL;
}

/* tmux hands on what is wrapped, with its ESC doubled, where it is allowed to. */
static void write_osc(struct app *app, const char *osc)
{
	struct buffer out = {0};
	bool wrapped = getenv("TMUX") != NULL;
	buffer_printf(&out, "%s%s", wrapped ? "\033Ptmux;\033" : "", osc);
	buffer_puts(&out, wrapped ? "\033\033\\\033\\" : "\033\\");
	app->screen->ops->raw(app->screen, out.data, out.len);
	buffer_free(&out);
}

void notify(struct app *app, int64_t took_ms, const char *text)
{
	enum way way = wanted(app);
	/* A terminal that never says who is looked at is not rung at unless it was asked for. */
	bool away = app->focus == FOCUS_AWAY || (app->focus == FOCUS_UNKNOWN && way != WAY_AUTO);
	if (way == WAY_OFF || !away || app->plain ||
	    took_ms < option_integer(app->o.options, OPTION_NOTIFY_AFTER) * 1000)
		return;
	way = way == WAY_AUTO ? of_terminal() : way;
	if (way == WAY_BELL) {
		app->screen->ops->bell(app->screen);
		return;
	}
	char *line = i18n_sanitize_line(text, strlen(text));
	char *osc = xasprintf(way == WAY_OSC9 ? "\033]9;%s" : "\033]777;notify;bora;%s", line);
	write_osc(app, osc);
	free(osc);
	free(line);
}
