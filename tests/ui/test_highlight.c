/* Code in more than eighty languages: each has a sample in tests/vectors/languages.txt. */
#include "ui/highlight.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SAMPLE_MOST = 512, ENOUGH_LANGUAGES = 80 };

struct painted { /* a style for every byte of a sample */
	enum style styles[SAMPLE_MOST];
	size_t base, last;
};

static void paint(void *arg, size_t start, size_t end, enum style style)
{
	struct painted *p = arg;
	assert_true(start >= p->last && end > start);
	p->last = end;
	for (size_t i = start; i < end; i++)
		p->styles[p->base + i] = style;
}

static void paint_all(const struct language *l, const char *code, struct painted *p)
{
	struct highlight_state state = {0};
	for (int i = 0; i < SAMPLE_MOST; i++)
		p->styles[i] = STYLE_CODE;
	p->base = 0;
	for (;;) {
		size_t len = strcspn(code + p->base, "\n");
		p->last = 0;
		highlight_line(l, &state, code + p->base, len, paint, p);
		p->base += len;
		if (!code[p->base++])
			return;
	}
}

/* Every byte of the word has the style, and the byte before it has not. */
static bool is_painted(const struct painted *p, const char *code, const char *word, enum style style)
{
	for (const char *at = code; (at = strstr(at, word)); at++) {
		size_t from = (size_t)(at - code), i = 0;
		while (word[i] && p->styles[from + i] == style)
			i++;
		if (!word[i])
			return true;
	}
	return false;
}

static void unescape(char *text)
{
	char *to = text;
	for (char *from = text; *from; from++) {
		bool newline = from[0] == '\\' && from[1] == 'n';
		*to++ = newline ? '\n' : *from;
		from += newline;
	}
	*to = '\0';
}

static void test_every_language(void **state)
{
	FILE *file = fopen("tests/vectors/languages.txt", "r");
	char line[SAMPLE_MOST];
	int tested = 0, wrong = 0;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		static const enum style styles[] = {STYLE_KEYWORD, STYLE_STRING, STYLE_COMMENT, STYLE_NUMBER};
		static const char *const classes[] = {"keyword", "string", "comment", "number"};
		char *fields[6], *at = line;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		for (int i = 0; i < 6; i++)
			fields[i] = strsep(&at, "\t");
		assert_non_null(fields[5]);
		unescape(fields[5]);
		const struct language *l = highlight_language(fields[0], strlen(fields[0]));
		assert_non_null(l);
		assert_string_equal(highlight_name(l), fields[0]);
		struct painted p;
		paint_all(l, fields[5], &p);
		bool complete = true;
		for (int i = 0; i < 4; i++) {
			complete = complete && strcmp(fields[i + 1], "-") != 0;
			enum style style = i == 0 && fields[1][0] == '@' ? STYLE_MACRO : styles[i];
			if (strcmp(fields[i + 1], "-") != 0 && !is_painted(&p, fields[5], fields[i + 1], style)) {
				print_message("%s: %s is no %s in %s\n", fields[0], fields[i + 1], classes[i],
					      fields[5]);
				wrong++;
			}
		}
		tested += complete;
	}
	fclose(file);
	assert_int_equal(wrong, 0);
	assert_true(tested >= ENOUGH_LANGUAGES);
}

/* The table has a sample for each of its rows, and no name twice. */
static void test_names(void **state)
{
	FILE *file = fopen("tests/vectors/languages.txt", "r");
	char *text = xcalloc(1, 1 << 16);
	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
	fclose(file);
	for (int i = 0; i < highlight_count(); i++) {
		const char *name = highlight_name(highlight_at(i));
		char *row = xasprintf("\n%s\t", name);
		if (!strstr(text, row))
			print_message("no sample of %s\n", name);
		assert_non_null(strstr(text, row));
		assert_ptr_equal(highlight_language(name, strlen(name)), highlight_at(i));
		free(row);
	}
	free(text);
	static const char *const pairs[][2] = {
		{"py", "python"}, {"JS", "javascript"}, {"tsx", "typescript"}, {"C++", "cpp"}, {"c#", "csharp"},
		{"sh", "bash"},   {"yml", "yaml"},      {"golang", "go"},      {"rs", "rust"}, {"console", "bash"},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(highlight_name(highlight_language(pairs[i][0], strlen(pairs[i][0]))), pairs[i][1]);
	assert_null(highlight_language("", 0));
	assert_null(highlight_language("klingon", 7));
}

static void test_over_lines(void **state)
{
	struct painted p;
	const char *code = "x = \"\"\"a\nb # c\n\"\"\" + 1\n";
	paint_all(highlight_language("python", 6), code, &p);
	assert_true(is_painted(&p, code, "b # c", STYLE_STRING));
	assert_true(is_painted(&p, code, "1", STYLE_NUMBER));
	code = "cat <<EOF\nif x\nEOF\nif y; then";
	paint_all(highlight_language("sh", 2), code, &p);
	assert_true(is_painted(&p, code, "if x", STYLE_STRING));
	assert_true(is_painted(&p, code, "then", STYLE_KEYWORD));
	code = "/* a\n/* b */ int c;";
	paint_all(highlight_language("c", 1), code, &p);
	assert_true(is_painted(&p, code, "int", STYLE_TYPE_NAME));
	code = "/* a\n/* b */ fn */ fn";
	paint_all(highlight_language("rust", 4), code, &p);
	assert_int_equal(p.styles[12], STYLE_COMMENT);
	assert_int_equal(p.styles[strlen(code) - 1], STYLE_KEYWORD);
	code = "<a\n  b=\"c\nd\">if</a>";
	paint_all(highlight_language("html", 4), code, &p);
	assert_true(is_painted(&p, code, "d\"", STYLE_STRING));
	assert_true(is_painted(&p, code, "if", STYLE_CODE));
}

static void test_words(void **state)
{
	struct painted p;
	const char *code = "int format = 'a' + it's; // don't";
	paint_all(highlight_language("c", 1), code, &p);
	assert_true(is_painted(&p, code, "format", STYLE_CODE)); /* for is not in format */
	assert_true(is_painted(&p, code, "'a'", STYLE_STRING));
	assert_true(is_painted(&p, code, "'s", STYLE_CODE));
	code = "fn f<'a>(x: &'a str) -> char { 'x' }";
	paint_all(highlight_language("rust", 4), code, &p);
	assert_true(is_painted(&p, code, "'x'", STYLE_STRING));
	assert_true(is_painted(&p, code, "'a>", STYLE_CODE));
	code = "y = x' * a.b';";
	paint_all(highlight_language("matlab", 6), code, &p);
	assert_true(is_painted(&p, code, "' * a", STYLE_CODE));
	code = "echo ${x#y} a#b # c";
	paint_all(highlight_language("bash", 4), code, &p);
	assert_true(is_painted(&p, code, "# c", STYLE_COMMENT));
	assert_true(is_painted(&p, code, "a#b", STYLE_CODE));
}

struct word {
	const char *text;
	enum style style;
};

static void expect_words(const char *language, const char *code, const struct word *words, int count)
{
	struct painted p;
	paint_all(highlight_language(language, strlen(language)), code, &p);
	for (int i = 0; i < count; i++)
		if (!is_painted(&p, code, words[i].text, words[i].style))
			fail_msg("%s: %s is not of style %d in %s", language, words[i].text, (int)words[i].style, code);
}
#define EXPECT(language, code, ...)                                      \
	expect_words(language, code, (const struct word[]){__VA_ARGS__}, \
		     (int)(sizeof((const struct word[]){__VA_ARGS__}) / sizeof(struct word)))

/* What is filled into strings stands out, and does not end them. */
static void test_fills(void **state)
{
	EXPECT("python", "s = f'a {x[1]:>3} {{b}}' + '{c}'", {"f'a ", STYLE_STRING}, {"{x[1]:>3}", STYLE_NAME},
	       {" {{b}}'", STYLE_STRING}, {"'{c}'", STYLE_STRING});
	EXPECT("python", "rb'\\x00' + f\"\"\"a\n{b}\n\"\"\" + c", {"rb'\\x00'", STYLE_STRING}, {"{b}", STYLE_NAME},
	       {" + c", STYLE_CODE});
	EXPECT("javascript", "s = `a ${b + `c ${d}`} e`; if '${f}'", {"`a ", STYLE_STRING},
	       {"${b + `c ${d}`}", STYLE_NAME}, {" e`", STYLE_STRING}, {"if", STYLE_KEYWORD}, {"'${f}'", STYLE_STRING});
	EXPECT("javascript", "s = `a\n${b}\n` + 1", {"${b}", STYLE_NAME}, {"1", STYLE_NUMBER});
	EXPECT("bash", "echo \"a $b ${c} \\$d\" '$e'", {"$b", STYLE_NAME}, {"${c}", STYLE_NAME},
	       {"\\$d\"", STYLE_STRING}, {"'$e'", STYLE_STRING});
	EXPECT("bash", "cat <<EOF\na $b\nEOF\ncat <<'END'\nc $d\nEND", {"a ", STYLE_STRING}, {"$b", STYLE_NAME},
	       {"c $d", STYLE_STRING});
	EXPECT("ruby", "puts \"a #{b} c\" + '#{d}'", {"#{b}", STYLE_NAME}, {"'#{d}'", STYLE_STRING});
	EXPECT("swift", "print(\"a \\(f(b)) c\")", {"\\(f(b))", STYLE_NAME}, {" c\"", STYLE_STRING});
	EXPECT("csharp", "var s = $\"a {b:F2}\" + \"{c}\";", {"$\"a ", STYLE_STRING}, {"{b:F2}", STYLE_NAME},
	       {"\"{c}\"", STYLE_STRING});
	EXPECT("kotlin", "val s = \"$a ${b + 1}\"", {"$a", STYLE_NAME}, {"${b + 1}", STYLE_NAME});
	EXPECT("php", "echo \"a {$b->c}\" . '$d';", {"$b", STYLE_NAME}, {"'$d'", STYLE_STRING});
	EXPECT("rust", "let b = b\"raw\"; let c = 'x';", {"b\"raw\"", STYLE_STRING}, {"'x'", STYLE_STRING});
	EXPECT("cpp", "auto s = u8\"a\";", {"u8\"a\"", STYLE_STRING});
	EXPECT("make", "x: $(OBJS)\n\tcc -o $@ $^ $<", {"$(OBJS)", STYLE_NAME}, {"$^", STYLE_NAME}, {"$<", STYLE_NAME});
}

static void test_regex(void **state)
{
	EXPECT("javascript", "const r = /a[/\"]\\/b/gi, n = a / 2 / b; // c", {"/a[/\"]\\/b/gi", STYLE_STRING},
	       {"2", STYLE_NUMBER}, {"/ b", STYLE_CODE}, {"// c", STYLE_COMMENT});
	EXPECT("ruby", "x =~ /a#b/i if y", {"/a#b/i", STYLE_STRING}, {"if", STYLE_KEYWORD});
	EXPECT("javascript", "f(a) / 2 /* b */", {"/* b */", STYLE_COMMENT}, {"2", STYLE_NUMBER});
}

static void test_capitals(void **state)
{
	EXPECT("java", "Point p = new Point(MAX_SIZE, q.Inner);", {"Point", STYLE_TYPE_NAME}, {"MAX_SIZE", STYLE_CODE});
	EXPECT("rust", "fn f<T>(x: Point<T>) -> MAX", {"Point", STYLE_TYPE_NAME}, {"T", STYLE_TYPE_NAME},
	       {"MAX", STYLE_CODE});
	EXPECT("go", "x := Some", {"Some", STYLE_CODE}); /* there it says what is exported */
}

/* Scripts and style sheets in HTML, over lines and on one. */
static void test_embedded(void **state)
{
	EXPECT("html", "<script>\nconst a = `if\n`; // b\n</script>\n<p>while</p>", {"const", STYLE_KEYWORD},
	       {"`if", STYLE_STRING}, {"// b", STYLE_COMMENT}, {"</script", STYLE_KEYWORD}, {"while", STYLE_CODE});
	EXPECT("html", "<script src=\"a\">if (1) /* </b> */ x</script> if", {"\"a\"", STYLE_STRING},
	       {"/* </b> */", STYLE_COMMENT}, {" if", STYLE_CODE});
	EXPECT("html", "<style>\np {\n  color: #ff8800; /* a */\n}\n</style><b>", {"color", STYLE_NAME},
	       {"#ff8800", STYLE_NUMBER}, {"/* a */", STYLE_COMMENT}, {"<b", STYLE_KEYWORD});
}

static void test_guesses(void **state)
{
	static const char *const samples[][2] = {
		{"#include <stdio.h>\nint main(void)\n{\n\tprintf(\"x\");\n}\n", "c"},
		{"#include <iostream>\nint main() { std::cout << 1; }\n", "cpp"},
		{"def f(x):\n    return x\n\nprint(f(1))\n", "python"},
		{"const x = require('fs');\nconsole.log(x);\n", "javascript"},
		{"fn main() {\n    let mut x = 1;\n    println!(\"{}\", x);\n}\n", "rust"},
		{"package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(1)\n}\n", "go"},
		{"sudo apt install tmux\n", "bash"},
		{"SELECT a, b FROM t WHERE c = 1;\n", "sql"},
		{"{\n  \"a\": 1\n}\n", "json"},
		{"<!DOCTYPE html>\n<html></html>\n", "html"},
		{"public class A {\n  public static void main(String[] a) { System.out.println(1); }\n}\n", "java"},
		{"diff --git a/x b/x\n--- a/x\n+++ b/x\n", "diff"},
		{"<?php\necho 1;\n", "php"},
		{"\\begin{document}\nx\n\\end{document}\n", "latex"},
	};
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const struct language *l = highlight_guess(samples[i][0], strlen(samples[i][0]));
		if (!l || strcmp(highlight_name(l), samples[i][1]) != 0)
			print_message("%s for %s\n", l ? highlight_name(l) : "nothing", samples[i][1]);
		assert_non_null(l);
		assert_string_equal(highlight_name(l), samples[i][1]);
	}
	assert_null(highlight_guess("Just some words.\n", 17));
	assert_null(highlight_guess("", 0));
}

/* Any bytes in any language: spans stay in order and inside the line. */
static void test_any_bytes(void **state)
{
	static const char signs[] = "\"'`/*#-<>=[](){}$@%\\!&|;: \nabR01rif";
	unsigned seed = 7;
	for (int i = 0; i < highlight_count(); i++)
		for (int round = 0; round < 60; round++) {
			char text[200];
			size_t len = (size_t)(seed >> 8) % (sizeof(text) - 1);
			for (size_t j = 0; j < len; j++) {
				seed = seed * 1103515245u + 12345u;
				text[j] = (seed >> 16) % 31 == 0 ? (char)((seed >> 20) | 1)
								 : signs[(seed >> 16) % (sizeof(signs) - 1)];
			}
			text[len] = '\0';
			struct painted p;
			paint_all(highlight_at(i), text, &p);
			seed = seed * 1103515245u + 12345u;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_language), cmocka_unit_test(test_names),
		cmocka_unit_test(test_over_lines),     cmocka_unit_test(test_words),
		cmocka_unit_test(test_fills),          cmocka_unit_test(test_regex),
		cmocka_unit_test(test_capitals),       cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_guesses),        cmocka_unit_test(test_any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
