#include "i18n/i18n.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void says(const char *lang, const char *expected, char *text)
{
	if (strcmp(text, expected) != 0)
		fail_msg("%s: '%s', expected '%s'", lang, text, expected);
	free(text);
}

static void test_plurals(void **state)
{
	static const struct {
		const char *lang;
		int64_t count;
		const char *text;
	} cases[] = {
		{"en", 0, "0 messages"},  {"en", 1, "1 message"},
		{"en", 2, "2 messages"},  {"en", 1234, "1,234 messages"},
		{"fr", 0, "0 message"},   {"fr", 1, "1 message"},
		{"fr", 2, "2 messages"},  {"fr", 1234, "1\u202F234 messages"},
		{"ar", 0, "لا رسائل"},    {"ar", 1, "رسالة واحدة"},
		{"ar", 2, "رسالتان"},     {"ar", 3, "3 رسائل"},
		{"ar", 11, "11 رسالة"},   {"ar", 100, "100 رسالة"},
		{"ar", 103, "103 رسائل"}, {"de", 1234, "1.234 Nachrichten"},
		{"ru", 1, "1 сообщение"}, {"ru", 22, "22 сообщения"},
		{"ru", 5, "5 сообщений"}, {"ru", 11, "11 сообщений"},
		{"zh", 1, "1 条消息"},    {"ja", 1234, "メッセージ 1,234 件"},
		{"ko", 2, "메시지 2개"},  {"hi", 123456, "1,23,456 संदेश"},
		{"nl", 1, "1 bericht"},   {"it", 2, "2 messaggi"},
		{"es", 1, "1 mensaje"},   {"pt", 0, "0 mensagem"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct i18n *tr = i18n_open(cases[i].lang);
		says(cases[i].lang, cases[i].text, i18n_format(tr, "sessions.messages", I18N_I(cases[i].count)));
		i18n_close(tr);
	}
}

static void test_numbers_and_strings(void **state)
{
	struct i18n *en = i18n_open("en"), *fr = i18n_open("fr"), *ar = i18n_open("ar");
	says("en", "31.2 tok/s", i18n_format(en, "status.speed", I18N_R(31.24)));
	says("fr", "31,2 jetons/s", i18n_format(fr, "status.speed", I18N_R(31.24)));
	says("ar", "31.2 رمز/ث", i18n_format(ar, "status.speed", I18N_R(31.24)));
	says("en", "loading the model · 42%", i18n_format(en, "progress.loading", I18N_R(0.42)));
	says("fr", "chargement du modèle · 42\u00A0%", i18n_format(fr, "progress.loading", I18N_R(0.42)));
	says("en", "m: checking what came, 7%", i18n_format(en, "pull.checking", I18N_S("m"), I18N_R(0.07)));
	says("en", "Nothing found for {0} #", i18n_format(en, "chat.nothing-found", I18N_S("{0} #")));
	says("en", "No code block 7: there is none yet", i18n_format(en, "chat.no-block", I18N_S("7"), I18N_I(0)));
	i18n_close(en);
	i18n_close(fr);
	i18n_close(ar);
}

static void test_every_language_is_there(void **state)
{
	static const char *const wanted[] = {"ar", "de", "en", "es", "fr", "hi", "it",
					     "ja", "ko", "nl", "pt", "ru", "zh"};
	const char *const *languages = i18n_languages();
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		assert_non_null(languages[i]);
		assert_string_equal(languages[i], wanted[i]);
		struct i18n *tr = i18n_open(wanted[i]);
		assert_string_equal(i18n_language(tr), wanted[i]);
		i18n_close(tr);
	}
	assert_null(languages[sizeof(wanted) / sizeof(*wanted)]);
}

static void test_choosing_a_language(void **state)
{
	static const struct {
		const char *asked, *got;
		bool rtl;
	} cases[] = {{"fr", "fr", false}, {"fr_CA.UTF-8", "fr", false}, {"ar-EG", "ar", true},
		     {"xx", "en", false}, {"C", "en", false},           {"french", "en", false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct i18n *tr = i18n_open(cases[i].asked);
		assert_string_equal(i18n_language(tr), cases[i].got);
		assert_int_equal(i18n_is_rtl(tr), cases[i].rtl);
		i18n_close(tr);
	}
	setenv("LC_ALL", "", 1);
	setenv("LC_MESSAGES", "ar_MA.UTF-8", 1);
	setenv("LANG", "fr_FR.UTF-8", 1);
	struct i18n *tr = i18n_open(NULL);
	assert_string_equal(i18n_language(tr), "ar");
	i18n_close(tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plurals),
		cmocka_unit_test(test_numbers_and_strings),
		cmocka_unit_test(test_every_language_is_there),
		cmocka_unit_test(test_choosing_a_language),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
