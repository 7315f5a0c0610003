/* Import of other programs' conversations, and of what is none. */
#include "fixture.h"

#include "sessions/store.h"

static int import(struct fixture *f, const char *text)
{
	int imported = -1;
	f->err[0] = '\0';
	int code = session_import(f->store, text, strlen(text), "chats.json", &imported, f->err, sizeof(f->err));
	assert_int_equal(imported == 0, code != 0);
	return code ? code : imported;
}

static void test_chatgpt(void **state)
{
	static const char text[] =
		"[{\"title\":\"Kyoto\",\"create_time\":1700000000.5,\"update_time\":1700000100,\"current_node\":\"d\","
		"\"mapping\":{"
		"\"d\":{\"id\":\"d\",\"parent\":\"c\",\"children\":[],\"message\":{\"author\":{\"role\":\"assistant\"},"
		"\"content\":{\"content_type\":\"multimodal_text\",\"parts\":[\"Second\",{\"content_type\":\"image_"
		"asset_pointer\"}]},"
		"\"metadata\":{\"model_slug\":\"gpt-4\"}}},"
		"\"r\":{\"id\":\"r\",\"parent\":null,\"children\":[\"s\"],\"message\":null},"
		"\"s\":{\"id\":\"s\",\"parent\":\"r\",\"children\":[\"a\"],\"message\":{\"author\":{\"role\":"
		"\"system\"},"
		"\"content\":{\"content_type\":\"text\",\"parts\":[\"\"]}}},"
		"\"a\":{\"id\":\"a\",\"parent\":\"s\",\"children\":[\"b\",\"c\"],\"message\":{\"author\":{\"role\":"
		"\"user\"},"
		"\"create_time\":1700000001.25,\"content\":{\"content_type\":\"text\",\"parts\":[\"Hello "
		"\\u0000\\ud800\"]}}},"
		"\"b\":{\"id\":\"b\",\"parent\":\"a\",\"children\":[],\"message\":{\"author\":{\"role\":\"assistant\"},"
		"\"content\":{\"content_type\":\"text\",\"parts\":[\"First\"]}}},"
		"\"c\":{\"id\":\"c\",\"parent\":\"a\",\"children\":[\"d\"],\"message\":{\"author\":{\"role\":\"tool\"},"
		"\"content\":{\"content_type\":\"code\",\"text\":\"1+1\"}}}"
		"}}]";
	struct fixture *f = *state;
	struct session a;
	struct message *m;
	size_t count;
	assert_int_equal(import(f, text), 1);
	assert_int_equal(session_find(f->store, "", &a, f->err, sizeof(f->err)), 0);
	assert_string_equal(a.title, "Kyoto");
	assert_int_equal(a.created, 1700000000);
	assert_int_equal(message_path(f->store, a.row, &m, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 3);
	assert_string_equal(m[0].content, "Hello \xef\xbf\xbd\xef\xbf\xbd");
	assert_int_equal(m[0].created, 1700000001);
	assert_int_equal(m[1].role, MESSAGE_TOOL);
	assert_string_equal(m[1].content, "1+1");
	assert_int_equal(m[1].sibling, 2);
	assert_int_equal(m[1].siblings, 2);
	assert_string_equal(m[2].content, "Second\n[image_asset_pointer]");
	assert_string_equal(m[2].model, "gpt-4");
	fixture_free_messages(m, count);
	session_free(&a);
}

static void test_role_and_content(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct message *m;
	size_t count;
	assert_int_equal(import(f, "\xef\xbb\xbf "
				   "{\"model\":\"llama3\",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
				   "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
				   "{\"type\":\"image_url\"}]},{\"role\":\"assistant\",\"content\":\"I see\"}]}\n"),
			 1);
	assert_int_equal(session_find(f->store, "", &a, f->err, sizeof(f->err)), 0);
	assert_string_equal(a.system, "Be kind.");
	assert_string_equal(a.model, "llama3");
	assert_int_equal(message_path(f->store, a.row, &m, &count, f->err, sizeof(f->err)), 0);
	assert_int_equal(count, 2);
	assert_string_equal(m[0].content, "look\n[image_url]");
	assert_string_equal(m[1].content, "I see");
	fixture_free_messages(m, count);
	session_free(&a);
}

static void test_refused_stores_nothing(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "byte 0"},
		{"hello", "neither JSON nor Markdown"},
		{"{\"a\":1}", "not a conversation"},
		{"[1,2]", "[0]: not a conversation"},
		{"[{\"role\":\"user\",\"content\":\"x\"}", "not valid JSON"},
		{"[{\"role\":\"user\",\"content\":\"x\"}] x", "more text after"},
		{"[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"wizard\",\"content\":\"y\"}]", "[1].role"},
		{"[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"user\",\"content\":7}]", "[1].content"},
		{"[[{\"role\":\"user\",\"content\":\"good\"}],{\"bad\":1}]", "[1]: not a conversation"},
		{"{\"format\":\"bora-session\",\"version\":2,\"messages\":[]}", "newer bora (its version 2, ours 1)"},
		{"{\"format\":\"bora-session\",\"version\":1}", "messages: expected array"},
		{"{\"format\":\"bora-session\",\"version\":1,\"messages\":[{\"id\":1,\"parent\":1,\"role\":\"user\","
		 "\"status\":\"complete\",\"content\":\"\"}]}",
		 "messages[0].parent"},
		{"{\"format\":\"bora-session\",\"version\":1,\"messages\":[{\"id\":-1,\"parent\":null,\"role\":"
		 "\"user\","
		 "\"status\":\"complete\",\"content\":\"\"}]}",
		 "messages[0].id"},
		{"{\"format\":\"bora-session\",\"version\":1,\"leaf\":4,\"messages\":[]}", "leaf"},
		{"{\"format\":\"bora-session\",\"version\":1,\"messages\":[{\"id\":1,\"role\":\"user\","
		 "\"status\":\"complete\",\"content_base64\":\"?\"}]}",
		 "content_base64"},
		{"{\"mapping\":{\"a\":{\"parent\":\"b\"},\"b\":{\"parent\":\"a\"}}}", "circle"},
		{"---\nbora: 1\nid: \"x\"\n", "the --- that ends"},
		{"---\nbora: 1\n---\n\n<!-- bora {\"role\":\"nobody\"} -->\n## x\n\nhi\n\n",
		 "the beginning of a message"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(import(f, cases[i].text), -1);
		if (!strstr(f->err, cases[i].says) || strncmp(f->err, "chats.json: ", 12) != 0 || strchr(f->err, '\n'))
			fail_msg("case %zu: %s", i, f->err);
	}
	struct buffer deep = {0};
	for (int i = 0; i < 100000; i++)
		buffer_puts(&deep, "[");
	assert_int_equal(import(f, deep.data), -1);
	assert_non_null(strstr(f->err, "nested deeper"));
	buffer_free(&deep);
	int64_t sessions;
	store_number(f->store, &sessions, -1, f->err, sizeof(f->err), "SELECT count(*) FROM sessions", "");
	assert_int_equal(sessions, 0);
}

/* Every prefix of a good file is refused or taken whole; none crashes. */
static void test_truncated(void **state)
{
	struct fixture *f = *state;
	struct session a;
	struct buffer text = {0};
	int imported;
	fixture_session(f, "hello \"quoted\"", &a);
	fixture_say(f, a.row, MESSAGE_ASSISTANT, "world");
	for (int format = 0; format < 2; format++) {
		buffer_clear(&text);
		session_export(f->store, a.row, format ? EXPORT_JSON : EXPORT_MARKDOWN, &text, f->err, sizeof(f->err));
		for (size_t len = 0; len < text.len; len++) {
			char *part = xstrndup(text.data, len);
			int code = session_import(f->store, part, len, "part", &imported, f->err, sizeof(f->err));
			assert_true(code == 0 ? imported == 1 : imported == 0);
			free(part);
		}
	}
	buffer_free(&text);
	session_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_chatgpt),
		FIXTURE_TEST(test_role_and_content),
		FIXTURE_TEST(test_refused_stores_nothing),
		FIXTURE_TEST(test_truncated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
