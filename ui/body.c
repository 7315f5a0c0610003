#include "body.h"
#include "formula.h"
#include "inline.h"
#include "unfinished.h"

#include <stdlib.h>
#include <string.h>

/* Chunks at the end that text to come may still change: see markdown.h. */
enum { UNSETTLED = 3, ROOM_MIN = 12 };
enum { QUOTE_WIDTH = 2 };
enum { FOLD_LONG = 12, FOLD_SHOWN = 4 };
enum { GUESS_LINES = 30 }; /* of code that says nothing about its language before we stop asking */

static void free_chunk(struct body_chunk *chunk)
{
	pieces_free(&chunk->pieces);
	table_shape_free(&chunk->shape);
}

static void drop(struct body *b, int count)
{
	while (b->count > count)
		free_chunk(&b->chunks[--b->count]);
	if (b->laid > count)
		b->laid = count;
}

void body_free(struct body *b)
{
	drop(b, 0);
	free(b->chunks);
	free(b->folds);
	*b = (struct body){.mode = b->mode, .attachments = b->attachments};
}

void body_rescan(struct body *b)
{
	drop(b, 0);
	b->rows = b->blocks = 0;
}

static struct body_chunk *add_chunk(struct body *b)
{
	if (b->count == b->size) {
		b->size = b->size ? b->size * 2 : 8;
		b->chunks = xreallocarray(b->chunks, (size_t)b->size, sizeof(*b->chunks));
	}
	b->chunks[b->count] = (struct body_chunk){0};
	return &b->chunks[b->count++];
}

static bool same(const struct markdown_chunk *a, const struct markdown_chunk *b)
{
	return a->kind == b->kind && a->start == b->start && a->end == b->end && a->indent == b->indent &&
	       a->quote == b->quote && a->inner == b->inner && a->ordinal == b->ordinal && a->block == b->block &&
	       a->blank_before == b->blank_before;
}

/* --- Attached files ------------------------------------------------------------------------ */

/* The end of the line that pos is in. */
static size_t line_end(const char *text, size_t len, size_t pos)
{
	const char *newline = pos < len ? memchr(text + pos, '\n', len - pos) : NULL;
	return newline ? (size_t)(newline - text) : len;
}

static const char *named_language(const struct body_chunk *fence, const char *text, size_t *len)
{
	const char *line = text + fence->at.start;
	size_t line_len = fence->at.end - fence->at.start, margin = markdown_margin(line, line_len, &fence->at);
	return markdown_language(line + margin, line_len - margin, len);
}

/* The name that ends the line before the fence, as source_fence() writes it; NULL: there is none, or its ending is not
 * the fence's language. */
static const char *file_name(const struct body_chunk *fence, const char *text, size_t *len)
{
	size_t end = fence->at.start, start, language_len;
	const char *language = named_language(fence, text, &language_len), *dot = NULL;
	if (end < 3 || text[end - 1] != '\n' || text[end - 2] != ':')
		return NULL;
	end -= 2;
	for (start = end; start && text[start - 1] != '\n'; start--)
		if (!dot && text[start - 1] == '/')
			dot = text + end;
		else if (!dot && text[start - 1] == '.')
			dot = text + start;
	const char *ending = dot && dot > text + start + 1 ? dot : text + end;
	size_t ending_len = (size_t)(text + end - ending);
	bool spaced = memchr(text + start, ' ', end - start);
	if (start == end || ending_len != language_len || memcmp(ending, language, language_len) != 0 ||
	    (!ending_len && spaced) || start < 2 || text[start - 2] != '\n')
		return NULL;
	*len = end - start;
	return text + start;
}

/* What a program has said stands there without a name, behind the command. */
static const char *command_name(const struct body_chunk *fence, const char *text, size_t text_len, size_t *len)
{
	size_t start = fence->at.end + 1, end = line_end(text, text_len, start), named, at = fence->at.start;
	named_language(fence, text, &named);
	if (named || start + 2 >= text_len || memcmp(text + start, "$ ", 2) != 0 || at < 2 || text[at - 2] != '\n')
		return NULL;
	*len = end - start;
	return text + start;
}

static const char *attached_name(const struct body_chunk *fence, const char *text, size_t text_len, size_t *len)
{
	const char *name = file_name(fence, text, len);
	return name ? name : command_name(fence, text, text_len, len);
}

/* --- What is folded ------------------------------------------------------------------------ */

static struct body_block *block_of(struct body *b, int number)
{
	while (b->fold_count < number) {
		b->folds = xreallocarray(b->folds, (size_t)b->fold_count + 1, sizeof(*b->folds));
		b->folds[b->fold_count++] = (struct body_block){0};
	}
	return &b->folds[number - 1];
}

static enum body_fold fold_of(const struct body *b, int number)
{
	if (number > b->fold_count)
		return BODY_FOLD_LIKE_ALL;
	return b->folds[number - 1].peeked ? BODY_UNFOLDED : b->folds[number - 1].fold;
}

/* Whether the chunk belongs to an attached file that is one row. */
static bool is_shut(const struct body *b, const struct body_chunk *chunk)
{
	const struct body_chunk *fence = chunk;
	if (chunk->at.kind == MARKDOWN_CODE || chunk->at.kind == MARKDOWN_FENCE_CLOSE)
		return chunk > b->chunks && chunk[-1].shut;
	if (chunk->at.kind == MARKDOWN_LINE && ++fence == b->chunks + b->count)
		return false;
	if (fence->at.kind != MARKDOWN_FENCE_OPEN || !fence->attached || fold_of(b, fence->at.block) == BODY_UNFOLDED)
		return false;
	return fence == chunk || fence->named;
}

/* --- Chunks --------------------------------------------------------------------------------- */

void body_update(struct body *b, const char *text, size_t len)
{
	int first = b->count > UNSETTLED ? b->count - UNSETTLED : 0, old_count = b->count - first;
	struct body_chunk old[UNSETTLED];
	struct markdown_state state = {0};
	size_t pos = 0;
	memcpy(old, b->chunks ? b->chunks + first : old, (size_t)old_count * sizeof(*old));
	if (old_count) {
		state = old[0].before;
		pos = first ? b->chunks[first - 1].at.end : 0;
		pos += first && pos < len && text[pos] == '\n';
	}
	b->count = first;
	b->laid = b->laid < first ? b->laid : first;
	struct markdown_state before = state;
	struct markdown_chunk at;
	enum markdown_known known = b->mode == BODY_MARKDOWN ? MARKDOWN_ALL
				    : b->mode == BODY_TYPED  ? MARKDOWN_FENCES
							     : MARKDOWN_LINES;
	while (markdown_next(&state, text, len, known, &pos, &at)) {
		int i = b->count - first;
		struct body_chunk *chunk = add_chunk(b);
		/* A chunk that stands as it did, and does not end where the text grows, keeps its rows. */
		if (i < old_count && same(&old[i].at, &at) && at.end < len && i < old_count - 1) {
			*chunk = old[i];
			old[i] = (struct body_chunk){0};
		}
		chunk->at = at;
		chunk->before = before;
		if (b->attachments && at.kind == MARKDOWN_FENCE_OPEN) {
			size_t name_len;
			chunk->named = file_name(chunk, text, &name_len) != NULL;
			chunk->attached = attached_name(chunk, text, len, &name_len) != NULL;
		}
		before = state;
	}
	for (int i = 0; i < old_count; i++)
		free_chunk(&old[i]);
	b->blocks = state.blocks;
}

void body_close(struct body *b)
{
	if (!b->open)
		return;
	b->open = false;
	if (b->count) {
		free_chunk(&b->chunks[b->count - 1]);
		b->chunks[b->count - 1].laid = false;
		b->laid = b->laid < b->count - 1 ? b->laid : b->count - 1;
	}
}

void body_unlay(struct body *b)
{
	b->laid = 0;
	for (int i = 0; i < b->count; i++) {
		free_chunk(&b->chunks[i]);
		b->chunks[i].laid = false;
	}
}

/* --- Sources ---------------------------------------------------------------------------- */

/* The chunk's lines without the indentation and the marks of quotes they stand behind. */
static void take_source(const struct body_chunk *chunk, const char *text, struct buffer *out)
{
	size_t at = chunk->at.start;
	while (at < chunk->at.end) {
		const char *newline = memchr(text + at, '\n', chunk->at.end - at);
		size_t end = newline ? (size_t)(newline - text) : chunk->at.end;
		if (!at || text[at - 1] == '\n') /* not the rest of a line that was cut */
			at += markdown_margin(text + at, end - at, &chunk->at);
		for (; at < end; at++) {
			/* A lone return would end a line for cmark alone. */
			if (text[at] != '\r')
				buffer_append(out, text + at, 1);
			else if (at + 1 < end)
				buffer_puts(out, "␍");
		}
		if (newline)
			buffer_puts(out, "\n");
		at = end + 1;
	}
}

static bool at_the_end(const struct body *b, const struct body_chunk *chunk)
{
	return b->open && chunk == &b->chunks[b->count - 1];
}

/* --- Laying out --------------------------------------------------------------------------- */

static enum layout_direction direction_before(const struct body *b, const struct body_chunk *chunk)
{
	return chunk > b->chunks ? chunk[-1].direction : LAYOUT_AUTO;
}

static void keep_direction(const struct body *b, struct body_chunk *chunk)
{
	const struct pieces *pieces = &chunk->pieces;
	chunk->direction = direction_before(b, chunk);
	for (int i = 0; i < pieces->count && chunk->at.block == 0; i++)
		if (pieces->list[i].kind == PIECE_TEXT)
			chunk->direction = pieces->list[i].rtl ? LAYOUT_RTL : LAYOUT_LTR;
}

static struct prose_options prose_options(const struct body_chunk *chunk, const struct body_options *o)
{
	return (struct prose_options){
		.tr = o->tr,
		.bidi = o->bidi,
		.width = o->width,
		.hyperlinks = o->hyperlinks,
		.indent = o->width - chunk->at.indent >= ROOM_MIN ? chunk->at.indent : 0,
		.ordinal = chunk->at.ordinal,
	};
}

/* A line of a quote with nothing in it. */
static bool is_quote_space(const char *line, size_t len)
{
	size_t stop = strcspn(line, "\n"), end = stop < len ? stop : len;
	return memchr(line, '>', end) && strspn(line, " \t>\r") >= end;
}

/* The bars of the quotes that code stands in. */
static void mark_quotes(struct piece *piece, const struct markdown_chunk *code, int column)
{
	for (int i = 0; i < code->quote; i++)
		piece_mark(piece, column + i * QUOTE_WIDTH, STYLE_QUOTE, true, "│");
}

/* The marks of the items that begin on the line that opens code, and the bars of quotes. */
static void mark_items(struct piece *piece, const struct body_chunk *fence, const char *text,
		       const struct body_options *o)
{
	struct prose_options options = prose_options(fence, o);
	struct pieces pieces = {0};
	size_t bytes;
	options.indent = markdown_indent(text + fence->at.start, fence->at.lead, &bytes);
	char *item = xasprintf("%.*s.", (int)(fence->at.lead - bytes), text + fence->at.start + bytes);
	prose_render(&options, item, strlen(item), &pieces);
	for (int i = 0; pieces.count && i < pieces.list[0].mark_count; i++) {
		const struct mark *mark = &pieces.list[0].marks[i];
		piece_mark(piece, mark->column, mark->style, mark->every, mark->text);
	}
	pieces_free(&pieces);
	free(item);
}

static void add_quote_space(struct pieces *pieces, const struct markdown_chunk *code, const struct body_options *o)
{
	bool room = o->width - code->indent - code->quote * QUOTE_WIDTH >= ROOM_MIN;
	struct piece *piece = pieces_add(pieces, PIECE_SPACE);
	piece->indent = room ? code->indent + code->quote * QUOTE_WIDTH : 0;
	if (room)
		mark_quotes(piece, code, code->indent);
}

/* A quote goes on with an empty line right before its code. */
static bool space_before(const struct body_chunk *fence, const char *text)
{
	size_t at = fence->at.start;
	if (at < 2 || !fence->at.quote || fence->at.blank_before)
		return false;
	for (at--; at && text[at - 1] != '\n'; at--)
		;
	return at && is_quote_space(text + at, fence->at.start - 1 - at);
}

static void lay_text(struct body *b, struct body_chunk *chunk, const char *text, size_t len,
		     const struct body_options *o)
{
	struct prose_options options = prose_options(chunk, o);
	options.before = direction_before(b, chunk);
	struct buffer source = {0};
	bool behind_code = chunk > b->chunks && chunk[-1].at.quote && !chunk->at.blank_before;
	take_source(chunk, text, &source);
	if (behind_code && source.len && is_quote_space(source.data, source.len)) {
		bool alone = strspn(source.data, " \t>\n") == source.len;
		if (!alone)
			add_quote_space(&chunk->pieces, &chunk[-1].at, o);
		source.len = alone ? 0 : source.len;
	}
	formula_escape(&source, at_the_end(b, chunk), o->bidi != I18N_BIDI_OFF);
	if (at_the_end(b, chunk))
		unfinished_text(&source, chunk->at.end == len);
	if (source.len)
		prose_render(&options, source.data, source.len, &chunk->pieces);
	buffer_free(&source);
}

static void lay_table(struct body *b, struct body_chunk *chunk, const char *text, size_t len,
		      const struct body_options *o)
{
	struct prose_options options = prose_options(chunk, o);
	struct buffer source = {0};
	take_source(chunk, text, &source);
	formula_escape(&source, at_the_end(b, chunk), o->bidi != I18N_BIDI_OFF);
	if (at_the_end(b, chunk))
		unfinished_table(&source, chunk->at.end == len);
	if (source.len)
		table_render(&options, source.data, source.len, &chunk->shape, false, &chunk->pieces);
	buffer_free(&source);
}

/* More rows of a table are parsed under its head, and laid out in its columns. */
static void lay_more_rows(struct body *b, struct body_chunk *chunk, const char *text, size_t len,
			  const struct body_options *o)
{
	struct body_chunk *head = chunk;
	struct buffer source = {0};
	while (head > b->chunks && head->at.kind != MARKDOWN_TABLE)
		head--;
	struct prose_options options = prose_options(head, o);
	take_source(head, text, &source);
	const char *second = source.len ? memchr(source.data, '\n', source.len) : NULL;
	const char *third = second ? strchr(second + 1, '\n') : NULL;
	if (third) {
		source.len = (size_t)(third + 1 - source.data);
		source.data[source.len] = '\0';
	}
	struct body_chunk rows = *chunk;
	rows.at.indent = head->at.indent;
	take_source(&rows, text, &source);
	formula_escape(&source, at_the_end(b, chunk), o->bidi != I18N_BIDI_OFF);
	if (at_the_end(b, chunk))
		unfinished_table(&source, chunk->at.end == len);
	table_render(&options, source.data, source.len, &head->shape, true, &chunk->pieces);
	buffer_free(&source);
}

struct colouring {
	struct rich *line;
	const char *source;
	size_t done;
};

static void color_word(void *arg, size_t start, size_t end, enum style style)
{
	struct colouring *c = arg;
	rich_add(c->line, c->source + c->done, start - c->done, STYLE_CODE, 0);
	rich_add(c->line, c->source + start, end - start, style, 0);
	c->done = end;
}

/* A line of code, coloured on from where the line before it ended. */
static void color_line(const struct body *b, struct body_chunk *chunk, const char *source, size_t len,
		       struct rich *line)
{
	struct colouring c = {line, source, 0};
	bool diff = b->mode == BODY_DIFF;
	chunk->language = diff ? highlight_language("diff", 4) : chunk[-1].language;
	chunk->after = diff ? (struct highlight_state){0} : chunk[-1].after;
	if (chunk->language)
		highlight_line(chunk->language, &chunk->after, source, len, color_word, &c);
	rich_add(line, source + c.done, len - c.done, STYLE_CODE, 0);
}

static void name_language(struct body_chunk *fence, const char *text)
{
	size_t len;
	const char *name = named_language(fence, text, &len);
	if (!fence->language)
		fence->language = highlight_language(name, len);
	fence->unnamed = len == 0;
	fence->after = (struct highlight_state){0};
}

/* Lines of code and fences keep their place: what the fence is indented by goes. */
static void lay_line(struct body *b, struct body_chunk *chunk, const char *text, size_t len,
		     const struct body_options *o)
{
	enum { FRAME = 2 };
	bool code = chunk->at.block > 0;
	enum piece_kind kind = !code ? PIECE_TEXT : chunk->at.kind == MARKDOWN_CODE ? PIECE_CODE : PIECE_FENCE;
	struct rich line = {0};
	struct buffer source = {0};
	if (code)
		take_source(chunk, text, &source);
	else
		buffer_append(&source, text + chunk->at.start, chunk->at.end - chunk->at.start);
	const struct markdown_state *state = &chunk->before;
	if (kind == PIECE_CODE && at_the_end(b, chunk) && chunk->at.end == len &&
	    unfinished_fence(source.data ? source.data : "", source.len, state->fence, state->length)) {
		buffer_free(&source);
		return;
	}
	unsigned style = kind == PIECE_CODE ? STYLE_CODE : kind == PIECE_FENCE ? STYLE_CODE_FRAME : STYLE_TEXT;
	if (kind == PIECE_CODE || b->mode == BODY_DIFF)
		color_line(b, chunk, source.data ? source.data : "", source.len, &line);
	else
		rich_add(&line, source.data, source.len, style, 0);
	if (chunk->at.kind == MARKDOWN_FENCE_OPEN) {
		name_language(chunk, text);
		char *number = o->block_base == BODY_NO_NUMBERS ? xstrdup("")
								: xasprintf("  [%d]", o->block_base + chunk->at.block);
		rich_add(&line, number, strlen(number), style, 0);
		free(number);
	}
	if (chunk->at.kind == MARKDOWN_FENCE_OPEN && space_before(chunk, text))
		add_quote_space(&chunk->pieces, &chunk->at, o);
	struct piece *piece = pieces_add(&chunk->pieces, kind);
	int indent = chunk->at.indent + chunk->at.quote * QUOTE_WIDTH + chunk->at.inner;
	bool room = code && o->width - indent >= ROOM_MIN;
	piece->indent = room ? indent : 0;
	int width = o->width - piece->indent - (code ? FRAME : 0);
	struct layout_options options = {.width = width > 0 ? width : 1, .bidi = o->bidi, .code = code};
	/* The interface speaks: a key's or a command's name at the beginning does not turn its sentence round. */
	if (b->mode == BODY_PLAIN && i18n_is_rtl(o->tr) && inline_has_rtl(line.text.data, line.text.len))
		options.direction = LAYOUT_RTL;
	piece_part(piece, o->tr, &line, 0, &options);
	if (room && chunk->at.lead)
		mark_items(piece, chunk, text, o);
	else if (room)
		mark_quotes(piece, &chunk->at, chunk->at.indent);
	if (code)
		piece_mark(piece, piece->indent, STYLE_CODE_FRAME, true, "▌");
	piece->indent += code ? FRAME : 0;
	rich_free(&line);
	buffer_free(&source);
}

/* Bytes of code behind the fence. */
static size_t code_size(const struct body *b, const struct body_chunk *fence, size_t len)
{
	const struct body_chunk *end = fence + 1;
	while (end < b->chunks + b->count && end->at.kind == MARKDOWN_CODE)
		end++;
	size_t stop = end < b->chunks + b->count ? end->at.start : len;
	return stop > fence->at.end ? stop - fence->at.end - 1 : 0;
}

/* "python · 4.2 kB": what it is, where its name does not say so in the same word, and how much. */
static char *kind_and_size(const struct body *b, const struct body_chunk *fence, const char *text, size_t len,
			   const struct i18n *tr, bool kind)
{
	enum { SHOWN_LEAST = 100 }; /* bytes: nothing is 0.0 kB */
	size_t size = code_size(b, fence, len), ending_len;
	const char *ending = named_language(fence, text, &ending_len);
	const char *name = fence->language ? highlight_name(fence->language) : "";
	double shown = (double)(size < SHOWN_LEAST ? SHOWN_LEAST : size) / 1000;
	if (!kind || !*name || (strlen(name) == ending_len && memcmp(name, ending, ending_len) == 0))
		return i18n_format(tr, "transcript.size", I18N_R(shown));
	return i18n_format(tr, "transcript.kind-size", I18N_S(name), I18N_R(shown));
}

/* "src/main.py · python · 4.2 kB": the kind where there is room, and as much of the name as there is room for. */
static char *attached_about(const struct body *b, const struct body_chunk *fence, const char *text, size_t len,
			    const struct i18n *tr, int width)
{
	size_t name_len = 0;
	const char *name = attached_name(fence, text, len, &name_len);
	char *clean = i18n_sanitize_line(name, name_len), *rest = kind_and_size(b, fence, text, len, tr, true);
	int wanted = i18n_width(tr, clean, strlen(clean)), beside = (int)strlen(" · ") - 1;
	int room = width - i18n_width(tr, rest, strlen(rest)) - beside;
	if (room < wanted) {
		free(rest);
		rest = kind_and_size(b, fence, text, len, tr, false);
		room = width - i18n_width(tr, rest, strlen(rest)) - beside;
	}
	char *short_name = i18n_truncate(tr, clean, room > ROOM_MIN ? room : ROOM_MIN);
	char *about = xasprintf("%s · %s", short_name, rest);
	free(short_name);
	free(rest);
	free(clean);
	return about;
}

/* The one row that an attached file is. */
static void lay_attached(struct body *b, struct body_chunk *fence, const char *text, size_t len,
			 const struct body_options *o)
{
	enum { FRAME = 2, HIDDEN = 9 }; /* columns for how many lines are not shown */
	struct rich line = {0};
	name_language(fence, text);
	char *number =
		o->block_base == BODY_NO_NUMBERS ? xstrdup("") : xasprintf("  [%d]", o->block_base + fence->at.block);
	char *about = attached_about(b, fence, text, len, o->tr, o->width - FRAME - HIDDEN - (int)strlen(number));
	rich_add(&line, about, strlen(about), STYLE_CODE_FRAME, 0);
	rich_add(&line, number, strlen(number), STYLE_CODE_FRAME, 0);
	struct piece *piece = pieces_add(&fence->pieces, PIECE_FENCE);
	int width = o->width - FRAME;
	struct layout_options options = {.width = width > 0 ? width : 1, .bidi = o->bidi, .code = true};
	piece_part(piece, o->tr, &line, 0, &options);
	piece_mark(piece, 0, STYLE_CODE_FRAME, true, "▌");
	piece->indent = FRAME;
	rich_free(&line);
	free(about);
	free(number);
}

static void lay_chunk(struct body *b, struct body_chunk *chunk, const char *text, size_t len,
		      const struct body_options *o)
{
	chunk->laid = true;
	if (chunk->shut) {
		lay_attached(b, chunk, text, len, o);
		return;
	}
	switch (chunk->at.kind) {
	case MARKDOWN_TEXT: lay_text(b, chunk, text, len, o); break;
	case MARKDOWN_TABLE: lay_table(b, chunk, text, len, o); break;
	case MARKDOWN_TABLE_MORE: lay_more_rows(b, chunk, text, len, o); break;
	case MARKDOWN_LINE:
	case MARKDOWN_FENCE_OPEN:
	case MARKDOWN_CODE:
	case MARKDOWN_FENCE_CLOSE: lay_line(b, chunk, text, len, o); break;
	}
}

/* Asks the code for its language once another line of it is complete. Whether it
 * was found, and the lines from the fence on are to be laid out again. */
static bool guess(struct body *b, struct body_chunk *chunk, const char *text, size_t len)
{
	struct body_chunk *fence = chunk;
	if (chunk->at.kind != MARKDOWN_CODE || chunk->language || chunk->at.end >= len)
		return false;
	while (fence > b->chunks && fence->at.kind == MARKDOWN_CODE && chunk - fence <= GUESS_LINES)
		fence--;
	if (fence->at.kind != MARKDOWN_FENCE_OPEN || !fence->unnamed)
		return false;
	struct buffer code = {0};
	for (struct body_chunk *c = fence + 1; c <= chunk; c++) {
		take_source(c, text, &code);
		buffer_puts(&code, "\n");
	}
	fence->language = highlight_guess(code.data, code.len);
	buffer_free(&code);
	if (!fence->language)
		return false;
	for (struct body_chunk *c = fence + 1; c <= chunk; c++) {
		free_chunk(c);
		c->laid = false;
	}
	b->laid = (int)(fence - b->chunks) + 1;
	return true;
}

/* The block has more lines of code than that. */
static bool is_longer(const struct body *b, const struct body_chunk *fence, int lines)
{
	const struct body_chunk *probe = fence + lines + 1;
	return probe < b->chunks + b->count && probe->at.kind == MARKDOWN_CODE && probe->at.block == fence->at.block;
}

/* Whether a line of code belongs to a block that is cut short. */
static bool folds(const struct body *b, const struct body_chunk *chunk, const struct body_options *o)
{
	const struct body_chunk *fence = chunk - chunk->line;
	enum body_fold fold = fold_of(b, fence->at.block);
	if (fold == BODY_FOLD_LIKE_ALL)
		return o->fold && is_longer(b, fence, FOLD_LONG);
	return fold == BODY_FOLDED;
}

static void count_line(struct body *b, struct body_chunk *chunk, const struct body_options *o)
{
	bool code = chunk->at.kind == MARKDOWN_CODE;
	chunk->line = code ? chunk[-1].line + 1 : 0;
	chunk->hidden = code && (chunk->shut || (chunk->line > FOLD_SHOWN && folds(b, chunk, o)));
	if (chunk->hidden)
		chunk->rows = 0;
}

void body_fold_all(struct body *b, bool fold)
{
	b->laid = b->fold_count = b->peeks = 0;
	for (int i = 0; i < b->count && !fold; i++)
		if (b->chunks[i].attached)
			block_of(b, b->chunks[i].at.block)->fold = BODY_UNFOLDED;
}

bool body_fold(struct body *b, int number)
{
	struct body_chunk *fence = b->chunks, *end = b->chunks + b->count;
	while (fence < end && (fence->at.kind != MARKDOWN_FENCE_OPEN || fence->at.block != number))
		fence++;
	if (fence == end || (!fence->attached && !is_longer(b, fence, FOLD_SHOWN + 1)))
		return false;
	struct body_block *block = block_of(b, number);
	block->fold = fence->shut || body_hidden(b, fence) ? BODY_UNFOLDED : BODY_FOLDED;
	b->peeks -= block->peeked;
	block->peeked = false;
	b->laid = 0;
	return true;
}

bool body_peek(struct body *b, const char *text, body_wanted_fn *fn, void *arg)
{
	int before = b->peeks, name = -1;
	for (int i = 0; i < b->count; i++) {
		const struct body_chunk *chunk = &b->chunks[i];
		if (chunk->at.kind == MARKDOWN_LINE)
			name = i;
		if ((!chunk->hidden && !chunk->shut) || chunk->at.kind == MARKDOWN_FENCE_OPEN)
			continue;
		const struct body_chunk *fence = i == name ? chunk + 1 : chunk - chunk->line;
		if (chunk->at.kind == MARKDOWN_FENCE_CLOSE || fold_of(b, fence->at.block) == BODY_UNFOLDED ||
		    !fn(arg, text + chunk->at.start, chunk->at.end - chunk->at.start))
			continue;
		block_of(b, fence->at.block)->peeked = true;
		b->peeks++;
	}
	if (b->peeks > before)
		b->laid = 0;
	return b->peeks > before;
}

bool body_peek_end(struct body *b)
{
	if (!b->peeks)
		return false;
	for (int i = 0; i < b->fold_count; i++)
		b->folds[i].peeked = false;
	b->laid = b->peeks = 0;
	return true;
}

int body_hidden(const struct body *b, const struct body_chunk *fence)
{
	int count = 0;
	for (const struct body_chunk *c = fence + 1; c < b->chunks + b->count && c->at.kind == MARKDOWN_CODE; c++)
		count += c->hidden;
	return fence->at.kind == MARKDOWN_FENCE_OPEN ? count : 0;
}

void body_lay(struct body *b, const char *text, size_t len, const struct body_options *o)
{
	while (b->laid < b->count) {
		struct body_chunk *chunk = &b->chunks[b->laid];
		const struct body_chunk *before = chunk - 1;
		bool shut = is_shut(b, chunk), row = !shut || chunk->at.kind == MARKDOWN_FENCE_OPEN;
		if (shut != chunk->shut) {
			free_chunk(chunk);
			chunk->laid = false;
		}
		chunk->shut = shut;
		if (!chunk->laid && row)
			lay_chunk(b, chunk, text, len, o);
		keep_direction(b, chunk);
		chunk->first_row = b->laid ? before->first_row + before->rows : 0;
		chunk->rows = chunk->at.blank_before && b->laid && chunk->pieces.count;
		for (int i = 0; i < chunk->pieces.count; i++)
			chunk->rows += chunk->pieces.list[i].rows;
		count_line(b, chunk, o);
		/* A block that has just grown long: its lines before are folded as well. */
		bool grown = chunk->line == FOLD_LONG + 1 && chunk->hidden && !chunk[FOLD_SHOWN - FOLD_LONG].hidden;
		if (grown) {
			b->laid -= FOLD_LONG - FOLD_SHOWN;
			continue;
		}
		if (shut || !guess(b, chunk, text, len))
			b->laid++;
	}
	b->rows = b->count ? b->chunks[b->count - 1].first_row + b->chunks[b->count - 1].rows : 0;
}

const struct piece *body_row(const struct body *b, int row, int *row_in_piece, const struct body_chunk **in)
{
	int low = 0, high = b->laid;
	while (low < high) {
		int middle = (low + high) / 2;
		if (b->chunks[middle].first_row + b->chunks[middle].rows <= row)
			low = middle + 1;
		else
			high = middle;
	}
	*in = NULL;
	if (low == b->laid)
		return NULL;
	const struct body_chunk *chunk = *in = &b->chunks[low];
	row -= chunk->first_row;
	if (low && chunk->at.blank_before && row-- == 0)
		return NULL;
	for (int i = 0; i < chunk->pieces.count; i++) {
		if (row < chunk->pieces.list[i].rows) {
			*row_in_piece = row;
			return &chunk->pieces.list[i];
		}
		row -= chunk->pieces.list[i].rows;
	}
	return NULL;
}

bool body_block(const struct body *b, const char *text, size_t len, int number, struct buffer *code, char **language)
{
	for (int i = 0; i < b->count; i++) {
		const struct body_chunk *chunk = &b->chunks[i];
		size_t name_len;
		if (chunk->at.block != number)
			continue;
		if (chunk->at.kind == MARKDOWN_FENCE_OPEN) {
			const char *name = named_language(chunk, text, &name_len);
			*language = xstrndup(name, name_len);
		} else if (chunk->at.kind == MARKDOWN_CODE) {
			take_source(chunk, text, code);
			if (chunk->at.end < len && text[chunk->at.end] == '\n')
				buffer_puts(code, "\n");
		}
	}
	return *language != NULL;
}
