/* Search in every script. i18n_terms() makes folded words, and pairs of letters for
 * scripts without spaces; the index (FTS5 without content) says which messages hold
 * all terms of the query, newest first; a look at the message's own terms then
 * proves the hit, in order where the query had no space, and finds its place.
 *
 * The last term of the query may be the beginning of a longer one: the person may
 * still be typing, and a lone letter begins the pairs of scripts without spaces. */
#include "search.h"
#include "codec.h"
#include "messages.h"

#include <stdlib.h>
#include <string.h>

enum {
	SNIPPET_BEFORE = 60, /* bytes of context, about */
	SNIPPET_AFTER = 140,
	QUERY_MOST = 64, /* terms; more narrow nothing down */
};

struct term {
	size_t at, len;    /* in text */
	size_t start, end; /* in the source */
};

struct terms {
	struct buffer text; /* the terms, a space after each */
	struct term *list;
	size_t count, size;
	const struct i18n *tr;
	const char *source;
	bool tails; /* of a run of letter pairs, the last letter is a term too */
};

/* --- Terms ----------------------------------------------------------------------- */

/* The index's tokenizer splits at spaces, quotes and control characters: a term has none. */
static void put_term(struct terms *terms, const char *term, size_t len, size_t start, size_t end)
{
	struct term t = {.at = terms->text.len, .start = start, .end = end};
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)term[i];
		if (c > ' ' && c != 0x7f && c != '"' && c != '\'')
			buffer_append(&terms->text, term + i, 1);
	}
	t.len = terms->text.len - t.at;
	if (t.len == 0)
		return;
	buffer_puts(&terms->text, " ");
	if (terms->count == terms->size)
		terms->list = xreallocarray(terms->list, terms->size = terms->size ? terms->size * 2 : 64, sizeof(t));
	terms->list[terms->count++] = t;
}

/* Of a script written in pairs of letters: South-East Asian, Han, kana, Hangul. */
static bool is_paired(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	if (len < 3 || p[0] < 0xe0)
		return false;
	unsigned c = p[0] < 0xf0 ? (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu) : 0x20000;
	return (c >= 0x0e00 && c <= 0x0eff) || (c >= 0x1000 && c <= 0x109f) || (c >= 0x1780 && c <= 0x17ff) ||
	       (c >= 0x1100 && c <= 0x11ff) || c >= 0x2e80;
}

/* No pair begins with the last letter of a run: without this, nobody would find it alone. */
static void put_tail(struct terms *terms)
{
	if (!terms->tails || !terms->count)
		return;
	struct term last = terms->list[terms->count - 1];
	if (!is_paired(terms->source + last.start, last.end - last.start))
		return;
	size_t letter = i18n_cluster_prev(terms->tr, terms->source, last.end, last.end);
	if (letter <= last.start)
		return;
	struct buffer folded = {0};
	i18n_fold(terms->tr, terms->source + letter, last.end - letter, &folded);
	put_term(terms, folded.data, folded.len, letter, last.end);
	buffer_free(&folded);
}

static void add_term(void *arg, const char *term, size_t len, size_t start, size_t end)
{
	struct terms *terms = arg;
	if (terms->count && start >= terms->list[terms->count - 1].end)
		put_tail(terms);
	put_term(terms, term, len, start, end);
}

/* tails: for what is searched; a query has none. */
static void make_terms(struct sessions *s, const char *text, size_t len, bool tails, struct terms *out)
{
	out->count = 0;
	out->tr = s->tr;
	out->source = text;
	out->tails = tails;
	buffer_clear(&out->text);
	i18n_terms(s->tr, text, len < SESSIONS_SEARCHED ? len : SESSIONS_SEARCHED, add_term, out);
	put_tail(out);
}

static void free_terms(struct terms *terms)
{
	buffer_free(&terms->text);
	free(terms->list);
}

static char *joined_terms(struct sessions *s, const char *text, size_t len)
{
	struct terms terms = {0};
	make_terms(s, text, len, true, &terms);
	char *joined = buffer_take(&terms.text);
	free_terms(&terms);
	return joined;
}

/* --- The index -------------------------------------------------------------------- */

int search_add(struct sessions *s, int64_t message, const char *content, size_t len, char *err, size_t errlen)
{
	char *words = joined_terms(s, content, len);
	int code = store_change(s, err, errlen, "INSERT INTO terms (rowid, words) VALUES (?, ?)", "it", message, words);
	free(words);
	return code;
}

static int remove_terms(struct sessions *s, int64_t message, const char *content, size_t len, char *err, size_t errlen)
{
	char *words = joined_terms(s, content, len);
	int code = store_change(s, err, errlen, "INSERT INTO terms (terms, rowid, words) VALUES ('delete', ?, ?)", "it",
				message, words);
	free(words);
	return code;
}

/* Reads a message that is indexed, or is not, as asked. 1: read, 0: it is otherwise. */
static int read_content(struct sessions *s, int64_t message, bool indexed, char **content, size_t *len, char *err,
			size_t errlen)
{
	sqlite3_stmt *stmt = store_query(s, err, errlen, "SELECT content FROM messages WHERE id = ? AND indexed = ?",
					 "ii", message, (int64_t)indexed);
	int code = stmt ? store_row(s, stmt, err, errlen) : -1;
	if (code > 0) {
		*content = store_text(stmt, 0);
		*len = (size_t)sqlite3_column_bytes(stmt, 0);
		sqlite3_reset(stmt);
	}
	return code;
}

int search_index_stored(struct sessions *s, int64_t message, char *err, size_t errlen)
{
	char *content;
	size_t len;
	int code = read_content(s, message, false, &content, &len, err, errlen);
	if (code <= 0)
		return code;
	code = search_add(s, message, content, len, err, errlen);
	free(content);
	return code ? code : store_change(s, err, errlen, "UPDATE messages SET indexed = 1 WHERE id = ?", "i", message);
}

int search_remove(struct sessions *s, int64_t message, char *err, size_t errlen)
{
	char *content;
	size_t len;
	int code = read_content(s, message, true, &content, &len, err, errlen);
	if (code <= 0)
		return code;
	code = remove_terms(s, message, content, len, err, errlen);
	free(content);
	return code;
}

/* Ids of a query's rows. Caller frees. */
static int read_ids(struct sessions *s, sqlite3_stmt *stmt, int64_t **ids, size_t *count, char *err, size_t errlen)
{
	size_t size = 0;
	int code = stmt ? 1 : -1;
	*ids = NULL;
	*count = 0;
	while (code > 0 && (code = store_row(s, stmt, err, errlen)) > 0) {
		if (*count == size)
			*ids = xreallocarray(*ids, size = size ? size * 2 : 64, sizeof(**ids));
		(*ids)[(*count)++] = sqlite3_column_int64(stmt, 0);
	}
	return code;
}

int search_forget(struct sessions *s, int64_t session_row, char *err, size_t errlen)
{
	int64_t *ids;
	size_t count;
	sqlite3_stmt *stmt = store_query(s, err, errlen, "SELECT id FROM messages WHERE session = ?", "i", session_row);
	int code = read_ids(s, stmt, &ids, &count, err, errlen);
	for (size_t i = 0; i < count && code == 0; i++)
		code = search_remove(s, ids[i], err, errlen);
	free(ids);
	/* A removal only marks: merged, the index holds none of the words any more. */
	return code ? code : store_change(s, err, errlen, "INSERT INTO terms (terms) VALUES ('optimize')", "");
}

/* --- Rules ------------------------------------------------------------------------- */

/* Terms of a text that shows how words are cut and folded: another ICU may do it otherwise. */
static char *rules(struct sessions *s)
{
	static const char probe[] =
		"Ångström Œuvre ज़ don't STRASSE 3.14 東京都庁 カナｶﾅ ภาษาไทย مُحَمَّد أحمد 한국어 हिन्दी";
	return joined_terms(s, probe, sizeof(probe) - 1);
}

int search_stamp(struct sessions *s, char *err, size_t errlen)
{
	char *now = rules(s);
	int code =
		store_change(s, err, errlen, "INSERT OR REPLACE INTO meta (key, value) VALUES ('terms', ?)", "t", now);
	free(now);
	return code;
}

static int same_rules(struct sessions *s, char *err, size_t errlen)
{
	int64_t same;
	char *now = rules(s);
	int code = store_number(s, &same, 0, err, errlen, "SELECT count(*) FROM meta WHERE key = 'terms' AND value = ?",
				"t", now);
	free(now);
	return code ? -1 : same != 0;
}

static int forget_all(struct sessions *s, char *err, size_t errlen)
{
	if (store_change(s, err, errlen, "INSERT INTO terms (terms) VALUES ('delete-all')", "") ||
	    store_change(s, err, errlen, "UPDATE messages SET indexed = 0 WHERE indexed = 1", ""))
		return -1;
	return search_stamp(s, err, errlen);
}

/* Puts what is not in the index yet there: replies that were cut short by a crash,
 * a salvaged store, or everything when the rules are others. */
static int catch_up(struct sessions *s, char *err, size_t errlen)
{
	int64_t *ids = NULL, waiting;
	size_t count = 0;
	int same = s->index_checked ? 1 : same_rules(s, err, errlen);
	if (same < 0 ||
	    store_number(s, &waiting, 0, err, errlen, "SELECT count(*) FROM messages WHERE indexed = 0", ""))
		return -1;
	s->index_checked = true;
	if ((same && !waiting) || s->read_only)
		return 0;
	if (store_begin(s, err, errlen))
		return -1;
	int code = same ? 0 : forget_all(s, err, errlen);
	if (code == 0)
		code = read_ids(s, store_query(s, err, errlen, "SELECT id FROM messages WHERE indexed = 0", ""), &ids,
				&count, err, errlen);
	for (size_t i = 0; i < count && code == 0; i++)
		code = search_index_stored(s, ids[i], err, errlen);
	free(ids);
	return store_end(s, code, err, errlen);
}

/* --- The query ---------------------------------------------------------------------- */

static bool space_between(const char *text, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++)
		if (strchr(" \t\n\r", text[i]) || strncmp(text + i, "\xe3\x80\x80", 3) == 0)
			return true;
	return false;
}

/* The term after which a word of the query ends. */
static bool ends_word(const char *query, const struct terms *terms, size_t i)
{
	return i + 1 == terms->count || space_between(query, terms->list[i].start, terms->list[i + 1].start);
}

/* A word may be followed by the same word without what hangs on to its front
 * (Arabic): either of the two stands for both. */
static bool is_stem(const struct terms *terms, size_t i)
{
	return i > 0 && i < terms->count && terms->list[i].end == terms->list[i - 1].end;
}

/* One Latin letter begins too many words to mean any of them. */
static bool may_go_on(const struct terms *terms, size_t i)
{
	size_t last = terms->count - 1;
	bool at_end = i == last || (i + 1 == last && is_stem(terms, last));
	return at_end && (terms->list[i].len > 1 || (unsigned char)terms->text.data[terms->list[i].at] >= 0x80);
}

static void put_match(struct buffer *expression, const struct terms *terms, size_t i)
{
	buffer_printf(expression, "\"%.*s\"%s ", (int)terms->list[i].len, terms->text.data + terms->list[i].at,
		      may_go_on(terms, i) ? " *" : "");
}

static char *match_expression(const struct terms *terms)
{
	struct buffer expression = {0};
	for (size_t i = 0; i < terms->count && i < QUERY_MOST; i++) {
		bool stem = is_stem(terms, i + 1);
		buffer_puts(&expression, i ? "AND (" : "(");
		put_match(&expression, terms, i);
		if (stem) {
			buffer_puts(&expression, "OR ");
			put_match(&expression, terms, ++i);
		}
		buffer_puts(&expression, ") ");
	}
	return buffer_take(&expression);
}

static bool same_term(const struct terms *a, size_t i, const struct terms *b, size_t k, bool beginning)
{
	const struct term *x = &a->list[i], *y = &b->list[k];
	return (beginning ? x->len <= y->len : x->len == y->len) &&
	       memcmp(a->text.data + x->at, b->text.data + y->at, x->len) == 0;
}

/* Term i of the query, or its stem, is word `at` of the content, or its stem. */
static bool same_word(const struct terms *query, size_t i, const struct terms *content, size_t at)
{
	for (size_t q = i; q == i || (q == i + 1 && is_stem(query, q)); q++)
		for (size_t c = at; c == at || (c == at + 1 && is_stem(content, c)); c++)
			if (same_term(query, q, content, c, may_go_on(query, q)))
				return true;
	return false;
}

static size_t next_word(const struct terms *terms, size_t i)
{
	return i + (is_stem(terms, i + 1) ? 2 : 1);
}

/* The place after those that terms first..last of the query take from `at` on, 0: they are not there. */
static size_t follow(const struct terms *query, size_t first, size_t last, const struct terms *content, size_t at)
{
	for (size_t i = first; i <= last; i = next_word(query, i), at = next_word(content, at))
		if (at >= content->count || !same_word(query, i, content, at))
			return 0;
	return at;
}

/* Where terms first..last of the query stand one after another in the content. */
static bool find_word(const struct terms *query, size_t first, size_t last, const struct terms *content, size_t *start,
		      size_t *end)
{
	for (size_t at = 0; at < content->count; at++) {
		size_t after = follow(query, first, last, content, at);
		if (!after)
			continue;
		*start = content->list[at].start;
		*end = content->list[after - 1].end;
		return true;
	}
	return false;
}

/* Every word of the query is in the content; the place of the first. */
static bool prove(const char *query, const struct terms *terms, const struct terms *content, size_t *start, size_t *end)
{
	size_t first = 0, here, there;
	bool placed = false;
	for (size_t i = 0; i < terms->count; i++) {
		if (!ends_word(query, terms, i))
			continue;
		if (!find_word(terms, first, i, content, &here, &there))
			return false;
		if (!placed) {
			*start = here;
			*end = there;
		}
		placed = true;
		first = i + 1;
	}
	return placed;
}

/* --- Snippets ------------------------------------------------------------------------ */

/* One line: runs of space and control characters become a space. */
static void put_line(struct buffer *out, const char *text, size_t len)
{
	char *clean = codec_repair(text, len);
	for (const char *c = clean; *c; c++) {
		bool space = (unsigned char)*c <= ' ' || *c == 0x7f;
		if (!space)
			buffer_append(out, c, 1);
		else if (out->len && out->data[out->len - 1] != ' ')
			buffer_puts(out, " ");
	}
	free(clean);
}

static void make_snippet(struct sessions *s, const char *content, size_t len, size_t start, size_t end,
			 struct search_hit *hit)
{
	struct buffer line = {0};
	size_t from = start > SNIPPET_BEFORE ? i18n_cluster_prev(s->tr, content, len, start - SNIPPET_BEFORE) : 0;
	size_t to = len - end > SNIPPET_AFTER ? i18n_cluster_next(s->tr, content, len, end + SNIPPET_AFTER) : len;
	buffer_puts(&line, from ? "…" : "");
	put_line(&line, content + from, start - from);
	hit->match_start = line.len;
	put_line(&line, content + start, end - start);
	hit->match_end = line.len;
	put_line(&line, content + end, to - end);
	while (to == len && line.len > hit->match_end && line.data[line.len - 1] == ' ')
		line.data[--line.len] = '\0';
	buffer_puts(&line, to < len ? "…" : "");
	hit->snippet = buffer_take(&line);
}

void search_hit_free(struct search_hit *hit)
{
	session_free(&hit->session);
	free(hit->snippet);
	*hit = (struct search_hit){0};
}

/* --- Search --------------------------------------------------------------------------- */

struct search {
	struct sessions *s;
	const char *query;
	struct terms terms, content;
	struct search_hit *hits;
	size_t count, most;
};

static bool has_hit_in(const struct search *search, int64_t session_row)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->hits[i].session.row == session_row)
			return true;
	return false;
}

/* Takes the row's message as a hit if it is one. Columns: id, session, number,
 * content, and whether it is a title, of interest only where no message is a hit. */
static int take_row(struct search *search, sqlite3_stmt *stmt, char *err, size_t errlen)
{
	struct sessions *s = search->s;
	const char *content = sqlite3_column_blob(stmt, 3);
	size_t len = (size_t)sqlite3_column_bytes(stmt, 3), start = 0, end = 0;
	if (sqlite3_column_int(stmt, 4) && has_hit_in(search, sqlite3_column_int64(stmt, 1)))
		return 0;
	make_terms(s, content ? content : "", len, true, &search->content);
	if (!prove(search->query, &search->terms, &search->content, &start, &end))
		return 0;
	struct search_hit hit = {.message = sqlite3_column_int64(stmt, 0), .number = sqlite3_column_int64(stmt, 2)};
	if (session_load(s, sqlite3_column_int64(stmt, 1), &hit.session, err, errlen))
		return -1;
	make_snippet(s, content, len, start, end, &hit);
	search->hits[search->count++] = hit;
	return 0;
}

static int take_rows(struct search *search, sqlite3_stmt *stmt, char *err, size_t errlen)
{
	int code = stmt ? 0 : -1;
	while (code == 0 && search->count < search->most) {
		code = store_row(search->s, stmt, err, errlen);
		if (code <= 0)
			return code;
		code = take_row(search, stmt, err, errlen);
	}
	if (stmt)
		sqlite3_reset(stmt);
	return code;
}

static int run(struct search *search, char *err, size_t errlen)
{
	struct sessions *s = search->s;
	if (catch_up(s, err, errlen))
		return -1;
	/* Only where nothing can be written is anything left that the index does not know. */
	if (s->read_only &&
	    take_rows(search,
		      store_query(s, err, errlen,
				  "SELECT id, session, number, content, 0 FROM messages WHERE indexed = 0"
				  " ORDER BY id DESC",
				  ""),
		      err, errlen))
		return -1;
	char *expression = match_expression(&search->terms);
	int code = take_rows(search,
			     store_query(s, err, errlen,
					 "SELECT m.id, m.session, m.number, m.content, 0 FROM terms"
					 " CROSS JOIN messages m ON m.id = terms.rowid WHERE terms MATCH ?"
					 " ORDER BY terms.rowid DESC",
					 "t", expression),
			     err, errlen);
	free(expression);
	/* A title leads to the end of its conversation. */
	if (code == 0)
		code = take_rows(search,
				 store_query(s, err, errlen,
					     "SELECT m.id, m.session, m.number, s.title, 1 FROM sessions s"
					     " JOIN messages m ON m.session = s.row AND m.number = s.leaf"
					     " WHERE s.title <> '' ORDER BY s.activity DESC LIMIT 2000",
					     ""),
				 err, errlen);
	return code;
}

int sessions_search(struct sessions *s, const char *query, int most, struct search_hit **out, size_t *count, char *err,
		    size_t errlen)
{
	struct search search = {.s = s, .query = query, .most = most > 0 ? (size_t)most : 0};
	*out = NULL;
	*count = 0;
	make_terms(s, query, strlen(query), false, &search.terms);
	search.hits = xcalloc(search.most, sizeof(*search.hits));
	int code = search.terms.count ? run(&search, err, errlen) : 0;
	if (code) {
		while (search.count)
			search_hit_free(&search.hits[--search.count]);
		free(search.hits);
	} else {
		*out = search.hits;
		*count = search.count;
	}
	free_terms(&search.terms);
	free_terms(&search.content);
	return code;
}

/* One word, or a word and its stem: the index alone tells for certain. */
static bool is_certain(const struct terms *terms)
{
	return terms->count == 1 || (terms->count == 2 && is_stem(terms, 1));
}

static bool proves(struct search *search, int64_t id, char *err, size_t errlen)
{
	size_t start, end;
	sqlite3_stmt *stmt = store_query(search->s, err, errlen, "SELECT content FROM messages WHERE id = ?", "i", id);
	if (!stmt || store_row(search->s, stmt, err, errlen) <= 0)
		return false;
	const char *content = sqlite3_column_blob(stmt, 0);
	make_terms(search->s, content ? content : "", (size_t)sqlite3_column_bytes(stmt, 0), true, &search->content);
	sqlite3_reset(stmt);
	return prove(search->query, &search->terms, &search->content, &start, &end);
}

static int run_in_session(struct search *search, int64_t row, int64_t *ids, char *err, size_t errlen)
{
	if (catch_up(search->s, err, errlen))
		return -1;
	char *expression = match_expression(&search->terms);
	bool certain = is_certain(&search->terms);
	/* The session's own span of ids keeps a common word from being looked at all over the store. */
	sqlite3_stmt *stmt = store_query(search->s, err, errlen,
					 "SELECT m.id FROM terms CROSS JOIN messages m ON m.id = terms.rowid"
					 " WHERE terms MATCH ? AND terms.rowid >="
					 " (SELECT id FROM messages WHERE session = ?2 ORDER BY number LIMIT 1)"
					 " AND terms.rowid <="
					 " (SELECT id FROM messages WHERE session = ?2 ORDER BY number DESC LIMIT 1)"
					 " AND m.session = ?2 ORDER BY terms.rowid DESC",
					 "ti", expression, row);
	int code = stmt ? 1 : -1;
	while (code > 0 && search->count < search->most && (code = store_row(search->s, stmt, err, errlen)) > 0) {
		int64_t id = sqlite3_column_int64(stmt, 0);
		if (certain || proves(search, id, err, errlen))
			ids[search->count++] = id;
	}
	if (stmt)
		sqlite3_reset(stmt);
	free(expression);
	return code < 0 ? -1 : 0;
}

int session_search(struct sessions *s, int64_t row, const char *query, int most, int64_t **ids, size_t *count,
		   char *err, size_t errlen)
{
	struct search search = {.s = s, .query = query, .most = most > 0 ? (size_t)most : 0};
	make_terms(s, query, strlen(query), false, &search.terms);
	*ids = xcalloc(search.most + 1, sizeof(**ids));
	int code = search.terms.count ? run_in_session(&search, row, *ids, err, errlen) : 0;
	*count = code ? 0 : search.count;
	if (code) {
		free(*ids);
		*ids = NULL;
	}
	free_terms(&search.terms);
	free_terms(&search.content);
	return code;
}

int sessions_matching(struct sessions *s, const char *query, int64_t **rows, size_t *count, char *err, size_t errlen)
{
	struct terms terms = {0};
	*rows = NULL;
	*count = 0;
	make_terms(s, query, strlen(query), false, &terms);
	int code = terms.count ? catch_up(s, err, errlen) : 0;
	if (terms.count && code == 0) {
		char *expression = match_expression(&terms);
		sqlite3_stmt *stmt =
			store_query(s, err, errlen,
				    "SELECT DISTINCT m.session FROM (SELECT rowid AS id FROM terms WHERE terms MATCH ?"
				    " ORDER BY rowid DESC LIMIT 20000) t CROSS JOIN messages m ON m.id = t.id",
				    "t", expression);
		code = read_ids(s, stmt, rows, count, err, errlen);
		free(expression);
	}
	free_terms(&terms);
	return code;
}
