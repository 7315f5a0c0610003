/* terminal_guard.h: the terminal is given back even when the program ends by a fault.
 *
 * A handler has no argument to find its terminal by, which is why terminal_guard.c
 * keeps what it needs; one terminal a process. */
#ifndef TERMINAL_GUARD_H
#define TERMINAL_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* From now on, when a fault ends the program while the terminal is ours: bytes are written to
 * fd, it gets the settings back that it has now, and message (a line) goes to standard error. */
void terminal_guard_arm(int fd, const char *message);
void terminal_guard_bytes(const char *bytes, size_t len); /* what undoes all that the screen has switched on */
void terminal_guard_ours(bool ours);                      /* false: it has been given back, or to another program */
void terminal_guard_disarm(void);                         /* the signals do what they did before */

#endif
