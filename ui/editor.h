/* editor.h: what is being typed. Readline in callback mode does the editing,
 * keymaps, history, undo and vi mode; we draw. Only editor.c and
 * editor_commands.c know readline.
 *
 * A long paste stands in the line as one mark, is drawn as a short note, and is
 * whole again in editor_text(). */
#ifndef EDITOR_H
#define EDITOR_H

#include "screen.h"
#include "../i18n/i18n.h"

struct editor; /* readline is global: one editor a process */

struct editor *editor_create(const struct i18n *, enum i18n_bidi);
void editor_free(struct editor *);
void editor_retranslate(struct editor *, const struct i18n *, enum i18n_bidi);

/* Bytes of whole keys that are not for actions go here. Returns what happened. */
enum editor_result { EDITOR_NOTHING, EDITOR_CHANGED, EDITOR_SUBMIT, EDITOR_EOF };
enum editor_result editor_feed(struct editor *, const char *bytes, size_t len);
void editor_paste(struct editor *, const char *text, size_t len); /* inserted, never submitted */
void editor_newline(struct editor *);
void editor_kill_line(struct editor *);                      /* all of it; readline can yank it back */
const char *editor_text(const struct editor *, size_t *len); /* pastes unfolded; until the next call */
bool editor_empty(const struct editor *);
void editor_set_text(struct editor *, const char *text, size_t len); /* caret at the end */
void editor_clear(struct editor *);
size_t editor_cursor(const struct editor *); /* byte offset in the line as edited */
/* Readline is in the middle of something (a search, a prefix, a quoted key): the next key is its own. */
bool editor_in_command(const struct editor *);
/* Esc means something here: that, or vi's insertion. */
bool editor_wants_escape(const struct editor *);
bool editor_searching(const struct editor *);
char *editor_search_text(const struct editor *); /* what the history is searched for, to be shown; caller frees */

void editor_history_add(struct editor *, const char *text);
void editor_history_load(struct editor *, char *const *lines, size_t count); /* oldest first */

/* Completion: fn returns candidates for the word at the cursor (malloc'd array
 * of malloc'd strings, NULL at the end) or NULL. *word_start, after the last space, may
 * be moved to where the word really begins. */
typedef char **editor_complete_fn(void *arg, const char *line, size_t *word_start, size_t cursor);
void editor_on_complete(struct editor *, editor_complete_fn *, void *arg);
/* Completes as far as it is clear; again: goes through the candidates. */
void editor_complete(struct editor *);
/* The candidates on offer, NULL when none; *selected -1: none taken yet. */
char *const *editor_candidates(const struct editor *, int *selected);
void editor_close_candidates(struct editor *);

/* What is shown in the empty line, NULL: the usual; text must live until the next call. */
void editor_placeholder(struct editor *, const char *text);
int editor_rows(struct editor *, int columns, int most); /* how many rows it wants, 1..most */
/* Draws into rows first..first+height-1 and returns where the caret is. */
void editor_draw(struct editor *, struct screen *, int first, int height, int *caret_row, int *caret_column);

#endif
