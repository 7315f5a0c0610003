/* Messages: the tree, streaming, any bytes, size. */
#include "fixture.h"

#include "sessions/store.h"

#include <stdio.h>

static void test_branches(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct message *path;
	size_t count;
	fixture_session(f, "first", &a);
	int64_t answer = fixture_say(f, a.row, MESSAGE_ASSISTANT, "one way");
	struct message m = {.role = MESSAGE_ASSISTANT, .content = "another way", .len = 11};
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	m.parent = path[0].id;
	fixture_free_messages(path, count);
	assert_int_equal(message_append(f->store, a.row, &m, f->err, sizeof(f->err)), 0);
	assert_int_equal(m.number, 3);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 2);
	assert_string_equal(path[1].content, "another way");
	assert_int_equal(path[1].sibling, 2);
	assert_int_equal(path[1].siblings, 2);
	fixture_free_messages(path, count);
	/* Back to the first answer; nothing was overwritten. */
	assert_int_equal(session_set_leaf(f->store, a.row, answer, f->err, sizeof(f->err)), 0);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_string_equal(path[1].content, "one way");
	assert_int_equal(path[1].sibling, 1);
	fixture_free_messages(path, count);
	/* An edited first message stands beside the first. */
	struct message edited = {.role = MESSAGE_USER, .parent = MESSAGE_ROOT, .content = "edited", .len = 6};
	assert_int_equal(message_append(f->store, a.row, &edited, f->err, sizeof(f->err)), 0);
	assert_int_equal(edited.parent, 0);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 1);
	assert_int_equal(path[0].siblings, 2);
	fixture_free_messages(path, count);
	assert_int_equal(message_tree(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 4);
	assert_int_equal(path[2].parent, path[0].id);
	assert_int_equal(path[3].parent, 0);
	fixture_free_messages(path, count);
	session_free(&a);
}

static void test_undo_to_nothing(void **state)
{
	struct fixture *f = *state;
	struct session a, found;
	struct message *path;
	size_t count;
	fixture_session(f, "first", &a);
	assert_int_equal(session_set_leaf(f->store, a.row, 0, f->err, sizeof(f->err)), 0);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 0);
	free(path);
	assert_int_equal(session_find(f->store, a.id, &found, f->err, sizeof(f->err)), 0);
	assert_int_equal(found.messages, 0);
	session_free(&found);
	/* It is still the latest conversation, and listed: nothing is hidden. */
	assert_int_equal(session_find(f->store, "", &found, f->err, sizeof(f->err)), 0);
	assert_string_equal(found.id, a.id);
	session_free(&found);
	fixture_say(f, a.row, MESSAGE_USER, "again");
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 1);
	assert_string_equal(path[0].content, "again");
	fixture_free_messages(path, count);
	session_free(&a);
}

static void test_streaming(void **state)
{
	struct fixture *f = *state;
	struct session a, found;
	struct message *path;
	size_t count;
	struct buffer text = {0};
	fixture_session(f, "count", &a);
	struct message m = {.role = MESSAGE_ASSISTANT, .status = MESSAGE_PARTIAL, .model = "smol", .content = ""};
	assert_int_equal(message_append(f->store, a.row, &m, f->err, sizeof(f->err)), 0);
	for (int i = 0; i < 50; i++) {
		buffer_printf(&text, "%d ", i);
		m.content = text.data;
		m.len = text.len;
		assert_int_equal(message_update(f->store, &m, f->err, sizeof(f->err)), 0);
	}
	fixture_reopen(f);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(path[1].status, MESSAGE_PARTIAL);
	assert_string_equal(path[1].content, text.data);
	fixture_free_messages(path, count);
	m.status = MESSAGE_COMPLETE;
	m.prompt_tokens = 12;
	m.completion_tokens = 50;
	m.first_token_ms = 81.25;
	m.settings = "{\"temp\":0.7}";
	assert_int_equal(message_update(f->store, &m, f->err, sizeof(f->err)), 0);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(path[1].status, MESSAGE_COMPLETE);
	assert_int_equal(path[1].completion_tokens, 50);
	assert_true(path[1].first_token_ms == 81.25);
	assert_string_equal(path[1].settings, "{\"temp\":0.7}");
	assert_string_equal(path[1].model, "smol");
	fixture_free_messages(path, count);
	assert_int_equal(session_find(f->store, a.id, &found, f->err, sizeof(f->err)), 0);
	assert_int_equal(found.tokens, 62);
	m.id += 1000;
	assert_int_equal(message_update(f->store, &m, f->err, sizeof(f->err)), -1);
	buffer_free(&text);
	session_free(&found);
	session_free(&a);
}

static void test_any_bytes(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct message *path;
	size_t count;
	char bytes[512];
	for (int i = 0; i < 512; i++)
		bytes[i] = (char)i;
	fixture_session(f, "bytes", &a);
	struct message m = {.role = MESSAGE_TOOL, .content = bytes, .len = sizeof(bytes)};
	assert_int_equal(message_append(f->store, a.row, &m, f->err, sizeof(f->err)), 0);
	fixture_reopen(f);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(path[1].len, sizeof(bytes));
	assert_memory_equal(path[1].content, bytes, sizeof(bytes));
	assert_int_equal(path[1].content[path[1].len], 0);
	fixture_free_messages(path, count);
	session_free(&a);
}

static void test_size_limit(void **state)
{
	struct fixture *f = *state;
	struct session a;
	fixture_session(f, "big", &a);
	struct message m = {.role = MESSAGE_USER, .content = "", .len = SESSIONS_MESSAGE_MAX + 1};
	assert_int_equal(message_append(f->store, a.row, &m, f->err, sizeof(f->err)), -1);
	assert_non_null(strstr(f->err, "104857600"));
	session_free(&a);
}

/* A parent that belongs to another session is refused and leaves no trace. */
static void test_foreign_parent(void **state)
{
	struct fixture *f = *state;
	struct session a, b;
	fixture_session(f, "one", &a);
	fixture_session(f, "two", &b);
	struct message m = {.role = MESSAGE_USER, .parent = a.leaf, .content = "x", .len = 1};
	struct session found;
	assert_int_equal(session_find(f->store, a.id, &found, f->err, sizeof(f->err)), 0);
	m.parent = found.leaf;
	session_free(&found);
	assert_int_equal(message_append(f->store, b.row, &m, f->err, sizeof(f->err)), -1);
	assert_non_null(strstr(f->err, "no such message"));
	int64_t messages;
	store_number(f->store, &messages, -1, f->err, sizeof(f->err), "SELECT count(*) FROM messages", "");
	assert_int_equal(messages, 2);
	session_free(&a);
	session_free(&b);
}

/* Two conversations written in turns: paths are found whatever lies between. */
static void test_interleaved(void **state)
{
	struct fixture *f = *state;
	struct session sessions[40];
	struct message *path;
	size_t count;
	for (int i = 0; i < 40; i++)
		fixture_session(f, "0", &sessions[i]);
	for (int k = 1; k < 5; k++) {
		for (int i = 0; i < 40; i++) {
			char text[16];
			snprintf(text, sizeof(text), "%d", k);
			fixture_say(f, sessions[i].row, k % 2 ? MESSAGE_ASSISTANT : MESSAGE_USER, text);
		}
	}
	for (int i = 0; i < 40; i++) {
		assert_int_equal(message_path(f->store, sessions[i].row, &path, &count, f->err, sizeof(f->err)), 0);
		assert_int_equal(count, 5);
		for (int k = 0; k < 5; k++)
			assert_int_equal(path[k].content[0], '0' + k);
		fixture_free_messages(path, count);
		session_free(&sessions[i]);
	}
}

/* Branches all over the place, some of them pinned; the path is on the way to a message chosen by chance. */
static void grow_tree(struct fixture *f, int64_t row, int count)
{
	int64_t ids[400] = {0};
	unsigned seed = 7;
	for (int i = 1; i < count; i++) {
		char text[32];
		struct message m = {.role = i % 2 ? MESSAGE_USER : MESSAGE_ASSISTANT, .content = text};
		seed = seed * 1103515245 + 12345;
		unsigned chance = seed >> 16;
		m.len = (size_t)snprintf(text, sizeof(text), "message %d", i);
		m.parent = i == 1 || chance % 40 == 0
				   ? MESSAGE_ROOT
				   : ids[i - 1 - (chance % 5 ? 0 : chance % (unsigned)(i < 30 ? i : 30))];
		m.parent = m.parent ? m.parent : MESSAGE_ROOT;
		assert_int_equal(message_append(f->store, row, &m, f->err, sizeof(f->err)), 0);
		ids[i] = m.id;
		if (chance % 13 == 0)
			assert_int_equal(tree_pin(f->store, row, m.id, true, f->err, sizeof(f->err)), 0);
	}
}

static void expect_same(const struct message *a, const struct message *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->parent, b->parent);
	assert_int_equal(a->number, b->number);
	assert_int_equal(a->role, b->role);
	assert_int_equal(a->sibling, b->sibling);
	assert_int_equal(a->siblings, b->siblings);
	assert_int_equal(a->pinned, b->pinned);
	assert_string_equal(a->content, b->content);
}

/* Read from its end, a few at a time, a path is what it is when it is read at once. */
static void test_path_from_its_end(void **state)
{
	enum { COUNT = 400, STEPS = 5 };
	static const size_t steps[STEPS] = {1, 2, 7, 50, COUNT};
	struct fixture *f = *state;
	struct session session;
	assert_int_equal(session_create(f->store, "model", "", &session, f->err, sizeof(f->err)), 0);
	grow_tree(f, session.row, COUNT);
	for (int s = 0; s < STEPS; s++) {
		struct message *path;
		struct message_end end;
		size_t left, total, pins = 0;
		int64_t before = 0;
		assert_int_equal(message_path(f->store, session.row, &path, &total, f->err, sizeof(f->err)), 0);
		assert_true(total > 20);
		for (size_t i = 0; i < total; i++)
			pins += path[i].pinned;
		for (left = total; left; left -= end.count, before = path[left].id) {
			assert_int_equal(
				message_path_end(f->store, session.row, before, steps[s], &end, f->err, sizeof(f->err)),
				0);
			assert_int_equal(end.count, left < steps[s] ? left : steps[s]);
			assert_int_equal(end.earlier, left - end.count);
			for (size_t i = 0; i < end.count; i++) {
				expect_same(&end.messages[i], &path[left - end.count + i]);
				pins -= end.messages[i].pinned;
			}
			if (pins)
				assert_true(end.pins_earlier);
			size_t count = end.count;
			message_end_free(&end);
			end.count = count;
		}
		assert_int_equal(pins, 0);
		fixture_free_messages(path, total);
	}
	session_free(&session);
}

static void test_end_of_an_empty_path(void **state)
{
	struct fixture *f = *state;
	struct session session;
	struct message_end end;
	fixture_session(f, "one", &session);
	assert_int_equal(session_set_leaf(f->store, session.row, 0, f->err, sizeof(f->err)), 0);
	assert_int_equal(message_path_end(f->store, session.row, 0, 10, &end, f->err, sizeof(f->err)), 0);
	assert_int_equal(end.count, 0);
	assert_int_equal(end.earlier, 0);
	message_end_free(&end);
	session_free(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_path_from_its_end), FIXTURE_TEST(test_end_of_an_empty_path),
		FIXTURE_TEST(test_branches),          FIXTURE_TEST(test_undo_to_nothing),
		FIXTURE_TEST(test_streaming),         FIXTURE_TEST(test_any_bytes),
		FIXTURE_TEST(test_size_limit),        FIXTURE_TEST(test_foreign_parent),
		FIXTURE_TEST(test_interleaved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
