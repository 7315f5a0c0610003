/* Drafts and input history, in the state folder. */
#include "fixture.h"

#include <dirent.h>
#include <sys/stat.h>

static void free_lines(char **lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	free(lines);
}

static void test_drafts(void **state)
{
	struct fixture *f = *state;
	struct drafts *d = drafts_open(f->dir);
	assert_null(draft_load(d, ""));
	draft_save(d, "", "a new chat\nin two lines", 23);
	draft_save(d, "1abcdefghj", "another", 7);
	drafts_close(d);
	d = drafts_open(f->dir);
	char *text = draft_load(d, "");
	assert_string_equal(text, "a new chat\nin two lines");
	free(text);
	text = draft_load(d, "1abcdefghj");
	assert_string_equal(text, "another");
	free(text);
	draft_save(d, "1abcdefghj", "", 0);
	assert_null(draft_load(d, "1abcdefghj"));
	/* Nothing but the draft is left there, for nobody else to read. */
	char *dir = xasprintf("%s/drafts", f->dir), *path = xasprintf("%s/new", dir);
	struct stat st;
	int files = 0;
	DIR *listing = opendir(dir);
	for (struct dirent *entry; (entry = readdir(listing));)
		files += entry->d_name[0] != '.';
	closedir(listing);
	assert_int_equal(files, 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A folder that was opened to others is closed again. */
	assert_int_equal(chmod(dir, 0755), 0);
	drafts_close(d);
	d = drafts_open(f->dir);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	free(dir);
	free(path);
	drafts_close(d);
}

static void test_no_folder(void **state)
{
	struct drafts *d = drafts_open("/proc/no/such/folder");
	char **lines;
	size_t count;
	draft_save(d, "", "x", 1);
	history_add(d, "x", 1);
	assert_null(draft_load(d, ""));
	assert_int_equal(history_load(d, &lines, &count), 0);
	assert_int_equal(count, 0);
	free_lines(lines, count);
	drafts_close(d);
}

static void test_history(void **state)
{
	static const char *const entries[] = {"first", "two\nlines", "back\\slash \\n", "", "世界", "last"};
	struct fixture *f = *state;
	struct drafts *d = drafts_open(f->dir);
	char **lines;
	size_t count;
	for (size_t i = 0; i < 6; i++)
		history_add(d, entries[i], strlen(entries[i]));
	drafts_close(d);
	d = drafts_open(f->dir);
	assert_int_equal(history_load(d, &lines, &count), 0);
	assert_int_equal(count, 5);
	assert_string_equal(lines[1], "two\nlines");
	assert_string_equal(lines[2], "back\\slash \\n");
	assert_string_equal(lines[3], "世界");
	assert_string_equal(lines[4], "last");
	free_lines(lines, count);
	/* A line that a crash cut short keeps to itself. */
	char *path = xasprintf("%s/history", f->dir);
	fixture_write(path, "whole\ncut sho", 13);
	history_add(d, "next", 4);
	assert_int_equal(history_load(d, &lines, &count), 0);
	assert_int_equal(count, 3);
	assert_string_equal(lines[1], "cut sho");
	assert_string_equal(lines[2], "next");
	free_lines(lines, count);
	free(path);
	drafts_close(d);
}

static void test_history_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct drafts *d = drafts_open(f->dir);
	struct buffer file = {0};
	struct stat st;
	char *path = xasprintf("%s/history", f->dir), **lines;
	size_t count;
	for (int i = 0; i < 5000; i++)
		buffer_printf(&file, "entry %d\n", i);
	fixture_write(path, file.data, file.len);
	assert_int_equal(history_load(d, &lines, &count), 0);
	assert_int_equal(count, 2000);
	assert_string_equal(lines[0], "entry 3000");
	assert_string_equal(lines[1999], "entry 4999");
	free_lines(lines, count);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 2000 * strlen("entry 3000\n"));
	assert_int_equal(history_load(d, &lines, &count), 0);
	assert_int_equal(count, 2000);
	free_lines(lines, count);
	buffer_free(&file);
	free(path);
	drafts_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_drafts),
		FIXTURE_TEST(test_no_folder),
		FIXTURE_TEST(test_history),
		FIXTURE_TEST(test_history_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
