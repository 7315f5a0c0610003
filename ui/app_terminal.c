/* What the terminal is found to be, and what follows from it: asked once at start,
 * while the model loads. What was kept from the last time holds until the answers
 * come; without it the first frame waits for them, a moment. */
#include "app.h"
#include "theme.h"

#include "../paths.h"

#include <stdlib.h>
#include <string.h>

enum { LATE_MS = 20000 }; /* answers that come later than this are nobody's */

struct app_terminal {
	struct terminal_probe *probe;
	struct terminal_facts facts; /* in use */
	struct outer_terminal *outer;
	bool known;  /* from the last time, or by answers */
	bool colors; /* were asked about */
	int64_t asked_at;
};

static char *state_dir(const struct app *app)
{
	return option_flag(app->o.options, OPTION_NO_SAVE) ? NULL : path_dir(PATH_STATE);
}

void app_terminal_translate(struct app *app, struct i18n *tr)
{
	if (app->terminal)
		terminal_facts_apply(&app->terminal->facts, tr, terminal_facts_ambiguous(app->o.options));
	i18n_set_order(tr, app->bidi);
}

int app_terminal_background(const struct app *app)
{
	return app->terminal ? app->terminal->facts.background : -1;
}

/* Everything is laid out anew. */
static void apply(struct app *app)
{
	const struct terminal_facts *facts = &app->terminal->facts;
	const char *by;
	app->bidi = terminal_facts_choose(facts, app->o.options);
	struct screen_traits traits = {
		.measured = facts->measured,
		.synchronized = terminal_facts_synchronized(facts),
		.hyperlinks = terminal_facts_links(facts) != TERMINAL_LINKS_NONE,
		.order_begin = terminal_facts_order(facts, app->bidi, true),
		.order_end = terminal_facts_order(facts, app->bidi, false),
		.colors = terminal_facts_colors(facts, app->o.options, &by),
	};
	app_terminal_translate(app, app->own_tr ? app->own_tr : app->o.tr);
	app->screen->ops->traits(app->screen, &traits);
	app_show_theme(app);
	transcript_hyperlinks(app->transcript, terminal_facts_links(facts) == TERMINAL_LINKS_SHOWN && traits.measured);
	transcript_reflow(app->transcript, app->tr, app->bidi);
	editor_retranslate(app->editor, app->tr, app->bidi);
	app->dirty = true;
}

void app_terminal_ask(struct app *app)
{
	size_t len;
	struct app_terminal *t = app->terminal = xcalloc(1, sizeof(*t));
	t->colors = theme_is_colored(option_flag(app->o.options, OPTION_NO_COLOR));
	char *questions = terminal_probe_questions(t->colors, &len), *dir = state_dir(app);
	t->probe = terminal_probe_create();
	t->facts = *terminal_probe_facts(t->probe);
	t->asked_at = app->now;
	t->known = dir && terminal_facts_load(&t->facts, dir);
	t->outer = outer_terminal_ask();
	keys_expect_replies(app->keys, app->now + LATE_MS);
	app->screen->ops->raw(app->screen, questions, len);
	apply(app);
	free(questions);
	free(dir);
}

int app_terminal_wait_ms(const struct app *app)
{
	const struct app_terminal *t = app->terminal;
	if (!t || t->known || !t->probe)
		return 0;
	int64_t left = t->asked_at + TERMINAL_WAIT_MS - app->now;
	return left > 0 ? (int)left : 0;
}

void app_terminal_answer(struct app *app, const char *bytes, size_t len)
{
	struct app_terminal *t = app->terminal;
	if (!t || !t->probe || !terminal_probe_answer(t->probe, bytes, len))
		return;
	struct terminal_facts found = *terminal_probe_facts(t->probe);
	char *dir = state_dir(app);
	if (!t->colors) { /* what is known of them stays known */
		found.rgb = t->facts.rgb;
		found.background = t->facts.background;
	}
	outer_terminal_answer(t->outer, found.outer, sizeof(found.outer));
	t->outer = NULL;
	if (!t->known || !terminal_facts_equal(&found, &t->facts)) {
		t->facts = found;
		apply(app);
		if (dir)
			terminal_facts_save(&found, dir);
	}
	t->known = true;
	terminal_probe_free(t->probe);
	t->probe = NULL;
	keys_expect_replies(app->keys, 0);
	free(dir);
}

void app_terminal_free(struct app *app)
{
	if (!app->terminal)
		return;
	outer_terminal_answer(app->terminal->outer, NULL, 0);
	terminal_probe_free(app->terminal->probe);
	free(app->terminal);
	app->terminal = NULL;
}
