#include "clipboard.h"
#include "loop.h"
#include "program.h"

#include "../xmalloc.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	OSC52_MOST = 74994, /* bytes that every terminal with OSC 52 takes: 100,000 in base64 */
	SCREEN_CHUNK = 512, /* GNU screen cuts longer strings */
	HELPER_MS = 1000,
};

static void base64(struct buffer *out, const unsigned char *s, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)s[i] << 16 | (i + 1 < len ? (uint32_t)s[i + 1] << 8 : 0) |
			     (i + 2 < len ? s[i + 2] : 0u);
		char four[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < len ? digits[v >> 6 & 63] : '=',
				i + 2 < len ? digits[v & 63] : '='};
		buffer_append(out, four, 4);
	}
}

/* tmux hands on what comes doubled-ESC in its own DCS; screen in plain DCS chunks. */
static void wrap(struct buffer *out, const struct buffer *osc)
{
	const char *term = getenv("TERM");
	if (getenv("TMUX")) {
		buffer_append(out, osc->data, osc->len);
		buffer_puts(out, "\033Ptmux;\033");
		buffer_append(out, osc->data, osc->len);
		buffer_puts(out, "\033\\");
	} else if (getenv("STY") && term && strncmp(term, "screen", 6) == 0) {
		for (size_t i = 0; i < osc->len; i += SCREEN_CHUNK) {
			size_t n = osc->len - i < SCREEN_CHUNK ? osc->len - i : SCREEN_CHUNK;
			buffer_puts(out, "\033P");
			buffer_append(out, osc->data + i, n);
			buffer_puts(out, "\033\\");
		}
	} else {
		buffer_append(out, osc->data, osc->len);
	}
}

static bool copy_by_terminal(struct screen *screen, const char *text, size_t len)
{
	struct buffer osc = {0}, wrapped = {0};
	if (len > OSC52_MOST)
		return false;
	buffer_puts(&osc, "\033]52;c;");
	base64(&osc, (const unsigned char *)text, len);
	buffer_puts(&osc, "\a");
	wrap(&wrapped, &osc);
	screen->ops->raw(screen, wrapped.data, wrapped.len);
	buffer_free(&osc);
	buffer_free(&wrapped);
	return true;
}

struct helper {
	const char *condition; /* environment variable that must be set, or NULL */
	const char *argv[4];
};

static bool in_path(const char *name)
{
	char *found = program_find(name);
	free(found);
	return found != NULL;
}

/* An unlinked file that holds text, at its beginning: nothing can block on it. */
static int text_file(const char *text, size_t len)
{
	char name[] = "/tmp/bora-copy-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -1;
	unlink(name);
	if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool wait_for(pid_t pid)
{
	struct timespec nap = {.tv_nsec = 10 * 1000 * 1000};
	int status;
	for (int ms = 0; ms < HELPER_MS; ms += 10) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		nanosleep(&nap, NULL);
	}
	return true; /* still at it: some keep running to serve the clipboard */
}

static bool run_helper(const struct helper *helper, const char *text, size_t len)
{
	int fd = text_file(text, len);
	if (fd < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		int nowhere = open("/dev/null", O_WRONLY);
		loop_child();
		setsid();
		dup2(fd, STDIN_FILENO);
		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		execvp(helper->argv[0], (char *const *)helper->argv);
		_exit(127);
	}
	close(fd);
	return pid > 0 && wait_for(pid);
}

char *clipboard_copy(struct screen *screen, const char *text, size_t len)
{
	static const struct helper helpers[] = {
		{"WAYLAND_DISPLAY", {"wl-copy", NULL}},
		{"DISPLAY", {"xclip", "-selection", "clipboard", NULL}},
		{NULL, {"pbcopy", NULL}},
	};
	struct buffer ways = {0};
	if (copy_by_terminal(screen, text, len))
		buffer_puts(&ways, "OSC 52");
	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
		const struct helper *h = &helpers[i];
		if ((h->condition && !getenv(h->condition)) || !in_path(h->argv[0]) || !run_helper(h, text, len))
			continue;
		buffer_printf(&ways, "%s%s", ways.len ? ", " : "", h->argv[0]);
		break;
	}
	return buffer_take(&ways);
}
