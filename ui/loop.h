/* loop.h: waits for keys, the engine, signals and time, all at once.
 *
 * Between loop_create() and loop_free() the signals below are events, and
 * SIGPIPE is ignored. */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOOP_INPUT = 1,   /* bytes, or the end, wait on the terminal */
	LOOP_HANGUP = 2,  /* the terminal is gone */
	LOOP_ENGINE = 4,  /* the engine has events */
	LOOP_SIGNAL = 8,  /* loop_signal() has one */
	LOOP_OUTPUT = 16, /* the descriptor of loop_watch() has something, or its end */
};

struct loop;

int loop_create(struct loop **, char *err, size_t errlen);
void loop_free(struct loop *);
void loop_watch(struct loop *, int fd); /* one more descriptor; -1: none */
/* Sleeps until something happens or timeout_ms (-1: no limit) pass; returns the
 * bits above. engine_fd -1: no engine. */
unsigned loop_wait(struct loop *, int tty_fd, int engine_fd, int timeout_ms);
/* Takes one of SIGINT SIGTERM SIGHUP SIGTSTP SIGCONT SIGWINCH, in arrival order; 0: none. */
int loop_signal(struct loop *);
/* Stops the process group as Ctrl+Z does and returns when it goes on. The
 * terminal must have been given back before. */
void loop_stop(struct loop *);
void loop_child(void);  /* in a child before exec: what is ignored here must not be there */
int64_t loop_now(void); /* milliseconds of a steady clock */

#endif
