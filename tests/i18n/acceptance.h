/* acceptance.h: the thirty texts that a terminal program must set right, with the rows
 * that they become when the program puts rows in order and when the terminal does. */
#ifndef ACCEPTANCE_H
#define ACCEPTANCE_H

#include <stddef.h>

struct acceptance {
	int number; /* of the project's list; 0: one more */
	const char *text;
	int width, cells;     /* cells: drawn by the program, hanging spaces left out */
	const char *app;      /* rows in visual order, ended by |; a right-to-left one begins with spaces */
	const char *terminal; /* in logical order, fenced; NULL: as app */
};

/* A right-to-left row is an isolate that begins on a blank, and every row that may be
 * moved ends with U+200E. */
#define RLI "\u2067"
#define LRI "\u2066"
#define PDI "\u2069"
#define LRM "\u200E"
#define RLM "\u200F"

static const struct acceptance acceptance_cases[] = {
	{1, "e\u0301", 80, 1, "e\u0301|", NULL},
	{2, "你好世界", 7, 8, "你好世|界|", NULL},
	{3, "か\u3099", 80, 2, "か\u3099|", NULL},
	{3, "ｶﾞ", 80, 2, "ｶﾞ|", NULL},
	{4, "\u1112\u1161\u11AB", 80, 2, "\u1112\u1161\u11AB|", NULL},
	{5, "±×α①", 80, 4, "±×α①|", NULL},
	{6, "ที่นี่", 80, 2, "ที่นี่|", NULL},
	{7, "น้ำ", 80, 2, "น้ำ|", NULL},
	{8, "สวัสดีชาวโลก", 5, 10, "สวัสดี|ชาว|โลก|", NULL},
	{9, "कि", 80, 2, "कि|", NULL},
	{10, "क्षि", 80, 3, "क्षि|", NULL},
	{11, "नमस्ते", 80, 4, "नमस्ते|", NULL},
	{12, "سلام", 8, 3, "     \uFEE1\uFEFC\uFEB3|", "    " RLI "سلام" PDI LRM "|"},
	{13, "\u0645\u064F\u062D\u064E\u0645\u0651\u064E\u062F", 6, 4,
	 "  \uFEAA\uFEE4\u0651\u064E\uFEA4\u064E\uFEE3\u064F|",
	 "  " RLI "\u0645\u064F\u062D\u064E\u0645\u0651\u064E\u062F" PDI LRM "|"},
	{14, "ש\u05C1\u05B8לו\u05B9ם", 6, 4, "  םו\u05B9לש\u05C1\u05B8|",
	 "  " RLI "ש\u05C1\u05B8לו\u05B9ם" PDI LRM "|"},
	{15, "abc שלום 123 def", 80, 16, "abc 123 םולש def|", "abc שלום 123 def" LRM "|"},
	{16, "שלום (abc) עולם!", 18, 16, "  !םלוע (abc) םולש|", "  " RLI "שלום (abc) עולם!" PDI LRM "|"},
	{17, "السعر 123.45 ريال", 19, 17, "  \uFEDD\uFE8E\uFEF3\uFEAD 123.45 \uFEAE\uFECC\uFEB4\uFEDF\uFE8D|",
	 "  " RLI "السعر 123.45 ريال" PDI LRM "|"},
	{18, "علي\nhello!", 6, 9, "   \uFEF2\uFEE0\uFECB|hello!|", "   " RLI "علي" PDI LRM "|hello!|"},
	{19, "שלום\nעולם", 6, 8, "  םולש|  םלוע|", "  " RLI "שלום" PDI LRM "|  " RLI "עולם" PDI LRM "|"},
	{20, "ראו https://a.b/c?x=1 עכשיו", 29, 27, "  וישכע https://a.b/c?x=1 ואר|",
	 "  " RLI "ראו https://a.b/c?x=1 עכשיו" PDI LRM "|"},
	{21, "👨\u200D👩\u200D👧", 80, 2, "👨\u200D👩\u200D👧|", NULL},
	{22, "👍🏽", 80, 2, "👍🏽|", NULL},
	{23, "🇯🇵", 80, 2, "🇯🇵|", NULL},
	{23, "🇯🇵🇩", 80, 3, "🇯🇵🇩|", NULL},
	{24, "❤\uFE0F", 80, 1, "❤\uFE0F|", NULL},
	{25, "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F", 80, 2,
	 "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F|", NULL},
	{26, "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307", 80, 1, "a\u0300\u0301\u0302\u0303|", NULL},
	{27, "これは「テスト」です。", 8, 22, "これは|「テス|ト」で|す。|", NULL},
	{28, "a\033]0;t\a\033[2J", 80, 11, "a␛]0;t␇␛[2J|", NULL},
	{29, "a\u202Etxt.exe", 80, 16, "a<U+202E>txt.exe|", NULL},
	{30, "\xC3(", 80, 2, "\uFFFD(|", NULL},
	/* Persian and Urdu: letters that Arabic has not, joined as the others. */
	{0, "پارسی", 7, 5, "  \uFBFD\uFEB3\uFEAD\uFE8E\uFB58|", "  " RLI "پارسی" PDI LRM "|"},
	{0, "چگونه ژرف", 11, 9, "  \uFED1\uFEAD\uFB8A \uFEEA\uFEE7\uFEEE\uFB95\uFB7C|",
	 "  " RLI "چگونه ژرف" PDI LRM "|"},
	{0, "لڑکے ہیں ٹ", 12, 10, "  \uFB66 \uFB9F\uFBFF\uFBA8 \uFBAF\uFB90\uFB8D\uFEDF|",
	 "  " RLI "لڑکے ہیں ٹ" PDI LRM "|"},
	{0, "می\u200Cخواهم", 9, 7, "  \uFEE2\uFEEB\uFE8D\uFEEE\uFEA7\uFBFD\uFEE3|",
	 "  " RLI "می\u200Cخواهم" PDI LRM "|"},
	/* Lam-alef keeps the marks of both its letters. */
	{0, "لِإَ", 3, 1, "  \uFEF9\u0650\u064E|", NULL},
	/* Brackets are mirrored, and numbers keep their own order. */
	{0, "(א[ב]{ג}<ד>)", 14, 12, "  (<ד>{ג}[ב]א)|", "  " RLI "(א[ב]{ג}<ד>)" PDI LRM "|"},
	{0, "טלפון: 03-123-4567.", 21, 19, "  .03-123-4567 :ןופלט|", "  " RLI "טלפון: 03-123-4567." PDI LRM "|"},
	{0, "עלה ב-12.5% ל-$3,000", 22, 20, "  $3,000-ל 12.5%-ב הלע|", "  " RLI "עלה ב-12.5% ל-$3,000" PDI LRM "|"},
	/* What an isolate holds is in an order of its own: code with its marks, in either direction. */
	{0, "הרץ " LRI "./a.sh -x/" PDI " כאן", 20, 18, "  ןאכ ./a.sh -x/ ץרה|",
	 "  " RLI "הרץ " LRI "./a.sh -x/" PDI " כאן" PDI LRM "|"},
	{0, "run " RLI "א -b!" PDI " now", 80, 13, "run !b- א now|", "run " RLI "א -b!" PDI " now" LRM "|"},
	/* A right-to-left row among others, wrapped: each row is ordered by itself. */
	{0, "שלום abc def עולם", 9, 16, " abc םולש| םלוע def|", NULL},
};
enum { ACCEPTANCE_CASES = sizeof(acceptance_cases) / sizeof(acceptance_cases[0]) };

#endif
