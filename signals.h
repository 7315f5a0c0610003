/* signals.h: signals as something to poll. The handler only writes the number
 * to a pipe; one pipe a process, which is why signals.c keeps its end. */
#ifndef SIGNALS_H
#define SIGNALS_H

/* Catches the signals in the list (0 at the end). Returns the descriptor to
 * poll, or -1. Opening again adds to the signals caught. */
int signals_open(const int *signals);
int signals_next(int fd); /* the next signal's number, 0: none waits; never blocks */
void signals_close(void); /* restores the default actions */

#endif
