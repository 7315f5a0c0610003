/* Sources of the expressions: the tokenizer.json (pre_tokenizer) of each model, tekken.json (pattern) of Mistral.
 *
 * A family is one or more stages. Each stage cuts every fragment of the stage before into its matches and the gaps
 * between them, and sees nothing outside the fragment: a look-ahead finds the fragment's end. */
#include "pretokenizer.h"
#include "unicode_classes.h"

#include <string.h>
#include <strings.h>

/* Where a matcher stands in its fragment. */
struct cursor {
	const char *text;
	size_t start, end;
};

struct character {
	uint32_t cp;
	enum unicode_class class;
	bool space;
	size_t len; /* 0: the fragment's end */
};

/* The end of a match that starts at `at`, or `at` when there is none. */
typedef size_t matcher(const struct cursor *, size_t at);

struct pretokenizer {
	const char *name;
	matcher *stage[PRETOKENIZER_STAGES];
	bool ignores_merges, adds_bos;
};

/* --- Characters ------------------------------------------------------------------ */

static struct character look(const struct cursor *c, size_t at)
{
	struct character out = {.class = UNICODE_CONTROL};
	if (at >= c->end)
		return out;
	out.len = unicode_decode(c->text + at, c->end - at, &out.cp);
	out.class = unicode_class(out.cp);
	out.space = unicode_is_space(out.cp);
	return out;
}

static bool is_newline(struct character ch)
{
	return ch.len && (ch.cp == '\n' || ch.cp == '\r');
}

static bool is_letter(struct character ch)
{
	return ch.len && unicode_is_letter(ch.class);
}

static bool is_number(struct character ch)
{
	return ch.len && ch.class == UNICODE_NUMBER;
}

static bool is_punct(struct character ch)
{
	return ch.len && ch.class == UNICODE_PUNCT;
}

static bool is_mark(struct character ch)
{
	return ch.len && (ch.class == UNICODE_MN || ch.class == UNICODE_MARK);
}

/* [^\s\p{L}\p{N}] */
static bool is_other(struct character ch)
{
	return ch.len && !ch.space && !unicode_is_letter(ch.class) && ch.class != UNICODE_NUMBER;
}

typedef bool predicate(struct character);

static size_t run_of(const struct cursor *c, size_t at, predicate *is)
{
	for (struct character ch = look(c, at); is(ch); ch = look(c, at))
		at += ch.len;
	return at;
}

/* --- Pieces of expressions that families share -------------------------------------- */

/* 's 't 're 've 'm 'll 'd; with fold in any case, where s has the long s too. */
static size_t match_contraction(const struct cursor *c, size_t at, bool fold)
{
	static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
	if (at >= c->end || c->text[at] != '\'')
		return at;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t len = strlen(endings[i]);
		if (c->end - at - 1 < len)
			continue;
		const char *text = c->text + at + 1;
		if (fold ? !strncasecmp(text, endings[i], len) : !memcmp(text, endings[i], len))
			return at + 1 + len;
	}
	if (fold && c->end - at >= 3 && !memcmp(c->text + at + 1, "\xC5\xBF", 2))
		return at + 3;
	return at;
}

/* " ?X+" */
static size_t match_spaced(const struct cursor *c, size_t at, predicate *is)
{
	size_t from = at < c->end && c->text[at] == ' ' ? at + 1 : at;
	size_t to = run_of(c, from, is);
	return to > from ? to : at;
}

/* "\s?X+" */
static size_t match_any_spaced(const struct cursor *c, size_t at, predicate *is)
{
	struct character ch = look(c, at);
	size_t from = ch.space ? at + ch.len : at;
	size_t to = run_of(c, from, is);
	return to > from ? to : at;
}

/* The run of white space at `at`: its end, its last character and the end of its last line break. */
struct space_run {
	size_t end, last, newline;
};

static struct space_run measure_space(const struct cursor *c, size_t at)
{
	struct space_run run = {at, at, at};
	for (struct character ch = look(c, at); ch.space; ch = look(c, run.end)) {
		run.last = run.end;
		run.end += ch.len;
		if (is_newline(ch))
			run.newline = run.end;
	}
	return run;
}

/* "\s+(?!\S)|\s+": white space up to what precedes a word, which keeps its own. */
static size_t match_space(const struct cursor *c, size_t at)
{
	struct space_run run = measure_space(c, at);
	return run.end < c->end && run.last > at ? run.last : run.end;
}

/* "\s*[\r\n]+|\s+(?!\S)|\s+" */
static size_t match_space_by_lines(const struct cursor *c, size_t at)
{
	struct space_run run = measure_space(c, at);
	if (run.newline > at)
		return run.newline;
	return run.end < c->end && run.last > at ? run.last : run.end;
}

/* "[^\r\n\p{L}\p{N}]?": where a word may begin behind one leading character. */
static size_t skip_leader(const struct cursor *c, size_t at)
{
	struct character ch = look(c, at);
	return ch.len && !is_newline(ch) && !is_letter(ch) && !is_number(ch) ? at + ch.len : at;
}

/* --- GPT-2: '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ --- */

static size_t match_gpt2(const struct cursor *c, size_t at)
{
	size_t to = match_contraction(c, at, false);
	if (to == at)
		to = match_spaced(c, at, is_letter);
	if (to == at)
		to = match_spaced(c, at, is_number);
	if (to == at)
		to = match_spaced(c, at, is_other);
	return to > at ? to : match_space(c, at);
}

/* \p{N}: StarCoder, SmolLM, Refact and Command R cut digits apart first. */
static size_t match_digit(const struct cursor *c, size_t at)
{
	struct character ch = look(c, at);
	return is_number(ch) ? at + ch.len : at;
}

/* --- Llama 3 and Qwen 2 ----------------------------------------------------------- *
 * (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * Qwen 2 has \p{N} alone. */

static size_t match_digits(const struct cursor *c, size_t at, int most)
{
	for (struct character ch = look(c, at); most > 0 && is_number(ch); ch = look(c, at), most--)
		at += ch.len;
	return at;
}

static size_t match_tail(const struct cursor *c, size_t at, bool slash)
{
	size_t to = match_spaced(c, at, is_other);
	if (to == at)
		return match_space_by_lines(c, at);
	while (to < c->end && (c->text[to] == '\r' || c->text[to] == '\n' || (slash && c->text[to] == '/')))
		to++;
	return to;
}

static size_t match_modern(const struct cursor *c, size_t at, int digits)
{
	size_t to = match_contraction(c, at, true);
	if (to > at)
		return to;
	size_t from = skip_leader(c, at);
	to = run_of(c, from, is_letter);
	if (to > from)
		return to;
	to = match_digits(c, at, digits);
	return to > at ? to : match_tail(c, at, false);
}

static size_t match_llama3(const struct cursor *c, size_t at)
{
	return match_modern(c, at, 3);
}

static size_t match_qwen2(const struct cursor *c, size_t at)
{
	return match_modern(c, at, 1);
}

/* --- Tekken ------------------------------------------------------------------------ *
 * [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+
 * |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*
 * |\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+ */

static bool is_caseless(struct character ch)
{
	return ch.len && (ch.class == UNICODE_LM || ch.class == UNICODE_LO || is_mark(ch));
}

static bool is_upper(struct character ch)
{
	return is_caseless(ch) || (ch.len && (ch.class == UNICODE_LU || ch.class == UNICODE_LT));
}

static bool is_lower(struct character ch)
{
	return is_caseless(ch) || (ch.len && ch.class == UNICODE_LL);
}

/* [upper]*[lower]+: where lower letters do not follow the upper run, the expression gives back letters until the
 * last that is both. */
static size_t match_upper_lower(const struct cursor *c, size_t at)
{
	size_t both = at, end = at;
	for (struct character ch = look(c, end); is_upper(ch); ch = look(c, end)) {
		end += ch.len;
		if (is_lower(ch))
			both = end;
	}
	size_t to = run_of(c, end, is_lower);
	return to > end ? to : both;
}

/* [upper]+[lower]* */
static size_t match_upper(const struct cursor *c, size_t at)
{
	size_t end = run_of(c, at, is_upper);
	return end > at ? run_of(c, end, is_lower) : at;
}

static size_t match_tekken(const struct cursor *c, size_t at)
{
	size_t from = skip_leader(c, at);
	size_t to = match_upper_lower(c, from);
	if (to > from)
		return to;
	to = match_upper_lower(c, at); /* a mark can be the leader or the word's first letter */
	if (to > at)
		return to;
	to = match_upper(c, from);
	if (to > from)
		return to;
	to = match_digits(c, at, 1);
	return to > at ? to : match_tail(c, at, true);
}

/* --- DeepSeek ------------------------------------------------------------------------ */

static size_t match_newline(const struct cursor *c, size_t at)
{
	return at < c->end && (c->text[at] == '\r' || c->text[at] == '\n') ? at + 1 : at;
}

/* The cased letters that DeepSeek LLM's expression lists one by one: ranges, both ends included. */
static bool is_cased_letter(struct character ch)
{
	static const uint32_t ranges[][2] = {
		/* clang-format off */
		{0x41, 0x5A}, {0x61, 0x7A}, {0xB5, 0xB5}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x1BA},
		{0x1BC, 0x1BF}, {0x1C4, 0x293}, {0x295, 0x2AF}, {0x370, 0x373}, {0x376, 0x376}, {0x377, 0x377},
		{0x37B, 0x37D}, {0x37F, 0x37F}, {0x386, 0x386}, {0x388, 0x38A}, {0x38C, 0x38C}, {0x38E, 0x3A1},
		{0x3A3, 0x3F5}, {0x3F7, 0x481}, {0x48A, 0x52F}, {0x531, 0x556}, {0x10A0, 0x10C5},
		{0x13A0, 0x13F5}, {0x13F8, 0x13FD}, {0x1C90, 0x1CBA}, {0x1CBD, 0x1CBF}, {0x1D00, 0x1D2B},
		{0x1D6B, 0x1D77}, {0x1D79, 0x1D9A}, {0x1E00, 0x1F15}, {0x1F18, 0x1F1D}, {0x1F20, 0x1F45},
		{0x1F48, 0x1F4D}, {0x1F50, 0x1F57}, {0x1F59, 0x1F59}, {0x1F5B, 0x1F5B}, {0x1F5D, 0x1F5D},
		{0x1F5F, 0x1F7D}, {0x1F80, 0x1FB4}, {0x1FB6, 0x1FBC}, {0x1FBE, 0x1FBE}, {0x1FC2, 0x1FC4},
		{0x1FC6, 0x1FCC}, {0x1FD0, 0x1FD3}, {0x1FD6, 0x1FDB}, {0x1FE0, 0x1FEC}, {0x1FF2, 0x1FF4},
		{0x1FF6, 0x1FFC}, {0x2102, 0x2102}, {0x2107, 0x2107}, {0x210A, 0x2113}, {0x2115, 0x2115},
		{0x2119, 0x211D}, {0x2124, 0x2124}, {0x2126, 0x2126}, {0x2128, 0x2128}, {0x212A, 0x212D},
		{0x212F, 0x2134}, {0x2139, 0x2139}, {0x213C, 0x213F}, {0x2145, 0x2149}, {0x214E, 0x214E},
		{0x2183, 0x2183}, {0x2184, 0x2184}, {0x2C00, 0x2C7B}, {0x2C7E, 0x2CE4}, {0x2CEB, 0x2CEE},
		{0x2CF2, 0x2CF2}, {0x2CF3, 0x2CF3}, {0xA640, 0xA66D}, {0xA680, 0xA69B}, {0xA722, 0xA76F},
		{0xA771, 0xA787}, {0xA78B, 0xA78E}, {0xAB70, 0xABBF}, {0xFB00, 0xFB06}, {0xFB13, 0xFB17},
		{0xFF21, 0xFF3A}, {0xFF41, 0xFF5A}, {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB},
		{0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
		/* clang-format on */
	};
	if (!ch.len)
		return false;
	for (size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]); low < high;) {
		size_t mid = low + (high - low) / 2;
		if (ch.cp < ranges[mid][0])
			high = mid;
		else if (ch.cp > ranges[mid][1])
			low = mid + 1;
		else
			return true;
	}
	return false;
}

/* [!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002] */
static bool is_listed_punct(struct character ch)
{
	uint32_t cp = ch.cp;
	return ch.len &&
	       ((cp >= '!' && cp <= '/') || (cp >= ':' && cp <= '~') || (cp >= 0xFF01 && cp <= 0xFF0F) ||
		(cp >= 0xFF1A && cp <= 0xFF5E) || (cp >= 0x2018 && cp <= 0x201F) || (cp >= 0x3000 && cp <= 0x3002));
}

/* [\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF] */
static bool is_east_asian(struct character ch)
{
	return ch.len && ((ch.cp >= 0x0800 && ch.cp <= 0x9FA5) || (ch.cp >= 0xAC00 && ch.cp <= 0xD7FF));
}

static size_t match_cased_word(const struct cursor *c, size_t at)
{
	return match_any_spaced(c, at, is_cased_letter);
}

static size_t match_listed_punct(const struct cursor *c, size_t at)
{
	return match_any_spaced(c, at, is_listed_punct);
}

static size_t match_word(const struct cursor *c, size_t at)
{
	return match_any_spaced(c, at, is_letter);
}

static size_t match_punct(const struct cursor *c, size_t at)
{
	return match_any_spaced(c, at, is_punct);
}

static size_t match_east_asian(const struct cursor *c, size_t at)
{
	return run_of(c, at, is_east_asian);
}

static size_t match_number(const struct cursor *c, size_t at)
{
	return run_of(c, at, is_number);
}

static bool follows_space(const struct cursor *c, size_t at)
{
	size_t before = at;
	while (before > c->start && at - before < 4) {
		before--;
		if (((unsigned char)c->text[before] & 0xC0) != 0x80)
			break;
	}
	struct character ch = look(c, before);
	return before < at && ch.space && before + ch.len == at;
}

/* "\s+$". A run is measured at its first character only, so that a long one in the middle costs its length once. */
static size_t match_trailing_space(const struct cursor *c, size_t at)
{
	if (follows_space(c, at))
		return at;
	struct space_run run = measure_space(c, at);
	return run.end == c->end ? run.end : at;
}

/* --- Falcon --------------------------------------------------------------------------- */

/* [\p{P}$+<=>^~|`] */
static bool is_falcon_punct(struct character ch)
{
	return is_punct(ch) || (ch.len && ch.cp < 0x80 && ch.class == UNICODE_SYMBOL);
}

static size_t match_falcon_punct(const struct cursor *c, size_t at)
{
	return run_of(c, at, is_falcon_punct);
}

/* [0-9][0-9][0-9] */
static size_t match_three_digits(const struct cursor *c, size_t at)
{
	if (c->end - at < 3)
		return at;
	for (size_t i = at; i < at + 3; i++)
		if (c->text[i] < '0' || c->text[i] > '9')
			return at;
	return at + 3;
}

/* --- The table ------------------------------------------------------------------------ */

static const struct pretokenizer families[] = {
	{"gpt-2", {match_gpt2}, false, false},
	{"llama-bpe", {match_llama3}, true, true},
	{"llama-regex", {match_llama3}, false, false},
	{"qwen2", {match_qwen2}, false, false},
	{"tekken", {match_tekken}, true, true},
	{"starcoder", {match_digit, match_gpt2}, false, false},
	{"falcon", {match_falcon_punct, match_gpt2, match_three_digits}, false, false},
	{"deepseek-llm",
	 {match_newline, match_cased_word, match_listed_punct, match_trailing_space, match_east_asian, match_number},
	 false,
	 false},
	{"deepseek-coder", {match_newline, match_word, match_punct, match_east_asian, match_digit}, false, false},
};

/* Names that files carry, and the family that splits like them. */
static const char *const names[][2] = {
	{"gpt-2", "gpt-2"},
	{"mpt", "gpt-2"},
	{"olmo", "gpt-2"},
	{"phi-2", "gpt-2"},
	{"jais", "gpt-2"},
	{"jina-es", "gpt-2"},
	{"jina-de", "gpt-2"},
	{"jina-v1-en", "gpt-2"},
	{"jina-v2-es", "gpt-2"},
	{"jina-v2-de", "gpt-2"},
	{"jina-v2-code", "gpt-2"},
	{"roberta-bpe", "gpt-2"},
	{"modern-bert", "gpt-2"},
	{"mellum", "gpt-2"},
	{"gigachat", "gpt-2"},
	{"a.x-4.0", "gpt-2"},
	{"llama-bpe", "llama-bpe"},
	{"llama3", "llama-bpe"},
	{"llama-v3", "llama-bpe"},
	{"falcon3", "llama-bpe"},
	{"pixtral", "llama-bpe"},
	{"lfm2", "llama-bpe"},
	{"dbrx", "llama-regex"},
	{"smaug-bpe", "llama-regex"},
	{"qwen2", "qwen2"},
	{"deepseek-r1-qwen", "qwen2"},
	{"megrez", "qwen2"},
	{"stablelm2", "qwen2"},
	{"tekken", "tekken"},
	{"starcoder", "starcoder"},
	{"refact", "starcoder"},
	{"command-r", "starcoder"},
	{"smollm", "starcoder"},
	{"codeshell", "starcoder"},
	{"exaone", "starcoder"},
	{"minerva-7b", "starcoder"},
	{"falcon", "falcon"},
	{"deepseek-llm", "deepseek-llm"},
	{"deepseek-coder", "deepseek-coder"},
};

static const struct pretokenizer *find_family(const char *name)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (!strcmp(families[i].name, name))
			return &families[i];
	return NULL;
}

const struct pretokenizer *pretokenizer_named(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i][0]) == len && !memcmp(names[i][0], name, len))
			return find_family(names[i][1]);
	return NULL;
}

const char *pretokenizer_name(const struct pretokenizer *pre)
{
	return pre->name;
}

bool pretokenizer_ignores_merges(const struct pretokenizer *pre)
{
	return pre->ignores_merges;
}

bool pretokenizer_adds_bos(const struct pretokenizer *pre)
{
	return pre->adds_bos;
}

/* --- Walking ---------------------------------------------------------------------------- */

void pretokenizer_start(struct pretokenizer_walk *walk, const struct pretokenizer *pre, const char *text, size_t len)
{
	*walk = (struct pretokenizer_walk){.pre = pre, .text = text};
	walk->stage[0].end = len;
}

/* The next piece of this stage's fragment, a gap or a match; at < end. */
static void next_piece(const struct pretokenizer_walk *walk, int number, struct pretokenizer_span *span, size_t *from,
		       size_t *to)
{
	struct cursor c = {walk->text, span->start, span->end};
	*from = span->at;
	if (span->from < span->to) {
		*to = span->to;
		span->from = span->to = 0;
	} else {
		size_t at = span->at, match = at;
		while (at < span->end && (match = walk->pre->stage[number](&c, at)) == at)
			at += look(&c, at).len;
		if (at > span->at && at < span->end) {
			span->from = at;
			span->to = match;
		}
		*to = at > span->at ? at : match;
	}
	span->at = *to;
}

bool pretokenizer_next(struct pretokenizer_walk *walk, size_t *start, size_t *end)
{
	int last = 0, stage;
	while (last + 1 < PRETOKENIZER_STAGES && walk->pre->stage[last + 1])
		last++;
	for (stage = last; stage >= 0 && walk->stage[stage].at == walk->stage[stage].end; stage--)
		;
	if (stage < 0)
		return false;
	for (;; stage++) {
		struct pretokenizer_span *span = &walk->stage[stage];
		next_piece(walk, stage, span, start, end);
		if (stage == last)
			return true;
		walk->stage[stage + 1] = (struct pretokenizer_span){.start = *start, .at = *start, .end = *end};
	}
}
