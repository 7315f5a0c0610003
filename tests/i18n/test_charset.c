#include "i18n/i18n.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>

#include <cmocka.h>

static const char german[] = "Übermütige Mädchen größen die Straße. Im Hause wohnen fünf Brüder, die ältesten heißen "
			     "Jörg und Günther. Über die Hügel führt ein schöner Weg.\n";
static const char russian[] = "Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства. "
			      "Съешь же ещё этих мягких французских булок, да выпей чаю.\n";
static const char japanese[] =
	"吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で"
	"ニャーニャー泣いていた事だけは記憶している。\n";
static const char chinese[] =
	"道可道，非常道。名可名，非常名。无名天地之始，有名万物之母。故常无欲，以观其妙；常有欲，以观其徼。\n";

static void assert_decoded(const char *text, const char *encoding)
{
	UErrorCode status = U_ZERO_ERROR;
	char bytes[2048];
	struct buffer out = {0};
	int32_t len = ucnv_convert(encoding, "UTF-8", bytes, sizeof(bytes), text, -1, &status);
	assert_true(U_SUCCESS(status));
	if (!i18n_decode(bytes, (size_t)len, &out) || strcmp(out.data, text) != 0)
		fail_msg("%s: %s", encoding, out.data ? out.data : "taken for no text");
	buffer_free(&out);
}

static void test_encodings(void **state)
{
	assert_decoded(german, "UTF-8");
	assert_decoded(german, "UTF-16"); /* with a mark */
	assert_decoded(german, "UTF-16LE");
	assert_decoded(german, "UTF-16BE");
	assert_decoded(german, "UTF-32");
	assert_decoded(german, "ISO-8859-1");
	assert_decoded(german, "windows-1252");
	assert_decoded(russian, "UTF-16");
	assert_decoded(russian, "windows-1251");
	assert_decoded(russian, "KOI8-R");
	assert_decoded(japanese, "Shift_JIS");
	assert_decoded(japanese, "EUC-JP");
	assert_decoded(chinese, "GB18030");
}

static void test_marks_are_left_out(void **state)
{
	struct buffer out = {0};
	assert_true(i18n_decode("\xEF\xBB\xBF"
				"a",
				4, &out));
	assert_string_equal(out.data, "a");
	assert_true(i18n_decode("", 0, &out));
	assert_int_equal(out.len, 1);
	buffer_free(&out);
}

static void test_no_text(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\b\6\0\0\0\\r\xa8\x66";
	static const char elf[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0\1\0\0\0";
	struct buffer out = {0};
	assert_false(i18n_decode(png, sizeof(png) - 1, &out));
	assert_false(i18n_decode(elf, sizeof(elf) - 1, &out));
	char noise[4096];
	unsigned seed = 1;
	for (int round = 0; round < 200; round++) { /* whatever the bytes are: an answer, and nothing half-added */
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)((seed = seed * 1103515245 + 12345) >> 16);
		size_t before = out.len;
		if (!i18n_decode(noise, sizeof(noise) - (size_t)round, &out))
			assert_int_equal(out.len, before);
	}
	assert_true(out.len < sizeof(noise) * 10); /* noise is text very seldom */
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_marks_are_left_out),
		cmocka_unit_test(test_no_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
