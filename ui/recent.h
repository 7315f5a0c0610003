/* recent.h: what was chosen from the palette last, kept in a small file in the state folder. */
#ifndef RECENT_H
#define RECENT_H

#include "command.h"
#include "keys.h"

enum { RECENT_MOST = 5 };

struct recent {                /* zero: nothing was, and nothing is kept */
	char *dir, *path;      /* NULL: for this run only */
	int list[RECENT_MOST]; /* numbers, the latest first; 0: no more */
};

/* Actions and commands as one row of numbers from 1 to RECENT_NUMBERS - 1. */
enum { RECENT_NUMBERS = ACTION_COUNT + COMMAND_COUNT - 1 };
int recent_number(enum action, enum command_id);    /* one of the two is NONE */
enum action recent_action(int number);              /* ACTION_NONE: it is a command */
enum command_id recent_command(int number);         /* COMMAND_NONE: it is an action */
void recent_open(struct recent *, const char *dir); /* what cannot be read or written is not kept, and that is all */
void recent_close(struct recent *);
void recent_add(struct recent *, int number);
bool recent_has(const struct recent *, int number);

#endif
