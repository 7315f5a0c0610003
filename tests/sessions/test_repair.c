/* Damage: what opening and checking do with stores that are not sound. */
#include "fixture.h"

#include "sessions/store.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

enum { PAGE = 4096 };

struct lines {
	int count;
	struct buffer text;
};

static void keep_line(void *arg, const char *line)
{
	struct lines *lines = arg;
	lines->count++;
	buffer_puts(&lines->text, line);
	buffer_puts(&lines->text, "\n");
}

static int check(struct fixture *f, bool repair, struct lines *lines)
{
	lines->count = 0;
	buffer_clear(&lines->text);
	buffer_puts(&lines->text, "");
	int problems = sessions_check(f->dir, f->tr, repair, keep_line, lines, f->err, sizeof(f->err));
	if (problems < 0)
		fail_msg("%s", f->err);
	return problems;
}

static char *store_path(const struct fixture *f)
{
	return xasprintf("%s/sessions.db", f->dir);
}

static void overwrite(const struct fixture *f, long offset, const void *bytes, size_t len)
{
	char *path = store_path(f);
	FILE *file = fopen(path, "r+b");
	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	free(path);
}

static int count_files(const struct fixture *f, const char *holding)
{
	int found = 0;
	DIR *dir = opendir(f->dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		found += strstr(entry->d_name, holding) != NULL;
	closedir(dir);
	return found;
}

static int64_t number(struct fixture *f, const char *sql)
{
	int64_t value;
	if (store_number(f->store, &value, -1, f->err, sizeof(f->err), sql, ""))
		fail_msg("%s", f->err);
	return value;
}

static char *every_message(struct fixture *f, const char *id)
{
	struct session session;
	struct buffer out = {0};
	if (session_find(f->store, id, &session, f->err, sizeof(f->err)) ||
	    session_export(f->store, session.row, EXPORT_JSON, &out, f->err, sizeof(f->err)))
		fail_msg("%s", f->err);
	session_free(&session);
	return buffer_take(&out);
}

/* Forty long messages: overflow pages, several levels of tree. */
static void fill(struct fixture *f, struct session *a)
{
	char text[20000];
	assert_int_equal(session_create(f->store, "model", "system", a, f->err, sizeof(f->err)), 0);
	for (int i = 0; i < 40; i++) {
		memset(text, 'a' + i % 26, sizeof(text));
		text[(size_t)i * 500] = '\0';
		fixture_say(f, a->row, i % 2 ? MESSAGE_ASSISTANT : MESSAGE_USER, text);
	}
}

static void test_sound(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct lines lines = {0};
	fill(f, &a);
	assert_int_equal(check(f, false, &lines), 0);
	assert_string_equal(lines.text.data, "");
	fixture_close(f);
	assert_int_equal(check(f, true, &lines), 0);
	assert_string_equal(lines.text.data, "");
	buffer_free(&lines.text);
	session_free(&a);
}

static void test_header_gone_nothing_lost(void **state)
{
	struct fixture *f = *state;
	struct session a;
	char junk[100];
	fill(f, &a);
	char *was = every_message(f, a.id);
	fixture_close(f);
	memset(junk, 0x5a, sizeof(junk));
	overwrite(f, 0, junk, sizeof(junk));
	fixture_open(f);
	assert_non_null(sessions_notice(f->store));
	assert_non_null(
		strstr(sessions_notice(f->store), "40 messages of 1 sessions were saved; the damaged file is kept as"));
	assert_null(sessions_read_only(f->store));
	assert_int_equal(count_files(f, ".damaged-"), 1);
	char *is = every_message(f, a.id);
	assert_string_equal(was, is);
	/* Whole again: it can be written, checked and opened without a word. */
	fixture_say(f, a.row, MESSAGE_USER, "still here?");
	fixture_reopen(f);
	assert_null(sessions_notice(f->store));
	struct lines lines = {0};
	assert_int_equal(check(f, false, &lines), 0);
	buffer_free(&lines.text);
	free(was);
	free(is);
	session_free(&a);
}

/* Every page in turn is filled with junk. Opening must come to a store that works,
 * keeps the damaged file, and has all messages but those that touched the page. */
static void test_every_page_in_turn(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct stat st;
	unsigned char junk[PAGE];
	fill(f, &a);
	fixture_close(f);
	char *path = store_path(f), *copy = xasprintf("cp %s %s.copy", path, path),
	     *back = xasprintf("mv %s.copy %s", path, path);
	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(stat(path, &st), 0);
	int pages = (int)(st.st_size / PAGE), salvaged = 0;
	assert_true(pages > 60);
	for (int page = 0; page < pages; page += page < 12 ? 1 : 7) {
		assert_int_equal(system(copy), 0);
		overwrite(f, (long)page * PAGE, junk, sizeof(junk));
		fixture_open(f);
		int64_t left = number(f, "SELECT count(*) FROM messages");
		assert_in_range(left, 1, 40);
		salvaged += sessions_notice(f->store) != NULL;
		if (sessions_notice(f->store)) {
			int64_t partial = number(f, "SELECT count(*) FROM messages WHERE status = 'partial'");
			/* A leaf of the table holds a dozen messages at most, an overflow page is one's. */
			assert_true(left >= 40 - 12);
			assert_true(partial <= 1);
			struct lines lines = {0};
			assert_int_equal(check(f, false, &lines), 0);
			buffer_free(&lines.text);
		}
		struct session found;
		assert_int_equal(session_find(f->store, "", &found, f->err, sizeof(f->err)), 0);
		fixture_say(f, found.row, MESSAGE_USER, "after");
		session_free(&found);
		fixture_close(f);
		assert_int_equal(system(back), 0);
	}
	assert_true(salvaged > 5);
	assert_int_equal(count_files(f, ".damaged-"), salvaged);
	fixture_open(f);
	free(copy);
	free(back);
	free(path);
	session_free(&a);
}

static void test_check_repairs(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct lines lines = {0};
	char junk[2 * PAGE] = {0}; /* one page may be the tail of a text, where nothing shows */
	fill(f, &a);
	fixture_close(f);
	overwrite(f, 20L * PAGE, junk, sizeof(junk));
	assert_true(check(f, false, &lines) > 0);
	assert_int_equal(count_files(f, ".damaged-"), 0);
	assert_int_equal(check(f, true, &lines), 0);
	assert_non_null(strstr(lines.text.data, "the damaged file is kept"));
	assert_int_equal(count_files(f, ".damaged-"), 1);
	assert_int_equal(check(f, false, &lines), 0);
	fixture_open(f);
	buffer_free(&lines.text);
	session_free(&a);
}

static void test_not_a_database(void **state)
{
	struct fixture *f = *state;
	char *path = store_path(f), text[] = "not a database at all, just some words";
	fixture_close(f);
	fixture_write(path, text, sizeof(text));
	fixture_open(f);
	assert_non_null(strstr(sessions_notice(f->store), "0 messages of 0 sessions"));
	assert_int_equal(count_files(f, ".damaged-"), 1);
	struct session a;
	fixture_session(f, "works", &a);
	session_free(&a);
	free(path);
}

static void test_empty_file_is_healthy(void **state)
{
	struct fixture *f = *state;
	char *path = store_path(f);
	struct lines lines = {0};
	fixture_close(f);
	fixture_write(path, "", 0);
	assert_int_equal(check(f, false, &lines), 0);
	fixture_open(f);
	assert_null(sessions_notice(f->store));
	assert_int_equal(count_files(f, ".damaged-"), 0);
	buffer_free(&lines.text);
	free(path);
}

static char *read_all(const char *path, size_t *len)
{
	struct buffer out = {0};
	char block[4096];
	size_t n;
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		buffer_append(&out, block, n);
	fclose(file);
	*len = out.len;
	return buffer_take(&out);
}

static void test_newer_schema_untouched(void **state)
{
	struct fixture *f = *state;
	struct session a, b;
	fixture_session(f, "from the future", &a);
	assert_int_equal(sqlite3_exec(f->store->db, "PRAGMA user_version=999", NULL, NULL, NULL), SQLITE_OK);
	fixture_close(f);
	char *path = store_path(f);
	size_t before, after;
	char *was = read_all(path, &before);
	fixture_open(f);
	assert_non_null(strstr(sessions_read_only(f->store), "newer bora (its version 999, ours 2)"));
	assert_int_equal(session_create(f->store, "", "", &b, f->err, sizeof(f->err)), -1);
	assert_string_equal(f->err, sessions_read_only(f->store));
	assert_int_equal(session_find(f->store, a.id, &b, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_rename(f->store, b.row, "no", f->err, sizeof(f->err)), -1);
	assert_int_equal(session_delete(f->store, b.row, f->err, sizeof(f->err)), -1);
	fixture_close(f);
	struct lines lines = {0};
	assert_int_equal(sessions_check(f->dir, f->tr, true, keep_line, &lines, f->err, sizeof(f->err)), -1);
	char *is = read_all(path, &after);
	assert_int_equal(before, after);
	assert_memory_equal(was, is, before);
	assert_int_equal(count_files(f, "sessions.db"), 1);
	fixture_open(f);
	free(path);
	free(was);
	free(is);
	session_free(&a);
	session_free(&b);
}

/* A store that another process has open is not swapped under its feet. */
static void test_not_while_in_use(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct sessions *other;
	char junk[100] = {1};
	fill(f, &a);
	overwrite(f, 0, junk, sizeof(junk));
	assert_int_equal(sessions_open(&other, f->dir, f->tr, f->err, sizeof(f->err)), -1);
	assert_non_null(strstr(f->err, "another bora has it open"));
	assert_int_equal(count_files(f, ".damaged-"), 0);
	session_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_sound),
		FIXTURE_TEST(test_header_gone_nothing_lost),
		FIXTURE_TEST(test_every_page_in_turn),
		FIXTURE_TEST(test_check_repairs),
		FIXTURE_TEST(test_not_a_database),
		FIXTURE_TEST(test_empty_file_is_healthy),
		FIXTURE_TEST(test_newer_schema_untouched),
		FIXTURE_TEST(test_not_while_in_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
