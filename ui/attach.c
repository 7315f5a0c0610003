#include "attach.h"
#include "counter.h"
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCAN_MS = 200, STEP_MS = 20 };

/* --- Files ----------------------------------------------------------------------------------- */

char *attach_expand_home(const char *path)
{
	const char *home = getenv("HOME");
	if (path[0] == '~' && (path[1] == '/' || !path[1]) && home)
		return xasprintf("%s%s", home, path + 1);
	return xstrdup(path);
}

int attach_read_file(const char *given, size_t most, struct buffer *out, char *err, size_t errlen)
{
	struct stat st;
	char chunk[65536];
	char *path = attach_expand_home(given), *shown = i18n_sanitize_line(given, strlen(given));
	int result = -1, fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = 0;
	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, errlen, "%s: %s", shown, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || (uintmax_t)st.st_size > most) {
		snprintf(err, errlen, S_ISREG(st.st_mode) ? "%s: larger than %zu bytes" : "%s: not a file", shown,
			 most);
		goto out;
	}
	while (out->len <= most && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buffer_append(out, chunk, (size_t)n);
	if (n < 0)
		snprintf(err, errlen, "%s: %s", shown, strerror(errno));
	result = n < 0 ? -1 : 0;
out:
	if (fd >= 0)
		close(fd);
	free(path);
	free(shown);
	return result;
}

/* --- What is attached --------------------------------------------------------------------------- */

struct attached {
	char *path;            /* or a name */
	struct source *source; /* NULL: text came with it */
	struct buffer own;
	bool mentioned, still_mentioned;
	struct counter *counter; /* NULL: nobody counts */
	bool counted;            /* tokens are known */
	int64_t tokens;
	time_t mtime;
	off_t size;
};

struct app_attached {
	struct attached *list;
	int count;
	int64_t scan_due;
};

static struct app_attached *get(struct app *app)
{
	if (!app->attached)
		app->attached = xcalloc(1, sizeof(*app->attached));
	return app->attached;
}

static enum source_state state_of(const struct attached *a)
{
	return a->source ? source_step(a->source) : SOURCE_READY;
}

static const char *text_of(const struct attached *a, size_t *len)
{
	if (a->source)
		return source_text(a->source, len);
	*len = a->own.len;
	return a->own.data ? a->own.data : "";
}

static void drop(struct app_attached *all, int i)
{
	free(all->list[i].path);
	counter_free(all->list[i].counter);
	source_free(all->list[i].source);
	buffer_free(&all->list[i].own);
	memmove(&all->list[i], &all->list[i + 1], (size_t)(--all->count - i) * sizeof(*all->list));
}

static struct attached *append(struct app *app, const char *path)
{
	struct app_attached *all = get(app);
	all->list = xreallocarray(all->list, (size_t)all->count + 1, sizeof(*all->list));
	all->list[all->count] = (struct attached){.path = xstrdup(path)};
	app->dirty = true;
	return &all->list[all->count++];
}

/* Begins to count, or takes what has been counted; false: it has not ended yet. */
static bool count(struct app *app, struct attached *a)
{
	size_t len;
	const char *text = text_of(a, &len);
	if (!a->counter)
		a->counter = counter_start(app->engine, text, len);
	if (!a->counter || !counter_done(a->counter, &a->tokens))
		return false;
	counter_free(a->counter);
	a->counter = NULL;
	return a->counted = app->dirty = true;
}

/* --- For the screen -------------------------------------------------------------------------------- */

static char *label(const struct app *app, const struct attached *a)
{
	char *name = i18n_sanitize_line(a->path, strlen(a->path)), *text;
	int files = a->source ? source_files(a->source) : 1;
	const char *warning = a->source ? source_warning(a->source) : "";
	enum source_state state = state_of(a);
	if (state == SOURCE_FAILED)
		text = i18n_format(app->tr, "attach.refused", I18N_S(source_error(a->source)));
	else if (state == SOURCE_READING || (app->ready && !a->counted))
		text = xasprintf("%s (…)", name);
	else if (!app->ready)
		text = xstrdup(name);
	else if (files > 1)
		text = i18n_format(app->tr, "attach.files", I18N_S(name), I18N_I(files), I18N_I(a->tokens));
	else
		text = i18n_format(app->tr, "attach.file", I18N_S(name), I18N_I(a->tokens));
	char *whole = *warning ? xasprintf("%s (%s)", text, warning) : xstrdup(text);
	free(text);
	free(name);
	return whole;
}

int attach_count(const struct app *app)
{
	int count = 0;
	for (int i = 0; app->attached && i < app->attached->count; i++)
		count += !app->attached->list[i].mentioned;
	return count;
}

bool attach_any(const struct app *app)
{
	return app->attached && app->attached->count > 0;
}

static int place_of(const struct app *app, int number)
{
	for (int i = 0; app->attached && i < app->attached->count; i++)
		if (!app->attached->list[i].mentioned && number-- == 0)
			return i;
	return -1;
}

char *attach_label(const struct app *app, int number)
{
	return label(app, &app->attached->list[place_of(app, number)]);
}

char *attach_line(const struct app *app)
{
	struct buffer out = {0};
	for (int i = 0; app->attached && i < app->attached->count; i++) {
		char *text = label(app, &app->attached->list[i]);
		buffer_printf(&out, "%s%s", out.len ? " · " : "", text);
		free(text);
	}
	if (!out.len)
		return NULL;
	char *line =
		i18n_format(app->tr, attach_count(app) ? "attach.line-removable" : "attach.line", I18N_S(out.data));
	buffer_free(&out);
	return line;
}

/* --- Attaching ----------------------------------------------------------------------------------------- */

/* Without a screen it is said once it is known. */
static void tell(struct app *app, struct attached *a)
{
	if (!app->plain)
		return;
	bool failed = a->source && source_finish(a->source) == SOURCE_FAILED;
	while (app->ready && !failed && !count(app, a) && a->counter)
		counter_wait(a->counter);
	char *text = label(app, a);
	app_note(app, failed ? ENTRY_ERROR : ENTRY_NOTE,
		 failed ? xstrdup(text) : i18n_format(app->tr, "attach.line", I18N_S(text)));
	free(text);
}

/* What cannot be attached is said, and gone. */
static void drop_failed(struct app *app)
{
	struct app_attached *all = app->attached;
	for (int i = all->count - 1; i >= 0; i--) {
		struct attached *a = &all->list[i];
		if (a->mentioned || state_of(a) != SOURCE_FAILED)
			continue;
		if (!app->plain)
			app_note(app, ENTRY_ERROR, label(app, a));
		drop(all, i);
	}
}

void attach_file(struct app *app, const char *path)
{
	struct attached *a = append(app, path);
	a->source = source_open(app->tr, path);
	tell(app, a);
	drop_failed(app);
}

void attach_text(struct app *app, const char *name, const char *text, size_t len)
{
	struct attached *a = append(app, name);
	source_fence(&a->own, NULL, text, len);
}

void attach_remove(struct app *app, int number)
{
	int i = place_of(app, number);
	if (i >= 0)
		drop(app->attached, i);
	app->dirty = true;
}

void attach_clear(struct app *app)
{
	while (app->attached && app->attached->count)
		drop(app->attached, app->attached->count - 1);
	if (app->attached)
		free(app->attached->list);
	free(app->attached);
	app->attached = NULL;
}

/* --- Named in the message ------------------------------------------------------------------------------- */

char *attach_mentioned(const char *text, size_t len, size_t pos, size_t *end)
{
	struct stat st;
	if (pos >= len || text[pos] != '@' || (pos && !strchr(" \t\n", text[pos - 1])))
		return NULL;
	size_t start = pos + 1, last;
	bool quoted = start < len && (text[start] == '"' || text[start] == '\'');
	if (quoted) {
		char quote = text[start++];
		for (last = start; last < len && text[last] != quote && text[last] != '\n';)
			last++;
		if (last == len || text[last] == '\n')
			return NULL;
		*end = last + 1;
	} else {
		for (last = start; last < len && !strchr(" \t\n", text[last]);)
			last++;
		*end = last;
	}
	/* As it stands, or without the punctuation of a sentence. */
	for (; last > start; last--) {
		char *path = xstrndup(text + start, last - start), *full = attach_expand_home(path);
		bool there = stat(full, &st) == 0;
		free(full);
		if (there)
			return path;
		free(path);
		if (quoted || !strchr(".,;:!?)]}'\"", text[last - 1]))
			break;
	}
	return NULL;
}

static struct attached *find_mentioned(struct app_attached *all, const char *path, const struct stat *st)
{
	for (int i = 0; i < all->count; i++) {
		struct attached *a = &all->list[i];
		if (a->mentioned && strcmp(a->path, path) == 0 && a->mtime == st->st_mtime && a->size == st->st_size)
			return a;
	}
	return NULL;
}

static void mention(struct app *app, const char *path)
{
	struct stat st = {0};
	char *full = attach_expand_home(path);
	stat(full, &st);
	struct attached *a = find_mentioned(get(app), path, &st);
	if (!a) {
		a = append(app, path);
		a->mentioned = true;
		a->mtime = st.st_mtime;
		a->size = st.st_size;
		a->source = source_open(app->tr, path);
	}
	a->still_mentioned = true;
	free(full);
}

/* What is named now is read, what no longer is is forgotten. */
static void scan(struct app *app, const char *text, size_t len)
{
	struct app_attached *all = get(app);
	all->scan_due = 0;
	for (int i = 0; i < all->count; i++)
		all->list[i].still_mentioned = false;
	for (size_t i = 0, end; i < len; i++) {
		char *path = text[i] == '@' ? attach_mentioned(text, len, i, &end) : NULL;
		if (path)
			mention(app, path);
		free(path);
	}
	for (int i = all->count - 1; i >= 0; i--)
		if (all->list[i].mentioned && !all->list[i].still_mentioned) {
			drop(all, i);
			app->dirty = true;
		}
}

void attach_input_changed(struct app *app)
{
	get(app)->scan_due = app->now + SCAN_MS;
}

/* --- Time -------------------------------------------------------------------------------------------------- */

static bool unfinished(const struct app *app)
{
	for (int i = 0; app->attached && i < app->attached->count; i++) {
		const struct attached *a = &app->attached->list[i];
		enum source_state state = state_of(a);
		if (state == SOURCE_READING || (state == SOURCE_READY && app->ready && !a->counted))
			return true;
	}
	return false;
}

void attach_recount(struct app *app)
{
	for (int i = 0; app->attached && i < app->attached->count; i++) {
		counter_free(app->attached->list[i].counter);
		app->attached->list[i].counter = NULL;
		app->attached->list[i].counted = false;
	}
}

static bool reading(const struct app *app)
{
	for (int i = 0; i < app->attached->count; i++)
		if (state_of(&app->attached->list[i]) == SOURCE_READING)
			return true;
	return false;
}

void attach_tick(struct app *app)
{
	struct app_attached *all = app->attached;
	if (!all)
		return;
	if (all->scan_due && app->now >= all->scan_due) {
		size_t len;
		const char *typed = editor_text(app->editor, &len);
		char *text = xstrndup(typed, len);
		scan(app, text, len);
		free(text);
	}
	for (int i = 0; i < all->count; i++) {
		struct attached *a = &all->list[i];
		if (state_of(a) == SOURCE_READY && app->ready && !a->counted && !count(app, a))
			break; /* one after another: the model wants the processor, too */
	}
	int before = all->count;
	drop_failed(app);
	app->dirty = app->dirty || before != all->count;
	if (app->send_held && !reading(app)) {
		app->send_held = false;
		app_banner(app, STYLE_DIM, false, NULL);
		app_send_now(app);
	}
}

int attach_timeout(const struct app *app)
{
	int wait = unfinished(app) ? STEP_MS : -1;
	if (app->attached && app->attached->scan_due) {
		int64_t left = app->attached->scan_due - app->now;
		wait = wait < 0 || left < wait ? (int)(left > 0 ? left : 0) : wait;
	}
	return wait;
}

/* --- Sending -------------------------------------------------------------------------------------------------- */

static void separate(struct buffer *out)
{
	if (out->len)
		buffer_puts(out, out->data[out->len - 1] == '\n' ? "\n" : "\n\n");
}

bool attach_ready(struct app *app, const char *text, size_t len)
{
	scan(app, text, len);
	for (int i = 0; i < app->attached->count; i++) {
		const struct attached *a = &app->attached->list[i];
		if (app->plain && a->source)
			source_finish(a->source);
		if (state_of(a) == SOURCE_READING)
			return false;
	}
	return true;
}

void attach_expand(struct app *app, const char *text, size_t len, struct buffer *out)
{
	buffer_append(out, text, len);
	for (int i = 0; app->attached && i < app->attached->count; i++) {
		struct attached *a = &app->attached->list[i];
		size_t size;
		if (state_of(a) != SOURCE_READY) {
			app_note(app, ENTRY_ERROR, label(app, a));
			continue;
		}
		const char *body = text_of(a, &size);
		separate(out);
		buffer_append(out, body, size);
	}
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	attach_clear(app);
}
