/* Sessions on a real store in a folder of its own. */
#include "fixture.h"

#include "sessions/store.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_create_append_reopen(void **state)
{
	struct fixture *f = *state;
	struct session made, found;
	assert_int_equal(session_create(f->store, "smol", "Be brief.", &made, f->err, sizeof(f->err)), 0);
	int64_t user = fixture_say(f, made.row, MESSAGE_USER, "What is 2+2?");
	int64_t answer = fixture_say(f, made.row, MESSAGE_ASSISTANT, "4");
	fixture_reopen(f);
	assert_int_equal(session_find(f->store, made.id, &found, f->err, sizeof(f->err)), 0);
	assert_string_equal(found.model, "smol");
	assert_string_equal(found.system, "Be brief.");
	assert_int_equal(found.messages, 2);
	assert_int_equal(found.leaf, answer);
	struct message *path;
	size_t count;
	assert_int_equal(message_path(f->store, found.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 2);
	assert_int_equal(path[0].id, user);
	assert_int_equal(path[0].parent, 0);
	assert_int_equal(path[0].role, MESSAGE_USER);
	assert_string_equal(path[0].content, "What is 2+2?");
	assert_int_equal(path[1].parent, user);
	assert_int_equal(path[1].number, 2);
	assert_string_equal(path[1].content, "4");
	fixture_free_messages(path, count);
	session_free(&found);
	session_free(&made);
}

static void test_find_by_prefix(void **state)
{
	struct fixture *f = *state;
	struct session a, b, found;
	assert_int_equal(session_find(f->store, "", &found, f->err, sizeof(f->err)), -1);
	assert_non_null(strstr(f->err, "no conversation"));
	fixture_session(f, "one", &a);
	fixture_session(f, "two", &b);
	assert_true(strcmp(a.id, b.id) < 0);
	/* The last letter on which they differ decides. */
	size_t common = strspn(a.id, "0123456789abcdefghjkmnpqrstvwxyz");
	for (common = 0; a.id[common] == b.id[common]; common++)
		;
	char prefix[SESSION_ID_SIZE];
	snprintf(prefix, sizeof(prefix), "%.*s", (int)common + 1, b.id);
	for (char *c = prefix; *c; c++)
		*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
	assert_int_equal(session_find(f->store, prefix, &found, f->err, sizeof(f->err)), 0);
	assert_string_equal(found.id, b.id);
	session_free(&found);
	prefix[common] = '\0';
	assert_int_equal(session_find(f->store, prefix, &found, f->err, sizeof(f->err)), -1);
	assert_non_null(strstr(f->err, a.id));
	assert_non_null(strstr(f->err, b.id));
	assert_int_equal(session_find(f->store, "zzzz", &found, f->err, sizeof(f->err)), -1);
	assert_int_equal(session_find(f->store, "no such", &found, f->err, sizeof(f->err)), -1);
	assert_int_equal(session_find(f->store, NULL, &found, f->err, sizeof(f->err)), 0);
	assert_string_equal(found.id, b.id);
	session_free(&found);
	session_free(&a);
	session_free(&b);
}

static void test_list_order(void **state)
{
	struct fixture *f = *state;
	struct session a, b, empty, *list;
	size_t count;
	fixture_session(f, "one", &a);
	fixture_session(f, "two", &b);
	assert_int_equal(session_create(f->store, "", "", &empty, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_list(f->store, false, &list, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].id, b.id);
	fixture_free_sessions(list, count);
	/* Speaking moves a session up; pinning keeps it first. */
	fixture_say(f, a.row, MESSAGE_USER, "again");
	assert_int_equal(session_list(f->store, false, &list, &count, f->err, sizeof(f->err)), 0);
	assert_string_equal(list[0].id, a.id);
	fixture_free_sessions(list, count);
	assert_int_equal(session_pin(f->store, b.row, true, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_list(f->store, true, &list, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 3);
	assert_string_equal(list[0].id, b.id);
	assert_true(list[0].pinned);
	fixture_free_sessions(list, count);
	session_free(&a);
	session_free(&b);
	session_free(&empty);
}

static void test_rename_and_delete(void **state)
{
	struct fixture *f = *state;
	struct session a, found;
	fixture_session(f, "one", &a);
	char *cache = xasprintf("%s/%s.kv", f->dir, a.id);
	fixture_write(cache, "x", 1);
	assert_int_equal(session_rename(f->store, a.row, "Reisepläne", f->err, sizeof(f->err)), 0);
	assert_int_equal(session_find(f->store, a.id, &found, f->err, sizeof(f->err)), 0);
	assert_string_equal(found.title, "Reisepläne");
	session_free(&found);
	assert_int_equal(session_delete(f->store, a.row, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_find(f->store, a.id, &found, f->err, sizeof(f->err)), -1);
	assert_int_equal(access(cache, F_OK), -1);
	assert_int_equal(session_rename(f->store, a.row, "gone", f->err, sizeof(f->err)), -1);
	int64_t left;
	assert_int_equal(store_number(f->store, &left, -1, f->err, sizeof(f->err), "SELECT count(*) FROM messages", ""),
			 0);
	assert_int_equal(left, 0);
	free(cache);
	session_free(&a);
}

static void test_fork(void **state)
{
	struct fixture *f = *state;
	struct session a, fork;
	struct message *path;
	size_t count;
	fixture_session(f, "one", &a);
	int64_t second = fixture_say(f, a.row, MESSAGE_ASSISTANT, "two");
	fixture_say(f, a.row, MESSAGE_USER, "three");
	assert_int_equal(session_fork(f->store, a.row, second, &fork, f->err, sizeof(f->err)), 0);
	assert_int_equal(fork.messages, 2);
	fixture_say(f, fork.row, MESSAGE_USER, "another three");
	assert_int_equal(message_path(f->store, fork.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 3);
	assert_string_equal(path[1].content, "two");
	assert_string_equal(path[2].content, "another three");
	fixture_free_messages(path, count);
	assert_int_equal(message_path(f->store, a.row, &path, &count, f->err, sizeof(f->err)), 0);
	assert_string_equal(path[2].content, "three");
	fixture_free_messages(path, count);
	/* A message of some other session is refused, and nothing is left behind. */
	assert_int_equal(session_fork(f->store, fork.row, second, &fork, f->err, sizeof(f->err)), -1);
	int64_t sessions;
	store_number(f->store, &sessions, -1, f->err, sizeof(f->err), "SELECT count(*) FROM sessions", "");
	assert_int_equal(sessions, 2);
	session_free(&fork);
	session_free(&a);
}

static void test_writer_lock(void **state)
{
	struct fixture *f = *state;
	struct session a, b;
	fixture_session(f, "one", &a);
	fixture_session(f, "two", &b);
	session_unlock(f->store, b.row);
	pid_t child = fork();
	if (child == 0) {
		char err[512], pid[32];
		struct sessions *other;
		struct message m = {.role = MESSAGE_USER, .content = "from outside", .len = 12};
		snprintf(pid, sizeof(pid), "process %d)", (int)getppid());
		if (sessions_open(&other, f->dir, f->tr, err, sizeof(err)))
			_exit(2);
		if (message_append(other, a.row, &m, err, sizeof(err)) == 0 || !strstr(err, pid))
			_exit(3);
		if (session_delete(other, a.row, err, sizeof(err)) == 0)
			_exit(4);
		if (message_append(other, b.row, &m, err, sizeof(err)))
			_exit(5);
		/* Killed without letting go. */
		kill(getpid(), SIGKILL);
	}
	int status;
	waitpid(child, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(session_lock(f->store, b.row, f->err, sizeof(f->err)), 0);
	fixture_say(f, b.row, MESSAGE_USER, "mine again");
	session_free(&a);
	session_free(&b);
}

static void test_modes_repaired(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct stat st;
	fixture_session(f, "one", &a);
	fixture_close(f);
	char *path = xasprintf("%s/sessions.db", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(f->dir, 0755), 0);
	fixture_open(f);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	free(path);
	session_free(&a);
}

/* A store that was taken away under us is not written to behind everybody's back. */
static void test_file_replaced(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct message m = {.role = MESSAGE_USER, .content = "lost?", .len = 5};
	char *path = xasprintf("%s/sessions.db", f->dir), *aside = xasprintf("%s.aside", path);
	fixture_session(f, "one", &a);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(message_append(f->store, a.row, &m, f->err, sizeof(f->err)), -1);
	assert_non_null(strstr(f->err, "removed or replaced"));
	assert_int_equal(rename(aside, path), 0);
	assert_int_equal(message_append(f->store, a.row, &m, f->err, sizeof(f->err)), 0);
	free(path);
	free(aside);
	session_free(&a);
}

static void fail_without_reason(sqlite3_context *context, int count, sqlite3_value **values)
{
	errno = *(const int *)sqlite3_user_data(context);
	sqlite3_result_error_code(context, SQLITE_IOERR_SHORT_READ);
}

/* The disk's reason is said where the system gave one; where it did not, never that all went well. */
static void test_disk_errors(void **state)
{
	struct fixture *f = *state;
	static int reasons[] = {EIO, 0};
	for (size_t i = 0; i < 2; i++) {
		sqlite3_create_function(f->store->db, "broken", 0, SQLITE_UTF8, &reasons[i], fail_without_reason, NULL,
					NULL);
		assert_int_not_equal(sqlite3_exec(f->store->db, "SELECT broken()", NULL, NULL, NULL), SQLITE_OK);
		store_fail(f->store, f->err, sizeof(f->err));
		assert_non_null(strstr(f->err, reasons[i] ? strerror(EIO) : "disk I/O error"));
		assert_null(strstr(f->err, strerror(0)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_create_append_reopen),
		FIXTURE_TEST(test_find_by_prefix),
		FIXTURE_TEST(test_list_order),
		FIXTURE_TEST(test_rename_and_delete),
		FIXTURE_TEST(test_fork),
		FIXTURE_TEST(test_writer_lock),
		FIXTURE_TEST(test_modes_repaired),
		FIXTURE_TEST(test_file_replaced),
		FIXTURE_TEST(test_disk_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
