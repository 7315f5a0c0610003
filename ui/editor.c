#include "editor.h"
#include "editor_commands.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

enum {
	FOLDS = 256,
	FOLD_LEN = 4,    /* bytes of a mark: U+10F000 + index, private use */
	FOLD_LINES = 10, /* a paste of more lines or characters is folded */
	FOLD_CHARACTERS = 1000,
	FOLD_ALWAYS = 65536, /* a line of more bytes is folded however it came */
	PROMPT_CELLS = 2,
	CTRL_G = 7,
};

struct fold {
	char *text;
	size_t len;
	char *label; /* what is drawn for it */
};

struct editor {
	const struct i18n *tr;
	enum i18n_bidi bidi;
	FILE *nowhere; /* what readline takes for its terminal */
	char *queue;   /* bytes for readline that it has not read */
	size_t queue_len, queue_pos;
	bool submitted, eof;
	char *line; /* that was submitted */
	struct fold folds[FOLDS];
	int next_fold;
	struct buffer text; /* answer of editor_text */
	editor_complete_fn *complete;
	void *complete_arg;
	char **candidates;
	int candidate_count, selected;
	size_t candidate_start;
	struct buffer shown;     /* the line with labels for folds */
	struct layout layout;    /* of shown, for layout_columns */
	const char *placeholder; /* see editor_placeholder() */
	int columns, top;        /* width of the layout; first row drawn */
	int goal_column;         /* where Up and Down want to be; -1: where the caret is */
};

/* Readline's callbacks carry no argument and its state is global anyway. */
static struct editor *the_editor;

/* --- Folds ---------------------------------------------------------------------- */

static bool is_fold(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	return len >= FOLD_LEN && u[0] == 0xF4 && u[1] == 0x8F && u[2] >= 0x80 && u[2] <= 0x83;
}

static int fold_index(const char *s)
{
	return (s[2] & 3) << 6 | (s[3] & 63);
}

static void fold_free(struct fold *fold)
{
	free(fold->text);
	free(fold->label);
	*fold = (struct fold){0};
}

static void count_text(const char *text, size_t len, size_t *lines, size_t *characters)
{
	*lines = 1, *characters = 0;
	for (size_t i = 0; i < len; i++) {
		*lines += text[i] == '\n' && i + 1 < len;
		*characters += ((unsigned char)text[i] & 0xC0) != 0x80;
	}
}

static void fold_add(struct editor *ed, const char *text, size_t len, char mark[FOLD_LEN + 1])
{
	size_t lines, characters;
	int i = ed->next_fold++ % FOLDS;
	struct fold *fold = &ed->folds[i];
	fold_free(fold);
	fold->text = xstrndup(text, len);
	fold->len = len;
	count_text(text, len, &lines, &characters);
	fold->label = i18n_format(ed->tr, "editor.folded", I18N_I((int64_t)lines), I18N_I((int64_t)characters));
	snprintf(mark, FOLD_LEN + 1, "\xF4\x8F%c%c", 0x80 | i >> 6, 0x80 | (i & 63));
}

/* The line with each fold replaced by its text, or by its label to be drawn.
 * *at (an offset in the line, may be NULL) becomes one in out. */
static void unfold(const struct editor *ed, struct buffer *out, bool label, size_t *at)
{
	const char *line = rl_line_buffer;
	size_t len = (size_t)rl_end, from = at ? *at : 0;
	buffer_clear(out);
	for (size_t i = 0; i < len;) {
		if (at && i == from)
			*at = out->len;
		if (!is_fold(line + i, len - i)) {
			buffer_append(out, line + i++, 1);
			continue;
		}
		const struct fold *fold = &ed->folds[fold_index(line + i)];
		if (fold->text)
			buffer_append(out, label ? fold->label : fold->text, label ? strlen(fold->label) : fold->len);
		i += FOLD_LEN;
	}
	if (at && from >= len)
		*at = out->len;
}

/* --- Readline's callbacks ---------------------------------------------------------- */

static int next_byte(FILE *unused)
{
	struct editor *ed = the_editor;
	if (ed->queue_pos < ed->queue_len)
		return (unsigned char)ed->queue[ed->queue_pos++];
	return CTRL_G; /* keys come whole; whoever wants more is called off */
}

static int bytes_wait(void)
{
	return the_editor->queue_pos < the_editor->queue_len;
}

static void redisplay(void)
{
}

static void line_done(char *line)
{
	the_editor->submitted = line != NULL;
	the_editor->eof = line == NULL;
	free(the_editor->line);
	the_editor->line = line;
}

/* --- Up and Down ------------------------------------------------------------------------ */

static void ensure_layout(struct editor *ed, int columns);
static void caret_position(struct editor *ed, int *row, int *column);

/* The line's offset that the layout's cell at row, column shows. */
static size_t offset_at(struct editor *ed, int row, int column)
{
	const struct layout_row *r = &ed->layout.rows[row];
	size_t best = row + 1 < ed->layout.count && r->end > r->start ? r->end : r->end, shown = best;
	int distance = 1 << 30;
	for (int i = 0; i < r->count; i++) {
		int d = abs(r->cells[i].column - column);
		if (d < distance) {
			distance = d;
			shown = r->cells[i].source;
		}
	}
	bool past = r->count && !r->rtl && column > r->cells[r->count - 1].column;
	if (past)
		shown = r->cells[r->count - 1].source + r->cells[r->count - 1].source_len;
	/* back from what is shown to the line: folds are shorter there */
	size_t at = 0, offset = 0;
	while (offset < (size_t)rl_end && at < shown) {
		bool fold = is_fold(rl_line_buffer + offset, (size_t)rl_end - offset);
		const struct fold *f = fold ? &ed->folds[fold_index(rl_line_buffer + offset)] : NULL;
		at += f ? (f->label ? strlen(f->label) : 0) : 1;
		offset += fold ? FOLD_LEN : 1;
	}
	return offset;
}

static int move_rows(int rows, int key, int (*past_the_edge)(int, int))
{
	struct editor *ed = the_editor;
	int row, column;
	ensure_layout(ed, ed->columns ? ed->columns : 80);
	caret_position(ed, &row, &column);
	if (row + rows < 0 || row + rows >= ed->layout.count)
		return past_the_edge(1, key);
	if (ed->goal_column < 0)
		ed->goal_column = column;
	rl_point = (int)offset_at(ed, row + rows, ed->goal_column);
	return 0;
}

int editor_row_up(int count, int key)
{
	return move_rows(-1, key, rl_get_previous_history);
}

int editor_row_down(int count, int key)
{
	return move_rows(1, key, rl_get_next_history);
}

/* --- Readline ------------------------------------------------------------------------------ */

static char *no_completion(const char *text, int state)
{
	return NULL;
}

/* Readline reads its locale from the environment: without UTF-8 there, it would
 * take letters apart. */
static void need_utf8(void)
{
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 && setlocale(LC_CTYPE, "C.UTF-8"))
		setenv("LC_ALL", "C.UTF-8", 1);
}

static void install(struct editor *ed)
{
	need_utf8();
	rl_readline_name = "bora";
	rl_instream = rl_outstream = ed->nowhere;
	rl_getc_function = next_byte;
	rl_input_available_hook = bytes_wait;
	rl_redisplay_function = redisplay;
	rl_prep_term_function = NULL;
	rl_deprep_term_function = NULL;
	rl_catch_signals = 0;
	rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_completion_entry_function = no_completion;
	editor_commands_name();
	rl_callback_handler_install("", line_done);
	rl_variable_bind("bell-style", "none");
	rl_variable_bind("enable-bracketed-paste", "off");
	rl_variable_bind("input-meta", "on");
	rl_variable_bind("output-meta", "on");
	rl_variable_bind("convert-meta", "off");
	editor_commands_bind();
	using_history();
}

struct editor *editor_create(const struct i18n *tr, enum i18n_bidi bidi)
{
	struct editor *ed = xcalloc(1, sizeof(*ed));
	ed->tr = tr;
	ed->bidi = bidi;
	ed->goal_column = -1;
	ed->selected = -1;
	ed->nowhere = fopen("/dev/null", "r+");
	the_editor = ed;
	editor_commands_translate(tr);
	install(ed);
	return ed;
}

void editor_free(struct editor *ed)
{
	if (!ed)
		return;
	editor_close_candidates(ed);
	rl_callback_handler_remove();
	clear_history();
	for (int i = 0; i < FOLDS; i++)
		fold_free(&ed->folds[i]);
	buffer_free(&ed->text);
	buffer_free(&ed->shown);
	layout_free(&ed->layout);
	rl_instream = rl_outstream = NULL;
	if (ed->nowhere)
		fclose(ed->nowhere);
	free(ed->line);
	the_editor = NULL;
	free(ed);
}

void editor_retranslate(struct editor *ed, const struct i18n *tr, enum i18n_bidi bidi)
{
	ed->tr = tr;
	ed->bidi = bidi;
	ed->columns = 0;
	ed->placeholder = NULL; /* it was in the other language */
	editor_commands_translate(tr);
}

/* --- Text ------------------------------------------------------------------------------------ */

static void replace_line(const char *text)
{
	rl_replace_line(text, 0);
	rl_point = rl_end;
}

static void changed(struct editor *ed)
{
	ed->columns = 0; /* the layout is stale */
	ed->goal_column = -1;
}

static void fold_when_huge(struct editor *ed)
{
	char mark[FOLD_LEN + 1];
	if (rl_end <= FOLD_ALWAYS)
		return;
	struct buffer whole = {0};
	unfold(ed, &whole, false, NULL);
	fold_add(ed, whole.data, whole.len, mark);
	buffer_free(&whole);
	replace_line(mark);
}

/* A caret moved by readline's own steps may stand inside a cluster. */
static void leave_cluster(struct editor *ed)
{
	size_t point = (size_t)rl_point, len = (size_t)rl_end;
	if (point == 0 || point >= len)
		return;
	size_t start = i18n_cluster_prev(ed->tr, rl_line_buffer, len, point);
	if (i18n_cluster_next(ed->tr, rl_line_buffer, len, start) != point)
		rl_point = (int)start;
}

static bool plain_letter(const char *bytes, size_t len)
{
	return len > 0 && (unsigned char)bytes[0] >= ' ' && bytes[0] != 127;
}

/* Readline 8.2 follows a null pointer when a key that begins a sequence (Ctrl+X) ends a search:
 * the search is ended before, as Ctrl+J would. */
static bool begins_sequence_in_search(const char *bytes, size_t len)
{
	return RL_ISSTATE(RL_STATE_ISEARCH) && len == 1 && bytes[0] != '\033' &&
	       rl_get_keymap()[(unsigned char)bytes[0]].type == ISKMAP;
}

enum editor_result editor_feed(struct editor *ed, const char *bytes, size_t len)
{
	if (begins_sequence_in_search(bytes, len))
		editor_feed(ed, "\n", 1);
	char *before = xstrdup(rl_line_buffer);
	int point = rl_point, columns = ed->columns, goal = ed->goal_column;
	editor_close_candidates(ed);
	ed->queue = (char *)bytes;
	ed->queue_len = len;
	ed->queue_pos = 0;
	ed->submitted = ed->eof = false;
	if (editor_commands_waiting()) {
		editor_commands_replace(bytes, len);
		ed->queue_pos = len;
	}
	while (ed->queue_pos < ed->queue_len && !ed->submitted && !ed->eof)
		rl_callback_read_char();
	ed->queue = NULL;
	ed->queue_len = ed->queue_pos = 0;
	if (ed->submitted && ed->line)
		replace_line(ed->line);
	fold_when_huge(ed);
	bool same = strcmp(before, rl_line_buffer) == 0;
	if (!plain_letter(bytes, len))
		leave_cluster(ed);
	free(before);
	bool vertical = ed->goal_column >= 0 && ed->goal_column != goal;
	changed(ed);
	if (same)
		ed->columns = columns;
	if (same && (vertical || goal >= 0) && point != rl_point)
		ed->goal_column = goal >= 0 ? goal : -1;
	if (ed->submitted || ed->eof)
		return ed->submitted ? EDITOR_SUBMIT : EDITOR_EOF;
	return same ? EDITOR_NOTHING : EDITOR_CHANGED;
}

/* Broken bytes and lone surrogates are repaired; a mark of ours in foreign text, or a NUL,
 * would be misread. */
static char *cleaned(const char *text, size_t len)
{
	struct buffer out = {0}, whole = {0};
	i18n_repair(text, len, &whole);
	for (size_t i = 0; i < whole.len;) {
		bool fold = is_fold(whole.data + i, whole.len - i);
		if (fold || whole.data[i] == '\0')
			buffer_puts(&out, "\xEF\xBF\xBD");
		else
			buffer_append(&out, whole.data + i, 1);
		i += fold ? FOLD_LEN : 1;
	}
	buffer_free(&whole);
	return buffer_take(&out);
}

void editor_paste(struct editor *ed, const char *text, size_t len)
{
	size_t lines, characters;
	char mark[FOLD_LEN + 1];
	editor_close_candidates(ed);
	count_text(text, len, &lines, &characters);
	rl_begin_undo_group();
	if (lines > FOLD_LINES || characters > FOLD_CHARACTERS) {
		struct buffer whole = {0};
		i18n_repair(text, len, &whole);
		fold_add(ed, whole.data, whole.len, mark);
		buffer_free(&whole);
		rl_insert_text(mark);
	} else {
		char *clean = cleaned(text, len);
		rl_insert_text(clean);
		free(clean);
	}
	rl_end_undo_group();
	changed(ed);
}

void editor_newline(struct editor *ed)
{
	editor_close_candidates(ed);
	rl_insert_text("\n");
	changed(ed);
}

void editor_kill_line(struct editor *ed)
{
	editor_close_candidates(ed);
	rl_kill_text(0, rl_end);
	rl_point = 0;
	changed(ed);
}

const char *editor_text(const struct editor *ed, size_t *len)
{
	struct buffer *text = &((struct editor *)ed)->text;
	unfold(ed, text, false, NULL);
	if (len)
		*len = text->len;
	return text->data ? text->data : "";
}

bool editor_empty(const struct editor *ed)
{
	return rl_end == 0;
}

void editor_set_text(struct editor *ed, const char *text, size_t len)
{
	editor_clear(ed);
	char *clean = cleaned(text, len);
	replace_line(clean);
	free(clean);
	fold_when_huge(ed);
}

void editor_clear(struct editor *ed)
{
	editor_close_candidates(ed);
	rl_replace_line("", 1);
	rl_point = rl_end = rl_mark = 0;
	using_history();
	if (rl_editing_mode == 0)
		rl_vi_insertion_mode(1, 0); /* a new line begins with typing, as in a shell */
	for (int i = 0; i < FOLDS; i++)
		fold_free(&ed->folds[i]);
	changed(ed);
	ed->top = 0;
}

size_t editor_cursor(const struct editor *ed)
{
	return (size_t)rl_point;
}

bool editor_searching(const struct editor *ed)
{
	return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) != 0;
}

/* Readline keeps it to itself but for its prompt: (reverse-i-search)`WORDS': */
char *editor_search_text(const struct editor *ed)
{
	const char *prompt = editor_searching(ed) && rl_display_prompt ? rl_display_prompt : "";
	const char *from = strchr(prompt, '`'), *to = strrchr(prompt, '\'');
	return from && to > from ? i18n_sanitize_line(from + 1, (size_t)(to - from - 1)) : xstrdup("");
}

bool editor_in_command(const struct editor *ed)
{
	return editor_commands_waiting() || RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_MULTIKEY |
						       RL_STATE_VIMOTION | RL_STATE_CHARSEARCH) != 0;
}

bool editor_wants_escape(const struct editor *ed)
{
	return editor_in_command(ed) || (rl_editing_mode == 0 && rl_get_keymap() == vi_insertion_keymap);
}

/* --- History ------------------------------------------------------------------------------------ */

void editor_history_add(struct editor *ed, const char *text)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
	if (text[0] && !(last && strcmp(last->line, text) == 0))
		add_history(text);
	using_history();
}

void editor_history_load(struct editor *ed, char *const *lines, size_t count)
{
	clear_history();
	for (size_t i = 0; i < count; i++)
		add_history(lines[i]);
	using_history();
}

/* --- Completion ------------------------------------------------------------------------------------ */

void editor_on_complete(struct editor *ed, editor_complete_fn *fn, void *arg)
{
	ed->complete = fn;
	ed->complete_arg = arg;
}

void editor_close_candidates(struct editor *ed)
{
	for (int i = 0; i < ed->candidate_count; i++)
		free(ed->candidates[i]);
	free(ed->candidates);
	ed->candidates = NULL;
	ed->candidate_count = 0;
	ed->selected = -1;
}

char *const *editor_candidates(const struct editor *ed, int *selected)
{
	*selected = ed->selected;
	return ed->candidates;
}

static size_t common_prefix(char *const *words, int count)
{
	size_t len = strlen(words[0]);
	for (int i = 1; i < count; i++) {
		size_t n = 0;
		while (n < len && words[i][n] == words[0][n])
			n++;
		len = n;
	}
	while (len && ((unsigned char)words[0][len] & 0xC0) == 0x80)
		len--;
	return len;
}

static void replace_word(struct editor *ed, const char *word, size_t len, bool finished)
{
	char *text = xasprintf("%.*s%s", (int)len, word, finished && word[len - 1] != '/' ? " " : "");
	rl_begin_undo_group();
	rl_delete_text((int)ed->candidate_start, rl_point);
	rl_point = (int)ed->candidate_start;
	rl_insert_text(text);
	rl_end_undo_group();
	free(text);
	changed(ed);
}

static void offer(struct editor *ed)
{
	size_t start = (size_t)rl_point;
	while (start > 0 && rl_line_buffer[start - 1] != ' ' && rl_line_buffer[start - 1] != '\n')
		start--;
	ed->candidates = ed->complete ? ed->complete(ed->complete_arg, rl_line_buffer, &start, (size_t)rl_point) : NULL;
	ed->candidate_start = start;
	while (ed->candidates && ed->candidates[ed->candidate_count])
		ed->candidate_count++;
	if (ed->candidate_count == 0) {
		editor_close_candidates(ed);
		return;
	}
	bool single = ed->candidate_count == 1;
	size_t len = common_prefix(ed->candidates, ed->candidate_count);
	if (single || len > (size_t)rl_point - start)
		replace_word(ed, ed->candidates[0], len, single);
	if (single)
		editor_close_candidates(ed);
}

void editor_complete(struct editor *ed)
{
	if (!ed->candidates) {
		offer(ed);
		return;
	}
	ed->selected = (ed->selected + 1) % ed->candidate_count;
	const char *word = ed->candidates[ed->selected];
	replace_word(ed, word, strlen(word), false);
}

/* --- Drawing ------------------------------------------------------------------------------------------ */

static void ensure_layout(struct editor *ed, int columns)
{
	if (ed->columns == columns)
		return;
	layout_free(&ed->layout);
	unfold(ed, &ed->shown, true, NULL);
	struct layout_options options = {
		.width = columns > PROMPT_CELLS + 2 ? columns - 1
			 : columns > 0              ? columns
						    : 1, /* the last one is the caret's */
		.bidi = ed->bidi,
		.indent_first = columns > PROMPT_CELLS + 2 ? PROMPT_CELLS : 0,
		.indent_rest = columns > PROMPT_CELLS + 2 ? PROMPT_CELLS : 0,
	};
	i18n_layout(ed->tr, ed->shown.data ? ed->shown.data : "", ed->shown.len, &options, &ed->layout);
	ed->columns = columns;
}

/* Right-to-left rows leave their free column, the caret's, on the left. */
static int row_shift(const struct editor *ed, const struct layout_row *row)
{
	return row->rtl && ed->columns > PROMPT_CELLS + 2 ? 1 : 0;
}

static int row_of(const struct editor *ed, size_t at)
{
	int row = ed->layout.count - 1;
	while (row > 0 && ed->layout.rows[row].start > at)
		row--;
	return row;
}

static void caret_position(struct editor *ed, int *row, int *column)
{
	size_t at = (size_t)rl_point;
	int last = -1;
	struct buffer unused = {0};
	unfold(ed, &unused, true, &at);
	buffer_free(&unused);
	*row = row_of(ed, at);
	const struct layout_row *r = &ed->layout.rows[*row];
	int indent = ed->columns > PROMPT_CELLS + 2 ? PROMPT_CELLS : 0, width = ed->columns;
	/* A terminal that reorders moves its cursor too: the blank on either side of the text stays where it is. */
	bool moved = i18n_terminal_orders(ed->bidi) && r->rtl;
	*column = r->rtl ? width - 1 - indent + (moved && indent) : indent;
	for (int i = 0; i < r->count; i++) {
		const struct layout_cell *cell = &r->cells[i];
		if (at >= cell->source && at < cell->source + cell->source_len) {
			*column = cell->column + row_shift(ed, r);
			return;
		}
		if (cell->source < at && (last < 0 || cell->source > r->cells[last].source))
			last = i;
	}
	if (last < 0)
		return;
	const struct layout_cell *cell = &r->cells[last];
	*column = row_shift(ed, r) + (moved       ? r->cells[0].column - (r->cells[0].source_len > 0)
				      : cell->rtl ? cell->column - 1
						  : cell->column + cell->width);
	*column = *column < 0 ? 0 : *column >= width ? width - 1 : *column;
}

int editor_rows(struct editor *ed, int columns, int most)
{
	ensure_layout(ed, columns);
	int rows = ed->layout.count;
	return rows < 1 || most < 1 ? 1 : rows > most ? most : rows;
}

/* Which bytes of what is shown belong to labels: drawn dim. */
static bool in_label(const struct editor *ed, size_t at)
{
	size_t shown = 0;
	for (size_t i = 0; i < (size_t)rl_end && shown <= at;) {
		bool fold = is_fold(rl_line_buffer + i, (size_t)rl_end - i);
		const struct fold *f = fold ? &ed->folds[fold_index(rl_line_buffer + i)] : NULL;
		size_t len = f ? (f->label ? strlen(f->label) : 0) : 1;
		if (f && at >= shown && at < shown + len)
			return true;
		shown += len;
		i += fold ? FOLD_LEN : 1;
	}
	return false;
}

static void put_text(struct editor *ed, struct screen *screen, int row, int column, const char *text, enum style style)
{
	int rows, columns;
	screen->ops->size(screen, &rows, &columns);
	size_t len = strlen(text);
	for (size_t at = 0; at < len;) {
		size_t end = i18n_cluster_next(ed->tr, text, len, at);
		int width = i18n_cluster_width(ed->tr, text + at, end - at);
		if (column + width > columns)
			return;
		screen->ops->put(screen, row, column, text + at, end - at, width, style);
		column += width;
		at = end;
	}
}

/* What stands before the text: a mark, or what is being searched for. */
static void draw_prompt(struct editor *ed, struct screen *screen, int first)
{
	bool rtl = ed->layout.rows[0].rtl;
	if (ed->columns <= PROMPT_CELLS + 2 || ed->top > 0)
		return;
	put_text(ed, screen, first, rtl ? ed->columns - 1 : 0,
		 editor_searching(ed) ? "?"
		 : rtl                ? "‹"
				      : "›",
		 STYLE_PROMPT);
}

static void draw_row(struct editor *ed, struct screen *screen, int y, const struct layout_row *row, bool folds)
{
	for (int i = 0; i < row->count; i++) {
		const struct layout_cell *cell = &row->cells[i];
		bool dim = folds && in_label(ed, cell->source);
		screen->ops->put(screen, y, cell->column + row_shift(ed, row), cell->text, cell->text_len, cell->width,
				 dim ? STYLE_DIM : STYLE_TEXT);
	}
}

void editor_placeholder(struct editor *ed, const char *text)
{
	ed->placeholder = text;
}

void editor_draw(struct editor *ed, struct screen *screen, int first, int height, int *caret_row, int *caret_column)
{
	int rows, columns, row, column;
	screen->ops->size(screen, &rows, &columns);
	ensure_layout(ed, columns);
	caret_position(ed, &row, &column);
	if (row < ed->top)
		ed->top = row;
	if (row >= ed->top + height)
		ed->top = row - height + 1;
	if (ed->top > ed->layout.count - height)
		ed->top = ed->layout.count > height ? ed->layout.count - height : 0;
	bool folds = rl_end > 0 && memmem(rl_line_buffer, (size_t)rl_end, "\xF4\x8F", 2);
	for (int i = 0; i < height; i++) {
		screen->ops->clear_row(screen, first + i);
		if (ed->top + i < ed->layout.count)
			draw_row(ed, screen, first + i, &ed->layout.rows[ed->top + i], folds);
	}
	draw_prompt(ed, screen, first);
	if (rl_end == 0 && !editor_searching(ed))
		screen_text(screen, ed->tr, first, PROMPT_CELLS, columns - 1,
			    ed->placeholder ? ed->placeholder : i18n_text(ed->tr, "editor.hint"), STYLE_DIM);
	*caret_row = first + row - ed->top;
	*caret_column = column;
}
