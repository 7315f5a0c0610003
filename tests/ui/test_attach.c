/* Files, folders and documents that go along with a message. */
#include "app_fixture.h"

#include "ui/attach.h"
#include "ui/source.h"

#include <sys/stat.h>

static void put(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fwrite(bytes, 1, len, file);
	fclose(file);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static int setup_files(void **state)
{
	setup(state);
	struct fixture *f = *state;
	assert_int_equal(chdir(f->dir), 0);
	fake_ready();
	events(f);
	return 0;
}

static int teardown_files(void **state)
{
	assert_int_equal(chdir("/"), 0);
	return teardown(state);
}

/* Documents and git are other processes: real time passes. */
static void await(struct fixture *f, const char *wanted)
{
	for (int i = 0; i < 500; i++) {
		if (strstr(screen(f), wanted))
			return;
		usleep(20000);
	}
	fail_msg("never on the screen: %s\n%s", wanted, f->text);
}

static void assert_sent(struct fixture *f, const char *wanted)
{
	if (!fake->last_request || !strstr(fake->last_request, wanted))
		fail_msg("not sent: %s\n%s", wanted, fake->last_request ? fake->last_request : "nothing");
}

static void test_a_file_is_shown_counted_and_sent(void **state)
{
	struct fixture *f = *state;
	put_text("notes.md", "one\n```\ntwo\n");
	keys(f, "/file notes.md\r");
	await(f, "Attached: notes.md (9 tokens)");
	assert_seen(f, "/file takes away");
	keys(f, "what is it\r");
	assert_sent(f, "user: what is it\n\nnotes.md:\n````md\none\n```\ntwo\n````\n");
	assert_not_seen(f, "Attached:");
}

static void test_taken_away_before_it_is_sent(void **state)
{
	struct fixture *f = *state;
	put_text("a.txt", "alpha");
	put_text("b.txt", "beta");
	keys(f, "/file a.txt\r");
	keys(f, "/file b.txt\r");
	await(f, "a.txt (");
	keys(f, "/file\r");
	assert_seen(f, "Attached to the next message");
	keys(f, "\r");
	keys(f, "\033");
	assert_not_seen(f, "a.txt (");
	keys(f, "go\r");
	assert_sent(f, "user: go\n\nb.txt:\n```txt\nbeta\n```\n");
	assert_null(strstr(fake->last_request, "alpha"));
	keys(f, "/file\r");
	assert_seen(f, "Nothing is attached");
}

static void test_named_in_the_message(void **state)
{
	struct fixture *f = *state;
	put_text("two words.txt", "spaces");
	put_text("ärger.txt", "umlaut");
	keys(f, "read @\"two words.txt\" and (@nothing) @ärger.txt, please");
	await(f, "two words.txt (");
	await(f, "ärger.txt (");
	assert_not_seen(f, "/file takes away");
	keys(f, "\r");
	assert_sent(f, "please\n\ntwo words.txt:\n```txt\nspaces\n```\n\närger.txt:\n```txt\numlaut\n```\n");
	fake_done(ENGINE_STOP);
	events(f);
	keys(f, "@ärger.txt");
	await(f, "ärger.txt (");
	keys(f, "\025");
	assert_not_seen(f, "ärger.txt (");
}

static void test_names_are_completed(void **state)
{
	struct fixture *f = *state;
	put_text("two words.txt", "x");
	put_text("Ärger.txt", "x");
	put_text(".hidden", "x");
	mkdir("some folder", 0700);
	put_text("some folder/in it.c", "x");
	keys(f, "@tw\t");
	assert_seen(f, "› @\"two words.txt\"");
	keys(f, "\025@some\t");
	assert_seen(f, "› @\"some folder/");
	keys(f, "in\t");
	assert_seen(f, "› @\"some folder/in it.c\"");
	keys(f, "\025@arg\t");
	assert_seen(f, "› @Ärger.txt");
	keys(f, "\025@\"two w\t");
	assert_seen(f, "› @\"two words.txt\"");
	keys(f, "\025/file two w\t");
	assert_seen(f, "› /file two words.txt");
	keys(f, "\025/save 1 some f\t");
	assert_seen(f, "› /save 1 some folder/");
	keys(f, "\025@.h\t");
	assert_seen(f, "› @.hidden");
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	put("picture.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", 18);
	put_text("slides.key", "PK");
	keys(f, "/file picture.png\r");
	await(f, "Not attached: picture.png is not a text file (PNG)");
	keys(f, "/file slides.key\r");
	assert_seen(f, "save it as PDF");
	keys(f, "/file missing\r");
	assert_seen(f, "missing: No such file");
	keys(f, "/file /dev/null\r");
	assert_seen(f, "not a file");
	assert_int_equal(attach_count(f->app), 0);
	keys(f, "see @picture.png");
	assert_seen(f, "Not attached: picture.png");
	keys(f, "\r"); /* it was said before; the words go all the same */
	assert_sent(f, "user: see @picture.png\n");
}

static void test_other_encodings(void **state)
{
	struct fixture *f = *state;
	put("utf16.txt", "\xFF\xFEh\0\xE4\0r\0", 8);
	put("latin.txt",
	    "Stra\xDF"
	    "e, gr\xFC\xDF"
	    "en, M\xE4"
	    "dchen und B\xFC"
	    "cher",
	    34);
	keys(f, "/file utf16.txt\r");
	keys(f, "/file latin.txt\r");
	keys(f, "go\r");
	assert_sent(f, "```txt\nhär\n```");
	assert_sent(f, "Straße, grüßen, Mädchen und Bücher");
}

static void make_folder(void)
{
	mkdir("src", 0700);
	mkdir("src/build", 0700);
	put_text("src/.gitignore", "build/\n*.log\n");
	put_text("src/a.c", "int a;\n");
	put_text("src/b.c", "int b;\n");
	put_text("src/x.log", "secret log\n");
	put_text("src/build/out.c", "generated\n");
	put_text("src/.env", "TOKEN=secret\n");
	put("src/logo.png", "\x89PNG\0\0", 6);
	assert_int_equal(symlink("/etc/passwd", "src/link.txt"), 0);
}

static void assert_folder_sent(struct fixture *f)
{
	assert_sent(f, "src/a.c:\n```c\nint a;\n```\n\nsrc/b.c:\n```c\nint b;\n```\n");
	assert_null(strstr(fake->last_request, "secret"));
	assert_null(strstr(fake->last_request, "generated"));
	assert_null(strstr(fake->last_request, "root:"));
}

static void test_a_folder_without_git(void **state)
{
	struct fixture *f = *state;
	make_folder();
	keys(f, "/file src\r");
	await(f, "src (2 files, ");
	assert_seen(f, "without 1 binary file: logo.png");
	keys(f, "go\r");
	assert_folder_sent(f);
}

static void test_a_folder_of_a_repository(void **state)
{
	struct fixture *f = *state;
	make_folder();
	unlink("src/.env");
	if (system("git init -q . && git -c core.autocrlf=false add -A >/dev/null 2>&1") != 0)
		skip();
	put_text("src/new.c", "not yet added\n");
	unlink("src/b.c"); /* git knows of it still */
	keys(f, "@src/ what");
	await(f, "src/ (3 files, ");
	keys(f, "\r");
	assert_sent(f, "src/a.c:\n```c\nint a;\n```\n\nsrc/new.c:\n");
	assert_sent(f, "src/.gitignore:\n");
	assert_null(strstr(fake->last_request, "secret"));
	assert_null(strstr(fake->last_request, "root:"));
}

static void test_limit_of_a_folder(void **state)
{
	struct fixture *f = *state;
	char *text = xmalloc(400001);
	memset(text, 'x', 400000);
	text[400000] = '\0';
	mkdir("big", 0700);
	put_text("big/1", text);
	put_text("big/2", text);
	put_text("big/3", text);
	free(text);
	keys(f, "/file big\r");
	await(f, "big (2 files, 20");
	assert_seen(f, "beyond 1,024 KiB or 500 files: 1");
}

/* The message waits for what takes long, and one may think better of it. */
static void test_held_until_read(void **state)
{
	struct fixture *f = *state;
	mkdir("bin", 0700);
	char *script = xasprintf("#!/bin/sh\nwhile [ ! -e '%s/go' ] && [ $((i=i+1)) -lt 200 ]; do sleep 0.05; done\n"
				 "for last; do :; done\necho from the paper >$last\n",
				 f->dir);
	put_text("bin/pdftotext", script);
	free(script);
	chmod("bin/pdftotext", 0700);
	put_text("paper.pdf", "%PDF-1.4");
	char *path = xasprintf("%s/bin:%s", f->dir, getenv("PATH")), *before = xstrdup(getenv("PATH"));
	setenv("PATH", path, 1);
	keys(f, "sum up @paper.pdf");
	await(f, "paper.pdf (…)");
	app_input(f->app, "\r", 1);
	f->app->now += APP_GRACE_MS + 1;
	app_tick(f->app);
	assert_seen(f, "Still reading");
	assert_null(fake->last_request);
	keys(f, "!"); /* a key holds it back */
	assert_seen(f, "@paper.pdf!");
	keys(f, "\177\r");
	assert_null(fake->last_request);
	settle(f);
	put_text("go", "");
	for (int i = 0; i < 500 && !fake->last_request; i++) {
		usleep(20000);
		settle(f);
	}
	assert_sent(f, "sum up @paper.pdf\n\npaper.pdf:\n```pdf\nfrom the paper\n```");
	setenv("PATH", before, 1);
	free(path);
	free(before);
}

static void test_words_after_a_name(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{"@a.txt", "a.txt"}, {"@a.txt.", "a.txt"}, {"@a.txt)", "a.txt"}, {"@\"a b\"", "a b"},
		{"@'a b' c", "a b"}, {"@\"a b", NULL},     {"x@a.txt", NULL},    {"@", NULL},
		{"@missing", NULL},  {"@\"\"", NULL},
	};
	put_text("a.txt", "x");
	put_text("a b", "x");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t end, at = (size_t)(strchr(cases[i].text, '@') - cases[i].text);
		char *path = attach_mentioned(cases[i].text, strlen(cases[i].text), at, &end);
		if (!path != !cases[i].path || (path && strcmp(path, cases[i].path) != 0))
			fail_msg("%s: %s", cases[i].text, path ? path : "nothing");
		free(path);
	}
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup_files, teardown_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_a_file_is_shown_counted_and_sent),
		IN_FOLDER(test_taken_away_before_it_is_sent),
		IN_FOLDER(test_named_in_the_message),
		IN_FOLDER(test_names_are_completed),
		IN_FOLDER(test_refusals),
		IN_FOLDER(test_other_encodings),
		IN_FOLDER(test_a_folder_without_git),
		IN_FOLDER(test_a_folder_of_a_repository),
		IN_FOLDER(test_limit_of_a_folder),
		IN_FOLDER(test_held_until_read),
		IN_FOLDER(test_words_after_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
