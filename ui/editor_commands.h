/* editor_commands.h: what keys do to the line, for editor.c alone. Readline knows its
 * commands by their names, which inputrc may bind, and by keymaps. */
#ifndef EDITOR_COMMANDS_H
#define EDITOR_COMMANDS_H

#include "../i18n/i18n.h"

#include <stdbool.h>
#include <stddef.h>

void editor_commands_translate(const struct i18n *); /* whose clusters and words they are */
void editor_commands_name(void);                     /* before inputrc is read */
void editor_commands_bind(void);                     /* after: keys bound to readline's names get ours */

bool editor_commands_waiting(void); /* the next key is a letter for editor_commands_replace(), not for readline */
void editor_commands_replace(const char *letter, size_t len);

/* In editor.c: a row of the screen up or down, and the history beyond. */
int editor_row_up(int count, int key);
int editor_row_down(int count, int key);

#endif
