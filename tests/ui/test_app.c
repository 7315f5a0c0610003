/* Keys and engine events in, screens and stored messages out. */
#include "app_fixture.h"
#include "cache_store.h"

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
	/* The tree is there, too, and nothing says that anything was saved. */
	keys(f, "\033[1;3D"); /* Alt+Left */
	assert_seen(f, "TWO");
	assert_not_seen(f, "THREE");
	assert_not_seen(f, "saved");
	char *command = xasprintf("test -z \"$(ls %s)\"", f->dir);
	assert_int_equal(system(command), 0);
	free(command);
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

static void test_settings(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	keys(f, "/set\r");
	assert_seen(f, "temp             0.5"); /* what the model recommends */
	assert_seen(f, "0 – 100");
	keys(f, "temp");
	keys(f, "\033[C");
	assert_seen(f, "temp             0.6");
	assert_true(option_real(f->options, OPTION_TEMP) == 0.6);
	assert_seen(f, "recommends 0.5");
	keys(f, "\033[D\033[D");
	assert_true(option_real(f->options, OPTION_TEMP) == 0.4);
	keys(f, "\r"); /* to be typed */
	assert_seen(f, "› /set temp 0.4");
	keys(f, "\025/set temp 200\r");
	assert_seen(f, "between 0 and 100");
	keys(f, "\025/set temp default\r");
	assert_false(option_given(f->options, OPTION_TEMP));
	keys(f, "/set read-ahead\r");
	assert_seen(f, "read-ahead = on  (on|off)");
	keys(f, "/set\r");
	keys(f, "read-ahead\033[C");
	assert_string_equal(option_string(f->options, OPTION_READ_AHEAD), "off");
	keys(f, "\033[D\033");
	assert_string_equal(option_string(f->options, OPTION_READ_AHEAD), "on");
}

static void test_settings_are_completed(void **state)
{
	struct fixture *f = *state;
	keys(f, "/set rep\t");
	assert_seen(f, "› /set repeat-penalty");
	keys(f, "\025/set notify o\t");
	assert_seen(f, "osc777");
	keys(f, "sc7\t");
	assert_seen(f, "› /set notify osc777");
	keys(f, "\r");
	assert_string_equal(option_string(f->options, OPTION_NOTIFY), "osc777");
}

static void test_stats(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	exchange(f, "one", "ONE");
	keys(f, "/stats\r");
	assert_seen(f, "Context: 30 of 1,000 tokens, 3%");
	assert_seen(f, "read 20 tokens, 0% of them remembered, the others at 200.0 tok/s");
	assert_seen(f, "written 10 tokens in 1 answer at 20.0 tok/s");
	assert_not_seen(f, "This conversation");
	exchange(f, "two", "TWO");
	keys(f, "/stats\r");
	assert_seen(f, "This conversation");
	assert_seen(f, "written 20 tokens in 2 answers");
	keys(f, "/new\r");
	exchange(f, "three", "THREE");
	keys(f, "/stats\r");
	assert_seen(f, "written 30 tokens in 3 answers");
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

/* What cannot be opened, and what turns out to be broken while it is loaded, leaves the model that was there. */
static void test_a_failed_switch(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "hello", "hi");
	char *path = xasprintf("%s/other.gguf", f->dir), *line = xasprintf("/model %s\r", path);
	fclose(fopen(path, "w"));
	fake_refuses = "other.gguf: cannot open: denied";
	keys(f, line);
	fake_refuses = NULL;
	assert_int_equal(fake_opened, 1);
	assert_seen(f, "denied");
	assert_seen(f, "fake stays");
	exchange(f, "still there?", "yes");
	keys(f, line);
	assert_string_equal(fake->path, path);
	fake_error("other.gguf: no tensors");
	events(f);
	assert_seen(f, "no tensors");
	assert_string_equal(fake->path, "/models/fake.gguf");
	assert_string_equal(f->app->model_path, "/models/fake.gguf");
	fake_ready();
	events(f);
	exchange(f, "and now?", "still");
	fake_error("nothing");
	assert_string_equal(fake->last_request,
			    "user: hello\nassistant: hi\nuser: still there?\nassistant: yes\nuser: and now?\n");
	free(line);
	free(path);
}

/* The row of the screen on which text stands. */
static int picker_first(const char *seen, const char *text)
{
	int row = 0;
	const char *at = strstr(seen, text);
	for (; at && seen < at; seen++)
		row += *seen == '\n';
	return at ? row : -1;
}

static void assert_chosen(struct fixture *f, const char *wanted)
{
	struct buffer text = {0};
	transcript_selected(f->app->transcript, &text);
	assert_string_equal(text.data ? text.data : "", wanted);
	buffer_free(&text);
}

/* Shift and Space choose, as hands expect; without Shift, what it chose is let go. */
static void test_choosing_text(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	exchange(f, "Hello?", "one two three");
	keys(f, "\033v");
	assert_true(f->app->selecting);
	assert_seen(f, "Space or Shift");
	assert_chosen(f, "one two three"); /* nothing yet: where one is */
	keys(f, "\033[1;2C\033[1;2C");     /* Shift+Right */
	assert_chosen(f, "on");
	keys(f, "\033[1;6C"); /* Ctrl+Shift+Right */
	assert_chosen(f, "one");
	keys(f, "\033[C");
	assert_chosen(f, "one two three");
	keys(f, " \033[1;5C\033[C");
	assert_chosen(f, "two ");
	keys(f, "\033[F");
	assert_chosen(f, "two three");
	keys(f, "\033[H");
	assert_chosen(f, "one ");
	keys(f, "y");
	assert_false(f->app->selecting);
	keys(f, "y");
	assert_string_equal(editor_text(f->app->editor, NULL), "y");
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
	keys(f, "\025\020"); /* what was chosen last comes first */
	assert_int_equal(picker_first(screen(f), "/rename TITLE"), 2);
	keys(f, "leave");
	keys(f, "\033");
	assert_null(f->app->overlay);
	assert_false(f->app->quit);
}

/* What was chosen in another run stands first, too; names that there are no more are passed over. */
static void test_palette_remembers(void **state)
{
	struct fixture *f = *state;
	setenv("BORA_STATE_DIR", f->dir, 1);
	app_keep_habits(f->app);
	const char *const chosen[] = {"\020/export\r", "\020rename\r", "\020/export\r"};
	for (size_t i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
		keys(f, chosen[i]);
		keys(f, "\025");
	}
	stop_app(f);
	char *path = xasprintf("%s/recent", f->dir);
	FILE *file = fopen(path, "a");
	fputs("command gone\naction gone\n\ncommand export\naction fold\n", file);
	fclose(file);
	start_app(f, NULL, true);
	app_keep_habits(f->app);
	keys(f, "\020");
	assert_int_equal(picker_first(screen(f), "/export FILE"), 2);
	assert_int_equal(picker_first(screen(f), "/rename TITLE"), 3);
	assert_int_equal(picker_first(screen(f), "Alt+Z"), 4);
	unsetenv("BORA_STATE_DIR");
	free(path);
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
	char *warm = cache_path(f->app->session.id);
	FILE *file = fopen(warm, "w");
	assert_non_null(file);
	fputs("what the model has read", file);
	fclose(file);
	free(warm);
	keys(f, "/resume\r");
	assert_seen(f, "about Kyoto");
	assert_seen(f, "ready · 2 messages · "); /* of what the model need not read again */
	assert_null(strstr(strstr(f->text, "about Kyoto"), "ready"));
	assert_seen(f, "food"); /* the end of the one chosen */
	keys(f, "temples");
	assert_seen(f, "about Kyoto");
	assert_not_seen(f, "ready");
	keys(f, "\025kyoto");
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
		"/set\r",
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
		KEPT(test_settings),
		KEPT(test_settings_are_completed),
		KEPT(test_stats),
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
		KEPT(test_a_failed_switch),
		KEPT(test_choosing_text),
		KEPT(test_palette),
		KEPT(test_palette_remembers),
		KEPT(test_help),
		KEPT(test_session_list),
		KEPT(test_search_opens_at_the_hit),
		KEPT(test_fork),
		KEPT(test_language),
		KEPT(test_completion),
		KEPT(test_scrolling_stays_put),
		KEPT(test_any_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
