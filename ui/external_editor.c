#include "external_editor.h"
#include "attach.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MOST = 16 << 20, POLL_MS = 50 };

static const char *editor_command(void)
{
	const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
	return visual && visual[0] ? visual : editor && editor[0] ? editor : "vi";
}

static pid_t spawn(const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		char *command = xasprintf("%s \"$1\"", editor_command());
		loop_child();
		execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* Keeps the turn going until the editor ends; its exit status, -1 when we are to leave. */
static int attend(struct app *app, pid_t pid)
{
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		int engine_fd = app->engine ? engine_wake_fd(app->engine) : -1;
		loop_wait(app->loop, -1, engine_fd, POLL_MS);
		app->now = loop_now();
		for (int number; (number = loop_signal(app->loop));)
			if (number == SIGTERM || number == SIGHUP) {
				app->quit = true;
				app->exit_code = 128 + number;
				kill(pid, SIGHUP);
				return -1;
			}
		app_turn_events(app);
		if (app->turn)
			turn_tick(app->turn);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int write_draft(struct app *app, char *path, char *err, size_t errlen)
{
	size_t len;
	const char *text = editor_text(app->editor, &len);
	int fd = mkstemps(path, 3);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) != 0) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

static void take_back(struct app *app, const char *path)
{
	char err[512];
	struct buffer text = {0};
	if (attach_read_file(path, TEXT_MOST, &text, err, sizeof(err)) == 0) {
		while (text.len && text.data[text.len - 1] == '\n')
			text.len--;
		editor_set_text(app->editor, text.data ? text.data : "", text.len);
		app_changed_input(app);
	} else {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
	}
	buffer_free(&text);
}

void external_editor_run(struct app *app)
{
	char err[512];
	const char *dir = getenv("TMPDIR");
	if (!app->loop)
		return;
	char *path = xasprintf("%s/bora-XXXXXX.md", dir && dir[0] == '/' ? dir : "/tmp");
	if (write_draft(app, path, err, sizeof(err))) {
		app_banner(app, STYLE_ERROR, false, app_error(app, err));
		free(path);
		return;
	}
	app_session_save_draft(app);
	app->screen->ops->suspend(app->screen);
	pid_t pid = spawn(path);
	int status = pid > 0 ? attend(app, pid) : -1;
	if (!app->quit) {
		app->screen->ops->resume(app->screen);
		app->screen->ops->resize(app->screen);
		app->screen->ops->redraw(app->screen);
	}
	if (status == 0)
		take_back(app, path);
	else if (!app->quit)
		app_banner(app, STYLE_ERROR, false,
			   i18n_format(app->tr, "chat.editor-failed", I18N_S(editor_command())));
	unlink(path);
	free(path);
	app->dirty = true;
}
