/* Keys and engine events in, screens and stored messages out: the whole chat
 * with a scripted engine, a screen in memory and a real store. */
#include "fake_engine.h"

#include "ui/app.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

/* Readline leaves the undo lists of history lines that were edited to nobody. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:rl_add_undo\nleak:rl_copy_text\n";
}

struct fixture {
	char dir[64];
	struct options *options;
	struct i18n *tr;
	struct sessions *sessions;
	struct drafts *drafts;
	struct screen *screen;
	struct app *app;
	char *text;
};

static void start_app(struct fixture *f, const char *resume, bool keep)
{
	char err[512];
	if (keep)
		assert_int_equal(sessions_open(&f->sessions, f->dir, f->tr, err, sizeof(err)), 0);
	f->drafts = drafts_open(f->dir);
	struct ui_options options = {.options = f->options,
				     .tr = f->tr,
				     .sessions = f->sessions,
				     .drafts = f->drafts,
				     .model_path = "/models/fake.gguf",
				     .resume = resume};
	f->screen = screen_open_headless(24, 80);
	f->app = app_create(&options, f->screen);
	app_start(f->app);
}

static void stop_app(struct fixture *f)
{
	app_free(f->app);
	f->screen->ops->close(f->screen);
	drafts_close(f->drafts);
	sessions_close(f->sessions);
	f->app = NULL;
	f->sessions = NULL;
}

static int setup_with(void **state, bool keep)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	setlocale(LC_ALL, "C.UTF-8");
	setenv("INPUTRC", "/dev/null", 1);
	/* In memory where there is such a place: nothing here is about disks. */
	snprintf(f->dir, sizeof(f->dir), "%s/bora-test-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	fake_opened = 0;
	fake_refuses = NULL;
	f->options = options_create();
	options_set(f->options, OPTION_SYSTEM, "", NULL, 0); /* what the tests read is what they say */
	f->tr = i18n_open("en");
	start_app(f, NULL, keep);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, true);
}

static int setup_unkept(void **state)
{
	return setup_with(state, false);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	if (f->app)
		stop_app(f);
	i18n_close(f->tr);
	options_free(f->options);
	char *remove = xasprintf("rm -rf %s", f->dir);
	assert_int_equal(system(remove), 0);
	free(remove);
	free(f->text);
	free(f);
	return 0;
}

/* Lets an hour pass for whatever waits for time, and draws. */
static void settle(struct fixture *f)
{
	for (int i = 0; i < 3; i++) {
		f->app->now += APP_DRAFT_MS + 1000;
		app_turn_events(f->app);
		app_tick(f->app);
	}
}

static void keys(struct fixture *f, const char *bytes)
{
	app_input(f->app, bytes, strlen(bytes));
	settle(f);
}

static void events(struct fixture *f)
{
	app_turn_events(f->app);
	settle(f);
}

static const char *screen(struct fixture *f)
{
	free(f->text);
	f->app->dirty = true;
	settle(f);
	app_draw(f->app);
	f->text = screen_headless_dump(f->screen, false);
	return f->text;
}

static void assert_seen(struct fixture *f, const char *wanted)
{
	if (!strstr(screen(f), wanted))
		fail_msg("not on the screen: %s\n%s", wanted, f->text);
}

static void assert_not_seen(struct fixture *f, const char *unwanted)
{
	if (strstr(screen(f), unwanted))
		fail_msg("on the screen: %s\n%s", unwanted, f->text);
}

/* "user: …|assistant(partial): …|" of the current path in the store. */
static char *stored(struct fixture *f)
{
	struct buffer out = {0};
	struct message *path = NULL;
	size_t count = 0;
	char err[512];
	if (f->app->stored && message_path(f->sessions, f->app->session.row, &path, &count, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	for (size_t i = 0; i < count; i++) {
		buffer_printf(&out, "%s%s: %s|", message_role_name(path[i].role),
			      path[i].status == MESSAGE_PARTIAL ? "(partial)" : "", path[i].content);
		message_free(&path[i]);
	}
	free(path);
	return buffer_take(&out);
}

static void assert_stored(struct fixture *f, const char *expected)
{
	char *text = stored(f);
	assert_string_equal(text, expected);
	free(text);
}

static void exchange(struct fixture *f, const char *question, const char *answer)
{
	keys(f, question);
	keys(f, "\r");
	fake_text(answer);
	fake_done(ENGINE_STOP);
	events(f);
}

static void test_a_turn(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "What is 2+2?\r");
	assert_string_equal(fake->last_request, "user: What is 2+2?\n");
	assert_stored(f, "user: What is 2+2?|");
	fake_prompt(5, 20, 0);
	fake_text("It is ");
	events(f);
	assert_seen(f, "It is");
	fake_text("four.");
	fake_done(ENGINE_STOP);
	events(f);
	assert_seen(f, "It is four.");
	assert_stored(f, "user: What is 2+2?|assistant: It is four.|");
	assert_string_equal(f->app->session.title, "What is 2+2?");
	exchange(f, "And 3+3?", "Six.");
	assert_string_equal(fake->last_request, "user: What is 2+2?\nassistant: It is four.\nuser: And 3+3?\n");
}

static void test_message_waits_for_the_model(void **state)
{
	struct fixture *f = *state;
	keys(f, "first\r");
	keys(f, "second\r");
	assert_seen(f, "first");
	assert_seen(f, "second");
	assert_seen(f, "waits until");
	assert_int_equal(fake->requests, 0);
	fake_ready();
	events(f);
	assert_string_equal(fake->last_request, "user: first\n");
	fake_text("one");
	events(f);
	assert_seen(f, "waits until");
	fake_done(ENGINE_STOP);
	events(f);
	assert_string_equal(fake->last_request, "user: first\nassistant: one\nuser: second\n");
	assert_not_seen(f, "waits until");
}

static void test_escape_keeps_the_answer(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "go\r");
	fake_text("half an ans");
	events(f);
	keys(f, "\033");
	assert_true(fake->cancelled);
	assert_seen(f, "half an ans");
	assert_seen(f, "interrupted");
	assert_stored(f, "user: go|assistant(partial): half an ans|");
	keys(f, "next\r");
	assert_string_equal(fake->last_request, "user: go\nassistant: half an ans\nuser: next\n");
}

static void test_escape_takes_back_what_waits(void **state)
{
	struct fixture *f = *state;
	keys(f, "not yet\r");
	keys(f, "more\033");
	assert_string_equal(editor_text(f->app->editor, NULL), "not yet\nmore");
	assert_int_equal(f->app->waiting_count, 0);
	fake_ready();
	events(f);
	assert_int_equal(fake->requests, 0);
}

static void test_leaving(void **state)
{
	struct fixture *f = *state;
	app_input(f->app, "draft\003", 6);
	assert_true(editor_empty(f->app->editor));
	assert_false(f->app->quit);
	app_input(f->app, "\003", 1);
	assert_true(f->app->quit);
	f->app->quit = false;
	keys(f, "\033[A");
	assert_string_equal(editor_text(f->app->editor, NULL), "draft");
	keys(f, "\004");
	assert_false(f->app->quit);
	keys(f, "\025\004");
	assert_true(f->app->quit);
}

static void test_ctrl_c_interrupts_first(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "go\r");
	fake_text("well");
	events(f);
	keys(f, "\003");
	assert_false(f->app->quit);
	assert_stored(f, "user: go|assistant(partial): well|");
	f->app->now += 2 * APP_AGAIN_MS;
	app_tick(f->app);
	keys(f, "\003");
	assert_false(f->app->quit);
}

static void test_draft_comes_back(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "hello", "hi");
	keys(f, "unsent words");
	char *id = xstrdup(f->app->session.id);
	char *draft = draft_load(f->drafts, id);
	assert_string_equal(draft, "unsent words");
	free(draft);
	free(id);
	stop_app(f);
	start_app(f, "", true);
	assert_string_equal(editor_text(f->app->editor, NULL), "unsent words");
	assert_seen(f, "hello");
	assert_seen(f, "hi");
	keys(f, "\r");
	draft = draft_load(f->drafts, f->app->session.id);
	assert_string_equal(draft, "unsent words\n"); /* it waits for the model */
	free(draft);
	fake_ready();
	events(f);
	assert_null(draft_load(f->drafts, f->app->session.id));
}

static void test_reopened_partial_is_marked(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "go\r");
	fake_text("the beginning");
	events(f);
	stop_app(f); /* left in the middle of an answer */
	start_app(f, "", true);
	assert_stored(f, "user: go|assistant(partial): the beginning|");
	assert_seen(f, "the beginning");
	assert_seen(f, "interrupted");
}

static void test_undo_edit_regen(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	exchange(f, "two", "TWO");
	keys(f, "/undo\r");
	assert_stored(f, "user: one|assistant: ONE|");
	assert_not_seen(f, "TWO");
	keys(f, "/regen\r");
	assert_string_equal(fake->last_request, "user: one\n");
	fake_text("UNO");
	fake_done(ENGINE_STOP);
	events(f);
	assert_stored(f, "user: one|assistant: UNO|");
	keys(f, "/edit\r");
	assert_string_equal(editor_text(f->app->editor, NULL), "one");
	keys(f, "!\r");
	assert_string_equal(fake->last_request, "user: one!\n");
	assert_stored(f, "user: one!|");
}

static void test_nothing_kept_still_remembers(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	exchange(f, "two", "TWO");
	assert_string_equal(fake->last_request, "user: one\nassistant: ONE\nuser: two\n");
	keys(f, "/undo\r");
	exchange(f, "three", "THREE");
	assert_string_equal(fake->last_request, "user: one\nassistant: ONE\nuser: three\n");
}

static void test_commands(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "/nonsense\r");
	assert_seen(f, "No such command");
	keys(f, "\025/system Be brief.\r");
	exchange(f, "hello", "hi");
	assert_string_equal(fake->last_request, "system: Be brief.\nuser: hello\n");
	keys(f, "/rename A better title\r");
	assert_seen(f, "A better title");
	keys(f, "/set temp 0\r");
	assert_true(option_real(f->options, OPTION_TEMP) == 0);
	keys(f, "/set nothing 0\r");
	assert_seen(f, "No such setting");
	keys(f, "\xE3\x80\x81tokens\r");
	assert_seen(f, "30");
	keys(f, "/new\r");
	assert_not_seen(f, "hello");
	keys(f, "/quit\r");
	assert_true(f->app->quit);
}

static void test_save_and_export(void **state)
{
	struct fixture *f = *state;
	char err[512];
	fake_ready();
	events(f);
	exchange(f, "code please", "Here:\n```c\nint x;\n```\n");
	char *line = xasprintf("/save 1 %s/x.c\r", f->dir), *path = xasprintf("%s/x.c", f->dir);
	keys(f, line);
	assert_int_equal(access(path, R_OK), 0);
	keys(f, line);
	assert_seen(f, "exists");
	free(line);
	line = xasprintf("/export %s/x.json\r", f->dir);
	keys(f, line);
	free(path);
	path = xasprintf("%s/x.json", f->dir);
	assert_int_equal(access(path, R_OK), 0);
	free(path);
	free(line);
	line = xasprintf("/import %s/x.json\r", f->dir);
	keys(f, line);
	struct session *list = NULL;
	size_t count = 0;
	assert_int_equal(session_list(f->sessions, false, &list, &count, err, sizeof(err)), 0);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		session_free(&list[i]);
	free(list);
	free(line);
}

static void test_files_go_along(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	char *path = xasprintf("%s/notes.txt", f->dir), *line = xasprintf("read @%s, please\r", path);
	FILE *file = fopen(path, "w");
	fputs("the secret is 42", file);
	fclose(file);
	keys(f, line);
	char *expected = xasprintf("user: read @%s, please\n\n%s:\n```txt\nthe secret is 42\n```\n", path, path);
	assert_string_equal(fake->last_request, expected);
	free(expected);
	free(line);
	free(path);
}

static void test_model_errors(void **state)
{
	struct fixture *f = *state;
	fake_error("broken.gguf: no tensors");
	events(f);
	assert_seen(f, "no tensors");
	keys(f, "hello\r");
	assert_seen(f, "/model");
	keys(f, "\033");
	assert_string_equal(editor_text(f->app->editor, NULL), "hello");
	fake_refuses = "gone.gguf: No such file";
	keys(f, "\025/model /models/gone.gguf\r");
	fake_refuses = NULL;
}

static void test_an_error_in_a_turn(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "go\r");
	fake_text("so f");
	fake_error("the model is broken: NaN");
	events(f);
	assert_seen(f, "NaN");
	assert_stored(f, "user: go|assistant(partial): so f|");
	exchange(f, "again", "fine");
	assert_seen(f, "fine");
}

static void test_storage_failure_is_shown(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	session_unlock(f->sessions, f->app->session.row);
	char err[512];
	assert_int_equal(session_delete(f->sessions, f->app->session.row, err, sizeof(err)), 0);
	exchange(f, "two", "TWO");
	assert_seen(f, "Not saved");
	assert_seen(f, "TWO");
}

static void test_memory_begins(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	keys(f, "two\r");
	fake_prompt(1, 10, 2);
	events(f);
	assert_seen(f, "memory begins here");
	assert_seen(f, "no longer sees");
}

static void test_paste_is_not_sent(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "\033[200~one\rtwo\r\033[201~");
	assert_int_equal(fake->requests, 0);
	assert_string_equal(editor_text(f->app->editor, NULL), "one\ntwo\n");
}

static void test_late_syllable_goes_along(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	app_input(f->app, "\xEC\x95\x88\r", 4);
	app_input(f->app, "\xEB\x85\x95", 3);
	settle(f);
	assert_string_equal(fake->last_request, "user: \xEC\x95\x88\xEB\x85\x95\n");
	fake_done(ENGINE_STOP);
	events(f);
	app_input(f->app, "one\rtwo", 7); /* a quick typist's next message is the next message */
	settle(f);
	assert_string_equal(fake->last_request, "user: \xEC\x95\x88\xEB\x85\x95\nuser: one\n");
	assert_string_equal(editor_text(f->app->editor, NULL), "two");
}

/* --- Reading ahead ------------------------------------------------------------------- */

static void expect_prepared(struct fixture *f, int times, const char *text)
{
	assert_int_equal(fake->prepared, times);
	assert_string_equal(fake->last_prepared ? fake->last_prepared : "", text);
	assert_int_equal(fake->requests, 0);
	assert_not_seen(f, "reading");
}

/* The conversation at once, what is typed after a pause, each once. */
static void test_reading_ahead(void **state)
{
	struct fixture *f = *state;
	settle(f);
	assert_int_equal(fake->prepared, 0); /* not before there is a model */
	fake_ready();
	app_turn_events(f->app);
	app_tick(f->app);
	expect_prepared(f, 1, "");
	app_input(f->app, "What is", 7);
	app_tick(f->app);
	assert_int_equal(fake->prepared, 1); /* still typing */
	assert_in_range(app_timeout(f->app), 0, APP_DRAFT_MS);
	settle(f);
	expect_prepared(f, 2, "user: What is\n");
	keys(f, " it");
	expect_prepared(f, 3, "user: What is it\n");
	/* Moving about changes nothing; something else in its place is stopped at once, and read after the pause. */
	keys(f, "\033[D\033[C");
	assert_int_equal(fake->prepared, 3);
	app_input(f->app, "\025", 1);
	expect_prepared(f, 4, "");
	settle(f);
	assert_int_equal(fake->prepared, 5);
	assert_int_equal(app_timeout(f->app), -1);
	/* A command is no message. */
	keys(f, "/model x");
	assert_string_equal(fake->last_prepared, "");
	keys(f, "\025");
	keys(f, "go\r");
	assert_int_equal(fake->requests, 1);
	int before = fake->prepared;
	keys(f, "meanwhile");
	assert_int_equal(fake->prepared, before); /* the model is answering */
	fake_text("yes");
	fake_done(ENGINE_STOP);
	events(f);
	assert_string_equal(fake->last_prepared, "user: go\nassistant: yes\nuser: meanwhile\n");
}

static void test_not_reading_ahead(void **state)
{
	struct fixture *f = *state;
	char err[256];
	assert_int_equal(options_set(f->options, OPTION_READ_AHEAD, "off", err, sizeof(err)), 0);
	fake_ready();
	events(f);
	keys(f, "What is");
	assert_int_equal(fake->prepared, 0);
}

static void test_every_size(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "hello \xE4\xBD\xA0\xE5\xA5\xBD", "some \xD7\xA9\xD7\x9C words\n```c\nint x;\n```");
	for (int rows = 1; rows < 12; rows++)
		for (int columns = 1; columns<40; columns += rows> 3 ? 7 : 1) {
			screen_headless_resize(f->screen, rows, columns);
			f->app->dirty = true;
			settle(f);
		}
	screen_headless_resize(f->screen, 24, 80);
	assert_seen(f, "some");
}

static void test_idle_needs_no_time(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "hello", "hi");
	settle(f);
	assert_int_equal(app_timeout(f->app), -1);
}

static void test_switching_models(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "hello", "hi");
	char *path = xasprintf("%s/other.gguf", f->dir), *line = xasprintf("/model %s\r", path);
	fclose(fopen(path, "w"));
	keys(f, line);
	assert_int_equal(fake_opened, 2);
	assert_string_equal(fake->path, path);
	keys(f, "still there?\r");
	assert_int_equal(fake->requests, 0);
	fake_ready();
	events(f);
	assert_string_equal(fake->last_request, "user: hello\nassistant: hi\nuser: still there?\n");
	free(line);
	free(path);
}

static void test_palette(void **state)
{
	struct fixture *f = *state;
	keys(f, "\033OQ"); /* F2 */
	assert_seen(f, "Actions and commands");
	assert_seen(f, "Ctrl+P");
	keys(f, "rename");
	keys(f, "\r");
	assert_null(f->app->overlay);
	assert_string_equal(editor_text(f->app->editor, NULL), "/rename ");
	keys(f, "\025\020"
		"leave");
	keys(f, "\033");
	assert_null(f->app->overlay);
	assert_false(f->app->quit);
}

static void test_help(void **state)
{
	struct fixture *f = *state;
	keys(f, "\033OP");
	assert_non_null(f->app->overlay);
	assert_seen(f, "F1");
	keys(f, "\033");
	assert_null(f->app->overlay);
	keys(f, "/?\r");
	assert_non_null(f->app->overlay);
}

static void test_session_list(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "about Kyoto", "temples");
	keys(f, "/new\r");
	exchange(f, "about Osaka", "food");
	assert_not_seen(f, "temples");
	keys(f, "/resume\r");
	assert_seen(f, "about Kyoto");
	keys(f, "kyoto");
	int row, column;
	screen(f);
	screen_headless_cursor(f->screen, &row, &column);
	assert_int_equal(row, 1); /* in the filter, where input methods draw */
	assert_int_equal(column, 1 + (int)strlen("Conversations  kyoto"));
	keys(f, "\r");
	assert_seen(f, "temples");
	assert_not_seen(f, "food");
	exchange(f, "and Nara?", "deer");
	assert_string_equal(fake->last_request, "user: about Kyoto\nassistant: temples\nuser: and Nara?\n");
}

static void test_search_opens_at_the_hit(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "a question", "the needle is here");
	keys(f, "/new\r");
	keys(f, "/search needle\r");
	assert_seen(f, "needle");
	keys(f, "\r");
	assert_seen(f, "the needle is here");
	keys(f, "/search haystack\r");
	assert_seen(f, "Nothing found for haystack");
}

static void test_fork(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	int64_t row = f->app->session.row;
	keys(f, "/fork\r");
	assert_true(f->app->session.row != row);
	exchange(f, "two", "TWO");
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: TWO|");
}

static void test_language(void **state)
{
	struct fixture *f = *state;
	keys(f, "/lang en\r");
	assert_seen(f, "Language: en");
	assert_true(f->app->tr == f->app->own_tr);
}

static void test_completion(void **state)
{
	struct fixture *f = *state;
	keys(f, "/ren\t");
	assert_string_equal(editor_text(f->app->editor, NULL), "/rename ");
	keys(f, "\025/re\t");
	assert_seen(f, "/regen");
	keys(f, "\033");
	assert_not_seen(f, "/regen");
	assert_string_equal(editor_text(f->app->editor, NULL), "/re");
	char *path = xasprintf("%s/some_notes.txt", f->dir), *line = xasprintf("\025see @%s/some_n\t", f->dir);
	fclose(fopen(path, "w"));
	keys(f, line);
	char *expected = xasprintf("see @%s ", path);
	assert_string_equal(editor_text(f->app->editor, NULL), expected);
	free(expected);
	free(line);
	free(path);
}

static void test_scrolling_stays_put(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	for (int i = 0; i < 30; i++) {
		char *question = xasprintf("question %d", i);
		exchange(f, question, "answer");
		free(question);
	}
	keys(f, "go\r");
	keys(f, "\033[5~\033[5~");
	assert_not_seen(f, "question 29");
	char *before = xstrdup(screen(f));
	for (int i = 0; i < 20; i++)
		fake_text("more words that go on and on and on\n");
	events(f);
	char *first = strchr(before, '\n') + 1, *now = strchr((char *)screen(f), '\n') + 1;
	assert_int_equal(strncmp(first, now, 60), 0);
	free(before);
	keys(f, "\033[1;5F");
	assert_seen(f, "more words");
}

/* Whatever is pressed in whatever order, with answers coming and ending meanwhile,
 * on screens of any size: it goes on, and what was sent is stored. */
static void test_any_keys(void **state)
{
	static const char *const pressed[] = {
		"a",
		"b ",
		"\xE4\xBD\xA0",
		"\xD7\xA9",
		"\xE0\xA4\x95\xE0\xA5\x8D",
		"\xF0\x9F\x91\xA8\xE2\x80\x8D",
		"\r",
		"\n",
		"\t",
		"\177",
		"\001",
		"\005",
		"\013",
		"\025",
		"\027",
		"\031",
		"\037",
		"\022",
		"\020",
		"\003",
		"\033",
		"\033OP",
		"\033OR",
		"\033[15~",
		"\033[20~",
		"\033[A",
		"\033[B",
		"\033[C",
		"\033[D",
		"\033[H",
		"\033[F",
		"\033[5~",
		"\033[6~",
		"\033[3~",
		"\033b",
		"\033f",
		"\033d",
		"\033\r",
		"\033[200~one\rtwo\033[201~",
		"/undo\r",
		"/regen\r",
		"/edit\r",
		"/new\r",
		"/fork\r",
		"/redo\r",
		"/pin 2\r",
		"/edit 1\r",
		"/compact\r",
		"\033[1;3A",
		"\033[1;3B",
		"\033[1;3C",
		"\033[1;3D",
		"\006",
		"/stats\r",
		"/nope\r",
		"/re\t",
		"@\t",
		"\030",
		"\026",
		"\x1d",
	};
	enum { KEYS = sizeof(pressed) / sizeof(pressed[0]) };
	struct fixture *f = *state;
	unsigned seed = 7;
	for (int i = 0; i < 3000; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned dice = seed >> 16;
		if (dice % 16 == 0 && fake)
			dice % 32      ? fake_text("some words ")
			: fake->loaded ? fake_prompt(3, 9, dice % 64 ? 0 : 1)
				       : fake_ready();
		if (dice % 61 == 0 && fake && fake->busy && !fake->cancelled)
			fake_done(ENGINE_STOP);
		if (dice % 97 == 0)
			screen_headless_resize(f->screen, 1 + (int)(dice % 30), 1 + (int)(dice % 90));
		const char *bytes = pressed[dice % KEYS];
		app_input(f->app, bytes, strlen(bytes));
		f->app->now += dice % 70;
		app_turn_events(f->app);
		app_tick(f->app);
		f->app->quit = false;
	}
}

/* "2/3" of message i, as stored. */
static void assert_version(struct fixture *f, int i, int sibling, int siblings)
{
	assert_int_equal(f->app->messages[i].sibling, sibling);
	assert_int_equal(f->app->messages[i].siblings, siblings);
}

static void test_versions(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	exchange(f, "two", "TWO");
	keys(f, "\033[15~"); /* F5 */
	fake_text("DEUX");
	fake_done(ENGINE_STOP);
	events(f);
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: DEUX|");
	assert_version(f, 3, 2, 2);
	assert_seen(f, "‹2/2›");
	keys(f, "\033[1;3D"); /* Alt+Left */
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: TWO|");
	assert_seen(f, "‹1/2›");
	assert_seen(f, "TWO");
	assert_not_seen(f, "DEUX");
	keys(f, "\033[1;3C");
	assert_seen(f, "DEUX");
	/* The first question in other words: what followed is left beside it. */
	keys(f, "/edit 1\r");
	assert_string_equal(editor_text(f->app->editor, NULL), "one");
	assert_seen(f, "Changing message 1");
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: DEUX|");
	keys(f, " more\r");
	assert_string_equal(fake->last_request, "user: one more\n");
	fake_text("UNO");
	fake_done(ENGINE_STOP);
	events(f);
	assert_stored(f, "user: one more|assistant: UNO|");
	assert_version(f, 0, 2, 2);
	keys(f, "\033[1;3D");
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: DEUX|");
	assert_seen(f, "DEUX");
	exchange(f, "three", "THREE");
	assert_string_equal(fake->last_request, "user: one\nassistant: ONE\nuser: two\nassistant: DEUX\nuser: three\n");
}

static void test_esc_leaves_an_edit(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	keys(f, "a draft");
	app_action(f->app, ACTION_MESSAGE_UP);
	app_action(f->app, ACTION_MESSAGE_UP);
	assert_seen(f, "Message 1");
	keys(f, "\r"); /* what can be done */
	assert_seen(f, "Change it");
	keys(f, "\r");
	assert_string_equal(editor_text(f->app->editor, NULL), "one");
	keys(f, "!!\033");
	assert_string_equal(editor_text(f->app->editor, NULL), "a draft");
	assert_stored(f, "user: one|assistant: ONE|");
	assert_int_equal(fake->requests, 1);
	/* Words typed while a message is chosen go to the input. */
	app_action(f->app, ACTION_MESSAGE_UP);
	assert_int_equal(f->app->chosen, 1);
	keys(f, "p");
	assert_string_equal(editor_text(f->app->editor, NULL), "a draftp");
	assert_int_equal(f->app->chosen, -1);
}

static void test_an_answer_in_other_words(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	exchange(f, "two", "TWO");
	keys(f, "/edit 2\r");
	assert_string_equal(editor_text(f->app->editor, NULL), "ONE");
	keys(f, "\025EINS\r");
	assert_int_equal(fake->requests, 2);
	assert_stored(f, "user: one|assistant: EINS|");
	exchange(f, "and?", "so");
	assert_string_equal(fake->last_request, "user: one\nassistant: EINS\nuser: and?\n");
	keys(f, "/edit 99\r");
	assert_seen(f, "no message 99");
}

static void test_undo_and_redo(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	exchange(f, "two", "TWO");
	keys(f, "/undo\r");
	keys(f, "/undo\r");
	assert_stored(f, "");
	keys(f, "/redo\r");
	assert_stored(f, "user: one|assistant: ONE|");
	assert_seen(f, "ONE");
	keys(f, "/redo\r");
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: TWO|");
	keys(f, "/redo\r");
	assert_seen(f, "nothing to bring back");
	/* Also in another life of the program. */
	keys(f, "/undo\r");
	stop_app(f);
	start_app(f, "", true);
	assert_stored(f, "user: one|assistant: ONE|");
	keys(f, "/redo\r");
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: TWO|");
}

static void test_fork_at_a_message(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	exchange(f, "two", "TWO");
	int64_t row = f->app->session.row;
	keys(f, "/fork 2\r");
	assert_true(f->app->session.row != row);
	assert_stored(f, "user: one|assistant: ONE|");
}

static void test_pins(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "my name is Ada", "Hello");
	keys(f, "/pin\r");
	assert_seen(f, "stays in the model");
	assert_seen(f, "★ pinned");
	exchange(f, "two", "TWO");
	assert_true(fake->pinned & 1);
	stop_app(f);
	start_app(f, "", true);
	assert_seen(f, "★ pinned");
	keys(f, "/pin 1\r");
	assert_not_seen(f, "★ pinned");
}

static void test_compact(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	keys(f, "/compact\r");
	assert_seen(f, "too little");
	exchange(f, "two", "TWO");
	keys(f, "/pin 1\r");
	exchange(f, "three", "THREE");
	keys(f, "/compact\r");
	/* The last exchange is kept, so it need not be summed up. */
	assert_non_null(strstr(fake->last_request, "assistant: TWO\nuser: Summarise"));
	assert_null(strstr(fake->last_request, "three"));
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: TWO|user: three|assistant: THREE|");
	fake_text("They counted.");
	events(f);
	assert_seen(f, "Summing up");
	fake_done(ENGINE_STOP);
	events(f);
	assert_seen(f, "They counted.");
	assert_seen(f, "THREE");
	char *path = stored(f);
	assert_non_null(
		strstr(path, "|assistant: They counted.|user: one|assistant: ONE|user: three|assistant: THREE|"));
	assert_null(strstr(path, "TWO"));
	free(path);
	keys(f, "/undo\r");
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: TWO|user: three|assistant: THREE|");
	assert_version(f, 0, 1, 2);
	/* Nothing changes when it is stopped. */
	keys(f, "/compact\r");
	fake_text("half");
	events(f);
	keys(f, "\033");
	events(f);
	assert_seen(f, "everything is as it was");
	assert_stored(f, "user: one|assistant: ONE|user: two|assistant: TWO|user: three|assistant: THREE|");
}

static void test_warning_before_anything_drops_out(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "one\r");
	fake_text("ONE");
	/* Of 1,000 tokens a prompt may have 750: at 600 the next turn may already be too much. */
	struct engine_event done = {.type = ENGINE_DONE, .usage = {.context_used = 610}};
	fake_push(done);
	events(f);
	assert_seen(f, "nearly full");
	assert_seen(f, "/compact");
}

static void test_memory_begins_behind_what_is_left_out(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "one", "ONE");
	exchange(f, "two", "TWO");
	exchange(f, "three", "THREE");
	/* Four messages no longer fit, but two of them are pinned. */
	keys(f, "four\r");
	fake_push((struct engine_event){.type = ENGINE_PROMPT, .done = 1, .total = 9, .left_out = 2, .begins = 4});
	events(f);
	const char *text = screen(f);
	const char *line = strstr(text, "memory begins here: 2 earlier");
	assert_non_null(line);
	assert_true(strstr(text, "TWO") < line && line < strstr(text, "three"));
	fake_done(ENGINE_STOP);
	events(f);
	keys(f, "/edit 3\r");
	keys(f, "\r");
	assert_not_seen(f, "memory begins");
}

static void test_find(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "the red needle", "nothing");
	exchange(f, "a blue needle", "Needles everywhere");
	keys(f, "draft");
	keys(f, "\006"); /* Ctrl+F */
	keys(f, "need");
	assert_seen(f, "Find: need");
	assert_seen(f, "message 3 of 3");
	keys(f, "\033[A");
	assert_seen(f, "message 2 of 3");
	keys(f, "\033[A");
	keys(f, "\033[A");
	assert_seen(f, "message 3 of 3");
	keys(f, "le red");
	assert_seen(f, "message 1 of 1");
	keys(f, "x");
	assert_seen(f, "nothing found");
	keys(f, "\033");
	assert_not_seen(f, "Find:");
	assert_string_equal(editor_text(f->app->editor, NULL), "draft");
	/* The words of last time are offered, and go when others are typed. */
	keys(f, "\006");
	assert_seen(f, "Find: needle redx");
	keys(f, "blue");
	assert_seen(f, "Find: blue");
	keys(f, "\006"); /* again: everywhere */
	assert_seen(f, "Found: blue");
	keys(f, "\r");
	assert_seen(f, "a blue needle");
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(test_a_turn),
		KEPT(test_message_waits_for_the_model),
		KEPT(test_escape_keeps_the_answer),
		KEPT(test_escape_takes_back_what_waits),
		KEPT(test_leaving),
		KEPT(test_ctrl_c_interrupts_first),
		KEPT(test_draft_comes_back),
		KEPT(test_reopened_partial_is_marked),
		KEPT(test_undo_edit_regen),
		cmocka_unit_test_setup_teardown(test_nothing_kept_still_remembers, setup_unkept, teardown),
		KEPT(test_commands),
		KEPT(test_save_and_export),
		KEPT(test_files_go_along),
		KEPT(test_model_errors),
		KEPT(test_an_error_in_a_turn),
		KEPT(test_storage_failure_is_shown),
		KEPT(test_memory_begins),
		KEPT(test_paste_is_not_sent),
		KEPT(test_late_syllable_goes_along),
		KEPT(test_reading_ahead),
		KEPT(test_not_reading_ahead),
		KEPT(test_every_size),
		KEPT(test_idle_needs_no_time),
		KEPT(test_switching_models),
		KEPT(test_palette),
		KEPT(test_help),
		KEPT(test_session_list),
		KEPT(test_search_opens_at_the_hit),
		KEPT(test_fork),
		KEPT(test_language),
		KEPT(test_completion),
		KEPT(test_scrolling_stays_put),
		KEPT(test_versions),
		KEPT(test_esc_leaves_an_edit),
		KEPT(test_an_answer_in_other_words),
		KEPT(test_undo_and_redo),
		KEPT(test_fork_at_a_message),
		KEPT(test_pins),
		KEPT(test_compact),
		KEPT(test_warning_before_anything_drops_out),
		KEPT(test_memory_begins_behind_what_is_left_out),
		KEPT(test_find),
		KEPT(test_any_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
