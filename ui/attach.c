#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 16 << 20 };

static char *expand_home(const char *path)
{
	const char *home = getenv("HOME");
	if (path[0] == '~' && path[1] == '/' && home)
		return xasprintf("%s%s", home, path + 1);
	return xstrdup(path);
}

int attach_read_file(const char *given, size_t most, struct buffer *out, char *err, size_t errlen)
{
	struct stat st;
	char chunk[65536];
	char *path = expand_home(given), *shown = i18n_sanitize_line(given, strlen(given));
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

/* A fence longer than any run of backticks in the text. */
static int fence_length(const char *text, size_t len)
{
	int longest = 2, run = 0;
	for (size_t i = 0; i < len; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest + 1;
}

static void append_fence(struct buffer *out, int length)
{
	while (length-- > 0)
		buffer_puts(out, "`");
}

int attach_read(const char *path, struct buffer *out, char *err, size_t errlen)
{
	struct buffer text = {0};
	const char *base = strrchr(path, '/'), *dot = strrchr(path, '.');
	if (attach_read_file(path, FILE_MOST, &text, err, errlen)) {
		buffer_free(&text);
		return -1;
	}
	if (text.len && memchr(text.data, '\0', text.len)) {
		char *shown = i18n_sanitize_line(path, strlen(path));
		snprintf(err, errlen, "%s: not a text file; attach text", shown);
		free(shown);
		buffer_free(&text);
		return -1;
	}
	int fence = fence_length(text.data, text.len);
	bool named = dot && dot > (base ? base + 1 : path) && !strchr(dot, '/');
	buffer_printf(out, "%s:\n", path);
	append_fence(out, fence);
	buffer_printf(out, "%s\n", named ? dot + 1 : "");
	buffer_append(out, text.data ? text.data : "", text.len);
	if (text.len && text.data[text.len - 1] != '\n')
		buffer_puts(out, "\n");
	append_fence(out, fence);
	buffer_puts(out, "\n");
	buffer_free(&text);
	return 0;
}

/* Tokens of text, or -1 before the model is there. */
static int64_t count_tokens(struct app *app, const char *text, size_t len)
{
	int32_t *ids = NULL;
	size_t count = 0;
	char err[256];
	if (!app->ready || engine_tokenize(app->engine, text, len, 0, &ids, &count, err, sizeof(err)))
		return -1;
	free(ids);
	return (int64_t)count;
}

void attach_file(struct app *app, const char *path)
{
	char err[512];
	struct buffer text = {0};
	if (attach_read(path, &text, err, sizeof(err))) {
		app_note(app, ENTRY_ERROR, app_error(app, err));
		return;
	}
	int64_t tokens = count_tokens(app, text.data, text.len);
	char *shown = i18n_sanitize_line(path, strlen(path));
	char *note = tokens < 0 ? i18n_format(app->tr, "chat.attached-bytes", I18N_S(shown), I18N_I((int64_t)text.len))
				: i18n_format(app->tr, "chat.attached", I18N_S(shown), I18N_I(tokens));
	app_note(app, ENTRY_NOTE, note);
	buffer_append(&app->attached, text.data, text.len);
	free(shown);
	buffer_free(&text);
}

void attach_text(struct app *app, const char *text, size_t len)
{
	int fence = fence_length(text, len);
	append_fence(&app->attached, fence);
	buffer_puts(&app->attached, "\n");
	buffer_append(&app->attached, text, len);
	if (len && text[len - 1] != '\n')
		buffer_puts(&app->attached, "\n");
	append_fence(&app->attached, fence);
	buffer_puts(&app->attached, "\n");
}

static void separate(struct buffer *out)
{
	if (out->len)
		buffer_puts(out, out->data[out->len - 1] == '\n' ? "\n" : "\n\n");
}

/* A name after @, tried as it stands and without the punctuation of a sentence. */
static void append_mentioned(struct buffer *out, const char *word, size_t len)
{
	char err[512];
	while (len) {
		char *path = xstrndup(word, len), *full = expand_home(path);
		struct buffer text = {0};
		bool there = access(full, R_OK) == 0;
		if (there && attach_read(path, &text, err, sizeof(err)) == 0) {
			separate(out);
			buffer_append(out, text.data, text.len);
		}
		buffer_free(&text);
		free(full);
		free(path);
		if (there || !strchr(".,;:!?)]}'\"", word[len - 1]))
			return;
		len--;
	}
}

void attach_expand(struct app *app, const char *text, size_t len, struct buffer *out)
{
	buffer_append(out, text, len);
	if (app->attached.len) {
		separate(out);
		buffer_append(out, app->attached.data, app->attached.len);
		buffer_free(&app->attached);
	}
	for (size_t i = 0; i < len;) {
		size_t start = i;
		while (i < len && !strchr(" \t\n", text[i]))
			i++;
		if (i > start + 1 && text[start] == '@')
			append_mentioned(out, text + start + 1, i - start - 1);
		i += i == start;
	}
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
}
