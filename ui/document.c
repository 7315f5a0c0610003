#include "document.h"
#include "attach.h"
#include "office.h"
#include "program.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { ARGS = 12, SECONDS = 60, MEGABYTES = 2048, TEXT_MOST = 16 << 20, FILE_MOST = 256 << 20, SAID_MOST = 4096 };
enum { UNZIP_WARNING = 1, UNZIP_NOT_FOUND = 11 };

/* LibreOffice is not among them: it does not run without sockets.
 * IN is the copy, OUT the file to write; without OUT the text is what it prints. The first that is installed is
 * taken. */
static const struct recipe {
	const char *endings, *package;
	enum office_kind kind; /* of the XML that it prints */
	const char *argv[ARGS];
} recipes[] = {
	{"pdf", "poppler-utils", OFFICE_NONE, {"pdftotext", "-q", "-nopgbrk", "-enc", "UTF-8", "IN", "OUT"}},
	{"pdf", "mupdf-tools", OFFICE_NONE, {"mutool", "draw", "-q", "-F", "txt", "-o", "OUT", "IN"}},
	{"docx", "pandoc", OFFICE_NONE, {"pandoc", "-f", "docx", "-t", "gfm", "--wrap=none", "-o", "OUT", "IN"}},
	{"odt", "pandoc", OFFICE_NONE, {"pandoc", "-f", "odt", "-t", "gfm", "--wrap=none", "-o", "OUT", "IN"}},
	{"rtf", "pandoc", OFFICE_NONE, {"pandoc", "-f", "rtf", "-t", "gfm", "--wrap=none", "-o", "OUT", "IN"}},
	{"epub", "pandoc", OFFICE_NONE, {"pandoc", "-f", "epub", "-t", "gfm", "--wrap=none", "-o", "OUT", "IN"}},
	{"docx", "docx2txt", OFFICE_NONE, {"docx2txt", "IN", "OUT"}},
	{"odt", "odt2txt", OFFICE_NONE, {"odt2txt", "--encoding=UTF-8", "--output=OUT", "IN"}},
	{"rtf", "unrtf", OFFICE_NONE, {"unrtf", "--text", "--quiet", "IN"}},
	{"doc", "antiword", OFFICE_NONE, {"antiword", "-m", "UTF-8.txt", "IN"}},
	{"doc", "catdoc", OFFICE_NONE, {"catdoc", "-d", "utf-8", "IN"}},
	{"xls", "catdoc", OFFICE_NONE, {"xls2csv", "-d", "utf-8", "IN"}},
	{"ppt", "catdoc", OFFICE_NONE, {"catppt", "-d", "utf-8", "IN"}},
	{"xlsx", "xlsx2csv", OFFICE_NONE, {"xlsx2csv", "IN", "OUT"}},
	{"docx", "unzip", OFFICE_WORDS, {"unzip", "-p", "IN", "word/document.xml"}},
	{"pptx", "unzip", OFFICE_SLIDES, {"unzip", "-p", "IN", "ppt/slides/slide*.xml"}},
	{"xlsx",
	 "unzip",
	 OFFICE_SHEETS,
	 {"unzip", "-p", "IN", "xl/sharedStrings.xml", "xl/styles.xml", "xl/worksheets/sheet*.xml"}},
	{"odt ods odp", "unzip", OFFICE_OPEN, {"unzip", "-p", "IN", "content.xml"}},
	{"epub", "unzip", OFFICE_PAGES, {"unzip", "-p", "IN", "*.xhtml", "*.html", "*.htm"}},
};
enum { RECIPES = sizeof(recipes) / sizeof(*recipes) };
/* Documents too, but nothing makes text of them: what to do instead is said all the same. */
static const char others[] = "key pages numbers";

struct document {
	char *work, *input, *output; /* the folder, the copy, the text */
	bool writes;                 /* it goes to output; else it is printed */
	enum office_kind kind;       /* of the program at work */
	int next;                    /* recipe to try if this one fails */
	char *argv[ARGS + 1];
	struct sandbox sandbox;
	struct buffer printed, text;
	char error[256];
	bool good;
};

static const char *ending_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
	return dot ? dot + 1 : "";
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = words; len && *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == len && strncasecmp(at, word, len) == 0)
			return true;
	return false;
}

bool document_known(const char *path)
{
	const char *ending = ending_of(path);
	for (int i = 0; i < RECIPES; i++)
		if (has_word(recipes[i].endings, ending))
			return true;
	return has_word(others, ending);
}

char *document_wants(const char *path)
{
	struct buffer out = {0};
	buffer_puts(&out, "");
	for (int i = 0; i < RECIPES; i++) {
		const struct recipe *r = &recipes[i];
		if (has_word(r->endings, ending_of(path)) && !strstr(out.data, r->package))
			buffer_printf(&out, "%s%s", out.len ? ", " : "", r->package);
	}
	return buffer_take(&out);
}

/* word with IN and OUT in their places. */
static char *fill(const char *word, const char *input, const char *output)
{
	const char *const marks[][2] = {{"OUT", output}, {"IN", input}};
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = strstr(word, marks[i][0]);
		if (at && (at == word || at[-1] == '='))
			return xasprintf("%.*s%s%s", (int)(at - word), word, marks[i][1], at + strlen(marks[i][0]));
	}
	return xstrdup(word);
}

static int copy_to(const char *path, const char *copy, char *err, size_t errlen)
{
	struct buffer bytes = {0};
	int failed = attach_read_file(path, FILE_MOST, &bytes, err, errlen);
	int fd = failed ? -1 : open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	for (size_t done = 0; !failed && done < bytes.len;) {
		ssize_t n = fd < 0 ? -1 : write(fd, bytes.data + done, bytes.len - done);
		if (n <= 0) {
			snprintf(err, errlen, "%s: %s", copy, strerror(errno));
			failed = -1;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	buffer_free(&bytes);
	return failed;
}

static void forget_program(struct document *d)
{
	for (int i = 0; i <= ARGS; i++) {
		free(d->argv[i]);
		d->argv[i] = NULL;
	}
	buffer_free(&d->printed);
}

static int start(struct document *d, const struct recipe *r, char *program, char *err, size_t errlen)
{
	const struct sandbox_limits limits = {
		.seconds = SECONDS, .memory = (size_t)MEGABYTES << 20, .file = (size_t)TEXT_MOST};
	d->writes = false;
	d->kind = r->kind;
	d->argv[0] = program;
	for (int i = 1; r->argv[i]; i++) {
		d->argv[i] = fill(r->argv[i], d->input, d->output);
		d->writes = d->writes || strstr(d->argv[i], d->output);
	}
	unlink(d->output);
	return sandbox_start(&d->sandbox, d->work, NULL, (const char *const *)d->argv, &limits, err, errlen);
}

/* The next program for such documents that is installed. 1: there is none. */
static int start_next(struct document *d, char *err, size_t errlen)
{
	while (d->next < RECIPES) {
		const struct recipe *recipe = &recipes[d->next++];
		char *program = has_word(recipe->endings, ending_of(d->input)) ? program_find(recipe->argv[0]) : NULL;
		if (!program)
			continue;
		forget_program(d);
		return start(d, recipe, program, err, errlen);
	}
	return 1;
}

int document_start(struct document **out, const char *path, char *err, size_t errlen)
{
	struct document *d = xcalloc(1, sizeof(*d));
	*out = NULL;
	*err = '\0';
	d->sandbox.fd = -1;
	d->work = program_folder();
	if (!d->work)
		snprintf(err, errlen, "/tmp: %s", strerror(errno));
	d->input = xasprintf("%s/input.%s", d->work ? d->work : "", ending_of(path));
	d->output = xasprintf("%s/output.txt", d->work ? d->work : "");
	if (!d->work || copy_to(path, d->input, err, errlen) || start_next(d, err, errlen)) {
		document_free(d);
		return -1;
	}
	*out = d;
	return 0;
}

/* The last line that it printed is its complaint. */
static void complain(struct document *d, int code)
{
	while (d->printed.len && strchr("\n\r ", d->printed.data[d->printed.len - 1]))
		d->printed.data[--d->printed.len] = '\0';
	const char *line = d->printed.len ? strrchr(d->printed.data, '\n') : NULL;
	line = line ? line + 1 : d->printed.len ? d->printed.data : "";
	const char *name = strrchr(d->argv[0], '/') + 1;
	if (code == SANDBOX_TIMED_OUT)
		snprintf(d->error, sizeof(d->error), "%s: %d s", name, SECONDS);
	else
		snprintf(d->error, sizeof(d->error), "%s: %.200s (%d)", name, line, code);
}

/* Some of the names may not be in the archive: what the others hold is the text. */
static bool unpacked(const struct document *d, int code)
{
	return code == 0 || code == UNZIP_WARNING || (code == UNZIP_NOT_FOUND && d->text.len);
}

static void take_text(struct document *d, int code)
{
	char err[256];
	if (d->kind) {
		office_text(d->kind, d->printed.data ? d->printed.data : "", d->printed.len, &d->text);
		d->good = unpacked(d, code);
		if (!d->good) {
			buffer_clear(&d->text);
			complain(d, code);
		}
		return;
	}
	if (code == 0 && d->writes)
		d->good = attach_read_file(d->output, TEXT_MOST, &d->text, err, sizeof(err)) == 0;
	else if (code == 0)
		buffer_append(&d->text, d->printed.data ? d->printed.data : "", d->printed.len), d->good = true;
	if (!d->good)
		complain(d, code);
}

bool document_step(struct document *d)
{
	char bytes[16384];
	ssize_t n;
	int code;
	size_t most = d->writes ? SAID_MOST : TEXT_MOST;
	while (d->sandbox.fd >= 0 && (n = read(d->sandbox.fd, bytes, sizeof(bytes))) != 0) {
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n < 0)
			break;
		if (d->printed.len < most)
			buffer_append(&d->printed, bytes, (size_t)n);
	}
	if (d->sandbox.fd >= 0)
		close(d->sandbox.fd);
	d->sandbox.fd = -1;
	if (d->sandbox.pid > 0) {
		if (!sandbox_ended(&d->sandbox, &code))
			return false;
		take_text(d, code);
	}
	char err[256];
	return d->good || start_next(d, err, sizeof(err)) != 0;
}

const char *document_text(const struct document *d, size_t *len)
{
	*len = d->text.len;
	return !d->good ? NULL : d->text.data ? d->text.data : "";
}

const char *document_error(const struct document *d)
{
	return d->error;
}

void document_free(struct document *d)
{
	if (!d)
		return;
	sandbox_stop(&d->sandbox);
	if (d->work)
		program_remove(d->work);
	forget_program(d);
	free(d->work);
	free(d->input);
	free(d->output);
	buffer_free(&d->text);
	free(d);
}
