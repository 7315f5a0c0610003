/* editor.h: what is being typed. Readline in callback mode does the editing,
 * keymaps, history, completion and vi mode; we draw. Only editor.c knows readline. */
#ifndef EDITOR_H
#define EDITOR_H

#include "screen.h"
#include "../i18n/i18n.h"

struct editor;                   /* readline is global: one editor a process */

struct editor *editor_create(const struct i18n *, enum i18n_bidi);
void editor_free(struct editor *);

/* Bytes from the terminal that are not for actions go here, whole keys at a
 * time. Returns what happened. */
enum editor_result { EDITOR_NOTHING, EDITOR_CHANGED, EDITOR_SUBMIT, EDITOR_EOF };
enum editor_result editor_feed(struct editor *, const char *bytes, size_t len);
void editor_paste(struct editor *, const char *text, size_t len);     /* inserted, never submitted */
const char *editor_text(const struct editor *, size_t *len);
void editor_set_text(struct editor *, const char *text, size_t len);
void editor_clear(struct editor *);
size_t editor_cursor(const struct editor *);         /* byte offset */
void editor_history_add(struct editor *, const char *text);
/* Completion: fn returns candidates for the word at the cursor (malloc'd array, NULL at the end) or NULL. */
typedef char **editor_complete_fn(void *arg, const char *line, size_t word_start, size_t cursor);
void editor_on_complete(struct editor *, editor_complete_fn *, void *arg);

int editor_rows(struct editor *, int columns, int most);     /* how many rows it wants, 1..most */
/* Draws into rows first..first+height-1 and returns where the caret is. */
void editor_draw(struct editor *, struct screen *, int first, int height, int *caret_row, int *caret_column);

#endif
