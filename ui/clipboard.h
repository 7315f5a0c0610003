/* clipboard.h: text to the clipboard, by the terminal (OSC 52, also from inside
 * tmux and screen) and by a helper program where there is one. Neither confirms
 * that it worked, so what is returned says what was tried. */
#ifndef CLIPBOARD_H
#define CLIPBOARD_H

#include "screen.h"

#include <stddef.h>

/* "OSC 52, xclip": the ways tried, "" when there was none; caller frees. */
char *clipboard_copy(struct screen *, const char *text, size_t len);

#endif
