#include "i18n/i18n.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void becomes(const char *lang, const char *english, const char *expected)
{
	struct i18n *tr = i18n_open(lang);
	char *text = i18n_error(tr, english);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: '%s', expected '%s'", lang, text, expected);
	free(text);
	i18n_close(tr);
}

static void test_parts_stand_where_the_language_has_them(void **state)
{
	becomes("de", "--temp must be between 0 and 5, not 9", "--temp muss zwischen 0 und 5 liegen, nicht bei 9");
	becomes("ja", "there is no model 'x y'; `bora models` lists those that were found",
		"「x y」というモデルはありません。「bora models」で見つかったものを表示します");
	becomes("zh", "id 7 at position 3: not in the vocabulary of 32 tokens",
		"第 3 个编号 7：不在 32 个词元的词表中");
}

static void test_parts_are_errors_themselves(void **state)
{
	becomes("ru", "/etc/bora/config: line 3: there is no setting 'x'; bora config lists all",
		"/etc/bora/config: строка 3: нет настройки «x»; все покажет bora config");
	becomes("es", "a.gguf: byte 0: does not begin with GGUF: not a GGUF file",
		"a.gguf: byte 0: no empieza por GGUF: no es un archivo GGUF");
	becomes("nl", "chats.json: byte 12: not valid JSON; nothing was imported",
		"chats.json: byte 12: geen geldige JSON; er is niets geïmporteerd");
}

/* What is broken in a file is said in every language, down to the last part. */
static void test_what_is_broken_in_a_file(void **state)
{
	becomes("de",
		"m.gguf: byte 24: the file ends inside the metadata (8 bytes needed, 3 left); it is cut short, fetch "
		"it again",
		"m.gguf: Byte 24: die Datei endet mitten in den Metadaten (8 Byte nötig, 3 übrig); sie ist "
		"unvollständig, noch "
		"einmal herunterladen");
	becomes("ru", "m.gguf: byte 9: tokenizer.ggml.merges: 7 entries, more than a file can hold",
		"m.gguf: байт 9: tokenizer.ggml.merges: элементов 7, больше, чем вмещает файл");
	becomes("zh", "m.gguf: byte 9: 'a.b' occurs twice", "m.gguf：第 9 字节：“a.b”出现了两次");
	becomes("ru", "m.gguf: byte 9: blk.0.ffn_up.weight: 33 is not a multiple of 32 (Q8_0)",
		"m.gguf: байт 9: blk.0.ffn_up.weight: 33 не кратно 32 (Q8_0)");
	becomes("hi", "c.json: messages[3].role: expected system, user, assistant, tool; nothing was imported",
		"c.json: messages[3].role: system, user, assistant, tool अपेक्षित था; कुछ आयात नहीं हुआ");
	becomes("ko", "session 0abc: message 4 follows message 3, which is missing",
		"대화 0abc: 메시지 4 앞에 있어야 할 메시지 3이(가) 없습니다");
}

static void test_what_the_system_says(void **state)
{
	char text[256];
	snprintf(text, sizeof(text), "notes.txt: cannot open: %s", strerror(ENOENT));
	becomes("fr", text, "notes.txt\u00a0: impossible de l’ouvrir\u00a0: fichier ou dossier introuvable");
	becomes("ko", strerror(ENOSPC), "디스크가 가득 찼습니다");
	becomes("it", strerror(EACCES), "permesso negato");
}

/* Names that look like patterns or hold colons and quotes come out as they went in. */
static void test_names_keep_their_letters(void **state)
{
	becomes("de", "{0}: not a file", "{0}: keine Datei");
	becomes("de", "a: b 'c': cannot open: d", "a: b 'c': lässt sich nicht öffnen: d");
	becomes("de", "there is no role ''; bora roles lists them", "es gibt keine Rolle „“; bora roles nennt sie");
	becomes("ar", "--x: not a file", "\u2068--x\u2069: ليس ملفًا");
}

static void test_others_stay_in_english(void **state)
{
	becomes("fr", "nobody ever said this", "nobody ever said this");
	becomes("fr", "", "");
	becomes("en", "x: not a file", "x: not a file");
}

/* A line as long as a buffer of any caller ends in no time, whatever stands in it. */
static void test_long_lines(void **state)
{
	char text[4096];
	memset(text, ':', sizeof(text) - 1);
	for (size_t i = 1; i < sizeof(text) - 1; i += 2)
		text[i] = ' ';
	text[sizeof(text) - 1] = '\0';
	struct i18n *tr = i18n_open("hi");
	free(i18n_error(tr, text));
	i18n_close(tr);
}

static void test_arguments_of_messages(void **state)
{
	struct i18n *tr = i18n_open("pt");
	char *text = i18n_format(tr, "chat.file-failed", I18N_S("a.c"), I18N_E(strerror(EROFS)));
	assert_string_equal(text, "Não foi possível escrever a.c: o sistema de arquivos é só de leitura");
	free(text);
	i18n_close(tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_stand_where_the_language_has_them),
		cmocka_unit_test(test_parts_are_errors_themselves),
		cmocka_unit_test(test_what_is_broken_in_a_file),
		cmocka_unit_test(test_what_the_system_says),
		cmocka_unit_test(test_names_keep_their_letters),
		cmocka_unit_test(test_others_stay_in_english),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_arguments_of_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
