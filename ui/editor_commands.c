/* Readline's commands by clusters and words, in place of its own, which go by code
 * points and know no script but the Latin. */
#include "editor_commands.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include <readline/readline.h>

/* Readline's commands carry no argument and its state is global anyway. */
static const struct i18n *commands_tr;

void editor_commands_translate(const struct i18n *tr)
{
	commands_tr = tr;
}

/* --- Moving and deleting by clusters ------------------------------------------------- */

static size_t step(size_t (*find)(const struct i18n *, const char *, size_t, size_t), size_t pos, int count)
{
	while (count-- > 0)
		pos = find(commands_tr, rl_line_buffer, (size_t)rl_end, pos);
	return pos;
}

static int move_cluster(int count, bool forward)
{
	if (count < 0)
		return move_cluster(-count, !forward);
	rl_point = (int)step(forward ? i18n_cluster_next : i18n_cluster_prev, (size_t)rl_point, count);
	if (rl_editing_mode == 0 && RL_ISSTATE(RL_STATE_VICMDONCE | RL_STATE_VIMOTION) == 0 && rl_point == rl_end &&
	    rl_get_keymap() == vi_movement_keymap && rl_point > 0)
		rl_point = (int)step(i18n_cluster_prev, (size_t)rl_point, 1);
	return 0;
}

static int forward_cluster(int count, int key)
{
	return move_cluster(count, true);
}

static int backward_cluster(int count, int key)
{
	return move_cluster(count, false);
}

static int delete_clusters(int count, bool forward)
{
	if (count < 0)
		return delete_clusters(-count, !forward);
	size_t point = (size_t)rl_point;
	size_t other = step(forward ? i18n_cluster_next : i18n_cluster_prev, point, count);
	int from = (int)(forward ? point : other), to = (int)(forward ? other : point);
	if (from == to)
		return 0;
	rl_delete_text(from, to);
	rl_point = from;
	return 0;
}

static int delete_cluster(int count, int key)
{
	return delete_clusters(count, true);
}

static int rubout_cluster(int count, int key)
{
	return delete_clusters(count, false);
}

/* vi's x and X: what goes can be put back, and the caret stays on a letter. */
static int vi_delete_cluster(int count, int key)
{
	int from = rl_point, to = (int)step(i18n_cluster_next, (size_t)from, count < 1 ? 1 : count);
	if (from == to)
		return 1;
	rl_kill_text(from, to);
	rl_point = from == rl_end ? (int)step(i18n_cluster_prev, (size_t)from, 1) : from;
	return 0;
}

static int vi_rubout_cluster(int count, int key)
{
	int to = rl_point, from = (int)step(i18n_cluster_prev, (size_t)to, count < 1 ? 1 : count);
	if (from == to)
		return 1;
	rl_kill_text(from, to);
	rl_point = from;
	return 0;
}

static int forward_word(int count, int key)
{
	rl_point = (int)step(count < 0 ? i18n_word_prev : i18n_word_next, (size_t)rl_point, abs(count));
	return 0;
}

static int backward_word(int count, int key)
{
	return forward_word(-count, key);
}

static int kill_word(int count, int key)
{
	int from = rl_point;
	forward_word(count, key);
	if (from != rl_point)
		rl_kill_text(from, rl_point);
	if (rl_point > from)
		rl_point = from;
	return 0;
}

static int backward_kill_word(int count, int key)
{
	return kill_word(-count, key);
}

static bool is_blank(const char *cluster, size_t len)
{
	return (len == 1 && strchr(" \t\n", cluster[0])) || (len == 3 && memcmp(cluster, "\u3000", 3) == 0);
}

/* Where the run of letters that ends at pos begins: blanks end it, and where words are
 * written without them, words. */
static size_t run_before(size_t pos)
{
	const struct i18n *tr = commands_tr;
	const char *line = rl_line_buffer;
	bool seen = false;
	while (pos > 0) {
		size_t start = i18n_cluster_prev(tr, line, (size_t)rl_end, pos);
		bool blank = is_blank(line + start, pos - start);
		bool spaceless = i18n_cluster_is_spaceless(line + start, pos - start);
		if (seen && (blank || spaceless))
			return pos;
		if (spaceless)
			return i18n_word_prev(tr, line, (size_t)rl_end, pos);
		seen = seen || !blank;
		pos = start;
	}
	return pos;
}

static int rubout_run(int count, int key)
{
	size_t from = (size_t)rl_point, to = from;
	while (count-- > 0)
		to = run_before(to);
	if (to != from)
		rl_kill_text((int)from, (int)to);
	rl_point = (int)to;
	return 0;
}

/* Puts the text from..middle-1 behind middle..to-1. */
static void exchange(size_t from, size_t from_end, size_t to, size_t to_end)
{
	char *text = xasprintf("%.*s%.*s%.*s", (int)(to_end - to), rl_line_buffer + to, (int)(to - from_end),
			       rl_line_buffer + from_end, (int)(from_end - from), rl_line_buffer + from);
	rl_begin_undo_group();
	rl_delete_text((int)from, (int)to_end);
	rl_point = (int)from;
	rl_insert_text(text);
	rl_end_undo_group();
	free(text);
}

static int transpose_clusters(int count, int key)
{
	size_t len = (size_t)rl_end, at = (size_t)rl_point;
	size_t end = at == len ? len : i18n_cluster_next(commands_tr, rl_line_buffer, len, at);
	size_t middle = i18n_cluster_prev(commands_tr, rl_line_buffer, len, end);
	size_t start = i18n_cluster_prev(commands_tr, rl_line_buffer, len, middle);
	if (middle > start)
		exchange(start, middle, middle, end);
	return 0;
}

static int transpose_words(int count, int key)
{
	const struct i18n *tr = commands_tr;
	const char *line = rl_line_buffer;
	size_t len = (size_t)rl_end, end = i18n_word_next(tr, line, len, (size_t)rl_point);
	size_t second = i18n_word_prev(tr, line, len, end), first = i18n_word_prev(tr, line, len, second);
	size_t first_end = i18n_word_next(tr, line, len, first);
	end = i18n_word_next(tr, line, len, second);
	if (first < second && first_end <= second)
		exchange(first, first_end, second, end);
	return 0;
}

/* Readline's case changers stop at a mark: on to the end of the word. */
static int change_case(rl_command_func_t *theirs, int count, int key)
{
	size_t end = step(i18n_word_next, (size_t)rl_point, count < 0 ? 0 : count);
	int left = rl_end - (int)end, before = -1;
	if (count < 0)
		return theirs(count, key);
	rl_begin_undo_group();
	while (rl_point < rl_end - left && rl_point != before) {
		before = rl_point;
		theirs(1, key);
	}
	rl_end_undo_group();
	return 0;
}

static int upcase_word(int count, int key)
{
	return change_case(rl_upcase_word, count, key);
}

static int downcase_word(int count, int key)
{
	return change_case(rl_downcase_word, count, key);
}

/* A command of readline's that goes by code points: out of the cluster that it may have
 * ended in, onwards. */
static int onwards(rl_command_func_t *theirs, int count, int key)
{
	size_t before = (size_t)rl_point;
	int result = theirs(count, key);
	size_t point = (size_t)rl_point, len = (size_t)rl_end;
	if (point == 0 || point >= len)
		return result;
	size_t start = i18n_cluster_prev(commands_tr, rl_line_buffer, len, point);
	size_t end = i18n_cluster_next(commands_tr, rl_line_buffer, len, start);
	if (end != point)
		rl_point = (int)(point > before ? end : start);
	return result;
}

static int vi_next_word(int count, int key)
{
	return onwards(rl_vi_next_word, count, key);
}

static int vi_prev_word(int count, int key)
{
	return onwards(rl_vi_prev_word, count, key);
}

static int vi_append(int count, int key)
{
	return onwards(rl_vi_append_mode, count, key);
}

/* The other case for the letter of each cluster; its marks stay. */
static int vi_change_case(int count, int key)
{
	rl_begin_undo_group();
	for (; count > 0 && rl_point < rl_end; count--) {
		wchar_t letter;
		mbstate_t state = {0};
		char changed[MB_LEN_MAX + 1] = "";
		size_t used = mbrtowc(&letter, rl_line_buffer + rl_point, (size_t)(rl_end - rl_point), &state);
		wchar_t other = iswlower((wint_t)letter) ? (wchar_t)towupper((wint_t)letter)
							 : (wchar_t)towlower((wint_t)letter);
		memset(&state, 0, sizeof(state));
		if (used && used <= MB_LEN_MAX && other != letter && wcrtomb(changed, other, &state) <= MB_LEN_MAX) {
			int point = rl_point;
			rl_delete_text(point, point + (int)used);
			rl_insert_text(changed);
			rl_point = point;
		}
		rl_point = (int)step(i18n_cluster_next, (size_t)rl_point, 1);
	}
	rl_end_undo_group();
	if (rl_point == rl_end && rl_end > 0)
		rl_point = (int)step(i18n_cluster_prev, (size_t)rl_end, 1);
	return 0;
}

/* To the end of a word: onto its last cluster, or behind it when that is to be deleted,
 * which readline does from the last code point. */
static int vi_end_word(int count, int key)
{
	rl_vi_end_word(count, key);
	size_t len = (size_t)rl_end, point = (size_t)rl_point;
	size_t after = point < len ? i18n_cluster_next(commands_tr, rl_line_buffer, len, point) : len;
	if (!RL_ISSTATE(RL_STATE_VIMOTION))
		return 0;
	while (after > point + 1 && ((unsigned char)rl_line_buffer[after - 1] & 0xC0) == 0x80)
		after--;
	rl_point = after > point ? (int)after - 1 : (int)point;
	return 0;
}

/* vi's r: readline waits for the letter and replaces code points; so that is only for
 * clusters of one. For others the letter comes to editor_commands_replace(). */
static int clusters_to_replace;

static int vi_replace(int count, int key)
{
	const char *line = rl_line_buffer;
	size_t end = step(i18n_cluster_next, (size_t)rl_point, count);
	int letters = 0, clusters = 0;
	for (size_t at = (size_t)rl_point; at < end; at++)
		letters += ((unsigned char)line[at] & 0xC0) != 0x80;
	for (size_t at = (size_t)rl_point; at < end; clusters++)
		at = i18n_cluster_next(commands_tr, line, (size_t)rl_end, at);
	if (letters == clusters)
		return rl_vi_change_char(count, key);
	clusters_to_replace = clusters;
	return 0;
}

bool editor_commands_waiting(void)
{
	return clusters_to_replace > 0;
}

void editor_commands_replace(const char *letter, size_t len)
{
	int count = clusters_to_replace, from = rl_point;
	clusters_to_replace = 0;
	if ((unsigned char)letter[0] < ' ' || letter[0] == 127)
		return; /* not a letter: called off */
	char *text = xstrndup(letter, len);
	rl_begin_undo_group();
	rl_delete_text(from, (int)step(i18n_cluster_next, (size_t)from, count));
	for (int i = 0; i < count; i++)
		rl_insert_text(text);
	rl_end_undo_group();
	rl_point -= (int)len;
	free(text);
}

/* vi's p puts behind the cluster. */
static int vi_put(int count, int key)
{
	if (key == 'p' && rl_point < rl_end)
		rl_point = (int)step(i18n_cluster_next, (size_t)rl_point, 1);
	return rl_vi_put(count, 'P');
}

static int vi_column(int count, int key)
{
	rl_point = (int)step(i18n_cluster_next, 0, count - 1);
	if (rl_point == rl_end && rl_end > 0)
		rl_point = (int)step(i18n_cluster_prev, (size_t)rl_end, 1);
	return 0;
}

/* Home and End of the logical line that the caret is in. */
static int line_begin(int count, int key)
{
	while (rl_point > 0 && rl_line_buffer[rl_point - 1] != '\n')
		rl_point--;
	return 0;
}

static int line_end(int count, int key)
{
	while (rl_point < rl_end && rl_line_buffer[rl_point] != '\n')
		rl_point++;
	return 0;
}

static int kill_to_line_end(int count, int key)
{
	int from = rl_point;
	line_end(1, key);
	if (from == rl_point && rl_point < rl_end)
		rl_point++; /* at the end already: the newline itself */
	if (from != rl_point)
		rl_kill_text(from, rl_point);
	rl_point = from;
	return 0;
}

/* --- Keymaps ------------------------------------------------------------------------------ */

/* What readline moves or deletes by bytes or characters, and ours instead. Keys
 * that the person's inputrc bound to its names follow. */
static const struct {
	rl_command_func_t *theirs, *ours;
	const char *name;
} replacements[] = {
	{rl_forward_char, forward_cluster, "forward-cluster"},
	{rl_backward_char, backward_cluster, "backward-cluster"},
	{rl_forward_byte, forward_cluster, NULL},
	{rl_backward_byte, backward_cluster, NULL},
	{rl_delete, delete_cluster, "delete-cluster"},
	{rl_rubout, rubout_cluster, "backward-delete-cluster"},
	{rl_vi_delete, vi_delete_cluster, "vi-delete-cluster"},
	{rl_vi_rubout, vi_rubout_cluster, "vi-rubout-cluster"},
	{rl_forward_word, forward_word, "forward-word-i18n"},
	{rl_backward_word, backward_word, "backward-word-i18n"},
	{rl_kill_word, kill_word, "kill-word-i18n"},
	{rl_backward_kill_word, backward_kill_word, "backward-kill-word-i18n"},
	{rl_unix_word_rubout, rubout_run, "unix-word-rubout-i18n"},
	{rl_vi_unix_word_rubout, rubout_run, NULL},
	{rl_transpose_chars, transpose_clusters, "transpose-clusters"},
	{rl_transpose_words, transpose_words, "transpose-words-i18n"},
	{rl_upcase_word, upcase_word, "upcase-word-i18n"},
	{rl_downcase_word, downcase_word, "downcase-word-i18n"},
	{rl_vi_next_word, vi_next_word, "vi-next-word-i18n"},
	{rl_vi_prev_word, vi_prev_word, "vi-prev-word-i18n"},
	{rl_vi_end_word, vi_end_word, "vi-end-word-i18n"},
	{rl_vi_append_mode, vi_append, "vi-append-cluster"},
	{rl_vi_change_case, vi_change_case, "vi-change-case-i18n"},
	{rl_vi_change_char, vi_replace, "vi-change-char-i18n"},
	{rl_vi_put, vi_put, "vi-put-i18n"},
	{rl_vi_column, vi_column, "vi-column-i18n"},
	{rl_beg_of_line, line_begin, "beginning-of-row"},
	{rl_end_of_line, line_end, "end-of-row"},
	{rl_kill_line, kill_to_line_end, "kill-row"},
	{rl_get_previous_history, editor_row_up, "previous-row-or-history"},
	{rl_get_next_history, editor_row_down, "next-row-or-history"},
};
enum { REPLACEMENTS = sizeof(replacements) / sizeof(replacements[0]) };

static void replace_in(Keymap map, int depth)
{
	for (int key = 0; key < KEYMAP_SIZE; key++) {
		if (map[key].type == ISKMAP && depth < 8)
			replace_in((Keymap)map[key].function, depth + 1);
		if (map[key].type != ISFUNC)
			continue;
		for (int i = 0; i < REPLACEMENTS; i++)
			if (map[key].function == replacements[i].theirs)
				map[key].function = replacements[i].ours;
	}
}

void editor_commands_name(void)
{
	for (int i = 0; i < REPLACEMENTS; i++)
		if (replacements[i].name)
			rl_add_defun(replacements[i].name, replacements[i].ours, -1);
}

void editor_commands_bind(void)
{
	replace_in(emacs_standard_keymap, 0);
	replace_in(vi_insertion_keymap, 0);
	replace_in(vi_movement_keymap, 0);
}
