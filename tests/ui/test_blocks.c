/* Code blocks run and applied from the chat: asked first, shown, sent along, taken back. */
#include "app_fixture.h"

static void wait_for_end(struct fixture *f)
{
	for (int i = 0; i < 2000 && app_blocks_entry(f->app) >= 0; i++) {
		usleep(5000);
		app_tick(f->app);
	}
	assert_int_equal(app_blocks_entry(f->app), -1);
}

static void command(struct fixture *f, const char *line)
{
	keys(f, line);
	keys(f, "\r");
}

static void answer(struct fixture *f, const char *text)
{
	fake_ready();
	events(f);
	exchange(f, "code, please", text);
}

static void test_run(void **state)
{
	struct fixture *f = *state;
	answer(f, "Here:\n```sh\necho result $((6 * 7))\n```\n");
	command(f, "/output");
	assert_seen(f, "Nothing has been run");
	command(f, "/run 1");
	assert_seen(f, "/code.sh"); /* the exact command */
	assert_seen(f, "Run it?");
	assert_not_seen(f, "result 42");
	keys(f, "\r");
	wait_for_end(f);
	assert_seen(f, "result 42");
	assert_seen(f, "exit code 0");
	command(f, "/output");
	command(f, "why?");
	assert_non_null(strstr(fake->last_request, "why?"));
	assert_non_null(strstr(fake->last_request, "result 42"));
	assert_non_null(strstr(fake->last_request, "[exit code 0]"));
}

/* A line with ! is for the shell of the person who types it: at once, here, with all that is theirs. */
static void test_own_command(void **state)
{
	struct fixture *f = *state;
	char *file = xasprintf("%s/made", f->dir), *line = xasprintf("!printf 'made %%s' \"$BORA_OWN\" | tee %s", file);
	answer(f, "Well.");
	setenv("BORA_OWN", "here", 1);
	command(f, line);
	assert_not_seen(f, "Run it?");
	wait_for_end(f);
	assert_seen(f, "made here");
	assert_seen(f, "exit code 0");
	assert_int_equal(access(file, F_OK), 0); /* it may write where they may */
	assert_int_equal(fake->requests, 1);
	command(f, "/output");
	command(f, "what is it?");
	assert_non_null(strstr(fake->last_request, "made here"));
	fake_text("x");
	fake_done(ENGINE_STOP);
	events(f);
	command(f, "！ exit 3");
	wait_for_end(f);
	assert_seen(f, "exit code 3");
	unsetenv("BORA_OWN");
	free(line);
	free(file);
}

static void test_what_is_no_command(void **state)
{
	static const struct {
		const char *line, *command;
	} lines[] = {
		{"!ls", "ls"}, {"！ls -l ", "ls -l"}, {"! ls\n", "ls"}, {"!", NULL},
		{"! ", NULL},  {" !ls", NULL},        {"!a\nb", NULL},  {"wow!", NULL},
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t len;
		const char *found = app_blocks_shell_command(lines[i].line, strlen(lines[i].line), &len);
		assert_int_equal(found != NULL, lines[i].command != NULL);
		if (found) {
			assert_int_equal(len, strlen(lines[i].command));
			assert_memory_equal(found, lines[i].command, len);
		}
	}
}

/* It has no time limit, and what it began ends with it. */
static void test_own_command_is_stopped(void **state)
{
	struct fixture *f = *state;
	answer(f, "Well.");
	command(f, "!echo begun; sleep 1000");
	for (int i = 0; i < 1000 && !strstr(screen(f), "begun"); i++)
		usleep(5000);
	command(f, "!echo more");
	assert_seen(f, "A program is running");
	keys(f, "\033");
	assert_int_equal(app_blocks_entry(f->app), -1);
	assert_seen(f, "stopped");
}

/* Only Enter and y are a yes. */
static void test_asked_first(void **state)
{
	struct fixture *f = *state;
	static const char *const no[] = {"\033", "n", "x", " ", "\t"};
	answer(f, "```sh\necho was run\n```\n");
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		command(f, "/run 1");
		keys(f, no[i]);
		assert_seen(f, "Nothing was run");
		assert_int_equal(app_blocks_entry(f->app), -1);
	}
	command(f, "/run 2");
	assert_seen(f, "block");
	command(f, "/run");
	assert_not_seen(f, "Run it?");
	command(f, "/run 1");
	keys(f, "y");
	wait_for_end(f);
	assert_seen(f, "was run");
}

static void test_escape_stops_it(void **state)
{
	struct fixture *f = *state;
	answer(f, "```sh\necho begun; sleep 1000\n```\n");
	command(f, "/run 1");
	keys(f, "\r");
	for (int i = 0; i < 1000 && !strstr(screen(f), "begun"); i++)
		usleep(5000);
	command(f, "/run 1");
	assert_seen(f, "A program is running");
	keys(f, "\033");
	assert_int_equal(app_blocks_entry(f->app), -1);
	assert_seen(f, "stopped");
	command(f, "/run 1"); /* and it dies with the chat */
	keys(f, "\r");
	stop_app(f);
}

static void test_too_much_output(void **state)
{
	struct fixture *f = *state;
	answer(f, "```sh\nyes\n```\n");
	command(f, "/run 1");
	keys(f, "\r");
	wait_for_end(f);
	assert_seen(f, "more output than fits");
}

/* What a program prints is drawn, not obeyed. */
static void test_output_is_inert(void **state)
{
	struct fixture *f = *state;
	answer(f, "```sh\nprintf '\\033]0;owned\\007```\\n# no heading\\n'\n```\n");
	command(f, "/run 1");
	keys(f, "\r");
	wait_for_end(f);
	assert_null(strpbrk(screen(f), "\033\a"));
	assert_seen(f, "# no heading");
	assert_int_equal(transcript_block_count(f->app->transcript), 1);
}

/* One block is folded or unfolded alone; Alt+Z is for all again. */
static void test_folding(void **state)
{
	struct fixture *f = *state;
	answer(f, "```\na1\na2\na3\na4\na5\na6\na7\n```\n> ```\n> b1\n> b2\n> b3\n> b4\n> b5\n> b6\n> ```\n"
		  "```\nshort\n```\n");
	command(f, "/fold 2");
	assert_seen(f, "a7");
	assert_seen(f, "b4");
	assert_not_seen(f, "b5");
	assert_seen(f, "[2]  ⋯ 2");
	command(f, "/fold 1");
	command(f, "/fold 2");
	assert_not_seen(f, "a5");
	assert_seen(f, "[1]  ⋯ 3");
	assert_seen(f, "b6");
	keys(f, "\033z"); /* none of them is long */
	assert_seen(f, "a7");
	assert_seen(f, "b6");
	command(f, "/fold 3");
	assert_seen(f, "too short to fold");
	command(f, "/fold 4");
	assert_seen(f, "No code block 4");
}

static void test_a_long_one_unfolded(void **state)
{
	struct fixture *f = *state;
	answer(f, "```\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\nlast\n```\n");
	keys(f, "\033z");
	assert_not_seen(f, "last");
	command(f, "/fold 1");
	assert_seen(f, "last");
	command(f, "/fold 1");
	assert_not_seen(f, "last");
}

static char *content(const char *path)
{
	char *text = xcalloc(1, 4096);
	FILE *file = fopen(path, "r");
	if (file) {
		assert_true(fread(text, 1, 4095, file) < 4095);
		fclose(file);
	}
	return text;
}

static void assert_content(const char *path, const char *expected)
{
	char *text = content(path);
	assert_string_equal(text, expected);
	free(text);
}

/* The marks of a quote are not part of the code that stands in it. */
static void test_code_in_a_quote(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/quoted.sh", f->dir), *line = xasprintf("/save 1 %s", path);
	answer(f, "> Try:\n> ```sh\n> if true; then\n>   echo a >b\n> fi\n> ```\n\n```c\nint x;\n```\n");
	assert_seen(f, "│ ▌ ```sh  [1]");
	assert_seen(f, "```c  [2]");
	assert_int_equal(transcript_block_count(f->app->transcript), 2);
	command(f, line);
	assert_content(path, "if true; then\n  echo a >b\nfi\n");
	free(line);
	free(path);
}

static void test_apply(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/x.txt", f->dir), *line = xasprintf("/apply 1 %s", path);
	answer(f, "```\none\ntwo\n```\n```diff\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n```\n");
	command(f, line);
	assert_seen(f, "+one"); /* the preview */
	assert_int_not_equal(access(path, F_OK), 0);
	keys(f, "n");
	assert_seen(f, "Nothing was changed");
	assert_int_not_equal(access(path, F_OK), 0);
	command(f, line);
	keys(f, "\r");
	assert_content(path, "one\ntwo\n");
	command(f, line);
	assert_seen(f, "already says this");
	free(line);
	line = xasprintf("/apply 2 %s", path);
	command(f, line);
	assert_seen(f, "-two");
	assert_seen(f, "+zwei");
	keys(f, "\r");
	assert_content(path, "one\nzwei\n");
	command(f, "/revert");
	assert_content(path, "one\ntwo\n");
	command(f, "/revert");
	assert_seen(f, "nothing to take back");
	free(line);
	free(path);
}

static void test_revert_looks_first(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s/y.txt", f->dir), *line = xasprintf("/apply 1 %s", path);
	answer(f, "```\nnew\n```\n");
	command(f, line);
	keys(f, "\r");
	FILE *file = fopen(path, "a");
	assert_non_null(file);
	fputs("mine\n", file);
	fclose(file);
	command(f, "/revert");
	assert_content(path, "new\nmine\n");
	command(f, "/apply 1");
	assert_seen(f, "names no file");
	free(line);
	free(path);
}

/* Alt+V, the arrows, Enter; any other key goes back to the input. */
static void test_choosing(void **state)
{
	struct fixture *f = *state;
	answer(f, "One **line**.\n\n```c\nint x;\n```\n");
	keys(f, "\033v");
	assert_seen(f, "Enter copies");
	keys(f, "\033[A\033[1;2A");
	keys(f, "\r");
	assert_seen(f, "Copied");
	keys(f, "\033v");
	keys(f, "hello");
	assert_not_seen(f, "Enter copies");
	assert_seen(f, "ello");
	keys(f, "\033m");
	assert_seen(f, "One **line**.");
	keys(f, "\033m");
	assert_seen(f, "One line.");
}

#define WITH_APP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_APP(test_run),
		WITH_APP(test_own_command),
		cmocka_unit_test(test_what_is_no_command),
		WITH_APP(test_own_command_is_stopped),
		WITH_APP(test_asked_first),
		WITH_APP(test_escape_stops_it),
		WITH_APP(test_too_much_output),
		WITH_APP(test_output_is_inert),
		WITH_APP(test_code_in_a_quote),
		WITH_APP(test_folding),
		WITH_APP(test_a_long_one_unfolded),
		WITH_APP(test_apply),
		WITH_APP(test_revert_looks_first),
		WITH_APP(test_choosing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
