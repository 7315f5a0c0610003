/* search_table.txt: what is said in thirteen languages, and the words by which
 * people look for it. Each line is one conversation; the search over all and the
 * search within it must find it, with the hit's place in the snippet. */
#include "fixture.h"

#include <stdio.h>

enum { LINES_MOST = 200 };

struct line {
	char *language, *said, *query;
	int64_t session, message;
	bool found;
};

struct table {
	struct line lines[LINES_MOST];
	int count;
};

static void read_table(struct table *table)
{
	FILE *file = fopen("tests/sessions/search_table.txt", "r");
	char *text = NULL;
	size_t size = 0;
	assert_non_null(file);
	while (getline(&text, &size, file) > 0) {
		text[strcspn(text, "\n")] = '\0';
		char *said = strchr(text, '\t'), *query = said ? strchr(said + 1, '\t') : NULL;
		if (text[0] == '#' || !query)
			continue;
		*said = *query = '\0';
		assert_true(table->count < LINES_MOST);
		struct line *line = &table->lines[table->count++];
		line->found = strcmp(text, "!=") != 0;
		line->language = xstrdup(text);
		line->said = xstrdup(said + 1);
		line->query = xstrdup(query + 1);
	}
	free(text);
	fclose(file);
}

static void free_table(struct table *table)
{
	for (int i = 0; i < table->count; i++) {
		free(table->lines[i].language);
		free(table->lines[i].said);
		free(table->lines[i].query);
	}
}

static void say_all(struct fixture *f, struct table *table)
{
	for (int i = 0; i < table->count; i++) {
		struct session session;
		assert_int_equal(session_create(f->store, "", "", &session, f->err, sizeof(f->err)), 0);
		table->lines[i].session = session.row;
		table->lines[i].message = fixture_say(f, session.row, MESSAGE_USER, table->lines[i].said);
		session_free(&session);
	}
}

/* The hit shows its words. */
static void assert_marked(const struct line *line, const struct search_hit *hit)
{
	if (hit->match_start >= hit->match_end || hit->match_end > strlen(hit->snippet))
		fail_msg("%s: '%s' in '%s': nothing is marked", line->language, line->query, line->said);
}

static bool found_over_all(struct fixture *f, const struct line *line)
{
	struct search_hit *hits;
	size_t count;
	bool found = false;
	assert_int_equal(sessions_search(f->store, line->query, 1000, &hits, &count, f->err, sizeof(f->err)), 0);
	for (size_t i = 0; i < count; i++) {
		if (hits[i].message == line->message) {
			assert_marked(line, &hits[i]);
			found = true;
		}
		search_hit_free(&hits[i]);
	}
	free(hits);
	return found;
}

static bool found_within(struct fixture *f, const struct line *line)
{
	int64_t *ids;
	size_t count;
	assert_int_equal(session_search(f->store, line->session, line->query, 10, &ids, &count, f->err, sizeof(f->err)),
			 0);
	bool found = count == 1 && ids[0] == line->message;
	free(ids);
	return found;
}

static void test_every_line(void **state)
{
	struct fixture *f = *state;
	struct table *table = xcalloc(1, sizeof(*table));
	int wrong = 0, words = 0;
	read_table(table);
	say_all(f, table);
	for (int i = 0; i < table->count; i++) {
		const struct line *line = &table->lines[i];
		bool all = found_over_all(f, line), within = found_within(f, line);
		words += line->found;
		if (all == line->found && within == line->found)
			continue;
		wrong++;
		printf("%s: '%s' %s in '%s' (over all: %s, within: %s)\n", line->language, line->query,
		       line->found ? "is not found" : "is found", line->said, all ? "yes" : "no",
		       within ? "yes" : "no");
	}
	assert_true(words >= 60);
	assert_int_equal(wrong, 0);
	free_table(table);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_line, fixture_setup, fixture_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
