/* Text out of the XML of office documents, as their programs write it, and damaged. */
#include "ui/office.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void gives(enum office_kind kind, const char *xml, const char *expected)
{
	struct buffer out = {0};
	office_text(kind, xml, strlen(xml), &out);
	assert_string_equal(out.data ? out.data : "", expected);
	buffer_free(&out);
}

static void test_words(void **state)
{
	gives(OFFICE_WORDS,
	      "<?xml version=\"1.0\"?><w:document><w:body><w:p><w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr>"
	      "<w:r><w:t>Gr&#xFC;&#223;e</w:t><w:tab/><w:t xml:space=\"preserve\"> &amp; so </w:t></w:r>"
	      "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p><w:p/><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</"
	      "w:t>"
	      "</w:r></w:p><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc>"
	      "</w:tr></w:tbl></w:body></w:document>",
	      "Grüße\t & so\na b\tc\n");
}

static void test_slides(void **state)
{
	gives(OFFICE_SLIDES,
	      "<p:sld><a:p><a:r><a:t>Title</a:t></a:r></a:p><a:p><a:r><a:t>one</a:t></a:r><a:br/><a:r><a:t>two</a:t></"
	      "a:r>"
	      "</a:p></p:sld><?xml version=\"1.0\"?><p:sld><a:p><a:r><a:t>next</a:t></a:r></a:p></p:sld>",
	      "Title\none\ntwo\n\nnext\n");
}

/* Sheets may come before the strings that they name. */
static void test_sheets(void **state)
{
	gives(OFFICE_SHEETS,
	      "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>1</v></c><c r=\"D1\" "
	      "t=\"s\"><v>0</v></c></row>"
	      "<row><c><f>1+2</f><v>3</v></c><c t=\"inlineStr\"><is><t>in &lt;</t></is></c><c "
	      "t=\"s\"><v>9</v></c></row>"
	      "</sheetData></worksheet><worksheet><row><c r=\"B7\"><v>7.5</v></c></row></worksheet>"
	      "<sst><si><t>two\nlines</t></si><si><r><t>Na</t></r><r><t>me</t></r><rPh><t>reading</t></rPh></si></sst>",
	      "Name\t\t\ttwo lines\n3\tin <\n\n\t7.5\n");
}

static void test_dates(void **state)
{
	gives(OFFICE_SHEETS,
	      "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\"/>"
	      "<numFmt numFmtId=\"165\" formatCode=\"0.0&quot; days&quot;\"/></numFmts><cellStyleXfs><xf "
	      "numFmtId=\"14\"/>"
	      "</cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/><xf "
	      "numFmtId=\"165\"/>"
	      "</cellXfs><cellStyles/></styleSheet><worksheet><row><c s=\"0\"><v>45413</v></c><c "
	      "s=\"1\"><v>45413</v></c>"
	      "<c s=\"2\"><v>45413.5</v></c><c s=\"3\"><v>45413</v></c><c s=\"1\"><v>0.25</v></c><c "
	      "s=\"1\"><v>1e300</v></c>"
	      "<c s=\"1\" t=\"str\"><v>3</v></c></row></worksheet>",
	      "45413\t2024-05-01\t2024-05-01 12:00:00\t45413\t06:00:00\t1e300\t3\n");
}

static void test_open(void **state)
{
	gives(OFFICE_OPEN,
	      "<office:body><office:text><text:tracked-changes><text:p>gone</text:p></"
	      "text:tracked-changes><text:h>Head</text:h>"
	      "<text:p>a\n  b<text:s text:c=\"3\"/>c<text:tab/>d<text:line-break/>e<text:span>f</text:span></text:p>"
	      "<table:table><table:table-row><table:table-cell><text:p>1</text:p></table:table-cell><table:table-cell/>"
	      "<table:table-cell><text:p>2</text:p></table:table-cell></table:table-row></table:table></office:text>",
	      "Head\na b   c\td\nef\n\n1\t\t2\n");
}

static void test_pages(void **state)
{
	gives(OFFICE_PAGES,
	      "<!DOCTYPE html><html><head><title>no</title></head><body class='x'><!-- <p>no</p> --><h1>One&nbsp;1</h1>"
	      "<p>some\n <b>bold</b>\ttext<br>more &unknown; <script>if (a < b) "
	      "no();</script></p><ul><li>x</li><li>y</li></ul>"
	      "</body></html><html><body><p><![CDATA[a < b]]></p></body></html>",
	      "One\xC2\xA0"
	      "1\nsome bold text\nmore &unknown;\nx\ny\n\na < b\n");
}

static void test_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"<",
		"<>",
		"</>",
		"</",
		"<w:",
		"<:>",
		"</:>",
		"<a:t>x",
		"<a:t>&#x110000;&#0;&#xD800;&#;&;&",
		"<!",
		"<!--",
		"<?",
		"<![CDATA[",
		"<c r=\"",
		"<c t=\"s\"><v>99999999999999999999</v></c>",
		"<c r=\"ZZZZZZZZ1\"><v>1</v></c>",
		"</v></v></c></row></si>",
		"<xf numFmtId=\"999999999999\"/><numFmt numFmtId=\"-5\" formatCode=\"\"/>",
		"<text:s text:c=\"99999999\"/>",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (int kind = OFFICE_WORDS; kind <= OFFICE_PAGES; kind++) {
			struct buffer out = {0};
			office_text((enum office_kind)kind, texts[i], strlen(texts[i]), &out);
			assert_true(out.len < 1000);
			buffer_free(&out);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),   cmocka_unit_test(test_slides), cmocka_unit_test(test_sheets),
		cmocka_unit_test(test_dates),   cmocka_unit_test(test_open),   cmocka_unit_test(test_pages),
		cmocka_unit_test(test_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
