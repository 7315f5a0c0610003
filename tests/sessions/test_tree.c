/* Branches: siblings, where they lead, new ones, pinned messages. */
#include "sessions/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

struct fixture {
	char dir[64];
	struct i18n *tr;
	struct sessions *store;
	struct session session;
	char err[512];
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/bora-tree-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->tr = i18n_open("en");
	assert_int_equal(sessions_open(&f->store, f->dir, f->tr, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_create(f->store, "m", "", &f->session, f->err, sizeof(f->err)), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	session_free(&f->session);
	sessions_close(f->store);
	i18n_close(f->tr);
	char *command = xasprintf("rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(command);
	free(f);
	return 0;
}

static struct message words(enum message_role role, const char *text)
{
	return (struct message){
		.role = role, .content = (char *)text, .len = strlen(text), .model = "", .settings = ""};
}

static int64_t say(struct fixture *f, int64_t parent, const char *text)
{
	struct message m = words(MESSAGE_USER, text);
	m.parent = parent;
	if (message_append(f->store, f->session.row, &m, f->err, sizeof(f->err)))
		fail_msg("%s", f->err);
	return m.id;
}

/* "a b c": the path of the session at row; pinned ones with a *. */
static char *path_of(struct fixture *f, int64_t row)
{
	struct message *path;
	size_t count;
	struct buffer out = {0};
	assert_int_equal(message_path(f->store, row, &path, &count, f->err, sizeof(f->err)), 0);
	for (size_t i = 0; i < count; i++) {
		buffer_printf(&out, "%s%s%s", i ? " " : "", path[i].content, path[i].pinned ? "*" : "");
		message_free(&path[i]);
	}
	free(path);
	return buffer_take(&out);
}

static void assert_path(struct fixture *f, int64_t row, const char *expected)
{
	char *path = path_of(f, row);
	assert_string_equal(path, expected);
	free(path);
}

static int64_t sibling(struct fixture *f, int64_t of, int step)
{
	int64_t other = -7;
	assert_int_equal(tree_sibling(f->store, f->session.row, of, step, &other, f->err, sizeof(f->err)), 0);
	return other;
}

static int64_t newest(struct fixture *f, int64_t below)
{
	int64_t id = -7;
	assert_int_equal(tree_newest(f->store, f->session.row, below, &id, f->err, sizeof(f->err)), 0);
	return id;
}

static void test_siblings(void **state)
{
	struct fixture *f = *state;
	struct tree_place place;
	int64_t a = say(f, 0, "a"), b1 = say(f, a, "b1"), c = say(f, b1, "c"), b2 = say(f, a, "b2"),
		b3 = say(f, a, "b3"), a2 = say(f, MESSAGE_ROOT, "a2");
	assert_int_equal(sibling(f, b1, 1), b2);
	assert_int_equal(sibling(f, b3, -1), b2);
	assert_int_equal(sibling(f, b1, -1), 0);
	assert_int_equal(sibling(f, b3, 1), 0);
	assert_int_equal(sibling(f, a, 1), a2); /* those without a parent, too */
	assert_int_equal(sibling(f, a2, -1), a);
	assert_int_equal(sibling(f, c, 1), 0);
	assert_int_equal(tree_place(f->store, f->session.row, b2, &place, f->err, sizeof(f->err)), 0);
	assert_int_equal(place.number, 4);
	assert_int_equal(place.sibling, 2);
	assert_int_equal(place.siblings, 3);
	assert_int_equal(tree_place(f->store, f->session.row, a2, &place, f->err, sizeof(f->err)), 0);
	assert_int_equal(place.sibling, 2);
	assert_int_equal(tree_place(f->store, f->session.row, 999, &place, f->err, sizeof(f->err)), -1);
}

static void test_newest_descendant(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(newest(f, 0), 0);
	int64_t a = say(f, 0, "a"), b1 = say(f, a, "b1"), c1 = say(f, b1, "c1"), b2 = say(f, a, "b2"),
		c2 = say(f, b1, "c2"), a2 = say(f, MESSAGE_ROOT, "a2");
	assert_int_equal(newest(f, b1), c2);
	assert_int_equal(newest(f, b2), b2);
	assert_int_equal(newest(f, c1), c1);
	assert_int_equal(newest(f, a), c2);
	assert_int_equal(newest(f, a2), a2);
	assert_int_equal(newest(f, 0), a2);
	int64_t id;
	assert_int_equal(tree_newest(f->store, f->session.row, 999, &id, f->err, sizeof(f->err)), -1);
}

static void test_pins(void **state)
{
	struct fixture *f = *state;
	struct session fork;
	int64_t a = say(f, 0, "a"), b = say(f, a, "b");
	say(f, b, "c");
	assert_int_equal(tree_pin(f->store, f->session.row, b, true, f->err, sizeof(f->err)), 0);
	assert_int_equal(tree_pin(f->store, f->session.row, b, true, f->err, sizeof(f->err)), 0);
	assert_path(f, f->session.row, "a b* c");
	assert_int_equal(session_fork(f->store, f->session.row, 0, &fork, f->err, sizeof(f->err)), 0);
	assert_path(f, fork.row, "a b* c");
	assert_int_equal(tree_pin(f->store, f->session.row, b, false, f->err, sizeof(f->err)), 0);
	assert_path(f, f->session.row, "a b c");
	assert_path(f, fork.row, "a b* c");
	assert_int_equal(session_delete(f->store, fork.row, f->err, sizeof(f->err)), 0);
	session_free(&fork);
	assert_int_equal(tree_pin(f->store, f->session.row, 999, true, f->err, sizeof(f->err)), -1);
	assert_int_equal(sessions_check(f->dir, f->tr, false, NULL, NULL, f->err, sizeof(f->err)), 0);
}

static void test_branch(void **state)
{
	struct fixture *f = *state;
	int64_t a = say(f, 0, "a");
	say(f, a, "b");
	struct message branch[] = {words(MESSAGE_USER, "x"), words(MESSAGE_ASSISTANT, "y"), words(MESSAGE_USER, "z")};
	branch[1].pinned = true;
	assert_int_equal(tree_branch(f->store, f->session.row, branch, 3, f->err, sizeof(f->err)), 0);
	assert_path(f, f->session.row, "x y* z");
	assert_int_equal(branch[0].number, 3);
	assert_int_equal(branch[1].parent, branch[0].id);
	assert_int_equal(sibling(f, branch[0].id, -1), a);
	assert_int_equal(session_set_leaf(f->store, f->session.row, newest(f, a), f->err, sizeof(f->err)), 0);
	assert_path(f, f->session.row, "a b");
	/* All or none. */
	struct message bad[] = {words(MESSAGE_USER, "one"), words(MESSAGE_USER, "two")};
	bad[1].len = SESSIONS_MESSAGE_MAX + 1;
	assert_int_equal(tree_branch(f->store, f->session.row, bad, 2, f->err, sizeof(f->err)), -1);
	assert_path(f, f->session.row, "a b");
	assert_int_equal(newest(f, 0), branch[2].id);
}

static void test_path_from(void **state)
{
	struct fixture *f = *state;
	int64_t a = say(f, 0, "a"), b = say(f, a, "b"), c = say(f, b, "c"), c2 = say(f, b, "c2");
	int64_t known[] = {a, b, c};
	struct message *rest;
	size_t same, count;
	assert_int_equal(
		message_path_from(f->store, f->session.row, known, 3, &same, &rest, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(same, 2);
	assert_int_equal(count, 1);
	assert_int_equal(rest[0].id, c2);
	assert_int_equal(rest[0].parent, b);
	assert_int_equal(rest[0].sibling, 2);
	message_free(&rest[0]);
	free(rest);
	assert_int_equal(session_set_leaf(f->store, f->session.row, 0, f->err, sizeof(f->err)), 0);
	assert_int_equal(
		message_path_from(f->store, f->session.row, known, 3, &same, &rest, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(same, 0);
	assert_int_equal(count, 0);
	free(rest);
}

/* A store of the first version, which knew no pins, is brought up to date. */
static void test_older_store(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;
	int64_t a = say(f, 0, "a");
	sessions_close(f->store);
	f->store = NULL;
	char *path = xasprintf("%s/sessions.db", f->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE marks; PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(path);
	assert_int_equal(sessions_check(f->dir, f->tr, false, NULL, NULL, f->err, sizeof(f->err)), 0);
	assert_int_equal(sessions_open(&f->store, f->dir, f->tr, f->err, sizeof(f->err)), 0);
	assert_null(sessions_notice(f->store));
	assert_path(f, f->session.row, "a");
	assert_int_equal(tree_pin(f->store, f->session.row, a, true, f->err, sizeof(f->err)), 0);
	assert_path(f, f->session.row, "a*");
}

static void test_pins_and_branches_travel(void **state)
{
	struct fixture *f = *state;
	struct buffer first = {0}, second = {0};
	int imported;
	int64_t a = say(f, 0, "a"), b = say(f, a, "b");
	say(f, a, "b2");
	say(f, MESSAGE_ROOT, "a2");
	assert_int_equal(tree_pin(f->store, f->session.row, b, true, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_export(f->store, f->session.row, EXPORT_JSON, &first, f->err, sizeof(f->err)), 0);
	assert_non_null(strstr(first.data, "\"pinned\":\ttrue"));
	assert_int_equal(session_delete(f->store, f->session.row, f->err, sizeof(f->err)), 0);
	session_free(&f->session);
	assert_int_equal(session_import(f->store, first.data, first.len, "x.json", &imported, f->err, sizeof(f->err)),
			 0);
	assert_int_equal(session_find(f->store, "", &f->session, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_export(f->store, f->session.row, EXPORT_JSON, &second, f->err, sizeof(f->err)), 0);
	assert_string_equal(first.data, second.data);
	buffer_free(&first);
	buffer_free(&second);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_STORE(test_siblings),
		WITH_STORE(test_newest_descendant),
		WITH_STORE(test_pins),
		WITH_STORE(test_branch),
		WITH_STORE(test_path_from),
		WITH_STORE(test_older_store),
		WITH_STORE(test_pins_and_branches_travel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
