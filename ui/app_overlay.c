#include "app.h"
#include "attach.h"
#include "command.h"
#include "help.h"
#include "model_list.h"
#include "picker.h"
#include "session_list.h"

#include "../model_store.h"
#include "../role.h"

#include <stdlib.h>
#include <string.h>

enum { HITS_MOST = 200 };
enum overlay_kind {
	OVERLAY_ROLES,
	OVERLAY_HELP,
	OVERLAY_PALETTE,
	OVERLAY_SESSIONS,
	OVERLAY_MODELS,
	OVERLAY_SEARCH,
	OVERLAY_MESSAGE,
	OVERLAY_SETTINGS,
	OVERLAY_ATTACHED
};

/* What a row of a list stands for. */
struct choice {
	char *text;              /* a session's ID, a model's path */
	int64_t message;         /* of a search hit */
	enum action action;      /* of the palette: this… */
	enum command_id command; /* …or this */
	enum tree_op op;         /* of what can be done with a message */
	enum option_id option;   /* a setting */
};

struct overlay {
	enum overlay_kind kind;
	struct picker *picker; /* NULL for help alone */
	struct help *help;     /* with a picker: over it, until it is closed */
	struct choice *choices;
	int count;
	struct buffer printed; /* the rows as text, for line mode */
	char *query;
	struct session *sessions; /* of the list of them, a choice each */
	struct stored_model *models;
	size_t model_count;
};

static struct overlay *open_overlay(struct app *app, enum overlay_kind kind, const char *title)
{
	app_overlay_close(app);
	editor_close_candidates(app->editor);
	struct overlay *o = app->overlay = xcalloc(1, sizeof(*o));
	o->kind = kind;
	o->picker = title ? picker_create(app->tr, title) : NULL;
	app->dirty = true;
	return o;
}

void app_overlay_close(struct app *app)
{
	struct overlay *o = app->overlay;
	if (!o)
		return;
	for (int i = 0; i < o->count; i++)
		free(o->choices[i].text);
	for (int i = 0; i < o->count && o->sessions; i++)
		session_free(&o->sessions[i]);
	free(o->sessions);
	model_store_free(o->models, o->model_count);
	free(o->choices);
	free(o->query);
	buffer_free(&o->printed);
	picker_free(o->picker);
	help_free(o->help);
	free(o);
	app->overlay = NULL;
	app->dirty = true;
}

static void add_choice(struct overlay *o, struct choice choice, const char *label, const char *detail)
{
	o->choices = xreallocarray(o->choices, (size_t)o->count + 1, sizeof(*o->choices));
	o->choices[o->count++] = choice;
	picker_add(o->picker, label, detail);
	buffer_printf(&o->printed, "%s%s%s%s", o->printed.len ? "\n" : "", choice.text ? choice.text : "",
		      choice.text ? "  " : "", label);
	if (detail[0])
		buffer_printf(&o->printed, "  %s", detail);
}

/* An empty list is a word instead; line mode prints it. */
static void show(struct app *app, char *when_empty)
{
	struct overlay *o = app->overlay;
	if (o->picker && o->count == 0) {
		app_overlay_close(app);
		app_banner(app, STYLE_WARNING, false, when_empty);
		return;
	}
	free(when_empty);
	if (app->plain) {
		char *text = buffer_take(&o->printed);
		app_overlay_close(app);
		app_note(app, ENTRY_NOTE, text);
	}
}

/* --- The lists -------------------------------------------------------------------------- */

static char *command_label(const struct app *app, enum command_id id)
{
	char *form = command_form(app->tr, id), *about = command_about(app->tr, id);
	char *label = xasprintf("%s: %s", form, about);
	free(about);
	free(form);
	return label;
}

static void add_command(struct app *app, enum command_id id)
{
	char *label = command_label(app, id);
	add_choice(app->overlay, (struct choice){.command = id}, label, "");
	free(label);
}

static void add_numbered(struct app *app, int number)
{
	enum action id = recent_action(number);
	if (!id) {
		add_command(app, recent_command(number));
		return;
	}
	char *key = xasprintf("action.%s", action_table[id].name), *shown = keys_shown(app->tr, id);
	add_choice(app->overlay, (struct choice){.action = id}, i18n_text(app->tr, key), shown);
	free(shown);
	free(key);
}

static enum help_place place_of(const struct app *app)
{
	if (app->overlay)
		return app->overlay->kind == OVERLAY_SETTINGS ? HELP_SETTINGS : HELP_LIST;
	return app->find ? HELP_FIND : app->selecting ? HELP_SELECT : app->turn ? HELP_ANSWER : HELP_CHAT;
}

void app_overlay_help(struct app *app)
{
	enum help_place place = place_of(app);
	open_overlay(app, OVERLAY_HELP, app->plain ? "" : NULL);
	for (int id = COMMAND_NONE + 1; id < COMMAND_COUNT && app->plain; id++)
		add_command(app, (enum command_id)id);
	if (!app->plain)
		app->overlay->help = help_create(app->tr, place);
	show(app, NULL);
}

/* What was chosen last comes first, then the tables in their order. */
void app_overlay_palette(struct app *app)
{
	open_overlay(app, OVERLAY_PALETTE, i18n_text(app->tr, "overlay.palette"));
	for (int i = 0; i < RECENT_MOST && app->recent.list[i]; i++)
		add_numbered(app, app->recent.list[i]);
	for (int number = 1; number < RECENT_NUMBERS; number++)
		if (!recent_has(&app->recent, number))
			add_numbered(app, number);
	show(app, NULL);
}

/* --- The list of conversations: details and glances only of those one sees --------------- */

static char *session_detail(void *arg, int item)
{
	const struct app *app = arg;
	return session_list_detail(app->tr, &app->overlay->sessions[item]);
}

static void session_preview(void *arg, int item, char **above, char **below)
{
	const struct app *app = arg;
	char err[512], *before = NULL, *last = NULL;
	session_glance(app->o.sessions, app->overlay->sessions[item].row, &before, &last, err, sizeof(err));
	*above = i18n_sanitize_line(before, strlen(before));
	*below = i18n_sanitize_line(last, strlen(last));
	free(before);
	free(last);
}

static int by_row(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Words that are said in a conversation find it, too. */
static void session_filter(void *arg, const char *words, bool *found)
{
	const struct app *app = arg;
	char err[512];
	int64_t *rows;
	size_t count;
	if (sessions_matching(app->o.sessions, words, &rows, &count, err, sizeof(err)) != 0)
		return;
	if (count)
		qsort(rows, count, sizeof(*rows), by_row);
	for (int i = 0; i < app->overlay->count && count; i++)
		found[i] = bsearch(&app->overlay->sessions[i].row, rows, count, sizeof(*rows), by_row) != NULL;
	free(rows);
}

static void add_sessions(struct app *app, size_t count)
{
	struct overlay *o = app->overlay;
	const struct picker_source source = {
		.arg = app, .detail = session_detail, .preview = session_preview, .filter = session_filter};
	if (!app->plain)
		picker_source(o->picker, &source);
	for (size_t i = 0; i < count; i++) {
		const struct session *session = &o->sessions[i];
		char *label = session_list_label(app->tr, session);
		char *detail = app->plain ? session_list_detail(app->tr, session) : xstrdup(session->model);
		add_choice(o, (struct choice){.text = xstrdup(session->id)}, label, detail);
		free(label);
		free(detail);
	}
}

void app_overlay_sessions(struct app *app)
{
	char err[512];
	struct session *list = NULL;
	size_t count = 0;
	if (!app->o.sessions) {
		app_banner(app, STYLE_WARNING, false, xstrdup(i18n_text(app->tr, "chat.nothing-kept")));
		return;
	}
	if (session_list(app->o.sessions, false, &list, &count, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		return;
	}
	struct overlay *o = open_overlay(app, OVERLAY_SESSIONS, i18n_text(app->tr, "overlay.sessions"));
	o->sessions = list;
	add_sessions(app, count);
	show(app, xstrdup(i18n_text(app->tr, "chat.no-sessions")));
}

/* --- The list of models: what a file says is read of the chosen one alone ------------------ */

static char *model_detail(void *arg, int item)
{
	const struct app *app = arg;
	return model_list_detail(app->tr, &app->overlay->models[item]);
}

static void model_preview(void *arg, int item, char **above, char **below)
{
	const struct app *app = arg;
	model_list_preview(app->tr, app->o.options, &app->overlay->models[item], above, below);
}

void app_overlay_models(struct app *app)
{
	struct stored_model *models = NULL;
	size_t count = 0;
	if (model_store_list(&models, &count) != 0)
		count = 0;
	struct overlay *o = open_overlay(app, OVERLAY_MODELS, i18n_text(app->tr, "overlay.models"));
	const struct picker_source source = {.arg = app, .detail = model_detail, .preview = model_preview};
	o->models = models;
	o->model_count = count;
	if (!app->plain)
		picker_source(o->picker, &source);
	for (size_t i = 0; i < count; i++) {
		bool in_use = app->model_path && strcmp(app->model_path, models[i].path) == 0;
		char *label = model_list_label(&models[i], in_use);
		char *detail = app->plain ? model_list_detail(app->tr, &models[i]) : xstrdup(models[i].store);
		add_choice(o, (struct choice){.text = xstrdup(models[i].path)}, label, detail);
		free(detail);
		free(label);
	}
	show(app, xstrdup(i18n_text(app->tr, "chat.no-models")));
}

void app_overlay_roles(struct app *app)
{
	size_t count;
	struct role *roles = role_list(&count);
	struct overlay *o = open_overlay(app, OVERLAY_ROLES, i18n_text(app->tr, "overlay.roles"));
	for (size_t i = 0; i < count; i++) {
		char *name = i18n_sanitize_line(roles[i].name, strlen(roles[i].name)),
		     *key = xasprintf("role.%s", name);
		const char *about = roles[i].about ? roles[i].about : roles[i].path ? "" : i18n_text(app->tr, key);
		char *detail = i18n_sanitize_line(about, strlen(about));
		char *label = xasprintf("%s%s", name, roles[i].argument[0] ? ":…" : "");
		struct choice choice = {.text = xasprintf("%s%s", roles[i].name, roles[i].argument[0] ? ":" : "")};
		add_choice(o, choice, label, detail);
		free(label);
		free(detail);
		free(key);
		free(name);
	}
	role_list_free(roles, count);
	add_choice(o, (struct choice){.text = xstrdup("default")}, "default", i18n_text(app->tr, "chat.no-role"));
	show(app, NULL);
}

/* One that needs a word goes into the input. */
static void choose_role(struct app *app, const char *name)
{
	if (!name[0] || name[strlen(name) - 1] != ':') {
		app_role(app, name);
		return;
	}
	char *line = xasprintf("/role %s", name);
	editor_set_text(app->editor, line, strlen(line));
	app_changed_input(app);
	free(line);
}

void app_overlay_search(struct app *app, const char *query)
{
	char err[512];
	struct search_hit *hits = NULL;
	size_t count = 0;
	if (!app->o.sessions) {
		app_banner(app, STYLE_WARNING, false, xstrdup(i18n_text(app->tr, "chat.nothing-kept")));
		return;
	}
	if (sessions_search(app->o.sessions, query, HITS_MOST, &hits, &count, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		return;
	}
	char *shown = i18n_sanitize_line(query, strlen(query));
	char *title = i18n_format(app->tr, "overlay.search", I18N_S(shown));
	struct overlay *o = open_overlay(app, OVERLAY_SEARCH, title);
	o->query = xstrdup(query);
	for (size_t i = 0; i < count; i++) {
		char *label = i18n_sanitize_line(hits[i].snippet, strlen(hits[i].snippet));
		char *detail = session_list_label(app->tr, &hits[i].session);
		struct choice choice = {.text = xstrdup(hits[i].session.id), .message = hits[i].message};
		add_choice(o, choice, label, detail);
		free(detail);
		free(label);
		search_hit_free(&hits[i]);
	}
	free(hits);
	show(app, i18n_format(app->tr, "chat.nothing-found", I18N_S(shown)));
	free(title);
	free(shown);
}

void app_overlay_message(struct app *app, int message)
{
	const struct app_message *m = &app->messages[message];
	const struct {
		const char *key;
		enum tree_op op;
		bool offered;
	} rows[] = {
		{"tree.edit", TREE_EDIT, true},
		{"tree.regenerate", TREE_REGENERATE, true},
		{"tree.fork", TREE_FORK, app->stored},
		{m->pinned ? "tree.unpin" : "tree.pin", TREE_PIN, app->stored},
		{"tree.copy", TREE_COPY, true},
		{"tree.earlier", TREE_EARLIER, m->sibling > 1},
		{"tree.later", TREE_LATER, m->sibling < m->siblings},
	};
	char *title = i18n_format(app->tr, "tree.message", I18N_I(m->number ? m->number : message + 1));
	struct overlay *o = open_overlay(app, OVERLAY_MESSAGE, title);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].offered)
			add_choice(o, (struct choice){.op = rows[i].op}, i18n_text(app->tr, rows[i].key), "");
	free(title);
	show(app, NULL);
}

/* --- Settings ---------------------------------------------------------------------------------- */

static void setting_preview(void *arg, int item, char **above, char **below)
{
	const struct app *app = arg;
	enum option_id id = app->overlay->choices[item].option;
	*above = app_settings_about(app, id);
	*below = app_settings_origin(app, id);
}

static char *setting_label(const struct app *app, enum option_id id)
{
	enum { NAME_CELLS = 16 };
	char *value = app_settings_value(app, id);
	char *label = xasprintf("%-*s %s", NAME_CELLS, option_table[id].name, value);
	free(value);
	return label;
}

void app_overlay_settings(struct app *app)
{
	struct overlay *o = open_overlay(app, OVERLAY_SETTINGS, i18n_text(app->tr, "overlay.settings"));
	const struct picker_source source = {.arg = app, .preview = setting_preview};
	for (int id = 0; id < OPTION_COUNT; id++) {
		if (!(option_table[id].flags & OPTION_IN_SET))
			continue;
		char *label = setting_label(app, (enum option_id)id),
		     *range = app_settings_range(app, (enum option_id)id);
		char *about = app_settings_about(app, (enum option_id)id);
		char *detail = app->plain ? xasprintf("(%s) %s", range, about) : xstrdup(range);
		add_choice(o, (struct choice){.option = (enum option_id)id}, label, detail);
		free(label);
		free(range);
		free(about);
		free(detail);
	}
	if (!app->plain)
		picker_source(o->picker, &source);
	show(app, NULL);
}

/* Arrows change the value where it stands; false: some other key. */
static bool change_setting(struct app *app, const struct key *key)
{
	struct overlay *o = app->overlay;
	int item = picker_chosen(o->picker), direction = key->code == KEYS_RIGHT ? 1 : key->code == KEYS_LEFT ? -1 : 0;
	if (o->kind != OVERLAY_SETTINGS || item < 0 || !direction)
		return false;
	enum option_id id = o->choices[item].option;
	app_settings_step(app, id, direction);
	char *label = setting_label(app, id), *range = app_settings_range(app, id);
	picker_set(o->picker, item, label, range);
	free(label);
	free(range);
	return true;
}

/* To be typed, after what it is now. */
static void choose_setting(struct app *app, enum option_id id)
{
	char *value = app_settings_value(app, id), *line = xasprintf("/set %s %s", option_table[id].name, value);
	editor_set_text(app->editor, line, strlen(line));
	app_changed_input(app);
	free(line);
	free(value);
}

void app_overlay_attached(struct app *app)
{
	struct overlay *o = open_overlay(app, OVERLAY_ATTACHED, i18n_text(app->tr, "overlay.attached"));
	for (int i = 0; i < attach_count(app); i++) {
		char *label = attach_label(app, i);
		add_choice(o, (struct choice){0}, label, "");
		free(label);
	}
	show(app, xstrdup(i18n_text(app->tr, "attach.none")));
}

/* --- Choosing ------------------------------------------------------------------------------ */

/* A command that needs a word goes into the input; the others are done at once. */
static void choose_command(struct app *app, enum command_id id)
{
	const struct command_info *info = &command_table[id];
	bool needs = info->argument[0] && info->argument[0] != '[';
	char *line = xasprintf("/%s%s", info->name, needs ? " " : "");
	if (needs) {
		editor_set_text(app->editor, line, strlen(line));
		app_changed_input(app);
	} else {
		app_command(app, line, strlen(line));
	}
	free(line);
}

static void choose(struct app *app, int index)
{
	struct overlay *o = app->overlay;
	struct choice choice = o->choices[index];
	enum overlay_kind kind = o->kind;
	char *query = o->query;
	o->query = NULL;
	o->choices[index].text = NULL;
	app_overlay_close(app);
	switch (kind) {
	case OVERLAY_PALETTE:
		recent_add(&app->recent, recent_number(choice.action, choice.command));
		if (choice.action)
			app_action(app, choice.action);
		else
			choose_command(app, choice.command);
		break;
	case OVERLAY_SESSIONS: app_session_open(app, choice.text, 0); break;
	case OVERLAY_ROLES: choose_role(app, choice.text); break;
	case OVERLAY_MODELS: app_turn_open_model(app, choice.text); break;
	case OVERLAY_SEARCH:
		if (app_session_open(app, choice.text, choice.message))
			app_find_show(app, query, choice.message);
		break;
	case OVERLAY_MESSAGE: app_tree_do(app, choice.op); break;
	case OVERLAY_SETTINGS: choose_setting(app, choice.option); break;
	case OVERLAY_ATTACHED:
		attach_remove(app, index);
		if (attach_count(app))
			app_overlay_attached(app);
		break;
	case OVERLAY_HELP: break;
	}
	free(choice.text);
	free(query);
}

/* Back to the list as it was, or to the chat. */
static void leave_help(struct app *app)
{
	struct overlay *o = app->overlay;
	if (o->picker) {
		help_free(o->help);
		o->help = NULL;
	} else {
		app_overlay_close(app);
	}
}

bool app_overlay_key(struct app *app, const struct key *key)
{
	struct overlay *o = app->overlay;
	app->dirty = true;
	if (o->help) {
		if (!help_key(o->help, key))
			leave_help(app);
		return true;
	}
	if (keys_action(key) == ACTION_HELP) {
		o->help = help_create(app->tr, place_of(app));
		return true;
	}
	if (change_setting(app, key))
		return true;
	switch (picker_key(o->picker, key)) {
	case PICKER_CHOSEN: choose(app, picker_chosen(o->picker)); break;
	case PICKER_CLOSED: app_overlay_close(app); break;
	case PICKER_OPEN: break;
	}
	return true;
}

void app_overlay_draw(struct app *app, int first, int height)
{
	struct overlay *o = app->overlay;
	if (o->help)
		help_draw(o->help, app->screen, first, height);
	else
		picker_draw(o->picker, app->screen, first, height);
}

/* Input methods draw at the cursor: it stands where the typing goes. */
bool app_overlay_caret(const struct app *app, int *row, int *column)
{
	const struct overlay *o = app->overlay;
	return o && o->picker && !o->help && picker_caret(o->picker, row, column);
}
