/* Drafts are files drafts/ID (drafts/new for the new chat), replaced by renaming:
 * a crash leaves the old one or the new one. History is one file, a line an
 * entry, newlines and backslashes escaped, added to at its end. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_MOST = 2000, HISTORY_BYTES = 4 << 20 }; /* kept when the file has outgrown twice the bytes */

struct drafts {
	char *dir;     /* of the drafts */
	char *history; /* the file */
};

struct drafts *drafts_open(const char *dir)
{
	struct drafts *d = xcalloc(1, sizeof(*d));
	d->dir = xasprintf("%s/drafts", dir);
	d->history = xasprintf("%s/history", dir);
	for (char *slash = strchr(d->dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(d->dir, 0700);
		*slash = '/';
	}
	mkdir(d->dir, 0700);
	store_tighten(dir);
	store_tighten(d->dir);
	store_tighten(d->history);
	return d;
}

void drafts_close(struct drafts *d)
{
	if (!d)
		return;
	free(d->dir);
	free(d->history);
	free(d);
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Puts a file in place of another, whole or not at all. */
static int replace(const char *path, const char *bytes, size_t len)
{
	char *fresh = xasprintf("%s.%d.new", path, (int)getpid());
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int code = fd < 0 ? -1 : 0;
	if (code == 0) {
		code = write_all(fd, bytes, len) || fdatasync(fd) ? -1 : 0;
		if (close(fd) || code || rename(fresh, path)) {
			unlink(fresh);
			code = -1;
		}
	}
	free(fresh);
	return code;
}

static void read_file(const char *path, struct buffer *out)
{
	char block[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	while (fd >= 0 && ((n = read(fd, block, sizeof(block))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			buffer_append(out, block, (size_t)n);
	if (fd >= 0)
		close(fd);
}

static char *draft_path(const struct drafts *d, const char *session_id)
{
	bool name = *session_id && !strchr(session_id, '/') && *session_id != '.';
	return xasprintf("%s/%s", d->dir, name ? session_id : "new");
}

void draft_save(struct drafts *d, const char *session_id, const char *text, size_t len)
{
	char *path = draft_path(d, session_id);
	if (len == 0)
		unlink(path);
	else
		replace(path, text, len);
	free(path);
}

char *draft_load(struct drafts *d, const char *session_id)
{
	struct buffer text = {0};
	char *path = draft_path(d, session_id);
	read_file(path, &text);
	free(path);
	if (text.len)
		return buffer_take(&text);
	buffer_free(&text);
	return NULL;
}

static void escape(struct buffer *line, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			buffer_puts(line, "\\n");
		else if (text[i] == '\\')
			buffer_puts(line, "\\\\");
		else if (text[i] == '\0')
			buffer_puts(line, "\\0");
		else
			buffer_append(line, text + i, 1);
	}
	buffer_puts(line, "\n");
}

/* In place; NUL, which a line of input cannot hold, stays "\0". */
static void unescape(char *line)
{
	char *to = line;
	for (; *line; line++) {
		if (line[0] == '\\' && (line[1] == 'n' || line[1] == '\\'))
			*to++ = *++line == 'n' ? '\n' : '\\';
		else
			*to++ = *line;
	}
	*to = '\0';
}

void history_add(struct drafts *d, const char *text, size_t len)
{
	if (len == 0)
		return;
	struct buffer line = {0};
	escape(&line, text, len);
	/* One write at the end: lines of two processes do not mix. */
	int fd = open(d->history, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		off_t end = lseek(fd, 0, SEEK_END);
		char last = '\n';
		/* A line cut short by a crash must not swallow this one. */
		if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n')
			write_all(fd, "\n", 1);
		write_all(fd, line.data, line.len);
		close(fd);
	}
	buffer_free(&line);
}

/* Rewrites the file with its newest lines. */
static void trim(struct drafts *d, char **lines, size_t count)
{
	struct buffer kept = {0};
	size_t first = count;
	for (size_t bytes = 0; first > 0 && bytes < HISTORY_BYTES; first--)
		bytes += strlen(lines[first - 1]) + 1;
	for (size_t i = first; i < count; i++)
		escape(&kept, lines[i], strlen(lines[i]));
	replace(d->history, kept.data ? kept.data : "", kept.len);
	buffer_free(&kept);
}

int history_load(struct drafts *d, char ***lines, size_t *count)
{
	struct buffer text = {0};
	size_t total = 0, skip, n = 0;
	read_file(d->history, &text);
	for (size_t i = 0; i < text.len; i++)
		total += text.data[i] == '\n' || i + 1 == text.len;
	skip = total > HISTORY_MOST ? total - HISTORY_MOST : 0;
	*lines = xcalloc(total - skip, sizeof(**lines));
	for (size_t start = 0; start < text.len; n++) {
		const char *newline = memchr(text.data + start, '\n', text.len - start);
		size_t end = newline ? (size_t)(newline - text.data) : text.len;
		if (n >= skip) {
			char *line = xstrndup(text.data + start, end - start);
			unescape(line);
			(*lines)[n - skip] = line;
		}
		start = end + 1;
	}
	*count = total - skip;
	if (text.len > 2 * (size_t)HISTORY_BYTES || skip > HISTORY_MOST)
		trim(d, *lines, *count);
	buffer_free(&text);
	return 0;
}
