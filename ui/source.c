#include "source.h"
#include "attach.h"
#include "document.h"
#include "folder.h"
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	FILE_MOST = 16 << 20,
	FOLDER_MOST = 1 << 20, /* bytes of all its files: a quarter of a million tokens */
	FOLDER_FILES = 500,
	READ_MOST = 16 << 20,
	NAMES_SHOWN = 3,
	STEP_MS = 20,
	READ_MS = 10, /* of a folder's files, then keys again */
};

struct left_out {
	size_t read; /* bytes, binaries too: looking at a thousand pictures takes long */
	int binaries, others;
	struct buffer names; /* of the first binaries */
};

struct source {
	const struct i18n *tr;
	char *path, *full; /* as given; with ~ resolved */
	enum source_state state;
	struct buffer text;
	char *error, *warning;
	int files;
	struct folder *folder;
	int next; /* of its files */
	struct left_out out;
	struct document *document;
};

/* --- Fences ------------------------------------------------------------------------------ */

static int fence_length(const char *text, size_t len)
{
	int longest = 2, run = 0;
	for (size_t i = 0; i < len; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest + 1;
}

static void append_ticks(struct buffer *out, int count)
{
	while (count-- > 0)
		buffer_puts(out, "`");
}

void source_fence(struct buffer *out, const char *name, const char *text, size_t len)
{
	int ticks = fence_length(text, len);
	const char *slash = name ? strrchr(name, '/') : NULL, *base = slash ? slash + 1 : name;
	const char *dot = base ? strrchr(base, '.') : NULL;
	if (name)
		buffer_printf(out, "%s:\n", name);
	append_ticks(out, ticks);
	buffer_printf(out, "%s\n", dot && dot > base ? dot + 1 : "");
	buffer_append(out, text, len);
	if (len && text[len - 1] != '\n')
		buffer_puts(out, "\n");
	append_ticks(out, ticks);
	buffer_puts(out, "\n");
}

/* --- What cannot be attached ---------------------------------------------------------------- */

static void fail(struct source *s, char *error)
{
	free(s->error);
	s->error = error;
	s->state = SOURCE_FAILED;
}

static char *shown(const char *text)
{
	return i18n_sanitize_line(text, strlen(text));
}

static void fail_about(struct source *s, const char *key, const char *detail)
{
	char *name = shown(s->path), *line = shown(detail);
	fail(s, i18n_format_args(s->tr, key, (struct i18n_arg[]){I18N_S(name), I18N_S(line)}, 2));
	free(line);
	free(name);
}

const char *source_kind(const char *bytes, size_t len)
{
	static const struct {
		size_t at, len;
		const char *magic, *name;
	} kinds[] = {
		{0, 4, "\x89PNG", "PNG"},
		{0, 3, "\xFF\xD8\xFF", "JPEG"},
		{0, 4, "GIF8", "GIF"},
		{8, 4, "WEBP", "WebP"},
		{0, 2, "BM", "BMP"},
		{0, 4, "%PDF", "PDF"},
		{0, 4, "PK\3\4", "ZIP"},
		{0, 2, "\x1F\x8B", "gzip"},
		{0, 6,
		 "\xFD"
		 "7zXZ\0",
		 "xz"},
		{0, 4, "7z\xBC\xAF", "7z"},
		{0, 4, "\177ELF", "ELF"},
		{0, 4, "OggS", "Ogg"},
		{0, 3, "ID3", "MP3"},
		{4, 4, "ftyp", "MP4"},
		{0, 4, "RIFF", "RIFF"},
		{0, 15, "SQLite format 3", "SQLite"},
		{0, 4, "GGUF", "GGUF"},
		{0, 4, "wOF2", "WOFF2"},
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (len >= kinds[i].at + kinds[i].len && memcmp(bytes + kinds[i].at, kinds[i].magic, kinds[i].len) == 0)
			return kinds[i].name;
	return "binary";
}

/* --- A file -------------------------------------------------------------------------------- */

static void read_file(struct source *s)
{
	char err[512];
	struct buffer bytes = {0}, text = {0};
	if (attach_read_file(s->path, FILE_MOST, &bytes, err, sizeof(err))) {
		fail(s, i18n_error(s->tr, err));
	} else if (!i18n_decode(bytes.data ? bytes.data : "", bytes.len, &text)) {
		fail_about(s, "source.binary", source_kind(bytes.data, bytes.len));
	} else {
		source_fence(&s->text, s->path, text.data ? text.data : "", text.len);
		s->files = 1;
		s->state = SOURCE_READY;
	}
	buffer_free(&text);
	buffer_free(&bytes);
}

/* --- A document ------------------------------------------------------------------------------ */

static void start_document(struct source *s)
{
	char err[512];
	if (document_start(&s->document, s->full, err, sizeof(err)) == 0)
		return;
	char *wants = document_wants(s->full);
	if (*err)
		fail(s, i18n_error(s->tr, err));
	else
		fail_about(s, *wants ? "source.install" : "source.no-way", wants);
	free(wants);
}

static bool blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n\f", text[i]))
			return false;
	return true;
}

static void step_document(struct source *s)
{
	size_t len;
	struct buffer text = {0};
	if (!document_step(s->document))
		return;
	const char *bytes = document_text(s->document, &len);
	if (!bytes) {
		fail_about(s, "source.failed", document_error(s->document));
	} else if (blank(bytes, len) || !i18n_decode(bytes, len, &text)) {
		fail_about(s, "source.empty", "");
	} else {
		source_fence(&s->text, s->path, text.data, text.len);
		s->files = 1;
		s->state = SOURCE_READY;
	}
	buffer_free(&text);
	document_free(s->document);
	s->document = NULL;
}

/* --- A folder ---------------------------------------------------------------------------------- */

static void leave_out_binary(struct left_out *out, const char *name)
{
	if (out->binaries++ >= NAMES_SHOWN)
		return;
	char *line = shown(name);
	buffer_printf(&out->names, "%s%s", out->names.len ? ", " : "", line);
	free(line);
}

/* What git knows of but is gone, links (which may lead anywhere) and the like are passed over. */
static void add_file(struct source *s, const char *name, struct left_out *out)
{
	char err[512];
	struct stat st;
	struct buffer bytes = {0}, text = {0};
	size_t len = strlen(s->path);
	char *path = xasprintf("%s%s%s", s->path, len && s->path[len - 1] == '/' ? "" : "/", name);
	char *full = attach_expand_home(path);
	bool regular = lstat(full, &st) == 0 && S_ISREG(st.st_mode);
	bool fits = regular && s->files < FOLDER_FILES && s->text.len + (size_t)st.st_size <= FOLDER_MOST &&
		    out->read < READ_MOST && attach_read_file(path, FOLDER_MOST, &bytes, err, sizeof(err)) == 0;
	out->read += bytes.len;
	if (!fits) {
		out->others += regular;
	} else if (!i18n_decode(bytes.data ? bytes.data : "", bytes.len, &text)) {
		leave_out_binary(out, name);
	} else {
		if (s->files++)
			buffer_puts(&s->text, "\n");
		source_fence(&s->text, path, text.data ? text.data : "", text.len);
	}
	free(full);
	free(path);
	buffer_free(&text);
	buffer_free(&bytes);
}

static void warn(struct source *s, struct left_out *out)
{
	struct buffer line = {0};
	buffer_puts(&line, "");
	if (out->others) {
		char *text = i18n_format(s->tr, "source.over", I18N_I(out->others), I18N_I(FOLDER_MOST >> 10),
					 I18N_I(FOLDER_FILES));
		buffer_printf(&line, "%s", text);
		free(text);
	}
	if (out->binaries) {
		char *names = xasprintf("%s%s", out->names.data, out->binaries > NAMES_SHOWN ? ", …" : "");
		char *text = i18n_format(s->tr, "source.binaries", I18N_I(out->binaries), I18N_S(names));
		buffer_printf(&line, "%s%s", line.len ? "; " : "", text);
		free(text);
		free(names);
	}
	s->warning = buffer_take(&line);
}

static void step_folder(struct source *s)
{
	int64_t until = loop_now() + READ_MS;
	if (!folder_step(s->folder))
		return;
	while (s->next < folder_count(s->folder)) {
		add_file(s, folder_name(s->folder, s->next++), &s->out);
		if (loop_now() >= until)
			return;
	}
	warn(s, &s->out);
	if (s->files)
		s->state = SOURCE_READY;
	else
		fail_about(s, "source.nothing", "");
	folder_free(s->folder);
	s->folder = NULL;
}

/* --- All of them ----------------------------------------------------------------------------------- */

struct source *source_open(const struct i18n *tr, const char *path)
{
	struct stat st;
	struct source *s = xcalloc(1, sizeof(*s));
	s->tr = tr;
	s->path = xstrdup(path);
	s->full = attach_expand_home(path);
	if (stat(s->full, &st) != 0) {
		char *name = shown(path);
		char *error = xasprintf("%s: %s", name, strerror(errno));
		fail(s, i18n_error(tr, error));
		free(error);
		free(name);
	} else if (S_ISDIR(st.st_mode)) {
		s->folder = folder_open(s->full);
	} else if (document_known(s->full)) {
		start_document(s);
	} else {
		read_file(s);
	}
	return s;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	folder_free(s->folder);
	document_free(s->document);
	buffer_free(&s->text);
	buffer_free(&s->out.names);
	free(s->error);
	free(s->warning);
	free(s->path);
	free(s->full);
	free(s);
}

enum source_state source_step(struct source *s)
{
	if (s->folder)
		step_folder(s);
	else if (s->document)
		step_document(s);
	return s->state;
}

enum source_state source_finish(struct source *s)
{
	while (source_step(s) == SOURCE_READING)
		nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
	return s->state;
}

const char *source_text(const struct source *s, size_t *len)
{
	*len = s->text.len;
	return s->text.data ? s->text.data : "";
}

int source_files(const struct source *s)
{
	return s->files;
}

const char *source_warning(const struct source *s)
{
	return s->warning ? s->warning : "";
}

const char *source_error(const struct source *s)
{
	return s->error ? s->error : "";
}
