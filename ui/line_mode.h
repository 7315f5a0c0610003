/* line_mode.h: the chat line by line, for terminals that cannot place a cursor
 * (TERM=dumb and the like). Same conversation, same commands; lists are printed. */
#ifndef LINE_MODE_H
#define LINE_MODE_H

#include "loop.h"
#include "ui.h"

int line_mode_run(const struct ui_options *, struct loop *); /* the program's exit code */

#endif
