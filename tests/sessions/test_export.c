/* Export, and import of what was exported. */
#include "fixture.h"

static char *export(struct fixture *f, int64_t row, enum export_format format)
{
	struct buffer out = {0};
	if (session_export(f->store, row, format, &out, f->err, sizeof(f->err)))
		fail_msg("%s", f->err);
	return buffer_take(&out);
}

/* Branches, figures, bytes that are no text, a message cut short. */
static void fill(struct fixture *f, struct session *a)
{
	struct message reply = {
		.role = MESSAGE_ASSISTANT,
		.content = "Grüße, 世界 مرحبا\n\n```c\nint x;\n```\n",
		.model = "qwen \xe2\x9c\x93",
		.settings = "{\"temp\":0.7,\"seed\":42}",
		.prompt_tokens = 17,
		.completion_tokens = 9,
		.first_token_ms = 123.456789012345,
		.predicted_ms = 1.0 / 3,
		.created = 1700000001,
	};
	struct message binary = {.role = MESSAGE_TOOL, .content = "a\0b\xff\xfe", .len = 5, .created = 1700000002};
	struct message cut = {.role = MESSAGE_ASSISTANT, .status = MESSAGE_PARTIAL, .content = "and th", .len = 6};
	struct message root = {.role = MESSAGE_SYSTEM, .parent = MESSAGE_ROOT, .content = "<!-- bora x\n", .len = 12};
	reply.len = strlen(reply.content);
	assert_int_equal(session_create(f->store, "m", "system\nwith lines \xff", a, f->err, sizeof(f->err)), 0);
	fixture_say(f, a->row, MESSAGE_USER, "hello");
	assert_int_equal(message_append(f->store, a->row, &reply, f->err, sizeof(f->err)), 0);
	assert_int_equal(message_append(f->store, a->row, &binary, f->err, sizeof(f->err)), 0);
	cut.parent = reply.id;
	assert_int_equal(message_append(f->store, a->row, &cut, f->err, sizeof(f->err)), 0);
	assert_int_equal(message_append(f->store, a->row, &root, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_set_leaf(f->store, a->row, cut.id, f->err, sizeof(f->err)), 0);
	assert_int_equal(session_rename(f->store, a->row, "Plans --> \"quoted\"", f->err, sizeof(f->err)), 0);
	assert_int_equal(session_pin(f->store, a->row, true, f->err, sizeof(f->err)), 0);
}

static void import(struct fixture *f, const char *text, size_t len)
{
	int imported = -1;
	if (session_import(f->store, text, len, "file", &imported, f->err, sizeof(f->err)))
		fail_msg("%s", f->err);
	assert_int_equal(imported, 1);
}

static void test_json_is_lossless(void **state)
{
	struct fixture *f = *state;
	struct session a, b;
	fill(f, &a);
	char *first = export(f, a.row, EXPORT_JSON);
	assert_non_null(strstr(first, "\"content_base64\":\t\"YQBi//4=\""));
	/* Into the same store: the ID is taken, everything else is the same. */
	import(f, first, strlen(first));
	assert_int_equal(session_find(f->store, "", &b, f->err, sizeof(f->err)), 0);
	assert_string_not_equal(a.id, b.id);
	session_free(&b);
	/* Once the first is gone: identical to the byte. */
	assert_int_equal(session_delete(f->store, a.row, f->err, sizeof(f->err)), 0);
	import(f, first, strlen(first));
	assert_int_equal(session_find(f->store, a.id, &b, f->err, sizeof(f->err)), 0);
	char *second = export(f, b.row, EXPORT_JSON);
	assert_string_equal(first, second);
	free(first);
	free(second);
	session_free(&a);
	session_free(&b);
}

static void test_markdown_comes_back(void **state)
{
	struct fixture *f = *state;
	struct session a, b;
	struct message *was, *is;
	size_t count, same;
	static const char *const contents[] = {"",
					       "\n",
					       "\n\n\nleading",
					       "trailing\n\n\n",
					       "---\nbora: 1\n---\n",
					       "<!-- bora {\"role\":\"user\"} -->",
					       "<!--\\ x",
					       "a\n<!-- bora",
					       "## user\n",
					       "no newline\r\nat",
					       "<!-- ordinary -->"};
	assert_int_equal(session_create(f->store, "m>", "be\nkind", &a, f->err, sizeof(f->err)), 0);
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		fixture_say(f, a.row, i % 2 ? MESSAGE_ASSISTANT : MESSAGE_USER, contents[i]);
	assert_int_equal(message_path(f->store, a.row, &was, &count, f->err, sizeof(f->err)), 0);
	char *text = export(f, a.row, EXPORT_MARKDOWN);
	assert_int_equal(session_delete(f->store, a.row, f->err, sizeof(f->err)), 0);
	import(f, text, strlen(text));
	assert_int_equal(session_find(f->store, a.id, &b, f->err, sizeof(f->err)), 0);
	assert_string_equal(b.system, "be\nkind");
	assert_string_equal(b.model, "m>");
	assert_int_equal(message_path(f->store, b.row, &is, &same, f->err, sizeof(f->err)), 0);
	assert_int_equal(same, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(is[i].len, was[i].len);
		assert_memory_equal(is[i].content, was[i].content, was[i].len);
		assert_int_equal(is[i].role, was[i].role);
		assert_int_equal(is[i].created, was[i].created);
	}
	char *again = export(f, b.row, EXPORT_MARKDOWN);
	assert_string_equal(text, again);
	fixture_free_messages(was, count);
	fixture_free_messages(is, same);
	free(text);
	free(again);
	session_free(&a);
	session_free(&b);
}

static void test_html_is_inert(void **state)
{
	struct fixture *f = *state;
	struct session a;
	fixture_session(f, "<script>alert(1)</script> & مرحبا", &a);
	fixture_say(
		f, a.row, MESSAGE_ASSISTANT,
		"**bold** <img src=http://x/y onerror=alert(2)>\n\n[l](javascript:alert(3))\n\n![p](http://x/p.png)");
	char *html = export(f, a.row, EXPORT_HTML);
	assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; مرحبا"));
	assert_non_null(strstr(html, "<strong>bold</strong>"));
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "onerror"));
	assert_null(strstr(html, "javascript:"));
	assert_non_null(strstr(html, "default-src 'none'"));
	assert_non_null(strstr(html, "dir=\"auto\""));
	free(html);
	session_free(&a);
}

static void test_text(void **state)
{
	struct fixture *f = *state;
	struct session a;
	fixture_session(f, "hello", &a);
	fixture_say(f, a.row, MESSAGE_ASSISTANT, "Hi.");
	assert_int_equal(session_rename(f->store, a.row, "Greeting", f->err, sizeof(f->err)), 0);
	char *text = export(f, a.row, EXPORT_TEXT);
	assert_string_equal(text, "Greeting\n\nuser:\nhello\n\nassistant:\nHi.\n\n");
	free(text);
	session_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_json_is_lossless),
		FIXTURE_TEST(test_markdown_comes_back),
		FIXTURE_TEST(test_html_is_inert),
		FIXTURE_TEST(test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
