/* notify.h: a word to somebody who looks elsewhere while something takes long. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "app.h"

/* What took so long is over: a bell or a message of the terminal, as --notify and
 * --notify-after say, unless the terminal's window is the one that is looked at. text is
 * a line of ours. */
void notify(struct app *, int64_t took_ms, const char *text);

#endif
