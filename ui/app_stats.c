/* /stats: what the answers have cost, the last one, those of this conversation, and all since the start. */
#include "app.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void app_stats_add(struct app_tally *t, const struct engine_usage *usage)
{
	t->answers++;
	t->prompt += usage->prompt_tokens;
	t->cached += usage->cached_tokens;
	t->answer += usage->completion_tokens;
	t->guessed += usage->guessed_tokens;
	t->guessed_right += usage->guessed_right;
	t->prompt_ms += usage->prompt_ms;
	t->answer_ms += usage->predicted_ms;
	t->first_ms += usage->first_token_ms;
}

static double share(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static double per_second(int64_t count, double ms)
{
	return ms > 0 ? (double)count * 1000 / ms : 0;
}

static void add_line(struct buffer *out, char *line)
{
	buffer_printf(out, "%s%s", out->len ? "\n" : "", line);
	free(line);
}

static void add_figures(struct buffer *out, char *line)
{
	buffer_printf(out, "\n  %s", line);
	free(line);
}

static void add_tally(const struct app *app, struct buffer *out, const char *label, const struct app_tally *t)
{
	if (!t->answers)
		return;
	add_line(out, xstrdup(i18n_text(app->tr, label)));
	add_figures(out, i18n_format(app->tr, "stats.read", I18N_I(t->prompt), I18N_R(share(t->cached, t->prompt)),
				     I18N_R(per_second(t->prompt - t->cached, t->prompt_ms))));
	add_figures(out, i18n_format(app->tr, "stats.written", I18N_I(t->answers), I18N_I(t->answer),
				     I18N_R(per_second(t->answer, t->answer_ms)),
				     I18N_R(t->first_ms / (double)t->answers / 1000)));
	if (t->guessed)
		add_figures(out, i18n_format(app->tr, "stats.guessed", I18N_I(t->guessed),
					     I18N_R(share(t->guessed_right, t->guessed))));
}

static double peak_megabytes(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
	return (double)usage.ru_maxrss / 1e6;
#else
	return (double)usage.ru_maxrss * 1024 / 1e6;
#endif
}

static char *model_line(const struct app *app, const struct engine_model *m)
{
	char *name = i18n_sanitize_line(m->name, strlen(m->name));
	char *line =
		i18n_format(app->tr, "chat.stats-model", I18N_S(name), I18N_S(m->architecture), I18N_S(m->file_type),
			    I18N_R((double)m->parameters / 1e6), I18N_R((double)m->file_bytes / 1e6), I18N_I(m->layers),
			    I18N_I(m->ctx_size), I18N_I(m->threads), I18N_S(m->isa), I18N_S(m->chat_format));
	free(name);
	return line;
}

void app_stats_show(struct app *app)
{
	struct buffer out = {0};
	struct app_tally last = {0};
	if (!app->ready) {
		app_banner(app, STYLE_WARNING, false, xstrdup(i18n_text(app->tr, "chat.no-model-yet")));
		return;
	}
	const struct engine_model *m = engine_model(app->engine);
	if (app->usage.completion_tokens)
		app_stats_add(&last, &app->usage);
	add_line(&out, model_line(app, m));
	add_line(&out, i18n_format(app->tr, "stats.context", I18N_I(app->usage.context_used), I18N_I(m->ctx_size),
				   I18N_R(share(app->usage.context_used, m->ctx_size))));
	add_line(&out,
		 i18n_format(app->tr, "stats.memory", I18N_R(peak_megabytes()), I18N_R((double)m->file_bytes / 1e6)));
	add_tally(app, &out, "stats.last", &last);
	if (app->tally.answers > 1)
		add_tally(app, &out, "stats.chat", &app->tally);
	if (app->tally_all.answers > app->tally.answers)
		add_tally(app, &out, "stats.all", &app->tally_all);
	app_note(app, ENTRY_NOTE, buffer_take(&out));
}
