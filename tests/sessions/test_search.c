/* Search: every script, offsets, what changes with messages. */
#include "fixture.h"

#include "sessions/store.h"

static struct search_hit *search(struct fixture *f, const char *query, size_t *count)
{
	struct search_hit *hits;
	if (sessions_search(f->store, query, 20, &hits, count, f->err, sizeof(f->err)))
		fail_msg("%s: %s", query, f->err);
	return hits;
}

static void free_hits(struct search_hit *hits, size_t count)
{
	for (size_t i = 0; i < count; i++)
		search_hit_free(&hits[i]);
	free(hits);
}

static size_t hits_of(struct fixture *f, const char *query)
{
	size_t count;
	struct search_hit *hits = search(f, query, &count);
	free_hits(hits, count);
	return count;
}

static void test_scripts(void **state)
{
	static const struct {
		const char *text, *query, *match;
	} cases[] = {
		{"The quick brown fox", "QUICK", "quick"},
		{"Wir fuhren über die Straße nach Zürich", "zurich", "Zürich"},
		{"un élève français", "eleve", "élève"},
		{"Привет, как дела?", "ПРИВЕТ", "Привет"},
		{"明日は東京都庁へ行きます", "都庁", "都庁"},
		{"明日は東京都庁へ行きます", "東京都庁", "東京都庁"},
		{"我们在北京大学学习", "北京大学", "北京大学"},
		{"오늘 서울은 맑습니다", "서울", NULL},
		{"كتب مُحَمَّد رسالة", "محمد", "مُحَمَّد"},
		{"ذهب أحمد إلى السوق", "احمد", "أحمد"},
		{"قرأت الكتاب أمس", "كتاب", "الكتاب"},
		{"هذا دفتر جديد", "الدفتر", "دفتر"},
		{"भारत की राजधानी दिल्ली है", "दिल्ली", "दिल्ली"},
		{"call snprintf() twice", "snprintf", "snprintf"},
		{"Ｆｕｌｌｗｉｄｔｈ letters", "fullwidth", "Ｆｕｌｌｗｉｄｔｈ"},
	};
	struct fixture *f = *state;
	struct session a;
	fixture_session(f, "nothing of interest here", &a);
	session_free(&a);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t count;
		fixture_session(f, cases[i].text, &a);
		struct search_hit *hits = search(f, cases[i].query, &count);
		if (count != 1 && !(i == 5 && count == 2))
			fail_msg("%s: %zu hits", cases[i].query, count);
		assert_string_equal(hits[0].session.id, a.id);
		assert_int_equal(hits[0].number, 1);
		size_t len = hits[0].match_end - hits[0].match_start;
		if (cases[i].match && (len != strlen(cases[i].match) ||
				       memcmp(hits[0].snippet + hits[0].match_start, cases[i].match, len) != 0))
			fail_msg("%s: %.*s in %s", cases[i].query, (int)len, hits[0].snippet + hits[0].match_start,
				 hits[0].snippet);
		free_hits(hits, count);
		if (strcmp(cases[i].text, cases[4].text) == 0)
			assert_int_equal(session_delete(f->store, a.row, f->err, sizeof(f->err)), 0);
		session_free(&a);
	}
}

static void test_words_and_order(void **state)
{
	struct fixture *f = *state;
	struct session a, b;
	size_t count;
	fixture_session(f, "The cat sat on the mat", &a);
	fixture_session(f, "A dog sat here", &b);
	assert_int_equal(hits_of(f, "sat"), 2);
	assert_int_equal(hits_of(f, "cat sat"), 1);
	assert_int_equal(hits_of(f, "mat cat"), 1);
	assert_int_equal(hits_of(f, "cat dog"), 0);
	assert_int_equal(hits_of(f, "at"), 0);
	/* The last word may still be growing. */
	assert_int_equal(hits_of(f, "sat he"), 1);
	assert_int_equal(hits_of(f, ""), 0);
	assert_int_equal(hits_of(f, " \"'*()^- AND OR NOT"), 0);
	struct search_hit *hits = search(f, "sat", &count);
	assert_string_equal(hits[0].session.id, b.id);
	assert_string_equal(hits[1].session.id, a.id);
	assert_string_equal(hits[1].snippet, "The cat sat on the mat");
	assert_int_equal(hits[1].match_start, 8);
	assert_int_equal(hits[1].match_end, 11);
	free_hits(hits, count);
	/* Pairs of letters that are all there, but not side by side, are no hit. */
	fixture_say(f, a.row, MESSAGE_USER, "京都と東京");
	assert_int_equal(hits_of(f, "東京都"), 0);
	assert_int_equal(hits_of(f, "東京"), 1);
	/* A letter alone, at the beginning, in the middle, at the end of its run. */
	assert_int_equal(hits_of(f, "京"), 1);
	assert_int_equal(hits_of(f, "と"), 1);
	fixture_say(f, b.row, MESSAGE_USER, "飲みます: 緑茶。");
	assert_int_equal(hits_of(f, "茶"), 1);
	assert_int_equal(hits_of(f, "緑茶"), 1);
	assert_int_equal(hits_of(f, "茶緑"), 0);
	session_free(&a);
	session_free(&b);
}

static void test_follows_changes(void **state)
{
	struct fixture *f = *state;
	struct session a, fork;
	fixture_session(f, "question", &a);
	struct message m = {.role = MESSAGE_ASSISTANT, .status = MESSAGE_PARTIAL, .content = "elephants", .len = 9};
	assert_int_equal(message_append(f->store, a.row, &m, f->err, sizeof(f->err)), 0);
	assert_int_equal(hits_of(f, "elephants"), 1);
	/* It was found while it streamed; what it says now counts. */
	m.content = "giraffes";
	m.len = 8;
	m.status = MESSAGE_COMPLETE;
	assert_int_equal(message_update(f->store, &m, f->err, sizeof(f->err)), 0);
	assert_int_equal(hits_of(f, "elephants"), 0);
	assert_int_equal(hits_of(f, "giraffes"), 1);
	assert_int_equal(session_fork(f->store, a.row, 0, &fork, f->err, sizeof(f->err)), 0);
	assert_int_equal(hits_of(f, "giraffes"), 2);
	assert_int_equal(session_delete(f->store, a.row, f->err, sizeof(f->err)), 0);
	assert_int_equal(hits_of(f, "giraffes"), 1);
	assert_int_equal(session_delete(f->store, fork.row, f->err, sizeof(f->err)), 0);
	int64_t left;
	store_number(f->store, &left, -1, f->err, sizeof(f->err),
		     "SELECT count(*) FROM terms WHERE terms MATCH 'giraffes'", "");
	assert_int_equal(left, 0);
	/* Deleted is deleted: an index without messages holds no segment. */
	store_number(f->store, &left, -1, f->err, sizeof(f->err), "SELECT count(*) FROM terms_idx", "");
	assert_int_equal(left, 0);
	session_free(&fork);
	session_free(&a);
}

/* Long texts give a line around the hit, cut between characters. */
static void test_snippet(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct buffer text = {0};
	size_t count;
	for (int i = 0; i < 200; i++)
		buffer_puts(&text, "ünï\nçødé ");
	buffer_puts(&text, "needle\xff\n\n\tin ");
	for (int i = 0; i < 200; i++)
		buffer_puts(&text, "häy ");
	fixture_session(f, text.data, &a);
	struct search_hit *hits = search(f, "needle", &count);
	assert_int_equal(count, 1);
	const char *snippet = hits[0].snippet;
	assert_true(strlen(snippet) < 300);
	assert_null(strchr(snippet, '\n'));
	assert_int_equal(strncmp(snippet, "…", 3), 0);
	assert_memory_equal(snippet + hits[0].match_start, "needle", 6);
	assert_memory_equal(snippet + hits[0].match_end, "\xef\xbf\xbd in häy", 11);
	assert_int_equal(strcmp(snippet + strlen(snippet) - 3, "…"), 0);
	free_hits(hits, count);
	buffer_free(&text);
	session_free(&a);
}

static void test_titles(void **state)
{
	struct fixture *f = *state;
	struct session a;
	size_t count;
	fixture_session(f, "where to go in autumn", &a);
	int64_t leaf = fixture_say(f, a.row, MESSAGE_ASSISTANT, "To Japan.");
	assert_int_equal(session_rename(f->store, a.row, "Kyōto in autumn", f->err, sizeof(f->err)), 0);
	struct search_hit *hits = search(f, "kyoto", &count);
	assert_int_equal(count, 1);
	assert_int_equal(hits[0].message, leaf);
	assert_string_equal(hits[0].snippet, "Kyōto in autumn");
	free_hits(hits, count);
	/* What the message says already need not be said again by the title. */
	assert_int_equal(hits_of(f, "autumn"), 1);
	session_free(&a);
}

/* An index made by other rules is made anew. */
static void test_other_rules(void **state)
{
	struct fixture *f = *state;
	struct session a;
	fixture_session(f, "penguins", &a);
	assert_int_equal(sqlite3_exec(f->store->db,
				      "INSERT INTO terms (terms) VALUES ('delete-all'); UPDATE meta SET value = 'old'"
				      " WHERE key = 'terms'",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(hits_of(f, "penguins"), 1);
	session_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_scripts), FIXTURE_TEST(test_words_and_order), FIXTURE_TEST(test_follows_changes),
		FIXTURE_TEST(test_snippet), FIXTURE_TEST(test_other_rules),     FIXTURE_TEST(test_titles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
