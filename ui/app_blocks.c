#include "app.h"
#include "attach.h"
#include "notify.h"
#include "patch.h"
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	RUN_SECONDS = 60,
	RUN_MEGABYTES = 1024,
	FILE_MEGABYTES = 64,
	OUTPUT_MOST = 256 << 10,
	FILE_MOST = 16 << 20,
	END_MS = 20,
};
enum question { QUESTION_NONE, QUESTION_RUN, QUESTION_APPLY };

struct app_blocks {
	enum question question;
	struct runner runner;
	struct sandbox sandbox;
	int entry; /* in the transcript, of what is running */
	int64_t started;
	bool stopped, too_much;
	char *output; /* of the last run, or NULL */
	struct {      /* a file that is to be, or was, written */
		char *path;
		struct buffer old, text;
		bool existed;
	} change, done;
};

static struct app_blocks *get(struct app *app)
{
	if (!app->blocks) {
		app->blocks = xcalloc(1, sizeof(*app->blocks));
		app->blocks->sandbox.fd = -1;
	}
	return app->blocks;
}

static void say(struct app *app, enum style style, const char *key)
{
	app_banner(app, style, false, xstrdup(i18n_text(app->tr, key)));
}

static void say_about(struct app *app, enum style style, const char *key, const char *name)
{
	char *shown = i18n_sanitize_line(name, strlen(name));
	app_banner(app, style, false, i18n_format_args(app->tr, key, &I18N_S(shown), 1));
	free(shown);
}

static void say_error(struct app *app, const char *err)
{
	app_banner(app, STYLE_ERROR, false, app_error(app, err));
}

/* --- Running -------------------------------------------------------------------------- */

static bool running(const struct app_blocks *b)
{
	return b && (b->sandbox.pid > 0 || b->sandbox.fd >= 0);
}

static void start(struct app *app)
{
	struct app_blocks *b = app->blocks;
	char err[512];
	const struct sandbox_limits limits = {
		.seconds = RUN_SECONDS,
		.memory = (size_t)RUN_MEGABYTES << 20,
		.file = (size_t)FILE_MEGABYTES << 20,
	};
	if (runner_start(&b->runner, &b->sandbox, b->runner.work ? &limits : NULL, err, sizeof(err))) {
		say_error(app, err);
		runner_free(&b->runner);
		return;
	}
	app_note(app, ENTRY_TOOL, xstrdup(""));
	b->entry = transcript_count(app->transcript) - 1 - app->waiting_count;
	transcript_mark(app->transcript, b->entry, i18n_text(app->tr, "run.running"));
	b->started = app->now;
	b->stopped = b->too_much = false;
	free(b->output);
	b->output = NULL;
}

/* The command as it will be run, and what it may do: before anything happens. */
static void show_command(struct app *app, int number)
{
	struct app_blocks *b = app->blocks;
	bool guarded = sandbox_can() == (SANDBOX_FILES | SANDBOX_NETWORK);
	char *command = i18n_format(app->tr, "run.command", I18N_I(number), I18N_S(b->runner.shown));
	char *limits = guarded ? i18n_format(app->tr, "run.sandboxed", I18N_I(RUN_SECONDS), I18N_I(RUN_MEGABYTES))
			       : i18n_format(app->tr, "run.unguarded", I18N_I(RUN_SECONDS), I18N_I(RUN_MEGABYTES));
	app_note(app, guarded ? ENTRY_NOTE : ENTRY_ERROR, xasprintf("%s\n%s", command, limits));
	free(command);
	free(limits);
}

void app_blocks_run(struct app *app, int number, bool asked)
{
	struct app_blocks *b = get(app);
	struct buffer code = {0};
	char err[512], *language = NULL;
	if (running(b)) {
		say(app, STYLE_WARNING, "run.busy");
		return;
	}
	runner_free(&b->runner);
	if (transcript_block(app->transcript, number, &code, &language)) {
		if (runner_prepare(&b->runner, language, code.data ? code.data : "", code.len, err, sizeof(err))) {
			say_error(app, err);
		} else {
			show_command(app, number);
			if (asked) {
				start(app);
			} else if (app->plain) {
				char *form = xasprintf("/run! %d", number);
				say_about(app, STYLE_ACCENT, "run.plain", form);
				runner_free(&b->runner);
				free(form);
			} else {
				b->question = QUESTION_RUN;
				app_banner(app, STYLE_ACCENT, true, xstrdup(i18n_text(app->tr, "run.ask")));
				transcript_scroll_end(app->transcript);
			}
		}
	}
	free(language);
	buffer_free(&code);
}

const char *app_blocks_shell_command(const char *line, size_t len, size_t *command_len)
{
	static const char *const signs[] = {"!", "！"};
	size_t sign = 0;
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs) && !sign; i++)
		if (len > strlen(signs[i]) && memcmp(line, signs[i], strlen(signs[i])) == 0)
			sign = strlen(signs[i]);
	const char *command = line + sign, *end = line + len;
	while (command < end && (*command == ' ' || *command == '\t'))
		command++;
	while (end > command && strchr(" \t\n", end[-1]))
		end--;
	*command_len = (size_t)(end - command);
	return sign && end > command && !memchr(command, '\n', *command_len) ? command : NULL;
}

/* What a person types they may run: nobody is asked, and nothing is kept from it. */
void app_blocks_shell(struct app *app, const char *command, size_t len)
{
	struct app_blocks *b = get(app);
	if (running(b)) {
		say(app, STYLE_WARNING, "run.busy");
		return;
	}
	char *copy = xstrndup(command, len);
	runner_free(&b->runner);
	runner_prepare_shell(&b->runner, copy);
	app_note(app, ENTRY_NOTE, xasprintf("$ %s", copy));
	transcript_scroll_end(app->transcript);
	start(app);
	free(copy);
}

static void ended(struct app *app, int code)
{
	struct app_blocks *b = app->blocks;
	size_t len;
	const char *text = transcript_text(app->transcript, b->entry, &len);
	double seconds = (double)(app->now - b->started) / 1000;
	char *mark;
	if (b->stopped || b->too_much)
		mark = xstrdup(i18n_text(app->tr, b->too_much ? "run.too-much" : "run.stopped"));
	else if (code == SANDBOX_TIMED_OUT)
		mark = i18n_format(app->tr, "run.timed-out", I18N_I(RUN_SECONDS));
	else
		mark = i18n_format(app->tr, "run.ended", I18N_I(code), I18N_R(seconds));
	b->output = xasprintf("$ %s\n%.*s%s[exit code %d]\n", b->runner.shown, (int)len, len ? text : "",
			      len && text[len - 1] != '\n' ? "\n" : "", code == SANDBOX_TIMED_OUT ? 124 : code);
	transcript_mark(app->transcript, b->entry, mark);
	runner_free(&b->runner);
	app->dirty = true;
	if (!b->stopped)
		notify(app, app->now - b->started, i18n_text(app->tr, "run.notify"));
	free(mark);
}

static void read_output(struct app *app)
{
	struct app_blocks *b = app->blocks;
	char bytes[16384];
	ssize_t n;
	while (b->sandbox.fd >= 0 && (n = read(b->sandbox.fd, bytes, sizeof(bytes))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		size_t held;
		transcript_text(app->transcript, b->entry, &held);
		transcript_append(app->transcript, b->entry, bytes, (size_t)n);
		app->dirty = true;
		if (held + (size_t)n > OUTPUT_MOST) {
			b->too_much = true;
			break;
		}
	}
	if (b->sandbox.fd >= 0)
		close(b->sandbox.fd);
	b->sandbox.fd = -1;
	if (b->too_much) {
		sandbox_stop(&b->sandbox);
		ended(app, 0);
	}
}

void app_blocks_tick(struct app *app)
{
	struct app_blocks *b = app->blocks;
	int code;
	if (!running(b))
		return;
	read_output(app);
	if (b->sandbox.fd < 0 && sandbox_ended(&b->sandbox, &code))
		ended(app, code);
}

int app_blocks_entry(const struct app *app)
{
	return running(app->blocks) ? app->blocks->entry : -1;
}

int app_blocks_fd(const struct app *app)
{
	return app->blocks ? app->blocks->sandbox.fd : -1;
}

int app_blocks_timeout(const struct app *app)
{
	return app->blocks && app->blocks->sandbox.pid > 0 && app->blocks->sandbox.fd < 0 ? END_MS : -1;
}

bool app_blocks_stop(struct app *app)
{
	struct app_blocks *b = app->blocks;
	if (!running(b))
		return false;
	b->stopped = true;
	sandbox_stop(&b->sandbox);
	ended(app, 0);
	return true;
}

void app_blocks_output(struct app *app)
{
	struct app_blocks *b = app->blocks;
	if (running(b) || !b || !b->output) {
		say(app, STYLE_WARNING, running(b) ? "run.busy" : "run.nothing");
		return;
	}
	char *name = xstrndup(b->output, strcspn(b->output, "\n"));
	attach_text(app, name, b->output, strlen(b->output));
	free(name);
	say(app, STYLE_DIM, "run.attached");
}

/* --- Applying ------------------------------------------------------------------------- */

static char *expand(const char *given)
{
	const char *home = getenv("HOME");
	bool tilde = given[0] == '~' && given[1] == '/' && home;
	char *path = xasprintf("%s%s", tilde ? home : "", given + tilde), *real = realpath(path, NULL);
	if (!real)
		return path;
	free(path); /* a link is written through, not replaced */
	return real;
}

/* All or nothing: a new file takes the old one's place and mode. */
static int replace_file(const char *path, const char *text, size_t len, bool existed, char *err, size_t errlen)
{
	struct stat st;
	char *new = xasprintf("%s.bora-XXXXXX", path);
	int fd = mkostemp(new, O_CLOEXEC), failed = fd < 0;
	size_t done = 0;
	while (!failed && done < len) {
		ssize_t n = write(fd, text + done, len - done);
		failed = n <= 0;
		done += failed ? 0 : (size_t)n;
	}
	if (!failed) {
		mode_t mask = umask(0);
		umask(mask);
		mode_t mode = existed && stat(path, &st) == 0 ? st.st_mode & 07777 : 0666 & ~mask;
		failed = fchmod(fd, mode) != 0 || fsync(fd) != 0 || rename(new, path) != 0;
	}
	if (failed) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			unlink(new);
	}
	if (fd >= 0)
		close(fd);
	free(new);
	return failed ? -1 : 0;
}

static int read_if_there(const char *path, struct buffer *out, bool *existed, char *err, size_t errlen)
{
	*existed = access(path, F_OK) == 0;
	return *existed ? attach_read_file(path, FILE_MOST, out, err, errlen) : 0;
}

static void forget_change(struct app_blocks *b)
{
	free(b->change.path);
	buffer_free(&b->change.old);
	buffer_free(&b->change.text);
	memset(&b->change, 0, sizeof(b->change));
}

/* The preview names a file in full; in a line about it, what can be done must have room. */
static const char *short_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static void write_change(struct app *app)
{
	struct app_blocks *b = app->blocks;
	char err[512];
	const struct buffer *text = &b->change.text;
	if (replace_file(b->change.path, text->data ? text->data : "", text->len, b->change.existed, err,
			 sizeof(err))) {
		say_error(app, err);
		forget_change(b);
		return;
	}
	free(b->done.path);
	buffer_free(&b->done.old);
	buffer_free(&b->done.text);
	memcpy(&b->done, &b->change, sizeof(b->done));
	memset(&b->change, 0, sizeof(b->change));
	say_about(app, STYLE_DIM, "apply.written", short_name(b->done.path));
}

/* What the file would be: the block itself, or the file with the block's diff done. */
static int make_change(struct app_blocks *b, const struct buffer *code, char *err, size_t errlen)
{
	const char *text = code->data ? code->data : "";
	if (read_if_there(b->change.path, &b->change.old, &b->change.existed, err, errlen))
		return -1;
	if (patch_is_diff(text, code->len))
		return patch_apply(b->change.old.data ? b->change.old.data : "", b->change.old.len, text, code->len,
				   &b->change.text, err, errlen);
	buffer_append(&b->change.text, text, code->len);
	return 0;
}

static void ask_change(struct app *app, int number, bool asked)
{
	struct app_blocks *b = app->blocks;
	struct buffer diff = {0};
	const struct buffer *old = &b->change.old, *new = &b->change.text;
	patch_make(old->data ? old->data : "", old->len, new->data ? new->data : "", new->len, b->change.path, &diff);
	if (!diff.len && b->change.existed) {
		say_about(app, STYLE_DIM, "apply.same", b->change.path);
		forget_change(b);
		return;
	}
	app_note(app, ENTRY_DIFF, buffer_take(&diff));
	if (asked) {
		write_change(app);
	} else if (app->plain) {
		char *form = xasprintf("/apply! %d %s", number, b->change.path);
		say_about(app, STYLE_ACCENT, "apply.plain", form);
		free(form);
		forget_change(b);
	} else {
		b->question = QUESTION_APPLY;
		say_about(app, STYLE_ACCENT, "apply.ask", short_name(b->change.path));
		app->banner_stays = true;
		transcript_scroll_end(app->transcript);
	}
}

void app_blocks_apply(struct app *app, int number, const char *path, bool asked)
{
	struct app_blocks *b = get(app);
	struct buffer code = {0};
	char err[512], *language = NULL, *named = NULL;
	forget_change(b);
	if (transcript_block(app->transcript, number, &code, &language)) {
		if (!path)
			path = named = patch_file(code.data ? code.data : "", code.len);
		if (!path) {
			snprintf(err, sizeof(err), "block %d names no file: /apply %d FILE", number, number);
			say_error(app, err);
		} else {
			b->change.path = expand(path);
			if (make_change(b, &code, err, sizeof(err))) {
				say_error(app, err);
				forget_change(b);
			} else {
				ask_change(app, number, asked);
			}
		}
	}
	free(named);
	free(language);
	buffer_free(&code);
}

void app_blocks_revert(struct app *app)
{
	struct app_blocks *b = get(app);
	struct buffer now = {0};
	char err[512];
	bool there;
	if (!b->done.path) {
		say(app, STYLE_WARNING, "apply.nothing");
		return;
	}
	const struct buffer *old = &b->done.old, *text = &b->done.text;
	int failed = read_if_there(b->done.path, &now, &there, err, sizeof(err));
	if (!failed && (!there || now.len != text->len || (now.len && memcmp(now.data, text->data, now.len) != 0))) {
		say_about(app, STYLE_WARNING, "apply.changed-since", b->done.path);
		buffer_free(&now);
		return;
	}
	buffer_free(&now);
	if (!failed && b->done.existed) {
		failed = replace_file(b->done.path, old->data ? old->data : "", old->len, true, err, sizeof(err));
	} else if (!failed && unlink(b->done.path) != 0) {
		snprintf(err, sizeof(err), "%s: %s", b->done.path, strerror(errno));
		failed = -1;
	}
	if (failed) {
		say_error(app, err);
		return;
	}
	say_about(app, STYLE_DIM, "apply.reverted", short_name(b->done.path));
	free(b->done.path);
	buffer_free(&b->done.old);
	buffer_free(&b->done.text);
	memset(&b->done, 0, sizeof(b->done));
}

/* --- Asking ------------------------------------------------------------------------------- */

/* Enter or y is yes; any other key is no, so that nothing runs by chance. */
bool app_blocks_key(struct app *app, const struct key *key)
{
	struct app_blocks *b = app->blocks;
	if (!b || b->question == QUESTION_NONE)
		return false;
	enum question question = b->question;
	bool yes = (key->code == KEYS_ENTER && key->mods == 0) ||
		   (key->code == KEYS_CHAR && key->mods == 0 && (key->ch == 'y' || key->ch == 'Y'));
	b->question = QUESTION_NONE;
	app_banner(app, STYLE_DIM, false, NULL);
	if (question == QUESTION_RUN && yes) {
		start(app);
	} else if (question == QUESTION_APPLY && yes) {
		write_change(app);
	} else {
		say(app, STYLE_DIM, question == QUESTION_RUN ? "run.declined" : "apply.declined");
		runner_free(&b->runner);
		forget_change(b);
	}
	return true;
}

void app_blocks_free(struct app *app)
{
	struct app_blocks *b = app->blocks;
	if (!b)
		return;
	sandbox_stop(&b->sandbox);
	runner_free(&b->runner);
	forget_change(b);
	free(b->done.path);
	buffer_free(&b->done.old);
	buffer_free(&b->done.text);
	free(b->output);
	free(b);
	app->blocks = NULL;
}
