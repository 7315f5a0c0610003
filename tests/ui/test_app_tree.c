/* The conversation's tree in the chat: versions, edits, pins, summaries, and finding words. */
#include "app_fixture.h"

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

/* What is behind the line of three dashes in the running request. */
static const char *part(void)
{
	const char *line = strstr(fake->last_request, "\n---\n\n");
	assert_non_null(line);
	return line + strlen("\n---\n\n");
}

/* What has left the context is summed up as well: everything is shown to the model, in parts that fit. */
static void test_compact_in_parts(void **state)
{
	enum { EXCHANGES = 9, PARTS_MOST = 20 };
	struct fixture *f = *state;
	struct buffer all = {0}, shown = {0};
	char answer[700];
	int parts = 0;
	fake_ready();
	events(f);
	for (int i = 0; i < EXCHANGES; i++) {
		char question[32];
		snprintf(question, sizeof(question), "question %d", i);
		memset(answer, 'a' + i, sizeof(answer) - 1);
		for (size_t k = 99; k < sizeof(answer) - 1; k += 100)
			answer[k] = i == 3 ? 'd' : '\n'; /* one of them is a single line */
		answer[sizeof(answer) - 1] = '\0';
		exchange(f, question, answer);
		if (i < EXCHANGES - 1)
			buffer_printf(&all, "[user]\n%s\n\n[assistant]\n%s\n\n", question, answer);
	}
	char *before = stored(f);
	keys(f, "/compact\r");
	assert_seen(f, "part 1 of about");
	while (fake->busy && parts++ < PARTS_MOST) {
		char summary[32];
		size_t len = strlen(part());
		assert_true(strlen(fake->last_request) / 4 + 125 <= 1000);
		buffer_append(&shown, part(), len - 1); /* the line's end is the fake engine's */
		assert_int_equal(strstr(fake->last_request, "of all that came before") != NULL, parts > 1);
		snprintf(summary, sizeof(summary), "summary %d", parts - 1);
		assert_int_equal(strstr(fake->last_request, summary) != NULL, parts > 1);
		snprintf(summary, sizeof(summary), "summary %d", parts);
		fake_text(summary);
		fake_done(ENGINE_STOP);
		events(f);
	}
	assert_in_range(parts, 2, PARTS_MOST - 1);
	assert_string_equal(shown.data, all.data);
	char *path = stored(f), *last = xasprintf("|assistant: summary %d|user: question 8|assistant: iii", parts);
	assert_non_null(strstr(path, last));
	assert_null(strstr(path, "question 7"));
	keys(f, "/undo\r");
	assert_stored(f, before);
	keys(f, "/compact\r");
	fake_text("half");
	fake_done(ENGINE_STOP);
	events(f);
	assert_seen(f, "part 2 of about");
	keys(f, "\033");
	events(f);
	assert_seen(f, "everything is as it was");
	assert_stored(f, before);
	free(last);
	free(path);
	free(before);
	buffer_free(&all);
	buffer_free(&shown);
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

enum { LONG = 3501 };

/* A conversation of LONG messages; every fiftieth has a block of code. The last is the person's. */
static void open_long(struct fixture *f, int64_t wanted)
{
	char err[512], id[SESSION_ID_SIZE];
	struct buffer text = {0};
	struct session session;
	int imported;
	buffer_puts(&text, "{\"title\":\"long\",\"messages\":[");
	for (int i = 1; i <= LONG; i++)
		buffer_printf(&text, "%s{\"role\":\"%s\",\"content\":\"message %d%s\"}", i > 1 ? "," : "",
			      i % 2 ? "user" : "assistant", i, i % 50 ? "" : "\\n```\\ncode\\n```\\n");
	buffer_puts(&text, "]}");
	if (session_import(f->sessions, text.data, text.len, "long", &imported, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	buffer_free(&text);
	assert_int_equal(session_find(f->sessions, "", &session, err, sizeof(err)), 0);
	memcpy(id, session.id, sizeof(id));
	if (wanted)
		assert_int_equal(message_find(f->sessions, session.row, wanted, &wanted, err, sizeof(err)), 0);
	assert_true(app_session_open(f->app, id, wanted));
	session_free(&session);
}

static char *shown(struct fixture *f)
{
	app_draw(f->app);
	return screen_headless_dump(f->screen, false);
}

/* Of a long conversation the end is there at once, and the rest before anybody has asked for it. */
static void test_long_conversation(void **state)
{
	struct fixture *f = *state;
	fake_ready();
	events(f);
	open_long(f, 0);
	assert_in_range(transcript_unread(f->app->transcript), 1000, LONG - 100);
	char *text = shown(f);
	assert_non_null(strstr(text, "message 3501"));
	transcript_scroll(f->app->transcript, -2);
	free(text);
	text = shown(f);
	assert_non_null(strstr(text, "message 3500"));
	assert_null(strstr(text, "[70]"));
	free(text);
	assert_int_equal(app_timeout(f->app), 0);
	while (transcript_unread(f->app->transcript))
		app_tick(f->app);
	assert_seen(f, "[70]");
	assert_int_equal(f->app->message_count, LONG);
	for (int i = 0; i < LONG; i++) {
		assert_int_equal(f->app->messages[i].number, i + 1);
		assert_int_equal(f->app->messages[i].role, i % 2 ? MESSAGE_ASSISTANT : MESSAGE_USER);
		assert_int_equal(f->app->messages[i].entry, i);
	}
	transcript_scroll_home(f->app->transcript);
	assert_seen(f, "› message 1\n");
}

/* What has not been read yet is, as soon as it is asked for. */
static void test_long_conversation_at_once(void **state)
{
	struct fixture *f = *state;
	char *text;
	fake_ready();
	events(f);
	open_long(f, 2);
	assert_non_null(strstr(text = shown(f), "message 2\n"));
	free(text);
	open_long(f, 0);
	transcript_scroll_home(f->app->transcript);
	assert_non_null(strstr(text = shown(f), "message 3\n"));
	free(text);
	open_long(f, 0);
	assert_int_equal(app_tree_find(f->app, "7", MESSAGE_USER), 6);
	open_long(f, 0);
	assert_int_equal(transcript_block_count(f->app->transcript), 70);
	open_long(f, 0);
	app_tree_edit(f->app, 6);
	assert_string_equal(editor_text(f->app->editor, NULL), "message 7");
	editor_set_text(f->app->editor, "other", 5);
	keys(f, "\r");
	assert_non_null(strstr(fake->last_request, "assistant: message 6\nuser: other\n"));
	assert_int_equal(f->app->message_count, 7);
}

/* The model is not given what it could not see, but for what is pinned. */
static void test_long_conversation_goes_on(void **state)
{
	struct fixture *f = *state;
	char err[512];
	fake_ready();
	events(f);
	open_long(f, 0);
	exchange(f, "so?", "yes");
	assert_in_range(fake->omitted, 1, LONG - 500);
	char *first = xasprintf("%s: message %d\n", fake->omitted % 2 ? "assistant" : "user", fake->omitted + 1);
	assert_memory_equal(fake->last_request, first, strlen(first));
	free(first);
	assert_non_null(strstr(fake->last_request, "\nuser: message 3501\nuser: so?\n"));
	assert_int_equal(tree_pin(f->sessions, f->app->session.row, f->app->messages[0].id, true, err, sizeof(err)), 0);
	exchange(f, "and?", "no");
	assert_int_equal(fake->omitted, 0);
	assert_memory_equal(fake->last_request, "user: message 1\n", 16);
}

/* Behind what the index holds of a message, its words are found in the conversation itself. */
static void test_find_in_a_huge_message(void **state)
{
	struct fixture *f = *state;
	struct buffer text = {0};
	fake_ready();
	events(f);
	exchange(f, "say much", "a beginning");
	while (text.len < SESSIONS_SEARCHED * 5 / 2)
		buffer_puts(&text, "words that nobody looks for\n");
	buffer_puts(&text, "the needle\n");
	while (text.len < SESSIONS_SEARCHED * 3)
		buffer_puts(&text, "words that nobody looks for\n");
	exchange(f, "more", text.data);
	buffer_free(&text);
	keys(f, "\006needle");
	assert_seen(f, "1 of 1");
	assert_seen(f, "the needle");
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(test_versions),
		KEPT(test_esc_leaves_an_edit),
		KEPT(test_an_answer_in_other_words),
		KEPT(test_undo_and_redo),
		KEPT(test_fork_at_a_message),
		KEPT(test_pins),
		KEPT(test_compact),
		KEPT(test_compact_in_parts),
		KEPT(test_warning_before_anything_drops_out),
		KEPT(test_memory_begins_behind_what_is_left_out),
		KEPT(test_find),
		KEPT(test_find_in_a_huge_message),
		KEPT(test_long_conversation),
		KEPT(test_long_conversation_at_once),
		KEPT(test_long_conversation_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
